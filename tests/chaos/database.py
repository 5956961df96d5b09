"""SQLite without threads: the dialect `sqlite+virtual`, whose statements run in the loop, take time, fail on demand.

It is SQLAlchemy's own dialect for aiosqlite over another driver, so all that the product says to the database is said
here as well. A connection belongs to the process that opened it and is closed, its transaction undone, when that dies.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_dbapi,
    SQLiteDialect_aiosqlite,
)
from sqlalchemy.util.concurrency import await_

from tests.chaos.loop import PROCESS

BUSY_S = 5.0  # what `busy_timeout` says; waiting is virtual here
AGAIN_S = 0.01


class Weather:
    """How the database is now, for everybody who uses this file."""

    def __init__(self) -> None:
        self.rng = random.Random(0)
        self.away = False  # no connection, no statement
        self.full = False  # nothing can be written
        self.unknown = 0  # so many commits take effect and are answered by an error
        self.slow_s = 0.0
        self.writers: set[int] = set()  # connections with a write transaction: blocking users wait for them

    def delay_s(self) -> float:
        return 2e-5 + self.slow_s * self.rng.random()


WEATHER = Weather()


class Connection:
    """As aiosqlite's, as far as SQLAlchemy uses it."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._conn = raw
        self._tx = self
        self._closed = False
        process = PROCESS.get()
        if process is not None:
            process.on_death.append(self.stop)

    @property
    def _connection(self) -> Any:
        return None if self._closed else self._conn

    def put_nowait(self, job: tuple[asyncio.Future[Any], Callable[[], Any]]) -> None:
        """Of aiosqlite's thread: SQLAlchemy sets the isolation level by it."""
        future, function = job
        future.set_result(function())

    @property
    def isolation_level(self) -> Any:
        return self._conn.isolation_level

    def cursor(self) -> Cursor:
        return Cursor(self)

    async def commit(self) -> None:
        await self.turn()
        await self._end("commit", self._conn.commit)

    async def rollback(self) -> None:
        await self.turn(always=True)
        await self._end("rollback", self._conn.rollback)

    async def _end(self, what: str, how: Callable[[], None]) -> None:
        if what == "commit" and WEATHER.full and self._conn.total_changes and self._conn.in_transaction:
            raise sqlite3.OperationalError("database or disk is full")
        how()
        WEATHER.writers.discard(id(self))
        if what == "commit" and WEATHER.unknown:
            WEATHER.unknown -= 1
            raise sqlite3.OperationalError("disk I/O error")

    async def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        """Also when its process dies: what was not committed never was."""
        WEATHER.writers.discard(id(self))
        if not self._closed:
            self._closed = True
            self._conn.close()

    async def create_function(self, *arguments: Any, **more: Any) -> None:
        self._conn.create_function(*arguments, **more)

    async def turn(self, *, always: bool = False) -> None:
        """One way to the database and back."""
        await asyncio.sleep(WEATHER.delay_s())
        if self._closed:
            raise ValueError("no active connection")
        if WEATHER.away and not always:
            raise sqlite3.OperationalError("unable to open database file")


class Cursor:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._raw = connection._conn.cursor()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    async def __aenter__(self) -> Cursor:
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> Cursor:
        word = statement.split(None, 1)[0].upper()
        if statement.startswith("PRAGMA busy_timeout"):
            statement = "PRAGMA busy_timeout=0"
        await self._connection.turn()
        if word in ("INSERT", "UPDATE", "DELETE") and WEATHER.full:
            raise sqlite3.OperationalError("database or disk is full")
        loop = asyncio.get_running_loop()
        end = loop.time() + BUSY_S
        while True:
            try:
                self._raw.execute(statement, parameters)
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or loop.time() > end:
                    raise
            await asyncio.sleep(AGAIN_S)
        if statement == "BEGIN IMMEDIATE":
            WEATHER.writers.add(id(self._connection))
        return self

    async def executemany(self, statement: str, parameters: Any) -> Cursor:
        await self._connection.turn()
        if WEATHER.full:
            raise sqlite3.OperationalError("database or disk is full")
        self._raw.executemany(statement, parameters)
        return self

    async def fetchall(self) -> list[Any]:
        return self._raw.fetchall()

    async def fetchone(self) -> Any:
        return self._raw.fetchone()

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        return self._raw.fetchmany(size or self._raw.arraysize)

    async def close(self) -> None:
        self._raw.close()


async def connect(path: str, **options: Any) -> Connection:
    await asyncio.sleep(WEATHER.delay_s())
    if WEATHER.away:
        raise sqlite3.OperationalError("unable to open database file")
    return Connection(sqlite3.connect(path, **{**options, "timeout": 0.0}))


class _Driver:
    """The module that SQLAlchemy takes for aiosqlite."""

    Connection = Connection
    DatabaseError, Error, IntegrityError = sqlite3.DatabaseError, sqlite3.Error, sqlite3.IntegrityError
    NotSupportedError, OperationalError = sqlite3.NotSupportedError, sqlite3.OperationalError
    ProgrammingError, Warning = sqlite3.ProgrammingError, sqlite3.Warning
    sqlite_version, sqlite_version_info = sqlite3.sqlite_version, sqlite3.sqlite_version_info
    __version__ = "0.22.1"
    connect = staticmethod(connect)


class _Adapted(AsyncAdapt_aiosqlite_dbapi):
    def connect(self, *arguments: Any, **options: Any) -> AsyncAdapt_aiosqlite_connection:
        options.pop("async_creator_fn", None)  # of a thread, which there is none here
        return AsyncAdapt_aiosqlite_connection(self, await_(self.aiosqlite.connect(*arguments, **options)))


class VirtualSQLite(SQLiteDialect_aiosqlite):
    driver = "virtual"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return _Adapted(_Driver, sqlite3)  # type: ignore[arg-type]


dialect = VirtualSQLite


def register() -> None:
    registry.register("sqlite.virtual", __name__, "VirtualSQLite")
