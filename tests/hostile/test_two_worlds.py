"""Whoever asks cannot tell two databases apart that differ only in what is hidden from them: by no row, no error, no count and no order. On four engines."""

from dataclasses import replace

import pymysql
import pytest

from ostiary.guard import masking
from ostiary.guard.catalogue import Catalogue
from ostiary.guard.governed import governed
from tests.guard.given import statements
from tests.guard.worlds import WORLDS, Outcome, Queries, catalogue, told_apart

ATTACKS = {
    "postgresql": (
        "lower(lower(lower(region))) = 'eu'",
        [
            "SELECT id FROM orders WHERE CAST(memo AS INTEGER) > 0",
            "SELECT id FROM orders WHERE 1 / amount >= 0",
        ],
    ),
    "mariadb": (
        "EXISTS (SELECT 1 FROM shop.customers WHERE customers.id = base.customer_id AND base.region = 'EU')",
        [
            "SELECT id FROM orders WHERE CASE WHEN amount = 0 THEN (SELECT 1 UNION SELECT 2) ELSE 1 END = 1",
            "SELECT id FROM orders o WHERE (SELECT c.id FROM customers c WHERE o.amount = 0 OR c.id = 1) IS NOT NULL",
        ],
    ),
    "sqlite": (
        "EXISTS (SELECT 1 WHERE base.region = 'EU')",
        [
            "SELECT id FROM orders WHERE json(memo) > 0",
            "SELECT id FROM orders WHERE abs(amount - 9223372036854775807 - 1) > 0",
        ],
    ),
}
"""A condition on rows that is tried late, and conditions of a statement that fail on a hidden row. DuckDB does not try what may fail before what stands below it."""


def skip_without(engine: str) -> None:
    if engine == "mariadb":
        try:
            pymysql.connect(host="127.0.0.1", user="root").close()
        except pymysql.Error:
            pytest.skip("not run: no MariaDB")


@pytest.mark.parametrize("engine", WORLDS)
def test_no_query_tells_two_worlds_apart(engine: str) -> None:
    skip_without(engine)
    counted, differ = told_apart(engine, iter(Queries(engine, 11)), 400)
    assert differ == []
    assert counted["rows"] > 180
    assert counted["refused"] < 20


@pytest.mark.parametrize("engine", WORLDS)
def test_no_shape_of_an_engine_tells_them_apart(engine: str) -> None:
    skip_without(engine)
    shapes = [sql for dialect, sql in statements("shapes") if dialect == engine]
    counted, differ = told_apart(engine, iter(shapes), len(shapes))
    assert differ == []
    assert counted["refused"] == 0
    assert counted["rows"] > 10


@pytest.mark.soak
@pytest.mark.parametrize("engine", WORLDS)
def test_ten_thousand_queries_tell_nothing(engine: str) -> None:
    skip_without(engine)
    counted, differ = told_apart(engine, iter(Queries(engine, 23)), 10_000)
    assert differ == []
    assert counted["rows"] > 4_500


@pytest.mark.parametrize("engine", WORLDS)
def test_the_queries_would_tell_them_apart_without_masks(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the tests above can fail: the same queries, with the masks and the conditions taken away."""
    skip_without(engine)
    schema, _ = WORLDS[engine]
    bare = [
        replace(table, rows="", columns=tuple(replace(each, mask=None) for each in table.columns), written={})
        for name, (table,) in catalogue(schema).tables.items()
        if "." not in name
    ]
    monkeypatch.setattr("tests.guard.worlds.catalogue", lambda _schema: Catalogue.holding(bare))
    _, differ = told_apart(engine, iter(Queries(engine, 11)), 100)
    assert len(differ) > 15


@pytest.mark.parametrize("engine", ATTACKS)
def test_no_condition_is_tried_on_a_hidden_row(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the fence it is, on each of these engines."""
    skip_without(engine)
    assert {each[0] for each in _outcomes(engine)} == {"rows"}
    for name, writing in list(masking.WRITINGS.items()):
        monkeypatch.setitem(masking.WRITINGS, name, replace(writing, fence=""))
    assert {each[0] for each in _outcomes(engine)} == {"error"}


def _outcomes(engine: str) -> list[Outcome]:
    schema, world = WORLDS[engine]
    rows, attacks = ATTACKS[engine]
    tables = [
        replace(table, rows=rows if name == "orders" else "", written={})
        for name, (table,) in catalogue(schema).tables.items()
        if "." not in name
    ]
    known = Catalogue.holding(tables)
    with world(1) as ask:
        return [ask(governed(sql, engine, known)) for sql in attacks]
