"""Asking the router to do something, and what to say when it does not. The same for the API and for pages."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from callrouter.core.commands import Ignored
from callrouter.core.events import Event
from callrouter.engine import NotDecided, Overloaded
from callrouter.web.context import Context
from callrouter.web.problems import Fault


async def ask(context: Context, event: Event) -> None:
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
        raise Fault(HTTPStatus.CONFLICT, f"The router did nothing: {refused.because}.")


def unavailable(detail: str) -> Fault:
    return Fault(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "5"})
