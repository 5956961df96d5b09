"""What a report adds up: attempts, callers, half hours by the wall clock, and the ledger between partners."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus
from callrouter.core.commands import Outcome, Unserved
from callrouter.core.plan import Site
from callrouter.report.figures import Share
from callrouter.report.period import Period
from tests.report.books import LINE, PLAN, at, book, call, closed, demand


def test_nothing_is_left_out_of_the_denominator() -> None:
    """Abandoned, busied, failsafe and lost attempts are offered and not answered; closed ones are apart."""
    when = at("2026-11-23 09:10")
    lost = [
        call(when, answered=False, outcome=outcome, unserved=why)
        for outcome, why in (
            (Outcome.ABANDONED, Unserved.GAVE_UP_RINGING),
            (Outcome.BUSIED, Unserved.RING_LIMIT),
            (Outcome.FAILSAFE, Unserved.FAILSAFE),
            (Outcome.LOST, Unserved.LOST),
        )
    ]
    late = call(when, within_target=False, wait_s=300.0)
    strange = call(when, answered=False, outcome=Outcome.UNKNOWN_NUMBER, unserved=Unserved.NONE)
    calls = book(call(when), late, *lost, closed(when), strange).calls
    assert (calls.offered, calls.answered, calls.within_target, calls.late, calls.lost) == (6, 2, 1, 1, 4)
    assert calls.closed == 1
    assert sum(calls.unserved.values()) == 4


def test_callers_are_counted_by_their_demands() -> None:
    """Reached at the first or a later attempt, or not; withheld numbers singly and apart; open ones not at all."""
    when = at("2026-11-23 09:00")
    still_open = replace(demand(when, reached=False), closed_at=None)
    found = book(
        demands=[
            demand(when), demand(when, 3), demand(when, 2, reached=False), demand(when, withheld=True), still_open,
        ]
    )  # fmt: skip
    line = found.lines["agency-gera"]
    assert (line.shown.ended, line.withheld.ended, found.demands.open) == (3, 1, 1)
    demands = found.demands
    assert (demands.reached, demands.first, demands.unreached, demands.attempts) == (3, 2, 1, 7)
    assert found.at_first(demands) == Share(2, 4, 0.93)
    assert dict(demands.tries) == {1: 2, 3: 1}


@pytest.mark.parametrize(
    ("part", "whole", "state"),
    [(80, 100, "met"), (79, 100, "near"), (75, 100, "near"), (74, 100, "missed"), (19, 19, ""), (0, 0, "")],
)
def test_shares_are_judged_from_twenty_on(part: int, whole: int, state: str) -> None:
    """80 % is met, 75 % just missed, 74 % missed; fewer than 20 say nothing."""
    assert Share(part, whole, 0.8).state == state


def test_shares_without_a_target_are_not_judged() -> None:
    """There is nothing to miss."""
    assert Share(1, 100).state == ""


@pytest.mark.parametrize(
    ("day", "names", "count"),
    [
        ("2026-03-29", ["01:00", "01:30", "03:00", "03:30"], 46),
        ("2026-10-25", ["01:30", "02:00A", "02:30A", "02:00B", "02:30B", "03:00"], 50),
        ("2026-11-23", ["01:30", "02:00", "02:30", "03:00"], 48),
    ],
)
def test_half_hours_when_clocks_change(day: str, names: list[str], count: int) -> None:
    """The hour that is left out is not there, the one that comes twice is there twice, each with its own calls."""
    one = date.fromisoformat(day)
    slots = book(period=Period("day", one, one)).slots()
    assert len(slots) == count
    found = [slot.name for slot in slots]
    assert found[found.index(names[0]) :][: len(names)] == names


def test_calls_in_the_hour_that_comes_twice() -> None:
    """02:10 before the clock is put back and 02:10 after it are an hour apart, and in half hours of their own."""
    one = date(2026, 10, 25)
    first, second = at("2026-10-25 02:10"), at("2026-10-25 02:10", fold=1)
    slots = book(call(first), call(second), call(second), period=Period("day", one, one)).slots()
    assert second - first == 3600.0
    assert {slot.name: slot.calls.offered for slot in slots if slot.calls.offered} == {"02:00A": 1, "02:00B": 2}
    assert [slot.at.utcoffset() for slot in slots if slot.calls.offered] != []


def test_a_week_with_a_clock_change_adds_up_by_the_wall_clock() -> None:
    """Over several days a half hour is that of every day's wall clock, and a Monday's 08:00 joins the Friday's."""
    week = Period("week", date(2026, 10, 19), date(2026, 10, 25))
    found = book(
        call(at("2026-10-19 08:10")), call(at("2026-10-23 08:20")),
        call(at("2026-10-25 02:10")), call(at("2026-10-25 02:10", fold=1)), period=week,
    )  # fmt: skip
    assert len(found.slots()) == 48
    assert {slot.name: slot.calls.offered for slot in found.slots() if slot.calls.offered} == {"02:00": 2, "08:00": 2}
    assert [(str(day), calls.offered) for day, calls in found.days() if calls.offered] == [
        ("2026-10-19", 1), ("2026-10-23", 1), ("2026-10-25", 2),
    ]  # fmt: skip


def test_the_years_end() -> None:
    """The last week of 2026 ends in 2027; a call a second before midnight is still the old year's."""
    week = Period("week", date(2026, 12, 28), date(2027, 1, 3))
    edge = at("2027-01-01 00:00")
    found = book(call(edge - 1.0), call(edge), period=week)
    days = {str(day): calls.offered for day, calls in found.days()}
    assert (days["2026-12-31"], days["2027-01-01"], len(days)) == (1, 1, 7)
    assert found.bounds["agency-gera"] == (at("2026-12-28 00:00"), at("2027-01-04 00:00"))


def test_each_hotline_has_the_days_of_its_own_zone() -> None:
    """Madeira is an hour behind: its day begins an hour later, and its 09:00 joins Gera's."""
    far = replace(LINE, name="far", site="funchal", hours=None)
    sites = (*PLAN.sites, Site("funchal", "Funchal", "", "Atlantic/Madeira"))
    plan = replace(PLAN, sites=sites, hotlines=(LINE, far))
    there = at("2026-11-23 09:10", "Atlantic/Madeira")
    found = book(call(at("2026-11-23 09:10")), call(there, hotline="far"), plan=plan)
    assert found.bounds["far"][0] - found.bounds["agency-gera"][0] == 3600.0
    assert [(slot.name, slot.calls.offered) for slot in found.slots() if slot.calls.offered] == [("09:00", 2)]


def test_open_half_hours_and_the_quiet_ends() -> None:
    """From the first half hour that is open or had a call to the last; what is open is known of each."""
    slots = book(closed(at("2026-11-23 07:20"))).shown_slots()
    assert (slots[0].name, slots[0].open, slots[1].open) == ("07:00", False, False)
    assert (slots[2].name, slots[2].open, slots[-1].name) == ("08:00", True, "17:30")


def test_busiest_and_weakest_half_hours() -> None:
    """The most calls; the lowest share, where there were enough calls to say so."""
    busy = [call(at("2026-11-23 10:05"), answered=n % 4 > 0) for n in range(40)]
    bad = [call(at("2026-11-23 11:05"), answered=n % 2 > 0) for n in range(30)]
    few = [call(at("2026-11-23 12:05"), answered=False) for n in range(3)]
    found = book(*busy, *bad, *few)
    assert [slot.name for slot in found.busiest()] == ["10:00", "11:00", "12:00"]
    assert [slot.name for slot in found.weakest()] == ["11:00", "10:00"]


def test_ledger_between_partners() -> None:
    """Each direction by itself, though it lay idle; what an agreement that is gone has lent is not lost."""
    when = at("2026-11-23 10:00")
    lent = call(when, agreement="both", team="magdeburg", talk_s=120.0)
    gone = call(when, agreement="old", team="magdeburg", talk_s=5.0)
    found = book(lent, lent, gone)
    ledger = {deal: (one.calls, one.talk_s) for deal, one in found.ledger.items()}
    assert ledger == {
        ("both", "gera", "magdeburg"): (2, 240.0),
        ("both", "magdeburg", "gera"): (0, 0.0),
        ("old", "", "magdeburg"): (1, 5.0),
    }
    assert list(book(lent, hotlines=["agency-gera"]).ledger) == [("both", "gera", "magdeburg")]


def test_promises_to_ring_back() -> None:
    """Kept when served by the due time; withdrawn ones and those that may still be kept are not counted."""
    now = at("2026-11-23 12:00")
    late = Callback("1", CallbackKind.DEPARTMENT, "agency-gera", "", "gera", "", 0.0, now - 60.0)
    done = replace(late, status=CallbackStatus.DONE, result=CallbackResult.REACHED, done_at=now - 90.0)
    found = book(now=now)
    for one in (
        late,
        done,
        replace(done, done_at=now),
        replace(done, result=CallbackResult.CANCELLED),
        replace(late, due_at=now + 60.0),
    ):
        found.take_callback(one)
    assert (found.callbacks.due, found.callbacks.kept) == (3, 1)
    assert found.unfinished


def test_waits_of_the_answered() -> None:
    """Median and ninth of ten; one call is both, none is neither."""
    when = at("2026-11-23 10:00")
    found = book(*[call(when, wait_s=float(n)) for n in range(11)]).calls.waited()
    assert found == (5.0, 9.0)
    assert book(call(when)).calls.waited() == (10.0, 10.0)
    assert book().calls.waited() is None
