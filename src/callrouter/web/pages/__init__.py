"""The pages: one module each. Add a module's ROUTES here and its rows to `access.py` (docs/decisions/0007-pages.md)."""

from __future__ import annotations

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
