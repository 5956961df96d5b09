"""Which free agent: one pool per team, indexed by skill set. Choosing costs O(skill sets + log agents), never a scan.

Removed entries stay in their heap until they surface (an entry is good only with its agent's version), and a heap is
rebuilt when most of it is stale.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush, nsmallest

from callrouter.core.agents import AgentSeat
from callrouter.core.plan import Skills, Strategy, Team

Entry = tuple[tuple[float, float], int, int, AgentSeat]  # key, order, version, agent


def meets(skills: Skills, needs: Skills) -> bool:
    """Has every needed skill at its level or better."""
    if not needs:
        return True
    have = dict(skills)
    return all(have.get(skill, 0) >= level for skill, level in needs)


class Pool:
    """The free (ready) agents of one team."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.free = 0
        self._heaps: dict[Skills, list[Entry]] = {}
        self._matching: dict[Skills, list[list[Entry]]] = {}
        self._live: dict[Skills, int] = {}

    def _key(self, agent: AgentSeat) -> tuple[float, float]:
        match self.team.strategy:
            case Strategy.FEWEST_CALLS:
                return (agent.calls, agent.idle_since)
            case Strategy.ROUND_ROBIN:
                return (agent.last_offer, 0.0)
            case _:
                return (agent.idle_since, 0.0)

    def add(self, agent: AgentSeat, skills: Skills) -> None:
        agent.version += 1
        heap = self._heaps.get(skills)
        if heap is None:
            heap = self._heaps[skills] = []
            self._live[skills] = 0
            self._matching.clear()
        live = self._live[skills] = self._live[skills] + 1
        self.free += 1
        if len(heap) > 2 * live + 16:
            heap[:] = [entry for entry in heap if entry[3].version == entry[2]]
            heapify(heap)
        heappush(heap, (self._key(agent), agent.order, agent.version, agent))

    def remove(self, agent: AgentSeat, skills: Skills) -> None:
        agent.version += 1
        self._live[skills] -= 1
        self.free -= 1

    def _heaps_for(self, needs: Skills) -> list[list[Entry]]:
        heaps = self._matching.get(needs)
        if heaps is None:
            heaps = self._matching[needs] = [h for skills, h in self._heaps.items() if meets(skills, needs)]
        return heaps

    def best(self, needs: Skills) -> AgentSeat | None:
        """The free agent whose turn it is among those who meet the needs."""
        found: Entry | None = None
        for heap in self._heaps_for(needs):
            while heap and heap[0][3].version != heap[0][2]:
                heappop(heap)
            if heap and (found is None or heap[0][:2] < found[:2]):
                found = heap[0]
        return None if found is None else found[3]

    def several(self, needs: Skills, most: int) -> list[AgentSeat]:
        """Up to `most` of them in order of turn, for ring_all (whose teams are small: this one looks at all)."""
        good: Iterable[Entry] = (e for heap in self._heaps_for(needs) for e in heap if e[3].version == e[2])
        return [entry[3] for entry in nsmallest(most, good, key=lambda e: e[:2])]
