"""A department's worklist as a page: what it shows, in which order, to whom, and what its buttons do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from callrouter.core.callbacks import Callback, CallbackKind
from tests.web.house import Browser, House, house
from tests.web.world import NOW  # a Monday, 10:14 in Gera; Wednesday is closed

HOUR = 3600.0
NUMBER = "+491711234567"
LATE = Callback(
    "gera/d1", CallbackKind.DEPARTMENT, "agency-gera", "benefit", "gera", NUMBER, NOW - 96 * HOUR, NOW - 2 * HOUR,
    department="benefits", subject="Fragt nach dem Bescheid.", wish="vormittags", call="magdeburg/1.7",
)  # fmt: skip
SOON = replace(LATE, id="gera/d2", due_at=NOW + 3 * HOUR, subject="Kann nicht kommen.", call="gera/1.8", wish="")
LATER = replace(LATE, id="gera/d3", due_at=NOW + 74 * HOUR, subject="<b>Umzug</b> nach Gotha")
PAGE = "/rueckrufe/benefits"


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        for one in (LATE, SOON, LATER, replace(LATE, id="gera/d9", department="others", subject="Geheim!")):
            await opened.office.callbacks.add(one)
        await opened.office.worklists.refresh()
        yield opened


def shown(browser: Browser) -> list[str]:
    """The rows' ids, in their order."""
    return re.findall(r'<tr id="row-gera-(d\d)"', browser.text)


def row(browser: Browser, id_: str) -> str:
    found = re.search(rf'<tr id="row-gera-{id_}".*?</tr>', browser.text, re.DOTALL)
    assert found, browser.text
    return re.sub(r"<[^>]+>", " ", found[0])


async def test_topics_are_called_as_their_own_hotline_calls_them(home: House) -> None:
    """Another hotline has a topic of the same name; its title stands neither in the rows nor in the filter."""
    plan = home.world.plan
    gera, other = plan.hotlines
    other = replace(other, topics=(replace(other.topics[0], title="Geld in Magdeburg"),))
    home.world.plan = replace(plan, hotlines=(gera, other))
    browser = await home.browser("department")
    await browser.get(PAGE)
    assert '<option value="benefit">Benefit</option>' in browser.text
    assert "Geld in Magdeburg" not in browser.text
    await home.office.callbacks.add(replace(LATE, id="gera/d4", hotline="agency-magdeburg"))
    await home.office.worklists.refresh()
    await browser.get(PAGE)
    assert '<option value="benefit">Benefit / Geld in Magdeburg</option>' in browser.text
    assert "Geld in Magdeburg" in row(browser, "d4")
    operator = await home.browser("ops")
    await operator.get("/konfiguration")
    assert '<option value="benefit">Benefit / Geld in Magdeburg</option>' in operator.text


async def press(browser: Browser, id_: str, act: str) -> int:
    answer = await browser.post(PAGE, rueckruf=f"gera/{id_}", handlung=act)
    return answer.status


async def test_lights_and_order(home: House) -> None:
    """By due time; what is overdue says so in words, what is due soon too, with the working hours that are left."""
    browser = await home.browser("department")
    assert (await browser.get("/rueckrufe")).headers["Location"] == PAGE
    await browser.get(PAGE)
    assert shown(browser) == ["d1", "d2", "d3"]
    assert "Überfällig" in row(browser, "d1")
    assert "seit 2 h Arbeitszeit" in row(browser, "d1")
    assert "Mo 23.11. 08:14" in row(browser, "d1")
    assert "bald fällig" in row(browser, "d2")
    assert "noch 3 h Arbeitszeit" in row(browser, "d2")
    assert "fällig" not in row(browser, "d3").replace("(fällig", "")
    assert "noch 22 h Arbeitszeit" in row(browser, "d3")  # today, Tuesday and Thursday morning: Wednesday is closed
    assert "Wunsch: vormittags" in row(browser, "d1")
    assert "Geheim" not in browser.text
    counts = re.findall(r"<b data-live>(\d+)</b>", browser.text)
    assert counts == ["3", "1", "2"]


async def test_filters(home: House) -> None:
    """Overdue ones, those of today, those whose call came in at one site; nothing left is a sentence."""
    browser = await home.browser("department")
    for query, ids in (
        ("nur=ueberfaellig", ["d1"]),
        ("nur=heute", ["d1", "d2"]),
        ("standort=gera", ["d2"]),
        ("standort=magdeburg&nur=heute", ["d1"]),
        ("thema=benefit", ["d1", "d2", "d3"]),
        ("nur=unsinn&stand=x", ["d1", "d2", "d3"]),
    ):
        await browser.get(f"{PAGE}?{query}")
        assert shown(browser) == ids, query
    await browser.get(f"{PAGE}?thema=none")
    assert "Keine offenen Rückrufe." in browser.text


async def test_take_ring_and_done(home: House) -> None:
    """The number is on the page of who has taken it, only so long; each step is in the audit trail."""
    browser, other = await home.browser("department"), await home.browser()
    await home.account("robin", "department:*")
    await other.log_in("robin")
    assert await press(browser, "d1", "uebernehmen") == 303
    await browser.get(PAGE)
    assert "0171 1234567" in row(browser, "d1")
    await other.get(PAGE)
    assert "1234567" not in other.text
    assert "In Arbeit" in row(other, "d1")
    assert "button" not in other.text.split('id="row-gera-d1"')[1].split("</tr>")[0]
    assert await press(other, "d1", "uebernehmen") == 409
    assert "Bereits übernommen." in other.text
    assert await press(other, "d1", "erledigt") == 409
    assert await press(browser, "d1", "nicht_erreicht") == 303
    await browser.get(PAGE)
    assert "Nicht erreicht" in row(browser, "d1")
    assert "1234567" not in browser.text
    assert await press(other, "d1", "uebernehmen") == 303
    assert await press(other, "d1", "zurueck") == 303
    assert await press(other, "d1", "uebernehmen") == 303
    await other.get(PAGE)
    assert await press(other, "d1", "erledigt") == 303
    await other.get(PAGE)
    assert shown(other) == ["d2", "d3"]
    assert "1234567" not in other.text
    said = [(one["who"], one["why"]) for one in home.world.entries if one["what"] == "callback gera/d1"]
    assert said == [
        ("department", "uebernehmen"), ("department", "nicht_erreicht"), ("robin", "uebernehmen"), ("robin", "zurueck"),
        ("robin", "uebernehmen"), ("robin", "erledigt"),
    ]  # fmt: skip


async def test_a_wrong_number_closes_it(home: House) -> None:
    """And nonsense does nothing."""
    browser = await home.browser("department")
    assert await press(browser, "d2", "tanzen") == 404
    assert await press(browser, "d9", "uebernehmen") == 409
    await press(browser, "d2", "uebernehmen")
    assert await press(browser, "d2", "falsche_nummer") == 303
    await browser.get(PAGE)
    assert shown(browser) == ["d1", "d3"]


async def test_what_comes_later_waits_above_the_list(home: House) -> None:
    """Rows do not move under the reader: a new one is counted, and what he has done stays where it was, as done."""
    browser = await home.browser("department")
    await browser.get(PAGE)
    found = re.search(r'"(/rueckrufe/benefits/strom\?[^"]+)"', browser.text)
    assert found
    home.world.now += 60.0
    await home.office.callbacks.add(replace(SOON, id="gera/d4", asked_at=home.world.now, due_at=NOW + HOUR))
    await home.office.worklists.refresh()
    await press(browser, "d1", "uebernehmen")
    await press(browser, "d1", "erledigt")
    answer = await browser.client.get(found[1])
    text = (await answer.content.readuntil(b"\n\n")).decode()
    answer.close()
    assert re.findall(r'id="row-gera-(d\d)"', text) == ["d1", "d2", "d3"]
    assert "1 neuen anzeigen" in text
    assert "Erledigt" in text.split('id="row-gera-d1"')[1].split("</tr>")[0]
    await browser.get(PAGE)
    assert shown(browser) == ["d4", "d2", "d3"]


async def test_others_see_nothing(home: House) -> None:
    """Another department's list is forbidden, one that does not exist not found; an account without one is told."""
    browser = await home.browser()
    await home.account("kim", "department:others")
    await browser.log_in("kim")
    assert (await browser.get(PAGE)).status == 403
    assert (await browser.get("/rueckrufe/nothing")).status == 404
    assert await press(browser, "d1", "uebernehmen") == 403
    assert (await browser.post(PAGE + "/suche", nummer=NUMBER)).status == 403
    await browser.get("/rueckrufe")
    assert "steht nicht in der Konfiguration" in browser.text


async def test_search_by_number(home: House) -> None:
    """However it is written, it finds what was promised to that caller here; it is not shown, and is on record."""
    browser = await home.browser("department")
    await browser.post(PAGE + "/suche", nummer="0171 / 123 45 67")
    assert browser.text.count('<th scope="row"') == 3
    assert "1234567" not in browser.text
    assert "Geheim" not in browser.text
    await browser.post(PAGE + "/suche", nummer="0391 5550142")
    assert "Zu dieser Nummer ist kein Rückruf bekannt." in browser.text
    await browser.post(PAGE + "/suche", nummer="")
    assert "Zu dieser Nummer ist kein Rückruf bekannt." in browser.text
    found = [one for one in home.world.entries if "callbacks of" in one["what"]]
    assert len(found) == 3
    assert "1234567" not in str(found)


async def test_in_english(home: House) -> None:
    """Every word of the page's own."""
    browser = await home.browser("department")
    await browser.get(PAGE, **{"Accept-Language": "en"})
    for text in ("Overdue", "due soon", "Due by", "Take", "Tries", "Search for a number", "working hours left"):
        assert text in browser.text, text


def with_phones(home: House, *phones: str) -> None:
    """The department has these."""
    desk = home.office.desk()
    changed = tuple(replace(one, phones=phones) if one.name == "benefits" else one for one in desk.departments)
    home.office.desk = lambda: replace(desk, departments=changed)


async def test_the_phone_on_his_desk_is_chosen_once(home: House) -> None:
    """Of two phones none is his until he says which; the browser remembers it for this department. Then his number is
    seen only while it is rung. With one phone there is nothing to choose, with none he dials by hand."""
    browser = await home.browser("department")
    with_phones(home, "2901", "2902")
    await browser.get(PAGE)
    assert "Telefon an diesem Platz" in browser.text
    await press(browser, "d1", "uebernehmen")
    await browser.get(PAGE)
    assert "Anrufen" not in row(browser, "d1")
    assert "0171 1234567" in row(browser, "d1")
    assert await press(browser, "d1", "anrufen") == 403
    assert (await browser.post(PAGE, handlung="telefon", telefon="2001")).status == 404
    answer = await browser.post(PAGE, handlung="telefon", telefon="2902")
    assert (answer.status, answer.cookies["telefon"]["path"]) == (303, PAGE)
    await browser.get(PAGE)
    assert '<option value="2902" selected>' in browser.text
    assert "Anrufen" in row(browser, "d1")
    assert "1234567" not in browser.text
    await browser.post(PAGE, handlung="telefon", telefon="-")
    await browser.get(PAGE)
    assert "Anrufen" not in row(browser, "d1")
    other = await home.browser()
    await home.account("robin", "department:*")
    await other.log_in("robin")
    await press(other, "d2", "uebernehmen")
    with_phones(home, "2901")
    await other.get(PAGE)
    assert "Anrufen" in row(other, "d2")
    with_phones(home)
    await other.get(PAGE)
    assert "Anrufen" not in row(other, "d2")
    assert "Telefon an diesem Platz" not in other.text
