"""Log lines: one JSON object each from every logger, or text for people."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from aiohttp import web

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


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_exception_tells_no_values(form: str) -> None:
    """Its places and its own words are told; what stood in the variables there, such as a caller's number, is not."""
    stream = io.StringIO()
    logs.set_up("info", form, stream)
    caller = "036512345678"
    try:
        raise LookupError(f"{len(caller)} digits were not expected")
    except LookupError:
        structlog.get_logger("a").exception("broke")
    assert "12 digits were not expected" in stream.getvalue()
    assert "test_logs.py" in stream.getvalue()
    assert caller not in stream.getvalue()


async def test_what_is_no_http_is_answered_and_not_logged() -> None:
    """A line that is too long for a request: one who sends such cannot fill the log."""
    stream = io.StringIO()
    logs.set_up("info", "json", stream)
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    writer.write(b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    await runner.cleanup()
    assert stream.getvalue() == ""


def test_console_is_for_people() -> None:
    """On request lines are plain text."""
    stream = io.StringIO()
    logs.set_up("debug", "console", stream)
    structlog.get_logger("a").debug("shown", site="gera")
    assert "shown" in stream.getvalue()
    assert "site=gera" in stream.getvalue()
