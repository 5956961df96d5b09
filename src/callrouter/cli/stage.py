"""The production service on virtual sites: what the demo and the tests in a browser play on.

Only the sites' addresses, the secrets and the clock differ from a real start. Nobody calls by himself; `sim.world` or a
test does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from time import time

from callrouter import app, wiring
from callrouter.cli.demo_morning import keep
from callrouter.config.dialplan import dialplan_of
from callrouter.config.load import Loaded
from callrouter.core.commands import CallFinished
from callrouter.roles import Grant, Role
from callrouter.sim.pace import Pace
from callrouter.sim.pbx import HOST, VirtualPbx, boot
from callrouter.sim.post import PostOffice
from callrouter.store.store import open_engine
from callrouter.web.service import CannotListen

LINKS_WITHIN_S = 10.0
PASSWORD = "demo-demo-demo"  # noqa: S105  told to everybody
ACCOUNTS = (  # name, title, grants
    ("leitung-magdeburg", "Leitung Magdeburg", ("supervisor:magdeburg",)),
    ("leitung-gera", "Leitung Gera", ("supervisor:gera",)),
    ("agent-magdeburg", "Platz 1001 in Magdeburg", ("agent:magdeburg/1001",)),
    ("agent-gera", "Platz 2001 in Gera", ("agent:gera/2001",)),
    ("fachbereich-magdeburg", "Leistungsabteilung Magdeburg", ("department:benefit-magdeburg",)),
    ("fachbereich-gera", "Leistungsabteilung Gera", ("department:benefit-gera",)),
    ("wand-magdeburg", "Bildschirm an der Wand in Magdeburg", ("display:magdeburg",)),
    ("betrieb", "Technischer Betrieb", ("ops",)),
    ("verwaltung", "Verwaltung der Konten", ("admin",)),
)


class CannotStart(Exception):
    """The text says why, and the mend."""


class Stage:
    """`await start()`, then do something, then `await stop()`."""

    def __init__(
        self,
        loaded: Loaded,
        state: Path,
        pace: Pace,
        port: int = 0,
        accounts: Sequence[tuple[str, str, Sequence[str]]] = ACCOUNTS,
        before: Sequence[CallFinished] = (),
    ) -> None:
        """port 0: any free one. accounts: may log in with PASSWORD; the login page names them.

        before: calls of this day that are in the database already.
        """
        self.loaded = loaded
        self.pace = pace
        self.secret, self.token = token_hex(16), token_hex(16)
        self.sites = {name: self._site(name) for name in loaded.network.sites}
        self.post = PostOffice(folder=state / "mail")
        self._state = state
        self._port = port
        self._accounts = accounts
        self._before = before
        self._service: app.Service | None = None

    @property
    def seats(self) -> list[str]:
        """Agents for whom there is an account: somebody may sit there."""
        grants = [Grant.read(grant) for _, _, every in self._accounts for grant in every]
        return [grant.scope for grant in grants if grant.role is Role.AGENT]

    @property
    def service(self) -> app.Service:
        """Only after `start`."""
        assert self._service is not None
        return self._service

    async def start(self) -> app.Service:
        """Raises CannotStart. The service is ready then, and all phones are registered."""
        await boot(*self.sites.values())
        await self.post.start()
        self._service = service = self._make()
        try:
            await self._remember(service)
            await service.start()
        except CannotListen as error:
            raise CannotStart(f"{error}; choose another one with --port (0: any free one)") from error
        loop = asyncio.get_running_loop()
        end = loop.time() + LINKS_WITHIN_S
        while service.reasons():
            if loop.time() > end:
                raise CannotStart("the service is not ready: " + "; ".join(service.reasons()))
            await asyncio.sleep(0.02)
        for site in self.sites.values():
            for phone in site.phones.values():
                phone.register()
        return service

    async def stop(self) -> None:
        if self._service is not None:
            await self._service.stop()
        for site in self.sites.values():
            await site.stop()
        await self.post.stop()

    # ---- inside

    async def _remember(self, service: app.Service) -> None:
        """Keep the calls from before the start, and the accounts: whoever sees the pages can log in."""
        settings = self.loaded.network.service
        engine = await open_engine(wiring.database_url(settings, self._state))
        try:
            callers = wiring.callers(settings, self._state, lambda _: self.secret)
            free = set(self.seats)  # whoever sits down there owes no results of a morning that he was not there
            before = [replace(one, agent="") if one.agent in free else one for one in self._before]
            await keep(engine, self.loaded.plan, before, callers.key_of)
            book, kept = wiring.accounts(settings, engine), await service.front.passwords.hash(PASSWORD)
            for name, title, grants in self._accounts:
                await book.add(name, title, [Grant.read(grant) for grant in grants], kept, time())
        finally:
            await engine.dispose()

    def _site(self, name: str) -> VirtualPbx:
        plan, asterisk = dialplan_of(self.loaded, name), self.loaded.network.sites[name].asterisk
        return VirtualPbx(
            name,
            phones=plan.phones,
            numbers=plan.numbers,
            failsafe=plan.failsafe,
            failsafe_s=plan.failsafe_s,
            user=asterisk.user,
            secret=self.secret,
            phone_user=asterisk.phone_control.user if asterisk.phone_control else "",
            pace=self.pace,
        )

    def _make(self) -> app.Service:
        network = self.loaded.network
        sites = {}
        for name, site in network.sites.items():
            place = {"host": HOST, "port": self.sites[name].port, "tls": None}
            sites[name] = site.model_copy(update={"asterisk": site.asterisk.model_copy(update=place)})
        service = network.service
        if service.mail is not None:  # nothing ever leaves this machine
            place = {"host": HOST, "port": self.post.port, "tls": "never", "user": None, "password": None}
            service = service.model_copy(update={"mail": service.mail.model_copy(update=place)})
        loaded = replace(self.loaded, network=network.model_copy(update={"sites": sites, "service": service}))
        tokens = [token.secret for token in network.service.tokens]
        options = app.Options(
            state_dir=self._state,
            host=HOST,
            port=self._port,
            reveal=lambda secret: self.token if secret in tokens else self.secret,
            clock=self.pace,
            rate=self.pace.rate,
            demo=[(name, PASSWORD, title) for name, title, _ in self._accounts],
        )
        return app.Service(loaded, options)
