"""Transactional outputs: with SQLite, and with a real PostgreSQL where there is one."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkContext

from dstreams.streaming import once

TIME = datetime(2026, 1, 2, 3, 4, 5, 678000)


def add_words(mark: str) -> Callable[[Any, Iterable[str]], None]:
    """A function that inserts words; `mark` stands for a parameter."""

    def write(cursor: Any, records: Iterable[str]) -> None:
        for word in records:
            if word == "bad":
                raise ValueError("a word that cannot be written")
            cursor.execute(f"INSERT INTO words (word) VALUES ({mark})", (word,))

    return write


def words_in(connect: Callable[[], Any]) -> list[str]:
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("SELECT word FROM words ORDER BY word")
    found = [word for (word,) in cursor.fetchall()]
    connection.close()
    return found


def make_table(connect: Callable[[], Any]) -> None:
    connection = connect()
    connection.cursor().execute("CREATE TABLE words (word VARCHAR(20))")
    connection.commit()
    connection.close()


def check(sc: SparkContext, connect: Callable[[], Any], mark: str) -> None:
    """A batch that runs again, one that failed half way, another batch, another output."""
    make_table(connect)
    output = once(connect, add_words(mark), name="it's words")
    rdd = sc.parallelize(["a", "b", "c", "d"], 2)
    output(TIME, rdd)
    output(TIME, rdd)
    assert words_in(connect) == ["a", "b", "c", "d"]
    later = TIME.replace(second=6)
    with pytest.raises(Py4JJavaError, match="a word that cannot be written"):
        output(later, sc.parallelize(["e", "bad"], 1))
    assert words_in(connect) == ["a", "b", "c", "d"]
    output(later, sc.parallelize(["e", "good"], 1))
    once(connect, add_words(mark), name="other")(TIME, rdd)
    assert words_in(connect) == sorted(["a", "b", "c", "d"] * 2 + ["e", "good"])


def test_with_sqlite(sc: SparkContext, tmp_path: Path) -> None:
    path = str(tmp_path / "words.db")
    check(sc, lambda: sqlite3.connect(path, timeout=30), "?")


def missing(what: str) -> NoReturn:
    """Skips; where everything has to be there, fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}: .ci/run should have installed it")
    pytest.skip(what)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A server of its own on a socket in a folder; the answer is that folder."""
    if importlib.util.find_spec("psycopg") is None:
        missing("there is no psycopg")
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    if binaries is None:
        missing("there is no PostgreSQL server on this machine")
    # Not in a folder of pytest's, which nobody else can enter; and names of sockets are short.
    folder = Path(tempfile.mkdtemp(prefix="dstreams-pg-"))
    how: dict[str, Any] = {"stdout": subprocess.DEVNULL, "check": True, "cwd": folder}
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "nobody", "nogroup")
        how |= {"user": "nobody", "group": "nogroup", "extra_groups": []}
    subprocess.run([binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "test", "-N"], **how)
    control = [binaries / "pg_ctl", "-D", folder / "data", "-w"]
    listen = f"-c listen_addresses='' -c unix_socket_directories='{folder}'"
    subprocess.run([*control, "start", "-l", folder / "log", "-o", listen], **how)
    yield str(folder)
    subprocess.run([*control, "stop", "-m", "immediate"], **how)
    shutil.rmtree(folder)


def test_with_postgresql(sc: SparkContext, postgres: str) -> None:
    import psycopg

    check(sc, lambda: psycopg.connect(host=postgres, user="test", dbname="postgres"), "%s")


PROGRAM = """
import sys
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext
from dstreams.streaming import once

folder, database = sys.argv[1:]

def connect():
    if database.endswith(".db"):
        import sqlite3
        return sqlite3.connect(database, timeout=30)
    import psycopg
    return psycopg.connect(host=database, user="test", dbname="postgres")

def write(cursor, records):
    for number in records:
        cursor.execute(f"INSERT INTO numbers VALUES ({number})")

def setup():
    conf = SparkConf().setMaster("local[2]").setAppName("once").set("spark.streaming.clock", "manual")
    sc = SparkContext(conf=conf)
    ssc = StreamingContext(sc, 1)
    ssc.checkpoint(folder)
    numbers = ssc.queueStream([sc.parallelize(range(at * 100, at * 100 + 100), 2) for at in range(BATCHES)])
    numbers.foreachRDD(once(connect, write))
    numbers.foreachRDD(lambda rdd: print(rdd.count() and rdd.max(), flush=True))
    return ssc

ssc = StreamingContext.getOrCreate(folder, setup)
ssc.start()
while True:
    ssc.advance()
"""
BATCHES = 20


def kill_again_and_again(tmp_path: Path, database: str, connect: Callable[[], Any]) -> None:
    """Runs a stream into a database, kills it at random moments, and looks for each number exactly once."""
    with closing(connect()) as connection:
        connection.cursor().execute("CREATE TABLE numbers (number INTEGER)")
        connection.commit()
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("BATCHES", str(BATCHES)), encoding="utf-8")
    command = [sys.executable, str(program), str(tmp_path / "checkpoint"), database]
    moments = random.Random(3)
    last, kills = "", 0
    # An empty batch comes once all others are done, whether their lines were read or not.
    while last != "0":
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            # After every few batches; with an end, so that later kills meet a stream that goes on.
            for _ in range(moments.randrange(2, 9)):
                last = child.stdout.readline().strip() or last
                if last == "0":
                    break
            time.sleep(moments.uniform(0, 0.03))
            child.kill()
            kills += 1
    with closing(connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT number FROM numbers ORDER BY number")
        assert [number for (number,) in cursor.fetchall()] == list(range(BATCHES * 100))
    assert kills > 2


def test_a_stream_into_sqlite_that_is_killed_writes_each_row_once(tmp_path: Path) -> None:
    path = str(tmp_path / "numbers.db")
    kill_again_and_again(tmp_path, path, lambda: sqlite3.connect(path, timeout=30))


def test_a_stream_into_postgresql_that_is_killed_writes_each_row_once(tmp_path: Path, postgres: str) -> None:
    import psycopg

    kill_again_and_again(tmp_path, postgres, lambda: psycopg.connect(host=postgres, user="test", dbname="postgres"))


def test_wrong_arguments_are_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="functions connect and write"):
        once(None, add_words("?"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="table: expected a plain name"):
        once(lambda: sqlite3.connect(":memory:"), add_words("?"), table="a; DROP TABLE b")
    with pytest.raises(ValueError, match="name: expected a name"):
        once(lambda: sqlite3.connect(":memory:"), add_words("?"), name="")
