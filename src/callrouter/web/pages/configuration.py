"""The configuration in force, as a plan and as its files; and the route tester: the production router, asked ahead."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from aiohttp import web

from callrouter.core.explain import Answer, Question, QuestionError, ask, grouped
from callrouter.core.plan import Plan
from callrouter.web.board import site_of, topic_titles
from callrouter.web.routes import get
from callrouter.web.system import System
from callrouter.web.visit import Visit

FILES_MAX, BYTES_MAX = 50, 256 * 1024
WAITED_MAX_S = 3600.0
_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]+@")  # in an address, such as a database's


@dataclass(frozen=True, slots=True)
class File:
    name: str
    lines: tuple[str, ...]


async def show(visit: Visit) -> web.StreamResponse:
    """With a hotline in the query the tester's answer is shown."""
    plan = visit.front.context.plan()
    folder = visit.part(System).backstage.loaded().folder
    files = await asyncio.to_thread(_files, folder) if folder else []
    asked = {name: visit.request.query.getall(name) for name in set(visit.request.query)}
    answer, problem = await _test(visit, plan, asked) if asked.get("hotline") else (None, "")
    zone = plan.sites[0].zone
    now = datetime.fromtimestamp(visit.now, UTC).astimezone(ZoneInfo(zone))
    return visit.show(
        "configuration.html",
        status=422 if problem else 200,
        zone=zone,
        plan=plan,
        files=files,
        asked=asked,
        one=lambda name, otherwise="": (asked.get(name) or [otherwise])[0],
        at=f"{now:%Y-%m-%dT%H:%M}",
        answer=answer,
        fates=grouped(answer) if answer else (),
        problem=problem,
        titles={**{team.name: team.title for team in plan.teams}, **{h.name: h.title for h in plan.hotlines}},
        hotline_options=[(hotline.name, hotline.title) for hotline in plan.hotlines],
        topic_options=[
            ("", visit.texts("wie gewählt wird")),
            *topic_titles(plan, *(hotline.name for hotline in plan.hotlines)).items(),
        ],
        agreements=list(dict.fromkeys(agreement.name for agreement in plan.agreements)),
    )


async def _test(visit: Visit, plan: Plan, asked: dict[str, list[str]]) -> tuple[Answer | None, str]:
    """The production router's answer, or what is wrong with the question."""

    def first(name: str) -> str:
        return (asked.get(name) or [""])[0].strip()

    hotline = next((one for one in plan.hotlines if one.name == first("hotline")), None)
    if hotline is None:
        return None, visit.texts("Diese Hotline gibt es nicht.")
    site = site_of(plan, hotline.site)
    try:
        moment = datetime.fromisoformat(first("wann"))
        waited_s = float(first("gewartet") or 0)
        if not 0 <= waited_s <= WAITED_MAX_S:
            raise ValueError
    except ValueError:
        return None, visit.texts("Bitte geben Sie einen Zeitpunkt an, und höchstens 3600 Sekunden Wartezeit.")
    zone = ZoneInfo(site.zone if site else "UTC")
    switched = {name: first(f"v-{name}") for name in {one.name for one in plan.agreements}}
    topic = first("thema")
    question = Question(
        hotline.name,
        moment.replace(tzinfo=zone).timestamp(),
        topic if topic in {one.name for one in hotline.topics} else "",
        tuple(name.strip() for name in asked.get("besetzt", []) if name.strip()),
        tuple(name.strip() for name in asked.get("abgemeldet", []) if name.strip()),
        tuple(name for name, state in switched.items() if state == "aus"),
        tuple(name for name, state in switched.items() if state == "ein"),
        tuple(asked.get("gestoert", [])),
        waited_s,
    )
    try:
        return await asyncio.to_thread(ask, plan, question), ""
    except QuestionError as error:
        return None, str(error)


def _files(folder: Path) -> list[File]:
    """What stands in the folder now; secrets are only named there, and a password in an address is hidden."""
    found = []
    for path in sorted(folder.glob("*"))[:FILES_MAX]:  # none, if the folder has gone meanwhile
        if path.suffix in (".yaml", ".yml") and not path.name.startswith(".") and path.is_file():
            with path.open("rb") as file:
                text = file.read(BYTES_MAX).decode("utf-8", errors="replace")
            found.append(File(path.name, tuple(_PASSWORD.sub(r"\1:•••@", text).splitlines())))
    return found


ROUTES = get("/konfiguration", show)
