"""What the database says of the day so far, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Callers
from callrouter.core.commands import Outcome
from callrouter.desk.results import Disposition, Result
from callrouter.store.books import Books
from callrouter.store.results import Results
from callrouter.store.today import Attempt, Reached, Settled, attempts, today
from tests.store.records import START, WINDOW_S, batch, record

CALLERS = Callers("a secret of tests that is long enough")


async def test_callers_count_when_it_is_decided(engine: AsyncEngine) -> None:
    """As in the report and in the metrics: who may still try again is neither reached nor unreached, and no demand."""
    books = Books(engine, CALLERS.key_of)
    served = record("gera/1", caller="01710000001", talk_s=60.0)
    gave_up = record("gera/2", caller="01710000002", at=10.0)
    await books.take("j", batch(served, gave_up))
    assert (await today(engine, START)).reached == (Reached("agency", demands=1, first=1, unreached=0),)
    await books.close(gave_up.ended_at + WINDOW_S + 1.0, lambda _: False)
    assert (await today(engine, START)).reached == (Reached("agency", demands=2, first=1, unreached=1),)


async def test_results_of_the_day(engine: AsyncEngine) -> None:
    """Answered calls by what came of them; one without result is answered all the same, the others do not count."""
    calls = [record(f"gera/{number}", caller=f"0171000000{number}", talk_s=60.0) for number in range(3)]
    await Books(engine, CALLERS.key_of).take("j", batch(*calls, record("gera/9", caller="01710000009")))
    async with engine.begin() as connection:
        for call, what in (("gera/0", Disposition.RESOLVED), ("gera/1", Disposition.CALLBACK)):
            assert await Results(engine).give(connection, Result(call, "agency", "", what, START))
    assert (await today(engine, START)).settled == (Settled("agency", answered=3, given=2, resolved=1),)


async def test_attempts_of_the_day_one_by_one(engine: AsyncEngine) -> None:
    """In opening hours, arrived since and ended by then, the latest first; callers are keys, or nobody."""
    calls = [
        record("gera/0", at=-1.0),
        record("gera/1", talk_s=60.0),
        record("gera/2", caller="", at=10.0),
        record("gera/3", at=20.0, outcome=Outcome.CLOSED),
        record("gera/4", at=30.0, talk_s=900.0),
    ]
    await Books(engine, CALLERS.key_of).take("j", batch(*calls))
    key = CALLERS.key_of(calls[1].caller)
    found = [
        Attempt("gera/2", "agency", "", START + 10, START + 40, reached=False),
        Attempt("gera/1", "agency", key, START, START + 90, reached=True),
    ]
    assert await attempts(engine, START, START + 600, 9) == found
    assert await attempts(engine, START, START + 600, 1) == found[:1]
