"""A simulated day as call records: what the live service would have kept of it."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import replace

from callrouter.core.commands import CallFinished, Command, Outcome
from callrouter.core.events import Event
from callrouter.core.plan import Plan
from callrouter.core.router import Router
from callrouter.sim.case import make_case
from callrouter.sim.runs import day_of
from callrouter.sim.scenario import Checked


class Recorder(Router):
    """The router, and every call record that it told."""

    def __init__(self, plan: Plan, now: float = 0.0) -> None:
        super().__init__(plan, now)
        self.records: list[CallFinished] = []

    def handle_all(self, events: Sequence[Event], now: float) -> list[Command]:
        commands = super().handle_all(events, now)
        self.records += [one for one in commands if isinstance(one, CallFinished)]
        return commands


def play(plan: Plan, checked: Checked, bounded: Collection[str], seed: int) -> list[CallFinished]:
    """The records of one run, in the order of their ends. bounded: hotlines that say how many callers may wait."""
    case = make_case(plan, checked.scenario, checked.changes, bounded)
    day, callers = day_of(case, seed, 0, Recorder)
    day.run(callers.arrivals())
    assert isinstance(day.router, Recorder)
    rng = random.Random(seed)  # noqa: S311  no secret
    return sorted((_human(record, rng) for record in day.router.records), key=lambda one: one.ended_at)


def _human(record: CallFinished, rng: random.Random) -> CallFinished:
    """The simulator's agents answer at once and put nobody on hold; these let it ring and do."""
    if record.outcome is not Outcome.ANSWERED:
        return record
    rings_s = rng.lognormvariate(1.3, 0.4)
    held_s = min(rng.lognormvariate(3.2, 0.6), record.talk_s / 2) if rng.random() < 0.15 else 0.0
    return replace(record, wait_s=record.wait_s + rings_s, ended_at=record.ended_at + rings_s, on_hold_s=held_s)
