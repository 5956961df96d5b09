"""Callers to be rung back, as the router keeps them, and the order in which agents ring them.

A backlog holds those who wait for the same thing (hotline, topic); within it the earliest due comes first. It is to
callbacks what a lane is to calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from callrouter.core.callbacks import Callback
from callrouter.core.events import CallId
from callrouter.core.timers import Timer

BackKey = tuple[str, str]  # hotline, topic
BackTurn = tuple[float, float, str]  # due, asked, id: smaller is rung first


@dataclass(slots=True)
class Back:
    """A callback that is not done. Plain data; only the router writes it."""

    record: Callback
    outbound: CallId = ""  # its live call
    backlog: BackKey | None = None  # where it waits for an agent
    timer: Timer | None = None


class Backlog:
    def __init__(self, key: BackKey) -> None:
        self.key = key
        self.waiting = 0
        self._sequence = 0  # one that is learned anew has the turn of what it was before
        self._heap: list[tuple[BackTurn, int, Back]] = []

    def push(self, back: Back) -> None:
        back.backlog = self.key
        self.waiting += 1
        if len(self._heap) > 2 * self.waiting + 16:
            self._heap = list({e[2].record.id: e for e in self._heap if e[2].backlog == self.key}.values())
            heapify(self._heap)
        self._sequence += 1
        heappush(self._heap, (_turn(back), self._sequence, back))

    def remove(self, back: Back) -> None:
        back.backlog = None
        self.waiting -= 1

    def head(self) -> Back | None:
        heap = self._heap
        while heap:
            back = heap[0][2]
            if back.backlog == self.key:
                return back
            heappop(heap)
        return None

    def turn(self) -> BackTurn | None:
        back = self.head()
        return None if back is None else _turn(back)


def _turn(back: Back) -> BackTurn:
    return back.record.due_at, back.record.asked_at, back.record.id
