"""What today's calls tell of the day."""

from __future__ import annotations

from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.sim.live import Missed
from callrouter.sim.today import WINDOW_S, Today

NOON = 1_795_431_600.0


def comes(today: Today, call: str, caller: str, now: float, opened: bool = True) -> None:
    told = c.CallOffered(f"gera/{call}", "gera", "general", "gera", opened)
    today.observe(e.CallArrived(f"gera/{call}", "gera", "365", caller), [told], now)


def ends(today: Today, call: str, outcome: c.Outcome, now: float) -> None:
    record = c.CallFinished(
        f"gera/{call}",
        "gera",
        "general",
        "gera",
        "365",
        "",
        outcome,
        now - 60,
        now,
        60,
        0,
        "",
        "",
        "",
        False,
        0,
        17,
        "",
    )
    today.observe(e.CallEnded(f"gera/{call}"), [record], now)


def test_who_tries_again_is_no_new_wish() -> None:
    """Only first calls are counted; who was not reached and has not called since is named with his attempt."""
    today = Today(NOON)
    comes(today, "1", "030", NOON)
    ends(today, "1", c.Outcome.ABANDONED, NOON + 60)
    comes(today, "2", "030", NOON + 300)
    assert today.attempts() == {"gera/2": 2}
    assert today.missed(NOON + 300) == ()
    ends(today, "2", c.Outcome.BUSIED, NOON + 400)
    comes(today, "3", "040", NOON + 500)
    ends(today, "3", c.Outcome.ANSWERED, NOON + 600)
    comes(today, "4", "050", NOON + 600, opened=False)
    ends(today, "4", c.Outcome.CLOSED, NOON + 600)
    assert today.came() == {"gera": 2}
    assert today.missed(NOON + 600) == (Missed("gera", NOON + 400, 2, True),)
    assert today.missed(NOON + 401 + WINDOW_S) == ()
    comes(today, "5", "030", NOON + 402 + WINDOW_S)
    assert today.came() == {"gera": 3}, "so much later he wants something else"


def test_who_withholds_his_number_is_counted_apart() -> None:
    """Nobody can know whether he has called before."""
    today = Today(NOON)
    for call in ("1", "2"):
        comes(today, call, "", NOON)
        ends(today, call, c.Outcome.ABANDONED, NOON + 60)
    assert today.came() == {}
    assert today.withheld() == {"gera": (2, 0)}
    assert today.missed(NOON + 60) == (Missed("gera", NOON + 60, 1, False),) * 2
    assert today.missed(NOON + 61 + WINDOW_S) == ()
    assert today.withheld() == {"gera": (2, 2)}


def test_another_day_begins_anew() -> None:
    """Counts and who was not reached are of this day; callers are also known from a site that was read."""
    today = Today(NOON)
    comes(today, "1", "030", NOON)
    ends(today, "1", c.Outcome.ABANDONED, NOON + 60)
    seen = e.LiveCall("gera/2", "365", "030", e.Stage.HELD, 1.0)
    told = c.CallOffered("gera/2", "gera", "general", "gera", True)
    today.observe(e.SiteRead("gera", (seen,), ()), [told], NOON + 86_400)
    assert today.came() == {"gera": 1}
    assert today.attempts() == {}
    assert today.since(0.0) == NOON + 86_400 - (NOON + 86_400) % 86_400
