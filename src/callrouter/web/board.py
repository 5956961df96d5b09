"""What a site's pages show, from the router's snapshot and the figures of the day. Pure; asks nothing of anybody.

Values are comparable and hold instants instead of durations, so that what did not change need not be drawn again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from callrouter.config.pages import Pages
from callrouter.core.calendar import state
from callrouter.core.calls import RINGING, CallState
from callrouter.core.commands import CallFinished
from callrouter.core.plan import Hotline, Plan, Site
from callrouter.core.snapshot import CallView, LineView, Snapshot
from callrouter.store.standing import Standing
from callrouter.store.today import SLOT_S, Today
from callrouter.web.models import masked

OLDEST = 20
ANSWERED = (CallState.TALKING, CallState.TRANSFERRED)
COLOUR_MIN = 20  # a share of fewer has no state
RISK = 0.05  # so far below the target it is at risk, further it is missed
NEAR = 0.8  # of the ring limit: the caller will soon be told busy
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Share:
    """part of whole, against a target; its state is good, risk, bad or '' (too few to tell)."""

    part: int
    whole: int
    target: float

    @property
    def state(self) -> str:
        if self.whole < COLOUR_MIN:
            return ""
        share = self.part / self.whole
        return "good" if share >= self.target else "risk" if share >= self.target - RISK else "bad"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller who rings, unanswered. since: UTC seconds."""

    call: str
    caller: str  # masked
    hotline: str
    topic: str
    since: float
    offered: bool  # a phone rings for him


@dataclass(frozen=True, slots=True)
class HotlineLine:
    name: str
    title: str
    open: bool
    mode: str
    mode_until: float | None
    waiting: int
    since: float | None  # of the longest wait
    near: bool  # that one is near the ring limit
    share: Share


@dataclass(frozen=True, slots=True)
class TeamLine:
    """Agents by state; shown: enough are logged in for figures of the team."""

    name: str
    title: str
    waiting: int
    logged_in: int
    shown: bool
    states: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Point:
    """The course of the day up to `at`: attempts in this quarter, and all so far."""

    at: float
    attempts: int
    in_time: int
    all_attempts: int
    all_in_time: int


@dataclass(frozen=True, slots=True)
class Head:
    """The figures at the top. lost: demands of today that ended without anybody.

    settled: in the talk, of the answered calls that have a result. unsaid: those that have none.
    """

    waiting: int
    since: float | None
    limit_s: float | None
    near: bool
    answered: Share
    target_s: float | None  # within which; None: the site's hotlines have several
    first: Share
    settled: Share
    unsaid: int
    lost: int
    logged_in: int
    ready: int  # of the teams that are large enough for figures
    shown: bool  # there is such a team
    kept: Share  # promised callbacks that were due in the last week, and those of them that were served by then
    overdue: int  # promised callbacks whose time is over


def site_of(plan: Plan, name: str) -> Site | None:
    return next((site for site in plan.sites if site.name == name), None)


def hotlines_of(plan: Plan, site: str) -> list[Hotline]:
    return [hotline for hotline in plan.hotlines if hotline.site == site]


def topic_titles(plan: Plan, *hotlines: str) -> dict[str, str]:
    """The topics of these hotlines; one that they call differently has all its titles, in the plan's order."""
    found: dict[str, dict[str, None]] = {}
    for hotline in plan.hotlines:
        if hotline.name in hotlines:
            for topic in hotline.topics:
                found.setdefault(topic.name, {})[topic.title] = None
    return {name: " / ".join(titles) for name, titles in found.items()}


def ringing(seen: Snapshot, site: str) -> list[CallView]:
    """The callers who wait there, the longest first."""
    return sorted(
        (c for c in seen.calls if c.site == site and c.state in RINGING), key=lambda c: (c.arrived_at, c.call)
    )


def waiting(plan: Plan, calls: Sequence[CallView]) -> tuple[Waiting, ...]:
    hotlines = {hotline.name: hotline for hotline in plan.hotlines}

    def one(call: CallView) -> Waiting:
        hotline = hotlines.get(call.hotline)
        topics = topic_titles(plan, hotline.name) if hotline and len(hotline.topics) > 1 else {}
        title = hotline.title if hotline else call.hotline
        offered = call.state == CallState.OFFERED
        return Waiting(call.call, masked(call.caller), title, topics.get(call.topic, ""), call.arrived_at, offered)

    return tuple(one(call) for call in calls[:OLDEST])


def _near(call: CallView | None, limit_s: float | None, now: float) -> bool:
    return call is not None and limit_s is not None and now - call.arrived_at >= NEAR * limit_s


# ---- the day


@dataclass(slots=True)
class _Sum:
    attempts: int = 0
    in_time: int = 0


def quarters(
    hotlines: Sequence[Hotline], day: Today, recent: Iterable[CallFinished], calls: Iterable[CallView], now: float
) -> dict[str, dict[int, tuple[int, int]]]:
    """Hotline to quarter of the day to (attempts that are decided, answered in time among them).

    Decided are those that ended, those that an agent has answered, and those that wait for longer than the target.
    """
    found: dict[str, dict[int, _Sum]] = {hotline.name: {} for hotline in hotlines}
    targets = {hotline.name: hotline.target_s for hotline in hotlines}

    def count(hotline: str, number: int, attempts: int, in_time: int) -> None:
        if hotline in found and number >= 0:
            one = found[hotline].setdefault(number, _Sum())
            one.attempts += attempts
            one.in_time += in_time

    def number_of(at: float) -> int:
        return int((at - day.since) // SLOT_S)

    for slot in day.slots:
        count(slot.hotline, slot.number, slot.attempts, slot.in_time)
    for record in recent:
        count(record.hotline, number_of(record.arrived_at), 1, int(record.within_target))
    for call in calls:
        target_s = targets.get(call.hotline, inf)
        if call.state in ANSWERED:
            count(call.hotline, number_of(call.arrived_at), 1, int(call.wait_s <= target_s))
        elif call.state in RINGING and now - call.arrived_at > target_s:
            count(call.hotline, number_of(call.arrived_at), 1, 0)
    return {name: {number: (one.attempts, one.in_time) for number, one in sums.items()} for name, sums in found.items()}


def course(counted: Mapping[str, Mapping[int, tuple[int, int]]], since: float, now: float) -> tuple[Point, ...]:
    """One point at the end of each quarter, from that of the first attempt to the present one."""
    sums: dict[int, list[int]] = {}
    for hotline in counted.values():
        for number, (attempts, in_time) in hotline.items():
            one = sums.setdefault(number, [0, 0])
            one[0] += attempts
            one[1] += in_time
    if not sums:
        return ()
    points, attempts, in_time = [], 0, 0
    last = min(int((now - since) // SLOT_S), DAY_S // SLOT_S)
    for number in range(min(sums), max(last, *sums) + 1):
        here = sums.get(number, [0, 0])
        attempts, in_time = attempts + here[0], in_time + here[1]
        points.append(Point(since + (number + 1) * SLOT_S, here[0], here[1], attempts, in_time))
    return tuple(points)


def opening(hotlines: Iterable[Hotline], since: float) -> tuple[float, float]:
    """From the first opening to the last closing of this day, in UTC seconds; the whole day when it never closes."""
    begin, end = inf, -inf
    for hotline in hotlines:
        if hotline.hours is None:
            return since, since + DAY_S
        at = since
        while at < since + DAY_S:
            open_now, change = state(hotline.hours, at)
            until = min(change, since + DAY_S)
            if open_now:
                begin, end = min(begin, at), max(end, until)
            at = until
    return (begin, end) if begin < end else (since, since + DAY_S)


# ---- the whole


@dataclass(frozen=True, slots=True)
class SiteBoard:
    head: Head
    hotlines: tuple[HotlineLine, ...]
    teams: tuple[TeamLine, ...]
    waiting: tuple[Waiting, ...]
    course: tuple[Point, ...]
    opening: tuple[float, float]


def site_board(
    plan: Plan,
    pages: Pages,
    seen: Snapshot,
    day: Today,
    recent: Sequence[CallFinished],
    standing: Sequence[Standing],
    site: str,
) -> SiteBoard:
    """Everything about one site but its agreements."""
    now, targets = seen.at, pages.targets
    own = hotlines_of(plan, site)
    calls = ringing(seen, site)
    counted = quarters(own, day, recent, [call for call in seen.calls if call.site == site], now)
    lines = {line.hotline: line for line in seen.lines}
    first = [one for one in day.reached if one.hotline in counted]
    settled = [one for one in day.settled if one.hotline in counted]
    promised = [one for one in standing if one.hotline in counted]
    teams = _teams(plan, pages, seen, site, calls)
    limits = {hotline.name: hotline.ring_max_s for hotline in own}
    oldest = calls[0] if calls else None
    limit_s = limits.get(oldest.hotline) if oldest else None
    sums = [pair for hotline in counted.values() for pair in hotline.values()]
    head = Head(
        waiting=len(calls),
        since=oldest.arrived_at if oldest else None,
        limit_s=limit_s,
        near=_near(oldest, limit_s, now),
        answered=Share(sum(one[1] for one in sums), sum(one[0] for one in sums), targets.answered),
        target_s=own[0].target_s if len({hotline.target_s for hotline in own}) == 1 else None,
        first=Share(sum(one.first for one in first), sum(one.demands for one in first), targets.first),
        settled=Share(sum(one.resolved for one in settled), sum(one.given for one in settled), targets.resolved),
        unsaid=sum(one.answered - one.given for one in settled),
        lost=sum(one.unreached for one in first),
        logged_in=sum(team.logged_in for team in teams),
        ready=sum(team.states.get("ready", 0) for team in teams if team.shown),
        shown=any(team.shown for team in teams),
        kept=Share(sum(one.kept for one in promised), sum(one.due for one in promised), targets.kept),
        overdue=sum(one.overdue for one in promised),
    )
    return SiteBoard(
        head,
        tuple(_hotline(one, lines.get(one.name), calls, counted[one.name], targets.answered, now) for one in own),
        teams,
        waiting(plan, calls),
        course(counted, day.since, now),
        opening(own, day.since),
    )


def _hotline(
    hotline: Hotline,
    line: LineView | None,
    calls: Sequence[CallView],
    counted: Mapping[int, tuple[int, int]],
    target: float,
    now: float,
) -> HotlineLine:
    mine = [call for call in calls if call.hotline == hotline.name]
    oldest = mine[0] if mine else None
    return HotlineLine(
        hotline.name,
        hotline.title,
        line is not None and line.open,
        line.mode if line else "normal",
        line.mode_until if line else None,
        len(mine),
        oldest.arrived_at if oldest else None,
        _near(oldest, hotline.ring_max_s, now),
        Share(sum(one[1] for one in counted.values()), sum(one[0] for one in counted.values()), target),
    )


def _teams(plan: Plan, pages: Pages, seen: Snapshot, site: str, calls: Sequence[CallView]) -> tuple[TeamLine, ...]:
    teams = [team for team in plan.teams if team.site == site]
    states: dict[str, Counter[str]] = {team.name: Counter() for team in teams}
    for agent in seen.agents:
        if agent.team in states:
            states[agent.team][str(agent.state)] += 1
    homes = {hotline.name: set(hotline.teams) for hotline in plan.hotlines}

    def one(name: str, title: str) -> TeamLine:
        found = states[name]
        logged_in = found.total() - found["logged_out"]
        wait = sum(name in homes.get(call.hotline, ()) for call in calls)
        return TeamLine(name, title, wait, logged_in, logged_in >= pages.team_min, dict(sorted(found.items())))

    return tuple(one(team.name, team.title) for team in teams)
