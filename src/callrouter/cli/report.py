"""`callrouter report`: how callers were served in a day, a week or a month, from the records in SQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from time import time
from zoneinfo import ZoneInfo

import click

from callrouter.config.load import Loaded, load
from callrouter.config.messages import did_you_mean
from callrouter.config.source import ConfigError
from callrouter.i18n import LANGUAGES
from callrouter.report import period as periods
from callrouter.report import records
from callrouter.report.book import Book, Targets
from callrouter.report.export import as_csv, as_json
from callrouter.report.page import as_html


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
@click.option("--day", metavar="DAY", help="Like 2026-11-23, or today, or yesterday (what it is about without any).")
@click.option("--week", metavar="WEEK", help="Monday to Sunday: like 2026-W48, or this, or last.")
@click.option("--month", metavar="MONTH", help="Like 2026-11, or this, or last.")
@click.option("--hotline", "hotlines", multiple=True, help="Only this one; may be given several times.")
@click.option("--format", "form", type=click.Choice(["html", "csv", "json"]), default="html", show_default=True)
@click.option("--lang", type=click.Choice(LANGUAGES), default="de", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="File to write; without it, it is printed.")
@click.option("--database", metavar="URL", help="SQLAlchemy URL, if it is another than the configuration names.")
def report(
    folder: Path,
    day: str | None,
    week: str | None,
    month: str | None,
    hotlines: tuple[str, ...],
    form: str,
    lang: str,
    out: Path | None,
    database: str | None,
) -> None:
    """Report how callers of the network in FOLDER were served, against what is aimed at.

    One HTML page that needs nothing else, a CSV table by hotline and half hour, or JSON with everything. Days are those
    of each hotline's own time zone. Reads beside a running service and changes nothing. Exit status: 1 when there are
    no calls, 2 when it could not be made.
    """
    try:
        loaded = load(folder)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        raise SystemExit(2) from None
    names = [one.name for one in loaded.plan.hotlines]
    for name in hotlines:
        if name not in names:
            raise click.BadParameter(f"hotline '{name}' does not exist; {did_you_mean(name, names)}")
    book = Book(loaded.plan, _period(loaded, day, week, month), hotlines or names, _targets(loaded), time())
    text = _made(book, database or loaded.network.service.database_url, form, lang)
    if out is None:
        click.echo(text, nl=False)
    else:
        _write(out, text)


def _made(book: Book, url: str, form: str, lang: str) -> str:
    try:
        asyncio.run(records.fill(book, url))
        known = asyncio.run(records.kept(url)) if book.empty else None
    except records.NoRecords as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None
    if book.empty:
        zone = next(iter(book.zones.values()), "UTC")
        days = [f"{periods.local(at, zone):%Y-%m-%d}" for at in known or ()]
        there = f"what is kept goes from {days[0]} to {days[1]}" if known else "the database holds no calls at all"
        first, last = book.period.first, book.period.last
        when = f"on {first}" if first == last else f"from {first} to {last}"
        click.echo(f"error: no calls {when} for these hotlines; {there}", err=True)
        raise SystemExit(1)
    match form:
        case "json":
            return as_json(book)
        case "csv":  # spreadsheets set to German part columns by semicolons
            return as_csv(book, ";" if lang == "de" else ",")
        case _:
            return as_html(book, lang)


def _period(loaded: Loaded, day: str | None, week: str | None, month: str | None) -> periods.Period:
    if sum(one is not None for one in (day, week, month)) > 1:
        raise click.UsageError("--day, --week and --month exclude each other")
    today = _today(loaded)
    try:
        if week is not None:
            return periods.week(week, today)
        if month is not None:
            return periods.month(month, today)
        return periods.day(day or "yesterday", today)
    except periods.NoPeriod as error:
        raise click.UsageError(str(error)) from None


def _today(loaded: Loaded) -> date:
    """By the clock of the first site."""
    zone = loaded.plan.sites[0].zone if loaded.plan.sites else "UTC"
    return datetime.now(UTC).astimezone(ZoneInfo(zone)).date()


def _targets(loaded: Loaded) -> Targets:
    aimed = loaded.network.service.pages.targets
    return Targets(aimed.answered, aimed.first, aimed.resolved)


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        click.echo(f"error: {out}: {error.strerror or error}", err=True)
        raise SystemExit(2) from None
    click.echo(f"{out}: {len(text.encode())} bytes")
