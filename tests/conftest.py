"""What several folders of tests need."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.store.postgres import cluster

pytest_plugins = ["tests.tally"]

# how long an example takes says only how busy the machine is
settings.register_profile("patient", settings.default, deadline=None)
settings.load_profile("patient")

gc.disable()  # until all is imported and collected, which stays: searching it for garbage would be in vain


def pytest_collection_finish(session: pytest.Session) -> None:
    """From here on garbage is searched as in the service (`calm_collector`), and never in what all tests share."""
    if session.config.getoption("loadgroup", False):  # a worker's
        for item in session.items:
            grouped = item.get_closest_marker("xdist_group") is not None
            assert grouped == ("@" in item.nodeid.rpartition("]")[2]), f"{item.nodeid}: its group is not seen by xdist"
    gc.freeze()
    gc.set_threshold(10_000)
    gc.enable()


@pytest.hookimpl(tryfirst=True)  # before xdist names the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers, tests that share what is costly to start share one of them, and no two meet at Asterisk.

    What is asked of each kind of database is asked of SQLite alone in `make check`.
    """
    for item in items:
        if item.get_closest_marker("asterisk"):
            item.add_marker(pytest.mark.xdist_group("asterisk"))
        elif "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("postgres"))
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real server's URL, with {database} in it; skipped where none is installed."""
    with cluster() as url:
        yield url
