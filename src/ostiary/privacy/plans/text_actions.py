"""Redacting by a plan and restoring, through the door. No text is kept: the log has counts, and a keyed digest of what was restored and for which purpose."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from ostiary import metrics
from ostiary.actions import Action, Call, Effect, JsonValue, Recorded, Risk, Route, Trace
from ostiary.audit.event import Decision
from ostiary.detection.categories import family_of
from ostiary.errors import NotFound, OstiaryError, RedactionUnfit
from ostiary.ids import TenantId
from ostiary.privacy.plans import work
from ostiary.privacy.plans.actions import UNSEEN, ChangeShown, Name, changes_shown
from ostiary.privacy.plans.plans import Found, Plans, Provided, Ready
from ostiary.redaction.operators import Surroundings
from ostiary.retention.certificate import canonical
from ostiary.shapes import Answer, Params, own_action

TEXT_CHARACTERS_MAX = 200_000
RESTORED = "redaction.restored"
"""The event beside a restoration: its digest is HMAC-SHA-256, with a key of the tenant, over what was handed in."""

Text = Annotated[str | None, Field(max_length=TEXT_CHARACTERS_MAX, json_schema_extra=UNSEEN)]
Value = Annotated[JsonValue, Field(json_schema_extra=UNSEEN)]


class _TextOrValue(Params):
    """A text in `text`, or any JSON value but null in `value`."""

    text: Text = None
    value: Value = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.text is None) == (self.value is None):
            raise ValueError("either `text` or `value` is given")
        return self


class Redact(_TextOrValue):
    """`subject`: whom it is about, so that all dates of a person are moved alike. `language` of the text, if known (ISO 639-1)."""

    plan: Name
    subject: Annotated[str, Field(max_length=200, json_schema_extra=UNSEEN)] = ""
    language: Annotated[str, Field(pattern="^([a-z]{2})?$")] = ""


class Redacted(Answer):
    """`counts`: what was replaced, by category; `changes`: where, in a text. `provider`: whether a model provider was asked as well: empty (the rule set does not
    want it), `used`, or `away` (it did not answer, and the rule set says that one goes on without)."""

    text: str | None
    value: JsonValue
    plan_version: int
    counts: dict[str, int]
    changes: list[ChangeShown]
    provider: Provided


class Restore(_TextOrValue):
    """`scope`: whose tokens they are. `purpose`: what for, in words that an auditor will read."""

    scope: Name
    purpose: Annotated[str, Field(min_length=3, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Restored(Answer):
    """`restored`: how many tokens; `refused`: how many stayed as they stand, by reason (`not_ours`: changed, or of another tenant, scope or category;
    `key_destroyed`; `no_string`: outside of any string of a JSON text)."""

    text: str | None
    value: JsonValue
    restored: int
    refused: dict[str, int]


def actions(plans: Plans) -> list[Action]:
    async def redact(call: Call, asked: Redact) -> Redacted:
        with _counted():
            ready = await plans.ready(call.tenant, asked.plan, provider=True)
            scope = ready.file.scope
            key = await plans.scope(call.tenant, scope, make=ready.file.keyed) if scope else None
            around = Surroundings(key, asked.subject, asked.language)
            deed, given = (work.redact_json, asked.value) if asked.text is None else (work.redact_text, asked.text)  # fmt: skip
            more, provider = await _asked(plans, call.tenant, ready, given, text=asked.text is not None)
            done = await plans.apart(call.tenant, deed, given, ready.file.plan, ready.rules, around, more)
        call.counts |= _by_family(done.counts)
        return Redacted(
            text=None if asked.text is None else done.value,
            value=done.value if asked.text is None else None,
            plan_version=ready.version,
            counts=done.counts,
            changes=changes_shown(done.changes),
            provider=provider,
        )

    async def restore(call: Call, asked: Restore) -> Restored:
        scope = await plans.scope(call.tenant, asked.scope, make=False)
        if scope is None:
            raise NotFound
        given = asked.value if asked.text is None else asked.text
        done = await plans.apart(call.tenant, work.restore, given, scope)
        digest = plans.vault.mac(call.tenant, "restored", canonical(given)).hex()
        call.traces.append(Trace(call.id, RESTORED, Decision.RAN, digest=digest))
        call.counts |= {"tokens.restored": done.restored, "tokens.refused": sum(done.refused.values())}
        for outcome, count in (("restored", done.restored), *done.refused.items()):
            metrics.RESTORED_TOKENS.labels(outcome).inc(count)
        return Restored(
            text=None if asked.text is None else done.value,
            value=done.value if asked.text is None else None,
            restored=done.restored,
            refused=done.refused,
        )

    return [
        own_action(
            "redaction.redact", "Redact a text", "What a plan finds in a text or a JSON value is replaced as the plan says. The text is not kept.", Redact, Redacted,
            redact, Route("POST", "/v1/redact"), permission="privacy.redact", recorded=Recorded.DURABLE, keeps_answer=False, tool=True,
        ),
        own_action(
            "redaction.restore", "Restore tokens", "Turns the reversible tokens of a scope back into what they stand for. What for is asked, and recorded; the values are not.",
            Restore, Restored, restore, Route("POST", "/v1/restore"), permission="privacy.restore", risk=Risk.MEDIUM, effect=Effect.NONE, recorded=Recorded.DURABLE,
            keeps_answer=False, tool=True, sentence="Restore tokens of {scope} for: {purpose}",
        ),
    ]  # fmt: skip


async def _asked(
    plans: Plans, tenant: TenantId, ready: Ready, given: JsonValue, *, text: bool
) -> tuple[Found, Provided]:
    """What a model provider finds beside ours, where the rule set wants it. Raises ProviderUnavailable."""
    if ready.asking is None:
        return {}, ""
    found = await plans.apart(tenant, work.look, given, ready.rules, text=text)
    return await plans.asked(tenant, ready.rules, ready.asking, found)


@contextmanager
def _counted() -> Iterator[None]:
    """What became of a text, for `/metrics`."""
    try:
        yield
    except OstiaryError as error:
        metrics.REDACTIONS.labels("unfit" if isinstance(error, RedactionUnfit) else "failed").inc()
        raise
    metrics.REDACTIONS.labels("done").inc()


def _by_family(counts: Mapping[str, int]) -> dict[str, int]:
    """For the log's envelope, which everybody may see who sees the log: families alone, since categories may be the tenant's own words."""
    found: dict[str, Any] = {}
    for category, count in counts.items():
        family = f"redacted.{family_of(category).value}"
        found[family] = found.get(family, 0) + count
    return found
