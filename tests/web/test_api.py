"""The API as its users see it: what it shows, what it changes, and how it says no."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from callrouter.core.commands import Command
from callrouter.core.events import AgentAct, AgentActed, AgreementSwitched, Event
from callrouter.engine import NotDecided, Overloaded
from callrouter.web import models
from callrouter.web.context import CannotTell, Token, Versions, bearer
from callrouter.web.service import CannotListen, Server, make_app
from tests.web.conftest import Client
from tests.web.world import CALL, CALLER, NOW, WRITE, World

Headers = dict[str, str]
REASON = "Krankstand in Gera"


async def get(client: Client, path: str, headers: Headers, status: int = 200) -> Any:
    async with client.get(f"/api/v1{path}", headers=headers) as response:
        body = await response.json(content_type=None)
        assert response.status == status, body
        assert response.content_type == ("application/json" if status == 200 else "application/problem+json")
        return body


async def post(client: Client, path: str, headers: Headers, body: object, status: int = 200) -> Any:
    async with client.post(f"/api/v1{path}", headers=headers, json=body) as response:
        answer = await response.json(content_type=None)
        assert response.status == status, answer
        assert response.content_type == ("application/json" if status == 200 else "application/problem+json")
        return answer


# ---- looking


async def test_lists_show_the_network(client: Client, read: Headers) -> None:
    """Sites, teams, agents, lines and agreements of the snapshot are all there, in the order of their ids."""
    sites = await get(client, "/sites", read)
    assert [(site["site"], site["waiting"], site["talking"]) for site in sites["items"]] == [
        ("gera", 1, 0),
        ("magdeburg", 0, 1),
    ]
    teams = await get(client, "/teams", read)
    assert [(team["team"], team["agents"], team["states"]) for team in teams["items"]] == [
        ("agency-gera", 3, {"ready": 3}),
        ("agency-magdeburg", 5, {"ready": 5}),
    ]
    assert (await get(client, "/agents?site=gera", read))["total"] == 3
    assert [line["waiting"] for line in (await get(client, "/lines", read))["items"]] == [1, 0]
    (agreement,) = (await get(client, "/agreements", read))["items"]
    assert agreement["agreement"] == "gera-magdeburg"
    assert [direction["reserve"] for direction in agreement["directions"]] == [2, 0]


async def test_versions_of_sites(world: World, read: Headers) -> None:
    """A site tells what its Asterisk and its dialplan are; null is not known, as without a link."""
    context = replace(world.context(), versions=lambda: {"gera": Versions("22.10.1", "3")})
    async with TestClient(TestServer(make_app(context))) as client:
        items = {item["site"]: item for item in (await get(client, "/sites", read))["items"]}
    assert (items["gera"]["asterisk"], items["gera"]["dialplan"]) == ("22.10.1", "3")
    assert (items["magdeburg"]["asterisk"], items["magdeburg"]["dialplan"]) == (None, None)


async def test_pages_join_to_the_whole_list(client: Client, read: Headers) -> None:
    """Following `next` to the end shows every agent once."""
    seen: list[str] = []
    after = ""
    while True:
        page = await get(client, f"/agents?limit=3&after={after}", read)
        assert page["total"] == 8
        seen += [agent["agent"] for agent in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == sorted(set(seen))
    assert len(seen) == 8


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=1_0",
        "limit=%205",
        "limit=1&limit=2",
        "colour=red",
        "state=asleep",
        "after=" + 81 * "x",
    ],
)
async def test_queries_outside_the_schema_are_refused(client: Client, read: Headers, query: str) -> None:
    """A query that the document does not allow is 400 with the place that is wrong."""
    problem = await get(client, f"/agents?{query}", read, 400)
    assert problem["errors"][0]["where"] == "query." + query.partition("=")[0]


async def test_filters_narrow_lists(client: Client, read: Headers) -> None:
    """Each filter leaves only what matches it."""
    assert (await get(client, "/agents?team=agency-gera&state=ready", read))["total"] == 3
    assert (await get(client, "/agents?state=talking", read))["total"] == 0
    assert (await get(client, "/teams?site=magdeburg", read))["total"] == 1
    assert (await get(client, "/lines?site=magdeburg", read))["total"] == 1
    calls = await get(client, "/calls?hotline=agency-gera&state=waiting&site=gera", read)
    assert [call["call"] for call in calls["items"]] == [CALL]


async def test_one_of_a_kind(client: Client, read: Headers) -> None:
    """An id with a slash is two parts of the path; what does not exist is 404."""
    assert (await get(client, "/agents/gera/2001", read))["phone"] == "g2001"
    assert (await get(client, f"/calls/{CALL}", read))["wait_s"] == 72.5
    assert (await get(client, "/agreements/gera-magdeburg", read))["enabled"] is True
    for path in (
        "/agents/gera/9",
        "/calls/gera/9",
        "/calls/gera/9/explain",
        "/agreements/x",
        "/nothing",
        "/agents/gera",
    ):
        assert (await get(client, path, read, 404))["status"] == 404


async def test_callers_are_masked_everywhere(client: Client, read: Headers) -> None:
    """No answer holds more than a caller's last three digits, nor anything of another call."""
    texts = [
        json.dumps(await get(client, path, read)) for path in ("/calls", f"/calls/{CALL}", f"/calls/{CALL}/explain")
    ]
    assert all(CALLER not in text and CALLER[:-3] not in text for text in texts)
    assert all("\\u2022\\u2022\\u2022142" in text for text in texts)
    assert "017612345678" not in texts[2]
    assert "gera/9.9" not in texts[2]


async def test_explain_tells_each_turn_and_the_candidates(client: Client, read: Headers) -> None:
    """The explanation holds what came in, what was decided and why, and who might take the call now."""
    told = await get(client, f"/calls/{CALL}/explain", read)
    assert [step["event"] for step in told["steps"]] == ["call_arrived", "call_held", "offer_ended", "site_read"]
    offer = told["steps"][1]["commands"][0]
    assert (offer["kind"], offer["because"]) == ("offer", "longest idle of agency-gera")
    assert offer["facts"]["targets"] == ["gera/2001"]
    assert told["steps"][2]["facts"] == {"attempt": 1, "result": "no_answer", "ring_s": 20.0}
    assert told["steps"][3]["facts"]["stage"] == "held"
    assert told["steps"][3]["commands"] == []
    assert told["candidates"] == [{"agent": "gera/2001", "team": "agency-gera", "agreement": "", "why_not": "wrap-up"}]


async def test_explain_serves_a_call_that_has_ended(client: Client, world: World, read: Headers) -> None:
    """While its history is kept, a call can be explained after its end; there are no candidates then."""
    world.state = replace(world.state, calls=())
    told = await get(client, f"/calls/{CALL}/explain", read)
    assert (told["now"], told["candidates"], len(told["steps"])) == (None, [], 4)


# ---- changing


async def test_switching_an_agreement(client: Client, world: World, write: Headers) -> None:
    """The router gets the wish with its reason, end and author; the audit has who, why, what before and after."""
    body = {"enabled": False, "reason": REASON, "until": "2026-11-23T12:00:00+01:00", "expected_enabled": True}
    answer = await post(client, "/agreements/gera-magdeburg/switch", write, body)
    until = NOW + 106 * 60
    assert world.asked == [AgreementSwitched("gera-magdeburg", False, until, REASON, "supervisor")]
    assert (answer["enabled"], answer["until"]) == (False, "2026-11-23T11:00:00Z")
    assert world.entries == [
        {
            "who": "supervisor",
            "what": "agreement gera-magdeburg",
            "why": REASON,
            "before": "on",
            "after": "off until 2026-11-23T11:00:00+00:00",
        }
    ]


async def test_switching_one_direction(client: Client, world: World, write: Headers) -> None:
    """With a borrower only his direction is switched; one who borrows nothing is refused."""
    body = {"enabled": False, "reason": REASON, "borrower": "agency-gera"}
    answer = await post(client, "/agreements/gera-magdeburg/switch", write, body)
    assert [(one["borrower"], one["enabled"]) for one in answer["directions"]] == [
        ("agency-gera", False),
        ("agency-magdeburg", True),
    ]
    assert answer["enabled"] is True
    assert world.entries[-1]["after"] == "agency-gera off, agency-magdeburg on"
    await post(client, "/agreements/gera-magdeburg/switch", write, {**body, "borrower": "nobody"}, status=422)


async def test_a_stale_view_is_refused(client: Client, world: World, write: Headers) -> None:
    """Of two who saw the same state and switch at once, the second gets 409 and changes nothing."""
    body = {"enabled": False, "reason": REASON, "expected_enabled": True}

    async def one() -> int:
        async with client.post("/api/v1/agreements/gera-magdeburg/switch", headers=write, json=body) as response:
            return response.status

    assert sorted(await asyncio.gather(one(), one())) == [200, 409]
    assert len(world.asked) == len(world.entries) == 1


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"reason": "too short"}, "body.reason"),
        ({"reason": "x" * 201}, "body.reason"),
        ({"reason": "          "}, "body.reason"),
        ({"reason": "line\nbreak, line break"}, "body.reason"),
        ({"enabled": "yes"}, "body.enabled"),
        ({"enabled": 1}, "body.enabled"),
        ({"until": "2026-11-23T12:00"}, "body.until"),
        ({"until": "2026-11-23T12:00:00"}, "body.until"),
        ({"until": 1795425240}, "body.until"),
        ({"colour": "red"}, "body.colour"),
    ],
)
async def test_switches_outside_the_schema_are_refused(
    client: Client, world: World, write: Headers, change: dict[str, object], where: str
) -> None:
    """A body that the document does not allow is 400 with the place that is wrong, and nothing is asked."""
    body = {"enabled": False, "reason": REASON} | change
    problem = await post(client, "/agreements/gera-magdeburg/switch", write, body, 400)
    assert [error["where"] for error in problem["errors"]] == [where]
    assert not world.asked


@pytest.mark.parametrize("until", ["2026-11-23T09:14:00Z", "2020-01-01T00:00:00Z", "2029-01-01T00:00:00Z"])
async def test_an_end_must_lie_ahead(client: Client, world: World, write: Headers, until: str) -> None:
    """An end that has passed, or lies years ahead, is 422."""
    body = {"enabled": False, "reason": REASON, "until": until}
    await post(client, "/agreements/gera-magdeburg/switch", write, body, 422)
    assert not world.asked


async def test_an_unknown_agreement_cannot_be_switched(client: Client, world: World, write: Headers) -> None:
    """Its switch is 404 and the router is not asked."""
    await post(client, "/agreements/nope/switch", write, {"enabled": False, "reason": REASON}, 404)
    assert not world.asked


async def test_setting_an_agents_state(client: Client, world: World, write: Headers) -> None:
    """The router gets the act, its author and why; the answer shows the new state, and nobody is shown why."""
    answer = await post(client, "/agents/magdeburg/1001/state", write, {"state": "pause", "reason": "Schulung"})
    assert world.asked == [AgentActed("magdeburg/1001", AgentAct.PAUSE, "Schulung", "supervisor")]
    assert answer["state"] == "paused"
    assert "Schulung" not in json.dumps([answer, await get(client, "/agents", write)])
    assert (world.entries[0]["before"], world.entries[0]["after"]) == ("ready", "paused")


async def test_acts_that_mean_nothing_are_conflicts(client: Client, world: World, write: Headers) -> None:
    """An act that means nothing in the agent's state is 409 and changes nothing; unknown acts and agents are told."""
    problem = await post(client, "/agents/magdeburg/1001/state", write, {"state": "wrap_up_done"}, 409)
    assert "the agent is ready" in problem["detail"]
    await post(client, "/agents/magdeburg/1001/state", write, {"state": "log_out"})
    problem = await post(client, "/agents/magdeburg/1001/state", write, {"state": "pause"}, 409)
    assert "the agent is logged_out" in problem["detail"]
    await post(client, "/agents/magdeburg/7/state", write, {"state": "pause"}, 404)
    await post(client, "/agents/magdeburg/1001/state", write, {"state": "fly"}, 400)
    assert len(world.asked) == len(world.entries) == 1


async def test_what_the_router_ignores_is_a_conflict(client: Client, world: World, write: Headers) -> None:
    """When the plan changed under way, the router's own reason is passed on, without an audit entry."""
    problem = await post(client, "/agents/magdeburg/1001/state", write, {"state": "pause", "reason": "ignore me"}, 409)
    assert "unknown agent" in problem["detail"]
    assert not world.entries


@pytest.mark.parametrize(
    ("error", "words"), [(Overloaded("full"), "did nothing"), (NotDecided("stopping"), "may still do this")]
)
async def test_an_engine_that_cannot(world: World, write: Headers, error: Exception, words: str) -> None:
    """An engine that is full or failed is 503, and the answer says whether the wish may still come true."""

    async def ask(_event: Event) -> tuple[Command, ...]:
        raise error

    async with TestClient(TestServer(make_app(replace(world.context(), ask=ask)))) as client:
        problem = await post(client, "/agents/magdeburg/1001/state", write, {"state": "pause"}, 503)
    assert words in problem["detail"]
    assert not world.entries


async def test_a_router_that_does_not_answer(world: World, write: Headers) -> None:
    """A wish without an answer in time is 503 and says that it may still come true."""

    async def never(event: Event) -> tuple[Command, ...]:
        await asyncio.Event().wait()
        raise AssertionError

    context = replace(world.context(), ask=never, ask_s=0.01)
    async with TestClient(TestServer(make_app(context))) as client:
        problem = await post(client, "/agents/magdeburg/1001/state", write, {"state": "pause"}, 503)
    assert "may still" in problem["detail"]


async def test_an_audit_that_fails_is_told(world: World, write: Headers) -> None:
    """When the entry cannot be written the answer says that the change itself was made."""

    async def full(**_entry: str) -> None:
        raise OSError("disk full")

    async with TestClient(TestServer(make_app(replace(world.context(), audit=full)))) as client:
        problem = await post(client, "/agents/magdeburg/1001/state", write, {"state": "pause"}, 500)
    assert "It is done" in problem["detail"]
    assert "disk full" not in json.dumps(problem)


# ---- saying no


async def test_tokens(client: Client, read: Headers) -> None:
    """Without a known token nothing below /api is told, not even that a path does not exist; the document is open."""
    refused: list[Headers] = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {WRITE}"}]
    refused += [{"Authorization": f"Bearer {WRITE}x"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer é"}]
    for headers in refused:
        for path in ("/sites", "/nothing"):
            await get(client, path, headers, 401)
    async with client.get("/api/v1/sites") as response:
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await get(client, "/openapi.json", {}))["openapi"].startswith("3.1")
    await post(client, "/agreements/gera-magdeburg/switch", read, {"enabled": False, "reason": REASON}, 403)


async def test_no_token_configured_means_nobody(world: World, write: Headers) -> None:
    """An API without tokens is shut, not open."""
    async with TestClient(TestServer(make_app(replace(world.context(), tokens=())))) as client:
        assert "No API token" in (await get(client, "/sites", {}, 401))["detail"]
        await get(client, "/sites", write, 401)


@pytest.mark.parametrize("secret", ["short", "", "with a space in the middle", "ümlaut-in-the-middle-of-it"])
def test_weak_secrets_are_refused(secret: str) -> None:
    """A secret that is short, or cannot go into a header, is refused with the way to make a good one."""
    with pytest.raises(ValueError, match="openssl rand"):
        Token.of("x", secret)
    assert bearer([], secret) is None


async def test_every_error_has_one_shape(client: Client, write: Headers) -> None:
    """404, 405, 413, 415 and broken JSON are all problem+json with title, status and detail."""
    switch = "/api/v1/agreements/gera-magdeburg/switch"
    json_type = {"Content-Type": "application/json"}
    tries: list[tuple[str, str, Headers, bytes, int]] = [
        ("GET", "/nowhere", {}, b"", 404),
        ("DELETE", "/healthz", {}, b"", 405),
        ("PUT", "/api/v1/sites", {}, b"", 405),
        ("POST", switch, json_type, b" " * 20_000, 413),
        ("POST", switch, {"Content-Type": "text/plain"}, b"{}", 415),
        ("POST", switch, {**json_type, "Content-Encoding": "br"}, b"{}", 415),
        ("POST", switch, json_type, b"{", 400),
        ("POST", switch, json_type, b'{"reason": "\xff"}', 400),
        ("POST", switch, json_type, b"", 400),
        ("POST", switch, json_type, b"[]", 400),
    ]
    for method, path, extra, body, status in tries:
        async with client.request(method, path, headers=write | extra, data=body) as response:
            assert (response.status, response.content_type) == (status, "application/problem+json"), (method, path)
            problem = await response.json(content_type=None)
            assert problem["status"] == status
            assert problem["title"]
            assert problem["detail"]
            if status == 405:
                assert "GET" in response.headers["Allow"]


async def test_a_fault_of_ours_hides_its_details(world: World, read: Headers) -> None:
    """An exception in a handler is 500 in the same shape, without its text."""

    def broken() -> Any:
        raise RuntimeError("secret path")

    async with TestClient(TestServer(make_app(replace(world.context(), snapshot=broken)))) as client:
        assert "secret" not in json.dumps(await get(client, "/sites", read, 500))


# ---- probes


async def test_probes_and_metrics(client: Client, world: World) -> None:
    """They need no token; readiness names each reason; metrics come in the Prometheus text format."""
    async with client.get("/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})
    async with client.get("/readyz") as response:
        assert response.status == 200
    world.reasons = ["gera: no link", "config: 1 error"]
    async with client.get("/readyz") as response:
        assert response.status == 503
        problem = await response.json(content_type=None)
        assert [error["what"] for error in problem["errors"]] == world.reasons
    async with client.get("/metrics") as response:
        assert response.content_type == "text/plain"
        assert "version=0.0.4" in response.headers["Content-Type"]
        assert await response.read() == b"# HELP x y\n"


async def test_the_server_listens_on_loopback_by_default(world: World) -> None:
    """It takes a free port when asked to, says which, and which one another program has."""
    server = Server(world.context(), port=0)
    await server.listen()
    try:
        assert server.url.startswith("http://127.0.0.1:")
        assert server.port != 0
        second = Server(world.context(), port=server.port)
        with pytest.raises(CannotListen, match=rf"cannot listen on {server.url}: another program has it"):
            await second.listen()
    finally:
        await server.stop()


async def test_what_a_change_would_do_is_told_without_changing_anything(world: World, read: Headers) -> None:
    """Who may read may ask; what the simulator says comes as the schema has it."""
    share = {"value": 0.9, "low": 0.8, "median": 0.9, "high": 1.0}
    site = {"name": "gera", "calls": 40.0, "as_is": share, "changed": share, "points": -3.2, "points_half": 1.1}
    says = [{"de": "Ja.", "en": "Yes."}]
    horizon = {
        "name": "hour",
        "seconds": 3600,
        "until": "10:00",
        "whole": False,
        "runs": 8,
        "says": says,
        "hotlines": [],
    }
    asked: list[str] = []

    async def whatif(change: str) -> dict[str, object]:
        asked.append(change)
        sites = [{**site, "extra_calls_per_h": -2.0, "extra_closed": 0.0}]
        return {"at": models.instant(NOW), "change": change, "notes": [], "horizons": [{**horizon, "sites": sites}]}

    async with TestClient(TestServer(make_app(replace(world.context(), whatif=whatif)))) as client:
        answer = await get(client, "/whatif?change=agreement%20gera-magdeburg%20off", read)
    assert asked == ["agreement gera-magdeburg off"]
    assert answer["horizons"][0]["sites"][0]["points"] == -3.2
    assert not world.entries


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CannotTell("team 'x' does not exist", "did you mean 'y'?", question=True), 422),
        (CannotTell("others are asking already", "ask again", busy=True), 503),
        (CannotTell("no scenario is configured", "name it"), 404),
    ],
)
async def test_why_there_is_no_forecast_is_told(world: World, read: Headers, error: CannotTell, status: int) -> None:
    """A sentence that is not understood, a service that is busy, a forecast that is not configured."""

    async def whatif(_change: str) -> dict[str, object]:
        raise error

    async with TestClient(TestServer(make_app(replace(world.context(), whatif=whatif)))) as client:
        problem = await get(client, "/whatif?change=x", read, status)
    assert error.what in problem["detail"]


async def test_a_router_without_forecasts_says_so(client: Client, read: Headers) -> None:
    """404, not a fault."""
    assert "no forecasts" in (await get(client, "/whatif?change=x", read, 404))["detail"]
