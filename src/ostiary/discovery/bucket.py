"""A bucket that a tenant names, as a place: listed and read over S3's protocol, which Google's storage speaks too. Its methods are called in a thread."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from ostiary.clock import Clock
from ostiary.discovery._sigv4 import Unsigned, encoded, path_of, signed
from ostiary.discovery.storage import Storage, Where, plain_key, read_list
from ostiary.net.address import Egress
from ostiary.scanning.place import Item, PlaceUnreadable

PAGE_KEYS = 1_000


class Bucket:
    """One bucket. To be closed on the loop."""

    kind = "bucket"

    def __init__(
        self, where: Where, allowed: Egress, clock: Clock, run: Callable[[Awaitable[Any]], Any], *, bytes_max: int
    ) -> None:  # fmt: skip
        """Raises AddressRefused for an endpoint that is not plainly spelled."""
        self._where, self._clock = where, clock
        self._storage = Storage(where.endpoint, allowed, run, bytes_max=bytes_max)

    def items(self, after: str) -> Iterator[Item]:
        """Raises PlaceUnreadable."""
        prefix, last = self._where.prefix, after
        while True:
            query = {
                "list-type": "2", "encoding-type": "url", "max-keys": str(PAGE_KEYS), "prefix": prefix,
                **({"start-after": prefix + last} if last else {}),
            }  # fmt: skip
            page = self._page(query)
            if page.entries and page.entries[-1].key == prefix + last:
                raise PlaceUnreadable("The bucket's list does not go on.")
            for entry in page.entries:
                key = entry.key.removeprefix(prefix)
                if not entry.key.startswith(prefix):
                    raise PlaceUnreadable("The bucket's list holds what was not asked for.")
                last = key
                if key.endswith("/") and not entry.size:
                    continue  # what stands for a folder
                yield Item(key, entry.size, entry.version)
            if not page.more:
                return
            if not page.entries:
                raise PlaceUnreadable("The bucket's list does not go on.")

    def read(self, item: Item, bytes_max: int, start: int = 0) -> bytes:
        """Raises Unreadable."""
        path = path_of(self._where.bucket, self._where.prefix + item.key)
        headers = {**self._signed(path, {}), "Range": f"bytes={start}-{start + bytes_max - 1}"}
        return self._storage.ranged(path, headers, start, bytes_max)

    def _page(self, query: dict[str, str]) -> "_Page":
        path, page = path_of(self._where.bucket), _Page()
        read_list(self._storage.listed(f"{path}?{encoded(query)}", self._signed(path, query)), page)
        return page

    def _signed(self, path: str, query: dict[str, str]) -> dict[str, str]:
        unsigned = Unsigned(self._storage.endpoint.authority, path, query)
        return signed(unsigned, self._where.credentials, region=self._where.region, at_us=self._clock.now_us())  # fmt: skip

    async def close(self) -> None:
        await self._storage.close()


@dataclass(slots=True)
class _Entry:
    key: str = ""
    size: int = 0
    version: str = ""


@dataclass(slots=True)
class _Page:
    """A ListBucketResult."""

    entries: list[_Entry] = field(default_factory=list)
    more: bool = False

    def begin(self, path: list[str], _attributes: dict[str, str]) -> None:
        if path == ["Contents"]:
            self.entries.append(_Entry())

    def end(self, path: list[str], text: str) -> None:
        match path:
            case ["Contents", "Key"]:
                self.entries[-1].key = unquote(text.replace("+", " "), errors="strict")
            case ["Contents", "Size"]:
                self.entries[-1].size = int(text)
            case ["Contents", "ETag"]:
                self.entries[-1].version = text.strip('"')[:200]
            case ["Contents"]:
                plain_key(self.entries[-1].key)
            case ["IsTruncated"]:
                self.more = text == "true"
