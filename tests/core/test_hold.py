"""Time on hold after the answer, which the caller pays for; and why an attempt reached nobody."""

from __future__ import annotations

import pytest

from callrouter.core import commands as c
from callrouter.core import events as e
from tests.core.story import Story, network


def talking(story: Story, lent: bool = False) -> str:
    """A conversation at Gera, or one that Magdeburg has taken over."""
    for _ in range(2 if lent else 0):
        story.answer(story.dial())
    call = story.dial()
    story.answer(call)
    return call


def on_hold_s(story: Story, call: str) -> float:
    return story.books.ended[call].on_hold_s


@pytest.mark.parametrize("lent", [False, True])
def test_time_on_hold_is_added_up(lent: bool) -> None:
    """Twice on hold, 20 s and 5 s, in a conversation of 60 s: 25 s, wherever the agent sits."""
    story = Story()
    call = talking(story, lent)
    for before, during in ((10.0, 20.0), (15.0, 5.0)):
        story.pass_time(before)
        story.put_on_hold(call)
        story.pass_time(during)
        story.put_on_hold(call, on=False)
    story.pass_time(10.0)
    story.hang_up(call)
    assert story.books.ended[call].talk_s == 60.0
    assert on_hold_s(story, call) == 25.0


def test_hold_ends_with_the_call() -> None:
    """A caller who hangs up while he is on hold paid until then."""
    story = Story()
    call = talking(story)
    story.put_on_hold(call)
    story.pass_time(30.0)
    story.hang_up(call)
    assert on_hold_s(story, call) == 30.0


def test_hold_ends_when_the_caller_was_put_through() -> None:
    """An attended transfer: on hold while the agent asks, then he leaves; what comes after is not on hold."""
    story = Story()
    call = talking(story)
    story.put_on_hold(call)
    story.pass_time(12.0)
    story.agent_hangs_up(call, stays=True)
    story.pass_time(100.0)
    story.hang_up(call)
    assert on_hold_s(story, call) == 12.0


@pytest.mark.parametrize("lent", [False, True])
def test_what_cannot_be_seen_is_not_on_hold(lent: bool) -> None:
    """The link to the agent's site is lost while he has the caller on hold: it counts until then, not for ever."""
    story = Story()
    call = talking(story, lent)
    story.put_on_hold(call)
    story.pass_time(7.0)
    story.link_down("magdeburg" if lent else "gera")
    story.pass_time(3.0)
    story.link_up("magdeburg" if lent else "gera")
    story.pass_time(50.0)
    story.put_on_hold(call, on=False)
    story.hang_up(call)
    assert on_hold_s(story, call) == 7.0


def test_hold_that_means_nothing() -> None:
    """Told twice, of a call unknown or unanswered, or from a phone that is not the agent's: ignored."""
    story = Story()
    waits = story.dial()
    call = talking(story)
    for event in (
        e.PutOnHold(call, "gera", "2001", on=True),  # rings for the other caller
        e.PutOnHold(call, "gera", "nobody", on=True),
        e.PutOnHold(waits, "gera", "2001", on=True),
        e.PutOnHold("gera/99.9", "gera", "2002", on=True),
        e.PutOnHold(call, "gera", "2002", on=False),
    ):
        story.send(event)
    story.put_on_hold(call)
    story.pass_time(4.0)
    story.put_on_hold(call)  # told twice
    story.pass_time(1.0)
    story.hang_up(call)
    assert on_hold_s(story, call) == 5.0


def test_hold_outlives_a_checkpoint() -> None:
    """A state that is frozen and thawed knows who is on hold and since when."""
    story = Story()
    call = talking(story)
    story.put_on_hold(call)
    story.pass_time(5.0)
    story.router = type(story.router).restore(story.router.checkpoint())
    story.books.router = story.router
    story.pass_time(5.0)
    story.hang_up(call)
    assert on_hold_s(story, call) == 10.0


def unserved(story: Story, call: str) -> c.Unserved:
    return story.books.ended[call].unserved


def test_why_callers_gave_up() -> None:
    """While nobody was free; while a phone rang; answered ones have no such reason."""
    story = Story()
    rung, waits = story.dial(), Story(ready="")
    story.hang_up(rung)
    assert unserved(story, rung) is c.Unserved.GAVE_UP_RINGING
    call = waits.dial()
    waits.hang_up(call)
    assert unserved(waits, call) is c.Unserved.GAVE_UP_WAITING
    call = talking(story)
    story.hang_up(call)
    assert unserved(story, call) is c.Unserved.NONE


def test_who_gives_up_in_the_welcome_gave_up_in_the_menu() -> None:
    """He hung up before he waited for anybody."""
    story = Story(network(hotline={"say_welcome": "welcome"}))
    call = story.dial()
    assert story.calls[call].stage is e.Stage.PROMPTED
    story.hang_up(call)
    assert unserved(story, call) is c.Unserved.GAVE_UP_IN_MENU


def test_why_callers_were_busied() -> None:
    """At the ring limit; at once where nobody may wait; at once when the line is full."""
    story = Story(ready="")
    call = story.dial()
    story.pass_time(111.0)
    assert unserved(story, call) is c.Unserved.RING_LIMIT
    story = Story(network(hotline={"ring_max_s": 0.0}), ready="")
    assert unserved(story, story.dial()) is c.Unserved.NOBODY_FREE
    story = Story(network(hotline={"line_max": 1}), ready="")
    story.dial()
    assert unserved(story, story.dial()) is c.Unserved.LINE_FULL
