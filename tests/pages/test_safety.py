"""What protects accounts, as people and strangers meet it in a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect

from callrouter.cli.stage import PASSWORD
from tests.pages.conftest import Windows
from tests.pages.every import ADMIN, LEADER
from tests.pages.stage import Show

pytestmark = pytest.mark.asyncio(loop_scope="session")
GUESSED = "leitung-gera"  # other tests have their sessions without the login page


@asynccontextmanager
async def elsewhere(html: str) -> AsyncIterator[str]:
    """The address of a page of somebody else: another origin, and the same site as far as cookies go."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(html)}\r\nConnection: close\r\n\r\n"
        writer.write((head + html).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


async def test_guessing_is_slowed_down(windows: Windows, stage: Show) -> None:
    """After five wrong passwords even the right one has to wait, and it is said how long; other accounts do not."""
    page = await windows.open("/anmelden")
    for password in (*("falsch",) * 5, PASSWORD):
        await page.get_by_label("Benutzername").fill(GUESSED)
        await page.get_by_label("Passwort").fill(password)
        await page.get_by_role("button", name="Anmelden").click()
        await expect(page.get_by_role("alert")).to_be_focused()
        await expect(page.get_by_label("Passwort")).to_have_value("")
    await expect(page.get_by_role("alert")).to_contain_text("Sekunden")
    await page.get_by_label("Benutzername").fill(ADMIN)
    await page.get_by_label("Passwort").fill(PASSWORD)
    await page.get_by_role("button", name="Anmelden").click()
    await expect(page.get_by_role("heading", level=1)).not_to_have_text("Anmelden")


@pytest.mark.parametrize("path", ["/abmelden", "/vereinbarungen/magdeburg-gera/aus", "/plaetze/magdeburg/1001"])
async def test_form_of_a_stranger_does_nothing(windows: Windows, stage: Show, path: str) -> None:
    """Sent from another origin in a browser that is logged in, a form is refused: with a made-up token and without."""
    page = await windows.open("/lagebild/magdeburg", LEADER)
    fields = "".join(
        f'<input name="{name}" value="{value}">'
        for name, value in {
            "csrf": "x" * 43,
            "grund": "Krankstand in Gera",
            "bis": "stunde",
            "handlung": "pause",
        }.items()
    )
    for inside in (fields, ""):
        html = f'<form method="post" action="{stage.url}{path}">{inside}<button>Gewinn abholen</button></form>'
        async with elsewhere(html) as address:
            stranger = await page.context.new_page()
            await stranger.goto(address)
            await stranger.get_by_role("button").click()
            await expect(stranger.get_by_role("heading", name="Keine Berechtigung")).to_be_visible()
            await stranger.close()
    await page.reload()
    await expect(page.get_by_role("heading", name="Lagebild Magdeburg")).to_be_visible()
    assert all(view.enabled for view in stage.service.engine.snapshot().agreements)


async def test_administrator_ends_sessions(windows: Windows, stage: Show) -> None:
    """One button on the account's page, and within seconds the other's open page is the login."""
    page = await windows.open("/lagebild/magdeburg", LEADER)
    await expect(page.locator("#live time")).to_be_visible()
    admin = await windows.open(f"/konten/{LEADER}", ADMIN)
    await admin.get_by_role("button", name="Überall abmelden").click()
    await expect(page.get_by_role("heading", name="Anmelden")).to_be_visible(timeout=30_000)
    assert "Lagebild" not in await page.content()
    trail = await stage.service.store.audit_trail(1)
    assert (trail[0].who, trail[0].what) == (ADMIN, f"account {LEADER} abmelden")


async def test_demo_says_that_it_is_one(windows: Windows, stage: Show) -> None:
    """The login page names the accounts that are made up, and so does a line on every page."""
    page = await windows.open("/anmelden")
    accounts = page.get_by_role("table", name="Konten der Vorführung")
    await expect(accounts.get_by_role("row", name=LEADER)).to_be_visible()
    await expect(page.get_by_text("erfunden")).to_be_visible()
    inside = await windows.open("/lagebild/magdeburg", LEADER)
    await expect(inside.get_by_text("Vorführung: Konten und Anrufe sind erfunden.")).to_be_visible()
