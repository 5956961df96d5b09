"""Why this agent, and why not the others: asked of the router that decides, never of a second algorithm.

`candidates` looks at a live router and changes nothing. `ask` builds a router from a plan, brings it into the asked
situation by ordinary events, lets the call arrive and reads off the decision.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from callrouter.core import events as e
from callrouter.core.agents import AgentSeat, AgentState
from callrouter.core.calls import Call
from callrouter.core.commands import Command, Offer, Release
from callrouter.core.lines import Lane
from callrouter.core.matching import may_borrow
from callrouter.core.network import HOPE_S, Network
from callrouter.core.plan import Plan
from callrouter.core.router import Router
from callrouter.core.selection import meets
from callrouter.core.state import State


@dataclass(frozen=True, slots=True)
class Candidate:
    """One agent who could have been asked. why_not: '' if he may take the call now."""

    agent: str
    team: str
    agreement: str  # '' = the call's own team
    why_not: str


@dataclass(frozen=True, slots=True)
class Question:
    """A situation: everybody is ready but for who is named. at: UTC seconds of the call's arrival."""

    hotline: str
    at: float
    topic: str = ""
    busy: tuple[str, ...] = ()  # teams or agents on calls of their own
    logged_out: tuple[str, ...] = ()  # teams or agents
    off: tuple[str, ...] = ()  # agreements
    on: tuple[str, ...] = ()
    sites_down: tuple[str, ...] = ()
    waited_s: float = 0.0  # let so much time pass before the answer is read


@dataclass(frozen=True, slots=True)
class Answer:
    """outcome: offered, waits, busied, closed. agents: who is rung. candidates: as seen just before the decision."""

    outcome: str
    agents: tuple[str, ...]
    team: str
    agreement: str
    because: str
    candidates: tuple[Candidate, ...]


class QuestionError(ValueError):
    """The question names what the plan does not have."""


def _busy_with(seat: AgentSeat, link_up: bool) -> str:
    match seat.state:
        case AgentState.READY:
            return ""
        case AgentState.PAUSED:
            return "paused"  # why is nobody else's business
        case AgentState.UNREACHABLE:
            return "phone unreachable" if link_up else "no link to the site"
        case AgentState.BUSY:
            return "on a call of his own"
        case state:
            return state.replace("_", " ")


def _why_not(s: Network, lane: Lane, seat: AgentSeat) -> str:
    why = _busy_with(seat, s.links.get(s.agents[seat.id].site, False))
    if not why and not meets(s.skills(seat), lane.needs):
        why = "lacks " + ", ".join(f"{skill} {level}" for skill, level in lane.needs)
    if not why and not s.path(lane.site, seat.team):
        why = f"trunk from {lane.site} to {s.teams[seat.team].site} down"
    return why


def candidates(s: State, call: Call, lane: Lane) -> tuple[Candidate, ...]:
    """Every agent who may serve such a call, with the reason why he may not now. Costs a look at all of them."""
    found = []
    by_team: dict[str, list[AgentSeat]] = {}
    for agent in s.plan.agents:
        by_team.setdefault(agent.team, []).append(s.seats[agent.id])
    for team in lane.teams:
        found += [Candidate(seat.id, team, "", _why_not(s, lane, seat)) for seat in by_team.get(team, ())]
    deals = [d for team in lane.teams for d in s.borrowing.get(team, ()) if d.covers(lane)]
    for deal in sorted(deals, key=lambda d: d.order):
        a = deal.agreement
        barred = may_borrow(s, deal, lane, call)
        found += [
            Candidate(seat.id, a.lender, a.name, barred or _why_not(s, lane, seat))
            for seat in by_team.get(a.lender, ())
        ]
    return tuple(found)


def candidates_of(router: Router, call_id: str) -> tuple[Candidate, ...]:
    """The candidates of a live waiting call; () if it does not wait."""
    s = router.state
    call = s.calls.get(call_id)
    if call is None or call.lane is None:
        return ()
    return candidates(s, call, s.lanes[call.lane])


def candidates_for(router: Router, call_id: str) -> tuple[Candidate, ...]:
    """The same for a call that is about to enter its line; () if it will not."""
    s = router.state
    call = s.calls.get(call_id)
    hotline = s.hotlines.get(call.hotline) if call is not None else None
    if call is None or hotline is None or call.release is not None:
        return ()
    return candidates(s, call, Lane((hotline.name, call.topic, 0, call.site), hotline, s.topic(call)))


def grouped(answer: Answer) -> list[tuple[str, str, str, list[str]]]:
    """(team, agreement, why not, agents), agents of one fate together, in the order in which they are considered."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for c in answer.candidates:
        why = "rung" if c.agent in answer.agents else c.why_not or "free, but not his turn"
        groups.setdefault((c.team, c.agreement, why), []).append(c.agent)
    return [(*key, agents) for key, agents in groups.items()]


def _named(plan: Plan, names: tuple[str, ...]) -> set[str]:
    teams = {team.name for team in plan.teams}
    agents = {agent.id for agent in plan.agents}
    for name in names:
        if name not in teams and name not in agents:
            raise QuestionError(f"there is no team or agent {name!r}")
    return {agent.id for agent in plan.agents if agent.id in names or agent.team in names}


def _situation(plan: Plan, question: Question) -> Router:
    busy, out = _named(plan, question.busy), _named(plan, question.logged_out)
    agreements = {a.name for a in plan.agreements}
    router = Router(plan, question.at - HOPE_S)  # so that nobody is hoped for who is not there
    router.handle(e.Tick(), question.at)
    for site in plan.sites:
        if site.name not in question.sites_down:
            phones = tuple(
                e.PhoneState(a.site, a.phone, reachable=True, in_use=a.id in busy)
                for a in plan.agents
                if a.site == site.name
            )
            router.handle(e.SiteRead(site.name, (), phones), question.at)
    for site_name in question.sites_down:
        if site_name not in {site.name for site in plan.sites}:
            raise QuestionError(f"there is no site {site_name!r}")
    for agent in plan.agents:
        if agent.id not in out:
            router.handle(e.AgentActed(agent.id, e.AgentAct.READY), question.at)
    for name, enabled in [*((n, False) for n in question.off), *((n, True) for n in question.on)]:
        if name not in agreements:
            raise QuestionError(f"there is no agreement {name!r}")
        router.handle(e.AgreementSwitched(name, enabled), question.at)
    return router


def ask(plan: Plan, question: Question) -> Answer:
    """What the production router does with one call in this situation. Raises QuestionError."""
    hotline = next((h for h in plan.hotlines if h.name == question.hotline), None)
    if hotline is None:
        raise QuestionError(f"there is no hotline {question.hotline!r}")
    topic = question.topic or hotline.default_topic
    if topic not in {t.name for t in hotline.topics}:
        raise QuestionError(f"hotline {hotline.name!r} has no topic {topic!r}")
    # the question begins where prompts end: who may have the call, not what the caller hears first
    plan = replace(plan, sites=tuple(replace(site, early_media=False) for site in plan.sites))
    router = _situation(plan, question)
    call_id, now = f"{hotline.site}/question", question.at
    commands: list[Command] = router.handle(
        e.CallArrived(call_id, hotline.site, hotline.numbers[0].digits if hotline.numbers else ""), now
    )
    router.state.calls[call_id].topic = topic
    seen = candidates_for(router, call_id)
    commands += router.handle(e.CallHeld(call_id), now)
    while (due := router.next_deadline() or inf) <= question.at + question.waited_s:
        waiting = candidates_of(router, call_id)
        commands = [*commands, *router.handle(e.Tick(), due)]
        seen = waiting or seen
    return _answer(router, commands, seen)


def _answer(router: Router, commands: list[Command], seen: tuple[Candidate, ...]) -> Answer:
    teams = {agent.id: agent.team for agent in router.plan.agents}
    for command in commands:
        match command:
            case Offer():
                agents = tuple(target.agent for target in command.targets)
                call = router.state.calls[command.call]
                return Answer("offered", agents, teams[agents[0]], call.agreement, command.because, seen)
            case Release():
                call = router.state.calls[command.call]
                assert call.release is not None
                return Answer(call.release[1], (), "", "", command.because, seen)
    return Answer("waits", (), "", "", "nobody may take the call now", seen)
