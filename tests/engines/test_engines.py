"""Four engines do the same."""

import re
import threading
import time
from pathlib import Path

import duckdb
import pytest

from ostiary.engines.engine import CODES, COSTLY, REFUSED, TIMEOUT, Engine, EngineError, Limits
from ostiary.engines.grants import grants
from ostiary.engines.opening import opened
from ostiary.guard.catalogue import Catalogue, Table
from ostiary.guard.governed import governed
from ostiary.guard.verdict import Verdict
from tests.engines.given import ENGINES, open_shop

KEY = "ab" * 32
MASKED = {
    "tables": [
        {"name": "customers", "columns": ["id", "name", {"name": "ssn", "mask": "hash"}]},
        {"name": "orders", "columns": ["id", "customer_id", "amount"], "rows": "region = :region"},
    ]
}
SLOW = {
    "postgresql": "SELECT count(*) FROM generate_series(1, 2000000) a CROSS JOIN generate_series(1, 2000000) b",
    "mysql": "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT count(*) FROM n a, n b, n c, n d",
    "sqlite": "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900000000) SELECT count(*) FROM n",
    "duckdb": "SELECT count(*) FROM range(10000000) a JOIN range(10000000) b ON a.range <> b.range",
}
"""Written by hand, as if the guard had let it through: it would refuse most."""
MANY = {
    "postgresql": "SELECT i, 'some text' FROM generate_series(1, 5000) i",
    "mysql": "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, 'some text' FROM n",
    "sqlite": "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i, 'some text' FROM n",
    "duckdb": "SELECT range, 'some text' FROM range(5000)",
}
each_engine = pytest.mark.parametrize("name", ENGINES)


def key_of(_: str) -> str:
    return KEY


def of_schema(tables: list[Table], schema: str) -> list[Table]:
    return [table for table in tables if table.schema == schema]


def asked(engine: Engine, verdict: Verdict) -> list[tuple[object, ...]]:
    return [row for batch in engine.run(verdict, key_of).batches() for row in batch]


@each_engine
def test_the_index_has_types_and_keys(name: str, tmp_path: Path) -> None:
    with open_shop(name, tmp_path) as (engine, schema):
        own = {table.name: table for table in engine.index() if table.schema == schema}
    assert set(own) == {"customers", "orders", "paid"}
    assert [name for name, table in own.items() if table.view] == ([] if name == "duckdb" else ["paid"])
    assert own["paid"].key == ()
    assert [column.name for column in own["customers"].columns] == ["id", "name", "ssn"]
    assert own["customers"].key == ("id",)
    assert own["customers"].columns[0].type.lower().startswith("int")
    assert "char" in own["customers"].columns[1].type.lower()


@each_engine
def test_a_governed_answer(name: str, tmp_path: Path) -> None:
    with open_shop(name, tmp_path) as (engine, schema):
        catalogue, missing = Catalogue.of(MASKED).fitted(of_schema(engine.index(), schema))
        assert missing == []
        sql = "SELECT c.name, c.ssn, sum(o.amount) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.name, c.ssn ORDER BY 1"
        verdict = governed(sql, engine.dialect, catalogue, {"region": "EU"})
        ((who, shown, total),) = asked(engine, verdict)
        assert (who, int(str(total))) == ("Ada", 40)
        assert len(str(shown)) == 32
        again = governed(
            "SELECT ssn FROM customers WHERE name = 'Ada?'  OR name = 'Ada'", engine.dialect, catalogue, {}
        )
        assert asked(engine, again) == [(shown,)]


@each_engine
def test_rows_and_bytes_end_an_answer_and_it_says_so(name: str, tmp_path: Path) -> None:
    verdict = Verdict(True, MANY[name])
    with open_shop(name, tmp_path, Limits(rows=300)) as (engine, _):
        answer = engine.run(verdict, key_of)
        assert sum(map(len, answer.batches())) == 300
        assert answer.truncated
        assert len(asked(engine, Verdict(True, "SELECT 1"))) == 1
    with open_shop(name, tmp_path / "more", Limits(bytes=1_000)) as (engine, _):
        answer = engine.run(verdict, key_of)
        assert 0 < sum(map(len, answer.batches())) < 40
        assert answer.truncated


@each_engine
def test_a_slow_statement_ends_at_its_time(name: str, tmp_path: Path) -> None:
    began = time.monotonic()
    with open_shop(name, tmp_path, Limits(seconds=1.0)) as (engine, _):
        with pytest.raises(EngineError) as failed:
            asked(engine, Verdict(True, SLOW[name]))
        assert failed.value.code == TIMEOUT
        assert asked(engine, Verdict(True, "SELECT 1")) == [(1,)]
    assert time.monotonic() - began < 30


@each_engine
def test_a_statement_is_stopped_from_another_thread(name: str, tmp_path: Path) -> None:
    with open_shop(name, tmp_path, Limits(seconds=60.0)) as (engine, _):
        timer = threading.Timer(0.5, engine.stop)
        timer.start()
        began = time.monotonic()
        with pytest.raises(EngineError) as failed:
            asked(engine, Verdict(True, SLOW[name]))
        assert failed.value.code == TIMEOUT
        assert time.monotonic() - began < 20
        assert asked(engine, Verdict(True, "SELECT 1")) == [(1,)]


@each_engine
def test_what_the_database_says_of_the_data_is_not_passed_on(name: str, tmp_path: Path) -> None:
    wrong = {
        "postgresql": "SELECT CAST(ssn AS INTEGER) FROM {}.customers",
        "mysql": "SELECT ssn FROM {}.customers WHERE id = (SELECT 1 UNION SELECT 2)",
        "sqlite": "SELECT json(ssn) FROM {}.customers",
        "duckdb": "SELECT CAST(ssn AS INTEGER) FROM {}.customers",
    }
    with open_shop(name, tmp_path) as (engine, schema):
        with pytest.raises(EngineError) as failed:
            asked(engine, Verdict(True, wrong[name].format(schema)))
        assert failed.value.code == REFUSED
        assert "123-45" not in failed.value.why
        assert failed.value.__cause__ is None
        assert asked(engine, Verdict(True, "SELECT 1")) == [(1,)]


@each_engine
def test_only_what_the_guard_wrote_is_run(name: str, tmp_path: Path) -> None:
    with open_shop(name, tmp_path) as (engine, _):
        for verdict in (Verdict(False, "SELECT 1"), Verdict(True)):
            with pytest.raises(ValueError, match="as the guard wrote it"):
                engine.run(verdict, key_of)
        with pytest.raises(ValueError, match="hexadecimal"):
            engine.run(Verdict(True, "SELECT 1", keys=("a",)), lambda _: "' OR 1=1")


def test_what_costs_too_much_is_not_run(tmp_path: Path) -> None:
    with open_shop("postgresql", tmp_path, Limits(cost=1_000.0)) as (engine, _):
        with pytest.raises(EngineError) as failed:
            asked(engine, Verdict(True, SLOW["postgresql"]))
        assert failed.value.code == COSTLY
        assert asked(engine, Verdict(True, "SELECT 1")) == [(1,)]


@pytest.mark.parametrize("name", ["postgresql", "mysql"])
def test_every_pair_costs_more_than_each_alone(name: str, tmp_path: Path) -> None:
    """The shop has three orders."""
    with open_shop(name, tmp_path, Limits(cost=10.0)) as (engine, schema):
        one = f"{schema}.orders"
        alone, triples = (Verdict(True, f"SELECT sum(a.amount) FROM {tables}") for tables in (f"{one} AS a", f"{one} AS a, {one} AS b, {one} AS c"))  # fmt: skip
        low, high = engine.cost(alone, key_of), engine.cost(triples, key_of)
        assert low is not None
        assert high is not None
        assert low < high
        assert high >= 27
        with pytest.raises(EngineError) as failed:
            asked(engine, triples)
        assert failed.value.code == COSTLY
        if name != "postgresql":  # which knows nothing of a table yet
            assert asked(engine, alone) == [(60,)]


def test_a_credential_that_may_write_is_told(tmp_path: Path) -> None:
    with open_shop("postgresql", tmp_path) as (engine, schema):
        said = engine.beyond_reading()
        assert f"may write {schema}.customers" in said
        assert f"may create in schema {schema}" in said
    with open_shop("mysql", tmp_path) as (engine, _):
        assert any("ALL PRIVILEGES" in each for each in engine.beyond_reading())


def test_grants_name_what_may_be_read(tmp_path: Path) -> None:
    known, _ = Catalogue.of({"tables": [{"schema": "s", "name": "t", "columns": ["a", {"name": 'b"', "type": "text", "mask": "full"}]}]}), None  # fmt: skip
    (table,) = known.tables["t"]
    said = grants("postgresql", 'who"', [table], "shop")
    assert 'GRANT SELECT ("a") ON "s"."t" TO "who""";' in said
    assert "GRANT SELECT (`a`) ON `s`.`t` TO 'it''s'@'%';" in grants("mysql", "it's", [table], "shop")
    with pytest.raises(ValueError, match="no roles"):
        grants("sqlite", "x", [table], "")


def test_files_are_tables_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("id,name\n1,Ada\n2,Bob\n")
    (tmp_path / "orders.ndjson").write_text('{"id": 1, "customer_id": 1}\n{"id": 2, "customer_id": 1}\n')
    duckdb.sql("SELECT 1 AS id, 2.5 AS rate").write_parquet(str(tmp_path / "rates.parquet"))
    (tmp_path / "notes.txt").write_text("no table")
    engine = opened(str(tmp_path), None, Limits())
    catalogue = Catalogue.holding(engine.index())
    assert {name for name in catalogue.tables if "." not in name} == {"customers", "orders", "rates"}
    sql = "SELECT c.name, count(*) FROM customers c JOIN orders o ON o.customer_id = c.id JOIN rates r ON r.id = 1 GROUP BY c.name"
    assert asked(engine, governed(sql, "duckdb", catalogue)) == [("Ada", 2)]
    engine.close()


def test_the_guide_names_every_code() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "howto" / "query.md").read_text()
    assert set(re.findall(r"^\| `(source\.\w+)` \|", guide, re.MULTILINE)) == CODES


@pytest.mark.parametrize(
    ("name", "content"), [("a.sqlite", b"no database"), ("a.csv/x", None), ("b.txt", b"x"), ("nothing", None)]
)
def test_what_is_no_source(name: str, content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(EngineError):
        opened(str(tmp_path / name), None, Limits())
