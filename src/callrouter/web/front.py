"""The bag of what all pages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web

from callrouter.accounts.book import AccountBook
from callrouter.accounts.oidc import SignOn
from callrouter.accounts.passwords import Passwords
from callrouter.accounts.throttle import Throttle
from callrouter.config.pages import Pages
from callrouter.web import access, static
from callrouter.web.context import Context
from callrouter.web.live import Live
from callrouter.web.safety import Network, address, networks
from callrouter.web.visit import Visit

T = TypeVar("T")

LANGUAGE = "callrouter_language"  # the cookie


@dataclass(slots=True)
class Front:
    """What all pages share. parts: what pages of one kind need, found by its class.

    demo: (name, password, role) of accounts that the login page tells everybody; only `callrouter demo` has some.
    """

    context: Context
    accounts: AccountBook
    pages: Pages
    live: Live = field(init=False)
    passwords: Passwords = field(default_factory=Passwords)
    throttle: Throttle = field(default_factory=Throttle)
    parts: Mapping[type, Any] = field(default_factory=dict)
    sign_on: SignOn | None = None
    demo: Sequence[tuple[str, str, str]] = ()
    rate: float = 1.0
    proxies: tuple[Network, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.live = Live(lambda: self, self.rate)
        self.proxies = networks(self.pages.proxies)

    async def close(self) -> None:
        self.passwords.close()
        if self.sign_on is not None:
            await self.sign_on.close()

    def part(self, kind: type[T]) -> T:
        found = self.parts[kind]
        assert isinstance(found, kind)
        return found

    @property
    def secure(self) -> bool:
        """Are the pages reached over HTTPS only?"""
        return self.pages.url.startswith("https:")

    @property
    def cookie(self) -> str:
        """The session's cookie; the prefix binds it to HTTPS, this host and no other path (RFC 6265bis)."""
        return "__Host-callrouter" if self.secure else "callrouter_session"

    @property
    def browser_cookie(self) -> str:
        return "__Host-callrouter-known" if self.secure else "callrouter_known"

    @property
    def static(self) -> str:
        return f"/static/{static.version()}"

    def address(self, request: web.Request) -> str:
        return address(request, self.proxies)

    def menu(self, visit: Visit) -> list[tuple[str, str]]:
        """(path, title) of the pages that this user may open."""
        if visit.session is None:
            return []
        roles = visit.user.roles
        return [(path, visit.texts(title)) for path, title in access.MENU if access.allowed(f"GET {path}", roles)]
