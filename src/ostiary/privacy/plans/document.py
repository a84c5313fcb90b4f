"""The documents as people write them (YAML or JSON), checked as a whole: every mistake at once, by JSON Pointer, and never the value that is wrong.

    rule_set: support            # a plan: what is looked for (none: everything of ours), whose key makes tokens, what becomes of each kind
    scope: support
    default: replace
    rules: {email: token, card: {operator: mask, last: 4}}

What two readers could read differently is a mistake: a key that stands twice, an alias, a tag.
"""

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from ostiary.actions import JsonValue
from ostiary.detection.categories import NAMES
from ostiary.detection.provider import DESCRIBED_MAX, Asking, Described
from ostiary.detection.rules import BadRules, Custom, Dictionary, RuleSet
from ostiary.errors import Fault, InvalidParameters, RedactionInvalid
from ostiary.redaction import plan as plans
from ostiary.redaction.plan import Operator, Plan
from ostiary.shapes import ModelShape, Params

YAML_CHARACTERS_MAX = 65_536
TEXT_CHARACTERS_MAX = 1_000_000
"""JSON is read a hundred times as fast as YAML, and may be longer: a dictionary of 50,000 names is read in a tenth of a second."""
DEPTH_MAX = 16
FAULTS_MAX = 100
KEYED = frozenset({"hash", "token", "format_preserving", "date_shift", "surrogate"})
"""Operators that need the key of a scope."""

NAME = r"^[a-z][a-z0-9_-]{0,47}$"
_NAME = re.compile(NAME)

Words = Annotated[tuple[str, ...], Field(max_length=500)]
Names = Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=1000)]
Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class PatternEntry(Params):
    """`detection.rules.Custom`."""

    name: str
    category: str
    pattern: str
    group: int = 0
    score: Score = 0.9
    context: Words = ()
    validator: str = ""
    entropy_min: float = 0.0
    keywords: Words = ()
    allow: Words = ()
    allow_match: Words = ()
    stop_words: Words = ()


class DictionaryEntry(Params):
    """`detection.rules.Dictionary`."""

    name: str
    category: str
    entries: tuple[str, ...]
    match_case: bool = False
    score: Score = 0.9


class DescribedEntry(Params):
    """`detection.provider.Described`."""

    category: str
    description: str


class RulesFile(Params):
    """`detection.rules.RuleSet`, as it is written; and what a model provider is asked beside it. `provider`: `required` (nothing is redacted while it is away) or
    `optional`."""

    categories: Names | None = None
    without: Names = ()
    threshold: Score = 0.5
    thresholds: Annotated[dict[str, Score], Field(max_length=1000)] = Field(default_factory=dict)
    allow: tuple[str, ...] = ()
    allow_patterns: Words = ()
    patterns: Annotated[tuple[PatternEntry, ...], Field(max_length=200)] = ()
    dictionaries: Annotated[tuple[DictionaryEntry, ...], Field(max_length=100)] = ()
    languages: Names = ()
    provider: Literal["", "required", "optional"] = ""
    described: Annotated[tuple[DescribedEntry, ...], Field(max_length=DESCRIBED_MAX)] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """A rule set, and what it wants of a model provider (None: nothing)."""

    rules: RuleSet
    asking: Asking | None = None


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan with the names of what it goes by: `rule_set` (empty: everything of ours) and `scope` (empty: it needs no key)."""

    plan: Plan
    rule_set: str = ""
    scope: str = ""

    @property
    def keyed(self) -> bool:
        """Whether an operator of it needs a key."""
        return any(
            _keyed(operator) for operator in (self.plan.default, *(rule for _, rule in self.plan.rules))
        )


_RULES = ModelShape(RulesFile)


def ruling_of(text: str) -> Ruling:
    """A rule set, and what it asks of a provider. Raises RedactionInvalid with every mistake found."""
    try:
        file: RulesFile = _RULES.parse(_read(text))
    except InvalidParameters as error:
        raise RedactionInvalid(faults=error.faults) from None
    faults: list[Fault] = []
    patterns = [_made(Custom, each, f"/patterns/{at}", faults) for at, each in enumerate(file.patterns)]
    words = [
        _made(Dictionary, each, f"/dictionaries/{at}", faults) for at, each in enumerate(file.dictionaries)
    ]
    described = [_made(Described, each, f"/described/{at}", faults) for at, each in enumerate(file.described)]
    if described and not file.provider:
        faults.append(Fault("/provider", "described kinds are found by a model provider: say `provider: required` or `optional`"))  # fmt: skip
    if faults:
        raise RedactionInvalid(faults=tuple(faults[:FAULTS_MAX]))
    plain = file.model_dump(exclude={"patterns", "dictionaries", "provider", "described"})
    try:
        asking = Asking(tuple(described), required=file.provider == "required") if file.provider else None
        return Ruling(RuleSet(**{**plain, "thresholds": tuple(file.thresholds.items())}, patterns=tuple(patterns), dictionaries=tuple(words)), asking)  # fmt: skip
    except BadRules as error:
        raise RedactionInvalid(faults=(Fault("", str(error)),)) from None


def plan_of(text: str) -> PlanFile:
    """A plan. Raises RedactionInvalid with every mistake found."""
    found = _read(text)
    if not isinstance(found, dict):
        raise _wrong("", "a plan is a mapping with `default` and `rules`")
    names = {name: found.pop(name, "") for name in ("rule_set", "scope")}
    faults = [
        Fault(f"/{name}", "a name was expected: lower-case letters, digits, - and _, 48 at most")
        for name, given in names.items()
        if given != "" and not (isinstance(given, str) and _NAME.fullmatch(given))
    ]
    try:
        file = PlanFile(plans.from_data(found), str(names["rule_set"]), str(names["scope"]))
    except InvalidParameters as error:
        raise RedactionInvalid(faults=(*faults, *error.faults)[:FAULTS_MAX]) from None
    if not faults and file.keyed and not file.scope:
        faults.append(Fault("/scope", "an operator of this plan needs a key: name the scope within which equal values are made equal"))  # fmt: skip
    if faults:
        raise RedactionInvalid(faults=tuple(faults))
    return file


def unknown(plan: PlanFile, ruling: Ruling) -> list[str]:
    """Names in the plan that are no category or family of ours and none of the rule set: what is said of them has no effect."""
    described = ruling.asking.described if ruling.asking else ()
    own = ruling.rules.own_categories | {each.category for each in described}
    return sorted(name for name, _ in plan.plan.rules if name not in NAMES and name not in own)


def hash_of(text: str) -> str:
    """SHA-256 (hex) of what the document says, however it is written. Raises RedactionInvalid for what cannot be read."""
    said = json.dumps(_read(text), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _made(kind: type[Any], entry: Params, at: str, faults: list[Fault]) -> Any:
    """The part, or a fault that names it: RE2's own words say what is wrong with a pattern."""
    try:
        return kind(**entry.model_dump())
    except BadRules as error:
        faults.append(Fault(at, str(error)[:300]))
        return None


def _keyed(operator: Operator) -> bool:
    return operator.name in KEYED or (operator.otherwise is not None and _keyed(operator.otherwise))


def _read(text: str) -> JsonValue:
    if len(text) > TEXT_CHARACTERS_MAX:
        raise _wrong("", f"at most {TEXT_CHARACTERS_MAX} characters are read")
    if text.lstrip()[:1] == "{":
        with suppress(ValueError, RecursionError):  # YAML has braces too
            return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    if len(text) > YAML_CHARACTERS_MAX:
        raise _wrong(
            "", f"YAML of at most {YAML_CHARACTERS_MAX} characters is read; write what is longer as JSON"
        )
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that takes less
        json.dumps(
            found, allow_nan=False
        )  # what JSON has no word for (dates, sets, bytes, no number) is no part of these
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise _wrong("", where + (error.problem or "this is no YAML")) from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        raise _wrong("", "this is neither YAML nor JSON") from None
    return found


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(members)) < len(members):
        raise _wrong("", "a key stands twice in one object")
    return found


def _no_number(_text: str) -> None:
    raise ValueError("JSON has no such number")


class _Loader(yaml.SafeLoader):
    """YAML without what makes one text mean two things, and no deeper than DEPTH_MAX: it stops there, before the reader's time grows by the square."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not read here")
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {DEPTH_MAX}")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _value in node.value:
            if not isinstance(key.value, str):
                raise yaml.MarkedYAMLError(problem="a key is one word", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem="this key stands here twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep))


def _wrong(pointer: str, detail: str) -> RedactionInvalid:
    return RedactionInvalid(faults=(Fault(pointer, detail),))
