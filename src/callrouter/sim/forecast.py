"""The answer for a page before a supervisor switches: the next hour and the rest of today, as is and changed.

Runs are paired (the same callers in both). How many there are follows from how many calls they hold, so that the
answer comes within two seconds on two processors: the same question at the same instant has the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from itertools import pairwise

from callrouter.core.plan import Plan
from callrouter.sim.call import ANSWERED, CLOSED, Call
from callrouter.sim.callers import Callers
from callrouter.sim.changes import Change
from callrouter.sim.estimate import Estimate, Pair, difference, estimate, quantiles
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.live import Live, LiveDay, factors, live_case
from callrouter.sim.page import Text
from callrouter.sim.whatif import FELT_LEAST, does, points

HOUR_S = 3600
CALLS_MAX = 20_000  # simulated for one answer, both variants
RUNS_LEAST, RUNS_MOST = 4, 24
SEED = 1


@dataclass(slots=True)
class Tally:
    """Of one site's hotlines, or one hotline, in one run: calls that come within the horizon."""

    offered: int = 0
    within: int = 0
    lent: int = 0  # calls of others that its agents take


Tallies = dict[tuple[str, str], Tally]  # (kind, name): site or hotline


@dataclass(frozen=True, slots=True)
class Share:
    """Answered within target: over all runs, and the runs' own shares: their median, 10 % and 90 % quantiles."""

    value: float | None
    low: float | None
    median: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """One site or hotline over one horizon. points: changed less as is, with half its 95 % interval.

    extra_calls_per_h: calls of other sites that its agents take more per hour (sites only).
    """

    kind: str
    name: str
    calls: float
    as_is: Share
    changed: Share
    points: float | None
    points_half: float | None
    extra_calls_per_h: float


@dataclass(frozen=True, slots=True)
class Horizon:
    """name: hour or rest. seconds: how far it reaches from now."""

    name: str
    seconds: int
    runs: int
    outlooks: tuple[Outlook, ...] = field(default_factory=tuple)


def forecast(
    live: Live, changes: Sequence[Change], pool: Executor, workers: int = 2, calls_max: int = CALLS_MAX
) -> tuple[Horizon, ...]:
    """Raises what a worker raises. Blocks: not for the event loop."""
    names = tuple(sorted(touched(live.plan, changes)))
    case = live_case(live, ())
    counts = Callers(case, SEED, 0, factors(live, case))
    end_us = case.setting.until_us
    made = []
    for name, reach_us in (("hour", min(HOUR_S * SECOND_US, end_us)), ("rest", end_us)):
        expected = counts.expected(0, reach_us)
        calls = sum(number for hotline, number in expected.items() if hotline in names)
        waiting = len(live.checkpoint.calls)
        runs = int(min(RUNS_MOST, max(RUNS_LEAST, calls_max / 4 / (calls + waiting + 1))))
        made.append((name, reach_us, runs, _asked(live, tuple(changes), names, reach_us, runs, pool, workers)))
    return tuple(
        Horizon(
            name, round(reach_us / SECOND_US), runs, _outlooks(live.plan, names, [f.result() for f in asked], reach_us)
        )
        for name, reach_us, runs, asked in made
    )


def touched(plan: Plan, changes: Sequence[Change]) -> frozenset[str]:
    """The hotlines that a change can reach, over however many agreements; the others stay as they are."""
    teams: set[str] = set()
    for change in changes:
        if change.kind == "team":
            teams.add(change.name)
        elif change.kind == "hotline":
            teams |= {team for one in plan.hotlines if one.name == change.name for team in _teams(one.name, plan)}
        elif change.kind == "agreement":
            teams |= {team for one in plan.agreements if one.name == change.name for team in (one.borrower, one.lender)}
        else:
            teams |= {one.name for one in plan.teams if one.site == change.name}
            teams |= {team for one in plan.hotlines if one.site == change.name for team in _teams(one.name, plan)}
    while True:
        before = len(teams)
        for one in plan.agreements:
            if teams & {one.borrower, one.lender}:
                teams |= {one.borrower, one.lender}
        for hotline in plan.hotlines:
            served = _teams(hotline.name, plan)
            if teams & served:
                teams |= served
        if len(teams) == before:
            return frozenset(one.name for one in plan.hotlines if teams & _teams(one.name, plan))


def _teams(hotline: str, plan: Plan) -> set[str]:
    one = next(one for one in plan.hotlines if one.name == hotline)
    return {*one.teams, *(team for topic in one.topics for team in topic.teams)}


def _asked(
    live: Live,
    changes: tuple[Change, ...],
    names: tuple[str, ...],
    reach_us: int,
    runs: int,
    pool: Executor,
    workers: int,
) -> list[Future[list[tuple[Tallies, Tallies]]]]:
    """The runs, cut among the workers, in order."""
    edges = [round(runs * part / workers) for part in range(workers + 1)]
    return [
        pool.submit(paired, live, changes, names, reach_us, range(first, last))
        for first, last in pairwise(edges)
        if first < last
    ]


def paired(
    live: Live, changes: tuple[Change, ...], names: tuple[str, ...], reach_us: int, runs: range
) -> list[tuple[Tallies, Tallies]]:
    """In a worker: some runs, each as is and changed."""
    cases = [live_case(live, ()), live_case(live, changes)]
    found = []
    for run in runs:
        pair = []
        for case in cases:
            day = LiveDay(live, case, SEED, run, names)
            pair.append(_tallies(day.run(day.callers.arrivals(reach_us)), case.network, reach_us))
        found.append((pair[0], pair[1]))
    return found


def _tallies(calls: Sequence[Call], plan: Plan, reach_us: int) -> Tallies:
    site_of = {one.name: one.site for one in plan.hotlines}
    team_site = {one.name: one.site for one in plan.teams}
    target_us = {one.name: one.target_s * SECOND_US for one in plan.hotlines}
    found: Tallies = {}
    for call in calls:
        if call.outcome == CLOSED or not 0 <= call.at_us < reach_us:
            continue
        within = call.outcome == ANSWERED and (call.wait_us or 0) <= target_us[call.hotline]
        for key in (("hotline", call.hotline), ("site", site_of[call.hotline])):
            tally = found.setdefault(key, Tally())
            tally.offered += 1
            tally.within += within
        if call.agreement:
            found.setdefault(("site", team_site[call.team]), Tally()).lent += 1
    return found


def _outlooks(
    plan: Plan, names: tuple[str, ...], parts: Sequence[Sequence[tuple[Tallies, Tallies]]], reach_us: int
) -> tuple[Outlook, ...]:
    """Sites first, in the plan's order, then hotlines."""
    runs = [pair for part in parts for pair in part]
    sites = {one.site for one in plan.hotlines if one.name in names}
    keys = [("site", one.name) for one in plan.sites if one.name in sites]
    keys += [("hotline", one.name) for one in plan.hotlines if one.name in names]
    hours = reach_us / SECOND_US / HOUR_S
    found = []
    for key in keys:
        as_is = [pair[0].get(key, Tally()) for pair in runs]
        changed = [pair[1].get(key, Tally()) for pair in runs]
        gap = difference(_shares(changed), _shares(as_is))
        more = sum(two.lent - one.lent for one, two in zip(as_is, changed, strict=True)) / len(runs) / max(hours, 1e-9)
        found.append(
            Outlook(
                *key, sum(tally.offered for tally in as_is) / len(runs), _share(as_is), _share(changed),
                None if gap.value is None else gap.value * 100, None if gap.half is None else gap.half * 100, more,
            )
        )  # fmt: skip
    return tuple(found)


def said_of(changes: Sequence[Change], horizon: Horizon, titles: Mapping[str, str]) -> list[Text]:
    """For each site whose share surely changes, a sentence; titles: of the sites."""
    hours = {"hour": ("in der nächsten Stunde", "in the next hour"), "rest": ("bis heute Abend", "until tonight")}
    when = hours[horizon.name]
    found: list[Text] = []
    for one in horizon.outlooks:
        if one.kind != "site" or one.points is None or not felt(one.points, one.points_half):
            continue
        assert one.points_half is not None
        much = points(Estimate(abs(one.points) / 100, one.points_half / 100))
        what = does(changes, one.points < 0)
        found.append(
            (
                f"{what[0]} {titles[one.name]} {much[0]} Punkte {when[0]}.",
                f"{what[1]} {titles[one.name]} {much[1]} points {when[1]}.",
            )
        )
    return found


def felt(points: float, half: float | None) -> bool:
    """Is the difference sure, and large enough to be noticed? half: of its interval."""
    return half is not None and abs(points) > max(FELT_LEAST * 100, half)


def _shares(tallies: Sequence[Tally]) -> list[Pair]:
    return [(tally.within, tally.offered) for tally in tallies]


def _share(tallies: Sequence[Tally]) -> Share:
    each = [tally.within / tally.offered for tally in tallies if tally.offered]
    if not each:
        return Share(None, None, None, None)
    return Share(estimate(_shares(tallies)).value, *quantiles(each, 0.1, 0.5, 0.9))
