"""The directory for everybody: places, texts, and the contact form. No login, no script, no cookie.

The language is in the address, since nothing is kept in the browser. Whoever is logged in sees the same as all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import inf
from secrets import token_hex
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from callrouter.core.plan import Hotline
from callrouter.desk import inquiries as rules
from callrouter.desk import places as directory
from callrouter.desk.articles import Article
from callrouter.desk.inquiries import Inquiry
from callrouter.desk.markdown import html
from callrouter.desk.places import Place, Today
from callrouter.i18n import LANGUAGES, Texts, mark, texts
from callrouter.office.gate import Why
from callrouter.office.office import Office
from callrouter.store.inquiries import InquiriesFull
from callrouter.web.ical import calendar_of
from callrouter.web.mail_address import is_address
from callrouter.web.models import instant
from callrouter.web.places import PlacesOut, place_out
from callrouter.web.routes import get, post
from callrouter.web.visit import NotFound, Visit
from callrouter.web.week import clock, spans_in_words, week_in_words

SEARCH_MAX = 80
FRESH = "public, max-age=60"
FOOT = ("accessibility", "imprint", "privacy")  # texts in the footer, in this order
HEAD = ("plain", "sign")
FIELDS = ("thema", "name", "email", "betreff", "text", "")


@dataclass(frozen=True, slots=True)
class Shown:
    """A place in words."""

    place: Place
    today: Today
    now: str
    closes: str  # the end of this opening, '' while it is closed
    again: str  # when it opens once more today, after that
    opens: str  # the next opening, '' while it is open or if there is none
    week: list[tuple[str, list[str]]]
    special: list[tuple[str, list[str], str]]  # day, times, holiday
    holidays: list[tuple[str, str]]
    telephone_week: list[tuple[str, list[str]]]
    writes: bool  # has a contact form


# ---- pages


async def show(visit: Visit) -> web.StreamResponse:
    office, words = visit.part(Office), _words(visit)
    asked = visit.request.query.get("suche", "")[:SEARCH_MAX].strip()
    found = directory.search(office.desk().places, asked)
    shown = [_shown(one, visit.now, words, office) for one in found]
    return _page(visit, "places.html", asked=asked, places=shown)


async def as_json(visit: Visit) -> web.StreamResponse:
    words = _words(visit)
    asked = visit.request.query.get("suche", "")[:SEARCH_MAX].strip()
    found = directory.search(visit.part(Office).desk().places, asked)
    body = PlacesOut(
        at=instant(visit.now), places=[place_out(one, visit.now, words.language) for one in found]
    ).model_dump_json(by_alias=True)
    return web.Response(text=body, content_type="application/json", headers={"Cache-Control": FRESH})


async def as_calendar(visit: Visit) -> web.StreamResponse:
    place, words = _place(visit), _words(visit)
    day = directory.local_day(place.hours, visit.now)
    body = _calendar(place, day, words.language, visit.now // 3600 * 3600)
    return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers={"Cache-Control": FRESH})


@lru_cache(maxsize=500)
def _calendar(place: Place, _day: date, language: str, now: float) -> bytes:
    """Made once an hour: it costs some ten milliseconds."""
    return calendar_of(place, now, texts(language))


async def text(visit: Visit) -> web.StreamResponse:
    """One of the public texts, in German where there is no other."""
    found = _article(visit, visit.at["name"])
    if found is None:
        raise NotFound

    def address(name: str) -> str:
        return _link(visit, f"/texte/{name}") if _article(visit, name) else ""

    body = html(found.text, address, anchors=True)
    return _page(visit, "text.html", article=found, body=body, day=_words(visit).date(date.fromisoformat(found.date)))


async def contact(visit: Visit) -> web.StreamResponse:
    return _contact(visit, _place(visit), {})


async def send(visit: Visit) -> web.StreamResponse:
    """What was written goes to the agents of the place's hotline."""
    office, words, place = visit.part(Office), _words(visit), _place(visit)
    hotline = _hotline(visit, place)
    address = visit.front.address(visit.request)
    errors = _wrong(visit, hotline, words)
    why = office.gate.why_not(visit.field("stempel"), visit.field("webseite"), address)
    if why is not None:
        office.figures.refused.labels(why.value).inc()
        errors = {"": _refusal(why, words), **errors}
    if errors:
        status = 429 if why is Why.PACE else 422
        return _contact(visit, place, {name: errors[name] for name in FIELDS if name in errors}, status)
    inquiry = Inquiry(
        id=token_hex(16),
        place=place.name,
        hotline=hotline.name,
        topic=visit.field("thema"),
        language=words.language,
        name=visit.field("name"),
        email=visit.field("email"),
        subject=visit.field("betreff"),
        text=_long(visit, "text"),
        arrived_at=visit.now,
    )
    try:
        await office.inquiries.receive(inquiry)
    except InquiriesFull:
        office.figures.refused.labels("full").inc()
        return _contact(visit, place, {"": words("Zurzeit warten sehr viele Nachrichten. Bitte rufen Sie an.")}, 503)
    office.gate.taken(address)
    return _page(visit, "sent.html", place=place)


# ---- inside


def _words(visit: Visit) -> Texts:
    asked = visit.request.query.get("sprache", "")
    return texts(asked) if asked in LANGUAGES else visit.texts


def _link(visit: Visit, path: str, **query: str) -> str:
    """An address that keeps the language if it was chosen."""
    asked = visit.request.query.get("sprache", "")
    kept = ({"sprache": asked} if asked in LANGUAGES else {}) | {name: one for name, one in query.items() if one}
    return f"{path}?{urlencode(kept)}" if kept else path


def _page(visit: Visit, template: str, status: int = 200, **values: Any) -> web.Response:
    words = _words(visit)
    titles = {name: found.title for name in (*FOOT, *HEAD) if (found := _article(visit, name)) is not None}
    other = next(one for one in LANGUAGES if one != words.language)
    query = {name: one for name, one in visit.request.query.items() if name in ("suche",)}
    answer = visit.show_in(
        words,
        template,
        status=status,
        session=None,
        user=None,
        menu=[],
        note="",
        csrf=visit.session.csrf if visit.session else "",
        link=lambda path, **more: _link(visit, path, **more),
        other=(other, f"{visit.request.path}?{urlencode({'sprache': other, **query})}"),
        titles=titles,
        head=HEAD,
        foot=FOOT,
        **values,
    )
    if status == 200 and visit.request.method == "GET" and visit.session is None:
        answer.headers["Cache-Control"] = FRESH if template != "contact.html" else "no-store"
    answer.headers["Vary"] = "Accept-Language, Cookie"
    return answer


def _place(visit: Visit) -> Place:
    found = visit.part(Office).desk().place(visit.at["name"])
    if found is None:
        raise NotFound
    return found


def _hotline(visit: Visit, place: Place) -> Hotline:
    """Whose agents get what is written. Raises NotFound: nobody would."""
    name = place.telephone.hotline if place.telephone else ""
    found = next((one for one in visit.front.context.plan().hotlines if one.name == name), None)
    if found is None or not visit.part(Office).mailer.sends:
        raise NotFound
    return found


def _article(visit: Visit, name: str) -> Article | None:
    every = visit.part(Office).desk().texts
    return every.get(name, _words(visit).language) or every.get(name, LANGUAGES[0])


def _shown(place: Place, now: float, words: Texts, office: Office) -> Shown:
    zone, seen = place.hours.zone, directory.today(place, now, words.language)
    change = "" if seen.change_at == inf else words.clock(seen.change_at, zone)
    opens = ""
    if not seen.open_now and change:
        same_day = directory.local_day(place.hours, seen.change_at) == directory.local_day(place.hours, now)
        opens = change if same_day else f"{words.day(seen.change_at, zone)} {change}"
    return Shown(
        place=place,
        today=seen,
        now=words.clock(now, zone),
        closes=change if seen.open_now else "",
        again=next((clock(one.from_s) for one in seen.spans if seen.open_now and clock(one.from_s) > change), ""),
        opens=opens,
        week=week_in_words(place.hours, words),
        special=[
            (words.long_day(one.day), spans_in_words(one.spans, words), one.holiday)
            for one in directory.special_days(place, now, words.language)
        ],
        holidays=[(words.date(day), name) for day, name in directory.next_holidays(place, now, words.language)],
        telephone_week=week_in_words(place.telephone.hours, words) if place.telephone else [],
        writes=place.telephone is not None and office.mailer.sends,
    )


def _contact(visit: Visit, place: Place, errors: dict[str, str], status: int = 200) -> web.Response:
    hotline = _hotline(visit, place)
    return _page(
        visit,
        "contact.html",
        status=status,
        place=place,
        topics=[(topic.name, topic.title) for topic in hotline.topics],
        values={name: visit.field(name) for name in ("thema", "name", "email", "betreff")}
        | {"text": _long(visit, "text")},
        stamp=visit.field("stempel") if errors and not errors.get("") else visit.part(Office).gate.stamp(),
        errors=errors,
        longest=rules,
    )


def _long(visit: Visit, name: str) -> str:
    """A text of several lines, cut where nobody writes on."""
    value = visit.form.get(name, "")
    return value.replace("\r\n", "\n").strip()[: rules.TEXT_MAX + 1] if isinstance(value, str) else ""


def _wrong(visit: Visit, hotline: Hotline, words: Texts) -> dict[str, str]:
    errors: dict[str, str] = {}
    if visit.field("thema") not in {topic.name for topic in hotline.topics}:
        errors["thema"] = words("Bitte wählen Sie ein Thema.")
    if not 0 < len(visit.field("name")) <= rules.NAME_MAX or not visit.field("name").isprintable():
        errors["name"] = words("Bitte geben Sie Ihren Namen an.")
    if not is_address(visit.field("email")):
        errors["email"] = words("Bitte geben Sie eine E-Mail-Adresse an, wie name@beispiel.de.")
    if not 0 < len(visit.field("betreff")) <= rules.SUBJECT_MAX or not visit.field("betreff").isprintable():
        errors["betreff"] = words("Bitte geben Sie einen kurzen Betreff an.")
    if not rules.TEXT_MIN <= len(_long(visit, "text")) <= rules.TEXT_MAX:
        errors["text"] = words("Bitte schreiben Sie 10 bis 4000 Zeichen.")
    return errors


_REFUSALS = {
    Why.ROBOT: mark("Das ging sehr schnell, oder ein Feld ist ausgefüllt, das leer bleiben muss. Bitte noch einmal."),
    Why.STALE: mark("Das Formular war zu lange offen. Bitte noch einmal senden; Ihr Text ist noch da."),
    Why.PACE: mark("Von hier kamen in kurzer Zeit viele Nachrichten. Bitte später noch einmal, oder rufen Sie an."),
}


def _refusal(why: Why, words: Texts) -> str:
    return words(_REFUSALS[why])


ROUTES = (
    *get("/standorte", show),
    *get("/standorte.json", as_json),
    *get("/standorte/{name}.ics", as_calendar),
    *get("/standorte/{name}/kontakt", contact),
    *post("/standorte/{name}/kontakt", send),
    *get("/texte/{name}", text),
)
