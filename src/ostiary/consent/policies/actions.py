"""What can be asked about a tenant's policy: look, check, apply, what was applied before, and try one on what was decided before."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from pydantic import Field

from ostiary.actions import Action, Call, Effect, JsonValue, Masking, Recorded, Risk, Route
from ostiary.audit.log import Audit
from ostiary.clock import SECOND_US, Clock, rfc3339
from ostiary.consent.policies import document
from ostiary.consent.policies.document import TEXT_BYTES_MAX, PolicyFile
from ostiary.consent.policies.policies import Policies
from ostiary.consent.policies.replay import Replayed, replayed
from ostiary.consent.quorum.needs import Needs
from ostiary.consent.rules import Rules
from ostiary.errors import Fault, InvalidParameters, NotFound, PolicyInvalid
from ostiary.ids import TenantId
from ostiary.shapes import Answer, ModelShape, Page, Params

SINCE_S = 7 * 86_400
SINCE_S_MAX = 400 * 86_400
EVENTS_A_PAGE = 1_000
EVENTS_A_PAGE_MAX = 5_000
INSTANT_US_MAX = 253_402_300_799_000_000

Text = Annotated[str, Field(max_length=TEXT_BYTES_MAX, examples=["version: 1\nmode: strict\n"])]
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]

ContractNames = Callable[[TenantId], Awaitable[frozenset[str]]]


class PolicyVersion(Params):
    """`version` 0 is the one that holds."""

    version: Version = 0


class CheckPolicy(Params):
    """`text` is the whole document, YAML or JSON."""

    text: Text


class ApplyPolicy(CheckPolicy):
    """The whole document replaces the one that holds. With `expected`, only if that is the version that holds (0: none)."""

    expected: Version | None = None


class ReplayPolicy(Params):
    """Past decisions of the last `since_s` seconds, under the policy in `text` (empty: the one that holds). A page looks at `limit` events, newest first; hand back
    `next` as `cursor` and `until_us` as it was, so that all pages are of one time."""

    text: Text = ""
    since_s: Annotated[int, Field(ge=1, le=SINCE_S_MAX)] = SINCE_S
    until_us: Annotated[int, Field(ge=0, le=INSTANT_US_MAX)] = 0
    cursor: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=EVENTS_A_PAGE_MAX)] = EVENTS_A_PAGE


class PolicyShown(Answer):
    """`version` 0: none was ever applied, and the defaults hold. `policy` is the canonical form, which can be applied again."""

    version: int
    hash: str
    applied_at: str | None
    applied_by: str
    policy: JsonValue


class PolicyChecked(Answer):
    """`mistakes` refuse it; `never_met` are names of contracts that fit none that stands: what is said of them has no effect now."""

    ok: bool
    mistakes: list[dict[str, str]]
    never_met: list[str]
    policy: JsonValue


class PolicyApplied(Answer):
    version: int
    hash: str


class PolicyVersionShown(Answer):
    version: int
    hash: str
    applied_at: str
    applied_by: str


class PolicyHistory(Answer):
    policies: list[PolicyVersionShown]
    next: str


class NeedsShown(Answer):
    """Who has to say yes: so many `people`, each with a role of every list of `approvers`; with `four_eyes` neither who asked nor who made its key."""

    people: int
    approvers: list[list[str]]
    four_eyes: bool


class FlipShown(Answer):
    """A call that would have gone otherwise. `before`, `after`: run, ask or refuse. `covered`: the earlier yes or pre-approval that answered the question then.
    `before_needs`, `after_needs`: who had, and would have, to say yes; null where nobody is asked."""

    call: str
    at: str
    action: str
    actor_kind: str
    actor_id: str
    before: str
    before_rule: str
    covered: str
    after: str
    after_rule: str
    reasons: list[dict[str, JsonValue]]
    before_needs: NeedsShown | None
    after_needs: NeedsShown | None


class ReplayShown(Answer):
    """`looked`: events; `decided`: decisions among them; `closed`: events that do not open any more (a key was destroyed), or whose row is not what was recorded.
    `next` 0: that was all."""

    hash: str
    since_us: int
    until_us: int
    looked: int
    decided: int
    closed: int
    flips: list[FlipShown]
    next: int


def _needs(needs: Needs | None) -> NeedsShown | None:
    if needs is None:
        return None
    approvers = [sorted(group) for group in needs.approvers]
    return NeedsShown(people=needs.quorum, approvers=approvers, four_eyes=needs.four_eyes)


class _Policy:
    """What the actions do."""

    def __init__(
        self, policies: Policies, audit: Audit, clock: Clock, contracts: ContractNames, *, step_up_s: int
    ) -> None:
        self._policies = policies
        self._audit = audit
        self._clock = clock
        self._contracts = contracts
        self._step_up_s = step_up_s

    async def show(self, call: Call, asked: PolicyVersion) -> PolicyShown:
        found = await self._policies.standing(call.tenant, asked.version)
        if found is None:
            if asked.version:
                raise NotFound
            default = PolicyFile(version=1)
            return PolicyShown(version=0, hash="", applied_at=None, applied_by="", policy=document.document_of(default))  # fmt: skip
        row, file = found
        return PolicyShown(
            version=row.version,
            hash=row.hash,
            applied_at=rfc3339(row.applied_us),
            applied_by=row.applied_by,
            policy=document.document_of(file),
        )

    async def check(self, call: Call, asked: CheckPolicy) -> PolicyChecked:
        try:
            file = document.read(asked.text)
        except PolicyInvalid as error:
            mistakes = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
            return PolicyChecked(ok=False, mistakes=mistakes, never_met=[], policy=None)
        met = document.never_met(file, await self._contracts(call.tenant))
        return PolicyChecked(ok=True, mistakes=[], never_met=met, policy=document.document_of(file))

    async def apply(self, call: Call, asked: ApplyPolicy) -> PolicyApplied:
        rules = await self._policies.put(call, document.read(asked.text), expected=asked.expected)
        return PolicyApplied(version=rules.version, hash=rules.hash)

    async def history(self, call: Call, asked: Page) -> PolicyHistory:
        if asked.cursor and not (asked.cursor.isdecimal() and len(asked.cursor) <= 9):
            raise InvalidParameters(faults=(Fault("/cursor", "hand back `next` as it was"),))
        before = int(asked.cursor) if asked.cursor else None
        rows = await self._policies.history(call.tenant, before=before, limit=asked.limit + 1)
        shown = rows[: asked.limit]
        return PolicyHistory(
            policies=[
                PolicyVersionShown(
                    version=row.version,
                    hash=row.hash,
                    applied_at=rfc3339(row.applied_us),
                    applied_by=row.applied_by,
                )
                for row in shown
            ],
            next=str(shown[-1].version) if len(rows) > len(shown) else "",
        )

    async def replay(self, call: Call, asked: ReplayPolicy) -> ReplayShown:
        rules = document.compiled(document.read(asked.text), 0) if asked.text else await self._policies.ready(call.tenant)  # fmt: skip
        until_us = asked.until_us or self._clock.now_us()
        since_us = max(0, until_us - asked.since_s * SECOND_US)
        page = await replayed(
            self._audit, call.tenant, rules, since_us=since_us, until_us=until_us, before=asked.cursor or None, limit=asked.limit,
            step_up_s=self._step_up_s,
        )  # fmt: skip
        return _shown(page, rules, since_us, until_us)


def _shown(page: Replayed, rules: Rules, since_us: int, until_us: int) -> ReplayShown:
    return ReplayShown(
        hash=rules.hash,
        since_us=since_us,
        until_us=until_us,
        looked=page.looked,
        decided=page.decided,
        closed=page.closed,
        flips=[
            FlipShown(
                call=flip.call,
                at=rfc3339(flip.at_us),
                action=flip.action,
                actor_kind=flip.actor_kind,
                actor_id=flip.actor_id,
                before=flip.before,
                before_rule=flip.before_rule,
                covered=flip.covered,
                after=flip.after,
                after_rule=flip.after_rule,
                reasons=flip.reasons,
                before_needs=_needs(flip.before_needs),
                after_needs=_needs(flip.after_needs),
            )
            for flip in page.flips
        ],
        next=page.next,
    )


def actions(
    policies: Policies, audit: Audit, clock: Clock, contracts: ContractNames, *, step_up_s: int
) -> list[Action]:
    """`contracts` gives the names that a tenant has agreed on, for advice."""
    policy = _Policy(policies, audit, clock, contracts, step_up_s=step_up_s)
    return [
        Action(
            "policy.show", "Show the policy", "The tenant's policy as it holds: the mode, and what it asks and refuses beside the contracts.", "policy.read",
            Risk.LOW, Effect.NONE, ModelShape(PolicyVersion), ModelShape(PolicyShown), policy.show,
            route=Route("GET", "/v1/policy"), masking=Masking.OWN, recorded=Recorded.BATCHED, sentence="Show the policy",
        ),
        Action(
            "policy.check", "Check a policy", "Every mistake in a policy document, and names in it that fit no contract. Nothing is changed.", "policy.read",
            Risk.LOW, Effect.NONE, ModelShape(CheckPolicy), ModelShape(PolicyChecked), policy.check,
            route=Route("POST", "/v1/policy/check"), masking=Masking.OWN, recorded=Recorded.BATCHED, sentence="Check a policy",
        ),
        Action(
            "policy.apply", "Apply a policy", "Replace the tenant's policy by a document, at once or not at all. Calls that wait for approval lapse: they were asked under another one.",
            "policy.manage", Risk.HIGH, Effect.LOCAL, ModelShape(ApplyPolicy), ModelShape(PolicyApplied), policy.apply,
            route=Route("PUT", "/v1/policy"), masking=Masking.OWN, step_up=True, sentence="Apply a policy",
        ),
        Action(
            "policy.history", "List applied policies", "Every policy that was applied, newest first: by whom and when.", "policy.read",
            Risk.LOW, Effect.NONE, ModelShape(Page), ModelShape(PolicyHistory), policy.history,
            route=Route("GET", "/v1/policy/history"), masking=Masking.OWN, recorded=Recorded.BATCHED, sentence="List applied policies",
        ),
        Action(
            "policy.replay", "Try a policy on past calls", "Which past calls would have gone otherwise under a policy. It decides again on the facts that the log keeps; nothing is done.",
            "policy.manage", Risk.LOW, Effect.NONE, ModelShape(ReplayPolicy), ModelShape(ReplayShown), policy.replay,
            route=Route("POST", "/v1/policy/replay"), masking=Masking.OWN, sentence="Try a policy on past calls", keeps_answer=False,
        ),
    ]  # fmt: skip
