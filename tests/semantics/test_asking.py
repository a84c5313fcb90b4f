"""Questions in words over what tables mean: the right rows on four engines, and what is not sure is asked back."""

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pymysql
import pytest

from ostiary.guard.catalogue import Catalogue
from ostiary.guard.governed import governed
from ostiary.semantics import asking, ossie, sql
from ostiary.semantics.found import Unsure
from ostiary.semantics.lexicon import Lexicon, phrase
from ostiary.semantics.model import Model
from ostiary.semantics.plan import Period, shifted
from tests.engines.given import shop
from tests.semantics.given import SHOP, TABLES

MODEL = ossie.read(SHOP)
WORDS = Lexicon(MODEL)
TODAY = date(2026, 11, 24)
SCHEMA = {
    "tables": [
        {"schema": "main", "name": "customers", "columns": ["id", "name", "country"], "key": ["id"]},
        {"schema": "main", "name": "orders", "columns": ["id", "customer_id", "amount", "status", "ordered_on"], "key": ["id"]},
        {"schema": "main", "name": "refunds", "columns": ["order_id", "amount"]},
    ]
}  # fmt: skip
ANSWERS: dict[str, list[tuple[Any, ...]]] = {
    "How many customers are there?": [(3,)],
    "how many orders by country": [("DE", 2), ("US", 2)],
    "Revenue per country": [("DE", 40), ("US", 60)],
    "turnover by land and status": [("DE", "paid", 40), ("US", "open", 5), ("US", "paid", 55)],
    "What is the total revenue?": [(100,)],
    "revenue by large": [("no", 15), ("yes", 85)],
    "Which country has the highest revenue?": [("US", 60)],
    "number of customers by status": [("open", 1), ("paid", 2)],
    "how many different customers have orders where status is 'paid'": [(2,)],
    "How many customers made orders where the status is 'paid' in October 2026?": [(1,)],
    "revenue by country where status is 'paid' or 'open'": [("DE", 40), ("US", 60)],
    "revenue where country is 'DE', 'FR' or 'UK'": [(40,)],
    "revenue of orders from germany or american": [(100,)],
    "highest order amount by status": [("open", 5), ("paid", 55)],
    "the largest amount of orders of each status, sorted by amount from highest to lowest": [
        ("paid", 55),
        ("open", 5),
    ],
    "average amount of orders by status, ordered by status": [("open", 5), ("paid", Decimal(95) / 3)],
    "average amount of orders by status, ordered by amount": [("open", 5), ("paid", Decimal(95) / 3)],
    "Return the distinct list of customer names who have made orders since 2026-11-01": [("Ada",), ("Bob",)],
    "revenue of customers named 'Ada'": [(40,)],
    "number of orders from customers whose name ends with 'b'": [(1,)],
    "how many customers have 'a' in their name": [(1,)],
    "number of customers by status by month": [
        ("open", "2026-11-01", 1),
        ("paid", "2025-11-01", 1),
        ("paid", "2026-10-01", 1),
        ("paid", "2026-11-01", 1),
    ],
    "revenue by country name": [("DE", 40), ("US", 60)],
    "How many orders were made on weekends?": [(0,)],
    "revenue on weekdays in 2026 by country": [("DE", 40), ("US", 5)],
    "names of customers who have made a purchase": [("Ada",), ("Bob",), ("Cid",)],
    "names of customers who made orders, based on joining the customers and orders tables": [
        ("Ada",),
        ("Bob",),
        ("Cid",),
    ],
    "ids of orders with no refunds, by doing a left join from the orders to refunds table": [(2,), (3,)],
    "revenue by country, by joining orders and customers": [("DE", 40), ("US", 60)],
    "number of orders where status called 'open'": [(1,)],
    "Which order has the highest amount?": [(4, 55)],
    "the smallest order amount": [(5,)],
    "how many customers with orders": [(3,)],
    "how many customers have more than 1 order": [(1,)],
    "how many customers with at most 1 order": [(2,)],
    "How many customers made orders in 2026?": [(2,)],
    "number of customers, by customers country, with refunds": [("DE", 1), ("US", 1)],
    "how many orders were ordered by customers from Germany": [(2,)],
    "highest amount of orders in Germany": [(30,)],
    "lowest order amount by month in 2026": [("2026-10-01", 10), ("2026-11-01", 5)],
    "how many orders where status is 'open' or order amount over 20 by country": [("DE", 1), ("US", 2)],
    "revenue by country from the lowest to the highest": [("DE", 40), ("US", 60)],
    "revenue in each of the last 2 months": [("2026-10-01", 10), ("2026-11-01", 35)],
    "number of orders by customer name": [("Ada", 2), ("Bob", 1), ("Cid", 1)],
    "revenue where status is `paid`": [(95,)],
    "top 2 customers by revenue": [(3, "Cid", 55), (1, "Ada", 40)],
    "the 2 lowest customers by number of purchases": [(2, "Bob", 1), (3, "Cid", 1)],
    "revenue by month in 2026": [("2026-10-01", 10), ("2026-11-01", 35)],
    "monthly revenue since 2026-11-01": [("2026-11-01", 35)],
    "revenue by quarter": [("2025-10-01", 55), ("2026-10-01", 45)],
    "yearly revenue": [("2025-01-01", 55), ("2026-01-01", 45)],
    "revenue by week this month": [("2026-11-02", 30), ("2026-11-16", 5)],
    "revenue last 7 days": [(5,)],
    "revenue in Q4 2026": [(45,)],
    "revenue last month": [(10,)],
    "revenue between 2026-10-01 and 2026-11-02": [(40,)],
    "revenue before October 2, 2026": [(65,)],
    "average amount of orders by status": [("open", 5), ("paid", Decimal(95) / 3)],
    "largest amount": [],
    "revenue where status is 'paid'": [(95,)],
    'revenue where status is not "paid"': [(5,)],
    "revenue for status 'paid' in Germany": [(40,)],
    "american revenue": [(60,)],
    "number of orders with amount over 20 by country": [("DE", 1), ("US", 1)],
    "orders amount between 5 and 10, revenue": [(15,)],
    "countries with more than 1 orders": [("DE", 2), ("US", 2)],
    "customers with more than 1 orders": [(1, "Ada", 2)],
    "revenue by country where amount over 20": [("DE", 30), ("US", 55)],
    "revenue by country and year": [
        ("DE", "2026-01-01", 40),
        ("US", "2025-01-01", 55),
        ("US", "2026-01-01", 5),
    ],
    "countries with revenue at least 50": [("US", 60)],
    "Which customers are in Germany?": [(1, "Ada")],
    "names of customers where country is 'US'": [("Bob",), ("Cid",)],
    "customers where status is 'open'": [(2, "Bob")],
    "List the name and country of customers": [("Ada", "DE"), ("Bob", "US"), ("Cid", "US")],
    "status of orders in 2025": [("paid",)],
    "top country by revenue": [("US", 60)],
    "revenue by country in descending order": [("US", 60), ("DE", 40)],
    "revenue and refunded by country": [("DE", 40, 7), ("US", 60, 5)],
    "net share by country": [("DE", 40), ("US", 30)],
    "revenue by country this year compared to last year": [("DE", 40, None), ("US", 5, 55)],
    "revenue this month vs last month": [(35, 10)],
    "For countries with at least 1 orders, what is their revenue, from lowest to highest revenue": [
        ("DE", 40, 2),
        ("US", 60, 2),
    ],
    "number of orders and revenue by country for the top 1 by revenue": [("US", 60, 2)],
    "How many orders were made by customers from Germany?": [(2,)],
    "How many purchases were made by customers in Germany, and their revenue": [(2, 40)],
    "ids of the top 2 orders with the highest amount": [(4, 55), (2, 30)],
    "status and id of the top 2 orders with the lowest amount where status is 'paid'": [
        ("paid", 1, 10),
        ("paid", 2, 30),
    ],
    "revenue in the past 30 days, inclusive of today's date": [(35,)],
    "average amount of orders of the country with the highest number of orders": [("DE", 2, 20)],
    "orders without refunds": [],
    "ids of orders without refunds": [(2,), (3,)],
    "status of orders that do not have any refunds": [("open",), ("paid",)],
    "number of orders with no refunds by country": [("DE", 1), ("US", 1)],
    "how many orders have never got a refund": [(2,)],
    "Who is our best customer?": [("Ada",)],
    "What did Ada buy?": [(2,)],
}
WEEKENDS = "How many orders were made on weekends?"
BACK = (
    "revenue in total and on weekends", "revenue not on weekends", "revenue on weekends and on weekdays", "weekend revenue", "customers without orders on weekends", "number of customers by joining customers and orders on weekends",
    "names of customers, based on joining the customers and orders tables", "names and country of customers who made orders and have refunds",
    "how many customers have more than 1 order by country", "how many customers have more than 1 order in 2026", "how many customers and orders", "revenue of customers with orders", "how many refunds with orders",
    "smallest and largest order amount", "highest amount of orders orders", "show the highest order amount orders",
    "revenue in France", "what is the highest revenue", "lowest daily order amount", "revenue where status is 'paid' or amount over 20 in 2026", "revenue where country is 'DE' or status is 'open'", "revenue or orders where status is 'paid'",
    "average amount of orders by status ordered by name", "revenue by country sorted by country in descending order", "revenue of 'paid' orders", "distinct revenue by country",
    "revenue where status is 'paid' or country is 'DE'", "revenue from germany or 'paid'", "revenue by status of Ada Lovelace", "how many customers with status 'paid' by ordered on or name",
    "revenue without refunds", "revenue not paid", "revenue by city", "margin by country", "revenue or refunded", "top 3", "revenue by amount or status",
    "delete all orders", "customers", "name", "and by country", "by status", "customers by country", "top 3 customers", "names of customers and orders", "latest customers", "customers not in Germany", "orders of the best customer", "average revenue", "revenue of paid orders", "median amount by country", "revenue excluding germany", "revenue per customer per order line",
    "revenue top 5", "revenue by month and only weekends", "how many orders never paid", "amount by country", "'; DROP TABLE orders --", "revenue where status", "refunded by customers and orders without status", "", "number of sales", "sum of revenue", "highest revenue by country", "most orders by status", "american orders in germany, number of orders",
    "number of orders with the highest amount", "id of orders without refunds in 2026", "id of orders without refunds amount over 3", "revenue by country without refunds", "names of customers without refunds", "refunds without orders", "customers without orders and revenue", "customers without orders or refunds", "customers that have no orders with status 'paid'", "How many orders were made by customers?", "top 2 names of customers with the highest id where status is 'paid'", "top 3 customers with the highest amount",
    "revenue with more than 1 order", "revenue since last month", "revenue for orders over 20", "revenue in the last quarter of 2025", "revenue for the first 3 months of 2026", "revenue until today",
    "how many orders before 2026-01-01 and after 2025-01-01", "revenue by country at least 20", "revenue where amount over 20%", "revenue by country and moon",
)  # fmt: skip
"""Each has something that would change the answer and that nobody can be sure of."""


def said(question: str, dialect: str, model: Model = MODEL) -> str | None:
    found = asking.asked(question, WORDS)
    if isinstance(found, Unsure):
        assert found.why
        return None
    if isinstance(found, asking.Answered):
        return sql.filled(found.verified.statement, found.values, dialect)
    try:
        return sql.Writer(model, dialect).write(found.plan, TODAY)
    except sql.Untold:
        return None


def plainly(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    def plain(value: Any) -> Any:
        if isinstance(value, date):
            return value.isoformat()
        return round(float(value), 6) if isinstance(value, float | Decimal | int) else value

    return [tuple(map(plain, row)) for row in rows]


@pytest.mark.parametrize("question", [each for each, rows in ANSWERS.items() if rows])
def test_a_question_gets_its_rows(question: str, tmp_path: Path) -> None:
    lite, duck = sqlite3.connect(tmp_path / "shop.sqlite"), duckdb.connect()
    for statement in TABLES:
        lite.execute(statement)
        duck.execute(statement)
    for dialect, store in (("sqlite", lite), ("duckdb", duck)):
        statement = said(question, dialect)
        assert statement, question
        verdict = governed(statement, dialect, Catalogue.of(SCHEMA))
        assert verdict.allowed, (verdict.why, statement)
        assert plainly(list(store.execute(verdict.sql).fetchall())) == plainly(ANSWERS[question]), statement  # type: ignore[attr-defined]
    lite.close()


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_servers_give_the_same_rows(engine: str, tmp_path: Path) -> None:
    with shop(engine, tmp_path) as (address, schema):
        if engine == "postgresql":
            connection: Any = psycopg.connect(address, autocommit=True)
        else:
            connection = pymysql.connect(host="127.0.0.1", user="root", database=schema, autocommit=True)
        with closing(connection), closing(connection.cursor()) as store:
            if engine == "postgresql":
                store.execute(f"SET search_path = {schema}")
            for statement in ("DROP VIEW paid", "DROP TABLE customers, orders", *TABLES):
                store.execute(statement)
            model = ossie.read(SHOP.replace("source: main.", f"source: {schema}."))
            known = Catalogue.of({"tables": [{**each, "schema": schema} for each in SCHEMA["tables"]]})
            for question, rows in ANSWERS.items():
                if not rows:
                    continue
                statement = said(question, engine, model) or ""
                verdict = governed(statement, engine, known)
                assert verdict.allowed, (verdict.why, statement)
                store.execute(verdict.sql)
                assert plainly(list(store.fetchall())) == plainly(rows), statement
            store.execute("UPDATE orders SET ordered_on = '2026-11-21' WHERE id = 3")  # a Saturday
            store.execute(governed(said(WEEKENDS, engine, model) or "", engine, known).sql)
            assert [tuple(row) for row in store.fetchall()] == [(1,)]


def test_a_saturday_is_on_a_weekend(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as lite, closing(duckdb.connect()) as duck:
        for dialect, store in (("sqlite", lite), ("duckdb", duck)):
            for statement in (*TABLES, "UPDATE orders SET ordered_on = '2026-11-21' WHERE id = 3"):
                store.execute(statement)  # type: ignore[attr-defined]
            assert store.execute(said(WEEKENDS, dialect)).fetchall() == [(1,)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("question", [*BACK, *(each for each, rows in ANSWERS.items() if not rows)])
def test_what_is_not_sure_is_asked_back(question: str) -> None:
    assert said(question, "sqlite") is None


def test_a_question_goes_on_from_the_last_one() -> None:
    first = asking.asked("revenue by country", WORDS)
    assert isinstance(first, asking.Understood)
    second = asking.asked("and by month, only in 2026", WORDS, first.plan)
    assert isinstance(second, asking.Understood)
    assert second.said == "revenue, by customers country, month of ordered on, orders ordered on from 2026-01-01 before 2027-01-01"  # fmt: skip
    days = asking.asked("only on weekdays", WORDS, second.plan)
    assert isinstance(days, asking.Understood)
    assert "ordered on from 2026-01-01" in days.said  # the stretch of time holds still
    assert "only Mondays to Fridays" in days.said
    third = asking.asked("in 2025", WORDS, second.plan)
    assert isinstance(third, asking.Understood)
    assert "from 2025-01-01" in third.said
    assert "2026-01-01 before 2027" not in third.said
    assert isinstance(asking.asked("and by moon", WORDS, first.plan), Unsure)


def test_periods_are_whole_and_follow_the_calendar() -> None:
    for offset in range(800):
        day = date(2024, 1, 1) + timedelta(days=offset)
        for unit in ("day", "week", "month", "quarter", "year"):
            first, end = Period("this", unit).bounds(day)
            before, until = Period("previous", unit, 2).bounds(day)
            assert first
            assert end
            assert before
            assert first <= day < end
            assert until == first
            assert shifted(before, unit, 2) == first
        assert Period("last", "month", 1).bounds(day)[1] == day + timedelta(days=1)


def test_what_somebody_writes_into_a_place_is_a_text() -> None:
    statement = said("What did x' OR '1'='1 buy", "sqlite")
    assert statement
    assert statement.endswith("customers.name = 'x'' OR ''1''=''1'")


def test_what_cannot_be_told_apart_is_not_counted_from_elsewhere() -> None:
    words = Lexicon(ossie.read(SHOP.replace("        primary_key: [id]\n", "")))
    for question in ("how many customers with orders", "number of customers by status"):
        found = asking.asked(question, words)
        assert isinstance(found, asking.Understood)
        with pytest.raises(sql.Untold):
            sql.Writer(words.model, "sqlite").write(found.plan, TODAY)


def test_the_nearest_table_tells_which_go_with_which() -> None:
    model = ossie.read(Path("bench/ask_models/car_dealership.yaml").read_text())
    assert model.through("customers", ["cars"]) == "sales"
    assert model.through("customers", ["payments_received"]) == "payments_received"
    assert MODEL.through("refunds", ["customers"]) == "refunds"
    assert model.through("cars", ["nothing"]) == ""


@pytest.mark.parametrize(
    ("plural", "singular"), [("purchases", "purchase"), ("movies", "movie"), ("statuses", "status"), ("warehouses", "warehouse"), ("sizes", "size"), ("branches", "branch"), ("classes", "class"), ("countries", "country"), ("aliases", "alias")]
)  # fmt: skip
def test_a_plural_is_the_same_word(plural: str, singular: str) -> None:
    assert phrase(plural) == phrase(singular)
