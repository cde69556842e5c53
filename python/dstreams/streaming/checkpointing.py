"""What of a stream does a checkpoint hold that only Python knows, and how does a stream come back from it?

Owns the pickle of a graph's functions and receivers, the parts of the tables of `mapWithState`, and the way from a
checkpoint to a StreamingContext. Files, their order and their safety are the engine's (`src/durable`).
1. Functions are pickled by value where they live in the program itself, as for tasks; what cannot be pickled is named.
2. Reading a checkpoint loads these pickles, and those of the objects in states, tables and queues: so what this program
   cannot load is told before anything runs.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import pickle
import sys
import traceback
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from dstreams import _native
from dstreams.core.closures import by_value
from dstreams.core.conf import SparkConf
from dstreams.core.context import SparkContext
from dstreams.core.engine.errors import Py4JJavaError, java_error
from dstreams.core.io.output import local_path
from dstreams.core.rdds.checkpoint import checkpoint_path
from dstreams.streaming.log import logger
from dstreams.streaming.mapwithstate import Stateful, watch_oldest
from dstreams.streaming.receiver import Receiver
from dstreams.streaming.settings import (
    block_interval_ms,
    clock_jump_ms,
    logs_received,
    receiver_limits,
    restart_delay_ms,
    waiting_bytes,
)
from dstreams.streaming.steady import are_same, facts_of
from dstreams.streaming.supervisor import Supervisor, supervise

if TYPE_CHECKING:
    from dstreams.streaming.context import StreamingContext

Functions = list[Callable[..., Any]]
Facts = list[Any] | None
"""What `steady.facts_of` gives."""

ANY_OWNER = "DSTREAMS_CHECKPOINTS_OF_ANYBODY"
"""The environment variable that allows checkpoints which another user could have written."""
LOCKS = "DSTREAMS_CHECKPOINT_LOCKS"
"""The environment variable that turns locks off: `off` is as on a file system that has none."""
# Settings that belong to one run.
_OF_A_RUN = {"spark.app.id", "spark.app.startTime", "spark.driver.host", "spark.driver.port", "spark.executor.id"}


# -- writing ----------------------------------------------------------------------------------------
def dump_if_changed(
    functions: Functions, supervisors: list[tuple[int, Supervisor]], before: Facts
) -> tuple[bytes | None, Facts]:
    """The pickle of a graph and the facts it is made of; no pickle if the facts are those of the last one."""
    facts = facts_of(functions)
    if are_same(before, facts):
        return None, facts
    return dump_graph(functions, supervisors), facts


def dump_graph(functions: Functions, supervisors: list[tuple[int, Supervisor]]) -> bytes:
    """One pickle of all functions, so that they share what they share now, and of the receivers as they began."""
    receivers = {node: supervisor.dump_receiver() for node, supervisor in supervisors}
    return by_value.dumps((functions, receivers))


def begin_keeping(ssc: StreamingContext, directory: str, supervisors: list[tuple[int, Supervisor]]) -> None:
    """Has checkpoints written into a folder, which is this stream's until it has ended.

    Raises: Py4JJavaError: an IOException for what cannot be pickled and for a folder of somebody else, a
    SparkException, with the process, when another stream writes to it.
    """
    functions: Functions = ssc._graph.functions()
    try:
        dumped = dump_graph(functions, supervisors)
    except Exception as error:  # whatever a `__reduce__` raises
        raise _not_picklable(functions, supervisors, error) from error
    conf = ssc._sc._conf
    how = (_of_anybody(), os.environ.get(LOCKS) != "off", logs_received(conf))
    ssc._graph.keep_in(local_path(directory), how, conf.getAll(), _program(), dumped)


def check_logs(ssc: StreamingContext, directory: str | None) -> None:
    """Raises: Py4JJavaError when received data are to be logged and there is no folder for it."""
    if directory is None and ssc._has_receivers and logs_received(ssc._sc._conf):
        raise java_error(
            "org.apache.spark.SparkException",
            "Cannot enable receiver write-ahead log without checkpoint directory set. Please use "
            "streamingContext.checkpoint() to set the checkpoint directory.",
        )


def check_whole(ssc: StreamingContext) -> None:
    """Raises: Py4JJavaError when there are outputs that the checkpoint the context came from does not have."""
    if ssc._outputs_before is not None and len(ssc._graph.outputs()) > ssc._outputs_before:
        raise java_error(
            "org.apache.spark.SparkException",
            "a DStream has not been initialized: it was added after the context came back from its checkpoint. All "
            "streams and outputs have to be made in the setup function of StreamingContext.getOrCreate",
        )


def table_parts(functions: Functions, time: int, whole: bool) -> list[tuple[int, int, int, int, bytes]]:
    """(tables, partition, and a `Part`) of all states after the batch of a time, in milliseconds."""
    return [part for stateful in _statefuls(functions) for part in stateful.parts(time, whole)]


def _statefuls(functions: Functions) -> list[Stateful]:
    found = {}
    for function in functions:
        owner = function.__self__ if isinstance(function, MethodType) else None
        if isinstance(owner, Stateful):
            found[owner.number] = owner
    return list(found.values())


def _program() -> tuple[str, str, str]:
    """Version of Python, and the program's file with a sum of it; empty where there is no file."""
    file = getattr(sys.modules.get("__main__"), "__file__", None) or ""
    path = os.path.abspath(file) if file else ""
    if not os.path.isfile(path):
        return "{}.{}".format(*sys.version_info[:2]), "", ""
    with open(path, "rb") as program:
        return "{}.{}".format(*sys.version_info[:2]), path, hashlib.sha256(program.read()).hexdigest()


# -- what cannot be pickled -------------------------------------------------------------------------
def _not_picklable(
    functions: Functions, supervisors: list[tuple[int, Supervisor]], error: BaseException
) -> Py4JJavaError:
    culprits = [_told(function) for function in functions if not _pickles(function)]
    culprits += [f"the receiver of input {node}" for node, supervisor in supervisors if not supervisor.can_be_dumped()]
    raised = "".join(traceback.format_exception_only(error)).strip()
    told = "; ".join(dict.fromkeys(culprits)) or "the graph"
    return java_error(
        "java.io.IOException",
        f"org.apache.spark.SparkException: An exception was raised by Python:\n{raised}\nDStream checkpointing has "
        f"been enabled but the DStreams with their functions are not serializable: {told}",
    )


def _pickles(value: Any) -> bool:
    try:
        by_value.dumps(value)
    except Exception:  # whatever a `__reduce__` raises: here only whether it does
        return False
    return True


def _told(function: Callable[..., Any]) -> str:
    """Names a function, where it is, and what it captures that cannot be pickled."""
    for inner in _plain_functions(function):
        if _pickles(inner):
            continue
        code = inner.__code__
        where = f"{inner.__qualname__} ({code.co_filename}:{code.co_firstlineno})"
        captured = inspect.getclosurevars(inner)
        named = {**captured.globals, **captured.nonlocals}
        wrong = [f"{name!r}, a {type(value).__name__}" for name, value in named.items() if not _pickles(value)]
        return f"{where} captures {' and '.join(wrong)}" if wrong else where
    return repr(function)


def _plain_functions(value: Any) -> Iterator[FunctionType]:
    """The functions of the program inside of partials, methods and tuples; inner ones of a function first."""
    if isinstance(value, FunctionType):
        for name in (
            *inspect.getclosurevars(value).nonlocals.values(),
            *inspect.getclosurevars(value).globals.values(),
        ):
            if isinstance(name, FunctionType) and name is not value and not _pickles(name):
                yield name
        yield value
    elif isinstance(value, partial):
        yield from _plain_functions((value.func, *value.args))
    elif isinstance(value, MethodType):
        owner = value.__self__
        yield from _plain_functions(owner.function if isinstance(owner, Stateful) else value.__func__)
    elif isinstance(value, tuple):
        for item in value:
            yield from _plain_functions(item)


# -- going on ---------------------------------------------------------------------------------------
def read_checkpoint(directory: str | None) -> _native.Checkpoint | None:
    """The newest good checkpoint of a folder; None if there is none at all. Tells what could not be used.

    Raises: Py4JJavaError (SparkException) when there are checkpoints, and none can be used.
    """
    if directory is None:
        raise java_error("java.lang.IllegalArgumentException", "Can not create a Path from a null string")
    found = _native.Checkpoint.read(checkpoint_path(directory, "checkpointPath"), _of_anybody())
    for warning in found.warnings if found is not None else ():
        logger.warning("checkpoint: %s: %s", directory, warning)
    return found


def _of_anybody() -> bool:
    return os.environ.get(ANY_OWNER) == "1"


def go_on(kind: type[StreamingContext], checkpoint: _native.Checkpoint, directory: str) -> StreamingContext:
    """A context that goes on from a checkpoint, on the SparkContext that is there, or one with the saved settings."""
    functions, receivers = _load(checkpoint, directory)
    before = sc = SparkContext._active_spark_context
    if sc is None:
        conf = SparkConf().setAll([(key, value) for key, value in checkpoint.conf if key not in _OF_A_RUN])
        sc = SparkContext(conf=conf)
    ssc = kind(sc, None, checkpoint)
    _warn_of_changes(checkpoint, directory)
    ssc._graph.limit_receivers(*receiver_limits(sc._conf))
    made = [(node, *_receive(ssc, node, receivers[node])) for node in checkpoint.receivers]
    statefuls = {stateful.saved_as: stateful for stateful in _statefuls(functions)}
    for number, partition, parts in checkpoint.tables():
        try:
            statefuls[number].tables[partition].restore(parts)
        except Exception as error:  # whatever loading the program's own classes raises
            if before is None:
                sc.stop()
            raise _refused(directory, f"a state cannot be loaded ({type(error).__name__}: {error})") from error
    ssc._graph.restore(checkpoint, functions, made, clock_jump_ms(sc._conf))
    ssc._outputs_before = len(ssc._graph.outputs())
    ssc._supervisors = [(node, supervisor) for node, _, supervisor in made]
    for stateful in statefuls.values():
        watch_oldest(stateful, weakref.ref(ssc))
    ssc._set_checkpoint_folder(directory)
    return ssc


def _load(checkpoint: _native.Checkpoint, directory: str) -> tuple[Functions, dict[int, bytes]]:
    python, here = checkpoint.program[0], "{}.{}".format(*sys.version_info[:2])
    if python != here:
        raise _refused(directory, f"it was written by Python {python}, whose functions Python {here} cannot run")
    try:
        functions, receivers = pickle.loads(checkpoint.functions())
    except Exception as error:  # whatever loading the program's own classes raises
        raise _refused(directory, f"its functions cannot be loaded ({type(error).__name__}: {error})") from error
    return functions, receivers


def _refused(directory: str, problem: str) -> Py4JJavaError:
    return java_error(
        "org.apache.spark.SparkException",
        f"Failed to read checkpoint from directory {directory}: {problem}. Go on with the program that wrote it, or "
        "use another folder (or remove this one) to begin anew.",
    )


def _warn_of_changes(checkpoint: _native.Checkpoint, directory: str) -> None:
    _, file, checksum = checkpoint.program
    _, here, now = _program()
    if file and file == here and checksum != now:
        logger.warning(
            "checkpoint: %s has changed since the checkpoint in %s was written; the functions in the checkpoint run, "
            "not the changed ones. To begin anew with these, use another folder or remove this one",
            file,
            directory,
        )


def _receive(ssc: StreamingContext, node: int, dumped: bytes) -> tuple[_native.Intake, Supervisor]:
    receiver: Receiver[Any] = pickle.loads(dumped)
    conf = ssc._sc._conf
    limit = waiting_bytes(conf) if receiver.max_pending_bytes is None else receiver.max_pending_bytes
    intake = ssc._graph.intake(block_interval_ms(conf), limit)
    supervisor = supervise(receiver, intake, restart_delay_ms(conf))
    supervisor.stream_id = node
    ssc._graph.claim_intake(intake, node, type(receiver).__name__, "localhost")
    return intake, supervisor
