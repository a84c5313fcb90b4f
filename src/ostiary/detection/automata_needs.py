"""What has to stand in a text wherever a pattern matches: a weaker expression, derived from the pattern itself, that compiles quickly.

Every step only widens: a bounded repeat loses its bound, an anchor goes, of a sequence one stretch stays that is telling enough. So what a pattern matches holds a match
of what is derived, whatever the pattern is; and what cannot be derived raises `Underived`, so that the pattern is asked for as it is. Patterns are RE2's; they are
read by the standard library's parser, which reads what RE2 accepts alike but for the forms in `_UNLIKE`.
"""

import math
import re
from collections.abc import Iterator, Sequence
from re import _constants as codes  # type: ignore[attr-defined]  # typeshed has no stub: the parser of `re`, private since 3.11
from re import _parser as parser  # type: ignore[attr-defined]  # as above
from typing import Any

TELLING_BITS = 18.0
"""What a stretch of letters has to say so that it stands for the whole pattern: about five letters in any case, or four that are rarer."""
REPEATED_MAX = 8
COUNTED_MAX = 16
"""How often a group, and a class of characters, is still counted; beyond, it is `so many and more`."""
_UNLIKE = re.compile(r"\[:\^?[a-z]+:\]|\{,|(?<!\\)\[\[")
"""POSIX classes, repeats without a minimum, and brackets in brackets: where the two readings differ."""
_CLASSES = {
    codes.CATEGORY_DIGIT: "0-9",
    codes.CATEGORY_NOT_DIGIT: r"\x00-/:-\xff",
    codes.CATEGORY_SPACE: r"\t\n\f\r ",
    codes.CATEGORY_NOT_SPACE: r"\x00-\x08\x0b\x0e-\x1f!-\xff",
    codes.CATEGORY_WORD: "0-9A-Za-z_",
    codes.CATEGORY_NOT_WORD: r"\x00-/:-@\[-\^`{-\xff",
}
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)
_SINGLE = (codes.LITERAL, codes.NOT_LITERAL, codes.IN, codes.ANY)
_ANYTHING = r"[\x00-\xff]"

_Step = tuple[Any, Any, bool]
"""One element of a sequence: operation, its argument, and whether case is ignored."""


class Underived(ValueError):
    """The pattern speaks of something for which there is no weaker form here."""


def needed(pattern: str) -> str:
    """An expression that matches within every match of the pattern. Raises Underived."""
    if _UNLIKE.search(pattern):
        raise Underived(pattern)
    try:
        tree = parser.parse(pattern)
    except (re.error, FutureWarning) as error:
        raise Underived(pattern) from error
    return _stretch(list(_flat(tree, bool(tree.state.flags & re.IGNORECASE))))


def _flat(tree: Any, ignore_case: bool) -> Iterator[_Step]:
    """The elements of a sequence, those of its groups among them."""
    for operation, argument in tree:
        if operation is codes.SUBPATTERN:
            _, added, dropped, inner = argument
            yield from _flat(
                inner, (ignore_case or bool(added & re.IGNORECASE)) and not dropped & re.IGNORECASE
            )
        else:
            yield operation, argument, ignore_case


def _stretch(steps: list[_Step]) -> str:
    """The most telling run of letters, if it says enough; else everything; of alternatives, each one's."""
    if len(steps) == 1 and steps[0][0] is codes.BRANCH:
        _, (_, branches), ignore_case = steps[0]
        return "|".join(_stretch(list(_flat(branch, ignore_case))) for branch in branches)
    best, last, run, most, bits = 0, 0, 0, 0.0, 0.0
    for index, step in enumerate(steps):
        said = _bits(step)
        if said is None:
            run, bits = index + 1, 0.0
            continue
        bits += said
        if bits > most:
            best, most, last = run, bits, index
    return _written(steps[best : last + 1] if most >= TELLING_BITS else _begun(steps))


def _begun(steps: list[_Step]) -> list[_Step]:
    """Without what may go on at the end, so that a match is told once and not for each of its letters."""
    kept = list(steps)
    while kept:
        operation, argument, ignore_case = kept[-1]
        if operation is codes.AT and len(kept) > 1 and _varies(kept[-2]):
            kept.pop()
        elif _varies(kept[-1]):
            least = min(argument[0], REPEATED_MAX) if not _is_single(argument[2]) else argument[0]
            kept.pop()
            if least:
                return [*kept, (operation, (least, least, argument[2]), ignore_case)]
        else:
            break
    return kept or steps


def _varies(step: _Step) -> bool:
    return step[0] in _REPEATS and step[1][0] != step[1][1]


def _is_single(inner: Any) -> bool:
    return len(inner) == 1 and inner[0][0] in _SINGLE


def _bits(step: _Step) -> float | None:
    """How much an element says that is made of certain letters; None for any other."""
    operation, argument, ignore_case = step
    if operation is codes.LITERAL:
        return _letter_bits(argument, ignore_case)
    if operation is codes.AT:
        return 0.0
    if operation is codes.IN and len(argument) <= 4 and all(one is codes.LITERAL for one, _ in argument):
        said = min(_letter_bits(letter, ignore_case) for _, letter in argument)
        return float(max(0.0, said - math.log2(len(argument))))
    if operation is codes.BRANCH:
        each = [_bits_of(list(_flat(branch, ignore_case))) for branch in argument[1]]
        known = [bits for bits in each if bits is not None]
        return max(0.0, min(known) - math.log2(len(each)) / 2) if len(known) == len(each) else None
    if operation in _REPEATS and argument[1] <= 4:
        bits = _bits_of(list(_flat(argument[2], ignore_case)))
        return None if bits is None else bits * float(argument[0])
    return None


def _bits_of(steps: Sequence[_Step]) -> float | None:
    total = 0.0
    for step in steps:
        if (bits := _bits(step)) is None:
            return None
        total += bits
    return total


def _letter_bits(code: int, ignore_case: bool) -> float:
    letter = chr(code)
    if letter.isalpha():
        return 4.0 if ignore_case else 6.5 if letter.isupper() else 4.5
    return 2.0 if letter == " " else 5.5


def _written(steps: Sequence[_Step]) -> str:
    return "".join(_element(step) for step in steps)


def _element(step: _Step) -> str:
    operation, argument, ignore_case = step
    if operation is codes.LITERAL:
        return _literal(argument, ignore_case)
    if operation is codes.NOT_LITERAL:
        return _class([(codes.NEGATE, None), (codes.LITERAL, argument)], ignore_case)
    if operation is codes.ANY:
        return _ANYTHING
    if operation is codes.IN:
        return _class(argument, ignore_case)
    if operation is codes.BRANCH:
        return "(?:" + "|".join(_written(list(_flat(one, ignore_case))) for one in argument[1]) + ")"
    if operation in _REPEATS:
        least, most, inner = argument
        return _repeat(least, most, inner, ignore_case)
    if operation is codes.AT:
        return r"\b" if argument is codes.AT_BOUNDARY else ""
    raise Underived(str(operation))


def _literal(code: int, ignore_case: bool) -> str:
    if ignore_case and chr(code).isalpha():
        if code >= 0x80:
            return _class([(codes.LITERAL, code)], ignore_case)
        return f"[{chr(code).lower()}{chr(code).upper()}]"
    return _byte(code)


def _byte(code: int) -> str:
    if code > 0xFF:
        raise Underived(chr(code))
    return chr(code) if code < 0x80 and chr(code).isalnum() else f"\\x{code:02x}"


def _class(items: Sequence[tuple[Any, Any]], ignore_case: bool) -> str:
    """A class of characters. Beyond ASCII the two engines fold case differently, so there such a class takes everything."""
    written, negated, beyond = "", False, False
    for operation, argument in items:
        if operation is codes.NEGATE:
            negated = True
        elif operation is codes.LITERAL:
            written += _byte(argument)
            beyond |= argument >= 0x80
        elif operation is codes.RANGE:
            written += f"{_byte(argument[0])}-{_byte(argument[1])}"
            beyond |= argument[1] >= 0x80
        else:
            written += _CLASSES[argument]
    if ignore_case and beyond:
        return _ANYTHING if negated else f"(?i:[{written}\\x80-\\xff])"
    whole = f"[{'^' if negated else ''}{written}]"
    return f"(?i:{whole})" if ignore_case else whole


def _repeat(least: int, most: Any, inner: Any, ignore_case: bool) -> str:
    steps = list(_flat(inner, ignore_case))
    single = len(steps) == 1 and steps[0][0] in _SINGLE
    written = _written(steps) if single else f"(?:{_written(steps)})"
    if least == 0:
        return written + ("?" if most == 1 else "*")
    counted = min(least, COUNTED_MAX if single else REPEATED_MAX)
    exact = counted == least == most
    return written + (f"{{{counted}}}" if exact else f"{{{counted},}}")
