"""Dates and ages as people write them in eight languages; what a label calls a date of birth is `date_of_birth` instead.

Folding has taken the accents away: `février` is matched as `fevrier`. Months that are also words (May, March, mars) need a digit on both sides or a capital.
"""

import re

from ostiary.detection.checksum import calendar_day
from ostiary.detection.detector import Detector

_FULL = (
    "january february april june july september october november december "
    "januar jaenner janner februar maerz marz juni juli oktober dezember "
    "janvier fevrier avril juin juillet aout septembre octobre novembre decembre "
    "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre "
    "gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre "
    "januari februari maart mei augustus "
    "janeiro fevereiro marco maio junho julho setembro outubro novembro dezembro "
    "stycznia styczen lutego luty marca marzec kwietnia kwiecien maja czerwca czerwiec lipca lipiec sierpnia sierpien wrzesnia wrzesien "
    "pazdziernika pazdziernik listopada listopad grudnia grudzien"
)
_ALSO_WORDS = "may march august april mars mai"
_SHORT = "jan feb fev febr mar mrz apr avr abr mag jun giu jul juil lug aug ago set sep sept oct okt ott out nov dec dez dic"
_NUMBERED = {
    month: number
    for number, month in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}

_ANY = "|".join(sorted({*_FULL.split(), *_ALSO_WORDS.split(), *_SHORT.split()}, key=len, reverse=True))
_SURE = "|".join(sorted(set(_FULL.split()), key=len, reverse=True))
_CAPITAL = "|".join(
    sorted(
        {word.capitalize() for word in (*_FULL.split(), *_ALSO_WORDS.split(), *_SHORT.split())},
        key=len,
        reverse=True,
    )
)
_WEEKDAYS = (
    "monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag "
    "lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miercoles jueves viernes sabado domingo "
    "lunedi martedi mercoledi giovedi venerdi domenica maandag dinsdag woensdag donderdag vrijdag zaterdag zondag "
    "segunda terca quarta quinta sexta poniedzialek wtorek sroda czwartek piatek sobota niedziela"
)
_SPANS = (
    "day days week weeks month months year years decade century yesterday today tomorrow tag tage tagen woche wochen monat monate monaten jahr jahre jahren gestern heute morgen "
    "jour jours semaine semaines mois an ans annee annees hier demain dia dias semana semanas mes meses ano anos ayer hoy giorno giorni settimana settimane mese mesi anno anni ieri oggi domani "
    "dag dagen weken maand maanden jaar gisteren vandaag ontem hoje dzien dni tydzien tygodni miesiac miesiecy rok lat wczoraj dzisiaj jutro"
)
MONTHS_THAT_ARE_WORDS = frozenset(_ALSO_WORDS.split())
SPANS_OF_TIME = frozenset(_SPANS.split())
CALENDAR_WORDS = frozenset(f"{_FULL} {_ALSO_WORDS} {_WEEKDAYS} {_SPANS}".split())
"""Months, days of the week and what time is counted in, small and without accents."""
_ORDINAL = r"(?i:st|nd|rd|th|er|e|o|a|\.)?"
_OF = r"(?:,? ?(?i:of|de|del|d'|den|di|do|da)? ?)"
_YEAR = r"(?:1[4-9]\d\d|20\d\d|21\d\d)"

_WRITTEN = (
    rf"\b\d{{1,2}}{_ORDINAL}[ \-/]{{0,2}}{_OF}\b(?i:{_ANY})\b\.?{_OF}[ \-/,]{{0,2}}(?:{_YEAR}|'?\d\d)\b",
    rf"\b(?:{_CAPITAL})\b\.? ?\d{{1,2}}(?i:st|nd|rd|th)?(?:(?:, ?| )(?:of )?{_YEAR})?\b",
    rf"\b\d{{1,2}}{_ORDINAL} {{0,2}}{_OF}\b(?:(?i:{_SURE})|{_CAPITAL})\b",
    rf"\b(?:(?i:{_SURE})|{_CAPITAL})\b\.?{_OF}{_YEAR}\b",
    rf"\b{_YEAR}[ \-/]{{1,2}}(?:{_CAPITAL})[ \-/]{{1,2}}\d{{1,2}}\b",
)
WRITTEN = "|".join(_WRITTEN)

_TIME = r"(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z| ?[+\-]\d\d:?\d\d)?)?"
NUMERIC = (
    rf"\b{_YEAR}(?:-\d{{1,2}}-\d{{1,2}}|/\d{{1,2}}/\d{{1,2}}|\.\d{{1,2}}\.\d{{1,2}}){_TIME}|"
    rf"\b\d{{1,2}}(?:/\d{{1,2}}/|\.\d{{1,2}}\.|-\d{{1,2}}-|\. \d{{1,2}}\. ?)(?:{_YEAR}|\d\d)\b|"
    rf"\b{_YEAR}\xa4 ?\d{{1,2}}\xa4 ?\d{{1,2}}\xa4"
)
_MONTHLY = rf"\b(?:0?[1-9]|1[0-2])/{_YEAR}\b|\b(?:{_CAPITAL})[\-/'](?:{_YEAR}|\d\d)\b|\b(?:0?[1-9]|[12]\d|3[01])-(?:{_CAPITAL})\b"
"""A month of a year, a day of a month: `05/2021`, `May-21`, `21-May`."""
_CARD_MONTH = r"\b(?:0?[1-9]|1[0-2])/\d\d\b"
_DAY_WORDS = (
    "today",
    "date",
    "dated",
    "due",
    "expires",
    "expiry",
    "exp",
    "valid until",
    "valid thru",
    "deadline",
    "datum",
    "fecha",
    "scadenza",
    "data",
    "gultig bis",
)
_PARTS = re.compile(r"\d+")


def written(text: str) -> bool:
    """A day of a month has one or two digits up to 31; the rest the pattern has seen to."""
    numbers = [int(part) for part in _PARTS.findall(text)]
    return all(
        number <= 31 or 1400 <= number <= 2199 or (number <= 99 and place > 0)
        for place, number in enumerate(numbers)
    )


def numeric(text: str) -> bool:
    """A day that was: year first, or day and month in either order. Two digits of a year only where day and month have two each, or the slash joins them."""
    parts = _PARTS.findall(text)[:3]
    if len(parts[0]) == 4:
        return calendar_day(*map(int, parts))
    first, second, year = parts
    if len(year) == 2 and "/" not in text and (len(first), len(second)) != (2, 2):
        return False
    whole = int(year) if len(year) == 4 else 2000 + int(year)
    return calendar_day(whole, int(second), int(first)) or calendar_day(whole, int(first), int(second))


def age(text: str) -> bool:
    return 0 < int(text) <= 120


_LIVED = r"(?i:\b(?:age|aged|alter|alter von|age de|agee? de|edad|de edad|eta|idade|leeftijd|wiek|w wieku)\b[\"']?\)?(?: ?[:=] ?| (?:is |was |of |von |van )?)[\"']?(?P<v>\d{1,3})\b)"
_OLD = (
    r"\b(?P<v>\d{1,3})(?i:[ \-]?(?:years?|yrs?|y)[ \-]?(?:old|o)\b|[ \-]years of age\b| ?y/?o\b|[ \-]?jahrig| jahre alt\b| jahren\b| ans\b| anos de (?:edad|idade)\b| anni\b| jaar oud\b|"
    r"-jarige\b| lat\b|[ \-]year[ \-]olds?\b)"
)

DETECTORS: tuple[Detector, ...] = (
    Detector("date in digits", "date", "", NUMERIC, numeric, (), 0.6, numeric=True),
    Detector("date with a month's name", "date", "", WRITTEN, written, (), 0.6),
    Detector("month of a year", "date", "", _MONTHLY, None, (), 0.55, numeric=True),
    Detector(
        "month and year in two digits",
        "date",
        "",
        _CARD_MONTH,
        None,
        _DAY_WORDS,
        0.2,
        numeric=True,
        reach=(24, 0),
    ),
    Detector("age after its label", "age", "", _LIVED, age, (), 0.6),
    Detector("age before its unit", "age", "", _OLD, age, (), 0.6),
)
