"""One Chromium and one service for all tests in a browser; each test has windows of its own.

Whatever a window asks for must come from the service, the security policy must never be broken, and no script may
fail: that is looked at after every test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from callrouter.cli.stage import PASSWORD
from tests.browser import ARGUMENTS, CHROMIUM, needed
from tests.pages.stage import Show, show

WAIT_MS = 60_000  # a wait ends when its condition holds; this machine may be busy
expect.set_options(timeout=WAIT_MS)
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


@pytest.hookimpl(tryfirst=True)  # before xdist names the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests here are slow, need a browser, and share one service."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group("chromium"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    needed()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def the_stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Show]:
    async with show(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def stage(the_stage: Show) -> AsyncIterator[Show]:
    """The service, calm again after the test."""
    yield the_stage
    await the_stage.calm()


@dataclass
class Windows:
    """Opens windows, each with cookies of its own. may_fail: the network is part of the test."""

    chromium: Browser
    stage: Show
    may_fail: bool = False
    url: str = ""
    contexts: list[BrowserContext] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    async def open(self, path: str, account: str = "", **options: Any) -> Page:
        """A new window, logged in to the account if there is one, that shows the path. options: of the context."""
        base = self.url or self.stage.url
        options = {"viewport": {"width": 1440, "height": 900}, "locale": "de-DE", **options}
        context = await self.chromium.new_context(**options)
        context.set_default_timeout(WAIT_MS)
        self.contexts.append(context)
        await context.add_init_script(WATCH)
        if account:
            await context.add_cookies([await self.cookie(account, base)])
        page = await context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("request", lambda request: self._requested(request.url, base))
        self.pages.append(page)
        await page.goto(base + path)
        return page

    async def cookie(self, account: str, base: str) -> Any:
        """A session without the login page, which has tests of its own."""
        accounts = self.stage.service.front.accounts
        found = await accounts.account(account)
        assert found is not None
        from time import time

        token = await accounts.begin(found.id, time())
        return {"name": self.stage.service.front.cookie, "value": token, "url": base, "httpOnly": True}

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text}")

    def _requested(self, url: str, base: str) -> None:
        if not url.startswith((base, "data:")):
            self.wrong.append(f"asked elsewhere: {url}")

    async def close(self) -> None:
        for page in self.pages:
            if not page.is_closed():
                self.wrong += [f"policy: {text}" for text in await page.evaluate("window.violations ?? []")]
        for context in self.contexts:
            await context.close()
        allowed = [
            "console: Failed to load resource: the server responded with a status of 4",  # a form was wrong
            "console: htmx: htmx:error: The user aborted a request",  # who switches does not wait for the forecast
        ]
        if self.may_fail:
            allowed = ["console: Failed to load resource", "console: htmx: htmx:sse:error", "console: htmx: htmx:error"]
        assert [text for text in self.wrong if not text.startswith(tuple(allowed))] == []


@pytest_asyncio.fixture(loop_scope="session")
async def windows(chromium: Browser, stage: Show) -> AsyncIterator[Windows]:
    opened = Windows(chromium, stage)
    yield opened
    await opened.close()


__all__ = ["PASSWORD", "Windows"]
