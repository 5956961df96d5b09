"""Callers to be rung back, and the outbound calls that were made for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "callback",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("hotline", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("site", sa.String(16), nullable=False),
        sa.Column("department", sa.String(64)),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("wish", sa.Text, nullable=False),
        sa.Column("call", sa.String(64)),
        sa.Column("caller", sa.String(64)),
        sa.Column("number", sa.Text),
        sa.Column("made_by", sa.Text),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("not_before", sa.Double),
        sa.Column("taken_by", sa.Text),
        sa.Column("rings", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("last_try_at", sa.Double),
        sa.Column("last_result", sa.String(16), nullable=False),
        sa.Column("done_at", sa.Double),
        sa.Column("done_by", sa.Text),
        sa.Column("result", sa.String(16)),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        comment="callers to be rung back; caller: keyed hash, number: sealed; both null when erased",
    )
    op.create_index("ix_callback_status_due_at", "callback", ["status", "due_at"])
    op.create_index("ix_callback_department_status", "callback", ["department", "status"])
    op.create_index("ix_callback_hotline_asked_at", "callback", ["hotline", "asked_at"])
    op.create_index("ix_callback_caller", "callback", ["caller"])
    op.create_index("ix_callback_done_at", "callback", ["done_at"])
    op.create_table(
        "callback_try",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("callback", sa.String(64)),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("hotline", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(64)),
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("began_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double, nullable=False),
        sa.Column("talk_s", sa.Double, nullable=False),
        sa.Column("result", sa.String(16), nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        comment="outbound calls that have ended, each once",
    )
    op.create_index("ix_callback_try_callback", "callback_try", ["callback"])
    op.create_index("ix_callback_try_ended_at", "callback_try", ["ended_at"])


def downgrade() -> None:
    op.drop_table("callback_try")
    op.drop_table("callback")
