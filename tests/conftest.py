"""What several folders of tests need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.postgres import cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real server's URL, with {database} in it; skipped where none is installed."""
    with cluster() as url:
        yield url
