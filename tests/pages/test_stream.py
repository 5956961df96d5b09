"""What a page does when its stream is lost, comes back, is held, or when its session ends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.pages.conftest import Windows
from tests.pages.relay import Relay
from tests.pages.stage import HALBERSTADT, Show

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def relay(windows: Windows) -> AsyncIterator[Relay]:
    """A network between browser and service that can fail."""
    made = Relay()
    await made.start("127.0.0.1", windows.stage.service.server.port)
    windows.url, windows.may_fail = made.url, True
    yield made
    await made.stop()


async def silent(page: Page, seconds: int) -> None:
    """So much time passes in the browser while nothing comes."""
    await page.clock.run_for(seconds * 1000)


@pytest.mark.parametrize("how", ["hang", "cut"])
async def test_lost_and_found(windows: Windows, stage: Show, relay: Relay, how: str) -> None:
    """Within 13 s the page says since when it knows nothing, greys its figures and stops its timers; after a minute it
    shows no live counts; when the network is back it has the whole picture."""
    await stage.occupy("agency-magdeburg", HALBERSTADT)
    page = await windows.open("/lagebild/magdeburg", "leitung-magdeburg")
    await stage.call(HALBERSTADT)
    await expect(page.locator("#waiting")).to_contain_text("Halberstadt")
    await page.clock.install()
    await page.reload()
    alert = page.locator("#alert")
    await page.clock.run_for(1_000)
    await expect(page.locator("#waiting time").first).to_be_visible()
    getattr(relay, how)()
    await silent(page, 13)
    await expect(alert).to_have_text(re.compile(r"Verbindung unterbrochen – Stand \d\d:\d\d:\d\d"))
    await expect(page.locator("#live")).to_contain_text("Stand")
    assert await page.locator("#head").evaluate("e => getComputedStyle(e).filter") == "grayscale(1)"
    stopped = await page.locator("#waiting time").first.text_content()
    await silent(page, 5)
    assert await page.locator("#waiting time").first.text_content() == stopped
    await silent(page, 50)
    await expect(page.locator("#head b").first).to_have_text("–")
    await stage.call(HALBERSTADT)
    relay.mend()
    for _ in range(20):
        await silent(page, 3)
        if not await alert.text_content():
            break
        await asyncio.sleep(0.2)
    await expect(alert).to_be_empty()
    await expect(page.locator("#waiting tbody tr")).to_have_count(2)
    await expect(page.locator("#head b").first).to_have_text("2")


async def test_first_connection_that_fails(windows: Windows, stage: Show) -> None:
    """A stream that was refused at first is opened again by the page itself."""
    windows.may_fail = True
    await stage.occupy("agency-magdeburg", HALBERSTADT)
    page = await windows.open("/anmelden", "leitung-magdeburg")
    refused = 0

    async def refuse(route: object) -> None:
        nonlocal refused
        refused += 1
        await route.fulfill(status=503)  # type: ignore[attr-defined]

    await page.route("**/strom", refuse, times=1)
    await page.clock.install()
    await page.goto(stage.url + "/lagebild/magdeburg")
    await page.clock.run_for(8_000)
    await stage.call(HALBERSTADT)
    await expect(page.locator("#waiting")).to_contain_text("Halberstadt")
    assert refused == 1


async def test_lost_before_its_first_sign_of_life(windows: Windows, stage: Show) -> None:
    """A page whose stream never came says since when it knows nothing: since it was written."""
    windows.may_fail = True
    page = await windows.open("/anmelden", "leitung-magdeburg")
    await page.route("**/strom", lambda route: route.abort())
    await page.clock.install()
    await page.goto(stage.url + "/lagebild/magdeburg")
    await silent(page, 13)
    written = await page.locator("#live time").text_content()
    assert written
    await expect(page.locator("#alert")).to_have_text(f"Verbindung unterbrochen – Stand {written}")


async def test_holding_the_display(windows: Windows, stage: Show) -> None:
    """Held, nothing moves and the page says since when; let go, it shows what is."""
    await stage.occupy("agency-magdeburg", HALBERSTADT)
    page = await windows.open("/lagebild/magdeburg", "leitung-magdeburg")
    await expect(page.locator("#live time")).to_be_visible()
    button = page.get_by_role("button", name="Anzeige anhalten")
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#alert")).to_contain_text("Anzeige angehalten – Stand")
    drawn = stage.service.front.live.frames
    await stage.call(HALBERSTADT)
    while stage.service.front.live.frames == drawn:
        await asyncio.sleep(0.01)
    await expect(page.locator("#waiting")).to_contain_text("Zurzeit wartet niemand.")
    await button.click()
    await expect(page.locator("#waiting")).to_contain_text("Halberstadt")
    await expect(page.locator("#alert")).to_be_empty()


async def test_dead_telephone_system(windows: Windows, stage: Show) -> None:
    """The site whose link is down says so while the stream lives; the others do not."""
    page = await windows.open("/lagebild/gera", "leitung-gera")
    far = await windows.open("/lagebild/magdeburg", "leitung-magdeburg")
    await stage.sites["gera"].cut_link()
    await expect(
        page.get_by_role("alert").filter(has_text="Keine Verbindung zur Telefonanlage in Gera")
    ).to_be_visible()
    await expect(far.locator("#link")).to_be_empty()
    await stage.sites["gera"].mend_link()
    await expect(page.locator("#link")).to_be_empty(timeout=30_000)


async def test_revoked_session_ends_the_page(windows: Windows, stage: Show) -> None:
    """Within seconds a page whose session was ended elsewhere shows the login, and nothing of the site any more."""
    page = await windows.open("/lagebild/magdeburg", "leitung-magdeburg")
    await expect(page.locator("#live time")).to_be_visible()
    accounts = stage.service.front.accounts
    account = await accounts.account("leitung-magdeburg")
    assert account is not None
    await accounts.end_all(account.id)
    await expect(page.get_by_role("heading", name="Anmelden")).to_be_visible(timeout=30_000)
    assert "weiter=/lagebild/magdeburg" in page.url


async def test_warning_before_the_session_ends(windows: Windows, stage: Show) -> None:
    """Two minutes ahead a dialog asks; staying is one key."""
    page = await windows.open("/vereinbarungen", "leitung-magdeburg")
    await page.clock.install()
    await page.reload()
    warning = page.get_by_role("dialog", name="Sie werden gleich abgemeldet")
    await expect(warning).not_to_be_visible()
    await page.clock.fast_forward(59 * 60 * 1000)
    await expect(warning).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(warning).not_to_be_visible()
