"""Whole ways through the pages by keyboard alone, and the login as people meet it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from callrouter.cli.stage import PASSWORD
from tests.pages.conftest import Windows
from tests.pages.stage import GERA, Show

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOCUSED = """() => {
    const e = document.activeElement;
    if (!e || e === document.body) return "";
    return e.ariaLabel || e.labels?.[0]?.textContent.trim() || e.textContent.trim();
}"""


async def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Tab until the element with this accessible name has the focus, as a person would."""
    for _ in range(150):
        await page.keyboard.press(key)
        if name in await page.evaluate(FOCUSED):
            return
    raise AssertionError(f"{name!r} cannot be reached by Tab")


async def test_login_by_keyboard(windows: Windows, stage: Show) -> None:
    """Name, password, Enter; a wrong password says so, with the focus on it, and keeps the name."""
    page = await windows.open("/")
    await tab_to(page, "Benutzername")
    await page.keyboard.type("leitung-magdeburg")
    await page.keyboard.press("Tab")
    await page.keyboard.type("falsch")
    await page.keyboard.press("Enter")
    alert = page.get_by_role("alert").filter(has_text="Anmeldung nicht möglich")
    await expect(alert).to_be_focused()
    await expect(page.get_by_role("textbox", name="Benutzername")).to_have_value("leitung-magdeburg")
    await tab_to(page, "Passwort")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Lagebild Magdeburg")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Zum Inhalt")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await tab_to(page, "Abmelden", "Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Anmelden")).to_be_visible()
    await page.go_back()
    assert "Lagebild" not in await page.title()  # nothing of it is kept


async def test_switching_by_keyboard(windows: Windows, stage: Show) -> None:
    """From the situation to a switched agreement and back without a mouse."""
    page = await windows.open("/lagebild/magdeburg", "leitung-magdeburg")
    await tab_to(page, "Überlauf Magdeburg ↔ Gotha ausschalten")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Überlauf Magdeburg ↔ Gotha ausschalten")
    await expect(dialog.get_by_label("Begründung")).to_be_focused()
    await page.keyboard.type("Probe mit der Tastatur")
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowLeft")
    await expect(dialog.get_by_label("12:00")).to_be_checked()
    await tab_to(page, "Ausschalten")
    await page.keyboard.press("Space")
    await expect(dialog).not_to_be_visible()
    await expect(page.locator("#deal-magdeburg-gotha")).to_contain_text("bis 12:00")
    await tab_to(page, "Schaltung von Magdeburg ↔ Gotha beenden")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").get_by_label("Begründung")).to_be_focused()
    await page.keyboard.type("Probe ist zu Ende")
    await tab_to(page, "Beenden")
    await page.keyboard.press("Enter")
    await expect(page.locator("#deal-magdeburg-gotha")).to_contain_text("EIN")


async def test_forgotten_seat_by_keyboard(windows: Windows, stage: Show) -> None:
    """A seat that somebody left logged in is logged out."""
    (seat,) = await stage.staff("agency-magdeburg", 1)
    page = await windows.open("/plaetze/magdeburg", "leitung-magdeburg")
    await tab_to(page, seat.partition("/")[2])
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").get_by_label("Begründung")).to_be_focused()
    await page.keyboard.type("Nach Hause gegangen")
    await tab_to(page, "Ausführen")
    await page.keyboard.press("Enter")
    await expect(page.locator("#seat-" + seat.partition("/")[2])).to_have_count(0)
    assert stage.states("agency-magdeburg").get("ready", 0) == 0


async def test_pausing_a_seat_by_keyboard(windows: Windows, stage: Show) -> None:
    """A seat that somebody left ready gets a pause; the reason is in the trail, not on the page."""
    (seat,) = await stage.staff("agency-magdeburg", 1)
    number = seat.partition("/")[2]
    page = await windows.open("/plaetze/magdeburg", "leitung-magdeburg")
    await tab_to(page, number)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").get_by_label("Begründung")).to_be_focused()
    await page.keyboard.type("Sitzt nicht am Platz")
    await tab_to(page, "Abmelden", "Shift+Tab")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_label("In Pause setzen")).to_be_checked()
    await tab_to(page, "Ausführen")
    await page.keyboard.press("Enter")
    await expect(page.locator(f"#seat-{number}")).to_contain_text("Pause")
    assert stage.states("agency-magdeburg") == {"paused": 1, "logged_out": 49}
    assert "Sitzt nicht am Platz" not in await page.locator("main").inner_text()
    (entry,) = await stage.service.store.audit_trail(1)
    assert (entry.who, entry.why) == ("leitung-magdeburg", "Sitzt nicht am Platz")


async def test_emergency_closing_by_keyboard(windows: Windows, stage: Show) -> None:
    """The next caller is turned away while somebody is free, who talks goes on; set back, callers come in again."""
    await stage.staff("agency-gera", 3)
    talking = await stage.call(GERA)
    await talking.until("talking")
    page = await windows.open("/lagebild/gera", "leitung-gera")
    switch = "Hotline Agentur für Arbeit Gera schalten"
    for mode, reason in (("Notschließung", "Räumung wegen Feueralarms"), ("Wie konfiguriert", "Der Alarm ist vorbei")):
        await tab_to(page, switch)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog", name=switch)).to_be_visible()
        await tab_to(page, "Begründung")
        await page.keyboard.type(reason)
        radio = page.get_by_role("dialog").get_by_role("radio", name=mode)
        await page.keyboard.press("Shift+Tab")  # into the group of what shall hold
        for _ in range(4):
            if await radio.is_checked():
                break
            await page.keyboard.press("ArrowDown")
        await expect(radio).to_be_checked()
        await tab_to(page, "Schalten")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        row = page.locator("#hotline-agency-gera")
        if mode == "Notschließung":
            await expect(row).to_contain_text("Notschließung")
            await expect(row).to_contain_text(f"„{reason}“")
            turned_away = await stage.call(GERA)
            await turned_away.until("ended")
            assert turned_away.answered_at is None
            assert talking.state == "talking"
    await expect(page.locator("#hotline-agency-gera")).to_contain_text("offen")
    await (await stage.call(GERA)).until("talking")


async def test_operator_by_keyboard(windows: Windows, stage: Show) -> None:
    """From the state of the system to the call search, to one call's story, decided again: without a mouse."""
    await stage.staff("agency-gera", 1)
    person = await stage.call(GERA, "01761234567")
    await person.until("talking")
    person.hang_up()
    page = await windows.open("/system", "betrieb")
    await tab_to(page, "Anrufsuche")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Anrufsuche")).to_be_visible()
    await tab_to(page, "Anruf-ID")
    await page.keyboard.type(person.call)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("anruf="))
    await tab_to(page, person.call)
    await page.keyboard.press("Enter")
    story = page.get_by_role("list", name="Verlauf")
    await expect(story.get_by_role("listitem").first).to_be_visible()
    await expect(story).to_contain_text("Grund")
    await expect(story).to_contain_text(
        "Thema Allgemeine Fragen und Termine"
    )  # Gera's, though others have one so called
    assert "1234567" not in await page.content()
    await tab_to(page, "Nachspielen")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("gleich").first).to_be_visible(timeout=60_000)


async def test_english(windows: Windows, stage: Show) -> None:
    """The language is chosen on the page, stays, and is whole: no German word is left of the page's own."""
    page = await windows.open("/lagebild/magdeburg", "leitung-magdeburg")
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", name="Situation Magdeburg")).to_be_visible()
    await page.get_by_role("button", name="Turn off overflow Magdeburg ↔ Gera").click()
    dialog = page.get_by_role("dialog", name="Turn off overflow Magdeburg ↔ Gera")
    await expect(dialog.get_by_text("Expected impact")).to_be_visible()
    await expect(dialog.get_by_text("Preview not available")).to_be_visible()
    text = (await page.locator("body").inner_text()).lower()
    for word in ("wartende", "vereinbarung", "erreich", "gültig", "begründung", "anzeige", "abmelden"):
        assert word not in text.replace("agentur", "")
