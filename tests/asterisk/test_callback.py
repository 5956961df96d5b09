"""Callbacks on the real Asterisk: asked for before the answer and unbilled."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from callrouter.core.callbacks import Callback, CallbackKind
from callrouter.core.commands import Ask, CallbackChanged, CallFinished, Outcome, Unserved
from callrouter.core.events import DigitsRead
from tests.asterisk.lab import Lab
from tests.asterisk.routing import Routing, Rules, routing
from tests.waiting import until

pytestmark = pytest.mark.asterisk

G = "gera"
HIS = "+491711234567"
OFFERED = ", languages: [de], nobody: callback, callback: {wait_s: 2}"
BUSY = Rules(hotline=OFFERED, ring_max_s=0)


async def asked(router: Routing, times: int) -> None:
    """Until the router has asked so many questions, and the last of them is being played."""
    await until(lambda: len(router.all(Ask)) >= times, router.text)
    ask, ami = router.all(Ask)[times - 1], router.lab.amis[G]
    async with asyncio.timeout(15):
        while await ami.getvar("CR_STEP", ask.call.replace("/", "-")) != str(ask.step):
            await asyncio.sleep(0.02)  # polled: no event tells


def promised(router: Routing) -> list[Callback]:
    return [x.callback for x in router.all(CallbackChanged) if x.callback.kind is CallbackKind.CAPTURED]


@pytest.mark.parametrize("by", ["RTP", "INFO"])
async def test_all_busy_the_digit_is_captured_and_nothing_is_answered(lab: Lab, tmp_path: Path, by: str) -> None:
    """Early media, 1 by RFC 4733 or SIP INFO, the promise, then 486; there is no 200 in any of it."""
    phone = await lab.phone(G, "2001")
    async with routing(lab, tmp_path / "c", BUSY) as router:
        caller = lab.call(G, number=HIS, press="1")
        assert "m=audio" in (await caller.hears(183)).body
        await caller.press(by)
        assert await caller.ends() == 486
        record = await router.finished(caller)
        assert (record.outcome, record.cause) == (Outcome.BUSIED, 17)
        (one,) = promised(router)
        assert (one.number, one.hotline, one.site, one.call) == (HIS, "agency-gera", G, record.call)
        assert caller.heard(200) == []
        assert phone.legs() == []


@pytest.mark.parametrize("by", ["RTP", "INFO"])
async def test_a_withheld_caller_keys_his_number_in(lab: Lab, tmp_path: Path, by: str) -> None:
    """He is asked for it, ends it with the hash key, and hears 486 after the confirmation; unanswered."""
    async with routing(lab, tmp_path / "c", BUSY) as router:
        caller = lab.call(G, from_="<sip:anonymous@anonymous.invalid>", press=("1", "01711234567#"))
        await caller.hears(183)
        await caller.press(by)
        await asked(router, 2)
        await caller.press(by, 1)
        assert await caller.ends() == 486
        await until(lambda: promised(router), lambda: lab.errors() + router.text())
        assert [one.number for one in promised(router)] == [HIS]
        assert caller.heard(200) == []


@pytest.mark.parametrize("digits", ["09001234567#", "110#", "4066969010#", "00000000000000000000", "***#"])
async def test_hostile_digits_promise_nothing(lab: Lab, tmp_path: Path, digits: str) -> None:
    """A premium number, an emergency call, our own hotline, too many and no digits: asked once more, then busy."""
    async with routing(lab, tmp_path / "c", BUSY) as router:
        caller = lab.call(G, from_="<sip:anonymous@anonymous.invalid>", press=("1", digits, digits))
        await caller.hears(183)
        await caller.press("RTP")
        for k in (1, 2):
            await asked(router, k + 1)
            await caller.press("RTP", k)
        assert await caller.ends() == 486
        await until(lambda: router.all(CallFinished), router.text)
        assert [x.reach for x in router.all(DigitsRead)] == ["", "", ""]
        assert promised(router) == []
        assert caller.heard(200) == []


async def test_nobody_logged_in_is_told_at_once(lab: Lab, tmp_path: Path) -> None:
    """The last agent leaves: a caller who would ring 60 s for nobody hears busy as soon as that is sure."""
    await lab.phone(G, "2001")
    async with routing(lab, tmp_path / "c", Rules(hotline=", nobody: busy", ring_max_s=60)) as router:
        await router.ready("gera/2001")
        router.log_out("gera/2001")
        caller = lab.call(G)
        assert await caller.ends(deadline_s=40.0) == 486
        record = await router.finished(caller)
        assert record.unserved is Unserved.NOBODY_THERE
        assert record.wait_s < 50
        later = lab.call(G)
        assert await later.ends() == 486
        assert (await router.finished(later)).wait_s < 5
