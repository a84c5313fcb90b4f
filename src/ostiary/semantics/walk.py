"""A question, word by word: where one is in it, and what stands there."""

import re
from typing import Any

from ostiary.semantics.lexicon import Lexicon, Meaning, stem
from ostiary.semantics.tokens import Item, items
from ostiary.semantics.words import DONE, FILLER, JOINED, JOINING

_FIRST_AND_LAST = re.compile(r"\b(first) and (last)( names?)\b", re.IGNORECASE)


class Walk:
    """`_at`: the place of the next word."""

    def __init__(self, lexicon: Lexicon, question: str) -> None:
        self._lexicon = lexicon
        self._items = items(_FIRST_AND_LAST.sub(r"\1\3 and \2\3", question))
        self._words = [stem(each.text) if each.kind in ("word", "grain") else "\0" for each in self._items]
        self._at = 0
        self._joined = self._hint()

    def _hint(self) -> tuple[str, ...]:
        """`…, based on joining the orders and customers tables`, at the end: the tables. The hint is taken off; what is to come of it is in the rest of the question."""
        said = [each.text for each in self._items]
        start = next((at for at in range(len(said)) for each in JOINING if tuple(said[at : at + len(each)]) == each), 0)  # fmt: skip
        if not start:
            return ()
        tables, at = [], start
        while at < len(said):
            size, meanings = self._lexicon.at(self._words, at)
            tables += [each.dataset for each in meanings if each.kind == "dataset"][:1]
            if not (any(each.kind == "dataset" for each in meanings) or said[at] in JOINED):
                return ()  # it goes on with something else
            at += size or 1
        del self._items[start:], self._words[start:]
        return tuple(dict.fromkeys(tables))

    def _next(self, *words: str, ahead: int = 0) -> bool:
        at = self._at + ahead
        items = self._items[at : at + len(words)]
        return [each.text for each in items] == list(words) and all(each.kind == "word" for each in items)

    def _text(self, size: int) -> str:
        return " ".join(each.text for each in self._items[self._at : self._at + size])

    def _text_at(self, at: int) -> str:
        return self._items[at].text if at < len(self._items) else ""

    def _fits(self, function: str, meant: Meaning) -> bool:
        if meant.kind == "dataset":
            return function in ("count", "distinct")
        if meant.kind != "field":
            return False
        kind = self._kind(meant)
        return kind == "number" or function in ("count", "distinct") or (function in ("min", "max") and kind == "time")  # fmt: skip

    def _kind(self, meant: Meaning) -> str:
        dataset = self._lexicon.model.dataset(meant.dataset)
        known = dataset.field(meant.name) if dataset else None
        return known.kind if known else ""

    def _counts(self, metric: Meaning) -> bool:
        known = self._lexicon.model.metric(metric.name)
        said = list(known.expression.by_dialect.values()) if known else []
        return bool(said) and all(each.lstrip("( ").upper().startswith("COUNT") for each in said)

    def _others(self, kind: str) -> tuple[Any, ...]:
        """`"EU", "US" or "UK"`: the values after the first. Only with an `or` is it any of them."""
        found, at = [], self._at
        while at + 1 < len(self._items) and self._items[at].text in (",", "or"):
            last = self._items[at].text == "or"
            at += 1 + (self._items[at].text == "," and self._items[at + 1].text == "or")
            last = last or self._items[at - 1].text == "or"
            if at >= len(self._items) or self._items[at].kind != kind:
                return ()
            found.append(self._items[at].value)
            at += 1
            if last:
                self._at = at
                return tuple(found)
        return ()

    def _other_values(self, first: list[Meaning]) -> tuple[str, ...]:
        """`Italian or Mexican`: another value of the same field after an `or`."""
        found: list[str] = []
        if len(first) != 1:
            return ()
        while self._next("or"):
            size, meanings = self._lexicon.at(self._words, self._at + 1)
            values = [each.value for each in meanings if each.kind == "value" and (each.dataset, each.name) == (first[0].dataset, first[0].name)]  # fmt: skip
            if len(values) != 1:
                break
            found += values
            self._at += 1 + size
        return tuple(found)

    def _done_by(self) -> bool:
        """`made by`, `placed by`: who did it, which is no way to tell it unless somebody says so."""
        return self._next("by") and self._at > 0 and self._items[self._at - 1].text in DONE

    def _called(self) -> bool:
        """Whether it begins a name of the model: daily prices."""
        return self._lexicon.at(self._words, self._at)[0] > 1

    def _capital(self, item: Item) -> bool:
        return item.kind == "word" and str(item.value or "")[:1].isupper() and item.text not in FILLER
