"""The private names that public programs use: `_jvm`, `_jsc`, `_gateway`, `_jssc`; and what all others say."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dstreams import SparkContext
from dstreams.core.engine.errors import Py4JError, Py4JJavaError


@pytest.fixture
def levels() -> Iterator[None]:
    """The levels of our loggers, put back."""
    ours, own = logging.getLogger("dstreams"), logging.getLogger("dstreams.my.App")
    before = ours.level, own.level
    yield
    ours.setLevel(before[0])
    own.setLevel(before[1])


@pytest.mark.usefixtures("levels")
def test_the_usual_way_to_make_spark_quiet(sc: SparkContext, caplog: pytest.LogCaptureFixture) -> None:
    ours = logging.getLogger("dstreams")
    log4j = sc._jvm.org.apache.log4j
    for name in ("org", "org.apache.spark"):
        ours.setLevel(logging.NOTSET)
        log4j.LogManager.getLogger(name).setLevel(log4j.Level.ERROR)
        assert ours.level == logging.ERROR
    log4j.LogManager.getRootLogger().setLevel(log4j.Level.OFF)
    ours.error("not written")
    assert (caplog.records, str(log4j.LogManager.getRootLogger().getLevel())) == ([], "OFF")
    log4j2 = sc._jvm.org.apache.logging.log4j
    log4j2.core.config.Configurator.setRootLevel(log4j2.Level.WARN)
    assert ours.level == logging.WARNING
    log4j2.core.config.Configurator.setLevel("my.App", log4j2.Level.INFO)
    assert logging.getLogger("dstreams.my.App").level == logging.INFO


@pytest.mark.usefixtures("levels")
def test_a_logger_of_the_program_writes_below_ours(sc: SparkContext, caplog: pytest.LogCaptureFixture) -> None:
    logger = sc._jvm.org.apache.log4j.Logger.getLogger("my.App")
    for write in (logger.debug, logger.info, logger.warn, logger.error):
        write("100% of {}")
    logger.setLevel(sc._jvm.org.apache.log4j.Level.toLevel("info"))
    logger.info("now")
    sc._jvm.org.apache.logging.log4j.LogManager.getLogger("my.App").warn("{} of {}", 1, 2)
    written = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    assert written == [
        ("dstreams.my.App", "WARNING", "100% of {}"),
        ("dstreams.my.App", "ERROR", "100% of {}"),
        ("dstreams.my.App", "INFO", "now"),
        ("dstreams.my.App", "WARNING", "1 of 2"),
    ]
    assert (logger.getName(), logger.getLevel().toString(), logger.isDebugEnabled()) == ("my.App", "INFO", False)


def test_what_a_context_tells(sc: SparkContext) -> None:
    java: Any = sc._jsc
    scala = java.sc()
    assert (java.version(), scala.applicationId(), scala.appName()) == (sc.version, sc.applicationId, sc.appName)
    assert (scala.isStopped(), scala.getExecutorMemoryStatus().size()) == (False, 1)
    assert len(scala.statusTracker().getExecutorInfos()) == 1
    assert (scala.uiWebUrl().isDefined(), str(scala.uiWebUrl())) == (False, "None")
    with pytest.raises(Py4JJavaError, match=r"NoSuchElementException: None\.get"):
        scala.uiWebUrl().get()
    sc._conf.set("spark.my.key", "1")
    assert (scala.conf().get("spark.my.key"), java.getConf().get("none", "q")) == ("1", "q")
    java.setLocalProperty("mine", "2")
    assert sc.getLocalProperty("mine") == "2"
    assert sc._gateway.jvm is sc._jvm is SparkContext._jvm


def test_a_stopped_context_has_nothing_below_it() -> None:
    code = (
        "from dstreams import SparkContext\nsc = SparkContext('local[1]', 'x')\njava = sc._jsc\nsc.stop()\n"
        "print(sc._jsc, java.sc().isStopped())"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "None True\n", done.stderr


def test_the_machine_and_the_clock(sc: SparkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    system = sc._jvm.java.lang.System
    assert abs(sc._jvm.System.currentTimeMillis() - sc.startTime) < 3_600_000
    assert system.nanoTime() <= system.nanoTime()
    assert (system.getProperty("user.dir"), system.getProperty("java.version")) == (os.getcwd(), None)
    monkeypatch.setenv("MY_VARIABLE", "v")
    assert (system.getenv("MY_VARIABLE"), system.getenv()["MY_VARIABLE"]) == ("v", "v")
    assert (system.setProperty("my.name", "1"), system.getProperty("my.name")) == (None, "1")
    assert sc._jvm.java.lang.Runtime.getRuntime().availableProcessors() >= 1
    assert len(sc._jvm.java.util.UUID.randomUUID().toString()) == 36
    assert sc._jvm.org.apache.hadoop.util.VersionInfo.getVersion() == "3.3.4"


def test_files_by_hadoops_classes(sc: SparkContext, tmp_path: Path) -> None:
    hadoop = sc._jvm.org.apache.hadoop.fs
    path = hadoop.Path
    system = hadoop.FileSystem.get(sc._jsc.hadoopConfiguration())  # type: ignore[union-attr]
    (tmp_path / "a.txt").write_text("hello")
    assert (system.exists(path(str(tmp_path))), system.exists(path("file:" + str(tmp_path / "no")))) == (True, False)
    assert system.mkdirs(path(str(tmp_path), "new/sub"))
    assert (tmp_path / "new" / "sub").is_dir()
    found = sorted((one.getPath().getName(), one.isDirectory()) for one in system.listStatus(path(str(tmp_path))))
    assert found == [("a.txt", False), ("new", True)]
    assert system.getFileStatus(path(str(tmp_path / "a.txt"))).getLen() == 5
    assert system.getContentSummary(path(str(tmp_path))).getLength() == 5
    assert [one.getPath().toString() for one in system.globStatus(path(str(tmp_path / "*.txt")))] == [
        f"file:{tmp_path}/a.txt"
    ]
    assert system.rename(path(str(tmp_path / "a.txt")), path(str(tmp_path / "new")))
    files = system.listFiles(path(str(tmp_path)), True)
    assert files.hasNext()
    assert files.next().getPath().getName() == "a.txt"
    assert not files.hasNext()
    with pytest.raises(Py4JJavaError, match="is not empty"):
        system.delete(path(str(tmp_path / "new")), False)
    assert system.delete(path(str(tmp_path / "new")), True)
    assert not system.delete(path(str(tmp_path / "new")), True)
    address = sc._jvm.java.net.URI.create("hdfs://host/x")
    with pytest.raises(Py4JJavaError, match='No FileSystem for scheme "hdfs"'):
        hadoop.FileSystem.get(address, sc._hadoop)
    with pytest.raises(Py4JJavaError, match=r"FileNotFoundException: File .*/none does not exist"):
        system.listStatus(path(str(tmp_path / "none")))


@pytest.mark.parametrize(
    ("text", "shown", "name", "above"),
    [
        ("/a/b/c.txt", "/a/b/c.txt", "c.txt", "/a/b"),
        ("file:///a/", "file:/a", "a", "file:/"),
        ("hdfs://h:9/a/../b", "hdfs://h:9/b", "b", "hdfs://h:9/"),
        ("/", "/", "", "None"),
    ],
)
def test_paths(sc: SparkContext, text: str, shown: str, name: str, above: str) -> None:
    path = sc._jvm.org.apache.hadoop.fs.Path(text)
    assert (str(path), path.getName(), str(path.getParent())) == (shown, name, above)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda sc: sc._jvm.com.foo.Bar(), r"sc\._jvm\.com\.foo\.Bar is not here"),
        (lambda sc: sc._jvm.com.foo.bar(), r"sc\._jvm\.com\.foo\.bar\(\) is not here"),
        (lambda sc: sc._jvm.org.apache.spark.ml.python.MLSerDe, "MLSerDe is not here.*in Python"),
        (lambda sc: sc._jvm.java.lang.System.exit(1), r"java\.lang\.System\.exit is not here"),
        (lambda sc: sc._jsc.nosuch(), r"sc\._jsc\.nosuch is not here.*SparkContext"),
        (lambda sc: sc._gateway.shutdown(), r"sc\._gateway\.shutdown is not here"),
    ],
)
def test_all_else_is_refused_by_name(sc: SparkContext, wrong: Callable[[SparkContext], Any], named: str) -> None:
    with pytest.raises(Py4JError, match=named):
        wrong(sc)
    with pytest.raises(Py4JJavaError, match=r"x\.jar is Java code"):
        sc._jsc.sc().addJar("/x.jar")  # type: ignore[union-attr]
