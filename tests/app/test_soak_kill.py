"""The short version of `python -m tests.soak_kill`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak_kill import judge, soak


@pytest.mark.slow
async def test_kills_lose_and_double_no_record(tmp_path: Path) -> None:
    """Ten kills at random moments: each call that a router knew has exactly one record, and that is the journal's."""
    figures = judge(tmp_path, await soak(tmp_path, kills=10, calls=500, seed=7))
    assert figures.sound, figures
    assert figures.kills == 10
    assert figures.journalled > 100
