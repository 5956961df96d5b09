"""What an agent's page shows: his state, the call that he has, what is known of the caller, and what he owes.

A number is shown in full while they talk and until the result of that is saved. Values here are compared to find out
what changed: no I/O, no drawing.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from callrouter.core.agents import AgentState
from callrouter.core.callbacks import CallbackKind, TryResult
from callrouter.core.plan import Plan
from callrouter.core.snapshot import AgentView
from callrouter.desk.inquiries import Inquiry
from callrouter.desk.plan import Desk
from callrouter.desk.results import Conversation
from callrouter.desk.workdays import due_at
from callrouter.i18n import LANGUAGES, mark
from callrouter.office.floor import PAGE_GONE, Floor, tag
from callrouter.office.office import Office
from callrouter.office.ringing import EVERY_DESK
from callrouter.roles import Role
from callrouter.web.board import topic_titles
from callrouter.web.live import Look
from callrouter.web.models import masked
from callrouter.web.pages.guides import shown
from callrouter.web.routes import LivePage
from callrouter.web.visit import Forbidden, Visit

TASKS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Status:
    """state: as the page names it (see `_state`). until: when wrap-up ends. problem: what keeps the phone away."""

    state: str
    since: float
    until: float | None
    pauses_after: bool
    link_up: bool


@dataclass(frozen=True, slots=True)
class Pop:
    """The call on the agent's phone. number: in full only while they talk."""

    call: str
    state: str
    number: str
    hotline: str
    site: str
    topic: str
    agreement: str
    wait_s: float | None  # None: it still rings, since arrived_at
    arrived_at: float
    answerable: bool


@dataclass(frozen=True, slots=True)
class Task:
    """A caller whom the agent may ring. asked: he asked for it; otherwise he gave up, and nothing is due."""

    id: str
    asked: bool
    shown: str
    hotline: str
    topic: str
    at: str
    due: str
    overdue: bool
    tries: int


@dataclass(frozen=True, slots=True)
class Tasks:
    """may: he is free to ring somebody. reached: the callback of whom he has just talked to, '' none."""

    may: bool
    every: tuple[Task, ...]
    reached: str


@dataclass(frozen=True, slots=True)
class Owing:
    """The result that is asked for. due: per department, when a callback would be due. ended: the talk is over."""

    call: str
    hotline: str
    topic: str
    number: str  # the caller's, '' withheld
    ended: bool
    departments: tuple[tuple[str, str, str], ...]
    chosen: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The inquiry on the page. draft: as it was when the page got it; what is typed since is the browser's."""

    id: str
    name: str
    subject: str
    text: str
    hotline: str
    topic: str
    arrived_at: float
    draft: str = field(compare=False)


CAME = {  # of a call that was made from a page
    TryResult.NOT_REACHED: mark("nicht erreicht"),
    TryResult.BUSY: mark("besetzt"),
    TryResult.WRONG_NUMBER: mark("kein Anschluss"),
    TryResult.REACHED: mark("erreicht"),
    TryResult.AGENT_MISSED: mark("das eigene Telefon nahm nicht ab"),
    TryResult.FAILED: mark("keine Leitung frei"),
}


def key_of(visit: Visit) -> tuple[Hashable, ...]:
    """The seat, the window, and the session's token: the forms in the regions carry it."""
    assert visit.session is not None
    return seat_of(visit), visit.request.query.get("fenster", "")[:32], visit.session.csrf


def seat_of(visit: Visit) -> str:
    """The seat that is asked for, or the user's only one. Raises Forbidden."""
    agents = {one.id for one in visit.front.context.plan().agents}
    own = [scope for scope in visit.user.scopes(Role.AGENT) if scope in agents]
    wanted = visit.field("platz") or visit.request.query.get("platz", "") or (own[0] if own else "")
    if wanted not in own:
        raise Forbidden
    return wanted


def _look(at: Look) -> dict[str, Any]:
    agent, window, csrf = (str(part) for part in at.key)
    office = at.front.part(Office)
    floor, plan = office.floor, at.front.context.plan()
    seat = floor.seat(agent)
    assert seat is not None, agent
    site = next(one for one in plan.sites if one.name == seat.site)
    owed = floor.owed.of(agent)
    pop = _pop(floor, office, seat, plan)
    about = (pop.call, *_about(floor, seat.call)) if pop else (owed.call, owed.topic, owed.hotline) if owed else None
    inquiry = office.inquiries.of(agent)
    languages = (at.texts.language, *LANGUAGES)
    guide = office.desk().guides.about(about[1], about[2], languages) if about else None
    return {
        "zone": site.zone,
        "agent": agent,
        "number": agent.partition("/")[2],
        "place": site.title,
        "window": window,
        "csrf_of": csrf,
        "mine": floor.presence.owns(agent, window),
        "seat": Status(_state(seat), seat.since, seat.until, floor.pauses_after(agent), floor.link_up(site.name)),
        "call": pop,
        "caller": (about[0], floor.known(about[0])) if about else None,
        "liftable": office.handset.can(site.name),
        "outgoing": office.ringing.of(agent),
        "came": at.texts(CAME[came]) if (came := office.ringing.came(agent)) in CAME and not pop else "",
        "tasks": _tasks(office, seat, plan, at, may=owed is None or owed.ended_at is None),
        "result": _owing(owed, office.desk(), at) if owed else None,
        "guide": shown(guide, at.texts.language) if guide else None,
        "inquiry": _asked(inquiry, plan) if inquiry else None,
        "titles": _titles(plan, office.desk()),
    }


def _state(seat: AgentView) -> str:
    """The word for it: ready, offered, talking, wrap_up, paused, missed, unconnected, busy, logged_out."""
    if seat.state == AgentState.PAUSED:
        return {"no_answer": "missed", PAGE_GONE: "unconnected"}.get(seat.reason, "paused")
    return "unconnected" if seat.state == AgentState.UNREACHABLE else str(seat.state)


def _about(floor: Floor, call: str) -> tuple[str, str]:
    seen = floor.call(call)
    return (seen.topic, seen.hotline) if seen else ("", "")


def _pop(floor: Floor, office: Office, seat: AgentView, plan: Plan) -> Pop | None:
    seen = floor.call(seat.call)
    if seen is None or seat.state not in (AgentState.OFFERED, AgentState.TALKING):
        return None
    talks = seat.state == AgentState.TALKING
    hotline = next((one for one in plan.hotlines if one.name == seen.hotline), None)
    site = next((one.title for one in plan.sites if one.name == seen.site), seen.site)
    topic = topic_titles(plan, seen.hotline).get(seen.topic, "")
    return Pop(
        call=seen.call,
        state=str(seat.state),
        number=seen.caller if talks else masked(seen.caller),
        hotline=hotline.title if hotline else seen.hotline,
        site=site,
        topic=topic,
        agreement=seen.agreement,
        wait_s=seen.wait_s if talks else None,
        arrived_at=seen.arrived_at,
        answerable=not talks and office.handset.can(seat.site),
    )


def _tasks(office: Office, seat: AgentView, plan: Plan, at: Look, *, may: bool) -> Tasks:
    listed = at.shared(("listed", seat.team), lambda: office.ringing.listed(seat.team))
    zone = next(one.zone for one in plan.sites if one.name == seat.site)
    every = []
    for one in listed[:TASKS_SHOWN]:
        hotline = next((each for each in plan.hotlines if each.name == one.hotline), None)
        promised = one.kind is CallbackKind.CAPTURED
        every.append(
            Task(
                id=one.id,
                asked=promised,
                shown=masked(one.number),
                hotline=hotline.title if hotline else one.hotline,
                topic=topic_titles(plan, one.hotline).get(one.topic, ""),
                at=at.texts.moment(one.asked_at, zone, at.now),
                due=f"{at.texts.day(one.due_at, zone)} {at.texts.clock(one.due_at, zone)}" if promised else "",
                overdue=promised and at.now > one.due_at,
                tries=one.tries,
            )
        )
    free = may and seat.state in (AgentState.READY, AgentState.PAUSED, AgentState.WRAP_UP)
    return Tasks(free, tuple(every), office.ringing.reached(seat.agent) if free else "")


def _owing(owed: Conversation, desk: Desk, at: Look) -> Owing:
    departments = []
    for one in desk.departments:
        due = due_at(one, owed.answered_at)
        shown = f"{at.texts.day(due, one.hours.zone)} {at.texts.clock(due, one.hours.zone)}"
        departments.append((one.name, one.title, shown))
    own = [one for one in desk.departments if owed.topic in one.topics and one.site == owed.site]
    chosen = own[0] if own else desk.for_topic(owed.topic)
    return Owing(
        owed.call,
        owed.hotline,
        owed.topic,
        owed.caller,
        owed.ended_at is not None,
        tuple(departments),
        chosen.name if chosen else "",
    )


def _asked(one: Inquiry, plan: Plan) -> Asked:
    hotline = next((each for each in plan.hotlines if each.name == one.hotline), None)
    topic = topic_titles(plan, one.hotline).get(one.topic, "")
    title = hotline.title if hotline else one.hotline
    return Asked(one.id, one.name, one.subject, one.text, title, topic, one.arrived_at, one.draft)


@lru_cache(maxsize=4)
def _titles(plan: Plan, desk: Desk) -> dict[str, str]:
    """Names to titles of hotlines and departments."""
    return {one.name: one.title for one in desk.departments} | {one.name: one.title for one in plan.hotlines}


def _tags(key: tuple[Hashable, ...]) -> frozenset[str]:
    return frozenset({tag(str(key[0])), EVERY_DESK})


REGIONS = ("mine", "seat", "call", "outgoing", "came", "caller", "result", "guide", "tasks", "inquiry")
PAGE = LivePage("/arbeitsplatz", "desk.html", REGIONS, key_of, _look, tags=_tags)
