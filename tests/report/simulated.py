"""A day that the simulator plays, kept as the service would keep it: call records, demands and callbacks in SQL."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from callrouter.cli.simulate import bounded, loaded_or_exit
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus
from callrouter.core.commands import CallFinished, Command, Outcome
from callrouter.core.events import Event
from callrouter.core.plan import Plan
from callrouter.core.router import Router
from callrouter.finished import Batch, Finished
from callrouter.sim.case import make_case
from callrouter.sim.runs import day_of
from callrouter.store.books import Books
from callrouter.store.schema import CALLBACK
from callrouter.store.store import open_engine

SCENARIO = Path(__file__).with_name("monday.yaml")
BATCH = 500


class Recorder(Router):
    """The router, and every call record that it told."""

    def __init__(self, plan: Plan, now: float = 0.0) -> None:
        super().__init__(plan, now)
        self.records: list[CallFinished] = []

    def handle_all(self, events: Sequence[Event], now: float) -> list[Command]:
        commands = super().handle_all(events, now)
        self.records += [one for one in commands if isinstance(one, CallFinished)]
        return commands


def play(config: Path, seed: int = 7) -> tuple[Plan, list[CallFinished]]:
    """The records of one day."""
    loaded, checked = loaded_or_exit(config, SCENARIO)
    case = make_case(loaded.plan, checked.scenario, checked.changes, bounded(loaded))
    day, callers = day_of(case, seed, 0, Recorder)
    day.run(callers.arrivals())
    assert isinstance(day.router, Recorder)
    rng = random.Random(seed)
    return loaded.plan, sorted((_human(record, rng) for record in day.router.records), key=lambda one: one.ended_at)


def _human(record: CallFinished, rng: random.Random) -> CallFinished:
    """The simulator's agents answer at once and put nobody on hold; these let it ring and do."""
    if record.outcome is not Outcome.ANSWERED:
        return record
    rings_s = rng.lognormvariate(1.3, 0.4)
    held_s = min(rng.lognormvariate(3.2, 0.6), record.talk_s / 2) if rng.random() < 0.15 else 0.0
    return replace(record, wait_s=record.wait_s + rings_s, ended_at=record.ended_at + rings_s, on_hold_s=held_s)


async def keep(url: str, plan: Plan, records: Sequence[CallFinished], seed: int = 7) -> None:
    """Write them as the feed of a running service does; every demand is closed in the end."""
    engine = await open_engine(url)
    books = Books(engine, key_of=lambda caller: caller)
    targets = {one.name: (one.target_s, one.redial_window_s) for one in plan.hotlines}
    try:
        for start in range(0, len(records), BATCH):
            some = records[start : start + BATCH]
            calls = tuple(Finished(one, "1", start + n, *targets[one.hotline]) for n, one in enumerate(some))
            batch = Batch("simulated", start, start + len(some), calls, more=False)
            taken = await books.take("simulated", batch)
            assert taken is not None
        await books.close(max(record.ended_at for record in records) + 86_400.0, lambda _: False)
        async with engine.begin() as connection:
            await connection.execute(CALLBACK.insert(), [_row(one) for one in _callbacks(records, seed)])
    finally:
        await engine.dispose()


def _callbacks(records: Sequence[CallFinished], seed: int) -> list[Callback]:
    """Promises of two days before that are due now: most are kept."""
    rng = random.Random(seed)
    some = [record for record in records if record.outcome is Outcome.ANSWERED][::60]
    found = []
    for record in some:
        late = 3_600.0 if rng.random() < 0.08 else -7_200.0
        found.append(
            Callback(
                record.call, CallbackKind.DEPARTMENT, record.hotline, record.topic, record.site, "",
                record.arrived_at - 172_800.0, record.arrived_at, CallbackStatus.DONE, "benefits",
                done_at=record.arrived_at + late, result=CallbackResult.REACHED,
            )
        )  # fmt: skip
    return found


def _row(one: Callback) -> dict[str, Any]:
    values = {column.name: getattr(one, column.name, None) for column in CALLBACK.columns}
    return values | {
        "kind": one.kind.value, "status": one.status.value, "result": one.result.value if one.result else None,
        "last_result": "", "number": None, "caller": None, "run": "", "seq": 0,
    }  # fmt: skip
