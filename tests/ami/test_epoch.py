"""Two routers, one site: who holds it, who stands down, who takes over."""

from __future__ import annotations

from callrouter.ami.epoch import DEAD_S, Duty, Lease, Look


def held(start: int = 100, nonce: str = "m") -> Lease:
    lease = Lease(start, nonce)
    assert lease.judge(Look(0, ""), 0.0) is Duty.TAKE
    return lease


def test_a_starting_router_takes_a_greater_epoch() -> None:
    """Its start time, or one more than the site's if that is greater (a clock that was set back)."""
    assert held().held == 100
    lease = Lease(100, "m")
    assert lease.judge(Look(500, "9.x"), 0.0) is Duty.TAKE
    assert lease.held == 501


def test_it_holds_as_long_as_the_site_says_its_number() -> None:
    """Its own beat, or none yet, is no rival."""
    lease = held()
    variable, value = lease.beat()
    assert (variable, value) == ("CR_BEAT_100", "1.m")
    assert lease.judge(Look(100, value), 1.0) is Duty.HOLD
    assert lease.judge(Look(100, ""), 2.0) is Duty.HOLD


def test_a_restarted_site_gets_its_epoch_back() -> None:
    """Globals are gone after a restart, and must not become a reason to stand down."""
    lease = held()
    assert lease.judge(Look(0, ""), 1.0) is Duty.TAKE
    assert lease.held == 100


def test_a_greater_epoch_whose_beat_moves_wins() -> None:
    """The newer router lives: the older one gives no orders any more, for as long as that is so."""
    lease = held()
    assert lease.judge(Look(200, "1.z"), 1.0) is Duty.WATCH
    assert lease.rival == 0  # not yet known to live
    for second in range(2, 20):
        assert lease.judge(Look(200, f"{second}.z"), float(second)) is Duty.WATCH
        assert lease.rival == 200
    assert lease.held == 100


def test_a_greater_epoch_whose_beat_stands_still_is_overtaken() -> None:
    """The newer router died: the standby has the site again before the dialplan gives up waiting."""
    lease = held()
    lease.judge(Look(200, "1.z"), 1.0)
    lease.judge(Look(200, "2.z"), 2.0)
    assert lease.judge(Look(200, "2.z"), 2.0 + DEAD_S / 2) is Duty.WATCH
    assert lease.judge(Look(200, "2.z"), 2.0 + DEAD_S) is Duty.TAKE
    assert (lease.held, lease.rival) == (201, 0)
    assert DEAD_S + 2 < 6  # the dialplan looks three times, 2 s apart


def test_twins_that_took_the_same_number() -> None:
    """Two routers started in the same tenth of a second: exactly one of them holds."""
    one, two = held(nonce="a"), held(nonce="b")
    beat_one, beat_two = one.beat()[1], two.beat()[1]
    assert one.judge(Look(100, beat_two), 1.0) is Duty.WATCH
    assert two.judge(Look(100, beat_one), 1.0) is Duty.HOLD
    assert one.judge(Look(100, two.beat()[1]), 2.0) is Duty.WATCH
    assert one.rival == 100
