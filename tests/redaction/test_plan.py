"""Plans: what is read is what is written, and each mistake is named."""

import pickle

import pytest

from ostiary.errors import InvalidParameters
from ostiary.redaction import plan as plans
from ostiary.redaction.plan import Operator, Plan

TEXT = """
default: replace
rules:
  email: token
  card: {operator: mask, last: 4, character: "#"}
  date: {operator: date_shift, days_max: 30, otherwise: remove}
  api_key: {operator: replace, text: "<{family}>"}
"""


def test_a_plan_is_read_and_written_and_sent() -> None:
    plan = plans.read(TEXT)
    assert plan.operator("email", "email") == Operator("token")
    assert plan.operator("card", "card") == Operator("mask", (("character", "#"), ("last", 4)))
    assert plan.operator("date", "date").otherwise == Operator("remove")
    assert plans.read(plans.to_yaml(plan)) == plan
    assert plans.read(plans.to_json(plan)) == plan
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_a_category_comes_before_its_family_and_that_before_the_default() -> None:
    plan = plans.read("{default: remove, rules: {national_id: hash, us_ssn: token}}")
    assert plan.operator("us_ssn", "national_id").name == "token"
    assert plan.operator("de_id_card", "national_id").name == "hash"
    assert plan.operator("person", "person").name == "remove"


def test_nothing_said_is_the_name_of_the_category() -> None:
    assert plans.read("{}") == Plan()
    assert Plan().operator("person", "person") == Operator("replace")


@pytest.mark.parametrize(
    ("text", "pointer", "says"),
    [
        ("default: shred", "/default/operator", "one of keep, mask"),
        ("default: {operator: mask, last: 400}", "/default/last", "0 to 64"),
        ("default: {operator: mask, last: true}", "/default/last", "0 to 64"),
        ("default: {operator: mask, character: ab}", "/default/character", "1 character"),
        ("default: {operator: hash, characters: 8}", "/default/characters", "16 to 64"),
        ("default: {operator: token, size: 8}", "/default/size", "has no such option"),
        ("default: {operator: replace, text: '{value}'}", "/default/text", "{category}"),
        ("default: {operator: replace, text: '{category.__class__}'}", "/default/text", "{category}"),
        ("default: {operator: replace, text: '{category'}", "/default/text", "braces"),
        ("rules: {E-mail: token}", "/rules/E-mail", "lower-case word"),
        ("rules: {email: 7}", "/rules/email", "operator's name"),
        ("rules: {email: {operator: generalise, date: week}}", "/rules/email/date", "month, year, decade"),
        ("rules: [email]", "/rules", "object"),
        ("roules: {}", "/roules", "only `default` and `rules`"),
        ("[]", "", "object"),
    ],
)
def test_each_mistake_is_named(text: str, pointer: str, says: str) -> None:
    with pytest.raises(InvalidParameters) as refused:
        plans.read(text)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
    assert says in refused.value.faults[0].detail


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(InvalidParameters) as refused:
        plans.read("{default: shred, rules: {email: {operator: hash, characters: 1}, card: burn}}")
    assert [fault.pointer for fault in refused.value.faults] == [
        "/default/operator", "/rules/email/characters", "/rules/card/operator",
    ]  # fmt: skip
