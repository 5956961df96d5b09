"""`Dial` of the virtual Asterisk: calls one or several legs for a channel, as app_dial of Asterisk 22 does.

It knows channels and their far ends, and tells the manager's listeners what it does (DialBegin, DialEnd, Hangup). It
knows neither orders nor routers: that is `dialplan.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from callrouter.sim.channels import DOWN, RINGING, UP, Channel, Ended, Headers
from callrouter.sim.pace import Pace

ELSEWHERE = 26
STOP = "C"  # the bell that ends ringing


class Switch(Protocol):
    """What `Dial` and the dialplan need of the Asterisk they run in."""

    site: str
    pace: Pace

    def leg(self, owner: Channel, target: str) -> Channel | None:
        """A new channel to `phone` or `phone@site`; None: no such endpoint, or it has no contact (cause 3)."""

    def invite(self, leg: Channel) -> None: ...
    def finish(self, channel: Channel) -> None:
        """Emit its Hangup and forget it."""

    def emit(self, name: str, privilege: str, headers: Headers) -> None: ...
    def device_changed(self, endpoint: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Dialled:
    """DIALSTATUS; how long a phone rang, by the clock of the pace (None: none did); bell: the digit ended it.

    refer: who answered has put the channel through to this number and is gone.
    """

    status: str
    ring_ms: int | None = None
    bell: bool = False
    refer: str = ""


class _Dial:
    def __init__(self, switch: Switch, channel: Channel) -> None:
        self.switch = switch
        self.channel = channel
        self.loop = asyncio.get_running_loop()
        self.legs: list[Channel] = []
        self.asked = self.busy = self.congested = self.unavailable = 0
        self.rang_at: float | None = None

    # ---- one leg

    def begin(self, targets: Iterable[str]) -> None:
        made: list[tuple[Channel, str]] = []
        for target in targets:
            self.asked += 1
            leg = self.switch.leg(self.channel, target)
            if leg is None:
                self.count(3)
            else:
                made.append((leg, target))
        for leg, target in made:
            leg.exten = self.channel.exten
            if leg.number == "<unknown>":
                leg.number = self.channel.exten
            leg.peer_number, leg.peer_title = self.channel.number, self.channel.title
            self.legs.append(leg)
            self.report("DialBegin", leg, ("DialString", target))
            self.switch.invite(leg)

    def report(self, name: str, leg: Channel, last: tuple[str, str]) -> None:
        self.switch.emit(name, "call,all", [*self.channel.headers(), *leg.headers("Dest"), last])

    def count(self, cause: int) -> None:
        """app_dial's handle_cause: 'no answer' (19) and 'normal clearing' count for nothing."""
        self.channel.cause = cause
        if cause == 17:
            self.busy += 1
        elif cause == 34:
            self.congested += 1
        elif cause not in (16, 19):
            self.unavailable += 1

    def lost(self, leg: Channel, cause: int) -> None:
        """A leg said no, or was hung up by a manager."""
        words = {17: "BUSY", 34: "CONGESTION", 3: "CHANUNAVAIL"}
        self.report("DialEnd", leg, ("DialStatus", words.get(cause, "NOANSWER")))
        self.count(cause)
        self.drop(leg, cause)

    def drop(self, leg: Channel, cause: int) -> None:
        if leg in self.legs:
            self.legs.remove(leg)
        leg.cause = cause
        leg.bridge = ""
        self.switch.finish(leg)

    def drop_all(self, status: str, cause: int, sip: int = 0) -> None:
        legs = tuple(self.legs)
        for leg in legs:
            self.report("DialEnd", leg, ("DialStatus", status))
        for leg in legs:
            leg.sip = leg.sip or sip
            self.drop(leg, cause)

    # ---- the whole

    async def ring(self, ring_s: float | None, listen: bool) -> Dialled | Channel:
        """Until a leg answers (then that leg), all have refused, the time is over, or the bell."""
        end = None if ring_s is None else self.loop.time() + ring_s / self.switch.pace.rate
        while self.legs:
            frame = await self.channel.frame(None if end is None else max(0.0, end - self.loop.time()))
            if frame is None:
                self.drop_all("NOANSWER", 0)
                return Dialled("NOANSWER", self.rung())
            if frame.kind == "digit" and frame.value == STOP and listen:
                self.drop_all("CANCEL", 0)
                return Dialled("CANCEL", self.rung(), bell=True)
            leg = frame.leg
            if leg is None or leg not in self.legs:
                continue
            if frame.kind == "ringing" and leg.state == DOWN:
                self.rings(leg)
            elif frame.kind == "answer":
                return leg
            elif frame.kind in ("refused", "gone"):
                self.lost(leg, frame.code)
        if self.asked != self.busy + self.congested + self.unavailable:
            return Dialled("NOANSWER", self.rung())
        status = "BUSY" if self.busy else "CONGESTION" if self.congested else "CHANUNAVAIL"
        return Dialled(status, self.rung())

    def rung(self) -> int | None:
        if self.rang_at is None:
            return None
        return int((self.loop.time() - self.rang_at) * self.switch.pace.rate * 1000)

    def rings(self, leg: Channel) -> None:
        leg.state = RINGING
        if self.rang_at is None:
            self.rang_at = self.loop.time()
        self.channel.peer_number, self.channel.peer_title = leg.number, leg.title
        self.channel.ring_back()
        self.switch.device_changed(leg.endpoint)
        self.switch.device_changed(self.channel.endpoint)

    async def talk(self, leg: Channel) -> Dialled:
        losers = [other for other in self.legs if other is not leg]
        for other in losers:
            self.report("DialEnd", other, ("DialStatus", "CANCEL"))
        leg.state = UP
        self.report("DialEnd", leg, ("DialStatus", "ANSWER"))
        self.channel.peer_number, self.channel.peer_title = leg.number, leg.title
        leg.exten, leg.bridge = "", str(uuid4())
        self.channel.bridge = leg.bridge
        for other in losers:
            self.drop(other, ELSEWHERE)
        self.channel.answer()
        self.switch.device_changed(leg.endpoint)
        self.switch.device_changed(self.channel.endpoint)
        while True:
            frame = await self.channel.frame(None)
            assert frame is not None
            if frame.kind in ("gone", "refused", "refer") and frame.leg is leg:
                break
        self.channel.bridge = ""
        self.channel.cause = frame.code
        self.drop(leg, frame.code)
        return Dialled("ANSWER", self.rung(), refer=frame.value)


async def dial(
    switch: Switch, channel: Channel, targets: Iterable[str], ring_s: float | None, *, listen: bool = False
) -> Dialled:
    """Ring `targets` at once for `channel` and, when one answers, connect them until one of the two hangs up.

    ring_s runs at the pace of the people. Raises Ended (all legs are gone then) when the caller hangs up.
    """
    attempt = _Dial(switch, channel)
    attempt.begin(targets)
    try:
        outcome = await attempt.ring(ring_s, listen)
        return await attempt.talk(outcome) if isinstance(outcome, Channel) else outcome
    except Ended:
        cause = channel.end_cause or 0
        if channel.bridge:
            for leg in tuple(attempt.legs):
                attempt.drop(leg, cause)
            channel.bridge = ""
        else:
            attempt.drop_all("CANCEL", cause, sip=500 if cause == 127 else 0)
        raise
