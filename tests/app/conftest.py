"""Two virtual sites and a configuration folder that names them: what a whole service needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from callrouter.app import Options, Service
from callrouter.config.load import load
from callrouter.core.events import AgentAct, AgentActed
from callrouter.sim.pbx import VirtualPbx, boot
from callrouter.sim.people import Behaviour
from tests.waiting import until

TOKEN = "a-token-for-tests-0123456789"
NUMBERS = {"gera": "036555501", "gotha": "036215550"}
PHONES = {"gera": ("2001", "2002"), "gotha": ("3001", "3002")}

SITE = """
  {site}:
    title: {site}
    land: TH
    zone: {zone}
    asterisk: {{host: 127.0.0.1, port: {port}, user: callrouter, secret: {{file: ami}}}}
    trunk: {{sip: "127.0.0.1:5060"}}
"""
HOTLINE = """
  agency-{site}: {{title: Agency, site: {site}, numbers: ["{number}"], teams: [{site}], ring_max_s: {ring_max_s}{more}}}
"""
TEAM = """
  {site}: {{title: Team, site: {site}, ring_s: 10, wrap_up_s: 0, agents: {agents}}}
"""


@dataclass
class Network:
    """The virtual sites and the files that describe them."""

    folder: Path
    sites: dict[str, VirtualPbx] = field(default_factory=dict)

    def write(
        self,
        *,
        ring_max_s: int = 110,
        service: str = "",
        phones: Mapping[str, Sequence[str]] = PHONES,
        zone: str = "Europe/Berlin",
        more: str = "",
    ) -> None:
        """more: of each hotline."""
        sites = [SITE.format(site=name, port=site.port, zone=zone) for name, site in self.sites.items()]
        text = "sites:" + "".join(sites) + "hotlines:"
        text += "".join(
            HOTLINE.format(site=name, number=NUMBERS[name], ring_max_s=ring_max_s, more=more) for name in self.sites
        )
        text += "teams:" + "".join(
            TEAM.format(site=name, agents=list(phones[name])).replace("'", '"') for name in self.sites
        )
        text += "agreements:\n  both: {borrower: gera, lender: gotha, mutual: true}\n"
        text += f"service:\n  tokens: [{{name: tests, secret: {{file: token}}}}]\n{service}"
        (self.folder / "ami").write_text("virtual\n")
        (self.folder / "token").write_text(TOKEN + "\n")
        (self.folder / "network.yaml").write_text(text)

    @asynccontextmanager
    async def service(self, state_dir: Path, **options: Any) -> AsyncIterator[Service]:
        """A service over these sites that is ready; stopped at the end."""
        wait = options.pop("wait", True)
        service = Service(load(self.folder), Options(state_dir=state_dir, port=0, **options))
        try:
            await service.start()
            if wait:
                await until(lambda: not service.reasons(), lambda: str(service.reasons()))
            yield service
        finally:
            await service.stop()

    def phone(self, agent: str, behaviour: Behaviour) -> None:
        site, _, name = agent.partition("/")
        self.sites[site].phone(name).behaviour = behaviour


@pytest.fixture
def network_folder(tmp_path: Path) -> Path:
    """A configuration without its secrets."""
    network = Network(tmp_path)
    network.sites = {name: VirtualPbx(name) for name in NUMBERS}
    for port, site in enumerate(network.sites.values(), 5038):
        site.port = port
    network.write()
    (tmp_path / "ami").unlink()
    return tmp_path


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Network]:
    """Gera and Gotha with two agents each, all phones registered."""
    folder = tmp_path / "config"
    folder.mkdir()
    network = Network(folder)
    async with AsyncExitStack() as stack:
        for name, number in NUMBERS.items():
            network.sites[name] = VirtualPbx(name, phones=PHONES[name], numbers=[number])
            stack.push_async_callback(network.sites[name].kill)
        await boot(*network.sites.values())
        for site in network.sites.values():
            for phone in site.phones.values():
                phone.register()
        network.write()
        yield network


async def ready(service: Service, *agents: str) -> None:
    for agent in agents:
        await service.engine.ask(AgentActed(agent, AgentAct.READY))


Get = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def get() -> AsyncIterator[Get]:
    """GET (or, with a body, POST) a path of the service: (status, JSON or text)."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:

        async def ask(service: Service, path: str, body: object = None) -> tuple[int, Any]:
            method = "GET" if body is None else "POST"
            async with session.request(method, service.server.url + path, json=body) as answer:
                if "json" in answer.content_type:
                    return answer.status, await answer.json(content_type=None)
                return answer.status, await answer.text()

        yield ask
