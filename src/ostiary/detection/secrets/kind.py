"""What a kind of secret is, and the two ways in which most of them are written: by a prefix of its own, or by a name that stands before it."""

from collections.abc import Callable
from dataclasses import dataclass

from ostiary.detection.secrets.checks import genuine

ALWAYS = 0.95
NAMED = 0.9


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of secret. Several may share a `name`, which is the category; `title` tells them apart.

    pattern: RE2 over folded text; a group `v` narrows the match to the value. valid: what the value must also be. long: may be longer than a window.
    """

    name: str
    title: str
    pattern: str
    family: str = "api_key"
    valid: Callable[[str], bool] | None = genuine
    score: float = ALWAYS
    long: bool = False


QUOTE = r"""(?:\\{0,3}["'`]|&(?:quot|#3[49]|apos);)"""
JOINT = rf"""(?:{QUOTE}|[\])]){{0,2}}\s{{0,4}}(?::=|=>|={{1,3}}|:|,|>|\b(?:is|as|to)\b)?\s{{0,4}}[rbuf]?{QUOTE}?"""
"""What stands between a name and its value: in code, YAML, JSON (escaped or not), env files, XML, ini, on a command line."""
WORDS = r"[a-z0-9_.\- ]"
KEY = r"(?:key|token|secret|pat|auth|passw|pwd|cred|sid|dsn|licen[sc]e|webhook)"
_AFTER = r"(?:$|[^A-Za-z0-9_])"

HEX_32 = "[0-9a-f]{32}"
HEX_40 = "[0-9a-f]{40}"
HEX_64 = "[0-9a-f]{64}"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
LETTERS = "[A-Za-z0-9]"
URL_SAFE = r"[A-Za-z0-9_\-]"


def named(name: str, title: str, service: str, value: str, *, by: str = KEY) -> Kind:
    """A value with no prefix: the name before it says the service and, somewhere after it, that it is a key (`by`)."""
    label = rf"(?i:(?:{service}){WORDS}{{0,24}}{by}{WORDS}{{0,16}})"
    return Kind(name, title, rf"{label}{JOINT}(?P<v>{value}){_AFTER}", score=NAMED)
