"""Blobs by tenant and id. Every method blocks: call it off the event loop.

A blob is written under `_incoming/` first and moved to its name only when it is whole, unless something stands there already. What a crash leaves under
`_incoming/` is removed by `sweep`.
"""

import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from heapq import nsmallest
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, S3Store, from_url

from ostiary import ids, metrics
from ostiary.clock import SECOND_US, Clock, SystemClock
from ostiary.errors import BlobsUnavailable, ConfigurationError, Conflict, NotFound, RequestTooLarge
from ostiary.ids import INSTALL, TenantId

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

URL_SETTING = "OSTIARY_BLOB_URL"
SCHEMES = ("file://", "s3://", "gs://", "az://")
PIECE_BYTES = 64 * 1024
PART_BYTES = 8 * 1024 * 1024
"""Up to this much of a blob waits in memory while it is written; S3 takes parts of 5 MiB or more."""
REQUEST_TIMEOUT_S = 60
RETRY_TIMEOUT_S = 30
RETRIES_MAX = 3
PAGE_ROWS_MAX = 1000
INCOMING_AGE_S = 24 * 3600
_RETRY: "RetryConfig" = {
    "max_retries": RETRIES_MAX,
    "retry_timeout": timedelta(seconds=RETRY_TIMEOUT_S),
}
_CLOCK = SystemClock()
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


@dataclass(frozen=True, slots=True)
class Stored:
    """A blob that is there. `size` is in bytes, as stored."""

    id: str
    size: int
    changed_us: int


class Blobs:
    """Opaque bytes under (tenant, blob id). `folder` is given when the store is a local folder: then what is stored is forced to the disk. `install`: under
    whose name INSTALL's are, in a cell."""

    def __init__(
        self, store: ObjectStore, *, folder: Path | None = None, install: TenantId = INSTALL
    ) -> None:
        self._store = store
        self._folder = folder
        self._install = install
        self._changed: dict[TenantId, tuple[int, int]] = {}
        self._changing = threading.Lock()

    def changes(self) -> dict[TenantId, tuple[int, int]]:
        """By tenant how many blobs and bytes have come (or gone, where negative) by this process since it was last asked."""
        with self._changing:
            changed, self._changed = self._changed, {}
            return changed

    def measure(self, tenant: TenantId) -> tuple[int, int]:
        """How many blobs a tenant has and their bytes, by looking at all of them. Raises BlobsUnavailable."""
        with _counted("list"), _unavailable():
            sizes = [meta["size"] for page in obstore.list(self._store, prefix=self._named(tenant)) for meta in page]  # fmt: skip
        return len(sizes), sum(sizes)

    def _note(self, tenant: TenantId, rows: int, size: int) -> None:
        with self._changing:
            before = self._changed.get(tenant, (0, 0))
            self._changed[tenant] = (before[0] + rows, before[1] + size)

    def _named(self, tenant: TenantId) -> str:
        return _checked(self._install if tenant == INSTALL else tenant)

    def _path(self, tenant: TenantId, blob_id: str) -> str:
        return f"{self._named(tenant)}/{_checked(blob_id)}"

    def put(self, tenant: TenantId, blob_id: str, content: bytes | bytearray | memoryview) -> None:
        """Store a blob whole. Raises Conflict when there is one by that name already, BlobsUnavailable."""
        path = self._path(tenant, blob_id)
        with _counted("put"):
            with _unavailable():
                obstore.put(self._store, path, content, mode="create", use_multipart=False)
            self._settle(path)
        self._note(tenant, 1, len(content))

    def put_pieces(self, tenant: TenantId, blob_id: str, pieces: Iterable[bytes]) -> int:
        """Store a blob that comes in pieces; its size. What `pieces` raises leaves nothing behind. Raises Conflict, BlobsUnavailable."""
        with _counted("put"):
            return self._put_pieces(tenant, blob_id, pieces)

    def _put_pieces(self, tenant: TenantId, blob_id: str, pieces: Iterable[bytes]) -> int:
        path, incoming = self._path(tenant, blob_id), f"_incoming/{self._named(tenant)}/{ids.new('blo')}"
        size = self._write(incoming, pieces)
        self._settle(incoming)
        try:
            with _unavailable():
                obstore.rename(self._store, incoming, path, overwrite=False)
        except Conflict:
            self._remove(incoming)
            raise
        self._settle(path)
        self._note(tenant, 1, size)
        return size

    def get(self, tenant: TenantId, blob_id: str, *, bytes_max: int) -> bytes:
        """The whole blob. Raises NotFound, BlobsUnavailable; RequestTooLarge for more than `bytes_max`."""
        path = self._path(tenant, blob_id)
        with _counted("get"), _unavailable():
            found = obstore.get(self._store, path)
            if found.meta["size"] > bytes_max:
                raise RequestTooLarge
            return bytes(found.bytes())

    def pieces(self, tenant: TenantId, blob_id: str) -> Iterator[bytes]:
        """The blob in pieces of about PIECE_BYTES. Raises NotFound, BlobsUnavailable: the first before the first piece."""
        path = self._path(tenant, blob_id)
        with _counted("get"), _unavailable():
            stream = iter(obstore.get(self._store, path).stream(min_chunk_size=PIECE_BYTES))
            while (piece := next(stream, None)) is not None:
                yield bytes(piece)

    def find(self, tenant: TenantId, blob_id: str) -> Stored | None:
        """What is known of a blob; None when there is none."""
        try:
            with _counted("find"), _unavailable():
                meta = obstore.head(self._store, self._path(tenant, blob_id))
        except NotFound:
            return None
        return Stored(blob_id, meta["size"], int(meta["last_modified"].timestamp() * SECOND_US))

    def delete(self, tenant: TenantId, blob_id: str) -> None:
        """Remove a blob; nothing when there is none. Raises BlobsUnavailable."""
        stored = self.find(tenant, blob_id)
        with _counted("delete"):
            self._remove(self._path(tenant, blob_id))
        if stored:
            self._note(tenant, -1, -stored.size)

    def list(self, tenant: TenantId, *, after: str = "", limit: int = PAGE_ROWS_MAX) -> list[Stored]:
        """Up to `limit` blobs of the tenant in the order of their ids, those behind `after`."""
        with _counted("list"), _unavailable():
            found = (
                Stored(
                    meta["path"].rpartition("/")[2],
                    meta["size"],
                    int(meta["last_modified"].timestamp() * SECOND_US),
                )
                for page in obstore.list(self._store, prefix=self._named(tenant))
                for meta in page
            )
            chosen = (stored for stored in found if stored.id > after)
            return nsmallest(min(limit, PAGE_ROWS_MAX), chosen, key=lambda stored: stored.id)

    def everything(self) -> Iterator[tuple[TenantId, Stored]]:
        """Every blob of every tenant, in no order; what is half-written is left out. For a backup. Raises BlobsUnavailable."""
        with _unavailable():
            for page in obstore.list(self._store):
                for meta in page:
                    tenant, _, blob_id = meta["path"].rpartition("/")
                    if tenant and tenant != "_incoming" and "/" not in tenant:
                        changed_us = int(meta["last_modified"].timestamp() * SECOND_US)
                        yield TenantId(tenant), Stored(blob_id, meta["size"], changed_us)

    def sweep(self, clock: Clock) -> int:
        """Remove what writers that died left behind, a day after; how many."""
        oldest_us = clock.now_us() - INCOMING_AGE_S * SECOND_US
        with _unavailable():
            left = [
                meta["path"]
                for page in obstore.list(self._store, prefix="_incoming")
                for meta in page
                if meta["last_modified"].timestamp() * SECOND_US < oldest_us
            ]
        for path in left:
            self._remove(path)
        return len(left)

    def _write(self, path: str, pieces: Iterable[bytes]) -> int:
        """A writer that is not closed leaves nothing, so what `pieces` raises may pass."""
        with _unavailable():
            writer = obstore.open_writer(self._store, path, buffer_size=PART_BYTES)
        size = 0
        for piece in pieces:
            with _unavailable():
                size += writer.write(piece)
        with _unavailable():
            writer.close()
        return size

    def _remove(self, path: str) -> None:
        with suppress(NotFound), _unavailable():
            obstore.delete(self._store, path)

    def _settle(self, path: str) -> None:
        """Force a local file and its folder to the disk; an object store has done so when it answers."""
        if self._folder is None:
            return
        file = self._folder / path
        with _unavailable():
            for each in (file, file.parent, file.parent.parent):
                _force(each)


def at(url: str, *, plain_http: bool = False, install: TenantId = INSTALL) -> Blobs:
    """The blobs at OSTIARY_BLOB_URL: `file:///...`, `s3://...`, `gs://...` or `az://...`. Raises ConfigurationError.

    Credentials and endpoints of object stores come from their usual environment (`AWS_...`, `GOOGLE_...`, `AZURE_...`).
    An endpoint without TLS is spoken to only with `plain_http`.
    """
    if url.startswith("file://"):
        folder = Path(url.removeprefix("file://"))
        if not folder.is_absolute():
            raise ConfigurationError(
                [f"{URL_SETTING}: a file URL holds a whole path, as file:///srv/ostiary."]
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Blobs(LocalStore(folder), folder=folder, install=install)
    if not url.startswith(SCHEMES):
        raise ConfigurationError([f"{URL_SETTING} begins with one of {', '.join(SCHEMES)}."])
    client: ClientConfig = {"timeout": timedelta(seconds=REQUEST_TIMEOUT_S), "allow_http": plain_http}
    try:
        if url.startswith("s3://"):
            store: ObjectStore = S3Store.from_url(
                url, copy_if_not_exists="multipart", client_options=client, retry_config=_RETRY
            )
        else:
            store = from_url(url, config=None, client_options=client, retry_config=_RETRY)
    except (BaseError, ValueError) as error:
        raise ConfigurationError(
            [f"{URL_SETTING} does not name an object store that can be opened."]
        ) from error
    return Blobs(store, install=install)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise NotFound  # no blob can have such a name, and no path can be made of it
    return name


def _force(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _counted(operation: str) -> Iterator[None]:
    begun_us = _CLOCK.monotonic_us()
    try:
        yield
    except BlobsUnavailable:
        metrics.BLOB_ERRORS.labels(operation).inc()
        raise
    finally:
        metrics.BLOBS.of(operation).observe(_CLOCK.monotonic_us() - begun_us)


@contextmanager
def _unavailable() -> Iterator[None]:
    """The store's errors in our words."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound from error
    except AlreadyExistsError as error:
        raise Conflict("A file of this name is there already.") from error
    except (BaseError, OSError) as error:
        raise BlobsUnavailable from error
