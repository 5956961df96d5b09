"""The page in a real browser: nothing for axe to find, readable on a telephone, and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from callrouter.report.page import as_html
from tests.browser import browser as launched
from tests.report.test_page import full

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chromium")]
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as found:
        yield found


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(chromium: Browser, tmp_path: Path, language: str, scheme: str) -> None:
    """WCAG 2.2 AA as far as axe can tell, in both languages, light and dark; nothing is asked of the network."""
    path = tmp_path / "report.html"
    path.write_text(as_html(full(), language), encoding="utf-8")
    page = chromium.new_page(color_scheme=scheme, viewport={"width": 1240, "height": 900})  # type: ignore[arg-type]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()
    assert asked == [path.as_uri()]
    page.close()


def test_on_a_telephone(chromium: Browser, tmp_path: Path) -> None:
    """320 pixels wide: the page itself does not scroll sideways, wide tables do so by themselves."""
    path = tmp_path / "report.html"
    path.write_text(as_html(full(), "de"), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 320, "height": 640})
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.close()


def test_on_paper(chromium: Browser, tmp_path: Path) -> None:
    """A4, a few pages, colours included, and nothing is cut off at the right."""
    path = tmp_path / "report.html"
    path.write_text(as_html(full(), "de"), encoding="utf-8")
    page = chromium.new_page(color_scheme="dark", viewport={"width": 700, "height": 900})
    page.goto(path.as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    assert 2 <= pdf.count(b"/Type /Page\n") <= 6
    page.close()
