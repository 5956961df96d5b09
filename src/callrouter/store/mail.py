"""E-mail on its way out, in SQL: what is to be sent is written with what causes it, so nothing is forgotten or doubled.

A message that was sent keeps its row, without recipient and text. Two services on one database never send one twice:
whoever claims it has it for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callrouter.core.callbacks import Callback
from callrouter.desk.mail import Mail, MailKind
from callrouter.store.schema import ESCALATION, MAIL
from callrouter.store.store import reading

LEASE_S = 300.0  # longer than any sending takes
WAITING_MAX = 20_000
_M, _E = MAIL.c, ESCALATION.c
_WAITING = and_(_M.sent_at.is_(None), _M.given_up_at.is_(None))


class OutboxFull(Exception):
    """So much waits to be sent that nothing is added: is the mail server away?"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is still to be sent. oldest_at: when the oldest was made; None: nothing waits."""

    number: int
    oldest_at: float | None


class Outbox:
    """All methods raise SQLAlchemyError or OSError."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def put(self, connection: AsyncConnection, mail: Mail) -> None:
        """Within the transaction of what causes it. Raises OutboxFull."""
        waiting = (await connection.execute(select(func.count()).where(_WAITING))).scalar_one()
        if waiting >= WAITING_MAX:
            raise OutboxFull
        values = {
            "id": mail.id, "kind": mail.kind.value, "about": mail.about, "recipient": mail.recipient,
            "subject": mail.subject.replace("\0", ""), "body": mail.body.replace("\0", ""), "reply_to": mail.reply_to,
            "made_at": mail.made_at, "not_before": mail.not_before, "tries": 0, "sent_at": None, "given_up_at": None,
            "trouble": "",
        }  # fmt: skip
        await connection.execute(insert(MAIL).values(values))

    async def claim(self, now: float, most: int = 20) -> list[Mail]:
        """Messages whose time has come; nobody else gets them until the lease is over. Each counts as a try."""
        due = select(MAIL).where(_WAITING, _M.not_before <= now).order_by(_M.not_before, _M.id).limit(most)
        claimed = []
        async with self._engine.begin() as connection:
            for row in (await connection.execute(due)).all():
                same = (_M.id == row.id, _M.tries == row.tries, _M.sent_at.is_(None))
                values = {"tries": row.tries + 1, "not_before": now + LEASE_S}
                if (await connection.execute(update(MAIL).where(*same).values(values))).rowcount == 1:
                    claimed.append(_mail(row))
        return claimed

    async def sent(self, mail: str, now: float) -> None:
        await self._end(mail, sent_at=now, trouble="")

    async def given_up(self, mail: str, now: float, trouble: str) -> None:
        await self._end(mail, given_up_at=now, trouble=trouble[:500])

    async def failed(self, mail: str, again_at: float, trouble: str) -> None:
        async with self._engine.begin() as connection:
            values = {"not_before": again_at, "trouble": trouble[:500]}
            await connection.execute(update(MAIL).where(_M.id == mail).values(values))

    async def waiting(self) -> Waiting:
        async with reading(self._engine) as connection:
            row = (await connection.execute(select(func.count(), func.min(_M.made_at)).where(_WAITING))).one()
        return Waiting(row[0], row[1])

    async def _end(self, mail: str, **values: Any) -> None:
        emptied = {"recipient": "", "subject": "", "body": "", "reply_to": ""}
        async with self._engine.begin() as connection:
            await connection.execute(update(MAIL).where(_M.id == mail).values(emptied | values))


class Escalations:
    """Who was written to about which overdue callback."""

    def __init__(self, engine: AsyncEngine, outbox: Outbox) -> None:
        self._engine = engine
        self._outbox = outbox

    async def told(self, callbacks: list[str]) -> set[tuple[str, int]]:
        """(callback, stage) that somebody was written to about."""
        found: set[tuple[str, int]] = set()
        async with reading(self._engine) as connection:
            for start in range(0, len(callbacks), 500):
                some = callbacks[start : start + 500]
                rows = await connection.execute(select(_E.callback, _E.stage).where(_E.callback.in_(some)))
                found |= {(row.callback, row.stage) for row in rows}
        return found

    async def tell(self, mail: Mail, stage: int, overdue: list[Callback]) -> None:
        """Keep the message and whom it is about, or neither. Raises IntegrityError: somebody else was first."""
        rows = [{"callback": one.id, "stage": stage, "mail": mail.id, "made_at": mail.made_at} for one in overdue]
        async with self._engine.begin() as connection:
            await connection.execute(insert(ESCALATION), rows)
            await self._outbox.put(connection, mail)


def _mail(row: Row[Any]) -> Mail:
    return Mail(
        row.id, MailKind(row.kind), row.about, row.recipient, row.subject, row.body, row.made_at, row.reply_to,
        row.not_before, row.tries + 1,
    )  # fmt: skip
