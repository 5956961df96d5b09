"""Inquiries on their way: in by the contact form, to agents' pages when nobody calls, back when somebody does.

What waits is looked at again and again, and at once when an agent who has one is needed. Two services on one database
do not disturb each other: of two changes the second is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from secrets import token_hex

import structlog

from callrouter.core.agents import AgentState
from callrouter.core.events import AgentId
from callrouter.core.router import Router
from callrouter.core.selection import meets
from callrouter.desk import inquiries as rules
from callrouter.desk import mail
from callrouter.desk.inquiries import FreeSeat, Inquiry, InquiryStatus, NotYours
from callrouter.desk.plan import Desk
from callrouter.i18n import texts
from callrouter.office.figures import OfficeFigures
from callrouter.office.floor import Floor, tag
from callrouter.office.rounds import nap, whole
from callrouter.store.inquiries import Inquiries
from callrouter.store.store import FAULTS, said

log = structlog.get_logger(__name__)

BUSY_S, IDLE_S = 2.0, 10.0  # how often is looked, with and without inquiries


class ChangedMeanwhile(NotYours):
    """Between looking at it and changing it."""


class InquiryDesk:
    """Run `run()` as a task; tell it of agents whose state changed by `moved`."""

    def __init__(
        self,
        store: Inquiries,
        router: Router,
        floor: Floor,
        desk: Callable[[], Desk],
        clock: Callable[[], float],
        figures: OfficeFigures,
        written: Callable[[], None],
        active: Callable[[], bool],
    ) -> None:
        """written: told when there is something to send. active: no other service has taken our place."""
        self._store = store
        self._router = router
        self._floor = floor
        self._desk = desk
        self._clock = clock
        self._figures = figures
        self._written = written
        self._active = active
        self._wake = asyncio.Event()
        self._given: dict[AgentId, Inquiry] = {}
        self.waiting = 0  # not done, when last looked

    def of(self, agent: AgentId) -> Inquiry | None:
        """What is on the agent's page."""
        return self._given.get(agent)

    def moved(self, agent: AgentId) -> None:
        if agent in self._given or self.waiting:
            self._wake.set()

    async def receive(self, one: Inquiry) -> None:
        """By the contact form. Raises InquiriesFull, SQLAlchemyError or OSError."""
        await self._store.add(one)
        self._figures.inquiries.labels(one.hotline).inc()
        self._wake.set()

    # ---- what an agent does; each raises NotYours, SQLAlchemyError or OSError

    async def write(self, agent: AgentId, inquiry: str, draft: str) -> None:
        """So far. It may come a moment after a call has taken the inquiry away, or in that very instant."""
        for tries_left in (2, 1, 0):
            try:
                await self._change(rules.written(await self._get(inquiry), agent, draft))
                return
            except ChangedMeanwhile:
                if not tries_left:
                    raise

    async def give_back(self, agent: AgentId, inquiry: str, draft: str) -> None:
        await self._change(rules.give_back(await self._get(inquiry), agent, draft))

    async def close(self, agent: AgentId, inquiry: str, because: str) -> None:
        await self._change(rules.closed(await self._get(inquiry), agent, because, self._clock()))

    async def answer(self, agent: AgentId, inquiry: str, text: str) -> None:
        """Kept, and on its way by e-mail. Raises OutboxFull as well."""
        now = self._clock()
        done = rules.answered(await self._get(inquiry), agent, text, now)
        place = self._desk().place(done.place)
        letter = mail.answer(
            token_hex(16), done.id, done.email, done.subject, text, done.text, place.email if place else "", now,
            texts(done.language),
        )  # fmt: skip
        await self._change(done, letter)
        self._figures.first_answer.labels(done.hotline).observe(max(0.0, now - done.arrived_at))
        self._written()

    # ---- behind it

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await whole(self.round())
            except FAULTS as error:
                log.error("inquiries cannot be looked at", error=said(error))
            await nap(self._wake, BUSY_S if self.waiting else IDLE_S)

    async def round(self) -> None:
        """Take back and hand out once. Raises SQLAlchemyError or OSError."""
        alive = await self._store.alive()
        self._figures.backlog = {one.hotline: (one.number, one.oldest_at) for one in await self._store.backlog()}
        self.waiting = len(alive)
        if not self._active():
            return
        free = {seat.agent: seat for seat in self._free()}
        back = rules.take_back(alive, free)
        for one in back:
            if await self._store.change(one):
                self._figures.taken_back.labels(one.hotline).inc()
        gone = {one.id for one in back}
        given = {one.agent: one for one in alive if one.status is InquiryStatus.GIVEN and one.id not in gone}
        idle = [seat for agent, seat in free.items() if agent not in given]
        opened = [one for one in alive if one.id not in gone]
        for one in rules.hand_out(opened, idle, self._may, self._clock()):
            if await self._store.change(one):
                given[one.agent] = one
        self._show(given)

    # ---- inside

    async def _get(self, inquiry: str) -> Inquiry:
        one = await self._store.get(inquiry)
        if one is None:
            raise NotYours("there is no such inquiry")
        return one

    async def _change(self, one: Inquiry, letter: mail.Mail | None = None) -> None:
        if not await self._store.change(one, letter):
            raise ChangedMeanwhile("somebody else changed it meanwhile")
        if one.status is InquiryStatus.GIVEN:
            self._given[one.agent] = one
        elif self._given.get(one.agent, one).id == one.id:
            self._given.pop(one.agent, None)
            self._floor.changed(tag(one.agent))
            self._wake.set()

    def _show(self, given: dict[AgentId, Inquiry]) -> None:
        before, self._given = self._given, given
        for agent in before.keys() | given.keys():
            if (before.get(agent) is None) != (given.get(agent) is None) or before[agent].id != given[agent].id:
                self._floor.changed(tag(agent))

    def _free(self) -> Iterable[FreeSeat]:
        """Agents at their pages who are free, in teams nobody waits for."""
        waited_for = self._waited_for()
        for agent in self._floor.presence.agents():
            seat = self._router.agent(agent)
            if seat is not None and seat.state == AgentState.READY and seat.team not in waited_for:
                yield FreeSeat(agent, seat.team, seat.since)

    def _waited_for(self) -> set[str]:
        waiting = self._router.counts().waiting
        teams: set[str] = set()
        for hotline in self._router.plan.hotlines:
            if waiting.get(hotline.name):
                teams.update(hotline.teams, *(topic.teams for topic in hotline.topics))
        return teams

    def _may(self, one: Inquiry, seat: FreeSeat) -> bool:
        """Is it his team's, and has he the skills for its topic?"""
        state = self._router.state
        hotline, agent = state.hotlines.get(one.hotline), state.agents.get(seat.agent)
        if hotline is None or agent is None:
            return False
        topic = next((each for each in hotline.topics if each.name == one.topic), hotline.topics[0])
        return seat.team in (topic.teams or hotline.teams) and meets(agent.skills, topic.needs)
