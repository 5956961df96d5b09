"""Callbacks in SQL: one table for those that callers asked for and those that departments owe.

A number is kept sealed and only as long as it is needed. Plain SQL, the same for every dialect. What may be done with
a callback is said in `core/callbacks.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Row, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callrouter.callers import BadKey, Callers
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus, TryResult
from callrouter.core.commands import OutboundFinished
from callrouter.finished import Told
from callrouter.store.schema import CALLBACK, CALLBACK_TRY
from callrouter.store.store import reading

log = structlog.get_logger(__name__)

Values = dict[str, Any]
_COLUMN = CALLBACK.c
_OURS = frozenset(("id", "number", "caller", "department", "subject", "wish", "made_by"))  # no router changes these
_NULL = ("department", "call", "caller", "made_by", "taken_by", "done_by")  # '' here, null there
OPEN_MAX = 20_000


class Callbacks:
    """callers: the key by which numbers are sealed. All methods raise SQLAlchemyError or OSError."""

    def __init__(self, engine: AsyncEngine, callers: Callers) -> None:
        self._engine = engine
        self._callers = callers

    async def add(self, one: Callback) -> bool:
        """Keep a new one. False: there is one of that id already."""
        async with self._engine.begin() as connection:
            return await self.insert(connection, one)

    async def insert(self, connection: AsyncConnection, one: Callback, run: str = "", seq: int = 0) -> bool:
        """The same within a transaction. run, seq: the router that said so; '' and 0: a person."""
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        values = {**self.values(one), "run": run, "seq": seq}
        statement = dialect.insert(CALLBACK).values(values).on_conflict_do_nothing(index_elements=["id"])
        return (await connection.execute(statement)).rowcount == 1

    async def get(self, callback: str) -> Callback | None:
        found = await self.find(_COLUMN.id == callback)
        return found[0] if found else None

    async def find(self, *where: ColumnElement[bool], limit: int = OPEN_MAX, latest: bool = False) -> list[Callback]:
        """By due time, the earliest first; latest: by the time when they were done, the latest first."""
        order = _COLUMN.done_at.desc() if latest else _COLUMN.due_at
        query = select(CALLBACK).where(*where).order_by(order, _COLUMN.id).limit(limit)
        async with reading(self._engine) as connection:
            return [self._callback(row) for row in await connection.execute(query)]

    async def heads(self, *where: ColumnElement[bool]) -> dict[str, tuple[int, CallbackResult | None]]:
        """Versions and results by id."""
        query = select(_COLUMN.id, _COLUMN.version, _COLUMN.result).where(*where).order_by(_COLUMN.due_at, _COLUMN.id)
        async with reading(self._engine) as connection:
            rows = await connection.execute(query.limit(OPEN_MAX))
            return {row.id: (row.version, CallbackResult(row.result) if row.result else None) for row in rows}

    async def change(self, one: Callback) -> bool:
        """Keep what somebody made of a callback. False: meanwhile somebody else has changed it; look again."""
        values = self.values(one)
        del values["number"], values["rings"]
        statement = update(CALLBACK).where(_COLUMN.id == one.id, _COLUMN.version == one.version - 1).values(values)
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).rowcount == 1

    async def begin_ring(self, callback: str) -> Callback | None:
        """Count one more outbound call for one that is kept for people; it as it was before, so that no two calls of it
        have one id."""
        counted = update(CALLBACK).where(_COLUMN.id == callback).values(rings=_COLUMN.rings + 1).returning(CALLBACK)
        async with self._engine.begin() as connection:
            row = (await connection.execute(counted)).one_or_none()
        return replace(self._callback(row), rings=row.rings - 1) if row is not None else None

    async def follow(self, connection: AsyncConnection, told: Sequence[Told]) -> tuple[OutboundFinished, ...]:
        """Keep what routers said, within a transaction; the later word about one stands. Returns calls that are new.

        The version of a callback says which is later: the last word may be the one of the elder router. What was
        done by hand, or forgotten, is not opened again by a router that has not heard of it.
        """
        latest: dict[str, Told] = {}
        for one in sorted(told, key=_stamp):
            latest[one.what.id if isinstance(one.what, Callback) else one.what.call] = one
        await self._follow_callbacks(connection, {k: t for k, t in latest.items() if isinstance(t.what, Callback)})
        calls = {k: t for k, t in latest.items() if isinstance(t.what, OutboundFinished)}
        return await self._follow_calls(connection, calls)

    async def _follow_callbacks(self, connection: AsyncConnection, latest: dict[str, Told]) -> None:
        kept = {row.id: row for row in await _rows(connection, CALLBACK, latest)}
        for id_, one in latest.items():
            assert isinstance(one.what, Callback)
            row = kept.get(id_)
            if row is None:
                await self.insert(connection, one.what, one.run, one.seq)
            elif (row.version, row.run, row.seq) < (one.what.version, one.run, one.seq) and not _done_by_hand(
                row, one.what
            ):
                values = {name: value for name, value in self.values(one.what).items() if name not in _OURS}
                await _change(connection, id_, {**values, "run": one.run, "seq": one.seq})

    async def _follow_calls(self, connection: AsyncConnection, latest: dict[str, Told]) -> tuple[OutboundFinished, ...]:
        kept = {row.id: row for row in await _rows(connection, CALLBACK_TRY, latest)}
        new = []
        for id_, one in latest.items():
            call = one.what
            assert isinstance(call, OutboundFinished)
            values = _try_values(call, one)
            if id_ not in kept:
                await connection.execute(insert(CALLBACK_TRY).values(values))
                new.append(call)
            elif (kept[id_].run, kept[id_].seq) < (one.run, one.seq) and call.result is not TryResult.UNKNOWN:
                await connection.execute(update(CALLBACK_TRY).where(CALLBACK_TRY.c.id == id_).values(values))
            await self._tried(connection, call, one)
        return tuple(new)

    async def _tried(self, connection: AsyncConnection, call: OutboundFinished, one: Told) -> None:
        """What a call means for its callback where the router that saw it end did not know the callback itself."""
        (row,) = await _rows(connection, CALLBACK, [call.callback]) or (None,)
        if row is None or row.status == CallbackStatus.DONE or (row.run, row.seq) >= (one.run, one.seq):
            return
        values: Values = {"run": one.run, "seq": one.seq, "last_result": call.result.value}
        if call.rung:
            values["last_try_at"] = call.ended_at
        if row.kind != CallbackKind.DEPARTMENT:  # what came of that is for its people to say
            values |= {"taken_by": None, "tries": row.tries + call.rung, "version": row.version + 1}
            if call.result is TryResult.REACHED:
                values |= {"status": CallbackStatus.DONE.value, "result": CallbackResult.REACHED.value}
                values |= {"done_at": call.ended_at, "done_by": call.agent or None}
            else:
                values["status"] = (CallbackStatus.NOT_REACHED if call.rung else CallbackStatus.OPEN).value
        await _change(connection, row.id, values)

    def values(self, one: Callback) -> Values:
        """Its row, the number sealed."""
        values: Values = {field.name: getattr(one, field.name) for field in fields(Callback)}
        for name in ("kind", "status"):
            values[name] = values[name].value
        values["last_result"] = one.last_result.value if one.last_result else ""
        values["result"] = one.result.value if one.result else None
        values["number"] = self._callers.seal(one.number, one.id) if one.number else None
        values["caller"] = one.caller or self._callers.key_of(one.number)
        for name in _NULL:
            values[name] = values[name] or None
        for name in ("subject", "wish", "because"):
            values[name] = values[name].replace("\0", "")
        return values

    def _callback(self, row: Row[Any]) -> Callback:
        values: Values = {field.name: getattr(row, field.name) for field in fields(Callback)}
        for name in _NULL:
            values[name] = values[name] or ""
        values["kind"], values["status"] = CallbackKind(row.kind), CallbackStatus(row.status)
        values["last_result"] = TryResult(row.last_result) if row.last_result else None
        values["result"] = CallbackResult(row.result) if row.result else None
        values["number"] = self._number(row)
        return Callback(**values)

    def _number(self, row: Row[Any]) -> str:
        try:
            return self._callers.unseal(row.number, row.id) if row.number else ""
        except BadKey as error:
            log.error("a callback cannot be rung", callback=row.id, error=str(error))
            return ""


def _done_by_hand(row: Row[Any], said: Callback) -> bool:
    """Whoever knows of the end, and opens it again all the same, says so in a later version."""
    return row.result == CallbackResult.FORGOTTEN or bool(row.result and row.version >= said.version)


def _stamp(one: Told) -> tuple[str, int]:
    return one.run, one.seq


def _try_values(call: OutboundFinished, one: Told) -> Values:
    return {
        "id": call.call,
        "callback": call.callback if call.kind is not CallbackKind.OUTBOUND else None,
        "kind": call.kind.value,
        "hotline": call.hotline,
        "agent": call.agent or None,
        "team": call.team,
        "began_at": call.began_at,
        "ended_at": call.ended_at,
        "talk_s": call.talk_s,
        "result": call.result.value,
        "because": call.because.replace("\0", ""),
        "run": one.run,
        "seq": one.seq,
    }


async def _rows(connection: AsyncConnection, table: Table, ids: Iterable[str]) -> Sequence[Row[Any]]:
    wanted = sorted(ids)
    if not wanted:
        return ()
    query = select(table).where(table.c.id.in_(wanted)).order_by(table.c.id).with_for_update()
    return (await connection.execute(query)).all()


async def _change(connection: AsyncConnection, id_: str, values: Values) -> None:
    await connection.execute(update(CALLBACK).where(_COLUMN.id == id_).values(values))


def open_(*kinds: CallbackKind) -> Sequence[ColumnElement[bool]]:
    """Those that are not done."""
    return (_COLUMN.status != CallbackStatus.DONE.value, _COLUMN.kind.in_([kind.value for kind in kinds]))
