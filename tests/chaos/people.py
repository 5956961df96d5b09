"""Callers and agents as people: they come, lose patience, press keys, hang up at the worst moment, forget their phones.

What somebody will do is drawn in advance from a generator of his own, so that it does not depend on what happens to
others. They meet the router only as people do, by telephone.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from callrouter.sim.pbx import VirtualPbx
from callrouter.sim.people import Behaviour, PhoneCall, VirtualCaller, VirtualPhone
from tests.chaos.scene import UNKNOWN, Scene

PERSONS = 30
STAGES = ("ringing", "prompted", "offered", "rung", "talking")  # at which somebody may hang up in that instant
READY, PAUSE, DONE, LOGOUT = "*11", "*12", "*13", "*19"
ACCEPTED = 16  # how the switch ends a code that a living router was there for


@dataclass(frozen=True, slots=True)
class Will:
    """What one caller will do. leaves: hangs up so long after his call reached a stage."""

    at_s: float
    site: str
    number: str
    caller: str
    patience_s: float
    talk_s: float
    presses: tuple[tuple[float, str], ...]
    leaves: tuple[str, float] | None
    again_s: float | None


def wills(scene: Scene, rng: random.Random, until_s: float) -> list[Will]:
    """All callers of a world, in the order in which they come; some come together."""
    found = []
    at_s, mean_s = 2.0, rng.choice([1.5, 3.0, 6.0])
    while at_s < until_s:
        number = 1 if rng.random() < 0.95 else rng.randint(3, 8)
        for _ in range(number):
            found.append(_will(scene, rng, at_s))
            at_s += 0.02 * rng.random()
        at_s += rng.expovariate(1 / mean_s)
    return found


def number_of(person: int) -> str:
    """His telephone's."""
    return f"01711{person:06}"


def at_home(person: VirtualPhone, rng: random.Random) -> None:
    """He is rung back: he answers and hangs up when he is done, is engaged, or lets it ring."""

    def choose(_phone: VirtualPhone) -> Behaviour:
        luck = rng.random()
        if luck < 0.2:
            return Behaviour(answer_s=None if luck < 0.1 else 20.0)
        if luck < 0.3:
            return Behaviour(refuse=rng.choice([486, 603, 404, 503]))
        return Behaviour(answer_s=rng.uniform(0.0, 5.0))

    def talks(call: PhoneCall) -> None:
        asyncio.get_running_loop().call_later(rng.choice([0.0, rng.uniform(0.5, 15.0)]), call.hang_up)

    person.choose, person.on_answer = choose, talks


def _will(scene: Scene, rng: random.Random, at_s: float) -> Will:
    site, number = rng.choice(scene.numbers) if rng.random() < 0.98 else (scene.sites[0], UNKNOWN)
    caller = number_of(rng.randrange(PERSONS)) if rng.random() < 0.85 else ""
    patience_s = rng.choice([rng.uniform(0.0, 2.0), rng.expovariate(1 / 15.0), rng.uniform(5.0, 60.0), 90.0])
    talk_s = rng.choice([rng.uniform(0.0, 0.2), rng.expovariate(1 / 8.0), rng.uniform(3.0, 25.0)])
    keys = "1122345#*"
    presses = tuple((rng.uniform(0.0, 5.0), rng.choice(keys)) for _ in range(rng.choice([0, 1, 1, 2])))
    leaves = (rng.choice(STAGES), rng.choice([0.0, 0.001, 0.004, 0.03, 0.3])) if rng.random() < 0.15 else None
    again_s = rng.uniform(0.5, 20.0) if rng.random() < 0.3 else None
    return Will(at_s, site, number, caller, patience_s, talk_s, presses, leaves, again_s)


class Callers:
    """Dials for them and lets each do his will."""

    def __init__(
        self,
        sites: dict[str, VirtualPbx],
        note: Callable[[str], None],
        through: Callable[[VirtualCaller], None],
        pays: Callable[[VirtualCaller], None],
    ) -> None:
        """through, pays: told of everybody who got through to a switch, and whose call was answered."""
        self.sites = sites
        self.open = True
        self._note = note
        self._through = through
        self._pays = pays
        self._leaving: dict[str, tuple[str, float, VirtualCaller]] = {}

    def start(self, everybody: list[Will]) -> None:
        loop = asyncio.get_running_loop()
        for will in everybody:
            loop.call_at(will.at_s, self.dial, will)

    def dial(self, will: Will) -> None:
        if not self.open:
            return
        person = self.sites[will.site].call(will.number, will.caller)
        self._note(f"call {will.site} {will.number} {person.call or 'refused'}")
        if person.channel is None:
            return
        self._through(person)
        loop = asyncio.get_running_loop()
        if will.leaves is not None:
            self._leaving[person.call] = (*will.leaves, person)
        person.on_question = lambda who: self._asked(will, who)
        person.on_answer = lambda who: self._answered(will, who)
        person.on_end = lambda who: self._ended(will, who)
        loop.call_later(will.patience_s, self._give_up, person)

    def _answered(self, will: Will, person: VirtualCaller) -> None:
        self._pays(person)
        asyncio.get_running_loop().call_later(will.talk_s, person.hang_up)

    def reached(self, call: str, stage: str) -> None:
        """Of the truth: somebody may have waited for this to hang up."""
        wanted = self._leaving.get(call)
        if wanted is not None and wanted[0] == stage:
            del self._leaving[call]
            asyncio.get_running_loop().call_later(wanted[1], wanted[2].hang_up)

    def _asked(self, will: Will, person: VirtualCaller) -> None:
        for after_s, digit in will.presses:
            asyncio.get_running_loop().call_later(after_s, self._press, person, digit)

    @staticmethod
    def _press(person: VirtualCaller, digit: str) -> None:
        if person.state in ("dialling", "ringing"):
            person.press(digit)

    @staticmethod
    def _give_up(person: VirtualCaller) -> None:
        if person.state in ("dialling", "ringing"):
            person.hang_up()

    def _ended(self, will: Will, person: VirtualCaller) -> None:
        self._leaving.pop(person.call, None)
        if will.again_s is not None and person.answered_at is None:
            asyncio.get_running_loop().call_later(will.again_s, self.dial, will)


class Agent:
    """Somebody at a phone, with habits. wants: what he last asked for and heard confirmed; None: he does not know."""

    def __init__(
        self, site: VirtualPbx, number: str, others: tuple[str, ...], rng: random.Random, note: Callable[[str], None]
    ) -> None:
        """others: phones to which he may put callers through."""
        self._others = [other for other in others if other != number]
        self.phone = site.phone(number)
        self.id = f"{site.site}/{number}"
        self.site = site
        self.rng = rng
        self.open = True
        self.wants: str | None = None
        self.heard_at = self.ready_at = 0.0  # the latest confirmation; the latest of READY
        self.offered = 0
        self._note = note
        self._slow = rng.random() < 0.2
        self.phone.choose = self._choose
        self.phone.on_answer = self._picked_up

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(self.rng.uniform(0.0, 1.0), self.phone.register)
        loop.call_later(self.rng.uniform(1.5, 4.0), self.dial, READY)
        self._next()

    def settle(self) -> None:
        """No more whims: he only answers, and logs in if he is not."""
        self.open = False
        self.phone.register()

    def _next(self) -> None:
        asyncio.get_running_loop().call_later(self.rng.expovariate(1 / 20.0), self._whim)

    def _whim(self) -> None:
        if not self.open:
            return
        self._next()
        luck = self.rng.random()
        if self.phone.calls or not self.phone.is_registered:
            return
        if luck < 0.6:
            self.dial(READY)
        elif luck < 0.75 and self.wants == READY:
            self.dial(PAUSE)
        elif luck < 0.8:
            self.dial(LOGOUT)
        elif luck < 0.9:
            number = self.rng.choice([*self._others, "0123456"])
            self._note(f"{self.id} dials {number}")
            call = self.phone.dial(number)
            asyncio.get_running_loop().call_later(self.rng.uniform(0.5, 9.0), call.hang_up)

    def dial(self, code: str) -> None:
        if not self.phone.is_registered:
            return
        if self.phone.calls:
            asyncio.get_running_loop().call_later(2.0, self.dial, code)
            return
        self._note(f"{self.id} dials {code}")
        call = self.phone.dial(code)
        call.on_end = lambda ended: self._heard(code, ended)
        if code != DONE:
            self.wants = None

    def _heard(self, code: str, call: PhoneCall) -> None:
        if call.cause == ACCEPTED and code != DONE:
            self.wants, self.heard_at = code, asyncio.get_running_loop().time()
            self.ready_at = self.heard_at if code == READY else self.ready_at

    def _choose(self, _phone: VirtualPhone) -> Behaviour:
        self.offered += 1
        luck = self.rng.random()
        if not self.open:
            return Behaviour(answer_s=0.5)
        if luck < 0.05:
            return Behaviour()  # lets it ring
        if luck < 0.09:
            return Behaviour(refuse=self.rng.choice([486, 603, 480, 500]), refuse_s=self.rng.choice([0.0, 0.5, 3.0]))
        if luck < 0.11:
            return Behaviour(rings=False)
        return Behaviour(answer_s=self.rng.uniform(2.0, 11.0) if self._slow else self.rng.uniform(0.0, 2.5))

    def _picked_up(self, call: PhoneCall) -> None:
        loop, luck = asyncio.get_running_loop(), self.rng.random()
        if luck < 0.35:
            loop.call_later(self.rng.uniform(0.0, 12.0), call.hang_up)
        elif luck < (0.7 if self._lent(call) else 0.43) and self._others:
            loop.call_later(self.rng.uniform(0.0, 6.0), self._put_through, call, self.rng.choice(self._others))
        call.on_end = lambda _: loop.call_later(self.rng.uniform(0.1, 4.0), self._wrapped)

    def _lent(self, call: PhoneCall) -> bool:
        """Does he talk to another site's caller?"""
        owner = call.channel.owner if call.channel is not None else None
        return owner is not None and not owner.variables.get("CR_CALL", "").startswith(f"{self.site.site}-")

    def _put_through(self, call: PhoneCall, number: str) -> None:
        if call.state == "talking" and call.channel is not None and call.channel.owner is not None:
            self._note(f"{self.id} puts {call.channel.unique_id} through to {number}")
            call.transfer(number)

    def _wrapped(self) -> None:
        if self.open and self.rng.random() < 0.4 and not self.phone.calls:
            self.dial(DONE)
