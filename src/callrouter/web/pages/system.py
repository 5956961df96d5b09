"""The state of the service, for operators: links, journal, database, configuration and what became of its reloads."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from aiohttp import web

from callrouter.config.difference import differences
from callrouter.config.source import ConfigError
from callrouter.web.live import Look
from callrouter.web.routes import LivePage, get, post
from callrouter.web.system import System
from callrouter.web.visit import Visit


def _key(_visit: Visit) -> tuple[Hashable, ...]:
    return ()


def _look(at: Look) -> dict[str, Any]:
    plan, system = at.front.context.plan(), at.front.part(System)
    titles = {site.name: site.title for site in plan.sites}
    down = {view.site: len(view.trunks_down) for view in at.snapshot.sites}
    sites = system.sites(titles, down)
    return {
        "zone": plan.sites[0].zone if plan.sites else "UTC",
        "health": (tuple(at.front.context.health()), tuple(site for site in sites if site.misfit)),
        "sites": sites,
        "journal": system.journal(),
        "database": system.database(),
        "config": system.config(),
        "engine": (system.engine(), at.front.live.streams),
    }


PAGE = LivePage("/system", "system.html", ("health", "sites", "journal", "database", "config", "engine"), _key, _look)


async def check(visit: Visit) -> web.StreamResponse:
    """Read the files, change nothing: what is wrong with them, or what they would change."""
    backstage = visit.part(System).backstage
    found = await backstage.check() if backstage.folder else None
    problems = [str(one) for one in found.problems] if isinstance(found, ConfigError) else []
    changes = (
        ()
        if found is None or isinstance(found, ConfigError)
        else differences(backstage.loaded().network, found.network)
    )
    return visit.show(
        "reload.html",
        status=422 if problems else 200,
        folder=backstage.folder.name if backstage.folder else "",
        problems=problems,
        changes=changes,
        version=backstage.loaded().plan.version,
    )


async def reload(visit: Visit) -> web.StreamResponse:
    """Read the files and put them in force if they are good; the page shows what came of it."""
    backstage = visit.part(System).backstage
    if backstage.folder is not None:
        await backstage.reload()
        visit.front.live.changed()
        await visit.audit("configuration read again", "by page", "", backstage.loaded().plan.version)
    return visit.go("/system")


ROUTES = (*PAGE.routes(), *get("/system/konfiguration", check), *post("/system/konfiguration", reload))
