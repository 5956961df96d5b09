"""Listens to what the program logs: an exception in the log is a fault of ours unless the schedule explains it."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from tests.chaos.world import World

SQL = ("sql_away", "sql_full", "sql_unknown", "sql_slow")
# what may be logged with an exception, and under which faults
EXPECTED = {
    "the database cannot be read; routing begins as configured": SQL,
    "no audit entry was written": SQL,
    "%s: a message that Asterisk cannot have meant; are events being forged? %r": ("garbled",),
}


class Listener(logging.Handler):
    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._said: set[str] = set()

    def __enter__(self) -> Listener:
        structlog.configure(processors=[self._collect], cache_logger_on_first_use=False)
        root = logging.getLogger()
        root.handlers = [self]
        root.setLevel(logging.INFO)
        return self

    def __exit__(self, *_: object) -> None:
        structlog.reset_defaults()
        logging.getLogger().handlers = []

    def _collect(self, _logger: Any, method: str, event: Any) -> Any:
        text = str(event.pop("event"))
        raised = sys.exc_info() if event.pop("exc_info", None) else None
        self._hear(method, text, raised, f"{text} {event}")
        raise structlog.DropEvent

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        self._hear(
            "exception" if record.levelno >= logging.ERROR else level, record.msg, record.exc_info, record.getMessage()
        )

    def _hear(self, level: str, text: str, raised: Any, whole: str) -> None:
        self._world.note(f"log {level} {whole[:500]}")
        expected = any(self._world.kinds[kind] for kind in EXPECTED.get(text, ()))
        if (raised or level in ("exception", "critical")) and not expected and text not in self._said:
            self._said.add(text)
            where = "".join(traceback.format_tb(raised[2])[-2:]) if raised else ""
            self._world.broke(f"log: {whole[:600]} {raised[1] if raised else ''!r} {where}")
