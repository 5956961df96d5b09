"""Replay: the same decisions pass, the first other one is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from callrouter.core.commands import Claim, Command, Release
from callrouter.core.events import CallArrived, Event
from callrouter.engine import Engine
from callrouter.journal.codec import Codec
from callrouter.journal.replay import Replay, replay
from callrouter.journal.segment import Header
from callrouter.journal.writer import Journal
from tests.engine.fake_core import FakeCore


@dataclass(frozen=True, slots=True)
class Seen:
    calls: int


CODEC = Codec(Event, Command, Seen)


class Counting(FakeCore):
    """Releases each call from the `limit`-th on; breaks on the tenth."""

    breaks_at = 10

    def __init__(self, calls: int = 0, limit: int = 5) -> None:
        super().__init__(self.count)
        self.calls = calls
        self.limit = limit

    def count(self, event: Event, now: float) -> Sequence[Command]:
        assert isinstance(event, CallArrived)
        self.calls += 1
        assert self.calls != self.breaks_at
        if self.calls >= self.limit:
            return [Release(event.call, 17, f"call {self.calls}")]
        return [Claim(event.call, f"call {self.calls}")]

    @classmethod
    def restored(cls, header: Header) -> Counting:
        return cls(header.state.calls)

    @classmethod
    def changed(cls, header: Header) -> Counting:
        return cls(header.state.calls, limit=7)


class Mended(Counting):
    breaks_at = 0


async def record(folder: Path, calls: int) -> Path:
    """What a running engine writes for so many calls; its router has handled three before."""
    router = Counting(3)
    journal = Journal(folder, CODEC, lambda: Seen(router.calls))
    journal.begin(1.0)
    engine = Engine(router, lambda: 2.0, lambda order: None, journal=journal)
    for number in range(calls):
        engine.submit(CallArrived(f"gera/{number}", "gera", "0365"))
    engine.stop()
    await engine.run()
    assert journal.path
    journal.close(3.0)
    return journal.path


def test_unchanged_router_repeats_every_decision(tmp_path: Path) -> None:
    """The same release over the same events decides the same, the broken event included."""
    path = asyncio.run(record(tmp_path, 9))
    result: Replay = replay(path, CODEC, Counting.restored)
    assert result.difference is None
    assert (result.events, result.decisions) == (9, 8)


def test_changed_router_is_caught_at_the_first_difference(tmp_path: Path) -> None:
    """Another decision stops the replay and shows the line, what was expected and what came."""
    path = asyncio.run(record(tmp_path, 9))
    difference = replay(path, CODEC, Counting.changed).difference
    assert difference is not None
    assert difference.entry.line == 3
    assert difference.entry.commands == (Release("gera/1", 17, "call 5"),)
    assert difference.got == (Claim("gera/1", "call 5"),)


def test_handler_that_no_longer_breaks_is_a_difference(tmp_path: Path) -> None:
    """A mended fault shows up as such: the journal says that the handler broke, and now it does not."""
    path = asyncio.run(record(tmp_path, 9))
    difference = replay(path, CODEC, Mended.restored).difference
    assert difference is not None
    assert difference.entry.failed == "AssertionError"
    assert difference.entry.commands == ()
    assert difference.failed == ""
