"""Feature codes: what an agent dials is an event at the router and a word in his ear, and never an answered call."""

from __future__ import annotations

import pytest

from tests.asterisk.lab import Lab

pytestmark = pytest.mark.asterisk

M = "magdeburg"
CODES = {"*10": "login", "*11": "ready", "*12": "pause", "*13": "done", "*19": "logout"}


@pytest.mark.parametrize(("dialled", "code"), CODES.items())
async def test_a_code_is_heard_and_confirmed(lab: Lab, dialled: str, code: str) -> None:
    """CrAgent names the phone and the code; the confirmation is early media; the phone sees 603, never 200."""
    ami = lab.amis[M]
    async with await lab.hand_router(M):
        phone = await lab.phone(M, "1001")
        call = lab.dial_from_phone(phone, dialled)
        event = await ami.event("CrAgent")
        early = await call.hears(183)
        assert await call.refused() == 603
    assert (event["Phone"], event["Code"]) == ("1001", code)
    assert event["Channel"].startswith("PJSIP/1001-")
    assert "m=audio" in early.body
    assert call.heard(200) == []


async def test_without_a_router_the_code_says_that_it_did_not_work(lab: Lab) -> None:
    """No beat: the agent hears another announcement and gets 500, so that he does not believe he is logged in."""
    phone = await lab.phone(M, "1001")
    call = lab.dial_from_phone(phone, "*10")
    await call.hears(183)
    assert await call.refused(12.0) == 500


async def test_agents_ring_each_other_and_are_seen_to(lab: Lab) -> None:
    """A private call: Newchannel names the phone at once, and the other phone rings."""
    ami = lab.amis[M]
    phone, other = await lab.phone(M, "1001"), await lab.phone(M, "1002")
    call = lab.dial_from_phone(phone, "1002")
    await other.rings()
    assert (await ami.event("Newchannel"))["Channel"].startswith("PJSIP/1001-")
    other.tell("ANSWER")
    await call.hears(200)
    assert ami.find("CrOffered") == []
