"""AMI messages mean what the contract says; the long example is what Asterisk 22.10.1 sent for one call."""

from __future__ import annotations

from pathlib import Path

import pytest

from callrouter.ami.protocol import Splitter, parse
from callrouter.ami.translate import REPEATABLE, WATCHED, Fenced, Message, fenced, translate
from callrouter.core.events import (
    AgentAct,
    CallArrived,
    CallEnded,
    CallHeld,
    CallTaken,
    DigitsRead,
    Event,
    LegAnswered,
    LegEnded,
    LegFailed,
    LegStarted,
    LinkDown,
    OfferEnded,
    PhoneActed,
    PhoneLeg,
    PhoneState,
    Result,
    TrunkState,
)

DATA = Path(__file__).parent / "data"
UID, CALL = "gera-1732268042.17", "gera/1732268042.17"
LEG_UID, LEG = "gera-1732268042.18", "gera/1732268042.18"


def recorded(name: str) -> list[Message]:
    splitter = Splitter()
    blocks = splitter.feed(
        (b"" if name == "call.ami" else b"Asterisk Call Manager/11\r\n") + (DATA / name).read_bytes()
    )
    messages = [parse(block, REPEATABLE) for block in blocks]
    assert all(messages)
    return [message for message in messages if message]


def user(name: str, **headers: str) -> Message:
    return {
        "Event": "UserEvent",
        "UserEvent": name,
        "Channel": "PJSIP/carrier-00000001",
        "Uniqueid": UID,
        "Call": UID,
        **headers,
    }


def test_one_call_as_asterisk_told_it() -> None:
    """Arrived, held, fenced, phone away, held, ringing, answered, talked, ended: nothing more and nothing less."""
    messages = recorded("call.ami")
    got = [event for message in messages for event in translate("gera", message)]
    carrier = [PhoneState("gera", "carrier", True, True), PhoneState("gera", "carrier", True, False)]
    assert [event for event in got if event not in carrier] == [
        PhoneLeg("gera", "carrier", CALL, up=True),
        CallArrived(CALL, "gera", "39123", "03023125042"),
        CallHeld(CALL, answered=False),
        OfferEnded(CALL, 1, Result.UNREACHABLE, None),
        CallHeld(CALL, answered=False),
        PhoneLeg("gera", "1003", LEG, up=True),
        LegStarted(CALL, 2, LEG, "gera", "1003"),
        PhoneState("gera", "1003", True, True),
        LegAnswered(CALL, 2, LEG),
        PhoneState("gera", "1003", True, True),
        LegEnded(CALL, LEG),
        PhoneLeg("gera", "1003", LEG, up=False),
        PhoneState("gera", "1003", True, False),
        CallEnded(CALL, 16, answered=True),
        PhoneLeg("gera", "carrier", CALL, up=False),
    ]
    assert [f for m in messages if (f := fenced("gera", m))] == [Fenced("gera", CALL, 5, 1)]


def test_real_events_have_all_headers_that_are_required_of_them() -> None:
    """What the link demands of an event as proof that it is whole, Asterisk sends."""
    for message in recorded("call.ami"):
        for header in WATCHED.get(str(message["Event"]), ()):
            assert header in message, (header, message)


@pytest.mark.parametrize(
    ("headers", "event"),
    [
        ({"Status": "BUSY", "Cause": "17", "Ring": ""}, OfferEnded(CALL, 3, Result.BUSY, None)),
        ({"Status": "NOANSWER", "Cause": "19", "Ring": "20123"}, OfferEnded(CALL, 3, Result.NO_ANSWER, 20.123)),
        ({"Status": "NOANSWER", "Cause": "0", "Ring": ""}, OfferEnded(CALL, 3, Result.UNREACHABLE, None)),
        ({"Status": "CHANUNAVAIL", "Cause": "21", "Ring": "900"}, OfferEnded(CALL, 3, Result.REFUSED, 0.9)),
        ({"Status": "CHANUNAVAIL", "Cause": "3", "Ring": ""}, OfferEnded(CALL, 3, Result.UNREACHABLE, None)),
        ({"Status": "CHANUNAVAIL", "Cause": "1", "Ring": ""}, OfferEnded(CALL, 3, Result.UNREACHABLE, None)),
        ({"Status": "CHANUNAVAIL", "Cause": "38", "Ring": ""}, OfferEnded(CALL, 3, Result.FAILED, None)),
        ({"Status": "CONGESTION", "Cause": "34", "Ring": ""}, OfferEnded(CALL, 3, Result.UNREACHABLE, None)),
        ({"Status": "CANCEL", "Cause": "0", "Ring": "1"}, OfferEnded(CALL, 3, Result.CANCELLED, 0.001)),
        (
            {"Status": "NOANSWER", "Cause": "0", "Ring": "1", "Cancel": "3"},
            OfferEnded(CALL, 3, Result.CANCELLED, 0.001),
        ),
        (
            {"Status": "NOANSWER", "Cause": "0", "Ring": "1", "Cancel": "2"},
            OfferEnded(CALL, 3, Result.NO_ANSWER, 0.001),
        ),
        ({"Status": "ANSWER", "Cause": "16", "Ring": "1", "Cancel": "3"}, OfferEnded(CALL, 3, Result.CANCELLED, 0.001)),
        ({"Status": "WEIRD", "Cause": "x", "Ring": ""}, OfferEnded(CALL, 3, Result.FAILED, None)),
    ],
)
def test_the_end_of_an_attempt_has_one_reason(headers: dict[str, str], event: Event) -> None:
    """Dial's status, the Q.850 cause, the ring time and a cancel decide; each case of the contract's list."""
    assert translate("gera", user("CrTried", Try="3", To="1001", **headers)) == (event,)


@pytest.mark.parametrize("status", ["NOANSWER", "CONGESTION", "CHANUNAVAIL"])
def test_silence_over_a_trunk_is_the_trunks_fault(status: str) -> None:
    """An agent at another site is not blamed for a dead trunk."""
    message = user("CrTried", Try="3", To="1001@magdeburg", Status=status, Cause="3", Ring="")
    assert translate("gera", message) == (OfferEnded(CALL, 3, Result.NO_ROUTE, None),)


def test_an_answered_attempt_is_no_end() -> None:
    """What comes of it the legs and the caller's hangup tell."""
    assert (
        translate("gera", user("CrTried", Try="3", To="1001", Status="ANSWER", Cause="16", Ring="1", Cancel="2")) == ()
    )


def test_hold_tells_whether_the_caller_pays() -> None:
    """A caller's leg that is up in hold breaks the promise: it must be seen."""
    assert translate("gera", user("CrHold", State="Up")) == (CallHeld(CALL, answered=True),)
    assert translate("gera", user("CrHold", State="Ring")) == (CallHeld(CALL, answered=False),)


def test_failsafe_takes_the_call() -> None:
    """The dialplan serves it by itself from here on."""
    assert translate("gera", user("CrFailsafe", Claim="")) == (CallTaken(CALL),)


def test_digits_of_a_menu() -> None:
    """What was pressed, with the number of the prompt that asked; nothing usable is no digits."""
    assert translate("gera", user("CrMenu", Step="3", Digit="1", Status="OK")) == (DigitsRead(CALL, 3, "1"),)
    assert translate("gera", user("CrMenu", Step="", Digit="", Status="TIMEOUT")) == (DigitsRead(CALL, 0, ""),)


@pytest.mark.parametrize(
    ("code", "act"),
    [
        ("login", AgentAct.LOG_IN),
        ("logout", AgentAct.LOG_OUT),
        ("ready", AgentAct.READY),
        ("pause", AgentAct.PAUSE),
        ("done", AgentAct.WRAP_UP_DONE),
    ],
)
def test_feature_codes(code: str, act: AgentAct) -> None:
    """Each code is one act of the phone that dialled it."""
    message = user("CrAgent", Phone="1001", Code=code, Channel="PJSIP/1001-0000002a")
    assert translate("gera", message) == (PhoneActed("gera", "1001", act),)


@pytest.mark.parametrize(
    "message",
    [
        user("CrHold", Call="gera-1732268042.99"),
        user("CrOffered", Call=""),
        user("CrTried", Try="x", Status="BUSY"),
        user("CrAgent", Phone="1001", Code="ready", Channel="PJSIP/1002-0000002a"),
        user("CrAgent", Phone="1001", Code="dance", Channel="PJSIP/1001-0000002a"),
        user("Foreign"),
        {"Event": "UserEvent", "UserEvent": "CrHold", "Call": UID},
        {"Event": "Newchannel", "Channel": "Local/1@x-1;1", "Uniqueid": UID},
        {"Event": "Newchannel", "Channel": "PJSIP/1001-1", "Uniqueid": "1732268042.17"},
        {"Event": "DeviceStateChange", "Device": "Queue:x", "State": "INUSE"},
        {"Event": "ContactStatus", "EndpointName": "1001", "ContactStatus": "Reachable"},
        {"Event": "ContactStatus", "EndpointName": "gotha", "ContactStatus": "Updated"},
        {"Event": "BridgeEnter"},
        {"Event": ["a", "b"]},
        {},
    ],
)
def test_what_means_nothing_yields_nothing(message: Message) -> None:
    """Foreign, malformed, or from another channel than it speaks of: no event and no error."""
    assert translate("gera", message) == ()


def test_hangups_of_callers_legs_and_lent_legs() -> None:
    """A caller's end is the call's; a leg's is the leg's, at the lender's too; what names no call is a phone's only."""
    base = {"Event": "Hangup", "Channel": "PJSIP/1001-1", "Uniqueid": LEG_UID, "Cause": "16", "ChannelStateDesc": "Up"}
    phone = PhoneLeg("gera", "1001", LEG, up=False)
    assert translate("gera", {**base, "ChanVariable": [f"CR_CALL={UID}"]}) == (LegEnded(CALL, LEG), phone)
    assert translate("gera", {**base, "ChanVariable": ["CR_CALL=magdeburg-1.1"]}) == (
        LegEnded("magdeburg/1.1", LEG),
        phone,
    )
    assert translate("gera", {**base, "ChanVariable": ["CR_CALL=", "CR_TRY="]}) == (phone,)
    caller = {**base, "Uniqueid": UID, "Channel": "PJSIP/carrier-1", "Cause": "127", "ChannelStateDesc": "Ring"}
    assert translate("gera", {**caller, "ChanVariable": f"CR_CALL={UID}"}) == (
        CallEnded(CALL, 127, answered=False),
        PhoneLeg("gera", "carrier", CALL, up=False),
    )


def _dial(event: str, leg: str = "PJSIP/magdeburg-2", **headers: str) -> Message:
    variables = [f"CR_CALL={UID}", "CR_TRY=4"]
    return {
        "Event": event,
        "Uniqueid": UID,
        "ChanVariable": variables,
        "DestChannel": leg,
        "DestUniqueid": LEG_UID,
        **headers,
    }


def test_legs_over_a_trunk_name_the_phone_and_its_site() -> None:
    """The channel is here, the phone is there."""
    assert translate("gera", _dial("DialBegin", DialString="1002@magdeburg")) == (
        LegStarted(CALL, 4, LEG, "magdeburg", "1002"),
    )


@pytest.mark.parametrize(
    ("status", "leg", "state", "result"),
    [
        ("BUSY", "PJSIP/1001-2", "Down", Result.BUSY),
        ("NOANSWER", "PJSIP/1001-2", "Ringing", Result.NO_ANSWER),
        ("NOANSWER", "PJSIP/1001-2", "Down", Result.UNREACHABLE),
        ("NOANSWER", "PJSIP/magdeburg-2", "Down", Result.NO_ROUTE),
        ("CHANUNAVAIL", "PJSIP/1001-2", "Ringing", Result.REFUSED),
        ("CHANUNAVAIL", "PJSIP/1001-2", "Down", Result.UNREACHABLE),
        ("CANCEL", "PJSIP/1001-2", "Ringing", Result.CANCELLED),
        ("ABORT", "PJSIP/1001-2", "Ringing", Result.FAILED),
    ],
)
def test_why_one_leg_failed(status: str, leg: str, state: str, result: Result) -> None:
    """DialEnd has no cause: whether the phone rang is all there is to tell by."""
    message = _dial("DialEnd", leg, DialStatus=status, DestChannelStateDesc=state)
    assert translate("gera", message) == (LegFailed(CALL, 4, LEG, result),)


def test_dials_that_are_not_ours_are_not_reported() -> None:
    """A dial without a try (failsafe), of a lent leg, or of an agent who dials out is no attempt of the router."""
    for variables, uid in (
        ([f"CR_CALL={UID}", "CR_TRY="], UID),
        (["CR_CALL=magdeburg-1.1", "CR_TRY=1"], UID),
        (["CR_CALL=", "CR_TRY="], UID),
    ):
        message = {**_dial("DialBegin", DialString="1001"), "ChanVariable": variables, "Uniqueid": uid}
        assert translate("gera", message) == ()


@pytest.mark.parametrize(
    ("state", "reachable", "in_use"),
    [
        ("NOT_INUSE", True, False),
        ("INUSE", True, True),
        ("RINGING", True, True),
        ("RINGINUSE", True, True),
        ("BUSY", True, True),
        ("ONHOLD", True, True),
        ("UNAVAILABLE", False, False),
        ("INVALID", False, False),
        ("UNKNOWN", False, False),
    ],
)
def test_device_states(state: str, reachable: bool, in_use: bool) -> None:
    """Whether it can be rung, and whether it is in any call or ringing."""
    message = {"Event": "DeviceStateChange", "Device": "PJSIP/1001", "State": state}
    assert translate("gera", message) == (PhoneState("gera", "1001", reachable, in_use),)


def test_trunks_and_shutdown() -> None:
    """A trunk is an endpoint with the name of a site."""
    down = TrunkState("gera", "magdeburg", False)
    contact = {"Event": "ContactStatus", "EndpointName": "magdeburg", "ContactStatus": "Unreachable"}
    peer = {"Event": "PeerStatus", "Peer": "PJSIP/magdeburg", "PeerStatus": "Unreachable"}
    assert translate("gera", contact) == translate("gera", peer) == (down,)
    assert translate("gera", {**contact, "ContactStatus": "Reachable"}) == (TrunkState("gera", "magdeburg", True),)
    assert translate("gera", {"Event": "Shutdown"}) == (LinkDown("gera"),)


def test_fenced_orders_name_their_epoch() -> None:
    """The link must know whether it was its own order and which offer."""
    assert fenced("gera", user("CrFenced", Cmd="77_release_17")) == Fenced("gera", CALL, 77, None)
    assert fenced("gera", user("CrFenced", Cmd="")) == Fenced("gera", CALL, 0, None)
    assert fenced("gera", user("CrFenced", Cmd="7_agent_20_1001_2", Call="gera-9.9")) is None
    assert fenced("gera", user("CrHold")) is None
