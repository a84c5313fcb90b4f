"""Checking a contract file: every mistake at once, each with its line, its column and what to do.

`check_text` never raises and never guesses: a file is taken whole or not at all. What only a connector can say of its target is asked of
`check_target(kind, spec)`, whose faults are shown at their place like all others.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.actions import Confirmation, Effect, JsonValue, Risk, Surface
from ostiary.contracts.contract import (
    FORMAT_VERSION,
    Contract,
    canonical,
    file_document,
    places,
)
from ostiary.contracts.here import Here, hidden_in, kind_of
from ostiary.contracts.marks import (
    parameter_at,
    read_approving,
    read_egress,
    read_labels,
    read_readers,
    read_roles,
    read_trusted,
)
from ostiary.contracts.report import CheckReport
from ostiary.contracts.schema import advice, nearest, schema_faults
from ostiary.contracts.source import (
    FILE_BYTES_MAX,
    MISTAKES_MAX,
    Mistake,
    Node,
    SourceMistake,
    plain,
    read,
    shown,
)
from ostiary.contracts.target import CheckBound, Checks, CheckTarget, Target, read_target
from ostiary.errors import Fault
from ostiary.shapes import pointer

ACTIONS_MAX = 500
NAME_CHARACTERS_MAX = 64
TITLE_CHARACTERS_MAX = 100
DESCRIPTION_CHARACTERS_MAX = 4_000
SENTENCE_CHARACTERS_MAX = 500

RESERVED = frozenset(
    {
        "access", "admin", "approval", "ask", "audit", "auth", "backup", "call", "chat", "connector", "consent",
        "contract", "detect", "discovery", "documents", "door", "identity", "incident", "key", "login", "mcp",
        "me", "member", "operator", "ops", "ostiary", "permission", "policy", "privacy", "rights", "role",
        "scim", "secret", "session", "setup", "shield", "status", "tenant", "vault", "webhook",
    }
)  # fmt: skip
"""First words of names that are ours, or that a person could take for ours."""

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_TOP = ("version", "actions")
_KEYS = (
    "name", "title", "description", "parameters", "returns", "scope", "roles", "surfaces", "risk", "effect", "confirmation", "self_approval",
    "approvers", "quorum", "four_eyes", "subject", "own", "sentence", "trusted", "labels", "readers", "egress", "target",
)  # fmt: skip
_EFFECTS = {"read": Effect.NONE, "write": Effect.OUTSIDE}


def check_text(
    text: str, filename: str, check_target: CheckTarget, check_bound: CheckBound | None = None
) -> CheckReport:
    """Check a whole file. `filename` is only shown, and says with `.json` that nothing but JSON will do. Where `check_bound` is given it is asked
    too; then this may block."""
    try:
        root = read(text, filename)
    except SourceMistake as error:
        return CheckReport(filename, (), tuple(error.mistakes[:MISTAKES_MAX]))
    check = _Check(Checks(check_target, check_bound))
    contracts = check.file(root)
    found = sorted(check.found, key=lambda one: (one.mark.line, one.mark.column, one.pointer))
    mistakes = tuple(one for one in found if not one.advice)[:MISTAKES_MAX]
    suggestions = tuple(one for one in found if one.advice)[:MISTAKES_MAX]
    return CheckReport(filename, () if mistakes else tuple(contracts), mistakes, suggestions)


@dataclass(slots=True)
class _Check:
    """One check of one file: what it found so far."""

    checks: Checks
    found: list[Mistake] = field(default_factory=list)

    def file(self, root: Node) -> list[Contract]:
        here = Here(self.found, root, ())
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
        made = [_Action(item, self.checks).contract() for item in actions.items()]
        self.names(actions)
        contracts = [contract for contract in made if contract is not None]
        if len(canonical(file_document(contracts))) > FILE_BYTES_MAX:
            actions.say(
                f"written out, this is more than {FILE_BYTES_MAX} bytes: leave out aliases, or shorten it"
            )
        return contracts

    def names(self, actions: Here) -> None:
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


class _Action:
    """One item of `actions`."""

    def __init__(self, here: Here, checks: Checks) -> None:
        self.here = here
        self.parameters: JsonValue = {"type": "object", "properties": {}}
        self.checks = checks
        self.target = Target()

    def contract(self) -> Contract | None:
        """The contract, or None after at least one mistake."""
        before = len([one for one in self.here.found if not one.advice])
        if not self.here.mapping("an action", _KEYS):
            return None
        name = self.name()
        description = self.required_text(
            "description", DESCRIPTION_CHARACTERS_MAX, lines=True, hint="say what it does and when to use it"
        )
        title = self.title()
        self.parameters, returns = self.schema("parameters") or self.parameters, self.schema("returns")
        written = self.required("target", "write the connector, and `http:` or `sql:`, below it")
        self.target = read_target(written, self.parameters, self.checks) if written else Target()
        effect = self.effect()
        risk, confirmation = self.consent(effect)
        surfaces = self.surfaces(effect)
        approving = read_approving(self.here)
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
            self_approval=approving.self_approval,
            subject=self.subject(),
            own=self.own(surfaces),
            sentence=self.sentence(title or _title(name), confirmation),
            trusted=read_trusted(self.here, returns),
            labels=read_labels(self.here, self.parameters),
            target=self.target.value,
            readers=read_readers(self.here, returns),
            egress=read_egress(self.here, reads=effect is Effect.NONE),
            approvers=approving.approvers,
            quorum=approving.quorum,
            four_eyes=approving.four_eyes,
        )
        mistakes = len([one for one in self.here.found if not one.advice]) - before
        return None if mistakes else made

    def required(self, key: str, hint: str) -> Here | None:
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

    def name(self) -> str:
        child = self.required("name", "write lower-case words joined by dots, such as invoice.refund")
        value = child.node.value if child else None
        if child is None:
            return ""
        if not isinstance(value, str):
            child.say(
                f"a name is text, not {kind_of(value)}: write lower-case words joined by dots, such as invoice.refund"
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

    def effect(self) -> Effect:
        """As stated, else as the target tells: SQL reads, GET and HEAD read, all else writes."""
        child = self.here.child("effect")
        if child is None:
            return Effect.NONE if self.target.reads else Effect.OUTSIDE
        value = child.node.value
        if not isinstance(value, str) or value not in _EFFECTS:
            child.say("write read or write")
            return Effect.OUTSIDE
        if self.target.only_reads and value == "write":
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
        otherwise = "leave `roles` out to let every role that may call contracts"
        return read_roles(child, otherwise) if child else ()

    def subject(self) -> tuple[str, ...]:
        child = self.here.child("subject")
        if child is None:
            return ()
        made = []
        for item, text in child.texts("a parameter that holds the customer's id"):
            path = text if text.startswith("/") else f"/{text}"
            parameter_at(item, self.parameters, path)
            made.append(path)
        return tuple(made)

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
        elif self.target.kind and name not in self.target.used():
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
        if hidden := hidden_in(text, lines=True):
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


def _title(name: str) -> str:
    """`invoice.refund_all` -> `Invoice: refund all`."""
    first, _, rest = name.partition(".")
    return (
        f"{first.capitalize()}: {rest.replace('.', ' ').replace('_', ' ')}".strip(": ").replace("_", " ")
        or "Action"
    )
