"""Reads a report's records out of the database, beside a running service: read-only, all of one instant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Select, and_, event, func, or_, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus
from callrouter.core.commands import Outcome, Unserved
from callrouter.core.demands import Demand
from callrouter.desk.callbacks import PROMISED
from callrouter.report.book import Book
from callrouter.report.figures import Record
from callrouter.store.schema import CALL_RECORD, CALLBACK, DEMAND, RESULT

_CALL, _DEMAND, _CALLBACK = CALL_RECORD.c, DEMAND.c, CALLBACK.c


class NoRecords(Exception):
    """There is no database, or none that this release reads; the text says what to do."""


async def fill(book: Book, url: str) -> None:
    """Take everything of the book's period and hotlines. Raises NoRecords."""
    try:
        async with _reading(make_url(url)) as connection:
            await _fill(book, connection)
    except (SQLAlchemyError, OSError) as error:
        raise NoRecords(_why(error, make_url(url))) from error


async def kept(url: str) -> tuple[float, float] | None:
    """When the first and the last call that are kept arrived; None: none is. Raises NoRecords."""
    try:
        async with _reading(make_url(url)) as connection:
            first, last = (
                await connection.execute(select(func.min(_CALL.arrived_at), func.max(_CALL.arrived_at)))
            ).one()
    except (SQLAlchemyError, OSError) as error:
        raise NoRecords(_why(error, make_url(url))) from error
    return None if first is None else (first, last)


@asynccontextmanager
async def _reading(url: URL) -> AsyncIterator[AsyncConnection]:
    """One connection, in one transaction that sees one instant and can change nothing."""
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "")
        if not await asyncio.to_thread(path.is_file):
            raise NoRecords(
                f"there is no database {path}: run this in the working directory of the service, "
                "or name its database with --database"
            )
        # mode=ro does not make a file that is missing; WAL lets the service write meanwhile
        url = url.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})
    engine = create_async_engine(url, poolclass=NullPool)
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only=ON").close())
    try:
        async with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            async with connection.begin():
                yield connection
    finally:
        await engine.dispose()


def _why(error: Exception, url: URL) -> str:
    where = url.render_as_string(hide_password=True)
    text = str(error).splitlines()[0]
    if "no such table" in text or "no such column" in text or "does not exist" in text:
        return f"{where} holds no call records of this release; start the service once, it brings its tables up to date"
    return f"{where} cannot be read: {text}"


async def _fill(book: Book, connection: AsyncConnection) -> None:
    names = tuple(Record.__dataclass_fields__)
    for query in _each(book, select(*(_CALL[name] for name in names)), "arrived_at"):
        async for row in await connection.stream(query):
            values = dict(row._mapping)
            values |= {"outcome": Outcome(row.outcome), "unserved": Unserved(row.unserved)}
            book.take_call(Record(**values))
    names = tuple(field for field in Demand.__dataclass_fields__ if field not in ("caller", "shed"))
    demands = select(*(_DEMAND[name] for name in names))
    for query in _each(book, demands, "first_at"):
        async for row in await connection.stream(query):
            book.take_demand(Demand(caller="", **row._mapping))
    results = select(_CALL.hotline, RESULT.c.disposition).where(RESULT.c.call == _CALL.call)
    for query in _each(book, results, "arrived_at"):
        async for row in await connection.stream(query):
            book.take_result(row.hotline, row.disposition)
    promised = select(CALLBACK).where(_CALLBACK.kind.in_([kind.value for kind in PROMISED]))
    for query in _each(book, promised, "due_at"):
        async for row in await connection.stream(query):
            book.take_callback(
                Callback(
                    row.id, CallbackKind(row.kind), row.hotline, row.topic, row.site, "", row.asked_at, row.due_at,
                    CallbackStatus(row.status), done_at=row.done_at,
                    result=CallbackResult(row.result) if row.result else None,
                )
            )  # fmt: skip


def _each(book: Book, query: Select[tuple[object, ...]], at: str) -> list[Select[tuple[object, ...]]]:
    """The query for the book's hotlines, each with its own day."""
    table = query.get_final_froms()[0].c
    mine = [
        and_(table.hotline == name, table[at] >= start, table[at] < end) for name, (start, end) in book.bounds.items()
    ]
    return [query.where(or_(*mine))] if mine else []
