"""What was found in texts that were looked at lately, so that what comes again unchanged is not looked at again: mails quote mails, a chat is sent anew with every word.

A text is known by a digest under a key that this process drew when it began, so what is kept says nothing of any text, and nobody can make two that pass for one.
What is kept are places and categories, never values. The same text by the same rules has the same findings, so an answer is the same with it and without.
"""

import hashlib
import os
from collections.abc import Hashable
from dataclasses import dataclass, field

from ostiary.detection.finding import Finding

WEIGHT_MAX = 150_000
"""Texts and findings together, about 30 MB at most."""
_KEY = os.urandom(32)


def key_of(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=_KEY).digest()


@dataclass(slots=True)
class Seen:
    """Findings by the text's key and what was asked. It forgets everything when it is full: what comes again and again is soon back."""

    kept: dict[tuple[bytes, Hashable], tuple[Finding, ...]] = field(default_factory=dict)
    weight: int = 0

    def of(self, key: bytes, asked: Hashable) -> tuple[Finding, ...] | None:
        return self.kept.get((key, asked))

    def keep(self, key: bytes, asked: Hashable, found: tuple[Finding, ...]) -> None:
        weight = 1 + len(found)
        if weight > WEIGHT_MAX:
            return
        if self.weight + weight > WEIGHT_MAX:
            self.kept, self.weight = {}, 0
        self.kept[key, asked] = found
        self.weight += weight
