"""The screen on a wall: readable from afar, whole screen, never logged out, and never doing anything."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.pages.conftest import Windows
from tests.pages.every import SCREEN
from tests.pages.stage import HALBERSTADT, Show

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (3840, 2160)])
async def test_fits_the_screen(windows: Windows, stage: Show, width: int, height: int) -> None:
    """On televisions of all sizes all of it is seen without scrolling, the large figures at least 48 pixels high."""
    await stage.occupy("agency-magdeburg", HALBERSTADT)
    await stage.call(HALBERSTADT)
    page = await windows.open("/wand/magdeburg", SCREEN, viewport={"width": width, "height": height})
    await expect(page.locator("#course-chart canvas")).to_be_visible()
    words = ("Wartende", "Längste Wartezeit", "Erreicht ≤ 4 min", "Erster Anruf erreicht", "Erstlösung")
    for word in (*words, "Nicht erreicht"):
        await expect(page.locator("#head").get_by_text(word, exact=True)).to_be_in_viewport()
    for title in ("Plätze", "Überlauf", "Hotlines", "Erreichbarkeit heute"):
        await expect(page.get_by_role("region", name=title)).to_be_in_viewport(ratio=1)
    sizes = await page.locator("#head b").evaluate_all("all => all.map(b => parseFloat(getComputedStyle(b).fontSize))")
    assert min(sizes) >= 48
    await expect(page.locator("#lines")).to_contain_text("Halberstadt")


async def test_whole_screen(windows: Windows, stage: Show) -> None:
    """One button; then the picture alone is left, without controls, and goes on moving."""
    page = await windows.open("/wand/magdeburg", SCREEN)
    button = page.get_by_role("button", name="Ganzer Bildschirm")
    await button.click()
    await page.wait_for_function("document.fullscreenElement === document.documentElement")
    await expect(button).not_to_be_visible()
    await stage.occupy("agency-magdeburg", HALBERSTADT)
    await stage.call(HALBERSTADT)
    await expect(page.locator("#lines")).to_contain_text("Halberstadt")


async def test_screen_shows_its_site_alone_and_switches_nothing(windows: Windows, stage: Show) -> None:
    """Another site's wall is not its own; no form of it changes anything but language and pause of the picture."""
    page = await windows.open("/wand/magdeburg", SCREEN)
    assert await page.locator("main form, main a").count() == 0
    answer = await page.goto(stage.url + "/wand/gera")
    assert answer is not None
    assert answer.status == 403
