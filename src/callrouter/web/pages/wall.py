"""The screen on the wall of a site: few figures, readable from the other end of the room. Nobody touches it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from callrouter.roles import Role
from callrouter.web.board import site_of
from callrouter.web.figures import Figures
from callrouter.web.live import Look
from callrouter.web.pages.lagebild import site_key, the_board, the_deals
from callrouter.web.routes import LivePage
from callrouter.web.visit import Forbidden, Visit

LINES_MAX = 10  # more are not readable from afar
STATES = ("ready", "offered", "talking", "wrap_up", "paused", "unreachable")


def _key(visit: Visit) -> tuple[Hashable, ...]:
    """A screen shows its own site; who may see all situations may see all screens."""
    (site,) = site_key(visit)
    if visit.user.roles == {Role.DISPLAY} and not visit.user.may(Role.DISPLAY, str(site)):
        raise Forbidden
    return (site,)


def _look(at: Look) -> dict[str, Any]:
    (name,) = at.key
    plan, figures = at.front.context.plan(), at.front.part(Figures)
    site = site_of(plan, str(name)) or plan.sites[0]
    board = the_board(at, site)
    view = next((one for one in at.snapshot.sites if one.site == site.name), None)
    shown = [team for team in board.teams if team.shown]
    states = {state: sum(team.states.get(state, 0) for team in shown) for state in STATES}
    states["unreachable"] += sum(team.states.get("busy", 0) for team in shown)  # in a call of his own
    lines = board.hotlines
    if len(lines) > LINES_MAX:  # those that need somebody's eye first
        lines = tuple(sorted(lines, key=lambda line: not line.waiting and line.mode == "normal"))
    return {
        "zone": site.zone,
        "place": site.title,
        "targets": (at.front.pages.targets.answered, at.front.pages.targets.first),
        "link": (view is not None and view.link_up, figures.trouble, figures.read_at if figures.trouble else None),
        "head": board.head,
        "course": (board.course, board.opening),
        "agents": (states, bool(shown)),
        "lines": (lines[:LINES_MAX], max(0, len(lines) - LINES_MAX)),
        "deals": tuple(deal for deal in the_deals(at, site.zone) if site.name in deal.sites),
    }


PAGE = LivePage("/wand/{site}", "wall.html", ("link", "head", "agents", "lines", "course", "deals"), _key, _look)
ROUTES = PAGE.routes()
