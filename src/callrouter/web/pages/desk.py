"""The agent's page: his state, the call that he has, what is known of the caller, the guide, and the result to give.

Audio is on the phone, so the page may be closed, loaded anew or taken over by another window without harm. A number is
shown in full only while they talk.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from secrets import token_hex
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web

from callrouter.core.agents import AgentState
from callrouter.core.callbacks import CallbackKind
from callrouter.core.events import AgentAct, AgentActed, CallbackMissed, CallbackTaken
from callrouter.core.plan import Plan
from callrouter.core.snapshot import AgentView
from callrouter.desk.articles import Article
from callrouter.desk.inquiries import ANSWER_MAX, Inquiry, NotYours
from callrouter.desk.markdown import html
from callrouter.desk.plan import Desk
from callrouter.desk.promise import Given, Wrong
from callrouter.desk.results import Conversation
from callrouter.desk.workdays import due_at
from callrouter.i18n import LANGUAGES, mark, texts
from callrouter.office.floor import PAGE_GONE, Floor, tag
from callrouter.office.office import Office
from callrouter.office.ringing import EVERY_DESK
from callrouter.roles import Role
from callrouter.store.mail import OutboxFull
from callrouter.web.acts import Refused, ask
from callrouter.web.live import Look
from callrouter.web.models import masked
from callrouter.web.problems import Fault
from callrouter.web.reasons import told
from callrouter.web.routes import LivePage, Route, get, post
from callrouter.web.visit import Forbidden, NotFound, Visit

TEXT_MAX = 12_000
TASKS_SHOWN = 8
RESULT_FIELDS = ("disposition", "department", "number", "subject", "wish", "due", "note", "")
CLOSINGS = {"advertisement": mark("Werbung"), "twice": mark("Schon beantwortet"), "none": mark("Keine Antwort nötig")}


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
    shown: str  # the caller's last digits, '' withheld
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


# ---- what is seen


def _key(visit: Visit) -> tuple[Hashable, ...]:
    """The seat, the window, and the session's token: the forms in the regions carry it."""
    assert visit.session is not None
    return _seat(visit), visit.request.query.get("fenster", "")[:32], visit.session.csrf


def _seat(visit: Visit) -> str:
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
        "liftable": office.phones.can(site.name),
        "outgoing": office.ringing.of(agent),
        "tasks": _tasks(office, seat, plan, at, may=owed is None or owed.ended_at is None),
        "result": _owing(owed, office.desk(), at) if owed else None,
        "guide": _shown(guide, at.texts.language) if guide else None,
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
    topic = next((one.title for one in hotline.topics if one.name == seen.topic), "") if hotline else ""
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
        answerable=not talks and office.phones.can(seat.site),
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
                topic=next((each.title for each in hotline.topics if each.name == one.topic), "") if hotline else "",
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
        masked(owed.caller),
        owed.ended_at is not None,
        tuple(departments),
        chosen.name if chosen else "",
    )


def _asked(one: Inquiry, plan: Plan) -> Asked:
    hotline = next((each for each in plan.hotlines if each.name == one.hotline), None)
    topic = next((each.title for each in hotline.topics if each.name == one.topic), "") if hotline else ""
    title = hotline.title if hotline else one.hotline
    return Asked(one.id, one.name, one.subject, one.text, title, topic, one.arrived_at, one.draft)


@dataclass(frozen=True, slots=True)
class Guide:
    name: str
    title: str
    body: str
    version: int
    day: str
    language: str


def _shown(article: Article, language: str, heading: int = 3) -> Guide:
    """heading: the level of its title."""
    words = texts(language)
    day = words.date(datetime.fromisoformat(article.date).date())
    return Guide(article.name, article.title, _body(article, language, heading), article.version, day, article.language)


@lru_cache(maxsize=500)
def _body(article: Article, language: str, heading: int) -> str:
    words = texts(language)
    return html(article.text, lambda name: f"/leitfaden/{name}", heading, words("Zum Vorlesen"))


@lru_cache(maxsize=4)
def _titles(plan: Plan, desk: Desk) -> dict[str, str]:
    """Names to titles of hotlines and departments."""
    return {one.name: one.title for one in desk.departments} | {one.name: one.title for one in plan.hotlines}


def _tags(key: tuple[Hashable, ...]) -> frozenset[str]:
    return frozenset({tag(str(key[0])), EVERY_DESK})


REGIONS = ("mine", "seat", "call", "outgoing", "caller", "result", "guide", "tasks", "inquiry")
PAGE = LivePage("/arbeitsplatz", "desk.html", REGIONS, _key, _look, tags=_tags)


# ---- coming and going


async def show(visit: Visit) -> web.StreamResponse:
    """The page has a window of its own by name, so that loading it anew changes nothing and a second one is noticed."""
    agent, window, csrf = (str(part) for part in _key(visit))
    floor = visit.part(Office).floor
    seats = visit.user.scopes(Role.AGENT)
    if not window:
        window = token_hex(6)
        if not floor.elsewhere(agent, window):
            more = {"platz": agent} if len(seats) > 1 else {}
            query = urlencode({"fenster": window, **more})
            return web.Response(status=303, headers={"Location": f"/arbeitsplatz?{query}"})
    owner = floor.elsewhere(agent, window)
    if owner:
        return visit.show("desk_elsewhere.html", agent=agent, window=window, owner=owner)
    floor.take(agent, window)
    seen = PAGE.look(visit.front.live.look_at(visit.texts, (agent, window, csrf)))
    query = urlencode({"fenster": window, "platz": agent})
    return visit.show(PAGE.template, stream=f"{PAGE.path}/strom?{query}", seats=seats, closings=CLOSINGS, **seen)


async def take_over(visit: Visit) -> web.StreamResponse:
    agent, window = _seat(visit), visit.field("fenster", 32) or token_hex(6)
    visit.part(Office).floor.take(agent, window)
    query = urlencode({"fenster": window, "platz": agent})
    if visit.by_htmx:
        return web.Response(status=204)
    return web.Response(status=303, headers={"Location": f"/arbeitsplatz?{query}"})


async def here(visit: Visit) -> web.StreamResponse:
    """The page says that it is there. Not a use of the session: a page that nobody touches logs out all the same."""
    visit.part(Office).floor.ping(_seat(visit), visit.field("fenster", 32))
    return web.Response(status=204)


async def gone(visit: Visit) -> web.StreamResponse:
    visit.part(Office).floor.leave(_seat(visit), visit.field("fenster", 32))
    return web.Response(status=204)


async def stream(visit: Visit) -> web.StreamResponse:
    return await visit.front.live.follow(visit, PAGE)


# ---- acting


async def act(visit: Visit) -> web.StreamResponse:
    """What the agent wants to be. Each is a button; the router decides."""
    agent, wanted = _seat(visit), visit.field("handlung")
    floor = visit.part(Office).floor
    if wanted == "annehmen":
        return await _answer(visit, agent)
    if wanted == "pause_danach":
        floor.pause_after(agent, wanted=visit.field("wert") == "ja")
        return visit.go("/arbeitsplatz")
    meant = {
        "bereit": AgentAct.READY,
        "pause": AgentAct.PAUSE,
        "mehr_zeit": AgentAct.WRAP_UP_MORE,
        "feierabend": AgentAct.LOG_OUT,
    }.get(wanted)
    if meant is None:
        raise NotFound
    if meant is AgentAct.READY and floor.result_missing(agent):
        return _problem(visit, visit.texts("Bitte zuerst das Ergebnis des letzten Anrufs erfassen (F4)."))
    try:
        await ask(visit.front.context, AgentActed(agent, meant, "", "page"))
    except Fault:
        return _problem(visit, visit.texts("Das hat nicht geklappt. Bitte noch einmal versuchen."))
    floor.changed(tag(agent))
    return visit.go("/arbeitsplatz")


async def _answer(visit: Visit, agent: str) -> web.StreamResponse:
    office = visit.part(Office)
    seat = office.floor.seat(agent)
    if seat is None or seat.state != AgentState.OFFERED:
        return _problem(visit, visit.texts("Es klingelt nicht mehr."))
    if not await office.phones.answer(seat.site, seat.phone):
        return _problem(visit, visit.texts("Das Telefon nimmt von hier aus nicht ab. Bitte den Hörer abheben."))
    return visit.go("/arbeitsplatz")


async def ring(visit: Visit) -> web.StreamResponse:
    """Have the agent's phone rung, and then a caller's; or say that it was not he who answered."""
    agent, office, callback = _seat(visit), visit.part(Office), visit.field("rueckruf", 80)
    seat = office.floor.seat(agent)
    if seat is None:
        raise Forbidden
    if visit.field("handlung") == "nicht_er":
        if callback != office.ringing.reached(agent):
            raise NotFound
        event: CallbackMissed | CallbackTaken = CallbackMissed(callback, visit.user.name)
    elif callback not in {one.id for one in office.ringing.listed(seat.team)}:
        return _problem(visit, visit.texts("Der Rückruf ist nicht mehr auf der Liste."))
    elif office.floor.result_missing(agent):
        return _problem(visit, visit.texts("Bitte zuerst das Ergebnis des letzten Anrufs erfassen (F4)."))
    elif waiting := office.ringing.waiting(seat.team):
        text = visit.texts.plural("Ein Anrufer wartet: er geht vor.", "%(n)s Anrufer warten: sie gehen vor.", waiting)
        return _problem(visit, text)
    else:
        event = CallbackTaken(callback, agent, visit.user.name)
    try:
        await ask(visit.front.context, event)
    except Fault as fault:
        return _problem(visit, not_rung(visit, fault))
    if isinstance(event, CallbackMissed):
        office.ringing.denied(agent)
        return visit.go("/arbeitsplatz", visit.texts("Der Rückruf bleibt offen."))
    return visit.go("/arbeitsplatz", visit.texts("Ihr Telefon klingelt."))


def not_rung(visit: Visit, fault: Fault) -> str:
    """Why the router rings nobody, in the visitor's words."""
    if isinstance(fault, Refused):
        return visit.texts("Es wird nicht angerufen: %(why)s.", why=told(fault.because, visit.texts.language))
    return visit.texts("Das hat nicht geklappt. Bitte noch einmal versuchen.")


async def give(visit: Visit) -> web.StreamResponse:
    """The result of the call, and the promise that it makes."""
    agent, office = _seat(visit), visit.part(Office)
    owed = office.floor.owed.of(agent)
    call = visit.field("call", 80)
    if owed is None or owed.call != call:
        return _problem(visit, visit.texts("Für diesen Anruf wird kein Ergebnis mehr erfasst."))
    seat = office.floor.seat(agent)
    rests = seat is not None and seat.state == AgentState.PAUSED and not office.floor.pauses_after(agent)
    errors: dict[str, str] = {}
    given = Given(
        disposition=visit.field("disposition"),
        note=_long(visit, "note"),
        department=visit.field("department"),
        number=visit.field("number"),
        subject=_long(visit, "subject"),
        wish=visit.field("wish"),
        due_at=_earlier(visit, office.desk(), errors),
    )
    try:
        if errors:
            raise Wrong(errors)
        _, callback = await office.result_desk.give(agent, call, given, visit.user.name)
    except Wrong as wrong:
        return _result_form(visit, agent, wrong.problems)
    note = visit.texts("Ergebnis gespeichert.")
    if callback is not None:
        department = office.desk().department(callback.department)
        zone = department.hours.zone if department else "Europe/Berlin"
        due = f"{visit.texts.day(callback.due_at, zone)} {visit.texts.clock(callback.due_at, zone)}"
        note = visit.texts("Rückruf zugesagt bis %(due)s.", due=due)
    if visit.field("danach") == "bereit" and rests:  # the result was all that kept him
        await ask(visit.front.context, AgentActed(agent, AgentAct.READY, "", "page"))
    return visit.go("/arbeitsplatz", note)


def _result_form(visit: Visit, agent: str, problems: dict[str, str]) -> web.Response:
    """The form again, with what was filled in and what is wrong with it."""
    assert visit.session is not None
    seen = PAGE.look(visit.front.live.look_at(visit.texts, (agent, "", visit.session.csrf)))
    errors = {name: visit.texts(problems[name]) for name in RESULT_FIELDS if name in problems}
    values = {name: visit.field(name) for name in ("disposition", "department", "number", "wish", "due")}
    values |= {"note": _long(visit, "note"), "subject": _long(visit, "subject")}
    return visit.show("desk_result.html", status=422, errors=errors, values=values, **seen)


def _earlier(visit: Visit, desk: Desk, errors: dict[str, str]) -> float | None:
    """The earlier due time, by the department's clock; None: as computed."""
    text = visit.field("due")
    department = desk.department(visit.field("department"))
    if not text or department is None:
        return None
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        errors["due"] = mark("Bitte Tag und Uhrzeit angeben.")
        return None
    return local.replace(tzinfo=ZoneInfo(department.hours.zone)).timestamp()


# ---- the inquiry


async def draft(visit: Visit) -> web.StreamResponse:
    try:
        await visit.part(Office).inquiries.write(_seat(visit), visit.at["id"], _long(visit, "answer"))
    except NotYours:
        return web.Response(status=409)
    return web.Response(status=204)


async def answer(visit: Visit) -> web.StreamResponse:
    """Sent by e-mail, given back, or closed without an answer."""
    agent, inquiries, wanted = _seat(visit), visit.part(Office).inquiries, visit.field("handlung")
    text = _long(visit, "answer")
    try:
        if wanted == "zurueck":
            await inquiries.give_back(agent, visit.at["id"], text)
            return visit.go("/arbeitsplatz", visit.texts("Zurückgegeben; der Entwurf bleibt erhalten."))
        if wanted == "schliessen":
            because = CLOSINGS.get(visit.field("grund"))
            if because is None:
                return _problem(visit, visit.texts("Bitte einen Grund wählen."))
            await inquiries.close(agent, visit.at["id"], because)
            return visit.go("/arbeitsplatz", visit.texts("Ohne Antwort geschlossen."))
        if not 1 <= len(text) <= ANSWER_MAX:
            return _problem(visit, visit.texts("Bitte eine Antwort schreiben."))
        await inquiries.answer(agent, visit.at["id"], text)
    except NotYours:
        return _problem(visit, visit.texts("Die Anfrage ist nicht mehr bei Ihnen. Der Entwurf bleibt erhalten."))
    except OutboxFull:
        return _problem(visit, visit.texts("Zurzeit geht keine E-Mail hinaus. Bitte später noch einmal."))
    return visit.go("/arbeitsplatz", visit.texts("Die Antwort ist unterwegs."))


# ---- guides


async def guides(visit: Visit) -> web.StreamResponse:
    """The search over guides; with nothing asked, all of them."""
    every = visit.part(Office).desk().guides
    asked = visit.request.query.get("suche", "")[:200].strip()
    language = visit.texts.language
    hits = [(hit.article, hit.passage) for hit in every.search(asked, language)]
    if not asked:
        own = [one for one in every.all if one.language == language]
        hits = [(one, "") for one in sorted(own, key=lambda one: one.title)]
    template = "guides_found.html" if visit.by_htmx else "guides.html"
    return visit.show(template, hits=hits, asked=asked)


async def guide(visit: Visit) -> web.StreamResponse:
    every = visit.part(Office).desk().guides
    languages = (visit.texts.language, *LANGUAGES)
    found = next((one for each in languages if (one := every.get(visit.at["name"], each))), None)
    if found is None:
        raise NotFound
    shown = _shown(found, visit.texts.language, 3 if visit.by_htmx else 1)
    return visit.show("guide_part.html" if visit.by_htmx else "guide.html", guide=shown)


# ---- inside


def _problem(visit: Visit, text: str) -> web.Response:
    """Said as an alert on the page that asked, or as a page of its own."""
    if visit.by_htmx:
        return visit.show("desk_problem.html", status=409, problem=text)
    return visit.show("desk_problem_page.html", status=409, problem=text, back="/arbeitsplatz")


def _long(visit: Visit, name: str) -> str:
    """A text of several lines, cut far beyond its limit."""
    value = visit.form.get(name, "")
    return value.replace("\r\n", "\n").strip()[:TEXT_MAX] if isinstance(value, str) else ""


ROUTES = (
    *get("/arbeitsplatz", show),
    Route("GET", "/arbeitsplatz/strom", stream, stream=True),
    *post("/arbeitsplatz/uebernehmen", take_over),
    Route("POST", "/arbeitsplatz/da", here, stream=True),
    Route("POST", "/arbeitsplatz/weg", gone, stream=True),
    *post("/arbeitsplatz/zustand", act),
    *post("/arbeitsplatz/ergebnis", give),
    *post("/arbeitsplatz/anrufen", ring),
    *post("/arbeitsplatz/anfrage/{id}/entwurf", draft),
    *post("/arbeitsplatz/anfrage/{id}", answer),
    *get("/leitfaden", guides),
    *get("/leitfaden/{name}", guide),
)
