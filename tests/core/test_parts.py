"""Timers, pools, lanes and health by themselves."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from callrouter.core.agents import AgentSeat
from callrouter.core.calls import Call
from callrouter.core.lines import Lane
from callrouter.core.overflow import HEALTH_CALLS_MAX, Health
from callrouter.core.plan import Hotline, Number, Team, Topic
from callrouter.core.selection import Pool
from callrouter.core.timers import Rank, Timers, after, instant

MICROS = st.integers(0, (2**32 - 2 * 86_400) * 10**6)  # until 2106, the delays included


@given(MICROS, st.integers(0, 86_400_000_000), st.integers(0, 86_400_000_000))
@example(2_099_999_999_999_989, 300_001, 1)
@example(4_199_999_999_999_989, 86_399_999_999, 300_000)
def test_what_is_due_at_one_microsecond_is_one_float(at: int, delay: int, more: int) -> None:
    """However it was added up, an instant is the float nearest to its microsecond; the next is another."""
    assert after(at / 1e6, delay / 1e6) == (at + delay) / 1e6
    assert after(after(at / 1e6, delay / 1e6), more / 1e6) == after(after(at / 1e6, more / 1e6), delay / 1e6)
    assert instant(at / 1e6) == at / 1e6 < (at + 1) / 1e6


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(Rank), st.booleans()), max_size=300))
def test_timers_come_by_time_rank_and_order(entries: list[tuple[int, Rank, bool]]) -> None:
    """What is not cancelled comes exactly once, sorted; cancelling twice or after the fact does nothing."""
    timers = Timers()
    kept = []
    for number, (due, rank, cancelled) in enumerate(entries):
        timer = timers.set(float(due), rank, str(number + 1))
        if cancelled:
            timers.cancel(timer)
            timers.cancel(timer)
        else:
            kept.append((float(due), rank, number + 1))
    timers.cancel(None)
    assert len(timers) == len(kept) == len(timers.alive())
    assert timers.pop_due(-1.0) is None
    came = []
    while (due := timers.pop_due(9.0)) is not None:
        came.append((due[0], int(due[1])))
    assert came == [(rank, number) for _, rank, number in sorted(kept)]
    assert timers.next_due() is None


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=400))
def test_a_pool_gives_the_longest_idle_and_forgets_who_left(steps: list[tuple[int, bool]]) -> None:
    """Against a plain list, however often agents come and go."""
    pool = Pool(Team("t", "T", "a"))
    seats = [AgentSeat(f"a/{i}", "t", i) for i in range(6)]
    plain: dict[int, float] = {}
    for now, (i, free) in enumerate(steps):
        skills = (("x", 1),) if i % 2 else ()
        if free and i not in plain:
            seats[i].idle_since = float(now)
            pool.add(seats[i], skills)
            plain[i] = float(now)
        elif not free and i in plain:
            pool.remove(seats[i], skills)
            del plain[i]
        assert pool.free == len(plain)
        for needs in ((), (("x", 1),)):
            able = [(since, k) for k, since in plain.items() if not needs or k % 2]
            best = pool.best(needs)
            assert (best.id if best else None) == (f"a/{min(able)[1]}" if able else None)
            assert [s.id for s in pool.several(needs, 2)] == [f"a/{k}" for _, k in sorted(able)[:2]]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=400))
def test_a_lane_is_first_come_first_served_whoever_returns(steps: list[tuple[int, bool]]) -> None:
    """Against a plain list: calls that left and came back have their old place."""
    topic = Topic("t", "T")
    lane = Lane(("h", "t", 0, "a"), Hotline("h", "H", "a", (Number("1"),), None, ("x",), (topic,), "t"), topic)
    calls = [Call(f"a/{i}", "a", "1", "", "h", "t", float(i // 2), i, None) for i in range(6)]
    inside: set[int] = set()
    for i, enter in steps:
        if enter and i not in inside:
            lane.push(calls[i])
            inside.add(i)
        elif not enter and i in inside:
            lane.remove(calls[i])
            inside.discard(i)
        head = lane.head()
        assert (head.sequence if head else None) == (min(inside) if inside else None)
        assert lane.waiting == len(inside)
        assert (lane.turn() is None) == (not inside)


def test_health_forgets_after_a_quarter_of_an_hour_and_has_a_bound() -> None:
    """Old calls leave the window; more calls than the bound push out the oldest."""
    health = Health()
    assert health.share(0.0) == 1.0
    for i in range(HEALTH_CALLS_MAX + 5):
        health.add(0.0, i < 5)
    assert health.share(1.0) == 0.0
    assert health.next_change() == 900.0
    assert health.share(900.0) == 1.0
    assert health.next_change() == float("inf")


def test_what_left_does_not_stay_in_memory() -> None:
    """Timers cancelled, callers gone and agents busy again: the heaps stay near what is alive, however long it goes."""
    timers, pool = Timers(), Pool(Team("t", "T", "a"))
    topic = Topic("t", "T")
    lane = Lane(("h", "t", 0, "a"), Hotline("h", "H", "a", (Number("1"),), None, ("x",), (topic,), "t"), topic)
    stays = Call("a/0", "a", "1", "", "h", "t", 0.0, 0, None)
    lane.push(stays)
    timers.set(5000.0, Rank.LIMIT, "stays")
    seats = [AgentSeat("a/1", "t", 0), AgentSeat("a/2", "t", 1, idle_since=9999.0)]
    pool.add(seats[0], ())
    for number in range(1, 1000):
        timers.cancel(timers.set(9000.0, Rank.LIMIT, str(number)))
        call = Call(f"a/{number}", "a", "1", "", "h", "t", float(number), number, None)
        lane.push(call)
        lane.remove(call)
        pool.add(seats[1], ())
        pool.remove(seats[1], ())
    assert len(timers._heap) < 200
    assert len(lane._heap) < 50
    assert sum(map(len, pool._heaps.values())) < 50
    assert timers.next_due() == 5000.0
    assert lane.head() is stays
    assert pool.best(()) is seats[0]
