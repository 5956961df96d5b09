"""F2 at the desk: whose phone is asked to answer, when, how often, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from callrouter.core import events as e
from callrouter.office import phones
from callrouter.office.phones import PACE_S, ByHand, Handset, Lifted
from tests.core.story import Story, network

ANNA, LEG = "gera/2001", "gera/7.1"


class Ask:
    """What asks phones. does: called with each leg; its answer is whether it could be asked."""

    def __init__(self, does: Callable[[str], bool]) -> None:
        self.does = does
        self.asked: list[tuple[str, str]] = []

    def can(self, site: str) -> bool:
        return site == "gera"

    async def answer(self, site: str, leg: str) -> bool:
        self.asked.append((site, leg))
        return self.does(leg)


class Desk:
    """An agent who is offered a call, and his handset. now: seconds."""

    def __init__(self, does: Callable[[Desk], bool] = lambda _: True) -> None:
        self.story = Story(network(agreement={"enabled": False}), ready=ANNA)
        self.ask = Ask(lambda _: does(self))
        self.now = 0.0
        self.handset = Handset(self.story.router, self.ask, lambda: self.now)
        self.call = self.story.dial()
        assert self.story.agent(ANNA) == "offered"

    def leg(self, name: str = LEG, *, up: bool = True) -> None:
        self.send(e.PhoneLeg("gera", "2001", name, up=up))

    def send(self, event: e.Event) -> None:
        self.handset.observe(event, self.story.send(event), self.story.now)

    def answers(self) -> bool:
        offer = self.story.router.state.calls[self.call].offer
        assert offer is not None
        self.send(e.LegStarted(self.call, offer.number, LEG, "gera", "2001"))
        self.send(e.LegAnswered(self.call, offer.number, LEG))
        return True

    async def lift(self) -> Lifted:
        return await self.handset.lift(ANNA)


async def test_the_phone_that_rings_is_asked_and_answers() -> None:
    """By the one leg that rings it; that it rings no more is the answer."""
    desk = Desk(Desk.answers)
    desk.leg()
    assert await desk.lift() is Lifted.DONE
    assert desk.ask.asked == [("gera", LEG)]
    assert desk.story.agent(ANNA) == "talking"


async def test_who_is_quicker_than_his_phone_is_waited_for() -> None:
    """The page shows the call before the phone rings: its leg is asked when it is there."""
    desk = Desk(Desk.answers)
    pressed = asyncio.ensure_future(desk.lift())
    await asyncio.sleep(0)
    assert desk.ask.asked == []
    desk.leg()
    assert await pressed is Lifted.DONE


async def test_nobody_is_asked_but_a_phone_that_rings_for_an_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in a talk, not for somebody who is none, not when it never rings, not when a second call rings it too, not
    when the caller is gone first."""
    monkeypatch.setattr(phones, "PATIENCE_S", 0.01)
    desk = Desk(Desk.answers)
    assert await desk.handset.lift("gera/9") is Lifted.IDLE
    assert await desk.lift() is Lifted.FAILED
    desk.now += PACE_S
    desk.leg()
    desk.leg("gera/8.1")
    assert await desk.lift() is Lifted.FAILED
    assert desk.ask.asked == []
    desk.answers()
    assert await desk.lift() is Lifted.IDLE
    gone = Desk(Desk.answers)
    pressed = asyncio.ensure_future(gone.lift())
    await asyncio.sleep(0)
    gone.send(e.CallEnded(gone.call, 16))
    assert await pressed is Lifted.FAILED
    assert gone.ask.asked == []


async def test_a_phone_is_not_asked_again_at_once() -> None:
    """While it is being asked, and for a second after a failure, another press changes nothing."""
    desk = Desk(lambda _: False)
    desk.leg()
    assert await desk.lift() is Lifted.FAILED
    assert await desk.lift() is Lifted.AGAIN
    desk.now += PACE_S
    desk.ask.does = lambda _: True
    first = asyncio.ensure_future(desk.lift())
    await asyncio.sleep(0)
    desk.now += PACE_S
    assert await desk.lift() is Lifted.AGAIN
    desk.answers()
    assert await first is Lifted.DONE
    assert len(desk.ask.asked) == 2


async def test_a_phone_that_does_not_react_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was asked and rings on: the agent is told to lift it himself."""
    monkeypatch.setattr(phones, "PATIENCE_S", 0.01)
    desk = Desk()
    desk.leg()
    assert await desk.lift() is Lifted.DEAF
    assert desk.story.agent(ANNA) == "offered"


async def test_without_anybody_who_can_ask() -> None:
    """Agents lift their handsets."""
    assert not ByHand().can("gera")
    assert not await ByHand().answer("gera", LEG)
