"""The engine: order, deadlines, bounds, and what happens when something under it or above it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from callrouter.core.commands import Claim, Command, Ignored, Order, Release, Reread
from callrouter.core.events import (
    AgreementSwitched,
    CallArrived,
    CallEnded,
    ClockSet,
    Event,
    OrderLost,
    SiteRead,
    Tick,
)
from callrouter.engine import BATCH_MAX, RESERVE, Engine, NotDecided, Overloaded
from tests.engine.fake_core import FakeCore
from tests.virtual import run_virtual

START = 1_800_000_000.0
ARRIVED = CallArrived("gera/1", "gera", "0365")


class World:
    """An engine in virtual time with the fake core, and the orders that left."""

    def __init__(self, core: FakeCore | None = None, **options: Any) -> None:
        self.core = core or FakeCore()
        self.orders: list[Order] = []
        self.log: list[str] = []
        loop = asyncio.get_running_loop()
        clock = options.pop("clock", lambda: START + loop.time())
        self.engine = Engine(self.core, clock, options.pop("execute", self.orders.append), **options)

    async def settled(self) -> None:
        """Until the inbox is empty and a turn has passed."""
        await asyncio.sleep(0)
        while self.engine.waiting:
            await asyncio.sleep(0)
        await asyncio.sleep(0)


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    task = asyncio.create_task(world.engine.run())
    try:
        yield world
    finally:
        world.engine.stop()
        await task


def test_events_are_handled_in_order_and_orders_leave_in_order() -> None:
    """What was submitted first is decided first, and its orders leave first."""

    async def main() -> None:
        async with running(World()) as world:
            calls = [CallArrived(f"gera/{number}", "gera", "0365") for number in range(300)]
            assert all(world.engine.submit(call) for call in calls)
            await world.settled()
            assert world.core.events == calls
            assert world.orders == [Claim(call.call, "new") for call in calls]

    run_virtual(main())


def test_notices_are_not_executed() -> None:
    """Only orders go to a site; notices go to observers."""
    seen: list[tuple[Event, Sequence[Command], float]] = []

    async def main() -> None:
        core = FakeCore(lambda event, now: [Ignored("CallEnded", "unknown")])
        async with running(World(core, observers=[lambda *turn: seen.append(turn)])) as world:
            world.engine.submit(CallEnded("gera/1"))
            await world.settled()
            assert not world.orders

    run_virtual(main())
    assert seen == [(CallEnded("gera/1"), (Ignored("CallEnded", "unknown"),), START)]


def test_deadline_comes_as_a_tick_at_its_time() -> None:
    """The router's next deadline is answered with a Tick no earlier than due, also when it moves nearer."""

    async def main() -> None:
        world = World()
        world.core.deadlines = [START + 50.0]
        async with running(world):
            await asyncio.sleep(1.0)
            world.core.deadlines.append(START + 7.5)
            world.engine.submit(ARRIVED)
            await asyncio.sleep(100.0)
        ticks = [now for event, now in world.core.handled if isinstance(event, Tick)]
        assert ticks == [START + 7.5, START + 50.0]

    run_virtual(main())


def test_deadline_follows_a_faster_clock() -> None:
    """At twenty times the pace, a deadline in 50 s of the clock comes after 2.5 s of the loop."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        core = FakeCore()
        core.deadlines = [START + 50.0]
        engine = Engine(core, lambda: START + 20 * loop.time(), lambda order: None, rate=20.0)
        task = asyncio.create_task(engine.run())
        await asyncio.sleep(2.4)
        assert not core.handled
        await asyncio.sleep(0.2)
        assert core.handled == [(Tick(), START + 50.0)]
        engine.stop()
        await task

    run_virtual(main())


def test_deadline_that_stays_does_not_spin() -> None:
    """A router that never moves a due deadline on is asked once a second, not in a loop that starves the links."""

    async def main() -> None:
        world = World()
        stuck = FakeCore()
        stuck.next_deadline = lambda: START  # type: ignore[method-assign]
        world.engine.router = stuck
        async with running(world):
            await asyncio.sleep(10.0)
        assert 9 <= len(stuck.handled) <= 12

    run_virtual(main())


def test_time_never_runs_backwards() -> None:
    """When the clock is set back, the router sees time standing still, never falling."""
    readings = iter([100.0, 101.0, 90.0, 95.0, 102.0, 103.0, 103.0, 103.0, 103.0, 103.0])
    seen: list[float] = []
    last = 103.0

    def decide(event: Event, now: float) -> Sequence[Command]:
        seen.append(now)
        return []

    async def main() -> None:
        engine = Engine(FakeCore(decide), lambda: next(readings, last), lambda order: None)
        task = asyncio.create_task(engine.run())
        for _ in range(6):
            await engine.ask(ARRIVED)
        engine.stop()
        await task

    run_virtual(main())
    assert seen == sorted(seen)


def test_a_clock_that_leaps_is_told_before_anything_else() -> None:
    """The router hears by how much before it handles what comes then, a deadline that seems to be over as well."""

    async def main() -> None:
        leapt = [0.0]
        loop = asyncio.get_running_loop()
        async with running(World(clock=lambda: START + loop.time() + leapt[0], leapt_s=lambda: leapt[0])) as world:
            world.core.deadlines = [START + 50.0]
            leapt[0] = 3_600.0
            world.engine.submit(ARRIVED)
            await world.settled()
            assert world.core.events == [ClockSet(3_600.0), ARRIVED]

    run_virtual(main())


def test_ask_returns_what_was_decided() -> None:
    """Who asks gets exactly the commands of his own event."""

    async def main() -> None:
        async with running(World()) as world:
            world.engine.submit(CallArrived("gera/0", "gera", "0365"))
            assert await world.engine.ask(ARRIVED) == (Claim("gera/1", "new"),)

    run_virtual(main())


def test_one_who_asked_and_left_hurts_nobody() -> None:
    """A request that was cancelled while it waited does not stop the loop."""

    async def main() -> None:
        async with running(World()) as world:
            asking = asyncio.create_task(world.engine.ask(ARRIVED))
            await asyncio.sleep(0)
            asking.cancel()
            await world.settled()
            assert await world.engine.ask(CallEnded("gera/1")) == ()

    run_virtual(main())


def failing(event: Event, now: float) -> Sequence[Command]:
    if isinstance(event, CallArrived):
        raise AssertionError("one call per agent")
    return []


def test_failed_handler_rereads_the_site_and_goes_on() -> None:
    """When the router breaks on an event, its site is read back and the next event is handled."""

    async def main() -> None:
        async with running(World(FakeCore(failing))) as world:
            world.engine.submit(ARRIVED)
            world.engine.submit(CallEnded("gera/1"))
            await asyncio.sleep(0.1)
            assert world.core.events == [ARRIVED, CallEnded("gera/1")]
            assert world.orders == [Reread("gera", "the router failed on CallArrived (AssertionError)")]
            assert world.engine.failed_count == 1

    run_virtual(main())


def test_failed_tick_rereads_every_site() -> None:
    """A failure that names no site leads to a read of all sites that were ever read."""

    def decide(event: Event, now: float) -> Sequence[Command]:
        assert not isinstance(event, Tick)
        return []

    async def main() -> None:
        async with running(World(FakeCore(decide))) as world:
            world.engine.submit(SiteRead("gera"))
            world.engine.submit(SiteRead("gotha"))
            await world.settled()
            world.core.deadlines = [START + 1.0]
            world.engine.submit(CallEnded("gera/1"))
            await asyncio.sleep(2.0)
            assert [order.site for order in world.orders if isinstance(order, Reread)] == ["gera", "gotha"]

    run_virtual(main())


def test_event_that_always_fails_is_no_storm() -> None:
    """If reading a site back fails each time, it is asked for ever more rarely, up to once a minute."""

    def decide(event: Event, now: float) -> Sequence[Command]:
        raise AssertionError

    async def main() -> None:
        world = World(FakeCore(decide))

        def execute(order: Order) -> None:
            world.orders.append(order)
            assert isinstance(order, Reread)
            world.engine.submit(SiteRead(order.site))

        world.engine._execute = execute
        async with running(world):
            world.engine.submit(SiteRead("gera"))
            await asyncio.sleep(3_600.0)
        assert 60 <= len(world.orders) <= 70

    run_virtual(main())


def test_asking_about_a_failed_event_says_so() -> None:
    """Who asked learns that the router failed, instead of waiting for ever."""

    async def main() -> None:
        async with running(World(FakeCore(failing))) as world:
            with pytest.raises(NotDecided):
                await world.engine.ask(ARRIVED)

    run_virtual(main())


def test_failing_observer_hurts_nobody() -> None:
    """An observer that raises is passed over; the next one and the next event are served."""
    seen: list[Event] = []

    def bad(event: Event, commands: Sequence[Command], now: float) -> None:
        raise RuntimeError("out of order")

    async def main() -> None:
        async with running(World(observers=[bad, lambda event, commands, now: seen.append(event)])) as world:
            await world.engine.ask(ARRIVED)
            await world.engine.ask(CallEnded("gera/1"))

    run_virtual(main())
    assert seen == [ARRIVED, CallEnded("gera/1")]


def test_order_that_cannot_be_given_is_unknown_to_the_router() -> None:
    """If the link refuses an order by raising, the router is told that its outcome is unknown."""

    def execute(order: Order) -> None:
        raise ConnectionError("gone")

    async def main() -> None:
        async with running(World(execute=execute)) as world:
            world.engine.submit(ARRIVED)
            await world.settled()
            assert world.core.events[1] == OrderLost("gera/1", None, True, "ConnectionError")

    run_virtual(main())


def test_full_inbox_sheds_and_reads_the_site_back() -> None:
    """Beyond its bound the inbox refuses a site's event and has that site read back, once."""

    async def main() -> None:
        world = World(inbox_max=10)
        results = [world.engine.submit(CallEnded(f"gera/{number}")) for number in range(15)]
        assert results == [True] * 10 + [False] * 5
        assert world.engine.shed_count == 5
        async with running(world):
            await asyncio.sleep(0.5)
            assert world.orders == [Reread("gera", "events of this site were shed: the inbox was full")]

    run_virtual(main())


def test_full_inbox_has_room_for_what_mends_it() -> None:
    """A site read back and a person's switch enter a full inbox; that reserve has a bound too."""

    async def main() -> None:
        world = World(inbox_max=1)
        switch = AgreementSwitched("gera-magdeburg", False)
        assert world.engine.submit(CallEnded("gera/1"))
        assert not world.engine.submit(CallEnded("gera/1"))
        assert all(world.engine.submit(SiteRead("gera")) for _ in range(RESERVE))
        assert not world.engine.submit(SiteRead("gera"))
        with pytest.raises(Overloaded):
            await world.engine.ask(switch)

    run_virtual(main())


def test_standing_down_observes_only() -> None:
    """A fenced router gives no orders any more, but still follows what happens."""

    async def main() -> None:
        async with running(World()) as world:
            world.engine.stand_down("a newer router has gera")
            assert await world.engine.ask(ARRIVED) == (Claim("gera/1", "new"),)
            assert not world.orders
            assert world.engine.standing_down == "a newer router has gera"

    run_virtual(main())


def test_stop_handles_what_is_waiting_then_refuses() -> None:
    """A graceful stop decides all that was submitted; asking afterwards is refused at once."""

    async def main() -> None:
        world = World()
        for number in range(500):
            world.engine.submit(CallArrived(f"gera/{number}", "gera", "0365"))
        task = asyncio.create_task(world.engine.run())
        world.engine.stop()
        await task
        assert len(world.core.handled) == 500
        with pytest.raises(NotDecided):
            await world.engine.ask(ARRIVED)

    run_virtual(main())


def test_cancelled_engine_answers_those_who_wait() -> None:
    """If the engine's task is cancelled, nobody who asked waits for ever."""

    async def main() -> None:
        world = World()
        for _ in range(BATCH_MAX):
            world.engine.submit(CallEnded("gera/1"))
        asking = asyncio.create_task(world.engine.ask(ARRIVED))
        task = asyncio.create_task(world.engine.run())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with pytest.raises(NotDecided):
            await asking

    run_virtual(main())


def test_history_keeps_the_turns_of_a_call() -> None:
    """What came in and what was decided for a call can be told afterwards, in order; others' turns are not in it."""

    def decide(event: Event, now: float) -> Sequence[Command]:
        if isinstance(event, Tick):
            return [Release("gera/1", 17, "limit"), Release("gera/2", 17, "limit"), Release("gera/1", 17, "again")]
        return []

    async def main() -> None:
        async with running(World(FakeCore(decide))) as world:
            await world.engine.ask(ARRIVED)
            await world.engine.ask(CallArrived("gera/2", "gera", "0365"))
            await world.engine.ask(Tick())
            first, second = world.engine.history("gera/1")
            assert first.event == ARRIVED
            assert len(second.commands) == 3
            assert [step.seq for step in world.engine.history("gera/2")] == [2, 3]
            assert world.engine.history("gera/3") == []

    run_virtual(main())
