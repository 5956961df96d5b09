"""What people write in the contact form: who answers it, and when a call goes before it.

An inquiry is given to an agent who has been free for a while, when nobody waits in his team's lines; as soon as he is
anything but free it goes back, with what he has written so far. Who has begun an answer gets it again first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from callrouter.core.events import AgentId

FREE_S = 10.0  # an agent who has just become free is more likely to get a call
DRAFT_S = 900.0  # so long an inquiry with a draft waits for who wrote it
OPEN_MAX = 5_000
NAME_MAX, SUBJECT_MAX, TEXT_MIN, TEXT_MAX = 80, 120, 10, 4_000
ANSWER_MAX = 10_000


class InquiryStatus(StrEnum):
    OPEN = "open"
    GIVEN = "given"  # an agent has it on his page
    ANSWERED = "answered"
    CLOSED = "closed"  # without an answer, for a reason


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Times are UTC seconds. agent: who has it, or wrote the draft. version: rises with each change."""

    id: str
    place: str
    hotline: str
    topic: str
    language: str
    name: str
    email: str
    subject: str
    text: str
    arrived_at: float
    status: InquiryStatus = InquiryStatus.OPEN
    agent: AgentId = ""
    given_at: float | None = None
    taken_back: int = 0
    draft: str = ""
    answer: str = ""
    done_at: float | None = None
    because: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class FreeSeat:
    """An agent who is at his page and free, in a team nobody waits for."""

    agent: AgentId
    team: str
    since: float


class NotYours(ValueError):
    """It is not (or no longer) this agent's: a call came, or somebody else has it."""


def hand_out(
    inquiries: Iterable[Inquiry], seats: Sequence[FreeSeat], may: Callable[[Inquiry, FreeSeat], bool], now: float
) -> list[Inquiry]:
    """Which of the open inquiries are given to whom now, the oldest first; an agent gets one at most."""
    free = sorted((seat for seat in seats if now - seat.since >= FREE_S), key=lambda seat: (seat.since, seat.agent))
    given = []
    for one in sorted(inquiries, key=lambda one: (one.arrived_at, one.id)):
        if not free:
            break
        if one.status is not InquiryStatus.OPEN:
            continue
        fits = [seat for seat in free if may(one, seat)]
        own = next((seat for seat in fits if one.draft and seat.agent == one.agent), None)
        waits = one.draft and one.given_at is not None and now - one.given_at < DRAFT_S
        seat = own or (None if waits or not fits else fits[0])
        if seat is not None:
            free.remove(seat)
            given.append(give(one, seat.agent, now))
    return given


def give(one: Inquiry, agent: AgentId, now: float) -> Inquiry:
    return replace(one, status=InquiryStatus.GIVEN, agent=agent, given_at=now, version=one.version + 1)


def take_back(inquiries: Iterable[Inquiry], free: Mapping[AgentId, object]) -> list[Inquiry]:
    """Those whose agent is no longer free, as open ones again."""
    return [
        replace(one, status=InquiryStatus.OPEN, taken_back=one.taken_back + 1, version=one.version + 1)
        for one in inquiries
        if one.status is InquiryStatus.GIVEN and one.agent not in free
    ]


def give_back(one: Inquiry, agent: AgentId, draft: str) -> Inquiry:
    """The agent lets it go, with what he wrote. Raises NotYours."""
    _own(one, agent)
    return replace(one, status=InquiryStatus.OPEN, draft=draft, version=one.version + 1)


def written(one: Inquiry, agent: AgentId, draft: str) -> Inquiry:
    """So far. Raises NotYours: what he wrote is kept only while it is his, or was last."""
    if one.agent != agent or one.done_at is not None:
        raise NotYours("the inquiry is somebody else's by now")
    return replace(one, draft=draft, version=one.version + 1)


def answered(one: Inquiry, agent: AgentId, text: str, now: float) -> Inquiry:
    """Raises NotYours."""
    _own(one, agent)
    return replace(one, status=InquiryStatus.ANSWERED, answer=text, draft="", done_at=now, version=one.version + 1)


def closed(one: Inquiry, agent: AgentId, because: str, now: float) -> Inquiry:
    """Without an answer: an advertisement, or nothing to say. Raises NotYours."""
    _own(one, agent)
    return replace(one, status=InquiryStatus.CLOSED, because=because, draft="", done_at=now, version=one.version + 1)


def _own(one: Inquiry, agent: AgentId) -> None:
    if one.status is not InquiryStatus.GIVEN or one.agent != agent:
        raise NotYours("the inquiry is no longer yours: a call came, or somebody else has it")
