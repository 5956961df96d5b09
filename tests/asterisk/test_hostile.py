"""Strangers, callers and phones that try to pass for the dialplan: no event of theirs may reach the router.

The attack: `%0D%0A` in a URI's user part is decoded by PJSIP and written unescaped into every AMI event of the channel.
Five things cure it (manager.conf, pjsip.conf, the dialplan twice, the client); each of the first four has a test here,
the client's is with the link.
"""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.asterisk.ami import RawAmi
from tests.asterisk.lab import FIRST_NUMBER, Lab
from tests.asterisk.network import AMI_PORT, SECRET

pytestmark = pytest.mark.asterisk

M = "magdeburg"
FORGED = quote("\r\n\r\nEvent: UserEvent\r\nUserEvent: CrAgent\r\nPhone: 1001\r\nCode: logout\r\n\r\n", safe="")


def forged(ami: RawAmi) -> list[dict[str, str]]:
    """Events that Asterisk never sent: without the standard headers, or naming what only the attack named."""
    return [
        event
        for event in ami.events
        if event.get("Code") == "logout" or ("UserEvent" in event and "Uniqueid" not in event)
    ]


@pytest.mark.parametrize(
    "who",
    [
        f"<sip:030{FORGED}@carrier.example>",
        f'"x{FORGED}" <sip:{FORGED}@carrier.example>',
        f"<sip:030;x={FORGED}@carrier.example>",
        "<tel:+493023125999>",
        "<sip:1001@127.0.0.1>",
        "<sip:anonymous@anonymous.invalid>",
        f"<sip:{'9' * 400}@carrier.example>",
    ],
    ids=["number", "name", "parameter", "tel", "agent", "anonymous", "long"],
)
async def test_a_hostile_caller_is_a_plain_caller(lab: Lab, who: str) -> None:
    """Whatever From says: the call is held, its number is digits or nothing, and no event is forged."""
    ami = lab.amis[M]
    caller = lab.call(M, from_=who, headers=(f"P-Asserted-Identity: <sip:{FORGED}@x>", f"Remote-Party-ID: {who}"))
    offered = await ami.event("CrOffered")
    assert offered["Cli"].lstrip("+").isdigit() or offered["Cli"] == ""
    assert len(offered["Cli"]) <= 20
    assert offered["Did"] == FIRST_NUMBER[M]
    await ami.event("CrHold", Call=offered["Call"])
    caller.hang_up()
    await ami.event("Hangup", Uniqueid=offered["Call"])
    assert await ami.action("Ping")
    assert forged(ami) == []


@pytest.mark.parametrize("tail", [FORGED, "0", "%0D%0AX;x=1", ""], ids=["forged", "longer", "break", "shorter"])
async def test_a_number_that_is_not_ours_makes_no_channel(lab: Lab, tail: str) -> None:
    """A request URI that is not exactly one of the site's numbers gets 404 (484: too short) before any event."""
    ami = lab.amis[M]
    number = FIRST_NUMBER[M] + tail if tail else FIRST_NUMBER[M][:-1]
    caller = lab.call(M, uri=f"sip:{number}@{lab.network.sites[M].host}:5060")
    assert await caller.ends() in (404, 484)
    await ami.action("Ping")
    assert ami.find("Newchannel") == []
    assert forged(ami) == []


@pytest.mark.parametrize("code", ["*11", "1001", "0301234567"])
async def test_a_hostile_phone_forges_nothing(lab: Lab, code: str) -> None:
    """A registered phone that dials a code with an event in it gets 404; no channel, no event."""
    ami = lab.amis[M]
    phone = await lab.phone(M, "1001")
    host = lab.network.sites[M].host
    dialled = lab.dial_from_phone(phone, code, uri=f"sip:{code}{FORGED}@{host}:5060")
    assert await dialled.refused() == 404
    await ami.action("Ping")
    assert ami.find("Newchannel") == []
    assert forged(ami) == []


async def test_a_phone_cannot_act_for_another(lab: Lab) -> None:
    """Agent 1002's credentials with From naming 1001: refused, no feature code is heard."""
    ami = lab.amis[M]
    phone = await lab.phone(M, "1002")
    dialled = lab.dial_from_phone(phone, "*19", from_user="1001")
    await dialled.hears(401)
    await lab.wire.until(lambda: len(dialled.heard(401)) >= 2 or dialled.heard(403), what="a second refusal")
    assert ami.find("CrAgent") == []


@pytest.mark.parametrize("name", ["carrier", "gera", "1001"])
async def test_a_stranger_cannot_name_himself_into_the_house(lab: Lab, name: str) -> None:
    """From an unknown address, From: carrier or another site's name is nobody: no channel, not even with a number."""
    ami = lab.amis[M]
    target = "1001" if name == "gera" else FIRST_NUMBER[M]
    stranger = lab.call(M, dials=target, from_=f"<sip:{name}@127.0.0.1>", source=lab.network.strangers)
    await lab.wire.until(lambda: stranger.heard(401) or stranger.heard(403) or stranger.heard(404), what="a refusal")
    await ami.action("Ping")
    assert ami.find("Newchannel") == []


async def test_the_callers_header_cannot_name_a_call(lab: Lab) -> None:
    """X-Callrouter-Call from the carrier is ignored: the call's id is its own Uniqueid."""
    caller = lab.call(M, headers=("X-Callrouter-Call: magdeburg-1.1",))
    offered = await lab.amis[M].event("CrOffered")
    assert offered["Call"] == offered["Uniqueid"] != "magdeburg-1.1"
    assert caller.final == 0


async def test_the_event_filter_drops_what_slips_through(lab: Lab) -> None:
    """With an extension of the old open kind, made for this test, the attack works, and the filter stops it.

    The bench's unfiltered user sees the forged event; the router's own, as shipped, sees neither it nor its carrier.
    """
    ami = lab.amis[M]
    site = lab.network.sites[M]
    rule = "_X.,1,UserEvent,CrOpen"
    assert "added" in (await ami.command(f"dialplan add extension {rule} into from-carrier")).lower()
    try:
        async with RawAmi(site.host, AMI_PORT, "callrouter", SECRET) as router:
            uri = f"sip:5551{FORGED}@{site.host}:5060"
            caller = lab.call(M, uri=uri)
            await caller.ends()
            await ami.event("Hangup")
            await router.action("Ping")
            assert forged(ami), "the attack that the filter is for does not work any more"
            assert forged(router) == []
            assert router.find("CrOpen") == []
    finally:
        await ami.command("dialplan remove extension _X.@from-carrier")
