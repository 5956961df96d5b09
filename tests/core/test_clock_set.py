"""The wall clock is set while calls are alive: what lasts goes on lasting as long as it would have."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from callrouter.core import checkpoint
from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.core.plan import Hours, Span
from tests.core.story import WEEKDAYS, Story, network

LEAP_S = 7_200.0


def morning() -> Story:
    """Somebody waits, somebody rings, somebody talks on hold, one agent wraps up and one has just refused."""
    plan = network(
        hotline={"ring_max_s": 60.0, "affinity_s": 600.0},
        agreement={"lender_health": 0.1, "after_s": 20.0, "reserve": 1},
    )
    story = Story(plan)
    talk = story.dial(caller="0301")
    story.answer(talk)
    story.pass_time(4.0)
    ended = story.dial(caller="0302")
    story.answer(ended)
    story.pass_time(4.0)
    story.hang_up(ended)
    refused = story.dial("391", "0303")
    story.phone_fails(refused, e.Result.REFUSED)
    for caller in range(6):
        story.dial(caller=f"04{caller}")
    story.pass_time(3.0)
    story.send(e.TrunkState("magdeburg", "gera", up=False))
    return story


def go_on(story: Story) -> list[c.Command]:
    """Two minutes in which all of it ends one after the other."""
    before = len(story.books.orders), len(story.told_notices)
    for _ in range(24):
        story.pass_time(5.0)
        story.obey_all()
    for call in list(story.calls):
        story.hang_up(call)
    return [*story.books.orders[before[0] :], *story.told_notices[before[1] :]]


def moved(command: c.Command, by_s: float) -> c.Command:
    if isinstance(command, c.CallFinished):
        return replace(command, arrived_at=command.arrived_at + by_s, ended_at=command.ended_at + by_s)
    return command


@pytest.mark.parametrize("by_s", [LEAP_S, 301.0])
def test_nobody_has_waited_longer_because_the_clock_was_set(by_s: float) -> None:
    """Ring limits, wrap-up, pauses, patience and health go on as if nothing had been; records bear the right time."""
    plain, leapt = morning(), morning()
    leapt.now += by_s
    assert leapt.send(e.ClockSet(by_s)) == []
    told = go_on(leapt)
    assert [moved(command, -by_s) for command in told] == go_on(plain)
    outcomes = {one.outcome for one in told if isinstance(one, c.CallFinished)}
    assert outcomes >= {c.Outcome.ANSWERED, c.Outcome.BUSIED}
    assert {one.because for one in told if isinstance(one, c.AgentChanged)} >= {"wrap-up time is over"}


def test_no_instant_is_forgotten() -> None:
    """Whoever adds a time to a call, an agent or the state as a whole has to say whether it moves with the clock."""
    known = {*checkpoint.CALL_TIMES, *checkpoint.SEAT_TIMES, "trunks_down", "reread_at", "hope_until"}
    times = {
        field.name
        for kept in (checkpoint.SavedCall, checkpoint.SavedSeat, checkpoint.Checkpoint)
        for field in fields(kept)
        if field.name.endswith(("_at", "_until", "since")) or field.name in ("at", "until")
    }
    assert times == known - {"trunks_down"}


def test_what_stands_in_the_calendar_comes_at_its_time() -> None:
    """A switch that ends at two, a window that opens at one, hours that end at six: the clock says when that is."""
    window = Hours("Europe/Berlin", (((Span(13 * 3600, 18 * 3600),),) * 7))
    hours = Hours("Europe/Berlin", WEEKDAYS)
    story = Story(network(hotline={"hours": hours}, agreement={"window": window}), ready="magdeburg")
    story.send(e.HotlineSwitched("magdeburg", e.HotlineMode.NOTICE, story.now + 3_600.0, "because", "test"))
    call = story.dial()
    assert story.router.state.calls[call].offer is None
    story.now += LEAP_S
    story.send(e.ClockSet(LEAP_S))
    story.send(e.Tick())
    assert [x.mode for x in story.told_notices if isinstance(x, c.HotlineChanged)][-1] is e.HotlineMode.NORMAL
    story.obey_all()
    assert story.rung(call).startswith("magdeburg/")
    story.now += 5 * 3_600.0
    story.send(e.ClockSet(5 * 3_600.0))
    assert story.outcome(story.dial(caller="0305")) is c.Outcome.CLOSED
