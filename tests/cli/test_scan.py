"""`ostiary scan`: an inventory at the command line, its reports, what it remembers and what it refuses."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ostiary.cli import scanning
from ostiary.cli.main import app
from ostiary.scanning.look import Looked
from ostiary.scanning.place import Item, PlaceUnreadable
from tests import servers


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "share"
    (made / "hr").mkdir(parents=True)
    (made / "hr" / "people.txt").write_text("ada@marsh.example\nbob@marsh.example\n")
    (made / "card.txt").write_text("card 4111 1111 1111 1111")
    (made / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c\0\0")
    return made


def scan(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["scan", "--quick", *words])
    assert result.exit_code == code, (result.output, result.stderr, result.exception)
    return result


def test_what_is_found_and_what_was_not_looked_at_is_said(folder: Path) -> None:
    lines = [line.split() for line in scan(str(folder)).stdout.splitlines()]
    assert lines[0][:3] == ["Risk", "5", "low"]
    assert lines[1][:9] == ["3", "items,", "2", "looked", "at", "(2", "now),", "2", "with"]
    assert lines[2][:4] == ["2", "email", "2", "distinct"]
    assert lines[3][:4] == ["1", "card", "1", "distinct"]
    assert [line[1] for line in lines[4:]] == ["/", "hr", "archive"]


def test_a_second_scan_looks_at_nothing_and_full_at_everything(folder: Path) -> None:
    assert "(2 now)" in scan(str(folder)).stdout
    assert "(0 now)" in scan(str(folder)).stdout
    assert "(2 now)" in scan(str(folder), "--full").stdout
    assert "(2 now)" in scan(str(folder), "--state", str(folder.parent / "other.db")).stdout
    assert (folder.parent / "state" / "ostiary" / "scan.db").stat().st_mode & 0o777 == 0o600


def test_reports_are_written_for_their_owner_alone(folder: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"report.{form}" for form in ("html", "json", "csv")]
    scan(str(folder), *(word for file in files for word in ("--report", str(file))))
    page, data, rows = (file.read_text() for file in files)
    assert "<script" not in page
    assert json.loads(data)["categories"][0]["name"] == "email"
    assert rows.splitlines()[1] == "a.7z,archive,,,,0,0,0.0,8,0"
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert all("marsh" not in text and "4111 1111" not in text for text in (page, data, rows))


def test_json_is_printed_and_rules_and_patterns_are_heeded(folder: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text('{"categories": ["card"]}')
    said = json.loads(scan(str(folder), "--json", "--rules", str(rules), "--exclude", "*.7z").stdout)
    assert [each["name"] for each in said["categories"]] == ["card"]
    assert (said["items"], said["left_out"]) == (2, ["*.7z"])


def test_databases_are_places(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE people (mail TEXT)")
        connection.execute("INSERT INTO people VALUES ('ada@marsh.example')")
        connection.commit()
    said = json.loads(scan(str(file), "--json").stdout)
    assert (said["kind"], said["top"][0]["name"], said["findings"]) == ("database", "people", 1)


def test_a_databases_password_is_nowhere(tmp_path: Path) -> None:
    url = servers.administrator().set(drivername="postgresql", query={})
    host = url.host or "127.0.0.1"
    text = f"postgresql://{url.username}:s3cret@{host}:{url.port or 5432}/{url.database}"
    result = CliRunner().invoke(app, ["scan", text, "--schema", "no_such_schema"])
    assert result.exit_code == scanning.CANNOT
    kept = b"".join(file.read_bytes() for file in (tmp_path / "state" / "ostiary").iterdir()) if (tmp_path / "state").exists() else b""  # fmt: skip
    assert "s3cret" not in result.output
    assert b"s3cret" not in kept


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("/none/such",), "cannot be read"),
        (("/proc",), "file system of the kernel"),
        (("ftp://host/x",), "A place is a folder"),
        (("{folder}", "--report", "x.pdf"), "a report ends in"),
        (("{folder}", "--since", "yesterday"), "--since takes a day"),
        (("{folder}", "--cluster", "tcp://127.0.0.1:1", "--workers", "2"), "Either --workers or --cluster"),
        (("{folder}", "--exclude", "*"), "Nothing could be looked at"),
    ],
)
def test_what_cannot_be_done_is_said_with_exit_code_2(
    folder: Path, words: tuple[str, ...], said: str
) -> None:
    given = [word.replace("{folder}", str(folder)) for word in words]
    assert said in scan(*given, code=2).stderr


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_files_that_may_not_be_read_are_told(folder: Path) -> None:
    (folder / "card.txt").chmod(0)
    assert "unreadable" in scan(str(folder)).stdout


def test_ctrl_c_says_how_to_go_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scanning, "scan", stopped)
    assert "the same command goes on from there" in scan(str(folder), code=130).stderr


class _Listed:
    """A place that notes from where it was listed."""

    def __init__(self, kind: str, *, broken: bool = False) -> None:
        self.kind, self.broken = kind, broken
        self.asked: list[str] = []

    def items(self, after: str) -> Iterator[Item]:
        self.asked.append(after)
        yield from (Item(key, 1, "1") for key in ("a.txt", "b.log", "c.txt", "d.txt") if key > after)
        if self.broken:
            raise PlaceUnreadable("It stopped.")

    def read(self, item: Item, bytes_max: int, start: int = 0) -> bytes:
        return b"x"


def test_a_bucket_is_not_listed_a_second_time_for_the_progress() -> None:
    place = _Listed("bucket")
    assert scanning.left_of(place, "", (), threading.Event()) is None
    assert place.asked == []


def test_the_progress_counts_what_this_scan_meets() -> None:
    over = threading.Event()
    place = _Listed("folder")
    assert scanning.left_of(place, "", (), over) == 4
    assert scanning.left_of(place, "a.txt", ("*.log",), over) == 2
    assert place.asked == ["", "a.txt"]
    assert scanning.left_of(_Listed("folder", broken=True), "", (), over) is None
    over.set()
    assert scanning.left_of(place, "", (), over) is None


def test_the_line_that_moves_asks_a_bucket_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    place, folder = _Listed("bucket"), _Listed("folder")
    for each in (place, folder):
        with scanning._progress(each, "a.txt", ()) as told:
            deadline = time.monotonic() + 10
            while each.kind == "folder" and not each.asked and time.monotonic() < deadline:
                time.sleep(0.01)
            told(Looked("b.log", "1", 1, "", "looked"), True)
    assert (place.asked, folder.asked) == ([], ["a.txt"])
