"""Ringing people from a page: who is listed for whom, and the calls that are made."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Ringable
from callrouter.core import events as e
from callrouter.core.callbacks import CallbackKind, CallbackResult, Refused, TryResult
from callrouter.core.events import AgentAct, CallbackTaken
from callrouter.office import floor, worklists
from callrouter.office.ringing import EVERY_DESK, LISTED_MAX
from tests.core.test_nobody import RULES
from tests.desk.test_mail import ONE
from tests.office.floor import House, Opener

ANNA = "gera/2001"
TEAM = "agency-gera"


def house_that_rings(open_house: Opener) -> House:
    house = open_house(hotline={"callback": replace(RULES, reserve=9)})
    house.office.tell(house.changed.append)
    return house


def know(house: House, number: int, kind: CallbackKind, **more: object) -> None:
    """The router learns of a callback."""
    now = house.story.now
    one = replace(
        ONE, id=f"gera/{number}.1", kind=kind, hotline="gera", topic="other", number=f"+49171000{number:04}",
        asked_at=now - number, due_at=now + 9_000.0 - number, department="", **more,
    )  # type: ignore[arg-type]  # fmt: skip
    house.story.send(e.CallbackKnown(one))


async def test_promises_come_first_and_who_gave_up_last_is_next(open_house: Opener, engine: AsyncEngine) -> None:
    """By due time and by how short ago it was; only the team's own callers, no more than one can look at."""
    house = house_that_rings(open_house)
    for number, kind in ((1, CallbackKind.UNREACHED), (2, CallbackKind.CAPTURED), (3, CallbackKind.UNREACHED)):
        know(house, number, kind)
    know(house, 4, CallbackKind.CAPTURED)
    assert [one.id for one in house.office.ringing.listed(TEAM)] == ["gera/4.1", "gera/2.1", "gera/1.1", "gera/3.1"]
    assert house.office.ringing.listed("agency-magdeburg") == ()
    for number in range(10, 40):
        know(house, number, CallbackKind.UNREACHED)
    assert len(house.office.ringing.listed(TEAM)) == LISTED_MAX
    house.changed.clear()
    house.story.send(e.CallbackClosed("gera/1.1", CallbackResult.CANCELLED, "", "kim"))
    assert EVERY_DESK in house.changed


async def test_a_caller_is_rung_and_that_it_was_not_he_is_said_once(open_house: Opener, engine: AsyncEngine) -> None:
    """While the call lives the agent's page knows its number; afterwards it knows whom he has reached."""
    house = house_that_rings(open_house)
    know(house, 1, CallbackKind.UNREACHED)
    house.story.send(CallbackTaken("gera/1.1", ANNA, "anna"))
    going = house.office.ringing.of(ANNA)
    assert going is not None
    assert (going.stage, going.number, going.callback) == ("ringing", "+491710000001", "gera/1.1")
    assert house.office.ringing.listed(TEAM) == ()
    (call,) = house.story.outs
    house.story.obey_out(call)
    house.story.agent_is_up(call)
    house.story.caller_is_up(call)
    assert (going := house.office.ringing.of(ANNA)) is not None
    assert going.stage == "talking"
    house.changed.clear()
    house.story.out_ends(call)
    assert house.office.ringing.of(ANNA) is None
    assert house.office.ringing.reached(ANNA) == "gera/1.1"
    assert floor.tag(ANNA) in house.changed
    house.office.ringing.denied(ANNA)
    assert house.office.ringing.reached(ANNA) == ""


async def test_a_departments_call_is_its_takers(open_house: Opener, engine: AsyncEngine) -> None:
    """Who has not taken it rings nobody; two calls of one callback have two ids; its list hears of each step."""
    house = house_that_rings(open_house)
    house.act(ANNA, AgentAct.PAUSE)
    await house.office.callbacks.add(replace(ONE, hotline="gera"))
    await house.office.worklists.refresh()
    with pytest.raises(Refused):
        await house.office.ringing.for_department("gera/d1", "benefit", ANNA, "kim")
    await house.office.worklists.take("gera/d1", "benefit", "kim")
    for rings in (1, 2):
        house.story.send(await house.office.ringing.for_department("gera/d1", "benefit", ANNA, "kim"))
        assert (going := house.office.ringing.to("gera/d1")) is not None
        assert (going.stage, going.number) == ("ringing", ONE.number)
        (call,) = house.story.outs
        assert call == f"gera/cbd1.{rings}"
        house.story.obey_out(call)
        house.story.agent_is_up(call)
        house.changed.clear()
        house.story.caller_is_missed(call, TryResult.BUSY)
        assert worklists.tag("benefit") in house.changed
        assert house.office.ringing.to("gera/d1") is None
        assert house.office.ringing.reached(ANNA) == ""
    await house.office.ringing.for_department("gera/d1", "benefit", ANNA, "kim")
    house.office.ringing.given_up("gera/d1")
    assert house.office.ringing._asked == {}


async def test_a_number_of_ones_own_choice(open_house: Opener, engine: AsyncEngine) -> None:
    """Ordinary numbers only, shown with a hotline of one's own team; the number is known while the call lives."""
    house = house_that_rings(open_house)
    ringing = house.office.ringing
    ringing._reach = Ringable(["DE"], ["0365 1"]).of
    assert [line.name for line in ringing.lines(TEAM)] == ["gera"]
    assert ringing.lines("no-team") == ()
    (line,) = ringing.lines(TEAM)
    for denied in ("", "112", "0900 1234567", "+44 20 7946 0000", "0180 5000000", "0365 1", "abc"):
        assert ringing.for_anybody(ANNA, line, denied, "because", "anna") is None, denied
    assert ringing._asked == {}
    house.act(ANNA, AgentAct.PAUSE)
    asked = ringing.for_anybody(ANNA, line, "0171 234 5678", "Unterlagen fehlen", "anna")
    assert asked is not None
    house.story.send(asked)
    going = ringing.of(ANNA)
    assert going is not None
    assert (going.kind, going.stage, going.number) == (CallbackKind.OUTBOUND, "ringing", "+491712345678")
    assert going.subject == "Unterlagen fehlen"
    (call,) = house.story.outs
    house.story.obey_out(call)
    house.story.agent_is_up(call)
    house.story.caller_is_up(call)
    house.story.out_ends(call)
    assert ringing.of(ANNA) is None
    assert ringing._asked == {}
    assert (ringing.reached(ANNA), ringing.came(ANNA)) == ("", None)


async def test_why_nobody_was_reached_is_known_until_the_next_call(open_house: Opener, engine: AsyncEngine) -> None:
    """At the agent who rang and at the department's callback; his own phone may be the reason."""
    house = house_that_rings(open_house)
    house.act(ANNA, AgentAct.PAUSE)
    await house.office.callbacks.add(replace(ONE, hotline="gera"))
    await house.office.worklists.refresh()
    await house.office.worklists.take("gera/d1", "benefit", "kim")
    ringing = house.office.ringing
    for result, lifts in ((TryResult.BUSY, True), (TryResult.AGENT_MISSED, False)):
        house.story.send(await ringing.for_department("gera/d1", "benefit", ANNA, "kim"))
        (call,) = house.story.outs
        house.story.obey_out(call)
        assert (ringing.came(ANNA), ringing.came("gera/d1")) == (None, None)
        if lifts:
            house.story.agent_is_up(call)
            house.story.caller_is_missed(call, result)
        else:
            house.story.out_ends(call, e.Result.NO_ANSWER)
        assert (ringing.came(ANNA), ringing.came("gera/d1")) == (result, result)
