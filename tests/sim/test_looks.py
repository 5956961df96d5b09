"""A search looks at many rosters, and simulates nothing again that it knows."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from callrouter.config.load import load
from callrouter.core.plan import Plan
from callrouter.sim.case import Case, make_case
from callrouter.sim.changes import understood
from callrouter.sim.kernel import Agenda, Rank
from callrouter.sim.looks import Lookout, Memory, Tally, _Course
from callrouter.sim.scenario import Scenario

CONFIG = Path(__file__).parents[2] / "config"
SLOTS = range(16, 21)
TEAMS = ("agency-magdeburg", "agency-gera")
CALLERS = {
    "arrivals": {"per_day": 130, "profile": {"08:00-10:00": 1}},
    "patience": {"mean_s": 100, "cv": 1},
    "redial": {"probability": 0.7, "delay": {"mean_s": 500, "cv": 1}},
}
Rosters = dict[tuple[str, int], int]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load(CONFIG).plan


def case_of(plan: Plan, roster: Rosters, days: int = 1) -> Case:
    """Two teams that lend to each other, a link that is lost, an agreement that is switched."""
    duties: dict[str, list[dict[str, object]]] = {team: [] for team in TEAMS}
    for (team, slot), number in roster.items():
        first, last = (f"{half // 2:02}:{half % 2 * 30:02}" for half in (slot, slot + 1))
        duties[team].append({"agents": number, "hours": f"{first}-{last}"})
    scenario = Scenario.model_validate(
        {"start": "2026-11-23", "days": days, "callers": dict.fromkeys(TEAMS, CALLERS), "roster": duties}
    )
    said = ("site gera down 08:40-08:50", "agreement magdeburg-gera off at 09:30")
    return make_case(plan, scenario, [understood(one, plan) for one in said])


def rosters(rng: random.Random, number: int) -> list[Rosters]:
    """Each a little other than one before it."""
    first = {(team, slot): 7 for team in TEAMS for slot in SLOTS}
    found = [first]
    for _ in range(number):
        changed = dict(rng.choice(found[-2:]))
        for cell in rng.sample(sorted(changed), rng.choice((1, 1, 2))):
            changed[cell] = max(0, changed[cell] + rng.choice((-2, -1, 1)))
        found.append(changed)
    return found


def test_a_look_that_goes_on_from_another_comes_out_as_one_from_the_beginning(plan: Plan) -> None:
    """Whatever differed, and whether the looks before it went to the end of the day or not."""
    rng, lookout = random.Random(1), Lookout(1, 1, 1, 1)
    for roster in rosters(rng, 7):
        case = case_of(plan, roster)
        (whole,) = lookout.in_one_go(case)
        for last in (rng.choice(SLOTS), 99):  # the second goes on from what the first has kept
            (found,) = lookout.tallies(case, None if last == 99 else {0: last * 1800})
            assert soon(found, last) == soon(whole, last)


def soon(found: Tally, last: int) -> Tally:
    """What is settled when nobody new calls from this half hour on."""
    return {place: counts for place, counts in found.items() if place[2] < last - 1}


def test_nothing_is_simulated_again_before_the_roster_differs(plan: Plan) -> None:
    """The afternoon's agents are another number: the morning is taken as it was kept."""
    memory, roster = Memory(), rosters(random.Random(1), 0)[0]
    memory.tally(case_of(plan, roster), 1, (0, 0), None)
    (piece,) = memory._pieces.values()
    for slot, kept in ((16, -1), (19, 19), (20, 20)):
        case = case_of(plan, {**roster, ("agency-gera", slot): 6})
        _, from_us = piece._resumed(_Course(case.setting))
        assert from_us == (-1 if kept < 0 else case.clock.us(0, kept * 1800))


def test_what_is_kept_is_bounded(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pieces looked at longest ago are forgotten, and simulated from their beginning when they are asked for."""
    case, memory = case_of(plan, rosters(random.Random(1), 0)[0]), Memory()
    first = memory.tally(case, 1, (0, 0), None)
    (piece,) = memory._pieces.values()
    monkeypatch.setattr("callrouter.sim.looks.BYTES_MAX", piece.size * 3 // 2)
    memory.tally(case, 1, (1, 0), None)
    assert [key[1] for key in memory._pieces] == [(1, 0)]
    assert memory.tally(case, 1, (0, 0), None) == first


@pytest.mark.slow
def test_days_one_by_one_come_out_as_in_one_go_over_any_processes(plan: Plan) -> None:
    """Where nobody waits at midnight."""
    case = case_of(plan, rosters(random.Random(1), 0)[0], days=2)
    for processes in (1, 2):
        lookout = Lookout(1, 2, 2, processes)
        assert lookout.tallies(case) == lookout.in_one_go(case)
        assert lookout.tallies(case, {0: 0}) == [
            {place: counts for place, counts in found.items() if place[1] == 1} for found in lookout.in_one_go(case)
        ]
        lookout.close()


def test_what_is_exchanged_comes_before_what_is_there() -> None:
    """Of the same instant and rank, as if it had been added first."""
    agenda = Agenda[str]()
    for at_us, rank, what in ((5, Rank.CHANGE, "crew"), (5, Rank.CHANGE, "switch"), (4, Rank.END, "end")):
        agenda.add(at_us, rank, what)
    agenda.exchange(lambda what: what == "crew", [(5, Rank.CHANGE, "other crew")])
    assert [agenda.pop() for _ in range(len(agenda))] == ["end", "other crew", "switch"]
