"""What can be subscribed to, and which recorded event is told under which type. Pure.

A type is `family.what`. An endpoint names types, whole families (`incident.*`), or everything (`*`). A family takes a permission: nobody is told, by way of a
webhook that they set up, what they may not look at.

There are two catalogues: what a tenant's webhooks are told of, and what the installation's are, which only its operator makes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ostiary.audit.event import Decision, Event
from ostiary.ids import INSTALL, TenantId

TEST = "webhook.test"
EVERYTHING = "*"
FAMILY = ".*"


@dataclass(frozen=True, slots=True)
class Type:
    """One type of notice. `title`: a line for people, as in a chat message."""

    name: str
    title: str
    description: str

    @property
    def family(self) -> str:
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`families`: the permission that a subscription to each takes."""

    families: Mapping[str, str]
    types: tuple[Type, ...]

    def permission(self, of: Type) -> str:
        return self.families[of.family]

    def is_pattern(self, text: str) -> bool:
        """Whether an endpoint may name this: a type, a family or everything."""
        if text == EVERYTHING or any(text == each.name for each in self.types):
            return True
        return text.endswith(FAMILY) and text.removesuffix(FAMILY) in self.families

    def permissions(self, patterns: Iterable[str]) -> frozenset[str]:
        """What one must hold to be told of all that these name."""
        named = list(patterns)
        return frozenset(self.permission(each) for each in self.types if matches(named, each.name))


CHECKPOINT = Type("audit.checkpoint", "A checkpoint was published", "The log's newest checkpoint, to be kept where nobody here can change it.")  # fmt: skip
DISABLED = Type("incident.webhook_disabled", "A webhook was switched off", "An endpoint said that it is gone, or failed for days; it is sent nothing any more.")  # fmt: skip
STOPPED = Type("incident.stopped", "Something was stopped", "A person stopped an agent, an action, a tenant's programs or everything.")  # fmt: skip
RESUMED = Type("incident.resumed", "Something goes on again", "A person let go on what was stopped.")

TENANT_TYPES = Catalogue({
    "approval": "approval.read",
    "audit": "audit.read",
    "discovery": "privacy.discover",
    "incident": "audit.read",
    "limit": "call.read",
    "privacy": "audit.read",
    "upstream": "connector.read",
}, (
    Type("approval.requested", "A call waits for a decision", "A call was held, and waits for a person to say yes or no."),
    Type("approval.decided", "A call was decided", "Somebody approved or rejected a held call."),
    Type("approval.expired", "Nobody decided in time", "A held call lapsed. Nothing of it was done."),
    CHECKPOINT,
    Type("audit.exported", "The log was exported", "Somebody asked for an export of the log."),
    Type("audit.publishing_changed", "Publishing of the log was changed", "Who cosigns and gets checkpoints, or whether anybody may read them, was changed."),
    Type("audit.refused", "A call was refused", "A member, key or session of this tenant was refused something: no permission, no contract, out of scope."),
    Type("discovery.finished", "A place was looked through", "A run of discovery has come to its end: how much is there, how much was found, and the risk."),
    Type("discovery.found", "Something new was found", "A run of discovery found kinds of sensitive data that were not in this place at the run before."),
    Type("incident.outcome_unknown", "The outcome of a call is unknown", "A call may or may not have had its effect; somebody has to look and settle it."),
    RESUMED,
    STOPPED,
    DISABLED,
    Type("limit.reached", "A limit was reached", "An agent, key, session or tenant has used up what it may."),
    Type("privacy.erased", "A person was erased", "An erasure has ended; its certificate can be fetched."),
    Type("privacy.erasure_asked", "An erasure was asked for", "Somebody asked that a person's data be erased for good."),
    Type("privacy.hold_changed", "A legal hold was changed", "A legal hold was placed or released."),
    Type("privacy.policy_changed", "The masking policy was changed", "Who sees which sensitive values was changed."),
    Type("privacy.retention_changed", "How long data is kept was changed", "A rule of retention was changed."),
    Type("upstream.quarantined", "A tool was put in quarantine", "An upstream's tool changed or is new; it cannot be called until a person accepts it."),
))  # fmt: skip

OPERATOR = "install.manage"
INSTALL_TYPES = Catalogue(dict.fromkeys(("access", "audit", "backup", "cell", "incident", "install", "keys", "operator", "tenant"), OPERATOR), (
    Type("access.refused", "A credential was refused", "Somebody showed a code, token or key that does not hold, or one whose time is over."),
    CHECKPOINT,
    Type("backup.failed", "A backup could not be verified", "A drill failed: that backup must not be relied upon."),
    Type("backup.restored", "A backup was restored", "The installation goes on from a backup."),
    Type("backup.taken", "A backup was taken", "A backup was written, whole; it is not yet proven."),
    Type("backup.verified", "A backup was verified", "The application ran on the restored copy, and every log was counted anew."),
    Type("cell.pinned", "A tenant was pinned to a cell", "From now on only the processes of its cell serve it."),
    Type("cell.returned", "A tenant came back from its cell", "The installation's own processes serve it again."),
    RESUMED,
    STOPPED,
    DISABLED,
    Type("install.upgraded", "Another release runs", "A process of another release than before has started on this database."),
    Type("keys.root_changed", "The root key was changed", "Tenants' keys are wrapped by another root key than before."),
    Type("keys.rotation_asked", "A tenant's key is rotated", "Somebody asked for a new version of a tenant's key."),
    Type("operator.second_factor_reset", "A second factor was reset", "The operator took somebody's second factor away, so that they can enrol another."),
    Type("operator.signed_in", "An operator signed in", "Somebody who operates the installation has opened a session."),
    Type("tenant.created", "A tenant was created", "A tenant was added to the installation."),
    Type("tenant.end_asked", "A tenant is to end", "An owner asked for the end of their tenant; it can be taken back for 30 days."),
    Type("tenant.ended", "A tenant was destroyed", "Its keys, rows and files are gone; there is a certificate."),
    Type("tenant.kept", "A tenant is kept", "The end of a tenant was taken back."),
    Type("tenant.quota_changed", "A quota was changed", "What a tenant may use was changed."),
))  # fmt: skip

BY_NAME: Mapping[str, Type] = {
    each.name: each for catalogue in (TENANT_TYPES, INSTALL_TYPES) for each in catalogue.types
}


def of(tenant: TenantId) -> Catalogue:
    """What the webhooks of a tenant, or of the installation, may be told of."""
    return INSTALL_TYPES if tenant == INSTALL else TENANT_TYPES


TOLD: Mapping[str, str] = {
    "audit.export": "audit.exported",
    "erasure.certified": "privacy.erased",
    "audit.publishing_put": "audit.publishing_changed",
    "hold.place": "privacy.hold_changed",
    "hold.release": "privacy.hold_changed",
    "privacy.policy_put": "privacy.policy_changed",
    "retention.put": "privacy.retention_changed",
    "shield.resume": "incident.resumed",
    "shield.stop": "incident.stopped",
    "subject.erase": "privacy.erasure_asked",
}
"""Actions that a tenant's webhooks are told of when they ran."""

TOLD_THE_OPERATOR: Mapping[str, str] = {
    "member.reset_second_factor": "operator.second_factor_reset",
    "quota.set": "tenant.quota_changed",
    "tenant.created": "tenant.created",
    "tenant.destroy": "tenant.end_asked",
    "tenant.keep": "tenant.kept",
    "tenant.pin": "cell.pinned",
    "tenant.unpin": "cell.returned",
    "vault.rotate_tenant": "keys.rotation_asked",
}
"""Actions that the installation's webhooks are told of when they ran, whichever log they are recorded in."""

IN_THE_INSTALLATIONS_LOG: Mapping[str, str] = {
    "backup.failed": "backup.failed",
    "backup.restored": "backup.restored",
    "backup.taken": "backup.taken",
    "backup.verified": "backup.verified",
    "erasure.certified": "tenant.ended",
    "install.root_changed": "keys.root_changed",
    "install.upgraded": "install.upgraded",
    "session.operator": "operator.signed_in",
    "shield.resume": "incident.resumed",
    "shield.stop": "incident.stopped",
}
"""Actions that they are told of only where its own log holds them."""

REFUSALS = frozenset({"access.forbidden", "access.scope", "access.surface", "access.subject", "contract.unknown"})  # fmt: skip
"""What a known actor was refused for trying more than was agreed: a mistake, a probe, or an agent that was talked into something."""

LOUD = frozenset({"access.refused", "audit.refused", "limit.reached"})
"""What an agent that runs in a circle, or a stranger, can cause as often as they like: of these, only so many a minute are told."""

CREDENTIALS = frozenset({"auth.code_refused", "auth.refused", "auth.replayed", "auth.signature_refused"})
"""What a stranger is refused who tries to be somebody."""

LIMITS: Mapping[str, str] = {"limit.reached": "limit.reached"}
"""Codes of a limit that somebody set; not of the shield's own rate, which is met in passing."""

_OF_A_QUESTION: Mapping[Decision, str] = {
    Decision.HELD: "approval.requested",
    Decision.APPROVED: "approval.decided",
    Decision.REJECTED: "approval.decided",
    Decision.EXPIRED: "approval.expired",
}


def type_of(event: Event) -> str:
    """Under which type a recorded event is told to its tenant's webhooks; empty for none."""
    if event.tenant == INSTALL:
        return ""
    if event.approval and event.decision in _OF_A_QUESTION:
        return _OF_A_QUESTION[event.decision]
    if event.decision is Decision.UNKNOWN:
        return "incident.outcome_unknown"
    if event.decision is Decision.RAN:
        return TOLD.get(event.action, "")
    if event.decision is Decision.REFUSED and event.actor_kind != "anonymous":
        return "audit.refused" if event.code in REFUSALS else LIMITS.get(event.code, "")
    return ""


def install_type_of(event: Event) -> str:
    """Under which type a recorded event is told to the installation's webhooks; empty for none."""
    if event.decision is Decision.RAN:
        told = TOLD_THE_OPERATOR.get(event.action, "")
        return told or (IN_THE_INSTALLATIONS_LOG.get(event.action, "") if event.tenant == INSTALL else "")
    refused = event.decision is Decision.REFUSED and event.tenant == INSTALL
    return "access.refused" if refused and event.code in CREDENTIALS else ""


def matches(patterns: Iterable[str], name: str) -> bool:
    """Whether an endpoint that names these is told of this type; a test goes to the endpoint that is tested, whatever it names."""
    family = name.partition(".")[0] + FAMILY
    return any(each in (EVERYTHING, name, family) for each in patterns)
