"""What a page consists of, as data: its routes and, for a page that moves, what it looks at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from callrouter.web.live import Look
    from callrouter.web.visit import Visit

Handler = Callable[["Visit"], Awaitable[web.StreamResponse]]
STREAM = "/strom"  # below the page's own path


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path. Who may use it stands in `access.py` under `name`."""

    method: str
    path: str
    handle: Handler
    stream: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path.removesuffix(STREAM) if self.stream else self.path}"


def get(path: str, handle: Handler) -> tuple[Route, ...]:
    return (Route("GET", path, handle),)


def post(path: str, handle: Handler) -> tuple[Route, ...]:
    return (Route("POST", path, handle),)


def _all(_key: tuple[Hashable, ...]) -> frozenset[str]:
    return frozenset()


def _nothing(_visit: Visit) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class LivePage:
    """A page that follows what happens.

    regions: blocks of the template that are sent anew when they change; each stands in an element whose id is the
    block's name. look: what is seen now: comparable values, cheap, no I/O; those not named as a region are there for
    all of them. key: from the visit; raises Forbidden. Visits with the same key share the work, so nothing that belongs
    to one person may come from `look`. still: more for the first drawing, per person. tags: the page looks again only
    after `Live.changed` named one of them; empty: after anything.
    """

    path: str
    template: str
    regions: tuple[str, ...]
    key: Callable[[Visit], tuple[Hashable, ...]]
    look: Callable[[Look], Mapping[str, Any]]
    still: Callable[[Visit], dict[str, Any]] = _nothing
    tags: Callable[[tuple[Hashable, ...]], frozenset[str]] = _all

    def routes(self) -> tuple[Route, ...]:
        async def show(visit: Visit) -> web.StreamResponse:
            return visit.show_live(self)

        async def stream(visit: Visit) -> web.StreamResponse:
            return await visit.front.live.follow(visit, self)

        return (Route("GET", self.path, show), Route("GET", self.path + STREAM, stream, stream=True))
