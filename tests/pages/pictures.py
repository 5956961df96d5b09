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


PICTURES = (
    Picture("wand", "/wand/gera", "leitung-gera", 1920, 1080),
    Picture("lagebild", "/lagebild/gera", "leitung-gera"),
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
