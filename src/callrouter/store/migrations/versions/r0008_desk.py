"""Results of calls, inquiries by the contact form, e-mail on its way out, escalations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "result",
        sa.Column("call", sa.String(64), primary_key=True),
        sa.Column("hotline", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("disposition", sa.String(16), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("department", sa.String(64)),
        sa.Column("callback", sa.String(64)),
        sa.Column("given_at", sa.Double, nullable=False),
        comment="what came of answered calls; one that is not here has no result (yet)",
    )
    op.create_index("ix_result_given_at", "result", ["given_at"])
    op.create_table(
        "inquiry",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("hotline", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("arrived_at", sa.Double, nullable=False),
        sa.Column("agent", sa.String(64)),
        sa.Column("given_at", sa.Double),
        sa.Column("taken_back", sa.Integer, nullable=False),
        sa.Column("draft", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("done_at", sa.Double),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        comment="what people wrote in the contact form",
    )
    op.create_index("ix_inquiry_status_arrived_at", "inquiry", ["status", "arrived_at"])
    op.create_index("ix_inquiry_done_at", "inquiry", ["done_at"])
    op.create_table(
        "mail",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("about", sa.String(64), nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("reply_to", sa.Text, nullable=False),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.Column("not_before", sa.Double, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.Double),
        sa.Column("given_up_at", sa.Double),
        sa.Column("trouble", sa.Text, nullable=False),
        comment="e-mail on its way out: written with what causes it, in one transaction",
    )
    op.create_index("ix_mail_sent_at_not_before", "mail", ["sent_at", "not_before"])
    op.create_table(
        "escalation",
        sa.Column("callback", sa.String(64), primary_key=True),
        sa.Column("stage", sa.Integer, primary_key=True),
        sa.Column("mail", sa.String(64), nullable=False),
        sa.Column("made_at", sa.Double, nullable=False),
        comment="who was written to about an overdue callback: each stage once",
    )
    op.create_index("ix_escalation_made_at", "escalation", ["made_at"])
