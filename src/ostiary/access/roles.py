"""The permissions, and the built-in roles as sets of them. A tenant adds roles of its own out of the same permissions.

viewer < developer, support < admin < owner. Only an owner reads the audit log, and may give that to a role of its own, such as `auditor`. The operator of the installation holds `install.manage` besides; no role contains it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ostiary.actions import Actor, ActorKind
from ostiary.errors import Forbidden

PERMISSIONS: dict[str, str] = {
    "approval.read": "see calls that wait for a person",
    "approval.decide": "approve or reject them",
    "audit.publish": "say who cosigns and gets the log's checkpoints, and whether anybody may read its hashes",
    "audit.read": "search the audit log and check its proofs",
    "audit.reveal": "open the sealed details of an event",
    "audit.export": "export the audit log",
    "call.read": "see calls and their outcomes",
    "call.settle": "settle a call of unknown outcome",
    "connector.read": "see connectors",
    "connector.manage": "add, change, test and remove connectors",
    "contract.read": "see contracts",
    "contract.call": "call contracted actions, within each contract's own roles",
    "contract.manage": "apply and remove contracts",
    "key.read": "see API keys (never their secrets)",
    "key.manage": "create, rotate and revoke API keys",
    "document.review": "upload documents, see them with what was found, and decide what goes",
    "document.export": "export redacted documents with their signed records",
    "intent.manage": "say which keys sign what people want of agents",
    "intent.say": "open sessions for agents, and say in them what is wanted",
    "me.own": "see and change one's own account",
    "member.read": "see members and roles",
    "member.manage": "add and remove members, change their roles",
    "policy.read": "see the policy: the mode, and what it asks and refuses beside the contracts",
    "policy.manage": "apply a policy, and try one on past calls",
    "privacy.read": "see the masking policy, rule sets and redaction plans, and try them on a text",
    "privacy.detect": "find and mask sensitive values in a text",
    "privacy.discover": "say where data lies, have it looked through for sensitive data, and see what was found where",
    "privacy.manage": "change the masking policy, rule sets and redaction plans",
    "privacy.redact": "redact texts by a redaction plan",
    "privacy.restore": "turn reversible tokens back into what they stand for",
    "retention.manage": "place and release legal holds, decide how long data is kept",
    "role.manage": "define the tenant's own roles",
    "session.own": "see and end one's own sessions",
    "limit.manage": "limit what agents, keys and people may do of what was agreed, and see what is used",
    "source.ask": "ask databases, as far as each source's policy opens them",
    "source.stream": "take rows out of databases as they come, where a source's policy lets them be streamed",
    "source.manage": "open databases to be asked: say who may read what of them, and take their tables in",
    "stop.manage": "stop agents, programs and actions, and let them go on",
    "subject.erase": "erase a person's data for good, and take the certificate",
    "tenant.manage": "change the tenant itself and its signing secret",
    "webhook.read": "see webhooks, how notices got to them, and who is mailed about approvals",
    "webhook.manage": "say where notices go and who is mailed about approvals",
    "install.manage": "create tenants; held by the operator of the installation, never through a role",
}

INSTALL_ONLY = frozenset({"install.manage"})
OWN = frozenset({"me.own", "session.own"})
"""What every person may do, whatever their role; a key has `me.own` alone."""

_VIEWER = OWN | {
    "approval.read",
    "call.read",
    "connector.read",
    "contract.read",
    "member.read",
    "policy.read",
    "privacy.read",
}
_DEVELOPER = _VIEWER | {
    "connector.manage",
    "contract.call",
    "contract.manage",
    "document.export",
    "document.review",
    "intent.say",
    "key.manage",
    "key.read",
    "privacy.detect",
    "privacy.redact",
    "source.ask",
    "source.stream",
}
_SUPPORT = _VIEWER | {
    "approval.decide",
    "call.settle",
    "contract.call",
    "document.export",
    "document.review",
    "intent.say",
    "privacy.detect",
    "privacy.redact",
    "source.ask",
}
_ADMIN = (
    _DEVELOPER
    | _SUPPORT
    | {
        "limit.manage",
        "intent.manage",
        "member.manage",
        "policy.manage",
        "privacy.discover",
        "privacy.manage",
        "role.manage",
        "source.manage",
        "stop.manage",
        "webhook.manage",
        "webhook.read",
    }
)
_OWNER = _ADMIN | {
    "audit.export",
    "audit.publish",
    "audit.read",
    "audit.reveal",
    "privacy.restore",
    "tenant.manage",
    "retention.manage",
    "subject.erase",
}

BUILT_IN: dict[str, frozenset[str]] = {
    "viewer": frozenset(_VIEWER),
    "developer": frozenset(_DEVELOPER),
    "support": frozenset(_SUPPORT),
    "admin": frozenset(_ADMIN),
    "owner": frozenset(_OWNER),
}
OWNER = "owner"

WITHHELD_FROM_AGENTS = frozenset(
    {
        "approval.decide",
        "audit.publish",
        "audit.reveal",
        "call.settle",
        "connector.manage",
        "contract.manage",
        "document.export",
        "document.review",
        "install.manage",
        "intent.manage",
        "intent.say",
        "key.manage",
        "member.manage",
        "policy.manage",
        "privacy.discover",
        "privacy.manage",
        "privacy.restore",
        "retention.manage",
        "role.manage",
        "session.own",
        "source.manage",
        "source.stream",
        "limit.manage",
        "stop.manage",
        "subject.erase",
        "tenant.manage",
        "webhook.manage",
    }
)
"""What an agent's key never holds, whatever role it was given: an agent that could approve, or mint a key that can, would need no one."""

ROLE_NAME = re.compile(r"[a-z][a-z0-9_]{1,31}")


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of permissions; `title` and `description` are for people."""

    name: str
    permissions: frozenset[str]
    built_in: bool
    title: str = ""
    description: str = ""


def built_in() -> list[Role]:
    """The built-in roles, least first."""
    return [Role(name, permissions, True, name.capitalize()) for name, permissions in BUILT_IN.items()]


def held_by(kind: ActorKind, granted: Iterable[str]) -> frozenset[str]:
    """What an actor of this kind holds, of what its roles grant."""
    permissions = frozenset(granted) - INSTALL_ONLY
    if kind is ActorKind.PERSON:
        return permissions | OWN
    if kind is ActorKind.AGENT:
        permissions -= WITHHELD_FROM_AGENTS
    return (permissions - OWN) | {"me.own"}


def must_hold(actor: Actor, permissions: frozenset[str]) -> None:
    """Nobody grants, changes or takes away what they do not hold themselves. Raises Forbidden."""
    if not permissions - OWN <= actor.permissions:
        raise Forbidden("You cannot give or take permissions that you do not hold yourself.")
