"""Drive the router again over what the journal recorded, and find the first decision that differs.

Knows no files but the segments it is given and prints nothing; `cli/replay.py` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from callrouter.core.commands import Command
from callrouter.core.events import Event
from callrouter.journal.codec import Codec
from callrouter.journal.segment import Entry, Header, read_segment


class Replayed(Protocol):
    def handle(self, event: Event, now: float) -> Sequence[Command]: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """The first entry whose decision is not repeated."""

    path: Path
    entry: Entry
    got: tuple[Command, ...]
    failed: str  # what the handler raised this time


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of one segment. difference None: every decision was repeated."""

    path: Path
    header: Header
    events: int
    decisions: int
    difference: Difference | None


def replay(path: Path, codec: Codec, restore: Callable[[Header], Replayed]) -> Replay:
    """Raises JournalDamaged and OSError. Stops at the first difference, since all that follows is another world."""
    header, entries = read_segment(path, codec)
    router = restore(header)
    events = decisions = 0
    for entry in entries:
        got: tuple[Command, ...] = ()
        failed = ""
        try:
            got = tuple(router.handle(entry.event, entry.now))
        except Exception as error:  # a handler that broke in service must break again
            failed = type(error).__name__
        if got != entry.commands or failed != entry.failed:
            return Replay(path, header, events, decisions, Difference(path, entry, got, failed))
        events += 1
        decisions += len(got)
    return Replay(path, header, events, decisions, None)
