"""Making the books agree with a site that was read back: after every login, and when an outcome is unknown.

What the site says is true, but it is a moment old: an order given in the last seconds may not show yet, and is left
alone until the next look.
"""

from __future__ import annotations

from callrouter.core.agents import LEGS_MAX, AgentMove, AgentSeat
from callrouter.core.calls import HEARING, Attempt, Call, CallMove, CallState, Capture
from callrouter.core.commands import CallOffered, Outcome, Target, Unserved
from callrouter.core.events import LiveCall, Result, SiteRead, Stage
from callrouter.core.matching import busy
from callrouter.core.outbound import free_for, read_outcalls, vanished
from callrouter.core.plan import Agent
from callrouter.core.reception import PROMPT_MAX_S, line_full, next_step, release, steps_of, turn_away
from callrouter.core.state import FRESH_S, HOLD_GRACE_S, RING_GRACE_S, State
from callrouter.core.timers import Rank, instant


def read_back(s: State, event: SiteRead) -> None:
    """Bring the books of one site up to what it says."""
    site = event.site
    returned = not s.links.get(site, False)
    s.links[site] = True
    if returned:
        s.hope_for(site)
    s.reread_at.pop(site, None)
    for peer in [peer for at, peer in s.trunks_down if at == site]:
        del s.trunks_down[site, peer]
    for peer in event.trunks_down:
        s.trunks_down[site, peer] = float("inf")
    _phones(s, event)
    live = {call.call: call for call in event.calls}
    for call in [c for c in s.calls.values() if c.site == site and c.id not in live]:
        if call.arrived_at <= s.now - FRESH_S or returned:
            ended(s, call, 0, seen=False)
        else:  # it came after the site was read; or it is over, and nothing else will tell
            s.watch(call, FRESH_S)
    for seen in event.calls:
        known = s.calls.get(seen.call)
        if known is None:
            adopt(s, seen, site)
        else:
            _correct(s, known, seen)
    read_outcalls(s, event, returned)
    s.look_at_backlogs()
    for lane in s.lanes.values():
        if lane.site == site:
            s.dirty_lanes[lane.key] = None


def _phones(s: State, event: SiteRead) -> None:
    phones = {p.phone: p for p in event.phones}
    legs: dict[str, list[str]] = {}
    for phone, leg in event.phone_legs:
        legs.setdefault(phone, []).append(leg)
    for agent in s.plan.agents:
        if agent.site != event.site:
            continue
        seat, phone_state = s.seats[agent.id], phones.get(agent.phone)
        seat.phone_up = phone_state is not None and phone_state.reachable
        seat.phone_in_use = phone_state is not None and phone_state.in_use
        seat.legs = tuple(legs.get(agent.phone, ())[:LEGS_MAX])
        call = s.calls.get(seat.call)
        if call is not None and _put_through(s, seat, call, s.now - (call.answered_at or s.now)):
            s.agent_left(call, "his phone is free")
        s.move_seat(seat, AgentMove.CHANGED, "the site was read back")


def ended(s: State, call: Call, cause: int, *, seen: bool) -> None:
    """Its record, by all that is known of it. seen: its end was told, else it was found to be gone."""
    told_to_end = call.release is not None and (
        call.state is CallState.RELEASING
        or call.release[1] is not Outcome.BUSIED  # the others hold from its arrival on
    )
    if call.state is CallState.FAILSAFE:
        s.finish(call, Outcome.FAILSAFE, cause, "served by the dialplan: it saw no router", seen=seen)
    elif call.talked:
        because = "the conversation ended" if seen else "ended while the site could not be seen"
        s.finish(call, Outcome.ANSWERED, cause, because, seen=seen)
    elif call.release is not None and told_to_end:
        s.finish(call, call.release[1], cause, call.release[2], seen=seen)
    elif seen:
        s.finish(call, Outcome.ABANDONED, cause, "the caller hung up")
    else:
        s.finish(call, Outcome.LOST, cause, "gone when the site was read back", seen=False)


def hold(s: State, call: Call) -> None:
    """The call listens for orders (again): into its line, or to its end if that is decided."""
    if call.lane is not None:
        s.watch_not(call)
        return  # told twice
    if call.offer is not None:
        if s.now - call.offer.at < FRESH_S:
            # The echo of the hold in which the call was read back and then offered: that order is on its way, or lost.
            s.watch(call, FRESH_S)
            return
        s.fail_offer(call, Result.CANCELLED, "back in hold")  # its end was not told
    elif call.state in (CallState.TALKING, CallState.TRANSFERRED):
        s.agent_left(call, "back in hold")
        s.give_back(call)
        call.agent = ""
        if call.limit_at is not None:  # his answer ended the limit; he rings again, so it counts again
            call.limit_timer = s.timers.set(max(call.limit_at, s.now), Rank.LIMIT, call.id)
    if not s.move_call(call, CallMove.HOLD):
        return
    if call.somebody_at is not None:
        call.answered_at, call.somebody_at = call.answered_at or call.somebody_at, None
    s.watch_not(call)
    s.held[call.id] = None
    if call.capture is Capture.DECLINED:
        call.release = None  # he has heard the question out: who is free now serves him still
    if call.release is None:
        turn_away(s, call)
    if call.release is not None:
        release(s, call, *call.release)
    elif call.attempt and call.limit_at is not None and s.now >= call.limit_at:
        busy(s, call)
    elif not next_step(s, call):
        s.enter_line(call)


def book(s: State, seen: LiveCall, site: str) -> Call:
    """Enter a call that is new to the books: whose is it?"""
    hotline_name, implied = s.numbers.get(seen.number, ("", ""))
    hotline = s.hotlines.get(hotline_name)
    s.sequence += 1
    arrived_at = instant(s.now - seen.age_s)
    topic = implied or (hotline.default_topic if hotline else "")
    call = Call(seen.call, site, seen.number, seen.caller, hotline_name, topic, arrived_at, s.sequence, None)
    call.reach = seen.reach
    s.calls[call.id] = call
    s.on_line(call, 1)
    if hotline is None:
        call.release = (1, Outcome.UNKNOWN_NUMBER, f"no hotline has the number {seen.number}")
        return call
    s.waiting[hotline_name] += 1
    s.set_limit(call)
    call.steps = steps_of(s, hotline, site, implied)
    is_open = s.is_open(hotline)
    s.tell(CallOffered(call.id, hotline_name, topic, site, is_open))
    if not is_open:
        call.release = (17, Outcome.CLOSED, s.why_closed(hotline))
    elif s.waiting[hotline_name] > hotline.line_max:
        line_full(call, hotline)
    return call


def adopt(s: State, seen: LiveCall, site: str) -> Call:
    """A call that lives at the site though we do not know it: a router before us took it, or we missed its arrival."""
    call = book(s, seen, site)
    call.attempt = seen.attempt
    call.because = "found when the site was read back"
    if seen.claimed:
        call.steps = ()  # he has heard them from the router before us, or misses them
        if call.release is not None and call.release[1] is not Outcome.UNKNOWN_NUMBER and not seen.ending:
            # It came in time, and into the line, for the router before us; its arrival is not ours to judge.
            call.release, call.busied = None, Unserved.NONE
    if seen.stage is Stage.HELD:
        hold(s, call)
        call.stale_hold = True
    elif seen.ending:
        _told_to_end(s, call, seen.ending)
    elif seen.stage is Stage.PROMPTED:
        s.put_call(call, CallState.PROMPTED)
        s.watch(call, PROMPT_MAX_S)
    elif seen.stage is Stage.OFFERED:
        s.move_call(call, CallMove.HOLD)
        _adopt_offer(s, call, seen)
    elif seen.stage in (Stage.TALKING, Stage.ELSEWHERE):
        _adopt_talk(s, call, seen)
    else:
        s.move_call(call, CallMove.FAILSAFE)
    return call


def _told_to_end(s: State, call: Call, cause: int) -> None:
    """It hears its last words: the router that ordered them is gone, or its books are."""
    if call.release is None:
        hotline = s.hotlines.get(call.hotline)
        outcome = Outcome.CLOSED if hotline is not None and not s.is_open(hotline) else Outcome.BUSIED
        call.release = (cause, outcome, "it was told to end before the site was read back")
        if hotline is not None and hotline.ring_max_s == 0:
            call.busied = Unserved.NOBODY_FREE
        else:  # who is told so before his time has found a full line
            early = call.limit_at is None or s.now < call.limit_at
            call.busied = Unserved.LINE_FULL if early else Unserved.RING_LIMIT
    if call.offer is not None:
        s.fail_offer(call, Result.CANCELLED, "it was told to end")
    s.leave_line(call)
    s.put_call(call, CallState.RELEASING)
    s.watch(call, PROMPT_MAX_S)


def _agents_of(s: State, pairs: tuple[tuple[str, str], ...]) -> list[Agent]:
    return [s.agents[s.by_phone[pair]] for pair in pairs if pair in s.by_phone]


def _lent_under(s: State, call: Call, team: str) -> None:
    """The agreement that must have let the call go to this team: the first one that joins them."""
    topic, hotline = s.topic(call), s.hotlines.get(call.hotline)
    own = topic.teams or (hotline.teams if hotline else ())
    for deal in s.lending.get(team, ()):
        if deal.joins(own, call.hotline, topic.name):
            call.agreement, call.borrower = deal.agreement.name, deal.agreement.borrower
            deal.borrowed += 1
            return


def _adopt_offer(s: State, call: Call, seen: LiveCall) -> None:
    s.leave_line(call)
    agents = _agents_of(s, seen.offered)
    if not agents:
        s.put_call(call, CallState.RETURNING)
        s.watch(call, HOLD_GRACE_S)
        return
    team = s.teams[agents[0].team]
    legs = tuple((leg, s.by_phone[site, phone]) for leg, site, phone, _ in seen.legs if (site, phone) in s.by_phone)
    targets = tuple(Target(a.id, a.site, a.phone) for a in agents)
    for agent in agents:
        seat = s.seats[agent.id]
        free_for(s, seat, call.id)
        seat.call = call.id
        s.move_seat(seat, AgentMove.OFFER, "found ringing")
    _lent_under(s, call, team.name)
    s.move_call(call, CallMove.OFFER)
    call.attempt, call.claimed = seen.attempt, True
    call.offer = Attempt(
        seen.attempt,
        targets,
        team.name,
        call.agreement,
        call.borrower,
        s.now,
        team.ring_s,
        full_ring=False,  # nobody is blamed for an offer whose beginning was not seen
        legs=legs,
    )
    s.watch(call, team.ring_s + RING_GRACE_S)


def _put_through(s: State, seat: AgentSeat, call: Call, talk_s: float) -> bool:
    """A lent call talks to him, the caller's site says, and his own knows of no call: he has put the caller through."""
    lent = call.site != seat.id.partition("/")[0]
    seen = s.links.get(seat.id.partition("/")[0], False)
    return lent and seen and talk_s > FRESH_S and seat.phone_up and not seat.phone_in_use and not seat.legs


def _adopt_talk(s: State, call: Call, seen: LiveCall) -> None:
    pairs = tuple((site, phone) for _, site, phone, answered in seen.legs if answered) or seen.offered
    agents = _agents_of(s, pairs)
    s.leave_line(call)
    if not agents or seen.stage is Stage.ELSEWHERE or seen.left_s is not None:
        _answered_elsewhere(s, call, seen, agents)
        return
    found = agents[0]
    seat = s.seats[found.id]
    if _put_through(s, seat, call, seen.talk_s):
        _answered_elsewhere(s, call, seen, agents)
        return
    free_for(s, seat, call.id)
    leg = next((leg for leg, site, phone, _ in seen.legs if (site, phone) == (found.site, found.phone)), "")
    s.put_call(call, CallState.OFFERED)
    if call.offer is None or call.offer.team != seat.team:
        s.give_back(call)  # it was somebody else's to borrow
        _lent_under(s, call, seat.team)
    s.answered(call, seat, leg, seen.talk_s)


def _answered_elsewhere(s: State, call: Call, seen: LiveCall, agents: list[Agent]) -> None:
    """Answered, and not by anybody of ours who is still there. agents: of one team, who may have put him through.

    Of several who were rung at once nobody knows who it was, and it is not guessed.
    """
    if call.state is CallState.TRANSFERRED:
        return  # as the books say
    offer, call.offer = call.offer, None
    if offer is not None:
        for target in offer.targets:
            s.seat_not_taken(call, offer, target.agent, Result.CANCELLED)
    if not agents:
        s.give_back(call)
    else:
        call.agent, call.team = agents[0].id if len(agents) == 1 else "", agents[0].team
        if not call.agreement:
            _lent_under(s, call, call.team)
    if call.answered_at is None:
        call.answered_at = call.somebody_at or max(call.arrived_at, s.now - seen.talk_s)
    call.somebody_at = None
    call.left_at = max(call.answered_at, s.now - (seen.left_s or 0.0))
    s.put_call(call, CallState.TRANSFERRED)
    s.watch_not(call)
    s.timers.cancel(call.limit_timer)


def _correct_held(s: State, call: Call, seen: LiveCall) -> None:
    offer = call.offer
    if call.state in HEARING and s.now - call.prompted_at < FRESH_S:
        s.watch(call, FRESH_S)
        return
    if offer is not None:
        if s.now - offer.at < FRESH_S:
            s.watch(call, FRESH_S)
            return
        result = Result.CANCELLED if seen.attempt >= offer.number else Result.FAILED
        s.fail_offer(call, result, "the site has it waiting again")
    if not seen.claimed:  # what claimed it was lost: the dialplan will soon take it for a call that no router knows
        call.claimed = False
        s.held[call.id] = None
    hold(s, call)
    call.stale_hold = True


def _correct(s: State, call: Call, seen: LiveCall) -> None:
    """Known to both: where they differ the site is right, unless our last order is too fresh to show."""
    match seen.stage:
        case Stage.HELD:
            _correct_held(s, call, seen)
        case Stage.OFFERED:
            if call.state in (CallState.ARRIVED, CallState.WAITING, CallState.RETURNING):
                s.put_call(call, CallState.WAITING)
                _adopt_offer(s, call, seen)
        case Stage.TALKING if call.state is CallState.TALKING:
            s.watch_not(call)
        case Stage.TALKING if call.state is CallState.TRANSFERRED and call.agent.partition("/")[0] != call.site:
            pass  # who was put through at the lender's talks to the agent still, as far as the caller's site can see
        case Stage.TALKING:
            _adopt_talk(s, call, seen)
        case Stage.ELSEWHERE:
            if call.state is CallState.TALKING:
                s.agent_left(call, "the caller was put through to somebody else")
            else:
                _adopt_talk(s, call, seen)
        case Stage.FAILSAFE:
            taken(s, call)
        case Stage.PROMPTED if seen.ending and call.state is not CallState.RELEASING:
            _told_to_end(s, call, seen.ending)
        case _:
            pass


def taken(s: State, call: Call) -> None:
    """The dialplan has the call now."""
    if call.offer is not None:
        s.fail_offer(call, Result.CANCELLED, "the dialplan took the call")
    s.agent_left(call, "the dialplan took the call")
    s.leave_line(call)
    s.watch_not(call)
    s.timers.cancel(call.limit_timer)
    s.move_call(call, CallMove.FAILSAFE)


def lose_link(s: State, site: str) -> None:
    """No order reaches the site: its callers wait outside the lines, its agents count as unreachable."""
    if s.links.get(site):
        s.hope_for(site)
    s.links[site] = False
    for call in s.calls.values():
        if call.site == site:
            s.leave_line(call)
        if site in (call.site, call.agent.partition("/")[0]):
            s.taken_off_hold(call)  # his return would not be seen: rather too little than too much
    for agent in s.plan.agents:
        if agent.site == site:
            s.move_seat(s.seats[agent.id], AgentMove.CHANGED, "no link to the site")
    if site not in {known.name for known in s.plan.sites}:  # it will not be read back: the books close here
        del s.links[site]
        s.hope_until.pop(site, None)
        for call in [c for c in s.calls.values() if c.site == site]:
            ended(s, call, 0, seen=False)
        for out in [o for o in s.outcalls.values() if o.site == site]:
            vanished(s, out)
