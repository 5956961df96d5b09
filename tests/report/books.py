"""Networks and records for the tests of reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from callrouter.core.calendar import instant
from callrouter.core.commands import Outcome, Unserved
from callrouter.core.demands import Demand
from callrouter.core.plan import Agreement, Hotline, Hours, Plan, Site, Span, Team
from callrouter.report.book import Book, Targets
from callrouter.report.figures import Record
from callrouter.report.period import Period

BERLIN = "Europe/Berlin"
OFFICE = Hours(BERLIN, (*((Span(8 * 3600, 18 * 3600),),) * 5, (), ()))
LINE = Hotline("agency-gera", "Agentur für Arbeit Gera", "gera", (), OFFICE, ("gera",), (), "")
PLAN = Plan(
    "1",
    (Site("gera", "Gera", "TH", BERLIN), Site("magdeburg", "Magdeburg", "ST", BERLIN)),
    (LINE, replace(LINE, name="arge", title="ARGE <Börde>", site="magdeburg", teams=("magdeburg",))),
    (Team("gera", "Team Gera", "gera"), Team("magdeburg", "Team Magdeburg", "magdeburg")),
    (),
    (Agreement("both", "gera", "magdeburg"), Agreement("both", "magdeburg", "gera")),
)
MONDAY = date(2026, 11, 23)
NEVER = 4e9


def at(text: str, zone: str = BERLIN, fold: int = 0) -> float:
    """UTC seconds of `2026-11-23 08:15` by the wall clock."""
    day, _, clock = text.partition(" ")
    hour, minute = map(int, clock.split(":"))
    found = instant(ZoneInfo(zone), date.fromisoformat(day), hour * 3600 + minute * 60)
    return found + 3600.0 * fold


def call(when: float, *, hotline: str = "agency-gera", answered: bool = True, **values: object) -> Record:
    """An answered call of a minute, or one that gave up; values: what is otherwise."""
    record = Record(
        hotline, Outcome.ANSWERED, Unserved.NONE, when, 10.0, 60.0, 0.0, "gera", "", within_target=True
    )  # fmt: skip
    if not answered:
        gave_up = {"outcome": Outcome.ABANDONED, "unserved": Unserved.GAVE_UP_WAITING, "within_target": False}
        values = {"talk_s": 0.0, "team": "", **gave_up, **values}
    return replace(record, **values)  # type: ignore[arg-type]


def closed(when: float) -> Record:
    return call(when, answered=False, outcome=Outcome.CLOSED, unserved=Unserved.NONE)


def demand(when: float, attempts: int = 1, *, reached: bool = True, withheld: bool = False) -> Demand:
    reached_at = when + 30.0 if reached else None
    first = reached and attempts == 1
    return Demand("d", "agency-gera", "", withheld, when, when, attempts, reached_at, first, reached, when, when)


def book(
    *records: Record,
    demands: Iterable[Demand] = (),
    period: Period | None = None,
    plan: Plan = PLAN,
    hotlines: Iterable[str] = (),
    now: float = NEVER,
) -> Book:
    """A filled book."""
    names = [one.name for one in plan.hotlines]
    made = Book(plan, period or Period("day", MONDAY, MONDAY), hotlines or names, Targets(0.8, 0.93), now)
    for record in records:
        made.take_call(record)
    for one in demands:
        made.take_demand(one)
    return made
