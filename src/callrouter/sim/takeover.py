"""The live router's state, made such that a simulated day can go on from it.

In a simulation people and phones are ideal, and all that they do comes from the day itself: it ends wrap-ups, has
offers answered at once, plays no prompts and rings nobody back. So nothing that the live router has under way for them
may go on by itself here: no timer of an agent, no offer, no prompt, no outbound call. What is left of a state is who
talks, who waits since when, who is free in which turn, and who works until the day says that he is done. Sites without
link are read as if they had one: the day begins with its loss.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from callrouter.core.agents import AgentSeat, AgentState, Intent
from callrouter.core.calls import RINGING, CallState, Capture
from callrouter.core.checkpoint import Checkpoint, SavedCall, SavedSeat
from callrouter.core.plan import Agent, Plan

AWAY_S = 600.0


@dataclass(frozen=True, slots=True)
class Working:
    """An agent who is at work on nothing that goes on here: a wrap-up, a call that he makes, one of a lost hotline.

    talks: he wraps up after it. until: when the live router ends it (UTC seconds); None: it does not.
    """

    agent: str
    team: str
    hotline: str
    since: float
    talks: bool
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """One team's people now. back_at: of those who are there but cannot take a call: when they can (UTC seconds)."""

    there: int = 0
    back_at: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Takeover:
    """checkpoint: of the same instant, with the plan of the simulation. Its calls wait, talk or are put through."""

    checkpoint: Checkpoint
    working: tuple[Working, ...]


def dark(saved: Checkpoint) -> tuple[str, ...]:
    """The sites that have no link now."""
    links = dict(saved.links)
    return tuple(site.name for site in saved.plan.sites if not links.get(site.name, False))


def cut_off(saved: Checkpoint) -> tuple[tuple[str, str], ...]:
    """Trunks that say that they are down, as (from, to); one that failed a moment ago is only left alone a little."""
    return tuple((site, peer) for site, peer, until in saved.trunks_down if until is None)


def presence(saved: Checkpoint) -> dict[str, Presence]:
    """Per team of the plan: agents who are logged in (and do not leave with the end of their work)."""
    found = {team.name: Presence() for team in saved.plan.teams}
    unseen = dark(saved)
    for seat in saved.seats:
        if seat.team in found and seat.intent is not Intent.LOGGED_OUT and not seat.leaving:
            one = found[seat.team]
            back = () if _works(seat) or _free(seat, unseen) else (_back_at(seat, saved.now),)
            found[seat.team] = Presence(one.there + 1, one.back_at + back)
    return found


def _works(seat: SavedSeat | AgentSeat) -> bool:
    return seat.state in (AgentState.TALKING, AgentState.WRAP_UP)


def _free(seat: SavedSeat, unseen: Collection[str]) -> bool:
    """A phone that rings is answered at once, or is free at once where it rings for a callback.

    unseen: at these sites only the link keeps agents with a good phone from their calls.
    """
    if seat.intent is not Intent.READY:
        return False
    if seat.state is AgentState.UNREACHABLE and seat.id.partition("/")[0] in unseen:
        return seat.phone_up and not (seat.phone_in_use or seat.legs or seat.suspect)
    return seat.state in (AgentState.READY, AgentState.OFFERED)


def _back_at(seat: SavedSeat, now: float) -> float:
    """Nobody knows how long people pause; the router does where it paused him itself, or suspects his phone."""
    return now + AWAY_S if seat.resume_at is None else seat.resume_at


def take_over(saved: Checkpoint, plan: Plan) -> Takeover:
    """plan: of the simulation; it has all agents of the live one, and more."""
    hotlines = {one.name: one for one in plan.hotlines}
    seats = {seat.id: seat for seat in saved.seats}
    agents = {agent.id for agent in plan.agents}
    calls: list[SavedCall] = []
    talking: dict[str, str] = {}  # agent -> call
    for call in saved.calls:
        if call.hotline not in hotlines:
            continue
        topics = [topic.name for topic in hotlines[call.hotline].topics]
        topic = call.topic if call.topic in topics else hotlines[call.hotline].default_topic
        seat = seats.get(call.agent)
        if call.state is CallState.TALKING and seat is not None and seat.call == call.id and seat.id in agents:
            talking[call.agent] = call.id
            calls.append(_clean(call, CallState.TALKING, topic))
        elif call.state in (CallState.TALKING, CallState.TRANSFERRED):
            calls.append(_clean(call, CallState.TRANSFERRED, topic))
        elif call.state in RINGING:
            lane = (call.hotline, topic, 0, call.site)
            calls.append(replace(_clean(call, CallState.WAITING, topic), lane=lane, agreement="", borrower=""))
    made = _seats(plan.agents, seats, talking, saved)
    checkpoint = replace(
        saved,
        plan=plan,
        calls=tuple(calls),
        seats=tuple(made),
        links=tuple((site.name, True) for site in plan.sites),
        trunks_down=tuple((*ends, None) for ends in cut_off(saved)),
        reread_at=(),
        retired=(),
        timers=(),  # ring limits and agreements set theirs anew with the plan
        backs=(),
        hope_until=(),
        outcalls=(),
        done=(),
    )
    return Takeover(checkpoint, tuple(_working(saved, made, seats)))


def _clean(call: SavedCall, state: CallState, topic: str) -> SavedCall:
    return replace(
        call,
        state=state,
        topic=topic,
        stage=0,
        offer=None,
        release=None,
        lane=None,
        steps=(),
        stale_hold=False,
        on_hold_at=None,
        claimed=True,
        reach="",
        capture=Capture.NOT_YET,
        left_at=call.left_at if state is CallState.TRANSFERRED else None,
    )


def _seats(
    agents: Sequence[Agent], seats: Mapping[str, SavedSeat], talking: Mapping[str, str], saved: Checkpoint
) -> list[SavedSeat]:
    """One for each agent of the plan, in its order: free, in a conversation, at work (as a wrap-up), or logged out."""
    made, unseen = [], dark(saved)
    for order, agent in enumerate(agents):
        seat = seats.get(agent.id) or _new(agent, order, saved.now)
        state, intent, call = AgentState.LOGGED_OUT, Intent.LOGGED_OUT, ""
        if agent.id in talking:
            state, intent, call = AgentState.TALKING, Intent.READY, talking[agent.id]
        elif _works(seat):
            state, intent = AgentState.WRAP_UP, Intent.READY
        elif _free(seat, unseen):
            state, intent = AgentState.READY, Intent.READY
        made.append(
            replace(
                seat,
                team=agent.team,
                order=order,
                state=state,
                intent=intent,
                reason="",
                call=call,
                phone_up=True,
                phone_in_use=False,
                legs=(),
                suspect="",
                wrap_up_open=False,
                resume_at=None,
                leaving=False,
            )
        )
    return made


def _new(agent: Agent, order: int, now: float) -> SavedSeat:
    seat = AgentSeat(agent.id, agent.team, order, since=now)
    names = SavedSeat.__dataclass_fields__
    return SavedSeat(**{name: getattr(seat, name) for name in names})


def _working(saved: Checkpoint, made: Iterable[SavedSeat], seats: Mapping[str, SavedSeat]) -> Iterator[Working]:
    calls = {call.id: (call.hotline, call.answered_at) for call in saved.calls}
    calls |= {out.id: (out.hotline, out.answered_at or out.up_at) for out in saved.outcalls}
    for seat in made:
        if seat.state is AgentState.WRAP_UP:
            before = seats[seat.id]
            hotline, since = calls.get(before.call, ("", None))
            talks = before.state is AgentState.TALKING
            until = None if talks else before.resume_at
            yield Working(seat.id, seat.team, hotline, before.since if since is None else since, talks, until)
