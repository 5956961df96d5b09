"""Prometheus' own programs, as tests/prometheus.sh provides them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.needs import lacking


def program(name: str) -> str:
    """Where prometheus or promtool is; skips the test without it, but not in CI."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = os.environ.get("CALLROUTER_CACHE") or f"{home}/callrouter"
    return shutil.which(name) or shutil.which(name, path=cache) or lacking(name, "sh tests/prometheus.sh")


def promtool(*arguments: str, text: bytes = b"") -> tuple[int, str]:
    """Run it: (status, all that it says)."""
    done = subprocess.run([program("promtool"), *arguments], input=text, capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()
