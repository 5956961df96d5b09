"""Who set the switches that stand now. For pages; the router itself knows only how they stand."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.store.schema import AGREEMENT_SWITCH, HOTLINE_SWITCH
from callrouter.store.store import reading

Who = tuple[str, float, str]  # by, at, reason


async def switches(engine: AsyncEngine) -> tuple[dict[tuple[str, str], Who], dict[str, Who]]:
    """Of agreements by (name, borrower), and of hotlines by name. Raises SQLAlchemyError or OSError."""
    async with reading(engine) as connection:
        agreements = (await connection.execute(select(AGREEMENT_SWITCH))).all()
        hotlines = (await connection.execute(select(HOTLINE_SWITCH))).all()
    return (
        {(row.agreement, row.borrower): (row.switched_by, row.switched_at, row.reason) for row in agreements},
        {row.hotline: (row.switched_by, row.switched_at, row.reason) for row in hotlines},
    )
