"""Waiting callers and their order.

A lane holds the callers who wait for the same thing (hotline, topic, stage of relaxation) at the same site; within it
the oldest comes first. Lanes are compared by priority, then by their oldest caller, so the order of service over a
whole team needs no list of all callers.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from callrouter.core.calls import Call
from callrouter.core.plan import Hotline, Skills, Topic

LaneKey = tuple[str, str, int, str]  # hotline, topic, stage, site
Turn = tuple[int, float, int]  # -priority, arrival, sequence: smaller is served first


class Lane:
    def __init__(self, key: LaneKey, hotline: Hotline, topic: Topic) -> None:
        self.key = key
        self.hotline = hotline
        self.topic = topic
        self.site = key[3]
        self.stage = key[2]
        self.needs: Skills = topic.needs if self.stage == 0 else topic.relax[self.stage - 1].needs
        self.teams = topic.teams or hotline.teams
        self.priority = hotline.priority + topic.priority
        self.steps_s: tuple[float, ...] = ()  # waits after which its callers may go further
        self.waiting = 0
        self._heap: list[tuple[float, int, Call]] = []

    def push(self, call: Call) -> None:
        """A call that comes back after a failed offer has its old place: order is by arrival, not by entry."""
        call.lane = self.key
        self.waiting += 1
        if len(self._heap) > 2 * self.waiting + 16:
            self._heap = list({e[2].id: e for e in self._heap if e[2].lane == self.key}.values())
            heapify(self._heap)
        heappush(self._heap, (call.arrived_at, call.sequence, call))

    def remove(self, call: Call) -> None:
        call.lane = None
        self.waiting -= 1

    def head(self) -> Call | None:
        heap = self._heap
        while heap:
            call = heap[0][2]
            if call.lane == self.key:
                # A call that left and came back stands in the heap twice, at the same place: harmless.
                return call
            heappop(heap)
        return None

    def turn(self) -> Turn | None:
        call = self.head()
        return None if call is None else (-self.priority, call.arrived_at, call.sequence)
