"""What the words of a tool say that it does: whether it changes something, by which verb, and what it is about."""

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.actions import JsonValue
from ostiary.contracts.labels import words as w
from ostiary.contracts.labels.names import VERB, grave_verbs, joined_verbs, said_verb, verb_of, words

_READING = frozenset({"read", "process"})
_TALKING = frozenset({"tell", "grant"})
_SENT = frozenset({"shipment", "order", "parcel", "package", "delivery", "flight"})
_OPENS = frozenset({"file", "url", "page", "document", "website", "folder", "webpage", "link"})


@dataclass(frozen=True, slots=True)
class Described:
    """A tool as its maker describes it. `method`: the HTTP method, empty for what is no HTTP. `annotations`: as in MCP (readOnlyHint, destructiveHint,
    openWorldHint)."""

    name: str
    title: str = ""
    description: str = ""
    parameters: Mapping[str, JsonValue] | None = None
    returns: Mapping[str, JsonValue] | None = None
    annotations: Mapping[str, JsonValue] | None = None
    method: str = ""


@dataclass(frozen=True, slots=True)
class Sense:
    """What a tool's words say of it. `verb` and `family` are empty where nothing says what it does."""

    words: tuple[str, ...]
    verb: str
    family: str
    reads: bool
    about: frozenset[str]
    why: str

    @property
    def money(self) -> bool:
        return self.family == "pay" or bool(self.about & w.MONEY)

    @property
    def tells(self) -> bool:
        """Whether whoever it names gets to see or to do something."""
        return self.family in _TALKING or self.verb in w.SHARING

    @property
    def outward(self) -> bool:
        return bool(set(self.words) & w.OUTSIDE)


def hint(tool: Described, name: str) -> bool | None:
    value = (tool.annotations or {}).get(name)
    return value if isinstance(value, bool) else None


def sense_of(tool: Described) -> Sense:
    """Whether it reads or writes, and by which verb."""
    named = words(tool.name)
    verb, family = verb_of(named)
    where = f"its name says {verb}"
    if not family:
        for text, said in (
            (tool.title, "its title begins with"),
            (tool.description, "its description begins with"),
        ):
            verb, family = said_verb(text)
            if family:
                where = f"{said} {verb}"
                break
    also = [found for found in joined_verbs(named) if found[1] not in _READING] or list(grave_verbs(named))
    if family in _READING and also:
        (verb, family), where = also[0], f"its name also says {also[0][0]}"
    verbs = {verb, *(word for word, _ in also), *(named[:1] if named[:1] and named[0] in VERB else ())}
    about = frozenset(word for word in named if word not in verbs and word not in w.LITTLE)
    reads, why = _reads(tool, named, verb, family, where)
    return Sense(named, verb, family, reads, about, why)


def _reads(tool: Described, named: tuple[str, ...], verb: str, family: str, where: str) -> tuple[bool, str]:
    """What says that it writes wins over what says that it reads; with nothing said it writes."""
    method = tool.method.upper()
    harmless = hint(tool, "readOnlyHint")
    if harmless is False or (harmless is None and hint(tool, "destructiveHint") is True):
        return False, "its maker says that it changes something"
    if method in {"PUT", "PATCH", "DELETE"}:
        return False, f"{method} changes something"
    if family == "process" and set(named) & w.EXECUTES:
        return False, f"{where}, and what it is given runs"
    opening = (verb == "open" and bool(set(named) & _OPENS)) or (verb == "track" and bool(set(named) & _SENT))
    if family in _READING or opening:
        said, kind = said_verb(tool.description)
        if kind in {"remove", "pay", "run"} and said not in w.NOUNS_TOO:
            return False, f"its description begins with {said}"
        return True, where
    if method in {"GET", "HEAD"} and (not family or verb in w.NOUNS_TOO):
        return True, f"{method} reads"
    if family:
        return False, where
    if harmless:
        return True, "its maker calls it read-only, and nothing says otherwise"
    return False, "nothing says that it only reads"
