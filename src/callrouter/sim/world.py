"""The people of the real centres at virtual Asterisks: callers with patience and redials, agents with habits.

Volumes are those of the service centres (2,650 calls a day at Magdeburg over ten hours, smaller partners). Everything
random comes from the generator that is passed in; everything timed follows the pace. It knows phones and numbers of
the plan and nothing of the router: it meets it only as callers and agents do.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from callrouter.core.calendar import is_open
from callrouter.core.events import AgentId
from callrouter.core.plan import CallbackRules, Hotline, Plan, Team
from callrouter.sim.pace import Pace
from callrouter.sim.pbx import VirtualPbx
from callrouter.sim.people import IGNORES, Behaviour, PhoneCall, VirtualCaller, VirtualPhone

CALLS_PER_DAY = {"magdeburg": 2650.0, "gera": 620.0, "gotha": 480.0, "aachen": 700.0}
CALLS_PER_AGENT = 25.0  # a day, at sites that are not named above
DAY_H = 10.0
MORNING = 1.5  # the late morning brings half as many again as the mean of the day

TALK_S, TALK_SPREAD = 270.0, 0.8  # mean and sigma of a lognormal
WRAP_UP_S = 32.0  # what a conversation costs besides
PATIENCE_S, PATIENCE_SPREAD = 150.0, 0.9
PICK_UP_S, PICK_UP_SPREAD = 4.0, 0.4
OCCUPIED = 0.65  # so busy are those on shift when the demo begins

NOT_AT_DESK = 0.02  # share of offers that nobody takes
DECLINED = 0.005
ENDED_BY_AGENT = 0.4
PUTS_ON_HOLD = 0.15
ON_HOLD_S = 25.0
WRAPS_EARLY = 0.35
PRESSES = 0.75  # of those who hear a menu; the others hold the line
REDIALS = 0.6
WANTS_CALLBACK = 0.6  # of those who are asked
NOT_REACHED = 0.25  # of those who are rung back
WITHHELD = 0.1  # share of callers who do not show their number
TRIES_MAX = 3

BURST_SITE = "gera"
BURST_AFTER_S = 2.0
BURST_OVER_S = 4.0
BURST_MORE_THAN_FREE = 6
BURST_EVERY_S = 1200.0
PAUSES_EVERY_S = 45.0
PAUSE_S = 300.0


def lognormal(rng: random.Random, mean: float, sigma: float) -> float:
    return rng.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma)


def remaining_talk(rng: random.Random) -> float:
    """What is left of a conversation that one comes upon: long ones are met more often, at any point of theirs."""
    met = rng.lognormvariate(math.log(TALK_S) + TALK_SPREAD**2 / 2, TALK_SPREAD)
    return max(5.0, rng.random() * met)


@dataclass(frozen=True, slots=True)
class Crew:
    """A team on this shift, and the calls meant for it. load: conversations and wrap-ups at once (Erlang)."""

    team: Team
    phones: tuple[VirtualPhone, ...]
    hotlines: tuple[Hotline, ...]
    calls_per_s: float
    load: float

    @property
    def begins_with(self) -> int:
        return min(round(self.load), len(self.phones) - 1)


class World:
    """`await open()` sets the scene (agents at their desks, conversations going on); `start()` lets the day go on."""

    def __init__(
        self,
        plan: Plan,
        sites: Mapping[str, VirtualPbx],
        pace: Pace,
        rng: random.Random,
        real: Collection[AgentId] = (),
    ) -> None:
        """real: seats that somebody sits at; nobody is played there."""
        self.plan = plan
        self.real = frozenset(real)
        self.sites = sites
        self.pace = pace
        self.rng = rng
        self._menus = {
            number.digits: "".join(digit for digit, _ in hotline.menu.options)
            for hotline in plan.hotlines
            if hotline.menu is not None
            for number in hotline.numbers
        }
        self._ring_back = {
            number.digits: (hotline.site, hotline.callback)
            for hotline in plan.hotlines
            if hotline.callback is not None
            for number in hotline.numbers
        }
        self.crews = tuple(crew for team in plan.teams if (crew := self._crew(team)) is not None)
        self.begun_with = 0
        self.calls = 0  # attempts, redials included
        self.redials = 0
        self.lost_patience = 0
        self.burst_calls = 0
        self.asked_for_callback = 0
        self._opening = True
        self._talks: dict[str, PhoneCall] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._callers: set[VirtualCaller] = set()
        self._closed = False
        for crew in self.crews:
            for phone in crew.phones:
                phone.choose = self._choose
                phone.on_answer = self._picked_up

    def _crew(self, team: Team) -> Crew | None:
        site = self.sites.get(team.site)
        agents = [agent for agent in self.plan.agents if agent.team == team.name]
        hotlines = tuple(hotline for hotline in self.plan.hotlines if hotline.teams[:1] == (team.name,))
        if site is None or not agents:
            return None
        of_site = sum(1 for agent in self.plan.agents if agent.site == team.site)
        daily = CALLS_PER_DAY.get(team.site, CALLS_PER_AGENT * of_site) * len(agents) / of_site if hotlines else 0.0
        calls_per_s = daily / (DAY_H * 3600) * MORNING
        load = calls_per_s * (TALK_S + WRAP_UP_S)
        on_shift = min(len(agents), max(2, math.ceil(load / OCCUPIED)))
        # from the whole list, so that skills of all groups of the team are on shift
        chosen = sorted(self.rng.sample(range(len(agents)), on_shift))
        phones = tuple(site.phone(agents[i].phone) for i in chosen if agents[i].id not in self.real)
        if not phones:
            return None
        return Crew(team, phones, hotlines, calls_per_s, load)

    # ---- life

    async def open(self, at_desks: Callable[[], bool], answered: Callable[[], bool]) -> None:
        """Agents log in by feature code until `at_desks()`; then as many callers as the hour brings until `answered()`.

        Neither is waited for longer than 10 s.
        """
        for site in self.sites.values():
            for phone in site.phones.values():
                phone.register()
        for crew in self.crews:
            for phone in crew.phones:
                self._dial_code(phone, "*11")
        await self._until(at_desks)
        for crew in self.crews:
            for _ in range(crew.begins_with if crew.hotlines else 0):
                self.begun_with += 1
                self._call(crew.team.site, self._number(crew), self._somebody(), remaining_talk(self.rng))
        await self._until(answered)
        self._opening = False

    async def _until(self, true: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + 10.0
        while not true() and loop.time() < end:
            await asyncio.sleep(0.02)

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        for crew in self.crews:
            if crew.calls_per_s > 0:
                self._tasks.append(loop.create_task(self._arrivals(crew)))
        self._tasks.append(loop.create_task(self._pauses()))
        self._tasks.append(loop.create_task(self._bursts()))

    async def close(self) -> None:
        """Nobody calls any more and nothing is scheduled; conversations are left as they are."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for result in results:
            if isinstance(result, Exception):
                raise result

    @property
    def callers(self) -> int:
        """On the line now, by the world's own count."""
        return len(self._callers)

    def _later(self, seconds: float, then: Callable[[], object]) -> None:
        def fire() -> None:
            self._timers.discard(handle)
            then()

        handle = self.pace.later(seconds, fire)
        self._timers.add(handle)

    # ---- callers

    async def _arrivals(self, crew: Crew) -> None:
        while True:
            await self.pace.sleep(self.rng.expovariate(crew.calls_per_s))
            self._call_now(crew)

    def _call_now(self, crew: Crew) -> None:
        open_now = [hotline for hotline in crew.hotlines if is_open(hotline.hours, self.pace())]
        if open_now or self.rng.random() < 0.05:  # few ring when it is closed
            self._call(crew.team.site, self._number(crew), self._somebody(), lognormal(self.rng, TALK_S, TALK_SPREAD))

    async def _bursts(self) -> None:
        crew = next((crew for crew in self.crews if crew.team.site == BURST_SITE and crew.hotlines), None)
        if crew is None:
            return
        await self.pace.sleep(BURST_AFTER_S)
        while True:
            free = sum(1 for phone in crew.phones if not phone.calls)
            number = free + BURST_MORE_THAN_FREE
            for _ in range(number):
                self.burst_calls += 1
                self._call_now(crew)
                await self.pace.sleep(self.rng.expovariate(number / BURST_OVER_S))
            await self.pace.sleep(lognormal(self.rng, BURST_EVERY_S, 0.4))

    def _number(self, crew: Crew) -> str:
        return self.rng.choice(self.rng.choice(crew.hotlines).numbers).digits

    def _somebody(self) -> str:
        """His number, or '' when he withholds it."""
        return "" if self.rng.random() < WITHHELD else f"0171{self.rng.randrange(10**7):07}"

    def _call(self, site: str, number: str, caller: str, talk_s: float, tries: int = 1) -> None:
        if self._closed:
            return
        self.calls += 1
        person = self.sites[site].call(number, caller)
        if person.state == "ended":
            return
        self._callers.add(person)
        person.on_question = self._asked
        person.on_answer = lambda who: self._later(talk_s, lambda: self._finish(who))
        person.on_end = lambda who: self._ended(site, who, talk_s, tries)
        patience = max(15.0, lognormal(self.rng, PATIENCE_S, PATIENCE_SPREAD))
        self._later(patience, lambda: self._give_up(person))

    def _asked(self, person: VirtualCaller) -> None:
        if person.number in self._ring_back and self._wants_callback(person, *self._ring_back[person.number]):
            return
        options = self._menus.get(person.number, "")
        if options and (self._opening or self.rng.random() < PRESSES):
            digit = self.rng.choice(options)
            seconds = 0.2 if self._opening else 1.0 + 3.0 * self.rng.random()
            self._later(seconds, lambda: person.press(digit))

    def _wants_callback(self, person: VirtualCaller, site: str, rules: CallbackRules) -> bool:
        """He is asked whether he wants to be rung back, or for his number. False: he is asked something else."""
        said = person.prompts[-1]
        number = person.caller or f"0171{self.rng.randrange(10**7):07}"
        if rules.say_offer and said.endswith(rules.say_offer):
            keys = rules.digit if self.rng.random() < WANTS_CALLBACK else ""
        elif rules.say_number and said.endswith((rules.say_number, rules.say_again)):
            keys = f"{number}#"
        else:
            return False
        if keys:
            self.asked_for_callback += keys == rules.digit
            party = self.sites[site].outside(number)
            party.choose = lambda _: self._at_home()
            party.on_answer = lambda call: self._later(lognormal(self.rng, TALK_S, TALK_SPREAD), call.hang_up)
        for place, key in enumerate(keys):
            self._later(1.0 + 0.3 * place, lambda key=key: person.press(key))  # type: ignore[misc]
        return True

    def _at_home(self) -> Behaviour:
        if self.rng.random() < NOT_REACHED:
            return IGNORES
        return Behaviour(answer_s=max(2.0, lognormal(self.rng, 2 * PICK_UP_S, PICK_UP_SPREAD)))

    def _is_promised(self, person: VirtualCaller) -> bool:
        _, rules = self._ring_back.get(person.number, ("", None))
        return rules is not None and any(said.endswith((rules.say_done, rules.say_known)) for said in person.prompts)

    def _give_up(self, person: VirtualCaller) -> None:
        if person.state in ("dialling", "ringing"):
            self.lost_patience += 1
            person.hang_up()

    def _finish(self, person: VirtualCaller) -> None:
        talk = self._talks.get(person.call)
        if talk is not None and self.rng.random() < ENDED_BY_AGENT:
            talk.hang_up()
        else:
            person.hang_up()

    def _ended(self, site: str, person: VirtualCaller, talk_s: float, tries: int) -> None:
        self._callers.discard(person)
        self._talks.pop(person.call, None)
        again = person.answered_at is None and not person.lost and not self._is_promised(person) and tries < TRIES_MAX
        if again and self.rng.random() < REDIALS:
            self.redials += 1
            wait = lognormal(self.rng, 60.0, 0.8)
            self._later(wait, lambda: self._call(site, person.number, person.caller, talk_s, tries + 1))

    # ---- agents

    def _choose(self, phone: VirtualPhone) -> Behaviour:
        if self._opening:
            return Behaviour(answer_s=0.3 + self.rng.random())
        luck = self.rng.random()
        if luck < NOT_AT_DESK:
            self._later(90.0 + self.rng.random() * 120.0, lambda: self._dial_code(phone, "*11"))
            return IGNORES
        if luck < NOT_AT_DESK + DECLINED:
            return Behaviour(refuse=603, refuse_s=2.0)
        return Behaviour(answer_s=max(1.5, lognormal(self.rng, PICK_UP_S, PICK_UP_SPREAD)))

    def _picked_up(self, call: PhoneCall) -> None:
        if call.channel is None:
            return
        about = call.channel.variables.get("CR_CALL", "").replace("-", "/", 1)
        self._talks[about] = call
        call.on_end = lambda _: self._hung_up(call, about)
        if self.rng.random() < PUTS_ON_HOLD:
            begins = 5.0 + self.rng.random() * TALK_S / 2
            self._later(begins, call.hold)
            self._later(begins + lognormal(self.rng, ON_HOLD_S, 0.6), lambda: call.hold(on=False))

    def _hung_up(self, call: PhoneCall, about: str) -> None:
        self._talks.pop(about, None)
        if self.rng.random() < WRAPS_EARLY:
            self._later(4.0 + self.rng.random() * 15.0, lambda: self._dial_code(call.phone, "*13"))

    async def _pauses(self) -> None:
        everybody = [phone for crew in self.crews for phone in crew.phones]
        while everybody:
            await self.pace.sleep(self.rng.expovariate(1 / PAUSES_EVERY_S))
            phone = self.rng.choice(everybody)
            if phone.calls:
                continue
            self._dial_code(phone, "*12")
            back = lognormal(self.rng, PAUSE_S, 0.5)
            self._later(back, lambda who=phone: self._dial_code(who, "*11"))  # type: ignore[misc]

    def _dial_code(self, phone: VirtualPhone, code: str) -> None:
        """Nobody listens to the confirmation for long; who is on the phone dials a little later."""
        if self._closed:
            return
        if phone.calls:
            self._later(20.0, lambda: self._dial_code(phone, code))
            return
        call = phone.dial(code)
        self._later(1.0, call.hang_up)
