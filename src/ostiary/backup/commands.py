"""What the commands do, whole: the work, and the record of it in the installation's log."""

from collections.abc import Callable
from dataclasses import replace as changed
from pathlib import Path

from ostiary import config
from ostiary.backup import drill as drilling
from ostiary.backup import restore as restoring
from ostiary.backup import take as taking
from ostiary.backup.told import Numbers, tell
from ostiary.backup.wrong import Damaged, Refused
from ostiary.clock import SECOND_US, SystemClock
from ostiary.config import Settings
from ostiary.errors import ConfigurationError, OstiaryError

Say = Callable[[str], None]
STOPS = (Refused, Damaged)
SETTINGS_FILE = "settings-restored"


def backup(settings: Settings, to: Path, keys_to: Path, *, keep: int, say: Say) -> taking.Taken:
    """Take a backup and record that it was taken."""
    clock = SystemClock()
    taken = taking.take(settings, clock, to, keys_to, keep=keep, say=say)
    size = taken.data_bytes + taken.keys_bytes + taken.blob_bytes
    numbers = Numbers(taken.id, taken.taken_us, bytes=size, events=taken.events, files=taken.blobs)
    tell(settings, clock, "backup.taken", numbers)
    return taken


def restore(
    settings: Settings,
    folder: Path,
    keys_folder: Path,
    *,
    backup: str,
    keys_backup: str,
    replace: bool,
    ledgers: tuple[str, ...],
    checkpoints: tuple[str, ...],
    admin_url: str,
    keys_admin_url: str,
    say: Say,
) -> restoring.Restored:
    """Restore, write down the settings of that day, and record it in the restored log."""
    clock = SystemClock()
    wanted = restoring.Wanted(
        folder,
        keys_folder,
        backup,
        keys_backup,
        replace=replace,
        ledgers=ledgers,
        checkpoints=checkpoints,
        admin_url=config.database_url(admin_url),
        keys_admin_url=config.database_url(keys_admin_url),
    )
    restored, found = restoring.restore(settings, clock, wanted, say=say)
    restoring.write_settings(settings.home / SETTINGS_FILE, found.data.manifest)
    try:
        numbers = Numbers(
            restored.backup,
            restored.taken_us,
            bytes=restored.bytes,
            rows=restored.rows,
            events=restored.events,
            files=restored.files,
            lost_us=max(0, clock.now_us() - restored.taken_us),
            ready_us=int(restored.seconds * SECOND_US),
        )
        tell(settings, clock, "backup.restored", numbers)
    except (OstiaryError, ConfigurationError) as error:
        why = f"It is restored, but the log could not be told: {error}"
        return changed(restored, warnings=(*restored.warnings, why))
    return restored


def drill(
    settings: Settings,
    folder: Path,
    keys_folder: Path,
    scratch: Path,
    *,
    backup: str,
    keys_backup: str,
    database_url: str,
    keys_url: str,
    admin_url: str,
    keys_admin_url: str,
    ledgers: tuple[str, ...],
    record: bool,
    say: Say,
) -> drilling.Verified:
    """Prove a backup, and record that it is proven, or that it is not."""
    clock = SystemClock()
    wanted = restoring.Wanted(
        folder,
        keys_folder,
        backup,
        keys_backup,
        ledgers=ledgers,
        admin_url=config.database_url(admin_url),
        keys_admin_url=config.database_url(keys_admin_url),
    )
    try:
        verified = drilling.drill(
            settings,
            clock,
            wanted,
            scratch,
            database_url=config.database_url(database_url),
            keys_url=config.database_url(keys_url),
            say=say,
        )
    except (Damaged, OstiaryError):
        if record:
            tell(settings, clock, "backup.failed", Numbers(backup, 0))
        raise
    if record:
        numbers = Numbers(
            verified.backup,
            verified.taken_us,
            bytes=verified.bytes,
            rows=verified.rows,
            events=verified.events,
            files=verified.files,
            events_lost=max(0, verified.events_lost),
            lost_us=int(verified.lost_s * SECOND_US),
            ready_us=int(verified.ready_s * SECOND_US),
        )
        tell(settings, clock, "backup.verified", numbers)
    return verified
