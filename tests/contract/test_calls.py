"""One call by the contract: arrival, hold, offers and their outcomes, cancel, release, fence, failsafe, read-back."""

from __future__ import annotations

import asyncio

import pytest

from callrouter.sim.people import Behaviour
from tests.asterisk.ami import Message, RawAmi
from tests.contract.bench import Bench, chan_variable

ANSWERS = Behaviour(answer_s=0.1)
IGNORES = Behaviour()
SILENT = Behaviour(rings=False)
_CHANNEL_HEADERS = (
    "Channel",
    "ChannelStateDesc",
    "CallerIDNum",
    "Context",
    "Exten",
    "Priority",
    "Uniqueid",
    "Linkedid",
)


def story(ami: RawAmi, since: int, unique_id: str) -> list[str]:
    """What the site told of this channel, in order: user events by name, `DialEnd ANSWER`, `Hangup 16 Up`."""
    return [words(event) for event in ami.events[since:] if event.get("Uniqueid") == unique_id]


def words(event: Message) -> str:
    match event["Event"]:
        case "UserEvent":
            return event["UserEvent"]
        case "DialEnd":
            return f"DialEnd {event['DialStatus']}"
        case "Hangup":
            return f"Hangup {event['Cause']} {event['ChannelStateDesc']}"
        case name:
            return name


async def test_arrival(bench: Bench) -> None:
    """A caller rings, unanswered; the site tells Newchannel, CrOffered and CrHold with what the router reads."""
    ami = bench.ami["gera"]
    since = len(ami.events)
    caller = await bench.call("gera", "01711234567")
    hold = await ami.event("CrHold", since)
    offered = await ami.event("CrOffered", since)
    new = await ami.event("Newchannel", since, Uniqueid=offered["Uniqueid"])
    call = offered["Uniqueid"]
    assert story(ami, since, call) == ["Newchannel", "CrOffered", "CrHold"]
    assert call.startswith("gera-")
    assert (offered["Call"], offered["Did"], offered["Cli"]) == (call, "4066969010", "01711234567")
    assert (hold["Call"], hold["State"]) == (call, "Ring")
    assert hold["Epoch"] == str(bench.router["gera"].epoch)
    assert (hold["Context"], hold["Exten"]) == ("callrouter-hold", "s")
    assert chan_variable(new, "CR_CALL") == ""
    assert chan_variable(offered, "CR_CALL") == call
    for event in (new, offered, hold):
        assert all(header in event for header in _CHANNEL_HEADERS)
        assert event["SystemName"] == "gera"
        assert event["Channel"].startswith("PJSIP/carrier-")
        assert event["Linkedid"] == call
        assert event["ChannelStateDesc"] == "Ring"
    await caller.until("ringing")
    assert set(caller.heard) == {"ringing"}


async def test_hidden_number(bench: Bench) -> None:
    """A caller without a number has an empty Cli."""
    ami = bench.ami["gera"]
    since = len(ami.events)
    await bench.call("gera", "anonymous")
    assert (await ami.event("CrOffered", since))["Cli"] == ""


async def test_unknown_number(bench: Bench) -> None:
    """A number that the site does not have gets 404 and makes no channel."""
    ami = bench.ami["gera"]
    since = len(ami.events)
    caller = await bench.call("gera", "01711234567", "4066969099")
    await caller.until("ended")
    assert caller.sip == 404
    assert (await ami.action("Ping"))["Response"] == "Success"
    assert ami.find("Newchannel", since) == []


async def test_answered_and_agent_hangs_up(bench: Bench) -> None:
    """Offer, ring, answer, talk, the agent hangs up: the whole story with all headers that the translation reads."""
    ami, router = bench.ami["gera"], bench.router["gera"]
    phone = await bench.phone("gera", 1, ANSWERS)
    caller, call, since = await bench.held()
    await router.offer(call, phone, 3)
    begin = await ami.event("DialBegin", since)
    await caller.until("talking")
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="INUSE")
    row = await bench.status("gera", call)
    leg = begin["DestUniqueid"]
    (talk,) = bench.phone_calls("gera", phone)
    talk.hang_up()
    await caller.until("ended")
    await ami.event("Hangup", since, Uniqueid=call)
    await ami.event("Hangup", since, Uniqueid=leg)
    await ami.event("DeviceStateChange", since + 8, Device=f"PJSIP/{phone}", State="NOT_INUSE")

    assert story(ami, since, call)[:5] == ["Newchannel", "CrOffered", "CrHold", "DialBegin", "DialEnd ANSWER"]
    assert story(ami, since, call)[5:] == ["Hangup 16 Up"]
    assert story(ami, since, leg) == ["Newchannel", "Hangup 16 Up"]
    assert caller.heard[-2:] == ["answered", "ended 16"]
    end = await ami.event("DialEnd", since)
    for event in (begin, end):
        assert event["Uniqueid"] == call
        assert (event["DestUniqueid"], event["DestLinkedid"], event["Linkedid"]) == (leg, call, call)
        assert event["DestChannel"].startswith(f"PJSIP/{phone}-")
        assert (chan_variable(event, "CR_CALL"), chan_variable(event, "CR_TRY")) == (call, "3")
        assert chan_variable(event, "CR_CALL", "DestChanVariable") == call
        assert (event["Context"], event["Exten"]) == ("callrouter-do", "agent")
    assert begin["DialString"] == phone
    assert "DialString" not in end
    new = await ami.event("Newchannel", since, Uniqueid=leg)
    assert new["Channel"] == begin["DestChannel"]
    assert new["Linkedid"] == call
    gone = await ami.event("Hangup", since, Uniqueid=leg)
    assert chan_variable(gone, "CR_CALL") == call
    states = [e["State"] for e in ami.find("DeviceStateChange", since, Device=f"PJSIP/{phone}")]
    assert states == ["RINGING", "INUSE", "NOT_INUSE"]
    assert row is not None
    assert (row["CR_STAGE"], row["CR_TO"], row["CR_TRY"], row["ChannelStateDesc"]) == ("agent", phone, "3", "Up")
    assert row["BridgeID"] != ""


async def test_caller_hangs_up_while_talking(bench: Bench) -> None:
    """The caller's hang-up ends both legs with cause 16, both having been up."""
    ami, router = bench.ami["gera"], bench.router["gera"]
    phone = await bench.phone("gera", 1, ANSWERS)
    caller, call, since = await bench.held()
    await router.offer(call, phone)
    await caller.until("talking")
    caller.hang_up()
    leg = (await ami.event("DialBegin", since))["DestUniqueid"]
    for unique_id in (call, leg):
        gone = await ami.event("Hangup", since, Uniqueid=unique_id)
        assert (gone["Cause"], gone["Cause-txt"], gone["ChannelStateDesc"]) == ("16", "Normal Clearing", "Up")


# behaviour, DialEnd, CrTried's Status and Cause, whether it rang, RINGING seen
OUTCOMES = {
    "busy": (Behaviour(refuse=486), "BUSY", "BUSY", "17", False),
    "declines": (Behaviour(refuse=603), "NOANSWER", "CHANUNAVAIL", "21", False),
    "declines after ringing": (Behaviour(refuse=603, refuse_s=0.1), "NOANSWER", "CHANUNAVAIL", "21", True),
    "busy after ringing": (Behaviour(refuse=486, refuse_s=0.1), "BUSY", "BUSY", "17", True),
    "says 480": (Behaviour(refuse=480, refuse_s=0.1), "NOANSWER", "NOANSWER", "19", True),
    "not found": (Behaviour(refuse=404), "NOANSWER", "CHANUNAVAIL", "1", False),
    "out of service": (Behaviour(refuse=503), "CONGESTION", "CONGESTION", "34", False),
    "does not answer": (IGNORES, "NOANSWER", "NOANSWER", None, True),
    "is silent": (SILENT, "NOANSWER", "NOANSWER", None, False),
}


# over the trunk 480 is the same as here: the lender hangs up with cause 19, which is 480 again
WHERE = [(case, where) for where in ("here", "away") for case in OUTCOMES if (case, where) != ("says 480", "away")]


@pytest.mark.parametrize(("case", "where"), WHERE)
async def test_outcome_of_an_offer(bench: Bench, case: str, where: str) -> None:
    """Each way in which a phone does not take a call has its status, cause and ring time; the caller is held again."""
    behaviour, ended, status, cause, rang = OUTCOMES[case]
    ami, router = bench.ami["gera"], bench.router["gera"]
    site = "gera" if where == "here" else "magdeburg"
    phone = await bench.phone(site, 1, behaviour)
    target = phone if where == "here" else f"{phone}@magdeburg"
    _, call, since = await bench.held()
    await router.offer(call, target, 5, ring_s=1)
    tried = await ami.event("CrTried", since)
    mark = ami.events.index(tried)
    hold = await ami.event("CrHold", mark)
    begin = await ami.event("DialBegin", since)
    end = await ami.event("DialEnd", since)
    assert begin["DialString"] == target
    assert begin["DestChannel"].startswith("PJSIP/magdeburg-" if site == "magdeburg" else f"PJSIP/{phone}-")
    assert end["DialStatus"] == ended
    assert (tried["Call"], tried["Try"], tried["To"], tried["Cancel"], tried["Status"]) == (
        call,
        "5",
        target,
        "",
        status,
    )
    if cause is not None:
        assert tried["Cause"] == cause
    assert (tried["Ring"] != "") == rang
    if case == "does not answer":
        assert 700 <= int(tried["Ring"]) <= 1100
    assert (end["DestChannelStateDesc"] == "Ringing") == rang
    assert (tried["Uniqueid"], tried["ChannelStateDesc"], hold["State"]) == (call, "Ring", "Ring")
    if site == "magdeburg":
        lent = await bench.ami["magdeburg"].event("CrLent", 0, Call=call)
        assert lent["Agent"] == phone
        assert lent["Channel"].startswith("PJSIP/gera-")
        assert chan_variable(lent, "CR_CALL") == call
    leg = await ami.event("Hangup", since, Uniqueid=begin["DestUniqueid"])
    assert chan_variable(leg, "CR_CALL") == call


@pytest.mark.parametrize(
    ("target", "cause"),
    [("2150", "3"), ("2999", "3"), ("1001@nowhere", "3"), ("1150@magdeburg", "1"), ("1999@magdeburg", "1")],
)
async def test_outcome_without_a_phone(bench: Bench, target: str, cause: str) -> None:
    """No registration, no such phone, no such trunk: CHANUNAVAIL at once, nothing rings, the caller is held again."""
    ami, router = bench.ami["gera"], bench.router["gera"]
    _, call, since = await bench.held()
    await router.offer(call, target, 1, ring_s=5)
    tried = await ami.event("CrTried", since, deadline_s=20)
    assert (tried["Status"], tried["Cause"], tried["Ring"]) == ("CHANUNAVAIL", cause, "")
    await ami.event("CrHold", ami.events.index(tried))
    begun = [e["DialString"] for e in ami.find("DialBegin", since)]
    assert begun == ([target] if cause == "1" else [])


async def test_overflow_answered(bench: Bench) -> None:
    """A phone of another site answers: both sites tell it under one call id, and the lender's legs end with it."""
    lender = bench.ami["magdeburg"]
    phone = await bench.phone("magdeburg", 1, ANSWERS)
    caller, call, _ = await bench.held()
    there = len(lender.events)
    await bench.router["gera"].offer(call, f"{phone}@magdeburg", 2)
    await caller.until("talking")
    lent = await lender.event("CrLent", there)
    begin = await lender.event("DialBegin", there)
    assert lent["Call"] == call
    assert begin["Uniqueid"] == lent["Uniqueid"] != call
    assert begin["DialString"] == phone
    assert begin["DestChannel"].startswith(f"PJSIP/{phone}-")
    assert chan_variable(begin, "CR_CALL") == call
    assert chan_variable(begin, "CR_TRY") == ""
    caller.hang_up()
    for unique_id in (lent["Uniqueid"], begin["DestUniqueid"]):
        gone = await lender.event("Hangup", there, Uniqueid=unique_id)
        assert (gone["Cause"], gone["ChannelStateDesc"], chan_variable(gone, "CR_CALL")) == ("16", "Up", call)
    states = [e["State"] for e in lender.find("DeviceStateChange", there, Device=f"PJSIP/{phone}")]
    assert states[:2] == ["RINGING", "INUSE"]


async def test_caller_gives_up_in_hold(bench: Bench) -> None:
    """A caller who hangs up while he waits: his Hangup says cause 127 and that he was never up; no CrTried."""
    ami = bench.ami["gera"]
    caller, call, since = await bench.held()
    await caller.until("ringing")
    caller.hang_up()
    gone = await ami.event("Hangup", since, Uniqueid=call)
    assert (gone["Cause"], gone["ChannelStateDesc"], gone["Context"]) == ("127", "Ring", "callrouter-hold")
    assert chan_variable(gone, "CR_CALL") == call
    await caller.until("ended")
    assert caller.sip == 487
    assert await bench.status("gera", call) is None


async def test_caller_gives_up_while_a_phone_rings(bench: Bench) -> None:
    """His hang-up cancels the leg: DialEnd CANCEL and both Hangups, no CrTried."""
    ami = bench.ami["gera"]
    phone = await bench.phone("gera", 1, IGNORES)
    caller, call, since = await bench.held()
    await bench.router["gera"].offer(call, phone)
    leg = (await ami.event("DialBegin", since))["DestUniqueid"]
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="RINGING")
    caller.hang_up()
    await ami.event("Hangup", since, Uniqueid=call)
    gone = await ami.event("Hangup", since, Uniqueid=leg)
    assert story(ami, since, call)[3:] == ["DialBegin", "DialEnd CANCEL", "Hangup 127 Ring"]
    assert gone["ChannelStateDesc"] == "Ringing"
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="NOT_INUSE")


async def test_cancel(bench: Bench) -> None:
    """CR_CANCEL and the bell end the ringing; the caller is held again, unanswered, and the phone is free."""
    ami, router = bench.ami["gera"], bench.router["gera"]
    phone = await bench.phone("gera", 1, IGNORES)
    caller, call, since = await bench.held()
    await router.offer(call, phone, 4)
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="RINGING")
    await router.cancel(call, 4)
    tried = await ami.event("CrTried", since)
    await ami.event("CrHold", ami.events.index(tried))
    assert (tried["Try"], tried["Cancel"], tried["Status"], tried["To"]) == ("4", "4", "CANCEL", phone)
    assert (await ami.event("DialEnd", since))["DialStatus"] == "CANCEL"
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="NOT_INUSE")
    await router.offer(call, phone, 5)
    await ami.event("DialBegin", ami.events.index(tried))
    assert "answered" not in caller.heard


async def test_cancel_before_it_began(bench: Bench) -> None:
    """An offer whose try is cancelled already does not ring at all."""
    ami, router = bench.ami["gera"], bench.router["gera"]
    phone = await bench.phone("gera", 1, IGNORES)
    _, call, since = await bench.held()
    await ami.setvar(call, "CR_CANCEL", "6")
    await router.offer(call, phone, 6)
    tried = await ami.event("CrTried", since)
    assert (tried["Status"], tried["Cancel"]) == ("CANCEL", "6")
    await ami.event("CrHold", ami.events.index(tried))
    assert ami.find("DialBegin", since) == []


async def test_cancel_after_the_answer_tears_nothing(bench: Bench) -> None:
    """A phone that answered first has the call: a late cancel changes nothing."""
    ami, router = bench.ami["gera"], bench.router["gera"]
    phone = await bench.phone("gera", 1, ANSWERS)
    caller, call, since = await bench.held()
    await router.offer(call, phone, 4)
    await caller.until("talking")
    await router.cancel(call, 4)
    row = await bench.status("gera", call)
    assert row is not None
    assert row["BridgeID"] != ""
    assert caller.state == "talking"
    (talk,) = bench.phone_calls("gera", phone)
    talk.hang_up()
    await ami.event("Hangup", since, Uniqueid=call)
    assert ami.find("CrTried", since) == []


async def test_a_bell_without_cancel_rings_on(bench: Bench) -> None:
    """A stray bell while a phone rings does not end the offer: D means nothing, C of no cancel makes it ring anew."""
    ami, router = bench.ami["gera"], bench.router["gera"]
    phone = await bench.phone("gera", 1, IGNORES)
    caller, call, since = await bench.held()
    await router.offer(call, phone, 4)
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="RINGING")
    await router.bell(call)
    await router.bell(call, "C")
    await ami.event("DialEnd", since, DialStatus="CANCEL")
    again = ami.find("DialBegin", since + 1)
    second = await ami.event("DialBegin", ami.events.index(again[0]) + 1)
    assert second["DialString"] == phone
    assert ami.find("CrTried", since) == []
    assert caller.state == "ringing"


@pytest.mark.parametrize(("cause", "sip"), [(17, 486), (34, 503), (1, 404)])
async def test_release(bench: Bench, cause: int, sip: int) -> None:
    """A released caller hears the SIP answer of the cause, never an answered call."""
    ami = bench.ami["gera"]
    caller, call, since = await bench.held()
    await bench.router["gera"].order(call, f"release_{cause}")
    gone = await ami.event("Hangup", since, Uniqueid=call)
    assert (gone["Cause"], gone["ChannelStateDesc"]) == (str(cause), "Ring")
    await caller.until("ended")
    assert caller.sip == sip


async def test_fence(bench: Bench) -> None:
    """An order of another epoch is refused with CrFenced; the caller goes on waiting and the right epoch is obeyed."""
    ami, router = bench.ami["gera"], bench.router["gera"]
    phone = await bench.phone("gera", 1, ANSWERS)
    caller, call, since = await bench.held()
    old = router.epoch - 1
    await router.order(call, f"agent_20_{phone}_1", epoch=old)
    fenced = await ami.event("CrFenced", since)
    assert (fenced["Call"], fenced["Cmd"], fenced["Uniqueid"]) == (call, f"{old}_agent_20_{phone}_1", call)
    assert ami.find("DialBegin", since) == []
    await router.offer(call, phone)
    await caller.until("talking")


async def test_unknown_verb_is_fenced(bench: Bench) -> None:
    """An order that the dialplan does not know is refused in the same way."""
    ami, router = bench.ami["gera"], bench.router["gera"]
    _, call, since = await bench.held()
    await router.order(call, "dance_1")
    assert (await ami.event("CrFenced", since))["Cmd"] == f"{router.epoch}_dance_1"


async def test_failsafe_when_nobody_claims(bench: Bench) -> None:
    """A call that no router claims leaves hold after 2 s and rings the site's failsafe group."""
    ami = bench.ami["gera"]
    group = [await bench.phone("gera", 199, IGNORES), await bench.phone("gera", 200, ANSWERS)]
    since = len(ami.events)
    caller = await bench.call("gera")
    call = (await ami.event("CrOffered", since))["Call"]
    taken = await ami.event("CrFailsafe", since, deadline_s=20)
    assert (taken["Call"], taken["Claim"]) == (call, "")
    await caller.until("talking")
    dialled = {e["DialString"] for e in ami.find("DialBegin", since)}
    assert dialled == set(group)
    assert all(chan_variable(e, "CR_TRY") == "" for e in ami.find("DialBegin", since))
    row = await bench.status("gera", call)
    assert row is not None
    assert row["CR_STAGE"] == "failsafe"
    caller.hang_up()
    await ami.event("Hangup", since, Uniqueid=call)


@pytest.mark.slow
async def test_failsafe_without_anybody_says_busy(bench: Bench) -> None:
    """With no router and no phone of the group a caller hears busy."""
    ami = bench.ami["gera"]
    since = len(ami.events)
    caller = await bench.call("gera")
    await caller.until("ended")
    assert caller.sip == 486
    gone = await ami.event("Hangup", since, Cause="17")
    assert gone["Context"] == "callrouter-failsafe"


@pytest.mark.slow
async def test_failsafe_when_the_beat_stops(bench: Bench) -> None:
    """A claimed call waits while the beat moves and leaves for the failsafe 6 to 9 s after it stood still."""
    ami, router = bench.ami["gera"], bench.router["gera"]
    _, call, since = await bench.held()
    await router.stop_beat()
    began = asyncio.get_running_loop().time()
    taken = await ami.event("CrFailsafe", since, deadline_s=30)
    took = asyncio.get_running_loop().time() - began
    assert taken["Claim"] == str(router.epoch)
    assert took > 4.0
    assert (await ami.event("Hangup", since, Uniqueid=call))["Cause"] == "17"


async def test_read_back_in_hold(bench: Bench) -> None:
    """Status tells of a waiting caller all that a new router needs."""
    _, call, _ = await bench.held("gera", "01711234567")
    row = await bench.status("gera", call)
    assert row is not None
    assert (row["CR_CALL"], row["CR_DID"], row["CR_CLI"]) == (call, "4066969010", "01711234567")
    assert (row["CR_STAGE"], row["CR_CLAIM"]) == ("hold", str(bench.router["gera"].epoch))
    assert (row["CR_TO"], row["CR_TRY"]) == ("(null)", "(null)")
    assert (row["ChannelStateDesc"], row["Context"], row["BridgeID"]) == ("Ring", "callrouter-hold", "")
    assert row["Type"] == "PJSIP"
    assert int(row["Seconds"]) < 5


async def test_read_back_while_ringing(bench: Bench) -> None:
    """Status tells of an offered call whom it rings; the leg bears the call's id and no bridge."""
    ami = bench.ami["gera"]
    phone = await bench.phone("gera", 1, IGNORES)
    _, call, since = await bench.held()
    await bench.router["gera"].offer(call, phone, 7)
    leg = (await ami.event("DialBegin", since))["DestUniqueid"]
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="RINGING")
    row, other = await bench.status("gera", call), await bench.status("gera", leg)
    assert row is not None
    assert other is not None
    assert (row["CR_STAGE"], row["CR_TO"], row["CR_TRY"], row["BridgeID"]) == ("agent", phone, "7", "")
    assert (row["Application"], other["Application"]) == ("Dial", "AppDial")
    assert (other["CR_CALL"], other["CR_STAGE"], other["ChannelStateDesc"]) == (call, "(null)", "Ringing")
    assert other["Channel"].startswith(f"PJSIP/{phone}-")
    assert other["DIALEDPEERNUMBER"] == phone
    assert other["Linkedid"] == call
