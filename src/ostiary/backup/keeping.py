"""How long backups are kept, and what goes with those that are removed.

The days are settings, since a certificate of erasure names them: a destroyed key is in backups of the key store until OSTIARY_KEYS_BACKUP_DAYS after it was
destroyed, and the next run after that removes them.
"""

import hmac

from ostiary.backup.manifest import Manifest, read_manifest, rewrap_manifest
from ostiary.backup.place import Place
from ostiary.backup.wrong import Damaged
from ostiary.clock import DAY_US, Clock
from ostiary.vault.root import RootKeyProvider


def digest(pool: bytes, text: bytes) -> str:
    """A keyed name."""
    return hmac.digest(pool, text, "sha256").hex()


def keep(
    place: Place, kind: str, root: RootKeyProvider, clock: Clock, *, days: int, most: int = 0
) -> tuple[str, ...]:
    """Remove backups older than `days`, and all but the newest `most` (0: no such limit); the ids of those removed. The newest one stays in any case.

    Files that no remaining backup names go with them, unless one of those cannot be read: then none is removed.
    """
    oldest_us = clock.now_us() - days * DAY_US
    ids = place.backups()
    gone = [each for each in ids[:-1] if made_us(each) < oldest_us]
    if most:
        gone = sorted({*gone, *ids[:-most]})
    for each in gone:
        place.remove(each)
    left, all_read = _left(place, kind, root)
    if all_read:
        named = {blob.name for manifest in left for blob in manifest.blobs}
        for name in list(place.blobs()):
            if name not in named:
                place.remove_blob(name)
    return tuple(gone)


def made_us(backup: str) -> int:
    """When a backup was made: a UUIDv7 begins with the milliseconds (RFC 9562 section 5.7)."""
    return int(backup.partition("_")[2][:12], 16) * 1000


def _left(place: Place, kind: str, root: RootKeyProvider) -> tuple[list[Manifest], bool]:
    """The manifests of what is left, each under the present root key; and whether all could be read."""
    found, all_read = [], True
    for backup in place.backups():
        try:
            manifest, key = read_manifest(place, backup, kind, root)
        except Damaged:
            all_read = False
            continue
        rewrap_manifest(place, manifest, key, root)
        found.append(manifest)
    return found, all_read
