"""All links together: gives each order to the link of its call's site. It knows no more than that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from callrouter.ami.actions import site_of
from callrouter.ami.link import SiteLink
from callrouter.ami.linkstate import LinkState
from callrouter.core.commands import CancelOffer, Offer, Order, Reread
from callrouter.core.events import Event, OrderLost


class Switchboard:
    def __init__(self, links: Mapping[str, SiteLink], submit: Callable[[Event], bool]) -> None:
        self.links = dict(links)
        self._submit = submit

    def start(self) -> None:
        for link in self.links.values():
            link.start()

    async def close(self) -> None:
        await asyncio.gather(*(link.close() for link in self.links.values()))

    def execute(self, order: Order) -> None:
        """Returns at once. An order for a site without a link comes back as lost."""
        site = order.site if isinstance(order, Reread) else site_of(order.call)
        link = self.links.get(site)
        if link is not None:
            link.execute(order)
        elif not isinstance(order, Reread):
            attempt = order.attempt if isinstance(order, Offer | CancelOffer) else None
            lost = OrderLost(order.call, attempt, unknown=False, text=f"there is no link to {site!r}")
            asyncio.get_running_loop().call_soon(self._submit, lost)

    def states(self) -> tuple[LinkState, ...]:
        return tuple(link.state for link in self.links.values())
