"""All that the HTTP API needs of the rest, as one bag of functions; `app.py` fills it, tests fill it by hand.

Knows neither the engine's inbox nor Asterisk. Nothing here keeps state.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, Protocol

from aiohttp import web

from callrouter.core.callbacks import Callback
from callrouter.core.commands import Command
from callrouter.core.events import CallId, Event
from callrouter.core.explain import Candidate as Candidate  # noqa: PLC0414  # who makes a Context needs it
from callrouter.core.plan import Plan
from callrouter.core.snapshot import CallbackView, Snapshot

TOKEN_CHARS_MIN = 20


class Step(Protocol):
    """One turn of the router that concerned a call: what came in, and what was decided."""

    @property
    def at(self) -> float: ...
    @property
    def event(self) -> Event: ...
    @property
    def commands(self) -> Sequence[Command]: ...


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token's digest: the secret itself is not kept. name: who it is, for the records."""

    name: str
    digest: bytes
    may_write: bool = False

    @classmethod
    def of(cls, name: str, secret: str, *, may_write: bool = False) -> Token:
        """Raises ValueError when the secret is too short to be one."""
        if len(secret) < TOKEN_CHARS_MIN or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise ValueError(
                f"the API token {name!r} must have at least {TOKEN_CHARS_MIN} printable ASCII characters "
                "and no space: make one with `openssl rand -hex 32`"
            )
        return cls(name, sha256(secret.encode()).digest(), may_write)


def bearer(tokens: Sequence[Token], secret: str) -> Token | None:
    """Find the token with this secret. Digests are compared, all of them, in constant time."""
    digest = sha256(secret.encode(errors="surrogateescape")).digest()
    found = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found


class CannotTell(Exception):
    """Why there is no forecast, and the mend. question: not understood; busy: ask again; else: not configured."""

    def __init__(self, what: str, mend: str, *, question: bool = False, busy: bool = False) -> None:
        super().__init__(f"{what}; {mend}")
        self.what = what
        self.question = question
        self.busy = busy


class Versions(NamedTuple):
    """What a site runs: Asterisk's version, and that of its dialplan ('': there is none). None: it did not say."""

    asterisk: str | None = None
    dialplan: str | None = None


class Audit(Protocol):
    """Write down for good who did what and why; returns when it is kept."""

    def __call__(self, *, who: str, what: str, why: str, before: str, after: str) -> Awaitable[None]: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What the API is given.

    ask: submit an event and await the router's commands. history: the kept turns of a call, oldest first (also of one
    that has ended). explain: the candidates for a waiting call, now. metrics: the Prometheus text. health: reasons why
    this service is not ready, empty if it is. clock: UTC seconds. callbacks, callback: callers whom agents of hotlines
    are to ring back, or who gave up; one of them, with why nobody rings him now. versions: of sites that have a link.
    """

    snapshot: Callable[[], Snapshot]
    plan: Callable[[], Plan]
    ask: Callable[[Event], Awaitable[Sequence[Command]]]
    history: Callable[[CallId], Sequence[Step]]
    explain: Callable[[CallId], Sequence[Candidate]]
    metrics: Callable[[], bytes]
    health: Callable[[], Sequence[str]]
    audit: Audit
    clock: Callable[[], float]
    tokens: tuple[Token, ...] = ()
    callbacks: Callable[[], Sequence[Callback]] = tuple
    callback: Callable[[str], CallbackView | None] = lambda _: None
    versions: Callable[[], Mapping[str, Versions]] = dict
    whatif: Callable[[str], Awaitable[Mapping[str, object]]] | None = None  # as `models.WhatIfOut`; raises CannotTell
    ask_s: float = 5.0  # how long a request waits for the router's answer
    switching: asyncio.Lock = field(default_factory=asyncio.Lock)  # look and switch are one act, whoever else switches


CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)
