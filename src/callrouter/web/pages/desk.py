"""The agent's page: coming and going, what he does with his state, his calls, their results and inquiries.

Audio is on the phone, so the page may be closed, loaded anew or taken over by another window without harm. What it
shows is in `desk_seen.py`.
"""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web

from callrouter.core.agents import AgentState
from callrouter.core.events import AgentAct, AgentActed, CallbackMissed, CallbackTaken
from callrouter.core.snapshot import AgentView
from callrouter.desk.inquiries import ANSWER_MAX, NotYours
from callrouter.desk.plan import Desk
from callrouter.desk.promise import Given, Wrong
from callrouter.i18n import mark
from callrouter.office.floor import tag
from callrouter.office.office import Office
from callrouter.office.phones import Lifted
from callrouter.roles import Role
from callrouter.store.mail import OutboxFull
from callrouter.web.acts import Refused, ask
from callrouter.web.models import masked
from callrouter.web.pages.desk_seen import PAGE, key_of, seat_of
from callrouter.web.problems import Fault
from callrouter.web.reasons import told
from callrouter.web.routes import Route, get, post
from callrouter.web.visit import Forbidden, NotFound, Visit

TEXT_MAX, PURPOSE_MAX = 12_000, 100
RESULT_FIELDS = ("disposition", "department", "number", "subject", "wish", "due", "note", "")
NOT_LIFTED = {
    Lifted.IDLE: mark("Es klingelt nicht mehr."),
    Lifted.FAILED: mark("Von hier aus geht es gerade nicht. Bitte am Telefon abnehmen."),
    Lifted.DEAF: mark("Das Telefon reagiert nicht. Bitte am Telefon abnehmen."),
}
CLOSINGS = {"advertisement": mark("Werbung"), "twice": mark("Schon beantwortet"), "none": mark("Keine Antwort nötig")}


# ---- coming and going


async def show(visit: Visit) -> web.StreamResponse:
    """The page has a window of its own by name, so that loading it anew changes nothing and a second one is noticed."""
    agent, window, csrf = (str(part) for part in key_of(visit))
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
    stream, lines = f"{PAGE.path}/strom?{query}", _lines(visit, agent)
    return visit.show(PAGE.template, stream=stream, seats=seats, closings=CLOSINGS, lines=lines, **seen)


def _lines(visit: Visit, agent: str) -> list[tuple[str, str]]:
    """Hotlines whose number he may show when he rings somebody of his own accord; none: he may not."""
    office = visit.part(Office)
    seat = office.floor.seat(agent)
    if seat is None or not visit.front.pages.outbound:
        return []
    return [(one.name, one.title) for one in office.ringing.lines(seat.team)]


async def take_over(visit: Visit) -> web.StreamResponse:
    agent, window = seat_of(visit), visit.field("fenster", 32) or token_hex(6)
    visit.part(Office).floor.take(agent, window)
    query = urlencode({"fenster": window, "platz": agent})
    if visit.by_htmx:
        return web.Response(status=204)
    return web.Response(status=303, headers={"Location": f"/arbeitsplatz?{query}"})


async def here(visit: Visit) -> web.StreamResponse:
    """The page says that it is there. Not a use of the session: a page that nobody touches logs out all the same."""
    visit.part(Office).floor.ping(seat_of(visit), visit.field("fenster", 32))
    return web.Response(status=204)


async def gone(visit: Visit) -> web.StreamResponse:
    visit.part(Office).floor.leave(seat_of(visit), visit.field("fenster", 32))
    return web.Response(status=204)


async def stream(visit: Visit) -> web.StreamResponse:
    return await visit.front.live.follow(visit, PAGE)


# ---- acting


async def act(visit: Visit) -> web.StreamResponse:
    """What the agent wants to be. Each is a button; the router decides."""
    agent, wanted = seat_of(visit), visit.field("handlung")
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
    lifted = await office.handset.lift(agent)
    office.figures.lifts.labels(agent.partition("/")[0], lifted.value).inc()
    if lifted in NOT_LIFTED:
        return _problem(visit, visit.texts(NOT_LIFTED[lifted]))
    return visit.go("/arbeitsplatz")


async def ring(visit: Visit) -> web.StreamResponse:
    """Have the agent's phone rung, and then a caller's; or say that it was not he who answered."""
    agent, office, callback = seat_of(visit), visit.part(Office), visit.field("rueckruf", 80)
    seat = office.floor.seat(agent)
    if seat is None:
        raise Forbidden
    if visit.field("handlung") == "nicht_er":
        if not callback or callback != office.ringing.reached(agent):
            raise NotFound
        event: CallbackMissed | CallbackTaken = CallbackMissed(callback, visit.user.name)
    elif callback not in {one.id for one in office.ringing.listed(seat.team)}:
        return _problem(visit, visit.texts("Der Rückruf ist nicht mehr auf der Liste."))
    elif why := _not_now(visit, office, seat):
        return _problem(visit, why)
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


async def dial(visit: Visit) -> web.StreamResponse:
    """Have the agent's phone rung, and then a number of his choice, which sees that of the hotline that he chooses."""
    agent, office, purpose = seat_of(visit), visit.part(Office), visit.field("anlass", PURPOSE_MAX)
    seat, number = office.floor.seat(agent), visit.field("nummer", 40)
    if seat is None or not visit.front.pages.outbound:
        raise Forbidden
    hotline = next((one for one in office.ringing.lines(seat.team) if one.name == visit.field("hotline")), None)
    if hotline is None:
        raise NotFound
    if why := _not_now(visit, office, seat):
        return _problem(visit, why)
    if not purpose:
        return _problem(visit, visit.texts("Bitte den Anlass angeben."))
    event = office.ringing.for_anybody(agent, hotline, number, purpose, visit.user.name)
    if event is None:
        return _problem(visit, visit.texts("Diese Nummer kann von hier aus nicht angerufen werden."))
    try:
        await ask(visit.front.context, event)
    except Fault as fault:
        office.ringing.given_up(event.callback.id)
        return _problem(visit, not_rung(visit, fault))
    await visit.audit(f"outbound call {event.callback.id}", purpose, "", f"{masked(number)}, shows {hotline.name}")
    return visit.go("/arbeitsplatz", visit.texts("Ihr Telefon klingelt."))


def _not_now(visit: Visit, office: Office, seat: AgentView) -> str:
    """Why this agent rings nobody yet: what goes before it."""
    if office.floor.result_missing(seat.agent):
        return visit.texts("Bitte zuerst das Ergebnis des letzten Anrufs erfassen (F4).")
    waiting = office.ringing.waiting(seat.team)
    if not waiting:
        return ""
    return visit.texts.plural("Ein Anrufer wartet: er geht vor.", "%(n)s Anrufer warten: sie gehen vor.", waiting)


def not_rung(visit: Visit, fault: Fault) -> str:
    """Why the router rings nobody, in the visitor's words."""
    if isinstance(fault, Refused):
        return visit.texts("Es wird nicht angerufen: %(why)s.", why=told(fault.because, visit.texts.language))
    return visit.texts("Das hat nicht geklappt. Bitte noch einmal versuchen.")


async def give(visit: Visit) -> web.StreamResponse:
    """The result of the call, and the promise that it makes."""
    agent, office = seat_of(visit), visit.part(Office)
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
        await visit.part(Office).inquiries.write(seat_of(visit), visit.at["id"], _long(visit, "answer"))
    except NotYours:
        return web.Response(status=409)
    return web.Response(status=204)


async def answer(visit: Visit) -> web.StreamResponse:
    """Sent by e-mail, given back, or closed without an answer."""
    agent, inquiries, wanted = seat_of(visit), visit.part(Office).inquiries, visit.field("handlung")
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
    *post("/arbeitsplatz/nummer", dial),
    *post("/arbeitsplatz/anfrage/{id}/entwurf", draft),
    *post("/arbeitsplatz/anfrage/{id}", answer),
)
