"""The links of a service, one a site: made from what the configuration says, and made anew where that has changed.

Knows how links are built and exchanged; what comes over them goes to the engine.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from callrouter import wiring
from callrouter.ami.epoch import Lease
from callrouter.ami.link import SiteLink
from callrouter.ami.switchboard import Switchboard
from callrouter.callers import Ringable
from callrouter.config.schema import Network
from callrouter.core.events import Event, LinkDown


@dataclass(frozen=True, slots=True)
class Lines:
    """What a configuration says of links: connections by site, their certificates, whom they can ring."""

    connections: dict[str, wiring.Connection]
    tls: dict[str, ssl.SSLContext | None]
    numbers: Ringable

    @classmethod
    def of(cls, network: Network, reveal: wiring.Reveal) -> Lines:
        """Raises SecretError, OSError and ssl.SSLError. Blocks on files."""
        connections = wiring.connections(network, reveal)
        tls = {name: one.context() for name, one in connections.items()}
        return cls(connections, tls, wiring.ringable(network))


class Links:
    """`start()` from inside the running loop. tell: to the engine. epoch, nonce: who this router is to its sites."""

    def __init__(
        self,
        lines: Lines,
        tell: Callable[[Event], bool],
        *,
        epoch: int,
        nonce: str,
        clock: Callable[[], float],
        rng: Callable[[], float],
    ) -> None:
        """clock: steady seconds."""
        self._lines, self._tell = lines, tell
        self._epoch, self._nonce, self._clock, self._rng = epoch, nonce, clock, rng
        self._leases: dict[str, Lease] = {}
        self.switchboard = Switchboard({}, self._submit)

    @property
    def sites(self) -> tuple[str, ...]:
        return tuple(self._lines.connections)

    @property
    def numbers(self) -> Ringable:
        """Whom they can ring."""
        return self._lines.numbers

    def start(self) -> None:
        for name in self._lines.connections:
            self._link(name)

    async def use(self, lines: Lines) -> list[str]:
        """Exchange what has changed; the sites whose links are new."""
        before, after = self._lines.connections, lines.connections
        self._lines = lines
        for name in [name for name, one in before.items() if after.get(name) != one]:
            await self.switchboard.links.pop(name).close()
            self._tell(LinkDown(name))
        new = [name for name, one in after.items() if before.get(name) != one]
        for name in new:
            self._link(name)
        return new

    def _submit(self, event: Event) -> bool:
        """What a link tells."""
        return self._tell(wiring.with_reach(event, self._lines.numbers))

    def _link(self, name: str) -> None:
        one = self._lines.connections[name]
        link = SiteLink(
            name,
            one.host,
            one.port,
            one.user,
            one.secret,
            lease=self._leases.setdefault(name, Lease(self._epoch, self._nonce)),
            submit=self._submit,
            clock=self._clock,
            rng=self._rng,
            tls=self._lines.tls[name],
            peers=one.peers,
        )
        self.switchboard.links[name] = link
        link.start()


async def lines_of(network: Network, reveal: wiring.Reveal) -> Lines:
    """Read beside the loop. Raises as `Lines.of`."""
    return await asyncio.to_thread(Lines.of, network, reveal)
