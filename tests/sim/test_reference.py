"""The simulator against a second, plain one that was written from the rules alone: equal for every call."""

from __future__ import annotations

from collections import Counter

import pytest

from callrouter.sim.day import Day
from tests.sim.checked import CheckedRouter
from tests.sim.worlds import ref_rows, rows, small

FAST, MANY, FIRST_OF_MANY = 250, 3_000, 100_000


def _differences(seed: int) -> list[str]:
    world = small(seed)
    found, wanted = rows(Day(world.setting).run(world.calls)), ref_rows(world.reference.run())
    assert len(found) == len(wanted)
    return [f"seed {seed}: {x} is not {y}" for x, y in zip(found, wanted, strict=True) if x != y]


def test_every_call_of_small_random_worlds_is_as_in_the_plain_reference() -> None:
    """Outcome, wait, agent, team and agreement of every call, in worlds full of ties."""
    assert not [line for seed in range(FAST) for line in _differences(seed)]


@pytest.mark.slow
def test_every_call_of_thousands_of_random_worlds_is_as_in_the_plain_reference() -> None:
    """The same, much more of it."""
    assert not [line for seed in range(FIRST_OF_MANY, FIRST_OF_MANY + MANY) for line in _differences(seed)]


def test_the_random_worlds_have_everything_in_them() -> None:
    """All outcomes occur often, borrowed calls among them, and so do calls of one instant."""
    seen: Counter[str] = Counter()
    for seed in range(FAST):
        world = small(seed)
        for call in Day(world.setting).run(world.calls):
            seen["borrowed" if call.agreement else call.outcome] += 1
        seen["rosters"] += bool(world.setting.crews)
        seen["switches"] += bool(world.setting.switches)
        seen["ties"] += len({call.at_us for call in world.calls}) < len(world.calls)
        seen["never served"] += any(call.wait_us is None for call in world.calls)
    assert all(seen[what] > 20 for what in ("answered", "borrowed", "abandoned", "busied", "closed", "rosters"))
    assert all(seen[what] > 10 for what in ("switches", "ties", "never served"))


def test_the_invariants_hold_after_every_event() -> None:
    """One call per agent, reserve and cap, first come first served, nobody waits in vain: looked at each time."""
    events = 0
    for seed in range(80):
        world = small(seed)
        day = Day(world.setting, make=CheckedRouter)
        day.run(world.calls)
        assert isinstance(day.router, CheckedRouter)
        assert not day.router.state.calls or any(call.wait_us is None for call in world.calls)
        assert not day.router.books.broken
        events += day.router.events
    assert events > 5_000
