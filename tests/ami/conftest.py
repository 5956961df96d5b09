"""A link to a scripted manager, and waiting for conditions instead of guessing times."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from callrouter.ami.epoch import Lease
from callrouter.ami.link import SiteLink
from callrouter.ami.linkstate import Phase, Timing
from callrouter.ami.translate import Fenced
from callrouter.core.events import Event, SiteRead

from .fake import FakeAsterisk

# Pauses are short; deadlines are long, since a busy machine keeps everybody waiting. Tests of a deadline set it.
QUICK = Timing(
    connect_s=20.0,
    login_s=20.0,
    boot_s=20.0,
    action_s=20.0,
    list_s=20.0,
    beat_s=0.05,
    silence_s=20.0,
    backoff_first_s=0.01,
    backoff_most_s=0.05,
    refused_s=0.05,
    reread_s=0.0,
    distrust_s=0.03,
)


async def until(condition: Callable[[], object], deadline_s: float = 30.0) -> None:
    """Wait for a condition; fails the test if it does not come true."""
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.002)


class Rig:
    """One link, its scripted manager, and what the link told the engine."""

    def __init__(self, fake: FakeAsterisk) -> None:
        self.fake = fake
        self.events: list[Event] = []
        self.fenced: list[Fenced] = []
        self.takes = True  # what the engine's inbox says
        self.lease = Lease(1000, "m")
        self.link: SiteLink | None = None

    def make(
        self, timing: Timing = QUICK, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", **kw: object
    ) -> SiteLink:
        loop = asyncio.get_running_loop()
        self.link = SiteLink(
            "gera",
            host,
            self.fake.port,
            str(kw.pop("user", "callrouter")),
            str(kw.pop("secret", "lab")),
            lease=self.lease,
            submit=self._submit,
            clock=loop.time,
            rng=lambda: 0.5,
            on_fenced=self.fenced.append,
            timing=replace(timing, **kw),  # type: ignore[arg-type]
            tls=tls,
            peers=("magdeburg",),
        )
        return self.link

    async def up(self, **kw: object) -> SiteLink:
        link = self.make(**kw)  # type: ignore[arg-type]
        link.start()
        await until(lambda: link.state.phase is Phase.UP)
        return link

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def after_read(self) -> list[Event]:
        """What came after the last SiteRead."""
        last = max(i for i, event in enumerate(self.events) if isinstance(event, SiteRead))
        return self.events[last + 1 :]

    def _submit(self, event: Event) -> bool:
        if self.takes:
            self.events.append(event)
        return self.takes


@pytest.fixture
async def fake() -> AsyncIterator[FakeAsterisk]:
    async with FakeAsterisk() as made:
        yield made


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with FakeAsterisk() as fake:
        made = Rig(fake)
        yield made
        if made.link is not None:
            await made.link.close()
