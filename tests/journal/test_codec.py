"""The journal's codec: what goes in comes out, and what cannot is refused by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callrouter.core.commands import CallFinished, Command, Offer, Outcome, Target
from callrouter.core.events import CallEnded, Event, LegFailed, PlanReplaced, Result, SiteRead
from callrouter.core.plan import Agent, Agreement, Hotline, Hours, Plan, Site, Team
from callrouter.journal.codec import Codec, CodecError, to_json

CODEC = Codec(Event, Command, Plan)

texts = st.text(max_size=8)
numbers = st.floats(allow_nan=False) | st.integers()
st.register_type_strategy(float, numbers)
many = {"max_size": 2}
hours = st.none() | st.builds(Hours, weekly=st.just(()), days=st.just(()))
plans = st.builds(
    Plan,
    sites=st.lists(st.builds(Site), **many).map(tuple),
    hotlines=st.lists(st.builds(Hotline, hours=hours, topics=st.just(())), **many).map(tuple),
    teams=st.lists(st.builds(Team), **many).map(tuple),
    agents=st.lists(st.builds(Agent), **many).map(tuple),
    agreements=st.lists(st.builds(Agreement, window=hours), **many).map(tuple),
)
events = st.one_of(
    *[st.builds(cls) for cls in Event.__args__ if cls is not PlanReplaced],
    st.builds(PlanReplaced, st.just(Plan("v", (), (), (), (), ()))),
)
commands = st.one_of(*[st.builds(cls) for cls in Command.__args__])


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Leaf:
    colour: Colour
    age: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """Every shape that a checkpoint may have."""

    leaf: Leaf
    either: Leaf | CallEnded | None
    children: tuple[Node, ...] = ()
    pair: tuple[str, float] = ("", 0.0)
    by_name: dict[str, Leaf] = field(default_factory=dict)
    by_pair: dict[tuple[str, int], float] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    leaves: list[Leaf] = field(default_factory=list)
    maybe: Colour | None = None
    counts: dict[str, int] = field(default_factory=dict)


@settings(max_examples=60)
@given(events)
def test_event_comes_back(event: Event) -> None:
    """Every event, whatever its values, is the same after a round trip through text."""
    assert CODEC.loads(CODEC.dumps(event)) == event


@settings(max_examples=60)
@given(commands)
def test_command_comes_back(command: Command) -> None:
    """Every command is the same after a round trip, with its enums as enums and its tuples as tuples."""
    back = CODEC.loads(CODEC.dumps(command))
    assert back == command
    assert repr(back) == repr(command)


@settings(max_examples=100)
@given(events | commands)
def test_the_short_way_to_text_gives_the_same_text(value: Any) -> None:
    """A line is made by templates; it is letter for letter what the plain data would give."""
    assert CODEC.dumps(value) == to_json(CODEC.encode(value))


@settings(max_examples=15)
@given(plans)
def test_plan_comes_back(plan: Plan) -> None:
    """A whole plan is the same after a round trip."""
    assert CODEC.loads(CODEC.dumps(plan)) == plan


def test_every_shape_comes_back() -> None:
    """Nested, recursive and keyed shapes of a checkpoint survive."""
    node = Node(
        leaf=Leaf(Colour.RED, 3),
        either=CallEnded("gera/1", cause=17),
        children=(Node(Leaf(Colour.RED), None),),
        pair=("a", float("inf")),
        by_name={"x": Leaf(Colour.RED)},
        by_pair={("a", 1): 2.5},
        names=frozenset({"b", "a"}),
        leaves=[Leaf(Colour.RED)],
        maybe=Colour.RED,
        counts={"n": 1},
    )
    codec = Codec(Node)
    back = codec.loads(codec.dumps(node))
    assert back == node
    assert isinstance(back.leaf.colour, Colour)
    assert codec.dumps(back) == codec.dumps(node)


def test_lines_can_be_read_by_people() -> None:
    """A line names its class and fields, and enums are their words."""
    offer = Offer("gera/1", 1, (Target("gera/1001", "gera", "1001"),), 20, "longest idle")
    assert json.loads(CODEC.dumps(offer)) == {
        "_": "Offer",
        "call": "gera/1",
        "attempt": 1,
        "targets": [{"agent": "gera/1001", "site": "gera", "phone": "1001"}],
        "ring_s": 20,
        "because": "longest idle",
    }
    assert '"result":"no_answer"' in CODEC.dumps(LegFailed("gera/1", 1, "gera/2", Result.NO_ANSWER))


def test_older_lines_can_be_read() -> None:
    """A field that was added with a default may be missing in the text."""
    assert CODEC.loads('{"_":"SiteRead","site":"gera"}') == SiteRead("gera")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"_":"Nothing"}', "unknown class 'Nothing'"),
        ("{}", "unknown class None"),
        ("[]", "expected an object"),
        ('{"_":"CallEnded"}', "CallEnded: .*call"),
        ('{"_":"CallEnded","call":"gera/1","colour":"red"}', "CallEnded: .*colour"),
        ('{"_":"LegFailed","call":"c","attempt":1,"leg":"l","result":"odd"}', "LegFailed: .*odd"),
        ('{"_":"SiteRead","site":"gera","calls":[{"call":1}]}', "LiveCall"),
    ],
)
def test_wrong_text_is_refused(text: str, says: str) -> None:
    """Text that does not fit is refused with the class and what is wrong."""
    with pytest.raises(CodecError, match=says):
        CODEC.loads(text)


def test_unknown_class_is_refused() -> None:
    """An object that nobody declared is not written."""
    with pytest.raises(CodecError, match="Leaf is not known"):
        CODEC.dumps(Leaf(Colour.RED))


@dataclass
class _Mixed:
    odd: tuple[int, ...] | Leaf


@dataclass
class _Strange:
    odd: complex


@pytest.mark.parametrize("cls", [_Mixed, _Strange])
def test_ambiguous_type_is_refused_early(cls: Any) -> None:
    """A type that could not be read back is refused when the codec is made, not when a line is written."""
    with pytest.raises(CodecError):
        Codec(cls)


def test_two_classes_of_one_name_are_refused() -> None:
    """The class name is the tag, so it must be unique."""

    @dataclass
    class SiteRead:
        x: int

    with pytest.raises(CodecError, match="two classes"):
        Codec(SiteRead, Event)


def test_finished_call_keeps_its_numbers() -> None:
    """Floats are written so that the very same float is read."""
    finished = CallFinished(
        "gera/1",
        "h",
        "t",
        "gera",
        "0365",
        "",
        Outcome.ANSWERED,
        0.1 + 0.2,
        1e17,
        1 / 3,
        2,
        "a",
        "t",
        "",
        True,
        1,
        16,
        "x",
    )
    assert CODEC.loads(CODEC.dumps(replace(finished))) == finished
