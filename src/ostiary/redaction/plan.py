"""What is done with each kind of finding: a plan, as data. It is read from YAML or JSON, written back, compared and sent to other processes.

    default: replace
    rules:
      email: token                                     # a category or a family of categories
      card: {operator: mask, last: 4}
      date: {operator: date_shift, days_max: 30, otherwise: remove}

A category's own rule comes before its family's, that before the default. `otherwise` says what is done where an operator cannot do its work (a number too short to be
encrypted in its format, a date that nobody can read). Without it, format_preserving and token fail; date_shift, generalise and surrogate fall to `[category]`. The result always says which it was.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

import yaml

from ostiary.errors import Fault, InvalidParameters

PLAN_CHARACTERS_MAX = 200_000
RULES_MAX = 1000
DEPTH_MAX = 16
"""Brackets within each other. The YAML reader takes time by the square of them."""
OTHERWISE_MAX = 3
"""How many operators may stand behind one another."""

Option = str | int | bool


@dataclass(frozen=True, slots=True)
class _Range:
    low: int
    high: int
    default: int


@dataclass(frozen=True, slots=True)
class _Choice:
    among: tuple[str, ...]
    default: str


@dataclass(frozen=True, slots=True)
class _Text:
    characters_max: int
    default: str
    template: bool = False


LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl")

OPERATORS: Mapping[str, Mapping[str, _Range | _Choice | _Text]] = {
    "keep": {},
    "mask": {"first": _Range(0, 64, 0), "last": _Range(0, 64, 0), "character": _Text(1, "*")},
    "remove": {},
    "replace": {"text": _Text(200, "[{category}]", template=True)},
    "hash": {"characters": _Range(16, 64, 32)},
    "token": {},
    "format_preserving": {"luhn": _Choice(("kept", "broken"), "kept")},
    "date_shift": {"days_max": _Range(1, 3650, 365), "order": _Choice(("dmy", "mdy"), "dmy")},
    "generalise": {
        "date": _Choice(("month", "year", "decade"), "year"),
        "order": _Choice(("dmy", "mdy"), "dmy"),
        "age_band": _Range(2, 50, 10),
        "ipv4_prefix": _Range(8, 31, 24),
        "ipv6_prefix": _Range(16, 112, 48),
        "postcode_characters": _Range(1, 6, 2),
        "range": _Range(2, 10**12, 100),
        "number": _Choice(("range", "rounded"), "range"),
    },
    "surrogate": {"language": _Choice(("auto", *LANGUAGES), "auto")},
}
"""Every operator with its options, their bounds and what they are if nothing is said. hash: hexadecimal characters of 4 bits each."""

FALLS_TO_NAME = frozenset({"date_shift", "generalise", "surrogate"})


@dataclass(frozen=True, slots=True)
class Operator:
    """What is done with a value. `options` is sorted by name and holds only what differs from the default."""

    name: str
    options: tuple[tuple[str, Option], ...] = ()
    otherwise: "Operator | None" = None

    def option(self, name: str) -> Option:
        return dict(self.options).get(name, OPERATORS[self.name][name].default)

    def number(self, name: str) -> int:
        return int(self.option(name))

    def word(self, name: str) -> str:
        return str(self.option(name))


NAMED = Operator("replace")
"""`[category]`: what stands for a value unless a plan says otherwise."""


@dataclass(frozen=True, slots=True)
class Plan:
    """rules: operator by category or family, in order of the name."""

    rules: tuple[tuple[str, Operator], ...] = ()
    default: Operator = NAMED

    def operator(self, category: str, family: str) -> Operator:
        """What is done with a finding."""
        rules = dict(self.rules)
        return rules.get(category) or rules.get(family) or self.default


def read(text: str) -> Plan:
    """A plan from YAML, of which JSON is a part. InvalidParameters with every mistake, by JSON Pointer."""
    if len(text) > PLAN_CHARACTERS_MAX:
        raise InvalidParameters(f"a plan has at most {PLAN_CHARACTERS_MAX} characters")
    depth = 0
    for char in text:
        depth += (char in "[{") - (char in "]}")
        if depth > DEPTH_MAX:
            raise InvalidParameters(f"a plan has at most {DEPTH_MAX} brackets within each other")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise InvalidParameters("a plan holds no aliases")
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise InvalidParameters("a plan is YAML or JSON; this could not be read") from None
    return from_data(value)


def from_data(value: object) -> Plan:
    """A plan from what JSON or YAML held. InvalidParameters."""
    faults: list[Fault] = []
    if not isinstance(value, dict):
        raise InvalidParameters(faults=(Fault("", "an object with `default` and `rules` was expected"),))
    faults += [
        Fault(_pointer("", key), "there is only `default` and `rules`")
        for key in value
        if key not in ("default", "rules")
    ]
    default = _operator(value.get("default", "replace"), "/default", faults)
    rules = value.get("rules", {})
    if not isinstance(rules, dict) or len(rules) > RULES_MAX:
        faults.append(Fault("/rules", f"an object of at most {RULES_MAX} categories was expected"))
        rules = {}
    read_rules: list[tuple[str, Operator]] = []
    for name, rule in rules.items():
        at = _pointer("/rules", name)
        if not isinstance(name, str) or not re.fullmatch(r"[a-z](?:[a-z0-9_]{0,62}[a-z0-9])?", name):
            faults.append(Fault(at, "a category or family is a lower-case word, such as `email`"))
        read_rules.append((str(name), _operator(rule, at, faults)))
    if faults:
        raise InvalidParameters(faults=tuple(faults[:100]))
    return Plan(tuple(sorted(read_rules, key=lambda rule: rule[0])), default)


def to_data(plan: Plan) -> dict[str, object]:
    """What `from_data` reads: `from_data(to_data(plan)) == plan`."""
    return {
        "default": _written(plan.default),
        "rules": {name: _written(operator) for name, operator in plan.rules},
    }


def to_yaml(plan: Plan) -> str:
    return yaml.safe_dump(to_data(plan), sort_keys=False, allow_unicode=True)


def to_json(plan: Plan) -> str:
    return json.dumps(to_data(plan), ensure_ascii=False, indent=2)


def _pointer(at: str, key: object) -> str:
    return f"{at}/{str(key)[:80].replace('~', '~0').replace('/', '~1')}"


def _operator(value: object, at: str, faults: list[Fault], depth: int = 0) -> Operator:
    if isinstance(value, str):
        value = {"operator": value}
    if not isinstance(value, dict):
        faults.append(Fault(at, "an operator's name, or an object with `operator` was expected"))
        return NAMED
    name = value.get("operator")
    if not isinstance(name, str) or name not in OPERATORS:
        faults.append(Fault(f"{at}/operator", f"one of {', '.join(OPERATORS)} was expected"))
        return NAMED
    options: list[tuple[str, Option]] = []
    for key, given in value.items():
        if key in ("operator", "otherwise"):
            continue
        spec = OPERATORS[name].get(key) if isinstance(key, str) else None
        if spec is None:
            known = ", ".join(OPERATORS[name]) or "none"
            faults.append(Fault(_pointer(at, key), f"`{name}` has no such option (it has: {known})"))
        elif (mistake := _mistake(spec, given)) is not None:
            faults.append(Fault(_pointer(at, key), mistake))
        elif given != spec.default:
            options.append((key, given))
    otherwise = None
    if "otherwise" in value:
        if depth + 1 >= OTHERWISE_MAX:
            faults.append(
                Fault(f"{at}/otherwise", f"at most {OTHERWISE_MAX} operators stand behind one another")
            )
        else:
            otherwise = _operator(value["otherwise"], f"{at}/otherwise", faults, depth + 1)
    return Operator(name, tuple(sorted(options)), otherwise)


def _mistake(spec: _Range | _Choice | _Text, given: object) -> str | None:
    match spec:
        case _Range(low, high):
            fits = isinstance(given, int) and not isinstance(given, bool) and low <= given <= high
            return None if fits else f"a whole number from {low} to {high} was expected"
        case _Choice(among):
            return None if given in among else f"one of {', '.join(among)} was expected"
        case _Text(most, _, template):
            if not isinstance(given, str) or len(given) > most or (not template and len(given) != most):
                return (
                    f"text of {'at most ' if template else ''}{most} character{'s' * (most > 1)} was expected"
                )
            if not given.isprintable():
                return "characters that can be printed were expected"
            return _template_mistake(given) if template else None


def _template_mistake(text: str) -> str | None:
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        return "braces that close were expected ({{ for one brace)"
    for _, name, form, conversion in parts:
        if name is not None and (name not in ("category", "family", "country") or form or conversion):
            return "only {category}, {family} and {country} may stand in braces"
    return None


def _written(operator: Operator) -> object:
    if not operator.options and operator.otherwise is None:
        return operator.name
    written: dict[str, object] = {"operator": operator.name, **dict(operator.options)}
    if operator.otherwise is not None:
        written["otherwise"] = _written(operator.otherwise)
    return written
