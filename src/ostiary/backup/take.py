"""`ostiary backup`: data first, then keys, then files, while the gateway runs.

Every key is on the disk before anything is sealed under it, and every file before a row names it: so keys and files that are taken after the data are all
that the data needs. The keys' backup gets its name before the data's, so a backup of data that can be seen has its keys.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path

from sqlalchemy.engine import make_url

import ostiary
from ostiary import ids
from ostiary.app.home import root_key
from ostiary.backup import keeping, snapshot
from ostiary.backup.manifest import (
    DATA,
    KEYS,
    BlobKept,
    Manifest,
    blob_context,
    read_manifest,
    write_manifest,
)
from ostiary.backup.place import KIND, Place, apart
from ostiary.backup.seal import write_sealed
from ostiary.backup.wrong import Damaged, Refused
from ostiary.blobs import storage
from ostiary.blobs.storage import Blobs, Stored
from ostiary.clock import Clock
from ostiary.config import Settings
from ostiary.db.database import Database
from ostiary.errors import KeysUnavailable, NotFound
from ostiary.ids import INSTALL, TenantId
from ostiary.secret import Secret
from ostiary.vault.envelope import bound, new_key
from ostiary.vault.root import RootKeyProvider
from ostiary.vault.sealing import Vault

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run did. Sizes are in bytes, as stored; `blobs_new` were copied, the others stood there from earlier backups."""

    id: str
    taken_us: int
    seconds: float
    data_bytes: int
    keys_bytes: int
    blobs: int
    blobs_new: int
    blob_bytes: int
    blob_bytes_new: int
    events: int
    removed: tuple[str, ...]
    keys_removed: tuple[str, ...]


def take(settings: Settings, clock: Clock, to: Path, keys_to: Path, *, keep: int = 0, say: Say) -> Taken:
    """Take a backup of everything. `keep`: at most so many, beside the days of the settings. Raises Refused, Damaged, OstiaryError, OSError."""
    must_be_apart(settings, to, keys_to)
    root = root_key(settings)
    installation = whose(settings, root, clock)
    place, keys_place = Place(to), Place(keys_to)
    began_us = clock.monotonic_us()
    with ExitStack() as stack:
        stack.enter_context(place.writing())
        stack.enter_context(keys_place.writing())
        snapshot.clear_stage(settings.home)
        backup = ids.new(KIND)
        taken_us = clock.now_us()
        run = _Run(settings, clock, root, installation, backup, taken_us, say)
        pool = _pool(place, root)
        data, data_key = run.database(place, DATA, settings.backup_database_url)
        keys, keys_key = run.database(keys_place, KEYS, settings.backup_keys_url)
        blobs, new = run.blobs(place, storage.at(settings.blob_url), pool)
        shown, left_out = recorded(settings)
        manifest = replace(
            run.manifest(DATA, data), pool=pool.hex(), blobs=blobs, settings=shown, left_out=left_out
        )
        keys_manifest = run.manifest(KEYS, keys)
        write_manifest(keys_place.begin_again(backup), keys_manifest, keys_key, root)
        write_manifest(place.begin_again(backup), manifest, data_key, root)
        keys_place.publish(backup)
        place.publish(backup)
        removed = keeping.keep(place, DATA, root, clock, days=settings.backup_days, most=keep)
        keys_removed = keeping.keep(
            keys_place,
            KEYS,
            root,
            clock,
            days=min(settings.keys_backup_days, settings.backup_days),
            most=keep,
        )
    return Taken(
        id=backup,
        taken_us=taken_us,
        seconds=round((clock.monotonic_us() - began_us) / 1e6, 3),
        data_bytes=sum(kept.size for kept in manifest.files.values()),
        keys_bytes=keys_manifest.size(),
        blobs=len(blobs),
        blobs_new=len(new),
        blob_bytes=sum(blob.kept.size for blob in blobs),
        blob_bytes_new=sum(blob.bytes for blob in new),
        events=sum(log.size for log in manifest.logs),
        removed=removed,
        keys_removed=keys_removed,
    )


def must_be_apart(settings: Settings, to: Path, keys_to: Path) -> None:
    """Keys beside data would make a copy that opens itself, and erasure a fiction. Raises Refused."""
    if not apart(to, keys_to):
        raise Refused("The keys' backup must lie apart from the data's: neither in the other's folder")
    for each, name in ((to, "--to"), (keys_to, "--keys-to")):
        if not apart(each, settings.home):
            raise Refused(
                f"{name} lies in the home folder (or holds it): what destroys the one destroys the other"
            )


def whose(settings: Settings, root: RootKeyProvider, clock: Clock) -> str:
    """The installation's name, as its logs carry it; opening it shows that the root key is this installation's. Raises Refused."""
    database = Database(settings.backup_keys_url)
    try:
        return name_of(Vault(database, root, clock))
    except KeysUnavailable as error:
        raise Refused(
            "The key store does not open: OSTIARY_ROOT_KEY is of another installation, or there is none at OSTIARY_HOME or OSTIARY_KEYS_URL"
        ) from error
    finally:
        database.close()


def name_of(vault: Vault) -> str:
    """The installation's name, as its logs carry it. Raises KeysUnavailable, SealBroken."""
    return f"ostiary-{vault.pseudonym(INSTALL, 'log')[:12]}"


def recorded(settings: Settings) -> tuple[dict[str, str], tuple[str, ...]]:
    """The settings as text, without secrets and without the passwords in addresses; and the names of what was left out."""
    shown: dict[str, str] = {}
    left_out = ["OSTIARY_ROOT_KEY"]
    for field in fields(settings):
        name, value = f"OSTIARY_{field.name.upper()}", getattr(settings, field.name)
        if isinstance(value, Secret):
            if value and name not in left_out:
                left_out.append(name)
        elif isinstance(value, tuple):
            shown[name] = ",".join(map(str, value))
        elif field.name.endswith(("database_url", "keys_url")):
            shown[name] = make_url(value).render_as_string(hide_password=True)
        elif value is not None:
            shown[name] = (
                {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
            )
    return shown, tuple(left_out)


@dataclass(frozen=True, slots=True)
class _Run:
    """One backup on its way."""

    settings: Settings
    clock: Clock
    root: RootKeyProvider
    installation: str
    backup: str
    taken_us: int
    say: Say

    def database(self, place: Place, kind: str, url: str) -> tuple[snapshot.Snapshot, bytes]:
        folder, key = place.begin(self.backup), new_key()
        taken = snapshot.take(
            url, folder, key, kind=kind, backup=self.backup, home=self.settings.home, say=self.say
        )
        return taken, key

    def manifest(self, kind: str, taken: snapshot.Snapshot) -> Manifest:
        return Manifest(
            id=self.backup,
            kind=kind,
            installation=self.installation,
            release=ostiary.__version__,
            taken_us=self.taken_us,
            ended_us=self.clock.now_us(),
            database=taken.database,
            version=taken.version,
            tables=taken.tables,
            files=taken.files,
            tenants=taken.tenants,
            logs=taken.logs,
            newest_us=taken.newest_us,
        )

    def blobs(self, place: Place, blobs: Blobs, pool: bytes) -> tuple[tuple[BlobKept, ...], list[BlobKept]]:
        """Every blob that the store holds now: what an earlier backup has is named, not copied."""
        earlier = {blob.name: blob for blob in _newest_blobs(place, self.root)}
        kept: list[BlobKept] = []
        new: list[BlobKept] = []
        for tenant, stored in blobs.everything():
            name = blob_name(pool, tenant, stored)
            known = earlier.get(name)
            if known is None or not _stands(place, known):
                known = self._blob(place, blobs, pool, name, tenant, stored)
                if known is None:
                    continue
                new.append(known)
                if len(new) % 1000 == 0:
                    self.say(f"files: {len(new)} new of {len(kept)}")
            kept.append(known)
        self.say(f"files: {len(kept)}, of them {len(new)} new")
        return tuple(kept), new

    def _blob(
        self, place: Place, blobs: Blobs, pool: bytes, name: str, tenant: TenantId, stored: Stored
    ) -> BlobKept | None:
        """Copy one blob; None when it was deleted meanwhile."""
        written = place.fresh()
        size = 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for piece in blobs.pieces(tenant, stored.id):
                size += len(piece)
                yield piece

        try:
            kept = write_sealed(written, pool, blob_context(name), counted())
        except NotFound:
            written.unlink()
            return None
        place.name_blob(written, name)
        return BlobKept(tenant, stored.id, size, name, kept)


def blob_name(pool: bytes, tenant: TenantId, stored: Stored) -> str:
    """What a blob is called in backups: it says nothing, and one that was deleted and stored anew has another."""
    return keeping.digest(pool, bound(tenant, stored.id, str(stored.size), str(stored.changed_us)))


def _stands(place: Place, blob: BlobKept) -> bool:
    try:
        return place.blob(blob.name).stat().st_size == blob.kept.size
    except FileNotFoundError:
        return False


def _newest(place: Place, root: RootKeyProvider) -> Manifest | None:
    """The newest backup of data that opens; one that does not is left for a person to look at."""
    for backup in reversed(place.backups()):
        try:
            return read_manifest(place, backup, DATA, root)[0]
        except Damaged:
            continue
    return None


def _pool(place: Place, root: RootKeyProvider) -> bytes:
    newest = _newest(place, root)
    return bytes.fromhex(newest.pool) if newest else new_key()


def _newest_blobs(place: Place, root: RootKeyProvider) -> tuple[BlobKept, ...]:
    newest = _newest(place, root)
    return newest.blobs if newest else ()
