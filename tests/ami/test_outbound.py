"""Outbound calls over AMI: the order, what the site says of them, and how they are read back."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from callrouter.ami.actions import BadOrder, actions
from callrouter.ami.readback import meanwhile, read_back
from callrouter.ami.translate import Message, outbound, translate
from callrouter.core.callbacks import CallbackKind, TryResult
from callrouter.core.commands import DialOut, HangUp, Target
from callrouter.core.events import (
    CallEnded,
    Event,
    LegEnded,
    LiveOutbound,
    OutboundAnswered,
    OutboundEnded,
    OutboundMissed,
    OutboundRung,
    OutboundUp,
    OutStage,
    PhoneLeg,
    PhoneState,
    Result,
    SiteRead,
)

UID, CALL = "gera-cb1732268042.17.2", "gera/cb1732268042.17.2"
HIS_UID, HIS_LEG = "gera-1732268050.20", "gera/1732268050.20"
DIAL = DialOut(
    CALL, "gera/1732268042.17", CallbackKind.CAPTURED, "agency-gera", Target("gera/1001", "gera", "1001"), 20,
    "+491711234567", 30, "036555501", "test",
)  # fmt: skip


def test_order_rings_the_agent_and_carries_all_that_the_dialplan_needs() -> None:
    """One action, which Asterisk takes once for one id; the caller's number is no part of a name or an extension."""
    (action,) = actions(DIAL, 77)
    pairs = re.split(r",(?![^(]*\))", action.pop("Variable"))  # as Asterisk does: not within parentheses
    variables = dict(pair.split("=", 1) for pair in pairs)
    assert action == {
        "Action": "Originate", "Channel": "PJSIP/1001", "ChannelId": UID, "Context": "callrouter-callback",
        "Exten": "ring", "Priority": "1", "Async": "true", "Timeout": "20000",
        "CallerID": '"+491711234567" <+491711234567>',
    }  # fmt: skip
    assert variables == {
        "__CR_CALL": UID, "CR_STAGE": "callback", "CR_TO": "1001", "CR_FOR": "captured_agency-gera",
        "CR_BACK": "77_30_491711234567_036555501", "PJSIP_HEADER(add,X-Callrouter-Call)": UID,
    }  # fmt: skip
    (there,) = actions(replace(DIAL, target=Target("magdeburg/1002", "magdeburg", "1002")), 77)
    assert there["Channel"] == "PJSIP/1002@magdeburg"
    assert actions(HangUp(CALL, "x"), 77) == ({"Action": "Hangup", "Channel": UID},)


@pytest.mark.parametrize(
    "order",
    [
        replace(DIAL, number="01711234567"),
        replace(DIAL, number="+49171,CR_BACK=1"),
        replace(DIAL, number="+49171\r\nX: y"),
        replace(DIAL, shows="0365&1"),
        replace(DIAL, hotline="Agency"),
        replace(DIAL, hotline="a_b"),
        replace(DIAL, target=Target("gera/1001", "gera", "1001&1002")),
        replace(DIAL, call="gera/cb1,X=y"),
        replace(DIAL, ring_s=0),
        replace(DIAL, dial_s=121),
        HangUp("/PJSIP.*/", "x"),
    ],
)
def test_values_that_could_carry_something_else_are_refused(order: DialOut | HangUp) -> None:
    """Nothing can add a variable, a header or a second phone."""
    with pytest.raises(BadOrder):
        actions(order, 77)


@pytest.mark.parametrize(
    ("leg", "is_of"),
    [
        (CALL, ("gera/1732268042.17", 2)),
        ("gera/cbo1f3a.1", ("gera/o1f3a", 1)),
        ("gera/1732268042.17", None),
        ("gera/cb1732268042", None),
        ("gera/cb1.x", None),
        ("", None),
    ],
)
def test_id_tells_the_callback(leg: str, is_of: tuple[str, int] | None) -> None:
    """The id of an outbound call names what it is made for, so that a router that finds it knows."""
    assert outbound(leg) == is_of


def user(name: str, **headers: str) -> Message:
    channel = {"Channel": "PJSIP/1001-00000001", "Uniqueid": UID, "Call": UID}
    return {"Event": "UserEvent", "UserEvent": name, **channel, **headers}


def channel(event: str, uid: str = UID, **headers: str) -> Message:
    base = {"Event": event, "Channel": "PJSIP/1001-00000001", "Uniqueid": uid, "ChanVariable": f"CR_CALL={UID}"}
    return {**base, **headers}


def test_call_as_it_goes() -> None:
    """The agent's phone, his answer, the caller's answer, the end: four events, each from one message."""
    assert translate("gera", channel("Newchannel")) == (OutboundRung(CALL), PhoneLeg("gera", "1001", CALL, up=True))
    assert translate("gera", user("CrBackUp")) == (OutboundUp(CALL),)
    his = {"DestUniqueid": HIS_UID, "DestChannel": "PJSIP/carrier-2"}
    assert translate("gera", channel("DialBegin", **his)) == ()
    assert translate("gera", channel("DialEnd", DialStatus="ANSWER", **his)) == (OutboundAnswered(CALL),)
    assert translate("gera", channel("DialEnd", DialStatus="BUSY", **his)) == ()
    assert translate("gera", user("CrBackTried", Status="ANSWER", Cause="16")) == ()
    ended = translate("gera", channel("Hangup", Cause="16", ChannelStateDesc="Up"))
    assert ended == (OutboundEnded(CALL), PhoneLeg("gera", "1001", CALL, up=False))
    leg = channel("Hangup", HIS_UID, Channel="PJSIP/carrier-2", Cause="16", ChannelStateDesc="Up")
    assert not [one for one in translate("gera", leg) if isinstance(one, CallEnded | LegEnded | OutboundEnded)]


@pytest.mark.parametrize("message", [user("CrBackUp", Call="gera-1.1"), user("CrBackTried", Call="gera-1.1")])
def test_word_about_another_channel_means_nothing(message: Message) -> None:
    """Who speaks of a call must be its channel, and the call an outbound one."""
    assert translate("gera", message) == ()
    callers = {**message, "Uniqueid": "gera-1.1"}
    assert translate("gera", callers) == ()


@pytest.mark.parametrize(
    ("status", "cause", "result"),
    [
        ("BUSY", "17", TryResult.BUSY),
        ("NOANSWER", "19", TryResult.NOT_REACHED),
        ("NOANSWER", "0", TryResult.NOT_REACHED),
        ("CHANUNAVAIL", "20", TryResult.NOT_REACHED),
        ("CHANUNAVAIL", "1", TryResult.WRONG_NUMBER),
        ("CONGESTION", "28", TryResult.WRONG_NUMBER),
        ("CHANUNAVAIL", "38", TryResult.FAILED),
        ("CONGESTION", "34", TryResult.FAILED),
        ("", "", TryResult.FAILED),
    ],
)
def test_what_came_of_ringing_a_caller(status: str, cause: str, result: TryResult) -> None:
    """A number that does not exist is wrong; a line that is down is nobody's fault; else he was not reached."""
    assert translate("gera", user("CrBackTried", Status=status, Cause=cause)) == (OutboundMissed(CALL, result),)


@pytest.mark.parametrize(
    ("cause", "state", "name", "result"),
    [
        ("17", "Ringing", "1001", Result.BUSY),
        ("21", "Ringing", "1001", Result.REFUSED),
        ("16", "Ringing", "1001", Result.NO_ANSWER),
        ("0", "Down", "1001", Result.UNREACHABLE),
        ("3", "Down", "1001", Result.UNREACHABLE),
        ("3", "Down", "magdeburg", Result.NO_ROUTE),
    ],
)
def test_why_the_agents_phone_did_not_take_it(cause: str, state: str, name: str, result: Result) -> None:
    """By the cause and the state in which its channel ended, as for an offered call."""
    ended = translate("gera", channel("Hangup", Cause=cause, ChannelStateDesc=state, Channel=f"PJSIP/{name}-00000001"))
    assert ended[0] == OutboundEnded(CALL, result)


def row(uid: str = UID, *variables: str, call: str = UID, state: str = "Ringing", bridge: str = "") -> Message:
    return {
        "Channel": "PJSIP/1001-00000001", "Uniqueid": uid, "Context": "callrouter-callback", "Seconds": "7",
        "ChannelStateDesc": state, "BridgeID": bridge, "Variable": [f"CR_CALL={call}", *variables],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "bridge", "stage"),
    [("Ringing", "", OutStage.RINGING), ("Up", "", OutStage.DIALLING), ("Up", "b", OutStage.TALKING)],
)
def test_read_back_as_it_stands(state: str, bridge: str, stage: OutStage) -> None:
    """An outbound call is its agent's channel; the caller's leg is none of its own and no caller."""
    his = {**row(HIS_UID, state="Up", bridge=bridge), "Channel": "PJSIP/carrier-2"}
    mine = row(UID, "CR_TO=1001", "CR_FOR=captured_agency-gera", state=state, bridge=bridge)
    read = read_back("gera", [mine, his], [], {})
    talk_s = 7.0 if stage is OutStage.TALKING else 0.0
    assert read.outbound == (
        LiveOutbound(
            CALL, "gera/1732268042.17", CallbackKind.CAPTURED, "agency-gera", "gera", "1001", stage, talk_s
        ),
    )  # fmt: skip
    assert read.calls == ()
    assert ("1001", CALL) in read.phone_legs


@pytest.mark.parametrize("variables", [["CR_FOR=captured_a"], ["CR_TO=1001"], ["CR_TO=1001", "CR_FOR=strange_a"]])
def test_what_is_not_of_our_making_is_not_adopted(variables: list[str]) -> None:
    """Without its variables nobody can say what it is."""
    assert read_back("gera", [row(UID, *variables)], [], {}).outbound == ()


def test_end_that_came_while_the_site_was_read() -> None:
    """A call that ended meanwhile is told to have ended before the site is, one that lives after it."""
    live = LiveOutbound(CALL, "gera/1", CallbackKind.CAPTURED, "a", "gera", "1001", OutStage.RINGING)
    ended: Event = OutboundEnded(CALL, Result.BUSY)
    phone = PhoneState("gera", "1001", True, False)
    assert meanwhile(SiteRead("gera", outbound=(live,)), [ended, phone]) == ([], [ended, phone])
    assert meanwhile(SiteRead("gera"), [ended, phone]) == ([ended], [phone])
    answered = OutboundAnswered(CALL)
    assert meanwhile(SiteRead("gera", outbound=(live,)), [answered]) == ([], [answered])
    talks = replace(live, stage=OutStage.TALKING)
    assert meanwhile(SiteRead("gera", outbound=(talks,)), [answered, phone]) == ([answered], [phone])
