"""Inquiries in SQL. What may be done with one is said in `desk/inquiries.py`; here it is kept, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callrouter.desk.inquiries import OPEN_MAX, Inquiry, InquiryStatus
from callrouter.desk.mail import Mail
from callrouter.store.mail import Outbox
from callrouter.store.schema import INQUIRY
from callrouter.store.store import reading

LOOK_MAX = 500
_I = INQUIRY.c
_ALIVE = _I.status.in_([InquiryStatus.OPEN.value, InquiryStatus.GIVEN.value])


class InquiriesFull(Exception):
    """So many wait that no more are taken: people had better call."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Inquiries of one hotline that are not done. oldest_at: UTC seconds."""

    hotline: str
    number: int
    oldest_at: float


class Inquiries:
    """All methods raise SQLAlchemyError or OSError."""

    def __init__(self, engine: AsyncEngine, outbox: Outbox) -> None:
        self._engine = engine
        self._outbox = outbox

    async def add(self, one: Inquiry) -> None:
        """Raises InquiriesFull."""
        async with self._engine.begin() as connection:
            alive = (await connection.execute(select(func.count()).where(_ALIVE))).scalar_one()
            if alive >= OPEN_MAX:
                raise InquiriesFull
            await connection.execute(insert(INQUIRY).values(_values(one)))

    async def get(self, inquiry: str) -> Inquiry | None:
        found = await self._find(_I.id == inquiry)
        return found[0] if found else None

    async def alive(self, most: int = LOOK_MAX) -> list[Inquiry]:
        """Those that are not done, the oldest first."""
        return await self._find(_ALIVE, most=most)

    async def backlog(self) -> list[Backlog]:
        query = select(_I.hotline, func.count(), func.min(_I.arrived_at)).where(_ALIVE).group_by(_I.hotline)
        async with reading(self._engine) as connection:
            return [Backlog(*row) for row in await connection.execute(query)]

    async def change(self, one: Inquiry, mail: Mail | None = None) -> bool:
        """Keep what became of it, with the message that this causes. False: meanwhile somebody else changed it."""
        async with self._engine.begin() as connection:
            done = await self._change(connection, one)
            if done and mail is not None:
                await self._outbox.put(connection, mail)
            return done

    async def _change(self, connection: AsyncConnection, one: Inquiry) -> bool:
        statement = update(INQUIRY).where(_I.id == one.id, _I.version == one.version - 1).values(_values(one))
        return (await connection.execute(statement)).rowcount == 1

    async def _find(self, *where: object, most: int = 1) -> list[Inquiry]:
        query = select(INQUIRY).where(*where).order_by(_I.arrived_at, _I.id).limit(most)  # type: ignore[arg-type]
        async with reading(self._engine) as connection:
            rows: Sequence[object] = (await connection.execute(query)).all()
        return [_inquiry(row) for row in rows]


def _values(one: Inquiry) -> dict[str, object]:
    values: dict[str, object] = {
        name: value.replace("\0", "") if isinstance(value, str) else value for name, value in asdict(one).items()
    }
    return values | {"status": one.status.value, "agent": one.agent or None}


def _inquiry(row: object) -> Inquiry:
    values = {field.name: getattr(row, field.name) for field in fields(Inquiry)}
    return Inquiry(**values | {"status": InquiryStatus(values["status"]), "agent": values["agent"] or ""})
