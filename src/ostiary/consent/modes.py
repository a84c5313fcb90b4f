"""The two modes: which questions the evidence about an agent's call raises. Pure, and only ever more questions.

Both modes judge what has a consequence: writes, and reads that carry something outward. The values of a call answer three questions. Where does it go
(sinks)? What goes (amounts, contents, and whatever the contract does not label)? Did the person ask for an act like this?
Both ask about a sink that is untrusted or unexplained, an amount or an address that untrusted text supplied, untrusted contents for a place that the person
did not name, data for somebody who may not read it, and an act nobody asked for once something untrusted was read.
strict also asks where the sink is from a trusted field but the person did not speak of it or of its record, where the agent worked out an amount, and
about every act nobody asked for.
"""

from collections.abc import Iterable, Iterator

from ostiary.actions import Action, Effect
from ostiary.consent.rules import Mode
from ostiary.evidence import SINKS, Evidence, Kind, Label, Origin, Reason, reason_of

REASONS_MAX = 20


def judge(action: Action, evidence: Evidence, mode: Mode) -> tuple[Reason, ...]:
    """The reasons to ask a person, the gravest first; none where the call may run as far as its evidence goes."""
    if not is_consequential(action):
        return ()
    strict = mode is Mode.STRICT
    found = dict.fromkeys([*_values(evidence, strict=strict), *_whole(evidence)])
    if action.effect is not Effect.NONE and not evidence.asked and (strict or not evidence.clean):
        found[Reason("act.not_asked")] = None
    return tuple(sorted(found, key=lambda reason: _ORDER.index(reason.rule)))[:REASONS_MAX]


def is_consequential(action: Action) -> bool:
    """Whether a call changes something, or carries something outward."""
    return action.effect is not Effect.NONE or action.egress


def _values(evidence: Evidence, *, strict: bool) -> Iterator[Reason]:
    values = [origin for origin in evidence.origins if not origin.constant]
    sinks = [origin for origin in values if origin.label in SINKS]
    named = bool(sinks) and all(_is_named(origin) for origin in sinks)
    for origin in values:
        if origin.label in SINKS:
            yield from _sink(origin, believed=not strict)
        elif origin.label == Label.AMOUNT:
            yield from _amount(origin, worked_out=not strict)
        else:
            yield from _content(origin, named=named)


def _whole(evidence: Evidence) -> Iterator[Reason]:
    """What is said of the call as a whole, in both modes."""
    by_pointer = {origin.pointer: origin for origin in evidence.origins}
    for pointer in evidence.outsiders:
        yield (
            reason_of("readers.outside", by_pointer[pointer])
            if pointer in by_pointer
            else Reason("readers.outside")
        )
    if not evidence.complete:
        yield Reason("evidence.incomplete")


def _sink(origin: Origin, *, believed: bool) -> Iterator[Reason]:
    """Said by the person, or from a trusted field and named by nothing untrusted. `believed`: whether a trusted field is enough."""
    if (
        origin.kind is Kind.SAID
        or origin.named
        or (origin.kind is Kind.TRUSTED and believed and not origin.tainted)
    ):
        return
    if origin.disguised:
        yield reason_of("sink.disguised", origin)
    elif origin.kind is Kind.UNTRUSTED or origin.tainted:
        yield reason_of("sink.untrusted", origin)
    elif origin.kind is Kind.TRUSTED:
        yield reason_of("sink.not_named", origin)
    else:
        yield reason_of("sink.unexplained", origin)


def _amount(origin: Origin, *, worked_out: bool) -> Iterator[Reason]:
    """`worked_out`: whether the agent may have reckoned it."""
    if _is_untrusted(origin):
        yield reason_of("amount.untrusted", origin)
    elif origin.kind is Kind.UNEXPLAINED and not worked_out:
        yield reason_of("amount.unexplained", origin)


def _content(origin: Origin, *, named: bool) -> Iterator[Reason]:
    """`named`: the person spoke of every place that it goes to; then it may quote what the person sent the agent to read."""
    if origin.carries and origin.kind is not Kind.SAID:
        yield reason_of("content.address", origin)
    if origin.disguised:
        yield reason_of("content.disguised", origin)
    if _is_untrusted(origin) and not named:
        yield reason_of("content.untrusted", origin)


def _is_named(origin: Origin) -> bool:
    """Whether the person spoke of it, or of the record that it stands in."""
    return origin.kind is Kind.SAID or origin.named


def _is_untrusted(origin: Origin) -> bool:
    """Nothing but untrusted text supplied it, or untrusted text supplied a part."""
    return origin.kind is Kind.UNTRUSTED or (origin.tainted and origin.kind is not Kind.SAID)


def rules_of(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """The names of the rules, each once."""
    return tuple(dict.fromkeys(reason.rule for reason in reasons))


SENTENCES = {
    "sink.untrusted": "Where this goes was named by a text that anybody could have written.",
    "sink.disguised": "Where this goes is written to look like something else.",
    "sink.unexplained": "Nobody knows where the agent has this destination from.",
    "sink.not_named": "The destination exists, but the person did not speak of it.",
    "amount.untrusted": "The amount comes from a text that anybody could have written.",
    "amount.unexplained": "The agent worked out the amount itself.",
    "content.address": "The text holds an address or a link that nobody vouches for.",
    "content.disguised": "The text holds characters that do not show or look like others.",
    "content.untrusted": "What is written here comes from a text that anybody could have written.",
    "readers.outside": "Some of this is not meant for whoever would get it.",
    "act.not_asked": "As far as is known, the person did not ask for an act of this kind.",
    "evidence.incomplete": "There are more values than are looked at.",
}
"""For each rule, as the approval card says it; the gravest first."""
ANSWERED = frozenset({"sink.unexplained", "sink.not_named", "act.not_asked"})
"""What a person who agreed to a call with the very same sinks has answered already."""
_ORDER = tuple(SENTENCES)
