"""Results of calls in SQL: what came of them, earlier contacts of a caller, the share settled at first contact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callrouter.core.commands import Outcome
from callrouter.desk.results import LATE_S, Conversation, Disposition, Result
from callrouter.store.schema import CALL_RECORD, RESULT
from callrouter.store.store import reading

CONTACTS_MAX = 20
_CALL, _RESULT = CALL_RECORD.c, RESULT.c
_ANSWERED = _CALL.outcome == Outcome.ANSWERED.value


@dataclass(frozen=True, slots=True)
class Contact:
    """An earlier call of the same caller. disposition None: not answered, or no result. No agent is named."""

    call: str
    hotline: str
    topic: str
    site: str
    outcome: str
    arrived_at: float
    disposition: Disposition | None
    note: str
    department: str


class Results:
    """All methods raise SQLAlchemyError or OSError."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def give(self, connection: AsyncConnection, result: Result) -> bool:
        """Keep a result within a transaction. False: this call has one already."""
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        values: dict[str, Any] = {
            "call": result.call,
            "hotline": result.hotline,
            "topic": result.topic,
            "disposition": result.disposition.value,
            "note": result.note.replace("\0", ""),
            "department": result.department or None,
            "callback": result.callback or None,
            "given_at": result.given_at,
        }
        statement = dialect.insert(RESULT).values(values).on_conflict_do_nothing(index_elements=["call"])
        return (await connection.execute(statement)).rowcount == 1

    async def owed(self, now: float) -> list[Conversation]:
        """After a restart: the last conversation of each agent, if its result is missing and may still be given."""
        query = (
            select(CALL_RECORD, _RESULT.call.label("given"))
            .join_from(CALL_RECORD, RESULT, _RESULT.call == _CALL.call, isouter=True)
            .where(_ANSWERED, _CALL.ended_at > now - LATE_S, _CALL.agent.is_not(None))
            .order_by(_CALL.ended_at)
        )
        last: dict[str, Any] = {}
        async with reading(self._engine) as connection:
            for row in await connection.execute(query):
                last[row.agent] = row
        return [
            Conversation(
                row.call, row.hotline, row.topic, row.site, row.agent, "", row.wait_s, row.arrived_at + row.wait_s,
                row.ended_at,
            )
            for row in last.values()
            if row.given is None
        ]  # fmt: skip

    async def contacts(self, caller: str, before: float, most: int = CONTACTS_MAX) -> list[Contact]:
        """Earlier calls of the caller with this key, the newest first."""
        query = (
            select(CALL_RECORD, RESULT.c.disposition, RESULT.c.note, RESULT.c.department)
            .join_from(CALL_RECORD, RESULT, _RESULT.call == _CALL.call, isouter=True)
            .where(_CALL.caller == caller, _CALL.arrived_at < before)
            .order_by(_CALL.arrived_at.desc(), _CALL.call)
            .limit(most)
        )
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all() if caller else []
        return [
            Contact(
                row.call, row.hotline, row.topic, row.site, row.outcome, row.arrived_at,
                Disposition(row.disposition) if row.disposition else None, row.note or "", row.department or "",
            )
            for row in rows
        ]  # fmt: skip

    async def attempts(self, caller: str, since: float) -> int:
        """How often this caller has called since then; calls that are alive do not count."""
        query = select(func.count()).where(_CALL.caller == caller, _CALL.arrived_at >= since)
        async with reading(self._engine) as connection:
            return (await connection.execute(query)).scalar_one() if caller else 0
