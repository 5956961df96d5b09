"""Supervisors' pages: what they show, and that switching asks for a reason and an end and tells who was first."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from callrouter import __version__
from callrouter.ami.linkstate import LinkState, Phase
from callrouter.config.dialplan import DIALPLAN_VERSION
from callrouter.core.events import AgentAct, AgentActed, AgreementSwitched, HotlineMode, HotlineSwitched
from callrouter.core.plan import Site
from callrouter.engine import NotDecided
from callrouter.store.schema import CALL_RECORD, DEMAND, RESULT
from callrouter.store.standing import Standing, Watch
from callrouter.web.figures import Figures
from callrouter.web.pages.switching import latest_end
from callrouter.web.preview import Effect, Outlook, Preview, Range, Span, Wish
from callrouter.web.system import System
from tests.web.house import Browser, House, Quiet, house
from tests.web.world import CALL, CALLER, NOW

REASON = "Krankstand in Gera"
SWITCH = "/vereinbarungen/gera-magdeburg/aus"
EIGHT = datetime(2026, 11, 23, 8, 0, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


def version(browser: Browser) -> str:
    found = re.search(r'name="stand" value="([^"]*)"', browser.text)
    assert found, browser.text
    return found[1]


async def kept(home: House, calls: int, in_time: int, minute: int, hotline: str = "agency-gera") -> None:
    """So many call records that arrived then, the first ones answered in time, lent to Magdeburg every second one."""
    rows = [
        {
            "call": f"gera/{minute}.{number}", "hotline": hotline, "topic": "", "site": "gera", "number": "1",
            "caller": None, "withheld": True, "outcome": "answered" if number < in_time else "abandoned",
            "unserved": "", "arrived_at": EIGHT + 60 * minute, "ended_at": EIGHT + 60 * minute + 90, "wait_s": 10.0,
            "end_seen": True, "talk_s": 80.0 if number < in_time else 0.0, "on_hold_s": 0.0, "agent": None,
            "team": "agency-magdeburg" if number % 2 else "agency-gera",
            "agreement": "gera-magdeburg" if number % 2 else "",
            "within_target": number < in_time, "offers": 1, "cause": 16, "because": "", "target_s": 240.0,
            "window_s": 1800.0, "demand": None, "run": "r", "seq": number,
        }
        for number in range(calls)
    ]  # fmt: skip
    async with home.engine.begin() as connection:
        await connection.execute(insert(CALL_RECORD), rows)


async def test_day_is_counted_from_records_and_live_calls(home: House) -> None:
    """Ended calls come from the database, talking ones from the router; the chart's rows add up to the figure."""
    await kept(home, 20, 18, 5)
    await kept(home, 10, 5, 50)
    await kept(home, 3, 3, -600)  # yesterday
    await home.front.part(Figures).read()
    browser = await home.browser("supervisor")
    await browser.get("/lagebild/gera")
    assert "76,7\u00a0%" in browser.text
    assert "23/30" in browser.text
    rows = re.findall(r'<tr data-at="(\d+)" data-value="([\d.]*)">', browser.text)
    assert [(int(at) - EIGHT) / 60 for at, _ in rows][:4] == [15, 30, 45, 60]
    assert [value for _, value in rows] == ["0.9000"] * 3 + ["0.7667"] * (len(rows) - 3)
    assert '<span class="state risk">' in browser.text
    talking = replace(home.world.state.calls[0], site="gera", hotline="agency-gera", wait_s=5.0, arrived_at=NOW - 90)
    home.world.state = replace(home.world.state, calls=(talking,))
    home.front.live.changed()
    await browser.get("/lagebild/gera")
    assert "24/31" in browser.text


@pytest.mark.parametrize(
    ("targets", "label"),
    [((240.0, 240.0), "Erreicht ≤ 4 min"), ((20.0, 20.0), "Erreicht ≤ 20 s"), ((20.0, 240.0), "Rechtzeitig erreicht")],
)
async def test_target_is_named_as_configured(home: House, targets: tuple[float, float], label: str) -> None:
    """Within which time callers are to be answered is the hotlines' own word; where they differ none is named."""
    plan = home.world.plan
    own = next(one for one in plan.hotlines if one.site == "gera")
    hotlines = [replace(own, target_s=targets[0]), replace(own, name="second", target_s=targets[1])]
    home.world.plan = replace(plan, hotlines=(*hotlines, *(one for one in plan.hotlines if one.site != "gera")))
    browser = await home.browser("supervisor")
    for page in ("/lagebild/gera", "/wand/gera"):
        await browser.get(page)
        assert f"<dt>{label}</dt>" in browser.text


async def test_figures_by_demands_and_what_was_lent(home: House) -> None:
    """First calls, unreached callers and the ledger of the day stand on the page."""
    await kept(home, 6, 6, 5)
    demand = {
        "caller": None, "withheld": True, "hotline": "agency-gera", "last_at": EIGHT + 60, "attempts": 1,
        "within_target": True, "closes_at": EIGHT + 2000, "closed_at": EIGHT + 2000, "first_at": EIGHT,
    }  # fmt: skip
    rows = [
        {**demand, "id": f"gera/{n}", "reached_at": EIGHT if n < 21 else None, "reached_first": n < 20}
        for n in range(24)
    ]
    async with home.engine.begin() as connection:
        await connection.execute(insert(DEMAND), rows)
    await home.front.part(Figures).read()
    browser = await home.browser("supervisor")
    await browser.get("/lagebild/gera")
    assert "83,3\u00a0%" in browser.text
    assert "20/24" in browser.text
    assert re.search(r"Nicht erreicht</dt><dd><b data-live>3</b>", browser.text)
    assert re.search(r"heute</span>|heute 3 · 4:00", browser.text)


def figure(browser: Browser, name: str) -> str:
    """What it says, in one line."""
    found = re.search(rf"<dt>{name}</dt><dd>(.*?)</dd>", browser.text, re.DOTALL)
    assert found, browser.text
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


async def test_settled_in_the_first_talk(home: House) -> None:
    """Of the answered calls whose result was given; those without one are told apart, and where none has, that."""
    await kept(home, 30, 26, 5)
    await kept(home, 1, 1, 5 - 1440)  # yesterday
    figures, browser = home.front.part(Figures), await home.browser("supervisor")
    await figures.read()
    await browser.get("/lagebild/gera")
    assert figure(browser, "Erstlösung") == "– Für heute ist noch kein Ergebnis angegeben."
    results = [
        {
            "call": call, "hotline": "agency-gera", "topic": "", "note": "", "given_at": NOW,
            "disposition": "resolved" if number < 18 else "callback",
        }
        for number, call in enumerate([*(f"gera/5.{number}" for number in range(24)), "gera/-1435.0"])
    ]  # fmt: skip
    async with home.engine.begin() as connection:
        await connection.execute(insert(RESULT), results)
    await figures.read()
    home.front.live.changed()
    await browser.get("/lagebild/gera")
    assert figure(browser, "Erstlösung") == "75,0 % gefährdet · 18/24, Ziel 80 %, ohne Ergebnis: 2"
    await browser.get("/lagebild/magdeburg")
    assert figure(browser, "Erstlösung").startswith("–")


async def test_callbacks_that_were_promised(home: House) -> None:
    """Those of the site's own hotlines: made in time of all that came due, and how many are overdue now."""
    browser, watch = await home.browser("supervisor"), home.front.part(Watch)
    await browser.get("/lagebild/gera")
    assert figure(browser, "Rückruf fristgerecht") == "– in 7 Tagen war keiner fällig; überfällig: 0"
    watch.found = (
        Standing("agency-gera", "department", 9, 2, 30, 28),
        Standing("agency-gera", "captured", 1, 0, 10, 9),
        Standing("agency-magdeburg", "department", 5, 5, 5, 0),
    )
    home.front.live.changed()
    await browser.get("/lagebild/gera")
    assert figure(browser, "Rückruf fristgerecht") == "92,5 % gefährdet · 37/40, in 7 Tagen; überfällig: 2"


async def test_switching(home: House) -> None:
    """The router gets the wish with its reason, end and author; both sites' pages show it, and the audit has it."""
    browser = await home.browser("supervisor")
    await browser.get(SWITCH)
    assert "<h1>Überlauf Magdeburg ↔ Gera ausschalten</h1>" in browser.text
    answer = await browser.post(SWITCH, stand=version(browser), grund=REASON, bis="mittag", richtung="beide")
    assert (answer.status, answer.headers["Location"]) == (303, "/lagebild/gera")
    noon = EIGHT + 4 * 3600
    assert home.world.asked == [
        AgreementSwitched("gera-magdeburg", False, noon, REASON, "supervisor", borrower)
        for borrower in ("agency-gera", "agency-magdeburg")
    ]
    assert home.world.entries[-1]["after"] == "off until 2026-11-23T11:00:00+00:00"
    await browser.get("/lagebild/gera")
    assert "Überlauf Magdeburg ↔ Gera: AUS bis 12:00." in browser.text
    assert f"„{REASON}“ – supervisor, 10:14" in browser.text
    other = await home.browser()
    await home.account("other", "supervisor:magdeburg")
    await other.log_in("other")
    await other.get("/lagebild/magdeburg")
    assert f"„{REASON}“" in other.text
    assert "Verlängern" in other.text


async def test_one_direction(home: House) -> None:
    """Only the calls of one side are switched."""
    browser = await home.browser("supervisor")
    await browser.get(SWITCH)
    form = {"stand": version(browser), "grund": REASON, "bis": "stunde", "richtung": "agency-gera"}
    await browser.post(SWITCH, **form)
    assert home.world.asked == [
        AgreementSwitched("gera-magdeburg", False, NOW + 3600, REASON, "supervisor", "agency-gera")
    ]
    assert home.world.entries[-1]["what"] == "agreement gera-magdeburg for agency-gera"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"grund": "", "bis": "mittag"}, "Bitte begründen Sie es mit 10 bis 200 Zeichen."),
        ({"grund": "zu kurz", "bis": "mittag"}, "Bitte begründen Sie es mit 10 bis 200 Zeichen."),
        ({"grund": REASON, "bis": "datum", "datum": ""}, "Bitte geben Sie an, bis wann es gelten soll."),
        ({"grund": REASON, "bis": "datum", "datum": "2026-11-22"}, "Das Ende muss in der Zukunft liegen."),
        ({"grund": REASON, "bis": "datum", "datum": "2026-12-01"}, "Länger als fünf Arbeitstage"),
        ({"grund": REASON, "bis": "mittag", "richtung": "nobody"}, "Diese Richtung gibt es nicht."),
    ],
)
async def test_what_is_missing_is_said(home: House, form: dict[str, str], sentence: str) -> None:
    """Nothing is sent; the form comes back with its sentence, focused, and what was typed."""
    browser = await home.browser("supervisor")
    await browser.get(SWITCH)
    answer = await browser.post(SWITCH, stand=version(browser), **form)
    assert answer.status == 422
    assert sentence in browser.text
    assert 'role="alert" tabindex="-1" autofocus' in browser.text
    assert "<title>Fehler: " in browser.text
    assert form["grund"] in browser.text
    assert home.world.asked == []


async def test_who_comes_second_is_told(home: House) -> None:
    """A form that was opened before somebody else switched says who it was, and does nothing."""
    first, second = await home.browser("supervisor"), await home.browser("supervisor")
    await first.get(SWITCH)
    await second.get(SWITCH)
    stale = version(second)
    await first.post(SWITCH, stand=version(first), grund=REASON, bis="mittag")
    answer = await second.post(SWITCH, stand=stale, grund=REASON, bis="mittag")
    assert answer.status == 409
    assert "Inzwischen geändert von supervisor." in second.text
    assert len(home.world.asked) == 2


async def test_extending_and_ending(home: House) -> None:
    """An end can be moved; ending early restores what is configured and asks why, too."""
    browser = await home.browser("supervisor")
    for act, form, enabled, until in (
        ("aus", {"bis": "stunde"}, False, NOW + 3600),
        ("verlaengern", {"bis": "mittag"}, False, EIGHT + 4 * 3600),
        ("beenden", {}, True, None),
    ):
        path = f"/vereinbarungen/gera-magdeburg/{act}"
        await browser.get(path)
        assert (await browser.post(path, stand=version(browser), grund=REASON, **form)).status == 303
        last = home.world.asked[-1]
        assert isinstance(last, AgreementSwitched)
        assert (last.enabled, last.until) == (enabled, until)


@pytest.mark.parametrize(("minutes", "warned"), [(14, True), (16, False)])
async def test_end_that_comes_near_is_marked(home: House, minutes: int, warned: bool) -> None:
    """A quarter of an hour before a switch is over it says so in a sentence; until then only when it ends."""
    until = NOW + 60 * minutes
    for borrower in ("agency-gera", "agency-magdeburg"):
        await home.world.ask(AgreementSwitched("gera-magdeburg", False, until, REASON, "supervisor", borrower))
    browser = await home.browser("supervisor")
    for path in ("/lagebild/gera", "/vereinbarungen"):
        await browser.get(path)
        assert f"bis 10:{14 + minutes}" in browser.text
        assert ('class="nowrap soon"' in browser.text) == warned
        assert browser.text.count(f"Endet um 10:{14 + minutes}; danach gilt wieder die Konfiguration.") == warned


async def test_strangers_cannot_switch(home: House) -> None:
    """Only supervisors of one of the two sites."""
    await home.account("far", "supervisor:aachen")
    browser = await home.browser()
    await browser.log_in("far")
    assert (await browser.get(SWITCH)).status == 403
    assert (await browser.post(SWITCH, grund=REASON, bis="mittag")).status == 403
    assert (await browser.get("/plaetze/gera")).status == 403
    assert (await browser.get("/hotlines/agency-gera/schalten")).status == 403
    await browser.get("/lagebild/gera")
    assert "Ausschalten" not in browser.text


async def test_router_that_does_not_answer(home: House) -> None:
    """Whether it was done is said to be unknown."""
    home.world.fault = NotDecided("stopping")
    browser = await home.browser("supervisor")
    await browser.get(SWITCH)
    answer = await browser.post(SWITCH, stand=version(browser), grund=REASON, bis="mittag")
    assert answer.status == 503
    assert "ist unbekannt: bitte nachsehen" in browser.text


async def test_preview(home: House, tmp_path: Path) -> None:
    """Without anybody who can foresee it the page says so; with one it shows both sites, without and with."""
    browser = await home.browser("supervisor")
    await browser.get(SWITCH + "/vorschau")
    assert "Vorschau nicht verfügbar" in browser.text

    asked: list[Wish] = []

    async def foresee(wish: Wish) -> Outlook:
        asked.append(wish)
        cost = Effect("Gera", Range(0.5, 0.6, 0.7), Range(0.3, 0.4, 0.5), -20.0, 3.0)
        if wish.until:
            return Outlook((Span((cost,), -7.0, 60, 9), Span((cost,), -6.6, 180, 4, "13:00")))
        if wish.borrower:
            return Outlook((), (("Heute ist geschlossen.", "Closed for today."),))
        return Outlook((Span((replace(cost, points=0.0),), -7.0, 60, 9), Span((cost,), -6.6, 466, 4)))

    home.front.parts = {**home.front.parts, Preview: Preview(foresee)}
    await browser.get(SWITCH + "/vorschau", **{"HX-Request": "true"})
    assert "<html" not in browser.text
    assert "Kostet Gera bis heute Abend 20,0 ± 3,0 Punkte." in browser.text
    assert "der schlechteste und der beste Verlauf von 9 / 4 simulierten" in browser.text
    assert "7 Anrufe je Stunde gehen weniger über." in browser.text
    assert re.search(r"nächste Stunde</th>.*bis heute Abend</th>", browser.text)
    row = re.sub(r"<[^>]+>", "", browser.text[browser.text.index("Gera</th>") :])
    assert row.startswith("Gera" + "60\u00a0%(50–70)40\u00a0%(30–50)" * 2)
    for query in ("richtung=agency-gera&bis=mittag", "richtung=x&bis=datum&datum=2026-11-24", "bis=datum&datum=x"):
        await browser.get(f"{SWITCH}/vorschau?{query}")
    await browser.get(f"{SWITCH}/vorschau?richtung=agency-gera")
    assert "Heute ist geschlossen." in browser.text
    await browser.get(f"{SWITCH}/vorschau?bis=mittag")
    assert "Kostet Gera bis 13:00 20,0 ± 3,0 Punkte." in browser.text
    del asked[-2:]
    wish = Wish("gera-magdeburg", False)
    assert asked == [wish, replace(wish, borrower="agency-gera", until="12:00:00"), wish, wish]


async def test_preview_that_takes_too_long(home: House) -> None:
    """The dialog says that there is none, and switching goes on."""

    async def foresee(_wish: Wish) -> None:
        await asyncio.Event().wait()

    home.front.parts = {**home.front.parts, Preview: Preview(foresee, within_s=0.01)}
    browser = await home.browser("supervisor")
    await browser.get(SWITCH + "/vorschau")
    assert "Vorschau nicht verfügbar" in browser.text


async def test_preview_that_nobody_waits_for(home: House) -> None:
    """When the page has gone, or asks something else, nothing more is computed for it."""
    begun, gone = asyncio.Event(), asyncio.Event()

    async def foresee(_wish: Wish) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()

    home.front.parts = {**home.front.parts, Preview: Preview(foresee, within_s=60.0)}
    browser = await home.browser("supervisor")
    asking = asyncio.create_task(browser.get(SWITCH + "/vorschau"))
    await begun.wait()
    asking.cancel()
    async with asyncio.timeout(30.0):
        await gone.wait()


async def test_search_goes_back_page_by_page(home: House) -> None:
    """Fifty calls a page, the newest first; each call is on exactly one page."""
    for minute in (5, 10, 15):
        await kept(home, 41, 30, minute)
    browser = await home.browser("ops")
    path, pages = "/anrufe?von=2026-11-23&bis=2026-11-23", []
    while path:
        await browser.get(path)
        pages.append(re.findall(r'<a href="/anrufe/(gera/[\d.]+)"', browser.text))
        onward = re.search(r'<a href="([^"]+)">Ältere</a>', browser.text)
        path = onward[1] if onward else ""
    assert [len(one) for one in pages] == [50, 50, 23]
    every = [call for one in pages for call in one]
    assert len(set(every)) == 123
    minutes = [int(call.removeprefix("gera/").partition(".")[0]) for call in every]
    assert minutes == sorted(minutes, reverse=True)


async def test_search_among_live_calls(home: House) -> None:
    """Number, time and site narrow calls that go on as they do those that have ended; the number is never shown."""
    browser = await home.browser("ops")

    async def found(path: str) -> bool:
        await browser.get(path)
        assert CALLER not in browser.text
        return f'href="/anrufe/{CALL}"' in browser.text

    assert await found("/anrufe?ende=live")
    for path in ("&von=2026-11-22&bis=2026-11-22", "&standort=magdeburg", "&anruf=gera/9", "&anrufer=-"):
        assert not await found(f"/anrufe?ende=live{path}"), path
    for number, there in ((CALLER, True), ("0391 555 0143", False)):
        answer = await browser.post("/anrufe", nummer=number, ende="live")
        assert (answer.status, number in answer.headers["Location"]) == (303, False)
        assert await found(answer.headers["Location"]) is there


async def test_emergency_closing(home: House) -> None:
    """A hotline is closed with reason and end, shown to everybody, and set back."""
    path = "/hotlines/agency-gera/schalten"
    browser = await home.browser("supervisor")
    await browser.get(path)
    answer = await browser.post(path, stand=version(browser), modus="closed", grund="Räumung", bis="stunde")
    assert answer.status == 422
    await browser.post(path, stand=version(browser), modus="closed", grund="Räumung wegen Feueralarms", bis="stunde")
    closed = HotlineSwitched("agency-gera", HotlineMode.CLOSED, NOW + 3600, "Räumung wegen Feueralarms", "supervisor")
    assert home.world.asked == [closed]
    assert home.world.entries[-1]["what"] == "hotline agency-gera"
    await browser.get("/lagebild/gera")
    assert "Notschließung" in browser.text
    assert "„Räumung wegen Feueralarms“, supervisor" in browser.text
    stale = await browser.post(path, stand="normal None", modus="normal", grund="Probe ist zu Ende")
    assert stale.status == 409
    await browser.post(path, stand=version(browser), modus="normal", grund="Probe ist zu Ende")
    assert home.world.asked[-1] == replace(closed, mode=HotlineMode.NORMAL, until=None, reason="Probe ist zu Ende")
    assert (await browser.post(path, stand="x", modus="notice", grund=REASON)).status == 409
    await browser.get(path)
    assert "Ansage:" not in browser.text  # it has none


async def test_forgotten_seat(home: House) -> None:
    """A seat is logged out with a reason, which the audit keeps; its state is shown, and nothing else about it."""
    browser = await home.browser("supervisor")
    await browser.get("/plaetze/gera")
    assert re.search(r"<b>2001</b><span>Bereit</span>", browser.text)
    assert "data-since" not in browser.text
    found = await browser.get("/plaetze/gera/platz?platz=2001")
    assert found.headers["Location"] == "/plaetze/gera/2001"
    assert (await browser.get("/plaetze/gera/platz?platz=..")).status == 404
    assert (await browser.get("/plaetze/gera/9999")).status == 404
    path = "/plaetze/gera/2001"
    assert (await browser.post(path, handlung="abmelden", grund="")).status == 422
    assert (await browser.post(path, handlung="x", grund=REASON)).status == 422
    assert (await browser.post(path, handlung="abmelden", grund="Nach Hause gegangen")).status == 303
    assert home.world.asked == [AgentActed("gera/2001", AgentAct.LOG_OUT, "", "supervisor")]
    assert home.world.entries[-1]["why"] == "Nach Hause gegangen"
    assert (await browser.post(path, handlung="pause", grund="Nach Hause gegangen")).status == 422
    assert "niemand angemeldet" in browser.text


async def test_hidden_seats(tmp_path: Path) -> None:
    """By configuration single seats are not shown; one can still be logged out by its number."""
    async with house(tmp_path, seats="hidden") as home:
        browser = await home.browser("supervisor")
        await browser.get("/plaetze/gera")
        assert "<b>2001</b>" not in browser.text
        assert "werden nach der Konfiguration nicht gezeigt" in browser.text
        assert (await browser.get("/plaetze/gera/2001")).status == 200


async def test_small_teams_have_no_figures(home: House) -> None:
    """Three logged in are too few for figures of the team; five are not."""
    browser = await home.browser("ops")
    await browser.get("/lagebild/gera")
    assert "weniger als 5 angemeldet: keine Zahlen" in browser.text
    assert "bereit," not in browser.text
    assert "<span>3 angemeldet</span>" in browser.text
    await browser.get("/lagebild/magdeburg")
    assert "keine Zahlen" not in browser.text
    assert "<span>5 bereit, 5 angemeldet</span>" in browser.text
    await browser.get("/wand/gera")
    assert "Zu wenige angemeldet für Zahlen." in browser.text


async def test_dead_link(home: House) -> None:
    """A site whose telephone system is out of reach says so, and its figures are marked as old."""
    sites = tuple(replace(site, link_up=site.site != "gera") for site in home.world.state.sites)
    home.world.state = replace(home.world.state, sites=sites)
    browser = await home.browser("supervisor")
    await browser.get("/lagebild/gera")
    assert "Keine Verbindung zur Telefonanlage in Gera" in browser.text
    assert "data-down" in browser.text
    await browser.get("/lagebild/magdeburg")
    assert "Keine Verbindung" not in browser.text


async def test_screens_see_their_own_site(home: House) -> None:
    """A screen on the wall shows its site and no other page."""
    browser = await home.browser("display")
    assert (await browser.get("/")).headers["Location"] == "/wand/gera"
    assert (await browser.get("/wand/gera")).status == 200
    assert (await browser.get("/wand/magdeburg")).status == 403
    assert (await browser.get("/lagebild/gera")).status == 403
    assert (await browser.get("/wand/nowhere")).status == 404


def cells(browser: Browser) -> list[str]:
    """The matrix: what stands where calls of one site (row) meet another (column)."""
    table = browser.text[browser.text.index('class="data matrix"') :].partition("</tbody>")[0]
    found = re.findall(r"<td>(.*?)</td>", table, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in found]


async def test_matrix(home: House) -> None:
    """Each direction's state, what flows now and flowed today, who switched it until when, and who owes whom."""
    await kept(home, 7, 7, 5)  # Magdeburg takes three of them for Gera, 80 seconds each
    await home.front.part(Figures).read()
    views = home.world.state.agreements
    helped = replace(views[0], borrowed=2, max_calls=6)
    home.world.state = replace(home.world.state, agreements=(helped, *views[1:]))
    browser = await home.browser("supervisor")
    await browser.get("/vereinbarungen")
    assert cells(browser) == ["·", "EIN 2 /6 jetzt · heute 3, 4:00", "EIN 0 jetzt · heute 0, 0:00", "·"]
    assert "Saldo heute: Magdeburg hat 4:00 mehr geholfen" in browser.text
    until = NOW + 3600
    await home.world.ask(AgreementSwitched("gera-magdeburg", False, until, REASON, "leitung", "agency-magdeburg"))
    await browser.get("/vereinbarungen")
    assert cells(browser)[1:3] == ["EIN 2 /6 jetzt · heute 3, 4:00", "AUS bis 11:14 0 jetzt · heute 0, 0:00"]
    assert browser.text.count(f"„{REASON}“ – leitung, 10:14") == 1


async def test_switches_are_offered_to_who_may(home: House) -> None:
    """A supervisor of one of the sites finds the buttons in the list of agreements, others look."""
    browser = await home.browser("supervisor")
    await browser.get("/vereinbarungen")
    assert "Überlauf Magdeburg ↔ Gera ausschalten" in browser.text
    looker = await home.browser("ops")
    await looker.get("/vereinbarungen")
    assert "ausschalten" not in looker.text


async def test_state_of_the_service(home: House) -> None:
    """Release and configuration, how old the journal's last entry is, how far the database is behind, and troubles."""
    system = home.front.part(System)
    journal = Quiet(written_at=NOW - 7, path=Path("0001.journal"), lines_lost=3)
    system.backstage = replace(system.backstage, journal=journal, feed=Quiet(behind=1536, stored=1234))
    browser = await home.browser("ops")
    await browser.get("/system")
    shown = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]*)</dd>", browser.text))
    assert shown["callrouter"] == __version__
    assert shown["letzter Eintrag"] == "vor 7 s"
    assert shown["verlorene Zeilen"] == "3"
    assert shown["Rückstand zum Journal"] == "1,5 KiB"
    assert shown["Anrufe seit dem Start"] == "1.234"
    assert '<b class="mono">v1</b> aktiv' in browser.text
    assert "0001.journal" in browser.text
    assert 'class="notice bad"' not in browser.text
    trouble = Quiet("No space left on device")
    system.backstage = replace(system.backstage, journal=trouble, store=Quiet("database is locked"))
    home.world.reasons.append("journal: No space left on device")
    await browser.get("/system")
    assert browser.text.count("No space left on device") == 2
    assert "database is locked" in browser.text
    assert "Nicht bereit" in browser.text


async def test_versions_of_the_sites(home: House) -> None:
    """Each site's Asterisk and dialplan; one that does not fit is said in words, one not known is not."""
    system = home.front.part(System)
    states = [LinkState("gera", phase=Phase.UP, asterisk="22.10.1", dialplan=str(DIALPLAN_VERSION - 1))]
    system.backstage = replace(system.backstage, links=lambda: states)
    browser = await home.browser("ops")

    async def row(site: str) -> list[str]:
        await browser.get("/system")
        found = re.search(rf'<tr id="site-{site}">(.*?)</tr>', browser.text, re.DOTALL)
        assert found
        return re.findall(r">([^<>]*[^<>\s][^<>]*)<", found[1])[-2:]

    assert await row("gera") == ["22.10.1", str(DIALPLAN_VERSION - 1)]
    assert "ist zu alt; gebraucht wird 3" in browser.text
    assert await row("magdeburg") == ["unbekannt", "unbekannt"]
    assert "Alles in Ordnung" not in browser.text
    states[0].dialplan = ""
    assert await row("gera") == ["22.10.1", "fehlt"]
    assert "callrouter.conf ist nicht geladen" in browser.text
    states[0].dialplan = str(DIALPLAN_VERSION + 1)
    await row("gera")
    assert "dieser Dienst ist für 3 gemacht" in browser.text
    states[0].asterisk, states[0].dialplan = None, str(DIALPLAN_VERSION)
    assert await row("gera") == ["unbekannt", str(DIALPLAN_VERSION)]
    assert "Alles in Ordnung" in browser.text


def test_five_working_days() -> None:
    """Weekends and the holidays of the Land do not count: 27 May 2027 is one in Aachen, not in Gera."""
    zone = ZoneInfo("Europe/Berlin")
    now = datetime(2027, 5, 25, 9, 0, tzinfo=zone).timestamp()
    for land, day in (("TH", 1), ("NW", 2)):
        end = latest_end(Site("x", "X", land, "Europe/Berlin"), now)
        assert datetime.fromtimestamp(end - 1, zone).date().isoformat() == f"2027-06-0{day}"
