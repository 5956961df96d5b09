"""Looking for calls that have ended, and through the audit trail. Pages go from the newest to the oldest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.store.schema import AUDIT, CALL_RECORD
from callrouter.store.store import reading

PAGE = 50
_C, _A = CALL_RECORD.c, AUDIT.c


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls. since, until: of arrival. caller: a key; the others: '' is all. call: the beginning of its id."""

    since: float
    until: float
    site: str = ""
    hotline: str = ""
    outcome: str = ""
    caller: str = ""
    call: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One page. before: give this for the next one; None: it was the last."""

    rows: tuple[Row[Any], ...]
    before: tuple[float, str] | None


async def calls(engine: AsyncEngine, wanted: Wanted, before: tuple[float, str] | None = None) -> Found:
    """Raises SQLAlchemyError or OSError."""
    query = select(CALL_RECORD).where(_C.arrived_at >= wanted.since, _C.arrived_at < wanted.until)
    for column, value in (
        (_C.site, wanted.site), (_C.hotline, wanted.hotline), (_C.outcome, wanted.outcome), (_C.caller, wanted.caller),
    ):  # fmt: skip
        if value:
            query = query.where(column == value)
    if wanted.call:
        query = query.where(_C.call.startswith(wanted.call, autoescape=True))
    if before is not None:
        at, call = before
        query = query.where(or_(_C.arrived_at < at, and_(_C.arrived_at == at, _C.call < call)))
    async with reading(engine) as connection:
        query = query.order_by(_C.arrived_at.desc(), _C.call.desc()).limit(PAGE + 1)
        rows = tuple((await connection.execute(query)).all())
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return Found(rows[:PAGE], None if last is None else (last.arrived_at, last.call))


async def call(engine: AsyncEngine, name: str) -> Row[Any] | None:
    """The record of one call that has ended. Raises SQLAlchemyError or OSError."""
    async with reading(engine) as connection:
        return (await connection.execute(select(CALL_RECORD).where(_C.call == name))).first()


async def trail(
    engine: AsyncEngine, who: str = "", what: str = "", before: int | None = None
) -> tuple[tuple[Row[Any], ...], int | None]:
    """(entries, where to go on). who: exactly; what: contained. Raises SQLAlchemyError or OSError."""
    query = select(AUDIT)
    if who:
        query = query.where(_A.who == who)
    if what:
        query = query.where(_A.what.contains(what, autoescape=True))
    if before is not None:
        query = query.where(_A.id < before)
    async with reading(engine) as connection:
        rows = tuple((await connection.execute(query.order_by(_A.id.desc()).limit(PAGE + 1))).all())
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None
