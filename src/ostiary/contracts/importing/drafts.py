"""Drafts of contracts: items of a contract file with everything that is suggested, and why. Pure; a draft makes nothing callable.

Writes get the risk that the suggestion names. `high` always asks a person; a write of medium risk is left to the tenant's mode, which asks unless its
values are explained. A person raises what should always ask.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ostiary.actions import JsonValue, Risk
from ostiary.contracts.file import (
    DESCRIPTION_CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    RESERVED,
    SENTENCE_CHARACTERS_MAX,
    TITLE_CHARACTERS_MAX,
)
from ostiary.contracts.importing.schemas import Adapted, Unfit, adapted, flattened, visible
from ostiary.contracts.labels.names import words
from ostiary.contracts.labels.sense import Described
from ostiary.contracts.labels.suggest import Suggestion, suggest
from ostiary.errors import Fault, TargetAnswerInvalid

DRAFTS_MAX = 500
PLACES_MAX = 6
FIRST_CHARACTERS_MAX = 30
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_TELLING = ("recipient", "account", "url", "address", "id", "amount", "currency", "content", "")
"""In this order a sentence names parameters: where it goes, how much, what."""

Pin = Callable[[Mapping[str, JsonValue]], str]
"""A tool's definition -> the fingerprint that a contract names it by. Raises TargetAnswerInvalid for what has none."""


@dataclass(frozen=True, slots=True)
class Draft:
    """`item` is one action of a contract file. `why`: reasons, by pointer into the parameters or by key. `notes`: what was left out of the original, by
    pointer. `source`: what it was made from, for a person: a tool's name, or method and path."""

    item: dict[str, JsonValue]
    why: Mapping[str, str]
    notes: tuple[Fault, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Left:
    """What became no draft, and why."""

    source: str
    detail: str


@dataclass(frozen=True, slots=True)
class Imported:
    drafts: tuple[Draft, ...]
    left: tuple[Left, ...]
    notes: tuple[str, ...] = ()
    """What concerns the whole document."""


def drafts(tools: Sequence[Mapping[str, JsonValue]], connector: str, pin: Pin) -> list[dict[str, JsonValue]]:
    """Items of a contract file for an upstream's tools, as `tools/list` gives them. What cannot become one is left out; `imported_tools` says why."""
    return [draft.item for draft in imported_tools(tools, connector, pin).drafts]


def imported_tools(tools: Sequence[Mapping[str, JsonValue]], connector: str, pin: Pin) -> Imported:
    """Never raises for what a tool says of itself: that is `left`."""
    names = Names(connector)
    made: list[Draft] = []
    left: list[Left] = []
    for tool in tools[:DRAFTS_MAX]:
        name = tool.get("name")
        source = visible(name, NAME_CHARACTERS_MAX) if isinstance(name, str) else "a tool without a name"
        try:
            made.append(_of_tool(tool, connector, pin, names, source))
        except (Unfit, TargetAnswerInvalid) as error:
            left.append(Left(source, error.detail))
    if len(tools) > DRAFTS_MAX:
        left.append(Left(f"{len(tools) - DRAFTS_MAX} more tools", f"at most {DRAFTS_MAX} are taken at once"))
    return Imported(tuple(made), tuple(left))


def _of_tool(tool: Mapping[str, JsonValue], connector: str, pin: Pin, names: "Names", source: str) -> Draft:
    name = tool.get("name")
    if not isinstance(name, str) or not name:
        raise Unfit("it has no name")
    notes: list[Fault] = []
    taken = adapted(tool.get("inputSchema"))
    parameters = flattened(taken.schema, notes)
    answers = _answers(tool.get("outputSchema"), notes)
    described = Described(
        name=name,
        title=_text(tool.get("title")) or _text(_annotations(tool).get("title")),
        description=_text(tool.get("description")),
        parameters=parameters,
        returns=answers,
        annotations=_annotations(tool),
    )
    target = {"connector": connector, "tool": name, "pin": pin(tool)}
    return draft_of(described, names.of(name), target, (*_under(taken), *notes), source)


def _annotations(tool: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    found = tool.get("annotations")
    return found if isinstance(found, dict) else {}


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _under(taken: Adapted) -> Iterable[Fault]:
    return (Fault(f"/parameters{note.pointer}", note.detail) for note in taken.notes)


def _answers(schema: JsonValue, notes: list[Fault]) -> dict[str, Any] | None:
    """The schema of the answer, or None: an answer is then taken as it comes, and nothing in it is trusted by its place."""
    if not isinstance(schema, dict):
        return None
    try:
        taken = adapted(schema)
    except Unfit as error:
        notes.append(Fault("/returns", f"left out: {error.detail}"))
        return None
    notes.extend(Fault(f"/returns{note.pointer}", note.detail) for note in taken.notes)
    return taken.schema


def draft_of(
    tool: Described,
    name: str,
    target: Mapping[str, JsonValue],
    notes: Sequence[Fault],
    source: str,
    *,
    keeps_returns: Literal["always", "reads"] = "always",
) -> Draft:
    """One draft from what is known of a tool. `keeps_returns`: `reads` where the schema of an answer is not to be relied on: a read is refused if its
    answer does not fit, but a write has been done by then. Raises Unfit for parameters that no contract can name."""
    properties: Mapping[str, JsonValue] = (tool.parameters or {}).get("properties", {})
    for parameter in properties:
        if not _PARAMETER.fullmatch(parameter):
            raise Unfit(
                f"its parameter {visible(parameter, 60)!r} has a name that contracts do not take: letters a-z, digits and _"
            )
    found = suggest(tool)
    title = _title(tool, name)
    item: dict[str, JsonValue] = {
        "name": name,
        "title": title,
        "description": visible(tool.description, DESCRIPTION_CHARACTERS_MAX) or f"{title}.",
        "parameters": dict(tool.parameters or {"type": "object", "properties": {}}),
        **(
            {"returns": dict(tool.returns)}
            if tool.returns is not None and (keeps_returns == "always" or found.effect == "read")
            else {}
        ),
        "risk": found.risk.value,
        "effect": found.effect,
        "confirmation": "always" if found.risk is Risk.HIGH else "never",
        "sentence": _sentence(title, found, properties),
        **({"trusted": list(found.trusted)} if found.trusted else {}),
        **({"labels": dict(found.labels)} if found.labels else {}),
        **({"readers": {path: list(who) for path, who in found.readers.items()}} if found.readers else {}),
        "target": dict(target),
    }
    return Draft(item, found.why, tuple(notes), source)


def _title(tool: Described, name: str) -> str:
    """Its own title, or its name in words. A title holds no places."""
    given = visible(tool.title.replace("{", "").replace("}", "").replace("\n", " "), TITLE_CHARACTERS_MAX)
    spoken = " ".join(words(tool.name)) or name.replace(".", " ").replace("_", " ")
    return given or spoken[:TITLE_CHARACTERS_MAX].capitalize()


def _sentence(title: str, found: Suggestion, properties: Mapping[str, JsonValue]) -> str:
    """The title and the parameters that say most: `Send e-mail: to {to}, subject {subject}`."""
    label = {path.split("/")[1]: kind for path, kind in reversed(list(found.labels.items()))}
    ranked = sorted(
        properties,
        key=lambda name: (
            _TELLING.index(label.get(name, "")) if label.get(name, "") in _TELLING else len(_TELLING)
        ),
    )
    told = ranked if found.effect == "write" else [name for name in ranked if label.get(name)]
    sentence = title
    for index, name in enumerate(told[:PLACES_MAX]):
        more = f"{sentence}{', ' if index else ': '}{name.replace('_', ' ')} {{{name}}}"
        if len(more) > SENTENCE_CHARACTERS_MAX:
            break
        sentence = more
    return sentence


class Names:
    """Names for drafts: the connector's name, a dot, what it was called; unique also where dots are written as underscores."""

    def __init__(self, connector: str) -> None:
        first = re.sub(r"[^a-z0-9]+", "_", connector.lower()).strip("_") or "imported"
        first = first[:FIRST_CHARACTERS_MAX].rstrip("_")
        first = first if first[0].isalpha() else f"x_{first}"
        self._first = f"{first}_api" if first in RESERVED else first
        self._taken: set[str] = set()

    def of(self, called: str) -> str:
        spoken = _snake(called)
        name = f"{self._first}.{spoken}"
        if not spoken or len(name) > NAME_CHARACTERS_MAX or name.replace(".", "_") in self._taken:
            mark = hashlib.sha256(called.encode(errors="surrogatepass")).hexdigest()[:8]
            room = NAME_CHARACTERS_MAX - len(self._first) - len(mark) - 2
            name = f"{self._first}.{(spoken or 'x')[:room].rstrip('_')}_{mark}"
        self._taken.add(name.replace(".", "_"))
        return name


def _snake(called: str) -> str:
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", called)
    plain = re.sub(r"[^a-z0-9]+", "_", spread.lower()).strip("_")
    return plain if not plain or plain[0].isalpha() else f"x_{plain}"
