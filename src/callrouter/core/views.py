"""Fills the read-only views of `snapshot.py` from the live state. Changes nothing."""

from __future__ import annotations

from callrouter.core.backlog import Back
from callrouter.core.calls import RINGING, Call, CallState
from callrouter.core.overflow import Deal
from callrouter.core.plan import Agent
from callrouter.core.ringback import why_not_rung
from callrouter.core.snapshot import (
    AgentView,
    AgreementView,
    CallbackView,
    CallView,
    Counts,
    LineView,
    OutboundView,
    SiteView,
    Snapshot,
)
from callrouter.core.state import State


def call_view(call: Call, now: float) -> CallView:
    agents = (call.agent,) if call.agent else tuple(t.agent for t in call.offer.targets) if call.offer else ()
    until = call.answered_at if call.answered_at is not None else now
    return CallView(
        call.id,
        call.hotline,
        call.topic,
        call.site,
        call.caller,
        call.state,
        call.arrived_at,
        until - call.arrived_at,
        agents,
        call.team or (call.offer.team if call.offer else ""),
        call.agreement,
        call.attempts,
    )


def agent_view(s: State, agent: Agent) -> AgentView:
    seat = s.seats[agent.id]
    return AgentView(
        seat.id,
        seat.team,
        agent.site,
        agent.phone,
        seat.state,
        seat.reason,
        seat.since,
        seat.call,
        seat.intent,
        seat.resume_at,
    )


def agreement_view(s: State, deal: Deal) -> AgreementView:
    a = deal.agreement
    health = s.health[a.lender].share(s.now) if a.lender in s.health else 1.0
    why_not = deal.why_not(s.pools[a.lender].free, health)
    in_force = deal.enabled and deal.window_open and health >= a.lender_health
    return AgreementView(
        a.name, a.borrower, a.lender, deal.enabled, deal.until, in_force, why_not, deal.borrowed, a.reserve, a.max_calls
    )


def _line_views(s: State, now: float) -> tuple[LineView, ...]:
    ringing: dict[str, list[Call]] = {name: [] for name in s.hotlines}
    talking = dict.fromkeys(s.hotlines, 0)
    for call in s.calls.values():
        if call.hotline and call.state in RINGING:
            ringing[call.hotline].append(call)
        elif call.hotline and call.state is CallState.TALKING:
            talking[call.hotline] += 1
    views = []
    for name, hotline in s.hotlines.items():
        calls = ringing[name]
        offered = sum(call.state is CallState.OFFERED for call in calls)
        longest = max((now - call.arrived_at for call in calls), default=0.0)
        views.append(
            LineView(
                name,
                hotline.site,
                s.is_open(hotline),
                len(calls) - offered,
                offered,
                talking[name],
                longest,
                *s.modes.get(name, ("normal", None)),
            )
        )
    return tuple(views)


def snapshot(s: State, now: float) -> Snapshot:
    """The whole picture at `now`."""
    sites = tuple(
        SiteView(site.name, s.links.get(site.name, False), tuple(peer for at, peer in s.trunks_down if at == site.name))
        for site in s.plan.sites
    )
    return Snapshot(
        now,
        s.plan.version,
        tuple(call_view(call, now) for call in s.calls.values()),
        tuple(agent_view(s, agent) for agent in s.plan.agents),
        _line_views(s, now),
        tuple(agreement_view(s, deal) for deal in s.deals.values()),
        sites,
        _outbound_views(s),
    )


def callback_view(s: State, back: Back) -> CallbackView:
    """A callback that is not done, and why nobody rings him now."""
    out = s.outcalls.get(back.outbound)
    return CallbackView(back.record, out.agent if out else "", out.state if out else "", why_not_rung(s, back.record))


def _outbound_views(s: State) -> tuple[OutboundView, ...]:
    return tuple(
        OutboundView(
            o.id, o.callback, o.kind, o.hotline, o.agent, o.team, o.state, o.began_at, o.by_hand
        )
        for o in s.outcalls.values()
    )  # fmt: skip


def counts(s: State) -> Counts:
    """The gauges."""
    agents: dict[tuple[str, str], int] = {}
    for (team, state), number in s.agent_counts.items():
        agents[team, state] = number
    borrowed = {(d.agreement.name, d.agreement.borrower): d.borrowed for d in s.deals.values()}
    return Counts(dict(s.waiting), agents, borrowed)
