"""Pages that move: one stream each, whose frames hold only the regions that changed.

Visits with the same page, language and key share a channel: it looks and draws once, whoever watches. A subscriber
keeps which version of each region he has, so a slow one skips versions instead of queueing them. Frames leave at once
after a quiet time and at most every `FRAME_S`: less than a second, so that what happens is seen within one.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from time import time
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from aiohttp import web
from aiohttp_sse import EventSourceResponse

from callrouter.accounts.book import AccountBook
from callrouter.core.commands import Command
from callrouter.core.events import Event
from callrouter.core.snapshot import Snapshot
from callrouter.i18n import Texts
from callrouter.store.store import FAULTS, said
from callrouter.web import render
from callrouter.web.routes import LivePage

if TYPE_CHECKING:
    from callrouter.web.front import Front
    from callrouter.web.visit import Visit

log = structlog.get_logger(__name__)

FRAME_S = 0.8
HEARTBEAT_S = 5.0
SLICE_S = 0.003  # of drawing, then the router has its turn
NEVER = -math.inf
STREAMS_MAX = 4_000
PER_SESSION_MAX = 30
Key = tuple[Hashable, ...]
T = TypeVar("T")


@dataclass(slots=True)
class _Frame:
    """What is made once for all who look at the same time."""

    at: float  # of the loop
    made: dict[Hashable, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Look:
    """The instant that a page looks at; everything that is drawn in one frame sees the same."""

    front: Front
    texts: Texts
    key: Key
    now: float
    _frame: _Frame

    @property
    def snapshot(self) -> Snapshot:
        return self.shared("snapshot", self.front.context.snapshot)

    def shared(self, name: Hashable, make: Callable[[], T]) -> T:
        """What several pages look at, made once a frame."""
        if name not in self._frame.made:
            self._frame.made[name] = make()
        found: T = self._frame.made[name]
        return found


@dataclass(slots=True)
class _Region:
    version: int
    seen: Any
    lines: bytes  # as SSE


@dataclass(slots=True)
class _Channel:
    """One page for one key and language."""

    page: LivePage
    texts: Texts
    key: Key
    regions: dict[str, _Region] = field(default_factory=dict)
    around: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    followers: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def refresh(self, look: Look) -> None:
        seen = self.page.look(look)
        around = {name: value for name, value in seen.items() if name not in self.page.regions}
        anew = around != self.around
        changed = False
        for name in self.page.regions:
            region = self.regions.get(name)
            if region is not None and not anew and region.seen == seen[name]:
                continue
            html = render.block(self.texts.language, self.page.template, name, {**seen, "now": look.now})
            lines = _partial(name, html)
            if region is None or region.lines != lines:
                changed = True
                self.regions[name] = _Region(self.version + 1, seen[name], lines)
            else:
                region.seen = seen[name]
        self.around = around
        if changed:
            self.version += 1
            self.wake()

    def wake(self) -> None:
        self.moved.set()
        self.moved = asyncio.Event()

    def newer(self, version: int) -> bytes:
        """One message with all regions that changed since; b'' if none did."""
        lines = [region.lines for region in self.regions.values() if region.version > version]
        return b"".join(lines) + b"\n" if lines else b""


def _partial(name: str, html: str) -> bytes:
    text = f'<hx-partial hx-target="#{name}" hx-swap="innerMorph">{html}</hx-partial>'
    return "".join(f"data: {line}\n" for line in text.splitlines() if line.strip()).encode()


class Live:
    """Run `run()` as a task. Everything here is for one event loop."""

    def __init__(self, front: Callable[[], Front], rate: float = 1.0) -> None:
        """rate: how fast the router's clock runs (a demo may hurry)."""
        self._front = front
        self._rate = rate
        self._channels: dict[tuple[str, str, Key], _Channel] = {}
        self._dirty: set[str] = set()
        self._wake = asyncio.Event()
        self._sessions: dict[str, int] = {}  # id -> streams
        self._ended: frozenset[str] = frozenset()  # sessions that did not stand any more when last asked
        self._recheck = False
        self._closed = asyncio.Event()
        self._frame = _Frame(NEVER)
        self.frames = 0

    @property
    def streams(self) -> int:
        return sum(self._sessions.values())

    def changed(self, *tags: str) -> None:
        """Something happened; with tags, only to what they name."""
        self._dirty.update(tags or ("",))
        self._frame.at = NEVER
        self._wake.set()

    def observe(self, _event: Event, commands: Sequence[Command], _now: float) -> None:
        """The engine's observer: whatever was decided may be seen."""
        if commands:
            self._frame.at = NEVER  # what is made from now on sees it
            if self._channels:
                self.changed()

    def recheck(self) -> None:
        """Sessions were ended: their streams end with the next frame."""
        self._recheck = True
        self.changed("sessions")

    def look_at(self, texts: Texts, key: Key) -> Look:
        """What a page sees now; who asks within half a frame after another sees the same."""
        now = asyncio.get_running_loop().time()
        if now - self._frame.at > FRAME_S / 2:
            self._frame = _Frame(now)
        return Look(self._front(), texts, key, self._front().context.clock(), self._frame)

    # ---- the painter

    async def run(self) -> None:
        """Draw until cancelled."""
        steady = asyncio.get_running_loop().time  # waits are of the loop, so what they are reckoned from is, too
        checked = looked = steady()
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._wake.wait()
            except TimeoutError:
                self._dirty.add("")  # what only time changes
            self._wake.clear()
            await asyncio.sleep(max(0.0, looked + FRAME_S - steady()))
            looked = steady()
            tags, self._dirty, self._frame = self._dirty, set(), _Frame(looked)
            await self._draw(tags)
            if self._recheck or looked - checked >= HEARTBEAT_S:
                checked, self._recheck = looked, False
                await self._ask_sessions()

    async def _draw(self, tags: set[str]) -> None:
        steady = asyncio.get_running_loop().time
        began = steady()
        for name, channel in list(self._channels.items()):
            wanted = channel.page.tags(channel.key)
            if wanted and not (wanted & tags):
                continue
            try:
                channel.refresh(self.look_at(channel.texts, channel.key))
            except Exception:
                log.exception("a page could not be drawn", page=name[0])
            self.frames += 1
            if steady() - began > SLICE_S:
                await asyncio.sleep(0)
                began = steady()

    async def _ask_sessions(self) -> None:
        """Who was logged out elsewhere, or idle for too long, gets no more frames."""
        book: AccountBook = self._front().accounts
        asked = set(self._sessions) - {""}
        try:
            self._ended = frozenset(asked - (await book.standing(asked, time())).keys())
            if self._ended:
                for channel in self._channels.values():
                    channel.wake()
        except FAULTS as error:
            log.warning("sessions cannot be checked", error=said(error))

    # ---- those who watch

    async def follow(self, visit: Visit, page: LivePage) -> web.StreamResponse:
        """The stream of a page, until the browser or the session is gone."""
        key = page.key(visit)
        session = visit.session.id if visit.session else ""
        if self.streams >= STREAMS_MAX or self._sessions.get(session, 0) >= PER_SESSION_MAX or self._closed.is_set():
            return web.Response(status=503, headers={"Retry-After": "5"})
        answer = EventSourceResponse(sep="\n", ping_interval=3600.0, send_timeout=30.0)
        name = (page.path, visit.texts.language, key)
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = _Channel(page, visit.texts, key)
        channel.followers += 1
        self._sessions[session] = self._sessions.get(session, 0) + 1
        try:
            if not channel.regions or channel.followers == 1:
                channel.refresh(self.look_at(visit.texts, key))
            if visit.request.transport is None:
                raise ConnectionResetError("the browser has gone")
            await answer.prepare(visit.request)
            await self._send(answer, channel, session)
        except (ConnectionError, TimeoutError):
            pass  # the browser has gone
        finally:
            channel.followers -= 1
            if not channel.followers:
                self._channels.pop(name, None)
            self._sessions[session] -= 1
            if not self._sessions[session]:
                del self._sessions[session]
        return answer if answer.prepared else web.Response()  # aiohttp would prepare it for the browser that has gone

    async def _send(self, answer: EventSourceResponse, channel: _Channel, session: str) -> None:
        steady = asyncio.get_running_loop().time
        version, beat = 0, NEVER
        while not self._closed.is_set():
            if session in self._ended:
                await answer.write(b"event: callrouter-ended\ndata: \n\n")
                return
            moved, message = channel.moved, channel.newer(version)
            if message:
                version = channel.version
                await answer.write(message)
            if steady() >= beat:
                beat = steady() + HEARTBEAT_S
                pulse = f"{self._front().context.clock():.3f} {self._rate:g}"
                await answer.write(f"event: callrouter-heartbeat\ndata: {pulse}\n\n".encode())
            try:
                async with asyncio.timeout(max(0.05, beat - steady())):
                    await moved.wait()
            except TimeoutError:
                continue

    def close(self) -> None:
        """The service stops: streams end, browsers will look for the next one."""
        self._closed.set()
        for channel in self._channels.values():
            channel.wake()
