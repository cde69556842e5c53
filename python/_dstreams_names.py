"""Who answers to the names `pyspark`, `findspark` and `py4j`: dstreams, or a real installation of them?

Imported by `dstreams_names.pth` at every interpreter start, so it must cost next to nothing: it imports only
`sys`, adds one finder to `sys.meta_path` and stops. Everything else happens when one of the three names is
first asked for.

Owns the decision; what the names then hold is `dstreams.compat`, which is not imported before it is needed.
1. `DSTREAMS_ENGINE` is the one place where a choice is kept: `dstreams`, `spark`, or unset. It is read when
   asked.
2. Unset: a name is ours only when neither it nor a real PySpark is installed. Namespace folders are no
   installation.
3. A PySpark without a SparkContext (the Spark Connect client) is not a real one. Its folder becomes
   `pyspark.__path__`.
4. The finder stands first, since only so can it overrule a found client; for a real PySpark it steps aside.
5. `__dstreams__` marks our modules. Names below a root (`pyspark.rdd`) belong to whoever answered for the
   root in this process.

The fixtures of the package make pytest look at its modules; this one is imported long before:
PYTEST_DONT_REWRITE
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

ROOTS = frozenset(("pyspark", "findspark", "py4j"))
VARIABLE = "DSTREAMS_ENGINE"


class Names:
    """Finder of the three names and of all that lies below them. Knows nothing about any other import."""

    @staticmethod
    def find_spec(
        fullname: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        root, _, below = fullname.partition(".")
        if root not in ROOTS:
            return None
        if not below:
            return _root_spec(root)
        if not is_ours(root):
            return None
        from dstreams.compat import aliases

        return aliases.find_spec(fullname, path)


class RootLoader:
    """Loads one of the three names, once it is known to be ours. Only here dstreams itself is imported."""

    @staticmethod
    def create_module(spec: "ModuleSpec") -> None:
        return None

    @staticmethod
    def exec_module(module: "ModuleType") -> None:
        from dstreams.compat import aliases

        aliases.fill_root(module)


def install() -> None:
    """Put the finder in front of the others, once."""
    if Names not in sys.meta_path:
        sys.meta_path.insert(0, Names)


def is_ours(root: str) -> bool:
    """Was this name answered by dstreams in this process?"""
    module = sys.modules.get(root)
    return getattr(module, "__dstreams__", False) is True


def chosen() -> str:
    """The engine that `DSTREAMS_ENGINE` asks for: "dstreams", "spark", or "" when the choice is ours."""
    import os

    engine = os.environ.get(VARIABLE, "")
    if engine not in ("", "dstreams", "spark"):
        raise ImportError(f"{VARIABLE} is {engine!r}: it must be 'dstreams' or 'spark', or not be set")
    return engine


def _root_spec(root: str) -> "ModuleSpec | None":
    engine = chosen()
    if engine == "dstreams":
        return _our_spec(root)
    client = connect_client() if root == "pyspark" else ""
    if _installed(root) is not None and not client:
        return None
    if engine == "spark":
        what = "which is not installed here" if not client else "but only the Spark Connect client is installed here"
        help = f"install it, or unset {VARIABLE} to run on dstreams"
        raise ModuleNotFoundError(f"{VARIABLE}=spark asks for the real {root}, {what}: {help}", name=root)
    if root != "pyspark" and real_pyspark():
        return None
    return _our_spec(root)


def real_pyspark() -> bool:
    """Is a PySpark at hand, loaded or installed, that is neither ours nor just the Spark Connect client?"""
    if "pyspark" in sys.modules:
        return not is_ours("pyspark")
    return _installed("pyspark") is not None and not connect_client()


def connect_client() -> str:
    """The package folder of an installed Spark Connect client, or "".

    Told by content, so that it works for every installer: it has `sql`, but no file that a SparkContext could
    come from (`context.py` until Spark 3, `core` since Spark 4) and no jars. A PySpark below SPARK_HOME has
    no jars of its own either, but it has a SparkContext.
    """
    import os

    spec = _installed("pyspark")
    for folder in (spec and spec.submodule_search_locations) or ():
        entries = {
            entry: os.path.exists(os.path.join(folder, entry)) for entry in ("sql", "context.py", "core", "jars")
        }
        if entries.pop("sql") and not any(entries.values()):
            return folder
    return ""


def _installed(root: str) -> "ModuleSpec | None":
    """What the other finders would load for this name; None if nothing, or a folder without `__init__.py`."""
    for finder in sys.meta_path:
        if finder is Names:
            continue
        find = getattr(finder, "find_spec", None)  # a finder of the oldest protocol has none
        spec = find(root, None) if find else None
        if spec is not None:
            return spec if spec.loader is not None else None
    return None


def _our_spec(root: str) -> "ModuleSpec":
    from importlib.machinery import ModuleSpec

    spec = ModuleSpec(root, RootLoader, origin="dstreams", is_package=root != "findspark")  # type: ignore[arg-type]
    client = connect_client() if root == "pyspark" else ""
    if client and spec.submodule_search_locations is not None:
        spec.submodule_search_locations.append(client)
    return spec


install()
