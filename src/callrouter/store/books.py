"""Call records and demands in SQL, each call exactly once.

A batch of the journal goes in with the place up to which it was read, in one transaction: after a crash, or when
somebody else was quicker, nothing is there twice and nothing is missing. Of two words about one call (a router that
was fenced may have seen less) his stands who saw its end, else the later one. Plain SQL, the same for every dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Row, String, Table, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callrouter.core.commands import OutboundFinished, Outcome
from callrouter.core.demands import COUNTED, Attempt, Demand, Demands, Key, attempt_of
from callrouter.finished import Batch, Finished, Weight, weight
from callrouter.store.callbacks import Callbacks
from callrouter.store.schema import CALL_RECORD, DEMAND, JOURNAL_MARK

CLOSE_MAX = 5_000  # in one transaction
_KEPT = tuple(column.name for column in DEMAND.columns)
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """What one batch brought. closed: demands that it ended. rung: outbound calls that are new."""

    stored: int
    replaced: int
    closed: tuple[Demand, ...]
    rung: tuple[OutboundFinished, ...] = ()


class Books:
    """key_of: the keyed hash of a caller's number, '' when it is withheld. callbacks: where those go."""

    def __init__(self, engine: AsyncEngine, key_of: Callable[[str], str], callbacks: Callbacks | None = None) -> None:
        self._engine = engine
        self._key_of = key_of
        self._callbacks = callbacks

    async def marks(self, journal: str) -> dict[str, int]:
        """How far each segment was read. Raises SQLAlchemyError or OSError, as all of these."""
        mark = JOURNAL_MARK.c
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(mark.segment, mark.place).where(mark.journal == journal))
            return {row.segment: row.place for row in rows}

    async def unmark(self, journal: str, segments: Collection[str]) -> None:
        """These segments do not exist any more."""
        mark = JOURNAL_MARK.c
        async with self._engine.begin() as connection:
            await connection.execute(
                delete(JOURNAL_MARK).where(mark.journal == journal, mark.segment.in_(sorted(segments)))
            )

    async def take(self, journal: str, batch: Batch) -> Taken | None:
        """Keep a batch. None: somebody else has taken it; ask for the marks again."""
        try:
            async with self._engine.begin() as connection:
                if not await _advance(connection, journal, batch):
                    return None
                latest: dict[str, Finished] = {}
                for one in batch.calls:
                    known = latest.get(one.record.call)
                    if known is None or known.weight <= one.weight:
                        latest[one.record.call] = one
                rows = await _rows(connection, CALL_RECORD, CALL_RECORD.c.call, latest)
                kept = {row.call: row for row in rows}
                fresh = [one for call, one in latest.items() if call not in kept]
                newer = [one for call, one in latest.items() if call in kept and _weight(kept[call]) < one.weight]
                await self._correct(connection, newer, kept)
                closed = await self._add(connection, fresh)
                assert not batch.told or self._callbacks is not None, "these books keep no callbacks"
                rung = await self._callbacks.follow(connection, batch.told) if self._callbacks else ()
        except IntegrityError:  # two routers, one call, at the same moment: the other one was first
            return None
        return Taken(len(fresh), len(newer), closed, rung)

    async def close(self, now: float, ringing: Callable[[Key], bool]) -> tuple[Demand, ...]:
        """Close demands whose window is over, but not those whose caller has a live call, which came in time."""
        demand = DEMAND.c
        query = (
            select(DEMAND)
            .where(demand.closed_at.is_(None), demand.closes_at < now)
            .order_by(demand.closes_at, demand.id)
            .limit(CLOSE_MAX)
            .with_for_update()
        )
        async with self._engine.begin() as connection:
            found = [_demand(row) for row in await connection.execute(query)]
            closed = Demands(found, len(found) + 1).close(now, ringing)
            await _put_demands(connection, closed, {one.id for one in closed})
        return tuple(closed)

    # ---- inside

    async def _add(self, connection: AsyncConnection, fresh: Sequence[Finished]) -> tuple[Demand, ...]:
        """Keep calls that are new, each with its demand."""
        if not fresh:
            return ()
        keys = {one.record.call: self._key_of(one.record.caller) for one in fresh}
        attempts = [
            attempt
            for one in fresh
            if (attempt := attempt_of(one.record, keys[one.record.call], one.target_s, one.window_s)) is not None
        ]
        opened = await self._opened(connection, {one.caller for one in attempts if one.caller})
        changed, demand_of = _group(attempts, opened)
        rows = [_call_values(one, keys[one.record.call], demand_of.get(one.record.call)) for one in fresh]
        await connection.execute(insert(CALL_RECORD), rows)
        await _put_demands(connection, changed, {one.id for one in opened})
        return tuple(one for one in changed if one.closed_at is not None)

    async def _opened(self, connection: AsyncConnection, callers: Collection[str]) -> list[Demand]:
        demand = DEMAND.c
        query = (
            select(DEMAND)
            .where(demand.closed_at.is_(None), demand.caller.in_(sorted(callers)))
            .order_by(demand.first_at, demand.id)
            .with_for_update()
        )
        return [_demand(row) for row in await connection.execute(query)] if callers else []

    async def _correct(self, connection: AsyncConnection, newer: Sequence[Finished], kept: dict[str, Row[Any]]) -> None:
        """Replace records by later words about the same calls, and group anew the demands that they were part of."""
        if not newer:
            return
        for one in newer:
            values = _call_values(one, self._key_of(one.record.caller), None)
            await connection.execute(update(CALL_RECORD).where(CALL_RECORD.c.call == one.record.call).values(values))
        gone = {kept[one.record.call].demand for one in newer} - {None}
        calls = {one.record.call for one in newer}
        query = select(CALL_RECORD).where(
            CALL_RECORD.c.call.in_(sorted(calls)) | CALL_RECORD.c.demand.in_(sorted(gone))
        )
        rows = (await connection.execute(query.order_by(CALL_RECORD.c.ended_at, CALL_RECORD.c.call))).all()
        changed, demand_of = _group([attempt for row in rows if (attempt := _attempt(row)) is not None], ())
        await connection.execute(delete(DEMAND).where(DEMAND.c.id.in_(sorted(gone))))
        await _put_demands(connection, changed, ())
        if demand_of:
            await connection.execute(
                update(CALL_RECORD).where(CALL_RECORD.c.call == bindparam("of_call")).values(demand=bindparam("into")),
                [{"of_call": call, "into": into} for call, into in demand_of.items()],
            )


def _group(attempts: Iterable[Attempt], opened: Sequence[Demand]) -> tuple[list[Demand], dict[str, str]]:
    """(demands that are new or changed, the demand of each call)."""
    attempts = list(attempts)
    book = Demands(opened, len(opened) + len(attempts) + 1)
    changed: dict[str, Demand] = {}
    demand_of: dict[str, str] = {}
    for attempt in attempts:
        step = book.add(attempt)
        demand_of[attempt.call] = step.demand.id
        for demand in (step.demand, *step.closed):
            changed[demand.id] = demand
    return list(changed.values()), demand_of


async def _advance(connection: AsyncConnection, journal: str, batch: Batch) -> bool:
    """Move the mark from the batch's start to its end; a write at once, so that a rival waits here."""
    mark = JOURNAL_MARK.c
    if batch.start == 0:
        row = {"journal": journal, "segment": batch.segment, "place": batch.end}
        await connection.execute(insert(JOURNAL_MARK).values(row))
        return True
    moved = await connection.execute(
        update(JOURNAL_MARK)
        .where(mark.journal == journal, mark.segment == batch.segment, mark.place == batch.start)
        .values(place=batch.end)
    )
    return moved.rowcount == 1


async def _rows(connection: AsyncConnection, table: Table, column: Any, names: Iterable[str]) -> list[Row[Any]]:
    wanted = sorted(names)
    if not wanted:
        return []
    return list((await connection.execute(select(table).where(column.in_(wanted)))).all())


def _weight(row: Row[Any]) -> Weight:
    return weight(row.end_seen, row.outcome, row.ended_at, row.run, row.seq)


async def _put_demands(connection: AsyncConnection, demands: Sequence[Demand], known: Collection[str]) -> None:
    new = [_demand_values(one) for one in demands if one.id not in known]
    if new:
        await connection.execute(insert(DEMAND), new)
    old = [{"of_demand": one.id, **_demand_values(one)} for one in demands if one.id in known]
    if old:
        values: Values = {name: bindparam(name) for name in _KEPT if name not in ("id", "caller")}
        await connection.execute(update(DEMAND).where(DEMAND.c.id == bindparam("of_demand")).values(values), old)


def _demand_values(demand: Demand) -> Values:
    values = {name: getattr(demand, name) for name in _KEPT}
    values["caller"] = demand.caller or None
    return values


def _demand(row: Row[Any]) -> Demand:
    values = {field.name: getattr(row, field.name) for field in fields(Demand) if field.name != "shed"}
    values["caller"] = row.caller or ""
    return Demand(**values)


_SIZES = {
    column.name: column.type.length
    for column in CALL_RECORD.columns
    if isinstance(column.type, String) and column.type.length
}


def _call_values(one: Finished, caller: str, demand: str | None) -> Values:
    """The row; text that came from outside is cut to its column, so that no call can stop those after it."""
    record = one.record
    values: Values = {
        "call": record.call,
        "hotline": record.hotline,
        "topic": record.topic,
        "site": record.site,
        "number": record.number,
        "caller": caller or None,
        "withheld": not caller,
        "outcome": record.outcome.value,
        "end_seen": record.seen,
        "unserved": record.unserved.value,
        "arrived_at": record.arrived_at,
        "ended_at": record.ended_at,
        "wait_s": record.wait_s,
        "talk_s": record.talk_s,
        "on_hold_s": record.on_hold_s,
        "agent": record.agent or None,
        "team": record.team,
        "agreement": record.agreement,
        "within_target": record.within_target,
        "offers": record.attempts,
        "cause": record.cause,
        "because": record.because.replace("\0", ""),
        "target_s": one.target_s,
        "window_s": one.window_s,
        "demand": demand,
        "run": one.run,
        "seq": one.seq,
    }
    for name, size in _SIZES.items():
        if values[name] is not None:
            values[name] = values[name].replace("\0", "")[:size]
    return values


def _attempt(row: Row[Any]) -> Attempt | None:
    """The attempt that a kept record is."""
    outcome = Outcome(row.outcome)
    if outcome not in COUNTED or not row.hotline:
        return None
    reached = row.arrived_at + row.wait_s if outcome is Outcome.ANSWERED else None
    return Attempt(
        row.call, row.hotline, row.caller or "", row.arrived_at, row.ended_at, reached, row.target_s, row.window_s
    )
