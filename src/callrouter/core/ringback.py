"""Who rings a caller back, and when.

An agent rings only while no caller waits in the lines of his team and more than the hotline's reserve are free; the
earliest due comes first. A caller who comes meanwhile goes first: an agent whose phone only rings for a callback is
taken off it. What agents do by hand (take a caller off the list, ring a department's) is an outbound call like the
others, but nothing takes it away from them.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from callrouter.core.agents import AgentMove, AgentState
from callrouter.core.callbacks import (
    Callback,
    CallbackKind,
    CallbackResult,
    CallbackStatus,
    TryResult,
    finish,
    missed,
    take,
)
from callrouter.core.commands import CallbackChanged
from callrouter.core.events import (
    CallbackClosed,
    CallbackKnown,
    CallbackMissed,
    CallbackTaken,
    HotlineMode,
    OutboundAsked,
)
from callrouter.core.lines import Lane
from callrouter.core.outbound import named, ring, ring_at
from callrouter.core.outcalls import Outcall, rings_of
from callrouter.core.plan import Hotline, Skills
from callrouter.core.selection import Pool
from callrouter.core.state import State
from callrouter.core.timers import Rank, after

BY_NIGHT = "not at this hour"
AT_HAND = frozenset({AgentState.READY, AgentState.PAUSED, AgentState.WRAP_UP})  # may ring somebody by hand


# ---- who rings whom


def ring_back(s: State) -> None:
    """After each event, when callers have been served: callbacks for teams where that may have changed."""
    teams, s.dirty_backlogs = s.dirty_backlogs, {}
    for team in teams:
        while _ring_one(s, team):
            pass


def give_way(s: State, lanes: list[Lane]) -> None:
    """Callers wait in these lanes: as many phones stop ringing for callbacks."""
    for lane in lanes:
        wanted = lane.waiting
        for out in _only_rung(s, lane):
            if wanted and not out.cancelled:
                s.cancel_out(out, f"a caller waits in {lane.hotline.name}")
            wanted -= bool(wanted)


def gives_way(s: State, lane: Lane) -> bool:
    """Will an agent of this lane be free in a moment, since his phone has been taken off a callback?"""
    return any(out.cancelled for out in _only_rung(s, lane))


def _only_rung(s: State, lane: Lane) -> list[Outcall]:
    return [s.outcalls[call] for team in lane.teams for call in s.rung_back.get(team, ())]


def _ring_one(s: State, team: str) -> bool:
    """Let one free agent of the team ring the caller whose turn it is; False if none may."""
    pool = s.pools.get(team)
    backlogs = s.team_backlogs.get(team)
    if pool is None or not backlogs or not pool.free:
        return False
    turns = sorted((turn, key) for key, backlog in backlogs.items() if (turn := backlog.turn()) is not None)
    for _, key in turns:
        back = backlogs[key].head()
        assert back is not None, f"nobody waits in {key}"
        why_not = why_not_now(s, pool, back.record)
        seat = None if why_not else pool.best(needs_of(s, back.record))
        if why_not == BY_NIGHT:
            _wake_by_day(s, s.hotlines[back.record.hotline])
        if seat is not None:
            rules = s.rules(back.record.hotline)
            assert rules is not None, f"{back.record.hotline} rings nobody back"
            how = f"no caller waits, {pool.free} free in {team}, reserve {rules.reserve}"
            ring(s, back.record, seat, how, by_hand=False)
            return True
    return False


def needs_of(s: State, record: Callback) -> Skills:
    """What his agent must be able to do, as relaxed by the time since he asked."""
    topic = s.topic_of(record.hotline, record.topic)
    passed = [step.needs for step in topic.relax if s.now >= after(record.asked_at, step.after_s)]
    return passed[-1] if passed else topic.needs


def why_not_now(s: State, pool: Pool, record: Callback) -> str:
    """What keeps agents of this team from ringing this caller now, skills excepted; '' if nothing does."""
    hotline, rules = s.hotlines[record.hotline], s.rules(record.hotline)
    assert rules is not None, f"{record.hotline} rings nobody back"
    waiting = sum(lane.waiting for lane in s.team_lanes[pool.team.name].values())
    if waiting:
        return f"{waiting} callers wait for {pool.team.name}"
    if pool.free <= rules.reserve:
        return f"only {pool.free} free in {pool.team.name}, reserve {rules.reserve}"
    return _why_not_at_all(s, hotline, record.site, pool.team.name)


def why_not_rung(s: State, record: Callback) -> str:
    """Why nobody rings this caller by himself now, in words; '' if somebody is about to."""
    why = s.why_not_yet(record)
    if why:
        return why
    topic = s.topic_of(record.hotline, record.topic)
    reasons = []
    for team in topic.teams or s.hotlines[record.hotline].teams:
        if team in s.pools:
            reasons.append(why_not_now(s, s.pools[team], record) or f"nobody free in {team} has the skills")
    return "; ".join(dict.fromkeys(reasons)) or "no team is left to ring"


def _why_not_at_all(s: State, hotline: Hotline, site: str, team: str) -> str:
    """What keeps anybody from ringing this hotline's callers, asked for or not. team '': of the site, no agent."""
    if not s.links.get(site):
        return f"no link to {site}"
    if team and not s.path(site, team):
        return f"trunk from {site} to {s.teams[team].site} down"
    if s.mode(hotline.name) is HotlineMode.CLOSED:
        return s.why_closed(hotline)
    return "" if s.may_ring(hotline)[0] else BY_NIGHT


def _wake_by_day(s: State, hotline: Hotline) -> None:
    """Look again when the hotline's callers may be rung."""
    change = s.may_ring(hotline)[1]
    if hotline.name not in s.hour_timers and change != inf:
        s.hour_timers[hotline.name] = s.timers.set(change, Rank.CALLBACK, f"hours/{hotline.name}")


# ---- what people ask for


def taken(s: State, e: CallbackTaken) -> None:
    """An agent takes a caller off the list to ring him now."""
    back = s.backs.get(e.callback)
    if back is None:
        s.ignore(e, "there is no such callback")
        return
    record = back.record
    why = "somebody is at it" if record.status is CallbackStatus.TAKEN else _why_not_by_hand(s, record, e.agent)
    if why:
        s.ignore(e, why)
    else:
        _by_hand(s, record, e.agent, e.by)


def asked(s: State, e: OutboundAsked) -> None:
    """Somebody rings whom no list of the router's has: from his seat, or from a phone without one."""
    record = e.callback
    why = _why_not_at(s, record, e.phone) if e.phone else _why_not_by_hand(s, record, e.agent)
    if not why and any(out.callback == record.id for out in s.outcalls.values()):
        why = "somebody is at it"
    if why:
        s.ignore(e, why)
    elif e.phone:
        ring_at(s, record, e.phone, f"taken by {e.by}")
    else:
        _by_hand(s, record, e.agent, e.by)


def _why_not_by_hand(s: State, record: Callback, agent: str) -> str:
    seat = s.seats.get(agent)
    if seat is None or seat.leaving:
        return "unknown agent"
    if seat.state not in AT_HAND:
        return f"the agent is {seat.state.replace('_', ' ')}"
    if not seat.phone_up or seat.phone_in_use or seat.legs or not s.links.get(s.site_of(seat)):
        return "the agent's phone is in use or unreachable"
    return _why_not_him(s, record, seat.team)


def _why_not_at(s: State, record: Callback, phone: str) -> str:
    name = named(record.site, phone)
    if (record.site, phone) in s.by_phone or name in s.agents:
        return "the phone is an agent's"
    if any(out.agent == name for out in s.outcalls.values()):
        return "the phone is in use"
    return _why_not_him(s, record, "")


def _why_not_him(s: State, record: Callback, team: str) -> str:
    hotline = s.hotlines.get(record.hotline)
    if hotline is None or hotline.callback is None:
        return f"{record.hotline} rings nobody back"
    if not record.number:
        return "the number is not known any more"
    if (record.number, record.hotline) in s.ringing_us:
        return "he is on the line himself"
    return _why_not_at_all(s, hotline, record.site, team)


def _by_hand(s: State, record: Callback, agent: str, by: str) -> None:
    seat = s.seats[agent]
    if seat.state is AgentState.WRAP_UP:
        s.resume_not(seat)
        s.move_seat(seat, AgentMove.WRAPPED, "rings a caller")
    ring(s, record, seat, f"taken by {by or agent}", by_hand=True)


def closed(s: State, e: CallbackClosed) -> None:
    """By hand. A call that goes on for it ends."""
    back = s.backs.get(e.callback)
    if back is None:
        s.ignore(e, "there is no such callback")
        return
    s.close_back(back, e.result, e.by, e.reason or str(e.result))


def was_missed(s: State, e: CallbackMissed) -> None:
    """It was not he who answered: what counted as reached is to be tried again, while tries are left."""
    record = s.done.get(e.callback)
    rules = s.rules(record.hotline) if record is not None else None
    if record is None or record.result is not CallbackResult.REACHED or rules is None:
        s.ignore(e, "nobody was reached for such a callback lately")
        return
    if (record.number, record.hotline) in s.owed:
        s.ignore(e, "he is to be rung back already")
        return
    del s.done[record.id]
    again = replace(
        record,
        status=CallbackStatus.TAKEN,
        done_at=None,
        done_by="",
        result=None,
    )
    back = s.add_back(again)
    tried = missed(again, TryResult.NOT_REACHED, s.now, after(s.now, rules.pause_s))
    because = f"not he, says {e.by}"
    if tried.tries >= rules.tries_max:
        back.record = tried
        s.close_back(back, CallbackResult.GIVEN_UP, e.by, f"{because}; not reached in {tried.tries} tries")
    else:
        s.change_back(back, replace(tried, because=because))


def learned(s: State, e: CallbackKnown) -> None:
    """What is kept elsewhere: new to us, or changed there since."""
    record = e.callback
    back = s.backs.get(record.id)
    if record.kind not in (CallbackKind.CAPTURED, CallbackKind.UNREACHED):
        s.ignore(e, "a department's")
    elif record.status is CallbackStatus.DONE:
        if back is None or record.version <= back.record.version:
            s.ignore(e, "nothing new")
        else:
            s.stop_outcall(back, "done elsewhere")
            s.forget_back(back)
    elif back is not None:
        if record.version <= back.record.version or back.outbound:
            s.ignore(e, "nothing new")
        else:
            s.forget_back(back)
            s.add_back(_open_again(s, record))
    elif record.id in s.done or not record.number:
        s.ignore(e, "known otherwise")
    else:
        _add(s, record)


def _add(s: State, record: Callback) -> None:
    """Keep it; of two callbacks of one caller and hotline the promise stays, and of two promises ours."""
    other = s.backs.get(s.owed.get((record.number, record.hotline), ""))
    if other is not None and (other.record.kind is CallbackKind.CAPTURED or record.kind is CallbackKind.UNREACHED):
        s.tell(CallbackChanged(finish(record, CallbackResult.CANCELLED, "", s.now, "he is on the list already")))
        return
    if other is not None:
        s.close_back(other, CallbackResult.CANCELLED, "", "he had asked to be rung back")
    out = next((one for one in s.outcalls.values() if one.callback == record.id), None)
    if out is None or record.taken_by != out.agent:
        record = _open_again(s, record)
    if out is not None:
        record = replace(record, rings=max(record.rings, rings_of(out.id)))
    back = s.add_back(record)
    if out is not None:
        back.outbound = out.id
        if record.status is not CallbackStatus.TAKEN:
            s.change_back(back, take(record, out.agent))


def _open_again(s: State, record: Callback) -> Callback:
    """Whoever was at it was so for a router that is gone; who still is shows when the site is read."""
    if record.status is not CallbackStatus.TAKEN:
        return record
    status = CallbackStatus.NOT_REACHED if record.tries else CallbackStatus.OPEN
    opened = replace(record, status=status, taken_by="", version=record.version + 1)
    s.tell(CallbackChanged(opened))
    return opened
