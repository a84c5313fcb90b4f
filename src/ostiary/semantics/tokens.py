"""Words, numbers, texts between quotes and stretches of time of a question."""

import re
from dataclasses import dataclass
from typing import Any

from ostiary.semantics import periods

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]{1,200}"|'[^']{1,200}'|`[^`]{1,200}`|“[^”]{1,200}”)|(?P<number>[$€£]?\d[\d,]*(?:\.\d+)?(?:\s?(?:k|thousand|m|million|bn|billion)\b)?%?)(?![\w-])|(?P<word>[^\W\d_][\w'-]*|>=|<=|[<>=])|(?P<other>.))""",
    re.VERBOSE | re.IGNORECASE,
)
_TIMES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9}


@dataclass(slots=True)
class Item:
    kind: str
    """word, quoted, number, period, grain, days or stop."""
    text: str
    value: Any = None
    """Of a word: as it was written."""


def items(question: str) -> list[Item]:
    """Words, numbers, texts between quotes, stretches of time and their periods."""
    text = question.lower().replace("’", "'").replace("'s ", " ")
    kept = question.replace("’", "'").replace("'s ", " ")
    if len(text) != len(kept):  # a letter whose small form is longer
        kept = text
    found: list[Item] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        taken = _timed(text, at)
        if taken:
            item, at = taken
            found.append(item)
            continue
        token = _TOKEN.match(text, at)
        if token is None:
            break
        if token["quoted"]:
            value = kept[token.start("quoted") + 1 : token.end("quoted") - 1]
            found.append(Item("quoted", value, value))
        elif token["number"] and token["number"].endswith("%"):
            found.append(Item("word", token["number"]))  # of what is not known
        elif token["number"]:
            found.append(Item("number", token["number"], _number(token["number"])))
        elif token["word"]:
            found += [Item("word", each) for each in _pieces(token["word"])]
            found[-1].value = kept[token.start("word") : token.end("word")]
        elif token["other"] in ",;":
            found.append(Item("stop", ","))
        elif token["other"].isalnum():
            found.append(Item("word", token["other"]))
        at = max(token.end(), at + 1)
    return found


def _pieces(word: str) -> list[str]:
    """`sale_price` is two words."""
    return [each for each in word.split("_") if each] or [word]


def _timed(text: str, at: int) -> tuple[Item, int] | None:
    if at and (text[at - 1].isalnum() or text[at - 1] in "_-'\""):
        return None
    best: tuple[Item, int] | None = None
    for pattern, reading in periods.PHRASES:
        if (found := pattern.match(text, at)) and _ends(text, found.end()):
            period = reading(found)
            if period and (best is None or found.end() > best[1]):
                best = (Item("period", found[0], period), found.end())
    for shape, days in periods.DAYS:
        if (found := shape.match(text, at)) and _ends(text, found.end()):
            return Item("days", found[0], days), found.end()
    for shape, grain in periods.GRAINS:
        if (found := shape.match(text, at)) and _ends(text, found.end()) and (best is None or found.end() > best[1]):  # fmt: skip
            best = (Item("grain", found[0], grain), found.end())
    return best


def _ends(text: str, at: int) -> bool:
    return at >= len(text) or not (text[at].isalnum() or text[at] in "_-")


def _number(said: str) -> float:
    digits = re.sub(r"[^\d.]", "", said)
    times = next((_TIMES[unit] for unit in re.findall(r"[a-z]+", said) if unit in _TIMES), 1.0)
    return float(digits) * times
