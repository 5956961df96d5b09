"""A house with pages for the tests: the small network behind it, a real database, and browsers without a screen."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from time import monotonic, time
from typing import Any

from aiohttp import ClientResponse, CookieJar
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.accounts.book import AccountBook
from callrouter.accounts.passwords import Passwords
from callrouter.callers import Callers
from callrouter.config.load import Loaded
from callrouter.config.pages import Pages
from callrouter.config.reloads import Reloads
from callrouter.config.schema import Network
from callrouter.core.plan import Hours, Span
from callrouter.core.router import Router
from callrouter.desk.articles import Article, Articles
from callrouter.desk.places import Address, Place, Telephone
from callrouter.desk.plan import Department, Desk
from callrouter.office.mailer import Server
from callrouter.office.office import Office, Outside
from callrouter.roles import Grant
from callrouter.store.standing import Watch
from callrouter.store.store import open_engine
from callrouter.web.figures import Figures
from callrouter.web.front import Front
from callrouter.web.pages.calls import Archive
from callrouter.web.preview import Preview
from callrouter.web.service import make_app
from callrouter.web.stories import Stories
from callrouter.web.system import Backstage, System
from tests.web.world import NOW, World

PASSWORD = "correct horse battery"
OURS = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "de"}
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
GRANTS = {
    "agent": "agent:gera/2001",
    "supervisor": "supervisor:gera",
    "department": "department:benefits",
    "display": "display:gera",
    "ops": "ops",
    "admin": "admin",
}


OFFICE = (Span(28_800, 64_800),)
WEEK = Hours("Europe/Berlin", (OFFICE, OFFICE, OFFICE, OFFICE, OFFICE, (), ()), (("2026-11-25", ()),))
HERE, THERE = Address("Musterstraße 1", "07545", "Gera"), Address("Musterring 3", "99867", "Gotha")
DESK = Desk(
    departments=(Department("benefits", "Leistung Gera", "gera", WEEK, "l@x.example", topics=("benefit",)),),
    guides=Articles(
        [
            Article("benefit", "de", "Arbeitslosengeld", "1. Fragen\n\n> Guten Tag\n", 14, "2026-11-03", ("benefit",)),
            Article("benefit", "en", "Benefit", "1. Ask\n", 14, "2026-11-03", ("benefit",)),
            Article("move", "de", "Umzug", "Neue Anschrift, siehe [Geld](benefit.md).\n", 1, "2026-11-03"),
        ]
    ),
    places=(
        Place(
            "gera", "Agentur Gera", WEEK, HERE, HERE, "gera@x.example",
            Telephone("agency-gera", "0365 55500", "+4936555500", None), ("075",), (("de", "Rampe"),),
            (("2026-12-25", (("de", "Weihnachten"), ("en", "Christmas"))),),
        ),
        Place("gotha", "Agentur Gotha", WEEK, THERE, THERE, "gotha@x.example", None, ("998",)),
    ),
    texts=Articles(
        [
            Article("imprint", "de", "Impressum", "Verbund, siehe [Hilfe](plain.md).", 1, "2026-11-02"),
            Article("plain", "de", "Leichte Sprache", "## So geht es\n", 1, "2026-11-02"),
            Article("plain", "en", "Plain language", "## How it works\n", 1, "2026-11-02"),
        ]
    ),
)  # fmt: skip


class Browser:
    """Cookies, and the token that forms carry."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client
        self.csrf = ""
        self.text = ""

    async def get(self, path: str, **headers: str) -> ClientResponse:
        answer = await self.client.get(path, headers={**OURS, **headers}, allow_redirects=False)
        return await self._keep(answer)

    async def post(self, path: str, _headers: dict[str, str] | None = None, **form: str) -> ClientResponse:
        """A form of a page, with its token."""
        data = {"csrf": self.csrf, **form}
        answer = await self.client.post(path, data=data, headers=OURS | (_headers or {}), allow_redirects=False)
        return await self._keep(answer)

    async def log_in(self, name: str, password: str = PASSWORD) -> ClientResponse:
        answer = await self.post("/anmelden", name=name, password=password)
        if answer.status == 303:
            await self.get("/passwort")  # for the token
        return answer

    async def _keep(self, answer: ClientResponse) -> ClientResponse:
        self.text = unescape(await answer.text())
        found = re.search(r'name="csrf" value="([^"]+)"', self.text)
        self.csrf = found[1] if found else self.csrf
        return answer


class House:
    def __init__(self, world: World, front: Front, server: TestServer, engine: AsyncEngine, office: Office) -> None:
        self.office = office
        self.real_s = 0.0  # for what does not follow the router's clock
        self.engine = engine
        self.world = world
        self.front = front
        self.server = server
        self._clients: list[TestClient[Any, Any]] = []

    async def account(self, name: str, *grants: str, must_change: bool = False) -> int:
        kept = await self.front.passwords.hash(PASSWORD)
        given = [Grant.read(grant) for grant in grants]
        return await self.front.accounts.add(name, name.title(), given, kept, time(), must_change=must_change)

    async def browser(self, role: str = "") -> Browser:
        """A new one; with a role it is logged in to an account of that role's name."""
        client: TestClient[Any, Any] = TestClient(self.server, cookie_jar=CookieJar(unsafe=True))
        self._clients.append(client)
        browser = Browser(client)
        if role:
            if await self.front.accounts.account(role) is None:
                await self.account(role, GRANTS[role])
            assert (await browser.log_in(role)).status == 303
        return browser

    async def close(self) -> None:
        for client in self._clients:
            await client.session.close()


@dataclass
class Quiet:
    """A journal, a feed, a store and an engine about which there is nothing to say."""

    trouble: str = ""
    lines_lost: int = 0
    written_at: float = 0.0
    path: Path | None = None
    behind: int = 0
    stored: int = 0
    standing_down: str = ""
    failed_count: int = 0
    shed_count: int = 0
    waiting: int = 0

    def write_p99_s(self) -> float:
        return 0.0


def backstage(world: World, folder: Path) -> Backstage:
    async def nothing() -> Any:
        raise AssertionError("there is no folder to read")

    loaded = Loaded(world.plan, Desk(), Network(), ())
    quiet = Quiet()
    return Backstage(
        list, monotonic, lambda: NOW, dict, quiet, folder, quiet, quiet, quiet, Reloads(), lambda: loaded, None,
        nothing, nothing,
    )  # fmt: skip


@asynccontextmanager
async def house(folder: Path, world: World | None = None, **pages: Any) -> AsyncIterator[House]:
    """pages: what the configuration says of them."""
    world = world or World()
    engine = await open_engine(f"sqlite+aiosqlite:///{folder / 'callrouter.db'}")
    settings = Pages.model_validate(pages)
    context = world.context()
    figures = Figures(engine, context.plan, context.clock, lambda: 0)
    router = Router(context.plan(), context.clock())
    office = Office(
        Outside(
            router,
            lambda event: bool(router.handle(event, context.clock())) or True,
            context.clock,
            lambda: DESK,
            lambda: True,
            engine,
            Callers("a secret of tests that is long enough"),
            CollectorRegistry(),
            Server("127.0.0.1", 1, "never", "service@x.example"),
            "",
        )
    )
    front = Front(
        context,
        AccountBook(engine),
        settings,
        passwords=Passwords(CHEAP),
        parts={
            Figures: figures,
            Watch: Watch(engine, context.clock, lambda: True),
            Preview: Preview(),
            Archive: Archive(engine, Callers("a key for the tests, long enough")),
            Stories: Stories(folder),
            System: System(backstage(world, folder)),
            Office: office,
        },
    )
    office.tell(front.live.changed)
    figures.changed = front.live.changed
    world.observers += [figures.observe, front.live.observe]
    server = TestServer(make_app(front.context, front))
    await server.start_server()
    opened = House(world, front, server, engine, office)
    try:
        yield opened
    finally:
        await opened.close()
        await office.close()
        await server.close()
        front.passwords.close()
        await engine.dispose()
