"""What a language model answers: a plan over the words that there are, SQL, several plans, or nothing that is taken."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.semantics import asking, ossie, prompting, sql
from ostiary.semantics.lexicon import Lexicon
from ostiary.semantics.model import Dataset, Expression, Field, Model
from ostiary.semantics.plan import Plan
from ostiary.semantics.proposed import Several, Statement, Unfit, read
from tests.semantics.given import SHOP

MODEL = ossie.read(SHOP)
TODAY = date(2026, 11, 24)
REVENUE = {"metric": "revenue"}
COUNTRY = {"dataset": "customers", "field": "country"}
THIS_YEAR = {"dataset": "orders", "field": "ordered_on", "operator": "within", "period": {"kind": "this", "unit": "year"}}  # fmt: skip
AMOUNT = {"dataset": "orders", "field": "amount"}

SAME: list[tuple[str, dict[str, Any]]] = [
    ("revenue by country", {"measures": [REVENUE], "by": [COUNTRY]}),
    ("revenue by country this year", {"measures": [REVENUE], "by": [COUNTRY], "filters": [THIS_YEAR]}),
    ("which country has the highest revenue", {"measures": [REVENUE], "by": [COUNTRY], "order": "most", "limit": 1}),
    ("monthly revenue", {"measures": [REVENUE], "by": [{"dataset": "orders", "field": "ordered_on", "grain": "month"}]}),
    ("customers without orders", {"by": [{"dataset": "customers", "field": "id"}, {"dataset": "customers", "field": "name"}], "filters": [{"dataset": "customers", "operator": "without", "values": ["orders"]}]}),
    ("revenue by country this year compared to last year", {"measures": [REVENUE], "by": [COUNTRY], "filters": [THIS_YEAR], "compared": {"kind": "previous", "unit": "year"}}),
    ("average amount of orders by status", {"measures": [{"function": "avg", **AMOUNT}], "by": [{"dataset": "orders", "field": "status"}]}),
    ("revenue between 2026-10-01 and 2026-11-02", {"measures": [REVENUE], "filters": [{**THIS_YEAR, "period": {"kind": "between", "first": "2026-10-01", "end": "2026-11-03"}}]}),
]  # fmt: skip


@pytest.mark.parametrize(("question", "plan"), SAME, ids=[question for question, _ in SAME])
def test_a_plan_is_the_same_as_the_words_for_it(question: str, plan: dict[str, Any]) -> None:
    ours = asking.asked(question, Lexicon(MODEL))
    assert isinstance(ours, asking.Understood)
    theirs = read(json.dumps({"plan": plan}), MODEL)
    assert isinstance(theirs, Plan)
    writer = sql.Writer(MODEL, "duckdb")
    assert writer.write(theirs, TODAY) == writer.write(ours.plan, TODAY)


def test_sql_several_plans_and_nothing() -> None:
    assert read('{"sql": "SELECT 1"}', MODEL) == Statement("SELECT 1")
    assert read('```json\n{"sql": "SELECT 1"}\n```', MODEL) == Statement("SELECT 1")
    found = read(json.dumps({"plans": [{"measures": [REVENUE]}, {"measures": [{"metric": "refunded"}]}]}), MODEL)  # fmt: skip
    assert isinstance(found, Several)
    assert [each.measures[0].metric for each in found.plans] == ["revenue", "refunded"]
    assert read('{"none": true}', MODEL) == Several(())


def filtered(**more: Any) -> dict[str, Any]:
    return {"plan": {"measures": [REVENUE], "filters": [{"dataset": "orders", "field": "status", "operator": "=", "values": ["paid"], **more}]}}  # fmt: skip


BAD: list[tuple[Any, str]] = [
    ("SELECT 1", "exactly one of"),
    ("[" * 50_000, "exactly one of"),
    ("{" + " " * 200_000 + "}", "too long"),
    ([], "exactly one of"),
    ({}, "exactly one of"),
    ({"plan": {"measures": [REVENUE]}, "sql": "SELECT 1"}, "exactly one of"),
    ({"sql": ["SELECT 1"]}, "exactly one of"),
    ({"sql": " "}, "characters"),
    ({"plans": [{"measures": [REVENUE]}]}, "exactly one of"),
    ({"plan": "revenue"}, "not of its form"),
    ({"plan": {}}, "has measures"),
    ({"plan": {"measures": [REVENUE], "extra": 1}}, "not of its form at extra"),
    ({"plan": {"measures": [{"metric": "profit"}]}}, "no metric profit"),
    ({"plan": {"measures": [{**REVENUE, "function": "sum"}]}}, "no metric"),
    ({"plan": {"measures": [{"function": "pg_sleep", **AMOUNT}]}}, "not of its form"),
    ({"plan": {"measures": [{"function": "sum", "dataset": "orders"}]}}, "of which field"),
    ({"plan": {"measures": [{"function": "sum", "dataset": "orders", "field": "status"}]}}, "no number"),
    ({"plan": {"measures": [{"function": "sum", "dataset": "orders", "field": "customer_id"}]}}, "no field"),
    ({"plan": {"measures": [{"function": "count", "dataset": "pg_shadow"}]}}, "no dataset"),
    ({"plan": {"measures": [REVENUE], "by": [{**COUNTRY, "field": "ssn"}]}}, "no field ssn"),
    ({"plan": {"measures": [REVENUE], "by": [{**COUNTRY, "grain": "month"}]}}, "no time"),
    ({"plan": {"measures": [REVENUE], "by": [{**COUNTRY, "grain": "month', now()) --"}]}}, "not of its form"),
    ({"plan": {"measures": [REVENUE], "limit": 5}}, "limit is of"),
    ({"plan": {"measures": [REVENUE], "by": [COUNTRY], "limit": True}}, "not of its form"),
    ({"plan": {"measures": [REVENUE], "by": [COUNTRY], "limit": -1}}, "not of its form"),
    ({"plan": {"measures": [REVENUE], "by": [COUNTRY], "ranked": COUNTRY}}, "plain rows"),
    ({"plan": {"measures": [REVENUE], "having": [{"measure": REVENUE, "operator": ">", "value": 1}]}}, "what it is told by"),
    ({"plan": {"measures": [REVENUE], "by": [COUNTRY], "having": [{"measure": REVENUE, "operator": "> 0 OR 1", "value": 1}]}}, "not of its form"),
    ({"plan": {"measures": [REVENUE], "compared": {"kind": "this", "unit": "year"}}}, "beside a period"),
    (filtered(values=[]), "1 values"),
    (filtered(values=[{"raw": "1"}]), "not of its form"),
    (filtered(operator="between", values=[1]), "2 values"),
    (filtered(operator="= 1 OR 1"), "not of its form"),
    (filtered(operator="within"), "no time"),
    (filtered(period={"kind": "this"}), "no other operator"),
    (filtered(field="amount", operator="contains"), "no text"),
    (filtered(operator="without", values=["orders"]), "without has"),
    ({"plan": {"by": [COUNTRY], "filters": [{"dataset": "customers", "operator": "without", "values": ["refunds"]}]}}, "no one relationship"),
    ({"plan": {"measures": [REVENUE], "filters": [{**THIS_YEAR, "period": {"kind": "between", "first": "soon"}}]}}, "2024-01-31"),
    ({"plan": {"measures": [REVENUE], "filters": [{**THIS_YEAR, "period": {"kind": "between"}}]}}, "first day before"),
    ({"plan": {"measures": [REVENUE], "filters": [{**THIS_YEAR, "period": {"kind": "this", "first": "2026-01-01"}}]}}, "only a period between"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "why"), BAD)
def test_what_is_no_answer_is_none(answer: Any, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        read(answer if isinstance(answer, str) else json.dumps(answer), MODEL)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["revenue", "orders", "amount", "=", "x' OR 1=1 --", "this"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["measures", "metric", "by", "filters", "dataset", "field", "operator", "values", "period", "kind", "limit"]), inner, max_size=4),
)  # fmt: skip


@given(said=JSON)
def test_whatever_a_model_says_is_a_plan_that_can_be_written_or_nothing(said: Any) -> None:
    try:
        found = read(json.dumps({"plan": said}), MODEL)
    except Unfit:
        return
    assert isinstance(found, Plan)
    try:
        sql.Writer(MODEL, "postgresql").write(found, TODAY)
    except sql.Untold:
        return


def test_a_value_is_a_text_and_stays_one() -> None:
    value = "paid' OR 1=1; DROP TABLE orders --"
    found = read(json.dumps(filtered(values=[value])), MODEL)
    assert isinstance(found, Plan)
    said = sql.Writer(MODEL, "postgresql").write(found, TODAY)
    assert "'paid'' OR 1=1; DROP TABLE orders --'" in said


def test_a_model_is_told_names_and_what_people_wrote() -> None:
    told = prompting.told(MODEL, "who buys most", ["revenue"], "postgresql", TODAY)
    assert (told["question"], told["before"], told["today"]) == ("who buys most", ["revenue"], "2026-11-24")
    assert [each["name"] for each in told["datasets"]] == ["customers", "orders", "refunds"]
    country = next(each for each in told["datasets"][0]["fields"] if each["name"] == "country")
    assert country == {"name": "country", "kind": "text", "synonyms": ["land"], "values": {"germany": "DE", "american": "US"}}  # fmt: skip
    assert told["relationships"][0] == {"many": "orders", "one": "customers", "on": {"customer_id": "id"}}
    assert {each["name"] for each in told["metrics"]} == {"revenue", "refunded", "net_share"}
    bought = prompting.told(MODEL, "what did Ada buy in May", [], "postgresql", TODAY)
    assert bought["examples"][0]["question"] == "What did {name} buy"


def test_of_many_tables_those_are_told_that_the_question_speaks_of() -> None:
    wide = tuple(Field(f"column_{number}", Expression({"ANSI_SQL": "x"}), "number", description="d" * 100) for number in range(50))  # fmt: skip
    many = tuple(Dataset(f"table_{number}", f"table_{number}", wide) for number in range(100))
    wanted = Dataset("turbines", "turbines", (Field("output", Expression({"ANSI_SQL": "output"}), "number"),))
    told = prompting.told(Model("wide", (*many, wanted)), "output of the turbines", [], "duckdb", TODAY)
    assert "turbines" in {each["name"] for each in told["datasets"]}
    assert len(json.dumps(told)) < 2 * prompting.TOLD_CHARACTERS_MAX
