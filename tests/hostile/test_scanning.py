"""Whoever may write where a scan reads wants it to leave, to hang, to die, to keep silent, or to speak in its reports."""

import csv
import gzip
import io
import json
import os
import sqlite3
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ostiary.clock import SystemClock
from ostiary.detection.rules import RuleSet
from ostiary.scanning import folder as folders
from ostiary.scanning import look as looking
from ostiary.scanning import sqlite as sqlites
from ostiary.scanning.columns import Columns
from ostiary.scanning.folder import Folder
from ostiary.scanning.inventory import inventory
from ostiary.scanning.look import Limits, Looked, look
from ostiary.scanning.lookers import DIED, Here, Processes
from ostiary.scanning.place import Item, PlaceUnreadable, Sample, Unreadable
from ostiary.scanning.report import About, report
from ostiary.scanning.run import Setup, scan
from ostiary.scanning.sqlite import SqliteFile
from ostiary.scanning.state import State, StateUnusable, print_of
from ostiary.scanning.through import look_at

RULES = RuleSet(categories=frozenset({"email", "card"}))


@pytest.fixture(autouse=True)
def _reader_ends() -> Iterator[None]:
    yield
    looking.close()


def looked(place: Folder | Columns, limits: Limits | None = None) -> dict[str, Looked]:
    return {item.key: look_at(place, item, RULES, limits or Limits()) for item in place.items("")}


# Leaving the folder.


def test_no_link_leads_out_neither_of_a_file_nor_of_a_folder_nor_in_a_circle(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "secret.txt").write_text("ada@marsh.example")
    root.mkdir()
    (root / "file").symlink_to(outside / "deep" / "secret.txt")
    (root / "folder").symlink_to(outside)
    (root / "self").symlink_to(".")
    assert {key: each.state for key, each in looked(Folder(root)).items()} == {"file": "link", "folder": "link", "self": "link"}  # fmt: skip
    for key in ("file", "folder/deep/secret.txt", "../outside/deep/secret.txt", "self/self/file", str(outside / "deep" / "secret.txt")):  # fmt: skip
        with pytest.raises(Unreadable):
            Folder(root).read(Item(key, 17, "v"), 100)


def test_a_file_or_folder_that_becomes_a_link_after_it_was_listed_is_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    (outside / "a.txt").write_text("ada@marsh.example")
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a.txt").write_text("nothing")
    (item,) = Folder(root).items("")
    (root / "sub" / "a.txt").unlink()
    (root / "sub" / "a.txt").symlink_to(outside / "a.txt")
    with pytest.raises(Unreadable):
        Folder(root).read(item, 100)
    (root / "sub" / "a.txt").unlink()
    (root / "sub").rmdir()
    (root / "sub").symlink_to(outside)
    with pytest.raises(Unreadable):
        Folder(root).read(item, 100)


def test_a_tree_that_is_swapped_all_the_while_never_shows_what_lies_outside(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    (outside / "a.txt").write_text("ada@marsh.example")
    (root / "real").mkdir(parents=True)
    (root / "real" / "a.txt").write_text("nothing here")
    (root / "link").symlink_to(outside)
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            for one, other in (("real", "spare"), ("link", "real"), ("real", "link"), ("spare", "real")):
                os.rename(root / one, root / other)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        folder = Folder(root)
        for _ in range(300):
            for item in folder.items(""):
                assert look_at(folder, item, RULES, Limits()).counts == {}
            assert look_at(folder, Item("real/a.txt", 12, "v"), RULES, Limits()).counts == {}
    finally:
        over.set()
        swapping.join()


def test_a_pipe_that_takes_the_place_of_a_file_does_not_hold_the_scan(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (item,) = Folder(tmp_path).items("")
    (tmp_path / "a").unlink()
    os.mkfifo(tmp_path / "a")
    assert look_at(Folder(tmp_path), item, RULES, Limits()).state == "special"


def test_file_systems_of_the_kernel_are_not_entered_and_without_a_list_of_them_none_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_text("x")
    folder = Folder(tmp_path)
    assert [(item.key, item.state) for item in folder.items("")] == [("sub/a", "")]
    states = {item.key: item.state for item in Folder(Path("/"), ("[!p]*",)).items("") if "/" not in item.key}
    assert states.get("proc") == "special"
    monkeypatch.setattr(folders, "MOUNTS", tmp_path / "none")
    states = {item.key: item.state for item in Folder(Path("/"), ("[!p]*",)).items("") if "/" not in item.key}
    assert states.get("proc") == "special"


def test_folders_deeper_and_fuller_than_is_followed_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "DEPTH_MAX", 3)
    monkeypatch.setattr(folders, "ENTRIES_MAX", 2)
    (tmp_path / "a" / "b" / "c" / "d").mkdir(parents=True)
    for name in "xyz":
        (tmp_path / name).write_text("x")
    assert [(item.key, item.state) for item in Folder(tmp_path).items("")] == [("a/b/c/d", "too_deep"), ("x", ""), ("\U0010ffff", "too_many")]  # fmt: skip


# Content.


def test_a_file_that_grows_shrinks_or_goes_while_it_is_read_ends_the_scan_in_no_way(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_bytes(b"word \n" * 50_000)
    (item,) = Folder(tmp_path).items("")
    file.write_bytes(b"ada@marsh.example")
    assert look_at(Folder(tmp_path), item, RULES, Limits(bytes_max=1000)).counts == {"email": 1}
    file.unlink()
    assert look_at(Folder(tmp_path), item, RULES, Limits(bytes_max=1000)).state == "unreadable"


def test_bombs_and_huge_files_cost_no_more_than_their_bounds(tmp_path: Path) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", b"<Types/>")
        made.writestr("word/document.xml", b"<a>" * 30_000_000)
    (tmp_path / "bomb.docx").write_bytes(bomb.getvalue())
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(10_000_000)))
    with (tmp_path / "huge.txt").open("wb") as file:
        file.write(b"ada@marsh.example\n")
        file.truncate(5 * 1024**4)
    with (tmp_path / "huge.pdf").open("wb") as file:
        file.write(b"%PDF-1.7\n")
        file.truncate(1024**4)
    states = {key: each.state for key, each in looked(Folder(tmp_path), Limits(bytes_max=1 << 20, text_bytes_max=1 << 20)).items()}  # fmt: skip
    assert states["bomb.gz"] == "archive"
    assert states["bomb.docx"] in {"too_costly", "malformed", "in_part"}
    assert (states["huge.txt"], states["huge.pdf"]) == ("unsupported", "too_large")


def test_content_that_kills_who_looks_at_it_costs_that_item_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Processes(RULES, Limits(), 1) as looker:
        pool = looker._pool
        assert looker.look(Item("a", 1, ""), b"ada@marsh.example").counts == {"email": 1}
        monkeypatch.setattr("ostiary.scanning.lookers._look", _die)
        died = looker.look(Item("b", 1, "v"), b"poison")
        monkeypatch.undo()
        assert (died.state, died.code, died.counts) == ("too_costly", DIED, {})
        assert looker._pool is not pool
        assert looker.look(Item("c", 1, ""), b"ada@marsh.example").counts == {"email": 1}


def _die(_item: Item, _content: bytes | Sample) -> Looked:
    os._exit(9)


# Names.

NAMES = [b"line\nend.txt", b"bad\xff\xfe.txt", b"back\\slash.txt", "rtl\u202egpj.txt".encode(), b"=cmd('calc')!A0.txt", b"<img src=x onerror=alert(1)>.txt", b"\x1b]0;title\x07.txt"]  # fmt: skip


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    root = tmp_path / "odd"
    root.mkdir()
    for name in NAMES:
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_text("ada@marsh.example")
    return root


def test_names_of_any_bytes_are_read_remembered_and_told_apart(odd: Path, tmp_path: Path) -> None:
    state, clock, folder = State(tmp_path / "s.db"), SystemClock(), Folder(odd)
    for fresh in (7, 0):
        began = state.begin("p", print_of(RULES, Limits(), "1"), how="", now_us=1)
        done = scan(folder, began, state, Setup(RULES), Here(RULES, Limits()), clock, lambda _a, _b: None)
        assert (done.fresh, done.inventory.findings) == (fresh, 7)
    state.close()


def test_reports_escape_what_names_would_do(odd: Path) -> None:
    items = list(looked(Folder(odd)).values())
    items += [Looked("<script>alert(1)</script>/x", "", 0, "", "archive"), Looked("@SUM(1)/y", "", 0, "", "looked", {"email": 1}, {"email": 1})]  # fmt: skip
    found = inventory("<b>place</b>", "folder", items)
    page = report(found, "html", About("now", left_out=["<i>*</i>"], broken="<u>broken</u>"))
    assert not {"<script", "<img", "<b>", "<i>", "<u>", "javascript:"} & {tag for tag in ("<script", "<img", "<b>", "<i>", "<u>", "javascript:") if tag in page}  # fmt: skip
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page
    text = report(found, "csv", About("now"), items)
    rows = list(csv.reader(io.StringIO(text)))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "@", "+", "-", "\t"))]
    for each in (page, text):
        assert not {"\u202e", "\x1b", "\x07"} & set(each)
    assert json.loads(report(found, "json", About("now")))["name"] == "<b>place</b>"


# Databases.


def database(tmp_path: Path, *statements: str) -> Path:
    file = tmp_path / "odd.db"
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return file


def test_names_of_tables_and_columns_cannot_leave_their_quotes(tmp_path: Path) -> None:
    file = database(
        tmp_path,
        'CREATE TABLE "a""; DROP TABLE victim; --" ("m"" FROM victim --" TEXT, "rowid" TEXT)',
        """INSERT INTO "a""; DROP TABLE victim; --" VALUES ('ada@marsh.example', 'x')""",
        "CREATE TABLE victim (card TEXT)",
        "INSERT INTO victim VALUES ('none')",
    )
    found = looked(Columns(SqliteFile(file)))
    assert [(each.state, each.counts) for each in found.values()] == [("looked", {"email": 1}), ("looked", {}), ("looked", {})]  # fmt: skip
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM victim").fetchone() == (1,)


def test_a_strangers_file_runs_nothing_writes_nothing_and_does_not_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlites, "STATEMENT_SECONDS_MAX", 0.2)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS mail FROM n"
    file = database(
        tmp_path,
        f"CREATE VIEW endless AS {endless}",
        "CREATE VIEW leaving AS SELECT load_extension('evil') AS mail",
        "CREATE VIRTUAL TABLE words USING fts5(mail)",
        "CREATE TABLE plain (mail TEXT, big TEXT AS (hex(zeroblob(50000000))))",
        "INSERT INTO plain VALUES ('ada@marsh.example')",
    )
    before = file.read_bytes()
    found = looked(Columns(SqliteFile(file, views=True)))
    assert {key: each.state for key, each in found.items() if not key.startswith("words_")} == {
        "endless.mail": "unreadable",
        "leaving.*": "unreadable",
        "plain.big": "unreadable",
        "plain.mail": "looked",
        "words.mail": "unsupported",
        "words.rank": "unsupported",
        "words.words": "unsupported",
    }
    assert found["plain.mail"].counts == {"email": 1}
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["odd.db"]


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    file = database(tmp_path, "CREATE TABLE t (mail TEXT)", "INSERT INTO t VALUES ('ada@marsh.example')")
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    assert looked(Columns(SqliteFile(file)))["t.mail"].state == "unreadable"
    file.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(PlaceUnreadable):
        SqliteFile(file)


# The state.


@pytest.mark.parametrize("content", [b"SQLite format 3\0" + b"\xff" * 5000, b"garbage" * 1000, b"x"])
def test_a_state_that_is_damaged_is_refused_and_not_overwritten(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "s.db"
    file.write_bytes(content)
    with pytest.raises(StateUnusable, match="damaged"):
        State(file)
    assert file.read_bytes() == content


def test_a_state_of_another_release_or_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "s.db"
    State(file).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE meta SET value = '2' WHERE name = 'format'")
        connection.commit()
    with pytest.raises(StateUnusable, match="another release"):
        State(file)
    other = database(tmp_path, "CREATE TABLE mine (x)")
    with pytest.raises(StateUnusable):
        State(other)


def test_a_state_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "s.db").symlink_to(tmp_path / "victim")
    with pytest.raises(StateUnusable):
        State(tmp_path / "s.db")
    assert not (tmp_path / "victim").exists()


def test_a_column_full_of_traps_costs_no_more_than_its_sample() -> None:
    values = ("9" * 2000, "@" * 2000, "a@" * 1000, "\0" * 2000, "\ud800", "=cmd()", "x" * 2000)
    seen = look(Item("t.c", 0, ""), Sample("c" * 10_000, "text", values, 10**12), RULES, Limits(), b"k")
    assert (seen.state, seen.counts) == ("looked", {})
