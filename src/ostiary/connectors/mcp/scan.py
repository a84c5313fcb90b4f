"""What a person should know before they accept a tool: characters that cannot be seen, letters that look like others, and text that speaks to a model
instead of describing a tool.

Findings inform, they never decide: a definition is quarantined whether something was found or not.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ostiary.actions import JsonValue
from ostiary.shapes import pointer

FINDINGS_MAX = 50
TEXT_CHARACTERS_LONG = 2_000
_INVISIBLE = frozenset({"Cf", "Cc", "Co", "Cs", "Cn"})
_SEEN = frozenset("\t\n\r")
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u180b\u180c\u180d\u180e") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}
"""Letters and marks that show nothing."""

_SPEAKING = tuple(
    (name, re.compile(text, re.IGNORECASE | re.DOTALL))
    for name, text in (
        ("overrides", r"\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(previous|prior|above|earlier|all|any|other|system|your)\b"),
        ("commands the model", r"\b(you|the (assistant|model|agent|ai))\s+(must|should|shall|have to|need to|are (required|instructed|to))\b"),
        ("asks for secrecy", r"\b(do not|don't|never|without)\b.{0,30}\b(tell|mention|inform|reveal|notify|show|ask|disclos\w*|telling|mentioning|asking|informing)\b"),
        ("asks to be first", r"\b(before|prior to|instead of|after)\b.{0,30}\b(using|calling|invoking|running|any|every)\b.{0,30}\b(tool|function|call|command)s?\b"),
        ("names another tool's data", r"\b(conversation|chat) (history|log|context)|system prompt|previous messages|\b(api|secret|private|ssh|access)[ _-]?(key|token)s?\b|\bpasswords?\b|\bcredentials?\b"),
        ("reads private files", r"~/\.|\.ssh\b|id_rsa|\.env\b|/etc/(passwd|shadow)|mcp\.json|\.aws\b|\.kube\b"),
        ("imitates markup of prompts", r"<\s*/?\s*(important|system|instructions?|assistant|user|tool|secret|admin)\b[^>]*>|\[/?(INST|SYSTEM)\]|<\|[a-z_]+\|>"),
        ("holds an address", r"\bhttps?://|\bdata:[a-z]+/|\bjavascript:"),
        ("runs programs", r"\b(curl|wget|bash|powershell|eval|exec|base64 -d)\b\s"),
    )
)  # fmt: skip
_ENCODED = re.compile(r"[A-Za-z0-9+/]{80,}={0,2}|(?:\\x[0-9a-fA-F]{2}){8,}|(?:%[0-9a-fA-F]{2}){12,}")
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found at this place of the definition. `detail` never repeats the text: it names characters or kinds."""

    pointer: str
    kind: str
    detail: str


def scan(whole: Mapping[str, JsonValue]) -> list[Found]:
    """Findings in every text and every name of the definition, FINDINGS_MAX at most."""
    found: list[Found] = []
    for at, text in _texts(whole, ()):
        found += [Found(at, kind, detail) for kind, detail in _of_text(text)]
        if len(found) >= FINDINGS_MAX:
            break
    return found[:FINDINGS_MAX]


def _texts(value: JsonValue, steps: tuple[str | int, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer(*steps), value
    elif isinstance(value, Mapping):
        for key, child in value.items():
            if any(is_hidden(letter) for letter in key) or not key.isascii():
                yield pointer(*steps), key
            yield from _texts(child, (*steps, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _texts(child, (*steps, index))


def _of_text(text: str) -> Iterator[tuple[str, str]]:
    hidden = {letter for letter in text if is_hidden(letter)}
    if hidden:
        named = ", ".join(sorted(f"U+{ord(letter):04X}" for letter in hidden)[:5])
        yield "hidden characters", named
    mixed = sum(len(_scripts(word)) > 1 for word in _WORD.findall(text))
    if mixed:
        yield "look-alike letters", f"{mixed} words mix alphabets"
    plain = unicodedata.normalize("NFKC", "".join(letter for letter in text if letter not in hidden))
    for kind, pattern in _SPEAKING:
        if pattern.search(plain):
            yield "speaks to the model", kind
    if _ENCODED.search(plain):
        yield "encoded text", "a long run that is not words"
    if len(text) > TEXT_CHARACTERS_LONG:
        yield "very long", f"{len(text)} characters"


def is_hidden(letter: str) -> bool:
    """Whether nobody sees this character."""
    return letter in _FILLERS or (letter not in _SEEN and unicodedata.category(letter) in _INVISIBLE)


def _scripts(word: str) -> set[str]:
    """The alphabets of a word, by the first word of each letter's name."""
    return {unicodedata.name(letter, "?").split(" ", 1)[0] for letter in word}
