"""What can be asked of privacy: the policy, a change to it, and what a text would be found to hold."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field
from sqlalchemy import Connection

from ostiary.actions import Action, Call, Effect, Masking, Recorded, Risk, Route, Write
from ostiary.detection.categories import NAMES, Family, family_of
from ostiary.detection.engine import detect
from ostiary.detection.finding import Finding
from ostiary.errors import Conflict
from ostiary.ids import TenantId
from ostiary.privacy import store
from ostiary.privacy.masking import MASKED, mask_text
from ostiary.privacy.policy import Masker
from ostiary.shapes import Answer, Empty, ModelShape, Params

ROLES_MAX = 64
TEXTS_MAX = 32
TEXT_CHARACTERS_MAX = 10_000

Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]


NAMED_MAX = 512
"""Families and categories that one role may be shown by name."""


def _known(name: str) -> str:
    if name not in NAMES:
        raise ValueError("this is no category and no family")
    return name


Named = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$"), AfterValidator(_known)]


class PolicyShown(Answer):
    """Which families and categories each role sees unmasked; `categories` are the families that are masked. Version 0: never set, nothing is shown to anybody."""

    version: int
    shown: dict[str, list[str]]
    categories: list[Family]


class PolicyPut(Params):
    """The whole policy: families (`national_id`) and categories (`us_ssn`) by role. `version`, if given, must be the one that stands: else somebody changed it in between."""

    shown: Annotated[
        dict[Role, Annotated[list[Named], Field(max_length=NAMED_MAX)]], Field(max_length=ROLES_MAX)
    ]
    version: Annotated[int, Field(ge=0, le=2**31 - 2)] | None = None


class Detect(Params):
    """Texts to look at; nothing of them is kept."""

    texts: Annotated[
        list[Annotated[str, Field(max_length=TEXT_CHARACTERS_MAX)]], Field(min_length=1, max_length=TEXTS_MAX)
    ]


class Found(Answer):
    """One finding; offsets count code points, `end` is exclusive."""

    start: int
    end: int
    category: str
    family: Family
    country: str
    score: float
    why: str


class Detected(Answer):
    """The findings and the masked form of each text, in the order of the texts."""

    findings: list[list[Found]]
    masked: list[str]


def actions(masker: Masker) -> list[Action]:
    """The room's actions over one masker."""

    async def policy_show(call: Call, _params: Empty) -> PolicyShown:
        policy = await masker.policy(call.tenant)
        return _answer(policy.version, policy.shown)

    async def policy_put(call: Call, params: PolicyPut) -> PolicyShown:
        standing = (await masker.policy(call.tenant)).version
        if params.version not in (None, standing):
            raise Conflict("The policy has been changed since; read it again.")
        shown = {role: frozenset(map(str, named)) for role, named in params.shown.items() if named}
        call.write(_replacement(call.tenant, shown, standing=standing, at_us=call.at_us))
        return _answer(standing + 1, shown)

    async def look(_call: Call, params: Detect) -> Detected:
        return await asyncio.to_thread(_detected, params.texts)

    return [
        Action(
            name="privacy.policy_show",
            title="Show the privacy policy",
            description="Which categories of sensitive data each role sees unmasked. What is not listed is masked.",
            permission="privacy.read",
            risk=Risk.LOW,
            effect=Effect.NONE,
            params=ModelShape(Empty),
            result=ModelShape(PolicyShown),
            run=policy_show,
            route=Route("GET", "/v1/privacy/policy"),
            recorded=Recorded.BATCHED,
            masking=Masking.OWN,
        ),
        Action(
            name="privacy.policy_put",
            title="Change the privacy policy",
            description="Replaces the whole policy: which categories of sensitive data each role sees unmasked.",
            permission="privacy.manage",
            risk=Risk.HIGH,
            effect=Effect.LOCAL,
            params=ModelShape(PolicyPut),
            result=ModelShape(PolicyShown),
            run=policy_put,
            route=Route("PUT", "/v1/privacy/policy"),
            masking=Masking.OWN,
            sentence="Change which roles see which sensitive data",
        ),
        Action(
            name="privacy.detect",
            title="Find sensitive data in texts",
            description="The sensitive spans of each text and its masked form. The texts are not kept.",
            permission="privacy.detect",
            risk=Risk.LOW,
            effect=Effect.NONE,
            params=ModelShape(Detect),
            result=ModelShape(Detected),
            run=look,
            route=Route("POST", "/v1/privacy/detect"),
            masking=Masking.OWN,
        ),
    ]


def _replacement(
    tenant: TenantId, shown: Mapping[str, frozenset[str]], *, standing: int, at_us: int
) -> Write:
    """The rows of a new policy; refused if another change was committed first."""

    def rows(connection: Connection) -> None:
        if store.version(connection, tenant) != standing:
            raise Conflict("The policy has been changed since; read it again.")
        store.replace(connection, tenant, shown, version=standing + 1, at_us=at_us)

    return rows


def _answer(version: int, shown: Mapping[str, frozenset[str]]) -> PolicyShown:
    listed = {role: sorted(named) for role, named in sorted(shown.items())}
    return PolicyShown(version=version, shown=listed, categories=list(MASKED))


def _detected(texts: list[str]) -> Detected:
    found = [[_found(finding) for finding in findings] for findings in detect(texts)]
    return Detected(findings=found, masked=[mask_text(text)[0] for text in texts])


def _found(finding: Finding) -> Found:
    return Found(
        start=finding.start,
        end=finding.end,
        category=finding.category,
        family=family_of(finding.category),
        country=finding.country,
        score=finding.score,
        why=finding.why,
    )
