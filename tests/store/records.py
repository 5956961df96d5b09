"""Call records for tests, and what a database holds of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.core.callbacks import Callback, CallbackKind, TryResult
from callrouter.core.commands import CallFinished, OutboundFinished, Outcome
from callrouter.finished import Batch, Finished, Told

START = 1_800_000_000.0
TARGET_S, WINDOW_S = 240.0, 1800.0


def record(
    call: str,
    *,
    caller: str = "01711234567",
    at: float = 0.0,
    wait_s: float = 30.0,
    talk_s: float | None = None,
    outcome: Outcome | None = None,
    hotline: str = "agency",
    agreement: str = "",
) -> CallFinished:
    """talk_s: an agent answered; otherwise the caller gave up. at: seconds after START."""
    answered = talk_s is not None
    return CallFinished(
        call=call,
        hotline=hotline,
        topic="general",
        site="gera",
        number="036555501",
        caller=caller,
        outcome=outcome or (Outcome.ANSWERED if answered else Outcome.ABANDONED),
        arrived_at=START + at,
        ended_at=START + at + wait_s + (talk_s or 0.0),
        wait_s=wait_s,
        talk_s=talk_s or 0.0,
        agent="gera/2001" if answered else "",
        team="gera" if answered else "",
        agreement=agreement,
        within_target=answered and wait_s <= TARGET_S,
        attempts=1,
        cause=16,
        because="test",
    )


def batch(*records: CallFinished, run: str = "1", start: int = 0, seq: int = 1, segment: str = "s") -> Batch:
    """These records as if they stood in the journal, a hundred bytes each."""
    calls = tuple(Finished(one, run, seq + index, TARGET_S, WINDOW_S) for index, one in enumerate(records))
    return Batch(segment, start, start + 100 * len(records), calls, more=False)


def told(*words: Callback | OutboundFinished, run: str = "1", start: int = 0, seq: int = 1) -> Batch:
    """These words about callbacks as if they stood in the journal, a hundred bytes each."""
    all_told = tuple(Told(one, run, seq + index) for index, one in enumerate(words))
    return Batch(f"s{run}", start, start + 100 * len(words), (), more=False, told=all_told)


def outbound(
    call: str, callback: str, result: TryResult, *, kind: CallbackKind = CallbackKind.CAPTURED, at: float = 0.0
) -> OutboundFinished:
    """Twenty seconds from `at` seconds after START; the phone rang if it might have been answered."""
    rang = result in (TryResult.REACHED, TryResult.NOT_REACHED, TryResult.BUSY)
    talk_s = 10.0 if result is TryResult.REACHED else 0.0
    return OutboundFinished(
        call, callback, kind, "agency", "gera/2001", "gera", START + at, START + at + 20, talk_s, rang, result, "test"
    )


async def rows(engine: AsyncEngine, table: Table) -> list[Any]:
    """All rows by their key."""
    async with engine.connect() as connection:
        return list((await connection.execute(select(table).order_by(*table.primary_key.columns))).all())
