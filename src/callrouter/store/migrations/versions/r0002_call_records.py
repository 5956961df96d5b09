"""Call records, demands, and how far each journal has been read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_record",
        sa.Column("call", sa.String(64), primary_key=True),
        sa.Column("hotline", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("site", sa.String(16), nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("caller", sa.String(64)),
        sa.Column("withheld", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("arrived_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double, nullable=False),
        sa.Column("wait_s", sa.Double, nullable=False),
        sa.Column("talk_s", sa.Double, nullable=False),
        sa.Column("agent", sa.String(64)),
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("agreement", sa.String(64), nullable=False),
        sa.Column("within_target", sa.Boolean, nullable=False),
        sa.Column("offers", sa.Integer, nullable=False),
        sa.Column("cause", sa.Integer, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("target_s", sa.Double, nullable=False),
        sa.Column("window_s", sa.Double, nullable=False),
        sa.Column("demand", sa.String(64)),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        comment="calls that have ended, each once; caller: keyed hash, null when withheld or erased",
    )
    op.create_index("ix_call_record_ended_at", "call_record", ["ended_at"])
    op.create_index("ix_call_record_hotline_arrived_at", "call_record", ["hotline", "arrived_at"])
    op.create_index("ix_call_record_caller", "call_record", ["caller"])
    op.create_index("ix_call_record_demand", "call_record", ["demand"])
    op.create_table(
        "demand",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("hotline", sa.String(64), nullable=False),
        sa.Column("caller", sa.String(64)),
        sa.Column("withheld", sa.Boolean, nullable=False),
        sa.Column("first_at", sa.Double, nullable=False),
        sa.Column("last_at", sa.Double, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reached_at", sa.Double),
        sa.Column("reached_first", sa.Boolean, nullable=False),
        sa.Column("within_target", sa.Boolean, nullable=False),
        sa.Column("closes_at", sa.Double, nullable=False),
        sa.Column("closed_at", sa.Double),
        comment="attempts of one caller for one hotline within the redial window (ITU-T E.600)",
    )
    op.create_index("ix_demand_hotline_first_at", "demand", ["hotline", "first_at"])
    op.create_index("ix_demand_caller", "demand", ["caller"])
    op.create_index("ix_demand_closed_at", "demand", ["closed_at"])
    op.create_table(
        "journal_mark",
        sa.Column("journal", sa.String(64), primary_key=True),
        sa.Column("segment", sa.String(128), primary_key=True),
        sa.Column("place", sa.BigInteger, nullable=False),
        comment="how many bytes of each journal segment are in call_record",
    )
