"""The hours before the demo: pages and reports find them as if they had been."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callrouter.cli.demo_morning import keep, morning
from callrouter.cli.stage import Stage
from callrouter.config.load import Loaded, load
from callrouter.core.commands import CallFinished, Outcome
from callrouter.core.demands import COUNTED
from callrouter.sim.pace import Pace
from callrouter.store.store import open_engine
from callrouter.store.today import today
from callrouter.web.figures import Figures, midnight
from tests.waiting import until

REPO = Path(__file__).resolve().parents[2]
ZONE = ZoneInfo("Europe/Berlin")
QUARTER_PAST_TEN = datetime(2026, 11, 23, 10, 15, tzinfo=ZONE).timestamp()
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load(REPO / "config", date(2026, 11, 23))


@pytest.fixture(scope="module")
def records(loaded: Loaded) -> list[CallFinished]:
    return morning(loaded, QUARTER_PAST_TEN, 1)


def test_same_people_again(loaded: Loaded, records: list[CallFinished]) -> None:
    """The seed draws the same morning; all of it is over when the demo begins, and no two calls share an id."""
    assert records == morning(loaded, QUARTER_PAST_TEN, 1)
    assert records != morning(loaded, QUARTER_PAST_TEN, 2)
    first = datetime(2026, 11, 23, 7, tzinfo=ZONE).timestamp()
    assert all(first < one.arrived_at < one.ended_at < QUARTER_PAST_TEN for one in records)
    assert len({one.call for one in records}) == len(records) > 1000
    answered = sum(one.outcome is Outcome.ANSWERED for one in records)
    assert 0.7 < answered / len(records) < 0.98
    assert {one.agreement for one in records} > {""}


def test_without_a_scenario_there_is_none(loaded: Loaded) -> None:
    """A configuration that names no ordinary day gets an empty morning."""
    service = loaded.network.service.model_copy(update={"forecast": None})
    bare = replace(loaded, network=loaded.network.model_copy(update={"service": service}))
    assert morning(bare, QUARTER_PAST_TEN, 1) == []


async def test_pages_count_it(loaded: Loaded, records: list[CallFinished], tmp_path: Path) -> None:
    """The service that starts on it has every attempt, demand and result of the morning in its figures of the day."""
    stage = Stage(loaded, tmp_path, Pace(1.0, start=QUARTER_PAST_TEN), before=records)
    try:
        service = await stage.start()
        figures = service.front.parts[Figures]
        await figures.first()
        counted = [one for one in records if one.outcome in COUNTED]
        found = figures.today("Europe/Berlin")
        assert sum(slot.attempts for slot in found.slots) == len(counted)
        assert sum(slot.in_time for slot in found.slots) == sum(one.within_target for one in counted)
        assert sum(one.calls for one in found.lent) == sum(bool(one.agreement) for one in records)
        answered = sum(one.outcome is Outcome.ANSWERED for one in records)
        given = sum(one.given for one in found.settled)
        assert 0.9 * answered < given < answered == sum(one.answered for one in found.settled)
        assert 0.75 < sum(one.resolved for one in found.settled) / given < 0.9
        await until(lambda: sum(one.unreached for one in figures.today("Europe/Berlin").reached) > 0)
    finally:
        await stage.stop()


async def test_a_kept_day_stays(loaded: Loaded, records: list[CallFinished], tmp_path: Path) -> None:
    """Who starts the demo twice in one folder has one morning a day."""
    engine = await open_engine(f"sqlite+aiosqlite:///{tmp_path / 'kept.db'}")
    try:
        for _ in range(2):
            await keep(engine, loaded.plan, records, str)
        since = midnight("Europe/Berlin", QUARTER_PAST_TEN)
        kept = await today(engine, since, [one.call for one in records])
        assert len(kept.known) == len(records)
        tomorrow = morning(loaded, QUARTER_PAST_TEN + 86_400, 1)
        await keep(engine, loaded.plan, tomorrow, str)
        assert len((await today(engine, since, [one.call for one in tomorrow])).known) == len(tomorrow)
    finally:
        await engine.dispose()
