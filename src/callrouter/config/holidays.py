"""Public holidays of a German Land: which days, and what they are called. Knows nothing of opening hours.

The days are those by law for the whole Land. What holds in some of its municipalities only (Mariä Himmelfahrt in parts
of Bavaria, Fronleichnam in parts of Thüringen and Sachsen) is not among them: a hotline there names the date itself.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import holidays

_LANGUAGES = {"de": "de", "en": "en_US"}


@lru_cache(maxsize=256)
def _year(land: str, year: int, language: str) -> tuple[tuple[date, str], ...]:
    found = holidays.country_holidays("DE", subdiv=land, years=year, expand=False, language=_LANGUAGES[language])
    return tuple(sorted(found.items()))


def public_holidays(land: str, years: range, language: str = "de") -> dict[str, str]:
    """ISO date to name, in the order of the days. language: 'de' or 'en'."""
    return {day.isoformat(): name for year in years for day, name in _year(land, year, language)}
