"""The example network at nine on a simulated Monday, ordinary or bad, as a live router would be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from callrouter.config.load import load
from callrouter.sim.call import Call
from callrouter.sim.case import make_case
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.live import Live, Missed
from callrouter.sim.runs import day_of
from callrouter.sim.scenario import read_scenario

CONFIG = Path(__file__).parents[1] / "config"
NINE_S = 9 * 3600


class _Now(Exception):
    """It is nine."""


def live_morning(day_is: str = "monday") -> Live:
    """day_is: the scenario of the calls that have come; what is expected is always the ordinary Monday's."""
    plan = load(CONFIG).plan
    ordinary, today = (read_scenario(CONFIG / "scenarios" / f"{name}.yaml", plan) for name in ("monday", day_is))
    day, callers = day_of(make_case(plan, today.scenario, today.changes), 1, 0)
    firsts: list[Call] = []

    def until() -> Iterator[Call]:
        for call in callers.arrivals():
            if call.at_us > NINE_S * SECOND_US:
                raise _Now
            firsts.append(call)
            yield call

    with suppress(_Now):
        day.run(until())
    saved = replace(day.router.checkpoint(), plan=plan)
    came: dict[str, int] = {}
    for call in firsts:
        came[call.hotline] = came.get(call.hotline, 0) + 1
    last = {call.caller: call for call in day.calls}  # of each caller
    missed = tuple(
        Missed(call.hotline, saved.now - NINE_S + (call.at_us + (call.wait_us or 0)) / SECOND_US, call.attempt)
        for call in last.values()
        if call.outcome in ("abandoned", "busied")
    )
    tries = len(day.calls) / len(firsts)
    return Live(saved, ordinary.scenario, came, saved.now - NINE_S, missed, tries=tries)
