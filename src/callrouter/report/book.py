"""One report's figures: hotlines, half hours, days, the ledger of lent conversations. Filled record by record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from callrouter.core import calendar
from callrouter.core.callbacks import Callback
from callrouter.core.demands import Demand
from callrouter.core.plan import Hotline, Plan
from callrouter.desk.callbacks import kept
from callrouter.report.figures import Callbacks, Calls, Deal, Demands, Lent, Line, Record, Results, Share, total
from callrouter.report.period import HALF_HOUR_S, Period, half_hour_of, local

BUSIEST = 3


@dataclass(frozen=True, slots=True)
class Targets:
    """Shares that are aimed at."""

    answered: float
    first: float
    resolved: float = 0.8


@dataclass(frozen=True, slots=True)
class Slot:
    """A half hour of the day by the wall clock; of a longer period, that of all its days.

    at: the instant it begins first. twice: there are two of that name, the clock being put back; this is the one before
    (A) or after (B). open: some hotline is open in it.
    """

    at: datetime
    twice: str
    open: bool
    calls: Calls

    @property
    def name(self) -> str:
        return f"{self.at:%H:%M}{self.twice}"


@dataclass(frozen=True, slots=True)
class Partner:
    """One direction between two teams of an agreement."""

    agreement: str
    borrower: str
    lender: str
    lent: Lent


class Book:
    """`take_…` every record, then read. hotlines: those that it is about; their own zones say what a day is."""

    def __init__(self, plan: Plan, period: Period, hotlines: Iterable[str], targets: Targets, now: float) -> None:
        self.plan = plan
        self.period = period
        self.targets = targets
        self.now = now
        sites = {site.name: site for site in plan.sites}
        chosen = set(hotlines)
        self.hotlines: dict[str, Hotline] = {one.name: one for one in plan.hotlines if one.name in chosen}
        self.zones: Mapping[str, str] = {name: sites[one.site].zone for name, one in self.hotlines.items()}
        self.bounds = {name: period.bounds(zone) for name, zone in self.zones.items()}
        self.lines: dict[str, Line] = {name: Line() for name in self.hotlines}
        self.ledger: dict[Deal, Lent] = {}
        self._borrowers = {(one.name, one.lender): one for one in plan.agreements}
        own = {team for one in self.hotlines.values() for team in one.teams}
        own |= {team for one in self.hotlines.values() for topic in one.topics for team in topic.teams}
        for one in plan.agreements:
            if one.borrower in own:
                self.ledger[one.name, one.borrower, one.lender] = Lent()

    @property
    def whole(self) -> bool:
        """It is about the whole network, so both directions of every agreement are in the ledger."""
        return len(self.hotlines) == len(self.plan.hotlines)

    @property
    def unfinished(self) -> bool:
        """The period is not over: who talks now is missing, and so is what is to come."""
        return any(self.now < end for _, end in self.bounds.values())

    # ---- filling

    def take_call(self, record: Record) -> None:
        """A call attempt that arrived in the period at one of the hotlines."""
        line = self.lines[record.hotline]
        line.calls.add(record)
        line.half_hours.setdefault(half_hour_of(record.arrived_at), Calls()).add(record)
        if record.agreement:
            deal = self._borrowers.get((record.agreement, record.team))
            lent = self.ledger.setdefault((record.agreement, deal.borrower if deal else "", record.team), Lent())
            lent.calls += 1
            lent.talk_s += record.talk_s

    def take_demand(self, demand: Demand) -> None:
        """A demand whose first attempt came in the period."""
        line = self.lines[demand.hotline]
        (line.withheld if demand.withheld else line.shown).add(demand)

    def take_callback(self, callback: Callback) -> None:
        """A promise that is due in the period."""
        self.lines[callback.hotline].callbacks.add(kept(callback, self.now))

    def take_result(self, hotline: str, disposition: str) -> None:
        """What came of a call that arrived in the period."""
        self.lines[hotline].results.add(disposition)

    # ---- reading

    @property
    def empty(self) -> bool:
        calls = self.calls
        return not calls.offered and not calls.closed

    @property
    def calls(self) -> Calls:
        return total((line.calls for line in self.lines.values()), Calls)

    @property
    def demands(self) -> Demands:
        return total((line.demands() for line in self.lines.values()), Demands)

    @property
    def callbacks(self) -> Callbacks:
        return total((line.callbacks for line in self.lines.values()), Callbacks)

    @property
    def results(self) -> Results:
        return total((line.results for line in self.lines.values()), Results)

    def at_once(self, results: Results) -> Share:
        """Resolved at first contact: settled in the talk, of the calls whose result was given."""
        return Share(results.resolved, results.given, self.targets.resolved)

    def in_time(self, calls: Calls) -> Share:
        """Attempts that an agent answered within target."""
        return Share(calls.within_target, calls.offered, self.targets.answered)

    def callers_in_time(self, demands: Demands) -> Share:
        """Callers who talked to an agent within target of their first attempt."""
        return Share(demands.within_target, demands.ended, self.targets.answered)

    def at_first(self, demands: Demands) -> Share:
        """Callers whose first attempt was answered."""
        return Share(demands.first, demands.ended, self.targets.first)

    def slots(self) -> list[Slot]:
        """Every half hour of the day in its order by the wall clock: 46, 48 or 50 of a day; of more days 48, summed."""
        single = self.period.kind == "day"
        found: dict[tuple[int, int], list[tuple[str, float]]] = {}
        for name, zone in self.zones.items():
            for at in self.period.half_hours(zone):
                there = local(at, zone)
                key = (there.hour * 60 + there.minute, there.fold if single else 0)
                found.setdefault(key, []).append((name, at))
        opened = self._open_minutes()
        slots = []
        in_order = sorted(found.items(), key=lambda item: (item[0][0] // 60, item[0][1], item[0][0]))
        for (minute, fold), parts in in_order:
            name, at = parts[0]
            calls = total((self.lines[one].half_hours[t] for one, t in parts if t in self.lines[one].half_hours), Calls)
            twice = "B" if fold else "A" if (minute, 1) in found else ""
            slots.append(Slot(local(at, self.zones[name]), twice, minute in opened, calls))
        return slots

    def _open_minutes(self) -> set[int]:
        """Half hours of the wall clock, by their first minute, in which a hotline is open on some day."""
        step = HALF_HOUR_S
        found: set[int] = set()
        for one in self.hotlines.values():
            for day in self.period.days():
                spans = ((0, 86_400),) if one.hours is None else [
                    (span.from_s, span.to_s) for span in calendar.spans_of(one.hours, day)
                ]  # fmt: skip
                for start, end in spans:
                    found.update(range(start // step * step, end, step))
        return {second // 60 for second in found}

    def days(self) -> list[tuple[date, Calls]]:
        """Each day of the period."""
        parts: dict[date, list[Calls]] = {day: [] for day in self.period.days()}
        for name, line in self.lines.items():
            for at, calls in line.half_hours.items():
                parts[local(at, self.zones[name]).date()].append(calls)
        return [(day, total(some, Calls)) for day, some in parts.items()]

    def shown_slots(self) -> list[Slot]:
        """Without the quiet ends of the day: from the first half hour that is open, or had calls, to the last."""
        slots = self.slots()
        busy = [n for n, slot in enumerate(slots) if slot.open or slot.calls.offered or slot.calls.closed]
        return slots[busy[0] : busy[-1] + 1] if busy else []

    def busiest(self) -> list[Slot]:
        """Half hours with the most attempts, the busiest first."""
        return sorted((s for s in self.slots() if s.calls.offered), key=lambda s: -s.calls.offered)[:BUSIEST]

    def weakest(self) -> list[Slot]:
        """Half hours with the lowest share answered in time, of those with enough calls to say so."""
        judged = [(self.in_time(slot.calls), slot) for slot in self.slots()]
        some = [(share.value or 0.0, slot) for share, slot in judged if not share.small and share.state != "met"]
        return [slot for _, slot in sorted(some, key=lambda one: one[0])][:BUSIEST]

    def partners(self) -> list[Partner]:
        return [Partner(*deal, lent) for deal, lent in self.ledger.items()]
