"""`ostiary restore`: files first, then keys, then what was erased is erased again, and the data last.

After a restore nothing of the lost time is taken for granted: sessions are ended, and calls that may have begun since are nobody's, so that the gateway settles
them as it does those of a process that died. A checkpoint from outside says whether somebody has seen more of a log than there is now.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from ostiary import ids
from ostiary.app.home import exclusive, root_key
from ostiary.audit import _rfc6962
from ostiary.audit._c2sp_note import Checkpoint, NoteInvalid, VerifierKey, verify
from ostiary.audit.log import tile_reader
from ostiary.audit.tiles import read_node
from ostiary.backup import erasures, source, store, target
from ostiary.backup.manifest import Log, Manifest
from ostiary.backup.source import Source
from ostiary.backup.take import name_of
from ostiary.backup.wrong import Damaged, Refused
from ostiary.blobs import storage
from ostiary.blobs.storage import Blobs
from ostiary.clock import Clock, rfc3339
from ostiary.config import Settings
from ostiary.db import migrate
from ostiary.db.database import Database
from ostiary.errors import ConfigurationError, Conflict, KeysUnavailable, SealBroken
from ostiary.ids import TenantId
from ostiary.retention.ledger.ledger import Replayed
from ostiary.vault.root import RootKeyProvider
from ostiary.vault.sealing import Vault

Say = Callable[[str], None]

NOT_NEWEST = "Only the erasures that the backup itself knows were done again: what was erased after {taken} is back. Give the file store's ledger with --ledger, or erase again what was erased since."

CELLS_OWN = "{count} erasures were not done again: only the cell that made them can vouch for them. Take its tenant back (`ostiary keys unpin`), then restore again."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to restore. Empty names mean the newest; `ledgers` are addresses, `checkpoints` signed notes that were kept outside."""

    folder: Path
    keys_folder: Path
    backup: str = ""
    keys_backup: str = ""
    replace: bool = False
    ledgers: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    admin_url: str = ""
    keys_admin_url: str = ""
    """PostgreSQL: the administrator's addresses, to write every table."""
    quiet: bool = False
    """For a drill: nothing is left that would reach out."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored. `warnings` are what a person has to look at; with one of them a restore is not simply done."""

    backup: str
    keys_backup: str
    taken_us: int
    seconds: float
    bytes: int
    rows: int
    events: int
    files: int
    sessions_ended: int
    calls_orphaned: int
    calls_held: int
    erasures: int
    keys_destroyed: int
    warnings: tuple[str, ...]


def restore(settings: Settings, clock: Clock, wanted: Wanted, *, say: Say) -> tuple[Restored, Source]:
    """Restore, or raise Refused, Damaged, LedgerBroken, OstiaryError, OSError and leave a target that does not start."""
    began_us = clock.monotonic_us()
    root = root_key(settings)
    found = source.find(
        wanted.folder, wanted.keys_folder, root, backup=wanted.backup, keys_backup=wanted.keys_backup
    )
    more = [entry for where in wanted.ledgers for entry in erasures.entries_at(where)]
    say(f"checking backup {found.data.manifest.id}")
    size = source.check_all(found, say)
    target.prepared(settings)
    with ExitStack() as stack:
        lock = _alone(settings)
        if lock:
            stack.enter_context(lock)
        target.must_fit(settings.database_url, wanted.admin_url, found.data, replace=wanted.replace)
        keys_admin_url = wanted.keys_admin_url or wanted.admin_url
        target.must_fit(settings.keys_url, keys_admin_url, found.keys, replace=wanted.replace)
        run = _Run(
            settings, clock, root, found, wanted, stack.enter_context(target.marked(settings.home)), say
        )
        mark = stack.enter_context(target.marked_there(settings.keys_url, keys_admin_url))
        blobs = storage.at(settings.blob_url)
        outlived = erasures.has_ledger(blobs, [TenantId(name) for name in found.data.manifest.tenants])
        run.files(blobs)
        run.keys(mark)
        replayed = run.erase(blobs, more)
        warnings: list[str] = []
        if replayed.unread:
            warnings.append(CELLS_OWN.format(count=replayed.unread))
        if not outlived and not wanted.ledgers and not wanted.quiet:
            warnings.append(NOT_NEWEST.format(taken=rfc3339(found.keys.manifest.taken_us)))
        settled = run.data()
        warnings += run.seen()
        run.put()
    manifest = found.data.manifest
    done = Restored(
        backup=manifest.id,
        keys_backup=found.keys.manifest.id,
        taken_us=manifest.taken_us,
        seconds=round((clock.monotonic_us() - began_us) / 1e6, 3),
        bytes=size,
        rows=sum(table.rows for table in (*manifest.tables, *found.keys.manifest.tables)),
        events=sum(log.size for log in manifest.logs),
        files=len(manifest.blobs),
        sessions_ended=settled[0],
        calls_orphaned=settled[1],
        calls_held=settled[2],
        erasures=replayed.entries,
        keys_destroyed=replayed.destroyed,
        warnings=tuple(warnings),
    )
    return done, found


def write_settings(path: Path, manifest: Manifest) -> None:
    """The settings of that day, for the operator to compare; what was left out is named."""
    lines = [f"# Settings when {manifest.id} was taken, {rfc3339(manifest.taken_us)}"]
    lines += [f"{name}={value}" for name, value in sorted(manifest.settings.items())]
    lines += [f"# {name} is a secret and was left out" for name in manifest.left_out]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o600)


def _alone(settings: Settings) -> IO[bytes] | None:
    """The lock of an embedded home. Raises Refused while a gateway has it."""
    try:
        return exclusive(settings)
    except ConfigurationError as error:
        raise Refused("; ".join(error.mistakes)) from error


@dataclass(slots=True)
class _Run:
    """One restore on its way. `stage` is the folder where SQLite's files wait; PostgreSQL is written in place."""

    settings: Settings
    clock: Clock
    root: RootKeyProvider
    found: Source
    wanted: Wanted
    stage: Path
    say: Say

    def files(self, blobs: Blobs) -> None:
        """Every file of the backup that the store does not have; those that outlived the disaster are what they were: no file is ever overwritten."""
        for number, blob in enumerate(self.found.data.manifest.blobs):
            present = blobs.find(TenantId(blob.tenant), blob.id)
            if present is None:
                with_content = self.found.blob(blob)
                try:
                    blobs.put_pieces(TenantId(blob.tenant), blob.id, with_content)
                except Conflict:
                    continue
            elif present.size != blob.bytes:
                raise Damaged(f"the file {blob.id} stands in the file store with another content")
            if number and number % 1000 == 0:
                self.say(f"{number} of {len(self.found.data.manifest.blobs)} files")

    def keys(self, mark: Callable[[store.Raw], None]) -> None:
        """The key store, in its place and marked, or staged."""
        self.say("keys")
        half = self.found.keys
        if half.manifest.database != "sqlite":
            admin_url = self.wanted.keys_admin_url or self.wanted.admin_url
            target.load(half, self.settings.keys_url, admin_url, mark)
            return
        database = Database(f"sqlite:///{target.staged(half, self.stage)}")
        try:
            migrate.upgrade(database, half.manifest.kind)
        finally:
            database.close()

    def erase(self, blobs: Blobs, more: Sequence[bytes]) -> Replayed:
        """Erase again. Raises LedgerBroken, Damaged for a root key that does not open the restored keys."""
        with self._vault() as (database, vault):
            if name_of(vault) != self.found.keys.manifest.installation:
                raise Damaged("the restored keys are of another installation")
            tenants = [TenantId(name) for name in self.found.data.manifest.tenants]
            replayed = erasures.erase_again(database, vault, blobs, self.clock, tenants, more)
        if replayed.entries:
            self.say(f"{replayed.entries} erasures, {replayed.destroyed} keys destroyed again")
        return replayed

    def data(self) -> tuple[int, int, int]:
        """The data, in its place or staged: how many sessions were ended, calls were orphaned, calls wait for a person."""
        self.say("data")
        half = self.found.data
        if half.manifest.database == "sqlite":
            path = target.staged(half, self.stage)
            with store.opened(make_url(f"sqlite:///{path}")) as raw:
                return self._settle(raw)
        settled: list[tuple[int, int, int]] = []
        target.load(
            half,
            self.settings.database_url,
            self.wanted.admin_url,
            lambda raw: settled.append(self._settle(raw)),
        )
        return settled[0]

    def _settle(self, raw: store.Raw) -> tuple[int, int, int]:
        if self.wanted.quiet:
            store.quiet_calls(raw)
            return 0, 0, store.held_calls(raw)
        sessions = store.end_sessions(raw)
        return sessions, store.orphan_calls(raw, ids.new("bot")), store.held_calls(raw)

    def seen(self) -> list[str]:
        """What the checkpoints from outside say. Raises Damaged where one is of another history."""
        if not self.wanted.checkpoints:
            return []
        with self._vault() as (_, vault):
            url = self.settings.database_url
            if self.found.data.manifest.database == "sqlite":
                url = f"sqlite:///{self.stage / 'data.db'}"
            database = Database(url)
            try:
                return [
                    told for note in self.wanted.checkpoints for told in self._compare(note, vault, database)
                ]
            finally:
                database.close()

    def _compare(self, note: str, vault: Vault, database: Database) -> Iterator[str]:
        origin = note.partition("\n")[0]
        log = next(
            (each for each in self.found.data.manifest.logs if f"{name_of(vault)}/{each.tenant}" == origin),
            None,
        )
        if log is None:
            yield f"The checkpoint of {origin} is of a log that the backup does not have"
            return
        tenant = TenantId(log.tenant)
        try:
            outside = verify(note, VerifierKey(origin, vault.verifier(tenant)))
        except NoteInvalid as error:
            raise Damaged(f"the checkpoint of {origin}: {error}") from error
        if outside.size > log.size:
            yield (
                f"The log of {tenant} was seen with {outside.size} events and has {log.size} after the restore: {outside.size - log.size} events are lost, "
                "and whoever keeps that checkpoint will see that the log does not go on from it"
            )
        elif not database.read(lambda connection: _had(connection, log, outside)):
            raise Damaged(f"the log of {tenant} in the backup is not the one that the checkpoint is of")

    def put(self) -> None:
        """SQLite's files from the stage to their places: the last step."""
        for half, url in (
            (self.found.keys, self.settings.keys_url),
            (self.found.data, self.settings.database_url),
        ):
            if half.manifest.database == "sqlite":
                path = self.stage / f"{half.manifest.kind}.db"
                store.make_one_file(path)
                target.moved(path, url)

    def _vault(self) -> AbstractContextManager[tuple[Database, Vault]]:
        url = self.settings.keys_url
        if self.found.keys.manifest.database == "sqlite":
            url = f"sqlite:///{self.stage / 'keys.db'}"
        return _open_vault(url, self.root, self.clock)


@contextmanager
def _open_vault(url: str, root: RootKeyProvider, clock: Clock) -> Iterator[tuple[Database, Vault]]:
    database = Database(url)
    try:
        yield database, Vault(database, root, clock)
    except (KeysUnavailable, SealBroken) as error:
        raise Damaged("the root key does not open the restored keys") from error
    finally:
        database.close()


def _had(connection: Connection, log: Log, outside: Checkpoint) -> bool:
    """Whether the restored log had this root when it was of that size."""
    if outside.size == 0:
        return outside.root == _rfc6962.EMPTY
    tile = tile_reader(connection, TenantId(log.tenant))
    frontier = _rfc6962.frontier(outside.size, lambda level, index: read_node(level, index, tile))
    return _rfc6962.root_of(frontier) == outside.root
