"""Discovery: places, runs and what was found in them.

Expands only: a process of the release before goes on beside this one. COMPATIBLE_FROM is the oldest release whose statements still fit.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0001"


def upgrade() -> None:
    _places()
    _runs()
    _items()


def _places() -> None:
    op.create_table(
        "discovery_place",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("every_h", sa.Integer(), nullable=False),
        sa.Column("next_us", sa.BigInteger(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_discovery_place")),
    )


def _runs() -> None:
    op.create_table(
        "discovery_run",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=8), nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.LargeBinary(), nullable=True),
        sa.Column("totals", sa.LargeBinary(), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("looked", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("not_looked", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sa.Column("risk", sa.Integer(), nullable=False),
        sa.Column("begun_us", sa.BigInteger(), nullable=False),
        sa.Column("begun_by", sa.String(length=64), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_discovery_run")),
    )
    op.create_index(op.f("ix_discovery_run_tenant_place_id"), "discovery_run", ["tenant", "place", "id"])


def _items() -> None:
    op.create_table(
        "discovery_item",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("item", sa.LargeBinary(length=32), nullable=False),
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("looked_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("stamp", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.LargeBinary(), nullable=False),
        sa.Column("gone_us", sa.BigInteger(), nullable=True),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "place", "item", name=op.f("pk_discovery_item")),
    )
    op.create_index(
        op.f("ix_discovery_item_tenant_place_findings"), "discovery_item", ["tenant", "place", "findings"]
    )
    op.create_index(op.f("ix_discovery_item_tenant_place_run"), "discovery_item", ["tenant", "place", "run"])
