"""A backup to restore from: the data of one run and the keys of that run or a later one, every file checked before anything is opened."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ostiary.backup.manifest import DATA, KEYS, BlobKept, Manifest, blob_context, file_context, read_manifest
from ostiary.backup.place import Place
from ostiary.backup.seal import check, read_sealed
from ostiary.backup.wrong import Damaged, Refused
from ostiary.vault.root import RootKeyProvider

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Half:
    """The data, or the keys, of a backup."""

    place: Place
    manifest: Manifest
    key: bytes

    def pieces(self, name: str) -> Iterator[bytes]:
        """A file's content. Raises Damaged."""
        path = self.place.at(self.manifest.id) / name
        context = file_context(self.manifest.id, self.manifest.kind, name)
        return read_sealed(path, self.key, context, called=f"backup {self.manifest.id}: {name}")


@dataclass(frozen=True, slots=True)
class Source:
    """Both halves."""

    data: Half
    keys: Half

    def blob(self, blob: BlobKept) -> Iterator[bytes]:
        """A blob's content, as the store had it. Raises Damaged."""
        path = self.data.place.blob(blob.name)
        pool = bytes.fromhex(self.data.manifest.pool)
        return read_sealed(path, pool, blob_context(blob.name), called=f"file {blob.id}")


def find(
    folder: Path, keys_folder: Path, root: RootKeyProvider, *, backup: str = "", keys_backup: str = ""
) -> Source:
    """The newest backup of the data, or the one that is named, with the newest keys.

    The newest keys lack nothing that older data needs, but what was destroyed since: that is how it has to be. Raises Refused, Damaged.
    """
    place, keys_place = Place(folder), Place(keys_folder)
    data = _half(place, DATA, backup or _newest(place, folder), root)
    keys = _half(keys_place, KEYS, keys_backup or _newest(keys_place, keys_folder), root)
    if data.manifest.installation != keys.manifest.installation:
        raise Damaged("data and keys are backups of two installations")
    if keys.manifest.id < data.manifest.id:
        raise Damaged("the keys are older than the data: some that the data needs are not among them")
    return Source(data, keys)


def check_all(source: Source, say: Say) -> int:
    """Whether every file of the backup is there and is what was written; how many bytes. Raises Damaged at the first that is not."""
    for half in (source.data, source.keys):
        folder = half.place.at(half.manifest.id)
        for name, kept in half.manifest.files.items():
            check(folder / name, kept, called=f"backup {half.manifest.id}: {name}")
        named = {table.file for table in half.manifest.tables if table.file}
        if half.manifest.database == "postgresql" and named != set(half.manifest.files):
            raise Damaged(f"backup {half.manifest.id}: its tables are not its files")
    for number, blob in enumerate(source.data.manifest.blobs):
        check(source.data.place.blob(blob.name), blob.kept, called=f"file {blob.id}")
        if number and number % 1000 == 0:
            say(f"{number} of {len(source.data.manifest.blobs)} files checked")
    return source.data.manifest.size() + source.keys.manifest.size()


def _newest(place: Place, folder: Path) -> str:
    found = place.backups()
    if not found:
        raise Refused(f"There is no backup in {folder}")
    return found[-1]


def _half(place: Place, kind: str, backup: str, root: RootKeyProvider) -> Half:
    manifest, key = read_manifest(place, backup, kind, root)
    return Half(place, manifest, key)
