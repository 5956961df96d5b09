"""Looking for a call, and the story of one: each turn of the router, each decision with its reason, from the journal.

Numbers are looked for by their keyed hash and never shown again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Callers
from callrouter.core.calendar import instant
from callrouter.core.events import PhoneState, SiteRead
from callrouter.core.explain import Candidate
from callrouter.core.snapshot import CallView
from callrouter.journal.story import Gap, Story, Turn
from callrouter.store import search
from callrouter.web import words
from callrouter.web.board import topic_titles
from callrouter.web.models import Fact, masked
from callrouter.web.routes import get, post
from callrouter.web.steps import step_out
from callrouter.web.stories import NoStory, Stories
from callrouter.web.visit import NotFound, Visit

DAYS_MAX = 31
LIVE = "live"


@dataclass(frozen=True, slots=True)
class Archive:
    """Where ended calls are: the part that this page asks for."""

    engine: AsyncEngine
    callers: Callers


@dataclass(frozen=True, slots=True)
class Row:
    call: str
    at: float
    site: str
    hotline: str
    outcome: str
    wait_s: float
    talk_s: float
    team: str
    agreement: str
    caller: str  # a key, or masked digits of a live call
    live: bool


# ---- looking for calls


async def find(visit: Visit) -> web.StreamResponse:
    plan, zone = visit.front.context.plan(), _zone(visit)
    query = {name: value.strip()[:100] for name, value in visit.request.query.items()}
    first, last = _days(visit, query, zone)
    since = instant(ZoneInfo(zone), first, 0)
    wanted = search.Wanted(
        since,
        instant(ZoneInfo(zone), last, 86_400),
        query.get("standort", ""),
        query.get("hotline", ""),
        query.get("ende", ""),
        query.get("anrufer", ""),
        query.get("anruf", ""),
    )
    if wanted.outcome == LIVE:
        rows, onward = _live(visit, wanted), ""
    else:
        found = await search.calls(visit.part(Archive).engine, wanted, _before(query.get("vor", "")))
        rows = [_row(one) for one in found.rows]
        onward = f"{found.before[0]!r}~{found.before[1]}" if found.before else ""
    kept = {name: value for name, value in query.items() if name != "vor" and value}
    return visit.show(
        "calls.html",
        zone=zone,
        rows=rows,
        query={**kept, "von": first.isoformat(), "bis": last.isoformat()},
        onward=f"/anrufe?{urlencode({**kept, 'vor': onward})}" if onward else "",
        sites=[(site.name, site.title) for site in plan.sites],
        hotlines=[(hotline.name, hotline.title) for hotline in plan.hotlines],
        titles={hotline.name: hotline.title for hotline in plan.hotlines},
        teams={team.name: team.title for team in plan.teams},
        outcomes=[(LIVE, visit.texts("läuft noch")), *words.outcomes(visit.texts)],
    )


async def find_number(visit: Visit) -> web.StreamResponse:
    """A telephone number is sent as a form, so that it stands in no address and no log."""
    key = visit.part(Archive).callers.key_of(visit.field("nummer", 40))
    kept = {name: visit.field(name) for name in ("von", "bis", "standort", "hotline", "ende") if visit.field(name)}
    return web.Response(status=303, headers={"Location": f"/anrufe?{urlencode({**kept, 'anrufer': key or '-'})}"})


def _zone(visit: Visit) -> str:
    return visit.front.context.plan().sites[0].zone


def _days(visit: Visit, query: dict[str, str], zone: str) -> tuple[date, date]:
    """From and to, both included; today without, and never more than a month."""
    today = datetime.fromtimestamp(visit.now, UTC).astimezone(ZoneInfo(zone)).date()

    def day(name: str, otherwise: date) -> date:
        try:
            return date.fromisoformat(query.get(name, ""))
        except ValueError:
            return otherwise

    last = min(max(day("bis", today), date(2000, 1, 1)), today + timedelta(days=1))
    first = min(day("von", last), last)
    return max(first, last - timedelta(days=DAYS_MAX)), last


def _before(text: str) -> tuple[float, str] | None:
    at, _, call = text.partition("~")
    try:
        return (float(at), call) if call else None
    except ValueError:
        return None


def _row(one: Any) -> Row:
    return Row(
        one.call, one.arrived_at, one.site, one.hotline, one.outcome, one.wait_s, one.talk_s, one.team, one.agreement,
        one.caller or "", live=False,
    )  # fmt: skip


def _live(visit: Visit, wanted: search.Wanted) -> list[Row]:
    def row(call: CallView) -> Row:
        return Row(
            call.call, call.arrived_at, call.site, call.hotline, LIVE, call.wait_s, 0.0, call.team, call.agreement,
            masked(call.caller), live=True,
        )  # fmt: skip

    key_of = visit.part(Archive).callers.key_of
    found = [
        row(call)
        for call in visit.front.context.snapshot().calls
        if wanted.site in ("", call.site)
        and wanted.hotline in ("", call.hotline)
        and call.call.startswith(wanted.call)
        and wanted.since <= call.arrived_at < wanted.until
        and wanted.caller in ("", key_of(call.caller))
    ]
    return sorted(found, key=lambda one: -one.at)[: search.PAGE]


# ---- the story of one


@dataclass(frozen=True, slots=True)
class Decision:
    """kind: what was ordered or told. because: '' when it needs no reason. facts: (word, value)."""

    kind: str
    because: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One turn as shown. rejected: (team, agreement, why not, how many), those who were not chosen."""

    at: float
    after_s: float
    event: str
    facts: tuple[tuple[str, str], ...]
    decisions: tuple[Decision, ...]
    rejected: tuple[tuple[str, str, str, int], ...]
    place: str
    seq: int
    differs: bool
    plan: str  # version of the configuration


async def show(visit: Visit) -> web.StreamResponse:
    return await _tell(visit, replay=False)


async def replay(visit: Visit) -> web.StreamResponse:
    """Drive the router again over that part of the journal."""
    return await _tell(visit, replay=True)


async def _tell(visit: Visit, *, replay: bool) -> web.StreamResponse:
    call = f"{visit.at['site']}/{visit.at['id']}"
    live = next((one for one in visit.front.context.snapshot().calls if one.call == call), None)
    record = None if live else await search.call(visit.part(Archive).engine, call)
    if live is None and record is None and not visit.front.context.history(call):
        raise NotFound
    began, ended = _times(visit, call, live, record)
    trouble = ""
    try:
        told = await visit.part(Stories).tell(call, began, ended, replay=replay)
    except NoStory:
        told = Story(())
        trouble = visit.texts("Das Journal konnte nicht gelesen werden; der Grund steht im Protokoll des Dienstes.")
    if not told.items and not trouble:
        told = _remembered(visit, call)
    plan = visit.front.context.plan()
    hotline = live.hotline if live else record.hotline if record else ""
    return visit.show(
        "call.html",
        call=call,
        zone=_zone(visit),
        live=live,
        record=record,
        items=[_item(visit, one, call, began, hotline) if isinstance(one, Turn) else one for one in told.items],
        is_gap=lambda one: isinstance(one, Gap),
        replayed=told.replayed,
        same=not any(isinstance(one, Turn) and one.differs for one in told.items),
        asked=replay,
        trouble=trouble,
        titles={hotline.name: hotline.title for hotline in plan.hotlines} | {t.name: t.title for t in plan.teams},
        outcome=words.outcome(visit.texts, record.outcome) if record else visit.texts("läuft noch"),
    )


def _times(visit: Visit, call: str, live: CallView | None, record: Any) -> tuple[float, float]:
    if record is not None:
        return record.arrived_at, record.ended_at
    steps = visit.front.context.history(call)
    return (live.arrived_at if live else steps[0].at), visit.now


def _remembered(visit: Visit, call: str) -> Story:
    """From memory, where the journal has nothing."""
    turns = (Turn(0, step.at, step.event, tuple(step.commands), "") for step in visit.front.context.history(call))
    return Story(tuple(turns))


def _item(visit: Visit, turn: Turn, call: str, began: float, hotline: str) -> Item:
    _ = visit.texts
    step = step_out(turn, call)
    decisions = tuple(
        Decision(words.command(_, one.kind), one.because, _facts(visit, one.facts, hotline)) for one in step.commands
    )
    facts = {} if isinstance(turn.event, PhoneState | SiteRead) else step.facts
    return Item(
        turn.at,
        round(turn.at - began, 1) + 0.0,  # no negative zero
        words.event(_, step.event),
        _facts(visit, facts, hotline),
        decisions,
        _rejected(turn),
        turn.place,
        turn.seq,
        turn.differs,
        turn.plan,
    )


def _facts(visit: Visit, facts: dict[str, Fact], hotline: str) -> tuple[tuple[str, str], ...]:
    """hotline: whose topics are meant; several may have one of the same name."""
    plan = visit.front.context.plan()
    titles = {"team": {team.name: team.title for team in plan.teams}, "topic": topic_titles(plan, hotline)}
    found = []
    for name, value in facts.items():
        label = words.fact(visit.texts, name)
        if label and value not in (None, "", [], False):
            text = ", ".join(value) if isinstance(value, list) else str(value)
            if isinstance(value, float):
                text = visit.texts.number(value, 1)
            found.append((label, titles.get(name, {}).get(text) or words.value(visit.texts, name, text)))
    return tuple(found)


def _rejected(turn: Turn) -> tuple[tuple[str, str, str, int], ...]:
    """Candidates who were not rung, together by team and reason."""
    rung = {
        target.agent
        for command in turn.commands
        for target in getattr(command, "targets", ())
        if hasattr(target, "agent")
    }

    def key(one: Candidate) -> tuple[str, str, str]:
        return one.team, one.agreement, one.why_not or "free, but not his turn"

    counts = Counter(key(one) for one in turn.candidates if one.agent not in rung)
    return tuple((*found, number) for found, number in counts.items())


ROUTES = (
    *get("/anrufe", find),
    *post("/anrufe", find_number),
    *get("/anrufe/{site}/{id}", show),
    *post("/anrufe/{site}/{id}", replay),
)
