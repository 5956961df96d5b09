"""Callbacks in SQL, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import BadKey, Callers
from callrouter.core import callbacks
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult
from callrouter.store.callbacks import Callbacks, open_
from callrouter.store.retention import DAY_S, Days, Forgotten, erase, forget
from callrouter.store.schema import CALLBACK
from tests.store.records import rows

CALLERS = Callers("a secret of tests that is long enough")
NUMBER = "+491711234567"
ASKED = Callback("gera/1", CallbackKind.CAPTURED, "agency", "general", "gera", NUMBER, 100.0, 1000.0, call="gera/1")
OWED = replace(
    ASKED, id="gera/d1", kind=CallbackKind.DEPARTMENT, department="benefits", subject="Bescheid", due_at=900.0,
    made_by="gera/2001",
)  # fmt: skip


@pytest.fixture
def kept(engine: AsyncEngine) -> Callbacks:
    return Callbacks(engine, CALLERS)


async def test_both_kinds_are_kept_whole(kept: Callbacks) -> None:
    """What is read is what was kept, with the caller's key; the earliest due comes first."""
    assert await kept.add(ASKED)
    assert await kept.add(OWED)
    assert not await kept.add(ASKED)
    key = CALLERS.key_of(NUMBER)
    assert await kept.find() == [replace(OWED, caller=key), replace(ASKED, caller=key)]
    assert [one.id for one in await kept.find(*open_(CallbackKind.CAPTURED))] == ["gera/1"]
    assert await kept.get("gera/9") is None


async def test_number_is_kept_sealed(engine: AsyncEngine, kept: Callbacks) -> None:
    """Who has the database alone cannot ring anybody; sealed for one callback, a number is not another's."""
    await kept.add(ASKED)
    await kept.add(OWED)
    found = await rows(engine, CALLBACK)
    assert "1711234567" not in str(found)
    assert len({row.number for row in found}) == 2
    with pytest.raises(BadKey):
        CALLERS.unseal(found[0].number, "gera/d1")
    for text in ("", "2abc", "1@@@", "1"):
        with pytest.raises(BadKey):
            CALLERS.unseal(text, "gera/1")


async def test_callback_outlives_its_key(engine: AsyncEngine, kept: Callbacks) -> None:
    """With another key nobody can be rung, and the callback is there all the same."""
    await kept.add(ASKED)
    (one,) = await Callbacks(engine, Callers("another secret that is long enough")).find()
    assert (one.id, one.number) == ("gera/1", "")


async def test_second_of_two_changes_is_told(kept: Callbacks) -> None:
    """Two people took it at the same time: one has it, and the number is still there."""
    await kept.add(OWED)
    seen = await kept.get("gera/d1")
    assert seen is not None
    assert await kept.change(callbacks.take(seen, "anna"))
    assert not await kept.change(callbacks.take(seen, "bert"))
    now = await kept.get("gera/d1")
    assert now is not None
    assert (now.taken_by, now.number) == ("anna", NUMBER)
    assert await kept.change(callbacks.finish(now, CallbackResult.REACHED, "anna", 500.0))
    assert await kept.find(*open_(*CallbackKind)) == []


async def test_number_goes_soon_after_it_is_done(engine: AsyncEngine, kept: Callbacks) -> None:
    """Then the caller's key, then the people, then the row; one that is not done keeps all, however old."""
    days = Days(callers=30, agents=60, calls=90, audit=120, numbers=7, inquiries=50)
    await kept.add(ASKED)
    await kept.add(callbacks.finish(OWED, CallbackResult.REACHED, "anna", 0.0))
    for age in (6, 8, 31, 61, 91):
        await erase(engine, days, age * DAY_S)
        found = {row.id: row for row in await rows(engine, CALLBACK)}
        assert found["gera/1"].number
        assert ("gera/d1" in found) == (age < 90)
        if age < 90:
            done = found["gera/d1"]
            assert (done.number is not None, done.caller is not None, done.done_by) == (
                age < 7, age < 30, "anna" if age < 60 else None
            )  # fmt: skip


async def test_nobody_rings_who_wants_to_be_forgotten(engine: AsyncEngine, kept: Callbacks) -> None:
    """Key, number and what he wanted are gone, and the callback is done; others' stay."""
    await kept.add(ASKED)
    await kept.add(OWED)
    await kept.add(replace(ASKED, id="gera/2", number="+49365123456"))
    assert await forget(engine, CALLERS.key_of(NUMBER), 500.0) == Forgotten(0, 2)
    gone = [row for row in await rows(engine, CALLBACK) if row.id != "gera/2"]
    assert {(row.caller, row.number, row.subject, row.result) for row in gone} == {(None, None, "", "forgotten")}
    assert [one.id for one in await kept.find(*open_(*CallbackKind))] == ["gera/2"]
