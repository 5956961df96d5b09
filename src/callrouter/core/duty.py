"""Agents and their phones: what they ask for, and what their phones say."""

from __future__ import annotations

from callrouter.core.agents import LEGS_MAX, AgentMove, AgentSeat, AgentState, Intent
from callrouter.core.events import AgentAct, AgentActed, PhoneActed, PhoneLeg, PhoneState
from callrouter.core.matching import cancel
from callrouter.core.state import State


def agent_acted(s: State, e: AgentActed) -> None:
    seat = s.seats.get(e.agent)
    if seat is None or seat.leaving:
        s.ignore(e, "unknown agent")
        return
    _act(s, seat, e.act, e.reason, e.by)


def phone_acted(s: State, e: PhoneActed) -> None:
    seat = s.seats.get(s.by_phone.get((e.site, e.phone), ""))
    if seat is None:
        s.ignore(e, "no agent has this phone")
    else:
        _act(s, seat, e.act, "", "phone")


def _act(s: State, seat: AgentSeat, act: AgentAct, reason: str, by: str) -> None:
    if act is AgentAct.WRAP_UP_MORE:
        if seat.state is AgentState.WRAP_UP:
            assert seat.resume_at is not None, f"the wrap-up of {seat.id} has no end"
            team = s.teams[seat.team]
            longest = max(seat.resume_at, seat.since + s.wrap_up_s(seat) + team.wrap_up_max_s)
            s.resume_later(seat, min(longest, seat.resume_at + team.wrap_up_more_s) - s.now)
        return
    if seat.state is AgentState.TALKING and act in (AgentAct.WRAP_UP_OPEN, AgentAct.WRAP_UP_DONE):
        seat.wrap_up_open = act is AgentAct.WRAP_UP_OPEN
        return
    if act is AgentAct.WRAP_UP_OPEN:
        if seat.state is AgentState.WRAP_UP:
            assert seat.resume_at is not None, f"the wrap-up of {seat.id} has no end"
            seat.wrap_up_open = True
            s.resume_later(seat, max(seat.resume_at, seat.since + s.wrap_up_s(seat)) - s.now)
        return
    if not _intend(seat, act, reason):
        return
    because = f"{act} by {by or seat.id}" + (f": {reason}" if reason else "")
    if seat.state is AgentState.WRAP_UP:
        s.resume_not(seat)
        s.move_seat(seat, AgentMove.WRAPPED, because)
    elif seat.state is AgentState.OFFERED:
        _while_rung(s, seat, because)
    elif seat.state is not AgentState.TALKING:
        s.resume_not(seat)
        seat.suspect = ""
        s.move_seat(seat, AgentMove.CHANGED, because)


def _while_rung(s: State, seat: AgentSeat, because: str) -> None:
    """He does not want the call for which his phone rings."""
    if seat.intent is Intent.READY:
        return
    if seat.call in s.outcalls:
        s.cancel_out(s.outcalls[seat.call], because)
        return
    call = s.calls[seat.call]
    if call.offer is not None and len(call.offer.targets) == 1:
        cancel(s, call, call.offer, because)


def _intend(seat: AgentSeat, act: AgentAct, reason: str) -> bool:
    """Set what the agent wants; False if the act means nothing now."""
    out = seat.intent is Intent.LOGGED_OUT
    match act:
        case AgentAct.LOG_IN if out:
            seat.intent, seat.reason, seat.calls = Intent.PAUSED, reason or "logged_in", 0
        case AgentAct.READY:
            seat.calls = 0 if out else seat.calls
            seat.intent, seat.reason = Intent.READY, ""
        case AgentAct.PAUSE if not out:
            seat.intent, seat.reason = Intent.PAUSED, reason
        case AgentAct.LOG_OUT:
            seat.intent, seat.reason = Intent.LOGGED_OUT, reason
        case AgentAct.WRAP_UP_DONE:
            return seat.state is AgentState.WRAP_UP
        case _:
            return False
    return True


def phone_state(s: State, e: PhoneState) -> None:
    seat = s.seats.get(s.by_phone.get((e.site, e.phone), ""))
    if seat is None:
        return  # phones of people who are no agents: of no interest, and many
    changed = (seat.phone_up, seat.phone_in_use) != (e.reachable, e.in_use)
    seat.phone_up, seat.phone_in_use = e.reachable, e.in_use
    if changed and seat.suspect:
        seat.suspect = ""
        s.resume_not(seat)
    s.move_seat(seat, AgentMove.CHANGED, "the phone's state changed")


def phone_leg(s: State, e: PhoneLeg) -> None:
    seat = s.seats.get(s.by_phone.get((e.site, e.phone), ""))
    if seat is None:
        return
    if e.up:
        if e.leg not in seat.legs:
            seat.legs = (*seat.legs, e.leg)[-LEGS_MAX:]
    else:
        seat.legs = tuple(leg for leg in seat.legs if leg != e.leg)
    s.move_seat(seat, AgentMove.CHANGED, "a call of his own began" if e.up else "his phone is free again")


def resume(s: State, seat: AgentSeat) -> None:
    """A wrap-up, a timed pause or a suspicion is over."""
    seat.timer = seat.resume_at = None
    if seat.state is AgentState.WRAP_UP:
        s.move_seat(seat, AgentMove.WRAPPED, "wrap-up time is over")
        return
    seat.suspect = ""
    if seat.intent is Intent.PAUSED and seat.reason == "refused":
        seat.intent, seat.reason = Intent.READY, ""
    s.move_seat(seat, AgentMove.CHANGED, "asked again after a failed offer")
