"""What a contract says of values and of who must agree: labels, readers, egress, quorum."""

import pytest

from ostiary.actions import Bound
from ostiary.contracts.book import action_of
from ostiary.contracts.contract import canonical, file_document
from tests.contracts.texts import action, check, details

PAY = {
    "parameters": "{properties: {to: {type: string}, q: {type: string}}, required: [to]}",
    "returns": "{properties: {text: {type: string}, shared: {type: array, items: {type: string}}}}",
    "target": "{connector: c, http: {method: POST, path: /x, body: {to: '{to}', q: '{q}'}}}",
    "risk": "low",
    "sentence": "Pay {to}",
}
READ = {
    **PAY,
    "risk": "",
    "sentence": "",
    "target": "{connector: c, http: {method: GET, path: /x, query: {to: '{to}', q: '{q}'}}}",
}


def test_who_must_agree_is_read():
    contract = check(action(**PAY, approvers="[finance, owner]", quorum="2", four_eyes="true")).contracts[0]
    assert (contract.approvers, contract.quorum, contract.four_eyes) == (("finance", "owner"), 2, True)
    plain = check(action(**PAY)).contracts[0]
    assert (plain.approvers, plain.quorum, plain.four_eyes) == ((), 1, False)


def test_readers_are_roles_everybody_or_fields_that_list_them():
    contract = check(action(**READ, readers="{text: [support, /shared], '*': '*'}")).contracts[0]
    assert contract.readers == {"text": ("support", "/shared"), "*": ("*",)}


@pytest.mark.parametrize(
    ("keys", "carries"),
    [
        ({"labels": "{to: url}"}, True),
        ({"labels": "{q: content}"}, True),
        ({"labels": "{q: selector, to: id}"}, False),
        ({}, False),
        ({"egress": "true"}, True),
        ({"labels": "{to: url}", "egress": "false"}, False),
    ],
)
def test_a_read_that_carries_a_url_or_text_is_egress_unless_the_contract_says_otherwise(
    keys: dict[str, str], carries: bool
):
    assert check(action(**READ, **keys)).contracts[0].carries_out is carries


def test_a_write_is_no_egress_since_it_is_judged_as_a_write():
    assert check(action(**PAY, labels="{to: url}")).contracts[0].carries_out is False


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({**PAY, "quorum": "0"}, "write how many people have to say yes, from 1 to 10"),
        ({**PAY, "quorum": "11"}, "write how many people have to say yes, from 1 to 10"),
        ({**PAY, "quorum": "true"}, "write how many people have to say yes, from 1 to 10"),
        ({**PAY, "quorum": "'2'"}, "write how many people have to say yes, from 1 to 10"),
        (
            {**PAY, "approvers": "[]"},
            "name at least one role, or leave `approvers` out to let everybody who may approve",
        ),
        (
            {**PAY, "approvers": "[Boss]"},
            "a role's name has lower-case letters, digits, - and _, and begins with a letter",
        ),
        (
            {**PAY, "four_eyes": "true", "self_approval": "true"},
            "four_eyes wants another person and self_approval does not: keep one of them",
        ),
        (
            {**PAY, "egress": "true"},
            "egress is said of what reads; what writes is judged as a write: leave it out",
        ),
        ({**READ, "egress": "maybe"}, "write true or false"),
        (
            {**READ, "readers": "[text]"},
            'readers is a mapping from a field of the answer to who may read it, such as body: [support] or notice: "*"',
        ),
        ({**READ, "readers": "{txt: [support]}"}, "`txt` is no field of `returns`; did you mean `text`?"),
        ({**READ, "readers": "{text: [/share]}"}, "`share` is no field of `returns`; did you mean `shared`?"),
        (
            {**READ, "readers": "{text: []}"},
            'name at least one role, the pointer of a field that lists readers, or "*" for everybody',
        ),
        ({**READ, "readers": "{text: ['*', support]}"}, '"*" is everybody: leave the others out'),
        (
            {**READ, "readers": "{text: [A B]}"},
            'write a role, a pointer such as /rows/*/shared_with to the field that lists readers, or "*"',
        ),
    ],
)
def test_a_mistake_says_what_to_write(keys: dict[str, str], expected: str):
    assert [one.split(" ", 1)[1] for one in details(action(**keys))] == [expected]


def test_everything_reaches_the_action_and_the_canonical_form():
    keys = {
        **READ,
        "labels": "{to: url, q: selector}",
        "readers": "{text: [/shared]}",
        "approvers": "[finance]",
        "quorum": "3",
        "four_eyes": "true",
    }
    contract = check(action(**keys)).contracts[0]
    again = check(canonical(file_document([contract])).decode(), "x.json").contracts[0]
    assert again == contract

    async def run(_call: object, _params: object) -> None: ...

    made = action_of(contract, Bound(run=run, preview=lambda _call, _params: {}, honours_key=True, hash="h"))  # type: ignore[arg-type]
    assert made.labels == {"/to": "url", "/q": "selector"}
    assert made.readers == {"text": ("/shared",)}
    assert (made.egress, made.approvers, made.quorum, made.four_eyes) == (
        True,
        frozenset({"finance"}),
        3,
        True,
    )


def test_what_is_not_said_leaves_the_canonical_form_as_it_was():
    """Hashes of contracts that were applied before these keys existed stay what they are."""
    keys = check(action(**PAY)).contracts[0].document().keys()
    assert not keys & {"readers", "egress", "approvers", "quorum", "four_eyes"}
