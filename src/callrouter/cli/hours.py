"""`callrouter hours`: a month of a hotline's opening hours as the router will keep them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import click

from callrouter.config.load import load
from callrouter.config.messages import did_you_mean
from callrouter.config.month import Day, Sheet, sheet
from callrouter.config.source import ConfigError
from callrouter.config.words import MONTHS
from callrouter.core.plan import Span

_DAYS = {"de": ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"], "en": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]}
_WORDS = {
    "de": {
        "closed": "geschlossen",
        "special_open": "besonderer Tag",
        "special_closed": "Schließtag",
        "forward": "Sommerzeit beginnt: dieser Tag hat 23 Stunden",
        "back": "Sommerzeit endet: dieser Tag hat 25 Stunden",
        "clock": "Zeitumstellung",
        "total": "{} Tage geöffnet, {} Stunden; Feiertage von {}, Uhr von {}",
    },
    "en": {
        "closed": "closed",
        "special_open": "special day",
        "special_closed": "closing day",
        "forward": "summer time begins: this day has 23 hours",
        "back": "summer time ends: this day has 25 hours",
        "clock": "clock change",
        "total": "open on {} days, {} hours; holidays of {}, clock of {}",
    },
}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
@click.option("--hotline", required=True, help="Name of the hotline.")
@click.option("--month", help="Like 2026-12; without it this month.")
@click.option("--lang", type=click.Choice(["de", "en"]), default="de", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a calendar.")
def hours(folder: Path, hotline: str, month: str | None, lang: str, as_json: bool) -> None:
    """Print when a hotline of FOLDER is open in one month: spans, public holidays, special days, clock changes."""
    first = _first_day(month)
    try:
        loaded = load(folder, first)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        raise SystemExit(1) from None
    names = [one.name for one in loaded.plan.hotlines]
    if hotline not in names:
        click.echo(f"error: hotline '{hotline}' does not exist; {did_you_mean(hotline, names)}", err=True)
        raise SystemExit(2)
    found = sheet(loaded, hotline, first.year, first.month, lang)
    click.echo(json.dumps(_as_json(found), ensure_ascii=False, indent=2) if as_json else _as_text(found, lang))


def _first_day(month: str | None) -> date:
    if month is None:
        return datetime.now(UTC).date().replace(day=1)
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        first = None
    if first is None or not 1970 <= first.year < 2999:
        raise click.BadParameter(f"'{month}' is no month; write it like 2026-12", param_hint="--month")
    return first


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}"


def _span(span: Span) -> str:
    return f"{_clock(span.from_s)}-{_clock(span.to_s)}"


def _why(day: Day, lang: str) -> str:
    words = _WORDS[lang]
    notes = [day.holiday] if day.holiday else []
    if day.special:
        notes.append(words["special_open" if day.spans else "special_closed"])
    if day.clock_s:
        notes.append(words[{3600: "forward", -3600: "back"}.get(day.clock_s, "clock")])
    return ", ".join(notes)


def _as_text(found: Sheet, lang: str) -> str:
    first = found.days[0].day
    words = _WORDS[lang]
    lines = [f"{found.title} ({found.hotline})", f"{MONTHS[lang][first.month - 1]} {first.year}", ""]
    spans = [", ".join(map(_span, day.spans)) or words["closed"] for day in found.days]
    width = max(map(len, spans))
    for day, text in zip(found.days, spans, strict=True):
        if day.day.weekday() == 0 and day.day.day > 1:
            lines.append("")
        head = f"{_DAYS[lang][day.day.weekday()]:3} {day.day.day:2}{'.' if lang == 'de' else ' '}"
        lines.append(f"  {head}  {text:{width}}  {_why(day, lang)}".rstrip())
    open_days = sum(day.open_s > 0 for day in found.days)
    total = sum(day.open_s for day in found.days) / 3600
    lines += ["", words["total"].format(open_days, f"{total:g}", found.land, found.zone)]
    return "\n".join(lines)


def _as_json(found: Sheet) -> dict[str, object]:
    return {
        "hotline": found.hotline,
        "title": found.title,
        "site": found.site,
        "land": found.land,
        "zone": found.zone,
        "month": found.days[0].day.isoformat()[:7],
        "days": [
            {
                "day": day.day.isoformat(),
                "weekday": _DAYS["en"][day.day.weekday()],
                "spans": [_span(span) for span in day.spans],
                "open_s": day.open_s,
                "holiday": day.holiday or None,
                "special": day.special,
                "clock_forward_s": day.clock_s,
            }
            for day in found.days
        ],
    }
