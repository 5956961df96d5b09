"""Call records say how long callers were on hold, and why nobody was reached."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What can still be said of older records.
_UNSERVED = {
    "abandoned": "gave_up_waiting",
    "busied": "ring_limit",
    "failsafe": "failsafe",
    "lost": "lost",
}


def upgrade() -> None:
    with op.batch_alter_table("call_record") as table:
        table.add_column(sa.Column("on_hold_s", sa.Double, nullable=False, server_default="0"))
        table.add_column(sa.Column("unserved", sa.String(32), nullable=False, server_default=""))
    record = sa.table("call_record", sa.column("outcome"), sa.column("unserved"))
    for outcome, unserved in _UNSERVED.items():
        op.execute(sa.update(record).where(record.c.outcome == outcome).values(unserved=unserved))
    with op.batch_alter_table("call_record") as table:
        table.alter_column("on_hold_s", server_default=None)
        table.alter_column("unserved", server_default=None)
