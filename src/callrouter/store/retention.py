"""Erasing what may not be kept any longer: by age every day, and one person when he asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, Table, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callrouter.core.callbacks import CallbackResult, CallbackStatus
from callrouter.store.schema import (
    AUDIT,
    CALL_RECORD,
    CALLBACK,
    CALLBACK_TRY,
    DEMAND,
    ESCALATION,
    INQUIRY,
    MAIL,
    RESULT,
)
from callrouter.store.store import FAULTS, said

log = structlog.get_logger(__name__)

DAY_S = 86_400.0
RETRY_S = 900.0
_CALL, _DEMAND, _BACK, _TRY, _RESULT = CALL_RECORD.c, DEMAND.c, CALLBACK.c, CALLBACK_TRY.c, RESULT.c
_DONE = CallbackStatus.DONE.value


@dataclass(frozen=True, slots=True)
class Days:
    """How long each kind is kept."""

    callers: int
    agents: int
    calls: int
    audit: int
    numbers: int
    inquiries: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many of each were his."""

    calls: int
    callbacks: int


async def daily(engine: AsyncEngine, days: Days, clock: Callable[[], float]) -> None:
    """Erase at the start and every day, until cancelled."""
    while True:
        pause_s = DAY_S
        try:
            log.info("erased what was too old", **await erase(engine, days, clock()))
        except FAULTS as error:
            log.error("what is too old could not be erased; tried again soon", error=said(error))
            pause_s = RETRY_S
        await asyncio.sleep(pause_s)


async def erase(engine: AsyncEngine, days: Days, now: float) -> dict[str, int]:
    """Erase what is older; returns rows by kind. Raises SQLAlchemyError or OSError.

    An open demand keeps its caller: it is at most hours old. A callback keeps caller and number while it is not done.
    """
    callers, agents = now - days.callers * DAY_S, now - days.agents * DAY_S
    calls, audit, numbers = now - days.calls * DAY_S, now - days.audit * DAY_S, now - days.numbers * DAY_S
    inquiries = now - days.inquiries * DAY_S
    async with engine.begin() as connection:
        return {
            "callers": await _forget(
                connection,
                and_(_CALL.caller.is_not(None), _CALL.ended_at < callers),
                and_(_DEMAND.caller.is_not(None), _DEMAND.closed_at < callers),
            )
            + await _empty(connection, CALLBACK, and_(_BACK.caller.is_not(None), _BACK.done_at < callers), caller=None),
            "numbers": await _empty(
                connection, CALLBACK, and_(_BACK.number.is_not(None), _BACK.done_at < numbers), number=None
            ),
            "agents": await _empty(
                connection, CALL_RECORD, and_(_CALL.agent.is_not(None), _CALL.ended_at < agents), agent=None
            )
            + await _empty(connection, CALLBACK_TRY, and_(_TRY.agent.is_not(None), _TRY.ended_at < agents), agent=None)
            + await _empty(
                connection,
                CALLBACK,
                and_(_BACK.done_by.is_not(None), _BACK.done_at < agents),
                done_by=None,
                made_by=None,
            ),
            "notes": await _blank_notes(connection, and_(_RESULT.note != "", _RESULT.given_at < callers)),
            "results": await _delete(connection, RESULT, _RESULT.given_at < calls),
            "inquiries": await _delete(connection, INQUIRY, INQUIRY.c.done_at < inquiries),
            "mails": await _delete(connection, MAIL, func.coalesce(MAIL.c.sent_at, MAIL.c.given_up_at) < inquiries),
            "escalations": await _delete(connection, ESCALATION, ESCALATION.c.made_at < calls),
            "calls": await _delete(connection, CALL_RECORD, _CALL.ended_at < calls),
            "demands": await _delete(connection, DEMAND, _DEMAND.closed_at < calls),
            "callbacks": await _delete(connection, CALLBACK, _BACK.done_at < calls),
            "tries": await _delete(connection, CALLBACK_TRY, _TRY.ended_at < calls),
            "audit": await _delete(connection, AUDIT, AUDIT.c.at < audit),
        }


async def forget(engine: AsyncEngine, caller: str, now: float) -> Forgotten:
    """Take a caller's key, his number, what he wanted and what was noted out of all records, which stay as nobody's.

    His open demands are closed, since no later attempt could be told to be theirs, and nobody rings him back.
    """
    async with engine.begin() as connection:
        opened = and_(_DEMAND.caller == caller, _DEMAND.closed_at.is_(None))
        await connection.execute(update(DEMAND).where(opened).values(closed_at=_DEMAND.last_at))
        owed = and_(_BACK.caller == caller, _BACK.status != _DONE)
        ended = {
            "status": _DONE,
            "result": CallbackResult.FORGOTTEN.value,
            "done_at": now,
            "version": _BACK.version + 1,
        }
        await connection.execute(update(CALLBACK).where(owed).values(**ended))
        his = update(CALLBACK).where(_BACK.caller == caller)
        callbacks = (await connection.execute(his.values(caller=None, number=None, subject="", wish=""))).rowcount
        calls = select(_CALL.call).where(_CALL.caller == caller)
        await _blank_notes(connection, _RESULT.call.in_(calls))
        return Forgotten(await _forget(connection, _CALL.caller == caller, _DEMAND.caller == caller), callbacks)


async def known(engine: AsyncEngine, caller: str) -> int:
    """How many calls are kept under this key."""
    async with engine.connect() as connection:
        return len((await connection.execute(select(_CALL.call).where(_CALL.caller == caller))).all())


async def _forget(connection: AsyncConnection, calls: ColumnElement[bool], demands: ColumnElement[bool]) -> int:
    await _empty(connection, DEMAND, demands, caller=None)
    return await _empty(connection, CALL_RECORD, calls, caller=None)


async def _blank_notes(connection: AsyncConnection, where: ColumnElement[bool]) -> int:
    return (await connection.execute(update(RESULT).where(where).values(note=""))).rowcount


async def _empty(connection: AsyncConnection, table: Table, where: ColumnElement[bool], **values: None) -> int:
    return (await connection.execute(update(table).where(where).values(**values))).rowcount


async def _delete(connection: AsyncConnection, table: Table, where: ColumnElement[bool]) -> int:
    return (await connection.execute(delete(table).where(where))).rowcount
