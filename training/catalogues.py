"""What programs say to people in some thirty languages: the translations that come with Django, Wagtail and Superset. Nobody is named there, and no place.

They teach the common words of languages that we have few sentences in, and that a capital at the start of one, or on a German noun, makes no name. A text is left out where
a word with a capital stands in the English as well: that is a name which translators keep. The wheels are read as archives and known by their hashes; nothing in them
is installed or run. OSTIARY_TEXTS says where they lie.
"""

import hashlib
import io
import os
import re
import struct
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from training.data import Document

SOURCES = {
    "django-5.2.19-py3-none-any.whl": {
        "origin": "Django 5.2, translations", "licence": "BSD-3-Clause", "sha256": "5965d974a5218a2b68a11dd1276434707f23886525c23f0598eccedaf4f4ca00",
    },
    "wagtail-8.0.1-py3-none-any.whl": {
        "origin": "Wagtail 8.0, translations", "licence": "BSD-3-Clause", "sha256": "1e6ad5c7891a54efce1400e168298b5a2cc343b642cee89c31bf5ec30c98b26c",
    },
    "apache_superset-6.1.0-py3-none-any.whl": {
        "origin": "Apache Superset 6.1, translations", "licence": "Apache-2.0", "sha256": "4b5886b2d6389a32df790aeae2532ad72529bce1af93b6edf2d1b2a8bf658748",
    },
}  # fmt: skip
OURS = frozenset("de fr es it nl pt pl".split())
OTHERS = frozenset("sv da nb fi cs sk sl hr hu ro bg el tr ru uk ja ko ca et lt lv id vi zh".split())
OURS_SHARE = 0.7
WORDS_MIN = 2
_MAGIC = 0x950412DE
_PATH = re.compile(r"/(?:locale|translations)/([a-z]{2})(?:[_-][A-Za-z]+)?/LC_MESSAGES/\w+\.mo$")
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{[^{}]*\}|%%")
_MARKUP = re.compile(r"<[^<>]*>|&\w+;")
_CAPITAL = re.compile(r"\b[A-Z]\w+")


@cache
def texts() -> dict[str, tuple[str, ...]]:
    """Language -> its texts, each once. Raises FileNotFoundError, or ValueError where a wheel is another."""
    found: dict[str, dict[str, None]] = {}
    for name in SOURCES:
        archive = _opened(name)
        for path in sorted(archive.namelist()):
            match = _PATH.search("/" + path)
            if match and match[1] in OURS | OTHERS:
                for english, text in _messages(archive.read(path)):
                    if cleaned := _cleaned(english, text):
                        found.setdefault(match[1], {})[cleaned] = None
    return {language: tuple(kept) for language, kept in found.items()}


def documents(seed: int, count: int) -> Iterator[Document]:
    """So many texts of one or two sentences."""
    random = Random(seed)
    known = texts()
    ours, others = sorted(OURS & set(known)), sorted(OTHERS & set(known))
    for _ in range(count):
        kept = known[random.choice(ours if random.random() < OURS_SHARE else others)]
        yield Document(random.choice([" ", "\n", ". "]).join(random.choices(kept, k=random.choice([1, 1, 2, 3]))), ())  # fmt: skip


def _opened(name: str) -> zipfile.ZipFile:
    content = (Path(os.environ.get("OSTIARY_TEXTS", "")) / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != SOURCES[name]["sha256"]:
        raise ValueError(f"{name} is not the file that the weights were made from")
    return zipfile.ZipFile(io.BytesIO(content))


def _messages(content: bytes) -> Iterator[tuple[str, str]]:
    """(English, translation) of a catalogue of GNU gettext, little end first; of plurals the first form."""
    magic, _, count, originals, translations = struct.unpack_from("<5I", content)
    if magic != _MAGIC:
        return
    for number in range(count):
        pair = []
        for table in (originals, translations):
            size, at = struct.unpack_from("<2I", content, table + 8 * number)
            pair.append(content[at : at + size].decode("utf-8", "replace").split("\0")[0])
        if pair[0]:
            yield pair[0].rpartition("\x04")[2], pair[1]


def _cleaned(english: str, text: str) -> str:
    """Without markup; "" where it says too little or keeps a name."""
    text = " ".join(_MARKUP.sub(" ", text).split())
    if text == english or _PLACEHOLDER.search(text) or len(text) > 300:
        return ""
    if len(text.split()) < WORDS_MIN and text.isascii():
        return ""
    kept = set(_CAPITAL.findall(english)[1:]) & set(_CAPITAL.findall(text))
    return "" if kept or (english[:1].isupper() and english.split()[0] in text.split()) else text
