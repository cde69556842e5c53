"""A forked child owns nothing: whatever it does, its parent's jobs, files, streams and workers go on."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from child import Child

Program = Callable[[str], Child]

BEGIN = """
import gc, multiprocessing, os, signal, sys, time, traceback, warnings
from pathlib import Path
warnings.simplefilter("ignore")  # CPython 3.12 and later warn of forks beside threads
from pyspark import SparkConf, SparkContext, StorageLevel, TaskContext
from pyspark.streaming import StreamingContext

def ended(pid, limit=20):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "hangs"

def context(**settings):
    conf = SparkConf().setMaster("local[2]").setAppName("forks")
    return SparkContext(conf=conf.setAll([(key.replace("_", "."), value) for key, value in settings.items()]))

def refused(work):
    try:
        work()
    except RuntimeError as error:
        assert "forked from it" in str(error) and "new SparkContext" in str(error), error
        return True
    return False
"""


def run(program: Program, text: str) -> str:
    code, output, complaints = program(BEGIN + textwrap.dedent(text)).ended(60)
    assert code == 0, complaints
    assert "hangs" not in output and "AssertionError" not in complaints, complaints
    return output


SPILLED = """
folder = Path.cwd() / "local"
sc = context(spark_dstreams_memory_limit="1000000", spark_local_dir=str(folder))
kept = sc.parallelize(range(100000), 4).map(lambda x: (x % 1000, "v%d" % x)).persist(StorageLevel.DISK_ONLY)
grouped = kept.groupByKey(3)
shared, counted = sc.broadcast([1]), sc.accumulator(0)
sc.addFile(__file__)
assert (kept.count(), grouped.count()) == (100000, 1000)

def files():
    return sum(len(names) for _, _, names in os.walk(folder))

before = files()
assert before > 4
"""


@pytest.mark.parametrize(
    "end",
    [
        "sys.exit(0)",
        "pass",
        "sc.stop(); sys.exit(0)",
        "sc.stop(); os._exit(0)",
        "sc.stop(); sc.stop(); os._exit(0 if repr(kept).startswith('<an RDD of process') else 9)",
        "del kept, grouped, shared, counted, sc; gc.collect(); os._exit(0)",
        "del kept, grouped; gc.collect(); sys.exit(0)",
        "own = context(spark_local_dir=str(folder)); big = own.parallelize(range(1000), 2);"
        " big.persist(StorageLevel.DISK_ONLY); found = (big.count(), big.sum());"
        " own.stop(); os._exit(0 if found == (1000, 499500) else 9)",
        "own = context(); assert own.parallelize([1, 2], 2).map(lambda x: x + 1).collect() == [2, 3]; sys.exit(0)",
    ],
)
def test_a_child_that_ends_leaves_what_its_parent_spilled(program: Program, end: str) -> None:
    output = run(
        program,
        SPILLED
        + f"""
pid = os.fork()
if pid == 0:
    {end}
else:
    print(ended(pid))
    assert files() == before
    assert (kept.count(), grouped.mapValues(len).map(lambda pair: pair[1]).sum()) == (100000, 100000)
    from pyspark import SparkFiles
    assert os.path.exists(SparkFiles.get(os.path.basename(__file__)))
    sc.stop()
    assert files() == 0
""",
    )
    assert output == "0\n"


def test_in_a_child_everything_of_the_parents_is_refused_at_once_and_a_new_context_works(program: Program) -> None:
    output = run(
        program,
        """
        sc = context()
        rdd = sc.parallelize(range(10), 2).map(lambda x: x + 1).cache()
        tracker, shared, counted = sc.statusTracker(), sc.broadcast([7]), sc.accumulator(3)
        rdd.count()
        pid = os.fork()
        if pid == 0:
            for work in (
                rdd.count, rdd.collect, rdd.getNumPartitions, rdd.unpersist, rdd.toDebugString, rdd.id,
                rdd.localCheckpoint, lambda: rdd.map(str).collect(), lambda: rdd.groupBy(str),
                lambda: sc.parallelize([1]), lambda: sc.broadcast(1),
                lambda: sc.textFile("x"), lambda: sc.setCheckpointDir("x"), lambda: sc.addFile(__file__),
                lambda: sc.setJobGroup("a", "b"), sc.cancelAllJobs, sc.statusTracker, tracker.getActiveJobsIds,
                lambda: StreamingContext(sc, 1), lambda: rdd.saveAsTextFile("out"), lambda: sc.defaultParallelism,
            ):
                assert refused(work), work
            assert not os.path.exists("x") and not os.path.exists("out")
            assert (shared.value, counted.value, str(sc)) == ([7], 3, "<SparkContext master=local[2] appName=forks>")
            sc.stop()
            assert refused(rdd.count)
            own = SparkContext.getOrCreate()
            assert own is not sc
            assert own.parallelize(range(10), 3).map(lambda x: (x % 2, x)).reduceByKey(max, 2).count() == 2
            value, sums = own.broadcast(5), own.accumulator(0)
            own.parallelize(range(4)).foreach(lambda x: sums.add(value.value))
            assert sums.value == 20
            own.stop()
            os._exit(3)
        print(ended(pid), rdd.count(), tracker.getActiveJobsIds(), SparkContext.getOrCreate() is sc)
        """,
    )
    assert output == "3 10 [] True\n"


def test_a_pool_of_forked_processes(program: Program) -> None:
    # multiprocessing, and servers that fork their workers after the program has made its context.
    output = run(
        program,
        """
        sc = context()
        rdd = sc.parallelize(range(10), 2).cache()
        rdd.count()
        shared = sc.broadcast(3)

        def work(number):
            return refused(rdd.count), shared.value, os.getpid() == parent

        def whole(number):
            return SparkContext.getOrCreate().parallelize(range(number), 2).map(lambda x: x + 1).sum()

        parent = os.getpid()
        forking = multiprocessing.get_context("fork")
        with forking.Pool(2) as pool:
            print(pool.map(work, range(2)), pool.map(whole, [3, 4]))
        process = forking.Process(target=lambda: sc.stop())
        process.start()
        process.join(20)
        import subprocess
        subprocess.run([sys.executable, "-c", ""], preexec_fn=lambda: gc.collect(), check=True)
        print(process.exitcode, rdd.count())
        """,
    )
    assert output == "[(True, 3, False), (True, 3, False)] [6, 10]\n0 10\n"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_child_forked_in_a_task_ends_with_the_code_of_the_task(program: Program, workers: str) -> None:
    output = run(
        program,
        f"""
        sc = context(spark_dstreams_python_workers="{workers}")

        def fork(x):
            pid = os.fork()
            if pid:
                return ended(pid)
            if x == 0: return "unheard of"
            if x == 1: sys.exit(3)
            if x == 2: os._exit(4)
            if x == 3: raise ValueError("told")
            print(multiprocessing.get_context("fork").Process)
            sys.exit("a word")

        def each(elements):
            for element in elements:
                yield fork(element)

        rdd = sc.parallelize(range(5), 5)
        print(rdd.map(fork).collect())
        print(rdd.coalesce(1).mapPartitions(each).collect())
        print(sc.parallelize(range(5), 1).map(fork).collect())
        print(sorted(rdd.map(lambda x: (fork(x), 1)).reduceByKey(lambda a, b: a + b).collect()))
        print(sc.parallelize([(1, 0), (2, 3)], 2).mapValues(fork).collect())
        """,
    )
    lines = [line for line in output.splitlines() if not line.startswith("<class")]
    assert lines == ["[0, 3, 4, 1, 1]"] * 3 + ["[(0, 1), (1, 2), (3, 1), (4, 1)]", "[(1, 0), (2, 1)]"]


def test_workers_are_the_parents(program: Program) -> None:
    output = run(
        program,
        """
        sc = context(spark_dstreams_python_workers="2")
        pids = sc.parallelize(range(2), 2).map(lambda x: os.getpid()).collect()
        for end in (lambda: sys.exit(0), lambda: (sc.stop(), os._exit(0)), lambda: os._exit(0)):
            pid = os.fork()
            if pid == 0:
                end()
            assert ended(pid) == 0
            assert set(sc.parallelize(range(4), 4).map(lambda x: os.getpid()).collect()) <= set(pids)
        # A child that lives on keeps no worker of a parent that has gone.
        parent = os.fork()
        if parent == 0:
            own = context(spark_dstreams_python_workers="1")
            [worker] = own.parallelize([0], 1).map(lambda x: os.getpid()).collect()
            Path("worker").write_text(str(worker))
            if (child := os.fork()) == 0:
                time.sleep(60)
            Path("child").write_text(str(child))
            os.kill(os.getpid(), signal.SIGKILL)
        assert ended(parent) == -signal.SIGKILL
        worker = Path("/proc") / Path("worker").read_text()
        deadline = time.monotonic() + 20
        while worker.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        print(worker.exists())
        os.kill(int(Path("child").read_text()), signal.SIGKILL)
        """,
    )
    assert output == "False\n"


STREAM = """
sc = context()
ssc = StreamingContext(sc, 0.1)
ssc.checkpoint("checkpoint")
seen, forks = [], []
Path("inbox").mkdir()

def note(time_of_batch, rdd):
    seen.append(rdd.collect())
    if len(seen) == 3:
        pid = os.fork()
        if pid == 0:
            return
        forks.append(ended(pid))

lines = ssc.textFileStream("inbox")
lines.map(lambda line: (line, 1)).updateStateByKey(lambda new, old: (old or 0) + sum(new)).foreachRDD(note)
ssc.start()

def batches(count):
    until = len(seen) + count
    deadline = time.monotonic() + 40
    while len(seen) < until:
        assert time.monotonic() < deadline
        time.sleep(0.01)

batches(4)
assert forks == [0]
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(4)", 4),
        ("os._exit(0 if refused(ssc.awaitTermination) else 9)", 0),
        ("os._exit(0 if refused(lambda: ssc.awaitTerminationOrTimeout(60)) else 9)", 0),
        ("os._exit(0 if refused(ssc.start) and refused(lambda: ssc.checkpoint('other')) else 9)", 0),
        ("ssc.stop(); os._exit(5)", 5),
        ("ssc.stop(True, True); sys.exit(5)", 5),
        ("ssc._jssc.stop(); sys.exit(6)", 6),
        ("assert StreamingContext.getActive() is None; os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", -15),
        ("time.sleep(0.5); os._exit(0)", 0),
    ],
)
def test_a_stream_goes_on_in_its_own_process_alone(program: Program, end: str, code: int) -> None:
    output = run(
        program,
        STREAM
        + f"""
pid = os.fork()
if pid == 0:
    seen.clear()
    before = sorted(os.listdir("checkpoint"))
    {end}
print(ended(pid))
(Path.cwd() / "word").write_text("word\\n")
(Path.cwd() / "word").rename("inbox/word")
batches(20)
ssc.stop()
assert [pairs for pairs in seen if pairs][-1] == [("word", 1)]
""",
    )
    assert output == f"{code}\n"


def test_a_child_has_streams_of_its_own(program: Program) -> None:
    output = run(
        program,
        STREAM
        + """
pid = os.fork()
if pid == 0:
    own, found = StreamingContext(SparkContext("local[2]", "own"), 0.1), []
    own.queueStream([[1], [2], [3]]).map(lambda x: x + 1).foreachRDD(lambda rdd: found.extend(rdd.collect()))
    own.start()
    deadline = time.monotonic() + 20
    while len(found) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    own.stop()
    print(found)
    sys.exit(0)
print(ended(pid))
batches(3)
ssc.stop()
""",
    )
    assert output == "[2, 3, 4]\n0\n"


def test_a_child_that_outlives_its_parent_keeps_no_connection_of_its_streams(program: Program) -> None:
    output = run(
        program,
        """
        import socket
        servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        ports = [server.getsockname()[1] for server in servers]
        parent = os.fork()
        if parent == 0:
            from dstreams.streaming.receiver import SocketReceiver
            for server in servers:
                server.close()
            ssc, seen = StreamingContext(SparkContext("local[2]", "x"), 0.1), []
            ssc.socketTextStream("127.0.0.1", ports[0]).foreachRDD(lambda rdd: seen.extend(rdd.collect()))
            receiver = SocketReceiver("127.0.0.1", ports[1], lambda stream: iter(stream.readline, b""))
            ssc.receiverStream(receiver).foreachRDD(lambda rdd: seen.extend(rdd.collect()))
            ssc.start()
            while set(seen) != {"a", b"a\\n"}:
                time.sleep(0.01)
            if (child := os.fork()) == 0:
                time.sleep(60)
            Path("child").write_text(str(child))
            os.kill(os.getpid(), signal.SIGKILL)
        connections = []
        for server in servers:
            server.settimeout(20)
            connections.append(server.accept()[0])
            connections[-1].sendall(b"a\\n")
        assert ended(parent) == -signal.SIGKILL
        for connection in connections:
            connection.settimeout(20)
            try:
                print(connection.recv(1))
            except ConnectionResetError:
                print(b"")
        os.kill(int(Path("child").read_text()), signal.SIGKILL)
        """,
    )
    assert output == "b''\nb''\n"


def test_a_child_forked_in_a_signal_handler_does_not_wait_for_its_parents_job(program: Program) -> None:
    output = run(
        program,
        """
        import threading
        sc, children, parent = context(), [], os.getpid()

        def handle(number, frame):
            children.append(os.fork())

        def slowly(x):
            deadline = time.monotonic() + 20
            while not (Path.cwd() / "go").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            return x

        signal.signal(signal.SIGUSR1, handle)
        threading.Timer(0.5, lambda: os.kill(parent, signal.SIGUSR1)).start()
        try:
            found = sc.parallelize(range(4), 4).map(slowly).collect()
        except RuntimeError as error:
            assert os.getpid() != parent and "forked" in str(error)
            (Path.cwd() / "go").touch()
            os._exit(6)
        print(found, ended(children[0]))
        """,
    )
    assert output == "[0, 1, 2, 3] 6\n"


def test_profiles_are_shown_by_the_process_that_has_them(program: Program) -> None:
    output = run(
        program,
        """
        sc = context(spark_python_profile="true")
        sc.parallelize(range(3), 1).map(lambda x: x + 1).collect()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            sys.exit(0)
        assert ended(pid) == 0
        """,
    )
    assert output.count("Profile of RDD") == 1


def test_an_interpreter_within_the_process_is_refused_in_words(program: Program, tmp_path: Path) -> None:
    output = run(
        program,
        """
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        text = '''
        import traceback
        try:
            import dstreams
        except ImportError as error:
            print(error)
        '''.replace("\\n        ", "\\n")
        old = [{"isolated": False}, {"isolated": True}]
        for options in old if sys.version_info < (3, 13) else ["legacy", "isolated"]:
            made = interpreters.create(**options) if isinstance(options, dict) else interpreters.create(options)
            run = interpreters.run_string if hasattr(interpreters, "run_string") else interpreters.exec
            run(made, text)
        """,
    )
    assert [line.split(" alone")[0] for line in output.splitlines()] == [
        "dstreams runs in the main interpreter of a process"
    ] * 2
