"""Every page for everybody: no finding of axe-core in either theme and language; narrow, enlarged, without motion."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from callrouter.sim.people import IGNORES
from callrouter.web.pages import ROUTES
from tests.pages.conftest import Windows
from tests.pages.every import LEADER, OTHERS, PAGES
from tests.pages.stage import ARGE, GERA, HALBERSTADT, Show

pytestmark = pytest.mark.asyncio(loop_scope="session")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": TAGS, "resultTypes": ["violations"]}
WINDOW: Any = {"width": 1440, "height": 900}
# elements that stick out of a page that scrolls sideways
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
  .filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest(".scroll"))
  .map(e => `${e.tagName}#${e.id}.${e.className} to ${Math.round(e.getBoundingClientRect().right)}`)"""

# every place gets a name that cannot be parted at a space or hyphen
LONG_NAMES = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode())
    if (!texts.currentNode.parentElement.closest("script, option"))
      texts.currentNode.data = texts.currentNode.data.replace(/Magdeburg|Halberstadt|Stendal|Gera|Gotha|Aachen/g,
        "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetzstelle");
}"""


async def test_no_page_is_forgotten() -> None:
    """Whoever adds a page adds it to those that are looked at here."""
    read = {route.path for route in ROUTES if route.method == "GET" and not route.stream}
    assert read == PAGES.keys() | OTHERS


async def findings(page: Page) -> list[str]:
    results: Any = await Axe().run(page, options=RULES)
    return [
        f"{page.url}: {one['id']}: {node['target']} {node.get('failureSummary', '')}"
        for one in results.response["violations"]
        for node in one["nodes"]
    ]


async def busy(stage: Show) -> str:
    """Something of everything: callers who wait, talk and are lent. The last call."""
    await stage.staff("agency-magdeburg", 8)
    await stage.staff("arge-magdeburg", 3, IGNORES)
    await (await stage.call(HALBERSTADT)).until("talking")  # whose hotline has a share
    for _ in range(3):
        await (await stage.call(GERA)).until("talking")
        last = await stage.call(ARGE)
    return last.call


@pytest.mark.parametrize(("scheme", "language"), [("light", "de-DE"), ("dark", "en-GB")])
async def test_nothing_is_hard_to_read_or_cut_off(windows: Windows, stage: Show, scheme: Any, language: str) -> None:
    """Light and German, dark and English: together all colours and all words are looked at. At 200 % of a window of
    1280 pixels, and at 320, no page scrolls sideways, however long the words in names are."""
    call = await busy(stage)
    opened: dict[str, Page] = {}
    found: list[str] = []
    for pattern, account in PAGES.values():
        path = pattern.replace("{call}", call)
        if account in opened:
            page = opened[account]
            await page.set_viewport_size(WINDOW)
            await page.goto(stage.url + path)
        else:
            page = opened[account] = await windows.open(
                path, account, color_scheme=scheme, locale=language, viewport=WINDOW
            )
        assert await page.locator("html").get_attribute("lang") == language[:2]
        await expect(page.locator("main, .in").first).to_be_visible()
        found += await findings(page)
        for width in (640, 320):
            await page.set_viewport_size({"width": width, "height": 700})
            over = await page.evaluate(TOO_WIDE)
            found += [f"{path} at {width}: {element}" for element in over]
        await page.evaluate(LONG_NAMES)
        found += [f"{path} with long names: {element}" for element in await page.evaluate(TOO_WIDE)]
    assert not found, "\n".join(found)


async def test_axe_finds_nothing_in_dialogs_and_errors(windows: Windows, stage: Show) -> None:
    """Open dialogs, forms that were wrong, and pages that say what is not possible."""
    page = await windows.open("/lagebild/magdeburg", LEADER)
    await page.get_by_role("button", name="Überlauf Magdeburg ↔ Gera ausschalten").click()
    await page.get_by_role("dialog").get_by_role("button", name="Ausschalten").click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    found = await findings(page)
    for path, account in (("/plaetze/gera", LEADER), ("/gibt/es/nicht", LEADER), ("/anmelden", "")):
        page = await windows.open(path, account)
        if path == "/anmelden":
            await page.get_by_label("Benutzername").fill("niemand")
            await page.get_by_label("Passwort").fill("falsch")
            await page.get_by_role("button", name="Anmelden").click()
            await expect(page.get_by_role("alert")).to_be_focused()
        found += await findings(page)
    assert not found, "\n".join(found)


async def test_large_letters(windows: Windows, stage: Show) -> None:
    """With text of twice the size nothing scrolls sideways either."""
    page = await windows.open("/lagebild/magdeburg", LEADER, viewport={"width": 1280, "height": 900})
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


async def test_less_motion(windows: Windows, stage: Show) -> None:
    """Who wants less motion gets none."""
    page = await windows.open("/lagebild/magdeburg", LEADER, reduced_motion="reduce")
    moving = await page.evaluate(
        "[...document.querySelectorAll('*')].filter(e => !['0s', ''].includes(getComputedStyle(e).transitionDuration)"
        " || getComputedStyle(e).animationName !== 'none').length"
    )
    assert moving == 0
