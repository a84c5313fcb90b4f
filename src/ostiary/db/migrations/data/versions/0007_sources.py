"""Sources: databases that may be asked, and agreements to statements.

Expands only: a process of the release before goes on beside this one. COMPATIBLE_FROM is the oldest release whose statements still fit.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0001"


def upgrade() -> None:
    op.create_table(
        "source",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=48), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("bound", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.LargeBinary(), nullable=False),
        sa.Column("tables", sa.LargeBinary(), nullable=False),
        sa.Column("indexed_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_source")),
    )
    op.create_table(
        "source_pass",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=48), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("binding", sa.LargeBinary(length=32), nullable=False),
        sa.Column("consent", sa.String(length=8), nullable=False),
        sa.Column("left_count", sa.Integer(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_source_pass")),
    )
    op.create_index(
        op.f("ix_source_pass_tenant_actor_binding"), "source_pass", ["tenant", "actor", "binding"]
    )
    op.create_index(op.f("ix_source_pass_tenant_expires_us"), "source_pass", ["tenant", "expires_us"])
