"""The tables. Times are UTC seconds. Names are the words of the project, so that people can ask the database."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, Integer, MetaData, String, Table, Text

METADATA = MetaData()

AGREEMENT_SWITCH = Table(
    "agreement_switch",
    METADATA,
    Column("agreement", String(64), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("until", Double),  # null: until switched again
    Column("reason", Text, nullable=False),
    Column("switched_by", Text, nullable=False),
    Column("switched_at", Double, nullable=False),
    comment="switches that people set; an agreement that is not here stands as configured",
)

AGENT_STATE = Table(
    "agent_state",
    METADATA,
    Column("agent", String(64), primary_key=True),
    Column("state", String(16), nullable=False),  # what the agent wants: ready, paused
    Column("reason", Text, nullable=False),
    Column("since", Double, nullable=False),
    comment="agents who are logged in; one who is not here is logged out",
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False, index=True),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    comment="who changed what, when, why, and what it was before; only ever added to",
)
