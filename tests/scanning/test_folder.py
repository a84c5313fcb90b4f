"""A folder's files in key order, and what is told instead of being read."""

import os
import socket
from pathlib import Path

import pytest

from ostiary.scanning.folder import Folder
from ostiary.scanning.place import Item, PlaceUnreadable, Unreadable


def keys(folder: Folder, after: str = "") -> list[str]:
    return [item.key for item in folder.items(after)]


def test_keys_come_in_the_order_of_their_letters_and_go_on_after_any(tmp_path: Path) -> None:
    for name in ("b/x", "b/y/z", "b.txt", "b c", "a", "c/d"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    whole = keys(Folder(tmp_path))
    assert whole == ["a", "b c", "b.txt", "b/x", "b/y/z", "c/d"]
    for number, key in enumerate(whole):
        assert keys(Folder(tmp_path), key) == whole[number + 1 :]


def test_a_version_changes_with_the_content_even_where_its_time_is_set_back(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    status = file.stat()
    (before,) = Folder(tmp_path).items("")
    file.write_text("two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    (after,) = Folder(tmp_path).items("")
    assert (before.size, after.size, before.changed_us) == (3, 3, after.changed_us)
    assert before.version != after.version


def test_what_was_asked_to_be_left_out_is_left_out_and_histories_always(tmp_path: Path) -> None:
    for name in (".git/config", ".env", "node_modules/x.js", "a.iso", "src/a.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    assert keys(Folder(tmp_path)) == [".env", "a.iso", "node_modules/x.js", "src/a.py"]
    assert keys(Folder(tmp_path, ("node_modules", "*.iso"), hidden=False)) == ["src/a.py"]
    assert keys(Folder(tmp_path, histories=True))[1] == ".git/config"


def test_one_file_is_a_place_too(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("hello")
    folder = Folder(file)
    (item,) = folder.items("")
    assert (item.key, folder.read(item, 100), folder.read(item, 2, 1)) == ("a.txt", b"hello", b"el")
    assert keys(folder, "a.txt") == []


def test_what_is_no_file_is_told_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "loop").symlink_to(tmp_path)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(tmp_path / "socket"))
        items = list(Folder(tmp_path).items(""))
    assert [(item.key, item.state) for item in items] == [("fifo", "special"), ("link", "link"), ("loop", "link"), ("socket", "special")]  # fmt: skip
    for item in items:
        with pytest.raises(Unreadable):
            Folder(tmp_path).read(item, 100)


def test_a_folder_that_is_not_there_or_is_the_kernels_is_no_place(tmp_path: Path) -> None:
    for root in (tmp_path / "none", Path("/proc"), Path("/dev/null")):
        with pytest.raises(PlaceUnreadable):
            list(Folder(root).items(""))


def test_a_file_that_is_gone_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        Folder(tmp_path).read(Item("a/b", 1, "v"), 100)
