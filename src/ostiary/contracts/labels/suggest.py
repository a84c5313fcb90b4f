"""Suggestions for what a contract says of a tool that somebody else described: whether it changes something, how risky it is, what its parameters are, which
fields of its answer are the system's own, and who may read them.

Names, types, formats, descriptions and annotations are read by general rules of language; nothing is known of any product. A suggestion is for a person to
review, so each carries its reason. What is in doubt gets the careful answer: a write, a sink, content, an untrusted field. An upstream's own hints
only ever add care: a tool that calls itself read-only and is named like a deletion is a deletion.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from ostiary.actions import Risk
from ostiary.contracts.labels import words as w
from ostiary.contracts.labels.answers import readers_of, trusted_fields
from ostiary.contracts.labels.fields import fields
from ostiary.contracts.labels.names import concept
from ostiary.contracts.labels.parameters import meaning_of, parameter_label
from ostiary.contracts.labels.sense import Described, Sense, hint, sense_of
from ostiary.evidence import SINKS


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a contract could say. `labels` and `why` by JSON Pointer into the parameters; `why` also holds `effect`, `risk`, `trusted` and `readers`."""

    effect: str
    risk: Risk
    labels: Mapping[str, str]
    trusted: tuple[str, ...]
    readers: Mapping[str, tuple[str, ...]]
    why: Mapping[str, str]


def suggest(tool: Described) -> Suggestion:
    """Everything that is suggested for one tool. Never raises: what cannot be read is suggested as a write with nothing trusted."""
    sense = sense_of(tool)
    why = {"effect": sense.why}
    labels: dict[str, str] = {}
    parameters = fields(tool.parameters)
    outward = (
        sense.outward
        or hint(tool, "openWorldHint") is True
        or any(meaning_of(field, sense)[0] == "url" for field in parameters)
    )
    for field in parameters:
        label, reason = parameter_label(field, sense, outward=outward)
        if label:
            labels[field.path] = label
            why[field.path] = reason
    risk, why["risk"] = risk_of(tool, sense, labels)
    trusted, reason = trusted_fields(tool, sense)
    if trusted:
        why["trusted"] = reason
    readers, reason = readers_of(tool, sense)
    if readers:
        why["readers"] = reason
    return Suggestion("read" if sense.reads else "write", risk, labels, trusted, readers, why)


def risk_of(tool: Described, sense: Sense, labels: Mapping[str, str]) -> tuple[Risk, str]:
    """High is what always asks a person: what cannot be undone and names no single record, what runs code, what changes who may do what."""
    if sense.reads:
        return Risk.LOW, "it reads"
    said = set(sense.words)
    if sense.verb in w.IRREVERSIBLE or (sense.family == "remove" and said & w.WHOLESALE):
        return Risk.HIGH, "what it destroys does not come back"
    if sense.family == "remove" and not SINKS & set(labels.values()):
        return Risk.HIGH, "it removes something and does not say which"
    if sense.family in {"run", "process"} and (said & w.EXECUTES or _takes_code(tool)):
        return Risk.HIGH, "it runs code"
    if sense.family not in {"tell", "pay"} and (said & w.CREDENTIALS or _is_opening(sense.words)):
        return Risk.HIGH, "it changes credentials or rights"
    return Risk.MEDIUM, "it changes something"


def _takes_code(tool: Described) -> bool:
    return any(concept(field.named) == "code" for field in fields(tool.parameters) if field.kind == "string")


def _is_opening(named: tuple[str, ...]) -> bool:
    return any(before in w.OPENING and after == "key" for before, after in pairwise(named))
