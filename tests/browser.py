"""Debian's Chromium, as tests/chromium.sh installs it, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.needs import lacking

CHROMIUM = Path("/usr/bin/chromium")
# root has no sandbox, and a test's browser has nobody to talk to but what it is shown
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def needed() -> None:
    """Skips the test where there is none, but not in CI."""
    if not CHROMIUM.exists():
        lacking("Chromium", "sh tests/chromium.sh")


@contextmanager
def browser() -> Iterator[Browser]:
    """Not within a running event loop."""
    needed()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield found
        finally:
            found.close()
