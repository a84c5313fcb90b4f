"""Discovery: places, runs and what was found in them.

Expands only: a process of the release before goes on beside this one. COMPATIBLE_FROM is the oldest release whose statements still fit.
"""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0001"


def upgrade() -> None:
    """Nothing yet."""
