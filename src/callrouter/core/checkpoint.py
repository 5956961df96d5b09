"""The router's state as plain frozen data, and back: for the journal's segments and for what-if from the live state.

What can be computed (indexes, timers) is not kept. A thawed state behaves exactly as the frozen one.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, fields, replace
from math import inf
from typing import Any

from callrouter.core.agents import AgentSeat, AgentState, Intent
from callrouter.core.backlog import Back
from callrouter.core.callbacks import Callback, CallbackKind, TryResult
from callrouter.core.calls import Attempt, Call, CallState, Capture
from callrouter.core.commands import Outcome, Unserved
from callrouter.core.events import HotlineMode, OutStage
from callrouter.core.outcalls import Outcall
from callrouter.core.overflow import Deal, Health
from callrouter.core.plan import Hotline, Plan
from callrouter.core.state import State
from callrouter.core.timers import Rank, after


@dataclass(frozen=True, slots=True)
class SavedTimer:
    due: float
    rank: int
    ref: str


@dataclass(frozen=True, slots=True)
class SavedCall:
    id: str
    site: str
    number: str
    caller: str
    hotline: str
    topic: str
    arrived_at: float
    sequence: int
    limit_at: float | None
    state: CallState
    stage: int
    attempt: int
    offer: Attempt | None
    agent: str
    team: str
    agreement: str
    borrower: str
    leg: str
    answered_at: float | None
    somebody_at: float | None
    left_at: float | None
    claimed: bool
    promise_broken: bool
    attempts: int
    release: tuple[int, Outcome, str] | None
    because: str
    lane: tuple[str, str, int, str] | None
    steps: tuple[str, ...]
    step: int
    prompted_at: float
    asked: int
    stale_hold: bool
    on_hold_at: float | None = None
    on_hold_s: float = 0.0
    busied: Unserved = Unserved.NONE
    reach: str = ""
    capture: Capture = Capture.NOT_YET
    captures: int = 0


@dataclass(frozen=True, slots=True)
class SavedSeat:
    id: str
    team: str
    order: int
    state: AgentState
    since: float
    intent: Intent
    reason: str
    phone_up: bool
    phone_in_use: bool
    legs: tuple[str, ...]
    suspect: str
    call: str
    idle_since: float
    calls: int
    last_offer: int
    wrap_up_open: bool
    resume_at: float | None
    leaving: bool


@dataclass(frozen=True, slots=True)
class SavedBack:
    record: Callback
    outbound: str
    backlog: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class SavedOutcall:
    id: str
    callback: str
    kind: CallbackKind
    hotline: str
    site: str
    agent: str
    team: str
    began_at: float
    by_hand: bool
    because: str
    state: OutStage
    seen: bool
    found: bool
    up_at: float | None
    answered_at: float | None
    cancelled: str
    result: TryResult | None


@dataclass(frozen=True, slots=True)
class SavedDeal:
    key: str
    enabled: bool
    until: float | None
    switched: bool
    borrowed: int
    window_open: bool
    window_until: float | None  # None: it never changes


@dataclass(frozen=True, slots=True)
class SavedHealth:
    team: str
    decided: tuple[tuple[float, bool], ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    plan: Plan
    now: float
    sequence: int
    offers: int
    calls: tuple[SavedCall, ...]
    seats: tuple[SavedSeat, ...]
    deals: tuple[SavedDeal, ...]
    health: tuple[SavedHealth, ...]
    modes: tuple[tuple[str, HotlineMode, float | None], ...]
    links: tuple[tuple[str, bool], ...]
    trunks_down: tuple[tuple[str, str, float | None], ...]  # until; None: until it says it is up
    reread_at: tuple[tuple[str, float], ...]
    affinity: tuple[tuple[str, str, float], ...]
    retired: tuple[Hotline, ...]  # no longer in the plan, but calls of theirs live
    timers: tuple[SavedTimer, ...]
    backs: tuple[SavedBack, ...] = ()
    hope_until: tuple[tuple[str, float], ...] = ()
    outcalls: tuple[SavedOutcall, ...] = ()
    done: tuple[Callback, ...] = ()


_CALL = [f.name for f in fields(SavedCall)]
_SEAT = [f.name for f in fields(SavedSeat)]
_OUT = [f.name for f in fields(SavedOutcall)]


def freeze(s: State) -> Checkpoint:
    """Made between events: nothing is dirty then."""
    assert not any((s.dirty_teams, s.dirty_lanes, s.dirty_backlogs, s.held)), "a checkpoint is made between events"
    named = {h.name for h in s.plan.hotlines}
    return Checkpoint(
        s.plan,
        s.now,
        s.sequence,
        s.offers,
        tuple(SavedCall(**{name: getattr(call, name) for name in _CALL}) for call in s.calls.values()),
        tuple(SavedSeat(**{name: getattr(seat, name) for name in _SEAT}) for seat in s.seats.values()),
        tuple(_save_deal(d) for d in s.deals.values()),
        tuple(SavedHealth(team, tuple(h.decided)) for team, h in s.health.items()),
        tuple((name, mode, until) for name, (mode, until) in s.modes.items()),
        tuple(s.links.items()),
        tuple((a, b, None if until == inf else until) for (a, b), until in s.trunks_down.items()),
        tuple(s.reread_at.items()),
        tuple((caller, agent, at) for caller, (agent, at) in s.affinity.items()),
        tuple(h for name, h in s.hotlines.items() if name not in named),
        tuple(SavedTimer(t.due, int(t.rank), t.ref) for t in s.timers.alive()),
        tuple(SavedBack(back.record, back.outbound, back.backlog) for back in s.backs.values()),
        tuple(s.hope_until.items()),
        tuple(SavedOutcall(**{name: getattr(out, name) for name in _OUT}) for out in s.outcalls.values()),
        tuple(s.done.values()),
    )


def _save_deal(d: Deal) -> SavedDeal:
    until = None if d.window_until == inf else d.window_until
    return SavedDeal(d.key, d.enabled, d.until, d.switched, d.borrowed, d.window_open, until)


def thaw(saved: Checkpoint) -> State:
    """Rebuild indexes and timers around the saved records."""
    s = State(saved.plan, saved.now)
    s.timers.clear()
    s.team_timers, s.hour_timers = {}, {}
    s.sequence, s.offers = saved.sequence, saved.offers
    s.modes = {name: (mode, until) for name, mode, until in saved.modes}
    s.links = dict(saved.links)
    s.trunks_down = {(a, b): inf if until is None else until for a, b, until in saved.trunks_down}
    s.reread_at = dict(saved.reread_at)
    for caller, agent, at in saved.affinity:
        s.affinity[caller] = (agent, at)
    for hotline in saved.retired:
        s.hotlines[hotline.name] = hotline
    for kept in saved.deals:
        deal = s.deals[kept.key]
        deal.enabled, deal.until, deal.switched, deal.borrowed = kept.enabled, kept.until, kept.switched, kept.borrowed
        deal.window_open = kept.window_open  # as it was seen: its deadline may be due and not come yet
        deal.window_until = inf if kept.window_until is None else kept.window_until
    for one in saved.health:
        health = s.health[one.team] = Health()
        for at, good in one.decided:
            health.add(at, good)
    s.seats = {seat.id: AgentSeat(**{name: getattr(seat, name) for name in _SEAT}) for seat in saved.seats}
    s.calls = {call.id: Call(**{name: getattr(call, name) for name in _CALL}) for call in saved.calls}
    s.backs = {one.record.id: Back(one.record, one.outbound, one.backlog) for one in saved.backs}
    s.hope_until = dict(saved.hope_until)
    s.outcalls = {out.id: Outcall(**{name: getattr(out, name) for name in _OUT}) for out in saved.outcalls}
    s.done = OrderedDict((one.id, one) for one in saved.done)
    s.rebuild()
    for timer in saved.timers:
        _rearm(s, timer)
    s.dirty_teams, s.dirty_lanes, s.dirty_backlogs, s.held, s.out = {}, {}, {}, {}, []
    return s


def set_clock(s: State, by_s: float) -> None:
    """Move all that has lasted since some instant, or lasts until one, along with a clock that was set.

    What stands in a calendar (opening hours, windows, the end of a switch, a callback's day) stays there.
    """
    out = s.out
    vars(s).update(vars(thaw(_moved(freeze(s), by_s))))
    s.out = out


CALL_TIMES = ("arrived_at", "limit_at", "answered_at", "somebody_at", "left_at", "on_hold_at", "prompted_at")
OUT_TIMES = ("began_at", "up_at", "answered_at")
SEAT_TIMES = ("since", "idle_since", "resume_at")


def _moved(saved: Checkpoint, by_s: float) -> Checkpoint:
    def on(at: float) -> float:
        return after(at, by_s)

    def all_of(one: Any, names: tuple[str, ...]) -> dict[str, float]:
        return {name: on(at) for name in names if (at := getattr(one, name)) is not None}

    def call(one: SavedCall) -> SavedCall:
        offer = None if one.offer is None else replace(one.offer, at=on(one.offer.at))
        return replace(one, offer=offer, **all_of(one, CALL_TIMES))  # type: ignore[arg-type]

    def lasts(timer: SavedTimer) -> bool:
        return timer.rank not in (Rank.AGREEMENT, Rank.CALLBACK) or timer.ref.startswith(("health/", "out/"))

    return replace(
        saved,
        calls=tuple(map(call, saved.calls)),
        seats=tuple(replace(seat, **all_of(seat, SEAT_TIMES)) for seat in saved.seats),  # type: ignore[arg-type]
        outcalls=tuple(replace(out, **all_of(out, OUT_TIMES)) for out in saved.outcalls),  # type: ignore[arg-type]
        health=tuple(replace(one, decided=tuple((on(at), good) for at, good in one.decided)) for one in saved.health),
        trunks_down=tuple((a, b, None if until is None else on(until)) for a, b, until in saved.trunks_down),
        reread_at=tuple((site, on(at)) for site, at in saved.reread_at),
        hope_until=tuple((site, on(at)) for site, at in saved.hope_until),
        affinity=tuple((caller, agent, on(at)) for caller, agent, at in saved.affinity),
        timers=tuple(replace(timer, due=on(timer.due)) if lasts(timer) else timer for timer in saved.timers),
    )


def _rearm(s: State, saved: SavedTimer) -> None:
    rank = Rank(saved.rank)
    timer = s.timers.set(saved.due, rank, saved.ref)
    if rank is Rank.AGENT:
        s.seats[saved.ref].timer = timer
    elif rank is Rank.AGREEMENT:
        kind, _, key = saved.ref.partition("/")
        if kind == "health":
            s.health[key].watched = True
    elif rank is Rank.TEAM:
        s.team_timers[saved.ref] = timer
    elif rank is Rank.CALLBACK:
        kind, _, key = saved.ref.partition("/")
        if kind == "back":
            s.backs[key].timer = timer
        elif kind == "out":
            s.outcalls[key].watch_timer = timer
        else:
            s.hour_timers[key] = timer
    elif rank in (Rank.LIMIT, Rank.WIDEN, Rank.WATCH):
        call = s.calls[saved.ref]
        if rank is Rank.LIMIT:
            call.limit_timer = timer
        elif rank is Rank.WIDEN:
            call.widen_timer = timer
        else:
            call.watch_timer = timer
