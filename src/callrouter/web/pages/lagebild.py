"""The situation of one site, for its supervisors: who waits, who serves, how the day goes, what is lent."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from aiohttp import web

from callrouter.core.plan import Site
from callrouter.roles import Role
from callrouter.store.standing import Watch
from callrouter.web.board import SiteBoard, site_board, site_of
from callrouter.web.figures import Figures
from callrouter.web.lending import Deal, deals
from callrouter.web.live import Look
from callrouter.web.routes import LivePage, get
from callrouter.web.visit import NotFound, Visit

REGIONS = ("link", "head", "course", "hotlines", "teams", "waiting", "deals")


async def lead_on(visit: Visit) -> web.StreamResponse:
    """To the user's own site, else the first."""
    return visit.go(f"/lagebild/{own_site(visit)}")


def own_site(visit: Visit) -> str:
    sites = [site.name for site in visit.front.context.plan().sites]
    own = [site for role in (Role.SUPERVISOR, Role.DISPLAY) for site in visit.user.scopes(role) if site in sites]
    return own[0] if own else sites[0]


def site_key(visit: Visit) -> tuple[Hashable, ...]:
    """The site of the path. Raises NotFound."""
    site = visit.at["site"]
    if site_of(visit.front.context.plan(), site) is None:
        raise NotFound
    return (site,)


def key(visit: Visit) -> tuple[Hashable, ...]:
    """The site, and whether its switches are offered."""
    (site,) = site_key(visit)
    return site, visit.user.may(Role.SUPERVISOR, str(site))


def the_board(look: Look, site: Site) -> SiteBoard:
    """Made once a frame, for all who look at this site."""

    def make() -> SiteBoard:
        figures = look.front.part(Figures)
        plan, pages = look.front.context.plan(), look.front.pages
        day, standing = figures.today(site.zone), look.front.part(Watch).found
        return site_board(plan, pages, look.snapshot, day, figures.recent, standing, site.name)

    return look.shared(("board", site.name), make)


def the_deals(look: Look, zone: str) -> tuple[Deal, ...]:
    """All agreements, made once a frame."""

    def make() -> tuple[Deal, ...]:
        figures, plan = look.front.part(Figures), look.front.context.plan()
        return deals(plan, look.snapshot, figures.agreements, figures.today(zone), figures.recent)

    return look.shared(("deals", zone), make)


def look(at: Look) -> dict[str, Any]:
    name, own = at.key
    plan, figures = at.front.context.plan(), at.front.part(Figures)
    site = site_of(plan, str(name)) or plan.sites[0]  # a newer plan may have dropped it
    board = the_board(at, site)
    view = next((one for one in at.snapshot.sites if one.site == site.name), None)
    return {
        "zone": site.zone,
        "site": site.name,
        "place": site.title,
        "tabs": tuple((one.name, one.title) for one in plan.sites),
        "own": own,
        "team_min": at.front.pages.team_min,
        "targets": (at.front.pages.targets.answered, at.front.pages.targets.first),
        "link": (view is not None and view.link_up, figures.trouble, figures.read_at if figures.trouble else None),
        "head": board.head,
        "course": (board.course, board.opening),
        "hotlines": (board.hotlines, dict(figures.hotlines)),
        "teams": board.teams,
        "waiting": board.waiting,
        "deals": tuple(deal for deal in the_deals(at, site.zone) if site.name in deal.sites),
    }


PAGE = LivePage("/lagebild/{site}", "lagebild.html", REGIONS, key, look)
ROUTES = (*get("/lagebild", lead_on), *PAGE.routes())
