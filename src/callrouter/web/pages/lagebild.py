"""The situation of one site, for its supervisors: who waits, who serves, what is lent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from callrouter.core.calls import RINGING
from callrouter.roles import Role
from callrouter.web.live import Look
from callrouter.web.models import masked
from callrouter.web.routes import LivePage, get
from callrouter.web.visit import NotFound, Visit

OLDEST = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """since: UTC seconds."""

    call: str
    caller: str
    hotline: str
    since: float


@dataclass(frozen=True, slots=True)
class TeamLine:
    title: str
    waiting: int
    states: tuple[tuple[str, int], ...]


async def lead_on(visit: Visit) -> web.StreamResponse:
    """To the user's own site, else the first."""
    own = visit.user.scopes(Role.SUPERVISOR)
    sites = [site.name for site in visit.front.context.plan().sites]
    return visit.go(f"/lagebild/{next((site for site in own if site in sites), sites[0])}")


def key(visit: Visit) -> tuple[Hashable, ...]:
    site = visit.at["site"]
    if site not in {one.name for one in visit.front.context.plan().sites}:
        raise NotFound
    return (site,)


def look(at: Look) -> dict[str, Any]:
    (name,) = at.key
    plan, seen = at.front.context.plan(), at.snapshot
    site = next(site for site in plan.sites if site.name == name)
    titles = {hotline.name: hotline.title for hotline in plan.hotlines}
    ringing = sorted((c for c in seen.calls if c.site == name and c.state in RINGING), key=lambda c: c.arrived_at)
    states: dict[str, Counter[str]] = {}
    for agent in seen.agents:
        states.setdefault(agent.team, Counter())[agent.state] += 1
    return {
        "zone": site.zone,
        "site": name,
        "title": site.title,
        "tabs": tuple((one.name, one.title) for one in plan.sites),
        "figures": (len(ringing), ringing[0].arrived_at if ringing else None),
        "teams": tuple(
            TeamLine(
                team.title, sum(call.team == team.name for call in ringing), tuple(sorted(states[team.name].items()))
            )
            for team in plan.teams
            if team.site == name
        ),
        "waiting": tuple(
            Waiting(call.call, masked(call.caller), titles.get(call.hotline, call.hotline), call.arrived_at)
            for call in ringing[:OLDEST]
        ),
    }


PAGE = LivePage("/lagebild/{site}", "lagebild.html", ("figures", "waiting", "teams"), key, look)
ROUTES = (*get("/lagebild", lead_on), *PAGE.routes())
