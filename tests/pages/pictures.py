"""`python -m tests.pages.pictures [NAME…]`: docs/pictures, the pages of the running demo, light and dark.

A page is added by a line in PICTURES.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from playwright.async_api import Browser, Page, async_playwright

from callrouter.cli.demo import _Demo
from callrouter.config.load import load
from callrouter.core.callbacks import Callback, CallbackKind, TryResult
from callrouter.desk.workdays import due_at
from tests.browser import ARGUMENTS, CHROMIUM
from tests.pages.conftest import Windows
from tests.waiting import until

REPO = Path(__file__).parents[2]
AT = datetime(2026, 11, 23, 10, 15)  # a Monday
WAITING = 4  # callers in Gera, whose burst the demo begins with
SCHEMES = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Picture:
    """prepare: what has to happen on the page, or in the demo, before it is taken."""

    name: str
    path: str
    account: str
    width: int = 1280
    height: int = 900
    prepare: Callable[[_Demo, Page], Awaitable[None]] | None = None


async def takes_a_call(demo: _Demo, page: Page) -> None:
    """He is ready, the next caller is his, he answers and begins to write down a promise."""
    await page.get_by_role("button", name="Bereit").click()
    await page.locator(".ringing").wait_for(timeout=120_000)
    await page.keyboard.press("F2")
    await page.locator("[data-pop=talking]").wait_for()
    await page.locator("#caller h3, #caller .quiet").first.wait_for()
    await page.keyboard.press("F8")
    await page.keyboard.type("Fragt, wann der Bescheid vom 9. November kommt.")
    await page.evaluate("scrollTo(0, 0)")


async def has_promised(demo: _Demo, page: Page) -> None:
    """Callbacks of the last days, some of them taken, tried or late."""
    office, now = demo.stage.service.office, demo.pace()
    department = office.desk().department("benefit-gera")
    assert department is not None
    for number, (days, subject, wish) in enumerate(PROMISES):
        asked = now - days * 86_400.0 - 2_400.0 * number
        one = Callback(
            f"gera/picture{number}", CallbackKind.DEPARTMENT, "agency-gera", "benefit", "gera", "+4936551234567",
            asked, due_at(department, asked), department=department.name, subject=subject, wish=wish,
            call=f"{('gera', 'magdeburg')[number % 2]}/1.{number}",
        )  # fmt: skip
        await office.callbacks.add(one)
    lists = office.worklists
    await lists.refresh()
    for number, who in ((1, "fachbereich-gera"), (2, "jemand"), (4, "jemand")):
        await lists.take(f"gera/picture{number}", department.name, who)
    await lists.missed("gera/picture4", department.name, "jemand", TryResult.NOT_REACHED)
    await page.reload()


PROMISES = (
    (5, "Bescheid vom 3. November: Anrechnung des Nebeneinkommens ist unklar.", "vormittags"),
    (4, "Hat den Fragebogen zum Umzug nicht bekommen.", ""),
    (4, "Möchte wissen, ob die Sperrzeit schon entschieden ist.", "nach 14 Uhr"),
    (3, "Arbeitsbescheinigung ist eingereicht; fehlt noch etwas?", ""),
    (3, "Kontonummer hat sich geändert, Zahlung steht aus.", "ab 9 Uhr"),
    (0, "Fragt nach Übergangsgeld für eine Weiterbildung.", ""),
    (0, "Widerspruch vom 12. November: bittet um Eingangsbestätigung.", "vormittags"),
)
PICTURES = (
    Picture("wand", "/wand/gera", "leitung-gera", 1920, 1080),
    Picture("lagebild", "/lagebild/gera", "leitung-gera"),
    Picture("rueckrufe", "/rueckrufe/benefit-gera", "fachbereich-gera", prepare=has_promised),
    Picture("arbeitsplatz", "/arbeitsplatz", "agent-gera", 1440, 1200, prepare=takes_a_call),
)


class Sitting(_Demo):
    """The demo, until its pictures are taken."""

    names: tuple[str, ...] = ()

    async def _show(self, scene: object, end: float | None) -> None:
        snapshot = self.stage.service.engine.snapshot
        await until(lambda: sum(line.waiting for line in snapshot().lines if line.hotline == "agency-gera") >= WAITING)
        await until(lambda: self.tally.overflowed)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            for picture in PICTURES:
                if not self.names or picture.name in self.names:
                    await self._take(browser, picture)
            await browser.close()

    async def _take(self, browser: Browser, picture: Picture) -> None:
        windows = Windows(browser, cast(Any, self.stage), url=self.stage.service.server.url)
        size = {"width": picture.width, "height": picture.height}
        page = await windows.open(picture.path, picture.account, viewport=size, color_scheme=SCHEMES[0])
        await page.evaluate("document.fonts.ready")
        if picture.prepare is not None:
            await picture.prepare(self, page)
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=cast(Any, scheme))
            await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            out = REPO / "docs/pictures" / f"{picture.name}-{scheme}.png"
            out.parent.mkdir(exist_ok=True)
            await page.screenshot(path=out, animations="disabled", caret="hide")
            print(f"{out.relative_to(REPO)}: {out.stat().st_size} bytes")
        await windows.close()


def main() -> None:
    loaded = load(REPO / "config", AT.date())
    with tempfile.TemporaryDirectory(prefix="callrouter-pictures-") as folder:
        sitting = Sitting(loaded, Path(folder), pace=1.0, port=0, seed=1, at=AT)
        sitting.names = tuple(sys.argv[1:])
        asyncio.run(sitting.run(None, lambda: 0))


if __name__ == "__main__":
    main()
