"""`pyspark`, `findspark`, `py4j`: who answers, and with what? Each claim is tried in a fresh interpreter."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Ask = Callable[..., str]

# --- when the real packages are not installed
# ---------------------------------------------------------------------


def test_interpreter_start_imports_the_finder_and_nothing_else_of_ours(ask: Ask) -> None:
    assert ask("import sys; print(*(name for name in sys.modules if 'dstreams' in name))") == "_dstreams_names"


def test_importing_other_modules_does_not_import_dstreams(ask: Ask) -> None:
    assert ask("import sys, json, asyncio; print('dstreams' in sys.modules)") == "False"


def test_looking_for_pyspark_without_importing_it_does_not_import_dstreams(ask: Ask) -> None:
    code = "import sys, importlib.util as u; print(u.find_spec('pyspark').name, 'dstreams' in sys.modules)"
    assert ask(code) == "pyspark False"


def test_pyspark_has_sparks_version_and_the_public_names_of_dstreams(ask: Ask) -> None:
    code = """
import pyspark, dstreams
assert pyspark.__version__ == dstreams.SPARK_API_VERSION == "3.5.9"
names = [name for name in dstreams.__all__ if name != "__version__"]
assert all(getattr(pyspark, name) is getattr(dstreams, name) for name in names)
assert set(names) <= set(dir(pyspark)) and "SparkContext" in names
exec("from pyspark import *")
print(SparkContext is dstreams.SparkContext, pyspark.__file__ == dstreams.__file__)
"""
    assert ask(code) == "True True"


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("import pyspark", "pyspark.streaming"),
        ("import pyspark.streaming", "pyspark.streaming"),
        ("from pyspark import streaming", "streaming"),
        ("import importlib; s = importlib.import_module('pyspark.streaming')", "s"),
        ("import pyspark.streaming as s", "s"),
    ],
)
def test_each_way_to_import_a_submodule_gives_the_module_of_dstreams(ask: Ask, statement: str, name: str) -> None:
    code = f"{statement}\nimport dstreams.streaming as ours\nprint({name} is ours, {name}.DStream.__name__)"
    assert ask(code) == "True DStream"


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("pyspark.streaming.context", "dstreams.streaming.context"),
        ("pyspark.streaming.dstream", "dstreams.streaming.dstream"),
        ("pyspark.rdd", "dstreams.core.rdd"),
        ("pyspark.conf", "dstreams.core.conf"),
        ("pyspark.context", "dstreams.core.context"),
        ("pyspark.accumulators", "dstreams.core.accumulators"),
        ("pyspark.broadcast", "dstreams.core.broadcast"),
        ("pyspark.storagelevel", "dstreams.core.storagelevel"),
        ("pyspark.errors", "dstreams.errors"),
        ("pyspark.errors.exceptions.base", "dstreams.errors.exceptions.base"),
        ("pyspark.cloudpickle", "cloudpickle"),
        ("pyspark.cloudpickle.cloudpickle", "cloudpickle.cloudpickle"),
    ],
)
def test_a_submodule_is_one_module_with_two_names(ask: Ask, name: str, target: str) -> None:
    code = f"""
import sys
import {name} as alias
import {target} as module
assert alias is module is sys.modules["{name}"]
print(alias.__name__, alias.__spec__.name)
"""
    assert ask(code) == f"{target} {target}"


@pytest.mark.parametrize("name", ["pyspark.nonsense", "pyspark.streaming.nonsense", "py4j.clientserver"])
def test_a_missing_module_is_named_with_the_reason(ask: Ask, name: str) -> None:
    said = ask(f"import {name}", fails=True)
    assert said.endswith(f"ModuleNotFoundError: No module named '{name}': dstreams does not provide it")


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("pyspark.sql", "RDDs do what many queries do"),
        ("pyspark.sql.functions", "an installed PySpark runs the program unchanged"),
        ("pyspark.ml.feature", "machine learning is not part of dstreams; an installed PySpark runs"),
        ("pyspark.streaming.kafka", "Spark has had no Kafka DStreams for Python since 3.0; a Receiver of your own"),
    ],
)
def test_a_part_that_is_not_here_says_what_works_instead(ask: Ask, name: str, help: str) -> None:
    said = ask(f"import {name}", fails=True).splitlines()[-1]
    # Of a package that is not there, Python looks for the package first.
    missing = name.rpartition(".")[0] if name in ("pyspark.sql.functions", "pyspark.ml.feature") else name
    assert said.startswith(f"ModuleNotFoundError: No module named '{missing}': dstreams does not provide it. ")
    assert help in said


def test_a_missing_attribute_is_an_attribute_error(ask: Ask) -> None:
    assert ask("import pyspark; print(hasattr(pyspark, 'nonsense'), hasattr(pyspark, 'ml'))") == "False False"


def test_what_our_own_module_lacks_is_not_taken_for_a_missing_module(ask: Ask, tmp_path: Path) -> None:
    package = tmp_path / "more" / "needy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import absent_package")
    (package / "part.py").write_text("")
    for target in ("needy", "needy.part"):
        code = f"from dstreams.compat.table import *; ALIASES['pyspark.x'] = {target!r}; import pyspark.x"
        assert ask(code, path=package.parent, fails=True).endswith("No module named 'absent_package'")


def test_a_folder_called_pyspark_is_not_an_installation(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "here" / "pyspark" / "notes").mkdir(parents=True)
    assert ask("import pyspark; print(pyspark.__version__)", path=tmp_path / "here") == "3.5.9"


def test_pyspark_can_be_reloaded(ask: Ask) -> None:
    code = "import importlib, pyspark; print(importlib.reload(pyspark) is pyspark, pyspark.SparkConf.__name__)"
    assert ask(code) == "True SparkConf"


def test_findspark_accepts_everything_and_does_nothing(ask: Ask) -> None:
    code = """
import findspark, os, sys
before = list(sys.path), dict(os.environ)
findspark.init()
findspark.init("/any/path", python_path="/p", edit_rc=True, edit_profile=True)
findspark.add_packages(["a:b:1"]); findspark.add_jars("x.jar")
print(os.path.isdir(findspark.find()), before == (sys.path, dict(os.environ)))
"""
    assert ask(code) == "True True"


def test_py4j_has_the_exceptions_that_programs_catch(ask: Ask) -> None:
    code = """
from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
import py4j.protocol, dstreams.core.engine.errors as errors
print(Py4JJavaError is errors.Py4JJavaError, issubclass(Py4JJavaError, Py4JError), Py4JNetworkError.__name__)
from py4j.java_gateway import JavaGateway
try:
    JavaGateway()
except NotImplementedError as error:
    print("JVM" in str(error))
"""
    assert ask(code) == "True True Py4JNetworkError\nTrue"


def test_pickles_load_under_either_name(ask: Ask) -> None:
    code = """
import pickle, dstreams
from pyspark import StorageLevel
from pyspark.streaming import DStream
names = [(StorageLevel, "pyspark.storagelevel", "dstreams.core.storagelevel")]
names += [(DStream, "pyspark.streaming.dstream", "dstreams.streaming.dstream")]
for cls, theirs, ours in names:
    data = pickle.dumps(cls, protocol=0)
    assert cls.__module__ == theirs
    renamed = data.replace(theirs.encode(), ours.encode())
    assert renamed != data
    assert pickle.loads(data) is pickle.loads(renamed) is cls
print("same")
"""
    assert ask(code) == "same"


def test_classes_bear_the_names_by_which_programs_import_them(ask: Ask) -> None:
    code = """
from pyspark import RDDBarrier, SparkConf, SparkContext
from pyspark.streaming import StreamingContext
from pyspark.errors import PySparkRuntimeError
from pyspark.rdd import BoundedFloat, PipelinedRDD
from py4j.protocol import Py4JJavaError
import cloudpickle, pickle
print(PipelinedRDD, RDDBarrier, BoundedFloat, SparkContext, StreamingContext, Py4JJavaError, PySparkRuntimeError)
print(str(SparkConf()).partition(" ")[0])
for cls in (PipelinedRDD, RDDBarrier, BoundedFloat, StreamingContext, Py4JJavaError, PySparkRuntimeError):
    assert pickle.loads(pickle.dumps(cls)) is pickle.loads(cloudpickle.dumps(cls)) is cls
"""
    names = "rdd.PipelinedRDD rdd.RDDBarrier rdd.BoundedFloat context.SparkContext streaming.context.StreamingContext"
    told = [f"<class 'pyspark.{name}'>" for name in names.split()] + ["<class 'py4j.protocol.Py4JJavaError'>"]
    told.append("<class 'pyspark.errors.exceptions.base.PySparkRuntimeError'>")
    assert ask(code) == " ".join(told) + "\n<pyspark.conf.SparkConf"


def test_without_pyspark_classes_have_the_names_of_this_package(ask: Ask) -> None:
    assert ask("import dstreams; print(dstreams.SparkConf.__module__)") == "dstreams.core.conf"


def test_a_pickle_from_spark_loads_in_a_fresh_interpreter(ask: Ask) -> None:
    data = b"cpyspark.storagelevel\nStorageLevel\n."  # a reference to a class, as protocol 0 writes it
    assert ask(f"import pickle; print(pickle.loads({data!r}).__name__)") == "StorageLevel"


def test_every_installed_file_is_on_the_list_that_uninstall_works_from() -> None:
    listed = {str(file) for file in importlib.metadata.files("dstreams") or ()}
    assert "dstreams_names.pth" in listed
    assert "_dstreams_names.py" in listed or "dstreams.pth" in listed  # a wheel, or a development install


# --- when real PySpark is installed
# -------------------------------------------------------------------------------


def test_real_packages_stay_untouched(ask: Ask, real_spark: Path) -> None:
    code = """
import sys, pyspark, pyspark.rdd, py4j.protocol, findspark
print(pyspark.REAL, pyspark.rdd.REAL, py4j.protocol.REAL, findspark.REAL, "dstreams" in sys.modules)
"""
    assert ask(code, path=real_spark) == "True True True True False"


def test_beside_real_pyspark_a_missing_findspark_stays_missing(ask: Ask, real_spark: Path) -> None:
    (real_spark / "findspark" / "__init__.py").unlink()
    (real_spark / "findspark").rmdir()
    assert ask("import findspark", path=real_spark, fails=True).endswith("No module named 'findspark'")


def test_a_pyspark_below_spark_home_is_real_though_it_has_no_jars(ask: Ask, real_spark: Path) -> None:
    (real_spark / "pyspark" / "jars").rmdir()
    (real_spark / "pyspark" / "sql").mkdir()
    assert ask("import pyspark; print(pyspark.REAL)", path=real_spark) == "True"


def test_dstreams_by_its_own_name_works_beside_real_pyspark(ask: Ask, real_spark: Path) -> None:
    assert ask("import dstreams, pyspark; print(dstreams.SparkConf.__name__, pyspark.REAL)", path=real_spark) == (
        "SparkConf True"
    )


def test_the_variable_chooses_dstreams(ask: Ask, real_spark: Path) -> None:
    code = """
import pyspark, pyspark.rdd, py4j.protocol, findspark
print(pyspark.__version__, pyspark.rdd.__name__, py4j.protocol.__name__, findspark.__name__)
"""
    assert ask(code, path=real_spark, engine="dstreams") == (
        "3.5.9 dstreams.core.rdd dstreams.compat.py4j.protocol dstreams.compat.findspark"
    )


def test_nothing_of_real_pyspark_shows_through_when_dstreams_is_chosen(ask: Ask, real_spark: Path) -> None:
    (real_spark / "pyspark" / "ml.py").write_text("")
    said = ask("import pyspark.ml", path=real_spark, engine="dstreams", fails=True)
    assert "No module named 'pyspark.ml': dstreams does not provide it" in said


def test_the_variable_may_be_set_by_the_program_itself(ask: Ask, real_spark: Path) -> None:
    code = "import os; os.environ['DSTREAMS_ENGINE'] = 'dstreams'; import pyspark; print(pyspark.__version__)"
    assert ask(code, path=real_spark) == "3.5.9"


def test_the_variable_insists_on_spark(ask: Ask, real_spark: Path) -> None:
    assert ask("import pyspark; print(pyspark.REAL)", path=real_spark, engine="spark") == "True"


@pytest.mark.parametrize("name", ["pyspark", "findspark", "py4j"])
def test_insisting_on_a_spark_that_is_missing_is_an_error_that_says_so(ask: Ask, name: str) -> None:
    said = ask(f"import {name}", engine="spark", fails=True).splitlines()[-1]
    assert said == (
        f"ModuleNotFoundError: DSTREAMS_ENGINE=spark asks for the real {name}, which is not installed here:"
        " install it, or unset DSTREAMS_ENGINE to run on dstreams"
    )


def test_any_other_value_is_an_error_that_names_the_choices(ask: Ask) -> None:
    said = ask("import pyspark", engine="Spark", fails=True).splitlines()[-1]
    assert said == "ImportError: DSTREAMS_ENGINE is 'Spark': it must be 'dstreams' or 'spark', or not be set"
    assert ask("import json; print('fine')", engine="Spark") == "fine"


def test_an_empty_value_leaves_the_choice_open(ask: Ask, real_spark: Path) -> None:
    assert ask("import pyspark; print(pyspark.REAL)", path=real_spark, engine="") == "True"
    assert ask("import pyspark; print(pyspark.__version__)", engine="") == "3.5.9"


# --- choosing from inside a program
# -------------------------------------------------------------------------------


def test_activate_chooses_dstreams_also_for_child_interpreters(ask: Ask, real_spark: Path) -> None:
    code = """
import dstreams, subprocess, sys
dstreams.activate(); dstreams.activate()
import pyspark
dstreams.activate()
print(pyspark.__version__, flush=True)
subprocess.run([sys.executable, "-c", "import pyspark; print(pyspark.__version__)"], check=True)
"""
    assert ask(code, path=real_spark) == "3.5.9\n3.5.9"


def test_activate_comes_too_late_once_real_pyspark_is_imported(ask: Ask, real_spark: Path) -> None:
    said = ask("import pyspark, dstreams; dstreams.activate()", path=real_spark, fails=True).splitlines()[-1]
    assert said == (
        "ImportError: the real pyspark is already imported: restart Python, and call dstreams.activate()"
        " (in a notebook: %load_ext dstreams) before anything imports pyspark"
    )


def test_activate_respects_an_insisting_variable(ask: Ask, real_spark: Path) -> None:
    said = ask("import dstreams; dstreams.activate()", path=real_spark, engine="spark", fails=True)
    assert "DSTREAMS_ENGINE=spark insists on the real PySpark" in said


def test_the_notebook_extension_activates(ask: Ask, real_spark: Path) -> None:
    code = "import dstreams; dstreams.load_ipython_extension(None); import pyspark; print(pyspark.__version__)"
    assert ask(code, path=real_spark) == "3.5.9"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    folder = tmp_path / "apps"
    folder.mkdir()
    (folder / "beside.py").write_text("HERE = True\n")
    app = folder / "app.py"
    app.write_text(
        "import pickle, subprocess, sys\n"
        "import beside, pyspark\n"
        "class Mine: pass\n"
        "assert pickle.loads(pickle.dumps(Mine)) is Mine is sys.modules['__main__'].Mine\n"
        "print(__name__, __file__, __doc__, __spec__, 'run_program' in globals(), sep='|')\n"
        "print(sys.argv, sys.path[0], pyspark.__version__, flush=True)\n"
        "subprocess.run([sys.executable, '-c', 'import pyspark; print(pyspark.__version__)'], check=True)\n"
        "sys.exit(7)\n"
    )
    return app


def test_run_is_like_python_but_with_dstreams(bare_python: Path, real_spark: Path, program: Path) -> None:
    command = [bare_python, "-m", "dstreams", "run", os.path.relpath(program, real_spark), "--x", "1", "-h"]
    environment = {**os.environ, "PYTHONPATH": str(real_spark)}
    done = subprocess.run(command, cwd=real_spark, env=environment, capture_output=True, text=True, timeout=50)
    assert done.stdout.splitlines() == [
        f"__main__|{program}|None|None|False",
        f"['{os.path.relpath(program, real_spark)}', '--x', '1', '-h'] {program.parent} 3.5.9",
        "3.5.9",
    ]
    assert (done.returncode, done.stderr) == (7, "")


def test_run_of_a_missing_program_is_one_sentence(bare_python: Path) -> None:
    command = [bare_python, "-m", "dstreams", "run", "no_such_program.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "no_such_program.py" in done.stderr


# --- beside the Spark Connect client, a PySpark without a JVM
# -----------------------------------------------------


def test_beside_the_client_dstreams_answers(ask: Ask, connect_client: Path) -> None:
    code = """
import pyspark, dstreams, pyspark.streaming, pyspark.rdd, pyspark.conf
print(pyspark.__version__, pyspark.streaming is dstreams.streaming, pyspark.SparkConf is dstreams.SparkConf)
"""
    assert ask(code, path=connect_client) == "3.5.9 True True"


def test_the_clients_sql_is_loaded_from_its_files_with_what_it_imports(ask: Ask, connect_client: Path) -> None:
    code = f"""
import pyspark.sql, pyspark.sql.types, pyspark.errors, dstreams.errors
assert pyspark.sql.__file__.startswith({str(connect_client)!r})
assert pyspark.sql.Row is pyspark.sql.types.Row
assert pyspark.sql.SparkConf is dstreams.SparkConf
assert pyspark.errors.PySparkException.CLIENT
print(pyspark.errors.SparkUpgradeException is dstreams.errors.SparkUpgradeException)
"""
    assert ask(code, path=connect_client) == "True"


def test_a_name_that_neither_has_is_missing(ask: Ask, connect_client: Path) -> None:
    said = ask("import pyspark.core", path=connect_client, fails=True)
    assert said.endswith("No module named 'pyspark.core': dstreams does not provide it")


def test_the_client_does_not_satisfy_who_insists_on_spark(ask: Ask, connect_client: Path) -> None:
    said = ask("import pyspark", path=connect_client, engine="spark", fails=True)
    assert "only the Spark Connect client is installed here" in said


def test_findspark_and_py4j_are_ours_beside_the_client(ask: Ask, connect_client: Path) -> None:
    code = "import findspark; findspark.init('/opt/spark'); from py4j.protocol import Py4JJavaError; print('ok')"
    assert ask(code, path=connect_client) == "ok"
