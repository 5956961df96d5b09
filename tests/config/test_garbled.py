"""Whatever a file holds, loading ends in a plan or in errors with places: never in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callrouter.config.load import Loaded, load
from callrouter.config.source import ConfigError
from tests.config.folders import HERE

GOOD = (HERE / "a_network.yaml").read_text(encoding="utf-8")
MORE = """
agreements:
  gera-gotha: {borrower: agency-gotha, lender: agency-gera, reserve: {agency-gera: 1}, window: {Mon: 08:00-09:00}}
"""
WORDS = st.sampled_from(
    [
        "null",
        "true",
        "[]",
        "{}",
        "-1",
        "1e9",
        "nan",
        "''",
        "'%'",
        "&a x",
        "*a",
        "!t x",
        "0x1f",
        "2026-11-23",
        "~",
        "ä",
        "9999-12-31",
    ]
)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("garbled")


def _load(where: Path, text: str) -> Loaded | ConfigError:
    (where / "a.yaml").write_text(text, encoding="utf-8")
    try:
        return load(where)
    except ConfigError as error:
        return error


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(GOOD + MORE) - 1), size=st.integers(0, 40), put=st.text(max_size=6) | WORDS)
def test_garbled_text_is_refused_or_taken(where: Path, at: int, size: int, put: str) -> None:
    """Any stretch of a good file replaced by anything else."""
    text = GOOD + MORE
    garbled = text[:at] + put + text[at + size :]
    result = _load(where, garbled.encode("utf-8", "replace").decode())
    assert isinstance(result, Loaded) or all(problem.what for problem in result.problems)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_in_any_place_is_refused_or_taken(where: Path, data: st.DataObject) -> None:
    """Any value of a good file replaced by a value of another kind, its line kept."""
    lines = (GOOD + MORE).splitlines()
    candidates = [i for i, line in enumerate(lines) if ": " in line and not line.startswith("#")]
    i = data.draw(st.sampled_from(candidates))
    key, _, _ = lines[i].partition(": ")
    lines[i] = f"{key}: {data.draw(WORDS)}"
    result = _load(where, "\n".join(lines))
    if isinstance(result, ConfigError):
        assert all(problem.place.line for problem in result.problems)
