"""One channel of the virtual Asterisk: its names, states, variables, and the headers that its events carry.

Shapes are those recorded from Asterisk 22. A channel has a far end (a caller, a phone, a trunk) that it tells what
happens and that reports back by the `far_…` calls. It knows neither the manager protocol nor the dialplan.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

Headers = list[tuple[str, str]]

DOWN, RING, RINGING, UP = 0, 4, 5, 6
_STATE_DESC = {DOWN: "Down", RING: "Ring", RINGING: "Ringing", UP: "Up"}
UNKNOWN = "<unknown>"

# Q.850 causes as Asterisk names them
_CAUSE_TEXT = {
    0: "Unknown",
    1: "Unallocated (unassigned) number",
    3: "No route to destination",
    16: "Normal Clearing",
    17: "User busy",
    18: "No user responding",
    19: "User alerting, no answer",
    20: "Subscriber absent",
    21: "Call Rejected",
    26: "Answered elsewhere",
    27: "Destination out of order",
    34: "Circuit/channel congestion",
    38: "Network out of order",
    44: "Requested channel not available",
    58: "Bearer capability not available",
    127: "Interworking, unspecified",
}
# cause -> SIP answer to an unanswered caller, and back: a phone's answer -> cause (chan_pjsip's tables)
_SIP_OF_CAUSE = {1: 404, 3: 404, 17: 486, 18: 408, 19: 480, 20: 480, 21: 403, 27: 502, 28: 484, 34: 503, 42: 503}
_SIP_OF_CAUSE |= {16: 603, 41: 603, 44: 603, 38: 500, 127: 500, 58: 488}
_CAUSE_OF_SIP = {486: 17, 600: 17, 480: 19, 603: 21, 403: 21, 401: 21, 404: 1, 408: 18, 503: 34, 500: 38, 488: 58}


def sip_of_cause(cause: int) -> int:
    return _SIP_OF_CAUSE.get(cause, 603)


def cause_of_sip(code: int) -> int:
    return _CAUSE_OF_SIP.get(code, 127)


class FarEnd(Protocol):
    """Who sits at the other end of a channel. Calls come from the switch and must not block."""

    def heard_ringing(self) -> None: ...
    def heard_answer(self) -> None: ...
    def heard_prompt(self, sounds: str, asks: bool) -> None:
        """Early media: these sounds (joined by `&`) begin; asks: a digit is waited for."""

    def heard_end(self, cause: int, sip: int) -> None:
        """The switch ended it: `sip` is its final answer to an unanswered caller; 0: CANCEL or BYE."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a dialplan task waits for: something came in on the channel, or from a leg that it called.

    kind: digit, end, ringing, answer, refused, gone, refer (value: to whom).
    """

    kind: str
    leg: Channel | None = None
    value: str = ""
    code: int = 0


class Ended(Exception):
    """The channel was hung up; its dialplan ends here."""


class Channel:
    def __init__(self, name: str, unique_id: str, linked_id: str, state: int, born: float) -> None:
        self.name = name
        self.unique_id = unique_id
        self.linked_id = linked_id or unique_id
        self.state = state
        self.born = born
        self.endpoint = name.removeprefix("PJSIP/").rpartition("-")[0]
        self.context = "from-phones"
        self.exten = "s"
        self.priority = 1
        self.number = UNKNOWN
        self.title = UNKNOWN
        self.peer_number = UNKNOWN
        self.peer_title = UNKNOWN
        self.dialled = ""
        self.application = ""
        self.data = ""
        self.bridge = ""
        self.indicated = False  # rings or sounds: counts as in use
        self.variables: dict[str, str] = {}
        self.cause = 0
        self.sip = 0
        self.end_cause: int | None = None  # hang-up asked for, not yet done by the dialplan
        self.gone = False
        self.holds = False  # its far end has put the other one on hold
        self.on_hold = False  # it hears music for that reason
        self.far: FarEnd | None = None
        self.owner: Channel | None = None  # the channel that dialled this one
        self.frames: asyncio.Queue[Frame] = asyncio.Queue()

    # ---- what the dialplan does with it

    async def frame(self, timeout_s: float | None) -> Frame | None:
        """The next frame; None after `timeout_s`. Raises Ended when the channel was hung up."""
        if self.end_cause is not None:
            raise Ended
        try:
            async with asyncio.timeout(timeout_s):
                frame = await self.frames.get()
        except TimeoutError:
            return None
        if frame.kind == "end":
            raise Ended
        return frame

    def at(self, context: str, exten: str, priority: int, application: str = "", data: str = "") -> None:
        self.context, self.exten, self.priority = context, exten, priority
        self.application, self.data = application, data

    def ring_back(self) -> None:
        self.indicated = True
        if self.far is not None and self.state != UP:
            self.far.heard_ringing()

    def play(self, sounds: str, asks: bool = False) -> None:
        self.indicated = True
        if self.far is not None:
            self.far.heard_prompt(sounds, asks)

    def answer(self) -> None:
        if self.state != UP:
            self.state = UP
            if self.far is not None:
                self.far.heard_answer()

    # ---- what the far end, a manager or the other leg does to it

    def hang_up(self, cause: int) -> None:
        """Ask for the end. A dialled leg's end is its dialler's to see; any other channel's own dialplan ends."""
        if self.end_cause is not None or self.gone:
            return
        self.end_cause = cause
        if self.owner is not None:
            self.owner.frames.put_nowait(Frame("gone" if self.state == UP else "refused", self, code=cause))
        else:
            self.frames.put_nowait(Frame("end"))

    def digit(self, digit: str) -> None:
        self.frames.put_nowait(Frame("digit", value=digit))

    def far_ringing(self) -> None:
        if self.owner is not None and self.end_cause is None and self.state == DOWN:
            self.owner.frames.put_nowait(Frame("ringing", self))

    def far_answered(self) -> None:
        if self.owner is not None and self.end_cause is None and self.state != UP:
            self.owner.frames.put_nowait(Frame("answer", self))

    def far_refused(self, sip: int) -> None:
        if self.end_cause is None:
            self.sip = sip
            self.hang_up(cause_of_sip(sip))

    def far_refers(self, number: str) -> None:
        """REFER (RFC 3515) in a conversation: the other leg is put through to `number`, this one ends."""
        if self.owner is not None and self.end_cause is None and self.state == UP:
            self.end_cause = 16
            self.owner.frames.put_nowait(Frame("refer", self, value=number, code=16))

    def far_gone(self) -> None:
        """BYE, or the caller's CANCEL: then the cause is 127, or what the last try left behind."""
        if self.end_cause is None and self.state != UP and self.owner is None:
            self.sip = 487
            self.hang_up(self.cause or 127)
        else:
            self.hang_up(16)

    # ---- headers

    def headers(self, prefix: str = "") -> Headers:
        return [
            (prefix + "Channel", self.name),
            (prefix + "ChannelState", str(self.state)),
            (prefix + "ChannelStateDesc", _STATE_DESC[self.state]),
            (prefix + "CallerIDNum", self.number),
            (prefix + "CallerIDName", self.title),
            (prefix + "ConnectedLineNum", self.peer_number),
            (prefix + "ConnectedLineName", self.peer_title),
            (prefix + "Language", "en"),
            (prefix + "AccountCode", ""),
            (prefix + "Context", self.context),
            (prefix + "Exten", self.exten),
            (prefix + "Priority", str(self.priority)),
            (prefix + "Uniqueid", self.unique_id),
            (prefix + "Linkedid", self.linked_id),
            *((prefix + "ChanVariable", f"{name}={self.variables.get(name, '')}") for name in ("CR_CALL", "CR_TRY")),
        ]

    def hangup_headers(self) -> Headers:
        end: Headers = [("Cause", str(self.cause)), ("Cause-txt", _CAUSE_TEXT.get(self.cause, "Unknown"))]
        return [*self.headers(), *end, *([("TechCause", str(self.sip))] if self.sip else [])]

    def status_headers(self, variables: tuple[str, ...], now: float) -> Headers:
        """A row of `Status`."""
        return [
            *self.headers(),
            ("Type", "PJSIP"),
            ("DNID", self.dialled),
            ("EffectiveConnectedLineNum", self.peer_number),
            ("EffectiveConnectedLineName", self.peer_title),
            ("TimeToHangup", "0"),
            ("BridgeID", self.bridge),
            ("Application", self.application),
            ("Data", self.data),
            ("Nativeformats", "(alaw)"),
            ("Readformat", "alaw"),
            ("Readtrans", ""),
            ("Writeformat", "alaw"),
            ("Writetrans", ""),
            ("Callgroup", "0"),
            ("Pickupgroup", "0"),
            ("Seconds", str(max(0, int(now - self.born)))),
            *(("Variable", f"{name}={self.variables.get(name, '(null)')}") for name in variables),
        ]
