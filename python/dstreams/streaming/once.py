"""How does an output write each record once, although a batch may run again after a crash?

`once` records in the output's own database which partition of which batch is written, in the very transaction that
writes it. A batch that runs again finds its partitions there and leaves them out; a transaction that did not end left
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from dstreams.core.rdd import RDD
from dstreams.core.taskcontext import TaskContext

__all__ = ["Connection", "once"]

T = TypeVar("T")


class Connection(Protocol):
    """A connection to a database as DB-API 2.0 (PEP 249) has it: `sqlite3`, `psycopg`, `psycopg2` and others."""

    def cursor(self) -> Any:
        """A cursor."""

    def commit(self) -> None:
        """Ends the transaction: what it did is there, all of it."""

    def rollback(self) -> None:
        """Ends the transaction: what it did is gone."""

    def close(self) -> None:
        """Ends the connection."""


def once(
    connect: Callable[[], Connection],
    write: Callable[[Any, Iterable[T]], object],
    name: str = "output",
    table: str = "dstreams_done",
) -> Callable[[datetime, RDD[T]], None]:
    """An output for `foreachRDD` that writes each partition of each batch exactly once.

    `connect()`: a new connection, made in each task; transactions must begin by themselves, as DB-API says: no
    autocommit.
    `write(cursor, records)`: writes one partition's records. It must not commit, and must do nothing outside of the
    transaction.
    `name`: which output this is, stable over runs; different outputs to one database need different names.
    `table`: where (name, batch, partition) are recorded, made if it is not there.

    The batch's time is the same when it runs again, and so are its records if its sources can be read again or are
    logged: the guarantee rests on both. Rows of the table may be deleted once their batch is older than the checkpoint.
    Raises: ValueError for a table that is no plain name; TypeError for what is not a function.
    """
    if not all(map(callable, (connect, write))):
        raise TypeError(f"once: expected functions connect and write, got {connect!r:.60} and {write!r:.60}")
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", str(table)):
        raise ValueError(f"table: expected a plain name such as dstreams_done, got {table!r:.80}")
    if not name:
        raise ValueError(f"name: expected a name for this output, got {name!r:.80}")

    def output(time: datetime, rdd: RDD[T]) -> None:
        with closing(connect()) as connection:
            connection.cursor().execute(
                f"CREATE TABLE IF NOT EXISTS {table} (name VARCHAR(200), batch BIGINT, part INTEGER, "
                "PRIMARY KEY (name, batch, part))"
            )
            connection.commit()
        batch = round(time.timestamp() * 1000)
        rdd.foreachPartition(partial(_write, connect, write, table, name, batch))

    return output


def _write(
    connect: Callable[[], Connection],
    write: Callable[[Any, Iterable[T]], object],
    table: str,
    name: str,
    batch: int,
    records: Iterable[T],
) -> None:
    context = TaskContext.get()
    part = context.partitionId() if context is not None else 0
    with closing(connect()) as connection:
        cursor = connection.cursor()
        try:
            # First of all: a second task for the same partition waits here, or fails, before it writes anything. The
            # values are numbers and a quoted name, because drivers differ in how they mark parameters.
            place = f"name = {_quoted(name)} AND batch = {batch} AND part = {part}"
            cursor.execute(f"SELECT 1 FROM {table} WHERE {place}")
            if cursor.fetchone() is None:
                cursor.execute(f"INSERT INTO {table} (name, batch, part) VALUES ({_quoted(name)}, {batch}, {part})")
                write(cursor, records)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
