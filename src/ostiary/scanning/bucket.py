"""Objects of a bucket (S3, Google Cloud Storage, Azure), listed in key order and read in ranges. Credentials come from the usual environment of each.

Amazon and Google list a bucket in key order. Others (SeaweedFS, directory buckets, Azure with a hierarchical namespace) list folder by folder, where `b/x` comes before `b.txt`:
there each folder is listed by itself and sorted here, which is exact and costs a request for each folder.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, S3Store, from_url

from ostiary.scanning.place import Item, PlaceUnreadable, Unreadable, below

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ClientConfig, RetryConfig

SCHEMES = ("s3://", "gs://", "az://")
PAGE_OBJECTS = 1000
REQUEST_TIMEOUT_S = 60
RETRY_TIMEOUT_S = 30
RETRIES_MAX = 3


class Bucket:
    """What lies under `prefix`. Its version is the ETag; where a store gives none, size and time. ordered: whether the store surely lists in key order."""

    kind = "bucket"

    def __init__(self, store: ObjectStore, prefix: str = "", *, ordered: bool = False) -> None:
        self._store = store
        self._prefix = prefix.strip("/")
        self._ordered = ordered

    def items(self, after: str) -> Iterator[Item]:
        """Raises PlaceUnreadable, also in the middle: what came before is good."""
        try:
            yield from self._listed(after) if self._ordered else below(self._folder, "", after)
        except (BaseError, OSError, ValueError) as error:
            raise PlaceUnreadable(
                f"The bucket cannot be listed ({type(error).__name__}): check its name, the endpoint and the credentials."
            ) from None

    def _listed(self, after: str) -> Iterator[Item]:
        """The store's own order, which is checked."""
        start = self._path(after) if after else None
        for page in obstore.list(
            self._store, prefix=self._prefix or None, offset=start, chunk_size=PAGE_OBJECTS
        ):
            for meta in page:
                item = self._item(meta)
                if item.key <= after:
                    raise PlaceUnreadable("The bucket is not listed in the order of its keys, so none of them can be told from those that were seen.")  # fmt: skip
                after = item.key
                yield item

    def _folder(self, folder: str) -> Iterator[tuple[str, Item | None]]:
        """One folder: its objects and folders, sorted here."""
        path = self._path(folder).rstrip("/")
        found = obstore.list_with_delimiter(self._store, prefix=path or None)
        objects = {item.key: item for item in map(self._item, found["objects"])}
        folders = {self._key(each).rstrip("/") + "/" for each in found["common_prefixes"]}
        for key in sorted([*objects, *folders]):
            yield key, objects.get(key)

    def _item(self, meta: "ObjectMeta") -> Item:
        changed_us = int(meta["last_modified"].timestamp() * 1_000_000)
        version = meta.get("e_tag") or f"{meta['size']:x}.{changed_us:x}"
        return Item(self._key(meta["path"]), meta["size"], version, changed_us)

    def _key(self, path: str) -> str:
        return path.removeprefix(self._prefix).lstrip("/")

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
    return Bucket(store, prefix, ordered=_lists_in_order(scheme, name))


def _lists_in_order(scheme: str, name: str) -> bool:
    """Google, and Amazon itself, but for its directory buckets."""
    elsewhere = os.environ.get("AWS_ENDPOINT") or os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_S3")  # fmt: skip
    return scheme == "gs" or (scheme == "s3" and not elsewhere and not name.endswith("--x-s3"))
