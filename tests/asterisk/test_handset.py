"""F2 on a real Asterisk: the phone is asked inside its dialog and answers; the caller is answered after it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from callrouter.core.callbacks import Callback, CallbackKind
from callrouter.core.events import CallbackKnown
from callrouter.office import phones
from callrouter.office.phones import Lifted
from tests.asterisk.lab import Lab
from tests.asterisk.parties import Phone
from tests.asterisk.routing import Rules, bye, routing
from tests.asterisk.sip import Packet
from tests.asterisk.test_ringback import DIALLED, HIS, Noon, rules

pytestmark = pytest.mark.asterisk


def notified(lab: Lab, phone: Phone) -> list[Packet]:
    """The requests to talk that this phone got."""
    return [
        p
        for p in tuple(lab.wire.packets)
        if p.method == "NOTIFY" and p.dst == (phone.host, phone.port) and p.headers.get("event") == "talk"
    ]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that does other things, too, may take its time."""
    monkeypatch.setattr(phones, "PATIENCE_S", 20.0)


@pytest.mark.usefixtures("patient")
async def test_f2_answers_here_and_at_a_lender(lab: Lab, tmp_path: Path) -> None:
    """One NOTIFY in the dialog of the phone's INVITE; then its 200, then the caller's. So too for a borrowed call."""
    async with routing(lab, tmp_path / "c", Rules()) as router:
        lift = router.service.office.handset.lift
        for agent in ("gera/2001", "magdeburg/1001"):
            site, name = agent.split("/")
            phone = await lab.phone(site, name, talks=True)
            await router.ready(agent)
            assert await lift(agent) is Lifted.IDLE
            caller = lab.call("gera")
            leg = await phone.rings()
            assert caller.final == 0
            await router.agent_is(agent, "offered")
            assert await lift(agent) is Lifted.DONE
            (asked,) = notified(lab, phone)
            assert asked.call_id == leg.call_id
            assert re.search("tag=", asked.headers["to"])
            heard = await caller.hears(200)
            answer = await lab.wire.packet(
                lambda p, call=leg.call_id, port=phone.port: (
                    p.call_id == call and p.src[1] == port and p.is_invite_answer
                )
            )
            assert asked.at < answer.at < heard.at
            await router.agent_is(agent, "talking")
            if site == "gera":
                first = caller
        await bye(router, caller)
        await bye(router, first)
    assert lab.check().answered == 2


async def test_a_phone_that_knows_no_remote_control_rings_on(lab: Lab, tmp_path: Path) -> None:
    """It is asked, does nothing, and the agent is told to lift it; a phone beside it is left alone."""
    async with routing(lab, tmp_path / "c", Rules()) as router:
        deaf, other = await lab.phone("gera", "2001"), await lab.phone("gera", "2002", talks=True)
        await router.ready("gera/2001")
        caller = lab.call("gera")
        await deaf.rings()
        await router.agent_is("gera/2001", "offered")
        assert await router.service.office.handset.lift("gera/2001") is Lifted.DEAF
        assert await router.service.office.handset.lift("gera/2002") is Lifted.IDLE
        assert len(notified(lab, deaf)) == 1
        assert notified(lab, other) == []
        deaf.tell("ANSWER")
        await caller.hears(200)
        await bye(router, caller)


@pytest.mark.usefixtures("patient")
async def test_a_callback_is_taken_by_f2(lab: Lab, tmp_path: Path) -> None:
    """The agent's own phone, which rings first, answers; only then is the caller rung."""
    agent, his = await lab.phone("gera", "2001", talks=True), await lab.outside("gera", DIALLED)
    async with routing(lab, tmp_path / "c", rules(), Noon()) as router:
        now = router.service.engine.now()
        kept = Callback("gera/1.1", CallbackKind.CAPTURED, "agency-gera", "", "gera", HIS, now, now + 3600.0)
        await router.service.engine.ask(CallbackKnown(kept))
        await router.ready_later("gera/2001")
        leg = await agent.rings()
        assert his.legs() == []
        assert await router.service.office.handset.lift("gera/2001") is Lifted.DONE
        assert [p.call_id for p in notified(lab, agent)] == [leg.call_id]
        await his.rings()
