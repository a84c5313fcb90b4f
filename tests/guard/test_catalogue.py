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
    "SELECT c.row_to_json FROM customers c",
    "SELECT customers.to_jsonb, (SELECT 1 AS to_jsonb) FROM customers",
    "SELECT (c).row_to_json FROM customers c",
    "SELECT c.ctid FROM customers c WHERE EXISTS (SELECT 1 FROM (SELECT 1 AS ctid) c)",
    "SELECT count(c.*) FROM customers c WHERE c > ROW(1)",
)


@pytest.mark.parametrize("sql", READS_SSN)
def test_a_masked_column_is_told_by_nothing(sql: str) -> None:
    said = judge(sql, "postgresql", KNOWN)
    assert not said.allowed
    assert said.code == verdict.MASKED


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("duckdb", "SELECT #3 FROM customers"),
        ("duckdb", "FROM customers"),
        ("duckdb", "SELECT COLUMNS('s.*') FROM customers"),
        ("duckdb", "UNPIVOT customers ON COLUMNS(*) INTO NAME n VALUE v"),
        ("duckdb", "SELECT struct_pack(a := ssn) FROM customers"),
        ("sqlite", "SELECT rowid, * FROM customers"),
        ("sqlite", "SELECT json_object('s', ssn) FROM customers"),
        ("mysql", "SELECT `ſsn` FROM customers"),
        ("sqlserver", "SELECT [ｓｓｎ] FROM customers"),
        ("sqlserver", "SELECT [sśn] FROM customers"),
    ],
)
def test_a_masked_column_is_told_by_no_other_engine(dialect: str, sql: str) -> None:
    assert judge(sql, dialect, KNOWN).code == verdict.MASKED


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


@pytest.mark.parametrize("given", [None, [], {}, {"tables": 1}, {"tables": [{"name": "a"}]}, {"tables": [{"columns": []}]}, {"tables": ["a"]}, {"tables": [], "mask": {}}, {"tables": {"a": ["b"]}, "masks": {"c": ["b"]}}, {"tables": [{"name": "a", "columns": [{"name": "b", "hidden": True}]}]}])  # fmt: skip
def test_what_is_no_catalogue(given: object) -> None:
    with pytest.raises(CatalogueError):
        Catalogue.of(given)


def test_a_table_of_which_some_rows_are_hidden_is_refused_as_long_as_they_are_not() -> None:
    known = Catalogue.of({"tables": [{"name": "t", "columns": ["id"], "rows": "id = 1"}]})
    assert judge("SELECT count(*) FROM t", "postgresql", known).code == verdict.MASKED


def test_a_catalogue_refuses_what_is_refused_without_one() -> None:
    assert not [sql for dialect, sql in statements("refused") if judge(sql, dialect, KNOWN).allowed]


@pytest.mark.parametrize(
    "given",
    [
        {"tables": {"t": ["a", "b"]}, "masks": {"t": ["b"]}},
        {"tables": {"t": {"columns": {"a": "int", "b": "text"}, "masks": {"b": "full"}}}},
        {"tables": {"t": {"columns": {"a": {"type": "int"}, "b": {"mask": "hash"}}}}},
        {"tables": [{"schema": "public", "name": "t", "columns": ["a", {"name": "B", "mask": "full"}]}]},
        {"tables": {"public.t": ["a", "b"]}, "masks": {"public.t": {"b": "full"}}},
        {"tables": {"t": ["a", "b"]}, "masks": ["t.b"]},
        {"tables": {"t": ["a", {"name": "b", "masked": True, "nullable": True, "comment": "x"}]}},
        {"tables": {"t": ["a", {"name": "b", "mask": {"type": "redact"}}]}},
    ],
)
def test_masks_may_stand_beside(given: object) -> None:
    known = Catalogue.of(given)
    assert judge("SELECT a FROM public.t", "postgresql", known).allowed
    assert judge("SELECT b FROM t", "postgresql", known).code == verdict.MASKED
