"""The far ends of the virtual Asterisk's channels: callers, agents' phones, and outside parties that phones call.

They do what a person with a telephone does (let it ring, answer, decline, hang up) after times that follow the pace.
They know nothing of dialplan, manager or routing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from callrouter.sim.channels import Channel
from callrouter.sim.pace import Pace

WIRE_S = 0.002  # one message on the wire, at any pace
BUSY, DECLINED, UNAVAILABLE = 486, 603, 480


def wire(then: Callable[[], object]) -> None:
    asyncio.get_running_loop().call_later(WIRE_S, then)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a phone does with a call.

    answer_s: picks up after so long (None: lets it ring). refuse: a SIP answer given instead, after `refuse_s` of
    ringing (0: at once). rings: False says nothing at all, not even 180. talk_s: hangs up so long after answering.
    second: takes a second call while in one (a real switch offers it); otherwise 486. talks: answers when it is asked
    to by `Event: talk`.
    """

    answer_s: float | None = None
    talk_s: float | None = None
    refuse: int = 0
    refuse_s: float = 0.0
    rings: bool = True
    second: bool = False
    talks: bool = True


ANSWERS = Behaviour(answer_s=0.0)
IGNORES = Behaviour()
SILENT = Behaviour(rings=False)


class Watched:
    """A state that tests and the world can wait for."""

    def __init__(self, state: str) -> None:
        self.state = state
        self._waiting: list[tuple[frozenset[str], asyncio.Future[None]]] = []

    def become(self, state: str) -> None:
        if self.state in (state, "ended"):
            return
        self.state = state
        for wanted, future in self._waiting:
            if state in wanted and not future.done():
                future.set_result(None)

    async def until(self, *states: str, timeout_s: float = 10.0) -> None:
        """Until the state is (or passes through) one of these. Raises TimeoutError; seconds are real."""
        if self.state in states:
            return
        entry = (frozenset(states), asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(timeout_s):
                await entry[1]
        except TimeoutError:
            raise TimeoutError(f"wanted {' or '.join(states)}, still {self.state} after {timeout_s} s") from None
        finally:
            self._waiting.remove(entry)


class VirtualCaller(Watched):
    """A caller on the site's carrier line. state: dialling, ringing, talking, ended.

    cause and sip say how it ended: sip is the switch's answer to an unanswered call (486: busy), 487: the caller
    cancelled, 0: after a conversation. answered_at, ended_at: by the clock of the pace. `lost`: the site died.
    """

    def __init__(self, channel: Channel | None, number: str, caller: str, pace: Pace) -> None:
        super().__init__("dialling")
        self.channel = channel
        self.number = number
        self.caller = caller
        self.call = channel.unique_id.replace("-", "/", 1) if channel is not None else ""
        self.heard: list[str] = []
        self.prompts: list[str] = []  # sounds, joined by `&`, one entry for each time that something was said
        self.cause = 0
        self.sip = 0
        self.lost = False
        self.began_at = pace()
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.on_answer: Callable[[VirtualCaller], None] | None = None
        self.on_end: Callable[[VirtualCaller], None] | None = None
        self.on_question: Callable[[VirtualCaller], None] | None = None  # a menu begins
        self._pace = pace

    @property
    def talked_to(self) -> str:
        """The phone (as the site's trunk or endpoint names it) that this caller hears."""
        return self.channel.peer_number if self.channel is not None and self.answered_at is not None else ""

    def hang_up(self) -> None:
        if self.channel is not None and self.state != "ended":
            channel = self.channel
            wire(channel.far_gone)

    def press(self, digit: str) -> None:
        if self.channel is not None:
            self.channel.digit(digit)

    def heard_ringing(self) -> None:
        self.heard.append("ringing")
        if self.state == "dialling":
            self.become("ringing")

    def heard_prompt(self, sounds: str, asks: bool) -> None:
        self.heard.append("early media")
        self.prompts.append(sounds)
        if asks and self.on_question is not None:
            self.on_question(self)

    def heard_answer(self) -> None:
        self.heard.append("answered")
        self.answered_at = self._pace()
        self.become("talking")
        if self.on_answer is not None:
            self.on_answer(self)

    def heard_end(self, cause: int, sip: int) -> None:
        if self.state == "ended":
            return
        self.cause, self.sip = cause, sip
        self.ended_at = self._pace()
        self.heard.append(f"ended {sip or cause}")
        self.become("ended")
        if self.on_end is not None:
            self.on_end(self)

    def site_died(self) -> None:
        self.lost = True
        self.heard_end(0, 0)


class Line(Protocol):
    """What a phone needs of its site."""

    pace: Pace

    def registered(self, phone: VirtualPhone) -> None: ...
    def unregistered(self, phone: VirtualPhone) -> None: ...
    def dial_out(self, phone: VirtualPhone, number: str) -> PhoneCall: ...
    def put_on_hold(self, channel: Channel, on: bool) -> None: ...


class PhoneCall(Watched):
    """One call of a phone. state: ringing (incoming), dialling, alerting (outgoing), talking, ended."""

    def __init__(self, phone: VirtualPhone, channel: Channel | None, state: str) -> None:
        super().__init__(state)
        self.phone = phone
        self.channel = channel
        self.sip = 0
        self.cause = 0
        self.talk_s = phone.behaviour.talk_s
        self.on_end: Callable[[PhoneCall], None] | None = None

    def answer(self) -> None:
        if self.state != "ringing" or self.channel is None:
            return
        self.become("talking")
        wire(self.channel.far_answered)
        if self.phone.on_answer is not None:
            self.phone.on_answer(self)
        if self.talk_s is not None:
            self.phone.pace.later(self.talk_s, self.hang_up)

    def notified(self, event: str) -> None:
        """A NOTIFY inside the call's dialog."""
        if event == "talk" and self.phone.behaviour.talks:
            wire(self.answer)

    def refuse(self, sip: int = DECLINED) -> None:
        if self.state == "ringing" and self.channel is not None:
            channel = self.channel
            wire(lambda: channel.far_refused(sip))
            self.heard_end(0, sip)

    def hold(self, on: bool = True) -> None:
        """Put the other end on hold, or take it back."""
        if self.state == "talking" and self.channel is not None:
            channel = self.channel
            wire(lambda: self.phone.line.put_on_hold(channel, on))

    def transfer(self, number: str) -> None:
        """Put the caller through to another phone, unseen, and hang up."""
        if self.state == "talking" and self.channel is not None:
            channel = self.channel
            wire(lambda: channel.far_refers(number))
            self.heard_end(16, 0)

    def hang_up(self) -> None:
        if self.state != "ended" and self.channel is not None:
            wire(self.channel.far_gone)
            self.heard_end(16, 0)

    def heard_ringing(self) -> None:
        if self.state == "dialling":
            self.become("alerting")

    def heard_answer(self) -> None:
        self.become("talking")

    def heard_prompt(self, sounds: str, asks: bool) -> None:
        """The confirmation of a feature code."""

    def heard_end(self, cause: int, sip: int) -> None:
        if self.state == "ended":
            return
        self.cause, self.sip = cause, sip
        self.become("ended")
        if self in self.phone.calls:
            self.phone.calls.remove(self)
        if self.on_end is not None:
            self.on_end(self)


class VirtualPhone:
    """An agent's phone. `behaviour` may be changed at any time; `choose` overrides it per call."""

    def __init__(self, name: str, line: Line) -> None:
        self.name = name
        self.is_registered = False
        self.behaviour = IGNORES
        self.choose: Callable[[VirtualPhone], Behaviour] | None = None
        self.on_answer: Callable[[PhoneCall], None] | None = None
        self.calls: list[PhoneCall] = []
        self.line = line

    @property
    def pace(self) -> Pace:
        return self.line.pace

    def register(self) -> None:
        if not self.is_registered:
            self.is_registered = True
            self.line.registered(self)

    def unregister(self) -> None:
        if self.is_registered:
            self.is_registered = False
            self.line.unregistered(self)

    def dial(self, number: str) -> PhoneCall:
        """Dial a feature code, another phone of the site, or (first digit 0) the world."""
        return self.line.dial_out(self, number)

    def hang_up(self) -> None:
        for call in tuple(self.calls):
            call.hang_up()

    def invited(self, channel: Channel) -> PhoneCall:
        """The switch calls. Answers come a moment later, as from the wire."""
        behaviour = self.choose(self) if self.choose is not None else self.behaviour
        call = PhoneCall(self, channel, "ringing")
        call.talk_s = behaviour.talk_s
        if self.calls and not behaviour.second:
            call.refuse(BUSY)
            return call
        self.calls.append(call)
        if not behaviour.rings:
            return call
        if behaviour.refuse and not behaviour.refuse_s:
            call.refuse(behaviour.refuse)
            return call
        wire(channel.far_ringing)
        if behaviour.refuse:
            self.pace.later(behaviour.refuse_s + 2 * WIRE_S * self.pace.rate, lambda: call.refuse(behaviour.refuse))
        elif behaviour.answer_s is not None:
            self.pace.later(behaviour.answer_s + 2 * WIRE_S * self.pace.rate, call.answer)
        return call
