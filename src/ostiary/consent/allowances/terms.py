"""What exactly a pre-approval covers, and whether a call is that. Pure.

Every parameter is part of it, to the byte, but for those that the contract labels `amount` (bounded) or `content` (free). What the contract does not label is
taken as exact: only what is known not to matter is left open.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ostiary.actions import Action, JsonValue
from ostiary.consent.binding import canonical
from ostiary.evidence import Evidence, Kind, Label, Origin, Reason
from ostiary.labelled import amounts_of, number

MICRO = 1_000_000
MICROS_MAX = 2**62


@dataclass(frozen=True, slots=True)
class Terms:
    """`values`: the exact parameters. `amount_max`: of one call, in plain digits; empty where the contract labels no amount. `note`: why, for people."""

    values: Mapping[str, JsonValue]
    amount_max: str = ""
    note: str = ""

    def data(self) -> dict[str, JsonValue]:
        return {"values": dict(self.values), "amount_max": self.amount_max, "note": self.note}


def read(data: Mapping[str, JsonValue]) -> Terms:
    return Terms(data["values"], data["amount_max"], data["note"])


def exact(action: Action, params: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The parameters that have to be the same, without those whose value is open."""
    free = {path.split("/")[1] for path, label in action.labels.items() if _open(path, label)}
    return {name: value for name, value in params.items() if name not in free}


def _open(path: str, label: str) -> bool:
    """Only where the label is of the whole parameter: an amount deep inside leaves the rest exact, and so all of it."""
    return label in (Label.AMOUNT, Label.CONTENT) and path.count("/") == 1


def covers(terms: Terms, action: Action, params: Mapping[str, JsonValue]) -> bool:
    """Whether this call is what was allowed, whatever is left of it."""
    if canonical(exact(action, params)) != canonical(dict(terms.values)):
        return False
    spent = micros(action, params)
    if not has_amount(action):
        return True
    limit = number(terms.amount_max)
    return spent is not None and limit is not None and spent <= limit * MICRO


def has_amount(action: Action) -> bool:
    """Whether the contract labels a whole parameter as the amount."""
    return any(label == Label.AMOUNT and path.count("/") == 1 for path, label in action.labels.items())


def micros(action: Action, params: Mapping[str, JsonValue]) -> int | None:
    """What a call spends, in millionths; None where it has an amount that is none, is negative, or finer than that. Several amounts add up."""
    amounts = amounts_of(action, dict(params))
    if not amounts or any(amount is None or amount < 0 for amount in amounts):
        return None
    return whole(sum((amount for amount in amounts if amount is not None), Decimal(0)))


def whole(amount: Decimal) -> int | None:
    """An amount in millionths; None for one that is none."""
    if amount.adjusted() > 12:
        return None
    scaled = amount * MICRO
    return int(scaled) if scaled == int(scaled) and scaled <= MICROS_MAX else None


def answers(terms: Terms, evidence: Evidence, reasons: Iterable[Reason]) -> bool:
    """Whether it may answer what is asked. Never for a value out of untrusted text, unless it is named here: what somebody wrote into a ticket is not what the
    person had in mind. Never where some value was not looked at, or where who would get a text may not read it."""
    if evidence.outsiders or not evidence.complete:
        return False
    marked = [origin.pointer for origin in evidence.origins if _is_marked(origin)]
    asked = [reason.pointer for reason in reasons if reason.pointer and reason.kind == Kind.UNTRUSTED]
    amounts = {origin.pointer for origin in evidence.origins if origin.label == Label.AMOUNT}
    return all(
        pointer.split("/")[1] in terms.values for pointer in (*marked, *asked) if pointer not in amounts
    )


def _is_marked(origin: Origin) -> bool:
    return origin.pointer != "" and (origin.kind is Kind.UNTRUSTED or origin.tainted)
