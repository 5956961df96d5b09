"""Calls are looked for by the time of their arrival."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_call_record_arrived_at", "call_record", ["arrived_at"])


def downgrade() -> None:
    op.drop_index("ix_call_record_arrived_at", "call_record")
