"""Agents and departments at their pages: a call pops, is answered, and what is promised arrives at the department."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from time import monotonic, time
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from sqlalchemy import delete

from callrouter import wiring
from callrouter.core.callbacks import Callback, CallbackKind, TryResult
from callrouter.core.commands import Command, Offer
from callrouter.core.events import AgentAct, AgentActed, Event
from callrouter.office.gate import QUICK_S
from callrouter.sim.people import ANSWERS, IGNORES, Behaviour, VirtualCaller
from callrouter.store.schema import CALLBACK
from callrouter.store.search import trail
from tests.pages.conftest import Windows
from tests.pages.stage import BERLIN, GERA, Show, show
from tests.pages.test_keyboard import tab_to
from tests.pages.test_looks import TOO_WIDE, findings
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
# a Friday; the Monday after is a holiday in Thüringen, so two working days end on Wednesday
FRIDAY = datetime(2027, 9, 17, 9, 14, tzinfo=BERLIN).timestamp()
AGENT, ACCOUNT, DEPARTMENT = "gera/2001", "agent-gera", "fachbereich-gera"
CALLER = "036551234567"
POPPED = """() => new Promise(done => {
  const seen = () => document.querySelector("[role=alert].ringing") && document.title.startsWith("● ");
  const look = () => seen() && done(Date.now());
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
})"""
OFFERS = 5  # so often the time to the page is taken; a busy machine may be late now and then


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def friday(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Show]:
    async with show(tmp_path_factory.mktemp("friday"), FRIDAY, gera_ring_max_s=110.0) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def stage(friday: Show) -> AsyncIterator[Show]:
    yield friday
    await friday.calm()


async def sit_down(windows: Windows, stage: Show, **options: object) -> Page:
    """The agent at his page, ready, the only one in Gera."""
    phone = stage.sites["gera"].phone("2001")
    phone.behaviour = IGNORES
    page = await windows.open("/arbeitsplatz", ACCOUNT, **options)
    await expect(page.locator("[data-seat-state=paused]")).to_be_visible()
    await page.keyboard.press("F2")
    await expect(page.locator("[data-seat-state=ready]")).to_be_visible()
    return page


async def ring(page: Page, stage: Show) -> VirtualCaller:
    """Somebody calls Gera, the agent's phone rings, and his page says so."""
    person = await stage.call(GERA, CALLER)
    await until(lambda: stage.sites["gera"].phone("2001").calls)
    await expect(page.locator(".ringing")).to_be_visible()
    return person


async def settle(page: Page, person: VirtualCaller) -> None:
    """He hangs up, and the agent says with three keys that it is settled."""
    person.hang_up()
    await expect(page.locator("[data-seat-state=wrap_up]")).to_be_visible()
    await page.keyboard.press("F4")
    await page.keyboard.press("1")
    await page.keyboard.press("F2")


async def test_a_call_pops_within_a_second_also_in_a_hidden_tab(windows: Windows, stage: Show) -> None:
    """From the router's offer to the alert on the page and the word in the tab's title."""
    page = await sit_down(windows, stage)
    await page.evaluate(
        """() => {
          Object.defineProperty(document, "hidden", { get: () => true });
          Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    offered: list[float] = []

    def watch(_event: Event, commands: Sequence[Command], _now: float) -> None:
        offered.extend(time() for one in commands if isinstance(one, Offer))

    stage.service.engine.observe(watch)
    took = []
    for _ in range(OFFERS):
        offered.clear()
        shown = asyncio.ensure_future(page.evaluate(POPPED))
        person = await stage.call(GERA, CALLER)
        took.append(await shown / 1000 - offered[0])
        person.hang_up()
        await expect(page.locator(".ringing")).to_have_count(0)
        await expect(page.locator("[data-seat-state=ready]")).to_be_visible()
    print("offer to page:", [f"{seconds:.2f} s" for seconds in took])
    assert min(took) < 1.0, took


async def test_an_incoming_call_is_never_held_still(windows: Windows, stage: Show) -> None:
    """Who has paused the display is shown the call all the same; the session does not warn while he has one."""
    page = await sit_down(windows, stage)
    await page.get_by_role("button", name="Anzeige anhalten").click()
    person = await ring(page, stage)
    assert await page.evaluate("document.documentElement.dataset.busy") == "call"
    await page.keyboard.press("F2")
    await expect(page.locator("[data-pop=talking]")).to_contain_text("0365 51234567")
    person.hang_up()


async def test_a_phone_that_cannot_be_answered_from_here(windows: Windows, stage: Show) -> None:
    """One that knows no remote control: the agent is told to lift it, and does. Where no phone can be asked there is no
    button, and F2 does nothing."""
    page = await sit_down(windows, stage)
    phone = stage.sites["gera"].phone("2001")
    phone.behaviour = Behaviour(talks=False)
    person = await ring(page, stage)
    await page.keyboard.press("F2")
    await expect(page.get_by_role("alert").filter(has_text="Das Telefon reagiert nicht.")).to_be_visible()
    await expect(page.get_by_role("button", name="Annehmen")).to_be_visible()
    phone.calls[0].answer()
    await expect(page.locator("[data-pop=talking]")).to_be_visible()
    await settle(page, person)
    stage.service.handsets.use({})
    try:
        person = await ring(page, stage)
        await expect(page.get_by_text("Bitte am Telefon abnehmen.")).to_be_visible()
        await expect(page.get_by_role("button", name="Annehmen")).to_have_count(0)
        await page.keyboard.press("F2")
        person.hang_up()
        await expect(page.locator("[data-seat-state=ready]")).to_be_visible()
    finally:
        stage.service.handsets.use(wiring.phone_logins(stage.service.loaded.network, lambda _: stage.secret))


async def test_more_time_after_a_call(windows: Windows, stage: Show) -> None:
    """Wrap-up is made longer by a button; a pause from there waits for no call."""
    page = await sit_down(windows, stage)
    person = await ring(page, stage)
    await page.keyboard.press("F2")
    await expect(page.locator("[data-pop=talking]")).to_be_visible()
    person.hang_up()
    await expect(page.locator("[data-seat-state=wrap_up]")).to_be_visible()
    before = stage.service.office.floor.seat(AGENT)
    await page.get_by_role("button", name="Mehr Zeit").click()
    await until(lambda: (seat := stage.service.office.floor.seat(AGENT)) and before and seat.until != before.until)
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.locator("[data-seat-state=paused]")).to_be_visible()


WORDS = {
    "de-DE": (
        "Eingehender Anruf",
        "Fachbereich",
        "Anliegen",
        "Fällig bis",
        "Mi 22.09. 18:00",
        "Übernehmen",
        "Erledigt",
    ),
    "en-GB": ("Incoming call", "Department", "Request", "Due by", "Wed 22 Sept 18:00", "Take", "Done"),
}


@pytest.mark.parametrize("locale", WORDS)
async def test_a_promise_from_the_call_to_the_department(windows: Windows, stage: Show, locale: str) -> None:
    """By keyboard alone: answered with F2 while typing, promised with F8; due at the department after a weekend and a
    public holiday, taken and done there."""
    ringing, department, _, due, day, take, done = WORDS[locale]
    page = await sit_down(windows, stage, locale=locale)
    await page.keyboard.press("F9")
    await page.keyboard.type("Geld")
    person = await ring(page, stage)
    await expect(page.get_by_role("alert").filter(has_text=ringing)).to_be_visible()
    assert "•••567" in await page.locator("#call").inner_text()
    assert "1234567" not in await page.content()
    await page.keyboard.press("F2")
    await person.until("talking")
    await expect(page.locator("[data-pop=talking]")).to_contain_text("0365 51234567")
    await expect(page.locator("#suche")).to_have_value("Geld")
    await expect(page.locator("#suche")).to_be_focused()
    await page.keyboard.press("F8")
    await expect(page.locator("#subject")).to_be_focused()
    await page.keyboard.type("Fragt nach dem Bescheid")
    person.hang_up()
    await expect(page.locator("[data-seat-state=wrap_up]")).to_be_visible()
    await expect(page.locator("#result")).to_contain_text("0365 51234567")
    await expect(page.locator("#subject")).to_be_focused()
    await page.keyboard.type(f" ({locale}).")
    await tab_to(page, department, "Shift+Tab")
    await page.keyboard.type("Leistungsabteilung Gera")
    await expect(page.locator("#due-shown")).to_have_text(day)
    await page.keyboard.press("F2")
    await expect(page.locator("[data-seat-state=ready]")).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text=day)).to_be_visible()
    assert "1234567" not in await page.content()

    page = await windows.open("/rueckrufe", DEPARTMENT, locale=locale)
    row = page.locator("tr").filter(has_text=f"({locale})")
    await expect(row).to_contain_text(day)
    await expect(page.get_by_role("columnheader", name=due)).to_be_visible()
    assert "1234567" not in await page.content()
    await tab_to(page, f"{take} ")
    await page.keyboard.press("Enter")
    await expect(row).to_contain_text("0365 51234567")
    await tab_to(page, f"{done} ")
    await page.keyboard.press("Enter")
    await expect(row.locator(".state.good")).to_have_text(done)
    assert "1234567" not in await page.content()


async def test_a_reload_in_a_call_shows_the_call(windows: Windows, stage: Show) -> None:
    """Audio is on the phone; the same tab goes on, another one asks before it takes over."""
    page = await sit_down(windows, stage)
    person = await ring(page, stage)
    await page.keyboard.press("F2")
    await person.until("talking")
    await expect(page.locator("[data-pop=talking]")).to_be_visible()
    await page.reload()
    await expect(page.locator("[data-pop=talking]")).to_contain_text("0365 51234567")
    await until(lambda: stage.service.office.floor.elsewhere(AGENT, "another"))  # it has said that it is back
    other = await windows.open("/arbeitsplatz", ACCOUNT)
    await expect(other.get_by_role("heading", name="in einem anderen Fenster geöffnet")).to_be_visible()
    await expect(other.get_by_role("button", name="Hier übernehmen")).to_be_focused()
    await other.keyboard.press("Enter")
    await expect(other.locator("[data-pop=talking]")).to_contain_text("0365 51234567")
    await expect(page.get_by_role("heading", name="in einem anderen Fenster geöffnet")).to_be_visible()
    assert person.state == "talking"


async def test_a_missed_call_is_said_and_f2_makes_ready(windows: Windows, stage: Show) -> None:
    """The caller waits on with his waiting time; the agent is told, and one key brings him back."""
    page = await sit_down(windows, stage)
    person = await ring(page, stage)
    stage.sites["gera"].phone("2001").calls[0].refuse(480)
    await expect(page.get_by_role("alert").filter(has_text="Verpasst – wieder bereit?")).to_be_visible()
    assert person.state == "ringing"
    await page.keyboard.press("F2")
    await expect(page.locator(".ringing")).to_be_visible()
    person.hang_up()


async def test_digits_choose_only_in_the_group_of_results(windows: Windows, stage: Show) -> None:
    """F4 leads there; elsewhere a digit is a digit. What is missing is said with the focus on it; keys can be off."""
    page = await sit_down(windows, stage)
    person = await ring(page, stage)
    await page.keyboard.press("F2")
    await person.until("talking")
    await page.locator("#note").focus()
    await page.keyboard.type("3")
    await expect(page.locator("input[name=disposition]:checked")).to_have_count(0)
    await page.keyboard.press("F4")
    await page.keyboard.press("2")
    await expect(page.get_by_role("radio", name="Rückruf")).to_be_checked()
    await tab_to(page, "Speichern")
    await page.keyboard.press("Enter")
    problem = page.locator("#result").get_by_role("alert")
    await expect(problem).to_be_focused()
    await expect(problem).to_contain_text("Es gibt ein Problem")
    await expect(page.locator("#note")).to_have_value("3")
    await page.get_by_role("button", name="Tastenkürzel").click()
    await page.get_by_label("Tastenkürzel eingeschaltet").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("F4")
    await expect(page.locator("input[name=disposition]:focus")).to_have_count(0)
    person.hang_up()


async def test_an_inquiry_comes_when_nobody_calls_and_goes_when_somebody_does(windows: Windows, stage: Show) -> None:
    """From the public's contact form to the agent, away with a call, back with what he had written, out by e-mail."""
    page = await sit_down(windows, stage)
    public = await windows.open("/standorte/gera/kontakt")
    stage.service.office.gate._clock = lambda: monotonic() + QUICK_S  # no robot
    await public.get_by_label("Ihr Name").fill("Kim Öz")
    await public.get_by_label("E-Mail-Adresse").fill("kim@familie.example")
    await public.get_by_label("Betreff").fill("Öffnungszeiten")
    await public.get_by_label("Ihre Nachricht").fill("Wann haben Sie am Brückentag offen?")
    await public.get_by_label("Worum geht es?").select_option("general")
    await public.get_by_role("button", name="Absenden").click()
    answer = page.get_by_label("Antwort", exact=True)
    await expect(answer).to_be_visible(timeout=60_000)
    await answer.fill("Guten Tag Kim Öz, am Brückentag ist von acht bis zwölf offen.")
    person = await ring(page, stage)
    await expect(answer).to_have_count(0)
    await page.keyboard.press("F2")
    await person.until("talking")
    await settle(page, person)
    await expect(page.locator("[data-seat-state=ready]")).to_be_visible()
    await expect(answer).to_have_value("Guten Tag Kim Öz, am Brückentag ist von acht bis zwölf offen.", timeout=60_000)
    await page.get_by_role("button", name="Antwort senden").click()
    letter = await stage.post.received(1)
    assert letter.recipients == ("kim@familie.example",)
    assert "von acht bis zwölf" in letter.message.get_content()


async def promised(stage: Show) -> None:
    """Callbacks of every kind on the department's list, and nothing else."""
    now = stage.service.engine.now()
    store, lists = stage.service.office.callbacks, stage.service.office.worklists
    async with store._engine.begin() as connection:
        await connection.execute(delete(CALLBACK))
    for number, due_at in enumerate((now - 9e3, now + 9e3, now + 9e5, now + 9e5, now + 9e5)):
        await store.add(
            Callback(
                f"gera/d{number}", CallbackKind.DEPARTMENT, "agency-gera", "benefit", "gera", "+4936551234567",
                now - 9e5, due_at, department="benefit-gera", subject="Fragt nach dem Bescheid.", wish="vormittags",
                call="gera/1.1",
            )
        )  # fmt: skip
    await lists.refresh()
    for id_ in ("gera/d2", "gera/d3"):
        await lists.take(id_, "benefit-gera", DEPARTMENT)
    await lists.missed("gera/d3", "benefit-gera", DEPARTMENT, TryResult.BUSY)


@pytest.mark.parametrize(("scheme", "locale"), [("light", "de-DE"), ("dark", "en-GB")])
async def test_axe_has_nothing_to_say_whatever_happens(
    windows: Windows, stage: Show, scheme: Literal["light", "dark"], locale: str
) -> None:
    """Every state of the agent's page, its dialog and its problems, the list with every light, and the search."""
    await promised(stage)
    page = await sit_down(windows, stage, locale=locale, color_scheme=scheme)
    found = await findings(page)
    person = await ring(page, stage)
    found += await findings(page)
    await page.keyboard.press("F2")
    await expect(page.locator("[data-pop=talking]")).to_be_visible()
    await page.keyboard.press("F8")
    await expect(page.locator("#subject")).to_be_visible()
    found += await findings(page)
    await page.set_viewport_size({"width": 320, "height": 700})
    assert await page.evaluate(TOO_WIDE) == []
    await page.set_viewport_size({"width": 1440, "height": 900})
    person.hang_up()
    await expect(page.locator("[data-seat-state=wrap_up]")).to_be_visible()
    await page.keyboard.press("F2")
    await expect(page.locator("#result").get_by_role("alert")).to_be_focused()
    found += await findings(page)
    await page.locator("#keys-open").click()
    found += await findings(page)
    await page.keyboard.press("Escape")
    await page.keyboard.press("F4")
    await page.keyboard.press("1")
    await page.keyboard.press("F2")
    await expect(page.locator("[data-seat-state=ready]")).to_be_visible()
    await (await ring(page, stage)).until("ringing")
    stage.sites["gera"].phone("2001").calls[0].refuse(480)
    await expect(page.locator("[data-seat-state=missed]")).to_be_visible()
    found += await findings(page)
    again = await windows.open("/arbeitsplatz", ACCOUNT, locale=locale, color_scheme=scheme)
    await expect(again.locator("#again")).to_be_visible()
    found += await findings(again)

    page = await windows.open("/rueckrufe/benefit-gera", DEPARTMENT, locale=locale, color_scheme=scheme)
    await expect(page.locator("tr.bad, tr.risk")).to_have_count(2)
    found += await findings(page)
    await page.set_viewport_size({"width": 320, "height": 700})
    assert await page.evaluate(TOO_WIDE) == []
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.locator("#nummer").fill("0365 51234567")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    await expect(page.locator("tbody tr").first).to_be_visible()
    found += await findings(page)
    assert not found, "\n".join(found)


async def test_pause_after_the_call(windows: Windows, stage: Show) -> None:
    """Chosen while he talks, it begins when the result is given."""
    page = await sit_down(windows, stage)
    person = await ring(page, stage)
    await page.keyboard.press("F2")
    await person.until("talking")
    await page.get_by_label("Pause nach dem Gespräch").check()
    await settle(page, person)
    await expect(page.locator("[data-seat-state=paused]")).to_be_visible()


async def test_what_others_do_with_the_seat_is_seen(windows: Windows, stage: Show) -> None:
    """A supervisor's pause is on the page at once, and a phone that is gone says that no calls come."""
    page = await sit_down(windows, stage)
    await stage.service.engine.ask(AgentActed(AGENT, AgentAct.PAUSE, "test", "somebody"))
    await expect(page.locator("[data-seat-state=paused]")).to_be_visible()
    stage.sites["gera"].phone("2001").unregister()
    await page.keyboard.press("F2")
    await expect(page.get_by_role("alert").filter(has_text="Nicht verbunden")).to_be_visible()
    stage.sites["gera"].phone("2001").register()
    await expect(page.locator("[data-seat-state=ready]")).to_be_visible()


async def test_who_gave_up_is_rung_from_the_list(windows: Windows, stage: Show) -> None:
    """The agent's phone first, then the caller's, whose number is on the page during that call alone; it was a mailbox,
    so he is to be rung again."""
    page = await sit_down(windows, stage)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator("[data-seat-state=paused]")).to_be_visible()
    person = await stage.call(GERA, CALLER)
    person.hang_up()
    task = page.locator("#tasks li")
    await expect(task).to_contain_text("•••567")
    await task.get_by_role("button", name="Anrufen").click()
    await expect(page.get_by_role("alert").filter(has_text="Ihr Telefon klingelt")).to_be_visible()
    await page.keyboard.press("F2")
    await expect(page.locator("[data-out=talking]")).to_contain_text("0365 51234567", timeout=30_000)
    stage.sites["gera"].phone("2001").hang_up()
    await expect(page.locator("[data-out]")).to_have_count(0)
    assert "51234567" not in await page.content()
    await expect(page.get_by_text("Niemand wartet auf einen Rückruf.")).to_be_visible()
    await page.get_by_role("button", name="Es war nicht der Anrufer").click()
    await expect(task).to_contain_text("1 Versuch")


async def test_an_agent_rings_a_number_of_his_own_choice(windows: Windows, stage: Show) -> None:
    """Not any number, not while somebody waits. His phone first; the number is gone from the page when it is over.
    A call that fails leaves him as he was; the audit trail says why, the number only masked."""
    page = await sit_down(windows, stage)
    await page.get_by_text("Nummer anrufen").click()
    form = page.locator("details.more", has_text="Nummer anrufen")
    assert await findings(page) == []
    number, purpose = form.get_by_label("Rufnummer"), form.get_by_label("Anlass")
    await number.fill("0900 1234567")
    await purpose.fill("Unterlagen fehlen")
    await form.get_by_role("button", name="Anrufen").click()
    await expect(page.get_by_role("alert").filter(has_text="kann von hier aus nicht angerufen werden")).to_be_visible()
    await number.fill("0171 9876543")
    outside = stage.sites["gera"].outside("01719876543")
    outside.choose = lambda _: Behaviour(refuse=486)
    await form.get_by_role("button", name="Anrufen").click()
    await expect(page.get_by_role("alert").filter(has_text="Ihr Telefon klingelt")).to_be_visible()
    await expect(number).to_have_value("")
    await page.keyboard.press("F2")
    await expect(page.get_by_text("Letzter Anruf: besetzt.")).to_be_visible()
    await expect(page.locator("[data-seat-state=ready]")).to_be_visible()
    outside.choose = lambda _: ANSWERS
    await number.fill("+49 171 9876543")
    await purpose.fill("Termin verschieben")
    await form.get_by_role("button", name="Anrufen").click()
    await expect(page.locator("[data-out=ringing]")).to_contain_text("Termin verschieben")
    await page.keyboard.press("F2")
    await expect(page.locator("[data-out=talking]")).to_contain_text("0171 9876543")
    await expect(page.locator("[data-seat-state=talking]")).to_be_visible()
    stage.sites["gera"].phone("2001").hang_up()
    await expect(page.locator("[data-seat-state=wrap_up]")).to_be_visible()
    assert "9876543" not in await page.content()
    person = await stage.call(GERA, "036555555555")
    await number.fill("0171 9876543")
    await purpose.fill("Noch einmal")
    await form.get_by_role("button", name="Anrufen").click()
    await expect(page.get_by_role("alert").filter(has_text="Ein Anrufer wartet: er geht vor.")).to_be_visible()
    person.hang_up()
    entries, _ = await trail(stage.service.store.engine, "", "outbound call", None)
    assert [(one.why, one.after) for one in entries] == [
        ("Termin verschieben", "•••543, shows agency-gera"), ("Unterlagen fehlen", "•••543, shows agency-gera")
    ]  # fmt: skip


async def test_callers_who_wait_go_before_lists(windows: Windows, stage: Show) -> None:
    """Nobody is rung from a list while somebody rings us; the page says why."""
    page = await sit_down(windows, stage)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator("[data-seat-state=paused]")).to_be_visible()
    (await stage.call(GERA, "036559876543")).hang_up()
    await expect(page.locator("#tasks li").first).to_be_visible()
    person = await stage.call(GERA, "036555555555")
    await page.locator("#tasks").get_by_role("button", name="Anrufen").first.click()
    await expect(page.get_by_role("alert").filter(has_text="Ein Anrufer wartet: er geht vor.")).to_be_visible()
    person.hang_up()


async def test_a_department_rings_from_its_list(windows: Windows, stage: Show) -> None:
    """Who has a seat has his own phone rung first; the number is there while that call lives, and no longer."""
    await promised(stage)
    phone = stage.sites["gera"].phone("2002")
    phone.behaviour = IGNORES
    page = await windows.open("/rueckrufe", "rueckruf-gera")
    row = page.locator("#row-gera-d0")
    await row.get_by_role("button", name="Übernehmen").click()
    await expect(row).to_contain_text("In Arbeit")
    assert "51234567" not in await page.content()
    await row.get_by_role("button", name="Anrufen").click()
    await expect(row).to_contain_text("Ihr Telefon klingelt")
    phone.calls[0].answer()
    await expect(row).to_contain_text("Im Gespräch", timeout=30_000)
    await expect(row).to_contain_text("0365 51234567")
    phone.hang_up()
    await expect(row.get_by_role("button", name="Erledigt")).to_be_visible()
    assert "51234567" not in await page.content()
    await row.get_by_role("button", name="Erledigt").click()
    await expect(row.locator(".state.good")).to_have_text("Erledigt")


async def test_a_department_without_seats_rings_from_its_own_phone(windows: Windows, stage: Show) -> None:
    """Which of its phones is his he says once; it rings first, then the caller. No seat is moved, nobody counted."""
    await promised(stage)
    phone = stage.sites["gera"].phone("2902")
    phone.behaviour = IGNORES
    page = await windows.open("/rueckrufe", DEPARTMENT)
    row = page.locator("#row-gera-d0")
    await row.get_by_role("button", name="Übernehmen").click()
    await expect(row).to_contain_text("0365 51234567")
    await page.get_by_label("Telefon an diesem Platz").select_option("2902")
    await page.get_by_role("button", name="Merken").click()
    await expect(row.get_by_role("button", name="Anrufen")).to_be_visible()
    assert "51234567" not in await page.content()
    before = stage.service.engine.counts().agents
    phone.behaviour = Behaviour(refuse=603)
    await row.get_by_role("button", name="Anrufen").click()
    await expect(row).to_contain_text("das eigene Telefon nahm nicht ab")
    phone.behaviour = IGNORES
    await row.get_by_role("button", name="Anrufen").click()
    await expect(row).to_contain_text("Ihr Telefon klingelt")
    phone.calls[0].answer()
    await expect(row).to_contain_text("Im Gespräch", timeout=30_000)
    await expect(row).to_contain_text("0365 51234567")
    assert stage.service.engine.counts().agents == before
    phone.hang_up()
    await expect(row.get_by_role("button", name="Erledigt")).to_be_visible()
    assert "51234567" not in await page.content()
    assert await page.evaluate(TOO_WIDE) == []
    assert await findings(page) == []
