"""Asking the router to do something, and what to say when it does not. The same for the API and for pages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

import structlog

from callrouter.core.commands import Command, Ignored
from callrouter.core.events import Event
from callrouter.engine import NotDecided, Overloaded
from callrouter.web.context import Context
from callrouter.web.operations import Asked
from callrouter.web.problems import Fault

log = structlog.get_logger(__name__)


class Refused(Fault):
    """The router did nothing, because."""

    def __init__(self, because: str) -> None:
        super().__init__(HTTPStatus.CONFLICT, f"The router did nothing: {because}.")
        self.because = because


async def ask(context: Context, event: Event) -> Sequence[Command]:
    """Submit and wait. Raises Fault. An event that is late is not called back: it may still take effect."""
    unknown = "it may still do this. Look before you try again."
    try:
        async with asyncio.timeout(context.ask_s):
            commands = await context.ask(event)
    except Overloaded:
        raise unavailable("The router has too much to do; it did nothing. Try again.") from None
    except TimeoutError:
        raise unavailable(f"The router did not answer in time; {unknown}") from None
    except NotDecided as error:
        raise unavailable(f"The router did not decide ({error}); {unknown}") from None
    refused = next((command for command in commands if isinstance(command, Ignored)), None)
    if refused is not None:
        raise Refused(refused.because)
    return commands


def unavailable(detail: str) -> Fault:
    return Fault(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "5"})


async def audit(asked: Asked, what: str, why: str, before: str, after: str) -> None:
    """Write down who did what with the API; what was done stays done. Raises Fault."""
    try:
        await asked.context.audit(who=asked.token.name, what=what, why=why, before=before, after=after)
    except Exception:
        log.exception("no audit entry was written", who=asked.token.name, what=what, why=why)
        raise Fault(
            HTTPStatus.INTERNAL_SERVER_ERROR, "It is done, but the audit entry could not be written; the log has it."
        ) from None
