"""What one run's calls add up to, by the definitions that the product's metrics have.

Closed calls are counted apart; busied and abandoned ones stay in the denominator. Demands are those of `core.demands`:
the attempts of one caller for one hotline within the redial window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from callrouter.core.demands import Attempt, Demand, Demands
from callrouter.core.plan import Hotline
from callrouter.sim.call import ABANDONED, ANSWERED, BUSIED, CLOSED, Call
from callrouter.sim.clock import SimClock
from callrouter.sim.crew import Crew
from callrouter.sim.desks import whole
from callrouter.sim.estimate import Pair
from callrouter.sim.kernel import SECOND_US

SLOT_S = 1800
DEMANDS_MAX = 10_000_000
ALL = "all"  # every hotline together


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """kind: hotline, team or agreement. slot: '' = the whole period, else the half hour of the day ('09:30')."""

    kind: str
    name: str
    figure: str
    slot: str = ""


Numbers = dict[Key, Pair]


@dataclass(slots=True)
class _Hotline:
    offered: int = 0
    answered: int = 0
    within: int = 0
    abandoned: int = 0
    busied: int = 0
    closed: int = 0
    wait_us: int = 0
    overflow: int = 0
    overflow_us: int = 0
    demands: int = 0
    demands_within: int = 0
    demands_first: int = 0
    demands_reached: int = 0
    attempts: int = 0
    slots: dict[int, list[int]] = field(default_factory=dict)  # half hour -> offered, within, overflow

    def numbers(self, name: str) -> Numbers:
        offered = float(self.offered)
        found = {
            "offered": (offered, 1.0),
            "answered": (self.answered, offered),
            "within": (self.within, offered),
            "abandoned": (self.abandoned, offered),
            "busied": (self.busied, offered),
            "closed": (self.closed, 1.0),
            "wait_s": (self.wait_us / SECOND_US, self.answered),
            "overflow": (self.overflow, offered),
            "overflow_min": (self.overflow_us / 60 / SECOND_US, 1.0),
            "demands": (self.demands, 1.0),
            "demands_within": (self.demands_within, self.demands),
            "first_attempt": (self.demands_first, self.demands),
            "reached": (self.demands_reached, self.demands),
            "attempts": (self.attempts, self.demands),
        }
        numbers: Numbers = {Key("hotline", name, figure): pair for figure, pair in found.items()}
        for slot, (calls, within, overflow) in sorted(self.slots.items()):
            clock = f"{slot // 2:02}:{slot % 2 * 30:02}"
            numbers[Key("hotline", name, "offered", clock)] = (calls, 1.0)
            numbers[Key("hotline", name, "within", clock)] = (within, calls)
            numbers[Key("hotline", name, "overflow", clock)] = (overflow, calls)
        return numbers


def numbers_of(
    calls: Sequence[Call],
    crews: Mapping[str, Crew],
    hotlines: Sequence[Hotline],
    agreements: Sequence[str],
    clock: SimClock,
) -> Numbers:
    """hotlines: as configured, whatever desks they were taken apart into. Calls that never ended count as abandoned."""
    names = [one.name for one in hotlines]
    found = {name: _Hotline() for name in (*names, ALL)}
    teams: dict[str, list[int]] = {}  # busy, lent (talk), calls, lent calls
    deals: dict[str, list[int]] = {name: [0, 0] for name in agreements}
    targets = {one.name: round(one.target_s * SECOND_US) for one in hotlines}
    for call in calls:
        name = whole(call.hotline)
        within = call.outcome == ANSWERED and call.wait_us is not None and call.wait_us <= targets[name]
        slot = clock.second_of_day(call.at_us)[1] // SLOT_S
        for sums in (found[name], found[ALL]):
            _count(sums, call, within, slot)
        if call.outcome == ANSWERED:
            team = teams.setdefault(whole(call.team), [0, 0, 0, 0])
            team[0] += call.talk_us + call.wrap_us
            team[2] += 1
            if call.agreement:
                team[1] += call.talk_us
                team[3] += 1
                deals[call.agreement][0] += 1
                deals[call.agreement][1] += call.talk_us
    _count_demands(found, calls, hotlines)
    numbers: Numbers = {}
    for name, sums in found.items():
        numbers |= sums.numbers(name)
    on_duty: dict[str, int] = {}
    for team_name, crew in crews.items():
        on_duty[whole(team_name)] = on_duty.get(whole(team_name), 0) + crew.on_duty_us
    for team_name, duty_us in on_duty.items():
        busy, lent, count, lent_count = teams.get(team_name, [0, 0, 0, 0])
        numbers[Key("team", team_name, "occupancy")] = (busy, duty_us)
        numbers[Key("team", team_name, "on_duty_h")] = (duty_us / 3600 / SECOND_US, 1.0)
        numbers[Key("team", team_name, "calls")] = (count, 1.0)
        numbers[Key("team", team_name, "lent_calls")] = (lent_count, 1.0)
        numbers[Key("team", team_name, "lent_min")] = (lent / 60 / SECOND_US, 1.0)
    for deal, (count, talk_us) in deals.items():
        numbers[Key("agreement", deal, "calls")] = (count, 1.0)
        numbers[Key("agreement", deal, "minutes")] = (talk_us / 60 / SECOND_US, 1.0)
    return numbers


def _count(sums: _Hotline, call: Call, within: bool, slot: int) -> None:
    if call.outcome == CLOSED:
        sums.closed += 1
        return
    half_hour = sums.slots.setdefault(slot, [0, 0, 0])
    sums.offered += 1
    half_hour[0] += 1
    if call.outcome == ANSWERED:
        sums.answered += 1
        sums.within += within
        half_hour[1] += within
        sums.wait_us += call.wait_us or 0
        if call.agreement:
            sums.overflow += 1
            sums.overflow_us += call.talk_us
            half_hour[2] += 1
    elif call.outcome == BUSIED:
        sums.busied += 1
    else:
        assert call.outcome == ABANDONED, f"{call.id} has no outcome"
        sums.abandoned += 1


def _count_demands(found: Mapping[str, _Hotline], calls: Sequence[Call], hotlines: Sequence[Hotline]) -> None:
    """In the order of the attempts' ends, as the product's books see them."""
    by_name = {one.name: one for one in hotlines}
    attempts = []
    for call in calls:
        if call.outcome == CLOSED:
            continue
        hotline = by_name[whole(call.hotline)]
        reached_us = call.at_us + (call.wait_us or 0) if call.outcome == ANSWERED else None
        end_us = call.at_us + (call.wait_us or 0) + (call.talk_us if reached_us is not None else 0)
        attempts.append(
            Attempt(
                call.id, hotline.name, call.caller, call.at_us / SECOND_US, end_us / SECOND_US,
                None if reached_us is None else reached_us / SECOND_US, hotline.target_s, hotline.redial_window_s,
            )
        )  # fmt: skip
    attempts.sort(key=lambda one: one.ended_at)
    demands = Demands(open_max=DEMANDS_MAX)
    done: list[Demand] = []
    for attempt in attempts:
        step = demands.add(attempt)
        done += step.closed
        if step.demand.closed_at is not None:
            done.append(step.demand)
    for demand in (*done, *demands.opened):
        for sums in (found[demand.hotline], found[ALL]):
            sums.demands += 1
            sums.demands_within += demand.within_target
            sums.demands_first += demand.reached_first
            sums.demands_reached += demand.reached_at is not None
            sums.attempts += demand.attempts
