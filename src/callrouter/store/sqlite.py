"""What SQLite needs to be told at each connection; nothing of it concerns other databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "foreign_keys=ON")

READING = "callrouter_reading"  # execution option of a connection that will not write


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
