"""Alembic's entry for the data tables."""

from alembic import context

from ostiary.db.migrate import run

run(context, "data")
