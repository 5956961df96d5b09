"""From the router's snapshot to what the API shows. Pure; asks nothing of anybody."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from callrouter.core.callbacks import Callback
from callrouter.core.calls import RINGING
from callrouter.core.events import HotlineMode
from callrouter.core.plan import Plan, Team
from callrouter.core.snapshot import AgentView, AgreementView, CallbackView, CallView, LineView, SiteView, Snapshot
from callrouter.web.context import Versions
from callrouter.web.models import (
    AgentOut,
    AgreementOut,
    CallbackOut,
    CallOut,
    DirectionOut,
    LineOut,
    ListQuery,
    SiteOut,
    TeamOut,
    instant,
    masked,
)

View = TypeVar("View")


class Slice(NamedTuple):
    """A page's worth of (id, view) pairs; total and next are those of `models.Page`."""

    keys: Sequence[str]
    total: int
    next: str | None


def cut(keys: Iterable[str], query: ListQuery) -> Slice:
    """Page through ids in their order. Ids that come and go between two pages move no other item."""
    ordered = sorted(keys)
    start = bisect_right(ordered, query.after) if query.after else 0
    chosen = ordered[start : start + query.limit]
    more = start + query.limit < len(ordered)
    return Slice(chosen, len(ordered), chosen[-1] if chosen and more else None)


def call_out(view: CallView) -> CallOut:
    return CallOut.model_validate(
        {
            "call": view.call,
            "site": view.site,
            "hotline": view.hotline,
            "topic": view.topic,
            "caller": masked(view.caller),
            "state": view.state,
            "arrived_at": instant(view.arrived_at),
            "wait_s": max(0.0, round(view.wait_s, 3)),
            "agents": list(view.agents),
            "team": view.team,
            "agreement": view.agreement,
            "attempts": view.attempts,
        }
    )


def agent_out(view: AgentView) -> AgentOut:
    return AgentOut.model_validate(
        {
            "agent": view.agent,
            "team": view.team,
            "site": view.site,
            "phone": view.phone,
            "state": view.state,
            "since": instant(view.since),
            "call": view.call,
        }
    )


def callback_key(one: Callback) -> str:
    """By due time; no two have the same."""
    return f"{one.due_at:017.6f} {one.id}"


def callback_out(view: CallbackView, now: float) -> CallbackOut:
    one = view.callback
    return CallbackOut.model_validate(
        {
            "callback": one.id,
            "kind": one.kind,
            "hotline": one.hotline,
            "topic": one.topic,
            "site": one.site,
            "caller": masked(one.number),
            "asked_at": instant(one.asked_at),
            "due_at": instant(one.due_at),
            "overdue": now > one.due_at,
            "status": one.status,
            "agent": view.agent,
            "stage": view.stage,
            "tries": one.tries,
            "last_try_at": None if one.last_try_at is None else instant(one.last_try_at),
            "last_result": one.last_result,
            "not_before": None if one.not_before is None else instant(one.not_before),
            "why_not": view.why_not,
        }
    )


def line_out(view: LineView) -> LineOut:
    return LineOut(
        hotline=view.hotline,
        site=view.site,
        open=view.open,
        waiting=view.waiting,
        offered=view.offered,
        talking=view.talking,
        longest_wait_s=max(0.0, round(view.longest_wait_s, 3)),
        mode=HotlineMode(view.mode),
        mode_until=None if view.mode_until is None else instant(view.mode_until),
    )


def sites_out(snapshot: Snapshot, plan: Plan, versions: Mapping[str, Versions]) -> dict[str, SiteOut]:
    titles = {site.name: site.title for site in plan.sites}
    waiting = Counter(call.site for call in snapshot.calls if call.state in RINGING)
    talking = Counter(call.site for call in snapshot.calls if call.state == "talking")

    def out(view: SiteView) -> SiteOut:
        return SiteOut(
            site=view.site,
            title=titles.get(view.site, view.site),
            link_up=view.link_up,
            trunks_down=list(view.trunks_down),
            waiting=waiting[view.site],
            talking=talking[view.site],
            **versions.get(view.site, Versions())._asdict(),
        )

    return {view.site: out(view) for view in snapshot.sites}


def teams_out(snapshot: Snapshot, plan: Plan) -> dict[str, TeamOut]:
    states: dict[str, Counter[str]] = {team.name: Counter() for team in plan.teams}
    for agent in snapshot.agents:
        if agent.team in states:  # a team that a newer plan dropped lives on with its last conversation
            states[agent.team][agent.state] += 1

    def out(team: Team) -> TeamOut:
        return TeamOut.model_validate(
            {
                "team": team.name,
                "site": team.site,
                "title": team.title,
                "strategy": team.strategy.value,
                "agents": states[team.name].total(),
                "states": dict(sorted(states[team.name].items())),
            }
        )

    return {team.name: out(team) for team in plan.teams}


def agreements_out(snapshot: Snapshot) -> dict[str, AgreementOut]:
    """Both directions of a mutual agreement under its one name."""
    directions: dict[str, list[AgreementView]] = {}
    for view in snapshot.agreements:
        directions.setdefault(view.agreement, []).append(view)
    return {name: _agreement_out(name, views) for name, views in directions.items()}


def _agreement_out(name: str, views: Sequence[AgreementView]) -> AgreementOut:
    ends = [view.until for view in views if view.until is not None]
    return AgreementOut(
        agreement=name,
        enabled=any(view.enabled for view in views),
        until=instant(min(ends)) if ends else None,
        directions=[
            DirectionOut(
                borrower=view.borrower,
                lender=view.lender,
                enabled=view.enabled,
                until=None if view.until is None else instant(view.until),
                in_force=view.in_force,
                why_not=view.why_not,
                borrowed=view.borrowed,
                reserve=view.reserve,
                max_calls=view.max_calls,
            )
            for view in views
        ],
    )
