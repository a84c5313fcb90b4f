"""A disk that forgets: a file system in memory, served over /dev/fuse, that keeps after a power cut only what was synced.

`cut()` is the moment at which power fails. From then on every operation ends with EIO. What was not synced is gone, or, with dice, survives in part as it
does on real disks: any of the pages that were written, in any order, the new size or the old one, and the first few of the names that were changed since.
A file's `fsync` keeps its content and the names under which it stands; a directory's keeps its names. `mount()` brings up what is left.

It speaks the kernel's protocol (include/uapi/linux/fuse.h) itself, so it needs /dev/fuse and the right to mount, and nothing else. It knows what databases
and file stores do: no device files, no extended attributes.
"""

import ctypes
import errno
import itertools
import os
import random
import stat
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PAGE = 4096
WRITE_MAX = 128 * 1024
_IN, _OUT = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ")
_ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
_SETATTR = struct.Struct("<IIQQQQQQIIIIIIII")
_INIT_OUT = struct.Struct("<IIIIHHIIHHI7I")
_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22
_KEEP_CACHE = 2
_SIZE, _MODE, _UID, _GID = 8, 1, 2, 4
_NO_REPLY = (2, 36, 42)  # FORGET, INTERRUPT, BATCH_FORGET
_NOREPLACE = 1


@dataclass(eq=False)
class Node:
    """A file, a folder or a link. `now` is what programs see, `kept` what the disk has; the same for the names in a folder."""

    id: int
    mode: int
    uid: int = 0
    gid: int = 0
    now: bytearray = field(default_factory=bytearray)
    kept: bytearray = field(default_factory=bytearray)
    dirty: set[int] = field(default_factory=set)
    names: dict[bytes, "Node"] = field(default_factory=dict)
    kept_names: dict[bytes, "Node"] = field(default_factory=dict)
    places: set[tuple["Node", bytes]] = field(default_factory=set)
    changed: float = field(default_factory=time.time)

    @property
    def folder(self) -> bool:
        return stat.S_ISDIR(self.mode)


Change = list[tuple[Node, bytes, Node | None]]
"""One change of names: all of its parts at once, as a rename is."""


class Disk:
    """`full`: nothing may grow any more. `lost_pages`: how many pages the last cut took."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.full = False
        self.lost_pages = self.syncs = 0
        self._ids = itertools.count(2)
        self._nodes = {1: Node(1, stat.S_IFDIR | 0o755)}
        self._changes: list[Change] = []
        self._dead = False
        self._lock = threading.Lock()
        self._fd = -1
        self._thread: threading.Thread | None = None
        self._does: dict[int, Callable[[Node, bytes], bytes]] = {
            1: self._lookup, 3: self._getattr, 4: self._setattr, 5: self._readlink, 6: self._symlink, 8: self._mknod, 9: self._mkdir,
            10: self._unlink, 11: self._rmdir, 12: self._rename, 13: self._link, 14: self._open, 15: self._read, 16: self._write,
            17: self._statfs, 18: self._nothing, 20: self._fsync, 25: self._nothing, 27: self._open, 28: self._readdir, 29: self._nothing,
            30: self._fsync, 35: self._create, 45: self._rename2, 50: self._nothing,
        }  # fmt: skip

    # What a test does.

    def mount(self) -> None:
        self.place.mkdir(exist_ok=True)
        self._dead = False
        self._fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._fd},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
        libc = ctypes.CDLL(None, use_errno=True)
        nosuid_nodev = 2 | 4
        if libc.mount(b"lossy", str(self.place).encode(), b"fuse", nosuid_nodev, options.encode()):
            os.close(self._fd)
            raise OSError(ctypes.get_errno(), "mount")
        self._thread = threading.Thread(target=self._serve, args=(self._fd,), daemon=True)
        self._thread.start()

    def unmount(self) -> None:
        if self._thread is None:
            return
        subprocess.run(["umount", "-l", str(self.place)], check=True)
        self._thread.join(10)
        self._thread = None
        with suppress(OSError):
            os.close(self._fd)

    def cut(self, dice: random.Random | None = None) -> None:
        """Power fails now. With dice, some of what was not synced survives."""
        with self._lock:
            self._dead = True
            self.lost_pages = 0
            applied = self._changes[: dice.randint(0, len(self._changes)) if dice else 0]
            for folder, name, node in itertools.chain.from_iterable(applied):
                _set(folder.kept_names, name, node)
            self._changes.clear()
            kept = self._reached()
            for node in kept.values():
                self._forget(node, dice)
            self._nodes = kept
            for node in kept.values():
                node.places = set()
            for node in kept.values():
                node.names = dict(node.kept_names)
                for name, child in node.names.items():
                    child.places.add((node, name))

    def keep_all(self) -> None:
        """As `sync` does."""
        with self._lock:
            for node in list(self._nodes.values()):
                self._keep(node)
                node.kept_names = dict(node.names)
            self._changes.clear()

    def _reached(self) -> dict[int, Node]:
        found: dict[int, Node] = {}
        ahead = [self._nodes[1]]
        while ahead:
            node = ahead.pop()
            if node.id not in found:
                found[node.id] = node
                ahead += node.kept_names.values()
        return found

    def _forget(self, node: Node, dice: random.Random | None) -> None:
        size = len(node.now) if dice and dice.random() < 0.5 else len(node.kept)
        _resize(node.kept, size)
        for page in sorted(node.dirty):
            begin, end = page * PAGE, min((page + 1) * PAGE, size)
            if dice and begin < size and dice.random() < 0.5:
                node.kept[begin:end] = node.now[begin:end].ljust(end - begin, b"\0")
            else:
                self.lost_pages += 1
        node.dirty.clear()
        node.now = bytearray(node.kept)

    def _keep(self, node: Node) -> None:
        _resize(node.kept, len(node.now))
        for page in node.dirty:
            begin = page * PAGE
            node.kept[begin : begin + PAGE] = node.now[begin : begin + PAGE]
        node.dirty.clear()

    # The kernel's side.

    def _serve(self, fd: int) -> None:
        while True:
            try:
                request = os.read(fd, WRITE_MAX + 65536)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                    continue
                return  # unmounted
            _, opcode, unique, node_id, uid, gid, *_ = _IN.unpack_from(request)
            if opcode in _NO_REPLY:
                continue
            answer, failed = b"", 0
            try:
                with self._lock:
                    answer = self._answer(opcode, node_id, uid, gid, request[_IN.size :])
            except OSError as error:
                failed = -(error.errno or errno.EIO)
            with suppress(OSError):
                os.write(fd, _OUT.pack(_OUT.size + len(answer), failed, unique) + answer)

    def _answer(self, opcode: int, node_id: int, uid: int, gid: int, body: bytes) -> bytes:
        if opcode == 26:
            flags = _BIG_WRITES | _MAX_PAGES
            return _INIT_OUT.pack(7, 31, 131072, flags, 64, 48, WRITE_MAX, 1, 32, 0, 0, *[0] * 7)
        if opcode == 38:
            return b""
        if self._dead:
            raise OSError(errno.EIO, "")
        does = self._does.get(opcode)
        if does is None:
            raise OSError(errno.ENOSYS, "")
        if node_id not in self._nodes:
            raise OSError(errno.ESTALE, "")
        self._who = uid, gid
        return does(self._nodes[node_id], body)

    def _attr(self, node: Node) -> bytes:
        at = int(node.changed)
        size = 4096 if node.folder else len(node.now)
        links = 2 if node.folder else len(node.places)
        blocks = (size + 511) // 512
        return _ATTR.pack(
            node.id, size, blocks, at, at, at, 0, 0, 0, node.mode, links, node.uid, node.gid, 0, PAGE, 0
        )

    def _entry(self, node: Node) -> bytes:
        return struct.pack("<QQQQII", node.id, 0, 0, 0, 0, 0) + self._attr(node)

    def _made(self, folder: Node, name: bytes, mode: int) -> Node:
        if self.full:
            raise OSError(errno.ENOSPC, "")
        node = Node(next(self._ids), mode, *self._who)
        self._nodes[node.id] = node
        self._name([(folder, name, node)])
        return node

    def _name(self, change: Change) -> None:
        for folder, name, node in change:
            if old := folder.names.get(name):
                old.places.discard((folder, name))
            _set(folder.names, name, node)
            if node:
                node.places.add((folder, name))
            folder.changed = time.time()
        self._changes.append(change)

    def _lookup(self, node: Node, body: bytes) -> bytes:
        return self._entry(_child(node, body.rstrip(b"\0")))

    def _getattr(self, node: Node, _body: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + self._attr(node)

    def _setattr(self, node: Node, body: bytes) -> bytes:
        valid, _, _, size, *_, mode, _, uid, gid, _ = _SETATTR.unpack_from(body)
        if valid & _SIZE:
            self._sized(node, size)
        if valid & _MODE:
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        if valid & _UID:
            node.uid = uid
        if valid & _GID:
            node.gid = gid
        return self._getattr(node, b"")

    def _sized(self, node: Node, size: int) -> None:
        before = len(node.now)
        if self.full and size > before:
            raise OSError(errno.ENOSPC, "")
        _resize(node.now, size)
        node.dirty.update(range(min(before, size) // PAGE, (size + PAGE - 1) // PAGE))
        node.changed = time.time()

    def _readlink(self, node: Node, _body: bytes) -> bytes:
        return bytes(node.now)

    def _symlink(self, node: Node, body: bytes) -> bytes:
        name, target, _ = body.split(b"\0", 2)
        made = self._made(node, name, stat.S_IFLNK | 0o777)
        made.now, made.kept = bytearray(target), bytearray(target)
        return self._entry(made)

    def _mknod(self, node: Node, body: bytes) -> bytes:
        mode, _, umask, _ = struct.unpack_from("<IIII", body)
        return self._entry(self._made(node, body[16:].rstrip(b"\0"), mode & ~umask))

    def _mkdir(self, node: Node, body: bytes) -> bytes:
        mode, umask = struct.unpack_from("<II", body)
        return self._entry(self._made(node, body[8:].rstrip(b"\0"), stat.S_IFDIR | (mode & ~umask)))

    def _unlink(self, node: Node, body: bytes) -> bytes:
        name = body.rstrip(b"\0")
        _child(node, name)
        self._name([(node, name, None)])
        return b""

    def _rmdir(self, node: Node, body: bytes) -> bytes:
        if _child(node, body.rstrip(b"\0")).names:
            raise OSError(errno.ENOTEMPTY, "")
        return self._unlink(node, body)

    def _rename(self, node: Node, body: bytes) -> bytes:
        return self._renamed(node, struct.unpack_from("<Q", body)[0], 0, body[8:])

    def _rename2(self, node: Node, body: bytes) -> bytes:
        folder, flags, _ = struct.unpack_from("<QII", body)
        return self._renamed(node, folder, flags, body[16:])

    def _renamed(self, node: Node, folder_id: int, flags: int, names: bytes) -> bytes:
        old, new, _ = names.split(b"\0", 2)
        folder, moved = self._nodes[folder_id], _child(node, old)
        if flags & ~_NOREPLACE:
            raise OSError(errno.EINVAL, "")
        if flags & _NOREPLACE and new in folder.names:
            raise OSError(errno.EEXIST, "")
        self._name([(node, old, None), (folder, new, moved)])
        return b""

    def _link(self, node: Node, body: bytes) -> bytes:
        linked = self._nodes[struct.unpack_from("<Q", body)[0]]
        self._name([(node, body[8:].rstrip(b"\0"), linked)])
        return self._entry(linked)

    def _open(self, _node: Node, _body: bytes) -> bytes:
        return struct.pack("<QII", 0, _KEEP_CACHE, 0)

    def _create(self, node: Node, body: bytes) -> bytes:
        _, mode, umask, _ = struct.unpack_from("<IIII", body)
        name = body[16:].rstrip(b"\0")
        made = node.names.get(name) or self._made(node, name, stat.S_IFREG | (mode & ~umask & 0o7777))
        return self._entry(made) + self._open(made, b"")

    def _read(self, node: Node, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        return bytes(node.now[offset : offset + size])

    def _write(self, node: Node, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        if offset + size > len(node.now):
            if self.full:
                raise OSError(errno.ENOSPC, "")
            self._sized(node, offset + size)
        node.now[offset : offset + size] = body[40 : 40 + size]
        node.dirty.update(range(offset // PAGE, (offset + size + PAGE - 1) // PAGE))
        node.changed = time.time()
        return struct.pack("<II", size, 0)

    def _statfs(self, _node: Node, _body: bytes) -> bytes:
        free = 0 if self.full else 1 << 20
        return struct.pack("<QQQQQIIII6I", 1 << 21, free, free, 1 << 20, 1 << 20, PAGE, 255, PAGE, 0, *[0] * 6)  # fmt: skip

    def _nothing(self, _node: Node, _body: bytes) -> bytes:
        return b""

    def _fsync(self, node: Node, _body: bytes) -> bytes:
        self.syncs += 1
        if node.folder:
            node.kept_names = dict(node.names)
            self._changes = _without(self._changes, lambda folder, _: folder is node)
        self._keep(node)
        self._keep_places(node)
        return b""

    def _keep_places(self, node: Node) -> None:
        places = list(node.places)
        for folder, name in places:
            if folder.kept_names.get(name) is not node:
                folder.kept_names[name] = node
                self._keep_places(folder)
        if places:
            self._changes = _without(self._changes, lambda folder, name: (folder, name) in node.places)

    def _readdir(self, node: Node, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        listed: list[tuple[bytes, Node]] = [(b".", node), (b"..", node), *node.names.items()]
        answer = b""
        for number, (name, child) in enumerate(listed[offset:], offset + 1):
            kind = stat.S_IFMT(child.mode) >> 12
            entry = struct.pack("<QQII", child.id, number, len(name), kind) + name
            entry += b"\0" * (-len(entry) % 8)
            if len(answer) + len(entry) > size:
                break
            answer += entry
        return answer


def _set(names: dict[bytes, Node], name: bytes, node: Node | None) -> None:
    names.pop(name, None)
    if node:
        names[name] = node


def _child(folder: Node, name: bytes) -> Node:
    found = folder.names.get(name)
    if found is None:
        raise OSError(errno.ENOENT, "")
    return found


def _resize(content: bytearray, size: int) -> None:
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))


def _without(changes: list[Change], done: Callable[[Node, bytes], bool]) -> list[Change]:
    left = ([part for part in change if not done(part[0], part[1])] for change in changes)
    return [change for change in left if change]


@contextmanager
def disk(place: Path) -> Iterator[Disk]:
    made = Disk(place)
    try:
        made.mount()
    except OSError as error:
        pytest.skip(
            f"not run: a disk that forgets needs /dev/fuse and the right to mount ({error.strerror or error})"
        )
    try:
        yield made
    finally:
        made.unmount()
