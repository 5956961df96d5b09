"""Who owes a result, and for how long."""

from __future__ import annotations

from dataclasses import replace

from callrouter.desk.results import LATE_S, OWED_MAX, Conversation, Owed

FIRST = Conversation("gera/1", "agency", "general", "gera", "gera/2001", "0171", 12.0, 1000.0)
SECOND = replace(FIRST, call="gera/2", answered_at=2000.0)


def test_a_result_is_owed_from_the_answer_until_it_is_given() -> None:
    """From the answer on it may be given, from the end of the talk on it is due; once given it is owed no more."""
    owed = Owed()
    assert owed.of("gera/2001") is None
    assert owed.answered(FIRST) == []
    assert owed.of("gera/2001") == FIRST
    ended = owed.left("gera/2001", 1100.0)
    assert ended == replace(FIRST, ended_at=1100.0)
    assert owed.left("gera/2001", 1200.0) is None
    assert owed.given("gera/2001", "gera/9") is None
    assert owed.given("gera/2001", "gera/1") == ended
    assert owed.given("gera/2001", "gera/1") is None
    assert owed.left("gera/2001", 1200.0) is None


def test_the_next_call_ends_the_asking() -> None:
    """Who talks to the next caller gives no result of the last one any more; it is counted, never filled in."""
    owed = Owed()
    owed.answered(FIRST)
    assert owed.answered(FIRST) == []  # told twice
    assert owed.answered(SECOND) == [FIRST]
    assert owed.of("gera/2001") == SECOND


def test_an_hour_after_the_talk_nobody_asks_any_more() -> None:
    """What goes on does not lapse, however long it lasts."""
    owed = Owed()
    owed.answered(FIRST)
    assert owed.lapse(FIRST.answered_at + 10 * LATE_S) == []
    owed.left("gera/2001", 1100.0)
    assert owed.lapse(1100.0 + LATE_S) == []
    assert [one.call for one in owed.lapse(1100.1 + LATE_S)] == ["gera/1"]
    assert owed.of("gera/2001") is None


def test_of_too_many_the_oldest_lapses() -> None:
    """The book is bounded."""
    owed = Owed()
    for number in range(OWED_MAX):
        owed.answered(replace(FIRST, agent=f"gera/{number}"))
    assert [one.agent for one in owed.answered(replace(FIRST, agent="gera/x"))] == ["gera/0"]
