"""What takes the place of a table."""

from collections.abc import Mapping

import pytest
import sqlglot
from sqlglot import exp

from ostiary.guard import verdict
from ostiary.guard.catalogue import Catalogue, CatalogueError, Table
from ostiary.guard.governed import check, governed
from ostiary.guard.relation import Claim, RowsError
from tests.guard.given import statements
from tests.guard.test_catalogue import READS_SSN

CUSTOMERS = {
    "schema": "public",
    "name": "customers",
    "columns": [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "text"},
        {"name": "ssn", "type": "text", "mask": "full"},
        {"name": "phone", "type": "text", "mask": "hash"},
        {"name": "account", "type": "text", "mask": {"kind": "token", "group": "account"}},
    ],
    "key": ["id"],
}
ORDERS = {
    "schema": "sales",
    "name": "orders",
    "columns": [
        {"name": "id", "type": "integer"},
        {"name": "customer_id", "type": "integer"},
        {"name": "region", "type": "text"},
        {"name": "account", "type": "text", "mask": {"kind": "token", "group": "account"}},
    ],
    "rows": "region = :region",
    "key": ["id"],
}
KNOWN = Catalogue.of({"tables": [CUSTOMERS, ORDERS, {"schema": "hr", "name": "orders", "columns": ["id"]}]})
EU = {"region": "EU"}


def asked(sql: str, claims: Mapping[str, Claim] = EU, dialect: str = "postgresql") -> verdict.Verdict:
    return governed(sql, dialect, KNOWN, claims)


def test_a_column_that_is_masked_in_full_is_not_even_read() -> None:
    said = asked("SELECT ssn FROM customers WHERE ssn LIKE '1%'")
    assert said.sql == (
        """SELECT ssn FROM (SELECT '***' AS "ssn" FROM "public"."customers" AS base) AS customers WHERE ssn LIKE '1%'"""
    )


@pytest.mark.parametrize("sql", READS_SSN)
def test_every_shape_that_reads_a_masked_column_reads_the_governed_table(sql: str) -> None:
    """Or is refused: the number of a table's columns is another here."""
    known = Catalogue.of(
        {
            "tables": [
                {"schema": "public", "name": "customers", "columns": ["id", "name", {"name": "ssn", "mask": "full"}, "city"]},
                {"name": "orders", "schema": "sales", "columns": ["id", "customer_id", "amount"]},
            ]
        }
    )  # fmt: skip
    said = governed(sql, "postgresql", known)
    assert said.allowed or said.code == verdict.AMBIGUOUS
    only_governed(said.sql or "SELECT 1", "postgres")


def only_governed(sql: str, dialect: str) -> None:
    """Read once more: every table of the database stands in a SELECT of our own."""
    root = sqlglot.parse_one(sql, read=dialect)
    own = {cte.alias for cte in root.find_all(exp.CTE)}
    for table in root.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier) and table.name not in own:
            assert table.alias == "base"
            within = table.find_ancestor(exp.Subquery)
            assert within is not None
            assert within.this.args["from_"].this is table


def test_only_the_columns_that_may_be_named_are_read() -> None:
    assert '"name"' not in asked("SELECT id FROM customers").sql
    assert '"name"' in asked("SELECT customers FROM customers").sql
    assert asked("SELECT count(*) FROM hr.orders").sql == (
        'SELECT COUNT(*) FROM (SELECT 1 AS one FROM "hr"."orders" AS base) AS orders'
    )


def test_keys_are_bound_and_named() -> None:
    said = asked(
        "SELECT c.phone, c.account, o.account FROM customers c JOIN sales.orders o ON o.account = c.account"
    )
    assert said.keys == ("hash:customers.phone", "token:account")
    assert "$1" in said.sql
    assert "$2" in said.sql
    assert "$3" not in said.sql
    assert "\x01" not in said.sql
    by_place = governed("SELECT phone, phone FROM customers", "mysql", KNOWN, EU)
    assert by_place.keys == ("hash:customers.phone",)
    assert by_place.sql.count("?") == 1


@pytest.mark.parametrize(
    ("claims", "condition"),
    [
        ({"region": "EU"}, "base.region = 'EU'"),
        ({"region": "E'U"}, "base.region = 'E''U'"),
        ({"region": "' OR 1=1 --"}, "base.region = ''' OR 1=1 --'"),
        ({"region": 5}, "base.region = 5"),
    ],
)
def test_who_asks_is_a_constant_of_the_condition(claims: dict[str, Claim], condition: str) -> None:
    assert f"WHERE ({condition}) OFFSET 0" in asked("SELECT id FROM sales.orders", claims).sql


@pytest.mark.parametrize("claims", [{}, {"region": ["EU"]}, {"region": "a\x00b"}, {"region": float("nan")}])
def test_what_is_not_known_of_who_asks_shows_no_rows(claims: dict[str, Claim]) -> None:
    said = asked("SELECT id FROM sales.orders", claims)
    assert said.code == verdict.CLAIM
    assert not said.sql


def test_a_list_stands_in_in() -> None:
    orders = {**ORDERS, "rows": "region IN (:regions) AND id > 0"}
    known = Catalogue.of({"tables": [orders]})
    some = governed("SELECT id FROM sales.orders", "postgresql", known, {"regions": ["EU", "US"]})
    assert "base.region IN ('EU', 'US') AND base.id > 0" in some.sql
    none = governed("SELECT id FROM sales.orders", "postgresql", known, {"regions": []})
    assert "base.region IN (NULL)" in none.sql


@pytest.mark.parametrize(
    "rows",
    [
        "region =",
        "1 = 1) OR (1 = 1",
        "1 = 1) UNION SELECT (1",
        "TRUE) LIMIT (1",
        "pg_sleep(1) IS NULL",
        "id IN (SELECT id FROM own)",
        "region = ?",
        "EXISTS (DELETE FROM x)",
        "1 = 1; SELECT 1",
        "id IN (SELECT id FROM pg_catalog.pg_class)",
    ],
)
def test_what_is_no_condition_on_rows(rows: str) -> None:
    known = Catalogue.of({"tables": [{**ORDERS, "rows": rows}]})
    with pytest.raises(RowsError):
        check(known, "postgresql")
    said = governed("SELECT id FROM sales.orders", "postgresql", known, EU)
    assert not said.allowed


def test_a_condition_takes_part_in_no_game_with_names() -> None:
    """A name of the statement's own does not become the table that the condition reads."""
    orders = {**ORDERS, "rows": "customer_id IN (SELECT id FROM sales.own)"}
    known = Catalogue.of({"tables": [orders, {"schema": "sales", "name": "own", "columns": ["id"]}]})
    said = governed("WITH own AS (SELECT 1 AS id) SELECT o.id FROM sales.orders o, own", "postgresql", known)
    assert 'WITH "own_1_of_with"' in said.sql
    assert "FROM sales.own)" in said.sql


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite", "duckdb"])
def test_a_name_of_its_own_is_never_taken_for_a_table(dialect: str) -> None:
    said = governed(
        "WITH customers AS (SELECT id, ssn FROM customers) SELECT customers.ssn FROM customers",
        dialect,
        KNOWN,
    )
    assert "customers_1_of_with" in said.sql
    for sql in (
        "WITH RECURSIVE a AS (SELECT * FROM customers), customers AS (SELECT 5 AS id) SELECT * FROM a",
        "WITH RECURSIVE customers AS (SELECT * FROM customers) SELECT * FROM customers",
        "WITH RECURSIVE secret AS (SELECT * FROM secret) SELECT * FROM secret",
    ):
        assert governed(sql, dialect, KNOWN).code == verdict.AMBIGUOUS


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("EXPLAIN SELECT id FROM customers", verdict.NOT_A_QUERY),
        ("SELECT id FROM customers TABLESAMPLE SYSTEM (10)", verdict.CONSTRUCT),
        ("SELECT id FROM orders", verdict.TABLE),
        ("SELECT id FROM secret", verdict.TABLE),
        ("SELECT sales.orders.id FROM sales.orders, hr.orders", verdict.AMBIGUOUS),
        ("SELECT * FROM customers c NATURAL JOIN sales.orders o", verdict.AMBIGUOUS),
        ("DELETE FROM customers", verdict.NOT_A_QUERY),
    ],
)
def test_what_is_refused(sql: str, code: str) -> None:
    assert asked(sql).code == code


def test_a_schema_before_a_column_goes() -> None:
    assert asked("SELECT sales.orders.id FROM sales.orders").sql.startswith("SELECT orders.id FROM (")
    assert asked("SELECT sales.orders.* FROM sales.orders").sql.startswith("SELECT orders.* FROM (")


def test_a_group_by_the_key_shows_the_other_columns() -> None:
    said = asked(
        "SELECT c.id, c.name, count(*) FROM customers c JOIN sales.orders o ON o.customer_id = c.id GROUP BY 1"
    )
    assert 'GROUP BY 1, c."name"' in said.sql
    masked = Catalogue.of({"tables": [{**CUSTOMERS, "key": ["ssn"]}]})
    assert (
        'c."name"'
        not in governed("SELECT c.ssn, c.name FROM customers c GROUP BY c.ssn", "postgresql", masked).sql
    )


@pytest.mark.parametrize(
    ("sql", "pushed"),
    [
        ("SELECT id FROM sales.orders WHERE id = 5", """base."id" = 5"""),
        ("SELECT id FROM sales.orders o WHERE o.id BETWEEN 1 AND 5", """base."id" BETWEEN 1 AND 5"""),
        ("SELECT id FROM sales.orders WHERE region IN ('a', 'b')", """base."region" IN ('a', 'b')"""),
        ("SELECT id FROM sales.orders WHERE id = '5'", ""),
        ("SELECT id FROM sales.orders WHERE region = 5", ""),
        ("SELECT id FROM sales.orders WHERE account = 'x'", ""),
        ("SELECT id FROM sales.orders WHERE id = 5 OR region = 'x'", ""),
        ("SELECT id FROM sales.orders WHERE id + 1 = 5", ""),
        ("SELECT c.id FROM customers c LEFT JOIN sales.orders o ON TRUE WHERE o.id = 5", ""),
        ("SELECT c.id FROM sales.orders o FULL JOIN customers c ON TRUE WHERE o.id = 5", ""),
    ],
)
def test_only_what_cannot_fail_is_tried_on_hidden_rows(sql: str, pushed: str) -> None:
    within = f"WHERE (base.region = 'EU'){' AND ' if pushed else ''}{pushed} OFFSET 0)"
    assert within in asked(sql).sql


def test_order_is_said_in_full_where_something_is_hidden() -> None:
    assert asked("SELECT id, name FROM customers LIMIT 3").sql.endswith("ORDER BY 1, 2 LIMIT 3")
    assert asked("SELECT * FROM customers c JOIN hr.orders o USING (id)").sql.endswith(
        "ORDER BY 1, 2, 3, 4, 5"
    )
    assert "ORDER BY" not in asked("SELECT id, name FROM customers WHERE id > 3").sql
    assert "ORDER BY" not in asked("SELECT count(*) FROM customers").sql
    assert "ORDER BY" not in asked("SELECT id FROM hr.orders LIMIT 3").sql


def test_what_the_guard_refuses_stays_refused() -> None:
    known = Catalogue.of({"tables": [{"schema": "main", "name": "t", "columns": ["id"]}]})
    assert not [sql for dialect, sql in statements("refused") if governed(sql, dialect, known).allowed]


def test_without_a_catalogue_nothing_passes() -> None:
    assert governed("SELECT 1", "postgresql", Catalogue()).code == verdict.TABLE


def test_masks_are_refused_where_they_cannot_be_written() -> None:
    assert governed("SELECT ssn FROM customers", "sqlserver", KNOWN).code == verdict.MASKED


def test_two_tables_that_differ_in_capitals_are_no_catalogue() -> None:
    with pytest.raises(CatalogueError):
        Catalogue.holding([Table("t", (), "public"), Table("T", (), "public")])
