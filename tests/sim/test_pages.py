"""The pages that `simulate` and `whatif` write, in a real browser: nothing for axe to find, readable on a telephone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import CliRunner
from playwright.sync_api import Browser, Page

from callrouter.cli import main
from tests.browser import browser as launched
from tests.cli.test_whatif import CONFIG, MORNING
from tests.report.test_browser import WCAG

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chromium")]
CHANGE = ("--change", "agreement magdeburg-gera off")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as found:
        yield found


@pytest.fixture(scope="module", params=["simulate", "whatif"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    scenario, out = folder / "scenario.yaml", folder / "out.html"
    scenario.write_text(MORNING, encoding="utf-8")
    command = [request.param, str(CONFIG), "--scenario", str(scenario), "--runs", "2", "--processes", "1"]
    more = CHANGE if request.param == "whatif" else ()
    result = CliRunner().invoke(main, [*command, *more, "--html", str(out)])
    assert result.exit_code == 0, result.output
    return out


def shown(chromium: Browser, path: Path, **options: Any) -> Page:
    page = chromium.new_page(**options)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert asked == [path.as_uri()]
    return page


@pytest.mark.parametrize("language", ["Deutsch", "English"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(chromium: Browser, written: Path, language: str, scheme: str) -> None:
    """WCAG 2.2 AA as far as axe can tell, in both languages, light and dark; nothing is asked of the network."""
    page = shown(chromium, written, color_scheme=scheme, viewport={"width": 1240, "height": 900})
    page.get_by_label(language).check()
    for detail in page.locator("details").all():
        detail.locator("summary").click()
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()
    page.close()


def test_on_a_telephone(chromium: Browser, written: Path) -> None:
    """320 pixels wide: the page itself does not scroll sideways, wide tables do so by themselves."""
    page = shown(chromium, written, viewport={"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.close()
