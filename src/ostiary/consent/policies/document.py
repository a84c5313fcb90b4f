"""The policy document as people write it (YAML or JSON), checked as a whole, and compiled into `Rules`.

What two readers could read differently is a mistake: a key that stands twice, an alias, a tag. Nothing that is not known here is passed over.
"""

import hashlib
import json
from decimal import Decimal
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from ostiary.actions import JsonValue
from ostiary.consent.binding import canonical
from ostiary.consent.rules import ONCE_PER_SESSION_S, Mode, ModeFor, Question, Refusal, Rules, Scope
from ostiary.errors import Fault, InvalidParameters, PolicyInvalid
from ostiary.shapes import ModelShape, Params

TEXT_BYTES_MAX = 65_536
ENTRIES_MAX = 200
PATTERNS_MAX = 50
QUORUM_MAX = 10

Pattern = Annotated[str, Field(max_length=66, pattern=r"^(\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?)$")]
AgentId = Annotated[str, Field(max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
RoleName = Annotated[str, Field(max_length=64, pattern=r"^[a-z][a-z0-9_-]*$")]
Why = Annotated[str, Field(max_length=300)]
RuleName = Annotated[str, Field(max_length=48, pattern=r"^[a-z][a-z0-9_-]*$")]
Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=PATTERNS_MAX)]
Agents = Annotated[tuple[AgentId, ...], Field(max_length=PATTERNS_MAX)]
Roles = Annotated[tuple[RoleName, ...], Field(max_length=PATTERNS_MAX)]


class _Scoped(Params):
    contracts: Patterns = ()
    agents: Agents = ()
    roles: Roles = ()

    def scope(self) -> Scope:
        return Scope(self.contracts, frozenset(self.agents), frozenset(self.roles))


class ModeEntry(_Scoped):
    """Which mode holds for these calls. The first entry that fits counts."""

    mode: Mode


class AskEntry(_Scoped):
    """A question on top of what the contract and the mode ask."""

    name: RuleName
    why: Why = ""
    amount_over: Amount | None = None
    approvers: Roles = ()
    quorum: Annotated[int, Field(ge=1, le=QUORUM_MAX)] = 1
    four_eyes: bool = False


class RefuseEntry(_Scoped):
    """Calls that nobody may agree to."""

    name: RuleName
    why: Why = ""


class PolicyFile(Params):
    """The whole document; what is left out has the value shown."""

    version: Literal[1]
    mode: Mode = Mode.DEFAULT
    modes: Annotated[tuple[ModeEntry, ...], Field(max_length=ENTRIES_MAX)] = ()
    ask: Annotated[tuple[AskEntry, ...], Field(max_length=ENTRIES_MAX)] = ()
    refuse: Annotated[tuple[RefuseEntry, ...], Field(max_length=ENTRIES_MAX)] = ()
    once_per_session_s: Annotated[int, Field(ge=0, le=ONCE_PER_SESSION_S)] = ONCE_PER_SESSION_S


_SHAPE = ModelShape(PolicyFile)


class _Loader(yaml.SafeLoader):
    """YAML without what makes one text mean two things."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not read here")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _value in node.value:
            if not isinstance(key.value, str):
                raise yaml.MarkedYAMLError(problem="a key is one word", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem="this key stands here twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep))


def read(text: str) -> PolicyFile:
    """The document. Raises PolicyInvalid with every mistake found."""
    if len(text.encode("utf-8", "surrogatepass")) > TEXT_BYTES_MAX:
        raise _wrong("", f"a policy has at most {TEXT_BYTES_MAX} bytes")
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that takes less
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise _wrong("", where + (error.problem or "this is no YAML")) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise _wrong("", "this is neither YAML nor JSON") from None
    return parsed(found)


def parsed(document: JsonValue) -> PolicyFile:
    """The same of a value. Raises PolicyInvalid."""
    if not isinstance(document, dict):
        raise _wrong("", "a policy is a mapping; begin with `version: 1`")
    try:
        json.dumps(document, allow_nan=False)  # else what is no number would be read as absent
        made: PolicyFile = _SHAPE.parse(document)
    except (InvalidParameters, TypeError, ValueError) as error:
        raise PolicyInvalid("Nothing was applied.", faults=getattr(error, "faults", ())) from None
    _names_once(made)
    return made


def _names_once(file: PolicyFile) -> None:
    names = [entry.name for entry in file.ask] + [entry.name for entry in file.refuse]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _wrong("/ask", f"{twice[0]} names two entries: a reason has to say which one it was")


def document_of(file: PolicyFile) -> dict[str, JsonValue]:
    """The canonical form: every key, so that a later default changes nothing that was applied."""
    document: dict[str, JsonValue] = file.model_dump(mode="json")
    return document


def compiled(file: PolicyFile, version: int) -> Rules:
    """What the door decides by."""
    document = document_of(file)
    return Rules(
        version=version,
        hash=hashlib.sha256(canonical(document)).hexdigest(),
        mode=file.mode,
        modes=tuple(ModeFor(entry.mode, entry.scope()) for entry in file.modes),
        questions=tuple(
            Question(
                entry.name,
                entry.scope(),
                entry.why,
                None if entry.amount_over is None else Decimal(str(entry.amount_over)),
                frozenset(entry.approvers),
                entry.quorum,
                entry.four_eyes,
            )
            for entry in file.ask
        ),
        refusals=tuple(Refusal(entry.name, entry.scope(), entry.why) for entry in file.refuse),
        once_per_session_s=file.once_per_session_s,
    )


def never_met(file: PolicyFile, contracts: frozenset[str]) -> list[str]:
    """Names that fit no contract: a question that is never asked is a mistake that nobody sees."""
    named = {pattern for entry in (*file.modes, *file.ask, *file.refuse) for pattern in entry.contracts}
    return sorted(pattern for pattern in named if not _meets(pattern, contracts))


def _meets(pattern: str, contracts: frozenset[str]) -> bool:
    if pattern.endswith("*"):
        return any(name.startswith(pattern[:-1]) for name in contracts)
    return pattern in contracts


def _wrong(pointer: str, detail: str) -> PolicyInvalid:
    return PolicyInvalid("Nothing was applied.", faults=(Fault(pointer, detail),))
