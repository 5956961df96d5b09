"""What alembic runs: over the connection that `store/migrate.py` hands in, in its transaction."""

from __future__ import annotations

from alembic import context

from callrouter.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite alters tables by copying them
)
with context.begin_transaction():
    context.run_migrations()
