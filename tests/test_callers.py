"""Callers' keys: one caller has one, whatever the spelling of his number, and it tells nobody the number."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrouter.callers import BadKey, Callers, Ringable, kept_secret, normalise

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("text", ["01711234567", "+491711234567", "00491711234567", "491711234567", "0171 / 123 45 67"])
def test_one_spelling_for_one_number(text: str) -> None:
    """However a trunk delivers it, a number is the same caller."""
    assert normalise(text) == "+491711234567"


@pytest.mark.parametrize(
    ("text", "same"),
    [("+33 6 12 34 56 78", "+33612345678"), ("0033612345678", "+33612345678"), ("2001", "2001"), ("112", "112"),
     ("", ""), ("anonymous", ""), ("+", ""), ("00", "00")],
)  # fmt: skip
def test_foreign_short_and_withheld(text: str, same: str) -> None:
    """Foreign numbers keep their country, extensions stay as they are, no digits means withheld."""
    assert normalise(text) == same


@given(st.text(max_size=30))
def test_any_text_has_a_spelling(text: str) -> None:
    """Whatever a network sends as a number, nothing breaks, and the spelling is stable."""
    assert normalise(normalise(text)) == normalise(text)


def test_key_depends_on_the_secret_only() -> None:
    """The same number has the same key under one secret and another under another; withheld has none."""
    one, other = Callers(SECRET), Callers(SECRET + "x")
    assert one.key_of("01711234567") == one.key_of("+491711234567") == Callers(SECRET).key_of("0049 171 1234567")
    assert one.key_of("01711234567") != other.key_of("01711234567")
    assert one.key_of("") == ""
    assert len(one.key_of("01711234567")) == 32


def test_short_key_is_refused() -> None:
    """A key that could be guessed is no key."""
    with pytest.raises(BadKey, match="16 bytes"):
        Callers("short")


def test_secret_is_made_once_and_private(tmp_path: Path) -> None:
    """The file is made when it is missing, read again later, and only its owner can read it."""
    path = tmp_path / "state" / "caller.key"
    first = kept_secret(path)
    assert kept_secret(path) == first
    assert len(first) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["caller.key"]


@pytest.mark.parametrize(
    ("number", "rung"),
    [
        ("01711234567", "+491711234567"),
        ("+49 391 555 0142", "+493915550142"),
        ("004936512345678", "+4936512345678"),
        ("03222 1234567", "+4932221234567"),  # a national number, mostly VoIP
        ("", ""),
        ("anonymous", ""),
        ("1234", ""),
        ("110", ""),
        ("112", ""),
        ("0900 1234567", ""),  # premium
        ("0137 7123456", ""),  # votes
        ("0180 6123456", ""),  # shared cost
        ("0800 1234567", ""),
        ("0700 12345678", ""),
        ("+43 1 5880042", ""),  # Austria, and not named
        ("00881 6 12345678", ""),  # satellite
        ("030 23125 100", ""),  # one of our own
        ("+493023125100", ""),
        ("999999999999999999999", ""),
    ],
)
def test_only_ordinary_numbers_are_rung(number: str, rung: str) -> None:
    """Who keys in a number must not make us call something dear, far away, an emergency or ourselves."""
    assert Ringable(["DE"], ["030 23125-100"]).of(number) == rung


def test_other_countries_are_rung_when_they_are_named() -> None:
    """Both are; Germany only if it is among them."""
    assert Ringable(["DE", "AT"], []).of("+43 1 5880042") == "+4315880042"
    assert Ringable(["AT"], []).of("01711234567") == ""


@given(st.text(alphabet="0123456789*#+", max_size=20))
def test_whatever_is_keyed_in_is_a_number_or_none(digits: str) -> None:
    """E.164 with Germany's code, or nothing; never an exception."""
    assert re.fullmatch(r"(\+49[0-9]{4,13})?", Ringable(["DE"], []).of(digits))
