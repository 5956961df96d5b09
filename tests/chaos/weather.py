"""When each site was served without trouble: then, what the router knows must be what is true.

A disturbance begins with a fault that blinds the router, or when its link is not up; it ends a while after the last of
them. One that goes on long without a fault is a fault of ours. A fault that loses events without breaking anything is
over only when the router in charge has read the site back since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from callrouter.ami.linkstate import Phase
from tests.chaos.machine import Machine

SETTLE_S = 6.0  # a half-open link is noticed within that, and what was late has come
UP_S = 1.0  # the link has been up for so long
RECOVER_S = 80.0  # from the end of the last fault until a site is served again: restarts, back-offs, the next read-back


@dataclass
class _Site:
    since: float | None = 0.0  # of the disturbance that goes on
    faults: int = 0
    ended_at: float = 0.0  # the last fault
    must_read: dict[object, int] | None = None  # link -> how often it had read when events were lost
    up_since: float | None = None
    intervals: list[tuple[float, float]] = field(default_factory=list)


class Weather:
    def __init__(
        self,
        clock: Callable[[], float],
        sites: Iterable[str],
        machines: dict[str, Machine],
        broke: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._sites = {site: _Site() for site in sites}
        self._machines = machines
        self._broke = broke

    def disturb(self, sites: Iterable[str], lasting: bool) -> None:
        for name in sites:
            site = self._sites[name]
            site.faults += lasting
            site.since = self._clock() if site.since is None else site.since
            site.ended_at = self._clock()

    def over(self, sites: Iterable[str], lossy: bool = False) -> None:
        for name in sites:
            site = self._sites[name]
            site.faults -= 1
            site.ended_at = self._clock()
            if lossy:
                site.must_read = {link: link.state.reads for _, link in self._links(name)}

    def look(self) -> None:
        """Ask again, several times a second."""
        now = self._clock()
        for name, site in self._sites.items():
            charge = self.in_charge(name)
            if charge is None:
                site.since = now if site.since is None else site.since
                site.up_since = None
            elif site.up_since is None:
                site.up_since = now
            if site.since is None or site.faults:
                continue
            if site.must_read is not None and charge is not None:
                link = charge.service.switchboard.links[name]  # type: ignore[union-attr]
                if link.state.reads > site.must_read.get(link, 0):
                    site.must_read = None
            up = site.up_since is not None and now - site.up_since >= UP_S
            if up and now - site.ended_at >= SETTLE_S and site.must_read is None:
                site.intervals.append((site.since, now))
                site.since = None
            elif now - site.ended_at > RECOVER_S:
                why = "has not read back what it missed" if up else "is not served"
                self._broke(f"{name} {why} {now - site.ended_at:.0f} s after the last fault")
                site.ended_at = now

    def clear(self, site: str, start: float, end: float) -> bool:
        """Was all well there from start to end?"""
        one = self._sites[site]
        if one.since is not None and end > one.since:
            return False
        return not any(a < end and b > start for a, b in one.intervals)

    def clear_part(self, site: str, start: float, end: float) -> float:
        """How many seconds between start and end were clear."""
        return max(0.0, end - start - self.blind_s(site, start, end))

    def blind_s(self, site: str, start: float, end: float) -> float:
        one = self._sites[site]
        intervals = one.intervals if one.since is None else [*one.intervals, (one.since, end)]
        return sum(max(0.0, min(end, b) - max(start, a)) for a, b in intervals)

    def calm(self) -> bool:
        return all(site.since is None for site in self._sites.values())

    def clear_s(self, until: float) -> float:
        """Seconds of all sites that were clear."""
        total = 0.0
        for site in self._sites.values():
            total += until - sum(b - a for a, b in site.intervals)
            total -= until - site.since if site.since is not None else 0.0
        return total

    def _links(self, site: str) -> list[tuple[Machine, object]]:
        found = []
        for machine in self._machines.values():
            if machine.alive and machine.service is not None and site in machine.service.switchboard.links:
                found.append((machine, machine.service.switchboard.links[site]))
        return found

    def in_charge(self, site: str) -> Machine | None:
        """The one router that serves this site, if there is exactly one."""
        found = [
            machine
            for machine, link in self._links(site)
            if link.state.phase in (Phase.UP, Phase.READING)
            and machine.service.router.state.links.get(site)
            and not machine.process.stopped  # type: ignore[attr-defined,union-attr]
        ]
        return found[0] if len(found) == 1 else None
