"""Types of the native core. Private: programs use the classes of `dstreams` and `pyspark`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FrameType
from typing import Any, Literal, final

from dstreams.core.context import SparkContext
from dstreams.core.io.hadoopreading import Reading
from dstreams.explain.streams import DrawnNode
from dstreams.streaming.settings import StreamSettings
from dstreams.streaming.source import Connector
from dstreams.streaming.supervisor import Supervisor

__all__ = [
    "Bail",
    "Chain",
    "Checkpoint",
    "Chunks",
    "Elements",
    "Engine",
    "Intake",
    "Jobs",
    "KeyedStates",
    "Program",
    "Rdd",
    "States",
    "Streaming",
    "TaskRun",
    "WorkerLink",
    "WorkerMemory",
    "Workers",
    "_columns_round_trip",
    "_hash_as_columns",
    "_is_immutable",
    "_partition_of",
    "answer_probe",
    "called_by_name",
    "decode_utf8",
    "glob",
    "in_main_thread",
    "interrupt_threads",
    "line_pieces",
    "list_files",
    "portable_hash",
    "process_ends",
    "spool",
    "stack_calls",
    "stack_size",
    "task_hash",
    "task_info",
    "task_properties",
    "task_property",
    "task_updates",
    "watch_signals",
    "zstd_pack",
    "zstd_unpack",
]

@final
class Rdd:
    """A node of the lineage. Immutable."""

    @property
    def id(self) -> int:
        """The node's number, unique in the process."""
    def partitions(self) -> int:
        """Number of partitions. Raises Py4JJavaError when input files are missing."""
    def narrow(
        self,
        steps: Sequence[tuple[str, int]],
        functions: list[Any] | bytes,
        forms: Sequence[Any] | None,
        keeps_partitioner: bool,
        remote: tuple[Workers, bytes, list[bool]] | None,
    ) -> Rdd:
        """Fused steps over each partition; `functions` is what `closure.freeze` gave, `forms` what they are natively.

        A form is a Program, None, or a tuple that names one of the engine's own steps. Without forms all is Python.
        With `remote` (from `workers.remote_form`) it runs in worker processes, unless all is native.
        """
    def shuffle(
        self, targets: int, function: list[Any] | bytes | None = None, identity: int = 0, form: Any = None
    ) -> Rdd:
        """Pairs in partition hash(key) modulo `targets`: the portable hash, or a frozen function with its `id`."""
    def deal(self, targets: int, batch: int, as_they_lie: bool) -> Rdd:
        """Batches of `batch` elements dealt out to `targets` partitions.

        `as_they_lie`: elements are in such batches already, or in smaller ones.
        """
    def coalesce(self, groups: int) -> Rdd:
        """Neighbouring partitions merged into at most `groups`."""
    @property
    def place(self) -> str | None: ...
    def zip(self, other: Rdd) -> Rdd:
        """Pairs by position, batch by batch."""
    def cartesian(self, other: Rdd) -> Rdd:
        """All pairs, batch by batch."""
    def set_packing(self, size: int) -> None:
        """Says that its elements are in batches of `size`; 0: of as many as are worth it. The first word counts."""
    @property
    def kind(self) -> str:
        """The class of RDD that Spark would have here."""
    @property
    def label(self) -> str | None:
        """The name that the program gave it."""
    @label.setter
    def label(self, value: str | None) -> None: ...
    def set_site(self, site: str) -> None:
        """Says which call of the program made it: the name of the stage before it, if it is a shuffle."""
    def is_placed(self, targets: int) -> bool:
        """Whether each pair is in partition hash(key) modulo `targets`, by the portable hash."""
    def parents(self) -> list[Rdd]:
        """The nodes this one reads from."""
    def is_updated(self) -> bool:
        """Whether it is states or sums that are brought up to date natively, in a shorter way than by its chain."""
    def chain(self) -> Chain | None:
        """Its narrow steps, if it is made of such, for explanations."""
    def placing(self) -> tuple[Callable[..., Any], bool] | None:
        """The program's function that places its elements, and whether it runs natively; None if there is none."""
    def settle_as(self, same: Rdd) -> None:
        """Replaces the lineage by that of an RDD with the same elements in the same partitions."""
    def forget_shuffles(self) -> None:
        """Drops the shuffle outputs it is made from, up to persisted RDDs."""

@final
class Chain:
    """Narrow steps, cut into those that run natively and those that Python runs. For explanations."""

    def __new__(
        cls,
        steps: Sequence[tuple[str, int]],
        functions: list[Any] | bytes,
        forms: Sequence[Any] | None,
        remote: tuple[Workers, bytes, list[bool]] | None,
    ) -> Chain:
        """The chain that `Rdd.narrow` would make of these."""
    def steps(self) -> list[tuple[str, int, int, str]]:
        """Name and number of each step, how many functions it takes, and how it runs.

        'python', 'native', or 'takes in': natively, each element of a step in Python taken in when it is made.
        """
    def functions(self) -> list[Any]:
        """The functions of all steps, as a task gets them."""
    @property
    def ends_in_python(self) -> bool:
        """Whether Python makes the elements that leave it."""
    @property
    def was_read(self) -> bool:
        """Whether forms were given: without them all is Python."""
    @property
    def is_remote(self) -> bool:
        """Whether worker processes run it."""

@final
class Engine:
    """Makes the first nodes of lineages and runs jobs, for one SparkContext."""

    def __new__(
        cls,
        threads: int,
        max_failures: int = 1,
        memory_limit: int | None = None,
        task_limit: int | None = None,
        folders: Callable[[], list[str]] | None = None,
    ) -> Engine:
        """Data beyond `memory_limit` bytes goes to files in `folders()`; one task gathers up to `task_limit` bytes."""
    @property
    def threads(self) -> int:
        """Number of task threads."""
    @property
    def jobs(self) -> Jobs:
        """Its jobs."""
    def held(self, slices: Sequence[list[Any]], batch: int | None = None) -> Rdd:
        """An RDD of lists, one per partition, copied now.

        What is pickled is so in batches of `batch` elements: an object that occurs twice in one is one object.
        """
    def numbers(self, slices: Sequence[tuple[int, int, int]]) -> Rdd:
        """An RDD of numbers: (start, step, count) per partition, all within 64 bits."""
    def tell(self, reading: Reading, problem: tuple[str, str] | None = None) -> None:
        """What the settings say about reading files from now on, or the Java exception of one that cannot be used."""
    def text_pairs(self, path: str, min_partitions: int | None, separator: int | None, reading: Reading) -> Rdd:
        """(position, record) of text files, or what is before and behind a byte; `None` partitions: the newer API."""
    def text_pieces(self, plan: Callable[[], list[list[tuple[str, int, int]]]], newer: bool, reading: Reading) -> Rdd:
        """(position, record) of pieces (path, first byte, number of bytes) of text files, a list per partition."""
    def text_file(self, path: str, min_partitions: int) -> Rdd:
        """The lines of text files."""
    def planned(self, plan: Callable[[], list[list[Any]]]) -> Rdd:
        """An RDD of what `plan()` gives as a list per partition; asked once, on first use."""
    def union(self, rdds: Sequence[Rdd]) -> Rdd:
        """The elements of several RDDs in turn; partition by partition where all are partitioned alike."""
    def collect(self, rdd: Rdd, partitions: Sequence[int] | None = None) -> list[Any]:
        """Runs a job: the elements of the given partitions (default: all). Raises Py4JJavaError when a task fails."""
    def collect_to_misfit(self, rdd: Rdd, partition: int) -> tuple[list[Any], BaseException | None]:
        """The elements of a partition; of pairs that do not fit those before them, and the exception."""
    def settle(self, rdd: Rdd) -> None:
        """Replaces the lineage of an RDD by its partitions, computed now unless they are kept."""
    @property
    def memory_held(self) -> int:
        """Bytes that count against the limit now."""
    @property
    def window_counts(self) -> tuple[int, int, int, int]:
        """What windows did so far.

        Partitions of panes sent to shuffles, and sent again without being computed; panes added to sums, and
        partitions of windows made of sums.
        """
    def persist(self, rdd: Rdd, place: Literal["memory", "memory and disk", "disk"]) -> None:
        """Keep partitions once computed."""
    def unpersist(self, rdd: Rdd) -> None:
        """Forget kept partitions."""
    def kept(self, rdd: Rdd) -> tuple[int, int, int]:
        """Partitions that are kept now, and their bytes in memory and in files."""
    def stop(self, reason: str) -> None:
        """End all jobs and refuse new ones."""

@final
class Jobs:
    """The jobs of one engine, and this thread's properties for them."""

    def set_property(self, key: str, value: str | None) -> None:
        """Sets a property of this thread's jobs; None takes it away."""
    def properties(self) -> dict[str, str]:
        """This thread's properties."""
    def cancel_group(self, group: str) -> None:
        """Cancels the running jobs of a group."""
    def cancel_tag(self, tag: str) -> None:
        """Cancels the running jobs with a tag."""
    def cancel_all(self) -> None:
        """Cancels all running jobs."""
    def jobs_of_group(self, group: str | None = None) -> list[int]:
        """The jobs of a group, the latest first; None: those in no group."""
    def active_jobs(self) -> list[int]:
        """The jobs that run now, the latest first."""
    def active_stages(self) -> list[int]:
        """The stages with tasks to do, the latest first."""
    def job_info(self, job: int) -> tuple[list[int], str] | None:
        """(stages, status) of a job, if it is remembered."""
    def stage_info(self, stage: int) -> tuple[str, int, int, int, int] | None:
        """(name, tasks, active, completed, failed) of a stage, if it is remembered."""

@final
class Streaming:
    """A stream's graph and life, for one StreamingContext. Nodes are numbered; times are in milliseconds."""

    def __new__(
        cls, engine: Engine, interval_ms: int, context: SparkContext, settings: StreamSettings
    ) -> Streaming: ...
    def limit_receivers(
        self, initial: int | None, most: int | None, pid: tuple[float, float, float, float] | None = None
    ) -> None:
        """Limits of receivers that start later, in records per second, and weights of the estimator that moves them."""
    def receiver_rate(self, node: int) -> int | None:
        """The limit of an input's receiver now, in records per second."""
    def interval_ms(self) -> int:
        """Distance of the batches."""
    def clock_ms(self) -> int:
        """Time of the stream's clock."""
    def set_clock(self, time_ms: int) -> None:
        """Turns a clock that is turned by hand. Raises RuntimeError for another one."""
    def advance(self, batches: int) -> None:
        """Turns the clock batch by batch, and waits for each. Raises what a batch raised."""
    def follow(self, batches: int) -> None:
        """The same with any clock: waits for the next batches of one that goes by itself."""
    def recent_batches(self) -> list[dict[str, Any]]:
        """What is known of the last batches, oldest first."""
    def add_queue(self, rdds: Sequence[Rdd], one_at_a_time: bool, empty: Rdd) -> int:
        """An input of RDDs in turn, then `empty`."""
    def add_socket(self, host: str, port: int, block_interval_ms: int, retry_ms: int, max_waiting_bytes: int) -> int:
        """An input of lines from a TCP server, which stops reading while so many bytes wait to be processed."""
    def intake(self, block_interval_ms: int, limit: int) -> Intake:
        """Where a receiver stores its items, bounded to `limit` bytes that wait to be processed."""
    def add_receiver(self, intake: Intake, supervisor: Any, name: str, location: str) -> int:
        """An input of what is stored in `intake`; `supervisor` has `start()`, `end(graceful)` and so on."""
    def add_source(self, connector: Connector) -> int:
        """An input that a program wrote."""
    def add_files(self, directory: str, min_remember_ms: int, piece: int | None = None) -> int:
        """An input of files that appear in a folder: their lines, or pieces of `piece` bytes."""
    def add_transformed(self, parents: Sequence[int], func: Callable[..., Any]) -> int:
        """`func(time, *rdds)` of each batch."""
    def add_union(self, parents: Sequence[int]) -> int:
        """The elements of all parents, batch by batch."""
    def add_window(self, parent: int, length_ms: int, slide_ms: int | None = None) -> int:
        """What the parent had within the last `length_ms`, every `slide_ms` (default: the parent's)."""
    def add_reduced_window(
        self,
        parent: int,
        add: Callable[..., Any],
        subtract: Callable[..., Any],
        length_ms: int,
        slide_ms: int,
    ) -> int:
        """A window of sums: `add(time, sum or None, new)` and `subtract(time, sum, old)`."""
    def add_state(self, parent: int, func: Callable[..., Any], initial: Rdd | None = None) -> int:
        """A state over all batches: `func(time, state or None, new)`."""
    def checkpoint(self, node: int, interval_ms: int) -> None:
        """The program wants a node's RDDs checkpointed so often."""
    def check_checkpoints(self, has_folder: bool) -> None:
        """Raises what Spark raises when checkpoints are asked for that it could not write."""
    def functions(self) -> list[Callable[..., Any]]:
        """The functions of the graph, in the order in which a checkpoint has them."""
    def restore(
        self,
        checkpoint: Checkpoint,
        functions: list[Callable[..., Any]],
        receivers: list[tuple[int, Intake, Supervisor]],
        clock_jump_ms: int,
    ) -> None:
        """Goes on from a checkpoint, with its functions and with receivers made anew. For a stream without nodes."""
    def keep_in(
        self,
        folder: str,
        how: tuple[bool, bool, bool],
        conf: list[tuple[str, str]],
        program: tuple[str, str, str],
        functions: bytes,
    ) -> None:
        """Writes checkpoints into a folder from the start on. `how`: whether it may be anybody's, whether it is locked,
        and whether what receivers get is written too."""
    def claim_intake(self, intake: Intake, node: int, name: str, location: str) -> None:
        """Says which input an intake is for, when that input is of an earlier run."""
    def add_output(self, parent: int, func: Callable[..., Any]) -> None:
        """Calls `func(time, rdd)` for each batch."""
    def persist(self, node: int, place: Literal["memory", "memory and disk", "disk"]) -> None:
        """Keep each batch's RDD once computed."""
    def slide_ms(self, node: int) -> int:
        """Distance of a node's RDDs."""
    def oldest_ms(self, node: int) -> int | None:
        """The time of the oldest RDD of a node that is remembered."""
    def node(self, node: int) -> DrawnNode:
        """A node as plain data, for explanations."""
    def outputs(self) -> list[tuple[int, Callable[..., Any]]]:
        """The nodes of all outputs and their functions, in order of definition."""
    def remember(self, duration_ms: int) -> None:
        """Keep RDDs for at least so long."""
    def slice(self, node: int, from_ms: int, to_ms: int) -> list[Rdd]:
        """The RDDs of a node between two times, both included."""
    def add_listener(self, listener: Any) -> None:
        """Tell a StreamingListener of every event from now on."""
    def start(self) -> None:
        """Begin at the next multiple of the interval."""
    def stop(self, graceful: bool) -> None:
        """End, at once or after what was received is processed."""
    def wait(self, timeout: float | None = None) -> bool:
        """Whether the stream has ended within `timeout` seconds. Raises what a batch raised."""
    def break_off(self, reason: str) -> bool: ...
    def join(self, longest: float) -> None: ...
    def is_new(self) -> bool:
        """Whether the stream has not been started."""
    def is_active(self) -> bool:
        """Whether the stream is started and not stopped."""

@final
class Checkpoint:
    """The newest good checkpoint of a folder. A stream is made of it once."""

    @property
    def time_ms(self) -> int:
        """The last complete batch."""
    @property
    def interval_ms(self) -> int:
        """Distance of the batches."""
    @property
    def conf(self) -> list[tuple[str, str]]:
        """The settings of the program."""
    @property
    def program(self) -> tuple[str, str, str]:
        """Version of the interpreter, file of the program, sum of that file."""
    @property
    def warnings(self) -> list[str]:
        """What could not be used."""
    @property
    def receivers(self) -> list[int]:
        """Inputs whose receivers have to be made again."""
    @staticmethod
    def is_in(folder: str) -> bool:
        """Whether a folder has checkpoints, of whatever kind."""
    @staticmethod
    def read(folder: str, of_anybody: bool) -> Checkpoint | None:
        """The newest good checkpoint; None if there is none at all. Raises Py4JJavaError if none can be used."""
    def functions(self) -> bytes:
        """The pickle of the functions."""
    def tables(self) -> list[tuple[int, int, list[bytes]]]:
        """(tables, partition, the whole and then what changed) of the states of `mapWithState`."""

@final
class Chunks:
    """An iterable in pieces that memory has room for."""

    def __new__(cls, elements: Iterable[Any]) -> Chunks: ...
    def take(self) -> tuple[list[Any], bool]:
        """The next elements, and whether there may be more. The ones before are taken to be gone."""

def spool(list: list[Any]) -> Elements:
    """Writes a list to a file, and gives its elements as they are asked for."""

@final
class Intake:
    """What a receiver in Python stores, until a batch takes it."""

    def store(self, item: Any) -> None:
        """Stores one item. Waits for the rate and for room. Once closed, drops it, and soon ends the thread."""
    def store_many(self, items: Any) -> None:
        """Stores the items of an iterable as a partition of their own."""
    def pause(self, milliseconds: int) -> bool:
        """Waits on the stream's clock; False if it was opened or closed meanwhile."""
    def open(self) -> None:
        """Lifts all limits: what is being stored is to come in at once."""
    def close(self) -> None:
        """Takes in nothing more; what it has stays."""
    def tell_started(self) -> None:
        """Tells listeners that the receiver has begun."""
    def tell_error(self, message: str, error: str) -> None:
        """Tells listeners of an error."""
    def tell_stopped(self, message: str, error: str) -> None:
        """Tells listeners that the receiver has ended."""

@final
class Elements(Iterator[Any]):
    """The elements of a partition, computed as they are asked for."""

    def __iter__(self) -> Elements: ...
    def __next__(self) -> Any: ...

class Bail(Exception):
    """A program has no native answer for these values; its Python function has to give it."""

@final
class Program:
    """A plain Python function as an expression over columns; its tree is described in `src/expr`."""

    def __new__(cls, tree: tuple[Any, ...], arity: int) -> Program: ...
    def run(self, columns: list[list[Any]]) -> list[Any]:
        """One result per row. Raises Bail where there is none that is surely Python's."""
    def test(self, columns: list[list[Any]]) -> list[bool]:
        """The truth of each row's result. Raises Bail as `run` does."""
    def flatten(self, columns: list[list[Any]]) -> tuple[list[Any], list[int]]:
        """The elements of all results, and how many each row gave. Raises Bail as `run` does."""
    def fold(self) -> str | None:
        """Which well-known fold a function of two arguments is, for people; None if it is none."""
    def why_no_fold(self, columns: list[list[Any]]) -> str | None:
        """Why it does not fold values like those of the second column into such as the first has, if it does not.

        Raises Bail for values that fit no column.
        """
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class KeyedStates:
    """The states of one partition of `mapWithState`, as of some batches. Times are milliseconds since 1970.

    timed: whether keys can time out. Then a state is here, but in `snapshot`, a tuple of the state and the time of
    the batch that touched it last.
    """

    def __new__(cls, timed: bool) -> KeyedStates: ...
    @property
    def version(self) -> int | None:
        """The time of the newest batch that was applied; None before the first."""
    def load(self, version: int, pairs: list[tuple[Any, Any]], times: list[int] | None) -> bool:
        """Sets the states before the first batch, with times if keys can time out.

        False, and nothing done, if they have no form here.
        """
    def snapshot(self, version: int) -> list[tuple[Any, Any]] | None:
        """(key, state) of all keys as of a version; None if that version is not there."""
    def as_of(self, time: int) -> list[tuple[Any, Any]]:
        """(key, state) of all keys as they were at a time."""
    def changes(self, since: int, version: int) -> tuple[list[tuple[Any, Any]], list[Any]] | None:
        """(key, state) of keys whose state changed after one version up to another one, and keys that lost theirs.

        None if the earlier version is gone.
        """
    def __len__(self) -> int:
        """Keys of the newest version."""
    def turn(self, time: int, count: int, begin: bool) -> tuple[list[tuple[Any, Any]], bool]:
        """The next states of a round in which all have their turn: at least so many, as they were at a time.

        begin: with a new round. Also says whether all have had their turn.
        """
    def give_up(self) -> tuple[int | None, list[tuple[Any, Any]], list[tuple[int, int | None, list[Any], list[Any]]]]:
        """Hands the states to Python for good: the newest version and its states, and what versions replaced.

        That is, oldest first: the time of a version, that of the one before, pairs as they were, keys without a state.
        They stay here until `forget`.
        """
    def forget(self) -> None:
        """Forgets all states for good: they are Python's."""

@final
class States:
    """What the engine knows of the states of one stream between two batches."""

    def __new__(cls) -> States: ...
    def __len__(self) -> int:
        """How many partitions have a table: their last batch ran natively, and there was room."""
    def updated(
        self,
        rule: Literal["update", "subtract", "add"],
        programs: Sequence[Program | None],
        older: Rdd,
        newer: Rdd,
        composed: Rdd,
    ) -> Rdd:
        """The RDD `composed`, made natively of states (or sums) and of a batch's pairs, both placed by key.

        "update": program(new values, state or None), None forgets. "subtract": program(sum, what left). "add":
        program(sum, what came), then a program that says which pairs stay, if there is one.
        Raises: ValueError for programs that do not fit the rule.
        """
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Workers:
    """The worker processes of one context, started when they are needed."""

    def __new__(
        cls,
        count: int,
        tries: int,
        command: Sequence[str],
        environment: Sequence[tuple[str, str]],
        folders: Callable[[], list[str]],
    ) -> Workers: ...
    def stop(self) -> None:
        """Ends all of them."""
    def processes(self) -> list[int]:
        """The process numbers of those that are there now."""

@final
class WorkerLink:
    """A worker's end of its socket. The process ends when the driver's end is closed."""

    def __new__(cls, descriptor: int) -> WorkerLink: ...
    def send(self, kind: str, data: bytes) -> None:
        """Sends a message; the kinds are listed in src/exec/workers/frame.rs."""
    def receive(self) -> tuple[str, bytes]:
        """Waits for the next message."""
    def ask(self, question: bytes) -> bytes:
        """Sends a question and waits for its answer."""

@final
class WorkerMemory:
    """What the tasks of a worker may hold, and where the rest goes."""

    def __new__(cls, limit: int, most: int, folders: Callable[[], list[str]]) -> WorkerMemory: ...

@final
class TaskRun(Iterator[Any]):
    """A chain that runs in a worker as a task of its driver's: the frames of what it makes."""

    def __new__(
        cls,
        steps: Sequence[tuple[str, int]],
        functions: tuple[bytes, Sequence[Any] | None],
        index: int,
        numbers: tuple[int, int, int, int],
        properties: dict[str, str],
        memory: WorkerMemory,
        taker: tuple[str, int] | None,
        pull: Callable[[], list[Any] | None],
    ) -> TaskRun: ...
    def __iter__(self) -> TaskRun: ...
    def __next__(self) -> Any: ...
    def end(self) -> dict[int, Any] | None:
        """Ends the chain; the updates of accumulators."""

def portable_hash(value: Any) -> int:
    """Spark's hash of a key. Raises TypeError for what cannot be hashed."""

def task_hash(value: Any) -> int:
    """What the builtin `hash` gives in tasks: as in a process with PYTHONHASHSEED=0."""

def called_by_name() -> list[tuple[str, str]]:
    """(module, name) of each function and class of the package that the engine calls by its name."""

def task_info() -> tuple[int, int, int, int] | None:
    """(stage, partition, attempt, task number) of the running task; None in the driver."""

def task_properties() -> dict[str, str]:
    """All local properties of the running task's job; none in the driver."""

def task_property(key: str) -> str | None:
    """A local property of the running task's job; None in the driver, or when it is not set."""

def task_updates() -> dict[int, Any] | None:
    """The running task's accumulator updates; None in the driver."""

def decode_utf8(data: bytes) -> str:
    """The text that Java reads from bytes that should be UTF-8."""

def glob(pattern: str) -> list[str]:
    """The existing local paths that a pattern names, sorted."""

def line_pieces(path: str, lines: int) -> list[tuple[int, int]]:
    """(first byte, number of bytes) of the pieces of a file with so many lines; 0 or fewer: of all lines together."""

def list_files(spec: str, recursive: bool = False, passes_folders: bool = False) -> list[tuple[str, int]]:
    """(path, length in bytes) of the files that a path, a folder, a glob, or several with commas between, name."""

def zstd_pack(data: bytes) -> bytes:
    """Bytes compressed by Zstandard, in one frame."""

def zstd_unpack(data: bytes) -> bytes:
    """What bytes compressed by Zstandard hold, in one frame or several. Raises OSError when they are damaged."""

def interrupt_threads() -> int:
    """Raises SystemExit in the engine's threads that run Python code; tells how many there are."""

def stack_calls() -> int:
    """How many calls of Python and C in turn a thread of the engine has room for."""

def stack_size() -> int:
    """Bytes of stack that threads of the engine get."""

def watch_signals(probe: int, tracer: int, notebook: bool) -> bool:
    """Begins to watch SIGINT and SIGTERM, in the main thread; whether that works here."""

def answer_probe(number: int, frame: FrameType | None = None) -> None:
    """Handles the probe: the main thread runs handlers of signals."""

def process_ends() -> None:
    """Says that the process ends; if a signal asked for that, nothing may hold it up."""

def in_main_thread() -> None:
    """Has signals watched as soon as the main thread runs Python code."""

# For tests: the conversions that every block goes through.
def _columns_round_trip(list: list[Any], way: str = "list") -> tuple[str, list[Any]] | None: ...
def _is_immutable(value: Any) -> bool: ...
def _hash_as_columns(list: list[Any]) -> list[int] | None: ...
def _partition_of(key: Any, partitions: int) -> int: ...
