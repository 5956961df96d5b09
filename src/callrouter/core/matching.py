"""Who gets whom: after each event the free agents and the waiting callers that have changed are brought together.

Order of service (nothing else decides): own calls before borrowed ones, everywhere; within that, higher priority first,
then the longest wait. A borrowed call goes only where the agreement lets it, and only if no agent of its own is free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from heapq import heapify, heappop, heapreplace
from math import ceil

from callrouter.core.agents import AgentMove, AgentSeat, AgentState
from callrouter.core.calls import Attempt, Call, CallMove
from callrouter.core.commands import CancelOffer, Claim, Offer, Outcome, Target, Unserved
from callrouter.core.lines import Lane, LaneKey
from callrouter.core.overflow import Deal
from callrouter.core.plan import Strategy
from callrouter.core.reception import release, turn_away
from callrouter.core.ringback import give_way, gives_way, ring_back
from callrouter.core.selection import Pool, meets
from callrouter.core.state import HOLD_GRACE_S, RING_GRACE_S, State
from callrouter.core.timers import Rank, after


def settle(s: State) -> None:
    """Make every offer that is possible now, then claim or release the callers who stay."""
    lanes: dict[LaneKey, Lane] = {}
    if s.dirty_lanes or s.dirty_teams:
        lanes = {key: s.lanes[key] for key in s.dirty_lanes if key in s.lanes}
        teams = [team for team in s.dirty_teams if team in s.pools]
        s.dirty_backlogs |= s.dirty_teams
        s.dirty_lanes, s.dirty_teams = {}, {}
        own, lent = dict(lanes), lanes
        for team in teams:
            if s.pools[team].free:
                own |= s.team_lanes[team]
        if own:
            _in_turn(s, own, _serve_own)
        for team in teams:
            if s.pools[team].free:
                for deal in s.lending.get(team, ()):
                    lent |= s.team_lanes[deal.agreement.borrower]
        if lent:
            _in_turn(s, lent, _borrow)
    if s.outcalls:
        give_way(s, [lane for lane in lanes.values() if lane.waiting])
    if s.held:
        _keep_or_release(s)
    if s.dirty_backlogs:
        ring_back(s)


def _in_turn(s: State, lanes: dict[LaneKey, Lane], serve: Callable[[State, Lane, Call], bool]) -> None:
    """Serve the callers of these lanes by turn, whatever their lane; a lane whose head cannot be served is done."""
    if len(lanes) == 1:
        (lane,) = lanes.values()
        while (call := lane.head()) is not None and serve(s, lane, call):
            pass
        return
    turns = [(turn, lane) for lane in lanes.values() if (turn := lane.turn()) is not None]
    heapify(turns)  # no two turns are equal
    while turns:
        lane = turns[0][1]
        call = lane.head()
        assert call is not None, f"nobody waits in {lane.key}"
        served = serve(s, lane, call)
        turn = lane.turn()
        if served and turn is not None:
            heapreplace(turns, (turn, lane))
        else:
            heappop(turns)


def _serve_own(s: State, lane: Lane, call: Call) -> bool:
    """Give the lane's oldest caller to a free agent of its own teams."""
    for team in lane.teams:
        pool = s.pools[team]
        if pool.free and s.path(lane.site, team) and _offer_from(s, call, lane, pool, None, pool.free):
            return True
    return False


def may_borrow(s: State, deal: Deal, lane: Lane, call: Call) -> str:
    """Why this waiting call may not go to the lender now; '' if it may. Does not look at skills."""
    lender = deal.agreement.lender
    health = s.health[lender].share(s.now) if lender in s.health else 1.0
    why = deal.why_not(s.pools[lender].free, health)
    if not why and s.now < after(call.arrived_at, deal.agreement.after_s):
        why = f"only after {deal.agreement.after_s:g} s of waiting"
    if not why and not s.path(lane.site, lender):
        why = f"trunk from {lane.site} to {s.teams[lender].site} down"
    return why


def _borrow(s: State, lane: Lane, call: Call) -> bool:
    """Let the lane's oldest caller overflow, by the agreements in their listed order."""
    deals = [d for team in lane.teams for d in s.borrowing.get(team, ()) if d.covers(lane)]
    for deal in sorted(deals, key=lambda d: d.order):
        pool = s.pools[deal.agreement.lender]
        if not may_borrow(s, deal, lane, call) and _offer_from(s, call, lane, pool, deal, _spare(deal, pool)):
            return True
    return False


def _spare(deal: Deal, pool: Pool) -> int:
    return pool.free - deal.agreement.reserve


def _offer_from(s: State, call: Call, lane: Lane, pool: Pool, deal: Deal | None, most: int) -> bool:
    """Offer the call to the agent(s) whose turn it is in this pool; False if none meets the needs."""
    assert most > 0, "an agreement's reserve would be touched"
    if pool.team.strategy is Strategy.RING_ALL:
        seats = pool.several(lane.needs, min(most, pool.team.ring_all_max))
        how = f"ring all: {len(seats)}"
    else:
        known = _last_agent(s, call, lane, pool)
        seat = known or pool.best(lane.needs)
        seats = [seat] if seat else []
        how = "talked to this caller last" if known else pool.team.strategy.replace("_", " ")
    if not seats:
        return False
    because = f"{how} of {pool.free} free in {pool.team.name}"
    if deal is not None:
        own = ", ".join(lane.teams)
        if any(s.pools[team].free for team in lane.teams):  # they lack a skill, or the trunk to them is down
            own += " who could take it"
        a = deal.agreement
        cap = "" if a.max_calls is None else f", borrowed {deal.borrowed} of {a.max_calls}"
        spare = f"{pool.free} free in {a.lender}, reserve {a.reserve}{cap}"
        because = f"overflow by {a.name}: nobody free in {own}; {spare}; {how}"
    _offer(s, call, pool, deal, seats, because)
    return True


def _last_agent(s: State, call: Call, lane: Lane, pool: Pool) -> AgentSeat | None:
    affinity_s = lane.hotline.affinity_s
    if affinity_s <= 0 or call.attempt or not call.caller:
        return None
    agent_id, at = s.affinity.get(call.caller, ("", 0.0))
    seat = s.seats.get(agent_id)
    if seat is None or seat.team != pool.team.name or seat.state is not AgentState.READY or s.now - at > affinity_s:
        return None
    return seat if meets(s.skills(seat), lane.needs) else None


def _offer(s: State, call: Call, pool: Pool, deal: Deal | None, seats: list[AgentSeat], because: str) -> None:
    team = pool.team
    ring_s, full_ring = team.ring_s, True
    if call.limit_at is not None and call.limit_at > s.now:
        left = ceil(call.limit_at - s.now)
        ring_s, full_ring = min(ring_s, left), left >= ring_s
    s.leave_line(call)
    call.attempt += 1
    call.attempts += 1
    targets = []
    for seat in seats:
        assert seat.state is AgentState.READY, f"{seat.id} is offered a call but is {seat.state}"
        assert not seat.call, f"{seat.id} is offered a second call"
        agent = s.agents[seat.id]
        targets.append(Target(seat.id, agent.site, agent.phone))
        s.offers += 1
        seat.last_offer, seat.call = s.offers, call.id
        s.move_seat(seat, AgentMove.OFFER, because)
    agreement, borrower = "", ""
    if deal is not None:
        a = deal.agreement
        assert pool.free >= a.reserve, f"{a.name}: the reserve of {a.lender} is touched"
        assert a.max_calls is None or deal.borrowed < a.max_calls, f"{a.name}: more calls than its cap"
        agreement, borrower = a.name, a.borrower
        deal.borrowed += 1
    call.agreement, call.borrower = agreement, borrower
    call.offer = Attempt(
        call.attempt, tuple(targets), team.name, agreement, borrower, s.now, ring_s, full_ring=full_ring
    )
    moved = s.move_call(call, CallMove.OFFER)
    assert moved, f"call {call.id} is offered but is {call.state}"
    call.claimed, call.because = True, because
    s.watch(call, ring_s + RING_GRACE_S)
    s.tell(Offer(call.id, call.attempt, call.offer.targets, ring_s, because))


def _keep_or_release(s: State) -> None:
    """Calls that have just begun to listen and were not offered: those at their limit end, the others are claimed.

    Not where an agent's phone has just been taken off a callback for them: that takes a moment.
    """
    held, s.held = s.held, {}
    for call_id in held:
        call = s.calls.get(call_id)
        if call is None or call.lane is None:
            continue
        if call.limit_at is not None and s.now >= call.limit_at:
            if not gives_way(s, s.lanes[call.lane]):
                busy(s, call)
                continue
            s.timers.cancel(call.limit_timer)
            call.limit_timer = s.timers.set(after(s.now, HOLD_GRACE_S), Rank.LIMIT, call.id)
        if not call.claimed:
            call.claimed = True
            s.tell(Claim(call.id, f"waits in {call.hotline}"))


def busy(s: State, call: Call) -> None:
    """End a call that listens and is at its ring limit."""
    limit = s.hotlines[call.hotline].ring_max_s
    call.busied = Unserved.RING_LIMIT if limit else Unserved.NOBODY_FREE
    because = f"rang {s.now - call.arrived_at:.1f} s, limit {limit:g} s" if limit else "nobody is free, no waiting here"
    release(s, call, 17, Outcome.BUSIED, because)


def limit_reached(s: State, call: Call) -> None:
    """The ring limit's instant: a waiting call ends; one that is offered or cannot be reached comes back first."""
    if call.lane is not None:
        busy(s, call)


def team_gone(s: State, team: str) -> None:
    """For a while now it may be that nobody of this team is there: whoever waits for nobody is told so."""
    lanes = s.team_lanes.get(team, {})
    for call in [one for one in s.calls.values() if one.lane in lanes]:
        turn_away(s, call)
        if call.release is not None:
            release(s, call, *call.release)


def cancel(s: State, call: Call, offer: Attempt, because: str) -> None:
    """Stop ringing for this call; its end is told by `OfferEnded`."""
    if not offer.cancelled:
        call.offer = replace(offer, cancelled=True)
        s.tell(CancelOffer(call.id, offer.number, tuple(leg for leg, agent in offer.legs if agent), because))
