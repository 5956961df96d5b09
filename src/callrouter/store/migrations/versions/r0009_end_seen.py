"""Call records say whether their end was told, or the call was found to be gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("call_record") as table:
        table.add_column(sa.Column("end_seen", sa.Boolean, nullable=False, server_default=sa.true()))
    with op.batch_alter_table("call_record") as table:
        table.alter_column("end_seen", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("call_record") as table:
        table.drop_column("end_seen")
