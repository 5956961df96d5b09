"""Several phones at once, phones on their own, hang-ups by the manager, and links and sites that come and go."""

from __future__ import annotations

import asyncio

import pytest

from callrouter.sim.people import Behaviour
from tests.asterisk.ami import RawAmi
from tests.contract.bench import Bench, RealBench, VirtualBench, chan_variable

ANSWERS = Behaviour(answer_s=0.1)
IGNORES = Behaviour()


async def test_ring_all(bench: Bench) -> None:
    """Several phones ring at once; the first to answer has the call, the others are cancelled with cause 26."""
    ami = bench.ami["gera"]
    slow = await bench.phone("gera", 1, IGNORES)
    quick = await bench.phone("magdeburg", 1, Behaviour(answer_s=0.3))
    caller, call, since = await bench.held()
    await bench.router["gera"].offer(call, f"{slow}&{quick}@magdeburg")
    await caller.until("talking")
    begun = {e["DialString"]: e["DestUniqueid"] for e in ami.find("DialBegin", since)}
    assert list(begun) == [slow, f"{quick}@magdeburg"]
    await ami.event("Hangup", since, Uniqueid=begun[slow])
    ends = {e["DestUniqueid"]: e["DialStatus"] for e in ami.find("DialEnd", since)}
    assert ends == {begun[slow]: "CANCEL", begun[f"{quick}@magdeburg"]: "ANSWER"}
    assert ami.find("Hangup", since, Uniqueid=begun[slow])[0]["Cause"] == "26"
    assert (await ami.event("DialEnd", since, DialStatus="ANSWER"))["DestChannel"].startswith("PJSIP/magdeburg-")


@pytest.mark.slow
async def test_one_refuses_and_the_other_rings_on(bench: Bench) -> None:
    """With several phones one refusal ends only its own leg; busy and no answer together are NOANSWER."""
    ami = bench.ami["gera"]
    busy = await bench.phone("gera", 1, Behaviour(refuse=486))
    other = await bench.phone("gera", 2, IGNORES)
    _, call, since = await bench.held()
    await bench.router["gera"].offer(call, f"{busy}&{other}", 1, ring_s=1)
    tried = await ami.event("CrTried", since)
    assert tried["Status"] == "NOANSWER"
    assert tried["Ring"] != ""
    assert [e["DialStatus"] for e in ami.find("DialEnd", since)] == ["BUSY", "NOANSWER"]


async def test_all_refuse(bench: Bench) -> None:
    """Busy and declined together are BUSY, at once."""
    ami = bench.ami["gera"]
    busy = await bench.phone("gera", 1, Behaviour(refuse=486))
    declines = await bench.phone("gera", 2, Behaviour(refuse=603, refuse_s=0.2))
    _, call, since = await bench.held()
    await bench.router["gera"].offer(call, f"{busy}&{declines}", 1, ring_s=20)
    tried = await ami.event("CrTried", since, deadline_s=20)
    assert (tried["Status"], tried["Cause"]) == ("BUSY", "21")


async def test_manager_hangs_up_a_ringing_leg(bench: Bench) -> None:
    """The end of a ringing leg by manager ends the attempt, not the call."""
    ami = bench.ami["gera"]
    phone = await bench.phone("gera", 1, IGNORES)
    _, call, since = await bench.held()
    await bench.router["gera"].offer(call, phone)
    leg = (await ami.event("DialBegin", since))["DestUniqueid"]
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="RINGING")
    answer = await ami.action("Hangup", Channel=leg)
    assert (answer["Response"], answer["Message"]) == ("Success", "Channel Hungup")
    tried = await ami.event("CrTried", since)
    assert tried["Status"] == "CHANUNAVAIL"
    assert (await ami.event("DialEnd", since))["DialStatus"] == "NOANSWER"
    await ami.event("CrHold", ami.events.index(tried))


async def test_manager_hangs_up_a_caller(bench: Bench) -> None:
    """A channel can be named by its Uniqueid or its name; the cause becomes the SIP answer."""
    ami = bench.ami["gera"]
    caller, call, since = await bench.held()
    row = await bench.status("gera", call)
    assert row is not None
    assert await ami.getvar("CR_CALL", row["Channel"]) == call
    await ami.action("Hangup", Channel=row["Channel"], Cause="17")
    await caller.until("ended")
    assert caller.sip == 486
    assert (await ami.event("Hangup", since, Uniqueid=call))["Cause"] == "17"


@pytest.mark.parametrize(
    ("code", "word"), [("*10", "login"), ("*11", "ready"), ("*12", "pause"), ("*13", "done"), ("*19", "logout")]
)
async def test_feature_code(bench: Bench, code: str, word: str) -> None:
    """A phone's feature code is told as CrAgent from the phone's own channel, which is never up."""
    ami = bench.ami["gera"]
    phone = await bench.phone("gera", 1, ANSWERS)
    since = len(ami.events)
    bench.dial("gera", phone, code)
    acted = await ami.event("CrAgent", since)
    assert (acted["Phone"], acted["Code"]) == (phone, word)
    assert acted["Channel"].startswith(f"PJSIP/{phone}-")
    if word != "login":
        return
    gone = await ami.event("Hangup", since, Uniqueid=acted["Uniqueid"])
    assert gone["ChannelStateDesc"] == "Ring"
    assert chan_variable(gone, "CR_CALL") == ""
    assert len(ami.find("CrAgent", since)) == 1


async def test_private_call(bench: Bench) -> None:
    """A phone that dials another is busy from its Newchannel on, and its states say so until it hangs up."""
    ami = bench.ami["gera"]
    one, two = await bench.phone("gera", 1, ANSWERS), await bench.phone("gera", 2, Behaviour(answer_s=0.2))
    since = len(ami.events)
    call = bench.dial("gera", one, two)
    await call.until("talking")
    new = await ami.event("Newchannel", since)
    assert new["Channel"].startswith(f"PJSIP/{one}-")
    begin = await ami.event("DialBegin", since)
    assert chan_variable(begin, "CR_CALL") == ""
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{one}", State="INUSE")
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{two}", State="INUSE")
    assert await bench.status("gera", new["Uniqueid"]) is not None
    call.hang_up()
    for phone in (one, two):
        await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="NOT_INUSE")
    first = [e["State"] for e in ami.find("DeviceStateChange", since, Device=f"PJSIP/{two}")]
    assert first == ["RINGING", "INUSE", "NOT_INUSE"]


async def test_registration(bench: Bench) -> None:
    """A phone that registers becomes NOT_INUSE, one that leaves UNAVAILABLE."""
    ami = bench.ami["gera"]
    since = len(ami.events)
    phone = await bench.phone("gera", 3, ANSWERS)
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="NOT_INUSE")
    await ami.event("PeerStatus", since, Peer=f"PJSIP/{phone}", PeerStatus="Reachable")
    since = len(ami.events)
    await bench.unregister("gera", phone)
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="UNAVAILABLE")
    await ami.event("ContactStatus", since, EndpointName=phone, ContactStatus="Removed")


async def test_loss_of_the_link_harms_no_call(bench: Bench) -> None:
    """When the router's link breaks, calls go on; a new login reads back the same caller."""
    phone = await bench.phone("gera", 1, ANSWERS)
    waiting, call, _ = await bench.held()
    talking, other, _ = await bench.held()
    await bench.router["gera"].offer(other, phone)
    await talking.until("talking")
    old = bench.ami["gera"]
    await bench.router["gera"].stop_beat()
    await old.close()
    host, port, secret = bench.manager("gera")
    ami = await bench.stack.enter_async_context(RawAmi(host, port, "callrouter", secret))
    bench.ami["gera"] = bench.router["gera"].ami = ami
    bench.router["gera"].start_beat()
    held, talk = await bench.status("gera", call), await bench.status("gera", other)
    assert held is not None
    assert talk is not None
    assert (held["CR_STAGE"], talk["CR_STAGE"]) == ("hold", "agent")
    assert (waiting.state, talking.state) == ("ringing", "talking")
    await bench.router["gera"].order(call, "release_17")
    await waiting.until("ended")
    assert waiting.sip == 486


@pytest.mark.slow
async def test_site_is_killed_and_restarted(bench: Bench) -> None:
    """A killed site drops the link without a word; its peers notice, and after its restart it remembers nothing."""
    gera, gotha = bench.ami["gera"], bench.ami["gotha"]
    phone = await bench.phone("gotha", 1, IGNORES)
    _, call, _ = await bench.held()
    since = len(gera.events)
    await bench.router["gotha"].stop_beat()
    if isinstance(bench, VirtualBench):
        await bench.sites["gotha"].kill()
    else:
        assert isinstance(bench, RealBench)
        bench.network.sites["gotha"].kill()
    await gera.event("PeerStatus", since, Peer="PJSIP/gotha", PeerStatus="Unreachable")
    down = await gera.event("ContactStatus", since, EndpointName="gotha", ContactStatus="Unreachable")
    assert gotha.closed
    await bench.router["gera"].offer(call, f"{phone}@gotha", 1, ring_s=5)
    tried = await gera.event("CrTried", gera.events.index(down))
    assert (tried["Status"], tried["Cause"], tried["Ring"]) == ("CHANUNAVAIL", "3", "")
    contact = await gera.getvar("PJSIP_AOR(gotha,contact)")
    assert await gera.getvar(f"PJSIP_CONTACT({contact},status)") == "Unreachable"
    since = len(gera.events)
    if isinstance(bench, VirtualBench):
        await bench.sites["gotha"].start()
    else:
        bench.network.sites["gotha"].start()
        bench.network.sites["gotha"].wait_ready()
    await gera.event("ContactStatus", since, EndpointName="gotha", ContactStatus="Reachable")
    host, port, secret = bench.manager("gotha")
    again = await bench.stack.enter_async_context(RawAmi(host, port, "callrouter", secret))
    assert await again.getvar("CR_EPOCH") == ""
    assert await again.getvar("CR_SITE") == "gotha"
    assert await again.listing("Status") == []
    bench.ami["gotha"] = again


async def test_say(bench: Bench) -> None:
    """An announcement is early media; then the caller hears the SIP answer of its cause, never an answered call.
    While it plays, what is read back says how the call will end."""
    ami = bench.ami["gera"]
    caller, call, since = await bench.held()
    await bench.router["gera"].order(call, "say_test-beep&test-beep&test-beep_17")
    async with asyncio.timeout(5):
        while (row := await bench.status("gera", call)) is None or row["CR_STAGE"] != "prompt":
            await asyncio.sleep(0.01)
    assert row["CR_CAUSE"] == "17"
    gone = await ami.event("Hangup", since, Uniqueid=call)
    assert (gone["Cause"], gone["ChannelStateDesc"], gone["Context"]) == ("17", "Ring", "callrouter-do")
    await caller.until("ended")
    assert caller.sip == 486
    assert "early media" in caller.heard
    assert "answered" not in caller.heard


@pytest.mark.slow
async def test_menu_without_a_digit(bench: Bench) -> None:
    """A caller who presses nothing is told as CrMenu TIMEOUT with no digit, and is held again, unanswered."""
    ami = bench.ami["gera"]
    caller, call, since = await bench.held()
    await bench.router["gera"].order(call, "ask_test-beep_1_2_7")
    menu = await ami.event("CrMenu", since, deadline_s=30)
    assert (menu["Call"], menu["Step"], menu["Digit"], menu["Status"]) == (call, "7", "", "TIMEOUT")
    await ami.event("CrHold", ami.events.index(menu))
    assert "early media" in caller.heard
    assert "answered" not in caller.heard
