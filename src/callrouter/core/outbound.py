"""The life of an outbound call: an agent's phone is rung first, then that of the caller who is to be rung back.

What comes of it decides the callback: reached, to be tried again, given up. Who rings whom is in `ringback.py`.
"""

from __future__ import annotations

from dataclasses import replace

from callrouter.core.agents import AgentMove, AgentSeat, AgentState
from callrouter.core.backlog import Back
from callrouter.core.callbacks import Callback, CallbackResult, TryResult, give_back, missed, take
from callrouter.core.commands import DialOut, OutboundFinished, Target
from callrouter.core.events import (
    LiveOutbound,
    OrderLost,
    OutboundAnswered,
    OutboundEnded,
    OutboundMissed,
    OutboundRung,
    OutboundUp,
    OutStage,
    Result,
    SiteRead,
)
from callrouter.core.outcalls import MOVES, Outcall, OutMove, out_id, rings_of
from callrouter.core.state import FRESH_S, HOLD_GRACE_S, RING_GRACE_S, State
from callrouter.core.timers import Rank, after

RING_S = 20  # of a phone that belongs to no team
FAILED_PAUSE_S = 60.0  # after a call that the switch could not make


def ring(s: State, record: Callback, seat: AgentSeat, because: str, *, by_hand: bool) -> None:
    """Have the agent's phone rung for this callback."""
    agent = s.agents[seat.id]
    assert not seat.call, f"{seat.id} is to ring a caller but has {seat.call}"
    out = _begin(s, record, seat.id, seat.team, because, by_hand=by_hand)
    if not by_hand:
        s.rung_back.setdefault(seat.team, {})[out.id] = None
    s.offers += 1
    seat.last_offer, seat.call = s.offers, out.id
    moved = s.move_seat(seat, AgentMove.OFFER, because)
    assert moved, f"{seat.id} is to ring a caller but is {seat.state}"
    _dial(s, out, record.number, Target(seat.id, agent.site, agent.phone), s.teams[seat.team].ring_s)


def ring_at(s: State, record: Callback, phone: str, because: str) -> None:
    """The same at the phone of somebody who is no agent: it has no seat, and the call stands under the phone's name."""
    name = named(record.site, phone)
    _dial(
        s, _begin(s, record, name, "", because, by_hand=True), record.number, Target(name, record.site, phone), RING_S
    )


def named(site: str, phone: str) -> str:
    """What stands in an agent's place for a phone that is nobody's. No agent has this id when its call begins."""
    return f"{site}/{phone}"


def _begin(s: State, record: Callback, who: str, team: str, because: str, *, by_hand: bool) -> Outcall:
    rings = record.rings + 1
    out = Outcall(
        out_id(record.id, rings), record.id, record.kind, record.hotline, record.site, who, team, s.now, by_hand,
        because,
    )  # fmt: skip
    s.outcalls[out.id] = out
    back = s.backs.get(record.id)
    if back is not None:
        back.outbound = out.id
        s.change_back(back, replace(take(replace(record, rings=rings), who), because=because))
    return out


def _dial(s: State, out: Outcall, number: str, target: Target, ring_s: int) -> None:
    rules = s.rules(out.hotline)
    assert rules is not None, f"{out.hotline} rings nobody back"
    _watch(s, out, HOLD_GRACE_S)
    s.tell(
        DialOut(
            out.id, out.callback, out.kind, out.hotline, target, ring_s, number, rules.dial_s, rules.shows, out.because
        )
    )  # fmt: skip


def _watch(s: State, out: Outcall, delay_s: float) -> None:
    s.timers.cancel(out.watch_timer)
    out.watch_timer = s.timers.set(after(s.now, delay_s), Rank.CALLBACK, f"out/{out.id}")


# ---- what the site says of it


def _known(
    s: State, e: OutboundRung | OutboundUp | OutboundAnswered | OutboundMissed | OutboundEnded
) -> Outcall | None:
    out = s.outcalls.get(e.call)
    if out is None:
        s.ignore(e, "unknown outbound call")
        site = e.call.partition("/")[0]
        if not isinstance(e, OutboundEnded):  # it may have begun while its site was being read back
            s.reread(site, f"{e.call} goes on and is not known")
    return out


def _seat(s: State, out: Outcall) -> AgentSeat | None:
    """Of the agent who makes this call; None: he has another one by now, or it is made at a phone without a seat."""
    seat = s.seats.get(out.agent)
    return seat if seat is not None and seat.call == out.id else None


def rung(s: State, e: OutboundRung) -> None:
    out = _known(s, e)
    if out is not None and not out.seen:
        out.seen = True
        team = s.teams.get(out.team)
        _watch(s, out, (team.ring_s if team else RING_S) + RING_GRACE_S)


def up(s: State, e: OutboundUp) -> None:
    out = _known(s, e)
    if out is not None:
        went_up(s, out)


def went_up(s: State, out: Outcall) -> None:
    """The agent is on the phone; the caller's is being rung."""
    after_up = MOVES.get((out.state, OutMove.UP))
    if after_up is None:
        return
    out.state, out.seen, out.up_at = after_up, True, s.now
    s.rung_back.get(out.team, {}).pop(out.id, None)
    rules = s.rules(out.hotline)
    _watch(s, out, (rules.dial_s if rules else 0) + RING_GRACE_S)
    seat = _seat(s, out)
    if seat is not None:
        seat.suspect = ""
        seat.calls += 1
        s.resume_not(seat)
        s.move_seat(seat, AgentMove.ANSWER, "rings a caller back")


def answered(s: State, e: OutboundAnswered) -> None:
    out = _known(s, e)
    if out is not None:
        reached(s, out, 0.0)


def reached(s: State, out: Outcall, ago_s: float) -> None:
    """Agent and caller talk, since `ago_s` seconds."""
    after_answer = MOVES.get((out.state, OutMove.ANSWER))
    if after_answer is None:
        return
    out.state, out.result, out.answered_at = after_answer, TryResult.REACHED, max(out.began_at, s.now - ago_s)
    s.timers.cancel(out.watch_timer)


def not_taken(s: State, e: OutboundMissed) -> None:
    out = _known(s, e)
    if out is not None and out.result is None:
        out.result = e.result


def ended(s: State, e: OutboundEnded) -> None:
    out = _known(s, e)
    if out is None:
        return
    if out.state is OutStage.RINGING:
        agent_missed(s, out, e.result or Result.FAILED)
    else:
        over(s, out, out.result or TryResult.CANCELLED, out.cancelled or "the agent ended it")


def agent_missed(s: State, out: Outcall, result: Result) -> None:
    """His phone did not take it: the caller was not rung."""
    seat = _seat(s, out)
    site = out.agent.partition("/")[0]
    if out.cancelled:
        result = Result.CANCELLED
    elif result is Result.NO_ROUTE:
        if site != out.site:
            s.suspect_trunk(out.site, site)
        else:
            result = Result.UNREACHABLE
    if seat is not None:
        his_own = out.by_hand and result in (Result.NO_ANSWER, Result.REFUSED)  # he is as he was before he asked
        s.seat_refused(seat, Result.CANCELLED if his_own else result, blame=not out.found)
    if result is Result.CANCELLED:
        over(s, out, TryResult.CANCELLED, out.cancelled or "the agent's phone stopped ringing")
    elif result in (Result.FAILED, Result.NO_ROUTE):
        over(s, out, TryResult.FAILED, f"the agent's phone: {result}")
    else:
        over(s, out, TryResult.AGENT_MISSED, f"the agent's phone: {result}")


def over(s: State, out: Outcall, result: TryResult, because: str) -> None:
    """The end of an outbound call: one record, its agent freed, its callback decided."""
    assert s.outcalls.get(out.id) is out, f"outbound call {out.id} ends twice"
    del s.outcalls[out.id]
    s.rung_back.get(out.team, {}).pop(out.id, None)
    s.timers.cancel(out.watch_timer)
    seat = _seat(s, out)
    if seat is not None:
        s.seat_left(seat, "the outbound call ended", talked=out.answered_at is not None)
    talk_s = s.now - out.answered_at if out.answered_at is not None else 0.0
    rang = out.up_at is not None and result is not TryResult.FAILED
    s.tell(
        OutboundFinished(
            out.id, out.callback, out.kind, out.hotline, out.agent, out.team, out.began_at, s.now, talk_s, rang, result,
            because,
        )
    )  # fmt: skip
    back = s.backs.get(out.callback)
    if back is not None and back.outbound == out.id:
        back.outbound = ""
        _decide(s, back, out, result, because)


def _decide(s: State, back: Back, out: Outcall, result: TryResult, because: str) -> None:
    """What the end of its call means for a callback."""
    record, rules = back.record, s.rules(back.record.hotline)
    pause_s = rules.pause_s if rules else FAILED_PAUSE_S
    if result is TryResult.REACHED:
        s.close_back(back, CallbackResult.REACHED, out.agent, because)
    elif result is TryResult.WRONG_NUMBER:
        s.close_back(back, CallbackResult.WRONG_NUMBER, out.agent, because)
    elif out.up_at is None or result is TryResult.FAILED:  # the caller was not rung
        wait_s = 0.0
        if result is not TryResult.AGENT_MISSED and not out.cancelled:
            wait_s = FAILED_PAUSE_S if out.up_at is None else pause_s
        not_before = after(s.now, wait_s) if wait_s else record.not_before
        s.change_back(back, replace(give_back(record), not_before=not_before, last_result=result, because=because))
    else:
        tried = replace(missed(record, result, s.now, after(s.now, pause_s)), because=because)
        if rules is not None and tried.tries >= rules.tries_max:
            back.record = tried
            s.close_back(back, CallbackResult.GIVEN_UP, "", f"not reached in {tried.tries} tries")
        else:
            s.change_back(back, tried)


def out_lost(s: State, out: Outcall, e: OrderLost) -> None:
    """The order to ring, or to hang up, was not carried out, or nobody knows."""
    because = f"order {'unknown' if e.unknown else 'refused'}: {e.text}"
    if e.unknown or out.seen or out.cancelled:
        out.cancelled = ""  # if it lives it is to be ended again
        s.reread(out.site, because)
    else:
        agent_missed(s, out, Result.FAILED)


def out_due(s: State, out: Outcall) -> None:
    """Nothing has been heard of it for too long."""
    s.reread(out.site, f"{out.id} is {out.state} for too long")
    _watch(s, out, RING_GRACE_S)


# ---- a site read back


def free_for(s: State, seat: AgentSeat, work: str) -> None:
    """He is found with this call: whatever else we thought he had is over."""
    if seat.call == work:
        return
    if seat.call in s.outcalls:
        out = s.outcalls[seat.call]
        if out.up_at is None:
            s.seat_refused(seat, Result.CANCELLED, blame=False)
        else:
            s.seat_left(seat, "found with another call")
        s.reread(out.site, f"{seat.id} was found with another call")
        out.agent = ""
    elif seat.call:
        other = s.calls[seat.call]
        if other.offer is not None:
            s.seat_not_taken(other, other.offer, seat.id, Result.CANCELLED)
        else:
            s.agent_left(other, "found with another call")
        s.reread(other.site, f"{seat.id} was found with another call")
    if seat.state is AgentState.WRAP_UP:
        s.resume_not(seat)
        s.move_seat(seat, AgentMove.WRAPPED, "found with another call")


def read_outcalls(s: State, event: SiteRead, returned: bool) -> None:
    """Make the books of outbound calls agree with what their site says."""
    live = {one.call: one for one in event.outbound}
    for out in [one for one in s.outcalls.values() if one.site == event.site and one.id not in live]:
        if returned or out.began_at <= s.now - FRESH_S:
            vanished(s, out)
    for one in event.outbound:
        _correct(s, s.outcalls.get(one.call) or _found(s, one, event.site), one)


def vanished(s: State, out: Outcall) -> None:
    """Its end was not seen, or it never began: a phone that is not there makes no channel."""
    if out.state is not OutStage.RINGING:
        over(s, out, out.result or TryResult.UNKNOWN, "ended while the site could not be seen")
    elif out.seen or out.cancelled:
        agent_missed(s, out, Result.CANCELLED)
    else:
        agent_missed(s, out, Result.UNREACHABLE)


def _found(s: State, one: LiveOutbound, site: str) -> Outcall:
    """It lives at the site though we do not know it: a router before us began it."""
    agent = s.by_phone.get((one.site, one.phone), "")
    seat = s.seats.get(agent)
    out = Outcall(
        one.call, one.callback, one.kind, one.hotline, site, agent, seat.team if seat else "", s.now, True,
        "found when the site was read back", seen=True, found=True,
    )  # fmt: skip
    s.outcalls[out.id] = out
    if seat is not None:
        free_for(s, seat, out.id)
        seat.call = out.id
        s.move_seat(seat, AgentMove.OFFER, "found ringing for a callback")
    back = s.backs.get(one.callback)
    if back is not None and not back.outbound:
        back.outbound = out.id
        rings = max(back.record.rings, rings_of(out.id))  # whoever began it counted it, and no id is used twice
        s.change_back(back, replace(take(back.record, agent), rings=rings))
    _watch(s, out, RING_GRACE_S)
    return out


def _correct(s: State, out: Outcall, one: LiveOutbound) -> None:
    """Where the two differ the site is right, if it is further on."""
    out.seen = True
    if one.stage is not OutStage.RINGING:
        went_up(s, out)
    if one.stage is OutStage.TALKING:
        reached(s, out, one.talk_s)
