"""Reviews of documents: what was uploaded, found and decided.

Expands only: a process of the release before goes on beside this one. COMPATIBLE_FROM is the oldest release whose statements still fit.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0001"


def upgrade() -> None:
    op.create_table(
        "document_upload",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_document_upload")),
    )
    op.create_index(op.f("ix_document_upload_tenant_expires_us"), "document_upload", ["tenant", "expires_us"])
    op.create_table(
        "document_review",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("plan", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("exports", sa.Integer(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("about", sa.LargeBinary(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_document_review")),
    )
    op.create_index(op.f("ix_document_review_tenant_created_us"), "document_review", ["tenant", "created_us"])
    op.create_table(
        "document_decision",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("review", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "review", "number", name=op.f("pk_document_decision")),
    )
