"""`ostiary query` and `ostiary sources`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.given import shop

COMMAND = [sys.executable, "-c", "from ostiary.cli.main import main; main()"]


def ran(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], input=given, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "customers.csv").write_text("id,name,ssn\n1,Ada,123-45\n2,Bob [red]x[/red],678-90\n")
    (folder / "orders.csv").write_text("id,customer_id,amount\n1,1,10\n2,1,32\n")
    catalogue = {
        "tables": {"customers": ["id", "name", "ssn", "gone"]},
        "masks": {"customers": {"ssn": "hash"}},
    }
    (tmp_path / "catalogue.json").write_text(json.dumps(catalogue))
    (tmp_path / "key").write_text("5" * 40)
    return folder


def test_an_answer_in_each_form(files: Path) -> None:
    shown = ran("query", str(files), 'SELECT name, id AS "[b]" FROM customers ORDER BY 2')
    assert shown.returncode == 0, shown.stderr
    assert "Bob [red]x[/red]" in shown.stdout
    assert "[b]" in shown.stdout
    lines = ran(
        "query", str(files), "-", "--format", "ndjson", given="SELECT sum(amount) AS a, 1 AS a FROM orders"
    )
    assert json.loads(lines.stdout) == {"a": 42, "a_2": 1}
    cut = ran("query", str(files), "SELECT id, NULL FROM orders ORDER BY 1", "--format", "csv", "--rows", "1")
    assert cut.stdout.splitlines()[1:] == ["1,"]
    assert "Truncated" in cut.stderr


def test_masks_need_their_key(files: Path) -> None:
    words = [
        "query",
        str(files),
        "SELECT ssn FROM customers",
        "--catalog",
        str(files.parent / "catalogue.json"),
        "--format",
        "csv",
    ]
    without = ran(*words)
    assert (without.returncode, without.stdout) == (2, "")
    assert "--key-file" in without.stderr
    first, again = (ran(*words, "--key-file", str(files.parent / "key"), "--show-sql") for _ in range(2))
    assert first.stdout == again.stdout
    assert "123-45" not in first.stdout + first.stderr
    assert "5555" not in first.stderr
    assert "customers.gone" in first.stderr
    (files.parent / "key").write_text("short")
    assert ran(*words, "--key-file", str(files.parent / "key")).returncode == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["query", "data", "DELETE FROM customers"], 1, "sql.not_a_query"),
        (["query", "data", "SELECT * FROM 'catalogue.json'"], 1, "sql.table"),
        (["query", "data", "SELECT CAST(ssn AS INTEGER) FROM customers"], 1, "source.refused"),
        (["query", "data", "SELECT 1", "--format", "xml"], 2, "--format"),
        (["query", "data", "SELECT 1", "--catalog", "/nowhere"], 2, "cannot be read"),
        (["query", "./nothing", "SELECT 1"], 1, "cannot be read"),
        (["query", "postgresql://nobody@127.0.0.1:1/x", "SELECT 1"], 1, "cannot be connected"),
        (["query", "mysql://nobody:secret@127.0.0.1/x", "SELECT 1"], 1, "holds no password"),
        (["sources", "grants", "data"], 2, "nothing to grant"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], code: int, said: str, files: Path) -> None:
    done = ran(*[str(files) if word == "data" else word for word in words])
    assert done.returncode == code
    assert said in done.stderr
    assert "123-45" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_catalogue_to_put_masks_into(files: Path, tmp_path: Path) -> None:
    found = json.loads(ran("sources", "tables", str(files), "--json").stdout)
    assert [each["name"] for each in found["tables"]] == ["customers", "orders"]
    found["tables"][0]["columns"][2]["mask"] = "full"
    (tmp_path / "own.json").write_text(json.dumps(found))
    done = ran(
        "query",
        str(files),
        "SELECT max(ssn) FROM customers",
        "--catalog",
        str(tmp_path / "own.json"),
        "--format",
        "csv",
    )
    assert done.stdout.splitlines()[1:] == ["***"]


def test_a_credential_that_may_write_is_not_taken(tmp_path: Path) -> None:
    with shop("postgresql", tmp_path) as (address, schema):
        sql = f"SELECT count(*) FROM {schema}.orders"
        done = ran("query", address, sql)
        assert done.returncode == 1
        assert "may do more than read" in done.stderr
        assert "\n  may write t_" in done.stderr  # of this schema, or of one that another test has beside it
        accepted = ran("query", address, sql, "--accept-writer", "--format", "csv")
        assert accepted.stdout == "count\n3\n"
        told = ran("sources", "grants", address, "--role", "reader")
        assert f'GRANT SELECT ON "{schema}"."orders" TO "reader";' in told.stdout
        assert ran("sources", "check", address).returncode == 1
