"""Who may see what: every route of the pages with the roles that may use it. The only place where this is said.

A role opens a page; whose site, seat or department it is for is asked by the page (`Visit.need`). The API is not here:
it has tokens of its own.
"""

from __future__ import annotations

from callrouter.i18n import mark
from callrouter.roles import Role

PUBLIC = None  # everybody, logged in or not
SIGNED_IN = frozenset(Role)
AGENT, SUPERVISOR, DEPARTMENT = Role.AGENT, Role.SUPERVISOR, Role.DEPARTMENT
DISPLAY, OPS, ADMIN = Role.DISPLAY, Role.OPS, Role.ADMIN

TABLE: dict[str, frozenset[Role] | None] = {
    "GET /": PUBLIC,  # leads on
    "GET /anmelden": PUBLIC,
    "POST /anmelden": PUBLIC,
    "GET /anmelden/sso": PUBLIC,
    "GET /anmelden/sso/zurueck": PUBLIC,
    "POST /sprache": PUBLIC,
    "POST /abmelden": SIGNED_IN,
    "POST /sitzung": SIGNED_IN,
    "GET /passwort": SIGNED_IN,
    "POST /passwort": SIGNED_IN,
    "GET /lagebild": frozenset({SUPERVISOR, OPS, ADMIN}),  # leads on to a site
    "GET /lagebild/{site}": frozenset({SUPERVISOR, OPS, ADMIN}),
    "GET /wand/{site}": frozenset({SUPERVISOR, DISPLAY, OPS, ADMIN}),
    "GET /vereinbarungen": frozenset({SUPERVISOR, OPS, ADMIN}),
    "GET /vereinbarungen/{name}/{act}": frozenset({SUPERVISOR}),  # of one of its two sites
    "POST /vereinbarungen/{name}/{act}": frozenset({SUPERVISOR}),
    "GET /vereinbarungen/{name}/{act}/vorschau": frozenset({SUPERVISOR}),
    "GET /hotlines/{name}/schalten": frozenset({SUPERVISOR}),  # of its site
    "POST /hotlines/{name}/schalten": frozenset({SUPERVISOR}),
    "GET /plaetze/{site}": frozenset({SUPERVISOR}),  # of this site
    "GET /plaetze/{site}/platz": frozenset({SUPERVISOR}),
    "GET /plaetze/{site}/{number}": frozenset({SUPERVISOR}),
    "POST /plaetze/{site}/{number}": frozenset({SUPERVISOR}),
    "GET /anrufe": frozenset({OPS}),
    "POST /anrufe": frozenset({OPS}),
    "GET /anrufe/{site}/{id}": frozenset({OPS}),
    "POST /anrufe/{site}/{id}": frozenset({OPS}),
    "GET /system": frozenset({OPS, ADMIN}),
    "GET /system/konfiguration": frozenset({OPS}),
    "POST /system/konfiguration": frozenset({OPS}),
    "GET /konfiguration": frozenset({OPS, ADMIN}),
    "GET /konten": frozenset({ADMIN}),
    "POST /konten": frozenset({ADMIN}),
    "GET /konten/{name}": frozenset({ADMIN}),
    "POST /konten/{name}/{act}": frozenset({ADMIN}),
    "GET /protokoll": frozenset({ADMIN}),
    "GET /arbeitsplatz": frozenset({AGENT}),  # of one of his seats, as all below
    "POST /arbeitsplatz/uebernehmen": frozenset({AGENT}),
    "POST /arbeitsplatz/da": frozenset({AGENT}),
    "POST /arbeitsplatz/weg": frozenset({AGENT}),
    "POST /arbeitsplatz/zustand": frozenset({AGENT}),
    "POST /arbeitsplatz/ergebnis": frozenset({AGENT}),
    "POST /arbeitsplatz/anrufen": frozenset({AGENT}),
    "POST /arbeitsplatz/nummer": frozenset({AGENT}),
    "POST /arbeitsplatz/anfrage/{id}/entwurf": frozenset({AGENT}),
    "POST /arbeitsplatz/anfrage/{id}": frozenset({AGENT}),
    "GET /rueckrufe": frozenset({DEPARTMENT}),  # leads on to his own
    "GET /rueckrufe/{department}": frozenset({DEPARTMENT}),  # his own, as all below
    "POST /rueckrufe/{department}": frozenset({DEPARTMENT}),
    "POST /rueckrufe/{department}/suche": frozenset({DEPARTMENT}),
    "GET /leitfaden": frozenset({AGENT, SUPERVISOR, DEPARTMENT}),
    "GET /leitfaden/{name}": frozenset({AGENT, SUPERVISOR, DEPARTMENT}),
    "GET /standorte": PUBLIC,
    "GET /standorte.json": PUBLIC,
    "GET /standorte/{name}.ics": PUBLIC,
    "GET /standorte/{name}/kontakt": PUBLIC,
    "POST /standorte/{name}/kontakt": PUBLIC,
    "GET /texte/{name}": PUBLIC,
}
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


def allowed(name: str, roles: frozenset[Role]) -> bool:
    """May somebody with these roles use the route? KeyError: it is not in the table."""
    who = TABLE[name]
    return who is PUBLIC or bool(who & roles)
