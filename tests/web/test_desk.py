"""The agent's page without a browser: windows, states, results, inquiries and guides, and what is refused."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from callrouter.core.events import PhoneState, SiteRead
from callrouter.desk.inquiries import Inquiry, InquiryStatus
from callrouter.desk.results import Conversation
from callrouter.store.schema import CALLBACK, INQUIRY, RESULT
from tests.store.records import rows
from tests.web.house import Browser, House, house
from tests.web.world import CALL, CALLER, NOW

ANNA = "gera/2001"
GIVEN = {"call": CALL, "platz": ANNA}
PROMISE = {"disposition": "callback", "department": "benefits", "subject": "Fragt nach dem Bescheid."}


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        phones = tuple(PhoneState("gera", f"g{n}", True, False) for n in (2001, 2002, 2003))
        opened.office.floor._router.handle(SiteRead("gera", phones=phones), NOW)
        yield opened


@pytest.fixture
async def browser(home: House) -> Browser:
    return await home.browser("agent")


def owes(home: House, *, caller: str = CALLER) -> None:
    """The agent has had a conversation whose result is missing."""
    one = Conversation(CALL, "agency-gera", "benefit", "gera", ANNA, caller, 12.0, NOW - 60.0, NOW - 5.0)
    home.office.floor.owed.answered(one)


async def open_page(browser: Browser) -> str:
    """The window's name."""
    where = (await browser.get("/arbeitsplatz")).headers["Location"]
    await browser.get(where)
    found = re.search(r"fenster=(\w+)", where)
    assert found
    return found[1]


async def test_a_window_is_the_agents_until_another_one_takes_over(home: House, browser: Browser) -> None:
    """The first gets a name; a second is asked; whoever takes over has the seat, and the other says so."""
    first = await open_page(browser)
    assert 'data-seat-state="paused"' in browser.text
    second = await home.browser("agent")
    await second.get("/arbeitsplatz")
    assert "in einem anderen Fenster geöffnet" in second.text
    answer = await second.post("/arbeitsplatz/uebernehmen", platz=ANNA, fenster="w2")
    assert answer.headers["Location"].startswith("/arbeitsplatz?fenster=w2")
    assert not home.office.floor.presence.owns(ANNA, first)
    await browser.post("/arbeitsplatz/da", platz=ANNA, fenster=first)
    assert home.office.floor.presence.owns(ANNA, "w2")
    await second.post("/arbeitsplatz/weg", platz=ANNA, fenster="w2")
    assert (await browser.get("/arbeitsplatz")).status == 303  # nobody is asked any more


async def test_only_ones_own_seat(home: House, browser: Browser) -> None:
    """Whatever the form says."""
    assert (await browser.get("/arbeitsplatz?platz=gera/2002")).status == 403
    for path in ("zustand", "ergebnis", "anrufen", "nummer", "da"):
        assert (await browser.post(f"/arbeitsplatz/{path}", platz="gera/2002")).status == 403


async def test_whose_number_may_be_shown(home: House, browser: Browser, tmp_path: Path) -> None:
    """A hotline that rings nobody back is not there to choose; where the configuration says no there is no form, and
    who makes one is refused."""
    await open_page(browser)
    assert "Nummer anrufen" not in browser.text
    form = {"platz": ANNA, "nummer": "0171 2345678", "hotline": "agency-gera", "anlass": "Unterlagen"}
    assert (await browser.post("/arbeitsplatz/nummer", **form)).status == 404
    (tmp_path / "other").mkdir()
    async with house(tmp_path / "other", outbound=False) as closed:
        other = await closed.browser("agent")
        assert (await other.post("/arbeitsplatz/nummer", **form)).status == 403


async def test_nobody_is_ready_without_his_result(home: House, browser: Browser) -> None:
    """The page says what is missing; what no button says is nothing; F2 does nothing where nothing rings."""
    await open_page(browser)
    owes(home)
    answer = await browser.post("/arbeitsplatz/zustand", platz=ANNA, handlung="bereit")
    assert answer.status == 409
    assert "Bitte zuerst das Ergebnis" in browser.text
    assert (await browser.post("/arbeitsplatz/zustand", platz=ANNA, handlung="tanzen")).status == 404
    assert (await browser.post("/arbeitsplatz/zustand", platz=ANNA, handlung="annehmen")).status == 409
    assert "Es klingelt nicht mehr." in browser.text
    assert (await browser.post("/arbeitsplatz/anrufen", platz=ANNA, rueckruf="gera/1.1")).status == 409
    assert "nicht mehr auf der Liste" in browser.text
    assert (await browser.post("/arbeitsplatz/anrufen", platz=ANNA, rueckruf="", handlung="nicht_er")).status == 404


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({}, "Bitte ein Ergebnis wählen."),
        ({**PROMISE, "department": ""}, "Bitte einen Fachbereich wählen."),
        ({**PROMISE, "subject": "kurz"}, "Bitte das Anliegen in 10 bis 500 Zeichen beschreiben."),
        ({**PROMISE, "number": "12"}, "Bitte eine gültige Rückrufnummer eingeben."),
        ({**PROMISE, "due": "irgendwann"}, "Bitte Tag und Uhrzeit angeben."),
        ({**PROMISE, "due": "2026-12-24T09:00"}, "Die Frist kann nur vorverlegt werden"),
        ({"disposition": "resolved", "note": "x" * 2_001}, "Die Notiz ist zu lang."),
    ],
)
async def test_a_wrong_result_says_so_and_keeps_what_was_written(
    home: House, browser: Browser, wrong: dict[str, str], text: str
) -> None:
    """Each mistake by its field; nothing is kept, and nothing that was typed is lost."""
    await open_page(browser)
    owes(home)
    answer = await browser.post("/arbeitsplatz/ergebnis", **{**GIVEN, "wish": "vormittags", **wrong})
    assert answer.status == 422
    assert text in browser.text
    assert 'value="vormittags"' in browser.text
    assert wrong.get("subject", "") in browser.text
    assert await rows(home.engine, RESULT) == []


async def test_a_promise_is_due_by_the_departments_days_or_earlier(home: House, browser: Browser) -> None:
    """Wednesday is closed there, so two working days end on Thursday; promised for earlier it is due then."""
    await open_page(browser)
    owes(home)
    answer = await browser.post("/arbeitsplatz/ergebnis", **{**GIVEN, **PROMISE, "due": "2026-11-24T12:00"})
    assert answer.status == 303
    (row,) = await rows(home.engine, CALLBACK)
    assert row.due_at == NOW + 86_400.0 + 46 * 60.0 + 3_600.0
    assert (await browser.post("/arbeitsplatz/ergebnis", **GIVEN, **PROMISE)).status == 409
    assert "kein Ergebnis mehr erfasst" in browser.text
    assert len(await rows(home.engine, CALLBACK)) == 1


async def test_an_inquiry_is_drafted_and_answered_or_closed(home: House, browser: Browser) -> None:
    """Only by who has it, and not with nothing; a reason is needed to close it without an answer."""
    await open_page(browser)
    one = Inquiry("a" * 32, "gera", "agency-gera", "benefit", "de", "Kim", "k@x.example", "Offen?", "Wann?", NOW - 60.0)
    await home.office.inquiries.receive(replace(one, status=InquiryStatus.GIVEN, agent=ANNA))
    path = f"/arbeitsplatz/anfrage/{one.id}"
    assert (await browser.post(path + "/entwurf", platz=ANNA, answer="Guten")).status == 204
    assert (await browser.post(path, platz=ANNA, answer=" ", handlung="senden")).status == 409
    assert "Bitte eine Antwort schreiben." in browser.text
    assert (await browser.post(path, platz=ANNA, handlung="schliessen", grund="so")).status == 409
    assert (await browser.post(path, platz=ANNA, answer="Guten Tag", handlung="zurueck")).status == 303
    assert (await browser.post(path, platz=ANNA, answer="Um acht.", handlung="senden")).status == 409
    assert "nicht mehr bei Ihnen" in browser.text
    (row,) = await rows(home.engine, INQUIRY)
    assert (row.status, row.draft) == ("open", "Guten Tag")


async def test_guides_are_found_in_the_readers_language(browser: Browser) -> None:
    """By words of theirs, whole or as a part of the page; what is not there is not found."""
    await browser.get("/leitfaden?suche=geld")
    assert "Arbeitslosengeld" in browser.text
    await browser.get("/leitfaden/benefit", **{"Accept-Language": "en"})
    assert "Ask" in browser.text
    await browser.get("/leitfaden/move", **{"Accept-Language": "en", "HX-Request": "true"})
    assert 'lang="de"' in browser.text  # there is none in English
    assert "<html" not in browser.text
    assert (await browser.get("/leitfaden/nothing")).status == 404
