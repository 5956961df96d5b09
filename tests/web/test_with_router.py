"""The API over the real router and engine: what people ask for comes true, and is seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from aiohttp.test_utils import TestClient, TestServer

from callrouter.core.commands import Offer, Order
from callrouter.core.events import CallArrived, CallHeld, LegAnswered, LegStarted, PhoneState, SiteRead
from callrouter.core.explain import candidates_of
from callrouter.core.router import Router
from callrouter.engine import Engine
from callrouter.web.service import make_app
from tests.web.conftest import Client
from tests.web.test_api import REASON, Headers, get, post
from tests.web.world import CALL, CALLER, NOW, World


@dataclass
class Service:
    client: Client
    engine: Engine
    orders: list[Order]


@pytest.fixture
async def service(world: World) -> AsyncIterator[Service]:
    """Both sites are linked, all phones are well, nobody is logged in; the clock stands still."""
    orders: list[Order] = []
    router = Router(world.plan, NOW)
    engine = Engine(router, lambda: NOW, orders.append)
    running = asyncio.create_task(engine.run())
    for site in world.plan.sites:
        phones = tuple(PhoneState(a.site, a.phone, True, False) for a in world.plan.agents if a.site == site.name)
        await engine.ask(SiteRead(site.name, phones=phones))
    context = replace(
        world.context(),
        snapshot=engine.snapshot,
        plan=lambda: router.plan,
        ask=engine.ask,
        history=engine.history,
        explain=lambda call: candidates_of(router, call),
    )
    async with TestClient(TestServer(make_app(context))) as client:
        yield Service(client, engine, orders)
    engine.stop()
    await running


async def test_an_agent_is_made_ready_and_gets_a_call(service: Service, read: Headers, write: Headers) -> None:
    """From logged out to talking, by API and site events; each state is seen and the call's story is whole."""
    client, engine = service.client, service.engine
    assert {agent["state"] for agent in (await get(client, "/agents", read))["items"]} == {"logged_out"}
    await post(client, "/agents/gera/2001/state", write, {"state": "pause"}, 409)
    assert (await post(client, "/agents/gera/2001/state", write, {"state": "log_in"}))["state"] == "paused"
    assert (await post(client, "/agents/gera/2001/state", write, {"state": "ready"}))["state"] == "ready"

    await engine.ask(CallArrived(CALL, "gera", "036555500", CALLER))
    await engine.ask(CallHeld(CALL))
    (offer,) = [order for order in service.orders if isinstance(order, Offer)]
    await engine.ask(LegStarted(CALL, offer.attempt, "gera/leg", "gera", "g2001"))
    await engine.ask(LegAnswered(CALL, offer.attempt, "gera/leg"))

    call = await get(client, f"/calls/{CALL}", read)
    assert (call["state"], call["agents"], call["caller"]) == ("talking", ["gera/2001"], "•••142")
    (line,) = (await get(client, "/lines?site=gera", read))["items"]
    assert (line["talking"], line["open"]) == (1, True)
    steps = (await get(client, f"/calls/{CALL}/explain", read))["steps"]
    assert [step["event"] for step in steps] == ["call_arrived", "call_held", "leg_started", "leg_answered"]
    offers = [command for step in steps for command in step["commands"] if command["kind"] == "offer"]
    assert [command["facts"]["targets"] for command in offers] == [["gera/2001"]]
    assert all(command["because"] for command in offers)


async def test_a_waiting_call_is_told_who_might_take_it(service: Service, read: Headers, write: Headers) -> None:
    """Each agent of the own team and of the lender is named once with what keeps him; the agreement with its name."""
    client, engine = service.client, service.engine
    await post(client, "/agents/magdeburg/1001/state", write, {"state": "ready"})  # fewer than the reserve of two
    await engine.ask(CallArrived(CALL, "gera", "036555500", CALLER))
    await engine.ask(CallHeld(CALL))
    told = await get(client, f"/calls/{CALL}/explain", read)
    assert told["now"]["state"] == "waiting"
    own = [one for one in told["candidates"] if one["team"] == "agency-gera"]
    lent = [one for one in told["candidates"] if one["team"] == "agency-magdeburg"]
    assert [(one["agreement"], one["why_not"]) for one in own] == [("", "logged out")] * 3
    assert len(lent) == 5
    assert all(one["agreement"] == "gera-magdeburg" and one["why_not"] for one in lent)


async def test_a_hotline_is_closed_by_hand_and_set_back(service: Service, read: Headers, write: Headers) -> None:
    """Closed at once with reason and end; a stale view is refused; normal again; each has its audit entry."""
    name = (await get(service.client, "/lines", read))["items"][0]["hotline"]
    until = "2099-01-01T00:00:00Z"
    path = f"/lines/{name}/switch"
    await post(service.client, path, write, {"mode": "closed", "reason": REASON, "until": until}, 422)
    closed = await post(service.client, path, write, {"mode": "closed", "reason": REASON})
    assert (closed["mode"], closed["open"], closed["mode_until"]) == ("closed", False, None)
    stale = {"mode": "notice", "reason": REASON, "expected_mode": "normal"}
    await post(service.client, path, write, stale, 409)
    back = await post(service.client, path, write, {"mode": "normal", "reason": REASON, "expected_mode": "closed"})
    assert (back["mode"], back["open"]) == ("normal", True)
    await post(service.client, "/lines/nowhere/switch", write, {"mode": "normal", "reason": REASON}, 404)


async def test_an_agreement_is_switched_in_both_directions(service: Service, write: Headers) -> None:
    """The switch holds for both directions and is seen at once; a second view of the old state is stale."""
    body = {"enabled": False, "reason": REASON, "until": "2026-11-23T12:00:00Z", "expected_enabled": True}
    answer = await post(service.client, "/agreements/gera-magdeburg/switch", write, body)
    assert (answer["enabled"], answer["until"]) == (False, "2026-11-23T12:00:00Z")
    assert [direction["in_force"] for direction in answer["directions"]] == [False, False]
    assert all(direction["why_not"] for direction in answer["directions"])
    await post(service.client, "/agreements/gera-magdeburg/switch", write, body, 409)
