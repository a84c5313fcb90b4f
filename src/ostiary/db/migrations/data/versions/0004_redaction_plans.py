"""Rule sets and redaction plans of a tenant.

Expands only: a process of the release before goes on beside this one. COMPATIBLE_FROM is the oldest release whose statements still fit.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0001"


def upgrade() -> None:
    op.create_table(
        "redaction_document",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("applied_us", sa.BigInteger(), nullable=False),
        sa.Column("applied_by", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "name", "version", name=op.f("pk_redaction_document")),
    )
