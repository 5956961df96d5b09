"""Sends what waits in the outbox over SMTP, again and again until the server takes it or refuses it for good."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import aiosmtplib
import structlog

from callrouter.desk.mail import Mail, MailKind
from callrouter.office.figures import OfficeFigures
from callrouter.office.rounds import nap, whole
from callrouter.store.mail import Outbox
from callrouter.store.store import FAULTS, said

log = structlog.get_logger(__name__)

EVERY_S = 5.0
TIMEOUT_S = 30.0
RETRY_FIRST_S = 60.0
RETRY_LONGEST_S = 3600.0
GIVE_UP_S = 3 * 86_400.0


@dataclass(frozen=True, slots=True)
class Server:
    """tls: starttls, always, never. user '': no login."""

    host: str
    port: int
    tls: str
    sender: str
    ca: Path | None = None
    user: str = ""
    password: str = ""
    title: str = ""  # the sender's name

    def client(self) -> aiosmtplib.SMTP:
        """Blocks on the certificates' file. Raises OSError."""
        context = None if self.tls == "never" else ssl.create_default_context(cafile=self.ca)
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user or None,
            password=self.password or None,
            use_tls=self.tls == "always",
            start_tls=self.tls == "starttls",
            tls_context=context,
            timeout=TIMEOUT_S,
        )


class Mailer:
    """Run `run()` as a task; `nudge()` when something was written."""

    def __init__(
        self, outbox: Outbox, server: Server | None, clock: Callable[[], float], figures: OfficeFigures
    ) -> None:
        """server None: nothing is sent, what is written waits."""
        self._outbox = outbox
        self._server = server
        self._clock = clock
        self._figures = figures
        self._wake = asyncio.Event()
        self.trouble = ""

    @property
    def sends(self) -> bool:
        return self._server is not None

    def nudge(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await whole(self.round())
            except FAULTS as error:
                log.error("the outbox cannot be read", error=said(error))
            await nap(self._wake, EVERY_S)

    async def round(self) -> int:
        """Try to send what is due; how many of them are done with. Raises SQLAlchemyError or OSError."""
        self._figures.mails = await self._outbox.waiting()
        if self._server is None or not self._figures.mails.number:
            return 0
        mails = await self._outbox.claim(self._clock())
        if not mails:
            return 0
        done = 0
        try:
            async with await asyncio.to_thread(self._server.client) as client:
                for mail in mails:
                    await self._send(client, mail)
                    done += 1
            self.trouble = ""
        except (aiosmtplib.SMTPException, OSError) as error:
            self.trouble = f"{type(error).__name__}: {error}"
            log.warning("the mail server cannot be used", error=self.trouble)
            for mail in mails[done:]:
                await self._again(mail, self.trouble)
        self._figures.mails = await self._outbox.waiting()
        return done

    async def _send(self, client: aiosmtplib.SMTP, mail: Mail) -> None:
        """Sent or refused. Raises what says that the server is gone."""
        assert self._server is not None
        try:
            await client.send_message(message(mail, self._server.sender, self._server.title))
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException, ValueError) as error:
            await self._refused(mail, error)
            return
        await self._outbox.sent(mail.id, self._clock())
        self._figures.sent.labels(mail.kind.value).inc()

    async def _refused(self, mail: Mail, error: Exception) -> None:
        """By the server's answer to this one message; 5xx (RFC 5321) is for good."""
        codes = [error.code] if isinstance(error, aiosmtplib.SMTPResponseException) else []
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            codes = [one.code for one in error.recipients]
        text = f"{type(error).__name__}: {error}"
        if codes and all(code < 500 for code in codes):
            await self._again(mail, text)
            return
        log.error("a message was refused", mail=mail.id, kind=mail.kind.value, error=text)
        await self._give_up(mail, text)

    async def _again(self, mail: Mail, why: str) -> None:
        self._figures.tries_failed.inc()
        now = self._clock()
        if now - mail.made_at > GIVE_UP_S:
            log.error("a message could not be sent for days", mail=mail.id, kind=mail.kind.value, error=why)
            await self._give_up(mail, why)
            return
        pause_s = min(RETRY_LONGEST_S, RETRY_FIRST_S * 2 ** min(10, mail.tries - 1))
        await self._outbox.failed(mail.id, now + pause_s, why)

    async def _give_up(self, mail: Mail, why: str) -> None:
        await self._outbox.given_up(mail.id, self._clock(), why)
        self._figures.given_up.labels(mail.kind.value).inc()


def message(mail: Mail, sender: str, title: str) -> EmailMessage:
    """Raises ValueError for a line break where none may be."""
    made = EmailMessage()
    made["From"] = Address(title, addr_spec=sender)
    made["To"] = Address(addr_spec=mail.recipient)
    made["Subject"] = mail.subject
    made["Date"] = format_datetime(datetime.fromtimestamp(mail.made_at, UTC))
    made["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    if mail.reply_to:
        made["Reply-To"] = Address(addr_spec=mail.reply_to)
    if mail.kind is MailKind.ESCALATION:
        made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence notice answers it
    made.set_content(mail.body)
    return made
