"""A ringing phone is asked to answer by the second manager user: what Asterisk says to it, and what the phone does."""

from __future__ import annotations

import pytest

from callrouter.sim.people import IGNORES, Behaviour
from tests.asterisk.ami import RawAmi
from tests.contract.bench import Bench

TALK = "Event=talk"


async def phone_user(bench: Bench, site: str = "gera") -> RawAmi:
    host, port, secret = bench.manager(site)
    return await bench.stack.enter_async_context(RawAmi(host, port, "callrouter-phones", secret))


async def rung(bench: Bench, does: Behaviour) -> tuple[str, str, str]:
    """A caller whose offer rings the site's first phone: the phone's name, the leg's Uniqueid, the caller's."""
    name = await bench.phone("gera", 1, does)
    since = len(bench.ami["gera"].events)
    _, call, _ = await bench.held()
    await bench.router["gera"].offer(call, name)
    begun = await bench.ami["gera"].event("DialBegin", since)
    await bench.ami["gera"].event("DeviceStateChange", since, Device=f"PJSIP/{name}", State="RINGING")
    return name, begun["DestUniqueid"], call


async def test_a_phone_that_is_asked_answers(bench: Bench) -> None:
    """By the Uniqueid of its leg; the caller is answered after it, as always."""
    name, leg, _ = await rung(bench, IGNORES)
    since = len(bench.ami["gera"].events)
    answer = await (await phone_user(bench)).action("PJSIPNotify", Channel=leg, Variable=TALK)
    assert (answer["Response"], answer["Message"]) == ("Success", "NOTIFY sent")
    ended = await bench.ami["gera"].event("DialEnd", since, DestUniqueid=leg)
    assert ended["DialStatus"] == "ANSWER"
    (call,) = bench.phone_calls("gera", name)
    await call.until("talking")


async def test_a_phone_that_cannot_rings_on(bench: Bench) -> None:
    """Asterisk has sent it all the same: only the phone's answer tells."""
    name, leg, _ = await rung(bench, Behaviour(talks=False))
    answer = await (await phone_user(bench)).action("PJSIPNotify", Channel=leg, Variable=TALK)
    assert answer["Response"] == "Success"
    (call,) = bench.phone_calls("gera", name)
    assert call.state == "ringing"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Channel": "gera-1.1"}, "Channel not found"),
        ({}, "PJSIPNotify requires either an endpoint name, a SIP URI, or a channel."),
    ],
)
async def test_what_cannot_be_asked_is_refused(bench: Bench, fields: dict[str, str], message: str) -> None:
    """A leg that is gone, or none at all."""
    answer = await (await phone_user(bench)).action("PJSIPNotify", Variable=TALK, **fields)
    assert (answer["Response"], answer["Message"]) == ("Error", message)


async def test_that_user_can_do_nothing_else_of_a_call(bench: Bench) -> None:
    """No order, no call, no variable; and it hears nothing. The router's own user may not ask phones."""
    user = await phone_user(bench)
    _, leg, call = await rung(bench, IGNORES)
    for action, fields in (
        ("Setvar", {"Variable": "A", "Value": "b"}),
        ("Getvar", {"Variable": "CR_EPOCH"}),
        ("PlayDTMF", {"Channel": call, "Digit": "D", "Receive": "true"}),
        ("Originate", {"Channel": "PJSIP/2001", "Context": "callrouter-callback", "Exten": "ring", "Priority": "1"}),
        ("Command", {"Command": "core show version"}),
        ("UserEvent", {"UserEvent": "CrOffered"}),
    ):
        answer = await user.action(action, **fields)
        assert (action, answer["Response"], answer["Message"]) == (action, "Error", "Permission denied")
    assert user.events == []
    answer = await bench.ami["gera"].action("PJSIPNotify", Channel=leg, Variable=TALK)
    assert (answer["Response"], answer["Message"]) == ("Error", "Permission denied")
