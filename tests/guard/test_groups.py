"""Tables that are seen in groups only."""

import sqlite3
from typing import Any

import pytest

from ostiary.guard import verdict
from ostiary.guard.catalogue import Catalogue
from ostiary.guard.governed import governed
from ostiary.guard.guard import judge

KNOWN = Catalogue.of(
    {
        "tables": [
            {
                "schema": "main",
                "name": "patients",
                "columns": ["id", "city", "age"],
                "key": ["id"],
                "group_min": 3,
            },
            {"schema": "main", "name": "visits", "columns": ["patient_id", "cost"], "group_min": 3},
            {"schema": "main", "name": "cities", "columns": ["city", "country"]},
        ]
    }
)
ROWS = [(1, "Rome", 30), (2, "Rome", 40), (3, "Rome", 50), (4, "Oslo", 60), (5, "Oslo", 70)]


@pytest.fixture
def clinic() -> Any:
    store = sqlite3.connect(":memory:")
    store.execute("CREATE TABLE patients (id INTEGER PRIMARY KEY, city TEXT, age INTEGER)")
    store.execute("CREATE TABLE visits (patient_id INTEGER, cost INTEGER)")
    store.execute("CREATE TABLE cities (city TEXT, country TEXT)")
    store.executemany("INSERT INTO patients VALUES (?, ?, ?)", ROWS)
    store.executemany("INSERT INTO visits VALUES (?, ?)", [(4, 1), (4, 2), (4, 3), (5, 1)])
    store.executemany("INSERT INTO cities VALUES (?, ?)", [("Rome", "it"), ("Oslo", "no"), ("Oslo", "x")])
    yield store
    store.close()


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT city, count(*) FROM patients GROUP BY city", [("Rome", 3)]),
        ("SELECT city AS c, avg(age) FROM patients GROUP BY 1 HAVING avg(age) > 10 ORDER BY c", [("Rome", 40.0)]),
        ("SELECT avg(age), sum(age * id) FROM patients", [(50.0, 850)]),
        ("SELECT count(*) FROM patients WHERE city = 'Oslo'", []),
        ("SELECT id, count(*) FROM patients GROUP BY id", []),
        ("SELECT c.country, count(*) FROM patients p JOIN cities c ON c.city = p.city GROUP BY c.country", [("it", 3)]),
        ("SELECT max(n) FROM (SELECT city, count(*) AS n FROM patients GROUP BY city) x", [(3,)]),
        ("SELECT country FROM cities WHERE city IN (SELECT city FROM patients GROUP BY city)", [("it",)]),
        ("SELECT count(*), sum(cost) FROM visits", [(4, 7)]),
        ("SELECT city FROM cities c WHERE EXISTS (SELECT 1 FROM patients p WHERE p.city = c.city)", [("Rome",)]),
        ("SELECT count(*) FROM patients p JOIN cities c USING (city) WHERE c.country = 'it' AND (p.age > 3 OR p.id = 4)", [(3,)]),
        ("SELECT upper(city), count(*) * 2 FROM patients GROUP BY city", [("ROME", 6)]),
    ],
)  # fmt: skip
def test_groups_that_are_large_enough(clinic: Any, sql: str, answer: list[tuple[Any, ...]]) -> None:
    said = governed(sql, "sqlite", KNOWN)
    assert said.allowed, said.why
    assert clinic.execute(said.sql).fetchall() == answer


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM patients",
        "SELECT age FROM patients",
        "SELECT DISTINCT city FROM patients",
        "SELECT city, age FROM patients GROUP BY city",
        "SELECT city, max(age) FROM patients GROUP BY city",
        "SELECT city, group_concat(age) FROM patients GROUP BY city",
        "SELECT sum(CASE WHEN id = 4 THEN age END) FROM patients",
        "SELECT sum(age * (id = 4)) FROM patients",
        "SELECT sum(age / (1 + (id - 4) * (id - 4))) FROM patients",
        "SELECT sum(age) FILTER (WHERE id = 4) FROM patients",
        "SELECT avg(iif(id = 4, age, NULL)) FROM patients",
        "SELECT count(*), (SELECT p.age) FROM patients p",
        "SELECT sum(age) OVER (PARTITION BY id) FROM patients",
        "SELECT city, count(*) FROM patients GROUP BY city ORDER BY age",
        "SELECT city, count(*) FROM patients GROUP BY city HAVING max(age) > 3",
        "SELECT 1 FROM patients",
        "SELECT p.city, count(v.w) FROM patients p LEFT JOIN (SELECT 4 AS id, 1 AS w) v ON v.id = p.id GROUP BY p.city",
        "SELECT p.city, count(*) FROM patients p JOIN (SELECT 4 AS id UNION ALL SELECT 4 UNION ALL SELECT 5) v ON v.id = p.id GROUP BY p.city",
        "WITH v AS (SELECT 4 AS id UNION ALL SELECT 4) SELECT count(*) FROM patients p JOIN v ON v.id = p.id",
        "SELECT count(*) FROM patients p JOIN cities c ON c.country <= CASE WHEN p.id = 4 THEN 'z' ELSE 'j' END",
        "SELECT count(*) FROM patients p JOIN cities c ON c.city = p.city WHERE c.country = 'x' OR p.id = 4",
        "SELECT count(*) FROM patients p JOIN cities c ON c.city = p.city WHERE country = 'x' OR id = 4",
        "SELECT count(c.city) FROM patients p LEFT JOIN cities c ON c.city = p.city",
        "SELECT count(*) FROM patients p, cities c WHERE p.city = c.city",
        "SELECT sum(p.age * g.value) FROM patients p JOIN generate_series(1, 9) g ON g.value = p.id",
        "SELECT city FROM cities WHERE city IN (SELECT city FROM patients)",
        "SELECT count(*) FROM (SELECT * FROM patients) x",
        "SELECT count(*) FROM (patients p JOIN cities c ON c.city = p.city)",
        "SELECT city, country FROM cities c JOIN patients p USING (city)",
        "WITH p AS (SELECT * FROM patients) SELECT count(*) FROM p",
        "SELECT count(*) FROM visits v JOIN cities c ON 1 = 1",
        "SELECT age FROM patients UNION SELECT 1",
    ],
)
def test_no_single_row_is_told(sql: str) -> None:
    said = governed(sql, "sqlite", KNOWN)
    assert said.code == verdict.GROUPED
    assert not said.sql


def test_without_governing_it_is_refused() -> None:
    assert judge("SELECT count(*) FROM patients", "sqlite", KNOWN).code == verdict.MASKED
