"""`python -m tests.report.picture`: docs/report.png, the report of a simulated day as a browser shows it."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import date
from pathlib import Path

from callrouter.report import records
from callrouter.report.book import Book, Targets
from callrouter.report.page import as_html
from callrouter.report.period import Period
from tests.browser import browser
from tests.report.simulated import keep, play

REPO = Path(__file__).parents[2]
DAY = date(2026, 11, 23)
WIDTH = 1240
UNTIL = "section:has(.hotlines)"  # what comes after it is for who reads on


def made(folder: Path) -> Path:
    """The page, in this folder."""
    plan, calls = play(REPO / "config")
    url = f"sqlite+aiosqlite:///{folder / 'simulated.db'}"
    period = Period("day", DAY, DAY)
    zone = plan.sites[0].zone
    book = Book(plan, period, [one.name for one in plan.hotlines], Targets(0.8, 0.93), period.bounds(zone)[1] + 25_200)

    async def filled() -> None:
        await keep(url, plan, calls)
        await records.fill(book, url)

    asyncio.run(filled())
    path = folder / "report.html"
    path.write_text(as_html(book, "de"), encoding="utf-8")
    return path


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        picture(made(Path(folder)))


def picture(path: Path) -> None:
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
        page.goto(path.as_uri())
        box = page.locator(UNTIL).bounding_box()
        assert box is not None
        height = box["y"] + box["height"] + 8
        out = REPO / "docs/report.png"
        page.screenshot(path=out, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
        print(f"{out.relative_to(REPO)}: {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
