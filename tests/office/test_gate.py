"""The contact form lets people through, and neither robots nor floods."""

from __future__ import annotations

from callrouter.office.gate import ADDRESSES_MAX, ALL, HOUR_S, PER_ADDRESS, QUICK_S, STALE_S, Gate, Why


class Time:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_person_passes() -> None:
    """A form that was shown a moment ago and whose trap is empty is taken."""
    time = Time()
    gate = Gate(time)
    stamp = gate.stamp()
    time.now += QUICK_S
    assert gate.why_not(stamp, "", "a") is None


def test_robots_do_not() -> None:
    """Who fills in the hidden field, or sends the form as soon as it is shown."""
    time = Time()
    gate = Gate(time)
    stamp = gate.stamp()
    assert gate.why_not(stamp, "", "a") is Why.ROBOT
    time.now += QUICK_S
    assert gate.why_not(stamp, "https://spam.example", "a") is Why.ROBOT


def test_a_form_of_yesterday_or_of_nobody_is_stale() -> None:
    """It is shown again: too old, of another process, or invented."""
    time = Time()
    gate = Gate(time)
    stamp = gate.stamp()
    time.now += STALE_S + 1
    assert gate.why_not(stamp, "", "a") is Why.STALE
    for wrong in ("", "x", "1.2", f"{time.now}.{stamp.rpartition('.')[2]}", Gate(time).stamp()):
        assert gate.why_not(wrong, "", "a") is Why.STALE


def test_five_messages_in_an_hour_from_one_address() -> None:
    """The sixth waits; others do not mind, and an hour later he may again."""
    time = Time()
    gate = Gate(time)
    stamp = gate.stamp()
    time.now += QUICK_S
    for _ in range(PER_ADDRESS):
        assert gate.why_not(stamp, "", "a") is None
        gate.taken("a")
    assert gate.why_not(stamp, "", "a") is Why.PACE
    assert gate.why_not(stamp, "", "b") is None
    time.now += HOUR_S
    assert gate.why_not(stamp, "", "a") is None


def test_a_flood_from_many_addresses_is_stopped_and_memory_bounded() -> None:
    """So many in all, whoever sends them; addresses of hours ago are forgotten."""
    time = Time()
    gate = Gate(time)
    stamp = gate.stamp()
    time.now += QUICK_S
    for i in range(ALL):
        assert gate.why_not(stamp, "", f"a{i}") is None
        gate.taken(f"a{i}")
    assert gate.why_not(stamp, "", "b") is Why.PACE
    for i in range(ADDRESSES_MAX + 10):
        gate.taken(f"c{i}")
    assert len(gate._by_address) == ADDRESSES_MAX
    time.now += HOUR_S + 1
    gate.taken("d")
    assert list(gate._by_address) == ["d"]
