"""Callbacks as they stand: open, overdue, and of the last days due and kept, as the desk defines them."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Callers
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus
from callrouter.desk.callbacks import kept, overdue
from callrouter.store.callbacks import Callbacks
from callrouter.store.standing import RECENT_S, Standing, standing

NOW = 1_800_000_000.0
OPEN = Callback("0", CallbackKind.DEPARTMENT, "agency", "", "gera", "", NOW - 1e6, NOW + 60.0)


def several() -> list[Callback]:
    """One of each: open, overdue, kept, late, in vain, withdrawn, long ago, unpromised."""
    ended = replace(OPEN, status=CallbackStatus.DONE, result=CallbackResult.REACHED)
    done = replace(ended, due_at=NOW - 60.0, done_at=NOW - 90.0)
    some = [
        OPEN,
        replace(OPEN, due_at=NOW - 60.0),
        done,
        replace(done, result=CallbackResult.SUPERSEDED),
        replace(done, done_at=NOW - 30.0),
        replace(done, result=CallbackResult.GIVEN_UP),
        replace(done, result=CallbackResult.CANCELLED),
        replace(done, due_at=NOW - RECENT_S - 60.0, done_at=NOW - RECENT_S - 90.0),
        replace(OPEN, kind=CallbackKind.UNREACHED, due_at=NOW - 60.0),
    ]
    return [replace(one, id=str(number)) for number, one in enumerate(some)]


async def test_counts_are_those_of_the_desk(engine: AsyncEngine) -> None:
    """What SQL sums up is what the desk says of each single one."""
    books = Callbacks(engine, Callers("a key that is long enough"))
    some = several()
    for one in some:
        await books.add(one)
    promised = [one for one in some if one.kind is CallbackKind.DEPARTMENT]
    judged = [kept(one, NOW) for one in promised if one.due_at >= NOW - RECENT_S]
    found = await standing(engine, NOW)
    assert found == (
        Standing("agency", "department", 2, 1, 5, 2),
        Standing("agency", "unreached", 1, 0, 0, 0),
    )
    assert sum(overdue(one, NOW) for one in some) == 1
    assert (sum(one is not None for one in judged), judged.count(True)) == (5, 2)


async def test_nothing_stands_where_there_is_nothing(engine: AsyncEngine) -> None:
    """An empty table is no row."""
    assert await standing(engine, NOW) == ()
