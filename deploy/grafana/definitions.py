"""The definitions that /metrics publishes, by the metric's name, so that each panel can carry those of its figures."""

from __future__ import annotations

import re
from functools import lru_cache

from callrouter.ami.linkstate import LinkState
from callrouter.core.plan import Plan
from callrouter.core.snapshot import Counts
from callrouter.measures import FLAGS, Measures
from callrouter.office.figures import OfficeFigures
from callrouter.reach import callback_families, record_families

PROMETHEUS = {"up": "1 while Prometheus reaches the router.", "ALERTS": "What fires now (Prometheus' own series)."}


class _Journal:
    trouble = ""
    lines_written = lines_lost = bytes_written = 0


@lru_cache(maxsize=1)
def _published() -> dict[str, str]:
    measures = Measures(Plan("-", (), (), (), (), ()))
    measures.watch_counts(lambda: Counts({}, {}, {}), lambda: 0)
    measures.watch_journal(_Journal())
    measures.watch_links(lambda: [LinkState("-")])
    measures.watch(lambda: record_families(0, 0, 0))
    measures.watch(lambda: callback_families((), ()))
    OfficeFigures(measures.registry, lambda: 0.0)
    for name in FLAGS:
        measures.watch_flag(name, lambda: True)
    return PROMETHEUS | {family.name: family.documentation for family in measures.registry.collect()}


def definitions(expressions: list[str]) -> list[str]:
    """`metric: its definition` for each metric that these queries ask for. Raises KeyError for one that is not there."""
    names: dict[str, None] = {}
    for expression in expressions:
        for name in re.findall(
            r"(?<!:)\b(?:callrouter|process)_\w+\b(?!:)|\bup\b|\bALERTS\b", re.sub(r'"[^"]*"', "", expression)
        ):
            family = re.sub(r"_(?:bucket|sum|count)$", "", name) if name not in _published() else name
            names[family if family in _published() else family.removesuffix("_total")] = None
    return [f"`{name}`: {_published()[name]}" for name in names if not name.endswith("_info")]
