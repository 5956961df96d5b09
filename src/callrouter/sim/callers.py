"""Who calls, when, for how long, and who tries again: drawn for one run of a case.

Every caller has an address (hotline, day, half hour, number), and what he draws depends on it alone. More calls are
the same calls and some more; a longer conversation is the same caller's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from callrouter.config.hours import DAYS, days_of
from callrouter.sim import scenario as model
from callrouter.sim.call import Call
from callrouter.sim.case import Case, instants
from callrouter.sim.desks import desk_of
from callrouter.sim.draws import Distribution, Lognormal, Stream, chosen, poisson, scaled
from callrouter.sim.kernel import SECOND_US

SLOT_S = model.SLOT_S
SLOTS = 86_400 // SLOT_S
POSITION, TALK, WRAP_UP, TOPIC, WITHHELD, PATIENCE, REDIAL, DELAY = range(8)  # what each of eight numbers is for


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

    def __init__(self, case: Case, seed: int, run: int) -> None:
        self._case = case
        self._sources = [
            _source(case, name, callers, seed, run)
            for name, callers in case.scenario.callers.items()
            if callers.arrivals is not None
        ]
        self._desks = case.desks

    def arrivals(self) -> Iterator[Call]:
        """In order; those of one day at a time are in memory."""
        days = self._case.scenario.days
        for day in range(days):
            found = [call for index in range(len(self._sources)) for call in self._day(index, day)]
            found.sort(key=lambda call: (call.at_us, call.key))
            yield from found

    def _day(self, index: int, day: int) -> Iterator[Call]:
        source, clock = self._sources[index], self._case.clock
        arrivals = source.callers.arrivals
        assert arrivals is not None
        level = _factor(arrivals, clock.day(day).isoformat(), clock.day(day).weekday())
        if arrivals.day_cv:
            level *= Lognormal(1.0, arrivals.day_cv).of(source.whole.at(day)[0])
        for slot, expected in enumerate(source.expected):
            if not expected * level:
                continue
            start, end = clock.us(day, slot * SLOT_S), clock.us(day, (slot + 1) * SLOT_S)
            mean = expected * level
            for (first, last), factor in source.factors:
                if first <= (start + end) // 2 < last:
                    mean *= factor
            for number in range(poisson(mean, source.whole, day + 1, slot)):
                call = self._call(source, index, day, slot, number, start, end)
                if call.at_us >= 0:
                    yield call

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

    def again(self, call: Call, now_us: int) -> Call | None:
        """The next call of somebody who was not reached, or None."""
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


def _factor(arrivals: model.Arrivals, iso: str, weekday: int) -> float:
    """Of one day: a date goes before a day of each year, that before the weekday."""
    if not arrivals.days:
        return 1.0
    found = {day: factor for key, factor in arrivals.days.items() for day in days_of(key)}
    return next((found[key] for key in (iso, iso[5:], DAYS[weekday]) if key in found), 0.0)


def _us(one: Distribution, u: float) -> int:
    return min(round(one.of(u) * SECOND_US), 10**15)
