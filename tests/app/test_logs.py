"""Log lines: one JSON object each from every logger, or text for people."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from callrouter import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave logging as it was found."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_all_loggers_write_the_same_json() -> None:
    """structlog's and the standard library's lines have the same fields; an exception is data."""
    stream = io.StringIO()
    logs.set_up("info", "json", stream)
    structlog.get_logger("a").info("first", site="gera")
    logging.getLogger("b").warning("%s: second", "gera")
    try:
        raise ValueError("third")
    except ValueError:
        structlog.get_logger("c").exception("broke")
    structlog.get_logger("a").debug("not shown")
    first, second, third = map(json.loads, stream.getvalue().splitlines())
    assert (first["event"], first["site"], first["level"], first["logger"]) == ("first", "gera", "info", "a")
    assert (second["event"], second["level"], second["logger"]) == ("gera: second", "warning", "b")
    assert third["exception"][0]["exc_value"] == "third"
    assert all(line["timestamp"].endswith("Z") for line in (first, second, third))


def test_console_is_for_people() -> None:
    """On request lines are plain text."""
    stream = io.StringIO()
    logs.set_up("debug", "console", stream)
    structlog.get_logger("a").debug("shown", site="gera")
    assert "shown" in stream.getvalue()
    assert "site=gera" in stream.getvalue()
