"""The bytes of AMI."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrouter.ami.protocol import BadValue, Garbage, Splitter, encode, parse
from callrouter.ami.translate import REPEATABLE

from .test_translate import DATA

STREAM = (DATA / "call.ami").read_bytes()


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=40))
def test_the_stream_may_be_cut_anywhere(cuts: list[int]) -> None:
    """Segments are TCP's business; the blocks are the same."""
    splitter, blocks, at = Splitter(), list[str](), 0
    for cut in [*sorted(cuts), len(STREAM)]:
        blocks += splitter.feed(STREAM[at:cut])
        at = cut
    assert blocks == Splitter().feed(STREAM)


@given(data=st.binary(max_size=2000))
def test_any_bytes_are_survived(data: bytes) -> None:
    """Hostile bytes make blocks, rejects or Garbage; nothing else."""
    splitter = Splitter()
    try:
        splitter.feed(b"Asterisk Call Manager/1\r\n")
        for block in splitter.feed(data):
            parse(block, REPEATABLE)
        Splitter().feed(data)
    except Garbage:
        pass


def test_variables_become_lists_and_other_repeats_are_refused() -> None:
    """Several ChanVariable lines are normal; several Uniqueids are somebody's work."""
    assert parse("Event: X\r\nChanVariable: A=1\r\nChanVariable: B=", REPEATABLE) == {
        "Event": "X",
        "ChanVariable": ["A=1", "B="],
    }
    assert parse("Event: X\r\nChanVariable: A=1\r\nChanVariable: A=2", REPEATABLE) is None
    assert parse("Event: X\r\nUniqueid: 1\r\nUniqueid: 1", REPEATABLE) is None
    assert parse("Event: X\r\nno header", REPEATABLE) is None


@given(value=st.text())
def test_no_value_can_become_a_second_header(value: str) -> None:
    """Either it is refused, or it is one line of one action."""
    try:
        data = encode({"Action": "Setvar", "Value": value})
    except BadValue:
        return
    assert data.decode().splitlines() == ["Action: Setvar", f"Value: {value}", ""]


@pytest.mark.parametrize("fields", [{"A\r\nB": "x"}, {"A: B": "x"}, {"A": "x\x85y"}, {"A": "\x00"}])
def test_odd_names_and_values_are_refused(fields: dict[str, str]) -> None:
    """Names too."""
    with pytest.raises(BadValue):
        encode(fields)
