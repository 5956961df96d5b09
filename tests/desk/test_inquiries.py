"""Inquiries: handed out when nobody calls, taken back when somebody does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callrouter.desk import inquiries as i
from callrouter.desk.inquiries import FREE_S, FreeSeat, Inquiry, InquiryStatus, NotYours, hand_out, take_back

NOW = 10_000.0
ONE = Inquiry("a", "gera", "agency", "general", "de", "Kim", "kim@x.example", "Frage", "Wann ist offen?", 100.0)
OTHER = replace(ONE, id="b", arrived_at=200.0)
ANNA, BEN = FreeSeat("gera/1", "agency", NOW - 60), FreeSeat("gera/2", "agency", NOW - 30)


def anybody(_one: Inquiry, _seat: FreeSeat) -> bool:
    return True


def given(inquiries: list[Inquiry], *seats: FreeSeat) -> list[tuple[str, str]]:
    return [(one.id, one.agent) for one in hand_out(inquiries, seats, anybody, NOW)]


def test_the_oldest_goes_to_who_has_been_free_longest() -> None:
    """One each; who is left over waits."""
    assert given([OTHER, ONE], BEN, ANNA) == [("a", "gera/1"), ("b", "gera/2")]
    assert given([OTHER, ONE], BEN) == [("a", "gera/2")]
    assert given([], BEN) == []


def test_who_has_just_become_free_is_left_alone() -> None:
    """Ten seconds: a call is more likely than not."""
    assert given([ONE], replace(ANNA, since=NOW - FREE_S + 1)) == []
    assert given([ONE], replace(ANNA, since=NOW - FREE_S)) == [("a", "gera/1")]


def test_only_who_may_answer_it_gets_it() -> None:
    """Teams and skills are asked for each; the next inquiry may fit where this one does not."""

    def may(one: Inquiry, seat: FreeSeat) -> bool:
        return (one.id, seat.agent) != ("a", "gera/1")

    assert [(one.id, one.agent) for one in hand_out([ONE, OTHER], [ANNA], may, NOW)] == [("b", "gera/1")]


def test_what_somebody_has_is_not_handed_out_twice() -> None:
    """Given, answered and closed ones stay where they are."""
    others = [replace(ONE, status=status) for status in InquiryStatus if status is not InquiryStatus.OPEN]
    assert given(others, ANNA) == []


def test_a_call_goes_before_an_inquiry() -> None:
    """As soon as the agent is not free it is open again, and counts how often that happened; his draft stays."""
    his = replace(i.give(ONE, "gera/1", NOW), draft="Guten Tag")
    assert take_back([his], {"gera/1": ANNA}) == []
    (back,) = take_back([his, OTHER], {})
    assert (back.status, back.taken_back, back.draft, back.version) == ("open", 1, "Guten Tag", 2)


def test_who_began_an_answer_gets_it_again() -> None:
    """For a quarter of an hour it waits for him, then anybody goes on with the draft."""
    begun = replace(ONE, draft="Guten Tag", agent="gera/2", given_at=NOW - 100)
    assert given([begun], ANNA, BEN) == [("a", "gera/2")]
    assert given([begun], ANNA) == []
    assert given([replace(begun, given_at=NOW - i.DRAFT_S)], ANNA) == [("a", "gera/1")]


def test_only_who_has_it_may_answer_or_close_it() -> None:
    """What was taken back or is somebody else's is refused, so that nobody is answered twice."""
    his = i.give(ONE, "gera/1", NOW)
    done = i.answered(his, "gera/1", "Um acht.", NOW)
    assert (done.status, done.answer, done.draft, done.done_at) == ("answered", "Um acht.", "", NOW)
    assert i.closed(his, "gera/1", "Werbung", NOW).status is InquiryStatus.CLOSED
    assert i.give_back(his, "gera/1", "Guten").draft == "Guten"
    for wrong in (ONE, his, done):
        for act in (i.answered, i.closed):
            with pytest.raises(NotYours):
                act(wrong, "gera/2", "x", NOW)
        with pytest.raises(NotYours):
            i.give_back(wrong, "gera/2", "x")


def test_a_draft_is_kept_even_as_it_is_taken_back() -> None:
    """What he was typing when the call came arrives a moment later; after somebody else took it, it is refused."""
    (back,) = take_back([i.give(ONE, "gera/1", NOW)], {})
    assert i.written(back, "gera/1", "Guten Tag").draft == "Guten Tag"
    with pytest.raises(NotYours):
        i.written(i.give(back, "gera/2", NOW), "gera/1", "x")
    with pytest.raises(NotYours):
        i.written(i.answered(i.give(ONE, "gera/1", NOW), "gera/1", "x", NOW), "gera/1", "y")
