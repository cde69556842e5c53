"""Transactional outputs: with SQLite, and with a real PostgreSQL where there is one."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

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


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    """A server of its own on a socket in a folder; the answer is that folder."""
    binaries = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)
    if binaries is None:
        pytest.skip("there is no PostgreSQL server on this machine")
    # The server refuses to run as root.
    account = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    folder = tmp_path / "pg"
    folder.mkdir()
    if account:
        for place in (folder, *list(folder.parents)[:3]):
            place.chmod(0o755)
        shutil.chown(folder, "postgres", "postgres")
    quiet = {"stdout": subprocess.DEVNULL, "check": True, "cwd": folder}
    subprocess.run([*account, binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "test"], **quiet)
    control = [*account, binaries / "pg_ctl", "-D", folder / "data", "-w"]
    listen = f"-c listen_addresses='' -c unix_socket_directories='{folder}'"
    subprocess.run([*control, "start", "-l", folder / "log", "-o", listen], **quiet)
    yield str(folder)
    subprocess.run([*control, "stop", "-m", "immediate"], **quiet)


def test_with_postgresql(sc: SparkContext, postgres: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    check(sc, lambda: psycopg.connect(host=postgres, user="test", dbname="postgres"), "%s")


def test_wrong_arguments_are_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="functions connect and write"):
        once(None, add_words("?"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="table: expected a plain name"):
        once(lambda: sqlite3.connect(":memory:"), add_words("?"), table="a; DROP TABLE b")
    with pytest.raises(ValueError, match="name: expected a name"):
        once(lambda: sqlite3.connect(":memory:"), add_words("?"), name="")
