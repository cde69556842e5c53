"""How does a name like `pyspark.streaming.context` become the very module `dstreams.streaming.context`?

Owns the loading of the three roots (`fill_root`) and of everything below them (`find_spec`), once
`_dstreams_names` has decided that they are ours.
1. An alias is an entry of `sys.modules`, never a copy: classes are identical, pickles load under either name,
   and the module keeps its own `__name__` and `__spec__`.
2. `pyspark` alone is a module object of its own, because its `__version__` and `__path__` differ from those
   of dstreams.
3. Classes bear the names by which programs import them (`type(rdd)` is `pyspark.rdd.PipelinedRDD`), once `pyspark` is
   ours alone. Pickles of them hold these names, which lead back to them in every process that has this choice.
4. No name below our roots may reach the normal path finder by its `dstreams` path: it would be loaded a
   second time.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

import _dstreams_names as names
from dstreams.compat.table import ALIASES, CLIENT_NAMES, CLIENTS, INSTEAD, SHARED


class AliasLoader:
    """Puts an existing module under a second name."""

    def __init__(self, target: str) -> None:
        self.target = target

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        # The import system takes what it finds here after loading; the fresh `module` is dropped.
        sys.modules[module.__name__] = importlib.import_module(self.target)
        name_classes()


class SharedLoader(SourceFileLoader):
    """Runs the Spark Connect client's file, then adds the names of ours; `SHARED` says whose wins a tie."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        ours = importlib.import_module(ALIASES[module.__name__])
        for name in _public_names(ours):
            if SHARED[module.__name__] == "dstreams" or not hasattr(module, name):
                setattr(module, name, getattr(ours, name))


def find_spec(fullname: str, path: Sequence[str] | None) -> ModuleSpec:
    """Where a name below one of our roots comes from. Raises ModuleNotFoundError if from nowhere."""
    client = _client_spec(fullname, path)
    head = _head(fullname)
    # Below a module whose ties the client wins, its files belong together: they define what that module holds.
    if client is not None and (head in CLIENTS or (fullname != head and SHARED.get(head) == "client")):
        return client
    target = _target(fullname)
    if client is not None and target is None:
        return client
    if client is not None and fullname in SHARED and client.origin is not None:
        return _spec_of_file(fullname, client, SharedLoader(fullname, client.origin))
    if target is None:
        missing = f"No module named {fullname!r}: dstreams does not provide it"
        raise ModuleNotFoundError(missing + _instead(fullname), name=fullname)
    return ModuleSpec(fullname, AliasLoader(target), origin=target)  # type: ignore[arg-type]


def fill_root(module: ModuleType) -> None:
    """Make the new module `pyspark`, `findspark` or `py4j` what its name promises."""
    if module.__name__ == "pyspark":
        _fill_pyspark(module)
    else:
        AliasLoader(ALIASES[module.__name__]).exec_module(module)


def _fill_pyspark(module: ModuleType) -> None:
    import dstreams

    public = [name for name in dstreams.__all__ if name != "__version__"]
    module.__dict__.update(
        __dstreams__=True,
        __doc__=dstreams.__doc__,
        __file__=dstreams.__file__,
        __version__=dstreams.SPARK_API_VERSION,
        __all__=[*public, "__version__"],
        __getattr__=_lazily(module, frozenset(public)),
        __dir__=lambda: sorted({*module.__dict__, *public}),
    )
    for name in public:
        if name in vars(dstreams) and not (name in CLIENT_NAMES and module.__path__):
            setattr(module, name, vars(dstreams)[name])
    name_classes()


def _lazily(module: ModuleType, public: frozenset[str]) -> Callable[[str], object]:
    """`pyspark.x` for names that dstreams itself loads late, and for submodules not imported yet."""

    def get(name: str) -> object:
        import dstreams

        if name in CLIENT_NAMES and module.__path__:
            value: object = getattr(importlib.import_module(CLIENT_NAMES[name]), name)
        elif name in public:
            value = getattr(dstreams, name)
        elif f"pyspark.{name}" in ALIASES:
            try:
                return importlib.import_module(f"pyspark.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"pyspark.{name}":
                    raise
                raise AttributeError(f"module 'pyspark' has no attribute {name!r}", name=name, obj=module) from None
        else:
            raise AttributeError(f"module 'pyspark' has no attribute {name!r}", name=name, obj=module)
        setattr(module, name, value)
        return value

    return get


def _public_names(module: ModuleType) -> list[str]:
    listed: list[str] | None = getattr(module, "__all__", None)
    return listed if listed is not None else [name for name in vars(module) if not name.startswith("_")]


def _head(fullname: str) -> str:
    """The row that a name belongs to: `pyspark.sql` for `pyspark.sql.types`, `py4j` for `py4j.protocol`."""
    root, _, below = fullname.partition(".")
    return root if root in ALIASES else f"{root}.{below.partition('.')[0]}"


def _instead(fullname: str) -> str:
    """What to do without a module that is not here, if there is something to say."""
    parts = fullname.split(".")
    above = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((f". {INSTEAD[name]}" for name in above if name in INSTEAD), "")


def _target(fullname: str) -> str | None:
    """The module of ours behind a name, if there is one."""
    head = _head(fullname)
    if head not in ALIASES:
        return None
    target = ALIASES[head] + fullname.removeprefix(head)
    try:
        return target if importlib.util.find_spec(target) is not None else None
    except ModuleNotFoundError as error:
        if error.name and (target == error.name or target.startswith(error.name + ".")):
            return None
        raise  # ours, but it needs a package that is missing: that is the news


def _client_spec(fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """The Spark Connect client's file for a name, if such a client is installed and has it."""
    root = sys.modules["pyspark"] if fullname.startswith("pyspark.") else None
    client: Sequence[str] = root.__path__ if root is not None else ()
    if not client or path is None:
        return None
    inside = [folder for folder in path if any(folder == top or folder.startswith(top + os.sep) for top in client)]
    return PathFinder.find_spec(fullname, inside) if inside else None


def _spec_of_file(fullname: str, found: ModuleSpec, loader: SharedLoader) -> ModuleSpec:
    folders = found.submodule_search_locations
    spec = importlib.util.spec_from_file_location(
        fullname,
        found.origin,
        loader=loader,
        submodule_search_locations=list(folders) if folders is not None else None,
    )
    assert spec is not None, "a loader was given"
    return spec


# -- names of classes -------------------------------------------------------------------------------
_named: set[str] = set()


def name_classes() -> None:
    """Gives the classes of all modules loaded so far their names in `pyspark` and `py4j`."""
    root = sys.modules.get("pyspark")
    # Beside a Spark Connect client, names below `pyspark` may be its own.
    if root is None or not names.is_ours("pyspark") or root.__path__:
        return
    known = [(alias, target) for alias, target in ALIASES.items() if alias.startswith("pyspark.")]
    importlib.import_module("py4j")
    if names.is_ours("py4j"):
        importlib.import_module("dstreams.compat.py4j.protocol")
        known.append(("py4j", ALIASES["py4j"]))
    loaded = [(name, module) for name, module in list(sys.modules.items()) if name.startswith("dstreams.")]
    own = {name: alias for name, _ in loaded if (alias := _alias_of(name, known)) is not None}
    for name, module in loaded:
        if name in own and name not in _named and getattr(module, "__name__", None) == name:
            sys.modules.setdefault(own[name], module)
            _name_classes_of(module, own)
            _named.add(name)


def _alias_of(name: str, known: list[tuple[str, str]]) -> str | None:
    for alias, target in known:
        if name == target or name.startswith(target + "."):
            return alias + name.removeprefix(target)
    return None


def _name_classes_of(module: ModuleType, own: dict[str, str]) -> None:
    """Classes defined there, and those that it offers from a module which has no other name."""
    offered = getattr(module, "__all__", ())
    for name, value in list(vars(module).items()):
        if not isinstance(value, type) or not value.__module__.startswith("dstreams.") or value.__name__ != name:
            continue
        if value.__module__ == module.__name__ or (name in offered and value.__module__ not in own):
            value.__module__ = own[module.__name__]
