"""What today's calls tell of the day."""

from __future__ import annotations

import pytest

from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.sim.live import Missed
from callrouter.sim.today import QUIET_S, WINDOW_S, Recent, Today, together, told
from callrouter.store.today import Attempt

NOON = 1_795_431_600.0
MORNING = NOON - 4 * 3600


def comes(recent: Recent, call: str, caller: str, now: float, opened: bool = True) -> None:
    offered = c.CallOffered(f"gera/{call}", "gera", "general", "gera", opened)
    recent.observe(e.CallArrived(f"gera/{call}", "gera", "365", caller), [offered], now)


def ends(recent: Recent, call: str, outcome: c.Outcome, now: float, arrived_at: float) -> None:
    record = c.CallFinished(
        f"gera/{call}", "gera", "general", "gera", "365", "", outcome, arrived_at, now, 60, 0, "", "", "", False, 0,
        17, "",
    )  # fmt: skip
    recent.observe(e.CallEnded(f"gera/{call}"), [record], now)


def now_of(recent: Recent, now: float) -> Today:
    return told(recent.attempts(), MORNING, now)


def test_who_tries_again_is_no_new_wish() -> None:
    """Only first calls are counted; who was not reached and has not called since is named with his attempt."""
    recent = Recent(NOON)
    comes(recent, "1", "030", NOON)
    ends(recent, "1", c.Outcome.ABANDONED, NOON + 60, NOON)
    comes(recent, "2", "030", NOON + 300)
    today = now_of(recent, NOON + 300)
    assert today.attempts == {"gera/2": 2}
    assert today.missed == ()
    ends(recent, "2", c.Outcome.BUSIED, NOON + 400, NOON + 300)
    comes(recent, "3", "040", NOON + 500)
    ends(recent, "3", c.Outcome.ANSWERED, NOON + 600, NOON + 500)
    comes(recent, "4", "050", NOON + 600, opened=False)
    ends(recent, "4", c.Outcome.CLOSED, NOON + 600, NOON + 600)
    today = now_of(recent, NOON + 600)
    assert today.came == {"gera": 2}
    assert today.tries == 1.5
    assert today.missed == (Missed("gera", NOON + 400, 2, True),)
    assert now_of(recent, NOON + 401 + WINDOW_S).missed == ()
    comes(recent, "5", "030", NOON + 402 + WINDOW_S)
    assert now_of(recent, NOON + 402 + WINDOW_S).came == {"gera": 3}, "so much later he wants something else"


def test_who_withholds_his_number_is_counted_apart() -> None:
    """Nobody can know whether he has called before."""
    recent = Recent(NOON)
    for call in ("1", "2"):
        comes(recent, call, "", NOON)
        ends(recent, call, c.Outcome.ABANDONED, NOON + 60, NOON)
    today = now_of(recent, NOON + 60)
    assert today.came == {}
    assert today.withheld == {"gera": (2, 0)}
    assert today.missed == (Missed("gera", NOON + 60, 1, False),) * 2
    today = now_of(recent, NOON + 61 + WINDOW_S)
    assert today.missed == ()
    assert today.withheld == {"gera": (2, 2)}


def test_a_call_that_was_found_at_its_site_came_when_it_came() -> None:
    """Its caller, his attempt and its age are those that the site tells of."""
    recent = Recent(NOON)
    comes(recent, "1", "030", NOON - 400)
    ends(recent, "1", c.Outcome.ABANDONED, NOON - 300, NOON - 400)
    seen = e.LiveCall("gera/2", "365", "030", e.Stage.HELD, 100.0)
    recent.observe(e.SiteRead("gera", (seen,), ()), [c.CallOffered("gera/2", "gera", "general", "gera", True)], NOON)
    today = now_of(recent, NOON)
    assert recent.attempts()[-1].arrived_at == NOON - 100
    assert (today.came, today.attempts) == ({"gera": 1}, {"gera/2": 2})


def test_each_call_counts_once_whoever_tells_of_it() -> None:
    """What the records have is theirs; the rest goes under its caller's key, and what is of yesterday is left out."""
    recorded = Attempt("gera/1", "gera", "key of 030", NOON, NOON + 60, False)
    recent = [
        Attempt("gera/1", "gera", "030", NOON, NOON + 60, False),
        Attempt("gera/2", "gera", "030", NOON + 300),
        Attempt("gera/0", "gera", "030", MORNING - 1, MORNING + 9, False),
    ]
    found = together([recorded], recent, "key of {}".format, MORNING)
    assert found == [recorded, Attempt("gera/2", "gera", "key of 030", NOON + 300)]
    assert told(found, MORNING, NOON + 300).attempts == {"gera/2": 2}


def test_while_nobody_called_there_may_have_been_no_service() -> None:
    """Each span of half an hour without a call in the whole network is told, that before the first one, too."""
    attempts = [Attempt(f"gera/{at}", "gera", "030", NOON + at, NOON + at + 1) for at in (0.0, 60.0, 60.0 + QUIET_S)]
    quiet = told(attempts, MORNING, NOON + QUIET_S + 61).quiet
    assert quiet == ((MORNING, NOON), (NOON + 60, NOON + 60 + QUIET_S))


def test_calls_of_long_ago_are_left_to_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many are kept at most; what is known then begins later."""
    monkeypatch.setattr("callrouter.sim.today.RECENT_MAX", 3)
    recent = Recent(NOON)
    for number in range(5):
        comes(recent, str(number), "", NOON + number)
        ends(recent, str(number), c.Outcome.ANSWERED, NOON + number, NOON + number)
    assert len(recent.attempts()) == 3
    assert recent.since == NOON + 1
