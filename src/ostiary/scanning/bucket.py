"""Objects of a bucket (S3, Google Cloud Storage, Azure), listed in key order and read in ranges. Credentials come from the usual environment of each."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, S3Store, from_url

from ostiary.scanning.place import Item, PlaceUnreadable, Unreadable

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

SCHEMES = ("s3://", "gs://", "az://")
PAGE_OBJECTS = 1000
REQUEST_TIMEOUT_S = 60
RETRY_TIMEOUT_S = 30
RETRIES_MAX = 3


class Bucket:
    """What lies under `prefix`. Its version is the ETag; where a store gives none, size and time."""

    kind = "bucket"

    def __init__(self, store: ObjectStore, prefix: str = "") -> None:
        self._store = store
        self._prefix = prefix.strip("/")

    def items(self, after: str) -> Iterator[Item]:
        """Raises PlaceUnreadable, also in the middle: what came before is good."""
        start = self._path(after) if after else None
        try:
            pages = obstore.list(self._store, prefix=self._prefix or None, offset=start, chunk_size=PAGE_OBJECTS)  # fmt: skip
            for page in pages:
                for meta in page:
                    key = meta["path"].removeprefix(self._prefix).lstrip("/")
                    if key > after:
                        changed_us = int(meta["last_modified"].timestamp() * 1_000_000)
                        version = meta.get("e_tag") or f"{meta['size']:x}.{changed_us:x}"
                        yield Item(key, meta["size"], version, changed_us)
        except (BaseError, OSError, ValueError) as error:
            raise PlaceUnreadable(
                f"The bucket cannot be listed ({type(error).__name__}): check its name, the endpoint and the credentials."
            ) from None

    def read(self, item: Item, bytes_max: int, start: int = 0) -> bytes:
        """A range of the object. Raises Unreadable."""
        if start >= item.size:
            return b""
        try:
            length = min(bytes_max, item.size - start)
            return bytes(obstore.get_range(self._store, self._path(item.key), start=start, length=length))
        except (BaseError, OSError, ValueError):
            raise Unreadable from None

    def _path(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key


def opened(url: str, *, plain_http: bool = False) -> Bucket:
    """The bucket at `s3://name/prefix`, `gs://...` or `az://...`. An endpoint without TLS is spoken to only with `plain_http`. Raises PlaceUnreadable."""
    scheme, _, rest = url.partition("://")
    name, _, prefix = rest.partition("/")
    client: ClientConfig = {"timeout": timedelta(seconds=REQUEST_TIMEOUT_S), "allow_http": plain_http}
    retry: RetryConfig = {
        "max_retries": RETRIES_MAX,
        "retry_timeout": timedelta(seconds=RETRY_TIMEOUT_S),
    }
    try:
        if scheme == "s3":
            store: ObjectStore = S3Store(name, client_options=client, retry_config=retry)
        else:
            store = from_url(f"{scheme}://{name}", config=None, client_options=client, retry_config=retry)
    except (BaseError, ValueError):
        raise PlaceUnreadable("This does not name a bucket that can be opened.") from None
    return Bucket(store, prefix)
