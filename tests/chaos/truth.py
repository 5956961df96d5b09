"""What really happened to each call, as the virtual Asterisks tell it at its source, before any network can spoil it.

Times are the world's seconds. It listens to all sites and shares nothing with the router: no translation, no books.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from callrouter.sim.channels import Headers
from callrouter.sim.pbx import VirtualPbx
from callrouter.sim.people import VirtualCaller

# where a call may stand when something breaks
STAGES = (
    "arrived", "waiting", "prompted", "offered", "rung", "answered", "talking", "transferred", "returning", "releasing",
    "failsafe", "ended",
)  # fmt: skip
CROSSES_S = 0.2  # an order may be on its way when the call ends
LIVE = tuple(stage for stage in STAGES if stage not in ("answered", "ended"))


@dataclass
class Leg:
    """One phone that was called for a caller. at: its site."""

    phone: str
    at: str
    began: float
    rang: float | None = None
    answered: float | None = None
    ended: float | None = None
    left: float | None = None  # the person hung up, or put the caller through: over a trunk the leg lasts longer


@dataclass
class TrueCall:
    """One caller's call. ends: who ended it: caller, agent, switch, site (it died)."""

    id: str
    site: str
    number: str
    caller: str
    arrived: float
    stage: str = "arrived"
    since: float = 0.0
    legs: list[Leg] = field(default_factory=list)
    answered: float | None = None  # the caller heard somebody
    by: Leg | None = None
    failsafe: bool = False
    obeyed: list[tuple[str, str, float]] = field(default_factory=list)  # (verb, epoch, when) of orders that took effect
    released: int | None = None  # the cause that an order said
    crossed: bool = False  # such an order came when he had just hung up
    ended: float | None = None
    cause: int = 0
    ends: str = ""
    person: VirtualCaller | None = None

    @property
    def agent(self) -> str:
        return f"{self.by.at}/{self.by.phone}" if self.by is not None else ""


@dataclass
class TrueOut:
    """A call of ours to somebody who is to be rung back; it is the agent's channel."""

    id: str
    site: str
    began: float
    answered: float | None = None  # the person who is rung has
    ended: float | None = None

    @property
    def callback(self) -> str:
        return self.id.rpartition(".")[0].replace("/cb", "/")


class Truth:
    """on_stage(call, stage) is told of each step. Bounded by what one world does."""

    def __init__(self, clock: Callable[[], float], on_stage: Callable[[TrueCall, str], None]) -> None:
        self.calls: dict[str, TrueCall] = {}
        self.outs: dict[str, TrueOut] = {}
        self.talks: dict[str, list[str]] = {}  # agent -> ids of calls in which he rings or talks now
        self.faults: list[str] = []  # what must never be seen, whatever breaks
        self._clock = clock
        self._on_stage = on_stage
        self._legs: dict[str, tuple[TrueCall, Leg]] = {}
        self._lent: dict[str, tuple[TrueCall, Leg]] = {}  # the phone's own leg, at the lender's

    def watch(self, site: VirtualPbx) -> None:
        site.on_event = lambda name, headers: self._event(site.site, name, _plain(headers))

    def dialled(self, person: VirtualCaller) -> None:
        """A caller got through: his call's end is told by him, since a site that dies says nothing."""
        call = self.calls.get(person.call)
        if call is not None:
            call.person = person

    def pays(self, person: VirtualCaller) -> None:
        """His call was answered: from now on it costs him money."""
        call = self.calls.get(person.call)
        if call is not None and call.answered is None:
            self.faults.append(f"{call.id} is answered and nobody talks to him")

    def site_died(self, site: str) -> None:
        for call in self.calls.values():
            if call.ended is None and call.site == site:
                self._end(call, 0, "site")
        for call in self.calls.values():
            for leg in call.legs:
                if leg.at == site and leg.ended is None and call.site == site:
                    leg.ended = self._clock()
                elif leg.at == site and call.by is leg and leg.ended is None and leg.left is None:
                    self._left(call, leg)  # over a trunk the caller hears nothing, and may not notice
        for out in self.outs.values():
            if out.ended is None and out.site == site:
                out.ended = self._clock()

    @property
    def live(self) -> list[TrueCall]:
        return [call for call in self.calls.values() if call.ended is None]

    # ---- what the switches say

    def _event(self, site: str, name: str, m: dict[str, str]) -> None:
        if name == "UserEvent":
            self._user(site, m)
        elif name in ("DialBegin", "DialEnd"):
            self._dial(site, name, m)
        elif name == "Hangup":
            self._hangup(m)
        elif name == "DeviceStateChange" and m["State"] in ("RINGING", "RINGINUSE"):
            self._ringing(site, m["Device"].removeprefix("PJSIP/"))

    def _user(self, site: str, m: dict[str, str]) -> None:
        uid = m.get("Call", "")
        call = self.calls.get(uid.replace("-", "/", 1))
        match m["UserEvent"]:
            case "CrOffered":
                call = TrueCall(uid.replace("-", "/", 1), site, m["Did"], m["Cli"], self._clock())
                assert call.id not in self.calls, f"the switch gave the id {call.id} twice"
                self.calls[call.id] = call
                self._on_stage(call, "arrived")
            case "CrHold" if call is not None:
                if m["State"] == "Up" and call.by is None:
                    self.faults.append(f"{call.id} pays though nobody talks to him")
                self._to(call, "waiting")
            case "CrTried" if call is not None:
                self._to(call, "returning")
            case "CrFailsafe" if call is not None:
                call.failsafe = True
                self._to(call, "failsafe")
            case "CrMenu" if call is not None:
                self._to(call, "returning")
            case _:
                pass

    def _dial(self, site: str, name: str, m: dict[str, str]) -> None:
        if "Uniqueid" not in m:  # ordered by a manager
            if name == "DialBegin" and "-cb" in m["DestUniqueid"]:
                out = TrueOut(m["DestUniqueid"].replace("-", "/", 1), site, self._clock())
                self.outs[out.id] = out
            return
        rung_back = self.outs.get(m["Uniqueid"].replace("-", "/", 1))
        if rung_back is not None and name == "DialEnd" and m["DialStatus"] == "ANSWER":
            rung_back.answered = self._clock()
        call = self.calls.get(m["Uniqueid"].replace("-", "/", 1))
        if call is None:
            if name == "DialBegin" and m["Context"] == "callrouter-site":
                self._rings_there(site, m)
            return
        if not m["Context"].startswith("callrouter-"):  # put through: no phone of ours any more
            if name == "DialBegin":
                self._to(call, "transferred")
            return
        if name == "DialBegin":
            phone, _, at = m["DialString"].partition("@")
            leg = Leg(phone, at or site, self._clock())
            call.legs.append(leg)
            self._legs[m["DestUniqueid"]] = call, leg
            if not call.failsafe:
                self._busy(leg, call)
                self._to(call, "offered")
            return
        leg = self._legs[m["DestUniqueid"]][1]
        if m["DialStatus"] == "ANSWER":
            leg.answered = self._clock()
            if call.by is not None and call.by.ended is None:
                self.faults.append(f"{call.id} has two agents: {call.agent} and {leg.at}/{leg.phone}")
            call.by, call.answered = leg, self._clock()
            self._on_stage(call, "answered")
            self._to(call, "failsafe" if call.failsafe else "talking")
        else:
            self._free(leg, call)

    def _rings_there(self, site: str, m: dict[str, str]) -> None:
        """At the lender's: the phone of a leg that is a trunk's at the caller's site."""
        call = self.calls.get(m["CR_CALL"].replace("-", "/", 1))
        if call is not None:
            for leg in call.legs:
                if (leg.at, leg.phone, leg.ended) == (site, m["DialString"], None):
                    self._lent[m["DestUniqueid"]] = call, leg

    def _busy(self, leg: Leg, call: TrueCall) -> None:
        """An order rings this agent."""
        others = self.talks.setdefault(f"{leg.at}/{leg.phone}", [])
        if others:
            self._on_stage(call, "doubled")
        others.append(call.id)

    def _free(self, leg: Leg, call: TrueCall) -> None:
        if leg.ended is None:
            leg.ended = self._clock()
            leg.left = leg.left if leg.left is not None else leg.ended
            others = self.talks.get(f"{leg.at}/{leg.phone}", [])
            if call.id in others:
                others.remove(call.id)

    def _left(self, call: TrueCall, leg: Leg) -> None:
        """He is free; the trunk, and the caller, may stay for somebody else."""
        leg.left = self._clock()
        others = self.talks.get(f"{leg.at}/{leg.phone}", [])
        if call.id in others:
            others.remove(call.id)
        if call.by is leg:
            self._to(call, "transferred")

    def _ringing(self, site: str, phone: str) -> None:
        for call in self.live:
            for leg in call.legs:
                if (leg.at, leg.phone, leg.rang, leg.ended) == (site, phone, None, None):
                    leg.rang = self._clock()
                    if not call.failsafe:
                        self._to(call, "rung")

    def _hangup(self, m: dict[str, str]) -> None:
        if m["Uniqueid"] in self._lent:
            self._left(*self._lent.pop(m["Uniqueid"]))
            return
        known = self._legs.pop(m["Uniqueid"], None)
        if known is not None:
            self._free(known[1], known[0])
            return
        out = self.outs.get(m["Uniqueid"].replace("-", "/", 1))
        if out is not None and out.ended is None:
            out.ended = self._clock()
        call = self.calls.get(m["Uniqueid"].replace("-", "/", 1))
        if call is not None and call.ended is None:
            self._end(call, int(m["Cause"]), "")

    def _end(self, call: TrueCall, cause: int, ends: str) -> None:
        call.ended, call.cause = self._clock(), cause
        for leg in call.legs:
            self._free(leg, call)
        call.ends = ends or ("switch" if call.released is not None and call.answered is None else "somebody")
        call.stage = "ended"
        self._on_stage(call, "ended")

    def _to(self, call: TrueCall, stage: str) -> None:
        if call.ended is None and call.stage != stage:
            call.stage, call.since = stage, self._clock()
            self._on_stage(call, stage)

    # ---- orders, as the switch took them

    def ordered(self, uid: str, value: str, now_in_force: str) -> None:
        """`CR_CMD` was set on a caller's channel to this value while that epoch was in force."""
        call = self.calls.get(uid.replace("-", "/", 1))
        parts = value.split("_")
        if call is None or len(parts) < 3 or parts[0] != now_in_force:
            return
        ends = parts[1] == "release" or (parts[1] == "say" and parts[3] != "0")
        if call.ended is not None:
            call.crossed = call.crossed or (ends and self._clock() - call.ended < CROSSES_S)
            return
        call.obeyed.append((parts[1], parts[0], self._clock()))
        self._on_stage(call, "ordered")
        if ends:
            call.released = int(parts[-1])
            self._to(call, "releasing")
        elif parts[1] in ("ask", "say"):
            self._to(call, "prompted")


def _plain(headers: Headers) -> dict[str, str]:
    """By name; the channel's variables (`ChanVariable` comes once for each) by theirs."""
    variables = (value.partition("=") for name, value in headers if name == "ChanVariable")
    return {**dict(headers), **{name: value for name, _, value in variables}}
