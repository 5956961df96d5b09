"""Faults are logged with their traceback; here they are meant, and caught."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[dict[str, object]]]:
    """The log lines of a test."""
    with capture_logs() as lines:
        yield lines  # type: ignore[misc]
