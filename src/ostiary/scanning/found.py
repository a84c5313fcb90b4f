"""Counting findings without keeping a value: how many of each category, and how many distinct ones, told apart by a short hash that lives as long as the count."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from ostiary.detection.finding import Finding


class Found:
    """Counts of one item. `distinct_max`: beyond so many distinct values, each further one counts only as a finding."""

    def __init__(self, distinct_max: int) -> None:
        self.counts: Counter[str] = Counter()
        self.distinct: Counter[str] = Counter()
        self._seen: set[bytes] = set()
        self._most = distinct_max

    def add(self, category: str, value: str) -> None:
        self.counts[category] += 1
        if len(self._seen) >= self._most:
            return
        plain = f"{category}\0{' '.join(value.split()).casefold()}"
        name = blake2b(plain.encode("utf-8", "replace"), digest_size=10).digest()
        if name not in self._seen:
            self._seen.add(name)
            self.distinct[category] += 1


def apart(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Of findings that overlap the longest that begins first, so that nothing counts twice."""
    reached = 0
    for each in sorted(findings, key=lambda one: (one.start, -one.end, -one.score)):
        if each.start >= reached:
            reached = each.end
            yield each


def add_all(found: Found, text: str, findings: Sequence[Finding]) -> None:
    for each in apart(findings):
        found.add(str(each.category), text[each.start : each.end])
