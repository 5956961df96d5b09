"""The demo as people start it, with made-up callers, from a call to the department's list."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from callrouter.cli.stage import PASSWORD
from tests.pages.test_keyboard import tab_to

pytestmark = pytest.mark.asyncio(loop_scope="session")
REPO = Path(__file__).resolve().parents[2]
AT, DUE = "2027-09-17 09:14", "Mi 22.09. 18:00"  # a Friday; Monday is a holiday in Thüringen
SUBJECT = "Fragt, wann der Bescheid kommt."


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[str]:
    """The address of its pages."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "callrouter", "demo", "--at", AT, "--port", str(port), "--seed", "1"]
    with (tmp_path / "demo.txt").open("w") as out:
        process = subprocess.Popen(command, cwd=REPO, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=60)


async def ready(url: str) -> None:
    def asks() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    async with asyncio.timeout(120.0):
        while not await asyncio.to_thread(asks):
            await asyncio.sleep(0.1)


async def log_in(chromium: Browser, url: str, account: str) -> Page:
    context = await chromium.new_context(locale="de-DE", viewport={"width": 1440, "height": 1000})
    page = await context.new_page()
    await page.goto(url)
    await page.get_by_label("Benutzername").fill(account)
    await page.get_by_label("Passwort").fill(PASSWORD)
    await page.keyboard.press("Enter")
    return page


async def test_from_a_call_to_the_departments_list(chromium: Browser, demo: str) -> None:
    """Log in, be ready, answer who calls, promise that he is rung back; the department has it with its due time."""
    await ready(demo)
    page = await log_in(chromium, demo, "agent-gera")
    await expect(page.locator("[data-seat-state=paused]")).to_be_visible(timeout=60_000)
    await page.keyboard.press("F2")
    await expect(page.get_by_role("alert").filter(has_text="Eingehender Anruf")).to_be_visible(timeout=180_000)
    await page.keyboard.press("F2")
    await expect(page.locator("[data-pop=talking]")).to_be_visible(timeout=30_000)
    await page.keyboard.press("F8")
    await page.keyboard.type(SUBJECT)
    await tab_to(page, "Rückrufnummer", "Shift+Tab")
    await page.keyboard.type("0365 51234567")
    await tab_to(page, "Fachbereich", "Shift+Tab")
    await page.keyboard.type("Leistungsabteilung Gera")
    await expect(page.locator("#due-shown")).to_have_text(DUE)
    await tab_to(page, "Speichern")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").filter(has_text=f"Rückruf zugesagt bis {DUE}")).to_be_visible(
        timeout=30_000
    )
    await page.context.close()

    page = await log_in(chromium, demo, "fachbereich-gera")
    row = page.locator("tr").filter(has_text=SUBJECT)
    await expect(row).to_contain_text(DUE, timeout=60_000)
    await expect(row).to_contain_text("noch 28 h Arbeitszeit")
    await page.context.close()
