"""The real service over the real sites: its configuration, its life, and what it said and did, for the tests to ask.

`async with routing(lab, folder, ...) as router` starts `callrouter.app.Service` in this process; `RouterProcess` is
`callrouter run` as a process of its own, for those that are to be killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from callrouter.app import Options, Service
from callrouter.clock import Clock
from callrouter.config.load import load
from callrouter.core.commands import CallAnswered, CallFinished, Command
from callrouter.core.events import AgentAct, AgentActed, AgreementSwitched, CallArrived, Event
from callrouter.core.snapshot import AgentView
from tests.asterisk.lab import FIRST_NUMBER, Lab
from tests.asterisk.network import SECRET
from tests.asterisk.parties import Caller, Phone
from tests.waiting import until

N = TypeVar("N")
TOKEN = "a-token-for-the-tests-0123456789"
AGENTS = {"magdeburg": 1001, "gera": 2001, "gotha": 3001}
LANDS = {"magdeburg": "ST", "gera": "TH", "gotha": "TH"}


@dataclass(frozen=True, slots=True)
class Rules:
    """What differs from test to test. agents: per team; agreement: more of the one between Magdeburg and Gera."""

    agents: int = 4
    ring_max_s: float = 60
    ring_s: int = 20
    agreement: str = ""
    strategy: str = "longest_idle"
    affinity_s: int = 0
    hotline: str = ""  # more of each hotline


def write_config(lab: Lab, folder: Path, rules: Rules, port: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ami").write_text(SECRET + "\n")
    (folder / "token").write_text(TOKEN + "\n")
    sites, hotlines, teams = "", "", ""
    for name, site in lab.network.sites.items():
        sites += f"  {name}: {{title: {name}, land: {LANDS[name]}, trunk: {{sip: '{site.host}:5060'}},\n"
        sites += f"    asterisk: {{host: {site.host}, user: callrouter, secret: {{file: ami}},\n"
        sites += "      phone_control: {user: callrouter-phones, secret: {file: ami}}}}\n"
        hotlines += f"  agency-{name}: {{title: {name}, site: {name}, numbers: ['{FIRST_NUMBER[name]}'],\n"
        hotlines += (
            f"    teams: [{name}], ring_max_s: {rules.ring_max_s}, affinity_s: {rules.affinity_s}{rules.hotline}}}\n"
        )
        teams += f"  {name}: {{title: {name}, site: {name}, ring_s: {rules.ring_s}, wrap_up_s: 0,\n"
        teams += f"    strategy: {rules.strategy}, agents: {{from: {AGENTS[name]}, count: {rules.agents}}}}}\n"
    agreement = f"{{borrower: gera, lender: magdeburg, mutual: true{rules.agreement}}}"
    tokens = "[{name: tests, secret: {file: token}}]"
    service = f"{{listen: '127.0.0.1:{port}', tokens: {tokens}, state_dir: '{folder / 'var'}'}}"
    text = f"sites:\n{sites}hotlines:\n{hotlines}teams:\n{teams}agreements:\n  both: {agreement}\nservice: {service}\n"
    (folder / "network.yaml").write_text(text)
    return folder


@dataclass(slots=True)
class Routing:
    """The running service and all that passed through its engine."""

    lab: Lab
    service: Service
    events: list[Event] = field(default_factory=list)
    notices: list[Command] = field(default_factory=list)

    def observe(self, event: Event, commands: Sequence[Command], now: float) -> None:
        self.events.append(event)
        self.notices.extend(commands)

    def all(self, kind: type[N]) -> list[N]:
        return [one for one in (*self.notices, *self.events) if isinstance(one, kind)]

    def call(self, caller: Caller) -> str:
        """The id that the engine gave this caller's call; '' if it has not heard of it."""
        arrived = (one for one in self.all(CallArrived) if one.caller == caller.number)
        return next((one.call for one in arrived), "")

    async def known(self, caller: Caller) -> str:
        await until(lambda: self.call(caller), lambda: f"{caller.number} is unknown\n{self.lab.wire.text(20)}")
        return self.call(caller)

    async def finished(self, caller: Caller, deadline_s: float = 15.0) -> CallFinished:
        """The record of his call."""

        def record() -> CallFinished | None:
            mine = (
                one for one in self.all(CallFinished) if one.call == self.call(caller) or one.caller == caller.number
            )
            return next(mine, None)

        await until(record, lambda: f"no record of {caller.number}:\n{self.text()}", deadline_s)
        found = record()
        assert found is not None
        return found

    async def answered(self, caller: Caller) -> CallAnswered:
        """The notice that an agent talks to him."""

        def notice() -> CallAnswered | None:
            return next((one for one in self.all(CallAnswered) if one.call == self.call(caller)), None)

        await until(notice, self.text)
        found = notice()
        assert found is not None
        return found

    def agent(self, agent: str) -> AgentView:
        return next(one for one in self.service.engine.snapshot().agents if one.agent == agent)

    async def agent_is(self, agent: str, state: str, deadline_s: float = 15.0) -> None:
        await until(lambda: self.agent(agent).state == state, lambda: f"{self.agent(agent)}\n{self.text()}", deadline_s)

    async def ready(self, *agents: str) -> None:
        """Log these in, one after the other, and wait until they can be offered calls."""
        for agent in agents:
            await self.service.engine.ask(AgentActed(agent, AgentAct.READY, by="test"))
            await self.agent_is(agent, "ready")

    async def ready_all(self, agents: Iterable[str]) -> None:
        """Many at once."""
        names = list(agents)
        await asyncio.gather(*(self.ready_later(agent) for agent in names))

        def all_ready() -> bool:
            states = {one.agent: one.state for one in self.service.engine.snapshot().agents}
            return all(states[name] == "ready" for name in names)

        await until(all_ready, self.text)

    def log_out(self, agent: str) -> None:
        self.service.engine.submit(AgentActed(agent, AgentAct.LOG_OUT, by="test"))

    def finished_all(self) -> list[CallFinished]:
        return self.all(CallFinished)

    async def ready_later(self, agent: str) -> None:
        """Log in one whose phone will ring at once: he is not seen ready."""
        await self.service.engine.ask(AgentActed(agent, AgentAct.READY, by="test"))

    async def switch(self, enabled: bool) -> None:
        await self.service.engine.ask(AgreementSwitched("both", enabled, reason="test", by="test"))

    async def up(self, *sites: str, deadline_s: float = 20.0) -> None:
        """Wait until these sites (all, if none is named) are linked and read back."""

        def linked() -> bool:
            states = {one.site: one.link_up for one in self.service.engine.snapshot().sites}
            return all(states[name] for name in sites or states)

        await until(linked, lambda: str(self.service.reasons()), deadline_s)

    def text(self) -> str:
        """The last of what passed, for failing tests."""
        return "\n".join(map(repr, [*self.events[-12:], *self.notices[-12:]]))

    def kept(self) -> None:
        """The promise, in SIP and in the service's own count."""
        checked = self.lab.check()
        assert checked.early == (), self.lab.wire.story(checked.early)
        text = self.service.measures.text()
        assert promise_broken(text.decode() if isinstance(text, bytes) else str(text)) == 0


def promise_broken(metrics: str) -> float:
    """callrouter_answered_without_agent_total over all labels; the metric must be there."""
    lines = [line for line in metrics.splitlines() if line.startswith("callrouter_answered_without_agent_total")]
    assert lines
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


@asynccontextmanager
async def routing(
    lab: Lab, folder: Path, rules: Rules | None = None, clock: Clock | None = None
) -> AsyncIterator[Routing]:
    """A service that is linked to all sites; the promise is checked at the end."""
    loaded = load(write_config(lab, folder, rules or Rules()))
    options = Options(state_dir=folder / "var", port=0, host="127.0.0.1", clock=clock or Clock())
    service = Service(loaded, options)
    router = Routing(lab, service)
    service.engine.observe(router.observe)
    try:
        await service.start()
        await router.up()
        yield router
        router.kept()
    finally:
        await service.stop()


async def talk(caller: Caller, phone: Phone, times: int = 1) -> None:
    """The phone rings for the nth time, answers, and they talk."""
    await phone.rings(times)
    assert caller.final == 0
    phone.tell("ANSWER")
    await caller.hears(200)
    await phone.talks()


async def bye(router: Routing, caller: Caller) -> None:
    caller.hang_up()
    await router.finished(caller)


class RouterProcess:
    """`callrouter run` with this configuration folder; `kill` is kill -9."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.process: asyncio.subprocess.Process | None = None
        self.session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        log = (self.folder / "log").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL",
            sys.executable, "-m", "callrouter", "run", str(self.folder), "--log-format", "json",
            stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": "src"},
        )  # fmt: skip
        log.close()
        self.session = aiohttp.ClientSession(
            f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        async with asyncio.timeout(120):  # the machine may have much else to do
            while not await self._ready():
                assert self.process.returncode is None, self.log()
                await asyncio.sleep(0.02)

    async def _ready(self) -> bool:
        assert self.session is not None
        try:
            async with self.session.get("/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def items(self, path: str) -> list[dict[str, Any]]:
        """A list of the API."""
        assert self.session is not None
        async with self.session.get("/api/v1" + path) as answer:
            assert answer.status == 200, await answer.text()
            return list((await answer.json())["items"])

    async def states(self, path: str, key: str) -> dict[str, str]:
        return {one[key]: one["state"] for one in await self.items(path)}

    async def until_states(self, path: str, key: str, wanted: dict[str, str], deadline_s: float = 15.0) -> None:
        """Wait until these items of a list are in these states."""
        found: dict[str, str] = {}
        try:
            async with asyncio.timeout(deadline_s):
                while not wanted.items() <= found.items():
                    found = await self.states(path, key)
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"wanted {wanted}, found {found}\n{self.log()}") from None

    async def ready(self, *agents: str) -> None:
        assert self.session is not None
        for agent in agents:
            async with self.session.post(f"/api/v1/agents/{agent}/state", json={"state": "ready"}) as answer:
                assert answer.status == 200, await answer.text()
            await self.until_states("/agents", "agent", {agent: "ready"})

    async def answered_without_agent(self) -> float:
        assert self.session is not None
        async with self.session.get("/metrics") as answer:
            return promise_broken(await answer.text())

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        if self.process is not None:
            await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        assert self.process is not None
        assert self.session is not None
        await self.session.close()
        if self.process.returncode is None:
            self.process.send_signal(how)
            try:
                await asyncio.wait_for(self.process.wait(), 60)
            finally:  # one that stays would rule in the tests to come
                if self.process.returncode is None:
                    self.process.kill()
        self.process = None

    def log(self) -> str:
        return (self.folder / "log").read_text()[-4000:]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def process(lab: Lab, folder: Path, rules: Rules | None = None) -> AsyncIterator[RouterProcess]:
    """A `callrouter run` that is ready; it ends with the block if it has not before."""
    port = free_port()
    router = RouterProcess(write_config(lab, folder, rules or Rules(), port), port)
    try:
        await router.start()
        yield router
    finally:
        await router.stop()
