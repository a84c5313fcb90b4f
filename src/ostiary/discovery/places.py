"""From a place's settings to something that can be listed and read: folders under the operator's roots only, buckets at vetted addresses only, databases through the
tenant's own connectors only.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ostiary.clock import Clock
from ostiary.connectors import sampling
from ostiary.connectors.connectors import Connectors
from ostiary.connectors.sampling import SampledColumn
from ostiary.discovery._shared_key import ACCOUNT, is_usable
from ostiary.discovery.bucket import Bucket
from ostiary.discovery.container import Container
from ostiary.discovery.settings import AZURE, BucketSettings, DatabaseSettings, FolderSettings
from ostiary.discovery.storage import Credentials, Where
from ostiary.errors import AddressRefused, Fault, OstiaryError
from ostiary.ids import TenantId
from ostiary.net.address import parse_url
from ostiary.scanning.columns import Column, Columns
from ostiary.scanning.folder import Folder
from ostiary.scanning.place import Place, PlaceUnreadable, Unreadable
from ostiary.secret import Secret

GOOGLE = "https://storage.googleapis.com"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
WAIT_S = 60
"""How long a thread waits for what runs on the loop; every request there has a bound of its own below this."""
Run = Callable[[Awaitable[Any]], Any]


@dataclass(frozen=True, slots=True)
class Grounds:
    """What places are opened with. roots: (tenant, folder), an empty tenant means every tenant. own: the gateway's own files, which nobody looks through."""

    connectors: Connectors
    clock: Clock
    roots: tuple[tuple[str, Path], ...] = ()
    own: tuple[Path, ...] = ()


def folder_of(path: str, tenant: TenantId, grounds: Grounds) -> Path:
    """The real folder that an absolute path means, links resolved. Raises AddressRefused unless it lies under one of the tenant's roots, apart from our own files."""
    real = Path(os.path.realpath(path))
    roots = [root for whose, root in grounds.roots if whose in ("", tenant)]
    under = any(
        real.is_relative_to(root) for root in roots
    )  # roots were resolved when the process began: one that became a link since leads nowhere
    if not os.path.isabs(path) or not under or not real.is_dir():
        raise AddressRefused(
            "No such folder under those that the operator declared in OSTIARY_DISCOVERY_ROOTS."
        )
    for ours in map(os.path.realpath, grounds.own):
        if real.is_relative_to(ours) or Path(ours).is_relative_to(real):
            raise AddressRefused("That folder holds the gateway's own files.")
    return real


def _descended(path: str, tenant: TenantId, grounds: Grounds) -> int:
    """The folder's descriptor, come to from the operator's root part by part without following a link: whoever may write between the two leads nobody elsewhere,
    however they time it. Raises AddressRefused."""
    real = folder_of(path, tenant, grounds)
    roots = [root for whose, root in grounds.roots if whose in ("", tenant)]
    root = next(root for root in roots if real.is_relative_to(root))
    try:
        at = os.open(root, _FOLDER)
    except OSError:
        raise AddressRefused("The folder was replaced meanwhile, or cannot be read.") from None
    try:
        for part in real.relative_to(root).parts:
            at, before = os.open(part, _FOLDER, dir_fd=at), at
            os.close(before)
    except OSError:
        os.close(at)
        raise AddressRefused("The folder was replaced meanwhile, or cannot be read.") from None
    return at


def _path_of(folder: int, path: str) -> Path:
    """The path of a descriptor. Systems without one (macOS) open the folder by its name, a moment after it was looked at."""
    own = Path(f"/proc/self/fd/{folder}")
    return own if own.exists() else Path(path)


def check(settings: Any, tenant: TenantId, grounds: Grounds) -> None:
    """Raises AddressRefused for what can never be reached, whatever it resolves to."""
    if isinstance(settings, FolderSettings):
        folder_of(settings.path, tenant, grounds)
    if isinstance(settings, BucketSettings) and settings.endpoint:
        parse_url(settings.endpoint)


def credential_faults(settings: Any, credentials: Credentials | None) -> list[Fault]:
    """What is wrong with newly given credentials, whatever the storage may say of them. `pointer` as in the request of `discovery_place.put`."""
    if credentials is None:
        return []
    if not isinstance(settings, BucketSettings):
        return [Fault("/credentials", "only a bucket has credentials")]
    faults = []
    if settings.url.startswith(AZURE):
        if not ACCOUNT.fullmatch(credentials.access_key):
            faults.append(Fault("/credentials/access_key", "of Azure the name of the account: 3 to 24 small letters and digits"))  # fmt: skip
        if not is_usable(credentials.secret):
            faults.append(Fault("/credentials/secret_key", "of Azure the account's key in base64, or a SAS token"))  # fmt: skip
    return faults


@asynccontextmanager
async def opened(
    settings: Any, credentials: Credentials | None, tenant: TenantId, grounds: Grounds, *, bytes_max: int
) -> AsyncIterator[Place]:
    """The place, to be used in a thread while this lasts. Raises AddressRefused, NotFound (the connector)."""
    run = _run_on(asyncio.get_running_loop())
    if isinstance(settings, FolderSettings):
        folder = await asyncio.to_thread(_descended, settings.path, tenant, grounds)
        try:
            yield Folder(_path_of(folder, settings.path))
        finally:
            os.close(folder)
    elif isinstance(settings, DatabaseSettings):
        await grounds.connectors.held(tenant, settings.connector)
        yield Columns(_Connected(grounds.connectors, tenant, settings.connector, run))
    else:
        kind = Container if settings.url.startswith(AZURE) else Bucket
        bucket = kind(_where(settings, credentials), grounds.connectors.allowed, grounds.clock, run, bytes_max=bytes_max)  # fmt: skip
        try:
            yield bucket
        finally:
            await bucket.close()


def _where(settings: BucketSettings, credentials: Credentials | None) -> Where:
    scheme, _, rest = settings.url.partition("://")
    bucket, _, prefix = rest.partition("/")
    return Where(settings.endpoint or _provider(scheme, settings.region, credentials), bucket, prefix, settings.region, credentials)  # fmt: skip


def _provider(scheme: str, region: str, credentials: Credentials | None) -> str:
    if scheme == "s3":
        return f"https://s3.{region}.amazonaws.com"
    if scheme == "gs":
        return GOOGLE
    if credentials is None or not ACCOUNT.fullmatch(credentials.access_key):
        raise AddressRefused("Whose container it is, is not known: name its endpoint, or the account in the credentials.")  # fmt: skip
    return f"https://{credentials.access_key}.blob.core.windows.net"


def credentials_of(said: Any) -> Credentials | None:
    return Credentials(said["access_key"], Secret(said["secret_key"])) if said else None


def _run_on(loop: asyncio.AbstractEventLoop) -> Run:
    def run(work: Awaitable[Any]) -> Any:
        waiting = asyncio.run_coroutine_threadsafe(_awaited(work), loop)
        try:
            return waiting.result(WAIT_S)
        except TimeoutError:
            waiting.cancel()
            raise PlaceUnreadable("It did not answer in time.") from None

    return run


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


class _Connected:
    """A connector's database as a scanner's source."""

    def __init__(self, connectors: Connectors, tenant: TenantId, name: str, run: Run) -> None:
        self._columns = partial(sampling.columns, connectors, tenant, name)
        self._sample = partial(sampling.sample, connectors, tenant, name)
        self._run = run
        self._known: dict[Column, SampledColumn] = {}

    def columns(self) -> Iterator[Column]:
        after = ""
        while found := self._page(after):
            for each in found:
                column = Column(each.schema, each.table, each.name, each.type, each.rows)
                self._known[column] = each
                yield column
            after = found[-1].key

    def sample(self, column: Column, most: int) -> tuple[str, ...]:
        try:
            values: tuple[str, ...] = self._run(self._sample(self._known[column], most))
        except OstiaryError as error:
            raise Unreadable(code=error.code) from None
        return values

    def _page(self, after: str) -> Sequence[SampledColumn]:
        try:
            found: Sequence[SampledColumn] = self._run(self._columns(after))
        except OstiaryError as error:
            raise PlaceUnreadable(error.detail or error.title()) from None
        return found
