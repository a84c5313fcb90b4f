"""What a catalogue allows, and what it hides."""

import pytest

from ostiary.guard import verdict
from ostiary.guard.catalogue import Catalogue, CatalogueError
from ostiary.guard.guard import judge
from tests.guard.given import statements

KNOWN = Catalogue.of(
    {
        "tables": [
            {"name": "customers", "columns": ["id", "name", {"name": "ssn", "mask": "full"}, "city"]},
            {"name": "orders", "schema": "sales", "columns": ["id", "customer_id", "amount"]},
        ]
    }
)
READS_SSN = (
    "SELECT * FROM customers",
    "SELECT customers.* FROM customers",
    "SELECT ssn FROM customers",
    'SELECT "SSN" FROM customers',
    "SELECT to_json(c) FROM customers c",
    "SELECT row_to_json(customers.*) FROM customers",
    "SELECT c.*::text FROM customers c",
    "SELECT array_agg(c) FROM customers c",
    "SELECT json_agg(x) FROM (SELECT * FROM customers) x",
    "SELECT count(*) FROM customers WHERE ssn LIKE '1%'",
    "SELECT id FROM customers ORDER BY ssn",
    "SELECT id FROM customers GROUP BY id, ssn",
    "SELECT a FROM customers AS x(a, b, c, d)",
    "SELECT q.z FROM (SELECT ssn AS z FROM customers) q",
    "SELECT id FROM customers JOIN sales.orders USING (ssn)",
    "SELECT id FROM customers NATURAL JOIN sales.orders",
    "SELECT (SELECT c.ssn FROM customers c LIMIT 1)",
    "WITH c AS (TABLE customers) SELECT 1 FROM c",
    "SELECT pg_typeof(c), c::text FROM customers c",
    "SELECT (customers).ssn FROM customers",
    "SELECT count(c.*) FROM customers c WHERE c > ROW(1)",
)


@pytest.mark.parametrize("sql", READS_SSN)
def test_a_masked_column_is_told_by_nothing(sql: str) -> None:
    said = judge(sql, "postgresql", KNOWN)
    assert not said.allowed
    assert said.code == verdict.MASKED


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, name, count(*) FROM customers GROUP BY id, name",
        "SELECT c.city, sum(o.amount) FROM customers c JOIN sales.orders o ON o.customer_id = c.id GROUP BY 1",
        "SELECT * FROM sales.orders",
        "SELECT count(*) FROM customers",
        "SELECT id FROM public.customers",
    ],
)
def test_what_names_no_masked_column_passes(sql: str) -> None:
    assert judge(sql, "postgresql", KNOWN).allowed


@pytest.mark.parametrize("sql", ["SELECT * FROM other", "SELECT * FROM hr.customers", "SELECT id FROM customers, secret", "SELECT * FROM secret WHERE EXISTS (WITH secret AS (SELECT 1) SELECT * FROM secret)"])  # fmt: skip
def test_a_table_that_is_not_in_it_is_refused(sql: str) -> None:
    assert judge(sql, "postgresql", KNOWN).code == verdict.TABLE


@pytest.mark.parametrize("given", [None, [], {}, {"tables": 1}, {"tables": [{"name": "a"}]}, {"tables": [{"columns": []}]}, {"tables": ["a"]}])  # fmt: skip
def test_what_is_no_catalogue(given: object) -> None:
    with pytest.raises(CatalogueError):
        Catalogue.of(given)


def test_a_catalogue_refuses_what_is_refused_without_one() -> None:
    assert not [sql for dialect, sql in statements("refused") if judge(sql, dialect, KNOWN).allowed]
