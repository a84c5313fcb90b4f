"""What a contract says of its values and of who must agree: labels, trusted fields, readers, egress, quorum. Each function reads one key of a file and
says every mistake at its place."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ostiary.actions import JsonValue
from ostiary.contracts.contract import LABELS
from ostiary.contracts.here import Here
from ostiary.contracts.schema import nearest
from ostiary.contracts.source import shown
from ostiary.evidence import EVERYBODY

QUORUM_MAX = 10
READERS_MAX = 200
FIELD_CHARACTERS_MAX = 200
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Approving:
    """Who may say yes: `approvers` are roles (empty: whoever holds the permission), `quorum` how many different people, `four_eyes` that neither who asked
    nor who made the asking key is one of them."""

    self_approval: bool
    approvers: tuple[str, ...]
    quorum: int
    four_eyes: bool


def read_approving(action: Here) -> Approving:
    own = action.child("self_approval")
    alone = bool(own and own.flag())
    eyes = action.child("four_eyes")
    four_eyes = bool(eyes and eyes.flag())
    if eyes and four_eyes and alone:
        eyes.say("four_eyes wants another person and self_approval does not: keep one of them")
    approvers = action.child("approvers")
    return Approving(
        alone,
        read_roles(approvers, "leave `approvers` out to let everybody who may approve") if approvers else (),
        _quorum(action),
        four_eyes,
    )


def _quorum(action: Here) -> int:
    child = action.child("quorum")
    if child is None:
        return 1
    value = child.node.value
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= QUORUM_MAX:
        child.say(f"write how many people have to say yes, from 1 to {QUORUM_MAX}")
        return 1
    return value


def read_roles(here: Here, otherwise: str) -> tuple[str, ...]:
    """Names of staff roles, each once."""
    if here.node.value == []:
        here.say(f"name at least one role, or {otherwise}")
    made: list[str] = []
    for item, text in here.texts("a role"):
        if not _WORD.fullmatch(text):
            item.say("a role's name has lower-case letters, digits, - and _, and begins with a letter")
        elif text in made:
            item.say(f"{shown(text)} stands here twice")
        made.append(text)
    return tuple(made)


def parameter_at(here: Here, parameters: Mapping[str, JsonValue], path: str) -> JsonValue:
    """The schema of the parameter that a JSON Pointer leads to, None if it is composed elsewhere. Says so if there is none."""
    schema: JsonValue = parameters
    for token in path.split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        named = schema.get("properties") if isinstance(schema, dict) else None
        if isinstance(named, dict) and step in named:
            schema = named[step]
        elif schema is parameters or isinstance(named, dict):
            here.say(f"{shown(step)} is no parameter of this action{nearest(step, named or {})}")
            return None
        else:
            return None
    return schema


def read_labels(action: Here, parameters: Mapping[str, JsonValue]) -> dict[str, str]:
    """JSON Pointer into the parameters -> label."""
    child = action.child("labels")
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
        path = key if key.startswith("/") else f"/{key}"
        parameter_at(label, parameters, path)
        made[path] = value
    return made


def read_trusted(action: Here, returns: JsonValue) -> tuple[str, ...]:
    """Fields of the answer, by key or by pointer."""
    child = action.child("trusted")
    if child is None:
        return ()
    known = _fields(returns)
    made = []
    for item, text in child.texts("a field of the answer"):
        _check_field(item, text, known)
        made.append(text)
    return tuple(dict.fromkeys(made))


def read_readers(action: Here, returns: JsonValue) -> dict[str, tuple[str, ...]]:
    """A field of the answer (`*`: all of it) -> who may read what it holds: roles, `*` for everybody, or pointers to the fields that list them."""
    child = action.child("readers")
    if child is None:
        return {}
    if not isinstance(child.node.value, dict):
        child.say(
            'readers is a mapping from a field of the answer to who may read it, such as body: [support] or notice: "*"'
        )
        return {}
    if len(child.node.value) > READERS_MAX:
        child.say(f"at most {READERS_MAX} fields")
        return {}
    known = _fields(returns)
    made: dict[str, tuple[str, ...]] = {}
    for key in child.node.value:
        listed = child.child(key)
        if listed is None:
            continue
        if key != EVERYBODY:
            _check_field(listed, key, known)
        made[key] = _who(listed, known)
    return made


def _who(here: Here, known: set[str] | None) -> tuple[str, ...]:
    if here.node.value == []:
        here.say('name at least one role, the pointer of a field that lists readers, or "*" for everybody')
    made = []
    for item, text in here.texts("a role, a pointer to the field that lists readers, or *"):
        if text.startswith("/"):
            _check_field(item, text, known)
        elif text != EVERYBODY and not _WORD.fullmatch(text):
            item.say(
                'write a role, a pointer such as /rows/*/shared_with to the field that lists readers, or "*"'
            )
        made.append(text)
    if EVERYBODY in made and len(made) > 1:
        here.say('"*" is everybody: leave the others out')
    return tuple(dict.fromkeys(made))


def read_egress(action: Here, *, reads: bool) -> bool | None:
    """As stated, None where the labels tell."""
    child = action.child("egress")
    if child is None:
        return None
    stated = child.flag()
    if stated is not None and not reads:
        child.say("egress is said of what reads; what writes is judged as a write: leave it out")
    return stated


def _check_field(here: Here, path: str, known: set[str] | None) -> None:
    steps = [step for step in path.split("/") if step not in ("", "*") and not step.isdecimal()]
    if len(path) > FIELD_CHARACTERS_MAX:
        here.say(f"a field has at most {FIELD_CHARACTERS_MAX} characters")
        return
    for step in steps:
        name = step.replace("~1", "/").replace("~0", "~")
        if known is not None and name not in known:
            here.say(f"{shown(name)} is no field of `returns`{nearest(name, known)}")


def _fields(returns: JsonValue) -> set[str] | None:
    """Every name that the answer's schema knows; None where there is no schema."""
    return set(_property_names(returns)) if returns is not None else None


def _property_names(schema: JsonValue) -> Iterable[str]:
    if isinstance(schema, dict):
        named = schema.get("properties")
        yield from named if isinstance(named, dict) else ()
        for child in schema.values():
            yield from _property_names(child)
    elif isinstance(schema, list):
        for child in schema:
            yield from _property_names(child)
