"""A seeded world: real routers on machines that break, virtual Asterisks, people, and a network between them.

`World(seed, faults).run()` lives through it in virtual time: faults first, then a quiet time in which all must be well
again, then everybody goes home. What must hold is `judge.py`'s to say. Same seed and faults, same trace to the byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from callrouter.sim.manager import ROUTER_READ, ROUTER_WRITE, Request, Session, User
from callrouter.sim.pace import Pace
from callrouter.sim.pbx import VirtualPbx, join
from callrouter.sim.trunks import Trunk
from tests.chaos import database, faults, people, scene
from tests.chaos.faults import KINDS, Fault
from tests.chaos.judge import Judge
from tests.chaos.loop import VirtualLoop
from tests.chaos.machine import Machine
from tests.chaos.mangle import Mangler
from tests.chaos.network import Network, Route
from tests.chaos.people import Agent, Callers
from tests.chaos.scene import SECRET, SITES, START
from tests.chaos.supervisor import Supervisor
from tests.chaos.truth import TrueCall, Truth
from tests.chaos.weather import Weather

FAULTS_END_S = 120.0
PEOPLE_END_S = 170.0
HOME_S = 400.0  # by then everybody must have gone
QUIET_S = 8.0
LOOK_S = 0.2
# the number of the real process; the plan's version, which counts the path of the real folder
_OURS = re.compile(rb'"run":"[^"]*"|"version":"[0-9a-f]{12}"|\'plan\': \'[0-9a-f]{12}\'')


class World:
    def __init__(self, seed: str, pair: tuple[str, str] | None, folder: Path, schedule: Sequence[Fault] | None) -> None:
        """schedule: instead of the one that the seed draws."""
        self.seed = seed
        database.WEATHER = database.Weather()
        database.WEATHER.rng = self.rng("database")
        threads = self.rng("threads")
        self.loop = VirtualLoop(lambda: 0.003 * threads.random() ** 4, lambda: not database.WEATHER.writers)
        network = self.rng("network")
        split, usual_s = network.choice([0.0, 0.05, 0.5]), network.choice([5e-4, 5e-4, 5e-3, 5e-2])
        self.network = Network(self.loop, network, split, usual_s)
        self.folder = folder
        self.scene = scene.draw(self.rng("scene"), f"sqlite+aiosqlite:///{folder}/records.db")
        drawn = faults.draw(self.rng("faults"), self.scene, pair)
        self.schedule = drawn if schedule is None else list(schedule)
        self.trace: list[str] = []
        self.digest = hashlib.sha256()
        self.problems: list[str] = []
        self._unwritten: list[tuple[float, float]] = []  # when journals could not be written, or were not synced
        self.segments: list[Path] = []  # of journals, as they were begun
        self.clocks_set_s = 0.0  # in all, ahead or back
        self.struck: Counter[tuple[str, str]] = Counter()  # (kind, stage of a live call when it struck)
        self.kinds: Counter[str] = Counter()
        self.fired: Counter[tuple[str, str]] = Counter()  # (kind, stage that a call reached, which made it strike)
        self.truth = Truth(self.loop.time, self._stage)
        self.supervisor = Supervisor(self.note)
        self.config = folder / "config"
        self.machines = {name: Machine(self, name, folder / name, self.config) for name in ("one", "two")}
        self.weather = Weather(self.loop.time, self.scene.sites, self.machines, self.broke)
        self.judge = Judge(self)
        self.sites: dict[str, VirtualPbx] = {}
        self.manglers: dict[str, Mangler] = {}
        self.agents: list[Agent] = []
        self._down: Counter[str] = Counter()
        self._waiting: list[tuple[Fault, list[int]]] = []
        self._active: list[Fault] = []
        self._extra = self.rng("extra")

    def rng(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}/{name}")

    # ---- what others tell

    def note(self, text: str) -> None:
        line = f"{self.loop.time():.6f} {text}"
        self.digest.update(_OURS.sub(b"", line.encode()))
        self.trace.append(line)

    def wrote(self, machine: Machine, data: bytes) -> None:
        """A machine's journal."""
        self.digest.update(_OURS.sub(b"", data))
        for line in data.decode("utf-8", "replace").splitlines():
            self.trace.append(f"{self.loop.time():.6f} {machine.name} journal {_shortened(line)}")

    def began(self, machine: Machine) -> None:
        self.judge.watch(machine)

    def broke(self, text: str) -> None:
        """Something that must never be."""
        self.note(f"BROKEN {text}")
        if len(self.problems) < 50:
            self.problems.append(f"{self.loop.time():.3f} {text}")

    def loses_lines(self, start: float, end: float) -> None:
        """Of what happens between these, lines may be missing in a journal."""
        self._unwritten.append((start, end))

    def lost_lines(self, start: float, end: float) -> bool:
        return any(a <= end and b >= start for a, b in self._unwritten)

    # ---- life

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(self._unhandled)
        self.loop.run_until_complete(self._live())

    def _unhandled(self, _loop: object, context: dict[str, object]) -> None:
        self.broke(f"unhandled: {context.get('message')}: {context.get('exception')!r}")

    async def _live(self) -> None:
        await self._open()
        self._hear_of_faults()
        looking = self.loop.create_task(self._look())
        await self._until(FAULTS_END_S)
        self._mend_everything()
        await self._until(PEOPLE_END_S)
        self.callers.open = False
        for agent in self.agents:
            agent.settle()
        quiet_since = self.loop.time()
        while self.loop.time() < min(HOME_S, quiet_since + QUIET_S):
            await asyncio.sleep(0.5)
            if self._somebody_talks():
                quiet_since = self.loop.time()
        looking.cancel()
        self.judge.at_rest()
        await self._close()
        self.judge.afterwards()

    def _somebody_talks(self) -> bool:
        return bool(self.truth.live or not self.weather.calm() or any(site.channels() for site in self.sites.values()))

    async def _open(self) -> None:
        scene.write(self.config, self.scene.config)
        for name in self.scene.sites:
            failsafe = self.scene.config["sites"][name]["failsafe"]["phones"]
            site = self.sites[name] = VirtualPbx(
                name,
                phones=self.scene.phones[name],
                numbers=[number for at, number in self.scene.numbers if at == name] + [scene.UNKNOWN],
                failsafe=failsafe,
                failsafe_s=15.0,
                secret=SECRET,
                pace=Pace(1.0, START, self.loop.time),
            )
            site.port = SITES[name]
            site.manager.on_action = lambda session, request, at=site: self._asked(at, session, request)
            self.truth.watch(site)
            mangler = self.manglers[name] = Mangler(self.loop, self.rng(f"mangler/{name}"))
            self.network.filters[site.port] = mangler
        join(*self.sites.values())
        for site in self.sites.values():
            await site.start()
        for trunk in self.trunks(""):
            trunk.settle()
        self.machines["one"].wanted = True
        self.machines["one"].start()
        for name, phones in self.scene.phones.items():
            for phone in phones:
                agent = Agent(self.sites[name], phone, phones, self.rng(f"agent/{name}/{phone}"), self.note)
                self.agents.append(agent)
                agent.start()
            for person in range(people.PERSONS):
                home = self.sites[name].outside(people.number_of(person))
                people.at_home(home, self.rng(f"home/{name}/{person}"))
        self.callers = Callers(self.sites, self.note, self.truth.dialled, self.truth.pays)
        self.callers.start(people.wills(self.scene, self.rng("wills"), PEOPLE_END_S))

    async def _close(self) -> None:
        """The routers end; one that died while its records were not in SQL is brought back for that."""
        for machine in self.machines.values():
            if machine.starts and not machine.wanted:
                await self._end_machines()
                machine.wanted = True
                machine.start()
                await asyncio.sleep(12.0)
                end = self.loop.time() + 60.0
                while self._somebody_talks() and self.loop.time() < end:  # it may have rung somebody back
                    await asyncio.sleep(0.5)
        await self._end_machines()
        for site in self.sites.values():
            await site.kill()

    async def _end_machines(self) -> None:
        for machine in self.machines.values():
            machine.wanted = False
            machine.stop()
        end = self.loop.time() + 60.0
        while any(machine.alive for machine in self.machines.values()) and self.loop.time() < end:
            await asyncio.sleep(0.1)
        for machine in self.machines.values():
            if machine.alive:
                self.broke(f"{machine.name} does not end within 60 s of SIGTERM")
                machine.kill()

    async def _until(self, time_s: float) -> None:
        await asyncio.sleep(max(0.0, time_s - self.loop.time()))

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self.weather.look()
            self.judge.look()

    # ---- faults

    def _hear_of_faults(self) -> None:
        for fault in self.schedule:
            if fault.stage:
                self._waiting.append((fault, [fault.nth]))
            else:
                self.loop.call_at(fault.at_s, self._strike, fault)

    def _stage(self, call: TrueCall, stage: str) -> None:
        self.note(f"truth {call.id} {stage}")
        if stage == "doubled":
            self.judge.doubled(call)
            return
        self.callers.reached(call.id, stage)
        now = self.loop.time()
        for entry in tuple(self._waiting):
            fault, left = entry
            here = KINDS[fault.kind].scope != "site" or fault.where == call.site
            if fault.stage == stage and now >= fault.at_s and here and now < FAULTS_END_S:
                left[0] -= 1
                if not left[0]:
                    self._waiting.remove(entry)
                    self.loop.call_later(fault.delay_s, self._strike, fault)

    def _strike(self, fault: Fault) -> None:
        if self.loop.time() >= FAULTS_END_S:
            return
        kind = KINDS[fault.kind]
        if kind.scope == "site" and fault.where not in self.sites:
            return
        if kind.scope == "machine" and not self.machines[fault.where].alive:
            fault = replace(fault, where="one")
        self.note(f"FAULT {fault}")
        self.kinds[fault.kind] += 1
        if fault.stage:
            self.fired[fault.kind, fault.stage] += 1
        for call in self.truth.live:
            if kind.scope != "site" or call.site == fault.where:
                self.struck[fault.kind, call.stage] += 1
        blinded = self._blinded(fault)
        self.weather.disturb(blinded, lasting=kind.end is not None)
        kind.begin(self, fault)
        if kind.end is not None:
            self._active.append(fault)
            self.loop.call_later(fault.for_s, self._end, fault)

    def _blinded(self, fault: Fault) -> tuple[str, ...]:
        blinds = KINDS[fault.kind].blinds
        return self.scene.sites if blinds == "all" else (fault.where,) if blinds == "site" else ()

    def _end(self, fault: Fault) -> None:
        if fault not in self._active:
            return
        self._active.remove(fault)
        self.note(f"mended {fault.kind} {fault.where}")
        kind = KINDS[fault.kind]
        assert kind.end is not None
        kind.end(self, fault)
        for other in self._active:
            if KINDS[other.kind].end is kind.end and other.where == fault.where:
                KINDS[other.kind].begin(self, other)
        self.weather.over(self._blinded(fault), lossy=kind.lossy)

    def _mend_everything(self) -> None:
        self._waiting.clear()
        for fault in tuple(self._active):
            self._end(fault)

    # ---- what faults need

    def routes(self, site: str) -> list[Route]:
        port = SITES[site]
        for name in self.machines:
            self.network.route(name, port)
        return self.network.routes_to(port)

    def trunks(self, site: str) -> list[Trunk]:
        """Those of a site; '' all."""
        found: dict[Trunk, None] = {}
        for name, pbx in self.sites.items():
            if site in ("", name):
                found.update(dict.fromkeys(pbx.trunks.values()))
        return list(found)

    def agents_of(self, site: str) -> list[Agent]:
        return [agent for agent in self.agents if agent.site.site == site]

    def reconfigure(self, config: scene.Config | str) -> None:
        scene.write(self.config, config)
        if isinstance(config, dict):
            named = {agent["number"] for team in config["teams"].values() for agent in team["agents"]}
            for agent in self.agents:
                if agent.phone.name not in named:
                    agent.wants = None  # who leaves the plan is logged out
        for machine in self.machines.values():
            machine.reload()

    def set_user(self, site: str, *, rights: bool = True, secret: bool = True) -> None:
        user = User(SECRET if secret else "another", ROUTER_READ, ROUTER_WRITE if rights else frozenset())
        manager = self.sites[site].manager
        manager.users["callrouter"] = user
        for session in manager.sessions:
            if session.user is not None:
                session.user = user

    def take_down(self, name: str, for_s: float, *, kill: bool) -> None:
        self._down[name] += 1
        self.weather.disturb((name,), lasting=True)
        self.loop.create_task(self._down_and_up(self.sites[name], for_s, kill=kill))

    async def _down_and_up(self, site: VirtualPbx, for_s: float, *, kill: bool) -> None:
        if site.running:
            if kill:
                self.truth.site_died(site.site)
                await site.kill()
            else:
                await site.stop()
                self.truth.site_died(site.site)
        await asyncio.sleep(min(for_s, max(0.0, FAULTS_END_S - self.loop.time())))
        self._down[site.site] -= 1
        if not self._down[site.site] and not site.running:
            await site.start()
        self.note(f"{site.site} is up again")
        self.weather.over((site.site,))

    def pull_plug(self, site: str, amount: float) -> None:
        agents = self.agents_of(site)
        agent = agents[int(amount * len(agents))]
        self.note(f"plug of {agent.id}")
        agent.phone.unregister()
        for call in tuple(agent.phone.calls):
            if call.channel is not None:
                self.loop.call_later(8.0, call.channel.hang_up, 44)  # silence; the RTP time-out ends it

    def burst(self, site: str, number: int) -> None:
        for will in people.wills(self.scene, self._extra, 60.0)[:number]:
            if will.site == site:
                self.callers.dial(will)

    def switch_agreement(self, amount: float, for_s: float) -> None:
        names = list(self.scene.config["agreements"])
        if names:
            name, enabled = names[int(amount * 100) % len(names)], amount < 0.5
            body = {"enabled": enabled, "reason": "because the weather is like this"}
            self.loop.create_task(self._ask(amount, "agreements", name, body, enabled))

    def switch_hotline(self, amount: float, for_s: float) -> None:
        names = list(self.scene.config["hotlines"])
        name, mode = names[int(amount * 100) % len(names)], ("normal", "closed", "notice")[int(amount * 3)]
        body = {"mode": mode, "reason": "because the weather is like this"}
        self.loop.create_task(self._ask(amount, "lines", name, body, mode))

    async def _ask(self, amount: float, path: str, name: str, body: dict[str, object], state: object) -> None:
        """One in three times the router dies as soon as it has answered: what was confirmed must last."""
        machine = self.machines["one"]
        answered = await self.supervisor.switch(machine, path, name, body, state)
        if answered and int(amount * 1000) % 3 == 0 and self.loop.time() < FAULTS_END_S:
            self.note("dies after its answer")
            self.weather.disturb(self.scene.sites, lasting=False)
            self.loop.call_later(0.2 * amount**3, machine.kill)

    # ---- orders as they reach a switch

    def _asked(self, site: VirtualPbx, session: Session, request: Request) -> None:
        if request.get("action") != "Setvar" or session.user is None:
            return
        variable, value = request.get("variable"), request.get("value")
        if variable.startswith("CR_BEAT"):
            return
        assert session.transport is not None
        who = session.transport.get_extra_info("process")
        self.note(f"{site.site} {who[0]}#{who[1]} {variable}={value} {request.get('channel')}")
        self.judge.asked(site, who, variable, value, request.get("channel"))


def _shortened(line: str) -> str:
    return line if len(line) < 2_000 else f"{line[:200]}…"
