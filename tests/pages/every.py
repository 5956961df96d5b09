"""Every page that is read, with the path of an example and an account that may see it ('' for everybody)."""

from __future__ import annotations

LEADER, OPS, ADMIN, SCREEN = "leitung-magdeburg", "betrieb", "verwaltung", "wand-magdeburg"
AGENT, DEPARTMENT = "agent-magdeburg", "fachbereich-magdeburg"
# {call}: one that is alive
PAGES: dict[str, tuple[str, str]] = {
    "/anmelden": ("/anmelden", ""),
    "/passwort": ("/passwort", LEADER),
    "/lagebild/{site}": ("/lagebild/magdeburg", LEADER),
    "/wand/{site}": ("/wand/magdeburg", SCREEN),
    "/vereinbarungen": ("/vereinbarungen", LEADER),
    "/vereinbarungen/{name}/{act}": ("/vereinbarungen/magdeburg-gera/aus", LEADER),
    "/vereinbarungen/{name}/{act}/vorschau": ("/vereinbarungen/magdeburg-gera/aus/vorschau", LEADER),
    "/hotlines/{name}/schalten": ("/hotlines/agency-stendal/schalten", LEADER),
    "/plaetze/{site}": ("/plaetze/magdeburg", LEADER),
    "/plaetze/{site}/{number}": ("/plaetze/magdeburg/1001", LEADER),
    "/system": ("/system", OPS),
    "/system/konfiguration": ("/system/konfiguration", OPS),
    "/anrufe": ("/anrufe", OPS),
    "/anrufe/{site}/{id}": ("/anrufe/{call}", OPS),
    "/konfiguration": ("/konfiguration?hotline=agency-gera&wann=2026-11-23T09:14&besetzt=agency-gera", OPS),
    "/konten": ("/konten", ADMIN),
    "/konten/{name}": ("/konten/betrieb", ADMIN),
    "/protokoll": ("/protokoll", ADMIN),
    "/arbeitsplatz": ("/arbeitsplatz", AGENT),
    "/rueckrufe/{department}": ("/rueckrufe/benefit-magdeburg", DEPARTMENT),
    "/leitfaden": ("/leitfaden", AGENT),
    "/leitfaden/{name}": ("/leitfaden/benefit", AGENT),
    "/standorte": ("/standorte", ""),
    "/standorte/{name}/kontakt": ("/standorte/magdeburg/kontakt", ""),
    "/texte/{name}": ("/texte/plain", ""),
}
# these lead on, or are no pages
OTHERS = {
    "/",
    "/lagebild",
    "/rueckrufe",
    "/plaetze/{site}/platz",
    "/anmelden/sso",
    "/anmelden/sso/zurueck",
    "/standorte.json",
    "/standorte/{name}.ics",
}
