"""Sites without link to the router, while a day goes on.

Conversations last. Callers there ring on unserved until they give up or the dialplan says busy at the hotline's ring
limit, and the agents there get no calls. When the link returns the site is read back, as in real life.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callrouter.core.calendar import is_open
from callrouter.core.events import (
    AgentAct,
    AgentActed,
    Event,
    HotlineMode,
    LinkDown,
    LiveCall,
    PhoneState,
    SiteRead,
    Stage,
)
from callrouter.sim.call import CLOSED, Call, Kind
from callrouter.sim.kernel import SECOND_US, Rank, to_us

if TYPE_CHECKING:
    from callrouter.sim.day import Day


def site_of(call: Call) -> str:
    return call.id.partition("/")[0]


class Dark:
    """The sites that are dark now, and what the router is not told of them."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self.sites: set[str] = set()
        self._owed: dict[str, list[str]] = {}  # site -> agents whom the router thinks in a call there that is over

    def hides(self, call: Call) -> bool:
        """Is the call at a site that the router cannot see?"""
        return bool(self.sites) and site_of(call) in self.sites

    def fall(self, site: str, at_us: int) -> Event:
        self.sites.add(site)
        for call in self._day.live.values():
            if not call.outcome and self.hides(call):
                self._rings_out(call, at_us)
        return LinkDown(site)

    def arrives(self, call: Call, at_us: int) -> None:
        hotline = self._day.hotlines[call.hotline]
        by_hand = self._day.router.state.mode(hotline.name) is HotlineMode.CLOSED
        if not by_hand and is_open(hotline.hours, (self._day.setting.start_us + at_us) / SECOND_US):
            self._rings_out(call, at_us)
        else:
            self._day.ended(call, CLOSED, at_us)

    def _rings_out(self, call: Call, at_us: int) -> None:
        limit_s = self._day.hotlines[call.hotline].ring_max_s
        if limit_s is not None:
            self._day.agenda.add(max(at_us, call.at_us + to_us(limit_s)), Rank.DEADLINE, (Kind.RINGS_OUT, call))

    def owes(self, call: Call) -> None:
        """The agent of this hidden call has done his work."""
        self._owed.setdefault(site_of(call), []).append(call.agent)

    def rise(self, site: str, at_us: int) -> list[Event]:
        """The link is back: what stands at the site, and agents whose work is known only now to be done."""
        self.sites.discard(site)
        agents = self._owed.pop(site, [])
        return [self.read(site, at_us), *(AgentActed(agent, AgentAct.WRAP_UP_DONE) for agent in agents)]

    def read(self, site: str, at_us: int) -> SiteRead:
        """The site as it is."""
        calls = tuple(self._seen(call, at_us) for call in self._day.live.values() if site_of(call) == site)
        phones = tuple(
            PhoneState(site, agent.phone, reachable=True, in_use=False)
            for agent in self._day.setting.plan.agents
            if agent.site == site
        )
        return SiteRead(site, calls, phones)

    def _seen(self, call: Call, at_us: int) -> LiveCall:
        age_s = (at_us - call.at_us) / SECOND_US
        number = self._day.number(call)
        if not call.outcome:
            return LiveCall(call.id, number, call.caller, Stage.HELD, age_s)
        site, _, name = call.agent.partition("/")
        phone = next(a.phone for a in self._day.setting.plan.agents if a.id == call.agent)
        leg = (f"{call.id}-{name}", site, phone, True)
        talk_s = age_s - (call.wait_us or 0) / SECOND_US
        return LiveCall(call.id, number, call.caller, Stage.TALKING, age_s, legs=(leg,), talk_s=talk_s)
