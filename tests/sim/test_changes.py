"""Every sentence that can be said has the effect that it names."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from callrouter.config import schema
from callrouter.config.kinds import Count
from callrouter.config.load import load
from callrouter.core.plan import Plan
from callrouter.sim.case import make_case
from callrouter.sim.changes import AGREEMENT_SETTINGS, HOTLINE_SETTINGS, Setting
from callrouter.sim.figures import Key, Numbers
from callrouter.sim.runs import Job, numbers
from callrouter.sim.scenario import Scenario, understood_all

BUSY = {"per_day": 150, "profile": {"08:00-10:00": 1}}
CALLERS = {"arrivals": BUSY, "patience": {"kind": "exponential", "mean_s": 120}, "wrap_up": 30}
SCENARIO = Scenario.model_validate(
    {
        "start": "2026-11-23 08:00",
        "callers": {
            "agency-gera": CALLERS,
            "agency-magdeburg": CALLERS,
            "agency-halberstadt": CALLERS,
            "aachen": {**CALLERS, "desks": {"away": 0.3}},
        },
        "roster": {
            name: [{"agents": agents, "hours": "08:00-10:00"}]
            for name, agents in (("agency-gera", 4), ("agency-magdeburg", 14), ("aachen", 12))
        },
    }
)
GERA, MAGDEBURG, TOWN, AACHEN = "agency-gera", "agency-magdeburg", "agency-halberstadt", "aachen"
LATE = "team agency-magdeburg -4; hotline agency-magdeburg target_s=1"
LENT = Key("team", MAGDEBURG, "lent_calls")

# the sentence, said before in both variants, whose figure rises (+1) or falls (-1)
EFFECTS: list[tuple[str, str, Key, int]] = [
    ("agreement magdeburg-gera off", "", LENT, -1),
    ("agreement magdeburg-gera on", "agreement magdeburg-gera off", LENT, 1),
    ("agreement magdeburg-gera off at 09:00", "", LENT, -1),
    ("agreement magdeburg-gera off for agency-gera", "", LENT, -1),
    ("agreement magdeburg-gera reserve=agency-magdeburg:8", "", LENT, -1),
    ("agreement magdeburg-gera max_calls=1", "", LENT, -1),
    ("agreement magdeburg-gera max_calls=none", "agreement magdeburg-gera max_calls=1", LENT, 1),
    ("agreement magdeburg-gera after_s=60", "", LENT, -1),
    ("agreement magdeburg-gera lender_health=1", LATE, LENT, -1),
    ("team agency-gera +2", "", Key("hotline", GERA, "within"), 1),
    ("team agency-gera -2 08:30-09:30", "", Key("hotline", GERA, "within"), -1),
    ("team agency-gera =1", "", Key("team", GERA, "on_duty_h"), -1),
    ("hotline agency-gera calls +20%", "", Key("hotline", GERA, "offered"), 1),
    ("hotline agency-gera calls -20% from 09:00", "", Key("hotline", GERA, "offered"), -1),
    ("hotline agency-gera talk +30%", "", Key("hotline", GERA, "within"), -1),
    ("hotline agency-gera wrap_up +100%", "", Key("team", GERA, "calls"), -1),
    ("hotline agency-gera patience -50%", "", Key("hotline", GERA, "abandoned"), 1),
    ("hotline agency-gera closed 09:00-09:30", "", Key("hotline", GERA, "closed"), 1),
    ("hotline agency-gera ring_max_s=20", "", Key("hotline", GERA, "busied"), 1),
    ("hotline agency-gera ring_max_s=none", "", Key("hotline", GERA, "busied"), -1),
    ("hotline agency-gera target_s=5", "", Key("hotline", GERA, "within"), -1),
    ("hotline agency-gera target_s=5", "", Key("hotline", GERA, "demands_within"), -1),
    ("hotline aachen target_s=1", "hotline aachen pooled; team aachen -9", Key("hotline", AACHEN, "within"), -1),
    ("hotline agency-gera line_max=1", "", Key("hotline", GERA, "busied"), 1),
    ("hotline agency-halberstadt priority=1", "team agency-magdeburg -7", Key("hotline", TOWN, "within"), 1),
    ("hotline aachen pooled", "", Key("hotline", AACHEN, "within"), 1),
    ("hotline aachen closed 08:30-09:00", "", Key("hotline", AACHEN, "closed"), 1),
    ("site gera down 08:30-09:30", "", Key("hotline", GERA, "within"), -1),
    ("site gera down 08:30-09:30", "", Key("team", GERA, "calls"), -1),
    ("site gera up at 09:00", "site gera down at 08:30", Key("hotline", GERA, "within"), 1),
]


@cache
def network() -> Plan:
    return load(Path(__file__).parents[2] / "config").plan


@cache
def figures(said: str) -> Numbers:
    changes = understood_all(said, network(), SCENARIO.desks) if said else ()
    return numbers(Job(make_case(network(), SCENARIO, changes), 1, 0))


@pytest.mark.parametrize(
    ("sentence", "before", "key", "sign"), EFFECTS, ids=[f"{e[0]}, {e[2].figure}" for e in EFFECTS]
)
def test_a_sentence_has_its_effect(sentence: str, before: str, key: Key, sign: int) -> None:
    """With the same callers the figure that the sentence is about moves in its direction."""
    (above, below), (then, base) = figures(before)[key], figures(f"{before}; {sentence}")[key]
    assert (then / base - above / below) * sign > 0


def test_every_setting_is_looked_at() -> None:
    """None can be added without an effect that is tested."""
    said = " ".join(effect[0] for effect in EFFECTS)
    assert all(f"{name}=" in said for name in (*AGREEMENT_SETTINGS, *HOTLINE_SETTINGS))


@pytest.mark.parametrize(
    ("model", "name", "setting"),
    [
        *((schema.Agreement, name, one) for name, one in AGREEMENT_SETTINGS.items()),
        *((schema.Hotline, name, one) for name, one in HOTLINE_SETTINGS.items()),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_settings_are_bounded_as_in_the_configuration(model: type[BaseModel], name: str, setting: Setting) -> None:
    """What the files refuse cannot be said either, and the other way round."""
    field = model.model_fields[name]
    files: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])
    if name in ("reserve", "max_calls"):  # a number for one team, where the files also take one for each
        files = TypeAdapter(Count if name == "reserve" else Count | None)
    for value in (setting.low, setting.high, setting.low - 1, setting.high + 1, setting.low + 0.5, None):
        try:
            files.validate_python(value)
            taken = True
        except ValidationError:
            taken = False
        assert setting.takes(value) == taken, value
