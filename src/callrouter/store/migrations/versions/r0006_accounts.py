"""Accounts of the pages, their roles and sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _account(**options: bool) -> sa.Column[int]:
    return sa.Column("account", sa.Integer, sa.ForeignKey("account.id", ondelete="CASCADE"), **options)  # type: ignore[arg-type]


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("password", sa.Text),
        sa.Column("must_change", sa.Boolean, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("subject", sa.String(512), unique=True),
        sa.Column("created_at", sa.Double, nullable=False),
        comment="who may log in to the pages",
    )
    op.create_table(
        "account_grant",
        _account(primary_key=True),
        sa.Column("role", sa.String(16), primary_key=True),
        sa.Column("scope", sa.String(64), primary_key=True),
        comment="the roles of each account",
    )
    op.create_table(
        "account_session",
        sa.Column("id", sa.String(64), primary_key=True),
        _account(nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
        comment="who is logged in; deleting a row logs him out",
    )
    op.create_index("ix_account_session_account", "account_session", ["account"])
    op.create_table(
        "known_browser",
        sa.Column("id", sa.String(64), primary_key=True),
        _account(primary_key=True),
        sa.Column("seen_at", sa.Double, nullable=False),
        comment="browsers that have logged in before: guessing by others does not keep them out",
    )


def downgrade() -> None:
    for table in ("known_browser", "account_session", "account_grant", "account"):
        op.drop_table(table)
