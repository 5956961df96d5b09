"""Logging, set up in one place: structlog and the standard library's loggers come out the same way.

Where an exception came through is told by place, never with the values there: they hold callers' numbers, and a
router's whole state takes seconds to write down.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog
from aiohttp.http import HttpProcessingError
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

FORMATS = ("auto", "console", "json")


def _no_news(record: logging.LogRecord) -> bool:
    """What is no HTTP is answered so and is no fault of ours: anybody can send it, so only debuggers are told."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError) or logging.getLogger().isEnabledFor(logging.DEBUG)


def set_up(level: str = "info", form: str = "auto", stream: TextIO | None = None) -> None:
    """Lines to stderr: for people on a terminal, JSON elsewhere (form 'auto'). level: debug, info, warning, error."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json" or (form == "auto" and not stream.isatty()):
        last: list[Processor] = [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        last = [
            structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("aiohttp.server").addFilter(_no_news)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)  # its debug lines hold values
