"""The departments' worklists: who may do what with a callback, who is told its number, and what pages hear of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.core.callbacks import CallbackKind, CallbackResult, CallbackStatus, Refused, TryResult, finish
from callrouter.desk.plan import Desk
from callrouter.office.worklists import DONE_SHOWN_S, Worklists, tag
from callrouter.store.callbacks import Callbacks
from tests.desk.test_mail import BENEFITS, ONE
from tests.office.conftest import Clock
from tests.office.floor import CALLERS

OPEN = replace(ONE, tries=0)


class Lists(Worklists):
    """With what pages were told."""

    def __init__(self, store: Callbacks, clock: Callable[[], float]) -> None:
        super().__init__(store, lambda: Desk((BENEFITS,)), clock)
        self.told: list[str] = []
        self.changed = self.told.append


@pytest.fixture
async def store(engine: AsyncEngine) -> Callbacks:
    store = Callbacks(engine, CALLERS)
    await store.add(OPEN)
    await store.add(replace(OPEN, id="gera/d2", due_at=OPEN.due_at - 60.0))
    await store.add(replace(OPEN, id="gera/d3", department="other"))
    await store.add(replace(OPEN, id="gera/d4", kind=CallbackKind.CAPTURED, department=""))
    return store


@pytest.fixture
async def lists(store: Callbacks, clock: Clock) -> Lists:
    lists = Lists(store, clock)
    await lists.refresh()
    return lists


async def test_a_department_sees_its_own_by_due_time(lists: Lists) -> None:
    """Those that agents promised for it and no others, the earliest due first, none with its number."""
    assert [one.id for one in lists.of("benefit")] == ["gera/d2", "gera/d1"]
    assert {one.number for one in lists.of("benefit")} == {""}
    assert lists.of("nowhere") == ()


async def test_the_second_taker_is_refused(lists: Lists, store: Callbacks, clock: Clock) -> None:
    """Of two who take one at once, also on two services of one database, one gets it; the other is told."""
    other = Lists(store, clock)
    await other.refresh()
    await lists.take("gera/d1", "benefit", "kim")
    with pytest.raises(Refused):
        await other.take("gera/d1", "benefit", "robin")
    await other.refresh()
    (taken,) = [one for one in other.of("benefit") if one.status is CallbackStatus.TAKEN]
    assert taken.taken_by == "kim"
    assert tag("benefit") in other.told


async def test_only_who_has_taken_it_is_told_the_number(lists: Lists, store: Callbacks, clock: Clock) -> None:
    """Nobody before, nobody else, and nobody afterwards; a service that is started anew knows it, too."""
    assert lists.number(OPEN, "kim") == ""
    taken = await lists.take("gera/d1", "benefit", "kim")
    again = Lists(store, clock)
    await again.refresh()
    for each in (lists, again):
        assert each.number(taken, "kim") == "+491711234567"
        assert each.number(taken, "robin") == ""
    back = await lists.give_back("gera/d1", "benefit", "kim")
    assert lists.number(back, "kim") == ""
    assert lists._numbers == {}


async def test_rung_in_vain_it_stays_open(lists: Lists) -> None:
    """A try is counted and anybody of the department may take it again; who has not taken it says nothing about it."""
    with pytest.raises(Refused):
        await lists.missed("gera/d1", "benefit", "kim", TryResult.NOT_REACHED)
    await lists.take("gera/d1", "benefit", "kim")
    with pytest.raises(Refused):
        await lists.done("gera/d1", "benefit", "robin", CallbackResult.REACHED)
    one = await lists.missed("gera/d1", "benefit", "kim", TryResult.BUSY)
    assert (one.status, one.tries, one.last_result) == (CallbackStatus.NOT_REACHED, 1, TryResult.BUSY)
    assert [each.id for each in lists.of("benefit")] == ["gera/d2", "gera/d1"]
    await lists.take("gera/d1", "benefit", "robin")


async def test_of_other_departments_nothing_is_known(lists: Lists) -> None:
    """Neither theirs nor what callers asked for themselves can be taken, by whatever id."""
    for id_ in ("gera/d3", "gera/d4", "gera/none"):
        with pytest.raises(Refused):
            await lists.take(id_, "benefit", "kim")


async def test_what_is_done_stays_in_sight_for_a_while(lists: Lists, clock: Clock) -> None:
    """Until the next day; it owes nothing any more."""
    await lists.take("gera/d2", "benefit", "kim")
    await lists.done("gera/d2", "benefit", "kim", CallbackResult.REACHED)
    assert [one.id for one in await lists.refresh() if one.department == "benefit"] == ["gera/d1"]
    assert [one.id for one in lists.of("benefit")] == ["gera/d2", "gera/d1"]
    clock.now += DONE_SHOWN_S + 1.0
    await lists.refresh()
    assert [one.id for one in lists.of("benefit")] == ["gera/d1"]


async def test_search_finds_all_that_was_promised_to_a_caller(lists: Lists, store: Callbacks) -> None:
    """Done ones, too, the latest first; of this department only, and without the number."""
    await store.change(finish(OPEN, CallbackResult.REACHED, "kim", OPEN.due_at))
    await store.add(replace(OPEN, id="gera/d5", number="+493915550142"))
    found = await lists.search("benefit", CALLERS.key_of("0171 1234567"))
    assert [(one.id, one.status.value, one.number) for one in found] == [
        ("gera/d1", "done", ""),
        ("gera/d2", "open", ""),
    ]
