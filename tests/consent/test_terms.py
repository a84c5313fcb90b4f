"""What a pre-approval covers and which question it answers: pure."""

from dataclasses import replace
from typing import Any

import pytest

from ostiary.actions import Action, Effect, Risk
from ostiary.consent.allowances import terms
from ostiary.consent.allowances.terms import Terms
from ostiary.contracts.schema import SchemaShape
from ostiary.evidence import Evidence, Kind, Origin, Reason

ANY = SchemaShape({"type": "object"})


async def nothing(_call: object, _params: object) -> None:
    return None


ACTION = Action(
    "mail.send", "Write", "", "contract.call", Risk.MEDIUM, Effect.OUTSIDE, ANY, ANY, nothing, contract=True, hash="1" * 64,
    labels={"/to": "recipient", "/text": "content", "/sum": "amount"},
)  # fmt: skip
SAID = Terms({"to": "ada"}, "50")


def origin(name: str, kind: Kind, label: str, **more: Any) -> Origin:
    return Origin(name, f"/{name}", None, kind, label=label, **more)


@pytest.mark.parametrize(
    ("params", "covered"),
    [
        ({"to": "ada", "text": "anything", "sum": 50}, True),
        ({"to": "ada", "sum": 0}, True),
        ({"to": "ada", "sum": "49.999999"}, True),
        ({"to": "ada"}, False),
        ({"to": "ada", "sum": 50.01}, False),
        ({"to": "ada", "sum": -1}, False),
        ({"to": "ada", "sum": "49.9999999"}, False),
        ({"to": "ada", "sum": "1e1000000"}, False),
        ({"to": "ada", "sum": True}, False),
        ({"to": "ada", "sum": [20, 30]}, True),
        ({"to": "ada", "sum": [20, 31]}, False),
        ({"to": "ada", "sum": 5, "cc": "eve"}, False),
        ({"to": ["ada"], "sum": 5}, False),
        ({"to": "Ada", "sum": 5}, False),
        ({"sum": 5}, False),
    ],
)
def test_exactly_that_and_up_to_so_much(params: dict[str, Any], covered: bool) -> None:
    assert terms.covers(SAID, ACTION, params) is covered


def test_what_the_contract_does_not_label_is_exact() -> None:
    assert terms.exact(ACTION, {"to": "a", "text": "b", "sum": 1, "more": 2}) == {"to": "a", "more": 2}
    deep = replace(ACTION, labels={"/lines/*/sum": "amount"})
    assert terms.exact(deep, {"lines": [{"sum": 1}]}) == {"lines": [{"sum": 1}]}


@pytest.mark.parametrize(
    ("evidence", "answered"),
    [
        (Evidence(origins=(origin("to", Kind.UNTRUSTED, "recipient"),)), True),
        (Evidence(origins=(origin("text", Kind.UNEXPLAINED, "content"),)), True),
        (Evidence(origins=(origin("sum", Kind.UNTRUSTED, "amount"),)), True),
        (Evidence(origins=(origin("text", Kind.UNTRUSTED, "content"),)), False),
        (Evidence(origins=(origin("text", Kind.SAID, "content", tainted=True),)), False),
        (Evidence(outsiders=("/to",)), False),
        (Evidence(complete=False), False),
        (Evidence.none(), False),
    ],
)
def test_it_answers_nothing_out_of_somebodys_text_unless_it_names_it(
    evidence: Evidence, answered: bool
) -> None:
    assert terms.answers(SAID, evidence, ()) is answered


def test_a_reason_about_an_untrusted_value_counts_as_well() -> None:
    reason = Reason("content.untrusted", "text", "/text", "content", Kind.UNTRUSTED.value)
    assert terms.answers(SAID, Evidence(), (reason,)) is False
    assert terms.answers(SAID, Evidence(), (replace(reason, pointer="/to", name="to"),)) is True
