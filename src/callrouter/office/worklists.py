"""The departments' worklists: what each owes, kept at hand for its page, and what its people do with a callback.

SQL has the last word: of two who take one at once the second is told so. A number is told only to who has taken the
callback, and only so long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from callrouter.core import callbacks as rules
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus, Refused, TryResult
from callrouter.desk.plan import Desk
from callrouter.store.callbacks import Callbacks
from callrouter.store.schema import CALLBACK

FOUND_MAX = 100
DONE_SHOWN_S = 12 * 3600.0  # what was done so lately stays in sight


def tag(department: str) -> str:
    """What pages of this department wait for (`LivePage.tags`)."""
    return f"department {department}"


class Worklists:
    """Others than these methods change callbacks, too: `refresh` looks again."""

    def __init__(self, store: Callbacks, desk: Callable[[], Desk], clock: Callable[[], float]) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._lists: dict[str, tuple[Callback, ...]] = {}
        self._numbers: dict[str, str] = {}  # of those that somebody has taken
        self.changed: Callable[[str], None] = lambda _: None

    def of(self, department: str) -> tuple[Callback, ...]:
        """Not done, or done lately, by due time. Without numbers."""
        return self._lists.get(department, ())

    def number(self, one: Callback, who: str) -> str:
        """The number to ring, for who has taken the callback; '' for everybody else."""
        taken = one.status is CallbackStatus.TAKEN and one.taken_by == who
        return self._numbers.get(one.id, "") if taken else ""

    async def search(self, department: str, caller: str) -> list[Callback]:
        """What the department ever promised this caller (keyed hash), the latest first, without numbers."""
        found = await self._store.find(
            CALLBACK.c.kind == CallbackKind.DEPARTMENT.value, CALLBACK.c.department == department,
            CALLBACK.c.caller == caller, limit=FOUND_MAX,
        )  # fmt: skip
        return [replace(one, number="") for one in reversed(found)]

    async def refresh(self) -> list[Callback]:
        """All that departments owe. Raises SQLAlchemyError or OSError."""
        lately = CALLBACK.c.done_at > self._clock() - DONE_SHOWN_S
        found = await self._store.find(
            CALLBACK.c.kind == CallbackKind.DEPARTMENT.value,
            (CALLBACK.c.status != CallbackStatus.DONE.value) | lately,
        )
        self._numbers = {one.id: one.number for one in found if one.status is CallbackStatus.TAKEN}
        for name in {one.name for one in self._desk().departments} | self._lists.keys():
            self._show(name, (one for one in found if one.department == name))
        return [one for one in found if one.status is not CallbackStatus.DONE]

    # ---- what people do; each raises Refused, SQLAlchemyError or OSError

    async def take(self, callback: str, department: str, who: str) -> Callback:
        return await self._change(rules.take(await self._get(callback, department), who))

    async def give_back(self, callback: str, department: str, who: str) -> Callback:
        return await self._change(rules.give_back(await self.own(callback, department, who)))

    async def missed(self, callback: str, department: str, who: str, result: TryResult) -> Callback:
        one = await self.own(callback, department, who)
        return await self._change(rules.missed(one, result, self._clock()))

    async def done(self, callback: str, department: str, who: str, result: CallbackResult) -> Callback:
        one = await self.own(callback, department, who)
        return await self._change(rules.finish(one, result, who, self._clock()))

    async def own(self, callback: str, department: str, who: str) -> Callback:
        """One that he has taken."""
        one = await self._get(callback, department)
        if one.taken_by != who:
            raise Refused(f"the callback is {one.taken_by or 'nobody'}'s")
        return one

    # ---- inside

    async def _get(self, callback: str, department: str) -> Callback:
        one = await self._store.get(callback)
        if one is None or one.department != department or one.kind is not CallbackKind.DEPARTMENT:
            raise Refused("there is no such callback")
        return one

    async def _change(self, one: Callback) -> Callback:
        if not await self._store.change(one):
            raise Refused("somebody else has changed it meanwhile")
        if one.status is CallbackStatus.TAKEN:
            self._numbers[one.id] = one.number
        else:
            self._numbers.pop(one.id, None)
        listed = [each for each in self.of(one.department) if each.id != one.id]
        self._show(one.department, sorted([*listed, one], key=lambda each: (each.due_at, each.id)))
        return one

    def _show(self, department: str, callbacks: Iterable[Callback]) -> None:
        shown = tuple(replace(one, number="") for one in callbacks)
        if shown != self._lists.get(department, ()):
            self._lists[department] = shown
            self.changed(tag(department))
