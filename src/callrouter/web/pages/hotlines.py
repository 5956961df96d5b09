"""A hotline switched by hand: closed in an emergency, announcing something, or set back."""

from __future__ import annotations

from aiohttp import web

from callrouter.core.events import HotlineMode, HotlineSwitched
from callrouter.core.plan import Hotline, Site
from callrouter.core.snapshot import LineView
from callrouter.roles import Role
from callrouter.web.acts import ask
from callrouter.web.api import mode_text
from callrouter.web.board import site_of
from callrouter.web.figures import Figures
from callrouter.web.pages.switching import back_to, ends, first_field, not_done, read_end, read_reason
from callrouter.web.problems import Fault
from callrouter.web.routes import get, post
from callrouter.web.views import line_out
from callrouter.web.visit import NotFound, Visit

FIELDS = ("modus", "grund", "bis", "datum", "")


def _hotline(visit: Visit) -> tuple[Hotline, Site, LineView]:
    """Raises NotFound, and Forbidden to supervisors of other sites."""
    plan = visit.front.context.plan()
    hotline = next((one for one in plan.hotlines if one.name == visit.at["name"]), None)
    line = next((one for one in visit.front.context.snapshot().lines if one.hotline == visit.at["name"]), None)
    site = site_of(plan, hotline.site) if hotline else None
    if hotline is None or line is None or site is None:
        raise NotFound
    visit.need(Role.SUPERVISOR, hotline.site)
    return hotline, site, line


async def form(visit: Visit) -> web.StreamResponse:
    return _show(visit, *_hotline(visit), {})


async def switch(visit: Visit) -> web.StreamResponse:
    """As with agreements: look and switch are one act."""
    context, errors = visit.front.context, dict[str, str]()
    async with context.switching:
        hotline, site, line = _hotline(visit)
        modes = {mode.value: mode for mode in HotlineMode if mode is not HotlineMode.NOTICE or hotline.say_notice}
        mode = modes.get(visit.field("modus"))
        if mode is None:
            errors["modus"] = visit.texts("Bitte wählen Sie, was gelten soll.")
        reason = read_reason(visit, errors)
        until = None if mode is HotlineMode.NORMAL else read_end(visit, context.plan(), site, errors)
        if visit.field("stand") != _version(line):
            who = visit.part(Figures).hotlines.get(hotline.name)
            text = visit.texts("Inzwischen geändert. Bitte sehen Sie noch einmal hin.")
            if who:
                text = visit.texts("Inzwischen geändert von %(who)s. Bitte sehen Sie noch einmal hin.", who=who.by)
            return _show(visit, hotline, site, line, {"": text}, status=409)
        if errors or mode is None:
            return _show(visit, hotline, site, line, errors, status=422)
        try:
            await ask(context, HotlineSwitched(hotline.name, mode, until, reason, visit.user.name))
        except Fault as fault:
            return _show(visit, hotline, site, line, {"": not_done(visit, fault)}, status=503)
        after = _hotline(visit)[2]
    await visit.audit(f"hotline {hotline.name}", reason, mode_text(line_out(line)), mode_text(line_out(after)))
    _ = visit.texts
    end = _.moment(until, site.zone, visit.now) if until else ""
    note = {
        HotlineMode.NORMAL: _("%(title)s ist wieder wie konfiguriert.", title=hotline.title),
        HotlineMode.CLOSED: _("%(title)s ist geschlossen bis %(end)s.", title=hotline.title, end=end),
        HotlineMode.NOTICE: _("%(title)s spielt die Ansage bis %(end)s.", title=hotline.title, end=end),
    }[mode]
    return visit.go(back_to(visit, f"/lagebild/{site.name}"), note)


def _version(line: LineView) -> str:
    return f"{line.mode} {line.mode_until}"


def _show(
    visit: Visit, hotline: Hotline, site: Site, line: LineView, errors: dict[str, str], status: int = 200
) -> web.Response:
    usual = ends(visit.front.context.plan(), site, visit.now)
    return visit.show(
        "switch_hotline.html",
        status=status,
        hotline=hotline,
        line=line,
        version=_version(line),
        zone=site.zone,
        ends=usual,
        values={
            "modus": visit.field("modus") or ("normal" if line.mode != "normal" else "closed"),
            "grund": visit.field("grund"),
            "bis": visit.field("bis") or "stunde",
            "datum": visit.field("datum"),
            "uhrzeit": visit.field("uhrzeit") or "18:00",
        },
        errors=first_field(errors, FIELDS),
        back=back_to(visit, f"/lagebild/{site.name}"),
    )


ROUTES = (*get("/hotlines/{name}/schalten", form), *post("/hotlines/{name}/schalten", switch))
