"""The part of a network that can touch some teams: a simulation of the part gives its calls what one of the whole does.

Teams touch each other where they serve one hotline that is called, or where one may take the other's calls.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from callrouter.core.plan import Hotline, Plan
from callrouter.sim.changes import Change
from callrouter.sim.scenario import Checked, Scenario


def serving(hotline: Hotline) -> set[str]:
    """The teams that have it as their own, by itself or by a topic."""
    return {*hotline.teams, *(team for topic in hotline.topics for team in topic.teams)}


def called(plan: Plan, scenario: Scenario) -> list[Hotline]:
    return [one for one in plan.hotlines if one.name in scenario.callers and scenario.callers[one.name].arrivals]


def connected(plan: Plan, checked: Checked) -> list[frozenset[str]]:
    """Sets of teams none of which can touch another set's, in the plan's order."""
    hotlines = called(plan, checked.scenario)
    homes = set().union(*map(serving, hotlines))
    switched_on = {change.name for change in checked.changes if change.kind == "agreement" and change.what == "on"}
    links = [serving(one) for one in hotlines]
    links += [
        {one.borrower, one.lender}
        for one in plan.agreements
        if one.borrower in homes and (one.enabled or one.name in switched_on)
    ]
    sets = {team.name: frozenset({team.name}) for team in plan.teams}
    for link in links:
        joined = frozenset().union(*(sets[team] for team in link))
        sets |= dict.fromkeys(joined, joined)
    return list(dict.fromkeys(sets.values()))


def part_of(plan: Plan, checked: Checked, teams: Collection[str]) -> tuple[Plan, Checked]:
    """The plan and the scenario with these teams only. teams: one or several sets of `connected`."""
    part = replace(
        plan,
        hotlines=tuple(one for one in plan.hotlines if serving(one) <= set(teams)),
        teams=tuple(one for one in plan.teams if one.name in teams),
        agents=tuple(one for one in plan.agents if one.team in teams),
        agreements=tuple(one for one in plan.agreements if {one.borrower, one.lender} <= set(teams)),
    )
    names = {"hotline": {one.name for one in part.hotlines}, "team": set(teams)}
    scenario = checked.scenario
    callers = {name: one for name, one in scenario.callers.items() if name in names["hotline"]}
    roster = {name: one for name, one in scenario.roster.items() if name in teams}
    scenario = scenario.model_copy(update={"callers": callers, "roster": roster})
    changes = (one for one in checked.changes if one.name in names.get(one.kind, (one.name,)))
    return part, Checked(scenario, about(part, changes))


def apart(plan: Plan, teams: Iterable[str]) -> Plan:
    """Without the agreements between these teams and others."""
    some = set(teams)
    agreements = (one for one in plan.agreements if (one.borrower in some) == (one.lender in some))
    return replace(plan, agreements=tuple(agreements))


def about(plan: Plan, changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes but for those of agreements that the plan lacks."""
    return tuple(
        change
        for change in changes
        if change.kind != "agreement"
        or any(one.name == change.name and change.borrower in ("", one.borrower) for one in plan.agreements)
    )
