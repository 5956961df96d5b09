"""The example network at nine on a simulated Monday, as a live router would be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from callrouter.config.load import load
from callrouter.sim.call import Call
from callrouter.sim.case import make_case
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.live import Live
from callrouter.sim.runs import day_of
from callrouter.sim.scenario import read_scenario

CONFIG = Path(__file__).parents[1] / "config"
NINE_S = 9 * 3600


class _Now(Exception):
    """It is nine."""


def live_morning() -> Live:
    plan = load(CONFIG).plan
    checked = read_scenario(CONFIG / "scenarios" / "monday.yaml", plan)
    day, callers = day_of(make_case(plan, checked.scenario, checked.changes), 1, 0)
    came: dict[str, int] = {}

    def until() -> Iterator[Call]:
        for call in callers.arrivals():
            if call.at_us > NINE_S * SECOND_US:
                raise _Now
            came[call.hotline] = came.get(call.hotline, 0) + 1
            yield call

    with suppress(_Now):
        day.run(until())
    checkpoint = replace(day.router.checkpoint(), plan=plan)
    return Live(checkpoint, checked.scenario, came, checkpoint.now - NINE_S)
