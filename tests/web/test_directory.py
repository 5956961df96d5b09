"""The directory for everybody: complete without scripts, without cookies, in two languages; and the contact form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from icalendar import Calendar

from callrouter.office.gate import HOUR_S, PER_ADDRESS, QUICK_S
from tests.web.house import Browser, House, house
from tests.web.world import NOW

FORM = {"thema": "benefit", "name": "Kim Öz", "email": "kim@x.example", "betreff": "Bescheid", "text": "Wann kommt er?"}


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        opened.office.gate._clock = lambda: opened.real_s
        yield opened


@pytest.fixture
async def browser(home: House) -> Browser:
    return await home.browser()


async def test_everything_is_there_without_script_and_cookie(browser: Browser) -> None:
    """Addresses, telephone, mail, hours, exceptions, access are in the page; nothing is kept or run in the browser."""
    answer = await browser.get("/standorte")
    assert answer.status == 200
    assert "Set-Cookie" not in answer.headers
    assert "<script" not in browser.text
    for text in (
        "Agentur Gera", "Musterstraße 1", "07545 Gera", 'href="tel:+4936555500"', 'href="mailto:gera@x.example"',
        "Heute geöffnet bis 18:00", "Mo–Fr", "08:00–18:00", "Mittwoch, 25. November 2026", "25.12.2026 Weihnachten",
        "Rampe", "Impressum", "Leichte Sprache", "rund um die Uhr",
    ):  # fmt: skip
        assert text in browser.text, text


async def test_search_finds_by_postcode_and_says_when_it_does_not(browser: Browser) -> None:
    """What was searched for stays in the field; no hit is a sentence."""
    await browser.get("/standorte?suche=07546")
    assert "1 Standort gefunden" in browser.text
    assert "Agentur Gotha" not in browser.text
    assert 'value="07546"' in browser.text
    await browser.get("/standorte?suche=Nirgendwo")
    assert "Kein Standort gefunden" in browser.text


async def test_a_closed_day_says_so(home: House, browser: Browser) -> None:
    """On a day without hours it is closed today, and says when it opens again."""
    home.world.now = NOW + 2 * 86_400.0  # Wednesday, closed by its date
    await browser.get("/standorte")
    assert "Heute geschlossen" in browser.text
    assert "Do 26.11. 08:00" in browser.text


async def test_the_language_is_in_the_address(browser: Browser) -> None:
    """English by the address or by what the browser prefers; links keep what was chosen, and lead back."""
    await browser.get("/standorte?sprache=en&suche=gera")
    assert "Open today until 18:00" in browser.text
    assert '<html lang="en">' in browser.text
    assert 'href="/standorte/gera/kontakt?sprache=en"' in browser.text
    assert 'href="/standorte?sprache=de&suche=gera"' in browser.text
    answer = await browser.get("/texte/imprint?sprache=en")  # there is none in English
    assert answer.status == 200
    assert "Verbund" in browser.text
    assert 'href="/texte/plain?sprache=en"' in browser.text
    await browser.get("/texte/plain", **{"Accept-Language": "en"})
    assert "Plain language" in browser.text
    assert 'id="how-it-works"' in browser.text
    assert (await browser.get("/texte/nothing")).status == 404


async def test_whoever_is_logged_in_sees_the_same(home: House, browser: Browser) -> None:
    """No menu, no name, no script."""
    await browser.get("/standorte")
    plain = browser.text
    agent = await home.browser("agent")
    await agent.get("/standorte")
    assert agent.text == plain


async def test_json_and_calendar_say_the_same(browser: Browser) -> None:
    """For programs: whether it is open, its week, what is special; as events that repeat, with that day left out."""
    answer = await browser.get("/standorte.json?suche=075")
    (place,) = (await answer.json())["places"]
    assert (place["open_now"], place["changes_at"]) == (True, "2026-11-23T17:00:00Z")
    assert place["hours"]["mon"] == [{"from": "08:00", "to": "18:00"}]
    assert place["special_days"] == [{"date": "2026-11-25", "spans": [], "holiday": ""}]
    assert place["telephone"]["hours"] is None
    answer = await browser.client.get("/standorte/gera.ics")
    assert answer.content_type == "text/calendar"
    calendar = Calendar.from_ical(await answer.text())
    events = {str(event["uid"]): event for event in calendar.walk("VEVENT")}
    wednesday = events["gera-WE-28800@callrouter"]
    assert wednesday["rrule"].to_ical() == b"FREQ=WEEKLY;BYDAY=WE"
    assert wednesday["exdate"].to_ical() == b"20261125T080000"
    assert "Geschlossen" in events["gera-2026-11-25@callrouter"]["summary"]
    assert len(events) == 6
    assert (await browser.get("/standorte/nowhere.ics")).status == 404


# ---- the contact form


async def send(home: House, browser: Browser, wait_s: float = QUICK_S, **more: str) -> int:
    await browser.get("/standorte/gera/kontakt")
    stamp = browser.text.partition('name="stempel" value="')[2].partition('"')[0]
    home.real_s += wait_s
    return (await browser.post("/standorte/gera/kontakt", **{**FORM, "stempel": stamp, **more})).status


async def test_a_message_becomes_an_inquiry(home: House, browser: Browser) -> None:
    """With topic, hotline and language, for the agents of the place's hotline; without a cookie."""
    assert await send(home, browser, text="Guten Tag,\r\nwann kommt er?") == 200
    assert "Ihre Nachricht ist angekommen" in browser.text
    (one,) = await home.office.inquiries._store.alive()
    assert (one.place, one.hotline, one.topic, one.language) == ("gera", "agency-gera", "benefit", "de")
    assert (one.name, one.email, one.subject) == ("Kim Öz", "kim@x.example", "Bescheid")
    assert one.text == "Guten Tag,\nwann kommt er?"
    assert len(browser.client.session.cookie_jar) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("thema", "other"), ("name", ""), ("name", "x" * 81), ("email", "kim"), ("email", "kim@local"),
        ("email", "a@x.example\r\nBcc: b@x.example"), ("betreff", ""), ("betreff", "a\nb"), ("text", "kurz"),
        ("text", "x" * 4001),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_and_nothing_is_lost(
    home: House, browser: Browser, field: str, value: str
) -> None:
    """422 with a summary that links to the field; what was written is still there, and nothing is kept."""
    assert await send(home, browser, **{field: value}) == 422
    assert "Es gibt ein Problem" in browser.text
    assert f'<a href="#{field}">' in browser.text
    assert "<title>Fehler:" in browser.text
    kept = {name: text for name, text in FORM.items() if name not in (field, "thema")}
    assert all(text in browser.text for text in kept.values())
    assert await home.office.inquiries._store.alive() == []


async def test_robots_get_nothing_in(home: House, browser: Browser) -> None:
    """Too fast, the hidden field filled in, no stamp: asked again and not kept; a person passes the second time."""
    assert await send(home, browser, wait_s=0.1) == 422
    assert await send(home, browser, webseite="https://spam.example") == 422
    assert await send(home, browser, stempel="") == 422
    assert "Ihr Text ist noch da" in browser.text
    assert await home.office.inquiries._store.alive() == []
    assert await send(home, browser) == 200


async def test_so_many_in_an_hour(home: House, browser: Browser) -> None:
    """The sixth from one address gets 429 and the telephone; an hour later it is taken."""
    for _ in range(PER_ADDRESS):
        assert await send(home, browser) == 200
    assert await send(home, browser) == 429
    assert "rufen Sie an" in browser.text
    home.real_s += HOUR_S
    assert await send(home, browser) == 200


async def test_a_form_of_another_page_is_refused(home: House, browser: Browser) -> None:
    """What a foreign page sends in somebody's name is not taken."""
    answer = await browser.post("/standorte/gera/kontakt", {"Sec-Fetch-Site": "cross-site"}, **FORM)
    assert answer.status == 403


async def test_a_place_without_hotline_has_no_form(browser: Browser) -> None:
    """Nobody would answer: it says neither 'write' nor takes anything."""
    assert (await browser.get("/standorte/gotha/kontakt")).status == 404
    assert (await browser.get("/standorte/nowhere/kontakt")).status == 404
    await browser.get("/standorte?suche=gotha")
    assert "Nachricht schreiben" not in browser.text
