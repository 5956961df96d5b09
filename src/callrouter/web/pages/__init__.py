"""The pages: one module each. Add a module's ROUTES here and its rows to `access.py` (docs/decisions/0007-pages.md)."""

from __future__ import annotations

from callrouter.i18n import mark
from callrouter.web.pages import (
    accounts,
    agreements,
    callbacks,
    calls,
    configuration,
    desk,
    directory,
    guides,
    hotlines,
    lagebild,
    login,
    seats,
    sign_on,
    system,
    wall,
)
from callrouter.web.routes import Route

ROUTES: tuple[Route, ...] = (
    *login.ROUTES,
    *sign_on.ROUTES,
    *lagebild.ROUTES,
    *wall.ROUTES,
    *agreements.ROUTES,
    *hotlines.ROUTES,
    *seats.ROUTES,
    *system.ROUTES,
    *calls.ROUTES,
    *configuration.ROUTES,
    *accounts.ROUTES,
    *directory.ROUTES,
    *desk.ROUTES,
    *guides.ROUTES,
    *callbacks.ROUTES,
)
# (path, title) in the order of the menu; who may not open a page does not see it
MENU: tuple[tuple[str, str], ...] = (
    ("/lagebild", mark("Lagebild")),
    ("/vereinbarungen", mark("Vereinbarungen")),
    ("/system", mark("Systemzustand")),
    ("/anrufe", mark("Anrufsuche")),
    ("/konfiguration", mark("Konfiguration")),
    ("/konten", mark("Konten")),
    ("/protokoll", mark("Protokoll")),
    ("/arbeitsplatz", mark("Arbeitsplatz")),
    ("/rueckrufe", mark("Rückrufe")),
    ("/leitfaden", mark("Leitfäden")),
)
