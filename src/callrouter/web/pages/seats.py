"""The seats of a site as they are now, to find one that was forgotten: log it out, or pause it, with a reason.

Seats, not people; the present state, no times and no sums (`service.pages.seats` in the configuration). Why somebody
pauses is nobody else's business.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from callrouter.core.events import AgentAct, AgentActed
from callrouter.core.snapshot import AgentView
from callrouter.roles import Role
from callrouter.web.acts import ask
from callrouter.web.board import site_of
from callrouter.web.live import Look
from callrouter.web.pages.lagebild import site_key
from callrouter.web.pages.switching import not_done, read_reason
from callrouter.web.problems import Fault
from callrouter.web.routes import LivePage, get, post
from callrouter.web.visit import NotFound, Visit

ACTS = {"abmelden": AgentAct.LOG_OUT, "pause": AgentAct.PAUSE}
SEATS_MAX = 2_000  # on one page


@dataclass(frozen=True, slots=True)
class Seat:
    number: str
    state: str


@dataclass(frozen=True, slots=True)
class TeamSeats:
    name: str
    title: str
    seats: tuple[Seat, ...]  # of those who are logged in
    away: int


def _key(visit: Visit) -> tuple[Hashable, ...]:
    (site,) = site_key(visit)
    visit.need(Role.SUPERVISOR, str(site))
    return (site,)


def _look(at: Look) -> dict[str, Any]:
    (name,) = at.key
    plan = at.front.context.plan()
    site = site_of(plan, str(name)) or plan.sites[0]
    shown = at.front.pages.seats == "state"
    by_team: dict[str, list[AgentView]] = {}
    for agent in at.snapshot.agents:
        if agent.site == site.name:
            by_team.setdefault(agent.team, []).append(agent)

    def team(name: str, title: str) -> TeamSeats:
        every = by_team.get(name, [])
        here = [one for one in every if one.state != "logged_out"]
        seats = tuple(Seat(one.agent.partition("/")[2], str(one.state)) for one in here[:SEATS_MAX])
        return TeamSeats(name, title, seats if shown else (), len(every) - len(here))

    teams = tuple(team(one.name, one.title) for one in plan.teams if one.site == site.name)
    return {"zone": site.zone, "site": site.name, "place": site.title, "shown": shown, "teams": teams}


PAGE = LivePage("/plaetze/{site}", "seats.html", ("teams",), _key, _look)


def _seat(visit: Visit) -> AgentView:
    """Raises NotFound, and Forbidden to supervisors of other sites."""
    (site,) = _key(visit)
    agent = f"{site}/{visit.at['number']}"
    found = next((one for one in visit.front.context.snapshot().agents if one.agent == agent), None)
    if found is None:
        raise NotFound
    return found


async def find(visit: Visit) -> web.StreamResponse:
    """The seat of this number, also where single seats are not shown."""
    (site,) = _key(visit)
    number = visit.request.query.get("platz", "").strip()
    if not number.isascii() or not number.isdecimal():
        raise NotFound
    return web.Response(status=303, headers={"Location": f"/plaetze/{site}/{number}"})


async def form(visit: Visit) -> web.StreamResponse:
    return _show(visit, _seat(visit), {})


async def act(visit: Visit) -> web.StreamResponse:
    """What the seat is asked to be; the router decides whether that means anything now."""
    seat, errors = _seat(visit), dict[str, str]()
    wanted = ACTS.get(visit.field("handlung"))
    if wanted is None:
        errors["handlung"] = visit.texts("Bitte wählen Sie, was geschehen soll.")
    reason = read_reason(visit, errors)
    if seat.state == "logged_out":
        errors[""] = visit.texts("An diesem Platz ist niemand angemeldet.")
    if errors or wanted is None:
        return _show(visit, seat, errors, status=422)
    try:
        told = "" if wanted is AgentAct.LOG_OUT else "supervisor"  # a pause's reason; the whole one is in the audit
        await ask(visit.front.context, AgentActed(seat.agent, wanted, told, visit.user.name))
    except Fault as fault:
        return _show(visit, seat, {"": not_done(visit, fault)}, status=503)
    after = _seat(visit)
    await visit.audit(f"agent {seat.agent} {wanted.value}", reason, str(seat.state), str(after.state))
    number = seat.agent.partition("/")[2]
    note = visit.texts("Platz %(number)s ist abgemeldet.", number=number)
    if wanted is AgentAct.PAUSE:
        note = visit.texts("Platz %(number)s macht Pause.", number=number)
    return visit.go(f"/plaetze/{seat.site}", note)


def _show(visit: Visit, seat: AgentView, errors: dict[str, str], status: int = 200) -> web.Response:
    return visit.show(
        "seat.html",
        status=status,
        site=seat.site,
        number=seat.agent.partition("/")[2],
        talking=seat.state in ("talking", "offered"),
        values={"handlung": visit.field("handlung") or "abmelden", "grund": visit.field("grund")},
        errors={name: errors[name] for name in ("handlung", "grund", "") if name in errors},
        back=f"/plaetze/{seat.site}",
    )


ROUTES = (
    *PAGE.routes(),
    *get("/plaetze/{site}/platz", find),
    *get("/plaetze/{site}/{number}", form),
    *post("/plaetze/{site}/{number}", act),
)
