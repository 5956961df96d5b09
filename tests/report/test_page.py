"""The page: complete in both languages, nothing to load, few calls marked as few; data and table beside it."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date
from html.parser import HTMLParser

import pytest

from callrouter.core.commands import Unserved
from callrouter.report.book import Book
from callrouter.report.export import as_csv, as_json
from callrouter.report.page import WHY, as_html
from callrouter.report.period import Period
from tests.report.books import at, book, call, closed, demand

VOID = {"meta", "line", "rect", "br", "link", "img"}


class Page(HTMLParser):
    """Tags in their order, checked to be closed as they were opened; and what is read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def full() -> Book:
    """A day with something of everything."""
    calls = [call(at("2026-11-23 09:05"), answered=n % 5 > 0) for n in range(60)]
    calls += [call(at("2026-11-23 10:05"), wait_s=300.0, within_target=False, on_hold_s=20.0)]
    calls += [call(at("2026-11-23 11:05"), agreement="both", team="magdeburg", talk_s=600.0)]
    calls += [call(at("2026-11-23 12:05"), answered=False, unserved=why) for why in Unserved if why]
    calls += [closed(at("2026-11-23 07:10")), call(at("2026-11-23 13:05"), hotline="arge")]
    demands = [demand(at("2026-11-23 09:05"), 1 + n % 6, reached=n % 3 > 0) for n in range(40)]
    return book(*calls, demands=[*demands, demand(at("2026-11-23 09:05"), withheld=True)])


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("kind", ["day", "week", "month"])
def test_page_is_whole(language: str, kind: str) -> None:
    """Well-formed, no script, nothing from elsewhere, unique ids, and every picture with its words."""
    found = full()
    if kind != "day":
        found = book(call(at("2026-11-23 09:05")), period=Period(kind, date(2026, 11, 23), date(2026, 11, 29)))
    html = as_html(found, language)
    page = Page(html)
    assert page.all("html")[0]["lang"] == language
    assert not page.all("script")
    assert not re.search(r"(?:src|href)=\"(?!#)|url\(|@import|https?://", html)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for attributes in page.all("a")]
    assert {link[1:] for link in links if link} <= set(ids)
    for picture in page.all("svg"):
        named = picture.get("aria-labelledby")
        assert picture.get("aria-hidden") == "true" or (named and set(named.split()) <= set(ids))


def test_outside_text_is_escaped() -> None:
    """A title with angle brackets is text."""
    html = as_html(full(), "de")
    assert "ARGE &lt;Börde&gt;" in html
    assert "<Börde>" not in html


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", ["Montag, 23. November 2026", "knapp verfehlt", "Ziel 80\u00a0%", "Saldo", "78,3"]),
        ("en", ["Monday, 23 November 2026", "just missed", "Target 80%", "Balance", "78.3"]),
    ],
)
def test_words_and_numbers_are_of_the_language(language: str, words: list[str]) -> None:
    """Dates, decimal marks and every sentence."""
    calls = [call(at("2026-11-23 09:05"), answered=n < 47) for n in range(60)]
    demands = [demand(at("2026-11-23 09:05"), 2 if n < 5 else 1) for n in range(60)]
    text = Page(as_html(book(*calls, demands=demands), language)).text
    assert [word for word in words if word not in text] == []


def test_every_reason_has_its_words() -> None:
    """None that a call can have is left out of the page."""
    assert set(WHY) == {why for why in Unserved if why}
    assert all(why in WHY for why in full().calls.unserved)


def test_few_calls_are_marked() -> None:
    """Nineteen calls, all of them lost, give no verdict and no colour."""
    html = as_html(book(*[call(at("2026-11-23 09:05"), answered=False) for _ in range(19)]), "de")
    assert "weniger als 20: kein Urteil" in html
    assert "state-missed" not in html.partition("</style>")[2]
    assert 'class="number few-calls"' in html
    enough = as_html(book(*[call(at("2026-11-23 09:05"), answered=False) for _ in range(20)]), "de")
    assert "state-missed" in enough.partition("</style>")[2]


def test_a_day_that_is_not_over_says_so() -> None:
    """Who talks now is missing from it."""
    text = Page(as_html(book(call(at("2026-11-23 09:05")), now=at("2026-11-23 10:00")), "de")).text
    assert "noch nicht vorbei" in text


def test_json_holds_everything() -> None:
    """Totals are the sums of the hotlines', half hours and days; each half hour begins at its own instant."""
    data = json.loads(as_json(full()))
    total = data["total"]["calls"]
    for parts in (data["half_hours"], data["days"], [one["calls"] for one in data["hotlines"].values()]):
        for name in ("offered", "answered", "within_target", "closed"):
            assert sum(part[name] for part in parts) == total[name]
    assert data["half_hours"][18]["from"] == "2026-11-23T09:00:00+01:00"
    assert data["half_hours"][18]["share_within_target"] == {"value": 0.8, "small": False, "state": "met"}
    assert {one["agreement"]: one["calls"] for one in data["overflow"] if one["lender"] == "magdeburg"} == {"both": 1}
    assert total["on_hold_s"] == 20.0


def test_csv_is_a_table_of_whole_numbers() -> None:
    """One row for each hotline and half hour with calls, parted as asked; the sum is the report's."""
    found = full()
    rows = list(csv.DictReader(io.StringIO(as_csv(found, ";")), delimiter=";"))
    assert sum(int(row["offered"]) for row in rows) == found.calls.offered
    assert sum(int(row["closed"]) for row in rows) == found.calls.closed
    assert rows[0]["from"] == "2026-11-23T07:00:00+01:00"
    assert {row["hotline"] for row in rows} == {"agency-gera", "arge"}
    assert sum(int(row["ring_limit"]) for row in rows) == found.calls.unserved[Unserved.RING_LIMIT]
