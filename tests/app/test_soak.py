"""The short version of `python -m tests.soak`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak import soak


@pytest.mark.slow
async def test_nothing_is_left_of_calls_that_have_ended(tmp_path: Path) -> None:
    """Ten minutes of calls at the demo's sites in ten seconds: no call, offer, order or task outlives its callers."""
    soaked = await soak(tmp_path, seconds=10, pace=60, every_s=2)
    assert soaked.samples[-1].finished > 30
    assert not any(soaked.left.values()), soaked.left
