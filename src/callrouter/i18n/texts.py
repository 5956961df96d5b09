"""One language: its sentences, and how it writes numbers, times and shares.

The German text is the key of its translation, so there is no German catalogue; `en.po` is read as it is and nothing has
to be compiled. `python -m callrouter.i18n.extract` brings it up to date. Knows nothing of pages or reports.
"""

from __future__ import annotations

import gettext
from datetime import UTC, date, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES = ("de", "en")  # the first is the one of the code
FOLDER = Path(__file__).parent
_LOCALES = {"de": "de_DE", "en": "en_GB"}
_DAY = {"de": "EEE dd.MM.", "en": "EEE dd MMM"}
_DATE = {"de": "dd.MM.yyyy", "en": "dd/MM/yyyy"}


def mark(text: str) -> str:
    """Only says that this text is to be translated when it is shown."""
    return text


class Texts:
    """The words and forms of one language. Made by `texts`."""

    def __init__(self, language: str) -> None:
        assert language in LANGUAGES, language
        self.language = language
        self._locale = Locale.parse(_LOCALES[language])
        self._found = gettext.NullTranslations() if language == LANGUAGES[0] else _catalogue(language)

    def __call__(self, text: str, **values: object) -> str:
        """The sentence, with %(name)s filled in."""
        found = self._found.gettext(text)
        return found % values if values else found

    def plural(self, one: str, many: str, n: int, **values: object) -> str:
        """As `__call__`, by the number, which is %(n)s in the text."""
        return self._found.ngettext(one, many, n) % {"n": n, **values}

    gettext = property(lambda self: self._found.gettext)  # as jinja2.ext.i18n wants them
    ngettext = property(lambda self: self._found.ngettext)

    # ---- numbers

    def number(self, value: float, digits: int = 0) -> str:
        """1.234,5 or 1,234.5."""
        return format_decimal(value, f"#,##0.{'0' * digits}" if digits else "#,##0", locale=self._locale)

    def share(self, part: int, whole: int) -> str:
        """82,4 % or 82.4%; a dash where there is nothing to divide."""
        if not whole:
            return "–"
        return self.percent(part / whole, 1)

    def percent(self, share: float, digits: int = 0) -> str:
        """93 % or 93%, of a share from 0 to 1."""
        value = self.number(100 * share, digits)
        return f"{value}\u00a0%" if self.language == "de" else f"{value}%"

    # ---- times; `at` is UTC seconds, shown by the wall clock of `zone`

    def clock(self, at: float, zone: str) -> str:
        """10:42."""
        return f"{_local(at, zone):%H:%M}"

    def seconds(self, at: float, zone: str) -> str:
        """10:42:07."""
        return f"{_local(at, zone):%H:%M:%S}"

    def millis(self, at: float, zone: str) -> str:
        """10:42:07,204 or 10:42:07.204."""
        local = _local(round(at, 3), zone)
        return f"{local:%H:%M:%S}{',' if self.language == 'de' else '.'}{local.microsecond // 1000:03}"

    def day(self, at: float, zone: str) -> str:
        """Fr 20.11. or Fri 20 Nov."""
        text = format_date(_local(at, zone).date(), _DAY[self.language], locale=self._locale)
        return text.replace(".", "", 1) if self.language == "de" else text

    def whole_date(self, day: date) -> str:
        """Freitag, 20. November 2026 or Friday, 20 November 2026."""
        return format_date(day, "EEEE, d. MMMM yyyy" if self.language == "de" else "EEEE, d MMMM yyyy", self._locale)

    def month(self, day: date) -> str:
        """November 2026."""
        return format_date(day, "LLLL yyyy", self._locale)

    def weekday(self, number: int) -> str:
        """Mo or Mon; 0 is Monday."""
        return format_date(date(2024, 1, 1 + number), "EEE", locale=self._locale).rstrip(".")

    def long_day(self, day: date) -> str:
        """Freitag, 20. November 2026 or Friday, 20 November 2026."""
        return format_date(day, "full", locale=self._locale)

    def date(self, day: date) -> str:
        """20.11.2026 or 20/11/2026."""
        return format_date(day, _DATE[self.language], locale=self._locale)

    def moment(self, at: float, zone: str, now: float) -> str:
        """The time of day, with its date unless that is today's."""
        local = _local(at, zone)
        if local.date() == _local(now, zone).date():
            return f"{local:%H:%M}"
        return format_datetime(local, f"{_DATE[self.language]} HH:mm", locale=self._locale)


def duration(seconds: float) -> str:
    """m:ss, from an hour on h:mm:ss. The same in every language."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours}:{minutes_left:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@lru_cache(maxsize=len(LANGUAGES))
def texts(language: str) -> Texts:
    """The same object each time; reading a catalogue takes some ten milliseconds."""
    return Texts(language)


def preferred(header: str) -> str:
    """The language for an Accept-Language header (RFC 9110): of ours, the one with the most weight; else German."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, rest = part.strip().partition(";")
        name, _, weight = rest.strip().partition("=")
        try:
            value = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and 0.0 < value <= 1.0:
            wanted.append((-value, place, language))
    return min(wanted)[2] if wanted else LANGUAGES[0]


def _local(at: float, zone: str) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))


def _catalogue(language: str) -> gettext.GNUTranslations:
    compiled = BytesIO()
    with (FOLDER / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
