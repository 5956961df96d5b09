"""What one run's calls add up to, by hand."""

from __future__ import annotations

from datetime import datetime

import pytest

from callrouter.core.plan import Hotline, Number, Topic
from callrouter.sim.call import ABANDONED, ANSWERED, CLOSED, Call
from callrouter.sim.clock import SimClock
from callrouter.sim.crew import Crew
from callrouter.sim.figures import Key, Numbers, numbers_of
from callrouter.sim.kernel import SECOND_US, to_us

TARGET_S = 20.0


def answered(at_s: float, wait_s: float, agreement: str = "") -> Call:
    """By an agent who talks 100 s and wraps up 50 s."""
    return Call(
        to_us(at_s), "h", "", 100 * SECOND_US, 50 * SECOND_US, None,
        outcome=ANSWERED, wait_us=to_us(wait_s), team="t", agreement=agreement,
    )  # fmt: skip


@pytest.fixture
def found() -> Numbers:
    """From 9:00: answered just in time, just too late, never and over an agreement; one comes while it is closed."""
    hotline = Hotline("h", "H", "s", (Number("h"),), None, ("t",), (Topic("any", "any"),), "any", target_s=TARGET_S)
    gives_up = Call(to_us(2), "h", "", 0, 0, SECOND_US, outcome=ABANDONED, wait_us=SECOND_US)
    closed = Call(to_us(3), "h", "", 0, 0, None, outcome=CLOSED, wait_us=0)
    calls = [answered(0, TARGET_S), answered(1, TARGET_S + 1e-6), gives_up, closed, answered(1800, 0, "g")]
    crew = Crew(["s/1"], 0)
    crew.on_duty_us = 1000 * SECOND_US
    clock = SimClock(datetime(2026, 11, 23, 9), "Europe/Berlin")
    return numbers_of(calls, {"t": crew}, [hotline], ["g"], clock)


def test_in_time_is_up_to_the_target_and_not_a_microsecond_longer(found: Numbers) -> None:
    """Of all calls in opening hours, those who give up included and those who find it closed not."""
    assert found[Key("hotline", "h", "within")] == (2, 4)
    assert found[Key("hotline", "h", "demands_within")] == (2, 4)
    assert found[Key("hotline", "h", "closed")] == (1, 1)


def test_occupancy_is_conversations_and_wrap_ups_over_time_on_duty(found: Numbers) -> None:
    """Three of each."""
    assert found[Key("team", "t", "occupancy")] == (3 * 150 * SECOND_US, 1000 * SECOND_US)


def test_overflow_is_the_whole_conversation_and_no_wrap_up(found: Numbers) -> None:
    """In minutes, of borrower, lender and agreement alike."""
    assert found[Key("hotline", "h", "overflow_min")] == (100 / 60, 1)
    assert found[Key("team", "t", "lent_min")] == (100 / 60, 1)
    assert found[Key("agreement", "g", "minutes")] == (100 / 60, 1)


def test_a_call_belongs_to_the_half_hour_in_which_it_comes(found: Numbers) -> None:
    """By the local clock."""
    assert found[Key("hotline", "h", "within", "09:00")] == (1, 3)
    assert found[Key("hotline", "h", "within", "09:30")] == (1, 1)
