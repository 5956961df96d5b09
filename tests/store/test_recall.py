"""The router learns what is kept of callbacks, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter import wiring
from callrouter.callers import Callers
from callrouter.core import callbacks
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus
from callrouter.core.commands import CallbackChanged, Command
from callrouter.core.events import CallbackClosed, CallbackKnown, Event
from callrouter.core.router import Router
from callrouter.store.callbacks import Callbacks
from callrouter.store.recall import Recall
from callrouter.store.retention import forget
from tests.core.story import NOON
from tests.core.test_nobody import plan

CALLERS = Callers("a secret of tests that is long enough")
NUMBER = "+491711234567"
ASKED = Callback("gera/1", CallbackKind.CAPTURED, "gera", "general", "gera", NUMBER, NOON, NOON + 9000.0)


class Here:
    """A router and what recalls for it."""

    def __init__(self, kept: Callbacks) -> None:
        self.router = Router(plan(), NOON)
        self.told: list[Event] = []
        self.said: list[Command] = []
        self.busy = False
        self.recall = Recall(kept, wiring.RouterBacks(self.router), self.tell, lambda: True)

    async def tell(self, event: CallbackKnown | CallbackClosed) -> bool:
        if self.busy:
            return False
        self.told.append(event)
        self.said += self.router.handle(event, NOON)
        return True

    async def round(self) -> int:
        """How many events it took."""
        before = len(self.told)
        await self.recall.round()
        return len(self.told) - before

    def open(self) -> list[str]:
        return sorted(self.router.state.backs)


@pytest.fixture
def kept(engine: AsyncEngine) -> Callbacks:
    return Callbacks(engine, CALLERS)


async def test_open_ones_are_learned_once(kept: Callbacks) -> None:
    """After a start the router knows whom it owes a call; what is a department's or done it need not."""
    await kept.add(ASKED)
    await kept.add(replace(ASKED, id="gera/2", number="+49171999", kind=CallbackKind.UNREACHED))
    await kept.add(replace(ASKED, id="gera/3", kind=CallbackKind.DEPARTMENT, department="benefits"))
    await kept.add(callbacks.finish(replace(ASKED, id="gera/4"), CallbackResult.REACHED, "", NOON))
    here = Here(kept)
    assert await here.round() == 2
    assert here.open() == ["gera/1", "gera/2"]
    assert here.router.state.backs["gera/1"].record.number == NUMBER
    assert await here.round() == 0


async def test_what_another_router_did_is_learned(kept: Callbacks) -> None:
    """The later version counts, to the end."""
    await kept.add(ASKED)
    here = Here(kept)
    await here.round()
    taken = callbacks.take(ASKED, "gera/2001")
    missed = callbacks.missed(taken, callbacks.TryResult.BUSY, NOON, NOON + 60)
    assert await kept.change(taken)
    assert await kept.change(missed)
    assert await here.round() == 1
    assert here.router.state.backs["gera/1"].record.tries == 1
    assert await kept.change(callbacks.finish(missed, CallbackResult.REACHED, "x", NOON))
    assert await here.round() == 1
    assert here.open() == []
    assert await here.round() == 0


async def test_what_the_router_has_just_done_is_not_opened_again(kept: Callbacks) -> None:
    """SQL is a moment behind: neither what was closed nor what was changed comes back."""
    await kept.add(ASKED)
    await kept.add(replace(ASKED, id="gera/2", number="+49171999"))
    here = Here(kept)
    await here.round()
    here.router.handle(CallbackClosed("gera/1", CallbackResult.CANCELLED, "x", "anna"), NOON)
    assert await here.round() == 0
    assert here.open() == ["gera/2"]
    behind = callbacks.finish(replace(ASKED, id="gera/2"), CallbackResult.EXPIRED, "", NOON)
    back = here.router.state.backs["gera/2"]
    back.record = replace(back.record, version=5)
    assert await kept.change(behind)
    assert await here.round() == 0
    assert here.open() == ["gera/2"]


async def test_who_was_forgotten_is_not_rung(engine: AsyncEngine, kept: Callbacks) -> None:
    """Erased by the command, he is off the router's list as well, whatever it has made of it, and so is his number."""
    await kept.add(ASKED)
    here = Here(kept)
    await here.round()
    back = here.router.state.backs["gera/1"]
    back.record = replace(back.record, version=9)
    await forget(engine, CALLERS.key_of(NUMBER), NOON)
    assert await here.round() == 1
    assert here.open() == []
    (changed,) = [one.callback for one in here.said if isinstance(one, CallbackChanged)]
    assert (changed.result, changed.number, changed.status) == ("forgotten", "", CallbackStatus.DONE)
    assert NUMBER not in repr(here.router.checkpoint())


async def test_number_that_cannot_be_read_is_asked_for_once(kept: Callbacks, engine: AsyncEngine) -> None:
    """Sealed with another key, a callback cannot be rung, and is not tried again and again."""
    await kept.add(ASKED)
    here = Here(Callbacks(engine, Callers("another secret that is long enough")))
    assert await here.round() == 0
    assert here.open() == []


async def test_busy_router_is_told_later(kept: Callbacks, engine: AsyncEngine) -> None:
    """Nothing is lost when the router has no room for events."""
    await kept.add(ASKED)
    here = Here(kept)
    here.busy = True
    assert await here.round() == 0
    here.busy = False
    assert await here.round() == 1
    await forget(engine, CALLERS.key_of(NUMBER), NOON)
    here.busy = True
    assert await here.round() == 0
    here.busy = False
    assert await here.round() == 1
    assert here.open() == []
