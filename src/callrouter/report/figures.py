"""The figures of a report, added up from call records, demands and callbacks. Knows neither SQL nor pages.

Definitions are those of the metrics (docs/measures.md): what this adds up for a period equals what the counters of the
same names rose by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from statistics import quantiles
from typing import TypeVar

from callrouter.core.commands import Outcome, Unserved
from callrouter.core.demands import COUNTED, Demand
from callrouter.desk.results import Disposition

SMALL = 20  # below this a share says nothing
NEAR = 0.05  # so far below its target a share is at risk; further down it is missed


@dataclass(frozen=True, slots=True)
class Share:
    """part of whole, and what is aimed at (None: nothing)."""

    part: int
    whole: int
    target: float | None = None

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None

    @property
    def small(self) -> bool:
        return self.whole < SMALL

    @property
    def state(self) -> str:
        """met, near or missed; '' where nothing is aimed at, or too few were counted to say."""
        if self.target is None or self.small or self.value is None:
            return ""
        return "met" if self.value >= self.target else "near" if self.value >= self.target - NEAR else "missed"


@dataclass(frozen=True, slots=True)
class Record:
    """What the report needs of a call record."""

    hotline: str
    outcome: Outcome
    unserved: Unserved
    arrived_at: float
    wait_s: float
    talk_s: float
    on_hold_s: float
    team: str
    agreement: str
    within_target: bool


@dataclass(slots=True)
class Calls:
    """Call attempts. offered: in opening hours, busied and abandoned ones included. waits_s: of the answered."""

    offered: int = 0
    answered: int = 0
    within_target: int = 0
    closed: int = 0
    unserved: Counter[Unserved] = field(default_factory=Counter)
    talk_s: float = 0.0
    on_hold_s: float = 0.0
    put_on_hold: int = 0
    waits_s: list[float] = field(default_factory=list)

    def add(self, record: Record) -> None:
        if record.outcome is Outcome.CLOSED:
            self.closed += 1
        elif record.outcome in COUNTED:
            self.offered += 1
            if record.outcome is Outcome.ANSWERED:
                self.answered += 1
                self.within_target += record.within_target
                self.talk_s += record.talk_s
                self.on_hold_s += record.on_hold_s
                self.put_on_hold += record.on_hold_s > 0
                self.waits_s.append(record.wait_s)
            elif record.unserved:
                self.unserved[record.unserved] += 1

    @property
    def late(self) -> int:
        return self.answered - self.within_target

    @property
    def lost(self) -> int:
        """Reached nobody."""
        return self.offered - self.answered

    def waited(self) -> tuple[float, float] | None:
        """Median and 90th percentile of the answered, seconds; None without any."""
        if not self.waits_s:
            return None
        if len(self.waits_s) == 1:
            return self.waits_s[0], self.waits_s[0]
        tenths = quantiles(self.waits_s, n=10, method="inclusive")
        return tenths[4], tenths[8]


@dataclass(slots=True)
class Demands:
    """Callers' wishes, each all attempts of one caller for one hotline within the redial window (ITU-T E.600)."""

    ended: int = 0
    reached: int = 0
    within_target: int = 0
    first: int = 0
    attempts: int = 0
    tries: Counter[int] = field(default_factory=Counter)  # attempts -> demands, of those that were reached
    open: int = 0  # not decided yet: in none of the others

    def add(self, demand: Demand) -> None:
        if demand.closed_at is None:
            self.open += 1
            return
        self.ended += 1
        self.attempts += demand.attempts
        self.within_target += demand.within_target
        self.first += demand.reached_first
        if demand.reached_at is not None:
            self.reached += 1
            self.tries[demand.attempts] += 1

    @property
    def unreached(self) -> int:
        return self.ended - self.reached


@dataclass(slots=True)
class Callbacks:
    """Promises to ring back whose time came within the period. unkept: late, in vain or not at all."""

    due: int = 0
    kept: int = 0

    def add(self, kept: bool | None) -> None:
        """None: withdrawn, or it may still be kept."""
        if kept is not None:
            self.due += 1
            self.kept += kept


@dataclass(slots=True)
class Results:
    """What agents said came of the calls that they answered. Whose result nobody gave is in neither."""

    given: int = 0
    resolved: int = 0  # in this talk, for good

    def add(self, disposition: str) -> None:
        self.given += 1
        self.resolved += disposition == Disposition.RESOLVED


@dataclass(slots=True)
class Lent:
    """Conversations that a lending team had with callers of the borrowing one."""

    calls: int = 0
    talk_s: float = 0.0


Deal = tuple[str, str, str]  # agreement, borrower, lender
Sum = TypeVar("Sum", Calls, Demands, Callbacks, Results, Lent)


@dataclass(slots=True)
class Line:
    """All of one hotline. half_hours: by the instant each begins."""

    calls: Calls = field(default_factory=Calls)
    shown: Demands = field(default_factory=Demands)
    withheld: Demands = field(default_factory=Demands)
    callbacks: Callbacks = field(default_factory=Callbacks)
    results: Results = field(default_factory=Results)
    half_hours: dict[float, Calls] = field(default_factory=dict)

    def demands(self) -> Demands:
        """Both kinds. Who withholds his number cannot be told from the next one: each of his attempts is a demand."""
        return total((self.shown, self.withheld), Demands)


def total(parts: Iterable[Sum], kind: type[Sum]) -> Sum:
    """All of them in one."""
    whole = kind()
    for part in parts:
        for one in fields(part):
            setattr(whole, one.name, getattr(whole, one.name) + getattr(part, one.name))
    return whole
