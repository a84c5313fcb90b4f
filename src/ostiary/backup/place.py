"""A folder that holds backups. One that is being written stands under `incoming/` and gets its name when it is whole; what a crash left there is removed
by the next run. Nothing that has its name is ever written again.

    backups/<id>/manifest, 1, 2, ...     incoming/     blobs/<2 digits>/<name>     lock
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ostiary import ids
from ostiary.backup.seal import force_folder
from ostiary.backup.wrong import Refused

MANIFEST = "manifest"
KIND = "bak"


class Place:
    """A folder for backups of one kind: `data` (with blobs), or `keys`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._backups = self.folder / "backups"
        self._incoming = self.folder / "incoming"
        self._blobs = self.folder / "blobs"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make the folder, lock it against a second run, and remove what an earlier run left half-written. Raises Refused."""
        for each in (self.folder, self._backups, self._incoming):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.folder / "lock", "ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Refused(f"{self.folder} is in use by another backup; wait for it to end") from error
            self.sweep()
            yield

    def sweep(self) -> int:
        """Remove what is half-written; how many."""
        left = list(self._incoming.iterdir())
        for each in left:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        return len(left)

    def begin(self, backup: str) -> Path:
        """The folder that a new backup is written to."""
        made = self._incoming / backup
        made.mkdir(mode=0o700)
        return made

    def begin_again(self, backup: str) -> Path:
        """The folder of a backup that is being written."""
        return self._incoming / backup

    def publish(self, backup: str) -> None:
        """Give a whole backup its name: from here on it is one."""
        force_folder(self._incoming / backup)
        os.rename(self._incoming / backup, self._backups / backup)
        force_folder(self._backups)
        force_folder(self._incoming)

    def backups(self) -> list[str]:
        """The ids of all backups here, the oldest first."""
        try:
            found = [each.name for each in self._backups.iterdir() if ids.is_id(each.name, KIND)]
        except FileNotFoundError:
            return []
        return sorted(found)

    def at(self, backup: str) -> Path:
        """The folder of a backup."""
        return self._backups / backup

    def remove(self, backup: str) -> None:
        """Remove a backup: first its name, so that half of it is never taken for one."""
        gone = self._incoming / f"{backup}.gone"
        os.rename(self._backups / backup, gone)
        force_folder(self._backups)
        shutil.rmtree(gone)

    def blob(self, name: str) -> Path:
        """Where a blob of this name lies."""
        return self._blobs / name[:2] / name

    def fresh(self) -> Path:
        """A new path to write a blob to, before it gets its name."""
        return self._incoming / ids.new("blo")

    def name_blob(self, written: Path, name: str) -> None:
        """Give a written blob its name."""
        path = self.blob(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.rename(written, path)
        force_folder(path.parent)

    def blobs(self) -> Iterator[str]:
        """The names of all blobs here."""
        if self._blobs.is_dir():
            for each in self._blobs.iterdir():
                yield from (file.name for file in each.iterdir())

    def remove_blob(self, name: str) -> None:
        self.blob(name).unlink()


def apart(one: Path, other: Path) -> bool:
    """Whether neither folder is, or lies in, the other, also through links."""
    first, second = one.resolve(), other.resolve()
    return not (first.is_relative_to(second) or second.is_relative_to(first))
