"""Switching by hand: until when, why, and what happened meanwhile. Shared by the pages for agreements and hotlines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from callrouter.config.holidays import public_holidays
from callrouter.core.calendar import instant
from callrouter.core.plan import Plan, Site
from callrouter.web.board import hotlines_of, opening
from callrouter.web.figures import midnight
from callrouter.web.pages.login import local_path
from callrouter.web.problems import Fault
from callrouter.web.visit import Visit

REASON_MIN, REASON_MAX = 10, 200
WORKING_DAYS_MAX = 5
HOUR_S = 3600.0
NOON_S = 43_200


def latest_end(site: Site, now: float) -> float:
    """The end of the fifth working day after today, by the public holidays of the site's Land."""
    zone = ZoneInfo(site.zone)
    day = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    free = public_holidays(site.land, range(day.year, day.year + 2))
    left = WORKING_DAYS_MAX
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5 and day.isoformat() not in free
    return instant(zone, day, 86_400)


def ends(plan: Plan, site: Site, now: float) -> dict[str, float]:
    """The usual ends of a switch that lie ahead, by what they are called in the form."""
    since = midnight(site.zone, now)
    _, closing = opening(hotlines_of(plan, site.name), since)
    zone = ZoneInfo(site.zone)
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    found = {"stunde": now + HOUR_S, "mittag": instant(zone, today, NOON_S), "dienstschluss": closing}
    return {name: at for name, at in found.items() if at > now}


def end_of(form: Mapping[str, object], plan: Plan, site: Site, now: float) -> float | None:
    """The end that a form says, UTC seconds; None when it says none."""
    usual, chosen = ends(plan, site, now), form.get("bis")
    if isinstance(chosen, str) and chosen in usual:
        return usual[chosen]
    try:
        day = date.fromisoformat(str(form.get("datum", "")).strip())
        clock = datetime.strptime(str(form.get("uhrzeit", "")).strip() or "18:00", "%H:%M").time()
    except ValueError:
        return None
    return instant(ZoneInfo(site.zone), day, clock.hour * 3600 + clock.minute * 60)


def read_end(visit: Visit, plan: Plan, site: Site, errors: dict[str, str]) -> float:
    """What the form says of the end, UTC seconds; a sentence in `errors` when it cannot be."""
    now = visit.now
    at = end_of(visit.form, plan, site, now)
    if at is None:
        errors["datum"] = visit.texts("Bitte geben Sie an, bis wann es gelten soll.")
        return 0.0
    if at <= now:
        errors["datum"] = visit.texts("Das Ende muss in der Zukunft liegen.")
    elif at > latest_end(site, now):
        errors["datum"] = visit.texts("Länger als fünf Arbeitstage geht es von Hand nicht.")
    return at


def read_reason(visit: Visit, errors: dict[str, str]) -> str:
    """Why; a sentence in `errors` when it is too short or too long."""
    raw = visit.form.get("grund", "")
    reason = " ".join(raw.split()) if isinstance(raw, str) else ""
    if not reason.isprintable() or not REASON_MIN <= len(reason) <= REASON_MAX:
        errors["grund"] = visit.texts(
            "Bitte begründen Sie es mit %(least)s bis %(most)s Zeichen.", least=REASON_MIN, most=REASON_MAX
        )
    return reason


def back_to(visit: Visit, otherwise: str) -> str:
    """The page that the form was opened from."""
    return local_path(visit.field("zurueck") or visit.request.query.get("zurueck", ""), otherwise)


def not_done(visit: Visit, fault: Fault) -> str:
    """The sentence for a router that did not do it."""
    if fault.status == 503:
        return visit.texts("Der Router hat nicht geantwortet. Ob geschaltet wurde, ist unbekannt: bitte nachsehen.")
    return visit.texts("Der Router hat es nicht getan.")


def first_field(errors: dict[str, str], fields: Sequence[str]) -> dict[str, str]:
    """In the order of the form."""
    return {name: errors[name] for name in fields if name in errors}
