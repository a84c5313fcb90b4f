"""Who has to say yes to one call. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ostiary.actions import Action, JsonValue
from ostiary.consent.rules import Question


@dataclass(frozen=True, slots=True)
class Needs:
    """quorum: how many different people. approvers: whoever says yes holds a role of each of these sets. four_eyes: neither who asked nor who made the
    asking key is one of them."""

    quorum: int = 1
    approvers: tuple[frozenset[str], ...] = ()
    four_eyes: bool = False

    def lets(self, roles: frozenset[str]) -> bool:
        """Whether somebody with these roles counts."""
        return all(group & roles for group in self.approvers)

    def data(self) -> dict[str, JsonValue]:
        """As the card keeps it."""
        return {
            "quorum": self.quorum,
            "approvers": [sorted(group) for group in self.approvers],
            "four_eyes": self.four_eyes,
        }


ONE_PERSON = Needs()


def needs_of(action: Action, questions: Iterable[Question] = ()) -> Needs:
    """What the contract wants, and every question that was met: the most of each."""
    met = tuple(questions)
    groups = [group for group in (action.approvers, *(question.approvers for question in met)) if group]
    return Needs(
        max([action.quorum, *(question.quorum for question in met)]),
        tuple(dict.fromkeys(groups)),
        action.four_eyes or any(question.four_eyes for question in met),
    )


def read(data: Mapping[str, JsonValue] | None) -> Needs:
    """What `Needs.data` wrote; a card of the release before says nothing: one person."""
    if not data:
        return ONE_PERSON
    return Needs(data["quorum"], tuple(frozenset(group) for group in data["approvers"]), data["four_eyes"])
