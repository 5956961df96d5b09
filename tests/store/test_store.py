"""The store: what people switched and what agents asked for outlives the process."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from callrouter.core.commands import AgentChanged, AgreementChanged, HotlineChanged
from callrouter.core.events import (
    AgentAct,
    AgentActed,
    AgreementSwitched,
    Event,
    HotlineMode,
    HotlineSwitched,
    PhoneActed,
    PlanReplaced,
    Tick,
)
from callrouter.core.plan import Agent, Agreement, Hotline, Plan
from callrouter.store.schema import AGENT_STATE
from callrouter.store.store import Store

NOW = 1_800_000_000.0
PLAN = Plan(
    "1", (), (), (),
    tuple(Agent(f"gera/{number}", "gera", "gera", str(number)) for number in (1001, 1002, 1003)),
    (Agreement("gera-magdeburg", "gera", "magdeburg"), Agreement("gera-gotha", "gera", "gotha")),
)  # fmt: skip


class Seats:
    """What the router would say of its agents."""

    def __init__(self) -> None:
        self.intents: dict[str, tuple[str, str]] = {}

    def intent(self, agent: str) -> tuple[str, str] | None:
        return self.intents.get(agent)

    def agent_of(self, site: str, phone: str) -> str | None:
        return f"{site}/{phone}"


@asynccontextmanager
async def opened(folder: Path, now: float = NOW, plan: Plan = PLAN) -> AsyncIterator[tuple[Store, Seats, list[Event]]]:
    """A store on the folder's database, and what it restored."""
    seats = Seats()
    store = Store(f"sqlite+aiosqlite:///{folder / 'state' / 'callrouter.db'}", seats, lambda: now)
    await store.open()
    try:
        events = await store.restore(plan)
        store.record()
        yield store, seats, events
    finally:
        await store.close()


def switched(store: Store, name: str, enabled: bool, until: float | None = None) -> None:
    """A person switches an agreement, as the engine tells it."""
    happened = AgreementSwitched(name, enabled, until, "flu", "meier")
    store.observe(happened, [AgreementChanged(name, enabled, not enabled, until, "flu", "meier", "gera")], NOW)


async def test_switch_comes_back(tmp_path: Path) -> None:
    """After a restart a switched agreement is switched again, with its end, reason and person."""
    async with opened(tmp_path) as (store, _, events):
        assert events == []
        switched(store, "gera-magdeburg", True)
        switched(store, "gera-magdeburg", False, until=NOW + 60)
    async with opened(tmp_path) as (_, _, events):
        assert events == [AgreementSwitched("gera-magdeburg", False, NOW + 60, "flu", "meier", "gera")]


async def test_what_was_answered_for_is_kept(tmp_path: Path) -> None:
    """When an audit entry is kept, so is what it tells of, even if that is being written: kill -9 loses neither."""
    async with opened(tmp_path) as (store, _, _):
        for enabled in (True, False):
            switched(store, "gera-magdeburg", enabled)
            writing = asyncio.create_task(store.flush()) if enabled else None
            await asyncio.sleep(0)  # it has begun
            await store.audit(who="meier", what="agreement", why="flu", before="", after="")
            async with opened(tmp_path) as (_, _, events):  # by another process, before this one has closed
                assert events == [AgreementSwitched("gera-magdeburg", enabled, None, "flu", "meier", "gera")]
            if writing:
                assert await writing


async def test_expired_and_unknown_switches_are_forgotten(tmp_path: Path) -> None:
    """A switch whose time is over, and one of an agreement that no plan has, do not come back, ever."""
    async with opened(tmp_path) as (store, _, _):
        switched(store, "gera-magdeburg", False, until=NOW + 60)
        switched(store, "gera-gotha", False)
    without = Plan("2", (), (), (), PLAN.agents, PLAN.agreements[:1])
    async with opened(tmp_path, now=NOW + 61, plan=without) as (_, _, events):
        assert events == []
    async with opened(tmp_path) as (_, _, events):
        assert events == []


async def test_change_that_nobody_switched_is_not_kept(tmp_path: Path) -> None:
    """When a switch expires while running, or a plan changes an agreement, the configured state counts again."""
    async with opened(tmp_path) as (store, _, _):
        for name, happened in (("gera-magdeburg", Tick()), ("gera-gotha", PlanReplaced(PLAN))):
            switched(store, name, False)
            store.observe(happened, [AgreementChanged(name, True, False, None, "", "expiry", "gera")], NOW)
    async with opened(tmp_path) as (_, _, events):
        assert events == []


async def test_a_switch_of_what_a_plan_leaves_out_does_not_haunt_a_later_plan(tmp_path: Path) -> None:
    """The router forgets it with the agreement or hotline; so does the database, or a restart would switch it again."""
    plan = replace(PLAN, hotlines=(Hotline("gera", "Gera", "gera", (), None, ("gera",), (), ""),))
    async with opened(tmp_path, plan=plan) as (store, _, _):
        switched(store, "gera-magdeburg", False)
        switched(store, "gera-gotha", False)
        closed = HotlineSwitched("gera", HotlineMode.CLOSED, None, "fire alarm", "meier")
        store.observe(closed, [HotlineChanged("gera", closed.mode, HotlineMode.NORMAL, None, "x", "meier")], NOW)
        store.observe(PlanReplaced(replace(plan, hotlines=(), agreements=plan.agreements[1:])), [], NOW)
        store.observe(PlanReplaced(plan), [], NOW)
    async with opened(tmp_path, plan=plan) as (_, _, events):
        assert events == [AgreementSwitched("gera-gotha", False, None, "flu", "meier", "gera")]


async def test_hotline_closed_by_hand_comes_back(tmp_path: Path) -> None:
    """Closed with its end, reason and person until it is set back; one that is over or of no plan is forgotten."""
    plan = replace(PLAN, hotlines=(Hotline("gera", "Gera", "gera", (), None, ("gera",), (), ""),))
    closed = HotlineSwitched("gera", HotlineMode.CLOSED, NOW + 60, "fire alarm", "meier")
    notice = HotlineSwitched("gone", HotlineMode.NOTICE, None, "strike", "meier")
    async with opened(tmp_path, plan=plan) as (store, _, _):
        for one in (closed, notice):
            changed = HotlineChanged(one.hotline, one.mode, HotlineMode.NORMAL, one.until, one.reason, one.by)
            store.observe(one, [changed], NOW)
    async with opened(tmp_path, plan=plan) as (_, _, events):
        assert events == [closed]
    async with opened(tmp_path, now=NOW + 61, plan=plan) as (_, _, events):
        assert events == []
    async with opened(tmp_path, plan=plan) as (store, _, events):
        assert events == []
        store.observe(closed, [HotlineChanged("gera", HotlineMode.CLOSED, HotlineMode.NORMAL, None, "x", "y")], NOW)
        store.observe(Tick(), [HotlineChanged("gera", HotlineMode.NORMAL, HotlineMode.CLOSED, None, "", "expiry")], NOW)
    async with opened(tmp_path, plan=plan) as (_, _, events):
        assert events == []


async def test_agents_come_back_as_they_were(tmp_path: Path) -> None:
    """Ready agents are ready again, paused ones are paused with their reason, the others are logged out."""
    async with opened(tmp_path) as (store, seats, _):
        for number in (1001, 1002, 1003):
            seats.intents[f"gera/{number}"] = ("ready", "")
            store.observe(PhoneActed("gera", str(number), AgentAct.READY), [], NOW)
        seats.intents["gera/1002"] = ("paused", "lunch")
        store.observe(AgentActed("gera/1002", AgentAct.PAUSE, "lunch"), [], NOW)
        del seats.intents["gera/1003"]
        store.observe(AgentActed("gera/1003", AgentAct.LOG_OUT), [], NOW)
    async with opened(tmp_path) as (_, _, events):
        assert events == [
            AgentActed("gera/1001", AgentAct.READY, "", "restart"),
            AgentActed("gera/1002", AgentAct.LOG_IN, "lunch", "restart"),
        ]


async def test_pause_by_the_router_is_kept(tmp_path: Path) -> None:
    """An agent whom the router paused because he did not answer is still paused after a restart."""
    async with opened(tmp_path) as (store, seats, _):
        seats.intents["gera/1001"] = ("paused", "no_answer")
        store.observe(Tick(), [AgentChanged("gera/1001", "gera", "offered", "paused", "offer ended: no_answer")], NOW)
    async with opened(tmp_path) as (_, _, events):
        assert events == [AgentActed("gera/1001", AgentAct.LOG_IN, "no_answer", "restart")]


async def test_a_call_that_changes_no_intent_writes_nothing(tmp_path: Path) -> None:
    """An agent who talks and is ready again asked for nothing new: no row of his is written, also after a restart."""
    async with opened(tmp_path) as (store, seats, _):
        seats.intents["gera/1001"] = ("ready", "")
        store.observe(AgentActed("gera/1001", AgentAct.READY), [], NOW)
    async with opened(tmp_path) as (store, seats, _):
        seats.intents["gera/1001"] = ("ready", "")
        store.observe(Tick(), [AgentChanged("gera/1001", "gera", "talking", "ready", "the call ended")], NOW + 1)
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'state' / 'callrouter.db'}")
    async with engine.connect() as connection:
        assert (await connection.execute(select(AGENT_STATE.c.since))).scalars().all() == [NOW]
    await engine.dispose()


async def test_agents_of_no_plan_are_forgotten(tmp_path: Path) -> None:
    """An agent who is no longer in the plan does not come back, even if he is in a later plan again."""
    async with opened(tmp_path) as (store, seats, _):
        seats.intents["gera/1001"] = ("ready", "")
        store.observe(AgentActed("gera/1001", AgentAct.READY), [], NOW)
    async with opened(tmp_path, plan=Plan("2", (), (), (), (), ())) as (_, _, events):
        assert events == []
    async with opened(tmp_path) as (_, _, events):
        assert events == []


async def test_nothing_is_recorded_before_the_restored_was_handled(tmp_path: Path) -> None:
    """The events that a restart submits are not written again as if somebody had just asked for them."""
    seats = Seats()
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'callrouter.db'}", seats, lambda: NOW)
    await store.open()
    switched(store, "gera-magdeburg", False)
    await store.close()
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'callrouter.db'}", seats, lambda: NOW)
    await store.open()
    assert await store.restore(PLAN) == []
    await store.close()


async def test_writes_behind_in_its_task(tmp_path: Path) -> None:
    """The task writes soon after a change, without anybody waiting for it."""
    async with opened(tmp_path) as (store, _, _):
        task = asyncio.create_task(store.run())
        switched(store, "gera-magdeburg", False)
        async with opened(tmp_path) as (other, _, _), asyncio.timeout(10):
            while not await other.restore(PLAN):
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("turns", range(12))
async def test_a_write_that_is_cut_off_is_made_good(tmp_path: Path, turns: int) -> None:
    """The service stops in the midst of writing a switch, at whatever moment: the last write at its end has it."""
    async with opened(tmp_path) as (store, _, _):
        switched(store, "gera-magdeburg", False)
        task = asyncio.create_task(store.flush())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with opened(tmp_path) as (_, _, restored):
        assert [event.agreement for event in restored if isinstance(event, AgreementSwitched)] == ["gera-magdeburg"]


async def test_nothing_is_lost_while_the_database_is_away(tmp_path: Path) -> None:
    """A database that cannot be written is said, and what changed meanwhile is written when it is back, newest last."""
    async with opened(tmp_path) as (store, _, _):
        database = tmp_path / "state" / "callrouter.db"
        async with store.engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE agreement_switch RENAME TO away")
        switched(store, "gera-magdeburg", False)
        switched(store, "gera-gotha", False)
        assert not await store.flush()
        assert "away" in store.trouble or "no such table" in store.trouble
        switched(store, "gera-magdeburg", True)
        async with store.engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE away RENAME TO agreement_switch")
        assert await store.flush()
        assert store.trouble == ""
        assert database.exists()
    async with opened(tmp_path) as (_, _, events):
        assert sorted((one.agreement, one.enabled) for one in events if isinstance(one, AgreementSwitched)) == [
            ("gera-gotha", False),
            ("gera-magdeburg", True),
        ]


async def test_audit_is_kept_in_order(tmp_path: Path) -> None:
    """Who, what, when, why and what it was before are kept, and read newest first."""
    async with opened(tmp_path) as (store, _, _):
        await store.audit(who="meier", what="agreement x", why="flu", before="on", after="off")
        await store.audit(who="schulz", what="agreement x", why="well again", before="off", after="on")
    async with opened(tmp_path) as (store, _, _):
        newest, oldest = await store.audit_trail()
        assert (newest.who, newest.before, newest.after) == ("schulz", "off", "on")
        assert (oldest.at, oldest.who, oldest.what, oldest.why) == (NOW, "meier", "agreement x", "flu")
        assert len(await store.audit_trail(1)) == 1


async def test_audit_that_cannot_be_kept_raises(tmp_path: Path) -> None:
    """Who asks for a change learns that its entry is not kept."""
    async with opened(tmp_path) as (store, _, _):
        async with store.engine.begin() as connection:
            await connection.exec_driver_sql("DROP TABLE audit")
        with pytest.raises(SQLAlchemyError):
            await store.audit(who="meier", what="x", why="y", before="", after="")


async def test_only_the_owner_can_read(tmp_path: Path) -> None:
    """The database is readable by its owner only."""
    async with opened(tmp_path):
        path = tmp_path / "state" / "callrouter.db"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_many_agents_at_once(tmp_path: Path) -> None:
    """A whole network logging in at once fits, whatever the database's limits of variables are."""
    agents = tuple(Agent(f"gera/{number}", "gera", "gera", str(number)) for number in range(1_200))
    plan = Plan("1", (), (), (), agents, ())
    async with opened(tmp_path, plan=plan) as (store, seats, _):
        for agent in agents:
            seats.intents[agent.id] = ("ready", "")
            store.observe(AgentActed(agent.id, AgentAct.READY), [], NOW)
    async with opened(tmp_path, plan=plan) as (_, _, events):
        assert len(events) == 1_200
