"""Agreements are switched by direction; a switch from before is one without a borrower, for both."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_REST = (
    ("enabled", sa.Boolean, False),
    ("until", sa.Double, True),
    ("reason", sa.Text, False),
    ("switched_by", sa.Text, False),
    ("switched_at", sa.Double, False),
)


def _rest() -> list[sa.Column[object]]:
    return [sa.Column(name, kind, nullable=null) for name, kind, null in _REST]


def upgrade() -> None:
    op.rename_table("agreement_switch", "agreement_switch_old")
    op.create_table(
        "agreement_switch",
        sa.Column("direction", sa.String(128), primary_key=True),
        sa.Column("agreement", sa.String(64), nullable=False),
        sa.Column("borrower", sa.String(64), nullable=False),
        *_rest(),
        comment="switches that people set, each direction by itself; one that is not here stands as configured",
    )
    op.execute(
        "INSERT INTO agreement_switch SELECT agreement || '/', agreement, '', enabled, until, reason, switched_by, "
        "switched_at FROM agreement_switch_old"
    )
    op.drop_table("agreement_switch_old")


def downgrade() -> None:
    op.drop_table("agreement_switch")
    op.create_table(
        "agreement_switch",
        sa.Column("agreement", sa.String(64), primary_key=True),
        *_rest(),
        comment="switches that people set; an agreement that is not here stands as configured",
    )
