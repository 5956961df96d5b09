"""Asking a phone to answer the call that it rings for: by a second AMI user of its site, which does nothing else.

A NOTIFY with `Event: talk` goes to the phone inside the dialog of its INVITE: what desk phones call remote control
(Asterisk's `PJSIPNotify` with a Channel). Each time on a connection of its own: while nobody presses a key nobody is
logged in with that right.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from callrouter.ami import asking
from callrouter.ami.actions import BadOrder, unique_id
from callrouter.ami.session import Lost, Refused, Session
from callrouter.core.events import LegId

log = logging.getLogger(__name__)

WITHIN_S = 5.0  # connecting, logging in and asking; the caller waits meanwhile
AT_ONCE = 4  # connections to one site; Asterisk closes more than `authlimit` that have not logged in


@dataclass(frozen=True, slots=True)
class Login:
    """Where and as whom."""

    host: str
    port: int
    user: str
    secret: str
    tls: ssl.SSLContext | None


class Handsets:
    """logins: of the sites that have such a user."""

    def __init__(self, logins: Mapping[str, Login]) -> None:
        self.use(logins)

    def use(self, logins: Mapping[str, Login]) -> None:
        """From the next press on."""
        self._logins = dict(logins)
        self._turns = {site: asyncio.Semaphore(AT_ONCE) for site in logins}

    def can(self, site: str) -> bool:
        return site in self._logins

    async def answer(self, site: str, leg: LegId) -> bool:
        """Ask the phone at the end of this leg. False: it could not be asked. Whether it answers is another matter."""
        login = self._logins.get(site)
        if login is None:
            return False
        session = Session(login.host, login.port, login.tls, {}, frozenset(), lambda *_: None, log.warning)
        try:
            asked = {"Action": "PJSIPNotify", "Channel": unique_id(leg), "Variable": "Event=talk"}
            async with asyncio.timeout(WITHIN_S), self._turns[site]:
                await session.open()
                await asking.login(session, login.user, login.secret, WITHIN_S)
                await session.ask(asked, WITHIN_S)
        except (OSError, Lost, Refused, BadOrder) as error:
            log.warning("the phone of leg %s could not be asked to answer: %s", leg, error or "no answer in time")
            return False
        finally:
            session.close()
        return True
