"""Inquiries between the contact form, agents' pages and the mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.core.events import AgentAct
from callrouter.desk.inquiries import FREE_S, Inquiry, InquiryStatus, NotYours
from callrouter.desk.plan import Desk
from callrouter.sim.post import PostOffice
from callrouter.store.schema import INQUIRY
from tests.desk.test_places import place
from tests.office.floor import House, Opener
from tests.store.records import rows

ANNA, BEN = "gera/2001", "gera/2002"
DESK = Desk(places=(place("gera"),))


@pytest.fixture
async def post() -> AsyncIterator[PostOffice]:
    office = PostOffice()
    await office.start()
    yield office
    await office.stop()


def asked(house: House, id_: str = "a", topic: str = "other") -> Inquiry:
    now = house.story.now
    return Inquiry(id_, "gera", "gera", topic, "de", "Kim", "kim@x.example", "Offen?", "Wann ist offen?", now)


async def given(open_house: Opener, **more: object) -> House:
    """A house in which Anna has an inquiry on her page."""
    house = open_house(DESK, **more)  # type: ignore[arg-type]
    house.page()
    await house.office.inquiries.receive(asked(house))
    house.story.pass_time(FREE_S)
    await house.office.inquiries.round()
    one = house.office.inquiries.of(ANNA)
    assert one is not None
    assert one.id == "a"
    return house


async def test_an_inquiry_is_answered_by_mail(open_house: Opener, engine: AsyncEngine, post: PostOffice) -> None:
    """From the form to a free agent's page and back to who asked; how long it took is measured."""
    house = await given(open_house, post=post)
    await house.office.inquiries.write(ANNA, "a", "Guten")
    await house.office.inquiries.answer(ANNA, "a", "Guten Tag, um acht.")
    assert house.office.inquiries.of(ANNA) is None
    assert await house.office.mailer.round() == 1
    (got,) = post.delivered
    assert got.recipients == ("kim@x.example",)
    assert got.message["Subject"] == "Re: Offen?"
    assert got.message["Reply-To"] == "gera@x.example"
    assert "Guten Tag, um acht." in got.message.get_content()
    assert "> Wann ist offen?" in got.message.get_content()
    assert house.value("inquiries_total", hotline="gera") == 1
    assert house.value("inquiry_first_answer_seconds_count", hotline="gera") == 1
    with pytest.raises(NotYours):
        await house.office.inquiries.answer(ANNA, "a", "noch einmal")


async def test_a_call_takes_the_inquiry_away_and_the_draft_stays(open_house: Opener, engine: AsyncEngine) -> None:
    """It is back in the line of inquiries before the phone is lifted; afterwards it comes to the same agent."""
    house = await given(open_house)
    call = house.story.dial()
    assert house.story.rung(call) == ANNA
    await house.office.inquiries.round()
    assert house.office.inquiries.of(ANNA) is None
    await house.office.inquiries.write(ANNA, "a", "Guten Tag, Kim")  # what the page sent a moment later
    house.story.answer(call)
    house.story.hang_up(call)
    await house.office.inquiries.round()
    assert house.office.inquiries.of(ANNA) is None
    house.act(ANNA, AgentAct.WRAP_UP_DONE)
    house.story.pass_time(FREE_S)
    await house.office.inquiries.round()
    one = house.office.inquiries.of(ANNA)
    assert one is not None
    assert (one.draft, one.taken_back) == ("Guten Tag, Kim", 1)
    assert house.value("inquiries_taken_back_total", hotline="gera") == 1


async def test_what_is_written_in_that_very_instant_is_kept(
    open_house: Opener, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inquiry is taken away between the look at it and the writing down: the draft is written all the same."""
    house = await given(open_house)
    desk = house.office.inquiries
    look, looks = desk._store.get, []

    async def look_and_lose(inquiry: str) -> Inquiry | None:
        found = await look(inquiry)
        looks.append(inquiry)
        if len(looks) == 1:
            house.story.dial()
            await desk.round()
        return found

    monkeypatch.setattr(desk._store, "get", look_and_lose)
    await desk.write(ANNA, "a", "Guten Tag, Ki")
    (row,) = await rows(engine, INQUIRY)
    assert (row.status, row.draft, len(looks)) == (InquiryStatus.OPEN, "Guten Tag, Ki", 2)


async def test_nobody_gets_an_inquiry_while_somebody_waits(open_house: Opener, engine: AsyncEngine) -> None:
    """Also not an agent who cannot serve the caller that waits."""
    house = open_house(DESK)
    house.page()
    house.story.dial("366")  # only Ben could
    await house.office.inquiries.receive(asked(house))
    house.story.pass_time(FREE_S)
    await house.office.inquiries.round()
    assert house.office.inquiries.of(ANNA) is None


async def test_skills_and_teams_decide_as_for_calls(open_house: Opener, engine: AsyncEngine) -> None:
    """A question about benefits goes to who knows benefits; who works without a page gets none."""
    house = open_house(DESK)
    house.page()
    house.act(BEN, AgentAct.READY)
    await house.office.inquiries.receive(asked(house, topic="benefit"))
    await house.office.inquiries.receive(replace(asked(house, "gone"), hotline="nowhere"))
    house.story.pass_time(FREE_S)
    await house.office.inquiries.round()
    assert house.office.inquiries.of(ANNA) is house.office.inquiries.of(BEN) is None
    house.page(BEN)
    await house.office.inquiries.round()
    assert (one := house.office.inquiries.of(BEN)) is not None
    assert one.topic == "benefit"


async def test_it_can_be_given_back_or_closed(open_house: Opener, engine: AsyncEngine) -> None:
    """Given back with its draft, it is somebody's again later; closed, it needs no answer, and says why."""
    house = await given(open_house)
    await house.office.inquiries.give_back(ANNA, "a", "angefangen")
    assert house.office.inquiries.of(ANNA) is None
    await house.office.inquiries.round()
    await house.office.inquiries.close(ANNA, "a", "Werbung")
    (row,) = await rows(engine, INQUIRY)
    assert (row.status, row.because, row.draft) == (InquiryStatus.CLOSED, "Werbung", "")
    with pytest.raises(NotYours):
        await house.office.inquiries.write(ANNA, "b", "x")


async def test_a_service_that_stands_down_takes_nothing_away(open_house: Opener, engine: AsyncEngine) -> None:
    """Only the one that routes hands out and takes back; the other one just counts."""
    await given(open_house)
    watcher = open_house(DESK)
    watcher.active = False
    await watcher.office.inquiries.round()
    (row,) = await rows(engine, INQUIRY)
    assert row.status == InquiryStatus.GIVEN
    assert watcher.value("inquiries_waiting", hotline="gera") == 1
