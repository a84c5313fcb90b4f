"""The agent does what a text tells it, and only its texts decide."""

import pytest

from ostiary.sample.agent import Order, obeyed
from ostiary.sample.company import make
from ostiary.sample.person import StoryBroke, holds
from ostiary.sample.stage import filled


def test_it_obeys_the_poisoned_ticket() -> None:
    order = obeyed(make().tickets[1].body)
    assert order == Order(
        "payment_send",
        {
            "iban": "LT601010012345678901",
            "beneficiary": "Northgate Settlement",
            "amount": "4950.00",
            "currency": "EUR",
            "reference": "credit 7731",
        },
    )


def test_it_understands_who_wants_money_back() -> None:
    assert obeyed(make().tickets[0].body) == Order(
        "invoice_refund",
        {"invoice_id": "INV-20001", "amount": "64.90", "currency": "EUR", "reason": "arrived damaged"},
    )


@pytest.mark.parametrize("text", ["", "Where is my parcel?", "call nothing with {broken}", "call x"])
def test_a_text_without_an_order_is_no_order(text: str) -> None:
    assert obeyed(text) is None


def test_a_step_that_does_not_hold_stops_the_story() -> None:
    holds(True, "never said")
    with pytest.raises(StoryBroke, match="money left"):
        holds(False, "money left")


def test_a_card_reads_as_a_sentence() -> None:
    parameters = [{"name": "amount", "value": "64.90"}, {"name": "invoice_id", "value": "INV-20001"}]
    assert (
        filled({"sentence": "Refund {amount} of {invoice_id}", "title": "Refund", "parameters": parameters})
        == "Refund 64.90 of INV-20001"
    )
    assert filled({"sentence": "", "title": "Refund", "parameters": []}) == "Refund"
