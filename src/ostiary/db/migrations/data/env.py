"""Alembic's entry for the data tables: one connection, one transaction."""

from alembic import context

from ostiary.db.tables import metadata

with context.config.attributes["engine"].begin() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
