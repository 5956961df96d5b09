"""Callers who dial one agent's desk instead of a hotline, as it was before calls were pooled.

Each desk is a hotline with a team of one; nobody else picks up, and who is on the phone or away is busy. The router is
the same: what differs is the plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from callrouter.core.plan import Number, Plan
from callrouter.sim.crew import mixed
from callrouter.sim.day import number_of
from callrouter.sim.draws import Exponential, Stream
from callrouter.sim.kernel import SECOND_US

MARK = "."  # no configured name has one


def desk_of(name: str, number: int) -> str:
    """A hotline or team of one desk."""
    return f"{name}{MARK}{number}"


def whole(name: str) -> str:
    """The hotline or team that a desk belongs to."""
    return name.partition(MARK)[0]


def at_desks(plan: Plan, names: Collection[str]) -> tuple[Plan, dict[str, int]]:
    """The plan with these hotlines taken apart, and how many desks each has. A home team serves only by desks then."""
    chosen = {one.name: one.teams[0] for one in plan.hotlines if one.name in names}
    if not chosen:
        return plan, {}
    places: dict[str, int] = {}
    teams, agents, hotlines = [], [], []
    apart = set(chosen.values())
    by_name = {team.name: team for team in plan.teams}
    for agent in mixed(plan.agents):
        if agent.team not in apart:
            agents.append(agent)
            continue
        number = places[agent.team] = places.get(agent.team, -1) + 1
        team = desk_of(agent.team, number)
        teams.append(replace(by_name[agent.team], name=team))
        agents.append(replace(agent, team=team))
    for one in plan.hotlines:
        if one.name not in chosen:
            hotlines.append(one)
            continue
        for number in range(places[chosen[one.name]] + 1):
            name = desk_of(one.name, number)
            numbers = tuple(Number(number_of(name, topic.name), topic.name) for topic in one.topics)
            team = desk_of(chosen[one.name], number)
            hotlines.append(replace(one, name=name, numbers=numbers, teams=(team,), ring_max_s=0.0))
    plan = replace(
        plan,
        hotlines=tuple(hotlines),
        teams=(*(team for team in plan.teams if team.name not in apart), *teams),
        agents=tuple(agents),
        agreements=tuple(one for one in plan.agreements if not {one.borrower, one.lender} & apart),
    )
    return plan, {name: places[team] + 1 for name, team in chosen.items()}


def desk_crews(
    steps: Sequence[tuple[int, int]], team: str, size: int, away: float, away_mean_s: float, stream: Stream, end_us: int
) -> Mapping[str, tuple[tuple[int, int], ...]]:
    """Per desk of the team: when somebody is there who picks up. The first N desks are on duty."""
    return {
        desk_of(team, number): tuple(_desk(steps, number, away, away_mean_s, stream, end_us)) for number in range(size)
    }


def _desk(
    steps: Sequence[tuple[int, int]], number: int, away: float, away_mean_s: float, stream: Stream, end_us: int
) -> Iterator[tuple[int, int]]:
    turns = [(0, True)] if not away else list(_turns(number, away, away_mean_s, stream, end_us))
    edges = sorted({at for at, _ in steps} | {at for at, _ in turns})
    there = on_duty = False
    at_step = at_turn = 0
    before = -1
    for at_us in edges:
        while at_step < len(steps) and steps[at_step][0] <= at_us:
            on_duty = steps[at_step][1] > number
            at_step += 1
        while at_turn < len(turns) and turns[at_turn][0] <= at_us:
            there = turns[at_turn][1]
            at_turn += 1
        now = int(there and on_duty)
        if now != before:
            yield at_us, now
        before = now


def _turns(number: int, away: float, away_mean_s: float, stream: Stream, end_us: int) -> Iterator[tuple[int, bool]]:
    """(instant, can pick up from then on), in turn, each time for an exponential while."""
    gone = Exponential(away_mean_s)
    here = Exponential(away_mean_s * (1 - away) / away)
    at_us, turn = 0, 1
    there = stream.at(number)[0] >= away
    while at_us < end_us:
        yield at_us, there
        at_us += round((here if there else gone).of(stream.at(number, turn)[0]) * SECOND_US) + 1
        there, turn = not there, turn + 1
