"""A container of Azure's storage that a tenant names, as a place. Its methods are called in a thread.

It is listed folder by folder: the list can be begun at no key, and an account with a hierarchical namespace sorts folders by their names without the slash, so that
`b/x` comes before `b.txt`, and a page may hold its blobs before its folders. What a page ends with is held back until nothing before it can follow, so a folder's whole list is
never in memory; a folder that was seen whole is not asked for again.

https://learn.microsoft.com/rest/api/storageservices/list-blobs
"""

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from ostiary.clock import Clock
from ostiary.discovery._shared_key import signed
from ostiary.discovery.storage import Storage, Where, plain_key, read_list
from ostiary.net.address import Egress
from ostiary.scanning.place import Item, PlaceUnreadable, below

PAGE_BLOBS = 5_000
EMPTY_PAGES_MAX = 1_000
"""A page may hold nothing and yet go on; a list that goes on so for ever is none."""


class Container:
    """One container. To be closed on the loop."""

    kind = "bucket"

    def __init__(
        self, where: Where, allowed: Egress, clock: Clock, run: Callable[[Awaitable[Any]], Any], *, bytes_max: int
    ) -> None:  # fmt: skip
        """Raises AddressRefused for an endpoint that is not plainly spelled."""
        self._where, self._clock = where, clock
        self._storage = Storage(where.endpoint, allowed, run, bytes_max=bytes_max)

    def items(self, after: str) -> Iterator[Item]:
        """Raises PlaceUnreadable."""
        for item in below(self._folder, "", after):
            if item.key <= after:
                raise PlaceUnreadable("The container is not listed in the order of its names, so none of them can be told from those that were seen.")  # fmt: skip
            after = item.key
            yield item

    def read(self, item: Item, bytes_max: int, start: int = 0) -> bytes:
        """Raises Unreadable."""
        target, headers = self._signed(self._where.prefix + item.key, {}, {"x-ms-range": f"bytes={start}-{start + bytes_max - 1}"})  # fmt: skip
        return self._storage.ranged(target, headers, start, bytes_max)

    def _folder(self, folder: str) -> Iterator[tuple[str, Item | None]]:
        for entry in self._sorted(folder):
            if entry.folder:
                yield entry.name, None
            elif not entry.name.endswith("/") or entry.size:
                yield entry.name, Item(entry.name, entry.size, entry.version)

    def _sorted(self, folder: str) -> Iterator["_Entry"]:
        held: list[_Entry] = []
        for page in self._pages(folder):
            held = sorted([*held, *page])
            least = max((entry.name.removesuffix("/") for entry in page), default="")
            ready = bisect_left(
                held, least, key=lambda entry: entry.name
            )  # whatever follows comes after `least`
            yield from held[:ready]
            del held[:ready]
        yield from held

    def _pages(self, folder: str) -> Iterator[list["_Entry"]]:
        prefix, marker, empty = self._where.prefix + folder, "", 0
        while True:
            query = {"comp": "list", "delimiter": "/", "maxresults": str(PAGE_BLOBS), "prefix": prefix, "restype": "container"}  # fmt: skip
            target, headers = self._signed("", query | ({"marker": marker} if marker else {}), {})
            page = _Page()
            read_list(self._storage.listed(target, headers), page)
            for entry in page.entries:
                if not entry.name.startswith(prefix) or (entry.folder and entry.name == prefix):
                    raise PlaceUnreadable("The container's list holds what was not asked for.")
                entry.name = entry.name.removeprefix(self._where.prefix)
            yield [entry for entry in page.entries if entry.name]
            empty = 0 if page.entries else empty + 1
            if not page.marker:
                return
            if page.marker == marker or empty > EMPTY_PAGES_MAX:
                raise PlaceUnreadable("The container's list does not go on.")
            marker = page.marker

    def _signed(self, name: str, query: dict[str, str], headers: dict[str, str]) -> tuple[str, dict[str, str]]:  # fmt: skip
        """Of a blob, or of the container itself where the name is empty."""
        where = self._where
        path = f"{self._storage.endpoint.path}/{where.bucket}" + (f"/{quote(name, safe='/-_.~')}" if name else "")  # fmt: skip
        return signed(path, query, where.credentials, headers=headers, at_us=self._clock.now_us())

    async def close(self) -> None:
        await self._storage.close()


@dataclass(slots=True, order=True)
class _Entry:
    """A blob, or a folder (BlobPrefix), whose name ends with a slash."""

    name: str = ""
    folder: bool = False
    size: int = 0
    version: str = ""


@dataclass(slots=True)
class _Page:
    """An EnumerationResults."""

    entries: list[_Entry] = field(default_factory=list)
    marker: str = ""
    _spelled: bool = False

    def begin(self, path: list[str], attributes: dict[str, str]) -> None:
        if path in (["Blobs", "Blob"], ["Blobs", "BlobPrefix"]):
            self.entries.append(_Entry(folder=path[1] == "BlobPrefix"))
        self._spelled = attributes.get("Encoded") == "true"

    def end(self, path: list[str], text: str) -> None:
        match path:
            case ["Blobs", "Blob" | "BlobPrefix", "Name"]:
                self.entries[-1].name = unquote(text, errors="strict") if self._spelled else text
            case ["Blobs", "Blob", "Properties", "Content-Length"]:
                self.entries[-1].size = int(text)
            case ["Blobs", "Blob", "Properties", "Etag"]:
                self.entries[-1].version = text.strip('"')[:200]
            case ["Blobs", "Blob" | "BlobPrefix"]:
                plain_key(self.entries[-1].name)
            case ["NextMarker"]:
                self.marker = text
