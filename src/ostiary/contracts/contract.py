"""One agreed action as data, its canonical form, and how two versions differ."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from ostiary.actions import Confirmation, Effect, JsonValue, Risk, Surface
from ostiary.evidence import Label
from ostiary.shapes import pointer

FORMAT_VERSION = 1
OUTWARD = frozenset({Label.URL, Label.CONTENT})
"""Labels whose values leave with a request even where nothing is changed: a read that carries one is egress."""

LABELS = frozenset({label.value for label in Label} | {"currency"})
"""`currency` is of what there is an `amount`; it decides nothing alone."""

_PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|([{}])")
_SQL_PLACE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|::|:([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Contract:
    """What the file says of one action, defaults filled in. `subject` are JSON Pointers into the parameters; `target` is as written.

    `labels`: pointer into the parameters -> what it is. `readers`: field of the answer (key, pointer with `*`, or `*` for all of it) -> who may read what it
    holds: roles, `*`, or pointers to the fields that list them. `egress`: as stated, None where the labels tell.
    """

    name: str
    title: str
    description: str
    parameters: Mapping[str, JsonValue]
    returns: Mapping[str, JsonValue] | None
    scope: str
    roles: tuple[str, ...]
    surfaces: tuple[Surface, ...]
    risk: Risk
    effect: Effect
    confirmation: Confirmation
    self_approval: bool
    subject: tuple[str, ...]
    own: str
    sentence: str
    trusted: tuple[str, ...]
    labels: Mapping[str, str]
    target: Mapping[str, JsonValue]
    readers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    egress: bool | None = None
    approvers: tuple[str, ...] = ()
    quorum: int = 1
    four_eyes: bool = False

    @property
    def carries_out(self) -> bool:
        """Whether this reads and still carries something outward (a URL, free text): judged as a write."""
        if self.effect is not Effect.NONE:
            return False
        return bool(OUTWARD & set(self.labels.values())) if self.egress is None else self.egress

    @property
    def connector(self) -> str:
        return str(self.target["connector"])

    @property
    def spec(self) -> dict[str, JsonValue]:
        """The target without its connector."""
        return {key: value for key, value in self.target.items() if key != "connector"}

    def document(self) -> dict[str, JsonValue]:
        """The canonical form: every key that a file may have and no other, so that the document is itself an action of a file."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "parameters": dict(self.parameters),
            **({"returns": dict(self.returns)} if self.returns is not None else {}),
            **({"scope": self.scope} if self.scope else {}),
            **({"roles": list(self.roles)} if self.roles else {}),
            "surfaces": [surface.value for surface in self.surfaces],
            "risk": self.risk.value,
            "effect": "read" if self.effect is Effect.NONE else "write",
            "confirmation": self.confirmation.value,
            "self_approval": self.self_approval,
            **({"approvers": list(self.approvers)} if self.approvers else {}),
            **({"quorum": self.quorum} if self.quorum > 1 else {}),
            **({"four_eyes": True} if self.four_eyes else {}),
            "subject": list(self.subject),
            **({"own": self.own} if self.own else {}),
            "sentence": self.sentence,
            "trusted": list(self.trusted),
            "labels": dict(self.labels),
            **({"readers": {path: list(who) for path, who in self.readers.items()}} if self.readers else {}),
            **({"egress": self.egress} if self.egress is not None else {}),
            "target": dict(self.target),
        }


def canonical(value: JsonValue) -> bytes:
    """One text for one value: sorted keys, no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def fingerprint(*parts: bytes) -> str:
    """SHA-256 over parts, each with its length before it, as 64 hex digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def file_document(contracts: Iterable[Contract]) -> dict[str, JsonValue]:
    """A whole file in canonical form, contracts by name."""
    ordered = sorted(contracts, key=lambda contract: contract.name)
    return {"version": FORMAT_VERSION, "actions": [contract.document() for contract in ordered]}


def places(text: str) -> tuple[list[str], bool]:
    """The {parameters} of a template, and whether its braces are well formed (`{{` and `}}` are braces)."""
    matches = list(_PLACE.finditer(text))
    return [match.group(1) for match in matches if match.group(1)], not any(
        match.group(2) for match in matches
    )


def sql_places(statement: str) -> list[str]:
    """The :parameters of a statement, outside quotes; `::` is a cast."""
    return [match.group(1) for match in _SQL_PLACE.finditer(statement) if match.group(1)]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs: `before` or `after` is None where there is none (`kind` is added, removed or changed)."""

    pointer: str
    kind: str
    before: JsonValue
    after: JsonValue


def differences(before: JsonValue, after: JsonValue, steps: tuple[str | int, ...] = ()) -> list[Difference]:
    """What changed between two JSON values, leaf by leaf; lists of unlike length are one change."""
    if isinstance(before, dict) and isinstance(after, dict):
        found: list[Difference] = []
        for key in sorted(before.keys() | after.keys()):
            at = (*steps, key)
            if key not in after:
                found.append(Difference(pointer(*at), "removed", before[key], None))
            elif key not in before:
                found.append(Difference(pointer(*at), "added", None, after[key]))
            else:
                found.extend(differences(before[key], after[key], at))
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            change
            for index in range(len(before))
            for change in differences(before[index], after[index], (*steps, index))
        ]
    if canonical(before) == canonical(after):
        return []
    return [Difference(pointer(*steps), "changed", before, after)]


def at(value: JsonValue, path: str) -> JsonValue:
    """The value at a JSON Pointer (RFC 6901 section 4), or None."""
    for token in path.split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and len(step) < 8 and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def strings(value: Any) -> Iterable[str]:
    """Every text in a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from strings(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from strings(child)
