"""Hotlines that are closed by hand or play their notice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hotline_switch",
        sa.Column("hotline", sa.String(64), primary_key=True),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("until", sa.Double),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("switched_by", sa.Text, nullable=False),
        sa.Column("switched_at", sa.Double, nullable=False),
        comment="hotlines switched by hand; one that is not here is as configured",
    )


def downgrade() -> None:
    op.drop_table("hotline_switch")
