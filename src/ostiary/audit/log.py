"""The sequencer: one thread that takes whatever is queued as a batch and commits it in one transaction, before any answer leaves.

A batch holds, for each entry, its rows and its events, and for each tenant the tiles, the head and the signed checkpoint. So an event is on the disk
together with what it tells of, or neither is. Several processes write one log: after its rows a batch locks the heads of its tenants, in the order of their
ids, and holds them to the commit; whoever comes second goes on where the first has left the log. Fails closed: while the database is away every call that
records is refused with AuditUnavailable; the heads are read anew before the next batch, so it recovers by itself.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from ostiary import log, metrics, traces, turns
from ostiary.actions import Write
from ostiary.audit import store, tiles
from ostiary.audit._c2sp_note import Checkpoint, VerifierKey, check_name, sign
from ostiary.audit._rfc6962 import leaf_hash
from ostiary.audit.event import PURPOSE, Entry, SealedEvent, seal, subjects_of
from ostiary.audit.large import Large
from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Contended, Database
from ostiary.db.scope import hand
from ostiary.errors import AuditUnavailable, OstiaryError, StoreUnavailable
from ostiary.ids import INSTALL, SubjectId, TenantId
from ostiary.vault.sealing import Vault

BATCH_ENTRIES_MAX = 1024
QUEUE_ENTRIES_MAX = 20_000
HEADS_HELD_MAX = 10_000
ATTEMPTS_MAX = 5
"""How often a batch is done again that met another writer: a log's first event, a deadlock of rows."""
STOP_TIMEOUT_S = 30.0
PROBE_PERIOD_S = 1.0

_log = log.get("audit")


@dataclass(slots=True, eq=False)
class _Waiting:
    """An entry on its way, and who waits for it: a future of an event loop, one of a thread, or nobody."""

    entry: Entry
    loop: asyncio.AbstractEventLoop | None = None
    promise: "asyncio.Future[None] | Future[None] | None" = None
    kept: list[SealedEvent] = field(default_factory=list)
    unsealed: bool = False
    error: BaseException | None = None
    span: traces.Span | None = field(default_factory=traces.current)


@dataclass(slots=True)
class _Batch:
    """What one transaction holds: the events of each tenant, and the trees as they stand after it."""

    events: dict[TenantId, list[SealedEvent]] = field(default_factory=dict)
    trees: dict[TenantId, tiles.Tree] = field(default_factory=dict)


class _HeadMoved(Exception):
    """Something other than a sequencer has written this log; the batch is done again on the head as it is now."""


class _OneFailed(Exception):
    """An entry's rows failed: the batch is done again with a savepoint around each entry, so that only that one is refused."""


class Audit:
    """The logs of an installation. `start()` before the first record, `stop()` at the end.

    origin: the name of this installation in checkpoints, a host name without a scheme; the log of tenant T is `<origin>/<T>`.
    large: where content goes that is too large for a row.
    stdout: takes the envelopes of a batch, one JSON line each, after they are committed. It must not block.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        *,
        origin: str,
        batch_max: int = BATCH_ENTRIES_MAX,
        queue_max: int = QUEUE_ENTRIES_MAX,
        stdout: Callable[[bytes], None] | None = None,
        large: Large | None = None,
    ) -> None:
        check_name(origin)
        self.database = database
        self.vault = vault
        self.origin = origin
        self._clock = clock
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._stdout = stdout
        self.large = large
        self.beside: Callable[[Sequence[SealedEvent]], tuple[Write, ...]] = lambda _recorded: ()
        """Rows that go with what is recorded, in its transaction; the app says which."""
        self._queue: SimpleQueue[tuple[_Waiting, ...]] = SimpleQueue()
        self._heads: dict[TenantId, tiles.Tree] = {}
        self._verifiers: dict[TenantId, VerifierKey] = {}
        self._thread: threading.Thread | None = None
        self._open = False
        self._failing = False
        self._door = threading.Lock()
        self._queued = 0
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}

    def start(self) -> None:
        """Begin to record."""
        self._open = True
        self._thread = threading.Thread(target=self._work, name="ostiary-audit", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse what comes now, commit what is queued, end the thread."""
        with self._door:
            if not self._open:
                return
            self._open = False
            self._queue.put(())
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)

    @property
    def healthy(self) -> bool:
        """Whether the last batch was written, or the database has answered since, and the log takes more; `/readyz` asks."""
        return self._open and not self._failing and self._queued < self._queue_max

    async def record(self, entry: Entry) -> None:
        """Returns when the entry is durable. Raises AuditUnavailable, and whatever an entry's write raised (then nothing of the entry is kept)."""
        for event in entry.events:
            if event.parts:
                await self._prepare(event.tenant, subjects_of(event))
        loop = asyncio.get_running_loop()
        promise: asyncio.Future[None] = loop.create_future()
        self._gather(_Waiting(entry, loop, promise), loop)
        async with turns.away():
            await promise

    def _gather(self, waiting: _Waiting, loop: asyncio.AbstractEventLoop) -> None:
        """Entries of one turn of an event loop go to the sequencer together: one wake-up for all of them."""
        gathered = self._gathered.get(loop)
        if gathered is None:
            gathered = self._gathered[loop] = []
            loop.call_soon(self._hand_over, loop)
        gathered.append(waiting)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        gathered = self._gathered.pop(loop)
        try:
            self._put(*gathered)
        except AuditUnavailable as error:
            for waiting in gathered:
                waiting.error = error
            _tell_all(gathered)

    def record_sync(self, entry: Entry) -> None:
        """`record` for a thread without an event loop."""
        promise: Future[None] = Future()
        self._put(_Waiting(entry, None, promise))
        promise.result()

    def submit(self, entry: Entry) -> None:
        """Record without waiting for the disk. Raises AuditUnavailable when the queue is full; a later failure is logged."""
        self._put(_Waiting(entry))

    def verifier(self, tenant: TenantId) -> VerifierKey:
        """The key that verifies the tenant's checkpoints. Raises KeysUnavailable."""
        held = self._verifiers.get(tenant)
        if held is None:
            held = VerifierKey(self.log_name(tenant), self.vault.verifier(tenant))
            self._verifiers[tenant] = held
        return held

    def log_name(self, tenant: TenantId) -> str:
        """The origin line of the tenant's checkpoints."""
        return f"{self.origin}/{tenant}"

    def waiting(self) -> int:
        """How many entries are queued, for metrics."""
        return self._queued

    async def _prepare(self, tenant: TenantId, subjects: Iterable[SubjectId]) -> None:
        try:
            await self.vault.prepare(tenant, PURPOSE, subjects)
        except OstiaryError as error:
            raise AuditUnavailable from error

    def _put(self, *waiting: _Waiting) -> None:
        with self._door:
            if not self._open or self._queued + len(waiting) > self._queue_max:
                raise AuditUnavailable
            self._queued += len(waiting)
            self._queue.put(waiting)

    def _work(self) -> None:
        """The thread: take a batch, commit it, release its waiters, until `stop`."""
        going = True
        while going:
            batch, going = self._take()
            if batch:
                self._settle(batch)

    def _take(self) -> tuple[list[_Waiting], bool]:
        """Wait for the first entries, then take what is queued beside them. False: `stop` was met, nothing comes after."""
        batch: list[_Waiting] = []
        try:
            waiting = self._queue.get(timeout=PROBE_PERIOD_S if self._failing else None)
        except Empty:
            self.probe()
            return batch, True
        with suppress(Empty):
            while waiting:
                batch += waiting
                if len(batch) >= self._batch_max:
                    break
                waiting = self._queue.get_nowait()
        with self._door:
            self._queued -= len(batch)
        return batch, bool(waiting)

    def _settle(self, batch: list[_Waiting]) -> None:
        """Commit the batch, or refuse all of it, and tell those who wait."""
        lines: list[bytes] = []
        try:
            lines = self._commit(batch)
        except (OstiaryError, SQLAlchemyError, _HeadMoved) as error:
            self._refuse(batch, error)
        except Exception as error:  # noqa: BLE001 - the thread's own loop: a mistake here must not leave callers waiting for ever
            self._refuse(batch, error)
        _release(batch)
        if self._stdout is not None and lines:
            self._stdout(b"\n".join(lines) + b"\n")

    def probe(self) -> None:
        """Nothing is recorded while nobody calls, so the sequencer itself tries whether a database that was away is back, and takes writes."""

        def attempt(connection: Connection) -> None:
            load_tree(connection, INSTALL)
            with hand(connection, "sequencer"):
                store.rehearse(connection)

        try:
            self.database.transact(attempt)
        except (OstiaryError, SQLAlchemyError):
            return
        self._failing = False

    def _refuse(self, batch: list[_Waiting], error: Exception) -> None:
        self._failing = True
        metrics.AUDIT_FAILURES.inc()
        self._heads.clear()
        _log.error("audit.batch_refused", error=type(error).__name__, entries=len(batch))
        for waiting in batch:
            if not waiting.unsealed:
                waiting.error = AuditUnavailable()
                waiting.error.__cause__ = error

    def _commit(self, batch: list[_Waiting]) -> list[bytes]:
        for waiting in batch:
            self._seal(waiting)
        begun_us = self._clock.monotonic_us()
        with traces.together("audit commit", (waiting.span for waiting in batch)) as span:
            done = self._written(batch)
            if span:
                span.attributes["ostiary.entries"] = len(batch)
        if len(self._heads) > HEADS_HELD_MAX:
            self._heads.clear()
            self._verifiers.clear()
        self._heads.update(done.trees)
        self._failing = False
        envelopes = [kept.envelope for events in done.events.values() for kept in events]
        metrics.AUDIT_COMMIT.observe((self._clock.monotonic_us() - begun_us) / SECOND_US)
        metrics.AUDIT_DURABLE_AT.set(self._clock.now_us() / SECOND_US)
        metrics.AUDIT_BATCH_EVENTS.observe(len(envelopes))
        metrics.AUDIT_BATCHES.inc()
        metrics.AUDIT_EVENTS.inc(len(envelopes))
        return envelopes

    def _written(self, batch: list[_Waiting]) -> _Batch:
        """The batch in one transaction. Without savepoints at first: hardly ever does an entry fail, and each costs two round trips."""
        careful, attempt = False, 1
        while True:
            try:
                return self.database.transact(partial(self._write, batch=batch, careful=careful))
            except _OneFailed:
                careful = True
            except (_HeadMoved, IntegrityError, Contended):
                self._heads.clear()
                attempt += 1
                if attempt > ATTEMPTS_MAX:
                    raise

    def _write(self, connection: Connection, batch: list[_Waiting], *, careful: bool) -> _Batch:
        done = _Batch()
        for waiting in batch:
            if not waiting.unsealed and self._rows(connection, waiting, careful):
                for kept in waiting.kept:
                    done.events.setdefault(kept.event.tenant, []).append(kept)
        with hand(connection, "sequencer"):
            for tenant in sorted(done.events):
                done.trees[tenant] = self._extend(connection, tenant, done.events[tenant])
        return done

    def _seal(self, waiting: _Waiting) -> None:
        """Seal an entry's events. One that cannot be sealed is refused alone: its caller gets the error, nobody else does."""
        try:
            for event in waiting.entry.events:
                waiting.kept.append(seal(event, self.vault, self.vault.pseudonym, self.large))
                self.verifier(event.tenant)  # a tenant without a signing key has no log
        except OstiaryError as error:
            waiting.unsealed, waiting.error = True, AuditUnavailable()
            waiting.error.__cause__ = error
        except (TypeError, ValueError) as error:
            waiting.unsealed, waiting.error = True, error

    def _rows(self, connection: Connection, waiting: _Waiting, careful: bool) -> bool:
        """Write the entry's rows; one that fails keeps its error and leaves nothing behind. Raises _OneFailed where that takes savepoints."""
        waiting.error = None
        writes = (*waiting.entry.writes, *self.beside(waiting.kept))
        if not writes:
            return True
        try:
            with connection.begin_nested() if careful else nullcontext():
                for write in writes:
                    write(connection)
        except (OperationalError, StoreUnavailable):
            raise  # the database itself: the whole batch fails
        except Exception as error:
            if not careful:
                raise _OneFailed from error
            waiting.error = (
                error  # one caller's mistake is told to that caller, and undoes nobody else's entry
            )
            return False
        return True

    def _extend(self, connection: Connection, tenant: TenantId, events: list[SealedEvent]) -> tiles.Tree:
        """Append one tenant's events. Raises _HeadMoved when the log was moved although its head is locked."""
        tree = self._locked(connection, tenant)
        first = tree.size
        changed = tree.extend([leaf_hash(kept.envelope) for kept in events])
        root = tree.root()
        checkpoint = Checkpoint(self.log_name(tenant), tree.size, root)
        note = sign(checkpoint, self.vault.signer(tenant), self.verifier(tenant))
        row = store.HeadRow(tree.size, root, note, self._clock.now_us())
        if not store.append(connection, tenant, row, from_size=first, events=events, changed=changed):
            raise _HeadMoved
        return tree

    def _locked(self, connection: Connection, tenant: TenantId) -> tiles.Tree:
        """The right edge of the tenant's log, which nobody else moves before this transaction ends: the one in memory, if it still is."""
        held = self._heads.get(tenant) or tiles.Tree()
        size, open_tiles = store.lock_head(connection, tenant, held=held.size)
        return held.copy() if open_tiles is None else tiles.edge(size, open_tiles)


def load_tree(connection: Connection, tenant: TenantId) -> tiles.Tree:
    """The right edge of the tenant's log as it is stored."""
    head = store.head(connection, tenant)
    return tiles.load(head.size, tile_reader(connection, tenant)) if head else tiles.Tree()


def tile_reader(connection: Connection, tenant: TenantId) -> tiles.ReadTile:
    """Reads the tenant's tiles, each once."""
    held: dict[tuple[int, int], bytes] = {}

    def read(level: int, number: int) -> bytes:
        if (level, number) not in held:
            found = store.tile(connection, tenant, level, number)
            if found is None:
                raise KeyError((level, number))
            held[level, number] = found
        return held[level, number]

    return read


def _release(batch: list[_Waiting]) -> None:
    """Tell who waits: one wake-up for each event loop."""
    loops: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
    for waiting in batch:
        if waiting.loop is not None:
            loops.setdefault(waiting.loop, []).append(waiting)
        else:
            _tell(waiting)
    for loop, waiters in loops.items():
        try:
            loop.call_soon_threadsafe(_tell_all, waiters)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def _tell_all(waiters: list[_Waiting]) -> None:
    for waiting in waiters:
        _tell(waiting)


def _tell(waiting: _Waiting) -> None:
    promise = waiting.promise
    if promise is None or promise.done():
        return
    if waiting.error is None:
        promise.set_result(None)
    else:
        promise.set_exception(waiting.error)
