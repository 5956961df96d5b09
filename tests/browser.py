"""Debian's Chromium, as tests/chromium.sh installs it, driven by Playwright."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")


@contextmanager
def browser() -> Iterator[Browser]:
    """Skips the test where there is none, but not in CI. Not within a running event loop."""
    if not CHROMIUM.exists():
        assert not os.environ.get("CI"), "Chromium is missing in CI: run tests/chromium.sh"
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])  # root needs it
        try:
            yield found
        finally:
            found.close()
