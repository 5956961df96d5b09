"""What the configuration says of connections, made into links; and what the store asks of the router.

Only `app.py` uses this. Knows how to build, not when.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.accounts.book import AccountBook, Limits
from callrouter.accounts.oidc import SignOn
from callrouter.ami.handsets import Login
from callrouter.callers import BadKey, Callers, Ringable, kept_secret
from callrouter.config import schema
from callrouter.config.pages import Pages
from callrouter.config.secret import Secret, SecretError
from callrouter.core.agents import Intent
from callrouter.core.demands import Key
from callrouter.core.events import AgentId, CallArrived, DigitsRead, Event, LiveCall, LiveOutbound, SiteRead, Stage
from callrouter.core.plan import Plan
from callrouter.core.router import Router
from callrouter.journal.memory import Memory
from callrouter.office.mailer import Server
from callrouter.store.retention import Days
from callrouter.web.context import Token

Reveal = Callable[[Secret], str]
DIALLED_MIN = 5  # digits; fewer are no telephone number, but a choice


@dataclass(frozen=True, slots=True)
class Connection:
    """All that a link to one site depends on: if any of it changes, the link is made anew."""

    site: str
    host: str
    port: int
    user: str
    secret: str
    ca: Path | None
    server_name: str | None
    tls: bool
    peers: tuple[str, ...]

    def context(self) -> ssl.SSLContext | None:
        """Verified TLS, always. Raises SecretError if the certificates cannot be read. Blocks."""
        if not self.tls:
            return None
        context = _Context(ssl.PROTOCOL_TLS_CLIENT)
        context.expected = self.server_name or ""
        if self.ca is None:
            context.load_default_certs()
        else:
            try:
                context.load_verify_locations(cafile=str(self.ca))
            except OSError as error:  # which names no file
                what = f"{self.ca}: no certificates can be read here ({error.strerror or error})"
                raise SecretError(f"{what}; mend asterisk: tls: ca of site '{self.site}'") from error
        return context


class _Context(ssl.SSLContext):
    """May expect another name in the certificate than the host that was dialled."""

    expected = ""

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        if self.expected:
            options["server_hostname"] = self.expected
        return super().wrap_bio(*args, **options)


def connections(network: schema.Network, reveal: Reveal) -> dict[str, Connection]:
    """One per site. Raises SecretError. Blocks on files."""
    found = {}
    for name, site in network.sites.items():
        asterisk = site.asterisk
        found[name] = Connection(
            name,
            asterisk.host,
            asterisk.port,
            asterisk.user,
            reveal(asterisk.secret),
            asterisk.tls.ca if asterisk.tls else None,
            asterisk.tls.server_name if asterisk.tls else None,
            asterisk.tls is not None,
            tuple(sorted(peer for peer in network.sites if peer != name)),
        )
    return found


def phone_logins(network: schema.Network, reveal: Reveal) -> dict[str, Login]:
    """As whom phones are asked to answer, at the sites where they can be. Raises SecretError and OSError. Blocks."""
    found = {}
    for name, one in connections(network, reveal).items():
        control = network.sites[name].asterisk.phone_control
        if control is not None:
            found[name] = Login(one.host, one.port, control.user, reveal(control.secret), one.context())
    return found


def tokens(service: schema.Service, reveal: Reveal) -> tuple[Token, ...]:
    """Who may use the API. Raises SecretError, and ValueError for a secret that is none."""
    return tuple(Token.of(token.name, reveal(token.secret), may_write=True) for token in service.tokens)


class RouterSeats:
    """`store.Seats` over the live router."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def intent(self, agent: AgentId) -> tuple[str, str] | None:
        seat = self._router.state.seats.get(agent)
        if seat is None or seat.intent is Intent.LOGGED_OUT:
            return None
        if seat.intent is Intent.PAUSED and seat.reason == "refused":
            return "ready", ""  # a timed pause: nobody would end it after a restart
        return ("ready" if seat.intent is Intent.READY else "paused"), seat.reason

    def agent_of(self, site: str, phone: str) -> AgentId | None:
        return self._router.state.by_phone.get((site, phone))


class RouterBacks:
    """`store.recall.Backs` over the live router."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def open(self) -> dict[str, int]:
        return {id_: back.record.version for id_, back in self._router.state.backs.items()}

    def ended(self, callback: str) -> bool:
        return callback in self._router.state.done


def accounts(service: schema.Service, engine: AsyncEngine) -> AccountBook:
    limits = service.pages.sessions
    return AccountBook(engine, Limits(limits.idle_min * 60.0, limits.longest_h * 3600.0))


def mail_server(service: schema.Service, reveal: Reveal) -> Server | None:
    """Raises SecretError."""
    mail = service.mail
    if mail is None:
        return None
    password = reveal(mail.password) if mail.password else ""
    return Server(mail.host, mail.port, mail.tls, mail.sender, mail.ca, mail.user or "", password, mail.title)


def sign_on(pages: Pages, reveal: Reveal) -> SignOn | None:
    """Raises SecretError."""
    if pages.oidc is None:
        return None
    secret = pages.oidc.client_secret
    back = f"{pages.url}/anmelden/sso/zurueck"
    return SignOn(pages.oidc, None if secret is None else reveal(secret), back)


def callers(service: schema.Service, state_dir: Path, reveal: Reveal) -> Callers:
    """Numbers to keys, by the configured secret or one made in state_dir. Raises SecretError."""
    secret, path = service.caller_key, state_dir / "caller.key"
    try:
        return Callers(kept_secret(path) if secret is None else reveal(secret))
    except OSError as error:
        what = f"{error.filename or path}: {error.strerror}"
        raise SecretError(f"{what}; service.state_dir must be a folder in which the service may write") from error
    except ValueError as error:  # of BadKey, or no text at all
        why = error if isinstance(error, BadKey) else "the key for callers' numbers is no text"
        mend = "bring it back from a backup, or remove it (then callers are strangers and callbacks lose their numbers)"
        raise SecretError(f"{secret or path}: {why}{'' if secret else f'; {mend}'}") from error


def ringable(network: schema.Network) -> Ringable:
    """Which callers can be rung back: by the countries of the configuration, and never our own hotlines."""
    numbers = [one for hotline in network.hotlines.values() for one in hotline.numbers]
    return Ringable(network.service.ring_countries, [text for one in numbers for text in (one.number, one.dialled)])


def with_reach(event: Event, numbers: Ringable) -> Event:
    """The event, with the number at which its caller can be rung back: the router knows nothing of such numbers."""
    match event:
        case CallArrived() if event.caller:
            return replace(event, reach=numbers.of(event.caller))
        case DigitsRead() if len(event.digits) >= DIALLED_MIN:
            return replace(event, reach=numbers.of(event.digits))
        case SiteRead() if event.calls:
            return replace(event, calls=tuple(replace(one, reach=numbers.of(one.caller)) for one in event.calls))
        case _:
            return event


def database_url(service: schema.Service, state_dir: Path) -> str:
    return service.database or f"sqlite+aiosqlite:///{state_dir / 'callrouter.db'}"


def days(service: schema.Service) -> Days:
    kept = service.retention_days
    return Days(kept.callers, kept.agents, kept.calls, kept.audit, kept.numbers, kept.inquiries)


def ringing(router: Router, known: Callers) -> set[Key]:
    """Callers who are on the line now, by their keys."""
    return {(known.key_of(call.caller), call.hotline) for call in router.state.calls.values() if call.caller}


def recalled(site: str, memory: Memory, plan: Plan, now: float) -> SiteRead:
    """The site as the router before us would have described it. Who rang is taken to be between two orders."""
    phones = {agent.id: (agent.site, agent.phone) for agent in plan.agents}
    live = []
    for one in memory.calls:
        if one.site != site:
            continue
        seen = LiveCall(one.call, one.number, one.caller, Stage.OFFERED, max(0.0, now - one.arrived_at))
        if one.answered_at is not None:
            legs = (("", *phones[one.agent], True),) if one.agent in phones else ()
            left_s = None if one.left_at is None else max(0.0, now - one.left_at)
            talk_s = max(0.0, now - one.answered_at)
            seen = replace(seen, stage=Stage.TALKING, legs=legs, talk_s=talk_s, left_s=left_s)
        live.append(seen)
    outbound = [
        LiveOutbound(
            out.call, out.callback, out.kind, out.hotline, *out.phone, out.stage,
            now - out.answered_at if out.answered_at is not None else 0.0,
        )
        for out in memory.outbound
        if out.site == site
    ]  # fmt: skip
    return SiteRead(site, calls=tuple(live), outbound=tuple(outbound))


def phones(router: Router) -> dict[str, tuple[int, int]]:
    """Per site: (agents' phones that can be rung, all of them)."""
    sites = {agent.id: agent.site for agent in router.plan.agents}
    found: dict[str, tuple[int, int]] = {}
    for seat in router.state.seats.values():
        site = sites.get(seat.id)
        if site is not None:
            up, every = found.get(site, (0, 0))
            found[site] = (up + seat.phone_up, every + 1)
    return found


def switches(router: Router) -> list[tuple[str, str, bool, float | None]]:
    """Agreements as they are switched now: (agreement, borrower, enabled, until) of each direction."""
    deals = router.state.deals.values()
    return [(deal.agreement.name, deal.agreement.borrower, deal.enabled, deal.until) for deal in deals]
