"""The hours before the demo begins, simulated and kept as if they had been: so the day has a course."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.cli.demo_results import came_of
from callrouter.cli.simulate import bounded
from callrouter.config.load import Loaded
from callrouter.core.commands import CallFinished, Outcome
from callrouter.core.plan import Plan
from callrouter.desk.results import Result
from callrouter.finished import Batch, Finished
from callrouter.sim.recorded import play
from callrouter.sim.scenario import Checked, read_scenario
from callrouter.store.books import Books
from callrouter.store.results import Results

BATCH = 500
JOURNAL = "simulated"


def morning(loaded: Loaded, until: float, seed: int) -> list[CallFinished]:
    """Calls of this day that have ended, by the scenario that the configuration foresees with; none without one.

    Raises ConfigError for a scenario that is not right.
    """
    path = loaded.network.service.forecast
    if path is None:
        return []
    checked = read_scenario(path, loaded.plan)
    zone = checked.scenario.zone or loaded.plan.sites[0].zone
    day = datetime.fromtimestamp(until, UTC).astimezone(ZoneInfo(zone)).date()
    scenario = checked.scenario.model_copy(update={"start": day.isoformat(), "days": 1})
    records = play(loaded.plan, Checked(scenario, checked.changes), bounded(loaded), seed)
    return _as_live([record for record in records if record.ended_at < until], loaded.plan)


def _as_live(records: Sequence[CallFinished], plan: Plan) -> list[CallFinished]:
    """With ids, callers and numbers of the kind that a real call has: no two days share an id."""
    numbers = {hotline.name: hotline.numbers[0].digits for hotline in plan.hotlines}
    callers: dict[str, str] = {"": ""}
    found = []
    for n, one in enumerate(records):
        caller = callers.setdefault(one.caller, f"0170{len(callers):07}")
        call = f"{one.site}/{one.arrived_at:.0f}.0{n}"
        found.append(replace(one, call=call, caller=caller, number=numbers[one.hotline]))
    return found


async def keep(engine: AsyncEngine, plan: Plan, records: Sequence[CallFinished], key_of: Callable[[str], str]) -> None:
    """Write one day's records as the feed of a running service does; a day that is kept already stays as it is.

    Raises SQLAlchemyError or OSError.
    """
    if not records:
        return
    day = datetime.fromtimestamp(records[0].ended_at, UTC).date().isoformat()
    books, results = Books(engine, key_of), Results(engine)
    rules = {one.name: (one.target_s, one.redial_window_s) for one in plan.hotlines}
    for place in range(0, len(records), BATCH):
        some = records[place : place + BATCH]
        calls = tuple(Finished(one, "", place + n, *rules[one.hotline]) for n, one in enumerate(some))
        batch = Batch(day, place, place + len(some), calls, more=False)
        if await books.take(JOURNAL, batch) is None:
            return
        async with engine.begin() as connection:
            for result in _results(some):
                await results.give(connection, result)


def _results(records: Sequence[CallFinished]) -> Iterator[Result]:
    """What agents would have said came of their calls."""
    for one in records:
        came = came_of(one.call) if one.outcome is Outcome.ANSWERED else None
        if came is not None:
            yield Result(one.call, one.hotline, one.topic, came, one.ended_at)
