"""Names of tools, parameters and fields taken apart into words, and what they mean together. Pure; every loop is bounded by a name's length."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from ostiary.contracts.labels.words import (
    CONCEPTS,
    DIRECTORY,
    IDS,
    LISTING,
    LITTLE,
    MONEY,
    NOUNS_TOO,
    VERBS,
    WEAK,
    listed,
)

NAME_CHARACTERS_MAX = 200
WORDS_MAX = 24
PART_CHARACTERS_MIN = 3
_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SHORT = frozenset({"id", "cc", "to"})
_UNFOLDED = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l"})
_SINGULAR = listed(
    "address status bus gas business access news process canvas analysis alias basis has is was this cc sms dns bcc iris plus bonus corpus campus"
)


def _first_wins(groups: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in groups.items():
        for word in text.split():
            found.setdefault(word, name)
    return found


CONCEPT = _first_wins(CONCEPTS)
VERB = _first_wins(VERBS)
_KNOWN = frozenset(CONCEPT) | WEAK | IDS | MONEY | DIRECTORY | LISTING


@lru_cache(maxsize=8_192)
def words(name: str) -> tuple[str, ...]:
    """`toAddresses`, `to-addresses` and `toaddresses` -> ("to", "address"): lower case, no accents, singular."""
    folded = unicodedata.normalize("NFKD", name[:NAME_CHARACTERS_MAX].translate(_UNFOLDED))
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    found: list[str] = []
    for piece in _PIECE.findall(plain):
        found.extend(_parts(piece.lower()))
    return tuple(singular(word) for word in found[:WORDS_MAX])


def _parts(word: str) -> tuple[str, ...]:
    """A run of letters that is two known words: `userid`, `kontonummer`."""
    if word in _KNOWN or word in VERB or singular(word) in _KNOWN or len(word) < 2 * PART_CHARACTERS_MIN - 1:
        return (word,)
    for cut in range(len(word) - 2, 1, -1):
        first, rest = word[:cut], word[cut:]
        if not _counts(rest, last=True):
            continue
        for begin in (first, first.removesuffix("s"), first.removesuffix("n"), first.removesuffix("en")):
            if _counts(begin, last=False):
                return begin, rest
    return (word,)


def _counts(part: str, *, last: bool) -> bool:
    if len(part) < PART_CHARACTERS_MIN and part not in _SHORT:
        return False
    return (part in _KNOWN or (last and singular(part) in _KNOWN)) and part not in LITTLE - {"to"}


def singular(word: str) -> str:
    if word == "ids":
        return "id"
    if len(word) < 4 or not word.endswith("s") or word in _SINGULAR or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return word[:-2]
    return word[:-1]


def concept(named: tuple[str, ...], about: frozenset[str] = frozenset()) -> str:
    """What a name's words mean together: a key of CONCEPTS, `id`, `name`, or "" for nothing known. `about`: what the tool is about, whose words are things too.

    The last word that says something is the head (`email_subject` is a text); weak words (`id`, `name`, `number`) take their meaning from
    the word before, or after, as in the Romance languages.
    """
    if not named:
        return ""
    if _counted(named):
        return "paging"
    if len(named) > 1 and named[-1] in {"at", "on"}:
        return "date"
    if named in _ALONE:
        return _ALONE[named]
    head, weak = _head(named)
    meaning = CONCEPT.get(head, "thing" if head in about else "")
    if named[-1] == "name" and named[0] in _PERSONAL:
        return "text"
    if weak:
        return _with_weak(meaning, weak, head, about)
    if meaning in {"person", "group"} and any(
        CONCEPT.get(word) == "recipient" for word in named if word != "to"
    ):
        return "recipient"
    if meaning == "recipient" and any(CONCEPT.get(word) == "account" for word in named):
        return "account"
    return meaning


_ALONE = {("no",): "id", ("number",): "id", ("reference",): "text"}


_PERSONAL = listed("first last middle full display given family sur maiden legal")


def _counted(named: tuple[str, ...]) -> bool:
    """number_of_guests, num_results, page_count: how many, not which."""
    begins = len(named) > 1 and named[0] in {"num", "n", "count"}
    return begins or named[-1] == "count" or named[:2] == ("number", "of")


def _head(named: tuple[str, ...]) -> tuple[str, str]:
    """The word that decides, and the weak word beside it, if that is where the name ends (or begins)."""
    said = [word for word in named if word not in LITTLE - {"to"}] or list(named)
    strong = [word for word in said if word not in WEAK and not word.isdigit()]
    strong_known = [word for word in strong if word in CONCEPT] or strong
    weak = [word for word in said if word in WEAK]
    ending = said[-1] if said[-1] in WEAK else said[0] if said[0] in WEAK else ""
    if not strong:
        ids = [word for word in weak if word in IDS]
        return (weak[-1] if weak else ""), (ids[-1] if ids else (weak[-1] if weak else ""))
    chosen = [word for word in strong_known if word != "to"] or strong_known
    return chosen[-1], ending


_CODES = {
    "zip": "postal",
    "post": "postal",
    "area": "postal",
    "country": "postal",
    "sort": "account",
    "bank": "account",
    "branch": "account",
}


_WITH_IDS = listed("person group account recipient email phone secret")


def _with_weak(meaning: str, weak: str, head: str, about: frozenset[str]) -> str:
    if weak in {"number", "nr", "numero", "nummer", "nbr"} and meaning in {"account", "phone", "paging"}:
        return meaning
    if weak in {"address", "adresse", "direccion"}:
        return meaning if meaning in {"email", "url", "account", "recipient"} else "postal"
    if weak == "code":
        same = meaning if meaning in {"postal", "currency", "account"} else "text" if meaning else "code"
        return _CODES.get(head, same)
    if weak in {"name", "nombre", "nom", "nome", "naam"}:
        if meaning in {"person", "group", "path", "account", "recipient", "thing", "url"}:
            return meaning
        return "name" if meaning in {"", "text"} or head in WEAK else "text"
    if weak == "key" and meaning in {"secret", ""} and head != weak:
        return "secret" if meaning else "id"
    if weak in {"ref", "reference"} and head in MONEY:
        return "text"
    if weak in IDS and meaning == "email" and head in about:
        return "id"
    if weak in IDS:
        return meaning if meaning in _WITH_IDS else "id"
    return meaning or CONCEPT.get(weak, "")


_LOOKING = listed("view search query check")
_CHECKING_IN = {("check", "in"), ("check", "out")}


def verb_of(named: tuple[str, ...]) -> tuple[str, str]:
    """(the verb, its family) of a tool's name; two empty texts if there is none. A first word decides; a later one only if it is no noun as well, or is
    the last: `issue_create`, `calendar.events.insert`."""
    if named and named[0] in VERB and named[:2] not in _CHECKING_IN:
        return named[0], VERB[named[0]]
    later = [(word, VERB[word]) for word in reversed(named[1:]) if word in VERB]
    clear = [found for found in later if found[0] not in NOUNS_TOO]
    if clear:
        return clear[0]
    looks = [word for word in named[1:-1] if word in _LOOKING]
    if looks:
        return looks[0], "read"
    return later[0] if later and later[0][0] == named[-1] else ("", "")


def joined_verbs(named: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    """Further verbs after `and`, `or`, `then`: find_and_replace, get_or_create."""
    for index, word in enumerate(named[:-1]):
        if word in {"and", "or", "then"} and named[index + 1] in VERB:
            yield named[index + 1], VERB[named[index + 1]]


def grave_verbs(named: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    """Verbs behind the first word that destroy, pay or run, and are no nouns: readOnlyWipe, get_and_kill."""
    for word in named[1:]:
        if VERB.get(word) in {"remove", "pay", "run"} and word not in NOUNS_TOO:
            yield word, VERB[word]


def _verb_forms(word: str) -> tuple[str, ...]:
    """A verb as a description writes it: `Sends`, `Creating`, `Fetches`, `Returns`."""
    if word in {"return", "returning"}:
        return ("get",)
    forms = [word]
    if word.endswith("ing") and len(word) > 5:
        forms += [word[:-3], word[:-3] + "e"]
    if word.endswith("ie") and len(word) > 3:
        forms.append(word[:-2] + "y")
    if word.endswith("e"):
        forms.append(word[:-1])
    return tuple(forms)


def said_verb(description: str) -> tuple[str, str]:
    """The verb with which a description begins, if it begins with one."""
    first = words(description[:NAME_CHARACTERS_MAX])[:3]
    for word in first[:2]:
        for form in _verb_forms(word):
            if form in VERB and form not in LITTLE:
                return form, VERB[form]
        if word not in {"this", "tool", "function", "use", "a", "an", "the", "to", "can"}:
            break
    return "", ""
