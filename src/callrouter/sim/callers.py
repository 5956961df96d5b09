"""Who calls, when, for how long, and who tries again: drawn for one run of a case.

Every caller has an address (hotline, day, half hour, number), and what he draws depends on it alone. More calls are
the same calls and some more; a longer conversation is the same caller's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from callrouter.config.hours import DAYS, days_of
from callrouter.sim import scenario as model
from callrouter.sim.call import Call
from callrouter.sim.case import Case, instants
from callrouter.sim.desks import desk_of
from callrouter.sim.draws import Distribution, Lognormal, Stream, chosen, poisson, scaled
from callrouter.sim.kernel import NEVER_US, SECOND_US

SLOT_S = model.SLOT_S
SLOTS = 86_400 // SLOT_S
POSITION, TALK, WRAP_UP, TOPIC, WITHHELD, PATIENCE, REDIAL, DELAY = range(8)  # what each of eight numbers is for

DRAWS_MAX = 100  # until one fits what is known
PARTS = 20  # of a distribution that is summed up


@dataclass(frozen=True, slots=True)
class _Source:
    """One hotline's callers. expected: calls per half hour of a day whose factor is 1."""

    name: str
    callers: model.Callers
    expected: tuple[float, ...]
    factors: tuple[tuple[tuple[int, int], float], ...]  # (span, factor of the calls in it)
    talk: Distribution
    wrap_up: Distribution
    patience: Distribution | None
    delay: Distribution | None
    each: Stream  # of each caller
    whole: Stream  # of how many there are


class Callers:
    """The callers of one run. `arrivals()` are their first calls; `again` is what `Day` asks."""

    def __init__(
        self,
        case: Case,
        seed: int,
        run: int,
        factors: Mapping[str, float] | None = None,
        only: Collection[str] | None = None,
    ) -> None:
        """factors: per hotline, of how many come. only: the hotlines that are called at all."""
        self._case = case
        self._factors = factors or {}
        self._sources = [
            _source(case, name, callers, seed, run)
            for name, callers in case.scenario.callers.items()
            if callers.arrivals is not None and (only is None or name in only)
        ]
        self._desks = case.desks

    def arrivals(self, until_us: int = NEVER_US) -> Iterator[Call]:
        """In order, those before `until_us`; the calls of one day at a time are in memory."""
        for day in range(self._case.scenario.days):
            yield from self.of_day(day, until_us)

    def of_day(self, day: int, until_us: int = NEVER_US) -> list[Call]:
        """In order."""
        found = [call for index in range(len(self._sources)) for call in self._day(index, day, until_us)]
        return sorted(found, key=lambda call: (call.at_us, call.key))

    def _day(self, index: int, day: int, until_us: int) -> Iterator[Call]:
        source = self._sources[index]
        arrivals = source.callers.arrivals
        assert arrivals is not None
        level = 1.0
        if arrivals.day_cv:
            level = Lognormal(1.0, arrivals.day_cv).of(source.whole.at(day)[0])
        for slot, start, end, mean in self._slots(source, day):
            if end <= 0 or start >= until_us:
                continue
            for number in range(poisson(mean * level, source.whole, day + 1, slot)):
                call = self._call(source, index, day, slot, number, start, end)
                if 0 <= call.at_us < until_us:
                    yield call

    def _slots(self, source: _Source, day: int) -> Iterator[tuple[int, int, int, float]]:
        """(half hour, from, to, calls expected) of one day."""
        clock, arrivals = self._case.clock, source.callers.arrivals
        assert arrivals is not None
        level = day_factor(arrivals, clock.day(day))
        level *= self._factors.get(source.name, 1.0)
        for slot, expected in enumerate(source.expected):
            if expected * level:
                start, end = clock.us(day, slot * SLOT_S), clock.us(day, (slot + 1) * SLOT_S)
                mean = expected * level
                for (first, last), factor in source.factors:
                    if first <= (start + end) // 2 < last:
                        mean *= factor
                yield slot, start, end, mean

    def expected(self, from_us: int, to_us: int) -> dict[str, float]:
        """Per hotline, the first calls of the first day that are expected between two instants."""
        found = {}
        for source in self._sources:
            overlaps = (
                mean * max(0, min(end, to_us) - max(start, from_us)) / (end - start)
                for _, start, end, mean in self._slots(source, 0)
                if end > start
            )
            found[source.name] = sum(overlaps)
        return found

    def course(self, hotline: str) -> list[float]:
        """The first calls of each half hour of the period that are expected, those without any left out."""
        (source,) = (one for one in self._sources if one.name == hotline)
        days = range(self._case.scenario.days)
        return [mean for day in days for _, _, end, mean in self._slots(source, day) if mean and end > 0]

    def _call(self, source: _Source, index: int, day: int, slot: int, number: int, start: int, end: int) -> Call:
        u = source.each.at(day, slot, number)
        callers = source.callers
        shares = tuple(callers.topics.items())
        desks, hotline = self._desks.get(source.name, 0), source.name
        if desks:
            hotline = desk_of(hotline, int(source.each.at(day, slot, number, -1)[0] * desks))
        return Call(
            at_us=start + int(u[POSITION] * (end - start)),
            hotline=hotline,
            caller="" if u[WITHHELD] < callers.withheld else f"{source.name}.{day}.{slot}.{number}",
            talk_us=_us(source.talk, u[TALK]),
            wrap_us=_us(source.wrap_up, u[WRAP_UP]),
            patience_us=None if source.patience is None else _us(source.patience, u[PATIENCE]),
            topic=chosen(shares, u[TOPIC]) if shares else "",
            key=(index, day, slot, number),
        )

    def somebody(self, hotline: str, number: int) -> tuple[int, ...]:
        """The key of a caller who was not drawn: he redials as others of his hotline do."""
        index = next((i for i, source in enumerate(self._sources) if source.name == hotline), None)
        return () if index is None else (index, -1, number, 0)

    def still_to_come(self, hotline: str, number: int, attempt: int, ended_us: int, known: bool) -> Call | None:
        """The next call of somebody who was not reached before the beginning, or None.

        known: it is known that he has not called again since; else he may have.
        """
        key = self.somebody(hotline, number)
        if not key:
            return None
        source = self._sources[key[0]]
        redial = source.callers.redial
        if redial is None or source.delay is None or attempt >= redial.tries:
            return None
        for draw in range(DRAWS_MAX):
            u = source.each.at(-2, number, draw)
            at_us = ended_us + _us(source.delay, u[DELAY])
            if u[REDIAL] >= redial.probability or (at_us < 0 and not known):
                return None
            if at_us >= 0:
                shares = tuple(source.callers.topics.items())
                return Call(
                    at_us=at_us,
                    hotline=hotline,
                    caller=f"{source.name}.missed.{number}",
                    talk_us=_us(source.talk, u[TALK]),
                    wrap_us=_us(source.wrap_up, u[WRAP_UP]),
                    patience_us=None if source.patience is None else _us(source.patience, u[PATIENCE]),
                    topic=chosen(shares, u[TOPIC]) if shares else "",
                    attempt=attempt + 1,
                    key=key,
                )
        return None

    def came_again(self, hotline: str, ended_us: int) -> float:
        """The probability that somebody who was not reached then has called again by the beginning."""
        source = next((one for one in self._sources if one.name == hotline), None)
        if source is None or source.callers.redial is None or source.delay is None:
            return 0.0
        delay = source.delay
        done = sum(_us(delay, (i + 0.5) / PARTS) <= -ended_us for i in range(PARTS))
        return source.callers.redial.probability * done / PARTS

    def again(self, call: Call, now_us: int) -> Call | None:
        """The next call of somebody who was not reached, or None."""
        if not call.key:
            return None
        index, day, slot, number = call.key
        source = self._sources[index]
        redial = source.callers.redial
        if redial is None or source.delay is None or call.attempt >= redial.tries:
            return None
        u = source.each.at(day, slot, number, call.attempt - 1)
        if u[REDIAL] >= redial.probability:
            return None
        patience = source.patience
        then = source.each.at(day, slot, number, call.attempt)[PATIENCE]
        return Call(
            at_us=now_us + _us(source.delay, u[DELAY]),
            hotline=call.hotline,
            caller=call.caller,
            talk_us=call.talk_us,
            wrap_us=call.wrap_us,
            patience_us=None if patience is None else _us(patience, then),
            topic=call.topic,
            attempt=call.attempt + 1,
            key=call.key,
        )


def _source(case: Case, name: str, callers: model.Callers, seed: int, run: int) -> _Source:
    arrivals = callers.arrivals
    assert arrivals is not None
    scenario, clock = case.scenario, case.clock
    factors = {"talk": 1.0, "wrap_up": 1.0, "patience": 1.0, "calls": 1.0}
    timed: list[tuple[tuple[int, int], float]] = []
    for change in case.changes:
        if (change.kind, change.name) != ("hotline", name) or change.what not in factors or change.value is None:
            continue
        if change.when.always:
            factors[change.what] *= change.value
        else:
            timed += [(span, change.value) for span in instants(change.when, clock, scenario.days)]
    if arrivals.per_hour is not None:
        expected = [arrivals.per_hour * SLOT_S / 3600] * SLOTS
    else:
        profile = arrivals.profile
        weights = scenario.profiles[profile] if isinstance(profile, str) else profile or {}
        total = sum(weights.values()) or 1.0
        expected = [(arrivals.per_day or 0.0) * weights.get(slot, 0.0) / total for slot in range(SLOTS)]
    return _Source(
        name=name,
        callers=callers,
        expected=tuple(one * factors["calls"] for one in expected),
        factors=tuple(timed),
        talk=scaled(callers.talk.distribution(), factors["talk"]),
        wrap_up=scaled(callers.wrap_up.distribution(), factors["wrap_up"]),
        patience=scaled(callers.patience.distribution(), factors["patience"]) if callers.patience else None,
        delay=callers.redial.delay.distribution() if callers.redial else None,
        each=Stream(seed, run, name, "each"),
        whole=Stream(seed, run, name, "whole"),
    )


def day_factor(arrivals: model.Arrivals, day: date) -> float:
    """A date goes before a day of each year, that before the weekday."""
    if not arrivals.days:
        return 1.0
    iso = day.isoformat()
    found = {name: factor for key, factor in arrivals.days.items() for name in days_of(key)}
    return next((found[key] for key in (iso, iso[5:], DAYS[day.weekday()]) if key in found), 0.0)


def _us(one: Distribution, u: float) -> int:
    return min(round(one.of(u) * SECOND_US), 10**15)
