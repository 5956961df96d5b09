"""What today's calls tell of the day: how many want something, and who was not reached and may try again.

Knows them from the call records, and from what the router has said since the start of those that are not among the
records yet or go on. A call of somebody who was not reached shortly before is no new wish: it comes because the first
one failed, and a forecast makes such calls by itself. Knows no clock.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from callrouter.core.commands import CallFinished, CallOffered, Command, Outcome
from callrouter.core.events import CallArrived, CallId, Event, SiteRead
from callrouter.sim.live import Missed
from callrouter.store.today import Attempt

WINDOW_S = 7200.0  # who calls later wants something else
QUIET_S = 1800.0  # no call for so long is worth a look at whether there was a service at all
RECENT_MAX = 20_000  # that have ended; those of longer ago are in the records


class Recent:
    """`observe` every turn of the router; `attempts` are the calls in opening hours since then."""

    def __init__(self, now: float) -> None:
        self.since = now
        self._live: dict[CallId, Attempt] = {}
        self._ended: OrderedDict[CallId, Attempt] = OrderedDict()

    def observe(self, event: Event, commands: Sequence[Command], now: float) -> None:
        for command in commands:
            kind = type(command)
            if kind is CallOffered:
                if command.open:  # type: ignore[union-attr]
                    self._begins(event, command, now)  # type: ignore[arg-type]
            elif kind is CallFinished:
                self._ends(command)  # type: ignore[arg-type]

    def attempts(self) -> tuple[Attempt, ...]:
        """With callers' numbers."""
        return (*self._ended.values(), *self._live.values())

    def _begins(self, event: Event, told: CallOffered, now: float) -> None:
        number, age_s = _caller_of(event, told.call)
        self._live[told.call] = Attempt(told.call, told.hotline, number, now - age_s)

    def _ends(self, record: CallFinished) -> None:
        begun = self._live.pop(record.call, None)
        if begun is None:
            return
        reached = record.outcome not in (Outcome.ABANDONED, Outcome.BUSIED)
        self._ended[record.call] = replace(
            begun, arrived_at=record.arrived_at, ended_at=record.ended_at, reached=reached
        )
        if len(self._ended) > RECENT_MAX:
            _, first = self._ended.popitem(last=False)
            self.since = max(self.since, first.ended_at or first.arrived_at)


def _caller_of(event: Event, call: CallId) -> tuple[str, float]:
    """Who makes a call that has just entered the books, and for how long: it arrived, or its site was read."""
    if isinstance(event, CallArrived):
        return event.caller, 0.0
    if isinstance(event, SiteRead):
        return next(((one.caller, one.age_s) for one in event.calls if one.call == call), ("", 0.0))
    return "", 0.0


def together(
    records: Iterable[Attempt], recent: Iterable[Attempt], key_of: Callable[[str], str], since: float
) -> list[Attempt]:
    """Every call of the day that began at `since` once, under its caller's key. Takes a while for many."""
    known = {one.call: one for one in records}
    new = (replace(one, caller=key_of(one.caller)) for one in recent if one.call not in known)
    return [*known.values(), *(one for one in new if one.arrived_at >= since)]


@dataclass(frozen=True, slots=True)
class Today:
    """As `Live` wants to know it."""

    came: Mapping[str, int]
    withheld: Mapping[str, tuple[int, int]]
    missed: tuple[Missed, ...]
    attempts: Mapping[CallId, int]
    tries: float
    quiet: tuple[tuple[float, float], ...]


def told(attempts: Iterable[Attempt], since: float, now: float) -> Today:
    """attempts: of the day from `since` on, each once."""
    came, withheld, forgotten = Counter[str](), Counter[str](), Counter[str]()
    last: dict[tuple[str, str], tuple[Attempt, int]] = {}  # of (hotline, caller)
    missed: list[Missed] = []
    numbers: dict[CallId, int] = {}
    arrivals = [since]
    calls = 0
    for one in sorted(attempts, key=lambda one: (one.arrived_at, one.call)):
        arrivals.append(one.arrived_at)
        if one.caller:
            calls += 1
            before = last.get((one.hotline, one.caller))
            number = before[1] + 1 if before is not None and _led_to(before[0], one) else 1
            came[one.hotline] += number == 1
            last[one.hotline, one.caller] = one, number
            if one.ended_at is None and number > 1:
                numbers[one.call] = number
            continue
        withheld[one.hotline] += 1
        if _lately(one, now):
            missed.append(Missed(one.hotline, one.ended_at or now, 1, known=False))
        elif _missed(one):
            forgotten[one.hotline] += 1
    missed += [Missed(one.hotline, one.ended_at or now, number) for one, number in last.values() if _lately(one, now)]
    missed.sort(key=lambda one: one.ended_at)
    return Today(
        came,
        {name: (number, forgotten[name]) for name, number in withheld.items()},
        tuple(missed),
        numbers,
        1.0 + (calls - came.total()) / max(1, came.total()),
        tuple((a, b) for a, b in pairwise([*arrivals, now]) if b - a >= QUIET_S),
    )


def _missed(one: Attempt) -> bool:
    return one.ended_at is not None and not one.reached


def _lately(one: Attempt, now: float) -> bool:
    return _missed(one) and one.ended_at is not None and one.ended_at >= now - WINDOW_S


def _led_to(before: Attempt, one: Attempt) -> bool:
    """Is it the next try of somebody who was not reached?"""
    return _missed(before) and before.ended_at is not None and 0 <= one.arrived_at - before.ended_at <= WINDOW_S
