"""What is known about a call before it is decided: where each value came from, and what the person asked for. Facts as data, no judgement.

`provenance` gathers them, `consent.policy` judges them, the approval card shows them, and a sealed copy beside the record lets a later policy be
tried on the same facts. Every default is the worst case: what nobody filled in explains nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ostiary.actions import JsonValue


class Kind(StrEnum):
    """said: in the person's own words. trusted, untrusted: seen in such a field of an answer. unexplained: not seen, or rewritten by the agent.

    A value that has several origins has the best of them, in this order: whoever wrote the untrusted one gained nothing by it.
    """

    SAID = "said"
    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    UNEXPLAINED = "unexplained"


class Label(StrEnum):
    """What a parameter is for. The first five say where something goes: the sinks."""

    RECIPIENT = "recipient"
    ACCOUNT = "account"
    URL = "url"
    ADDRESS = "address"
    ID = "id"
    AMOUNT = "amount"
    CONTENT = "content"
    SELECTOR = "selector"


SINKS = frozenset({Label.RECIPIENT, Label.ACCOUNT, Label.URL, Label.ADDRESS, Label.ID})
EVERYBODY = "*"
"""As a reader: whoever it is."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One value of a call's parameters, and the best that is known about it.

    name, pointer: the parameter, and the place in it (RFC 6901). source: the action and the place in its answer, or empty.
    label: as the contract labels the parameter; empty where it says nothing.
    whole: the value is one whole field of that answer; false for what was taken out of a longer text.
    excerpt: what stands around it there, for the card; kept only while a person is asked.
    readers: who may read it: the meeting set of what it was made of. None: no answer that it came from limits its readers.
    tainted: it, or a part of it, was seen in untrusted text, whatever else explains it.
    named: the person's words name the record that this trusted value stands in.
    carries: a text that holds an address (URL, e-mail, account) which neither the person nor anything trusted explains.
    disguised: it is not what it looks like: hidden characters, or look-alikes of other letters.
    constant: true, false or nothing at all: a value that has no origin.
    """

    name: str
    pointer: str
    value: JsonValue
    kind: Kind
    source: str = ""
    label: str = ""
    whole: bool = False
    excerpt: str = ""
    readers: frozenset[str] | None = None
    tainted: bool = False
    named: bool = False
    carries: bool = False
    disguised: bool = False
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one call.

    session: the session's id, empty for none. intent: the person's own words are known; without them nothing is `said`.
    asked: these words ask for an act of this action's kind. clean: this actor has read nothing untrusted so far, and its memory is complete:
    then nobody but the person and the agent itself has had a say in the call.
    outsiders: pointers of recipients who may not read all that is sent to them. The comparing is done where the values are, so that what is kept
    for a replay needs none of them.
    origins: one for each value of the parameters. complete: false where there were more values than are looked at.
    """

    session: str = ""
    intent: bool = False
    asked: bool = False
    clean: bool = False
    outsiders: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    complete: bool = True

    @classmethod
    def none(cls) -> "Evidence":
        """No session, no memory: nothing is explained."""
        return NOTHING


_FLAGS = ("whole", "tainted", "named", "carries", "disguised", "constant")
NOTHING = Evidence(complete=False)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a call is held or refused, as data: the rule, and the value it speaks of, if it is about one."""

    rule: str
    name: str = ""
    pointer: str = ""
    label: str = ""
    kind: str = ""
    source: str = ""
    detail: tuple[tuple[str, str], ...] = ()
    """What the rule compared, name and value: the limit and the sum, say. No secrets."""


def reason_of(rule: str, origin: Origin) -> Reason:
    """The reason that one value gives."""
    return Reason(rule, origin.name, origin.pointer, origin.label, origin.kind, origin.source)


def reason_data(reason: Reason) -> dict[str, JsonValue]:
    """As it is recorded and shown."""
    data = {"rule": reason.rule, "name": reason.name, "pointer": reason.pointer, "label": reason.label,
            "kind": reason.kind, "source": reason.source, "detail": dict(reason.detail)}  # fmt: skip
    return {key: value for key, value in data.items() if value}


def to_data(evidence: Evidence) -> dict[str, JsonValue]:
    """The facts for the sealed copy beside the record, without the values (the call's own parameters hold them) and the excerpts."""
    return {
        "session": evidence.session,
        "intent": evidence.intent,
        "asked": evidence.asked,
        "clean": evidence.clean,
        "outsiders": list(evidence.outsiders),
        "complete": evidence.complete,
        "origins": [_origin_data(origin) for origin in evidence.origins],
    }


def from_data(data: Mapping[str, JsonValue]) -> Evidence:
    """What `to_data` wrote. What is missing counts as not known."""
    return Evidence(
        session=data.get("session", ""),
        intent=data.get("intent", False),
        asked=data.get("asked", False),
        clean=data.get("clean", False),
        outsiders=tuple(data.get("outsiders", ())),
        origins=tuple(_origin_of(row) for row in data.get("origins", ())),
        complete=data.get("complete", False),
    )


def _origin_data(origin: Origin) -> dict[str, JsonValue]:
    return {
        "name": origin.name,
        "pointer": origin.pointer,
        "kind": origin.kind.value,
        "source": origin.source,
        "label": origin.label,
        "readers": None if origin.readers is None else sorted(origin.readers),
        "flags": [flag for flag in _FLAGS if getattr(origin, flag)],
    }


def _origin_of(row: Mapping[str, JsonValue]) -> Origin:
    readers, flags = row.get("readers"), row.get("flags", ())
    return Origin(
        name=row["name"],
        pointer=row["pointer"],
        value=None,
        kind=Kind(row["kind"]),
        source=row.get("source", ""),
        label=row.get("label", ""),
        whole="whole" in flags,
        readers=None if readers is None else frozenset(readers),
        tainted="tainted" in flags,
        named="named" in flags,
        carries="carries" in flags,
        disguised="disguised" in flags,
        constant="constant" in flags,
    )
