"""What can be asked of this room, the steps of its jobs, and its kinds of jobs."""

from ostiary.actions import Action
from ostiary.retention import erase_actions, erasing, hold_actions, purging, rule_actions
from ostiary.retention.ending import actions as ending_actions
from ostiary.retention.ending import destroying
from ostiary.retention.kinds import KeptKind
from ostiary.retention.services import AUDIT, DAYS_AUDIT, DAYS_AUDIT_MIN, Retention

KINDS = (purging.KIND, erasing.KIND, destroying.KIND)


LOG = KeptKind(
    AUDIT,
    "The log's contents",
    "What events say and their sealed details. Their hashes stay for good: old proofs still verify.",
    DAYS_AUDIT,
    DAYS_AUDIT_MIN,
    None,
)


def actions(retention: Retention) -> list[Action]:
    return [
        *hold_actions.actions(retention),
        *rule_actions.actions(retention),
        *erase_actions.actions(retention),
        *purging.actions(retention),
        *erasing.actions(retention),
        *ending_actions.actions(retention),
        *destroying.actions(retention),
    ]
