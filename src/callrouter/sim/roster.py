"""Rosters per half hour: the days that a scenario treats alike share one, and are named as a scenario names days."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from callrouter.config.hours import DAYS
from callrouter.core.calendar import spans_of
from callrouter.core.plan import Plan, Span
from callrouter.sim.callers import SLOT_S, SLOTS, day_factor
from callrouter.sim.case import Case, instants
from callrouter.sim.changes import DAY_S
from callrouter.sim.clock import SimClock
from callrouter.sim.part import called
from callrouter.sim.scenario import Duty

Roster = dict[tuple[int, int], int]  # of one team: (kind of day, half hour of the day) to agents


@dataclass(frozen=True, slots=True)
class Shift:
    """So many agents on these days, from one half hour to the beginning of another. days: '' = each day."""

    agents: int
    days: str
    first: int
    end: int

    @property
    def hours(self) -> str:
        return f"{clock_of(self.first)}-{clock_of(self.end)}"

    def duty(self) -> Duty:
        hours = (Span(self.first * SLOT_S, self.end * SLOT_S),)
        return Duty.model_construct(agents=self.agents, days=self.days or None, hours=hours)


def clock_of(slot: int) -> str:
    return f"{slot // 2:02}:{slot % 2 * 30:02}"


class Calendar:
    """The days of a scenario, sorted by what they bring.

    Two days are of one kind if callers, opening hours, agreements, the rosters of other teams and changes treat them
    alike, whatever is drawn for them.
    """

    def __init__(self, plan: Plan, case: Case, teams: Collection[str]) -> None:
        """plan: as configured. teams: whose rosters are looked for."""
        clock, days = case.clock, case.scenario.days
        self.days = [clock.day(number) for number in range(days)]
        spans = [(one.text, *span) for one in case.changes for span in instants(one.when, clock, days)]
        others = [steps for team, steps in case.setting.crews.items() if team not in teams]
        kinds: dict[Hashable, int] = {}
        self.kinds = []
        for number, day in enumerate(self.days):
            start, end = clock.us(number, 0), clock.us(number, DAY_S)
            crews = tuple(tuple(_clipped(steps, clock, start, end)) for steps in others)
            changes = tuple(_changed(spans, clock, start, end))
            alike = (_callers(plan, case, day), crews, changes)
            self.kinds.append(kinds.setdefault(alike, len(kinds)))

    def count(self, kind: int) -> int:
        """How many days of the scenario are of it."""
        return self.kinds.count(kind)

    def said(self, kinds: Collection[int]) -> list[str]:
        """Keys that name the days of these kinds and no others of the scenario; [''] if it has one day only."""
        if len(self.days) == 1:
            return [""]
        meant = {day for day, kind in zip(self.days, self.kinds, strict=True) if kind in kinds}
        whole = [w for w in range(7) if (own := {d for d in self.days if d.weekday() == w}) and own <= meant]
        dates = sorted(day for day in meant if day.weekday() not in whole)
        weekdays = [_joined(DAYS[a], DAYS[b], "-") for a, b in _runs(whole)]
        ordinals = [(date.fromordinal(a), date.fromordinal(b)) for a, b in _runs([day.toordinal() for day in dates])]
        return weekdays + [_joined(a.isoformat(), b.isoformat(), "..") for a, b in ordinals]

    def shifts(self, roster: Roster) -> list[Shift]:
        """The roster as few lines: days with equal ones and equal half hours joined."""
        courses = {
            kind: tuple(roster.get((kind, slot), 0) for slot in range(SLOTS)) for kind in dict.fromkeys(self.kinds)
        }
        found = []
        for course in dict.fromkeys(courses.values()):
            for days in self.said([kind for kind, one in courses.items() if one == course]):
                found += [Shift(agents, days, first, end) for agents, first, end in _spans(course) if agents]
        return found

    def weeks(self) -> float:
        """How many weeks' work the scenario is: at least one."""
        return max(1.0, len(self.days) / 7)


def _callers(plan: Plan, case: Case, day: date) -> Hashable:
    """How many call on the day, when they may, and when others may take their calls."""
    arrivals = [one.arrivals for one in case.scenario.callers.values() if one.arrivals]
    hours = [one.hours for one in called(plan, case.scenario)] + [one.window for one in plan.agreements]
    return (
        tuple(day_factor(one, day) for one in arrivals),
        tuple(one and spans_of(one, day) for one in hours),
    )


def _clipped(steps: Iterable[tuple[int, int]], clock: SimClock, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(second of the day, number from then on)."""
    before = 0
    for at_us, number in steps:
        if at_us <= start:
            before = number
        elif at_us < end:
            yield clock.second_of_day(at_us)[1], number
    yield 0, before


def _changed(
    spans: Iterable[tuple[str, int, int]], clock: SimClock, start: int, end: int
) -> Iterator[tuple[str, int, int]]:
    """What sentences change on the day, and from which to which second."""
    for text, first, last in spans:
        if first < end and last > start:
            since = clock.second_of_day(first)[1] if first > start else 0
            until = clock.second_of_day(last)[1] if last < end else DAY_S
            yield text, since, until


def _spans(course: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(agents, first half hour, end)."""
    for agents, run in groupby(range(len(course)), key=course.__getitem__):
        slots = list(run)
        yield agents, slots[0], slots[-1] + 1


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """(first, last) of each run of sorted whole numbers."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _joined(first: str, last: str, dash: str) -> str:
    return first if first == last else f"{first}{dash}{last}"
