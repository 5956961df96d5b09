"""Callbacks in SQL: one table for those that callers asked for and those that departments owe.

A number is kept sealed and only as long as it is needed. Plain SQL, the same for every dialect. What may be done with
a callback is said in `desk/callbacks.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callrouter.callers import BadKey, Callers
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus, TryResult
from callrouter.store.schema import CALLBACK

log = structlog.get_logger(__name__)

Values = dict[str, Any]
_COLUMN = CALLBACK.c
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

    async def find(self, *where: ColumnElement[bool], limit: int = OPEN_MAX) -> list[Callback]:
        """By due time, the earliest first."""
        query = select(CALLBACK).where(*where).order_by(_COLUMN.due_at, _COLUMN.id).limit(limit)
        async with self._engine.connect() as connection:
            return [self._callback(row) for row in await connection.execute(query)]

    async def change(self, one: Callback) -> bool:
        """Keep what somebody made of a callback. False: meanwhile somebody else has changed it; look again."""
        values = self.values(one)
        del values["number"]
        statement = update(CALLBACK).where(_COLUMN.id == one.id, _COLUMN.version == one.version - 1).values(values)
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).rowcount == 1

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


def open_(*kinds: CallbackKind) -> Sequence[ColumnElement[bool]]:
    """Those that are not done."""
    return (_COLUMN.status != CallbackStatus.DONE.value, _COLUMN.kind.in_([kind.value for kind in kinds]))
