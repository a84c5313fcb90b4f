"""Dates as people write them, in eight languages: read, moved by whole days, and written the same way again.

Read are day, month and year in figures (2026-03-01, 1.3.26, 03/01/2026, 20260301) or with the month's name (1 March 2026, March 1st, 2026, 1er mars 2026, 1 de marzo de 2026,
1 marca 2026), with a weekday or a time around them. Where figures could be either, `month_first` says what 03/04/2026 is; a figure above twelve decides for itself. Two-digit years
to 49 are of this century. A date without a year or a day is not read: how far it moved could not be written down.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

CHARACTERS_MAX = 100
CENTURY_TURNS = 50

_TABLES: dict[str, tuple[str, ...]] = {
    "en": (
        "January February March April May June July August September October November December",
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec",
    ),
    "de": (
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
        "Jänner Feber Maerz April Mai Juni Juli August Sept Oktober November Dezember",
    ),
    "fr": (
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "janv févr mars avr mai juin juil août sept oct nov déc",
    ),
    "es": (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "ene feb mar abr may jun jul ago sep oct nov dic",
        "enero febrero marzo abril mayo junio julio agosto setiembre octubre noviembre diciembre",
    ),
    "it": (
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "gen feb mar apr mag giu lug ago set ott nov dic",
    ),
    "nl": (
        "januari februari maart april mei juni juli augustus september oktober november december",
        "jan feb mrt apr mei jun jul aug sep okt nov dec",
    ),
    "pt": (
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "jan fev mar abr mai jun jul ago set out nov dez",
    ),
    "pl": (
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
        "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
        "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    ),
}
_WEEKDAYS: dict[str, tuple[str, ...]] = {
    "en": ("Monday Tuesday Wednesday Thursday Friday Saturday Sunday", "Mon Tue Wed Thu Fri Sat Sun"),
    "de": ("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag", "Mo Di Mi Do Fr Sa So"),
    "fr": ("lundi mardi mercredi jeudi vendredi samedi dimanche", "lun mar mer jeu ven sam dim"),
    "es": ("lunes martes miércoles jueves viernes sábado domingo", "lun mar mié jue vie sáb dom"),
    "it": ("lunedì martedì mercoledì giovedì venerdì sabato domenica", "lun mar mer gio ven sab dom"),
    "nl": ("maandag dinsdag woensdag donderdag vrijdag zaterdag zondag", "ma di wo do vr za zo"),
    "pt": (
        "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
        "seg ter qua qui sex sáb dom",
    ),
    "pl": ("poniedziałek wtorek środa czwartek piątek sobota niedziela", "pon wt śr czw pt sob nd"),
}


@dataclass(frozen=True, slots=True)
class _Word:
    """One entry of a table: which language and table, its number, and whether it was written without accents."""

    language: str
    table: tuple[str, ...]
    number: int
    bare: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A date and where its parts stand in the text. `month_word`: None where the month is a figure."""

    day: date
    text: str
    spans: tuple[tuple[str, int, int], ...]
    month_word: _Word | None
    padded: bool


def shifted(text: str, days: int, *, month_first: bool = False, language: str = "") -> str | None:
    """The same text with its date so many days later; None where none can be read, or the year leaves 1 to 9999."""
    written = parsed(text, month_first=month_first, language=language)
    if written is None:
        return None
    try:
        return _rewritten(written, written.day + timedelta(days=days))
    except OverflowError:
        return None


def parsed(text: str, *, month_first: bool = False, language: str = "") -> Written | None:
    """The one date of the text."""
    if len(text) > CHARACTERS_MAX:
        return None
    for reading in _readings(text, month_first, language):
        return reading
    return None


_GAP = r"[ \u00a0\u202f]"
_YEAR = r"(?P<y>\d{4}|['’]?\d\d)"
_NAMED_DAY = r"(?P<d>\d{1,2})(?P<o>st|nd|rd|th|er|re|e|º|°|ª|\.)?"
_NUMERIC = (
    re.compile(r"(?<!\d)(?P<y>\d{4})(?P<s>[-/. ])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})(?!\d)"),
    re.compile(
        r"(?<!\d)(?P<a>\d{1,2})(?P<s>[-/.]" + _GAP + r"?| )(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d\d)(?!\d)"
    ),
    re.compile(r"(?<!\d)(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?!\d)"),
)
_LETTERS = r"(?P<m>[^\W\d_]{3,12})\.?"
_NAMED = (
    re.compile(rf"(?<!\d){_NAMED_DAY}(?:{_GAP}|-)?(?:(?:of|de|di|del){_GAP})?{_LETTERS}(?:,?{_GAP}|-)?(?:(?:de|del|of){_GAP})?{_YEAR}(?!\d)", re.IGNORECASE),
    re.compile(rf"(?<![^\W\d_]){_LETTERS}{_GAP}(?:the{_GAP})?{_NAMED_DAY},?{_GAP}{_YEAR}(?!\d)", re.IGNORECASE),
)  # fmt: skip


def _readings(text: str, month_first: bool, language: str) -> Iterator[Written]:
    for pattern in _NUMERIC:
        for match in pattern.finditer(text):
            names = _ordered(match, month_first) if "a" in match.groupdict() else ("y", "m", "d")
            year, month, day = (match[name] for name in names)
            if (found := _date(year, int(month), day)) is not None:
                spans = tuple((kind, *match.span(name)) for kind, name in zip("ymd", names, strict=True))
                yield Written(found, text, spans, None, len(month) == len(day) == 2)
    for pattern in _NAMED:
        for match in pattern.finditer(text):
            word = _month(match["m"], match[0], language)
            if word is not None and (found := _date(match["y"], word.number + 1, match["d"])) is not None:
                kinds = "ymdo" if match["o"] else "ymd"
                spans = tuple((kind, *match.span(kind)) for kind in kinds)
                yield Written(found, text, spans, word, match["d"].startswith("0"))


def _ordered(match: re.Match[str], month_first: bool) -> tuple[str, str, str]:
    first, second = int(match["a"]), int(match["b"])
    if second > 12 >= first or (month_first and first <= 12):
        return "y", "a", "b"
    return "y", "b", "a"


def _date(year: str, month: int, day: str) -> date | None:
    plain = year.strip("'’")
    number = int(plain)
    if len(plain) == 2:
        number += 2000 if number < CENTURY_TURNS else 1900
    try:
        return date(number, month, int(day))
    except ValueError:
        return None


def _bare(word: str) -> str:
    return "".join(
        c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c)
    ).replace("ł", "l")


def _index(tables: dict[str, tuple[str, ...]]) -> dict[str, list[_Word]]:
    """Every spelling, with and without its accents, to what it may be."""
    index: dict[str, list[_Word]] = {}
    for language, rows in tables.items():
        for row in rows:
            table = tuple(row.split())
            for number, word in enumerate(table):
                index.setdefault(word.casefold(), []).append(_Word(language, table, number, False))
                if _bare(word) != word.casefold():
                    index.setdefault(_bare(word), []).append(_Word(language, table, number, True))
    return index


_MONTHS = _index(_TABLES)
_DAYS = _index(_WEEKDAYS)
_TITLED = ("en", "de")


def _month(word: str, around: str, language: str) -> _Word | None:
    """What a month's name is, in the language that it is most likely to be."""
    found = _MONTHS.get(word.casefold()) or []
    if not found:
        return None

    def likely(each: _Word) -> tuple[bool, bool, bool, bool]:
        romance = re.search(r" de ", around, re.IGNORECASE) is not None
        dotted = re.search(r"\d\.", around) is not None
        return (
            each.language == language,
            romance == (each.language in ("es", "pt")),
            dotted == (each.language == "de"),
            word[0].isupper() == (each.language in _TITLED),
        )

    return max(found, key=likely)


def _rewritten(written: Written, day: date) -> str:
    text = written.text
    parts: list[str] = []
    position = 0
    for kind, start, end in sorted(written.spans, key=lambda span: span[1]):
        parts += (text[position:start], _part(written, kind, text[start:end], day))
        position = end
    whole = "".join((*parts, text[position:]))
    return _weekday(whole, written, day)


def _part(written: Written, kind: str, old: str, day: date) -> str:
    if kind == "y":
        mark = old[: len(old) - len(old.lstrip("'’"))]
        return mark + (f"{day.year % 100:02}" if len(old) - len(mark) == 2 else f"{day.year:04}")
    if kind == "o":
        return _ordinal(old, day.day)
    if kind == "m" and written.month_word is not None:
        return _as_written(old, written.month_word, day.month - 1)
    number = day.month if kind == "m" else day.day
    return f"{number:02}" if written.padded else str(number)


def _ordinal(old: str, day: int) -> str:
    if old.lower() in ("st", "nd", "rd", "th"):
        ending = "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
        return ending.upper() if old.isupper() else ending
    if old.lower() in ("er", "re", "e"):
        return "er" if day == 1 else ""
    return old


def _as_written(old: str, word: _Word, number: int) -> str:
    new = word.table[number]
    if word.bare:
        new = "".join(c for c in unicodedata.normalize("NFKD", new) if not unicodedata.combining(c)).replace(
            "ł", "l"
        )
    if old.isupper() and len(old) > 1:
        return new.upper()
    return new.capitalize() if old[0].isupper() else new.lower()


def _weekday(text: str, written: Written, day: date) -> str:
    """The weekday before the date, where it was the right one, follows it."""

    def moved(match: re.Match[str]) -> str:
        right = [word for word in _DAYS.get(match[0].casefold(), ()) if word.number == written.day.weekday()]
        language = written.month_word.language if written.month_word else ""
        for word in sorted(right, key=lambda word: word.language != language):
            return _as_written(match[0], word, day.weekday())
        return match[0]

    first = min(start for _, start, _ in written.spans)
    return re.sub(r"[^\W\d_]{2,}(?:-feira)?", moved, text[:first]) + text[first:]
