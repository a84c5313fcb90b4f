"""A folder of this machine: its files in key order, read without ever leaving it.

Every folder and file is opened from its parent's descriptor, without following links, so that nobody who may write below can lead the scan elsewhere, however he times it.
Links, devices, pipes and sockets are told and not opened; file systems of the kernel (/proc, /sys) are not entered.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from heapq import nsmallest
from pathlib import Path

from ostiary.scanning.place import DEPTH_MAX, Item, PlaceUnreadable, Unreadable, excluded, passed

ENTRIES_MAX = 1_000_000
"""Of one folder; those beyond are told as one item."""
HISTORIES = (".git", ".hg", ".svn", ".bzr", "CVS")
"""Folders of version control: their content is compressed and stands in the working tree as well."""
PSEUDO = frozenset(
    "autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue nsfs proc pstore rpc_pipefs securityfs selinuxfs sysfs tracefs".split()  # noqa: SIM905 (names read better as one text)
)
MOUNTS = Path("/proc/self/mountinfo")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True)
class Folder:
    """root: a folder, or one file. exclude: patterns of keys that are left out. hidden: whether names that begin with a dot are looked at. histories: whether folders of version control are."""

    root: Path
    exclude: tuple[str, ...] = ()
    hidden: bool = True
    histories: bool = False
    kind: str = "folder"

    def items(self, after: str) -> Iterator[Item]:
        """Every entry that is no folder, in key order. Raises PlaceUnreadable where the root cannot be opened."""
        with self._root() as root:
            if self._alone(root):
                name = _key(os.path.basename(self.root))
                if name > after:
                    yield self._item(name, os.fstat(root))
                return
            if os.fstat(root).st_dev in self._kernel:
                raise PlaceUnreadable("This is a file system of the kernel: there are no files in it.")
            yield from self._below(root, "", after, 0)

    def read(self, item: Item, bytes_max: int, start: int = 0) -> bytes:
        """Up to `bytes_max` bytes of a regular file. Raises Unreadable."""
        descriptor = self._opened(item.key)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unreadable("special")
            with open(descriptor, "rb", closefd=False) as file:
                file.seek(start)
                return file.read(bytes_max)
        except OSError:
            raise Unreadable from None
        finally:
            os.close(descriptor)

    @contextmanager
    def _root(self) -> Iterator[int]:
        """The root may be a link: the one who scans named it."""
        try:
            root = os.open(self.root, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            raise PlaceUnreadable(f"{self.root} cannot be read ({error.strerror}).") from None
        try:
            yield root
        finally:
            os.close(root)

    def _alone(self, root: int) -> bool:
        mode = os.fstat(root).st_mode
        if stat.S_ISDIR(mode):
            return False
        if not stat.S_ISREG(mode):
            raise PlaceUnreadable(f"{self.root} is neither a folder nor a file.")
        return True

    def _below(self, folder: int, prefix: str, after: str, depth: int) -> Iterator[Item]:
        names, more = self._names(folder)
        for name, is_folder in names:
            key = prefix + name
            if (key <= after and not is_folder) or (is_folder and passed(f"{key}/", after)):
                continue
            if self._left_out(key.rstrip("/"), name, is_folder=is_folder):
                continue
            try:
                status = os.stat(_name(name), dir_fd=folder, follow_symlinks=False)
            except OSError:
                yield Item(key, 0, "", state="unreadable")
                continue
            if stat.S_ISDIR(status.st_mode):
                yield from self._inside(folder, name, key, after, depth)
            elif key > after:
                yield self._item(key, status)
        if more and prefix + "\U0010ffff" > after:
            yield Item(prefix + "\U0010ffff", 0, "", state="too_many")

    def _inside(self, parent: int, name: str, key: str, after: str, depth: int) -> Iterator[Item]:
        """What is in a folder; the folder itself, with a state, where it is not entered."""
        if depth >= DEPTH_MAX:
            yield Item(key, 0, "", state="too_deep")
            return
        try:
            folder = os.open(_name(name), _FOLDER, dir_fd=parent)
        except OSError:
            yield Item(key, 0, "", state="unreadable")
            return
        try:
            device = os.fstat(folder).st_dev
            if device != os.fstat(parent).st_dev and (device in self._kernel or not self._kernel):
                yield Item(key, 0, "", state="special")
                return
            yield from self._below(folder, f"{key}/", after, depth + 1)
        except OSError:
            yield Item(key, 0, "", state="unreadable")
        finally:
            os.close(folder)

    def _names(self, folder: int) -> tuple[list[tuple[str, bool]], bool]:
        """(name, whether it is a folder) in the order of keys, in which a folder sorts as its name with a slash; and whether there are more."""
        with os.scandir(folder) as entries:
            found = ((_key(each.name), each.is_dir(follow_symlinks=False)) for each in entries)
            names = nsmallest(ENTRIES_MAX + 1, found, key=lambda each: each[0] + "/" * each[1])
        return names[:ENTRIES_MAX], len(names) > ENTRIES_MAX

    def _left_out(self, key: str, name: str, *, is_folder: bool) -> bool:
        if is_folder and not self.histories and name in HISTORIES:
            return True
        return (not self.hidden and name.startswith(".")) or excluded(key, self.exclude)

    def _item(self, key: str, status: os.stat_result) -> Item:
        """version: the change time is in it, since the modification time can be set back."""
        if stat.S_ISLNK(status.st_mode):
            return Item(key, 0, "", state="link")
        if not stat.S_ISREG(status.st_mode):
            return Item(key, 0, "", state="special")
        version = f"{status.st_mtime_ns:x}.{status.st_ctime_ns:x}.{status.st_size:x}.{status.st_ino:x}"
        return Item(key, status.st_size, version, status.st_mtime_ns // 1000)

    def _opened(self, key: str) -> int:
        """The descriptor of a file, part by part from the root, following no link. Raises Unreadable."""
        with self._root() as root:
            if stat.S_ISREG(os.fstat(root).st_mode):
                return os.dup(root)
            *folders, name = key.split("/")
            if {"", ".", ".."} & {name, *folders}:
                raise Unreadable  # no listing gave this key
            at = os.dup(root)
            try:
                for each in folders:
                    at, before = os.open(_name(each), _FOLDER, dir_fd=at), at
                    os.close(before)
                return os.open(_name(name), _FILE, dir_fd=at)
            except OSError:
                raise Unreadable from None
            finally:
                os.close(at)

    @cached_property
    def _kernel(self) -> frozenset[int]:
        """The devices of file systems of the kernel; none known: no other file system is entered at all."""
        try:
            lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return frozenset()
        found = set()
        for line in lines:
            before, _, behind = line.partition(" - ")
            major, _, minor = before.split()[2].partition(":")
            if behind.split(" ", 1)[0] in PSEUDO:
                found.add(os.makedev(int(major), int(minor)))
        return frozenset(found)


_ODD = re.compile("[\\\\\udc80-\udcff]")
_WRITTEN = re.compile(r"\\(\\|x[0-9a-f]{2})")


def _key(name: str) -> str:
    """A name as text that any store takes: bytes that are no UTF-8 as `\\xNN`, and so a backslash as two."""
    return _ODD.sub(lambda odd: "\\\\" if odd[0] == "\\" else f"\\x{ord(odd[0]) - 0xDC00:02x}", name)


def _name(key: str) -> str:
    """The name that gave this part of a key."""
    return _WRITTEN.sub(lambda at: "\\" if at[1] == "\\" else chr(0xDC00 + int(at[1][1:], 16)), key)
