"""`ostiary ask` and `ostiary query` of a source that the running gateway knows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.test_cli import ran
from tests.process import Process
from tests.sources.given import connected

POLICY = {
    "version": 1,
    "rules": [
        {"name": "shop", "tables": ["customers", "orders"], "masks": {"customers.name": "partial"}, "purposes": ["report"]},
        {"name": "counts", "tables": ["orders"]},
    ],
    "accept_writer": True,
}  # fmt: skip


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    with connected("sqlite", tmp_path) as (settings, _, reached):
        process = Process(home=tmp_path / "home", settings=reached)
        process.start()
        try:
            process.found()
            process.connect("shop", **settings)
            process.good("PUT", "/v1/sources/shop", json={"policy": POLICY})
            monkeypatch.setenv("OSTIARY_URL", process.url)
            monkeypatch.setenv("OSTIARY_API_KEY", process.make_key("reader", "developer", kind="program"))
            monkeypatch.chdir(tmp_path)
            yield process
        finally:
            process.kill()


def test_a_source_of_the_gateway_is_asked_by_its_name(gateway: Process) -> None:
    done = ran("ask", "shop", "number of orders by region")
    assert done.returncode == 0, done.stderr
    assert "Understood as: number of orders, by orders region" in done.stderr
    assert "█" in done.stdout
    told = ran("ask", "shop", "and only where region is 'EU'", "--after", "number of orders by region", "--format", "csv")  # fmt: skip
    assert (told.returncode, told.stdout.splitlines()[0]) == (0, "region,orders_count"), told.stderr
    assert [line.split(",")[0] for line in told.stdout.splitlines()[1:]] == ["EU"]
    only = ran("ask", "shop", "number of orders", "--sql")
    assert only.stdout.startswith("SELECT COUNT(*)")
    back = ran("ask", "shop", "number of unicorns")
    assert (back.returncode, back.stdout, "unicorns" in back.stderr) == (3, "", True)


def test_more_rows_than_one_answer_holds_are_not_refused(gateway: Process) -> None:
    for what, asked in (("query", "SELECT region FROM orders"), ("ask", "number of orders by region")):
        done = ran(what, "shop", asked, "--rows", "1000000", "--format", "csv")
        assert (done.returncode, done.stdout.splitlines()[0].split(",")[0]) == (0, "region"), done.stderr


def test_policy_and_purpose_are_the_gateways(gateway: Process) -> None:
    hidden = ran("query", "shop", "SELECT name FROM customers")
    assert (hidden.returncode, hidden.stdout) == (1, "")
    assert "shop is no file or folder here: the gateway was asked." in hidden.stderr
    seen = ran("query", "shop", "SELECT name FROM customers", "--purpose", "report", "--format", "csv")
    assert seen.returncode == 0, seen.stderr
    assert "customers.name (partial)" in seen.stderr
    assert "*" in seen.stdout
    wrong = ran("ask", "shop", "number of orders", "--accept-writer", "--model", "own.yaml")
    assert (wrong.returncode, "--model, --accept-writer: " in wrong.stderr) == (2, True)
    assert ran("query", "nowhere", "SELECT 1").returncode == 1


def test_a_file_of_that_name_is_the_file(gateway: Process, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "own.csv").write_text("id\n1\n2\n")
    done = ran("query", "shop", "SELECT count(*) AS n FROM own", "--format", "csv")
    assert done.stdout == "n\n2\n"
