"""Finished calls and callbacks on their way from the journal to SQL, and how far that way has been gone.

Plain data for both ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from callrouter.core.callbacks import Callback
from callrouter.core.commands import CallFinished, OutboundFinished, Outcome


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
    def weight(self) -> Weight:
        r = self.record
        return weight(r.seen, r.outcome, r.ended_at, self.run, self.seq)


Weight = tuple[bool, bool, float, str, int]


def weight(seen: bool, outcome: str, ended_at: float, run: str, seq: int) -> Weight:
    """Of two words about one call the greater stands.

    That of the one who was told of its end; else of the one who knows more than that it is lost; else of the one who
    found it gone first; else the later one.
    """
    return seen, outcome != Outcome.LOST, 0.0 if seen else -ended_at, run, seq


@dataclass(frozen=True, slots=True)
class Told:
    """A callback as it became, or an outbound call that has ended. Of two words about one the later one stands."""

    what: Callback | OutboundFinished
    run: str
    seq: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What stands in [start, end) bytes of one segment. more: there is more to read at once. damaged: lines skipped."""

    segment: str
    start: int
    end: int
    calls: tuple[Finished, ...]
    more: bool
    damaged: int = 0
    told: tuple[Told, ...] = ()
