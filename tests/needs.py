"""What a test needs of its machine: without it the test is skipped with the way to get it, and in CI it fails."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def lacking(what: str, how: str = "") -> NoReturn:
    """This is not there, so the test ends here."""
    reason = f"{what} is not installed{f': {how}' if how else ''}"
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; in CI nothing is skipped")
    pytest.skip(reason)


def program(name: str, how: str = "") -> str:
    """Where this program is, if it is on the PATH."""
    return shutil.which(name) or lacking(name, how)
