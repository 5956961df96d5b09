"""A finished call on its way from the journal to SQL, and how far that way has been gone. Plain data for both ends."""

from __future__ import annotations

from dataclasses import dataclass

from callrouter.core.commands import CallFinished


@dataclass(frozen=True, slots=True)
class Finished:
    """run, seq: which router said so and at which of its turns.

    target_s, window_s: of its hotline, as the plan was then.
    """

    record: CallFinished
    run: str
    seq: int
    target_s: float
    window_s: float

    @property
    def weight(self) -> tuple[bool, str, int]:
        """Of two words about one call the greater stands: his who saw its end, else the later one's."""
        return self.record.seen, self.run, self.seq


@dataclass(frozen=True, slots=True)
class Batch:
    """What stands in [start, end) bytes of one segment. more: there is more to read at once. damaged: lines skipped."""

    segment: str
    start: int
    end: int
    calls: tuple[Finished, ...]
    more: bool
    damaged: int = 0
