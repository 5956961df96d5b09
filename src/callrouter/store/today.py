"""What the database says of one day so far: attempts by quarter of an hour, demands, results, and what was lent.

Only sums leave the database, so a busy day costs no more than its hotlines times its quarters; `attempts` alone are
one by one. Definitions are those of the measures (attempts in opening hours; nothing is left out of the denominator).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import BigInteger, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callrouter.core.commands import Outcome
from callrouter.core.demands import COUNTED
from callrouter.desk.results import Disposition
from callrouter.store.schema import CALL_RECORD, DEMAND, RESULT
from callrouter.store.store import reading

SLOT_S = 900
SOME = 500  # rows between two turns of the loop
_CALL, _DEMAND, _RESULT = CALL_RECORD.c, DEMAND.c, RESULT.c


@dataclass(frozen=True, slots=True)
class Slot:
    """Attempts of a hotline that arrived in one quarter of an hour, and how many of them an agent answered in time."""

    hotline: str
    number: int  # of the quarter, counted from the day's beginning
    attempts: int
    in_time: int


@dataclass(frozen=True, slots=True)
class Reached:
    """Demands of a hotline that have ended, by their first attempt. first: it was answered. unreached: nobody was."""

    hotline: str
    demands: int
    first: int
    unreached: int


@dataclass(frozen=True, slots=True)
class Settled:
    """Answered attempts of a hotline that have ended. given: with a result. resolved: in this talk, for good."""

    hotline: str
    answered: int
    given: int
    resolved: int


@dataclass(frozen=True, slots=True)
class Lent:
    """Conversations that ended which a team had under an agreement."""

    agreement: str
    lender: str
    calls: int
    talk_s: float


@dataclass(frozen=True, slots=True)
class Today:
    """Since the instant `since`. known: of the calls that were asked about, those that are in these sums."""

    since: float
    slots: tuple[Slot, ...] = ()
    reached: tuple[Reached, ...] = ()
    settled: tuple[Settled, ...] = ()
    lent: tuple[Lent, ...] = ()
    known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call in opening hours. caller: the same text for the same person, '' withheld or erased. ended_at None: it goes
    on. reached: also where nobody can say, since a failsafe group or a lost site had it.
    """

    call: str
    hotline: str
    caller: str
    arrived_at: float
    ended_at: float | None = None
    reached: bool = True


async def attempts(engine: AsyncEngine, since: float, until: float, most: int) -> list[Attempt]:
    """Those that arrived from `since` on and ended by `until`, the latest to arrive first; no more than so many.

    Callers are their keys. The loop has its turn between some rows and the next. Raises SQLAlchemyError or OSError.
    """
    query = (
        select(_CALL.call, _CALL.hotline, _CALL.caller, _CALL.arrived_at, _CALL.ended_at, _CALL.outcome)
        .where(_CALL.arrived_at >= since, _CALL.ended_at <= until)
        .where(_CALL.hotline != "", _CALL.outcome.in_(sorted(COUNTED)))
        .order_by(_CALL.arrived_at.desc())
        .limit(most)
    )
    missed = (Outcome.ABANDONED.value, Outcome.BUSIED.value)
    found = []
    async with reading(engine) as connection, connection.stream(query) as rows:
        async for some in rows.partitions(SOME):
            found += [
                Attempt(call, hotline, caller or "", arrived_at, ended_at, outcome not in missed)
                for call, hotline, caller, arrived_at, ended_at, outcome in some
            ]
    return found


async def today(engine: AsyncEngine, since: float, asked: Collection[str] = ()) -> Today:
    """The day that began at `since`. Raises SQLAlchemyError or OSError."""
    async with reading(engine) as connection:  # one transaction: the sums and `known` are of the same instant
        return Today(
            since,
            await _slots(connection, since),
            await _reached(connection, since),
            await _settled(connection, since),
            await _lent(connection, since),
            await _known(connection, asked),
        )


async def _slots(connection: AsyncConnection, since: float) -> tuple[Slot, ...]:
    # whole milliseconds: integer division rounds down in every dialect, a cast does not
    quarter = (cast(_CALL.arrived_at * 1000, BigInteger) - round(since * 1000)) // (SLOT_S * 1000)
    in_time = func.sum(case((_CALL.within_target, 1), else_=0))
    query = (
        select(_CALL.hotline, quarter.label("quarter"), func.count().label("attempts"), in_time.label("in_time"))
        .where(_CALL.arrived_at >= since, _CALL.hotline != "", _CALL.outcome.in_(sorted(COUNTED)))
        .group_by(_CALL.hotline, "quarter")
        .order_by(_CALL.hotline, "quarter")
    )
    return tuple(Slot(r.hotline, r.quarter, r.attempts, r.in_time) for r in await connection.execute(query))


async def _reached(connection: AsyncConnection, since: float) -> tuple[Reached, ...]:
    first = func.sum(case((_DEMAND.reached_first, 1), else_=0))
    query = (
        select(
            _DEMAND.hotline,
            func.count().label("demands"),
            first.label("first"),
            func.sum(case((_DEMAND.reached_at.is_(None), 1), else_=0)).label("unreached"),
        )
        .where(_DEMAND.first_at >= since, _DEMAND.closed_at.is_not(None))
        .group_by(_DEMAND.hotline)
        .order_by(_DEMAND.hotline)
    )
    return tuple(Reached(r.hotline, r.demands, r.first, r.unreached) for r in await connection.execute(query))


async def _settled(connection: AsyncConnection, since: float) -> tuple[Settled, ...]:
    resolved = func.sum(case((_RESULT.disposition == Disposition.RESOLVED.value, 1), else_=0))
    query = (
        select(
            _CALL.hotline,
            func.count().label("answered"),
            func.count(_RESULT.call).label("given"),
            resolved.label("resolved"),
        )
        .join_from(CALL_RECORD, RESULT, _RESULT.call == _CALL.call, isouter=True)
        .where(_CALL.arrived_at >= since, _CALL.hotline != "", _CALL.outcome == Outcome.ANSWERED.value)
        .group_by(_CALL.hotline)
        .order_by(_CALL.hotline)
    )
    return tuple(Settled(r.hotline, r.answered, r.given, r.resolved) for r in await connection.execute(query))


async def _lent(connection: AsyncConnection, since: float) -> tuple[Lent, ...]:
    query = (
        select(_CALL.agreement, _CALL.team, func.count().label("calls"), func.sum(_CALL.talk_s).label("talk_s"))
        .where(_CALL.arrived_at >= since, _CALL.agreement != "", _CALL.talk_s > 0)
        .group_by(_CALL.agreement, _CALL.team)
        .order_by(_CALL.agreement, _CALL.team)
    )
    return tuple(Lent(r.agreement, r.team, r.calls, r.talk_s) for r in await connection.execute(query))


async def _known(connection: AsyncConnection, asked: Collection[str]) -> frozenset[str]:
    names = sorted(asked)
    found: set[str] = set()
    for start in range(0, len(names), 500):
        query = select(_CALL.call).where(_CALL.call.in_(names[start : start + 500]))
        found.update(row.call for row in await connection.execute(query))
    return frozenset(found)
