"""A simulated day goes on from whatever state a router can be in: the hunter's machine makes the states."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from callrouter.core.plan import Plan
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.live import Live, LiveDay, Missed, live_case
from callrouter.sim.scenario import Scenario
from tests.core.test_machine import Machine
from tests.examples import examples
from tests.sim.test_live import checked


class _TakenOver(Machine):
    """Where a story ends a simulated quarter of an hour begins."""

    def teardown(self) -> None:
        if getattr(self, "world", None) is not None:
            saved = self.world.router.checkpoint()
            live = Live(saved, _scenario(saved.plan), {}, saved.now - 600, (Missed("h0", saved.now - 60, 2),))
            day = LiveDay(live, live_case(live, ()), 1, 0, restore=checked)
            day.run(day.callers.arrivals(900 * SECOND_US))
            assert {call.site for call in day.router.state.calls.values()} <= day.dark.sites


def _scenario(plan: Plan) -> Scenario:
    callers: dict[str, Any] = {
        "talk": {"mean_s": 60, "cv": 1},
        "patience": {"mean_s": 60, "cv": 1},
        "arrivals": {"per_hour": 60},
        "redial": {"probability": 0.5, "delay": 60},
    }
    return Scenario.model_validate(
        {"start": "2026-11-23", "callers": {one.name: callers for one in plan.hotlines}, "zone": "Europe/Berlin"}
    )


@pytest.mark.slow
def test_a_day_goes_on_from_any_state() -> None:
    """Offers, prompts, wrap-ups, callbacks and links as they may be; the invariants hold after every event."""
    run_state_machine_as_test(
        _TakenOver,
        settings=settings(
            max_examples=examples(60),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )
