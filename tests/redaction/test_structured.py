"""JSON and CSV: judged by the names of their fields, valid when they come out."""

import csv
import io
import json

import pytest

from ostiary.detection.engine import find
from ostiary.redaction import plan as plans
from ostiary.redaction.keys import Scope
from ostiary.redaction.operators import Surroundings
from ostiary.redaction.restore import restored_json
from ostiary.redaction.structured import TOO_DEEP, Structured, harmless

SCOPE = Scope("acme", "chat", {1: b"k" * 32}, 1)


def structured(plan: str = "{}") -> Structured:
    return Structured(find, plans.read(plan), Surroundings(SCOPE))


def test_the_name_of_a_field_is_context() -> None:
    walk = structured()
    value = {
        "user": {"email": "jane@example.com", "ssn": 78051120, "n": 12, "ok": True},
        "client_secret": "abcd-efgh",
        "phone_count": 5551234,
    }
    assert walk.json(value) == {
        "user": {"email": "[email]", "ssn": "[national_id]", "n": 12, "ok": True},
        "client_secret": "[password]",
        "phone_count": 5551234,
    }
    assert walk.counts["email"] == 1


def test_a_sibling_that_says_what_the_value_is() -> None:
    assert structured().json({"type": "ssn", "value": "123456789"}) == {
        "type": "ssn",
        "value": "[national_id]",
    }


def test_json_in_a_string_in_json_stays_json() -> None:
    inner = json.dumps({"card": "4111 1111 1111 1111", "more": json.dumps([{"email": "jane@example.com"}])})
    made = structured().json({"body": inner})
    assert isinstance(made, dict)
    assert json.loads(made["body"]) == {"card": "[card]", "more": json.dumps([{"email": "[email]"}])}


def test_numbers_stay_numbers_where_the_operator_writes_one() -> None:
    made = structured("default: format_preserving").json({"card": 4111111111111111})
    assert isinstance(made, dict)
    assert isinstance(made["card"], int)
    assert made["card"] != 4111111111111111


def test_names_are_texts_and_none_is_lost() -> None:
    assert structured().json({"a@example.com": 1, "b@example.com": 2}) == {"[email]": 1, "[email] 2": 2}


def test_tokens_come_back() -> None:
    value = {"email": "jane@example.com", "inner": json.dumps({"email": "x@example.com"}, ensure_ascii=False)}
    made = structured("default: token").json(value)
    assert "example" not in json.dumps(made)
    assert restored_json(made, SCOPE) == value
    assert structured("default: token").json(made) == made


def test_what_is_nested_too_deeply_is_not_shown() -> None:
    value: object = "jane@example.com"
    for _ in range(70):
        value = [value]
    text = json.dumps(structured().json(value))
    assert TOO_DEEP in text
    assert "jane" not in text


def test_a_first_name_alone_goes_where_its_field_says_what_it_is() -> None:
    walk = structured()
    value = {
        "firstName": "Ada",
        "name": "Ada",
        "home_address": "Marsh Lane 4",
        "email_address": "a@example.com",
        "city": "N/A 1",
    }
    assert walk.json(value) == {"firstName": "[person]", "name": "Ada", "home_address": "[address]", "email_address": "[email]", "city": "N/A 1"}  # fmt: skip
    assert walk.json({"occupation": "None", "allergies": "n/a", "surname": "Unknown"}) == {"occupation": "None", "allergies": "n/a", "surname": "Unknown"}  # fmt: skip
    made = structured().csv("name,email,stock\nAda,a@example.com,3\n")
    assert made == "name,email,stock\n[person],[email],3\n"
    assert structured().csv("name,price\nAda,3\n") == "name,price\nAda,3\n"


def test_csv_is_redacted_by_column() -> None:
    text = 'name,ssn,note\r\n"Doe, Jane",078051120,"mail a@example.com\nor ""b@example.com"""\r\n'
    made = structured().csv(text)
    rows = list(csv.reader(io.StringIO(made, newline="")))
    assert rows == [["name", "ssn", "note"], ["[person]", "[national_id]", 'mail [email]\nor "[email]"']]
    assert made.count("\r\n") == 2


@pytest.mark.parametrize(
    "cell",
    ["=1+2", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd", "\t=1", "\r=1", " =1", "＝1+2", '=HYPERLINK("x")'],
)
def test_no_cell_is_a_formula(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
    out = io.StringIO()
    csv.writer(out).writerow([cell, "x"])
    row = next(csv.reader(io.StringIO(structured().csv(out.getvalue(), header=False), newline="")))
    assert row[0].startswith("'")


@pytest.mark.parametrize("cell", ["-5.20", "+49 170 1234567", "- 3", "a=b", "", "x@y", "'=1"])
def test_what_is_no_formula_stays(cell: str) -> None:
    assert harmless(cell) == cell


def test_what_is_no_csv_is_refused() -> None:
    with pytest.raises(ValueError, match="no CSV"):
        structured().csv('a,"b\nc')
