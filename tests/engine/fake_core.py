"""A router small enough to see through: it does what the test scripts and keeps what it was given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from callrouter.core.commands import Claim, Command
from callrouter.core.events import CallArrived, Event
from callrouter.core.snapshot import Counts, Snapshot


class FakeCore:
    """Claims each call that arrives, unless `decide` says otherwise. deadlines: the earliest is popped by any event."""

    def __init__(self, decide: Callable[[Event, float], Sequence[Command]] | None = None) -> None:
        self.handled: list[tuple[Event, float]] = []
        self.deadlines: list[float] = []
        self._decide = decide or claim_arrivals

    def handle(self, event: Event, now: float) -> Sequence[Command]:
        self.handled.append((event, now))
        self.deadlines = [due for due in self.deadlines if due > now]
        return self._decide(event, now)

    def next_deadline(self) -> float | None:
        return min(self.deadlines, default=None)

    def snapshot(self, now: float) -> Snapshot:
        return Snapshot(now, "1", (), (), (), (), ())

    def counts(self) -> Counts:
        return Counts({}, {}, {})

    @property
    def events(self) -> list[Event]:
        return [event for event, _ in self.handled]


def claim_arrivals(event: Event, now: float) -> Sequence[Command]:
    return [Claim(event.call, "new")] if isinstance(event, CallArrived) else []
