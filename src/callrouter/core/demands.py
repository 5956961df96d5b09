"""Redials grouped into call demands (ITU-T E.600): attempts of one caller for one hotline are one wish to be served.

A demand ends when an agent has talked to the caller, or when no attempt followed within the redial window after the
end of the last one. Callers are opaque keys; who withholds his number cannot be recognised, so each of his attempts
is a demand of its own and marked. Knows no clock, no SQL and no telephone numbers: finished attempts come in, in the
order of their ends, and demands come out. Same attempts, same demands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from callrouter.core.commands import CallFinished, Outcome
from callrouter.core.events import CallId

OPEN_MAX = 100_000
Key = tuple[str, str]  # (caller, hotline)

# Attempts in opening hours for a hotline; what came when it was closed is counted apart.
COUNTED = frozenset({Outcome.ANSWERED, Outcome.ABANDONED, Outcome.BUSIED, Outcome.FAILSAFE, Outcome.LOST})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One finished call. caller: the same text for the same person, '' withheld. reached_at: an agent answered."""

    call: CallId
    hotline: str
    caller: str
    arrived_at: float
    ended_at: float
    reached_at: float | None
    target_s: float
    window_s: float


@dataclass(frozen=True, slots=True)
class Demand:
    """id: the first of its attempts that ended. closes_at: after this no attempt joins it. closed_at None: still open.

    shed: closed before its time because too many were open; it may have gone on unseen.
    """

    id: CallId
    hotline: str
    caller: str
    withheld: bool
    first_at: float
    last_at: float
    attempts: int
    reached_at: float | None
    reached_first: bool
    within_target: bool
    closes_at: float
    closed_at: float | None = None
    shed: bool = False

    @property
    def key(self) -> Key:
        return self.caller, self.hotline


def attempt_of(record: CallFinished, caller: str, target_s: float, window_s: float) -> Attempt | None:
    """The attempt that a call record is; None when it belongs to no demand (closed, or no hotline)."""
    if record.outcome not in COUNTED or not record.hotline:
        return None
    reached = record.arrived_at + record.wait_s if record.outcome is Outcome.ANSWERED else None
    return Attempt(
        record.call, record.hotline, caller, record.arrived_at, record.ended_at, reached, target_s, window_s
    )  # fmt: skip


def belongs(demand: Demand, attempt: Attempt) -> bool:
    """Is it a redial of this demand? Attempts may overlap, and come in the order of their ends."""
    if demand.closed_at is not None or attempt.arrived_at > demand.closes_at:
        return False
    if attempt.ended_at + attempt.window_s < demand.first_at:
        return False
    # Who was already being talked to when this demand began had another one.
    return attempt.reached_at is None or attempt.reached_at > demand.first_at


def begun(attempt: Attempt) -> Demand:
    """A demand of this one attempt."""
    first = Demand(
        id=attempt.call,
        hotline=attempt.hotline,
        caller=attempt.caller,
        withheld=not attempt.caller,
        first_at=attempt.arrived_at,
        last_at=attempt.ended_at,
        attempts=0,
        reached_at=None,
        reached_first=False,
        within_target=False,
        closes_at=attempt.ended_at,
    )
    return joined(first, attempt)


def joined(demand: Demand, attempt: Attempt) -> Demand:
    """The demand with one more attempt. It closes when that one reached an agent, or cannot be followed by others."""
    reached = attempt.reached_at
    first_at = min(demand.first_at, attempt.arrived_at)
    last_at = max(demand.last_at, attempt.ended_at)
    ends = reached is not None or demand.withheld
    return replace(
        demand,
        first_at=first_at,
        last_at=last_at,
        attempts=demand.attempts + 1,
        reached_at=reached,
        reached_first=reached is not None and attempt.arrived_at <= first_at,
        within_target=reached is not None and reached - first_at <= attempt.target_s,
        closes_at=last_at if ends else max(demand.closes_at, attempt.ended_at + attempt.window_s),
        closed_at=attempt.ended_at if ends else None,
    )


@dataclass(frozen=True, slots=True)
class Step:
    """What one attempt did: the demand that it is part of now, and others that it ended."""

    demand: Demand
    closed: tuple[Demand, ...] = ()


class Demands:
    """The open demands. Bounded: beyond `open_max` the one that would close first is shed, and says so.

    `opened` brings back the open demands that somebody kept; from the call records alone the same follow by adding
    the attempts of the last windows again, in the order of their ends.
    """

    def __init__(self, opened: Iterable[Demand] = (), open_max: int = OPEN_MAX) -> None:
        assert open_max > 0
        self._open_max = open_max
        self._open: dict[Key, Demand] = {demand.key: demand for demand in opened if demand.closed_at is None}
        self.shed_count = 0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def opened(self) -> tuple[Demand, ...]:
        return tuple(self._open.values())

    def add(self, attempt: Attempt) -> Step:
        """An attempt has ended: it joins its caller's open demand, or begins one."""
        known = self._open.get((attempt.caller, attempt.hotline)) if attempt.caller else None
        if known is not None and belongs(known, attempt):
            demand = joined(known, attempt)
            if demand.closed_at is None:
                self._open[demand.key] = demand
            else:
                del self._open[demand.key]
            return Step(demand)
        demand = begun(attempt)
        closed: list[Demand] = []
        if demand.closed_at is None:
            if known is not None:  # its window was over, or began after this attempt's: either way it gets no more
                closed.append(_expired(known))
            self._open.pop(demand.key, None)
            self._open[demand.key] = demand
            if len(self._open) > self._open_max:
                closed.append(self._shed())
        return Step(demand, tuple(closed))

    def close(self, now: float, ringing: Callable[[Key], bool] = lambda _: False) -> list[Demand]:
        """Close those whose window is over. ringing: does this caller have a live call, which came in time?"""
        over = [one for one in self._open.values() if one.closes_at < now and not ringing(one.key)]
        for demand in over:
            del self._open[demand.key]
        return [_expired(demand) for demand in over]

    def _shed(self) -> Demand:
        first = min(self._open.values(), key=lambda one: (one.closes_at, one.id))
        del self._open[first.key]
        self.shed_count += 1
        return replace(_expired(first), shed=True)


def _expired(demand: Demand) -> Demand:
    return replace(demand, closed_at=demand.closes_at)
