"""Redacting JSON and CSV by their structure: what stands in a field is judged with the field's name, and what comes out is valid again.

In JSON the names of objects are texts too, numbers are judged by their digits (and become text where the operator writes none), and a string that holds JSON is redacted as JSON.
In CSV a cell that a spreadsheet would take for a formula is written with an apostrophe before it, whether it was so in the input or became so.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ostiary.detection import fields
from ostiary.detection.engine import has_context
from ostiary.detection.fields import QUANTITIES, field_of, named_of
from ostiary.detection.finding import Finding
from ostiary.detection.folding import fold
from ostiary.redaction import tokens
from ostiary.redaction.apply import redacted
from ostiary.redaction.operators import Surroundings
from ostiary.redaction.plan import Plan
from ostiary.redaction.restore import is_json

DEPTH_MAX = 64
TOO_DEEP = "[withheld: nested too deeply]"
"""Stands for what lies deeper: it was not looked at, so it is not shown."""
NAME_CHARACTERS_MAX = 64
INNER_CHARACTERS_MAX = 1_000_000
NUMBER_DIGITS_MIN = 5
"""Numbers with fewer digits are not looked at, unless their field says what they are."""
CELL_CHARACTERS_MAX = 131_072

FindIn = Callable[[str, str], Sequence[Finding]]
"""(a text, lower-case words of its field's name) -> its findings: `engine.find`."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\x00-\x7f]+")
_MASKED = re.compile(r"\[[a-z_]+(?: \*[0-9A-Za-z]{4})?\]")
_LABELS = ("type", "kind", "label", "field", "key", "name", "id_type", "document_type")
_VALUES = frozenset({"value", "number", "text", "content", "data", "val", "no"})


@dataclass(slots=True)
class Structured:
    """One pass over a value. `counts`: what was replaced, by category."""

    find: FindIn
    plan: Plan
    around: Surroundings = field(default_factory=Surroundings)
    counts: dict[str, int] = field(default_factory=dict)

    def json(self, value: object, name: str = "") -> object:
        """The JSON value, redacted. Unfit where the plan's operator cannot do its work."""
        return self._value(value, hint_of(name), 0)

    def csv(self, text: str, *, delimiter: str = ",", header: bool = True) -> str:
        """The CSV text (RFC 4180), redacted; the first row names the columns if `header`. ValueError for what is no CSV."""
        ending = "\r\n" if "\r\n" in text else "\n"
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter, lineterminator=ending)
        names: list[str] = []
        try:
            for number, row in enumerate(
                csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            ):
                hints = names[: len(row)] + [""] * (len(row) - len(names))
                writer.writerow(
                    [harmless(self.text(cell, hint)) for cell, hint in zip(row, hints, strict=True)]
                )
                if number == 0 and header:
                    names = hints_of(row)
        except csv.Error:
            raise ValueError("this is no CSV") from None
        return out.getvalue()

    def text(self, text: str, hint: str = "", depth: int = 0) -> str:
        """One text, of a field whose name says `hint`."""
        if tokens.is_token(self.around.scope, text):
            return text
        if (whole := by_field(text, hint)) is not None:
            return self._replaced(text, [whole])
        if len(text) <= INNER_CHARACTERS_MAX and is_json(text):
            value = json.loads(text)
            new = self._value(value, "", depth + 1)
            return text if new == value else json.dumps(new, ensure_ascii=False)
        return self._replaced(text, self.find(text, hint))

    def _replaced(self, text: str, findings: Sequence[Finding]) -> str:
        done = redacted(text, findings, self.plan, self.around)
        for change in done.changes:
            if change.operator not in ("kept", "keep"):
                self.counts[change.category] = self.counts.get(change.category, 0) + 1
        return done.text

    def _value(self, value: object, hint: str, depth: int) -> object:
        if isinstance(value, str):
            return self.text(value, hint, depth)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (dict, list, tuple)) and depth >= DEPTH_MAX:
            return TOO_DEEP
        if isinstance(value, dict):
            return self._object(value, hint, depth)
        if isinstance(value, (list, tuple)):
            return [self._value(each, hint, depth + 1) for each in value]
        return self._number(value, hint)

    def _object(self, members: dict[object, object], hint: str, depth: int) -> dict[str, object]:
        label = next(
            (hint_of(str(members[name])) for name in _LABELS if isinstance(members.get(name), str)), ""
        )
        new: dict[str, object] = {}
        for name, value in members.items():
            own = hint_of(str(name))
            if not own and str(name).lower() in _VALUES:
                own = label or hint
            new[_free(new, self.text(str(name)))] = self._value(value, own, depth + 1)
        return new

    def _number(self, number: object, hint: str) -> object:
        whole = int(number) if isinstance(number, float) and number.is_integer() else number
        text = str(whole)
        if len(text) < NUMBER_DIGITS_MIN and not hint:
            return number
        new = self.text(text, hint)
        if new == text:
            return number
        return int(new) if isinstance(whole, int) and re.fullmatch(r"-?[1-9][0-9]{0,18}", new) else new


WHY_FIELD = "the name of the field"
NAMED_SCORE = 0.8
"""Of what only looks like what its field is called: what the model is surer of counts more."""


def by_field(text: str, hint: str) -> Finding | None:
    """The whole text, where the name of its field (`hint_of` it) says what it is and it has the form."""
    rule = field_of(hint) if hint else None
    if rule is None:
        return _by_name(text, hint) if hint else None
    plain = fold(text).data.decode("latin-1").strip()
    if not rule.form.fullmatch(plain) or _MASKED.fullmatch(plain):
        return None
    return Finding(0, len(text), rule.category, "", 0.9, WHY_FIELD)


def _by_name(text: str, hint: str) -> Finding | None:
    """The whole text of a field for what has no form of its own: a first name, a street."""
    rule = named_of(hint)
    plain = text.strip()
    if rule is None or plain.casefold() in _SAYS_NOTHING:
        return None
    if not rule.form.fullmatch(plain) or _MASKED.fullmatch(plain):
        return None
    return Finding(0, len(text), rule.category, "", NAMED_SCORE, WHY_FIELD)


_NOTHING = (
    "none null nil nan n/a na - -- unknown other others various empty missing test default yes no true false ja nein oui non sí si não nee tak nie keine keiner unbekannt andere inconnu "
    "aucun aucune autre desconocido ninguno ninguna otro sconosciuto nessuno nessuna altro onbekend geen andere desconhecido nenhum nenhuma outro nieznany brak inny tbd todo"
)
_SAYS_NOTHING = frozenset(_NOTHING.split())
"""What stands in a field that is not filled in."""


_FORMULA = re.compile(r"\s*[=@\uff1d\uff20]|[\t\r]|\s*[+\-\uff0b\uff0d\u2212](?![\d\s().\-/,]*$)")


def harmless(cell: str) -> str:
    """The cell, with an apostrophe before it if a spreadsheet would compute it; signed numbers and phone numbers stay."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _free(taken: dict[str, object], name: str) -> str:
    """The name, numbered where two redacted names fell together: nothing is lost."""
    if name not in taken:
        return name
    number = 2
    while f"{name} {number}" in taken:
        number += 1
    return f"{name} {number}"


def hints_of(names: Sequence[str]) -> list[str]:
    """`hint_of` each column of one table, where a column that is just `name` is one of people's if its neighbours are (`fields.columns`)."""
    told = fields.columns([_plain(name) for name in names])
    return [
        fields.OF_A_PERSON if words == fields.OF_A_PERSON else hint_of(name)
        for name, words in zip(names, told, strict=True)
    ]


def head_of(heads: Mapping[int, str], column: int) -> str:
    """The name of one column of a table whose heads are read as they come; see `hints_of`."""
    name = heads.get(column, "")
    if not fields.is_just_name(_plain(name)):
        return name
    return hints_of([name, *(other for at, other in heads.items() if at != column)])[0] or name


def _plain(name: str) -> str:
    """The name's words, small; "" where it is no name."""
    if len(name) > NAME_CHARACTERS_MAX or "@" in name or re.search(r"\d{4}", name):
        return ""
    return " ".join(word.lower() for word in _WORDS.findall(fold(name).data.decode("latin-1")))


def hint_of(name: str) -> str:
    """The words of a field's name if they mean anything to a detector or a field rule; what has many digits or an @ is data, and not kept in the cache."""
    if len(name) > NAME_CHARACTERS_MAX or "@" in name or re.search(r"\d{4}", name):
        return ""
    return _hint_of(name)


@lru_cache(maxsize=4096)
def _hint_of(name: str) -> str:
    words = " ".join(word.lower() for word in _WORDS.findall(fold(name).data.decode("latin-1")))
    if not words or words.rsplit(" ", 1)[-1] in QUANTITIES:
        return words if words and _ruled(words) else ""
    return words if _ruled(words) or has_context(words) else ""


def _ruled(words: str) -> bool:
    return field_of(words) is not None or named_of(words) is not None
