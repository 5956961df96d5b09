"""Callbacks and outbound calls on their way from the journal to SQL, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Callers
from callrouter.core import callbacks
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, TryResult
from callrouter.store.books import Books
from callrouter.store.callbacks import Callbacks
from callrouter.store.retention import DAY_S, Days, erase, forget
from callrouter.store.schema import CALLBACK, CALLBACK_TRY
from tests.store.records import START, outbound, rows, told

CALLERS = Callers("a secret of tests that is long enough")
NUMBER = "+491711234567"
ASKED = Callback("gera/1", CallbackKind.CAPTURED, "agency", "general", "gera", NUMBER, START, START + 9000.0)
TAKEN = callbacks.take(replace(ASKED, rings=1), "gera/2001")
MISSED = callbacks.missed(TAKEN, TryResult.BUSY, START + 60)
OWED = replace(ASKED, id="gera/d1", kind=CallbackKind.DEPARTMENT, department="benefits")
RANG = outbound("gera/cb1.1", "gera/1", TryResult.BUSY)


@pytest.fixture
def kept(engine: AsyncEngine) -> Callbacks:
    return Callbacks(engine, CALLERS)


@pytest.fixture
def books(engine: AsyncEngine, kept: Callbacks) -> Books:
    return Books(engine, CALLERS.key_of, kept)


async def one_of(engine: AsyncEngine) -> Any:
    (row,) = await rows(engine, CALLBACK)
    return row


async def test_callback_is_kept_as_it_became(books: Books, kept: Callbacks, engine: AsyncEngine) -> None:
    """All that one batch says of a callback ends in one row, sealed, and each outbound call is told once."""
    batch = told(ASKED, TAKEN, RANG, MISSED)
    taken = await books.take("j", batch)
    assert taken is not None
    assert taken.rung == (RANG,)
    assert await kept.find() == [replace(MISSED, caller=CALLERS.key_of(NUMBER))]
    assert "1711234567" not in str(await rows(engine, CALLBACK) + await rows(engine, CALLBACK_TRY))
    assert await books.take("j", batch) is None


async def test_same_words_again_change_nothing(books: Books, engine: AsyncEngine) -> None:
    """A journal that lost its mark is read from its start again: nothing is doubled, no call is new."""
    await books.take("j", told(ASKED, TAKEN, RANG, MISSED))
    before = await rows(engine, CALLBACK), await rows(engine, CALLBACK_TRY)
    again = await books.take("another", told(ASKED, TAKEN, RANG, MISSED))
    assert again is not None
    assert again.rung == ()
    assert (await rows(engine, CALLBACK), await rows(engine, CALLBACK_TRY)) == before


async def test_later_word_stands(books: Books, engine: AsyncEngine) -> None:
    """Whatever order two routers' journals are read in."""
    done = callbacks.finish(MISSED, CallbackResult.REACHED, "gera/2001", START + 90)
    await books.take("j2", told(done, outbound("gera/cb1.1", "gera/1", TryResult.REACHED), run="2"))
    await books.take("j1", told(ASKED, TAKEN, outbound("gera/cb1.1", "gera/1", TryResult.UNKNOWN), run="1"))
    assert (await one_of(engine)).result == "reached"
    (rang,) = await rows(engine, CALLBACK_TRY)
    assert (rang.result, rang.run) == ("reached", "2")
    await books.take("j3", told(outbound("gera/cb1.1", "gera/1", TryResult.BUSY), run="3"))
    (rang,) = await rows(engine, CALLBACK_TRY)
    assert rang.result == "busy"


async def test_last_word_may_be_that_of_the_router_that_began_first(books: Books, engine: AsyncEngine) -> None:
    """A second router made the callback; the first learned of it and closed it. It is not open again for ever."""
    await books.take("j2", told(ASKED, run="2"))
    closed = callbacks.finish(ASKED, CallbackResult.SUPERSEDED, "", START + 90)
    await books.take("j1", told(closed, run="1"))
    assert (await one_of(engine)).result == "superseded"
    await books.take("j3", told(ASKED, run="3"))
    assert (await one_of(engine)).result == "superseded"


async def test_who_was_forgotten_stays_so(books: Books, engine: AsyncEngine) -> None:
    """A router that has not heard of it does not bring his number back."""
    await books.take("j", told(ASKED))
    await forget(engine, CALLERS.key_of(NUMBER), START + 10)
    await books.take("j", told(TAKEN, RANG, MISSED, start=100, seq=2))
    row = await one_of(engine)
    assert (row.number, row.caller, row.status, row.result) == (None, None, "done", "forgotten")


@pytest.mark.parametrize(
    ("result", "status", "tries"),
    [(TryResult.REACHED, "done", 1), (TryResult.BUSY, "not_reached", 1), (TryResult.AGENT_MISSED, "open", 0)],
)
async def test_call_that_a_new_router_found_counts(
    books: Books, engine: AsyncEngine, result: TryResult, status: str, tries: int
) -> None:
    """A router that was restarted saw the end of a call before it knew its callback: that is not rung once more."""
    await books.take("j", told(ASKED, TAKEN))
    await books.take("j", told(outbound("gera/cb1.1", "gera/1", result), run="2"))
    row = await one_of(engine)
    assert (row.status, row.tries, row.taken_by, row.last_result) == (status, tries, None, result.value)
    assert row.number is not None
    assert row.version == TAKEN.version + 1


async def test_departments_callback_is_its_peoples(books: Books, kept: Callbacks, engine: AsyncEngine) -> None:
    """Its call is kept; whether it is done they say themselves, and no two of its calls have one id."""
    await kept.add(callbacks.take(OWED, "anna"))
    first, second = await kept.begin_ring(OWED.id), await kept.begin_ring(OWED.id)
    assert first is not None
    assert second is not None
    assert (first.rings, second.rings, first.number) == (0, 1, NUMBER)
    assert await kept.begin_ring("gera/none") is None
    rang = outbound("gera/cbd1.1", OWED.id, TryResult.REACHED, kind=CallbackKind.DEPARTMENT)
    own = outbound("gera/cbo1.1", "gera/o1", TryResult.REACHED, kind=CallbackKind.OUTBOUND)
    await books.take("j", told(rang, own))
    row = await one_of(engine)
    assert (row.status, row.taken_by, row.last_result, row.last_try_at) == ("taken", "anna", "reached", START + 20)
    assert await kept.change(callbacks.finish(first, CallbackResult.REACHED, "anna", START + 60))
    assert (await one_of(engine)).rings == 2
    assert [row.callback for row in await rows(engine, CALLBACK_TRY)] == ["gera/d1", None]


async def test_agents_of_calls_go_with_age(books: Books, engine: AsyncEngine) -> None:
    """Who rang is kept as long as who answered, the call as long as calls are."""
    await books.take("j", told(RANG))
    days = Days(callers=30, agents=60, calls=90, audit=120, numbers=7, inquiries=50)
    await erase(engine, days, START + 61 * DAY_S)
    (row,) = await rows(engine, CALLBACK_TRY)
    assert row.agent is None
    await erase(engine, days, START + 91 * DAY_S)
    assert await rows(engine, CALLBACK_TRY) == []
