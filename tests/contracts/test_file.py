"""What a contract file may say, and how mistakes are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.actions import Confirmation, Effect, Risk, Surface
from ostiary.contracts.book import read_file
from ostiary.contracts.contract import canonical, file_document
from ostiary.contracts.file import check_text
from ostiary.errors import Fault
from tests.contracts.texts import BOTH, SHOW, action, check, details, no_faults


def test_a_full_action_is_read_as_it_is_written():
    contract = check(BOTH).contracts[1]
    assert contract.name == "invoice.refund"
    assert contract.title == "Refund an invoice"
    assert contract.scope == "billing.write"
    assert contract.roles == ("support", "admin")
    assert contract.surfaces == (Surface.ADMIN, Surface.CUSTOMER)
    assert (contract.risk, contract.effect, contract.confirmation) == (
        Risk.HIGH,
        Effect.OUTSIDE,
        Confirmation.ALWAYS,
    )
    assert contract.subject == ("/customer_id",)
    assert contract.own == "customer_id"
    assert contract.labels == {"/iban": "account", "/amount": "amount", "/note": "content"}
    assert contract.connector == "backend"


def test_what_is_left_out_is_the_careful_thing():
    contract = check(SHOW).contracts[0]
    assert contract.title == "Invoice: show"
    assert contract.surfaces == (Surface.ADMIN,)
    assert (contract.risk, contract.effect, contract.confirmation) == (
        Risk.LOW,
        Effect.NONE,
        Confirmation.NEVER,
    )
    assert contract.self_approval is False
    writing = check(
        action(risk="low", sentence="Do {id}", target="{connector: c, http: {method: POST, path: '/x/{id}'}}")
    ).contracts[0]
    assert (writing.effect, writing.confirmation) == (Effect.OUTSIDE, Confirmation.ALWAYS)


def test_the_canonical_form_is_a_file_that_says_the_same():
    contracts = check(BOTH).contracts
    again = check(canonical(file_document(contracts)).decode(), "x.json")
    assert again.ok
    assert [contract.name for contract in again.contracts] == ["invoice.refund", "invoice.show"]
    assert canonical(file_document(again.contracts)) == canonical(file_document(contracts))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"name": ""}, "3:5 this action has no `name`: write lower-case words joined by dots, such as invoice.refund"),
        ({"name": "refund"}, "3:11 `refund` is no name: write lower-case words joined by dots, such as invoice.refund"),
        ({"name": "audit.export"}, "3:11 names that begin with audit. are the gateway's own: begin with another word"),
        ({"name": "invoice.r\u0435fund"}, "3:11 a name has only the letters a-z: this one holds U+0435 CYRILLIC SMALL LETTER IE"),
        ({"description": ""}, "3:5 this action has no `description`: say what it does and when to use it"),
        ({"description": "12"}, "4:18 text is expected here, not a number: put it in quotes"),
        ({"description": '"pay\u200b"'}, "4:18 this holds U+200B ZERO WIDTH SPACE, which a reader does not see: take it out"),
        ({"titel": "x"}, "7:5 `titel` is no key of an action; did you mean `title`?"),
        ({"risk": "hihg"}, "7:11 write one of low, medium, high; did you mean `high`?"),
        ({"risk": "high", "confirmation": "never"}, "8:19 an action of high risk is never run without a person's yes: write always or once_per_session"),
        ({"self_approval": "no"}, "7:20 write true or false (yes and no are text here: this file is read as YAML 1.2)"),
        ({"surfaces": "[admin, custmer]"}, "7:23 write one of admin, customer, write_only; did you mean `customer`?"),
        ({"surfaces": "[]"}, "7:15 name at least one surface: admin, customer, write_only"),
        ({"surfaces": "[customer]"}, "3:5 this action is offered to customers and has no `own`: name the parameter that must hold the customer's own id"),
        ({"surfaces": "[write_only]"}, "7:15 write_only reads nothing back, so a reading action cannot be offered there"),
        ({"effect": "write"}, "7:13 this target only reads: write read, or use an HTTP target to change something"),
        ({"own": "idd"}, "7:10 `idd` is no parameter of this action; did you mean `id`?"),
        ({"subject": "/customer"}, "7:14 `customer` is no parameter of this action"),
        ({"sentence": "Show {idd}"}, "7:15 {idd} is no parameter of this action; did you mean `id`?"),
        ({"sentence": "'Show {id'"}, "7:15 a brace stands alone: write {parameter}, or {{ and }} for braces"),
        ({"labels": "{id: acount}"}, "7:18 write one of account, address, amount, content, currency, id, recipient, selector, url; did you mean `account`?"),
        ({"roles": "[Support]"}, "7:13 a role's name has lower-case letters, digits, - and _, and begins with a letter"),
        ({"scope": "Billing"}, "7:12 a scope is lower-case words joined by dots, such as billing.write"),
        ({"returns": "{properties: {a: {}}}", "trusted": "[b]"}, "8:15 `b` is no field of `returns`"),
        ({"target": ""}, "3:5 this action has no `target`: write the connector, and `http:` or `sql:`, below it"),
        ({"target": "{connector: c}", "parameters": ""}, "5:13 a target has one of `http:`, `sql:`, `tool:` (with `pin:`) and `constant:`"),
        ({"target": "{connector: c, sql: {statement: 'SELECT :id, :ids'}}"}, "6:47 :ids is no parameter of this action: declare it under parameters; did you mean `id`?"),
        ({"target": "{connector: c, sql: {statement: 'SELECT 1'}}"}, "6:35 the target never uses the parameter `id`: write it there as :id, or take it away"),
        ({"target": "{connector: c, http: {method: GET, path: '/{ID}'}}"}, "6:55 {ID} is no parameter of this action: declare it under parameters; did you mean `id`?"),
        ({"parameters": "{properties: {id: {type: string}}}", "target": "{connector: c, http: {method: GET, path: '/{id}'}}"}, "6:55 the path needs {id}: list it under required"),
        ({"parameters": "{properties: {id: {type: strin}}}"}, "5:32 write one of string, integer, number, boolean, array, object, null; did you mean `string`?"),
        ({"parameters": "{type: array}"}, "5:18 the parameters of an action are an object: write type: object, or leave it out"),
        ({"parameters": "{properties: {id: {type: string}}, required: [idd]}"}, "5:52 `idd` is required and no parameter; did you mean `id`?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_what_to_do(keys: dict[str, str], expected: str):
    found = details(action(**keys))
    assert [one.split(" ", 1)[1] for one in found].count(expected.split(" ", 1)[1]) == 1
    assert [one.split(":")[0] for one in found if one.endswith(expected.split(" ", 1)[1])] == [
        expected.split(":")[0]
    ]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file():
    text = "version: 2\nactions:\n  - name: x\n    risk: huge\n    colour: red\n"
    assert [one.split(" ")[0] for one in details(text)] == [
        "1:10",
        "3:5",
        "3:5",
        "3:5",
        "3:11",
        "4:11",
        "5:5",
    ]


def test_two_actions_are_not_told_apart_by_a_dot():
    item = SHOW.split("actions:\n")[1]
    text = (
        SHOW
        + item.replace("invoice.show", "invoice.show_all")
        + item.replace("invoice.show", "invoice.show.all")
    )
    assert details(text) == [
        "23:11 `invoice.show.all` and `invoice.show_all` are one name where dots are written as underscores: rename one"
    ]
    assert details(SHOW + item) == ["13:11 two actions are named `invoice.show`: names are unique"]


def test_the_customers_own_parameter_must_reach_the_target():
    keys = {
        "parameters": "{properties: {id: {type: string}, me: {type: string}}, required: [id, me]}",
        "surfaces": "[customer]",
        "own": "me",
    }
    found = [one.split(" ", 1)[1] for one in details(action(**keys))]
    assert (
        "the target never uses `me`, so it would not keep to the customer's own records: use it there"
        in found
    )
    statement = "{connector: c, sql: {statement: 'SELECT 1 FROM i WHERE id = :id AND c = :me'}}"
    assert details(action(**keys, target=statement)) == []


def test_what_the_target_is_asked_is_shown_in_its_place():
    def picky(kind: str, spec: object) -> list[Fault]:
        assert kind == "sql"
        assert spec == {"sql": {"statement": "SELECT id, amount FROM invoices WHERE id = :invoice_id"}}
        return [Fault("/sql/statement", "no")]

    report = check_text(SHOW, "a.yaml", picky)
    assert report.text() == "a.yaml:12:9: no\na.yaml: 1 mistake"
    assert report.contracts == ()


def test_a_pattern_without_ends_is_advised_against_and_taken():
    report = check(action(parameters="{properties: {id: {type: string, pattern: '[0-9]+'}}}"))
    assert report.ok
    assert report.text() == (
        "actions.yaml:5:50: advice: this pattern also matches inside a longer text: write ^ before it and $ after it\n"
        "actions.yaml: 1 action, no mistakes"
    )


def test_the_report_is_for_programs_too():
    assert check("version: 1\nactions: 5\n").json() == {
        "file": "actions.yaml",
        "ok": False,
        "actions": [],
        "mistakes": [{"line": 2, "column": 10, "pointer": "/actions", "detail": "write `actions:` with a list below, an action an item; an empty list is []"}],
        "advice": [],
    }  # fmt: skip
    assert check("version: 1\nactions: []\n").json()["ok"] is True


_WORDS = st.sampled_from(
    """version actions name parameters target http sql properties type $ref # invoice.show 1 true risk high returns own labels surfaces customer {id}
    :id statement allOf default required pattern ( subject trusted connector description sentence constant title {x} roles""".split()  # noqa: SIM905
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(_WORDS, _VALUES, max_size=12))
def test_any_action_gives_a_contract_or_mistakes(item: dict[str, object]):
    import json

    report = check_text(json.dumps({"version": 1, "actions": [item]}), "x.json", no_faults)
    assert report.ok is bool(report.contracts)
    document = file_document(report.contracts)
    assert file_document(read_file(document)) == document


@given(st.text(max_size=300))
def test_any_text_gives_a_report(text: str):
    report = check_text(text, "actions.yaml", no_faults)
    assert report.ok == (report.mistakes == ())
    assert report.text()
