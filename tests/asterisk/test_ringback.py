"""Callers are rung back on the real Asterisk: the agent's phone first, then the caller's, as seen in SIP."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from callrouter.clock import Clock
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus, TryResult
from callrouter.core.commands import CallbackChanged, Ignored, OutboundFinished, Reread
from callrouter.core.events import CallbackKnown, CallbackTaken, OutboundAsked, OutboundMissed, SiteRead
from tests.asterisk.lab import FIRST_NUMBER, Lab
from tests.asterisk.parties import Phone
from tests.asterisk.routing import Routing, Rules, bye, routing, talk
from tests.asterisk.sip import Packet
from tests.waiting import until

pytestmark = pytest.mark.asterisk

G = "gera"
HIS, DIALLED = "+491711234567", "01711234567"
PAUSE_S = 600


def rules(reserve: int = 0, ring_max_s: float = 0, ring_s: int = 20) -> Rules:
    """Callers ask at once, and are rung on any day, each at most twice."""
    hotline = f""", languages: [de], nobody: callback, hours: {{Mon-Sun: '08:00-20:00', holidays: open}},
    callback: {{wait_s: 2, reserve: {reserve}, tries_max: 2, pause_s: {PAUSE_S}, dial_s: 10}}"""
    return Rules(hotline=hotline, ring_max_s=ring_max_s, ring_s=ring_s, agreement=", enabled: false")


class Noon(Clock):
    """It is noon (UTC) when the test begins, whatever the clock on the wall says; it can be set ahead."""

    def __init__(self) -> None:
        self.ahead_s = 43_200.0 - time.time() % 86_400.0
        super().__init__(wall=lambda: time.time() + self.ahead_s)


async def promise(lab: Lab, router: Routing, number: str = HIS) -> Callback:
    """He rings, nobody is free, he presses 1 and is promised a call; never answered."""
    caller = lab.call(G, number=number, press="1")
    await caller.hears(183)
    await caller.press("RTP")
    assert await caller.ends() == 486
    await until(lambda: promised(router, number), lambda: lab.errors() + router.text())
    return promised(router, number)[0]


def promised(router: Routing, number: str = HIS) -> list[Callback]:
    """All that was said of his callback."""
    return [one.callback for one in router.all(CallbackChanged) if one.callback.number == number]


async def is_(router: Routing, status: CallbackStatus, tries: int = 0) -> Callback:
    """Until his callback is that."""

    def so() -> bool:
        last = promised(router)[-1]
        return (last.status, last.tries) == (status, tries)

    await until(so, router.text)
    return promised(router)[-1]


async def over(router: Routing, number: int = 1) -> OutboundFinished:
    """The record of the nth outbound call."""
    await until(lambda: len(router.all(OutboundFinished)) >= number, router.text)
    return router.all(OutboundFinished)[number - 1]


async def both_talk(agent: Phone, his: Phone, times: int = 1) -> tuple[Packet, Packet]:
    """The agent answers, then the caller. The INVITE that reached the caller and the agent's answer before it."""
    before = len(his.legs())
    await agent.rings(times)
    assert len(his.legs()) == before
    answer = await agent.answers(times)
    leg = await his.rings(before + 1)
    await his.answers(before + 1)
    await his.talks()
    return answer, leg


async def test_a_digit_before_the_answer_and_agents_ring_back(lab: Lab, tmp_path: Path) -> None:
    """Asked for unanswered; the agent's phone is rung with the caller's number, and only his answer rings the caller,
    who sees the hotline's number; they talk, and the promise is kept."""
    agent, his = await lab.phone(G, "2001"), await lab.outside(G, DIALLED)
    async with routing(lab, tmp_path / "c", rules(), Noon()) as router:
        asked = await promise(lab, router)
        assert (asked.kind, asked.status, asked.result) == (CallbackKind.CAPTURED, CallbackStatus.OPEN, None)
        await router.ready_later("gera/2001")
        answer, leg = await both_talk(agent, his)
        assert agent.legs()[0].from_user == HIS
        assert answer.at < leg.at
        assert leg.from_user == FIRST_NUMBER[G]
        await router.agent_is("gera/2001", "talking")
        his.tell("HANGUP")
        record = await over(router)
        assert (record.result, record.agent, record.callback) == (TryResult.REACHED, "gera/2001", asked.id)
        done = await is_(router, CallbackStatus.DONE)
        assert (done.result, done.done_by) == (CallbackResult.REACHED, "gera/2001")
        await router.agent_is("gera/2001", "ready")
    assert lab.check().answered == 0


async def test_a_carrier_may_want_numbers_with_a_plus(lab: Lab, tmp_path: Path) -> None:
    """A trunk that says `dials: e164` is given the whole number."""
    agent, his = await lab.phone(G, "2001"), await lab.outside(G, HIS)
    await lab.amis[G].command("dialplan set global CR_DIALS e164")
    try:
        async with routing(lab, tmp_path / "c", rules(), Noon()) as router:
            await promise(lab, router)
            await router.ready_later("gera/2001")
            await both_talk(agent, his)
            his.tell("HANGUP")
            assert (await over(router)).result is TryResult.REACHED
    finally:
        await lab.amis[G].command("dialplan set global CR_DIALS national")


async def test_busy_then_no_answer_is_tried_as_often_as_the_rules_say(lab: Lab, tmp_path: Path) -> None:
    """His phone is engaged; after the pause it rings in vain; then nobody tries any more. A pause is a pause."""
    agent, his, clock = await lab.phone(G, "2001"), await lab.outside(G, DIALLED), Noon()
    async with routing(lab, tmp_path / "c", rules(), clock) as router:
        await promise(lab, router)
        await router.ready_later("gera/2001")
        await agent.answers()
        await his.rings()
        his.tell("BUSY")
        assert (await over(router)).result is TryResult.BUSY
        tried = await is_(router, CallbackStatus.NOT_REACHED, tries=1)
        assert tried.not_before is not None
        assert tried.last_try_at is not None
        assert tried.not_before - tried.last_try_at == PAUSE_S
        await router.agent_is("gera/2001", "ready")
        assert len(agent.legs()) == 1
        clock.ahead_s += PAUSE_S
        router.service.engine.submit(OutboundMissed("gera/cb0.1", TryResult.BUSY))  # anything: the clock is read
        await agent.answers(2)
        await his.rings(2)
        await his.free()
        assert (await over(router, 2)).result is TryResult.NOT_REACHED
        done = await is_(router, CallbackStatus.DONE, tries=2)
        assert done.result is CallbackResult.GIVEN_UP
        await router.agent_is("gera/2001", "ready")


async def test_an_agent_who_declines_or_does_not_answer_costs_no_try(lab: Lab, tmp_path: Path) -> None:
    """One says no, the next lets it ring: the caller's phone is silent until the third answers."""
    phones = [await lab.phone(G, f"200{k}") for k in (1, 2, 3)]
    his = await lab.outside(G, DIALLED)
    async with routing(lab, tmp_path / "c", rules(ring_s=5), Noon()) as router:
        await promise(lab, router)
        for k, phone in enumerate(phones, 1):
            await router.ready_later(f"gera/200{k}")
            await phone.rings()
            assert his.legs() == []
            if k == 1:
                phone.tell("DECLINE")
            if k < 3:
                await phone.free()
        assert [x.result for x in router.all(OutboundFinished)] == [TryResult.AGENT_MISSED] * 2
        silent = router.agent("gera/2002")
        assert (silent.state, silent.reason) == ("paused", "no_answer")
        await both_talk(phones[2], his)
        his.tell("HANGUP")
        done = await is_(router, CallbackStatus.DONE)
        assert (done.result, done.tries, done.rings) == (CallbackResult.REACHED, 0, 3)


@pytest.mark.parametrize("ring_max_s", [0, 60])
async def test_a_caller_who_comes_goes_first(lab: Lab, tmp_path: Path, ring_max_s: int) -> None:
    """The only agent's phone rings for a callback: it stops, rings for the caller who came, and afterwards again for
    the callback. So it is too where callers do not wait."""
    agent, his = await lab.phone(G, "2001"), await lab.outside(G, DIALLED)
    async with routing(lab, tmp_path / "c", rules(ring_max_s=ring_max_s), Noon()) as router:
        now = router.service.engine.now()
        kept = Callback("gera/1.1", CallbackKind.CAPTURED, "agency-gera", "", G, HIS, now, now + 3600.0)
        await router.service.engine.ask(CallbackKnown(kept))
        await router.ready_later("gera/2001")
        await agent.rings()
        caller = lab.call(G)
        await talk(caller, agent, times=2)
        assert (await over(router)).result is TryResult.CANCELLED
        assert his.legs() == []
        await bye(router, caller)
        await both_talk(agent, his, times=3)
        agent.tell("HANGUP")
        assert (await is_(router, CallbackStatus.DONE)).result is CallbackResult.REACHED
    assert lab.check().answered == 1


async def test_a_reserve_is_kept_for_those_who_call(lab: Lab, tmp_path: Path) -> None:
    """With a reserve of one the only free agent is not rung; as soon as a second is ready one of them is."""
    phones, his = [await lab.phone(G, "2001"), await lab.phone(G, "2002")], await lab.outside(G, DIALLED)
    async with routing(lab, tmp_path / "c", rules(reserve=1), Noon()) as router:
        await promise(lab, router)
        await router.ready("gera/2001")
        assert router.all(OutboundFinished) == []
        await router.ready_later("gera/2002")
        await both_talk(phones[0], his)
        assert phones[1].legs() == []


async def test_who_rings_again_and_is_answered_is_rung_no_more(lab: Lab, tmp_path: Path) -> None:
    """He rings while the agent's phone rings for him: it stops, they talk in his own call, the promise is done."""
    agent, his = await lab.phone(G, "2001"), await lab.outside(G, DIALLED)
    async with routing(lab, tmp_path / "c", rules(), Noon()) as router:
        await promise(lab, router)
        await router.ready_later("gera/2001")
        await agent.rings()
        again = lab.call(G, number=HIS)
        await talk(again, agent, times=2)
        done = await is_(router, CallbackStatus.DONE)
        assert (done.result, done.done_by) == (CallbackResult.SUPERSEDED, "gera/2001")
        again.hang_up()
        await again.over()
        await router.agent_is("gera/2001", "ready")
        assert his.legs() == []


async def test_a_second_request_adds_none_and_who_gave_up_is_taken_by_hand(lab: Lab, tmp_path: Path) -> None:
    """He asks twice: one promise. Another gives up without asking: listed, and rung when an agent takes him."""
    async with routing(lab, tmp_path / "c", rules(reserve=3), Noon()) as router:
        first = await promise(lab, router)
        await promise(lab, router)
        assert {one.id for one in promised(router)} == {first.id}
        silent = "+491719876543"
        caller = lab.call(G, number=silent)
        assert await caller.ends() == 486
        await until(lambda: promised(router, silent), router.text)
        (listed,) = promised(router, silent)
        assert listed.kind is CallbackKind.UNREACHED
        agent, other = await lab.phone(G, "2001"), await lab.outside(G, "01719876543")
        await router.ready("gera/2001")
        await router.service.engine.ask(CallbackTaken(listed.id, "gera/2001", "test"))
        await both_talk(agent, other)
        other.tell("HANGUP")
        await until(lambda: promised(router, silent)[-1].result is CallbackResult.REACHED, router.text)


async def test_a_department_rings_from_a_phone_that_is_no_agents(lab: Lab, tmp_path: Path) -> None:
    """Its phone first, with the caller's number; then the caller, who sees the hotline's. A read-back in the middle
    changes nothing, a second callback from the same phone is refused, and no agent is moved by it."""
    desk, his = await lab.phone(G, "2150"), await lab.outside(G, DIALLED)
    async with routing(lab, tmp_path / "c", rules(), Noon()) as router:
        now, ask = router.service.engine.now(), router.service.engine.ask
        owed = Callback("gera/d1", CallbackKind.DEPARTMENT, "agency-gera", "", G, HIS, now, now + 3600.0)
        before = router.service.engine.counts().agents
        await ask(OutboundAsked("", owed, "kim", "2150"))
        answer, leg = await both_talk(desk, his)
        assert desk.legs()[0].from_user == HIS
        assert answer.at < leg.at
        assert leg.from_user == FIRST_NUMBER[G]
        read = len(router.all(SiteRead))
        router.service.switchboard.links[G].execute(Reread(G, "test"))
        await until(lambda: len(router.all(SiteRead)) > read, router.text)
        told = await ask(OutboundAsked("", replace(owed, id="gera/d2"), "kim", "2150"))
        assert [one.because for one in told if isinstance(one, Ignored)] == ["the phone is in use"]
        assert router.service.engine.counts().agents == before
        his.tell("HANGUP")
        record = await over(router)
        assert (record.result, record.agent, record.team) == (TryResult.REACHED, "gera/2150", "")
        assert record.callback == owed.id
    assert lab.check().answered == 0
