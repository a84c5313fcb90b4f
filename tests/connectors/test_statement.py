import pytest

from ostiary.connectors.statement import read_statement


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "select id, name from customers where id = :id",
        "WITH big AS (SELECT * FROM invoices WHERE amount > :least) SELECT count(*) FROM big",
        "SELECT 'it''s; DROP TABLE x -- no' AS text, \"update\" FROM t",
        "SELECT coalesce(sum(amount), 0) AS total FROM i WHERE issued BETWEEN :a AND :b GROUP BY c HAVING count(*) > 1",
        "SELECT a, row_number() OVER (PARTITION BY b ORDER BY c) FROM t",
        "SELECT CAST(a AS numeric(10, 2)) FROM t WHERE b IN (:x, :y) AND c LIKE 'a%'",
        "SELECT comment, call, show FROM reset WHERE lock = 1",
        "SELECT (SELECT 1) UNION ALL (SELECT 2) ORDER BY 1 LIMIT 5",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n",
        "SELECT json_extract(a, '$.b') FROM t",
        "SELECT CASE WHEN (a > 1) THEN 'x' ELSE (b) END FROM t",
    ],
)
def test_ordinary_questions_are_read(text):
    assert read_statement(text, sqlite=True).text == text


def test_parameters_are_found_once_each_in_order_and_not_in_texts():
    statement = read_statement(
        "SELECT ':no', \":no\", a::text, :b, :a, :b FROM t WHERE c % 2 = 0", sqlite=False
    )
    assert statement.parameters == ("b", "a")
    assert statement.psycopg == "SELECT ':no', \":no\", a::text, %(b)s, %(a)s, %(b)s FROM t WHERE c %% 2 = 0"
    assert statement.sqlite == "SELECT ':no', \":no\", a::text, :b, :a, :b FROM t WHERE c % 2 = 0"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT date_trunc('month', at)::date, amount::numeric(10,2) FROM t",
        "SELECT x FROM unnest(:ids) AS u(x)",
        "SELECT data->'a'->>'b', tags[1] FROM t WHERE data @> '{}' AND data ? 'a'",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FILTER (WHERE b) FROM t",
        "SELECT extract(year FROM at), position('a' IN b), array(SELECT 1) FROM t, LATERAL (SELECT 1) AS l",
    ],
)
def test_postgresql_has_more_of_them(text):
    assert read_statement(text, sqlite=False).text == text


def test_a_statement_has_a_bound():
    with pytest.raises(ValueError, match="longer than 20000"):
        read_statement("SELECT " + "1," * 20_000 + "1", sqlite=True)
