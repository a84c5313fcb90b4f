"""Looking at one item: its content in, how much of what is in it out. Pure and picklable, so it runs in process, in worker processes or on a cluster alike.

What comes out holds no value: counts by category, and a digest that only the holder of the key could compare.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from ostiary.detection.rules import RuleSet
from ostiary.scanning.place import Item, Sample

BYTES_MAX = 64 * 1024 * 1024
TEXT_BYTES_MAX = 1024 * 1024 * 1024
DOCUMENT_SECONDS_MAX = 60
DISTINCT_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one item may cost. bytes_max: of a document, and of what is held in memory. text_bytes_max: a longer text is looked at up to here.

    distinct_max: distinct values of an item that are told apart; beyond, the count is a lower bound.
    """

    bytes_max: int = BYTES_MAX
    text_bytes_max: int = TEXT_BYTES_MAX
    document_seconds_max: int = DOCUMENT_SECONDS_MAX
    distinct_max: int = DISTINCT_MAX


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of an item; it holds no value of it.

    digest: HMAC-SHA-256 of the content under the caller's key, hexadecimal; "" without a key. state: one of `place.STATES`. counts: findings by category; of a
    column: values of the sample. distinct: distinct values by category. share: of a column, the part of the sampled values that are findings of its first category;
    0 for files. code: the error code where it was not looked at. rows, values: of a column, the table's rows as estimated and how many values were looked at.
    """

    key: str
    version: str
    size: int
    digest: str
    state: str
    counts: Mapping[str, int] = field(default_factory=dict)
    distinct: Mapping[str, int] = field(default_factory=dict)
    share: float = 0.0
    code: str = ""
    rows: int = 0
    values: int = 0


def look(item: Item, content: bytes | Sample, rules: RuleSet, limits: Limits, key: bytes = b"") -> Looked:
    """What is in this content. It does not raise: what cannot be looked at is told by its state."""
    raise NotImplementedError


def digest_of(content: bytes | Sample, key: bytes) -> str:
    """Equal for equal content under one key; tells nothing without it. "" without a key."""
    if not key:
        return ""
    data = "\0".join(content.values).encode("utf-8", "replace") if isinstance(content, Sample) else content
    return hmac.new(key, data, hashlib.sha256).hexdigest()
