"""`ostiary guard`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from ostiary.cli.main import main; main()", "guard"]


def ran(*words: str, given: str | bytes = "") -> subprocess.CompletedProcess[bytes]:
    data = given.encode() if isinstance(given, str) else given
    return subprocess.run([*COMMAND, *words], input=data, capture_output=True, timeout=60, check=False)


def test_one_statement() -> None:
    good = ran("select 1 as a -- x", "--dialect", "sqlite")
    assert (good.returncode, good.stdout) == (0, b"SELECT 1 AS a\n")
    bad = ran("DROP TABLE t")
    assert (bad.returncode, bad.stdout) == (1, b"")
    assert b"sql.not_a_query" in bad.stderr
    told = json.loads(ran("SELECT id FROM t", "--json").stdout)
    assert told == {
        "decision": "allow",
        "code": "",
        "why": "",
        "sql": "SELECT id FROM t",
        "tables": ["t"],
        "keys": [],
    }
    assert ran(given="SELECT 2").stdout == b"SELECT 2\n"


def test_lines(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue.json"
    catalogue.write_text(json.dumps({"tables": [{"name": "t", "columns": ["id"]}]}))
    lines = [
        {"id": "a", "sql": "SELECT id FROM t"},
        {"id": 2, "sql": "SELECT id FROM u"},
        {"id": 3, "sql": 4},
    ]
    given = (
        b"\n".join(json.dumps(each).encode() for each in lines)
        + b"\n\n\xff\n"
        + b"x" * 1_200_000
        + b'\n{"id": 9, "sql": "SELECT 1"}'
    )
    done = ran("--dialect", "postgresql", "--jsonl", "--catalog", str(catalogue), given=given)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["id"], each["decision"], each["code"]) for each in told] == [
        ("a", "allow", ""), (2, "refuse", "sql.table"), (3, "refuse", "line.malformed"), (None, "refuse", "line.malformed"),
        (None, "refuse", "line.malformed"), (9, "allow", ""),
    ]  # fmt: skip
    assert done.returncode == 2


def test_governed_lines(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue.json"
    table = {
        "name": "t",
        "schema": "s",
        "columns": ["id", {"name": "ssn", "mask": "hash"}],
        "rows": "id IN (:ids)",
    }
    catalogue.write_text(json.dumps({"tables": [table]}))
    given = "".join(json.dumps({"id": at, "sql": sql}) + "\n" for at, sql in enumerate(["SELECT ssn FROM s.t", "SELECT 1 FROM u"]))  # fmt: skip
    command = ["--dialect", "sqlite", "--jsonl", "--catalog", str(catalogue)]
    done = ran(*command, "--govern", "--claim", "ids=1", "--claim", "ids=2", given=given)
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["keys"] == ["hash:t.ssn"]
    assert "OSTIARY_SHA256(CAST(?1 AS TEXT)" in first["sql"]
    assert "WHERE (base.id IN ('1', '2')) LIMIT -1" in first["sql"]
    assert (second["decision"], second["sql"]) == ("refuse", "")
    unknown = json.loads(ran(*command, "--govern", given=given).stdout.splitlines()[0])
    assert unknown["code"] == "sql.claim"
    refused = json.loads(ran(*command, given=given).stdout.splitlines()[0])
    assert (refused["code"], "sql" in refused) == ("sql.masked", False)


def test_a_condition_on_rows_that_is_none_is_said_at_once(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue.json"
    catalogue.write_text(json.dumps({"tables": [{"name": "t", "columns": ["id"], "rows": "id ="}]}))
    done = ran("SELECT 1", "--catalog", str(catalogue), "--govern")
    assert done.returncode == 2
    assert b"A condition on rows cannot be applied" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["SELECT 1", "--govern"],
        ["SELECT 1", "--govern", "--catalog", "/nowhere"],
        ["SELECT 1", "--dialect", "oracle"],
        ["SELECT 1", "--jsonl"],
        ["SELECT 1", "--catalog", "/nowhere"],
        ["SELECT 1", "--catalog", __file__],
    ],
)
def test_what_is_wrong_is_said(words: list[str]) -> None:
    done = ran(*words)
    assert done.returncode == 2
    assert done.stderr
    assert b"Traceback" not in done.stderr


def test_without_the_libraries_it_says_which_are_missing() -> None:
    code = "import sys; sys.modules['sqlglot'] = None; from ostiary.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "guard", "SELECT 1"], capture_output=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 2
    assert b"pip install 'ostiary[ask]'" in done.stderr
