"""Debian's Chromium, as tests/chromium.sh installs it, driven by Playwright."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

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
        assert not os.environ.get("CI"), "Chromium is missing in CI: run tests/chromium.sh"
        pytest.skip("Chromium is not installed: sh tests/chromium.sh")


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
