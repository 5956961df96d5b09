"""Who of a team is on duty, as far as the number that the roster asks for goes.

A team may start a call only while fewer than N of its agents are busy. So as many sit free as N leaves over those
who are busy; when N falls the free go first, and who is busy when his place is gone leaves with the end of his work.
Who comes and who goes: the crew's order, from the front to come and from the back to go. The order is the plan's,
with agents of different skills evenly mixed, so that a small crew has the skills of the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum

from callrouter.core.events import AgentAct, AgentActed, AgentId
from callrouter.core.plan import Agent, Skills


class Duty(IntEnum):
    OFF = 0
    FREE = 1
    BUSY = 2  # in a conversation or wrap-up


def mixed(agents: Sequence[Agent]) -> list[Agent]:
    """In the plan's order, but within each team groups of different skills evenly mixed."""
    sizes = Counter((agent.team, agent.skills) for agent in agents)
    seen: Counter[tuple[str, Skills]] = Counter()
    places = []
    for order, agent in enumerate(agents):
        group = (agent.team, agent.skills)
        seen[group] += 1
        places.append(((seen[group] - 0.5) / sizes[group], order, agent))
    return [agent for *_, agent in sorted(places, key=lambda place: place[:2])]


class Crew:
    """One team's people. Whatever changes who is on duty is told as events for the router."""

    def __init__(self, agents: Iterable[AgentId], at_us: int) -> None:
        self.duty = dict.fromkeys(agents, Duty.OFF)
        self.place = {agent: place for place, agent in enumerate(self.duty)}
        self.wanted = self.free = self.busy = 0
        self.on_duty_us = 0  # summed over agents, until `_since_us`
        self._since_us = at_us

    def settle(self, at_us: int) -> None:
        """Bring the sum of time on duty up to this instant."""
        self.on_duty_us += (self.free + self.busy) * (at_us - self._since_us)
        self._since_us = at_us

    def want(self, number: int, at_us: int) -> Iterator[AgentActed]:
        """The roster asks for so many from now on."""
        self.settle(at_us)
        self.wanted = number
        target = max(0, number - self.busy)
        if target < self.free:
            yield from self._change(Duty.FREE, Duty.OFF, AgentAct.LOG_OUT, self.free - target)
        elif target > self.free:
            yield from self._change(Duty.OFF, Duty.FREE, AgentAct.READY, target - self.free)

    def _change(self, before: Duty, after: Duty, act: AgentAct, number: int) -> Iterator[AgentActed]:
        order = list(self.duty) if after is Duty.FREE else list(reversed(self.duty))
        for agent in [agent for agent in order if self.duty[agent] is before][:number]:
            self.duty[agent] = after
            self.free += 1 if after is Duty.FREE else -1
            yield AgentActed(agent, act)

    def take(self, agent: AgentId) -> None:
        """He talks."""
        assert self.duty[agent] is Duty.FREE, f"{agent} answers but is {self.duty[agent].name}"
        assert self.busy < self.wanted, f"{agent} answers though {self.busy} of {self.wanted} are busy"
        self.duty[agent] = Duty.BUSY
        self.free -= 1
        self.busy += 1

    def done(self, agents: Iterable[AgentId], at_us: int) -> Iterator[AgentActed]:
        """Their work on calls is over at one instant: the first of them stay, as far as there are places."""
        self.settle(at_us)
        ended = sorted(agents, key=self.place.__getitem__)
        self.busy -= len(ended)
        for agent in ended:
            assert self.duty[agent] is Duty.BUSY, f"{agent} ends a call but is {self.duty[agent].name}"
            stays = self.free < self.wanted - self.busy
            self.duty[agent] = Duty.FREE if stays else Duty.OFF
            self.free += stays
            yield AgentActed(agent, AgentAct.WRAP_UP_DONE if stays else AgentAct.LOG_OUT)
