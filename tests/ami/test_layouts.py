"""Reading events by their layout gives, block for block, what reading them line by line gives."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from callrouter.ami.layouts import LAYOUTS_MAX, Reader
from callrouter.ami.protocol import Fields, parse
from callrouter.ami.translate import REPEATABLE
from tests.examples import examples

REQUIRED = {"Hangup": ("Channel", "Uniqueid")}
HEADERS = ("Channel", "Uniqueid", "ChanVariable", "ChanVariable", "Cause", "Privilege", "Output")
VALUES = st.one_of(
    st.sampled_from(["", "x", "CR_CALL=1", "CR_CALL=2", "CR_TRY=", "a: b", "\r", "\n", "\r\n", "\r\nUniqueid: forged"]),
    st.text("ab=:\r\n ", max_size=6),
)
LINES = st.lists(st.tuples(st.sampled_from(HEADERS), VALUES), max_size=8)
USUAL = ["Channel", "Uniqueid", "ChanVariable", "ChanVariable", "Cause"]
ALIKE = st.lists(VALUES, min_size=len(USUAL), max_size=len(USUAL)).map(lambda v: list(zip(USUAL, v, strict=True)))


def block(lines: list[tuple[str, str]]) -> str:
    return "\r\n".join(["Event: Hangup", *(f"{header}: {value}" for header, value in lines)])


def expected(text: str) -> Fields | None:
    fields = parse(text, REPEATABLE)
    return fields if fields is not None and all(name in fields for name in REQUIRED["Hangup"]) else None


NAMELESS = [
    [("Channel", ""), ("Uniqueid", ""), ("ChanVariable", ""), ("ChanVariable", last), ("Cause", "")]
    for last in ("x", "")
]


@example(NAMELESS)
@settings(max_examples=examples(100))
@given(st.lists(st.one_of(ALIKE, LINES), max_size=12))
def test_same_answer_as_line_by_line(blocks: list[list[tuple[str, str]]]) -> None:
    """Whatever came before, a block is read, or refused, exactly as if it were the first."""
    reader = Reader(REQUIRED, REPEATABLE)
    usual = [("Channel", "c"), ("Uniqueid", "u"), ("ChanVariable", "CR_CALL=1"), ("ChanVariable", "CR_TRY=2")]
    for lines in ([*usual, ("Cause", "16")], *blocks, *blocks):
        text = block(lines)
        assert reader.read("Hangup", text) == expected(text)


def test_a_variable_set_twice_is_refused_by_a_known_layout() -> None:
    """Two values of one variable cannot be what Asterisk meant, also when blocks of these headers came before."""
    reader = Reader(REQUIRED, REPEATABLE)
    sound = block([("Channel", "c"), ("Uniqueid", "u"), ("ChanVariable", "A=1"), ("ChanVariable", "B=2")])
    assert reader.read("Hangup", sound) == reader.read("Hangup", sound) == expected(sound)
    assert reader.read("Hangup", sound.replace("B=2", "A=2")) is None
    assert reader.read("Hangup", sound.replace("B=2", "C=2")) == expected(sound.replace("B=2", "C=2"))


def test_remembers_a_bounded_number() -> None:
    """Whoever makes up headers gains nothing: beyond the bound nothing is remembered, and all is read rightly."""
    reader = Reader(REQUIRED, REPEATABLE)
    for number in range(3 * LAYOUTS_MAX):
        text = block([("Channel", "c"), ("Uniqueid", "u"), *((f"H{at}", "") for at in range(number))])
        assert reader.read("Hangup", text) == expected(text)
    assert sum(len(some) for some in reader._known.values()) == LAYOUTS_MAX
    assert len(reader._known) <= LAYOUTS_MAX
