"""What SQLite needs to be told at each connection; nothing of it concerns other databases."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any
from weakref import ref

import aiosqlite
from aiosqlite.core import _connection_worker_thread
from sqlalchemy import Connection, Engine, event

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "foreign_keys=ON")

READING = "callrouter_reading"  # execution option of a connection that will not write


FETCHED_AT_ONCE = 64  # rows, aiosqlite's own number


class _Connection(aiosqlite.Connection):
    """One that may be stopped while it is being closed.

    SQLAlchemy does both at once when a query's task is cancelled twice. aiosqlite 0.22 then asks its thread to stop a
    second time, and waits for the answer of a thread that has ended: the service would never stop.
    """

    def stop(self) -> asyncio.Future[Any] | None:
        return super().stop() if self._running else None


def connect(database: str, **options: Any) -> aiosqlite.Connection:
    """What `async_creator_fn` of SQLAlchemy's aiosqlite dialect wants: a connection, to be awaited."""
    connection = _Connection(partial(sqlite3.connect, database, **options), FETCHED_AT_ONCE)
    # a daemon, as SQLAlchemy has it: an unclosed connection keeps no process alive
    connection._thread = Thread(target=_work, args=(ref(connection), connection._tx), daemon=True)
    return connection


def _work(connection: ref[_Connection], asked: Any) -> None:
    """aiosqlite's thread. It goes on to the end of its work when the loop has ended that waits for an answer.

    SQLAlchemy stops the connection of a cancelled query without waiting for it, so the loop may be closed by then.
    """
    while True:
        try:
            _connection_worker_thread(asked)
        except RuntimeError:  # the loop is closed
            if getattr(connection(), "_connection", None) is not None:
                continue
        return


def prepare(engine: Engine) -> None:
    event.listen(engine, "connect", _connected)
    event.listen(engine, "begin", _begin)


def _connected(connection: Any, _record: Any) -> None:
    """Readers do not stop the writer, and a writer waits for another one."""
    connection.isolation_level = None  # no transaction but those that `_begin` begins; they hold DDL as well
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Waits for another writer now: one that has read first could not wait any more. Who only reads need not wait."""
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def private_file(path: Path) -> None:
    """The file, readable by its owner only, before SQLite makes it by the umask."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
