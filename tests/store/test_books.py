"""The books: each call exactly once, its demand with it, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Callers
from callrouter.core.commands import CallFinished, Outcome
from callrouter.core.demands import Demand, Demands, attempt_of
from callrouter.store.books import Books
from callrouter.store.retention import DAY_S, Days, Forgotten, erase, forget, known
from callrouter.store.schema import AUDIT, CALL_RECORD, DEMAND, JOURNAL_MARK
from callrouter.store.store import AuditEntry, open_engine, write_audit
from tests.store.records import START, TARGET_S, WINDOW_S, batch, record, rows

CALLERS = Callers("a secret of tests that is long enough")


@pytest.fixture
def books(engine: AsyncEngine) -> Books:
    return Books(engine, CALLERS.key_of)


async def test_batch_is_kept_once(engine: AsyncEngine, books: Books) -> None:
    """The same bytes of the journal, read again after a crash, change nothing."""
    one = batch(record("gera/1"), record("gera/2", at=60))
    taken = await books.take("j", one)
    assert taken is not None
    assert (taken.stored, taken.replaced) == (2, 0)
    assert await books.take("j", one) is None
    assert await books.marks("j") == {"s": 200}
    assert await books.marks("another") == {}
    later = batch(record("gera/3", at=90), start=200, seq=3)
    assert await books.take("j", later) is not None
    assert await books.take("j", later) is None
    kept = await rows(engine, CALL_RECORD)
    assert [row.call for row in kept] == ["gera/1", "gera/2", "gera/3"]
    assert [row.caller for row in kept] == [CALLERS.key_of("+491711234567")] * 3
    assert [(row.attempts, row.id) for row in await rows(engine, DEMAND)] == [(3, "gera/1")]
    await books.unmark("j", ["s"])
    assert await rows(engine, JOURNAL_MARK) == []


async def test_number_itself_is_nowhere(engine: AsyncEngine, books: Books) -> None:
    """No column holds a caller's number."""
    await books.take("j", batch(record("gera/1")))
    found = [*await rows(engine, CALL_RECORD), *await rows(engine, DEMAND)]
    assert found
    assert "1711234567" not in str(found)


async def test_two_feeders_of_one_journal(engine: AsyncEngine, books: Books, url: str) -> None:
    """Two processes that read the same journal at the same time keep each call once."""
    other = await open_engine(url)
    rival = Books(other, CALLERS.key_of)
    for number in range(15):
        one = batch(record(f"gera/{number}", at=number), start=100 * number, seq=number)
        results = await asyncio.gather(books.take("j", one), rival.take("j", one))
        assert sorted(result is None for result in results) == [False, True]
    await other.dispose()
    assert len(await rows(engine, CALL_RECORD)) == 15
    (demand,) = await rows(engine, DEMAND)
    assert demand.attempts == 15


async def test_later_word_about_a_call_stands(engine: AsyncEngine, books: Books) -> None:
    """A fenced router took a call for lost that its successor saw answered: the later run wins."""
    lost = batch(record("gera/1"), record("gera/2", at=60, outcome=Outcome.LOST), run="1")
    seen = batch(record("gera/2", at=60, talk_s=100.0), run="2", segment="t")
    for first, second in ((lost, seen), (replace(seen, segment="u"), replace(lost, segment="v"))):
        await books.take("j", first)
        await books.take("j", second)
        kept = {row.call: row.outcome for row in await rows(engine, CALL_RECORD)}
        assert kept == {"gera/1": "abandoned", "gera/2": "answered"}
        (demand,) = await rows(engine, DEMAND)
        assert (demand.attempts, demand.reached_at) == (2, START + 90)


@pytest.mark.parametrize("together", [False, True])
async def test_who_saw_the_end_of_a_call_knows_it_better(engine: AsyncEngine, books: Books, together: bool) -> None:
    """A router that comes back later and finds the call gone says less than the one that told its end, in any order."""
    told = batch(record("gera/1", talk_s=100.0), run="1")
    gone = batch(replace(record("gera/1", at=60, outcome=Outcome.LOST), seen=False), run="2", segment="t")
    both = replace(told, segment="w", calls=(*told.calls, *gone.calls))
    pairs = ((told, gone), (replace(gone, segment="u"), replace(told, segment="v")))
    for words in ((both,),) if together else pairs:
        for word in words:
            await books.take("j", word)
        (kept,) = await rows(engine, CALL_RECORD)
        assert (kept.outcome, kept.end_seen) == ("answered", True)


async def test_of_those_who_saw_no_end_who_knows_most_is_believed(engine: AsyncEngine, books: Books) -> None:
    """That it was answered is more than that it is lost; and whoever found it gone first is nearest to its end."""
    first = replace(record("gera/2", talk_s=9.0), seen=False)
    words = (
        batch(first, run="2"),
        batch(replace(record("gera/2", outcome=Outcome.LOST), seen=False), run="3", segment="t"),
        batch(replace(first, talk_s=90.0, ended_at=first.ended_at + 81.0), run="4", segment="u"),
    )
    for order in (words, [replace(word, segment=f"again-{word.segment}") for word in reversed(words)]):
        for word in order:
            await books.take("j", word)
        (kept,) = await rows(engine, CALL_RECORD)
        assert (kept.outcome, kept.talk_s) == ("answered", 9.0)


async def test_windows_close_but_not_while_a_redial_rings(engine: AsyncEngine, books: Books) -> None:
    """An unreached demand is closed at its window's end, unless its caller is on the line; then the redial joins."""
    await books.take("j", batch(record("gera/1"), record("gera/2", caller="0365123456")))
    key = (CALLERS.key_of("01711234567"), "agency")
    over = START + 31 + WINDOW_S
    assert await books.close(over - 2, lambda _: False) == ()
    (closed,) = await books.close(over, lambda one: one == key)
    assert (closed.id, closed.reached_at, closed.closed_at) == ("gera/2", None, START + 30 + WINDOW_S)
    assert await books.close(over, lambda one: one == key) == ()
    taken = await books.take("j", batch(record("gera/3", at=1800, wait_s=90, talk_s=10.0), start=200))
    assert taken is not None
    (reached,) = taken.closed
    assert (reached.id, reached.attempts, reached.within_target) == ("gera/1", 2, False)
    assert await books.close(over + 1e6, lambda _: False) == ()


async def test_calls_of_no_demand(engine: AsyncEngine, books: Books) -> None:
    """Closed hours and unknown numbers are records without a demand; withheld callers have one each, at once closed."""
    taken = await books.take(
        "j",
        batch(
            record("gera/1", outcome=Outcome.CLOSED),
            record("gera/2", outcome=Outcome.UNKNOWN_NUMBER, hotline=""),
            record("gera/3", caller=""),
            record("gera/4", caller="anonymous", at=5),
        ),
    )
    assert taken is not None
    assert [(one.id, one.withheld) for one in taken.closed] == [("gera/3", True), ("gera/4", True)]
    kept = {row.call: (row.demand, row.withheld) for row in await rows(engine, CALL_RECORD)}
    assert kept["gera/1"] == (None, False)
    assert kept["gera/2"] == (None, False)
    assert kept["gera/4"] == ("gera/4", True)


async def test_odd_text_stops_nothing(engine: AsyncEngine, books: Books) -> None:
    """What came from outside too long or with a NUL is kept cut, and the calls after it too."""
    odd = replace(record("gera/1"), number="9" * 500, because="a\0b" * 1_000, topic="t\0" * 100)
    taken = await books.take("j", batch(odd, record("gera/2", at=60)))
    assert taken is not None
    assert taken.stored == 2
    assert [len(row.number) for row in await rows(engine, CALL_RECORD)] == [40, 9]


def day(seed: int, calls: int = 400) -> list[CallFinished]:
    """A busy day of few callers, in the order of the calls' ends."""
    draw = random.Random(seed)
    made = [
        record(
            f"gera/{number}",
            caller=draw.choice(["", *[f"0365{line}" for line in range(555_000, 555_040)]]),
            at=draw.uniform(0, 30_000),
            wait_s=draw.uniform(1, 400),
            talk_s=draw.choice([None, draw.uniform(5, 900)]),
            outcome=Outcome.CLOSED if draw.random() < 0.03 else None,
            hotline=draw.choice(["agency", "arge"]),
        )
        for number in range(calls)
    ]
    return sorted(made, key=lambda one: (one.ended_at, one.call))


@pytest.mark.parametrize("seed", [1, 2])
async def test_demands_are_those_of_the_records(engine: AsyncEngine, books: Books, seed: int) -> None:
    """Kept in batches with closings between, the demands equal those grouped from all records at once, and what was
    told as closed is exactly what is kept as closed."""
    records = day(seed)
    told: list[Demand] = []
    draw = random.Random(seed)
    at = 0
    while at < len(records):
        some = records[at : at + draw.randrange(1, 60)]
        taken = await books.take("j", batch(*some, start=100 * at, seq=at))
        assert taken is not None
        told += taken.closed
        at += len(some)
        now = some[-1].ended_at
        live = {(CALLERS.key_of(one.caller), one.hotline) for one in records[at:] if one.arrived_at < now}
        told += await books.close(now, live.__contains__)
    told += await books.close(1e12, lambda _: False)

    book, expected = Demands(), {}
    for one in records:
        attempt = attempt_of(one, CALLERS.key_of(one.caller), TARGET_S, WINDOW_S)
        if attempt is not None:
            step = book.add(attempt)
            expected |= {demand.id: demand for demand in (step.demand, *step.closed)}
    expected |= {demand.id: demand for demand in book.close(1e12)}
    kept = {row.id: row for row in await rows(engine, DEMAND)}
    assert sorted(kept) == sorted(expected) == sorted(one.id for one in told)
    for name in ("attempts", "reached_at", "reached_first", "within_target", "withheld", "first_at", "closed_at"):
        assert {id_: getattr(row, name) for id_, row in kept.items()} == {
            id_: getattr(one, name) for id_, one in expected.items()
        }
    assert sum(row.attempts for row in kept.values()) == sum(one.outcome is not Outcome.CLOSED for one in records)


async def test_each_kind_of_data_has_its_time(engine: AsyncEngine, books: Books) -> None:
    """Keys, agents, records and audit go at their own age; what is younger stays."""
    days = Days(callers=30, agents=60, calls=90, audit=120, numbers=7, inquiries=50)
    await books.take("j", batch(record("gera/1", talk_s=10.0), record("gera/2", caller="0365123456")))
    await books.close(START + DAY_S, lambda _: False)
    await write_audit(engine, AuditEntry(START, "meier", "x", "y", "", ""))
    counts = []
    for age in (29, 31, 61, 91, 121):
        counts.append(await erase(engine, days, START + age * DAY_S))
        kept = await rows(engine, CALL_RECORD)
        assert [row.caller is not None for row in kept] == [age < 30] * len(kept)
        assert any(row.agent for row in kept) == (age < 60)
        assert len(kept) == len(await rows(engine, DEMAND)) == (2 if age < 90 else 0)
        assert len(await rows(engine, AUDIT)) == (age < 120)
    assert [(one["callers"], one["agents"], one["calls"], one["audit"]) for one in counts] == [
        (0, 0, 0, 0), (2, 0, 0, 0), (0, 1, 0, 0), (0, 0, 2, 0), (0, 0, 0, 1)
    ]  # fmt: skip


async def test_one_person_is_forgotten(engine: AsyncEngine, books: Books) -> None:
    """His calls stay as calls of nobody, his open demand is closed, and others are not touched."""
    await books.take("j", batch(record("gera/1"), record("gera/2", at=60), record("gera/3", caller="0365123456")))
    key = CALLERS.key_of("0049 171 1234567")
    assert await known(engine, key) == 2
    assert await forget(engine, key, START + 100) == Forgotten(2, 0)
    assert await known(engine, key) == 0
    assert await forget(engine, key, START + 100) == Forgotten(0, 0)
    demands = {row.id: (row.caller, row.closed_at) for row in await rows(engine, DEMAND)}
    assert demands == {"gera/1": (None, START + 90), "gera/3": (CALLERS.key_of("0365123456"), None)}
    taken = await books.take("j", batch(record("gera/4", at=120), start=300))
    assert taken is not None
    assert len(await rows(engine, DEMAND)) == 3


async def test_nothing_is_kept_of_a_batch_that_fails(tmp_path: Path) -> None:
    """Records and mark go in together or not at all."""
    engine = await open_engine(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")

    def broken(_: str) -> str:
        raise ZeroDivisionError

    books = Books(engine, broken)
    with pytest.raises(ZeroDivisionError):
        await books.take("j", batch(record("gera/1")))
    assert await rows(engine, JOURNAL_MARK) == []
    assert await rows(engine, CALL_RECORD) == []
    await engine.dispose()
