"""A folder of YAML files to a plan, or to every error in it at once, each with file:line:col and the mend.

Every *.yaml and *.yml file directly in the folder counts, in the order of their names; any file may hold any part.
Secrets are not looked up here.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from callrouter.config import kinds, offices, places, schema
from callrouter.config.articles import GUIDES, TEXTS, read_articles
from callrouter.config.build import make_desk, make_plan, years_from
from callrouter.config.draft import Draft
from callrouter.config.messages import did_you_mean, explain_all
from callrouter.config.model import Model
from callrouter.config.references import check_references
from callrouter.config.sense import check_sense
from callrouter.config.source import ConfigError, Place, Problem, Source
from callrouter.core.plan import Plan
from callrouter.desk.plan import Desk

SECTIONS: dict[str, type[Model]] = {
    "sites": schema.Site,
    "hotlines": schema.Hotline,
    "teams": schema.Team,
    "agreements": schema.Agreement,
    "departments": offices.Department,
    "places": places.Place,
    "service": schema.Service,
}
_NAMES: dict[str, TypeAdapter[str]] = {
    section: TypeAdapter(kinds.SiteName if section == "sites" else kinds.Name) for section in SECTIONS
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that can be used.

    plan.version is a hash of what the files say and of the days that hours have from the calendar: comments, layout and
    the files' names do not count, order does. So it is the same on every day of a year, and another in the next year
    (or with a release that knows of a new holiday): another version, another plan.
    network: what the plan leaves out, such as connections, trunks and the service.
    desk: what people do beside routing, as plain data. unguided: what is wrong with guides and public texts, which
    routing does not need. folder: with the files it was read from.
    """

    plan: Plan
    desk: Desk
    network: schema.Network
    warnings: tuple[Problem, ...]
    unguided: tuple[Problem, ...] = ()
    folder: Path | None = None


def utc_today() -> date:
    return datetime.now(UTC).date()


def load(folder: Path, today: date | None = None) -> Loaded:
    """Read, validate and cross-check. Raises ConfigError with all problems. Blocks on files: not for the event loop.

    today: whose year is the first for which holidays are known; without it this day, in UTC.
    """
    today = today or utc_today()
    source = Source()
    values = _read(folder, source)
    draft = Draft(source, years_from(today))
    entries: dict[str, Any] = {}
    for section, model in SECTIONS.items():
        if section == "service":
            draft.service = _entry(source, model, (section,), values[section], folder) or schema.Service()
            continue
        found = {name: _entry(source, model, (section, name), value, folder) for name, value in values[section].items()}
        entries[section] = {name: entry for name, entry in found.items() if entry is not None}
        setattr(draft, section, entries[section])
    draft.names = {section: frozenset(entries) for section, entries in values.items()}
    check_references(draft)
    check_sense(draft)
    if source.problems:
        raise ConfigError(tuple(sorted(set(source.problems))))
    network = schema.Network.model_construct(None, **entries, service=draft.service)
    plan = make_plan(network, "", today)
    version = hashlib.sha256(json.dumps([values, _calendar(plan)]).encode()).hexdigest()[:12]
    guides, about_guides = read_articles(folder, GUIDES, draft)
    texts, about_texts = read_articles(folder, TEXTS, draft)
    about = (*about_guides, *about_texts)
    warnings = tuple(sorted({*draft.warnings, *(one for one in about if one.warning)}))
    unguided = tuple(one for one in about if not one.warning)
    desk = replace(make_desk(network, today), guides=guides, texts=texts)
    return Loaded(replace(plan, version=version), desk, network, warnings, unguided, folder)


def _calendar(plan: Plan) -> list[list[str]]:
    """The dates of all hours; their spans are in the files."""
    every = [one.hours for one in plan.hotlines] + [one.window for one in plan.agreements]
    for one in plan.hotlines:
        every += [one.callback.hours, one.callback.working] if one.callback else []
    return [[day for day, _ in hours.days] if hours else [] for hours in every]


def _read(folder: Path, source: Source) -> dict[str, dict[str, Any]]:
    """Plain values per section and name, from all files; what cannot be read or stands twice is reported."""
    source.values[()] = Place(str(folder))
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    try:
        files = sorted(
            path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and not path.name.startswith(".")
        )
    except OSError as error:
        mend = "name the folder that holds the YAML files"
        raise ConfigError((Problem(Place(str(folder)), f"no such folder ({error.strerror})", mend),)) from None
    if not files:
        source.error(Place(str(folder)), "no *.yaml file here", "name the folder that holds the YAML files")
    for path in files:
        for section, key, node in source.read(path, str(path)):
            if section not in SECTIONS:
                source.error(key, f"unknown key '{section}'", did_you_mean(section, SECTIONS))
                continue
            source.keys.setdefault((section,), key)
            source.values.setdefault((section,), key)
            _merge(values[section], source, section, node, str(path))
    return values


def _merge(found: dict[str, Any], source: Source, section: str, node: Any, shown: str) -> None:
    """Add one file's part of a section."""
    for name, key, value in source.entries(node, section, shown):
        where = (section, name)
        if name in found:
            kind = "key" if section == "service" else section[:-1]
            other = source.keys[where]
            source.error(key, f"{kind} '{name}' stands in {other} already", "remove one of the two")
            continue
        found[name] = source.take(value, where, key, shown)


def _entry(source: Source, model: type[Model], where: tuple[str, ...], value: Any, folder: Path) -> Any:
    """One validated entry, or None with its errors reported."""
    section = where[0]
    good = True
    if len(where) == 2:
        try:
            _NAMES[section].validate_python(where[1])
        except ValidationError as errors:
            for finding in explain_all(model, errors):
                source.error(source.place(where, key=True), finding.what, finding.mend)
            good = False
    if value is None:
        source.error(source.place(where, key=True), f"'{where[-1]}' is empty", "write its keys under it, or remove it")
        return None
    if not isinstance(value, dict):
        source.error(source.place(where), f"'{where[-1]}' holds no mapping", "write 'key: value' lines under it")
        return None
    try:
        entry = model.model_validate(value, context={"folder": folder})
    except ValidationError as errors:
        bad = {problem.place for problem in source.problems}  # what could not be read is not also empty
        for finding in explain_all(model, errors):
            place = source.place((*where, *finding.loc), key=finding.key)
            if place not in bad:
                source.error(place, finding.what, finding.mend)
        return None
    return entry if good else None
