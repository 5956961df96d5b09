"""Callbacks by API, over the real router and engine: the list, take, close, "it was not he"."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from aiohttp.test_utils import TestClient, TestServer

from callrouter.core.callbacks import Callback, CallbackKind
from callrouter.core.commands import DialOut, HangUp, Order
from callrouter.core.events import (
    CallbackKnown,
    OutboundAnswered,
    OutboundEnded,
    OutboundRung,
    OutboundUp,
    PhoneState,
    SiteRead,
)
from callrouter.core.plan import CallbackRules, Hours, Span
from callrouter.core.router import Router
from callrouter.engine import Engine
from callrouter.web.service import make_app
from tests.web.conftest import Client
from tests.web.test_api import Headers, get, post
from tests.web.world import NOW, World

REASON = "Er war schon hier"
ASKED = Callback("gera/1.1", CallbackKind.CAPTURED, "agency-gera", "", "gera", "+491711234567", NOW - 60, NOW + 3600)
GAVE_UP = replace(ASKED, id="gera/2.1", kind=CallbackKind.UNREACHED, number="+491719876543", due_at=NOW - 1)
RULES = CallbackRules(
    hours=None, working=Hours("Europe/Berlin", ((Span(0, 86_400),),) * 7), shows="0365", say_offer="offer",
    say_number="number", say_again="again", say_done="done", say_known="known", reserve=0, tries_max=2,
)  # fmt: skip


@dataclass
class Service:
    client: Client
    engine: Engine
    orders: list[Order]
    world: World

    async def ring(self, answered: bool) -> str:
        """What the newest order to ring comes to, seen from the site: the agent answers, perhaps the caller too."""
        call = [order.call for order in self.orders if isinstance(order, DialOut)][-1]
        for event in (OutboundRung(call), OutboundUp(call), *((OutboundAnswered(call),) if answered else ())):
            await self.engine.ask(event)
        return call


@pytest.fixture
async def service(world: World) -> AsyncIterator[Service]:
    """Gera's callers are rung back; one has asked, one has given up; everybody's phone is well, nobody logged in."""
    orders: list[Order] = []
    gera, magdeburg = world.plan.hotlines
    router = Router(replace(world.plan, hotlines=(replace(gera, callback=RULES), magdeburg)), NOW)
    engine = Engine(router, lambda: NOW, orders.append)
    running = asyncio.create_task(engine.run())
    for site in world.plan.sites:
        phones = tuple(PhoneState(a.site, a.phone, True, False) for a in world.plan.agents if a.site == site.name)
        await engine.ask(SiteRead(site.name, phones=phones))
    for one in (ASKED, GAVE_UP):
        await engine.ask(CallbackKnown(one))
    context = replace(
        world.context(), snapshot=engine.snapshot, plan=lambda: router.plan, ask=engine.ask, history=engine.history,
        callbacks=router.callbacks, callback=router.callback,
    )  # fmt: skip
    async with TestClient(TestServer(make_app(context))) as client:
        yield Service(client, engine, orders, world)
    engine.stop()
    await running


async def test_the_list_is_by_due_time(service: Service, read: Headers) -> None:
    """The earliest first, page by page; each with the reason why nobody rings; filtered; numbers masked."""
    page = await get(service.client, "/callbacks?limit=1", read)
    (late,) = page["items"]
    assert (late["callback"], late["kind"], late["overdue"], late["caller"]) == (
        "gera/2.1", "unreached", True, "•••543",
    )  # fmt: skip
    assert late["why_not"] == "rung only by hand"
    rest = await get(service.client, f"/callbacks?limit=1&after={page['next']}", read)
    assert (rest["total"], rest["next"]) == (2, None)
    assert [one["callback"] for one in rest["items"]] == ["gera/1.1"]
    assert rest["items"][0]["why_not"] == "only 0 free in agency-gera, reserve 0"
    for query, ids in (
        ("kind=captured", ["gera/1.1"]),
        ("status=taken", []),
        ("hotline=agency-magdeburg", []),
        ("site=gera&hotline=agency-gera", ["gera/2.1", "gera/1.1"]),
    ):
        found = await get(service.client, f"/callbacks?{query}", read)
        assert [one["callback"] for one in found["items"]] == ids
    await get(service.client, "/callbacks/gera/9.9", read, 404)


async def test_an_idle_agent_takes_one_who_gave_up(service: Service, read: Headers, write: Headers) -> None:
    """His phone is rung, then the caller's; who is at it and how far shows; afterwards it is on the list no more."""
    client = service.client
    path = f"/callbacks/{GAVE_UP.id}"
    refused = await post(client, f"{path}/take", write, {"agent": "gera/2001"}, 409)
    assert "the agent is logged out" in refused["detail"]
    await post(client, f"{path}/take", read, {"agent": "gera/2001"}, 403)
    await post(client, "/callbacks/gera/9.9/take", write, {"agent": "gera/2001"}, 404)
    await post(client, "/agents/gera/2001/state", write, {"state": "log_in"})
    taken = await post(client, f"{path}/take", write, {"agent": "gera/2001"})
    assert (taken["status"], taken["agent"], taken["stage"]) == ("taken", "gera/2001", "ringing")
    assert service.world.entries[-1]["what"] == "callback gera/2.1 taken"
    call = await service.ring(answered=True)
    assert (await get(client, path, read))["stage"] == "talking"
    told = json.dumps(await get(client, f"/calls/{call}/explain", read))
    assert "9876543" not in told
    assert {"callback_taken", "outbound_up", "outbound_answered"} <= {s["event"] for s in json.loads(told)["steps"]}
    await service.engine.ask(OutboundEnded(call))
    await get(client, path, read, 404)


async def test_it_was_not_he(service: Service, read: Headers, write: Headers) -> None:
    """A mailbox counts as reached until the agent says so; then he is tried again, and given up after the last try."""
    client = service.client
    path = f"/callbacks/{ASKED.id}"
    await post(client, f"{path}/missed", write, {}, 409)
    await post(client, "/agents/gera/2001/state", write, {"state": "log_in"})
    for expected in (("not_reached", None), ("done", "given_up")):
        await post(client, f"{path}/take", write, {"agent": "gera/2001"})
        await service.engine.ask(OutboundEnded(await service.ring(answered=True)))
        await get(client, path, read, 404)
        after = await post(client, f"{path}/missed", write, {})
        assert (after["status"], after["result"]) == expected
        await post(client, "/agents/gera/2001/state", write, {"state": "wrap_up_done"})
    assert [e["after"] for e in service.world.entries if "was not reached" in e["what"]] == ["not_reached", "given_up"]


async def test_one_is_closed_by_hand(service: Service, read: Headers, write: Headers) -> None:
    """With a result and a reason; a phone that rings for it stops; what is done is gone."""
    client = service.client
    path = f"/callbacks/{ASKED.id}"
    await post(client, f"{path}/close", write, {"result": "superseded", "reason": REASON}, 400)
    await post(client, f"{path}/close", write, {"result": "cancelled"}, 400)
    await post(client, "/agents/gera/2001/state", write, {"state": "log_in"})
    await post(client, f"{path}/take", write, {"agent": "gera/2001"})
    closed = await post(client, f"{path}/close", write, {"result": "cancelled", "reason": REASON})
    assert (closed["status"], closed["result"]) == ("done", "cancelled")
    assert isinstance(service.orders[-1], HangUp)
    assert service.world.entries[-1]["why"] == REASON
    await get(client, path, read, 404)
    await post(client, f"{path}/close", write, {"result": "cancelled", "reason": REASON}, 404)
