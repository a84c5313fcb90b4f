"""Each layer alone: what stands behind the guard refuses what the guard would, on live engines, with a credential that may write."""

from pathlib import Path

import pytest

from ostiary.engines.engine import Engine, EngineError
from ostiary.guard.catalogue import Catalogue
from ostiary.guard.governed import governed
from ostiary.guard.verdict import Verdict
from tests.engines.given import ENGINES, open_shop

EVERYWHERE = (
    "DELETE FROM {s}.customers",
    "UPDATE {s}.customers SET name = 'x'",
    "INSERT INTO {s}.customers VALUES (9, 'x', 'y')",
    "DROP TABLE {s}.customers",
    "CREATE TABLE {s}.more (id INTEGER)",
    "SELECT 1; DELETE FROM {s}.customers",
    "COMMIT; DELETE FROM {s}.customers",
    "ROLLBACK; BEGIN; DELETE FROM {s}.customers; COMMIT",
)
OF_ONE = {
    "postgresql": (
        "WITH gone AS (DELETE FROM {s}.customers RETURNING id) SELECT count(*) FROM gone",
        "SELECT * INTO {s}.copied FROM {s}.customers",
        "SELECT lo_create(0)",
        "COPY {s}.customers TO PROGRAM 'cat'",
        "TRUNCATE {s}.customers",
        "SELECT 1 FROM {s}.customers FOR UPDATE",
    ),
    "mysql": (
        "SELECT * FROM {s}.customers INTO OUTFILE '{f}/out.txt'",
        "TRUNCATE TABLE {s}.customers",
        "REPLACE INTO {s}.customers VALUES (1, 'x', 'y')",
        "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE {s}.customers",
    ),
    "sqlite": (
        "VACUUM INTO '{f}/copy.db'",
        "ATTACH '{f}/other.db' AS other",
        "PRAGMA query_only = OFF",
        "SELECT load_extension('x')",
        "SELECT name FROM sqlite_master",
        "REPLACE INTO customers VALUES (1, 'x', 'y')",
    ),
    "duckdb": (
        "COPY customers TO '{f}/out.csv'",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "ATTACH '{f}/other.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM glob('/etc/*')",
        "EXPORT DATABASE '{f}/out'",
    ),
}


def tried(engine: Engine, sql: str) -> None:
    """Whether it fails does not matter: whether it did something does."""
    try:
        for _ in engine.run(Verdict(True, sql), str).batches():
            pass
    except EngineError:
        return


@pytest.mark.parametrize("name", ENGINES)
def test_without_the_guard_nothing_is_written(name: str, tmp_path: Path) -> None:
    with open_shop(name, tmp_path) as (engine, schema):
        before = {each.name for each in tmp_path.iterdir()}
        for sql in (*EVERYWHERE, *OF_ONE[name]):
            tried(engine, sql.format(s=schema, f=tmp_path))
            count = Verdict(True, f"SELECT count(*), min(name), max(id) FROM {schema}.customers")
            assert [row for batch in engine.run(count, str).batches() for row in batch] == [(2, "Ada", 2)], (
                sql
            )
        if name == "postgresql":
            large = Verdict(
                True, "SELECT count(*) FROM pg_largeobject_metadata WHERE lomowner = current_user::regrole"
            )
            assert [row for batch in engine.run(large, str).batches() for row in batch] == [(0,)]
        tables = {table.name for table in engine.index() if table.schema == schema}
        assert tables == {"customers", "orders", "paid"}
        assert {each.name for each in tmp_path.iterdir()} - before <= {"shop.duckdb.wal"}


REFUSED = {
    "sqlite": OF_ONE["sqlite"],
    "duckdb": OF_ONE["duckdb"],
    "postgresql": (
        *OF_ONE["postgresql"][:2],
        *OF_ONE["postgresql"][3:],
    ),  # a large object goes with the transaction
    "mysql": OF_ONE["mysql"][1:],
}


@pytest.mark.parametrize("name", ENGINES)
def test_the_engine_refuses_it_itself(name: str, tmp_path: Path) -> None:
    with open_shop(name, tmp_path) as (engine, schema):
        for sql in REFUSED[name]:
            with pytest.raises(EngineError):
                for _ in engine.run(Verdict(True, sql.format(s=schema, f=tmp_path)), str).batches():
                    pass


CLAIMS = (
    "' OR 1=1 -- ",
    "\\' OR 1=1 -- ",
    "EU\\",
    "EU' OR 'a'='a",
    "%' OR ?",
    "$1",
    ":region",
    "EU/*",
    "é'",
    "\n' OR 1=1",
    'EU" OR "1"="1',
    "{x}",
)


@pytest.mark.parametrize("name", ENGINES)
def test_who_asks_is_never_more_than_a_constant(name: str, tmp_path: Path) -> None:
    """Whatever is known about somebody, however it is written: it is compared, and nothing else."""
    given = {
        "tables": [
            {
                "name": "orders",
                "columns": ["id", {"name": "amount", "mask": "hash"}],
                "rows": "region IN (:region)",
            }
        ]
    }
    with open_shop(name, tmp_path) as (engine, schema):
        known, _ = Catalogue.of(given).fitted([table for table in engine.index() if table.schema == schema])
        for claim in CLAIMS:
            verdict = governed(
                "SELECT id, amount FROM orders", engine.dialect, known, {"region": [claim, "x"]}
            )
            assert verdict.allowed, verdict.why
            assert [
                row for batch in engine.run(verdict, lambda _: "a" * 64).batches() for row in batch
            ] == [], claim
        seen = governed("SELECT count(*) FROM orders", engine.dialect, known, {"region": ["EU"]})
        assert [row for batch in engine.run(seen, str).batches() for row in batch] == [(2,)]
