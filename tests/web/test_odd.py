"""Whatever stands in an address: a page answers it, or says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from yarl import URL

from tests.web.house import OURS, house

ODD = (
    "", "9" * 40, "1e400", "nan", "٣٤", "\0", "x" * 3000, "%_'\"<b>", "😀", "0001-01-01", "9999-12-31",
    "0001-01-01T00:00", "9999-12-31T23:59", "inf~a", "24:00",
)  # fmt: skip
# page -> (who may see it, what its address may hold, what must stand there for that to be looked at)
PAGES: dict[str, tuple[str, tuple[str, ...], dict[str, str]]] = {
    "/anrufe": ("ops", ("von", "bis", "standort", "hotline", "ende", "anruf", "anrufer", "vor"), {}),
    "/konfiguration": (
        "ops",
        ("hotline", "wann", "thema", "gewartet", "besetzt", "abgemeldet", "gestoert", "v-gera-magdeburg"),
        {"hotline": "agency-gera", "wann": "2026-11-23T09:14"},
    ),
    "/protokoll": ("admin", ("wer", "was", "vor"), {}),
    "/plaetze/gera/platz": ("supervisor", ("platz",), {}),
    "/vereinbarungen/gera-magdeburg/aus/vorschau": (
        "supervisor",
        ("bis", "datum", "uhrzeit", "richtung"),
        {"bis": "datum", "datum": "2026-11-24", "uhrzeit": "10:00"},
    ),
    "/vereinbarungen/gera-magdeburg/aus": ("supervisor", ("zurueck",), {}),
    "/rueckrufe/benefits": ("department", ("nur", "standort", "thema"), {}),
    "/leitfaden": ("agent", ("suche",), {}),
    "/arbeitsplatz": ("agent", ("platz",), {}),
    "/anmelden": ("", ("weiter",), {}),
    "/standorte": ("", ("suche", "sprache"), {}),
    "/standorte.json": ("", ("suche", "sprache"), {}),
    "/standorte/gera.ics": ("", ("sprache",), {}),
    "/standorte/gera/kontakt": ("", ("sprache",), {}),
}  # fmt: skip


@pytest.mark.slow
async def test_no_address_is_a_server_error(tmp_path: Path) -> None:
    """Dates out of all time, numbers larger than any, signs of other scripts: none of them breaks a page."""
    async with house(tmp_path) as home:
        broken = []
        for path, (role, names, usual) in PAGES.items():
            browser = await home.browser(role)
            for name in names:
                for odd in ODD:
                    url = URL(path).with_query({**usual, name: odd})
                    async with browser.client.get(url, headers=OURS, allow_redirects=False) as answer:
                        if answer.status >= 500:
                            broken.append((answer.status, path, name, odd[:20]))
        assert broken == []
