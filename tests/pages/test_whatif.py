"""Before a supervisor switches, the dialog says what it would do: the production simulator, asked by the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from callrouter.web.preview import Preview
from tests.pages.conftest import Windows
from tests.pages.every import LEADER
from tests.pages.stage import Show, show
from tests.pages.test_looks import findings

pytestmark = pytest.mark.asyncio(loop_scope="session")
PATIENT_S = 60.0  # the simulator shares two processors with everything else that is tested
EVENING = datetime(2026, 11, 23, 16, 50, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()  # little is left to simulate


@pytest_asyncio.fixture(loop_scope="session")
async def foreseeing(chromium: Browser, tmp_path: Path) -> AsyncIterator[Windows]:
    """A service of its own that has a scenario of an ordinary day."""
    async with show(tmp_path, start=EVENING, forecast=True) as stage:
        stage.service.front.part(Preview).within_s = PATIENT_S
        stage.service.outlook.calls_max = 3000
        await stage.service.outlook.warm()
        opened = Windows(chromium, stage)
        yield opened
        await opened.close()


async def present(stage: Show) -> None:
    """More than enough in Magdeburg, too few in Gera."""
    for team, number in (("agency-magdeburg", 20), ("agency-gera", 1), ("agency-gotha", 3)):
        await stage.staff(team, number)


async def test_dialog_says_what_it_would_do(foreseeing: Windows) -> None:
    """Figures of both sites for the hour and for the day, asked for again if they did not come in time; Gera loses by
    it, and the form's direction is asked anew."""
    await present(foreseeing.stage)
    preview = foreseeing.stage.service.front.part(Preview)
    preview.within_s = 0.0
    page = await foreseeing.open("/lagebild/magdeburg", LEADER)
    await page.evaluate(f"htmx.config.defaultTimeout = {PATIENT_S * 1000}")
    await page.get_by_role("button", name="Überlauf Magdeburg ↔ Gera ausschalten", exact=True).click()
    dialog = page.get_by_role("dialog")
    impact = dialog.get_by_role("region", name="Voraussichtliche Wirkung")
    await expect(impact).to_contain_text("Vorschau nicht verfügbar")
    preview.within_s = PATIENT_S
    await impact.get_by_role("button", name="Noch einmal rechnen").click()
    table = impact.get_by_role("table")
    await expect(table).to_be_visible(timeout=PATIENT_S * 1000)
    await expect(table).to_contain_text("nächste Stunde")
    await expect(table).to_contain_text("bis heute Abend")
    for place in ("Magdeburg", "Gera"):
        await expect(table.get_by_role("row", name=place)).to_contain_text("%")
    await expect(impact).to_contain_text("Kostet Gera bis heute Abend")
    before = await impact.inner_text()
    await dialog.get_by_label("Magdeburg hilft Gera").check()
    await expect(impact).not_to_have_text(before, timeout=PATIENT_S * 1000)
    await expect(impact).to_contain_text("Kostet Gera bis heute Abend", timeout=PATIENT_S * 1000)
    await dialog.get_by_label("Begründung").fill("Krankstand in Magdeburg")
    assert not await findings(page)
    assert all(view.enabled for view in foreseeing.stage.service.engine.snapshot().agreements)


async def test_switching_does_not_wait_for_the_answer(foreseeing: Windows) -> None:
    """Whoever knows what he does switches while it is still being computed."""
    await present(foreseeing.stage)
    page = await foreseeing.open("/lagebild/magdeburg", LEADER)
    await page.get_by_role("button", name="Überlauf Magdeburg ↔ Gera ausschalten", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Begründung").fill("Krankstand in Magdeburg")
    await dialog.get_by_role("button", name="Ausschalten").click()
    await expect(dialog).not_to_be_visible()
    await expect(page.locator("#deal-magdeburg-gera")).to_contain_text("AUS")


async def test_no_answer_in_time_is_said(windows: Windows) -> None:
    """The browser waits ten seconds for the forecast, then says that none came, and one can switch all the same."""
    windows.may_fail = True
    page = await windows.open("/lagebild/magdeburg", LEADER)
    await page.route("**/vorschau*", lambda _route: None)  # the network swallows it
    await page.clock.install()
    await page.get_by_role("button", name="Überlauf Magdeburg ↔ Gera ausschalten", exact=True).click()
    dialog = page.get_by_role("dialog")
    impact = dialog.get_by_role("region", name="Voraussichtliche Wirkung")
    await expect(impact).to_contain_text("Wird berechnet …")
    await page.clock.fast_forward(10_000)
    await expect(impact.get_by_role("status")).to_have_text("Es kam keine Vorschau. Schalten können Sie trotzdem.")
    await dialog.get_by_label("Begründung").fill("Krankstand in Magdeburg")
    await dialog.get_by_role("button", name="Ausschalten").click()
    await expect(dialog).not_to_be_visible()
    await expect(page.locator("#deal-magdeburg-gera")).to_contain_text("AUS")
