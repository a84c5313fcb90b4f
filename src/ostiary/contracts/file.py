"""Checking a contract file: every mistake at once, each with its line, its column and what to do.

`check_text` never raises and never guesses: a file is taken whole or not at all. What only a connector can say of its target is asked of
`check_target(kind, spec)`, whose faults are shown at their place like all others.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from ostiary.actions import Confirmation, Effect, JsonValue, Risk, Surface
from ostiary.contracts.contract import (
    FORMAT_VERSION,
    LABELS,
    Contract,
    canonical,
    file_document,
    places,
    sql_places,
    strings,
)
from ostiary.contracts.schema import advice, nearest, schema_faults
from ostiary.contracts.source import (
    FILE_BYTES_MAX,
    MISTAKES_MAX,
    Mark,
    Mistake,
    Node,
    SourceMistake,
    locate,
    plain,
    read,
    shown,
)
from ostiary.errors import Fault
from ostiary.shapes import pointer

ACTIONS_MAX = 500
NAME_CHARACTERS_MAX = 64
TITLE_CHARACTERS_MAX = 100
DESCRIPTION_CHARACTERS_MAX = 4_000
SENTENCE_CHARACTERS_MAX = 500
ITEMS_MAX = 50

CheckTarget = Callable[[str, JsonValue], list[Fault]]
"""kind (`http`, `sql` or `constant`), spec (the target without its connector: `{kind: ...}`) -> faults by pointer into spec."""

CheckBound = Callable[[str, Mapping[str, JsonValue]], list[Fault]]
"""connector's name, target without it -> faults by pointer into the target: what only the tenant's own connectors can say."""

RESERVED = frozenset(
    {
        "access",
        "admin",
        "approval",
        "ask",
        "audit",
        "auth",
        "backup",
        "call",
        "chat",
        "connector",
        "consent",
        "contract",
        "detect",
        "discovery",
    }
    | {
        "documents",
        "door",
        "identity",
        "incident",
        "key",
        "login",
        "mcp",
        "me",
        "member",
        "operator",
        "ops",
        "ostiary",
        "permission",
        "policy",
    }
    | {
        "privacy",
        "rights",
        "role",
        "scim",
        "secret",
        "session",
        "setup",
        "shield",
        "status",
        "tenant",
        "vault",
        "webhook",
    }
)
"""First words of names that are ours, or that a person could take for ours."""

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_TOP = ("version", "actions")
_KEYS = (
    "name", "title", "description", "parameters", "returns", "scope", "roles", "surfaces", "risk", "effect", "confirmation", "self_approval",
    "subject", "own", "sentence", "trusted", "labels", "target",
)  # fmt: skip
_KINDS = ("http", "sql", "constant")
_READING = frozenset({"GET", "HEAD"})
_YAML_1_1 = frozenset({"yes", "no", "on", "off", "y", "n"})
_EFFECTS = {"read": Effect.NONE, "write": Effect.OUTSIDE}

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found. `contracts` is empty unless `ok`; advice does not stop a file."""

    filename: str
    contracts: tuple[Contract, ...]
    mistakes: tuple[Mistake, ...]
    advice: tuple[Mistake, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.mistakes

    def text(self) -> str:
        """For a terminal: `file:line:column: sentence`, a line each, then one line that sums up."""
        lines = [
            f"{self.filename}:{found.mark.line}:{found.mark.column}: {found.detail}"
            for found in self.mistakes
        ]
        lines += [
            f"{self.filename}:{found.mark.line}:{found.mark.column}: advice: {found.detail}"
            for found in self.advice
        ]
        count = len(self.mistakes)
        agreed = f"{len(self.contracts)} action{'' if len(self.contracts) == 1 else 's'}"
        lines.append(
            f"{self.filename}: {agreed}, no mistakes"
            if self.ok
            else f"{self.filename}: {count} mistake{'' if count == 1 else 's'}"
        )
        return "\n".join(lines)

    def json(self) -> dict[str, JsonValue]:
        """For a program."""
        return {
            "file": self.filename,
            "ok": self.ok,
            "actions": [contract.name for contract in self.contracts],
            "mistakes": [_mistake_json(found) for found in self.mistakes],
            "advice": [_mistake_json(found) for found in self.advice],
        }

    def faults(self) -> tuple[Fault, ...]:
        """The mistakes as a problem document carries them."""
        return tuple(
            Fault(found.pointer, f"line {found.mark.line}, column {found.mark.column}: {found.detail}")
            for found in self.mistakes
        )


def _mistake_json(found: Mistake) -> dict[str, JsonValue]:
    return {
        "line": found.mark.line,
        "column": found.mark.column,
        "pointer": found.pointer,
        "detail": found.detail,
    }


def check_text(
    text: str, filename: str, check_target: CheckTarget, check_bound: CheckBound | None = None
) -> CheckReport:
    """Check a whole file. `filename` is only shown, and says with `.json` that nothing but JSON will do. Where `check_bound` is given it is asked
    too; then this may block."""
    try:
        root = read(text, filename)
    except SourceMistake as error:
        return CheckReport(filename, (), tuple(error.mistakes[:MISTAKES_MAX]))
    check = _Check(check_target, check_bound)
    contracts = check.file(root)
    found = sorted(check.found, key=lambda one: (one.mark.line, one.mark.column, one.pointer))
    mistakes = tuple(one for one in found if not one.advice)[:MISTAKES_MAX]
    suggestions = tuple(one for one in found if one.advice)[:MISTAKES_MAX]
    return CheckReport(filename, () if mistakes else tuple(contracts), mistakes, suggestions)


@dataclass(slots=True)
class _Check:
    """One check of one file: what it found so far."""

    check_target: CheckTarget
    check_bound: CheckBound | None
    found: list[Mistake] = field(default_factory=list)

    def file(self, root: Node) -> list[Contract]:
        here = _Here(self, root, ())
        if not here.mapping("a contract file", _TOP):
            return []
        version = here.child("version")
        if version is None:
            here.say(f"write `version: {FORMAT_VERSION}` at the top")
        elif version.node.value != FORMAT_VERSION or isinstance(version.node.value, bool):
            version.say(
                f"this gateway reads version {FORMAT_VERSION} of the format: write `version: {FORMAT_VERSION}`"
            )
        actions = here.child("actions")
        if actions is None or not isinstance(actions.node.value, list):
            (actions or here).say(
                "write `actions:` with a list below, an action an item; an empty list is []"
            )
            return []
        if len(actions.node.value) > ACTIONS_MAX:
            actions.say(f"a tenant has at most {ACTIONS_MAX} actions")
            return []
        made = [_Action(item).contract() for item in actions.items()]
        self.names(actions)
        contracts = [contract for contract in made if contract is not None]
        if len(canonical(file_document(contracts))) > FILE_BYTES_MAX:
            actions.say(
                f"written out, this is more than {FILE_BYTES_MAX} bytes: leave out aliases, or shorten it"
            )
        return contracts

    def names(self, actions: "_Here") -> None:
        """Names are unique, also for the programs that write dots and underscores alike."""
        seen: dict[str, str] = {}
        for item in actions.items():
            name = item.child("name")
            if name is None or not isinstance(name.node.value, str):
                continue
            alike = name.node.value.replace(".", "_")
            if seen.get(alike) == name.node.value:
                name.say(f"two actions are named {shown(name.node.value)}: names are unique")
            elif alike in seen:
                name.say(
                    f"{shown(name.node.value)} and {shown(seen[alike])} are one name where dots are written as underscores: rename one"
                )
            seen.setdefault(alike, name.node.value)


@dataclass(frozen=True, slots=True)
class _Here:
    """A value, where it stands and how to complain about it."""

    check: _Check
    node: Node
    steps: tuple[str | int, ...]
    key_mark: Mark | None = None

    def say(self, detail: str, *, advice: bool = False) -> None:
        self.check.found.append(Mistake(self.node.mark, pointer(*self.steps), detail, advice))

    def say_at(self, fault: Fault, *, advice: bool = False) -> None:
        """A fault by pointer into this value."""
        mark = locate(self.node, fault.pointer)
        self.check.found.append(Mistake(mark, pointer(*self.steps) + fault.pointer, fault.detail, advice))

    def child(self, key: str) -> "_Here | None":
        if not isinstance(self.node.value, dict) or key not in self.node.value:
            return None
        return _Here(self.check, self.node.value[key], (*self.steps, key), self.node.keys[key])

    def items(self) -> "list[_Here]":
        nodes = self.node.value if isinstance(self.node.value, list) else []
        return [_Here(self.check, node, (*self.steps, index)) for index, node in enumerate(nodes)]

    def mapping(self, what: str, keys: Iterable[str]) -> bool:
        """Whether this is a mapping; keys that are not among `keys` are mistakes."""
        if not isinstance(self.node.value, dict):
            self.say(f"{what} is a mapping with the keys {', '.join(keys)}")
            return False
        for key in self.node.value:
            if key not in keys:
                mistake = f"{shown(key)} is no key of {what}{nearest(key, keys)}"
                self.check.found.append(Mistake(self.node.keys[key], pointer(*self.steps, key), mistake))
        return True

    def text(self, characters_max: int, *, lines: bool = False) -> str | None:
        """This value as text that shows everything it holds. None, after a mistake, if it is not."""
        value = self.node.value
        if not isinstance(value, str):
            self.say(f"text is expected here, not {_kind(value)}: put it in quotes")
            return None
        if not value.strip():
            self.say("this is empty: write it, or leave the key out")
            return None
        if len(value) > characters_max:
            self.say(f"this has {len(value)} characters: at most {characters_max}")
            return None
        if hidden := _hidden(value, lines=lines):
            self.say(f"this holds {hidden}, which a reader does not see: take it out")
            return None
        return value

    def one_of(self, kind: type[E]) -> E | None:
        allowed = [member.value for member in kind]
        value = self.node.value
        if not isinstance(value, str) or value not in allowed:
            self.say(
                f"write one of {', '.join(allowed)}{nearest(value, allowed) if isinstance(value, str) else ''}"
            )
            return None
        return kind(value)

    def flag(self) -> bool | None:
        value = self.node.value
        if isinstance(value, bool):
            return value
        hint = (
            " (yes and no are text here: this file is read as YAML 1.2)"
            if str(value).lower() in _YAML_1_1
            else ""
        )
        self.say(f"write true or false{hint}")
        return None

    def texts(self, what: str) -> "list[tuple[_Here, str]]":
        """A list of short texts, or one alone."""
        value = self.node.value
        here = [self] if isinstance(value, str) else self.items()
        if not isinstance(value, str | list):
            self.say(f"write {what}, or a list of them")
        if len(here) > ITEMS_MAX:
            self.say(f"at most {ITEMS_MAX} items")
            return []
        made = [(item, item.text(200)) for item in here]
        return [(item, text) for item, text in made if text is not None]


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", dict: "a mapping", list: "a list"}
    return kinds.get(type(value), "nothing")


def _hidden(text: str, *, lines: bool) -> str:
    """The first character that does not show, by name: control, zero-width, bidirectional, private, unassigned."""
    for character in text:
        if lines and character in "\n\t":
            continue
        if (
            unicodedata.category(character) in {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"}
            or character in "\u3164\u115f\u1160\uffa0\u2800"
        ):
            return f"U+{ord(character):04X} {unicodedata.name(character, 'control character')}"
    return ""


class _Action:
    """One item of `actions`."""

    def __init__(self, here: _Here) -> None:
        self.here = here
        self.parameters: JsonValue = {"type": "object", "properties": {}}
        self.kind = ""
        self.spec: JsonValue = None

    def contract(self) -> Contract | None:
        """The contract, or None after at least one mistake."""
        before = len([one for one in self.here.check.found if not one.advice])
        if not self.here.mapping("an action", _KEYS):
            return None
        name = self.name()
        description = self.required_text(
            "description", DESCRIPTION_CHARACTERS_MAX, lines=True, hint="say what it does and when to use it"
        )
        title = self.title()
        self.parameters, returns = self.schema("parameters") or self.parameters, self.schema("returns")
        target = self.target()
        effect = self.effect()
        risk, confirmation = self.consent(effect)
        surfaces = self.surfaces(effect)
        made = Contract(
            name=name,
            title=title or _title(name),
            description=description,
            parameters=self.parameters,
            returns=returns,
            scope=self.scope(),
            roles=self.roles(),
            surfaces=surfaces,
            risk=risk,
            effect=effect,
            confirmation=confirmation,
            self_approval=self.flag("self_approval"),
            subject=self.subject(),
            own=self.own(surfaces),
            sentence=self.sentence(title or _title(name), confirmation),
            trusted=self.trusted(returns),
            labels=self.labels(),
            target=target,
        )
        mistakes = len([one for one in self.here.check.found if not one.advice]) - before
        return None if mistakes else made

    def required(self, key: str, hint: str) -> _Here | None:
        child = self.here.child(key)
        if child is None:
            self.here.say(f"this action has no `{key}`: {hint}")
        return child

    def required_text(self, key: str, characters_max: int, *, hint: str, lines: bool = False) -> str:
        child = self.required(key, hint)
        return (child.text(characters_max, lines=lines) or "") if child else ""

    def title(self) -> str:
        """The title stands in for a sentence, so it holds no places."""
        child = self.here.child("title")
        text = (child.text(TITLE_CHARACTERS_MAX) or "") if child else ""
        if child and ("{" in text or "}" in text):
            child.say("a title has no {parameters}: write them in the sentence")
        return text

    def flag(self, key: str) -> bool:
        child = self.here.child(key)
        return bool(child and child.flag())

    def name(self) -> str:
        child = self.required("name", "write lower-case words joined by dots, such as invoice.refund")
        value = child.node.value if child else None
        if child is None:
            return ""
        if not isinstance(value, str):
            child.say(
                f"a name is text, not {_kind(value)}: write lower-case words joined by dots, such as invoice.refund"
            )
            return ""
        strange = next((character for character in value if not character.isascii()), "")
        if strange:
            called = unicodedata.name(strange, "an unnamed character")
            child.say(f"a name has only the letters a-z: this one holds U+{ord(strange):04X} {called}")
        elif len(value) > NAME_CHARACTERS_MAX:
            child.say(f"a name has at most {NAME_CHARACTERS_MAX} characters")
        elif not _NAME.fullmatch(value):
            child.say(
                f"{shown(value)} is no name: write lower-case words joined by dots, such as invoice.refund"
            )
        elif value.split(".")[0] in RESERVED:
            child.say(
                f"names that begin with {value.split('.')[0]}. are the gateway's own: begin with another word"
            )
        return value

    def schema(self, key: str) -> JsonValue:
        """An author's schema as it is written, mistakes or not, so that what refers to it can be checked too. None if there is none."""
        child = self.here.child(key)
        if child is None:
            return None
        value = plain(child.node)
        if key == "parameters" and isinstance(value, dict):
            value.setdefault("type", "object")
        faults = schema_faults(value)
        if not faults and key == "parameters":
            faults = list(_parameter_faults(value))
        for fault in faults:
            child.say_at(fault)
        for fault in [] if faults else advice(value):
            child.say_at(fault, advice=True)
        return value if isinstance(value, dict) else None

    def properties(self) -> Mapping[str, JsonValue]:
        found = self.parameters.get("properties", {})
        return found if isinstance(found, dict) else {}

    def target(self) -> dict[str, JsonValue]:
        child = self.required("target", "write the connector, and `http:` or `sql:`, below it")
        if child is None or not child.mapping("a target", ("connector", *_KINDS)):
            return {}
        connector = child.child("connector")
        if connector is None:
            child.say("this target has no `connector`: write the name of a connector of this tenant")
        elif not isinstance(connector.node.value, str) or not _WORD.fullmatch(connector.node.value):
            connector.say(
                "a connector's name has lower-case letters, digits, - and _, and begins with a letter"
            )
        kinds = [kind for kind in _KINDS if child.child(kind)]
        if len(kinds) != 1:
            child.say("a target has one of `http:`, `sql:` and `constant:`")
            return {}
        spec = child.child(kinds[0])
        if spec is not None:
            self.kind, self.spec = kinds[0], plain(spec.node)
            whole = {self.kind: self.spec}
            faults = self.here.check.check_target(self.kind, whole)
            if not faults and self.here.check.check_bound and connector is not None:
                faults = self.here.check.check_bound(str(connector.node.value), whole)
            for fault in faults:
                child.say_at(fault)
            self.check_places(spec)
        value: dict[str, JsonValue] = plain(child.node)
        return value

    def used(self) -> set[str]:
        """The parameters that the target uses."""
        if self.kind == "sql" and isinstance(self.spec, dict):
            return set(sql_places(str(self.spec.get("statement", ""))))
        return {name for text in strings(self.spec) for name in places(text)[0]}

    def check_places(self, spec: _Here) -> None:
        """Every place names a parameter, and every parameter has a place: what is shown for approval is what is sent."""
        known = self.properties()
        if self.kind == "constant":
            return
        if self.kind == "http":
            self.check_texts(spec, known)
            self.check_path(spec.child("path"), known)
        statement = spec.child("statement")
        if self.kind == "sql" and statement is not None and isinstance(statement.node.value, str):
            for name in dict.fromkeys(sql_places(statement.node.value)):
                if name not in known:
                    statement.say(
                        f":{name} is no parameter of this action: declare it under parameters{nearest(name, known)}"
                    )
        place = ":name" if self.kind == "sql" else "{name}"
        for name in known.keys() - self.used():
            spec.say(
                f"the target never uses the parameter {shown(name)}: write it there as {place.replace('name', name)}, or take it away"
            )

    def check_path(self, path: _Here | None, known: Mapping[str, JsonValue]) -> None:
        """A path without one of its parts is another path."""
        if path is None or not isinstance(path.node.value, str):
            return
        needed = self.parameters.get("required") or ()
        for name in dict.fromkeys(places(path.node.value)[0]):
            schema = known.get(name)
            if (
                schema is not None
                and name not in needed
                and not (isinstance(schema, dict) and "default" in schema)
            ):
                path.say(f"the path needs {{{name}}}: list it under required")

    def check_texts(self, here: _Here, known: Mapping[str, JsonValue]) -> None:
        """Every {parameter} below this value exists."""
        if isinstance(here.node.value, str):
            for name in dict.fromkeys(places(here.node.value)[0]):
                if name not in known:
                    here.say(
                        f"{{{name}}} is no parameter of this action: declare it under parameters{nearest(name, known)}"
                    )
        elif isinstance(here.node.value, dict):
            for key in here.node.value:
                if child := here.child(key):
                    self.check_texts(child, known)
        for item in here.items():
            self.check_texts(item, known)

    def effect(self) -> Effect:
        """As stated, else as the target tells: SQL reads, GET and HEAD read, all else writes."""
        method = str(self.spec.get("method", "")) if isinstance(self.spec, dict) else ""
        reads = self.kind in ("sql", "constant") or (self.kind == "http" and method.upper() in _READING)
        child = self.here.child("effect")
        if child is None:
            return Effect.NONE if reads else Effect.OUTSIDE
        value = child.node.value
        if not isinstance(value, str) or value not in _EFFECTS:
            child.say("write read or write")
            return Effect.OUTSIDE
        if self.kind in ("sql", "constant") and value == "write":
            child.say("this target only reads: write read, or use an HTTP target to change something")
        return _EFFECTS[value]

    def consent(self, effect: Effect) -> tuple[Risk, Confirmation]:
        """Risk is stated for writes; what is not stated asks a person."""
        child = self.here.child("risk")
        risk = child.one_of(Risk) if child else None
        if child is None and effect is Effect.OUTSIDE:
            self.here.say("this action changes something and has no `risk`: write low, medium or high")
        risk = risk or (Risk.LOW if effect is Effect.NONE else Risk.HIGH)
        asked = self.here.child("confirmation")
        if asked is None:
            careless = effect is Effect.NONE and risk is not Risk.HIGH
            return risk, Confirmation.NEVER if careless else Confirmation.ALWAYS
        confirmation = asked.one_of(Confirmation) or Confirmation.ALWAYS
        if risk is Risk.HIGH and confirmation is Confirmation.NEVER and child is not None:
            asked.say(
                "an action of high risk is never run without a person's yes: write always or once_per_session"
            )
        return risk, confirmation

    def surfaces(self, effect: Effect) -> tuple[Surface, ...]:
        child = self.here.child("surfaces")
        if child is None:
            return (Surface.ADMIN,)
        made = [surface for item, _ in child.texts("a surface") if (surface := item.one_of(Surface))]
        if not child.node.value:
            child.say("name at least one surface: admin, customer, write_only")
        if len(set(made)) != len(made):
            child.say("name each surface once")
        if Surface.WRITE_ONLY in made and effect is Effect.NONE:
            child.say("write_only reads nothing back, so a reading action cannot be offered there")
        return tuple(made)

    def scope(self) -> str:
        child = self.here.child("scope")
        text = child.text(NAME_CHARACTERS_MAX) if child else None
        if child and text is not None and not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*", text):
            child.say("a scope is lower-case words joined by dots, such as billing.write")
        return text or ""

    def roles(self) -> tuple[str, ...]:
        child = self.here.child("roles")
        if child is None:
            return ()
        if child.node.value == []:
            child.say(
                "name at least one role, or leave `roles` out to let every role that may call contracts"
            )
        made: list[str] = []
        for item, text in child.texts("a role"):
            if not _WORD.fullmatch(text):
                item.say("a role's name has lower-case letters, digits, - and _, and begins with a letter")
            elif text in made:
                item.say(f"{shown(text)} stands here twice")
            made.append(text)
        return tuple(made)

    def subject(self) -> tuple[str, ...]:
        child = self.here.child("subject")
        if child is None:
            return ()
        made = []
        for item, text in child.texts("a parameter that holds the customer's id"):
            path = text if text.startswith("/") else f"/{text}"
            self.parameter(item, path)
            made.append(path)
        return tuple(made)

    def parameter(self, here: _Here, path: str) -> JsonValue:
        """The schema of the parameter that a JSON Pointer leads to, None if it is composed elsewhere. Says so if there is none."""
        schema: JsonValue = self.parameters
        for token in path.split("/")[1:]:
            step = token.replace("~1", "/").replace("~0", "~")
            named = schema.get("properties") if isinstance(schema, dict) else None
            if isinstance(named, dict) and step in named:
                schema = named[step]
            elif schema is self.parameters or isinstance(named, dict):
                here.say(f"{shown(step)} is no parameter of this action{nearest(step, named or {})}")
                return None
            else:
                return None
        return schema

    def own(self, surfaces: tuple[Surface, ...]) -> str:
        child = self.here.child("own")
        if child is None:
            if Surface.CUSTOMER in surfaces:
                self.here.say(
                    "this action is offered to customers and has no `own`: name the parameter that must hold the customer's own id"
                )
            return ""
        name = child.text(NAME_CHARACTERS_MAX)
        if name is None:
            return ""
        schema = self.properties().get(name)
        if schema is None:
            child.say(f"{shown(name)} is no parameter of this action{nearest(name, self.properties())}")
        elif name not in (self.parameters.get("required") or ()):
            child.say(f"{shown(name)} decides whose record is touched: list it under required")
        elif not isinstance(schema, dict) or schema.get("type") not in ("string", "integer"):
            child.say(f"{shown(name)} is compared with the customer's id: give it the type string or integer")
        elif self.kind and name not in self.used():
            child.say(
                f"the target never uses {shown(name)}, so it would not keep to the customer's own records: use it there"
            )
        return name

    def sentence(self, title: str, confirmation: Confirmation) -> str:
        child = self.here.child("sentence")
        if child is None:
            if confirmation is not Confirmation.NEVER:
                self.here.say(
                    "a person is asked before this runs: write the `sentence` they read, such as Refund {amount} of {invoice_id}"
                )
            return title
        text = child.text(SENTENCE_CHARACTERS_MAX)
        if text is None:
            return title
        names, formed = places(text)
        if not formed:
            child.say("a brace stands alone: write {parameter}, or {{ and }} for braces")
        for name in dict.fromkeys(names):
            if name not in self.properties():
                child.say(f"{{{name}}} is no parameter of this action{nearest(name, self.properties())}")
        return text

    def trusted(self, returns: JsonValue) -> tuple[str, ...]:
        child = self.here.child("trusted")
        if child is None:
            return ()
        known = set(_property_names(returns)) if returns is not None else None
        made = []
        for item, text in child.texts("a field of the answer"):
            steps = [step for step in text.split("/") if step not in ("", "*") and not step.isdecimal()]
            for step in steps:
                if known is not None and step not in known:
                    item.say(f"{shown(step)} is no field of `returns`{nearest(step, known)}")
            made.append(text)
        return tuple(dict.fromkeys(made))

    def labels(self) -> dict[str, str]:
        child = self.here.child("labels")
        if child is None:
            return {}
        if not isinstance(child.node.value, dict):
            child.say("labels is a mapping from a parameter to what it is, such as iban: account")
            return {}
        made: dict[str, str] = {}
        for key in child.node.value:
            label = child.child(key)
            if label is None:
                continue
            value = label.node.value
            if not isinstance(value, str) or value not in LABELS:
                label.say(
                    f"write one of {', '.join(sorted(LABELS))}{nearest(value, LABELS) if isinstance(value, str) else ''}"
                )
                continue
            self.parameter(label, key if key.startswith("/") else f"/{key}")
            made[key if key.startswith("/") else f"/{key}"] = value
        return made


def _parameter_faults(schema: dict[str, Any]) -> Iterable[Fault]:
    """What the parameters of an action must be beside a valid schema."""
    if schema["type"] != "object":
        yield Fault("/type", "the parameters of an action are an object: write type: object, or leave it out")
    for name in schema.get("properties", {}):
        if not _PARAMETER.fullmatch(name):
            detail = f"{shown(name)} is no parameter's name: letters a-z, digits and _, at most 63, beginning with a letter"
            yield Fault(pointer("properties", name), detail)
    for name in schema.get("required", []):
        if name not in schema.get("properties", {}):
            yield Fault(
                "/required",
                f"{shown(name)} is required and no parameter{nearest(name, schema.get('properties', {}))}",
            )
    for path, text in _texts(schema, ()):
        if hidden := _hidden(text, lines=True):
            yield Fault(pointer(*path), f"this holds {hidden}, which a reader does not see: take it out")


def _texts(value: JsonValue, steps: tuple[str | int, ...]) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """The texts of a schema that are shown to people and models."""
    if isinstance(value, dict):
        for key, child in value.items():
            if key in {"title", "description"} and isinstance(child, str):
                yield (*steps, key), child
            yield from _texts(child, (*steps, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _texts(child, (*steps, index))


def _property_names(schema: JsonValue) -> Iterable[str]:
    if isinstance(schema, dict):
        named = schema.get("properties")
        yield from named if isinstance(named, dict) else ()
        for child in schema.values():
            yield from _property_names(child)
    elif isinstance(schema, list):
        for child in schema:
            yield from _property_names(child)


def _title(name: str) -> str:
    """`invoice.refund_all` -> `Invoice: refund all`."""
    first, _, rest = name.partition(".")
    return (
        f"{first.capitalize()}: {rest.replace('.', ' ').replace('_', ' ')}".strip(": ").replace("_", " ")
        or "Action"
    )
