"""The link at the virtual and at the real Asterisk: what the router hears of one call, and what its orders do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from callrouter.ami.doctor import Level, Patient, examine
from callrouter.ami.epoch import Lease
from callrouter.ami.link import SiteLink
from callrouter.ami.translate import translate
from callrouter.config.dialplan import DIALPLAN_VERSION
from callrouter.core.commands import CancelOffer, Claim, Offer, Release, Reread, Target
from callrouter.core.events import (
    CallArrived,
    CallEnded,
    CallHeld,
    Event,
    LegAnswered,
    LegEnded,
    LegStarted,
    OfferEnded,
    OrderLost,
    PhoneLeg,
    PhoneState,
    PutOnHold,
    Result,
    SiteRead,
    Stage,
)
from callrouter.sim.people import Behaviour
from tests.contract.bench import NUMBERS, Bench, RealBench

ANSWERS = Behaviour(answer_s=0.1)
IGNORES = Behaviour()


class Ear:
    """The link to gera, and what the engine would have heard."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.heard: list[Event] = []
        self._news = asyncio.Event()
        self.link = self.make(20_000_000_000, self._submit)

    def make(self, epoch: int, submit: Callable[[Event], bool]) -> SiteLink:
        host, port, secret = self.bench.manager("gera")
        loop = asyncio.get_running_loop()
        return SiteLink(
            "gera", host, port, "callrouter", secret,
            lease=Lease(epoch, "t"), submit=submit, clock=loop.time, rng=lambda: 0.0, peers=("magdeburg", "gotha"),
        )  # fmt: skip

    def _submit(self, event: Event) -> bool:
        self.heard.append(event)
        self._news.set()
        return True


async def hear(ear: Ear, condition: Callable[[Event], bool], since: int = 0) -> Event:
    """The first event from `since` on that fulfils the condition; waits for it."""
    try:
        async with asyncio.timeout(30.0):
            while True:
                for event in ear.heard[since:]:
                    if condition(event):
                        return event
                ear._news.clear()
                await ear._news.wait()
    except TimeoutError:
        raise AssertionError("not heard; what was: " + "\n".join(map(repr, ear.heard[since:]))) from None


@pytest.fixture
async def ear(bench: Bench) -> AsyncIterator[Ear]:
    made = Ear(bench)
    made.link.start()
    await hear(made, lambda e: isinstance(e, SiteRead))
    yield made
    await made.link.close()


def is_a(kind: type[Event]) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, kind)


async def held(ear: Ear) -> tuple[object, str]:
    """A caller in hold, claimed; the id of his call."""
    since = len(ear.heard)
    caller = await ear.bench.call("gera", "03023125042")
    arrived = await hear(ear, is_a(CallArrived), since)
    assert isinstance(arrived, CallArrived)
    assert (arrived.number, arrived.caller) == (NUMBERS["gera"][0], "03023125042")
    await hear(ear, lambda e: e == CallHeld(arrived.call), since)
    ear.link.execute(Claim(arrived.call, "test"))
    return caller, arrived.call


def offer(call: str, attempt: int, *phones: str, site: str = "gera", ring_s: int = 20) -> Offer:
    return Offer(call, attempt, tuple(Target(f"{site}/{phone}", site, phone) for phone in phones), ring_s, "test")


async def test_one_call_from_arrival_to_its_end(ear: Ear) -> None:
    """Arrived, held, rung, answered, talked, ended: in this order, each once, with the leg named throughout."""
    phone = await ear.bench.phone("gera", 1, ANSWERS)
    since = len(ear.heard)
    caller, call = await held(ear)
    ear.link.execute(offer(call, 1, phone))
    await hear(ear, is_a(LegAnswered), since)
    await caller.until("talking")  # type: ignore[attr-defined]
    caller.hang_up()  # type: ignore[attr-defined]
    await hear(ear, is_a(CallEnded), since)
    await hear(ear, is_a(LegEnded), since)
    story = [e for e in ear.heard[since:] if not isinstance(e, PhoneState | PhoneLeg)]
    leg = next(e.leg for e in story if isinstance(e, LegStarted))
    ends = story[4:]
    assert story[:4] == [
        CallArrived(call, "gera", NUMBERS["gera"][0], "03023125042"),
        CallHeld(call),
        LegStarted(call, 1, leg, "gera", phone),
        LegAnswered(call, 1, leg),
    ]
    assert sorted(type(e).__name__ for e in ends) == ["CallEnded", "LegEnded"]
    assert LegEnded(call, leg) in ends
    assert CallEnded(call, 16, answered=True) in ends
    assert not [e for e in ear.heard if isinstance(e, OrderLost)]


@pytest.mark.parametrize("site", ["gera", "magdeburg"])
async def test_hold_after_the_answer(bench: Bench, site: str) -> None:
    """A phone that puts its caller on hold, at home or over a trunk, says so at its own site, with the call's id."""
    phone = await bench.phone(site, 1, ANSWERS)
    caller, call, _ = await bench.held()
    ami, since = bench.ami[site], len(bench.ami[site].events)
    there = "" if site == "gera" else f"@{site}"
    await bench.router["gera"].offer(call, phone + there)
    await caller.until("talking")
    (talk,) = bench.phone_calls(site, phone)
    heard: list[Event] = []
    for on, word in ((True, "Hold"), (False, "Unhold")):
        talk.hold(on)
        event = await ami.event(word, since)
        assert event["Channel"].startswith(f"PJSIP/{phone}-")
        heard += translate(site, event | {"ChanVariable": event["ChanVariable"].split("\n")})
        assert event.get("MusicClass", "") == ("default" if on else "")
        if on:  # the state is that of the line which hears music
            line = "carrier" if site == "gera" else "gera"
            await ami.event("DeviceStateChange", since, Device=f"PJSIP/{line}", State="ONHOLD")
    about = call.replace("-", "/", 1)
    assert heard == [PutOnHold(about, site, phone, on=True), PutOnHold(about, site, phone, on=False)]
    assert [len(bench.ami["gera"].find(word)) for word in ("Hold", "Unhold")] == ([1, 1] if site == "gera" else [0, 0])


async def test_a_caller_who_puts_the_agent_on_hold(bench: Bench) -> None:
    """That is his own time: the event comes from his own channel and means nothing to the router."""
    phone = await bench.phone("gera", 1, ANSWERS)
    caller, call, since = await bench.held()
    await bench.router["gera"].offer(call, phone)
    await caller.until("talking")
    bench.caller_holds("gera", caller)
    event = await bench.ami["gera"].event("Hold", since)
    assert event["Uniqueid"] == call
    assert translate("gera", event | {"ChanVariable": event["ChanVariable"].split("\n")}) == ()


async def test_a_cancelled_offer_comes_back_into_hold(ear: Ear) -> None:
    """The order and the dialplan agree on how ringing is ended."""
    phone = await ear.bench.phone("gera", 2, IGNORES)
    since = len(ear.heard)
    caller, call = await held(ear)
    ear.link.execute(offer(call, 1, phone))
    started = await hear(ear, is_a(LegStarted), since)
    assert isinstance(started, LegStarted)
    again = len(ear.heard)
    ear.link.execute(CancelOffer(call, 1, (started.leg,), "test"))
    ended = await hear(ear, is_a(OfferEnded), again)
    assert isinstance(ended, OfferEnded)
    assert (ended.attempt, ended.result) == (1, Result.CANCELLED)
    await hear(ear, lambda e: e == CallHeld(call), again)
    ear.link.execute(Release(call, 17, "test"))
    end = await hear(ear, is_a(CallEnded), again)
    assert end == CallEnded(call, 17, answered=False)
    await caller.until("ended")  # type: ignore[attr-defined]


async def test_another_router_reads_back_what_it_finds(ear: Ear) -> None:
    """Held, ringing and talking calls with their legs: enough to go on with each of them, oldest first."""
    ringing_phone = await ear.bench.phone("gera", 3, IGNORES)
    talking_phone = await ear.bench.phone("gera", 4, ANSWERS)
    _, first = await held(ear)
    _, second = await held(ear)
    _, third = await held(ear)
    since = len(ear.heard)
    ear.link.execute(offer(second, 1, ringing_phone))
    ear.link.execute(offer(third, 4, talking_phone))
    await hear(ear, lambda e: isinstance(e, LegAnswered) and e.call == third, since)
    await hear(ear, lambda e: isinstance(e, PhoneState) and e.phone == ringing_phone and e.in_use, since)

    other: list[Event] = []
    link = ear.make(20_000_000_001, lambda event: other.append(event) or True)  # type: ignore[func-returns-value]
    link.start()
    try:
        async with asyncio.timeout(30.0):
            while not other:
                await asyncio.sleep(0.005)
    finally:
        await link.close()
    (read,) = [event for event in other if isinstance(event, SiteRead)]
    stages = {call.call: call for call in read.calls}
    assert [call.call for call in read.calls] == [first, second, third]
    assert [call.stage for call in read.calls] == [Stage.HELD, Stage.OFFERED, Stage.TALKING]
    assert stages[first].number == NUMBERS["gera"][0]
    assert stages[first].caller == "03023125042"
    assert (stages[second].attempt, stages[second].offered) == (1, (("gera", ringing_phone),))
    assert [leg[1:] for leg in stages[second].legs] == [("gera", ringing_phone, False)]
    assert [leg[1:] for leg in stages[third].legs] == [("gera", talking_phone, True)]
    assert stages[third].attempt == 4
    states = {state.phone: state for state in read.phones}
    assert states[talking_phone].in_use
    assert talking_phone in [phone for phone, _ in read.phone_legs]
    assert read.trunks_down == ()


async def test_versions_are_known_after_the_login(ear: Ear) -> None:
    """The link finds out which Asterisk and which dialplan the site runs, with the shipped rights."""
    async with asyncio.timeout(30.0):
        while ear.link.state.dialplan is None or ear.link.state.asterisk is None:
            await asyncio.sleep(0.005)
    assert ear.link.state.dialplan == str(DIALPLAN_VERSION)
    assert ear.link.state.asterisk.partition(".")[0].isdecimal()


async def test_reading_back_again_and_again_does_no_harm(ear: Ear) -> None:
    """While a call is routed the site is read back ten times: its story is the same."""
    phone = await ear.bench.phone("gera", 5, ANSWERS)
    since = len(ear.heard)
    caller, call = await held(ear)
    ear.link.execute(offer(call, 1, phone))
    for _ in range(10):
        ear.link.execute(Reread("gera", "test"))
        await asyncio.sleep(0)
    await hear(ear, is_a(LegAnswered), since)
    await caller.until("talking")  # type: ignore[attr-defined]
    caller.hang_up()  # type: ignore[attr-defined]
    await hear(ear, is_a(CallEnded), since)
    story = [type(e).__name__ for e in ear.heard[since:] if getattr(e, "call", "") == call]
    assert story[:4] == ["CallArrived", "CallHeld", "LegStarted", "LegAnswered"]


async def test_the_doctor_finds_a_shipped_site_well(bench: Bench) -> None:
    """Dialplan, rights, filters, trunks and clock as shipped: nothing to mend but phones that are switched off."""
    if not isinstance(bench, RealBench):
        pytest.skip("the doctor examines what only a real Asterisk has: rights, filters, settings of endpoints")
    host, port, secret = bench.manager("gera")
    site = bench.network.sites["gera"]
    patient = Patient(
        site="gera", host=host, port=port, user="callrouter", secret=secret, tls=None, server_name="",
        dialplan=DIALPLAN_VERSION, carrier="carrier", numbers=NUMBERS["gera"], phones=site.phones,
        peers=("gotha", "magdeburg"), rung_from=("gotha", "magdeburg"), phone_control=("callrouter-phones", secret),
    )  # fmt: skip
    for peer in patient.peers:
        contact = await bench.ami["gera"].getvar(f"PJSIP_AOR({peer},contact)")
        async with asyncio.timeout(30.0):  # the first qualify after the start
            while await bench.ami["gera"].getvar(f"PJSIP_CONTACT({contact},status)") != "Reachable":
                await asyncio.sleep(0.05)
    findings = await asyncio.to_thread(examine, patient)
    assert [str(f) for f in findings if f.level is Level.ERROR] == []
    assert "gera: good: callrouter-phones may ask phones to answer" in [str(f) for f in findings]
    texts = [finding.what for finding in findings]
    assert "events of channels and of the dialplan arrive" in texts
    assert "events with control characters are held back" in texts
    assert "the trunk to magdeburg is up" in texts
    unfiltered = await asyncio.to_thread(examine, replace(patient, user="lab"))
    assert "events with control characters arrive: callers could forge events" in [one.what for one in unfiltered]
