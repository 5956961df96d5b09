"""Overflow agreements: all of them between all sites, and the forms that switch, extend and end.

Either side's supervisor may switch. What is asked goes to the router; the next call is routed by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from callrouter.core.events import AgreementSwitched
from callrouter.core.plan import Site
from callrouter.roles import Role
from callrouter.web.acts import ask
from callrouter.web.api import switch_text
from callrouter.web.board import site_of
from callrouter.web.lending import Deal, Direction
from callrouter.web.live import Look
from callrouter.web.pages.lagebild import own_site, the_deals
from callrouter.web.pages.switching import back_to, end_of, ends, first_field, not_done, read_end, read_reason
from callrouter.web.preview import Outlook, Preview, Wish
from callrouter.web.problems import Fault
from callrouter.web.routes import LivePage, get, post
from callrouter.web.views import agreements_out
from callrouter.web.visit import Forbidden, NotFound, Visit

ACTS = ("ein", "aus", "verlaengern", "beenden")
FIELDS = ("grund", "bis", "datum", "")
STILL_THERE_S = 0.2  # so often it is looked whether the page still waits for its preview


# ---- all of them


@dataclass(frozen=True, slots=True)
class Cell:
    """What calls of one site (the row) may do at another (the column)."""

    direction: Direction
    title: str  # of the agreement


def _key(visit: Visit) -> tuple[Hashable, ...]:
    return (own_site(visit), tuple(visit.user.scopes(Role.SUPERVISOR)))


def _look(at: Look) -> dict[str, Any]:
    own, mine = at.key
    plan = at.front.context.plan()
    home = site_of(plan, str(own)) or plan.sites[0]
    found = the_deals(at, home.zone)
    sites = {team.name: team.site for team in plan.teams}
    cells: dict[tuple[str, str], tuple[Cell, ...]] = {}
    for deal in found:
        for one in deal.directions:
            where = sites[one.borrower], sites[one.lender]
            cells[where] = (*cells.get(where, ()), Cell(one, deal.title))
    scopes = mine if isinstance(mine, tuple) else ()
    return {
        "zone": home.zone,
        "matrix": (tuple((site.name, site.title) for site in plan.sites), cells),
        "deals": tuple((deal, "*" in scopes or bool(set(deal.sites) & set(scopes))) for deal in found),
    }


PAGE = LivePage("/vereinbarungen", "agreements.html", ("matrix", "deals"), _key, _look)


# ---- switching


def _deal(visit: Visit) -> tuple[Deal, Site]:
    """The agreement of the path and the site whose clock counts. Raises NotFound, and Forbidden to strangers."""
    plan, name = visit.front.context.plan(), visit.at["name"]
    look = visit.front.live.look_at(visit.texts, ())
    home = site_of(plan, own_site(visit)) or plan.sites[0]
    found = next((deal for deal in the_deals(look, home.zone) if deal.name == name), None)
    if found is None:
        raise NotFound
    own = [site for site in found.sites if visit.user.may(Role.SUPERVISOR, site)]
    if not own:
        raise Forbidden
    return found, site_of(plan, own[0]) or home


def _act(visit: Visit) -> str:
    act = visit.at["act"]
    if act not in ACTS:
        raise NotFound
    return act


async def form(visit: Visit) -> web.StreamResponse:
    deal, site = _deal(visit)
    return _show(visit, deal, site, _act(visit), {})


async def switch(visit: Visit) -> web.StreamResponse:
    """Look and switch are one act; who comes second is told what the first one did."""
    act, errors = _act(visit), dict[str, str]()
    context = visit.front.context
    async with context.switching:
        deal, site = _deal(visit)
        plan, before = context.plan(), _text(visit, deal)
        reason = read_reason(visit, errors)
        until = None if act == "beenden" else read_end(visit, plan, site, errors)
        meant = [one for one in deal.directions if visit.field("richtung") in ("", "beide", one.borrower)]
        if not meant:
            errors[""] = visit.texts("Diese Richtung gibt es nicht.")
        if visit.field("stand") != deal.version:
            return _show(visit, deal, site, act, {"": _changed_by(visit, deal)}, status=409)
        if errors:
            return _show(visit, deal, site, act, errors, status=422)
        try:
            for one in meant:
                enabled = {"ein": True, "aus": False, "beenden": one.configured}.get(act, one.enabled)
                by = visit.user.name
                await ask(context, AgreementSwitched(deal.name, enabled, until, reason, by, one.borrower))
        except Fault as fault:
            return _show(visit, deal, site, act, {"": not_done(visit, fault)}, status=503)
    both = len(meant) == len(deal.directions)
    what = f"agreement {deal.name}" + ("" if both else f" for {', '.join(one.borrower for one in meant)}")
    await visit.audit(what, reason, before, _text(visit, deal))
    return visit.go(back_to(visit, f"/lagebild/{site.name}"), _said(visit, act, deal, until, site))


async def preview(visit: Visit) -> web.StreamResponse:
    """What it is likely to do, as the form stands; never in the way of the switch itself."""
    deal, site = _deal(visit)
    foreseen = visit.part(Preview)
    outlook = None
    try:
        async with asyncio.timeout(foreseen.within_s):
            outlook = await _while_asked(visit, foreseen.outlook(_wish(visit, deal, site)))
    except TimeoutError:
        pass
    return visit.show("preview.html", outlook=outlook)


async def _while_asked(visit: Visit, answer: Awaitable[Outlook | None]) -> Outlook | None:
    """None: the page has gone, or asks something else by now, and nothing more is computed for it."""
    task = asyncio.ensure_future(answer)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=STILL_THERE_S)
            transport = visit.request.transport
            if not task.done() and (transport is None or transport.is_closing()):
                return None
        return task.result()
    finally:
        task.cancel()


def _wish(visit: Visit, deal: Deal, site: Site) -> Wish:
    """What the form (its fields in the query) would switch; an end that is none yet is left out."""
    act, asked = _act(visit), visit.request.query
    direction = asked.get("richtung", "")
    borrower = direction if direction in {one.borrower for one in deal.directions} else ""
    until = end_of(asked, visit.front.context.plan(), site, visit.now)
    zone = ZoneInfo(site.zone)
    local, today = (datetime.fromtimestamp(at, UTC).astimezone(zone) for at in (until or visit.now, visit.now))
    clock = f"{local:%H:%M:%S}" if until is not None and local.date() == today.date() else ""
    return Wish(deal.name, act == "ein" or (act != "aus" and deal.enabled), borrower, clock)


# ---- inside


def _show(visit: Visit, deal: Deal, site: Site, act: str, errors: dict[str, str], status: int = 200) -> web.Response:
    plan, now = visit.front.context.plan(), visit.now
    usual = ends(plan, site, now)
    latest = "dienstschluss" if "dienstschluss" in usual else "stunde"
    return visit.show(
        "switch_agreement.html",
        status=status,
        deal=deal,
        act=act,
        zone=site.zone,
        ends=usual,
        values={
            "grund": visit.field("grund"),
            "bis": visit.field("bis") or latest,
            "datum": visit.field("datum"),
            "uhrzeit": visit.field("uhrzeit") or "18:00",
            "richtung": visit.field("richtung") or "beide",
        },
        errors=first_field(errors, FIELDS),
        back=back_to(visit, f"/lagebild/{site.name}"),
    )


def _changed_by(visit: Visit, deal: Deal) -> str:
    latest = max((one.switched for one in deal.directions if one.switched), key=lambda one: one.at, default=None)
    if latest is None:
        return visit.texts("Inzwischen geändert. Bitte sehen Sie noch einmal hin.")
    return visit.texts("Inzwischen geändert von %(who)s. Bitte sehen Sie noch einmal hin.", who=latest.by)


def _said(visit: Visit, act: str, deal: Deal, until: float | None, site: Site) -> str:
    _ = visit.texts
    if until is None:
        return _("Die Schaltung von %(title)s ist beendet.", title=deal.title)
    end = _.moment(until, site.zone, visit.now)
    if act == "aus" or (act == "verlaengern" and not deal.enabled):
        return _("Überlauf %(title)s: AUS bis %(end)s.", title=deal.title, end=end)
    return _("Überlauf %(title)s: EIN bis %(end)s.", title=deal.title, end=end)


def _text(visit: Visit, deal: Deal) -> str:
    """For the audit, as the API writes it."""
    return switch_text(agreements_out(visit.front.context.snapshot())[deal.name])


ROUTES = (
    *PAGE.routes(),
    *get("/vereinbarungen/{name}/{act}", form),
    *post("/vereinbarungen/{name}/{act}", switch),
    *get("/vereinbarungen/{name}/{act}/vorschau", preview),
)
