"""The whole service over two virtual sites: it routes, tells, survives reloads and restarts, and ends gracefully."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from structlog.testing import capture_logs

from callrouter.ami.linkstate import Fault
from callrouter.app import Options, Service, run
from callrouter.config.load import Loaded, load
from callrouter.config.secret import Secret, SecretError
from callrouter.config.source import ConfigError
from callrouter.core.agents import Intent
from callrouter.core.events import AgentAct, AgentActed, AgreementSwitched, HotlineMode, HotlineSwitched
from callrouter.core.router import Router
from callrouter.engine import RESERVE
from callrouter.journal.records import CODEC
from callrouter.journal.replay import replay
from callrouter.sim.people import ANSWERS, Behaviour
from callrouter.store.schema import CALL_RECORD, DEMAND
from callrouter.web.service import CannotListen
from tests.app.conftest import NUMBERS, PHONES, Get, Network, ready
from tests.store.postgres import made
from tests.waiting import until

REASON = "flu in Gotha this week"


async def test_call_is_answered_and_told(network: Network, tmp_path: Path, get: Get) -> None:
    """A caller is put through to a free agent; pages and measures say so and /readyz is content."""
    network.phone("gera/2001", ANSWERS)
    async with network.service(tmp_path / "var") as service:
        assert (await get(service, "/readyz"))[0] == 200
        await ready(service, "gera/2001")
        caller = network.sites["gera"].call(NUMBERS["gera"], "0171555")
        await caller.until("talking")
        status, call = await get(service, f"/api/v1/calls/{caller.call}")
        assert (status, call["state"], call["agents"]) == (200, "talking", ["gera/2001"])
        _, story = await get(service, f"/api/v1/calls/{caller.call}/explain")
        assert story["steps"][0]["event"] == "call_arrived"
        caller.hang_up()
        await caller.until("ended")
        await until(lambda: not service.engine.snapshot().calls)
        _, text = await get(service, "/metrics")
    for line in (
        'callrouter_calls_offered_total{hotline="agency-gera"} 1.0',
        'callrouter_calls_finished_total{hotline="agency-gera",outcome="answered"} 1.0',
        'callrouter_calls_answered_within_target_total{hotline="agency-gera"} 1.0',
        'callrouter_link_up{site="gera"} 1.0',
        'callrouter_answered_without_agent_total{hotline="agency-gera"} 0.0',
        "callrouter_config_last_reload_successful 1.0",
        "callrouter_ready 1.0",
    ):
        assert line in text


async def test_overflow_follows_the_agreement_and_its_switch(network: Network, tmp_path: Path, get: Get) -> None:
    """With nobody at Gera, Gotha answers; switched off by the API the caller waits, also after a restart."""
    network.phone("gotha/3001", ANSWERS)
    gera = network.sites["gera"]
    switch = {"enabled": False, "reason": REASON}
    async with network.service(tmp_path / "var") as service:
        await ready(service, "gotha/3001")
        caller = gera.call(NUMBERS["gera"])
        await caller.until("talking")
        caller.hang_up()
        await until(lambda: not service.engine.snapshot().calls)
        _, text = await get(service, "/metrics")
        assert 'callrouter_overflow_calls_total{agreement="both",borrower="gera",lender="gotha"} 1.0' in text
        status, answer = await get(service, "/api/v1/agreements/both/switch", switch)
        assert status == 200, answer
    async with network.service(tmp_path / "var") as service:
        assert not any(view.enabled for view in service.engine.snapshot().agreements)
        (entry,) = await service.store.audit_trail()
        assert (entry.who, entry.why, "agreement both" in entry.what) == ("tests", REASON, True)
        caller = gera.call(NUMBERS["gera"])
        await until(lambda: service.engine.snapshot().calls)
        _, story = await get(service, f"/api/v1/calls/{caller.call}/explain")
        why_not = {one["agent"]: one["why_not"] for one in story["candidates"]}
        assert why_not["gera/2001"] == "logged out"
        assert "off" in why_not["gotha/3001"]
        _, text = await get(service, "/metrics")
        assert 'callrouter_agreement_enabled{agreement="both"} 0.0' in text
        assert 'callrouter_calls_waiting{hotline="agency-gera"} 1.0' in text
        caller.hang_up()
        await caller.until("ended")


async def test_a_second_start_by_mistake_takes_nothing_from_the_first(network: Network, tmp_path: Path) -> None:
    """On the same port and folder it says so before it touches sites, journal or database."""
    state = tmp_path / "var"
    async with network.service(state) as first:
        epochs = {name: site.globals["CR_EPOCH"] for name, site in network.sites.items()}
        written = sorted((state / "journal").iterdir())
        second = Service(load(network.folder), Options(state_dir=state, port=first.server.port))
        with pytest.raises(CannotListen, match="another program has it"):
            await run(second)
        assert second.links.switchboard.links == {}
        assert sorted((state / "journal").iterdir()) == written
        assert {name: site.globals["CR_EPOCH"] for name, site in network.sites.items()} == epochs
        assert first.reasons() == []


async def test_what_is_wrong_with_sites_and_files_is_said_with_its_place(network: Network, tmp_path: Path) -> None:
    """A refused login, a database that is none and a journal that cannot be begun: one line each, with a mend where
    the words alone help nobody; routing goes on, and what is mended is no reason any more."""
    state = tmp_path / "var"
    state.mkdir()
    (state / "journal").touch()
    (state / "callrouter.db").write_text("this is no database" * 100)
    (network.folder / "ami").write_text("another\n")
    with capture_logs() as logged:
        async with network.service(state, wait=False) as service:
            sites = service.switchboard.states
            await until(lambda: all(site.fault is Fault.LOGIN_REFUSED for site in sites()), lambda: str(sites()))
            reasons = service.reasons()
    assert reasons == [
        *(
            f"site {site}: the link is down: login refused: Login: Authentication failed; "
            "compare asterisk: (user, secret) with manager.conf, and its permit with our address"
            for site in ("gera", "gotha")
        ),
        f"the journal in {state / 'journal'} can begin no segment: [Errno 17] File exists: '{state / 'journal'}'",
        f"the database sqlite:///{state / 'callrouter.db'}: file is not a database; "
        "what was switched before the start is unknown until it can be read",
    ]
    faults = [line for line in logged if line["log_level"] in ("warning", "error")]
    assert {line.get("error", "file is not a database") for line in faults} == {"file is not a database"}
    assert not any("exc_info" in line for line in faults)


def counted(service: Service) -> tuple[int, int, int]:
    """Calls of Gera's hotline that were offered, answered and ended, as this process counts."""
    lines = [line for line in service.measures.text().decode().splitlines() if 'hotline="agency-gera"' in line]
    names = ("calls_offered_total", "calls_answered_total", "calls_finished_total")
    found = [sum(float(line.rpartition(" ")[2]) for line in lines if f"callrouter_{name}{{" in line) for name in names]
    return int(found[0]), int(found[1]), int(found[2])


async def test_restart_drops_nobody(network: Network, tmp_path: Path) -> None:
    """A service that ends leaves callers ringing and talking; the next one knows its agents and takes all calls on."""
    gera = network.sites["gera"]
    network.phone("gera/2001", ANSWERS)
    async with network.service(tmp_path / "var") as service:
        await ready(service, "gera/2001")
        talks = gera.call(NUMBERS["gera"])
        await talks.until("talking")
        waits = gera.call(NUMBERS["gera"])
        await until(lambda: len(service.engine.snapshot().calls) == 2)
        before = counted(service)
    network.phone("gera/2002", ANSWERS)
    async with network.service(tmp_path / "var") as service:
        await until(lambda: len(service.engine.snapshot().calls) == 2)
        states = {view.call: view.state for view in service.engine.snapshot().calls}
        assert states[talks.call] == "talking"
        assert (talks.state, waits.state) == ("talking", "ringing")
        talks.hang_up()
        await waits.until("talking")
        assert waits.heard.count("answered") == 1
        waits.hang_up()
        await until(lambda: not service.engine.snapshot().calls)
        after = counted(service)
    async with network.service(tmp_path / "var") as service:
        await until(lambda: service.feed.caught_up)
        known = await service.outlook._recorded(0.0, service.engine.now())
        assert sorted(one.call for one in known or ()) == sorted((talks.call, waits.call)), (
            "a forecast has to know them"
        )
    assert (before, after) == ((2, 1, 0), (0, 1, 2))  # offered, answered, ended: each call once, over both


async def test_journal_of_a_whole_run_replays(network: Network, tmp_path: Path) -> None:
    """What the service journalled is decided again exactly so."""
    network.phone("gera/2001", Behaviour(answer_s=0.0, talk_s=0.05))
    async with network.service(tmp_path / "var") as service:
        await ready(service, "gera/2001")
        callers = [network.sites["gera"].call(NUMBERS["gera"]) for _ in range(5)]
        for caller in callers:
            await caller.until("ended")
        await until(lambda: not service.engine.snapshot().calls)
        assert not service.journal.trouble
    (path,) = (tmp_path / "var" / "journal").iterdir()
    result = replay(path, CODEC, lambda header: Router.restore(header.state))
    assert result.difference is None
    assert result.decisions > 20


async def test_reload_takes_a_good_plan_without_touching_a_call(network: Network, tmp_path: Path) -> None:
    """A changed file takes effect by itself; the caller who waits goes on waiting, and links stay."""
    async with network.service(tmp_path / "var", folder=network.folder) as service:
        caller = network.sites["gera"].call(NUMBERS["gera"])
        await until(lambda: service.engine.snapshot().calls)
        connects = [state.connects for state in service.switchboard.states()]
        before = service.router.plan.version
        network.write(ring_max_s=60)
        service.request_reload()
        await until(lambda: service.router.plan.version != before)
        assert {hotline.ring_max_s for hotline in service.router.plan.hotlines} == {60.0}
        await until(lambda: b"callrouter_config_last_reload_successful 1.0" in service.measures.text())
        assert [state.connects for state in service.switchboard.states()] == connects
        assert caller.state == "ringing"
        async with asyncio.timeout(60):
            while not (trail := await service.store.audit_trail()):  # written after the plan is in force
                await asyncio.sleep(0.01)
        assert [(entry.before, entry.after) for entry in trail] == [(before, service.router.plan.version)]
        caller.hang_up()
        await caller.until("ended")


async def test_reload_refuses_a_bad_plan_and_says_so(network: Network, tmp_path: Path, get: Get) -> None:
    """A mistake leaves the old plan in force; metric and /readyz name the place until it is mended."""
    async with network.service(tmp_path / "var", folder=network.folder) as service:
        before = service.router.plan.version
        network.write(service="  inbox_maxx: 1\n")
        service.request_reload()
        await until(service.reasons)
        status, answer = await get(service, "/readyz")
        assert status == 503
        assert "network.yaml:" in str(answer)
        assert "inbox_maxx" in str(answer)
        assert service.router.plan.version == before
        assert b"callrouter_config_last_reload_successful 0.0" in service.measures.text()
        network.write()
        service.request_reload()
        await until(lambda: not service.reasons())


async def test_reload_tells_new_warnings(network: Network, tmp_path: Path) -> None:
    """What has become legal but odd is in the log, what was so before is not said again."""
    async with network.service(tmp_path / "var", folder=network.folder) as service:
        with capture_logs() as logged:
            network.write(ring_max_s=240)
            service.request_reload()
            await until(lambda: any(line["event"] == "configuration" for line in logged))
        told = [str(line["problem"]) for line in logged if line["event"] == "configuration"]
    assert all("carriers may cut the ringing before 240 s" in one for one in told), told


async def test_reload_refuses_to_drop_all_sites(network: Network, tmp_path: Path) -> None:
    """An editor that empties the file before it writes it does not end every call in the books."""
    async with network.service(tmp_path / "var", folder=network.folder) as service:
        before = service.router.plan
        (network.folder / "network.yaml").write_text("")
        service.request_reload()
        await until(service.reasons)
        assert "names no site" in service.reasons()[0]
        assert service.router.plan is before


async def test_reload_refuses_a_missing_secret(network: Network, tmp_path: Path) -> None:
    """A plan whose secrets cannot be had is refused like one with a mistake."""
    async with network.service(tmp_path / "var", folder=network.folder) as service:
        (network.folder / "ami").write_text("")
        service.request_reload()
        await until(service.reasons)
        assert "is empty" in service.reasons()[0]


async def test_reload_that_finds_no_room_is_tried_again(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full inbox leaves the old plan in force, which is said; the files need not be touched again."""
    monkeypatch.setattr("callrouter.app.AGAIN_S", 0.01)
    async with network.service(tmp_path / "var", folder=network.folder) as service:
        before, room = service.router.plan.version, service.engine._inbox_max
        service.engine._inbox_max = -RESERVE
        network.write(ring_max_s=60)
        await until(lambda: any("too many events are waiting; it is tried again" in one for one in service.reasons()))
        assert service.router.plan.version == before
        service.engine._inbox_max = room
        await until(lambda: service.router.plan.version != before)
        await until(lambda: not service.reasons(), lambda: str(service.reasons()))


async def test_of_two_reloads_at_once_the_later_one_stays(network: Network, tmp_path: Path) -> None:
    """Somebody reloads by hand and changes a file meanwhile: what the file says in the end is in force."""
    held, go, changed = threading.Event(), threading.Event(), asyncio.Event()
    hold = False

    def reveal(secret: Secret) -> str:
        nonlocal hold
        if hold:
            hold = False
            held.set()
            assert go.wait(60)
        return secret.reveal()

    async def watch(folder: Path, _: asyncio.Event) -> AsyncGenerator[Loaded | ConfigError]:
        await changed.wait()
        yield load(folder)
        await asyncio.Event().wait()

    async with network.service(tmp_path / "var", folder=network.folder, reveal=reveal, watch=watch) as service:
        hold = True
        network.write(ring_max_s=50)
        by_hand = asyncio.create_task(service._reload())
        await until(held.is_set)
        network.write(ring_max_s=60)
        last = load(network.folder).plan.version
        changed.set()
        with suppress(TimeoutError):  # it would be in force now if nothing kept it back
            await until(lambda: service.router.plan.version == last, deadline_s=0.5)
        go.set()
        await by_hand
        await until(lambda: service.router.plan.version == last, lambda: service.router.plan.version)


async def test_reload_renews_the_link_whose_connection_changed(network: Network, tmp_path: Path) -> None:
    """A site that moves to another address is reached there; the other site's link is not touched."""
    async with network.service(tmp_path / "var", folder=network.folder) as service:
        links = dict(service.switchboard.links)
        gera = network.sites["gera"]
        await gera.kill()
        gera.port = 0
        await gera.start()
        network.write()
        service.request_reload()
        await until(lambda: service.switchboard.links.get("gera") not in (None, links["gera"]))
        await until(lambda: not service.reasons(), lambda: str(service.reasons()))
        assert service.switchboard.links["gotha"] is links["gotha"]


async def test_site_that_is_away_is_said(network: Network, tmp_path: Path, get: Get) -> None:
    """When a site's Asterisk is gone, /readyz and metrics name it, and all is well when it is back."""
    async with network.service(tmp_path / "var") as service:
        await network.sites["gera"].kill()
        await until(service.reasons)
        status, answer = await get(service, "/readyz")
        assert (status, "site gera: the link is" in str(answer)) == (503, True)
        assert "gotha" not in str(service.reasons())
        await until(lambda: b'callrouter_link_up{site="gera"} 0.0' in service.measures.text())
        await network.sites["gera"].start()
        await until(lambda: not service.reasons())
        await until(lambda: b'callrouter_link_reconnects_total{site="gera"} 1.0' in service.measures.text())


@pytest.mark.slow
async def test_routes_without_a_database(network: Network, tmp_path: Path) -> None:
    """A database that cannot be opened is said in /readyz, and calls are routed all the same."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "callrouter.db").mkdir()
    network.phone("gera/2001", ANSWERS)
    async with network.service(tmp_path / "var", wait=False) as service:
        await ready(service, "gera/2001")
        caller = network.sites["gera"].call(NUMBERS["gera"])
        await caller.until("talking")
        assert any("database" in reason for reason in service.reasons())
        caller.hang_up()
        await caller.until("ended")


@pytest.mark.slow
async def test_a_database_that_comes_back_brings_agents_and_switches(network: Network, tmp_path: Path) -> None:
    """It was away when the service started: nobody stays logged out for that, and who acted meanwhile has his own."""
    kept = tmp_path / "var" / "callrouter.db"
    async with network.service(tmp_path / "var") as service:
        await ready(service, *(f"gera/{phone}" for phone in PHONES["gera"]))
        await service.engine.ask(AgreementSwitched("both", False, None, "because", "test"))
        await service.engine.ask(HotlineSwitched("agency-gera", HotlineMode.NOTICE, None, "because", "test"))
    kept.rename(tmp_path / "away")
    kept.symlink_to(tmp_path / "nowhere" / "callrouter.db")
    async with network.service(tmp_path / "var", wait=False) as service:
        seats = service.router.state.seats
        assert {seat.intent for seat in seats.values()} == {Intent.LOGGED_OUT}
        await service.engine.ask(AgentActed("gera/2002", AgentAct.READY))
        await service.engine.ask(AgentActed("gera/2002", AgentAct.LOG_OUT))
        (tmp_path / "away").replace(kept)  # in one step: nobody makes a new file in between
        await until(lambda: seats["gera/2001"].intent is Intent.READY)
        assert not any(deal.enabled for deal in service.router.state.deals.values())
        assert service.router.state.mode("agency-gera") is HotlineMode.NOTICE
        assert seats["gera/2002"].intent is Intent.LOGGED_OUT
        await until(lambda: not service.reasons(), lambda: str(service.reasons()))


async def test_ring_limit_comes_by_itself(network: Network, tmp_path: Path) -> None:
    """Nobody answers: after the ring limit the caller hears busy, unanswered."""
    network.write(ring_max_s=1)
    async with network.service(tmp_path / "var") as service:
        caller = network.sites["gera"].call(NUMBERS["gera"])
        await caller.until("ended")
        assert (caller.sip, caller.answered_at) == (486, None)
        await until(lambda: not service.engine.snapshot().calls)


async def test_second_router_takes_over(network: Network, tmp_path: Path) -> None:
    """A newer router fences the older one, which says so and gives no more orders."""
    async with network.service(tmp_path / "one") as older, network.service(tmp_path / "two") as newer:
        await until(lambda: len(older.reasons()) == 2)
        assert all("another router" in reason for reason in older.reasons())
        assert newer.reasons() == []


def test_missing_secret_stops_the_start(network_folder: Path) -> None:
    """A service that could reach no site says which secret is missing instead of starting."""
    with pytest.raises(SecretError, match="ami"):
        Service(load(network_folder), Options())


@pytest.mark.slow
async def test_measures_and_records_say_the_same(network: Network, tmp_path: Path, get: Get) -> None:
    """Callers who give up, ring again, are served at home and by the lender, and withhold their number: the metrics
    count exactly what is kept in SQL, and the number of nobody is kept."""
    gera = network.sites["gera"]
    talk = Behaviour(answer_s=0.0, talk_s=0.05)
    async with network.service(tmp_path / "var") as service:
        for number in ("01711111111", "", "01722222222", "01711111111"):  # nobody is there
            caller = gera.call(NUMBERS["gera"], number)
            await until(lambda: service.engine.snapshot().calls)
            caller.hang_up()
            await until(lambda: not service.engine.snapshot().calls)
        network.phone("gotha/3001", talk)
        await ready(service, "gotha/3001")
        for number in ("+491711111111", "", "0171 3333333"):
            caller = gera.call(NUMBERS["gera"], number)
            await caller.until("ended")
            await until(lambda: not service.engine.snapshot().calls)
        await until(lambda: service.feed.stored == 7, lambda: service.feed.trouble)
        await until(lambda: service.feed.behind == 0)
        _, text = await get(service, "/metrics")
        async with service.store.engine.connect() as connection:
            calls = list((await connection.execute(select(CALL_RECORD))).all())
            demands = list((await connection.execute(select(DEMAND))).all())
    values = {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in text.splitlines() if line[0] != "#")
    }
    closed = [row for row in demands if row.closed_at is not None]
    for number, some in (
        ("shown", [d for d in closed if not d.withheld]),
        ("withheld", [d for d in closed if d.withheld]),
    ):
        expected = {
            "": len(some),
            "reached_": sum(d.reached_at is not None for d in some),
            "reached_within_target_": sum(d.within_target for d in some),
            "reached_at_first_attempt_": sum(d.reached_first for d in some),
            "unreached_": sum(d.reached_at is None for d in some),
        }
        labels = f'{{hotline="agency-gera",number="{number}"}}'
        assert {name: values[f"callrouter_demands_{name}total{labels}"] for name in expected} == expected
    assert [(d.attempts, d.reached_first) for d in closed if not d.withheld] == [(3, False), (1, True)]
    assert values['callrouter_demand_attempts_sum{hotline="agency-gera",reached="yes"}'] == 4
    assert sum(d.withheld for d in closed) == 2
    assert [d.attempts for d in demands if d.closed_at is None] == [1]  # 0172 may still ring again
    for outcome in ("answered", "abandoned"):
        series = f'callrouter_calls_finished_total{{hotline="agency-gera",outcome="{outcome}"}}'
        assert values[series] == sum(row.outcome == outcome for row in calls)
    lent = [row for row in calls if row.agreement == "both"]
    assert len(lent) == 3
    assert values['callrouter_overflow_calls_total{agreement="both",borrower="gera",lender="gotha"}'] == len(lent)
    talked = values['callrouter_overflow_talk_seconds_total{agreement="both",borrower="gera",lender="gotha"}']
    assert talked == pytest.approx(sum(row.talk_s for row in lent))
    assert values["callrouter_call_records_total"] == len(calls) == 7
    assert "1711111111" not in str(calls) + str(demands)


@asynccontextmanager
async def open_db(folder: Path) -> AsyncIterator[AsyncConnection]:
    """The service's database, from outside."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'var' / 'callrouter.db'}")
    async with engine.begin() as connection:
        yield connection
    await engine.dispose()


async def test_records_of_a_restart_are_completed(network: Network, tmp_path: Path) -> None:
    """What a service could not keep, the next one takes from its journal."""
    async with network.service(tmp_path / "var") as service:
        async with service.store.engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE call_record RENAME TO away")
        caller = network.sites["gera"].call(NUMBERS["gera"], "01711111111")
        await until(lambda: service.engine.snapshot().calls)
        caller.hang_up()
        await until(lambda: service.feed.trouble)
        assert any("wait in the journal" in reason for reason in service.reasons())
        segment = service.journal.path
        assert segment is not None
        assert not service.feed.may_delete(segment)
    async with open_db(tmp_path) as connection:
        await connection.exec_driver_sql("ALTER TABLE away RENAME TO call_record")
    async with network.service(tmp_path / "var") as service:
        await until(lambda: service.feed.may_delete(segment) and not service.feed.behind)
        assert service.feed.stored == 1
        async with service.store.engine.connect() as connection:
            assert [row.call for row in (await connection.execute(select(CALL_RECORD))).all()] == [caller.call]


@pytest.mark.slow
async def test_two_routers_share_a_postgresql(network: Network, tmp_path: Path, postgres: str) -> None:
    """On one real PostgreSQL the takeover keeps switches and agents, and what both routers see is one record each."""
    url = await asyncio.to_thread(made, postgres)
    (tmp_path / "key").write_text("a key that both routers have")
    network.write(service=f"  database: '{url}'\n  caller_key: {{file: {tmp_path / 'key'}}}\n")
    network.phone("gera/2001", Behaviour(answer_s=0.0, talk_s=0.05))
    gera = network.sites["gera"]
    async with network.service(tmp_path / "one") as older:
        await ready(older, "gera/2001")
        first = gera.call(NUMBERS["gera"], "01711111111")
        await first.until("ended")
        await until(lambda: older.feed.stored == 1)
        await older.store.flush()
        async with network.service(tmp_path / "two") as newer:
            await until(lambda: len(older.reasons()) == 2)
            second = gera.call(NUMBERS["gera"], "+491711111111")
            await second.until("ended")
            await until(lambda: not newer.engine.snapshot().calls and not older.engine.snapshot().calls)
    async with newer.store.engine.connect() as connection:
        calls = list((await connection.execute(select(CALL_RECORD).order_by(CALL_RECORD.c.ended_at))).all())
        demands = list((await connection.execute(select(DEMAND))).all())
    await newer.store.engine.dispose()
    assert [(row.call, row.outcome) for row in calls] == [(first.call, "answered"), (second.call, "answered")]
    assert calls[0].caller == calls[1].caller
    assert [(one.attempts, one.reached_first) for one in demands] == [(1, True), (1, True)]
