"""What can be asked of rule sets and plans: list, look, check, put, remove, and every version that was."""

from functools import partial
from typing import Annotated, Any

from pydantic import Field

from ostiary import ids
from ostiary.actions import Action, Call, Effect, Risk, Route
from ostiary.clock import rfc3339
from ostiary.detection.examples import CHARACTERS_MAX, EXAMPLES_MAX, EXAMPLES_MIN, inferred
from ostiary.detection.rules import BadRules
from ostiary.errors import Fault, InvalidParameters, RedactionInvalid, RedactionUnfit
from ostiary.privacy.plans import document, work
from ostiary.privacy.plans.document import NAME, TEXT_CHARACTERS_MAX, Ruling
from ostiary.privacy.plans.plans import KEY_VERSION, NO_PROVIDER, Plans
from ostiary.privacy.plans.store import PLAN, RULES, DocumentRow
from ostiary.redaction.apply import Change
from ostiary.redaction.keys import Scope
from ostiary.redaction.operators import Surroundings
from ostiary.redaction.plan import Plan
from ostiary.shapes import Answer, Empty, Nothing, Page, Params, own_action

SAMPLE_CHARACTERS_MAX = 10_000
UNSEEN = {"writeOnly": True}
"""What is never in the log, not even sealed: texts that are redacted, and drafts of documents, whose dictionaries and allow-lists name people."""

Name = Annotated[str, Field(pattern=NAME, examples=["support"])]
Text = Annotated[str, Field(max_length=TEXT_CHARACTERS_MAX, json_schema_extra=UNSEEN)]
Example = Annotated[str, Field(max_length=CHARACTERS_MAX, json_schema_extra=UNSEEN)]
Examples = Annotated[list[Example], Field(min_length=EXAMPLES_MIN, max_length=EXAMPLES_MAX)]
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Named(Params):
    name: Name


class NamedVersion(Named):
    """`version` 0 is the one that stands."""

    version: Version = 0


class NamedPage(Page):
    """One page of the versions of a name, newest first."""

    name: Name


class PutDocument(Named):
    """`text` is the whole document, YAML or JSON. With `expected`, only if that is the version that stands (0: none)."""

    text: Annotated[
        str, Field(max_length=TEXT_CHARACTERS_MAX)
    ]  # not unseen: who agrees to a held change reads it
    expected: Version | None = None


class CheckRules(Params):
    """`text` is a rule set; `sample` a text to try it on."""

    text: Text
    sample: Annotated[str, Field(max_length=SAMPLE_CHARACTERS_MAX, json_schema_extra=UNSEEN)] = ""


class CheckPlan(CheckRules):
    """`text` is a plan; `rules`, if given, a rule set to try it with instead of the one that it names. Values of the sample that need a key get one for this
    answer alone: what they become here is no token of the scope."""

    rules: Text = ""


class InferPattern(Params):
    """`examples`: some values of one shape; `counter`: values that are none."""

    examples: Examples
    counter: Annotated[list[Example], Field(max_length=EXAMPLES_MAX)] = Field(default_factory=list)


class PatternInferred(Answer):
    """`pattern`: RE2, for `patterns` of a rule set; `reading`: the same in words, for whoever decides whether it is meant so."""

    pattern: str
    reading: str


class DocumentListed(Answer):
    name: str
    version: int
    hash: str
    applied_at: str
    applied_by: str


class DocumentsListed(Answer):
    documents: list[DocumentListed]


class DocumentShown(DocumentListed):
    text: str


class DocumentVersion(Answer):
    """`removed`: with this version the name was removed."""

    version: int
    hash: str
    applied_at: str
    applied_by: str
    removed: bool


class DocumentHistory(Answer):
    versions: list[DocumentVersion]
    next: str


class DocumentPut(Answer):
    """`unknown`: names in a plan that are no category, of ours or of its rule set: what is said of them has no effect."""

    name: str
    version: int
    hash: str
    unknown: list[str]


class ChangeShown(Answer):
    """What was done with a stretch of the text: where it stood and where its replacement stands, in code points, ends exclusive."""

    start: int
    end: int
    new_start: int
    new_end: int
    category: str
    operator: str
    why: str


class Tried(Answer):
    """The sample, redacted, without asking a model provider. `unfit`: why the plan could not be carried out; `text` is empty then."""

    text: str
    counts: dict[str, int]
    changes: list[ChangeShown]
    unfit: str


class Checked(Answer):
    """`mistakes` refuse it, each by JSON Pointer; `unknown` is advice."""

    ok: bool
    mistakes: list[dict[str, str]]
    unknown: list[str]
    tried: Tried | None


def changes_shown(changes: tuple[Change, ...]) -> list[ChangeShown]:
    return [
        ChangeShown(
            start=each.start, end=each.end, new_start=each.new_start, new_end=each.new_end, category=each.category, operator=each.operator, why=each.why
        )
        for each in changes
    ]  # fmt: skip


class _Documents:
    """What the actions of one kind do."""

    def __init__(self, plans: Plans, kind: str) -> None:
        self._plans = plans
        self._kind = kind

    async def listed(self, call: Call, _asked: Params) -> DocumentsListed:
        rows = await self._plans.listed(call.tenant, self._kind)
        return DocumentsListed(documents=[DocumentListed(**_head(row)) for row in rows])

    async def show(self, call: Call, asked: NamedVersion) -> DocumentShown:
        row, text = await self._plans.show(call.tenant, self._kind, asked.name, asked.version)
        return DocumentShown(**_head(row), text=text)

    async def history(self, call: Call, asked: NamedPage) -> DocumentHistory:
        if asked.cursor and not (asked.cursor.isdecimal() and len(asked.cursor) <= 9):
            raise InvalidParameters(faults=(Fault("/cursor", "hand back `next` as it was"),))
        before = int(asked.cursor) if asked.cursor else None
        rows = await self._plans.history(
            call.tenant, self._kind, asked.name, before=before, limit=asked.limit + 1
        )
        shown = rows[: asked.limit]
        versions = [
            DocumentVersion(
                version=row.version, hash=row.hash, applied_at=rfc3339(row.applied_us), applied_by=row.applied_by, removed=row.document is None
            )
            for row in shown
        ]  # fmt: skip
        return DocumentHistory(
            versions=versions, next=str(shown[-1].version) if len(rows) > len(shown) else ""
        )

    async def put(self, call: Call, asked: PutDocument) -> DocumentPut:
        unknown = await self._unknown(call, asked.text)
        row = await self._plans.put(call, self._kind, asked.name, asked.text, expected=asked.expected)
        return DocumentPut(name=row.name, version=row.version, hash=row.hash, unknown=unknown)

    async def remove(self, call: Call, asked: Named) -> Nothing:
        await self._plans.remove(call, self._kind, asked.name)
        return Nothing()

    async def check(self, call: Call, asked: CheckRules) -> Checked:
        try:
            if isinstance(asked, CheckPlan):
                unknown, tried = await self._tried_plan(call, asked)
            else:
                unknown, tried = [], await self._tried_rules(call, asked)
        except RedactionInvalid as error:
            mistakes = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
            return Checked(ok=False, mistakes=mistakes, unknown=[], tried=None)
        return Checked(ok=True, mistakes=[], unknown=unknown, tried=tried)

    async def _unknown(self, call: Call, text: str) -> list[str]:
        """Names without effect, of what is in order. Raises RedactionInvalid."""
        if self._kind == RULES:
            await self._ruling(call, text)
            return []
        file = await self._plans.apart(call.tenant, document.plan_of, text)
        return document.unknown(file, await self._plans.ruling(call.tenant, file.rule_set))

    async def _ruling(self, call: Call, text: str) -> Ruling:
        """A rule set that can be run here. Raises RedactionInvalid, also where it asks a model provider that nobody has set up."""
        ruling = await self._plans.apart(call.tenant, document.ruling_of, text)
        if ruling.asking is not None and self._plans.provider is None:
            raise RedactionInvalid(faults=(Fault("/provider", NO_PROVIDER),))
        return ruling

    async def _tried_rules(self, call: Call, asked: CheckRules) -> Tried | None:
        ruling = await self._ruling(call, asked.text)
        plan = document.PlanFile(Plan())
        return await self._tried(call, plan, ruling, asked.sample)

    async def _tried_plan(self, call: Call, asked: CheckPlan) -> tuple[list[str], Tried | None]:
        apart, tenant = self._plans.apart, call.tenant
        file = await apart(tenant, document.plan_of, asked.text)
        if asked.rules:
            ruling = await self._ruling(call, asked.rules)
        else:
            ruling = await self._plans.ruling(tenant, file.rule_set)
        return document.unknown(file, ruling), await self._tried(call, file, ruling, asked.sample)

    async def _tried(self, call: Call, file: document.PlanFile, ruling: Ruling, sample: str) -> Tried | None:
        if not sample:
            return None
        key = {KEY_VERSION: ids.random_bytes(32)}
        around = Surroundings(Scope(call.tenant, file.scope, key, KEY_VERSION) if file.scope else None)
        try:
            done = await self._plans.apart(
                call.tenant, work.redact_text, sample, file.plan, ruling.rules, around
            )
        except RedactionUnfit as error:
            return Tried(text="", counts={}, changes=[], unfit=error.detail)
        return Tried(text=done.value, counts=done.counts, changes=changes_shown(done.changes), unfit="")


def _head(row: DocumentRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "version": row.version,
        "hash": row.hash,
        "applied_at": rfc3339(row.applied_us),
        "applied_by": row.applied_by,
    }


def actions(plans: Plans) -> list[Action]:
    """Those of both kinds; they differ in nothing but what the document says."""
    return [
        *_of_kind(plans, PLAN, "redaction_plan", "/v1/redaction-plans", "redaction plan", CheckPlan),
        *_of_kind(plans, RULES, "redaction_rules", "/v1/redaction-rules", "rule set", CheckRules),
        own_action("redaction_rules.infer", "Infer a pattern from examples", "What examples have in common, as a pattern for a rule set, and in words. Nothing is changed or kept.",
                   InferPattern, PatternInferred, _infer, Route("POST", "/v1/redaction-rules/infer"), permission="privacy.read", keeps_answer=False),
    ]  # fmt: skip


async def _infer(_call: Call, asked: InferPattern) -> PatternInferred:
    try:
        found = inferred(asked.examples, asked.counter)
    except BadRules as error:
        raise RedactionInvalid(faults=(Fault("/examples", str(error)),)) from None
    return PatternInferred(pattern=found.pattern, reading=found.reading)


def _of_kind(
    plans: Plans, kind: str, room: str, at: str, noun: str, checked: type[CheckRules]
) -> list[Action]:
    of = _Documents(plans, kind)
    look = partial(own_action, permission="privacy.read")
    change = partial(own_action, permission="privacy.manage", effect=Effect.LOCAL, risk=Risk.HIGH)
    one = at + "/{name}"
    return [
        look(f"{room}.list", f"List {noun}s", f"Every {noun} that stands, by name.", Empty, DocumentsListed, of.listed, Route("GET", at),
             tool=kind == PLAN),
        look(f"{room}.show", f"Show a {noun}", f"A {noun} as it was written, in the version that stands or an older one.", NamedVersion, DocumentShown, of.show,
             Route("GET", one), keeps_answer=False),
        look(f"{room}.check", f"Check a {noun}", f"Every mistake in a {noun}, and what it makes of a sample text. Nothing is changed or kept.", checked, Checked, of.check,
             Route("POST", f"{at}/check"), keeps_answer=False),
        look(f"{room}.history", f"List the versions of a {noun}", f"Every version of a {noun}, newest first: by whom and when.", NamedPage, DocumentHistory, of.history,
             Route("GET", f"{one}/history")),
        change(f"{room}.put", f"Put a {noun}", f"A new version of the {noun} of this name; it holds at once.", PutDocument, DocumentPut, of.put,
               Route("PUT", one), sentence=f"Put the {noun} {{name}}"),
        change(f"{room}.remove", f"Remove a {noun}", f"The {noun} stands no more; its versions stay to be looked at.", Named, Nothing, of.remove,
               Route("DELETE", one), sentence=f"Remove the {noun} {{name}}"),
    ]  # fmt: skip
