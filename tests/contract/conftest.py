"""`bench`: the same test against the virtual and the real Asterisk (see `bench.py`)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.asterisk.conftest import network  # noqa: F401
from tests.contract.bench import Bench, RealBench, VirtualBench


@pytest.fixture(params=["virtual", pytest.param("real", marks=pytest.mark.asterisk)])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    made: Bench = VirtualBench() if request.param == "virtual" else RealBench(request.getfixturevalue("network"))
    try:
        await made.enter()
        yield made
    finally:
        await made.leave()
