"""Alembic's entry for the keys tables."""

from alembic import context

from ostiary.db.migrate import run

run(context, "keys")
