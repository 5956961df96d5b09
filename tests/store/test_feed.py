"""From the journal of the real router into SQL: whatever is interrupted, each call that ended is there once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Callers
from callrouter.core.callbacks import Callback
from callrouter.core.commands import CallbackChanged, CallFinished, OutboundFinished
from callrouter.core.demands import Demand
from callrouter.journal.records import CODEC
from callrouter.journal.segment import read_segment
from callrouter.journal.tail import Tail, unread
from callrouter.store.books import Books
from callrouter.store.callbacks import Callbacks
from callrouter.store.feed import Feed
from callrouter.store.schema import CALL_RECORD, CALLBACK_TRY, DEMAND
from callrouter.store.store import open_engine
from tests.journal.test_router_replay import recorded
from tests.store.records import rows

CALLERS = Callers("a secret of tests that is long enough")
LATE = 2_000_000_000.0


class Told:
    """What the measures are told."""

    def __init__(self) -> None:
        self.demands: list[Demand] = []
        self.rung: list[OutboundFinished] = []

    def __call__(self, demands: Sequence[Demand]) -> None:
        self.demands += demands


def feed_of(folder: Path, engine: AsyncEngine, told: Told | None = None, chunk: int = 2_000) -> Feed:
    books = Books(engine, CALLERS.key_of, Callbacks(engine, CALLERS))
    told = told or Told()
    return Feed(Tail(folder, CODEC, chunk), books, lambda: LATE, set, told, unread, on_rung=told.rung.extend)


def finished(paths: Sequence[Path]) -> list[str]:
    commands = [one for path in paths for entry in read_segment(path, CODEC)[1] for one in entry.commands]
    return sorted(one.call for one in commands if isinstance(one, CallFinished))


def callbacks(paths: Sequence[Path]) -> tuple[dict[str, Callback], list[OutboundFinished]]:
    """As they became, by id; and the outbound calls."""
    commands = [one for path in paths for entry in read_segment(path, CODEC)[1] for one in entry.commands]
    changed = {one.callback.id: one.callback for one in commands if isinstance(one, CallbackChanged)}
    return changed, [one for one in commands if isinstance(one, OutboundFinished)]


async def calls(engine: AsyncEngine) -> list[str]:
    return sorted(row.call for row in await rows(engine, CALL_RECORD))


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return recorded(tmp_path / "journal")


async def test_everything_arrives_once(engine: AsyncEngine, paths: list[Path]) -> None:
    """All finished calls of several segments are kept, and told demands are the kept ones; again, nothing changes."""
    told = Told()
    feed = feed_of(paths[0].parent, engine, told)
    assert await feed.round()
    assert await calls(engine) == finished(paths)
    assert (feed.stored, feed.behind, feed.damaged, feed.trouble) == (len(finished(paths)), 0, 0, "")
    kept = await rows(engine, DEMAND)
    assert sorted(one.id for one in told.demands) == [row.id for row in kept]
    assert all(row.closed_at is not None for row in kept)
    assert await feed.round()
    assert await feed_of(paths[0].parent, engine).round()
    assert await calls(engine) == finished(paths)
    assert len(told.demands) == len(kept)


async def test_callbacks_arrive_as_they_became(engine: AsyncEngine, paths: list[Path]) -> None:
    """Each callback stands in SQL as the journal says last, each outbound call once, and each is told once."""
    changed, rang = callbacks(paths)
    assert min(len(changed), len(rang)) > 10
    told = Told()
    for _ in range(2):
        assert await feed_of(paths[0].parent, engine, told).round()
    kept = {one.id: one for one in await Callbacks(engine, CALLERS).find()}
    assert kept == {id_: replace(one, caller=CALLERS.key_of(one.number)) for id_, one in changed.items()}
    assert [row.id for row in await rows(engine, CALLBACK_TRY)] == sorted(one.call for one in rang)
    assert told.rung == rang


@pytest.mark.slow
async def test_interrupted_at_any_await(engine: AsyncEngine, paths: list[Path]) -> None:
    """Cancelled wherever it is, over and over, it ends up with each call once."""
    draw = random.Random(1)
    for _ in range(25):
        task = asyncio.create_task(feed_of(paths[0].parent, engine, chunk=500).round())
        for _ in range(draw.randrange(1, 200)):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await feed_of(paths[0].parent, engine).round()
    assert await calls(engine) == finished(paths)
    assert sum(row.attempts for row in await rows(engine, DEMAND)) == len(finished(paths)) > 50
    changed, rang = callbacks(paths)
    kept = {one.id: one.version for one in await Callbacks(engine, CALLERS).find()}
    assert kept == {one.id: one.version for one in changed.values()}
    assert [row.id for row in await rows(engine, CALLBACK_TRY)] == sorted(one.call for one in rang)


@pytest.mark.slow
async def test_segments_wait_for_sql(tmp_path: Path, paths: list[Path]) -> None:
    """While the database is away nothing may be deleted, and it is said; afterwards everything may."""
    engine = await open_engine(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")
    async with engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE call_record RENAME TO away")
    feed = feed_of(paths[0].parent, engine)
    assert not feed.may_delete(paths[0])
    assert not await feed.round()
    assert "call records wait in the journal" in feed.trouble
    assert feed.behind > 0
    assert not any(feed.may_delete(path) for path in paths)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE away RENAME TO call_record")
    assert await feed.round()
    assert (feed.trouble, feed.behind) == ("", 0)
    assert all(feed.may_delete(path) for path in paths)
    assert await calls(engine) == finished(paths)
    await engine.dispose()


@pytest.mark.slow
async def test_deleted_segments_are_forgotten(tmp_path: Path, paths: list[Path]) -> None:
    """Marks of segments that are gone do not pile up."""
    engine = await open_engine(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")
    feed = feed_of(paths[0].parent, engine)
    await feed.round()
    paths[0].unlink()
    await feed.round()
    marks = await Books(engine, CALLERS.key_of).marks(Tail(paths[0].parent, CODEC).identity())
    assert sorted(marks) == sorted(path.name for path in paths[1:])
    await engine.dispose()
