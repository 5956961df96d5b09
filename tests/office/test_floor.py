"""Agents at their pages: what they owe, what they are shown of a caller, and what happens when a page is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.core import events as e
from callrouter.core.callbacks import CallbackResult, finish
from callrouter.core.events import AgentAct
from callrouter.desk.presence import GONE_S
from callrouter.desk.promise import Given, Wrong
from callrouter.desk.results import LATE_S, Disposition, Result
from callrouter.office.floor import PAGE_GONE, tag
from callrouter.store.books import Books
from callrouter.store.schema import CALLBACK, RESULT
from tests.desk.test_mail import ONE
from tests.office.floor import CALLERS, Opener
from tests.store.records import START, batch, record, rows

ANNA, BEN = "gera/2001", "gera/2002"
NUMBER = "01711234567"


async def test_who_has_a_page_is_not_ready_before_his_result(open_house: Opener, engine: AsyncEngine) -> None:
    """Wrap-up lasts beyond its usual end, until the result is given; then he is ready at once."""
    house = open_house()
    house.page()
    call = house.story.dial(caller=NUMBER)
    house.story.answer(call)
    house.story.hang_up(call)
    assert (owed := house.floor.result_missing(ANNA)) is not None
    assert (owed.call, owed.caller, owed.topic) == (call, NUMBER, "other")
    house.story.pass_time(299.0)
    assert house.story.agent(ANNA) == "wrap_up"
    await house.office.result_desk.give(ANNA, call, Given("resolved"), "anna")
    house.obey()
    assert house.story.agent(ANNA) == "ready"
    assert house.floor.result_missing(ANNA) is None
    assert house.value("results_total", hotline="gera", disposition="resolved") == 1


async def test_after_the_bound_he_is_ready_and_the_call_without_result(open_house: Opener, engine: AsyncEngine) -> None:
    """Nothing is filled in: he may still give it, until his next call, with which it is counted as missing."""
    house = open_house()
    house.page()
    for _ in range(2):
        house.story.answer(call := house.story.dial())
        house.story.hang_up(call)
        house.story.pass_time(301.0)
        assert house.story.agent(ANNA) == "ready"
        assert house.floor.result_missing(ANNA) is not None
    assert house.value("results_missing_total", hotline="gera") == 1
    house.story.pass_time(LATE_S)
    house.look()
    assert house.floor.result_missing(ANNA) is None
    assert house.value("results_missing_total", hotline="gera") == 2
    assert await rows(engine, RESULT) == []


async def test_who_works_by_feature_codes_has_the_usual_wrap_up(open_house: Opener, engine: AsyncEngine) -> None:
    """Without a page nobody waits for a result; the call is counted without one."""
    house = open_house()
    house.story.answer(call := house.story.dial())
    house.story.hang_up(call)
    house.story.pass_time(31.0)
    assert house.story.agent(ANNA) == "ready"
    house.story.pass_time(LATE_S)
    house.look()
    assert house.value("results_missing_total", hotline="gera") == 1


async def test_a_result_may_be_given_during_the_talk(open_house: Opener, engine: AsyncEngine) -> None:
    """Then wrap-up is as short as usual."""
    house = open_house()
    house.page()
    house.story.answer(call := house.story.dial())
    assert house.floor.result_missing(ANNA) is None
    await house.office.result_desk.give(ANNA, call, Given("resolved"), "anna")
    house.obey()
    assert house.story.agent(ANNA) == "talking"
    house.story.hang_up(call)
    house.story.pass_time(31.0)
    assert house.story.agent(ANNA) == "ready"


async def test_a_promise_and_its_result_are_kept_together(open_house: Opener, engine: AsyncEngine) -> None:
    """The callback is the department's, its number sealed; pressed twice it is promised once."""
    house = open_house()
    promised = []
    house.office.result_desk.promised = promised.append
    house.page()
    house.act(BEN, AgentAct.READY)
    house.story.answer(call := house.story.dial("366", caller=NUMBER))
    given = Given("callback", department="benefit", subject="Fragt nach dem Bescheid.")
    _, callback = await house.office.result_desk.give("gera/2002", call, given, "ben")
    assert callback is not None
    (row,) = await rows(engine, CALLBACK)
    assert (row.id, row.department, row.caller) == (callback.id, "benefit", CALLERS.key_of(NUMBER))
    assert NUMBER[1:] not in str(row)
    (result,) = await rows(engine, RESULT)
    assert (result.callback, result.disposition) == (callback.id, "callback")
    assert [one.id for one in promised] == [callback.id]
    with pytest.raises(Wrong) as caught:
        await house.office.result_desk.give("gera/2002", call, given, "ben")
    assert list(caught.value.problems) == [""]
    assert len(await rows(engine, CALLBACK)) == 1


async def test_a_result_that_is_there_already_stands(open_house: Opener, engine: AsyncEngine) -> None:
    """Another service on this database has kept one: no second promise is made."""
    house = open_house()
    house.story.answer(call := house.story.dial(caller=NUMBER))
    async with engine.begin() as connection:
        await house.office.results.give(connection, Result(call, "gera", "other", Disposition.RESOLVED, 1.0))
    given = Given("callback", department="benefit", subject="Fragt nach dem Bescheid.")
    _, callback = await house.office.result_desk.give(ANNA, call, given, "anna")
    assert callback is None
    assert await rows(engine, CALLBACK) == []


# ---- what is known of the caller


async def test_an_offer_brings_the_callers_earlier_contacts(open_house: Opener, engine: AsyncEngine) -> None:
    """Calls at any site with what came of them, callbacks that are open, and how often he called today."""
    house = open_house()
    await Books(engine, CALLERS.key_of).take("j", batch(
        record("gotha/1", caller=NUMBER, at=house.story.now - START - 9e5, talk_s=30.0),
        record("gera/8", caller=NUMBER, at=house.story.now - START - 600.0),
        record("gera/9", caller="0391555", at=house.story.now - START - 600.0),
    ))  # fmt: skip
    async with engine.begin() as connection:
        await house.office.results.give(
            connection, Result("gotha/1", "x", "y", Disposition.FORWARDED, 1.0, "an Kollegin")
        )
    await house.office.callbacks.add(ONE)
    await house.office.callbacks.add(finish(replace(ONE, id="gera/d2"), CallbackResult.REACHED, "kim", 2.0))
    house.page()
    call = house.story.dial(caller="+49 171 1234567")
    assert house.story.rung(call) == ANNA
    assert not house.floor.known(call).looked
    await house.looked_up(call)
    known = house.floor.known(call)
    assert [(one.call, one.disposition, one.note) for one in known.contacts] == [
        ("gera/8", None, ""),
        ("gotha/1", Disposition.FORWARDED, "an Kollegin"),
    ]
    assert [one.id for one in known.callbacks] == ["gera/d1"]
    assert known.attempts == 1
    assert tag(ANNA) in house.changed


async def test_of_a_withheld_number_nothing_is_known(open_house: Opener, engine: AsyncEngine) -> None:
    """At once, without asking the database."""
    house = open_house()
    house.page()
    call = house.story.dial(caller="")
    assert house.floor.known(call).looked
    assert house.floor.known(call).contacts == ()
    assert house.floor.call(call) is not None
    assert house.floor.call("gera/99.9") is house.floor.call("") is None


async def test_a_page_that_is_opened_later_learns_who_called(open_house: Opener, engine: AsyncEngine) -> None:
    """While he works by feature codes nobody looks: in the talk or with its result missing it is not too late."""
    house = open_house()
    house.story.answer(call := house.story.dial(caller=NUMBER))
    assert not house.floor.known(call).looked
    house.page()
    await house.looked_up(call)
    house.story.hang_up(call)
    house.floor.leave(ANNA, "w1")
    house.floor.presence.forget(ANNA)
    house.floor.given(ANNA, call, "resolved")
    house.act(ANNA, AgentAct.READY)
    house.story.answer(call := house.story.dial(caller=NUMBER))
    house.story.hang_up(call)
    assert not house.floor.known(call).looked
    house.page()
    await house.looked_up(call)


async def test_a_pause_that_is_asked_for_a_moment_too_late_begins_all_the_same(
    open_house: Opener, engine: AsyncEngine
) -> None:
    """Chosen during the talk, it may arrive when that is over; it begins with the result."""
    house = open_house()
    house.page()
    house.story.answer(call := house.story.dial())
    house.story.hang_up(call)
    house.floor.pause_after(ANNA, wanted=True)
    house.obey()
    assert house.story.agent(ANNA) == "wrap_up"
    await house.office.result_desk.give(ANNA, call, Given("resolved"), "anna")
    house.obey()
    assert house.story.agent(ANNA) == "paused"


# ---- pages that come and go


async def test_a_page_logs_its_agent_in_to_a_pause(open_house: Opener, engine: AsyncEngine) -> None:
    """Nothing is routed to him before he says that he is ready."""
    house = open_house()
    house.page(BEN)
    assert house.story.agent(BEN) == "paused"
    seat = house.floor.seat(BEN)
    assert seat is not None
    assert (seat.intent, seat.reason) == ("paused", "logged_in")


async def test_a_page_that_is_gone_takes_no_calls(open_house: Opener, engine: AsyncEngine) -> None:
    """After 90 s nothing is routed to him; when his page is there again he is ready again."""
    house = open_house()
    house.page()
    house.steady_s = GONE_S
    house.look()
    assert house.story.agent(ANNA) == "ready"
    house.steady_s = GONE_S + 1.0
    house.look()
    seat = house.floor.seat(ANNA)
    assert seat is not None
    assert (seat.state, seat.reason) == ("paused", PAGE_GONE)
    assert house.story.rung(house.story.dial()) == ""
    assert house.floor.ping(ANNA, "w1")
    house.obey()
    assert house.story.agent(ANNA) == "offered"


async def test_who_pauses_stays_paused_whatever_his_page_does(open_house: Opener, engine: AsyncEngine) -> None:
    """A pause of his own is not ended by a page that comes back, nor a missed call forgotten."""
    house = open_house()
    house.page()
    house.act(ANNA, AgentAct.PAUSE, "lunch")
    house.steady_s = GONE_S + 1.0
    house.look()
    house.floor.ping(ANNA, "w1")
    house.obey()
    seat = house.floor.seat(ANNA)
    assert seat is not None
    assert seat.reason == "lunch"


async def test_feature_codes_take_over_from_a_page_that_is_gone(open_house: Opener, engine: AsyncEngine) -> None:
    """Who says by his phone that he is ready needs no page; while the page is there it stays his."""
    house = open_house()
    house.page()
    house.story.send(e.PhoneActed("gera", "2001", AgentAct.PAUSE))
    assert house.floor.presence.here(ANNA)
    house.steady_s = GONE_S + 1.0
    house.look()
    house.story.send(e.PhoneActed("gera", "2001", AgentAct.READY))
    house.steady_s += GONE_S + 1.0
    house.look()
    assert house.story.agent(ANNA) == "ready"


async def test_a_page_opened_in_a_talk_asks_for_the_result(open_house: Opener, engine: AsyncEngine) -> None:
    """Audio is on the phone: whoever opens his page in the middle finds the call, and owes its result."""
    house = open_house()
    house.story.answer(call := house.story.dial())
    house.page()
    house.story.hang_up(call)
    house.story.pass_time(60.0)
    assert house.story.agent(ANNA) == "wrap_up"


async def test_logging_out_ends_the_page(open_house: Opener, engine: AsyncEngine) -> None:
    """Nobody is missed who has gone home."""
    house = open_house()
    house.page()
    house.act(ANNA, AgentAct.LOG_OUT)
    house.steady_s = GONE_S + 1.0
    house.look()
    assert house.story.agent(ANNA) == "logged_out"
    assert not house.floor.presence.here(ANNA)


async def test_after_a_restart_a_result_may_still_be_given(open_house: Opener, engine: AsyncEngine) -> None:
    """What is owed is read from the records; the number is not there any more and must be asked for."""
    house = open_house()
    now = house.story.now
    await Books(engine, CALLERS.key_of).take("j", batch(record("gera/8", at=now - START - 200.0, talk_s=60.0)))
    await house.floor.restore()
    owed = house.floor.result_missing(ANNA)
    assert owed is not None
    assert (owed.call, owed.caller) == ("gera/8", "")
