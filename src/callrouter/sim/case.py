"""A scenario made ready to run: the plan as changed, the rosters as steps, the switches as instants.

Plain data that can be sent to other processes. What callers draw is in `callers.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from operator import itemgetter
from typing import Any

from callrouter.config.hours import days_of, spans_of
from callrouter.core.events import AgreementSwitched, HotlineMode, HotlineSwitched
from callrouter.core.plan import Plan, Span
from callrouter.sim import scenario as model
from callrouter.sim.call import Kind
from callrouter.sim.changes import AGREEMENT_SETTINGS, DAY_S, HOTLINE_SETTINGS, Change, When
from callrouter.sim.clock import SimClock, names
from callrouter.sim.day import Setting, Switch
from callrouter.sim.desks import at_desks, desk_of
from callrouter.sim.kernel import to_us
from callrouter.sim.stage import staged

DAYS_AFTER = 8  # rosters and switches go on so long for those who still wait


@dataclass(frozen=True, slots=True)
class Case:
    """One variant of a scenario. changes: all of them, the scenario's and those of a question."""

    scenario: model.Scenario
    changes: tuple[Change, ...]
    clock: SimClock
    network: Plan  # as configured and changed; not yet staged, nor taken apart into desks
    setting: Setting
    sizes: Mapping[str, int]  # team -> agents at most on duty, of those who are listed and of more
    desks: Mapping[str, int]  # hotline -> desks that its callers dial, if they do
    desk_teams: Mapping[str, str]  # hotline -> whose desks they are

    @property
    def plan(self) -> Plan:
        return self.setting.plan


def make_case(
    plan: Plan,
    scenario: model.Scenario,
    changes: Sequence[Change],
    bounded: Collection[str] = (),
    last_us: int = 0,
    clock: SimClock | None = None,
    crews: Mapping[str, Sequence[tuple[int, int]]] | None = None,
) -> Case:
    """bounded: see `stage.staged`; whose `line_max` a sentence sets is, too. last_us: of a trace, so that rosters reach
    to its end. clock, crews: instead of the scenario's own; `crews` with what the changes make of them.
    """
    zone = scenario.zone or plan.sites[0].zone
    clock = clock or SimClock(datetime.fromisoformat(scenario.start), zone)
    days = max(scenario.days, clock.second_of_day(last_us)[0] + 1)
    until_us = clock.us(days - 1, DAY_S)
    changed = with_settings(plan, scenario, changes)
    if crews is None:
        crews = {team.name: tuple(_steps(team.name, plan, scenario, changes, clock, days)) for team in plan.teams}
    sizes = {team: max(number for _, number in steps) for team, steps in crews.items()}
    lines = {*bounded, *(change.name for change in changes if change.what == "line_max")}
    stage, desks = at_desks(staged(changed, sizes, lines), desk_hotlines(scenario, changes))
    found = sorted(_switches(changed, changes, clock, days), key=lambda switch: switch.at_us)
    switches = tuple(one for switch in found for one in _each_desk(switch, desks))
    setting = Setting(stage, clock.start_us, until_us, crews, switches)
    desk_teams = {one.name: one.teams[0] for one in plan.hotlines if one.name in desks}
    return Case(scenario, tuple(changes), clock, changed, setting, sizes, desks, desk_teams)


def desk_hotlines(scenario: model.Scenario, changes: Iterable[Change]) -> list[str]:
    """Whose callers dial desks."""
    pooled = {change.name for change in changes if change.what == "pooled"}
    return [name for name in scenario.desks if name not in pooled]


# ---- settings


def with_settings(plan: Plan, scenario: model.Scenario, changes: Iterable[Change]) -> Plan:
    """The configured plan with everything that holds for the whole run."""
    for name, callers in scenario.callers.items():
        if "ring_max_s" in callers.model_fields_set:
            plan = _hotline_with(plan, name, ring_max_s=callers.ring_max_s)
    for change in changes:
        if change.kind == "agreement" and change.what in AGREEMENT_SETTINGS:
            plan = _agreement_with(plan, change, **{change.what: _whole(change, ("reserve", "max_calls"))})
        elif change.kind == "agreement" and change.when.always:
            plan = _agreement_with(plan, change, enabled=change.what == "on")
        elif change.kind == "hotline" and change.what in HOTLINE_SETTINGS:
            plan = _hotline_with(plan, change.name, **{change.what: _whole(change, ("line_max", "priority"))})
    return plan


def _whole(change: Change, counts: tuple[str, ...]) -> float | int | None:
    return int(change.value) if change.what in counts and change.value is not None else change.value


def _hotline_with(plan: Plan, name: str, **values: Any) -> Plan:
    hotlines = (replace(one, **values) if one.name == name else one for one in plan.hotlines)
    return replace(plan, hotlines=tuple(hotlines))


def _agreement_with(plan: Plan, change: Change, **values: Any) -> Plan:
    agreements = (
        replace(one, **values)
        if one.name == change.name and change.of_team in ("", one.lender) and change.borrower in ("", one.borrower)
        else one
        for one in plan.agreements
    )
    return replace(plan, agreements=tuple(agreements))


# ---- rosters


def _steps(
    team: str, plan: Plan, scenario: model.Scenario, changes: Sequence[Change], clock: SimClock, days: int
) -> Iterator[tuple[int, int]]:
    """(instant, number from then on) wherever the number of agents changes."""
    roster = roster_of(team, plan, scenario, clock, days)
    meant = meant_for(team, changes, clock, days)
    yield from stepped(lambda at_us: with_changes(at(roster, at_us), at_us, meant), roster, meant)


Meant = Sequence[tuple[Change, Sequence[tuple[int, int]]]]  # changes of one team, and the spans of time they are for


def meant_for(team: str, changes: Iterable[Change], clock: SimClock, days: int) -> Meant:
    own = [change for change in changes if change.kind == "team" and change.name == team]
    return [(change, tuple(instants(change.when, clock, days))) for change in own]


def with_changes(number: int, at_us: int, meant: Meant) -> int:
    """As many agents as there are at this instant when so many would be without the changes."""
    for change, found in meant:
        # without a time it is meant for whenever somebody is on duty
        if (change.when.always and number > 0) or any(start <= at_us < end for start, end in found):
            more = int(change.value or 0)
            number = more if change.sign == "=" else max(0, number + (more if change.sign == "+" else -more))
    return number


def stepped(
    number: Callable[[int], int], roster: Iterable[tuple[int, int]], meant: Meant, edges: Iterable[int] = ()
) -> Iterator[tuple[int, int]]:
    """(instant, number from then on): wherever it is another one. edges: more instants at which it may change."""
    all_edges = {0, *edges, *(at_us for at_us, _ in roster)}
    all_edges |= {edge for _, found in meant for span in found for edge in span}
    before = -1
    for at_us in sorted(edge for edge in all_edges if edge >= 0):
        now = number(at_us)
        if now != before:
            yield at_us, now
        before = now


def at(steps: Sequence[tuple[int, int]], at_us: int) -> int:
    """The number at an instant; the first step is at 0."""
    return steps[bisect_right(steps, at_us, key=itemgetter(0)) - 1][1]


def roster_of(team: str, plan: Plan, scenario: model.Scenario, clock: SimClock, days: int) -> Sequence[tuple[int, int]]:
    """The team's steps as the scenario has them, without its changes."""
    spans: list[tuple[int, int, int]] = []  # from, to, number more
    far_us = clock.us(days + DAYS_AFTER, 0)
    duties = scenario.roster.get(team)
    if duties is None:
        spans.append((0, far_us, sum(agent.team == team for agent in plan.agents)))
    for duty in duties or ():
        if duty.from_s is not None and duty.to_s is not None:
            spans.append((to_us(duty.from_s), to_us(duty.to_s), duty.agents))
            continue
        keys = days_of(duty.days) if duty.days else ()
        for day in range(-1, days + DAYS_AFTER):
            if names(clock.day(day), keys):
                spans += _duty(duty, clock, day)
    more_at = {0: 0}
    for start, end, more in spans:
        first = max(0, start)
        for at_us, change in ((first, more), (end, -more)) if first < end else ():
            if at_us < far_us:
                more_at[at_us] = more_at.get(at_us, 0) + change
    edges = sorted(more_at)
    return list(zip(edges, accumulate(more_at[at_us] for at_us in edges), strict=True))


def _duty(duty: model.Duty, clock: SimClock, day: int) -> Iterator[tuple[int, int, int]]:
    for span in duty.hours or (Span(0, DAY_S),):
        start, end = clock.us(day, span.from_s), clock.us(day, span.to_s)
        yield start, end, duty.agents
        for text, away in duty.breaks.items():
            pause = spans_of([text])[0]
            first, last = max(start, clock.us(day, pause.from_s)), min(end, clock.us(day, pause.to_s))
            if first < last:
                yield first, last, -away


# ---- when


def instants(when: When, clock: SimClock, days: int) -> Iterator[tuple[int, int]]:
    """The spans of time that are meant, [from, to), as far as rosters go; () for what holds for the whole run."""
    if when.always:
        return
    far = days + DAYS_AFTER
    for day in range(far):
        if names(clock.day(day), when.days):
            start = clock.us(day, when.from_s)
            yield start, clock.us(far, 0) if when.to_s is None else clock.us(day, when.to_s)
            if when.to_s is None:
                return


def _each_desk(switch: Switch, desks: Mapping[str, int]) -> Iterator[Switch]:
    """A hotline that was taken apart is switched desk by desk."""
    event = switch.what
    if isinstance(event, HotlineSwitched) and event.hotline in desks:
        for number in range(desks[event.hotline]):
            yield replace(switch, what=replace(event, hotline=desk_of(event.hotline, number)))
    else:
        yield switch


def _switches(plan: Plan, changes: Iterable[Change], clock: SimClock, days: int) -> Iterator[Switch]:
    """What is switched or breaks at instants. What began before the run counts from its beginning."""
    for change in changes:
        forever_us = clock.us(days + DAYS_AFTER, 0)
        spans = [(0, forever_us)] if change.when.always else list(instants(change.when, clock, days))
        for start, end in spans:
            if end <= 0:
                continue
            edges = [(max(0, start), True)] + ([(end, False)] if end < forever_us else [])
            for at_us, begins in edges:
                if change.kind == "site":
                    falls = begins == (change.what == "down")
                    yield Switch(at_us, Kind.SITE_DOWN if falls else Kind.SITE_UP, change.name)
                elif change.kind == "hotline" and change.what == "closed":
                    mode = HotlineMode.CLOSED if begins else HotlineMode.NORMAL
                    yield Switch(at_us, Kind.SWITCH, HotlineSwitched(change.name, mode))
                elif change.kind == "agreement" and change.what in ("on", "off") and not change.when.always:
                    enabled = change.what == "on"
                    if not begins:
                        enabled = next(
                            one.enabled
                            for one in plan.agreements
                            if one.name == change.name and change.borrower in ("", one.borrower)
                        )
                    yield Switch(at_us, Kind.SWITCH, AgreementSwitched(change.name, enabled, borrower=change.borrower))
