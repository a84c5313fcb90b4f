"""`ostiary ask` and `ostiary semantics`."""

import sqlite3
from pathlib import Path

import pytest

from tests.engines.test_cli import ran
from tests.semantics.given import SHOP, TABLES


@pytest.fixture
def store(tmp_path: Path) -> str:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        for statement in TABLES:
            connection.execute(statement)
    (tmp_path / "shop.yaml").write_text(SHOP)
    return str(path)


def test_a_question_is_understood_shown_and_answered(store: str, tmp_path: Path) -> None:
    model = str(tmp_path / "shop.yaml")
    done = ran("ask", store, "revenue by country", "--model", model)
    assert done.returncode == 0, done.stderr
    assert "Understood as: revenue, by customers country" in done.stderr
    assert "SELECT" in done.stderr
    assert "█" in done.stdout
    told = ran("ask", store, "revenue by country", "--model", model, "--format", "csv")
    assert told.stdout == "country,revenue\nDE,40\nUS,60\n"
    only = ran("ask", store, "revenue by country", "--model", model, "--sql")
    assert only.stdout.startswith("SELECT ")
    back = ran("ask", store, "revenue by contry", "--model", model)
    assert (back.returncode, back.stdout) == (3, "")
    assert "I do not know" in back.stderr
    assert "country" in back.stderr


def test_masks_hold_for_questions_too(store: str, tmp_path: Path) -> None:
    catalogue = (
        '{"tables": {"customers": ["id", "name", "country"]}, "masks": {"customers": {"name": "full"}}}'
    )
    (tmp_path / "seen.json").write_text(catalogue)
    done = ran("ask", store, "how many customers by name", "--catalog", str(tmp_path / "seen.json"), "--format", "csv")  # fmt: skip
    assert done.stdout.splitlines()[1:] == ["***,3"]
    hidden = ran("ask", store, "revenue", "--model", str(tmp_path / "shop.yaml"), "--catalog", str(tmp_path / "seen.json"))  # fmt: skip
    assert hidden.returncode == 1
    assert "Refused" in hidden.stderr


def test_a_model_is_drafted_from_the_catalogue_and_checked(store: str, tmp_path: Path) -> None:
    drafted = ran("semantics", "draft", store)
    assert drafted.returncode == 0, drafted.stderr
    own = tmp_path / "own.yaml"
    own.write_text(drafted.stdout)
    checked = ran("semantics", "check", str(own), "--dialect", "sqlite")
    assert checked.stdout == "In order: 3 datasets, 2 relationships, 0 metrics.\n"
    asked = ran("ask", store, "number of orders by country", "--model", str(own), "--format", "csv")
    assert asked.stdout == "country,orders_count\nDE,2\nUS,2\n"
    own.write_text(drafted.stdout.replace("primary_key:", "primary_keys:"))
    typo = ran("semantics", "check", str(own))
    assert (typo.returncode, "/semantic_model/0/datasets/0/primary_keys" in typo.stderr) == (2, True)
    assert ran("semantics", "check", str(tmp_path / "none.yaml")).returncode == 2
    own.write_text(SHOP.replace("SUM(orders.amount)", "SUM(nowhere.amount)"))
    wrong = ran("semantics", "check", str(own))
    assert (wrong.returncode, "there is no dataset nowhere" in wrong.stdout) == (1, True)
