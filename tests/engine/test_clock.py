"""The clock: durations are true, and it never runs backwards."""

from __future__ import annotations

from callrouter.clock import LEAP_S, Clock


class Machine:
    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.steady = 50.0

    def pass_s(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.steady)


def test_follows_the_wall() -> None:
    """Undisturbed, it is the wall clock."""
    machine = Machine()
    clock = machine.clock()
    machine.pass_s(12.5)
    assert clock() == 1_000_012.5


def test_a_step_back_does_not_freeze_it() -> None:
    """When the wall clock is set back an hour, ten seconds still last about ten seconds."""
    machine = Machine()
    clock = machine.clock()
    machine.wall -= 3_600.0
    machine.pass_s(10.0)
    assert 1_000_009.0 <= clock() <= 1_000_010.0


def test_a_small_step_forward_is_led_in_gently() -> None:
    """Two seconds of correction do not end a wait two seconds early at once; after a minute they are in."""
    machine = Machine()
    clock = machine.clock()
    machine.wall += 2.0
    machine.pass_s(1.0)
    assert 1_000_001.0 < clock() < 1_000_001.2
    for _ in range(60):
        machine.pass_s(1.0)
        clock()
    assert clock() == machine.wall


def test_a_great_leap_forward_is_believed() -> None:
    """A clock that was put right by more than five minutes counts at once, and says so."""
    machine = Machine()
    clock = machine.clock()
    machine.wall += LEAP_S + 100.0
    assert clock() == machine.wall
    assert clock.leapt_s == LEAP_S + 100.0
    machine.wall -= 2 * LEAP_S
    machine.pass_s(1.0)
    clock()
    assert clock.leapt_s == LEAP_S + 100.0


def test_never_backwards() -> None:
    """Whatever the machine's clocks do, readings do not fall."""
    machine = Machine()
    clock = machine.clock()
    last = clock()
    for step in (5.0, -7.0, 400.0, -1_000.0, 0.0, 3.0):
        machine.wall += step
        machine.steady += 0.5 if step else -1.0
        reading = clock()
        assert reading >= last
        last = reading
