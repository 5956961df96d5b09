"""The directory as programs get it: places with addresses, hours, what is special, and whether they are open now."""

from __future__ import annotations

from datetime import date, datetime
from math import inf

from pydantic import Field

from callrouter.core.plan import Hours, Span
from callrouter.desk import places as rules
from callrouter.desk.places import Address, Place
from callrouter.web.models import Out, instant
from callrouter.web.week import clock

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class AddressOut(Out):
    extra: str
    street: str
    postcode: str
    town: str


class SpanOut(Out):
    """Local wall-clock times; `to` may be 24:00."""

    from_: str = Field(alias="from", examples=["08:00"])
    to: str = Field(examples=["12:30"])


class TelephoneOut(Out):
    shown: str = Field(description="As it is printed.")
    number: str = Field(description="E.164, or digits.")
    hours: dict[str, list[SpanOut]] | None = Field(description="By weekday, mon to sun; null: always.")


class SpecialDayOut(Out):
    """A day with other hours than its weekday has; no spans: closed."""

    date: date
    spans: list[SpanOut]
    holiday: str


class HolidayOut(Out):
    date: date
    name: str


class PlaceOut(Out):
    """A house that the public may visit."""

    place: str
    title: str
    visit: AddressOut
    post: AddressOut
    email: str
    telephone: TelephoneOut | None
    zone: str
    hours: dict[str, list[SpanOut]] = Field(description="By weekday, mon to sun.")
    open_now: bool
    changes_at: datetime | None = Field(description="When it closes, or opens next; null: not within a year.")
    special_days: list[SpecialDayOut] = Field(description="Of the next 30 days.")
    next_holidays: list[HolidayOut]
    postcodes: list[str] = Field(description="Beginnings of the postcodes that it serves.")
    access: dict[str, str] = Field(description="Per language: how it is reached without barriers.")


class PlacesOut(Out):
    at: datetime = Field(description="The instant that this shows.")
    places: list[PlaceOut]


def place_out(place: Place, now: float, language: str) -> PlaceOut:
    seen = rules.today(place, now, language)
    telephone = place.telephone
    return PlaceOut(
        place=place.name,
        title=place.title,
        visit=_address(place.visit),
        post=_address(place.post),
        email=place.email,
        telephone=None
        if telephone is None
        else TelephoneOut(
            shown=telephone.shown,
            number=telephone.number,
            hours=None if telephone.hours is None else _week(telephone.hours),
        ),
        zone=place.hours.zone,
        hours=_week(place.hours),
        open_now=seen.open_now,
        changes_at=None if seen.change_at == inf else instant(seen.change_at),
        special_days=[
            SpecialDayOut(date=one.day, spans=_spans(one.spans), holiday=one.holiday)
            for one in rules.special_days(place, now, language)
        ],
        next_holidays=[HolidayOut(date=day, name=name) for day, name in rules.next_holidays(place, now, language)],
        postcodes=list(place.postcodes),
        access=dict(place.access),
    )


def _address(address: Address) -> AddressOut:
    return AddressOut(extra=address.extra, street=address.street, postcode=address.postcode, town=address.town)


def _week(hours: Hours) -> dict[str, list[SpanOut]]:
    return {day: _spans(spans) for day, spans in zip(DAYS, hours.weekly, strict=True)}


def _spans(spans: tuple[Span, ...]) -> list[SpanOut]:
    return [SpanOut.model_validate({"from": clock(one.from_s), "to": clock(one.to_s)}) for one in spans]
