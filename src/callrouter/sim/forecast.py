"""The answer for a page before a supervisor switches: the next hour and the rest of today, as is and changed.

Runs are paired (the same callers in both). How many there are, and how far the rest of the day reaches, follows from
how many calls they hold, so that the answer comes within two seconds on two processors on a bad day, too: first two
runs, which tell how many more there may be. The same question at the same instant has the same answer.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from itertools import pairwise
from math import ceil
from zoneinfo import ZoneInfo

from callrouter.core.calendar import open_s
from callrouter.core.plan import Hotline, Plan
from callrouter.sim.call import ANSWERED, CLOSED, Call
from callrouter.sim.callers import Callers
from callrouter.sim.case import Case
from callrouter.sim.changes import Change
from callrouter.sim.estimate import Estimate, Pair, difference, estimate, quantiles
from callrouter.sim.idle import Now, without_effect
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.live import Live, LiveDay, factors, live_case
from callrouter.sim.page import Text
from callrouter.sim.takeover import cut_off, dark
from callrouter.sim.whatif import FELT_LEAST, RUNS_LEAST, does, points

HOUR_S = 3600
HALF_S = 1800
CALLS_MAX = 25_000  # simulated for one answer, both variants
REST_SHARE = 0.85  # of them, for runs that reach beyond the hour
RUNS_FIRST, RUNS_MOST = 2, 24
SEED = 1


class Unwanted(Exception):
    """Nobody waits for the answer any more."""


@dataclass(slots=True)
class Tally:
    """Of one site's hotlines, or one hotline, in one run: calls that come within the horizon."""

    offered: int = 0
    within: int = 0
    lent: int = 0  # calls of others that its agents take
    closed: int = 0  # calls that find it closed


Tallies = dict[tuple[str, str], Tally]  # (kind, name): site or hotline


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as is and changed, per horizon. calls: how many were simulated, both together."""

    pairs: tuple[tuple[Tallies, Tallies], ...]
    calls: int


@dataclass(frozen=True, slots=True)
class Share:
    """Answered within target: over all runs, and the runs' own shares: the smallest, their median, the largest."""

    value: float | None
    low: float | None
    median: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """One site or hotline over one horizon. points: changed less as is, with half its 95 % interval.

    extra_calls_per_h: calls of other sites that its agents take more per hour (sites only). extra_closed: calls that
    find it closed by the change.
    """

    kind: str
    name: str
    calls: float
    as_is: Share
    changed: Share
    points: float | None
    points_half: float | None
    extra_calls_per_h: float
    extra_closed: float = 0.0


@dataclass(frozen=True, slots=True)
class Horizon:
    """name: hour or rest. seconds: how far it reaches from now. whole: no call of today comes after it."""

    name: str
    seconds: int
    runs: int
    outlooks: tuple[Outlook, ...] = field(default_factory=tuple)
    whole: bool = True


def forecast(
    live: Live,
    changes: Sequence[Change],
    pool: Executor,
    workers: int = 2,
    calls_max: int = CALLS_MAX,
    wanted: Callable[[], bool] = lambda: True,
) -> tuple[Horizon, ...]:
    """(): no hotline that the change reaches is open today any more, or the scenario knows no callers of any.

    No more than one run waits for each worker; when it is not wanted any more Unwanted is raised and none is begun.
    Raises what a worker raises. Blocks: not for the event loop.
    """
    case = live_case(live, ())
    names = tuple(sorted(name for name in touched(live.plan, changes) if name in known(live)))
    end_us = _end(live, case, names)
    if not names or end_us <= 0:
        return ()
    hour_us = min(HOUR_S * SECOND_US, end_us)
    rest_us = max(hour_us, _reach(live, case, names, end_us, calls_max * REST_SHARE / 2 / RUNS_LEAST))

    question = pickle.dumps((live, tuple(changes), names))

    def runs(numbers: Iterable[int], reaches: tuple[int, ...]) -> list[Run]:
        return _all(pool, workers, [(question, reaches, number) for number in numbers], wanted)

    reaches = (hour_us, rest_us)
    long = runs(range(RUNS_FIRST), reaches)
    each = sum(run.calls for run in long) / len(long)
    most = int(min(RUNS_MOST, max(RUNS_LEAST, calls_max * REST_SHARE / max(each, 1.0))))
    in_hour = sum(_offered(tallies) for run in long for tallies in run.pairs[0]) / len(long)
    left = max(0.0, calls_max - most * each) / max(in_hour + 2 * len(live.checkpoint.calls), 1.0)
    more = min(RUNS_MOST - most, int(left)) if rest_us > hour_us else 0
    long += runs(range(RUNS_FIRST, most), reaches)
    short = runs(range(most, most + more), (hour_us,))
    found = []
    for name, reach_us, part in (("hour", hour_us, 0), ("rest", rest_us, 1)):
        pairs = [run.pairs[part] for run in (long + short if part == 0 else long)]
        outlooks = _outlooks(live.plan, names, pairs, reach_us)
        found.append(Horizon(name, round(reach_us / SECOND_US), len(pairs), outlooks, reach_us >= end_us))
    return tuple(found)


def known(live: Live) -> frozenset[str]:
    """The hotlines whose callers the scenario knows."""
    callers = live.scenario.callers
    return frozenset(one.name for one in live.plan.hotlines if one.name in callers and callers[one.name].arrivals)


def _end(live: Live, case: Case, names: tuple[str, ...]) -> int:
    """When the last call of today has come to a hotline that is open, at half hours; 0: none comes."""
    counts = Callers(case, SEED, 0, only=names)
    now, found, last_us = live.checkpoint.now, 0, case.setting.until_us
    hours = {one.name: one.hours for one in live.plan.hotlines}
    for from_us, to_us in _halves(case, last_us):
        start, end = now + from_us / SECOND_US, now + to_us / SECOND_US
        expected = counts.expected(from_us, to_us)
        if any(number > 0 and open_s(hours[name], start, end) > 0 for name, number in expected.items()):
            found = to_us
    return found


def _halves(case: Case, until_us: int) -> Iterable[tuple[int, int]]:
    """From now on to each half hour of the clock."""
    day, second = case.clock.second_of_day(0)
    edges = [case.clock.us(day, at_s) for at_s in range(ceil(second / HALF_S) * HALF_S, 86_400 + 1, HALF_S)]
    edges = [0, *(edge for edge in edges if 0 < edge <= until_us)]
    return pairwise(edges)


def _reach(live: Live, case: Case, names: tuple[str, ...], end_us: int, calls_max: float) -> int:
    """The last half hour up to which no more than so many calls are expected, as many redials as today among them."""
    counts = Callers(case, SEED, 0, factors(live, case), names)
    calls = float(len(live.checkpoint.calls))
    reach_us = 0
    for from_us, to_us in _halves(case, end_us):
        calls += sum(counts.expected(from_us, to_us).values()) * live.tries
        if calls > calls_max:
            break
        reach_us = to_us
    return reach_us


Job = tuple[bytes, tuple[int, ...], int]  # question, reaches, number of the run


def _all(pool: Executor, workers: int, jobs: Sequence[Job], wanted: Callable[[], bool]) -> list[Run]:
    """In the order of the jobs."""
    made: list[Future[Run]] = []
    under_way: set[Future[Run]] = set()
    for job in jobs:
        while len(under_way) >= workers:
            under_way -= wait(under_way, return_when=FIRST_COMPLETED).done
        if not wanted():
            raise Unwanted
        made.append(pool.submit(_job, *job))
        under_way.add(made[-1])
    return [future.result() for future in made]


def _job(question: bytes, reaches: tuple[int, ...], run: int) -> Run:
    """In a worker."""
    return paired(*_asked(question), reaches, run)


@lru_cache(maxsize=1)
def _asked(question: bytes) -> tuple[Live, tuple[Case, Case], tuple[str, ...]]:
    """As is and changed; a worker has many runs of one question."""
    live, changes, names = pickle.loads(question)  # noqa: S301  made by `forecast`
    return live, (live_case(live, ()), live_case(live, changes)), names


def paired(live: Live, cases: tuple[Case, Case], names: tuple[str, ...], reaches: tuple[int, ...], run: int) -> Run:
    """One run, as is and changed, looked at as far as each of `reaches`, the last the farthest."""
    variants, simulated = [], 0
    for case in cases:
        day = LiveDay(live, case, SEED, run, names)
        calls = day.run(day.callers.arrivals(reaches[-1]))
        simulated += len(calls)
        variants.append([_tallies(calls, case.network, reach_us) for reach_us in reaches])
    return Run(tuple(zip(*variants, strict=True)), simulated)


def _offered(tallies: Tallies) -> int:
    return sum(tally.offered for (kind, _), tally in tallies.items() if kind == "hotline")


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


def _tallies(calls: Sequence[Call], plan: Plan, reach_us: int) -> Tallies:
    site_of = {one.name: one.site for one in plan.hotlines}
    team_site = {one.name: one.site for one in plan.teams}
    target_us = {one.name: one.target_s * SECOND_US for one in plan.hotlines}
    found: Tallies = {}
    for call in calls:
        if not 0 <= call.at_us < reach_us:
            continue
        if call.outcome == CLOSED:
            for key in (("hotline", call.hotline), ("site", site_of[call.hotline])):
                found.setdefault(key, Tally()).closed += 1
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
    plan: Plan, names: tuple[str, ...], runs: Sequence[tuple[Tallies, Tallies]], reach_us: int
) -> tuple[Outlook, ...]:
    """Sites first, in the plan's order, then hotlines."""
    sites = {one.site for one in plan.hotlines if one.name in names}
    keys = [("site", one.name) for one in plan.sites if one.name in sites]
    keys += [("hotline", one.name) for one in plan.hotlines if one.name in names]
    hours = reach_us / SECOND_US / HOUR_S
    found = []
    for key in keys:
        as_is = [pair[0].get(key, Tally()) for pair in runs]
        changed = [pair[1].get(key, Tally()) for pair in runs]
        gap = difference(_shares(changed), _shares(as_is))
        closed = sum(two.closed - one.closed for one, two in zip(as_is, changed, strict=True)) / len(runs)
        more = sum(two.lent - one.lent for one, two in zip(as_is, changed, strict=True)) / len(runs) / max(hours, 1e-9)
        found.append(
            Outlook(
                *key, sum(tally.offered for tally in as_is) / len(runs), _share(as_is), _share(changed),
                None if gap.value is None else gap.value * 100, None if gap.half is None else gap.half * 100, more,
                closed,
            )
        )  # fmt: skip
    return tuple(found)


def said_of(changes: Sequence[Change], horizon: Horizon, titles: Mapping[str, str], until: str) -> list[Text]:
    """For each site whose share surely changes, a sentence, and for each hotline that turns callers away by it.

    titles: of the sites and hotlines. until: the clock at its end.
    """
    when = ("bis heute Abend", "until tonight") if horizon.whole else (f"bis {until} Uhr", f"until {until}")
    if horizon.name == "hour":
        when = ("in der nächsten Stunde", "in the next hour")
    found: list[Text] = []
    for one in horizon.outlooks:
        title = titles.get(one.name, one.name)
        if one.kind == "hotline" and one.extra_closed >= 1:
            number = round(one.extra_closed)
            found.append(
                (
                    f"{title}: rund {number} Anrufe mehr finden {when[0]} geschlossen.",
                    f"{title}: about {number} more calls find it closed {when[1]}.",
                )
            )
        if one.kind != "site" or one.points is None or not felt(one.points, one.points_half):
            continue
        assert one.points_half is not None
        much = points(Estimate(abs(one.points) / 100, one.points_half / 100))
        what = does(changes, one.points < 0)
        found.append(
            (
                f"{what[0]} {title} {much[0]} Punkte {when[0]}.",
                f"{what[1]} {title} {much[1]} points {when[1]}.",
            )
        )
    return found


def notes_of(
    live: Live, changes: Sequence[Change], horizons: Sequence[Horizon], titles: Mapping[str, str]
) -> list[Text]:
    """What the answer cannot tell, and why. horizons: as `forecast` found them."""
    reached = [one for one in live.plan.hotlines if one.name in touched(live.plan, changes)]
    unknown = [titles.get(one.name, one.name) for one in reached if one.name not in known(live)]
    found: list[Text] = []
    if unknown:
        which = ", ".join(unknown)
        found.append(
            (
                f"Das Szenario eines gewöhnlichen Tages kennt keine Anrufe von {which}: Dazu lässt sich nichts sagen.",
                f"The scenario of an ordinary day knows no calls of {which}: nothing can be said of them.",
            )
        )
    found += _cut_off(live, reached, titles)
    if not horizons and len(unknown) < len(reached):
        now, until_us = live.checkpoint.now, live_case(live, ()).setting.until_us
        if any(open_s(one.hours, now, now + until_us / SECOND_US) for one in reached):
            found.append(("Heute kommen keine Anrufe mehr.", "No more calls come today."))
        else:
            found.append(("Heute ist geschlossen.", "Closed for today."))
    return found


def idle_of(live: Live, changes: Sequence[Change]) -> list[Text]:
    """Of each sentence that changes nothing from now on, why not."""
    switched = {one.key.partition("/")[0] for one in live.checkpoint.deals if one.until is not None}
    on = {(one.key.partition("/")[0], one.key.partition("/")[2]): one.enabled for one in live.checkpoint.deals}
    asked = [one for one in changes if one.name not in switched]  # of a switch with an end it is not known
    make = partial(live_case, live)
    found = without_effect(asked, make(changes), make, now=Now(on, dark(live.checkpoint)))
    return [(f"„{text}“ {de}.", f"'{text}' {en}.") for text, (de, en) in found]


def _cut_off(live: Live, reached: Sequence[Hotline], titles: Mapping[str, str]) -> Iterator[Text]:
    """What is broken now at the sites of these hotlines and their teams, and that it is taken to stay so."""
    teams = set[str]().union(*(_teams(one.name, live.plan) for one in reached))
    sites = {one.site for one in reached} | {one.site for one in live.plan.teams if one.name in teams}
    local = datetime.fromtimestamp(live.checkpoint.now, ZoneInfo(live.scenario.zone or live.plan.sites[0].zone))
    half = min(48, (local.hour * 60 + local.minute) // 30 + 2)
    clock = f"{half // 2:02}:{half % 2 * 30:02}"
    for site in dark(live.checkpoint):
        if site in sites:
            title, ask = titles.get(site, site), f"site {site} up at {clock}"
            yield (
                f"{title} ist ohne Verbindung. Gerechnet ist, dass es heute so bleibt; was eine Rückkehr ändert, "
                f"beantwortet die API auf „{ask}“.",
                f"{title} has no link. It is taken to stay so today; the API tells what its return changes: '{ask}'.",
            )
    for ends in cut_off(live.checkpoint):
        if sites.issuperset(ends):
            here, there = (titles.get(end, end) for end in ends)
            yield (
                f"Die Leitung von {here} nach {there} ist gestört. Gerechnet ist, dass es heute so bleibt.",
                f"The trunk from {here} to {there} is down. It is taken to stay so today.",
            )


def felt(points: float, half: float | None) -> bool:
    """Is the difference sure, and large enough to be noticed? half: of its interval."""
    return half is not None and abs(points) > max(FELT_LEAST * 100, half)


def _shares(tallies: Sequence[Tally]) -> list[Pair]:
    return [(tally.within, tally.offered) for tally in tallies]


def _share(tallies: Sequence[Tally]) -> Share:
    each = [tally.within / tally.offered for tally in tallies if tally.offered]
    if not each:
        return Share(None, None, None, None)
    return Share(estimate(_shares(tallies)).value, *quantiles(each, 0.0, 0.5, 1.0))
