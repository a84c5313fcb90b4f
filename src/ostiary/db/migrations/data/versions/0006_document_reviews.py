"""Reviews of documents: what was uploaded, found and decided.

Expands only: a process of the release before goes on beside this one. COMPATIBLE_FROM is the oldest release whose statements still fit.
"""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0001"


def upgrade() -> None:
    """Nothing yet."""
