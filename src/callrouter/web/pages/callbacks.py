"""A department's worklist: whom it has promised to ring, by when, and what came of it. Each sees its own only.

Rows stand in the order of their due times, which are fixed, and never move under the reader: what comes later is
counted above the list until he asks for it. A number is shown only to who has taken the callback: while it is being
rung, or, when there is no phone that could be rung for him, until he says what came of it. The phone is that of his own
seat, or one of the department's: which one stands on his desk is remembered by the browser on it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from callrouter.core.agents import AgentState
from callrouter.core.callbacks import Callback, CallbackResult, CallbackStatus, Refused, TryResult
from callrouter.core.events import AgentAct, AgentActed
from callrouter.core.plan import Plan
from callrouter.desk.callbacks import overdue
from callrouter.desk.plan import Department
from callrouter.desk.workdays import left_s
from callrouter.i18n import Texts, mark
from callrouter.office.office import Office
from callrouter.office.worklists import tag
from callrouter.roles import EVERY, Role
from callrouter.web.acts import ask
from callrouter.web.board import topic_titles
from callrouter.web.live import Look
from callrouter.web.pages.desk import not_rung
from callrouter.web.pages.desk_seen import CAME
from callrouter.web.problems import Fault
from callrouter.web.routes import LivePage, Route, get, post
from callrouter.web.visit import YEAR_S, Forbidden, NotFound, Visit

PHONE, BY_HAND = "telefon", "-"
SOON_H = 4  # working hours left from which on a callback is marked
ROWS_MAX = 500
ONLY = ("", "ueberfaellig", "heute")
RESULTS = {
    CallbackResult.REACHED: mark("erreicht"),
    CallbackResult.SUPERSEDED: mark("rief selbst wieder an"),
    CallbackResult.WRONG_NUMBER: mark("kein Anschluss"),
    CallbackResult.GIVEN_UP: mark("nicht erreicht"),
    CallbackResult.EXPIRED: mark("verfallen"),
    CallbackResult.CANCELLED: mark("zurückgenommen"),
    CallbackResult.FORGOTTEN: mark("gelöscht"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """light: bad (overdue), risk (soon due), '' or done. left_h: whole working hours, or since it was due."""

    id: str
    due: str
    light: str
    left_h: int
    subject: str
    wish: str
    hotline: str
    topic: str
    asked: str
    tries: int
    last: str
    status: str
    mine: bool
    number: str  # to ring, for who has taken it
    stage: str  # of the call that is made for it: ringing, dialling, talking, '' none


def _departments(visit: Visit) -> list[Department]:
    scopes = visit.user.scopes(Role.DEPARTMENT)
    return [one for one in visit.part(Office).desk().departments if EVERY in scopes or one.name in scopes]


async def lead_on(visit: Visit) -> web.StreamResponse:
    """To the user's own department, the first of them."""
    own = _departments(visit)
    if not own:
        return visit.show("callbacks_none.html")
    return visit.go(f"/rueckrufe/{own[0].name}")


def _department(visit: Visit) -> Department:
    """Raises NotFound, and Forbidden to other departments."""
    found = visit.part(Office).desk().department(visit.at["department"])
    if found is None:
        raise NotFound
    visit.need(Role.DEPARTMENT, found.name)
    return found


def _key(visit: Visit) -> tuple[Hashable, ...]:
    """Department, reader, since when the list stands, what of it is shown, and whether a phone can be rung for him."""
    department, query = _department(visit), visit.request.query
    only = query.get("nur", "")
    stand = query.get("stand", "")
    return (
        department.name,
        visit.user.name,
        float(stand) if stand.replace(".", "", 1).isascii() and stand.replace(".", "", 1).isdecimal() else visit.now,
        only if only in ONLY else "",
        query.get("standort", "")[:40],
        query.get("thema", "")[:40],
        visit.session.csrf if visit.session else "",
        bool(_own_seat(visit) or _own_phone(visit, department)),
    )


def _own_seat(visit: Visit) -> str:
    """The user's seat, whose phone can be rung for him; '' if he has none."""
    agents = {one.id for one in visit.front.context.plan().agents}
    return next((scope for scope in visit.user.scopes(Role.AGENT) if scope in agents), "")


def _own_phone(visit: Visit, department: Department) -> str:
    """The department's phone on his desk: as chosen in this browser, or its only one; '' = he dials by hand."""
    chosen = visit.request.cookies.get(PHONE, "")
    if chosen in (*department.phones, BY_HAND):
        return "" if chosen == BY_HAND else chosen
    return department.phones[0] if len(department.phones) == 1 else ""


def _look(at: Look) -> dict[str, Any]:
    name, who, stand, only, site, topic, csrf, rings = at.key
    office, plan = at.front.part(Office), at.front.context.plan()
    department = office.desk().department(str(name))
    assert department is not None, name
    every = office.worklists.of(department.name)
    opened = [one for one in every if one.status is not CallbackStatus.DONE]
    standing = [one for one in every if one.asked_at <= float(str(stand)) and _stands(one, float(str(stand)))]
    chosen = [one for one in standing if _chosen(one, str(only), str(site), str(topic), department, at)]
    return {
        "zone": department.hours.zone,
        "department": department.name,
        "title": department.title,
        "csrf_of": csrf,
        "rings": rings,
        "counts": (
            len(opened),
            sum(overdue(one, at.now) for one in opened),
            sum(_is_today(one, department, at) for one in opened),
        ),
        "fresh": sum(one.asked_at > float(str(stand)) for one in opened),
        "rows": tuple(_row(one, department, plan, str(who), bool(rings), at) for one in chosen[:ROWS_MAX]),
        "cut": max(0, len(chosen) - ROWS_MAX),
    }


def _stands(one: Callback, stand: float) -> bool:
    """Not done, or done since the reader looked: it stays where it was, as done."""
    return one.done_at is None or one.done_at > stand


def _is_today(one: Callback, department: Department, at: Look) -> bool:
    zone = department.hours.zone
    return at.texts.day(one.due_at, zone) == at.texts.day(at.now, zone) and abs(one.due_at - at.now) < 86_400


def _chosen(one: Callback, only: str, site: str, topic: str, department: Department, at: Look) -> bool:
    if only == "ueberfaellig" and not overdue(one, at.now):
        return False
    if only == "heute" and not _is_today(one, department, at):
        return False
    return site in ("", one.call.partition("/")[0]) and topic in ("", one.topic)


def _row(one: Callback, department: Department, plan: Plan, who: str, rings: bool, at: Look) -> Row:
    zone = department.hours.zone
    left = left_s(department, at.now, one.due_at)
    light = "done" if one.status is CallbackStatus.DONE else "bad" if overdue(one, at.now) else ""
    if not light and left < SOON_H * 3600:
        light = "risk"
    hotline = next((each for each in plan.hotlines if each.name == one.hotline), None)
    office = at.front.part(Office)
    call = office.ringing.to(one.id)
    mine = one.taken_by == who
    return Row(
        id=one.id,
        due=f"{at.texts.day(one.due_at, zone)} {at.texts.clock(one.due_at, zone)}",
        light=light,
        left_h=int(abs(left) // 3600),
        subject=one.subject,
        wish=one.wish,
        hotline=hotline.title if hotline else one.hotline,
        topic=topic_titles(plan, one.hotline).get(one.topic, ""),
        asked=at.texts.moment(one.asked_at, zone, at.now),
        tries=one.tries,
        last=_last(one, at.texts, office.ringing.came(one.id) if mine else None),
        status=one.status.value,
        mine=mine,
        number=office.worklists.number(one, who) if call is not None or not rings else "",
        stage=call.stage if call is not None else "",
    )


def _last(one: Callback, texts: Texts, came: TryResult | None) -> str:
    """What came of the last try. came: of his own call that has just ended, for whoever makes it."""
    tried = one.last_result if one.last_result not in (TryResult.AGENT_MISSED, TryResult.FAILED) else None
    result = came or tried
    return texts(CAME[result]) if result in CAME else ""


def _tags(key: tuple[Hashable, ...]) -> frozenset[str]:
    return frozenset({tag(str(key[0]))})


PAGE = LivePage("/rueckrufe/{department}", "callbacks.html", ("counts", "fresh", "rows"), _key, _look, tags=_tags)


async def show(visit: Visit) -> web.StreamResponse:
    key = _key(visit)
    stand = visit.now
    query = {name: visit.request.query.get(name, "") for name in ("nur", "standort", "thema")}
    stream = f"{visit.request.path}/strom?{urlencode({**query, 'stand': f'{stand:.3f}'})}"
    seen = PAGE.look(visit.front.live.look_at(visit.texts, (*key[:2], stand, *key[3:])))
    office, plan, department = visit.part(Office), visit.front.context.plan(), _department(visit)
    listed = office.worklists.of(str(key[0]))
    asked: dict[str, set[str]] = {}  # topic -> hotlines
    for each in listed:
        asked.setdefault(each.topic, set()).add(each.hotline)
    sites = {site.name: site.title for site in plan.sites}
    return visit.show(
        PAGE.template,
        stream=stream,
        tabs=[(one.name, one.title) for one in _departments(visit)],
        query=query,
        phones=bool(department.phones) and not _own_seat(visit),
        phone_choices=[(BY_HAND, visit.texts("keines: ich wähle selbst")), *((one, one) for one in department.phones)],
        phone=_own_phone(visit, department) or BY_HAND,
        sites=sorted((one, sites.get(one, one)) for one in {each.call.partition("/")[0] for each in listed} if one),
        topics=sorted((one, topic_titles(plan, *hotlines).get(one, one)) for one, hotlines in asked.items()),
        **seen,
    )


async def stream(visit: Visit) -> web.StreamResponse:
    return await visit.front.live.follow(visit, PAGE)


async def act(visit: Visit) -> web.StreamResponse:
    """Take, give back, not reached, done."""
    department, office = _department(visit), visit.part(Office)
    lists, who, callback = office.worklists, visit.user.name, visit.field("rueckruf", 80)
    wanted, words = visit.field("handlung"), visit.texts
    if wanted == "anrufen":
        return await _ring(visit, department, callback)
    if wanted == "telefon":
        return _choose_phone(visit, department)
    note = ""
    try:
        if wanted == "uebernehmen":
            await lists.take(callback, department.name, who)
            note = words("Übernommen.")
        elif wanted == "zurueck":
            await lists.give_back(callback, department.name, who)
            note = words("Zurückgegeben.")
        elif wanted == "nicht_erreicht":
            await lists.missed(callback, department.name, who, TryResult.NOT_REACHED)
            note = words("Nicht erreicht; der Rückruf bleibt offen.")
        elif wanted == "erledigt":
            await lists.done(callback, department.name, who, CallbackResult.REACHED)
            note = words("Erledigt.")
        elif wanted == "falsche_nummer":
            await lists.done(callback, department.name, who, CallbackResult.WRONG_NUMBER)
            note = words("Geschlossen: kein Anschluss unter dieser Nummer.")
        else:
            raise NotFound
    except Refused:
        await lists.refresh()
        taken = wanted == "uebernehmen"
        text = words("Bereits übernommen.") if taken else words("Inzwischen geändert. Bitte sehen Sie noch einmal hin.")
        template = "desk_problem.html" if visit.by_htmx else "desk_problem_page.html"
        return visit.show(template, status=409, problem=text, back=f"/rueckrufe/{department.name}")
    await visit.audit(f"callback {callback}", wanted)
    return visit.go(f"/rueckrufe/{department.name}", note)


def _choose_phone(visit: Visit, department: Department) -> web.Response:
    """For this browser: the phone stands beside it, whoever is logged in."""
    chosen, path = visit.field("telefon", 40), f"/rueckrufe/{department.name}"
    if chosen not in (*department.phones, BY_HAND):
        raise NotFound
    answer = visit.go(path)
    answer.set_cookie(
        PHONE, chosen, path=path, httponly=True, samesite="Lax", max_age=YEAR_S, secure=visit.front.secure
    )  # fmt: skip
    return answer


async def _ring(visit: Visit, department: Department, callback: str) -> web.StreamResponse:
    """Have the user's own phone rung and then the caller's. A seat's is his own; it is logged in if it is not yet."""
    office, seat, back = visit.part(Office), _own_seat(visit), f"/rueckrufe/{department.name}"
    phone = "" if seat else _own_phone(visit, department)
    if not seat and not phone:
        raise Forbidden
    at = office.floor.seat(seat) if seat else None
    try:
        if at is not None and at.state == AgentState.LOGGED_OUT:  # to a pause: no calls come
            await ask(visit.front.context, AgentActed(seat, AgentAct.LOG_IN, "", "page"))
        event = await office.ringing.for_department(callback, department.name, seat, visit.user.name, phone)
        await ask(visit.front.context, event)
    except (Refused, Fault) as error:
        office.ringing.given_up(callback)
        text = visit.texts("Inzwischen geändert. Bitte sehen Sie noch einmal hin.")
        if isinstance(error, Fault):
            text = not_rung(visit, error)
        template = "desk_problem.html" if visit.by_htmx else "desk_problem_page.html"
        return visit.show(template, status=409, problem=text, back=back)
    await visit.audit(f"callback {callback}", "anrufen")
    return visit.go(back, visit.texts("Ihr Telefon klingelt."))


async def search(visit: Visit) -> web.StreamResponse:
    """What was promised to a caller, by his number: it is neither kept nor shown again, and the search is on record."""
    department, office, words = _department(visit), visit.part(Office), visit.texts
    key = office.callers.key_of(visit.field("nummer", 40))
    zone = department.hours.zone
    found = await office.worklists.search(department.name, key) if key else []
    office.figures.searches.inc()
    await visit.audit(f"callbacks of {department.name}", "searched by a caller's number")
    return visit.show(
        "callbacks_found.html",
        department=department.name,
        title=department.title,
        rows=[
            (
                f"{words.day(one.due_at, zone)} {words.clock(one.due_at, zone)}",
                one,
                words.moment(one.done_at, zone, visit.now) if one.done_at else "",
                words(RESULTS.get(one.result, "")) if one.result else "",
            )
            for one in found
        ],
    )


ROUTES = (
    *get("/rueckrufe", lead_on),
    *get("/rueckrufe/{department}", show),
    Route("GET", "/rueckrufe/{department}/strom", stream, stream=True),
    *post("/rueckrufe/{department}", act),
    *post("/rueckrufe/{department}/suche", search),
)
