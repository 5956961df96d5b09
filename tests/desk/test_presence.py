"""Who is at his page, and in which window."""

from __future__ import annotations

from callrouter.desk.presence import CONNECTED_S, GONE_S, Presence

ANNA = "gera/2001"


def test_a_page_that_says_nothing_for_90_seconds_is_gone() -> None:
    """He is named once; when it speaks again he is here, and may be gone again."""
    presence = Presence()
    assert not presence.here(ANNA)
    presence.take(ANNA, "w1", 0.0)
    assert presence.here(ANNA)
    assert presence.find_gone(GONE_S) == []
    assert presence.find_gone(GONE_S + 0.1) == [ANNA]
    assert presence.find_gone(GONE_S + 5.0) == presence.agents() == []
    assert not presence.here(ANNA)
    assert presence.seen(ANNA, "w1", 200.0)
    assert presence.agents() == [ANNA]
    assert presence.find_gone(200.0 + GONE_S + 0.1) == [ANNA]


def test_the_second_window_is_told_of_the_first() -> None:
    """While the first one speaks; once it was closed, or has been silent, the second one is simply his."""
    presence = Presence()
    presence.take(ANNA, "w1", 0.0)
    assert presence.elsewhere(ANNA, "w2", 10.0) == "w1"
    assert presence.elsewhere(ANNA, "w1", 10.0) == ""
    assert presence.elsewhere(ANNA, "w2", CONNECTED_S + 0.1) == ""
    presence.left(ANNA, "w2")  # not his: means nothing
    assert presence.elsewhere(ANNA, "w2", 10.0) == "w1"
    presence.left(ANNA, "w1")
    assert presence.elsewhere(ANNA, "w2", 10.0) == ""
    assert presence.elsewhere("gera/9", "w2", 10.0) == ""


def test_the_window_that_was_taken_last_is_his() -> None:
    """What the other one says is not heard any more."""
    presence = Presence()
    presence.take(ANNA, "w1", 0.0)
    presence.take(ANNA, "w2", 1.0)
    assert presence.owns(ANNA, "w2")
    assert not presence.owns(ANNA, "w1")
    assert not presence.seen(ANNA, "w1", 2.0)
    assert presence.find_gone(1.0 + GONE_S + 0.1) == [ANNA]


def test_after_a_restart_the_page_that_is_still_open_goes_on() -> None:
    """Nobody has to load it anew."""
    presence = Presence()
    assert presence.seen(ANNA, "w1", 0.0)
    assert presence.owns(ANNA, "w1")
    assert not presence.seen(ANNA, "w2", 1.0)


def test_who_works_by_feature_codes_is_not_looked_for() -> None:
    """Forgotten, he is neither here nor gone."""
    presence = Presence()
    presence.take(ANNA, "w1", 0.0)
    presence.forget(ANNA)
    presence.forget(ANNA)
    assert presence.find_gone(1e6) == presence.agents() == []
