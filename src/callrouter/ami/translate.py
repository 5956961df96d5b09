"""Turn a site's AMI messages into the router's events. Pure, and the only file that knows what an AMI header means.

The rules are those of `docs/decisions/0001-control-contract.md`. A message is a mapping of header to value, or to a
list of values where a header comes several times (`ChanVariable`). What is not understood, or does not come from the
channel it speaks of, yields nothing. It knows neither sockets nor time nor which phones or sites are configured: the
router ignores what it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callrouter.core.callbacks import TryResult
from callrouter.core.events import (
    AgentAct,
    CallArrived,
    CallEnded,
    CallHeld,
    CallId,
    CallTaken,
    DigitsRead,
    Event,
    LegAnswered,
    LegEnded,
    LegFailed,
    LegStarted,
    LinkDown,
    OfferEnded,
    OutboundAnswered,
    OutboundEnded,
    OutboundMissed,
    OutboundRung,
    OutboundUp,
    PhoneActed,
    PhoneLeg,
    PhoneState,
    PutOnHold,
    Result,
    TrunkState,
)

Message = Mapping[str, str | list[str]]
Events = tuple[Event, ...]

# the headers that each watched event must have exactly once; a message without them was cut by a forged line break.
# An event that is not named here means nothing to us and need not even be parsed.
_CHANNEL = ("Channel", "Context", "Exten", "Priority", "Uniqueid", "Linkedid")
WATCHED: Mapping[str, tuple[str, ...]] = {
    "UserEvent": ("UserEvent",),  # one sent by an AMI client has no channel; translate() then drops it
    "Newchannel": _CHANNEL,
    "Hangup": (*_CHANNEL, "Cause"),
    "Hold": _CHANNEL,
    "Unhold": _CHANNEL,
    "DialBegin": ("DestChannel", "DestUniqueid", "DestLinkedid", "DialString"),
    "DialEnd": ("DestChannel", "DestUniqueid", "DestLinkedid", "DialStatus"),
    "DeviceStateChange": ("Device", "State"),
    "ContactStatus": ("EndpointName", "ContactStatus"),
    "PeerStatus": ("Peer", "PeerStatus"),
    "Shutdown": (),
    "FullyBooted": (),
}
REPEATABLE = frozenset(("ChanVariable", "DestChanVariable", "Variable", "Output"))

_CODES = {
    "login": AgentAct.LOG_IN,
    "logout": AgentAct.LOG_OUT,
    "ready": AgentAct.READY,
    "pause": AgentAct.PAUSE,
    "done": AgentAct.WRAP_UP_DONE,
}
OUTBOUND = "cb"  # begins the id of a call that the router has made; Asterisk's own begin with a digit
_GONE = frozenset(("UNAVAILABLE", "INVALID", "UNKNOWN"))
CONTACT_UP = {"Reachable": True, "NonQualified": True, "Unreachable": False, "Removed": False}


@dataclass(frozen=True, slots=True)
class Fenced:
    """The dialplan refused an order of another epoch than its site's newest. For the link, not for the router.

    epoch: that of the order, attempt: of its offer (None: not an offer).
    """

    site: str
    call: CallId
    epoch: int
    attempt: int | None


def translate(site: str, message: Message) -> Events:
    """The events that a message of `site` means: none, one, or several in their order."""
    name = message.get("Event")
    handler = _HANDLERS.get(name) if isinstance(name, str) else None
    return handler(site, message) if handler is not None else ()


def fenced(site: str, message: Message) -> Fenced | None:
    """The news of a refused order in this message, if it is one."""
    if message.get("UserEvent") != "CrFenced":
        return None
    call = _own_call(message)
    if not call:
        return None
    parts = text(message, "Cmd").split("_")
    offer = len(parts) == 5 and parts[1] == "agent"
    return Fenced(site, call, number(parts[0], 0), number(parts[4], 0) if offer else None)


# ---- the pieces that `readback.py` shares


def text(message: Message, header: str) -> str:
    """The one value of a header; '' when it is missing or, against the rule, repeated."""
    value = message.get(header, "")
    return value if isinstance(value, str) else ""


def outbound(leg: str) -> tuple[str, int] | None:
    """(callback, number of its call) of an outbound call's id: `gera/cb1732268.17.2` → `gera/1732268.17`, 2."""
    site, _, rest = leg.partition("/")
    if not rest.startswith(OUTBOUND):
        return None
    callback, _, rings = rest.removeprefix(OUTBOUND).rpartition(".")
    return (f"{site}/{callback}", int(rings)) if callback and rings.isascii() and rings.isdigit() else None


def entity(unique_id: str) -> str:
    """`gera-1732268042.17` → `gera/1732268042.17`; '' if it carries no site."""
    site, dash, rest = unique_id.partition("-")
    return f"{site}/{rest}" if dash and site and rest else ""


def endpoint(channel: str) -> str:
    """The PJSIP endpoint of a channel name: `PJSIP/1001-0000002a` → `1001`; '' for any other technology."""
    return channel[6:].rpartition("-")[0] if channel.startswith("PJSIP/") else ""


def variable(message: Message, header: str, name: str) -> str:
    """A channel variable out of `ChanVariable: NAME=value` lines; '' when unset."""
    lines = message.get(header)
    if lines is None:
        return ""
    start = name + "="
    for line in (lines,) if isinstance(lines, str) else lines:
        if line.startswith(start):
            value = line[len(start) :]
            return "" if value == "(null)" else value
    return ""


def number(digits: str, otherwise: int) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else otherwise


def phone_state(site: str, device: str, state: str) -> PhoneState | None:
    """What a device state says of a phone; None if the device is no PJSIP endpoint."""
    if not device.startswith("PJSIP/"):
        return None
    return PhoneState(site, device[6:], state not in _GONE, state not in _GONE and state != "NOT_INUSE")


def targets(site: str, order: str) -> tuple[tuple[str, str], ...]:
    """(site, phone) of each target in an order: `1001@gera&1002` → (gera, 1001), (here, 1002)."""
    pairs = (part.partition("@") for part in order.split("&") if part)
    return tuple((at or site, phone) for phone, _, at in pairs)


def result(status: str, cause: int, rang: bool, trunk: bool) -> Result:
    """Why an attempt ended without a conversation, from Dial's status and Q.850 cause. trunk: all targets elsewhere."""
    away = Result.NO_ROUTE if trunk else Result.UNREACHABLE
    if status == "BUSY":
        return Result.BUSY
    if status == "CANCEL":
        return Result.CANCELLED
    if status == "NOANSWER":
        return Result.NO_ANSWER if rang else away
    if status == "CONGESTION":
        return away
    if status == "CHANUNAVAIL":
        return away if cause == 3 else _UNAVAILABLE.get(cause, Result.FAILED)
    return Result.FAILED


_UNAVAILABLE = {1: Result.UNREACHABLE, 18: Result.UNREACHABLE, 20: Result.UNREACHABLE, 21: Result.REFUSED}


# ---- user events of the dialplan


def _user_event(site: str, m: Message) -> Events:
    handler = _USER_HANDLERS.get(text(m, "UserEvent"))
    return handler(site, m) if handler is not None else ()


def _offered(site: str, m: Message) -> Events:
    call = _own_call(m)
    return (CallArrived(call, site, text(m, "Did"), text(m, "Cli")),) if call else ()


def _held(_site: str, m: Message) -> Events:
    call = _own_call(m)
    return (CallHeld(call, answered=m.get("State") == "Up"),) if call else ()


def _tried(site: str, m: Message) -> Events:
    call = _own_call(m)
    attempt = text(m, "Try")
    if not call or not attempt.isdigit():
        return ()
    status = text(m, "Status")
    cancelled = m.get("Cancel") == attempt
    if status == "ANSWER" and not cancelled:
        return ()
    ring = text(m, "Ring")
    ring_s = number(ring, 0) / 1000 if ring else None
    tried = targets(site, text(m, "To"))
    trunk = bool(tried) and all(at != site for at, _ in tried)
    why = Result.CANCELLED if cancelled else result(status, number(text(m, "Cause"), 0), ring_s is not None, trunk)
    return (OfferEnded(call, int(attempt), why, ring_s),)


def _pressed(_site: str, m: Message) -> Events:
    call = _own_call(m)
    return (DigitsRead(call, number(text(m, "Step"), 0), text(m, "Digit")),) if call else ()


def _taken(_site: str, m: Message) -> Events:
    call = _own_call(m)
    return (CallTaken(call),) if call else ()


def _acted(site: str, m: Message) -> Events:
    phone = text(m, "Phone")
    act = _CODES.get(text(m, "Code"))
    if act is None or not phone or endpoint(text(m, "Channel")) != phone:
        return ()
    return (PhoneActed(site, phone, act),)


def _rings_back(_site: str, m: Message) -> Events:
    call = _own_call(m)
    return (OutboundUp(call),) if outbound(call) else ()


def _rang_back(_site: str, m: Message) -> Events:
    """The caller's phone was rung by an agent's call and did not take it."""
    call, status, cause = _own_call(m), text(m, "Status"), number(text(m, "Cause"), 0)
    if not outbound(call) or status == "ANSWER":
        return ()
    return (OutboundMissed(call, try_result(status, cause)),)


def try_result(status: str, cause: int) -> TryResult:
    """What came of ringing a caller, from Dial's status and Q.850 cause."""
    if cause in (1, 22, 28):  # no such number, changed, incomplete
        return TryResult.WRONG_NUMBER
    if status == "BUSY":
        return TryResult.BUSY
    if status in ("NOANSWER", "CANCEL") or cause in (18, 19, 20, 21, 27):  # rang out, switched off, declined
        return TryResult.NOT_REACHED
    return TryResult.FAILED


# ---- channels


def _new_channel(site: str, m: Message) -> Events:
    phone, leg = endpoint(text(m, "Channel")), entity(text(m, "Uniqueid"))
    if not phone or not leg:
        return ()
    began = PhoneLeg(site, phone, leg, up=True)
    return (OutboundRung(leg), began) if outbound(leg) else (began,)


def _hangup(site: str, m: Message) -> Events:
    unique_id = text(m, "Uniqueid")
    leg = entity(unique_id)
    if not leg:
        return ()
    events: list[Event] = []
    call_uid, phone = variable(m, "ChanVariable", "CR_CALL"), endpoint(text(m, "Channel"))
    if outbound(entity(call_uid)):
        if call_uid == unique_id:
            events.append(_outbound_ended(leg, m))
    elif call_uid == unique_id:
        up = m.get("ChannelStateDesc") == "Up"
        events.append(CallEnded(leg, number(text(m, "Cause"), 0), answered=up))
    elif entity(call_uid) and (phone or call_uid.startswith(site + "-")):
        events.append(LegEnded(entity(call_uid), leg))
    if phone:
        events.append(PhoneLeg(site, phone, leg, up=False))
    return tuple(events)


def _hold(site: str, m: Message, on: bool) -> Events:
    """A phone has put the other end on hold. The caller's own channel says the same when he does: that is his time.

    Told by the phone's own site, for a lent call too: there the trunk carries music, and no word of it.
    """
    call_uid = variable(m, "ChanVariable", "CR_CALL")
    phone = endpoint(text(m, "Channel"))
    if not phone or not entity(call_uid) or call_uid == m.get("Uniqueid"):
        return ()
    return (PutOnHold(entity(call_uid), site, phone, on),)


def _outbound_ended(call: CallId, m: Message) -> OutboundEnded:
    """The agent's leg is gone; while it was not up yet its cause says why his phone did not take it."""
    state = m.get("ChannelStateDesc")
    if state == "Up":
        return OutboundEnded(call)
    cause, trunk = number(text(m, "Cause"), 0), _named_like_a_site(endpoint(text(m, "Channel")))
    status = "BUSY" if cause == 17 else "NOANSWER" if cause in (0, 16, 19) else "CHANUNAVAIL"
    return OutboundEnded(call, result(status, cause, state == "Ringing", trunk))


def _dial(m: Message) -> tuple[CallId, int, str] | None:
    """(call, attempt, leg) when the caller's own channel dials for an order of ours."""
    call_uid = variable(m, "ChanVariable", "CR_CALL")
    if not call_uid or call_uid != m.get("Uniqueid"):
        return None
    attempt = variable(m, "ChanVariable", "CR_TRY")
    leg = entity(text(m, "DestUniqueid"))
    return (entity(call_uid), int(attempt), leg) if attempt.isdigit() and leg else None


def _dial_begin(site: str, m: Message) -> Events:
    dial = _dial(m)
    if dial is None:
        return ()
    call, attempt, leg = dial
    phone, _, at = text(m, "DialString").partition("@")
    return (LegStarted(call, attempt, leg, at or site, phone),)


def _dial_end(_site: str, m: Message) -> Events:
    call = entity(variable(m, "ChanVariable", "CR_CALL"))
    if outbound(call):
        both = m.get("DialStatus") == "ANSWER" and entity(text(m, "Uniqueid")) == call
        return (OutboundAnswered(call),) if both else ()
    dial = _dial(m)
    if dial is None:
        return ()
    status = text(m, "DialStatus")
    if status == "ANSWER":
        return (LegAnswered(*dial),)
    rang = m.get("DestChannelStateDesc") == "Ringing"
    trunk = _named_like_a_site(endpoint(text(m, "DestChannel")))
    if status == "CHANUNAVAIL":  # DialEnd has no cause: a phone that rang and then says no was refused by hand
        why = Result.REFUSED if rang else Result.UNREACHABLE
    else:
        why = result(status, 0, rang, trunk)
    return (LegFailed(*dial, why),)


# ---- phones, trunks, the site itself


def _device(site: str, m: Message) -> Events:
    state = phone_state(site, text(m, "Device"), text(m, "State"))
    return (state,) if state is not None else ()


def _contact(site: str, m: Message) -> Events:
    return _trunk(site, text(m, "EndpointName"), text(m, "ContactStatus"))


def _peer(site: str, m: Message) -> Events:
    return _trunk(site, text(m, "Peer").removeprefix("PJSIP/"), text(m, "PeerStatus"))


def _trunk(site: str, peer: str, status: str) -> Events:
    up = CONTACT_UP.get(status)
    return (TrunkState(site, peer, up),) if up is not None and _named_like_a_site(peer) else ()


def _shutdown(site: str, _m: Message) -> Events:
    return (LinkDown(site),)


# ---- helpers


def _named_like_a_site(name: str) -> bool:
    """A trunk bears the name of the other site, a letter first; phones have numbers. A wrong guess does no harm:

    the router ignores the trunk of a site that it does not know.
    """
    return name[:1].isalpha()


def _own_call(m: Message) -> CallId:
    """The call of a user event, if it comes from that caller's own channel; else ''."""
    call = m.get("Call")
    return entity(call) if isinstance(call, str) and call == m.get("Uniqueid") else ""


_Handler = Callable[[str, Message], Events]
_USER_HANDLERS: dict[str, _Handler] = {
    "CrOffered": _offered,
    "CrHold": _held,
    "CrTried": _tried,
    "CrMenu": _pressed,
    "CrFailsafe": _taken,
    "CrAgent": _acted,
    "CrBackUp": _rings_back,
    "CrBackTried": _rang_back,
}
_HANDLERS: dict[str, _Handler] = {
    "UserEvent": _user_event,
    "Newchannel": _new_channel,
    "Hangup": _hangup,
    "Hold": lambda site, m: _hold(site, m, on=True),
    "Unhold": lambda site, m: _hold(site, m, on=False),
    "DialBegin": _dial_begin,
    "DialEnd": _dial_end,
    "DeviceStateChange": _device,
    "ContactStatus": _contact,
    "PeerStatus": _peer,
    "Shutdown": _shutdown,
}
