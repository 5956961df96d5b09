"""Prometheus' own programs, as tests/prometheus.sh provides them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def program(name: str) -> str:
    """Where prometheus or promtool is; skips the test without it, but not in CI."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = os.environ.get("CALLROUTER_CACHE") or f"{home}/callrouter"
    found = shutil.which(name) or shutil.which(name, path=cache)
    if found is None:
        assert not os.environ.get("CI"), f"{name} is missing in CI: run tests/prometheus.sh"
        pytest.skip(f"{name} is not installed")
    return found


def promtool(*arguments: str, text: bytes = b"") -> tuple[int, str]:
    """Run it: (status, all that it says)."""
    done = subprocess.run([program("promtool"), *arguments], input=text, capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()
