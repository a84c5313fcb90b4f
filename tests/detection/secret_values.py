"""Values of every kind of secret, made at run time from the form itself: nothing in this repository looks like a key to a scanner.

`value_of(kind, seed)` walks the syntax tree of the kind's pattern and writes one text that it matches; where a checksum ends the value, it is computed.
"""

import base64
import hashlib
import json
import random
import re
import string
from re import _constants as codes
from re import _parser as parser
from typing import Any

from ostiary.detection.secrets.checks import crc32_base62
from ostiary.detection.secrets.kind import Kind

_ANY = string.ascii_letters + string.digits
_CATEGORIES = {codes.CATEGORY_DIGIT: string.digits, codes.CATEGORY_WORD: _ANY, codes.CATEGORY_SPACE: " ", codes.CATEGORY_NOT_SPACE: _ANY}  # fmt: skip
EXTRA = 3
"""How many more than its minimum an unbounded repetition gets."""
LEAST = 20


def value_of(kind: Kind, seed: int) -> tuple[str, str]:
    """(the text, the value in it that must be found), genuine by the kind's own check."""
    special = SPECIAL.get(kind.title)
    for attempt in range(400):
        dice = random.Random(f"{kind.title} {seed} {attempt}")
        if special is not None:
            return special(dice)
        text = _written(parser.parse(kind.pattern), dice, {})
        match = re.search(kind.pattern, text)
        if match is None:  # a word boundary, which the walk does not see to
            continue
        value = match["v"] if "v" in match.groupdict() else match[0]
        if kind.valid is None or kind.valid(value):
            return text, value
    raise AssertionError(f"no genuine value of {kind.title}")


def random_text(dice: random.Random, length: int, letters: str = _ANY) -> str:
    return "".join(dice.choice(letters) for _ in range(length))


def _written(tree: Any, dice: random.Random, groups: dict[int, str]) -> str:
    return "".join(_part(code, argument, dice, groups) for code, argument in tree)


def _part(code: Any, argument: Any, dice: random.Random, groups: dict[int, str]) -> str:
    if code is codes.LITERAL:
        return chr(argument)
    if code is codes.NOT_LITERAL or code is codes.ANY:
        return dice.choice(string.ascii_letters)
    if code is codes.IN:
        return dice.choice(_letters(argument))
    if code is codes.BRANCH:
        return _written(dice.choice(argument[1]), dice, groups)
    if code is codes.SUBPATTERN:
        return _written(argument[3], dice, groups)
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        low, high, inner = argument
        if high is codes.MAXREPEAT:
            high = low + EXTRA if low else (LEAST if code is codes.MAX_REPEAT else 0)
        count = low if high - low < 2 and low else dice.randint(low, min(high, low + EXTRA))
        return "".join(_written(inner, dice, groups) for _ in range(count))
    assert code is codes.AT, code
    return ""


def _letters(members: Any) -> str:
    inside = ""
    negated = members[0][0] is codes.NEGATE
    for code, argument in members:
        if code is codes.LITERAL:
            inside += chr(argument)
        elif code is codes.RANGE:
            inside += "".join(map(chr, range(argument[0], argument[1] + 1)))
        elif code is codes.CATEGORY:
            inside += _CATEGORIES[argument]
    if not negated:
        plain = "".join(letter for letter in inside if letter.isalnum())
        return plain or inside
    return "".join(letter for letter in " ;" + _ANY if letter not in inside) or "|"


def _checksummed(prefix: str) -> Any:
    def made(dice: random.Random) -> tuple[str, str]:
        body = random_text(dice, 30)
        return (text := prefix + body + crc32_base62(body)), text

    return made


def _base64(prefix: str, suffix: str, raw: bytes) -> tuple[str, str]:
    value = base64.b64encode(raw).decode()
    return prefix + value + suffix, value


def _jwt(dice: random.Random) -> tuple[str, str]:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()).decode().rstrip("=")
    text = f"{head}.{random_text(dice, 30)}.{random_text(dice, 43)}"
    return text, text


def _base58(letter: str, prefix: bytes, length: int) -> Any:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

    def made(dice: random.Random) -> tuple[str, str]:
        raw = prefix + dice.randbytes(length)
        raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
        number, text = int.from_bytes(raw, "big"), ""
        while number:
            number, digit = divmod(number, 58)
            text = alphabet[digit] + text
        assert text.startswith(letter)
        return text, text

    return made


def _pem(label: str, dashes: str = "-----") -> Any:
    def made(dice: random.Random) -> tuple[str, str]:
        lines = "\n".join(random_text(dice, 64) for _ in range(12))
        text = f"{dashes}BEGIN {label}{dashes}\n{lines}\n{dashes}END {label}{dashes}"
        return text, text

    return made


def _wrapped(dice: random.Random) -> tuple[str, str]:
    return _base64("key: ", "\n", _pem("RSA PRIVATE KEY")(dice)[0].encode())


def _jose(prefix: str, tail: str = "") -> Any:
    def made(dice: random.Random) -> tuple[str, str]:
        inner = json.dumps(
            {"u": random_text(dice, 40), "n": random_text(dice, 40), "k": random_text(dice, 40)}
        )
        text = prefix + base64.urlsafe_b64encode(inner.encode()).decode().rstrip("=") + tail
        return text, text

    return made


SPECIAL: dict[str, Any] = {
    "GitHub token with its checksum": _checksummed("ghp_"),
    "npm token with its checksum": _checksummed("npm_"),
    "JSON Web Token": _jwt,
    "private key block": _pem("EC PRIVATE KEY"),
    "SSH2 private key": _pem("SSH2 ENCRYPTED PRIVATE KEY", "----"),
    "OpenVPN static key": _pem("OpenVPN Static key V1"),
    "private key in base64": _wrapped,
    "extended private key": _base58("xprv", b"\x04\x88\xad\xe4", 74),
    "Bitcoin private key": _base58("5", b"\x80", 32),
    "Basic credentials": lambda dice: _base64(
        "Authorization: Basic ", "", f"admin:{random_text(dice, 12)}".encode()
    ),
    "Docker credentials": lambda dice: _base64('{"auth": "', '"}', f"robot:{random_text(dice, 16)}".encode()),
    "npm credentials": lambda dice: _base64("_auth=", "", f"robot:{random_text(dice, 16)}".encode()),
    "1Password service account token": _jose("ops_"),
    "Grafana key of the old form": lambda dice: _jose_grafana(dice),
    "Tinybird token": lambda dice: _jose("p.", "." + random_text(dice, 43))(dice),
    "Mapbox secret token": lambda dice: _jose("sk.", "." + random_text(dice, 22))(dice),
    "Mapbox public token": lambda dice: _jose("pk.", "." + random_text(dice, 22))(dice),
    "Atlassian Data Center token": lambda dice: _data_center(dice),
    "WireGuard private key": lambda dice: _base64("PrivateKey = ", "\n", dice.randbytes(32)),
    "seed phrase": lambda dice: _seed_phrase(dice),
    "PyPI token": lambda dice: _pypi(dice),
    "user and password of curl": lambda dice: _curl(dice),
    "PuTTY key": lambda dice: _putty(dice),
}


def _data_center(dice: random.Random) -> tuple[str, str]:
    number = random_text(dice, 12, string.digits)
    value = base64.b64encode(f"{number}:".encode() + dice.randbytes(20)).decode()
    return value, value


def _jose_grafana(dice: random.Random) -> tuple[str, str]:
    text = base64.b64encode(
        json.dumps({"k": random_text(dice, 32), "n": "ci", "id": 1}, separators=(",", ":")).encode()
    )
    return text.decode(), text.decode()


def _seed_phrase(dice: random.Random) -> tuple[str, str]:
    words = " ".join(
        dice.choice(("abandon", "ability", "zebra", "wolf", "radar", "music")) for _ in range(12)
    )
    return f'mnemonic = "{words}"', words


def _putty(dice: random.Random) -> tuple[str, str]:
    text = f"PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n{random_text(dice, 64)}\nPrivate-MAC: {random_text(dice, 64, '0123456789abcdef')}"
    return text, text


def _pypi(dice: random.Random) -> tuple[str, str]:
    raw = b"\x02\x01\x08pypi.org" + dice.randbytes(60)
    text = "pypi-" + base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return text, text


def _curl(dice: random.Random) -> tuple[str, str]:
    value = random_text(dice, 14)
    return f"curl -s -u admin:{value} https://api.example.org/v1", value
