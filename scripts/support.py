"""Which of PySpark's names does dstreams have, and where does it differ? Writes `docs/support.md`.

  python scripts/support.py            print the page
  python scripts/support.py --write    write it
  python scripts/support.py --verify   fail if it is not what would be written now
  python scripts/support.py --list FULL.json   make `docs/pyspark_api.json` anew from a full list of PySpark's names

Owns the comparison and the hand-kept sentences about behaviour (`BEHAVIOUR`, `EVERYWHERE`). Modules are imported and
inspected; nothing is called. What each name has to look like is in `docs/pyspark_api.json`, one name a line.
1. A name works, differs (in its parameters, or as a sentence below says), or is missing; nothing in between.
2. A sentence about a name that PySpark lacks, or that dstreams lacks, is an error: sentences cannot outlive names.
3. The page is the same on every CPython and platform.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import re
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dstreams.compat.table import ALIASES

ROOT = Path(__file__).resolve().parents[1]
NAMES = ROOT / "docs" / "pyspark_api.json"
PAGE = ROOT / "docs" / "support.md"

AREAS = {
    "core-rdd": "RDDs and contexts",
    "streaming": "Streams",
    "connectors": "Connectors",
}

SECOND_NAMES = "The same under a second name"

# What holds for no single name.
EVERYWHERE = [
    "Not here at all: `pyspark.sql` (DataFrames, `SparkSession`; `Row` is `pyspark.Row`), Structured Streaming, "
    "`pyspark.ml`, `pyspark.mllib`, `pyspark.pandas`. Importing them raises `ModuleNotFoundError`. (Beside an "
    "installed Spark Connect client, `pyspark.sql` is the client's.)",
    "Everything runs on this machine, in one process. Tasks are threads of the program's own process, where Spark has "
    "worker processes: a function of a task is a copy, but variables of imported modules, what a task sets in "
    "`os.environ`, the standard output of processes that a task starts, the current "
    "folder and the state of `random` are the program's own. With `spark.dstreams.python.workers` = n functions run in "
    "n worker processes, as on a cluster: of all these, only the current folder is the program's there.",
    "What shuffles, groupings, sorts and persisted partitions hold beyond `spark.executor.memory` (or "
    "`spark.driver.memory`) times `spark.memory.fraction` goes to files in `spark.local.dir`. Sizes below Spark's "
    "minimum of 450 MB are accepted. `spark.dstreams.memory.limit` sets the bytes themselves; "
    "`spark.python.worker.memory` bounds what a task gathers. Input of `parallelize`, results in the driver, received "
    "lines and the values of one key must fit into memory.",
    "Functions that only compute from their arguments run natively, with Python's answers; `DSTREAMS_NATIVE=0` in the "
    "environment has all functions called.",
    "Files are local: a path, or a `file:` address. Other file systems are refused.",
    "`__hash__()` of text and, in functions of imported modules, `hash()` of text follow the program's own hash seed; "
    "Spark's workers use seed 0. In the program's own functions `hash()` gives Spark's answer. Functions that make "
    "sets, whose order follows the seed, run in worker processes with seed 0; `spark.dstreams.python.workers` = `none` "
    "has them run in the program's process. Operations by key hash as Spark's workers do, except keys of classes whose "
    "own `__hash__` hashes text. With `PYTHONHASHSEED=0` there is no difference.",
    "Settings that have an effect: `spark.master`, `spark.app.name`, `spark.default.parallelism`, "
    "those of memory and local folders named above, and of "
    "`spark.streaming`: `backpressure.*`, `blockInterval`, `clock`, `concurrentJobs`, "
    "`fileStream.minRememberDuration`, `gracefulStopTimeout` (unlimited unless set; batches that are queued run all "
    "the same), `receiver.maxRate`, `receiverRestartDelay` (for receivers in Python), `stopGracefullyOnShutdown`, "
    "`ui.retainedBatches` (for `recentBatches`) and "
    "`unpersist`, and three for worker processes: `spark.dstreams.python.workers` (their number; 0, the default: "
    "none), `spark.task.maxFailures` (tries of a task whose worker process dies; 4) and `spark.executorEnv.*` (their "
    "environment). `stopSparkContextByDefault` has none on `stop()`, as in PySpark. All others are kept, and returned "
    "when asked for. There is no `spark-defaults.conf`; `PYSPARK_SUBMIT_ARGS` is read for `--master`, "
    "`--name`, `--conf`, `--driver-memory` and `--executor-memory`.",
    "Exceptions have Spark's classes. Their texts are our own: a failed task's begins with the traceback of the "
    "program's function, without a Java stack, and the program's own exception is the `__cause__`.",
    "Classes of the program itself are shared with its tasks, not copied: a task sees, and may change, their "
    "attributes as they are now.",
    "Results that cannot be pickled (generators, say) fail a job as in Spark, but not when they are hidden in a list, "
    "tuple, dict or set.",
    "Making a `StreamingContext` gives no `FutureWarning` about DStreams.",
    "More than PySpark has, after Spark's Scala API: `mapWithState` with `StateSpec` and `State`, "
    "`pyspark.streaming.receiver.Receiver` with `receiverStream`, `socketStream` and `rawSocketStream`. Programs that "
    "use them do not run on Apache Spark's PySpark.",
    "There is no web page about a running program, no event log and no `spark-submit`.",
    "A receiver stops reading while 1 GiB of what it received waits to be processed "
    "(`spark.dstreams.receiver.maxWaiting`), where Spark would go on to fill the disk. Nothing is dropped.",
    "On SIGTERM a running stream is stopped before the process ends, gracefully with "
    "`spark.streaming.stopGracefullyOnShutdown`; PySpark's Python process dies at once. A program's own handler is "
    "left alone.",
    "`RDD.explain()` and `DStream.explain()` are not in PySpark: they print which functions run natively, and why "
    "others do not.",
    "Two methods of `StreamingContext` are not in PySpark: `advance(batches)` turns a manual clock (see "
    "[testing.md](testing.md)), `recentBatches()` tells what is known of the last batches.",
]

_INTERRUPTS = "Cancelled tasks are always interrupted, as soon as they run Python code again."
_RECEIVERS = (
    "Called in a thread of its own. Receivers run in the program's process: `location()` is `localhost`, "
    "`executorId()` `driver`."
)
_ONE_COPY = "There is one copy, whatever the level says; off-heap memory is memory."

_NO_DATAFRAMES = "Making one raises `PySparkNotImplementedError`: there are no DataFrames."

# Name -> how it behaves differently. One or two sentences each.
BEHAVIOUR = {
    "pyspark:SparkContext": "Masters are `local`, `local[n]`, `local[*]`, `local[n, failures]` and "
    "`local-cluster[...]` (threads of this process too); those of clusters raise `Py4JJavaError`. `sparkHome`, "
    "`gateway` and `jsc` are accepted and not used.",
    "pyspark:HiveContext": _NO_DATAFRAMES,
    "pyspark:SQLContext": _NO_DATAFRAMES,
    "pyspark:RDD.toDF": "Always raises what Spark raises before there is a SparkSession.",
    "pyspark:SparkContext.show_profiles": "Functions of this package show where Spark's show those of its workers.",
    "pyspark:SparkContext.addFile": "Takes local files only, and an address with `file:` or none.",
    "pyspark:SparkContext.resources": "Always empty.",
    "pyspark:SparkContext.setInterruptOnCancel": _INTERRUPTS,
    "pyspark:SparkContext.setJobGroup": _INTERRUPTS,
    "pyspark:SparkContext.setSystemProperty": "Sets a default for each `SparkConf` made afterwards; names that do not "
    "begin with `spark.` are ignored.",
    "pyspark:SparkContext.setLogLevel": "Sets the level of Python's logger `dstreams`, where warnings and errors go.",
    "pyspark:SparkContext.sequenceFile": "Reads text, bytes, bools, numbers, nulls and maps of these. Converters, "
    "which are Java classes, and other kinds raise `Py4JJavaError`.",
    "pyspark:SparkContext.textFile": "Of compressed files, `.gz`, `.bz2`, `.deflate` and `.zst` can be read; the "
    "lines of a `.bz2` are all in the first of its partitions. Others (`.lz4`, `.snappy`) raise `Py4JJavaError`.",
    "pyspark:SparkContext.uiWebUrl": "Always None.",
    "pyspark:BarrierTaskContext.getTaskInfos": "All addresses are `localhost`.",
    "pyspark:RDDBarrier.mapPartitions": "More partitions than task threads raise `Py4JJavaError` at the action; Spark "
    "first waits ten minutes for more threads. A stage that is tried again has a new number.",
    "pyspark:RDD.persist": _ONE_COPY,
    "pyspark:RDD.cleanShuffleDependencies": "Returns when it is done, whatever `blocking` says.",
    "pyspark:RDD.countApprox": "Exact: the job runs to its end, whatever the timeout.",
    "pyspark:RDD.meanApprox": "Exact: the job runs to its end, whatever the timeout.",
    "pyspark:RDD.sumApprox": "Exact: the job runs to its end, whatever the timeout.",
    "pyspark:RDD.pipe": "The command also gets the program's `PATH`; in Spark it gets nothing but `env`.",
    "pyspark:RDD.saveAsSequenceFile": "Writes text, bytes, bools, numbers, None and dicts of these. The codecs are "
    "those of `saveAsTextFile`, applied to each value.",
    "pyspark:RDD.saveAsTextFile": "Of Hadoop's codecs there are `GzipCodec`, `BZip2Codec`, `DefaultCodec`, "
    "`DeflateCodec` and `ZStandardCodec`.",
    "pyspark:RDD.toDebugString": "As Spark draws it; sizes of what is kept are this engine's own.",
    "pyspark.streaming:DStream.checkpoint": "`start()` asks for a folder and a fitting interval, and each batch is "
    "kept, as in Spark. What is saved of a stream, and that it is saved after each batch, does not depend on it.",
    "pyspark.streaming:DStream.persist": _ONE_COPY,
    "pyspark.streaming:DStream.reduceByKeyAndWindow": "With an inverse, a negative slide raises `Py4JJavaError` at "
    "once; Spark's stream breaks at its first batch.",
    "pyspark.streaming:StreamingContext": "A batch duration below one millisecond raises `ValueError`. Spark accepts "
    "it and never runs a batch.",
    "pyspark.streaming:StreamingContext.checkpoint": "Written after each batch, with the data of states and windows in "
    "it; see [reliability.md](reliability.md). The format is dstreams' own.",
    "pyspark.streaming:StreamingContext.getActiveOrCreate": "As `getOrCreate` when there is no active context.",
    "pyspark.streaming:StreamingContext.getOrCreate": "The batch of the checkpoint is complete and does not run again; "
    "in Spark it does. Checkpoints with a `queueStream` can be gone on from. Those that Spark wrote cannot be read.",
    "pyspark.streaming:StreamingContext.remember": "A duration below one millisecond raises `ValueError`; Spark "
    "accepts it.",
    "pyspark.streaming:StreamingContext.union": "Streams of any sources go together; Spark raises `ValueError` where "
    "their elements are serialized in different ways, as those of a queue and of a socket.",
    "pyspark.streaming:StreamingContext.socketTextStream": "A host that is no text raises `TypeError`, a port outside "
    "1 to 65535 `ValueError`; Spark accepts any port. Lines stay in memory whatever the storage level says; one above "
    "64 MiB is left out with a warning.",
    "pyspark.streaming:StreamingContext.textFileStream": "A file that vanished, or cannot be read, is warned about and "
    "left out; in Spark its batch fails. Compressed files are read as `textFile` reads them.",
    "pyspark.streaming:StreamingListener.onReceiverError": _RECEIVERS,
    "pyspark.streaming:StreamingListener.onReceiverStarted": _RECEIVERS,
    "pyspark.streaming:StreamingListener.onReceiverStopped": _RECEIVERS,
}

Entry = dict[str, Any]
STARS = {"var_positional": "*", "var_keyword": "**", "keyword_only": "kw:"}


class Finding(NamedTuple):
    """How one name fares."""

    name: str
    state: str  # "works", "differs" or "missing"
    how: str = ""


# -- looking at what is there -----------------------------------------------------------------------
def find(key: str) -> Any:
    """The object behind a name such as `pyspark.rdd:RDD.map`, as its class holds it. LookupError if there is none."""
    module_name, path = key.split(":")
    first, *rest = path.split(".")
    try:
        module = importlib.import_module(our_module(module_name))
    except ModuleNotFoundError as error:
        raise LookupError(key) from error
    if not hasattr(module, first) or (module_name == "pyspark" and first not in module.__all__):
        raise LookupError(key)
    found: Any = getattr(module, first)
    for name in rest:
        try:
            found = inspect.getattr_static(found, name)
        except AttributeError as error:
            if not is_set_by_instances(found, name):
                raise LookupError(key) from error
            return property()
    return found


def our_module(name: str) -> str:
    """The module that `import pyspark.x` leads to."""
    if name == "pyspark":
        return "dstreams"
    head = ".".join(name.split(".")[:2])
    if head not in ALIASES:
        raise LookupError(name)
    return ALIASES[head] + name.removeprefix(head)


def is_set_by_instances(owner: Any, name: str) -> bool:
    """Whether a method of the class assigns `self.name`."""
    return inspect.isclass(owner) and re.search(rf"\bself\.{name}\b[^=\n]*=[^=]", inspect.getsource(owner)) is not None


def parameters_of(found: Any, in_class: bool) -> list[inspect.Parameter]:
    """What a caller may pass, without self or cls."""
    if isinstance(found, type):
        return list(inspect.signature(found).parameters.values())
    bound = isinstance(found, classmethod) if isinstance(found, (classmethod, staticmethod)) else in_class
    function = found.__func__ if isinstance(found, (classmethod, staticmethod)) else found
    return list(inspect.signature(function).parameters.values())[bound:]


def differences(wanted: Entry, found: Any, in_class: bool) -> Iterator[str]:
    """In which ways an object is not what the list says."""
    if wanted["kind"] == "value":
        if inspect.isroutine(found) or isinstance(found, (classmethod, staticmethod)):
            yield "a method"
        return
    if wanted["kind"] == "class" and not isinstance(found, type):
        yield "no class"
        return
    if not callable(found) and not isinstance(found, (classmethod, staticmethod)):
        yield "no method"
        return
    for base in wanted.get("bases", ()):
        if base not in {each.__name__ for each in found.__mro__}:
            yield f"not derived from `{base}`"
    if "params" in wanted:
        yield from parameter_differences(wanted["params"], wanted.get("jvm", []), parameters_of(found, in_class))


def parameter_differences(wanted: list[str], jvm: list[str], found: list[inspect.Parameter]) -> Iterator[str]:
    """`wanted` is written as in a signature; parameters named in `jvm` are of use to Spark alone."""
    ours = {parameter.name: shown(parameter) for parameter in found if parameter.name not in jvm}
    names = [name_in(text) for text in wanted]
    if list(ours) != names:
        yield f"takes `({', '.join(ours.values())})` instead of `({', '.join(wanted)})`"
        return
    for text, here in zip(wanted, ours.values(), strict=True):
        if here != text and not stand_for_nothing(here, text):
            yield f"`{here}` instead of `{text}`"


def stand_for_nothing(here: str, wanted: str) -> bool:
    """Whether two defaults only differ in which function, class or object means "none given"."""
    ours, theirs = here.partition("=")[2], wanted.partition("=")[2]
    return bool(ours and theirs) and not is_literal(theirs) and (ours == "None" or not is_literal(ours))


def is_literal(text: str) -> bool:
    """Whether it is a plain value as Python writes it."""
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True


def shown(parameter: inspect.Parameter) -> str:
    """A parameter as in a signature, without its annotation."""
    default = ""
    if parameter.default is not parameter.empty:
        value = parameter.default
        named = inspect.isfunction(value) or isinstance(value, type)
        default = "=" + (value.__name__ if named else re.sub(r" object at 0x\w+", "", repr(value)))
    return STARS.get(parameter.kind.name.lower(), "") + parameter.name + default


def name_in(text: str) -> str:
    """The name of a parameter as `shown` writes it."""
    return text.partition("=")[0].removeprefix("kw:").lstrip("*")


def check(key: str, wanted: Entry) -> Finding:
    """How one name fares."""
    name = key.split(":")[1].rpartition(".")[2]
    try:
        found = find(key)
    except LookupError:
        if key in BEHAVIOUR:
            raise SystemExit(f"BEHAVIOUR speaks of {key}, which dstreams lacks") from None
        return Finding(name, "missing")
    if wanted["kind"] == "alias":
        try:
            same = found is find(wanted["of"])
        except LookupError:
            same = True
        how = [] if same else [f"not the same as `{wanted['of'].replace(':', '.')}`"]
    else:
        how = [text[0].upper() + text[1:] + "." for text in differences(wanted, found, "." in key.split(":")[1])]
    if key in BEHAVIOUR:
        how.append(BEHAVIOUR[key])
    return Finding(name, "differs" if how else "works", " ".join(how))


# -- the page ---------------------------------------------------------------------------------------
def page() -> str:
    """The text of `docs/support.md`."""
    listed = json.loads(NAMES.read_text(encoding="utf-8"))
    unknown = BEHAVIOUR.keys() - {key for entries in listed["areas"].values() for key in entries}
    if unknown:
        raise SystemExit(f"BEHAVIOUR speaks of names that PySpark lacks: {sorted(unknown)}")
    areas = {area: groups_of(entries) for area, entries in listed["areas"].items()}
    lines = [
        "# What of PySpark's API works",
        "",
        "<!-- Written by `python scripts/support.py --write` from docs/pyspark_api.json and the installed package. -->",
        "",
        *wrapped(
            f"Compared with PySpark {listed['version']}, name by name. A name *works* when it takes the same arguments "
            "and no difference in what it does is known; it *differs* when it is there, but as the table says; or it "
            "is *missing*, and using it raises `AttributeError` or `ImportError`. Names that are of use only beside a "
            "JVM are not counted."
        ),
        "",
        "| Area | works | differs | missing |",
        "|---|--:|--:|--:|",
    ]
    for area, groups in areas.items():
        found = [finding for findings in groups.values() for finding in findings]
        lines.append(
            f"| {AREAS[area]} | {counted(found, 'works')} | {counted(found, 'differs')} | {counted(found, 'missing')} |"
        )
    lines += ["", "## Differences everywhere", ""]
    for sentence in EVERYWHERE:
        lines += wrapped(sentence, "- ")
    for area, groups in areas.items():
        lines += ["", f"## {AREAS[area]}", *area_lines(groups)]
    return "\n".join(lines) + "\n"


def groups_of(entries: dict[str, Entry]) -> dict[str, list[Finding]]:
    """The findings by class; a module's functions by module; second names of the same thing under one heading."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    for key, wanted in entries.items():
        module, path = key.split(":")
        finding = check(key, wanted)
        if wanted["kind"] == "alias":
            groups[SECOND_NAMES].append(finding._replace(name=f"{module}.{path}"))
        elif wanted["kind"] == "class":
            groups[f"{module}.{path}"].append(finding._replace(name=f"{path}(...)"))
        else:
            owner = path.rpartition(".")[0]
            groups[f"{module}.{owner}" if owner else module].append(finding)
    return groups


def area_lines(groups: dict[str, list[Finding]]) -> Iterator[str]:
    """The groups of an area, those of which something is there first; the others in one list."""
    absent = [group for group, found in groups.items() if all(finding.state == "missing" for finding in found)]
    present = [group for group in groups if group not in absent]
    for group in sorted(present, key=lambda group: (group == SECOND_NAMES, group.lower(), group)):
        yield from group_lines(group, groups[group])
    if absent:
        yield from ("", "### Missing as a whole", "")
        named = (
            f"`{group}`" if group[group.rfind(".") + 1].isupper() else only_functions(group, groups[group])
            for group in sorted(absent)
        )
        yield from wrapped(", ".join(named) + ".")


def only_functions(module: str, found: list[Finding]) -> str:
    """A module's functions by their full names."""
    return ", ".join(f"`{module}.{finding.name}`" for finding in found)


def group_lines(group: str, found: list[Finding]) -> Iterator[str]:
    """One class, or one module's functions."""
    there = len(found) - counted(found, "missing")
    title = group if group == SECOND_NAMES else f"`{group}`"
    yield from ("", f"### {title}", "", f"{there} of {len(found)} names.")
    works = [finding.name for finding in found if finding.state == "works"]
    if works:
        yield ""
        yield from wrapped("Works: " + ", ".join(f"`{name}`" for name in sorted(works)) + ".")
    differs = sorted((finding for finding in found if finding.state == "differs"), key=lambda finding: finding.name)
    if differs:
        yield from ("", "| Differs | How |", "|---|---|")
        yield from (f"| `{finding.name}` | {finding.how} |" for finding in differs)
    missing = [finding.name for finding in found if finding.state == "missing"]
    if missing:
        yield ""
        yield from wrapped("Missing: " + ", ".join(f"`{name}`" for name in sorted(missing)) + ".")


def counted(found: Iterable[Finding], state: str) -> int:
    """How many are in a state."""
    return sum(finding.state == state for finding in found)


def wrapped(text: str, first: str = "") -> list[str]:
    """A paragraph in lines, or an item of a list."""
    return textwrap.wrap(
        text,
        118,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


# -- the list of names ------------------------------------------------------------------------------
def compact(full: dict[str, Any], version: str) -> str:
    """`docs/pyspark_api.json` from a full list: one entry per name with kind, params, area, versions, differs, jvm."""
    areas: dict[str, list[str]] = {area: [] for area in AREAS}
    for key, entry in sorted(full["entries"].items()):
        if version not in entry["versions"] or entry["area"] not in AREAS or entry.get("jvm"):
            continue
        wanted = compact_entry({**entry, **entry.get("differs", {}).get(version, {})})
        areas[entry["area"]].append(f"  {json.dumps(key)}: {json.dumps(wanted)}")
    body = ",\n".join(f' "{area}": {{\n' + ",\n".join(lines) + "\n }" for area, lines in areas.items())
    about = (
        "Public names of PySpark, as module:Class.member. params are written as in a signature; of a class, they are "
        "its constructor's, and those in jvm, which only Spark's own JVM objects can fill, are left out."
    )
    return f'{{\n"about": {json.dumps(about)},\n"version": {json.dumps(version)},\n"areas": {{\n{body}\n}}\n}}\n'


def compact_entry(entry: Entry) -> Entry:
    """One name."""
    kind = entry["kind"]
    if kind == "alias":
        return {"kind": kind, "of": entry["of"]}
    if kind in ("property", "attribute"):
        return {"kind": "value"}
    made: Entry = {"kind": "class" if kind == "class" else "call"}
    if entry.get("bases"):
        made["bases"] = [re.split("[:.]", base)[-1] for base in entry["bases"]]
    params = entry.get("params")
    # Without a default, a parameter for Spark's JVM objects makes a constructor that only Spark calls.
    if params is not None and not any(each.get("jvm") and "default" not in each for each in params):
        made["params"] = [
            STARS.get(each["kind"], "") + each["name"] + ("=" + each["default"] if "default" in each else "")
            for each in params
            if not each.get("jvm")
        ]
        jvm = [each["name"] for each in params if each.get("jvm")]
        if jvm:
            made["jvm"] = jvm
    return made


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help="write docs/support.md")
    what.add_argument("--verify", action="store_true", help="fail if docs/support.md is not what would be written")
    what.add_argument("--list", type=Path, metavar="FULL", help="make docs/pyspark_api.json anew from a full list")
    parser.add_argument("--version", default="3.5.9", help="PySpark's version, with --list (default: 3.5.9)")
    given = parser.parse_args()
    if given.list:
        full = json.loads(given.list.read_text(encoding="utf-8"))
        NAMES.write_text(compact(full, given.version), encoding="utf-8")
    elif given.write:
        PAGE.write_text(page(), encoding="utf-8")
    elif given.verify:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
            print("docs/support.md is out of date: run `python scripts/support.py --write`", file=sys.stderr)
            return 1
    else:
        sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
