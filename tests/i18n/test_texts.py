"""Both languages are whole, and each writes numbers and times its own way."""

from __future__ import annotations

import re

import pytest

from callrouter.i18n import LANGUAGES, extract, preferred, texts
from callrouter.i18n.texts import duration

AT = 1_795_425_240.204  # 2026-11-23 10:14:00 in Berlin, a Monday
HOLES = re.compile(r"%\(\w+\)[a-z]|%%|%[a-z]|</?[a-z]+[^>]*>")


@pytest.mark.parametrize("language", LANGUAGES[1:])
class TestCatalogue:
    def test_is_up_to_date(self, language: str) -> None:
        """Every text of the code and the templates is in the catalogue, and no other: else run the extraction."""
        assert extract.written(extract.merged(language)) == extract.path(language).read_bytes()

    def test_lacks_nothing(self, language: str) -> None:
        """Every text has its twin."""
        assert [message.id for message in extract.missing(extract.kept(language))] == []

    def test_keeps_what_is_filled_in(self, language: str) -> None:
        """A twin has the same placeholders and tags as its text."""
        for message in extract.kept(language):
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            twins = message.string if isinstance(message.string, tuple) else (message.string,)
            for one, twin in zip(ids, twins, strict=True):
                if one:
                    assert sorted(HOLES.findall(one)) == sorted(HOLES.findall(twin)), one


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "de"),
        ("en-US,en;q=0.9", "en"),
        ("fr,de;q=0.5,en;q=0.4", "de"),
        ("de;q=0.1,en;q=0.9", "en"),
        ("en;q=0", "de"),
        ("en;q=x, ,;", "de"),
        ("zh", "de"),
    ],
)
def test_language_of_a_browser(header: str, language: str) -> None:
    """The language that the browser prefers among ours; German when it names none."""
    assert preferred(header) == language


def test_forms() -> None:
    """Numbers, shares, days and times are written as the language does."""
    de, en = texts("de"), texts("en")
    assert [de.number(1234.56, 1), en.number(1234.56, 1)] == ["1.234,6", "1,234.6"]
    assert [de.share(412, 500), en.share(412, 500), de.share(0, 0)] == ["82,4\u00a0%", "82.4%", "–"]
    assert [de.percent(0.996), en.percent(0.996), en.percent(0.5, 1)] == ["100\u00a0%", "100%", "50.0%"]
    zone = "Europe/Berlin"
    assert [de.day(AT, zone), en.day(AT, zone)] == ["Mo 23.11.", "Mon 23 Nov"]
    assert [de.clock(AT, zone), de.seconds(AT, zone)] == ["10:14", "10:14:00"]
    assert [de.millis(AT, zone), en.millis(AT, zone)] == ["10:14:00,204", "10:14:00.204"]
    assert [de.moment(AT, zone, AT + 60), en.moment(AT, zone, AT + 86_400)] == ["10:14", "23/11/2026 10:14"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (72.9, "1:12"), (3599, "59:59"), (3600, "1:00:00"), (-3, "0:00")]
)
def test_duration(seconds: float, text: str) -> None:
    """Minutes and seconds, hours when there are any."""
    assert duration(seconds) == text
