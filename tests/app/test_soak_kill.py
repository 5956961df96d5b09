"""The short version of `python -m tests.soak_kill`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.soak_kill import Figures, judge, soak


@pytest.mark.slow
async def test_kills_lose_and_double_no_record(tmp_path: Path) -> None:
    """Ten kills at random moments: each call that a router knew has exactly one record, and that is the journal's; so
    have callbacks and the calls made for them, and who heard a promise is on the list. The judge would find it
    otherwise: shown two records less, two that differ, and a promise that nobody kept, he says so."""
    figures, promised = await soak(tmp_path, kills=10, calls=500, seed=7)
    assert judge(tmp_path, figures, promised).sound, figures
    assert figures.kills >= 10
    assert figures.journalled > 100
    assert figures.promises_heard > 0
    with closing(sqlite3.connect(tmp_path / "var" / "callrouter.db")) as database, database:
        for table, key in (("call_record", "call"), ("callback", "id")):
            first, second = (row[0] for row in database.execute(f"SELECT {key} FROM {table} LIMIT 2"))
            database.execute(f"DELETE FROM {table} WHERE {key} = ?", (first,))
            database.execute(f"UPDATE {table} SET hotline = 'x' WHERE {key} = ?", (second,))
    found = judge(tmp_path, Figures(), ["gera/never"])
    assert not found.sound
    assert (len(found.missing), len(found.wrong), found.promises_lost) == (2, 2, ["gera/never"])
