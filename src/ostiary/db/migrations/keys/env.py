"""Alembic's entry for the keys tables: one connection, one transaction."""

from alembic import context

from ostiary.db.tables import keys_metadata

with context.config.attributes["engine"].begin() as connection:
    context.configure(connection=connection, target_metadata=keys_metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
