"""Each page shows itself to the roles that the table names, and nothing of itself to the others."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from callrouter.cli.stage import ACCOUNTS
from callrouter.roles import Grant, Role
from callrouter.web import access
from tests.pages.conftest import Windows
from tests.pages.every import PAGES
from tests.pages.stage import GERA, Show

pytestmark = pytest.mark.asyncio(loop_scope="session")


def account_of(role: str) -> str:
    """One that has this role and no other; '' for strangers."""
    return next((name for name, _, grants in ACCOUNTS if {Grant.read(one).role for one in grants} == {role}), "")


@pytest.mark.parametrize("role", [*Role, ""])
async def test_every_page_and_every_role(windows: Windows, stage: Show, role: str) -> None:
    """Who may, sees the page; who may not, reads so; a stranger meets the login. The menu leads where one may go."""
    assert bool(account_of(role)) == bool(role)
    await stage.staff("agency-magdeburg", 1)
    person = await stage.call(GERA)
    page = await windows.open("/standorte", account_of(role))
    roles = frozenset([Role(role)] if role else [])
    for route, (pattern, _) in PAGES.items():
        answer = await page.goto(stage.url + pattern.replace("{call}", person.call))
        assert answer is not None
        if access.allowed(f"GET {route}", roles):
            assert answer.status == 200, (route, answer.status)
            await expect(page.locator("main, .in").first).to_be_visible()
            for link in await page.get_by_role("navigation", name="Bereiche").get_by_role("link").all():
                where = await link.get_attribute("href")
                assert access.allowed(f"GET {where}", roles), (route, where)
        elif role:
            assert answer.status == 403, (route, answer.status)
            await expect(page.get_by_role("heading", name="Keine Berechtigung")).to_be_visible()
        else:
            assert page.url.startswith(f"{stage.url}/anmelden?weiter="), route
            await expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
