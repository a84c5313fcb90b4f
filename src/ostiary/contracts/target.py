"""The target part of an action: its places against its parameters, and what the connectors say of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ostiary.actions import JsonValue
from ostiary.contracts.contract import places, sql_places, strings
from ostiary.contracts.here import Here
from ostiary.contracts.schema import nearest
from ostiary.contracts.source import plain, shown
from ostiary.errors import Fault

KINDS = ("http", "sql", "tool", "constant")
READING = frozenset({"GET", "HEAD"})
_CONNECTOR = re.compile(r"[a-z][a-z0-9_-]{0,62}")

CheckTarget = Callable[[str, Mapping[str, JsonValue]], list[Fault]]
"""kind (`http`, `sql`, `tool` or `constant`), target without its connector (`{kind: ...}`; `{tool: ..., pin: ...}`) -> faults by pointer into that target."""

CheckBound = Callable[[str, Mapping[str, JsonValue]], list[Fault]]
"""connector's name, target without it -> faults by pointer into the target: what only the tenant's own connectors can say."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What is asked of the connectors about each target."""

    target: CheckTarget
    bound: CheckBound | None


@dataclass(frozen=True, slots=True)
class Target:
    """`value` is as it is written; `spec` what stands below its kind. An empty kind: there was a mistake."""

    kind: str = ""
    spec: JsonValue = None
    value: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, as far as the target tells."""
        if self.kind == "http":
            return isinstance(self.spec, dict) and self.spec.get("method") in READING
        return self.only_reads

    @property
    def only_reads(self) -> bool:
        return self.kind in ("sql", "constant")

    def used(self) -> set[str]:
        """The parameters that have a place."""
        if self.kind == "sql":
            return (
                set(sql_places(str(self.spec.get("statement", "")))) if isinstance(self.spec, dict) else set()
            )
        return {name for text in strings(self.spec) for name in places(text)[0]}


def read_target(here: Here, parameters: Mapping[str, JsonValue], checks: Checks) -> Target:
    """The target, after everything wrong with it has been said."""
    if not here.mapping("a target", ("connector", *KINDS, "pin")):
        return Target()
    connector = here.child("connector")
    if connector is None:
        here.say("this target has no `connector`: write the name of a connector of this tenant")
    elif not isinstance(connector.node.value, str) or not _CONNECTOR.fullmatch(connector.node.value):
        connector.say("a connector's name has lower-case letters, digits, - and _, and begins with a letter")
    kinds = [kind for kind in KINDS if here.child(kind)]
    spec = here.child(kinds[0]) if len(kinds) == 1 else None
    if spec is None:
        here.say("a target has one of `http:`, `sql:`, `tool:` (with `pin:`) and `constant:`")
        return Target()
    target = Target(kinds[0], plain(spec.node), plain(here.node))
    whole: dict[str, JsonValue] = {target.kind: target.spec}
    if pin := here.child("pin"):
        whole["pin"] = plain(pin.node)
    faults = checks.target(target.kind, whole)
    if not faults and checks.bound and connector is not None:
        faults = checks.bound(str(connector.node.value), whole)
    for fault in faults:
        here.say_at(fault)
    _check_places(spec, target, parameters)
    return target


def _check_places(spec: Here, target: Target, parameters: Mapping[str, JsonValue]) -> None:
    """Every place names a parameter, and every parameter has a place: what is shown for approval is what is sent."""
    named = parameters.get("properties")
    known: Mapping[str, JsonValue] = named if isinstance(named, dict) else {}
    if target.kind in ("constant", "tool"):  # a tool gets each parameter under its own name
        return
    if target.kind == "http":
        _check_texts(spec, known)
        _check_path(spec.child("path"), known, parameters.get("required") or ())
    statement = spec.child("statement")
    if target.kind == "sql" and statement is not None and isinstance(statement.node.value, str):
        for name in dict.fromkeys(sql_places(statement.node.value)):
            _check_place(statement, f":{name}", name, known)
    for name in sorted(known.keys() - target.used()):
        place = f":{name}" if target.kind == "sql" else f"{{{name}}}"
        spec.say(
            f"the target never uses the parameter {shown(name)}: write it there as {place}, or take it away"
        )


def _check_place(here: Here, place: str, name: str, known: Mapping[str, JsonValue]) -> None:
    if name not in known:
        here.say(f"{place} is no parameter of this action: declare it under parameters{nearest(name, known)}")


def _check_path(path: Here | None, known: Mapping[str, JsonValue], required: JsonValue) -> None:
    """A path without one of its parts is another path."""
    if path is None or not isinstance(path.node.value, str):
        return
    for name in dict.fromkeys(places(path.node.value)[0]):
        schema = known.get(name)
        if (
            schema is not None
            and name not in required
            and not (isinstance(schema, dict) and "default" in schema)
        ):
            path.say(f"the path needs {{{name}}}: list it under required")


def _check_texts(here: Here, known: Mapping[str, JsonValue]) -> None:
    """Every {parameter} below this value exists."""
    if isinstance(here.node.value, str):
        for name in dict.fromkeys(places(here.node.value)[0]):
            _check_place(here, f"{{{name}}}", name, known)
    elif isinstance(here.node.value, dict):
        for key in here.node.value:
            if child := here.child(key):
                _check_texts(child, known)
    for item in here.items():
        _check_texts(item, known)
