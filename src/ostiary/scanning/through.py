"""One item of a place, read and looked at: what a job, a worker or the command line asks for each."""

from collections.abc import Iterator

from ostiary.detection.rules import RuleSet
from ostiary.scanning.look import Limits, Looked, is_long_text, look, look_long
from ostiary.scanning.place import Item, Place, Sample, Unreadable

CHUNK_BYTES = 4 * 1024 * 1024


def look_at(place: Place, item: Item, rules: RuleSet, limits: Limits, key: bytes = b"") -> Looked:
    """What is in this item of the place. It does not raise for one item: what cannot be read or looked at is told by its state."""
    try:
        content = read(place, item, limits)
        if isinstance(content, bytes) and len(content) < item.size and is_long_text(content, item.key):
            return look_long(item, _chunks(place, item, content), rules, limits, key)
        return look(item, content, rules, limits, key)
    except Unreadable as wrong:
        return unseen(item, wrong)


def read(place: Place, item: Item, limits: Limits) -> bytes | Sample:
    """The content that `look` takes; of what is longer than the bound, its beginning. Raises Unreadable."""
    if item.state:
        raise Unreadable(item.state)
    return place.read(item, limits.bytes_max)


def unseen(item: Item, why: Unreadable) -> Looked:
    """What is told of an item that was not read. Without a version: it is tried again by the next scan."""
    return Looked(item.key, "", item.size, "", why.state, code=why.code)


def _chunks(place: Place, item: Item, first: bytes) -> Iterator[bytes]:
    yield first
    at = len(first)
    while at < item.size:
        chunk = place.read(item, CHUNK_BYTES, at)
        if isinstance(chunk, Sample) or not chunk:
            return
        at += len(chunk)
        yield chunk
