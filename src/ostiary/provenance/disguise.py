"""What a text says in spite of how it is written: look-alike letters, characters that do not show, encodings. Bounded; it never raises.

Only for finding untrusted text again. Nothing is ever explained by what it looks like.
"""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

DECODED_MAX = 20
"""Encoded pieces that are looked into, per text."""
DEPTH_MAX = 2
ENCODED_CHARACTERS_MIN = 8
ENCODED_CHARACTERS_MAX = 8_000

_ENCODED = re.compile(rf"[A-Za-z0-9+/_-]{{{ENCODED_CHARACTERS_MIN},}}={{0,2}}")
_HEX = re.compile(rf"(?:0x)?((?:[0-9a-fA-F]{{2}}[ :]?){{{ENCODED_CHARACTERS_MIN // 2},}})")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")

_SPELLED = (
    (".", re.compile(r" ?[\[({] ?(?:dot|\.) ?[\])}] ?| dot ")),
    ("@", re.compile(r" ?[\[({] ?(?:at|@) ?[\])}] ?| at (?=\S{1,63}\.)")),
    ("http", re.compile(r"hxxp")),
)
_LOOKS = {
    "аɑα": "a", "ЬƄ": "b", "сϲⅽ": "c", "ԁⅾ": "d", "еєҽ℮": "e", "ϝ": "f", "ɡցg": "g", "һհ": "h", "іıɩιӏ": "i", "јϳ": "j",
    "κкⲕ": "k", "ⅼǀ": "l", "ⅿ": "m", "пոռ": "n", "оοօσ๐௦ⲟ": "o", "рρ⍴ⲣ": "p", "ԛգ": "q", "гⲅᴦ": "r", "ѕꜱ": "s", "тτ": "t",
    "υսʋ": "u", "νѵᴠⅴ": "v", "ԝѡա": "w", "хχⅹ": "x", "уγүỿ": "y", "ᴢ": "z", "‐‑‒–—―−": "-", "․。": ".", "∕⁄": "/", "’‘ʼ": "'", "“”": '"',
}  # fmt: skip
"""Letters of other scripts that are taken for a Latin one (as in Unicode Technical Standard 39 section 4, the common ones)."""
_SKELETON = {ord(look): letter for looks, letter in _LOOKS.items() for look in looks}


def skeleton(text: str) -> str:
    """The text as a reader sees it: one letter for all that look like it, nothing for what does not show. ASCII text stays as it is."""
    if text.isascii():
        return text
    shown = "".join(one for one in unicodedata.normalize("NFKC", text) if not _is_hidden(one))
    return unicodedata.normalize("NFC", shown.casefold().translate(_SKELETON))


def is_disguised(text: str) -> bool:
    """Whether it is not what it looks like: hidden characters, or letters of two scripts in one word."""
    if text.isascii():
        return False
    return any(_is_hidden(one) for one in text) or any(_is_mixed(word) for word in re.findall(r"\w+", text))


def is_another(text: str) -> bool:
    """Whether it holds a character that normal forms turn into a different one, such as the Kelvin sign: it would be taken for the value that it is not."""
    return not text.isascii() and any(
        not one.isascii() and len(found := unicodedata.decomposition(one)) in (4, 5) and found[0] != "<"
        for one in text
    )


def decoded(text: str) -> Iterator[str]:
    """What the text and its parts say when they are decoded: URL and HTML escapes, base64, hexadecimal, and those inside one another."""
    seen = {text}
    level = [text]
    for _ in range(DEPTH_MAX):
        found: list[str] = []
        for one in level:
            for inner in _decode(one):
                if inner not in seen and len(seen) <= DECODED_MAX:
                    seen.add(inner)
                    found.append(inner)
        yield from found
        level = found


def _decode(text: str) -> Iterator[str]:
    text = text[:ENCODED_CHARACTERS_MAX]
    if "%" in text:
        yield unquote(text)
    if "&" in text:
        yield html.unescape(text)
    if spelled := _spelled(text):
        yield spelled
    if "\\" in text:
        yield _ESCAPE.sub(lambda found: chr(int(found.group(1) or found.group(2), 16)), text)
    for match in _ENCODED.finditer(text):
        yield from _base64(match.group())
    for match in _HEX.finditer(text):
        yield from _readable(bytes.fromhex(re.sub(r"[ :]", "", match.group(1))))


def _spelled(text: str) -> str:
    """An address that is written out: eve [at] evil (dot) test, hxxps://evil[.]test. Empty where none is."""
    low = text.lower()
    if not any(sign in low for sign in ("dot", "[.]", "(.)", "hxxp", "(at)", "[at]", "(@)", "[@]")):
        return ""
    for sign, spelled in _SPELLED:
        low = spelled.sub(sign, low)
    return low


def _base64(token: str) -> Iterator[str]:
    bare = token.rstrip("=").replace("-", "+").replace("_", "/")
    if bare.isdigit() or bare.islower() or len(bare) % 4 == 1:
        return  # an ordinary word or number: it would decode to noise
    try:
        yield from _readable(base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True))
    except (binascii.Error, ValueError):
        return


def _readable(raw: bytes) -> Iterator[str]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return
    if len(text) >= SHORT and text.isprintable() | text.isspace() | ("\n" in text and _is_lines(text)):
        yield text


SHORT = 4


def _is_lines(text: str) -> bool:
    return all(line.isprintable() for line in text.splitlines())


def _is_hidden(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Cf", "Co", "Cn")
        or character in "\u034f\u115f\u1160\u3164\uffa0\u2800"
    )


def _is_mixed(word: str) -> bool:
    letters = [one for one in word if one.isalpha()]
    return any(one.isascii() for one in letters) and any(
        ord(one) in _SKELETON or _is_compatible(one) for one in letters
    )


def _is_compatible(letter: str) -> bool:
    """A long s, a ligature, a full-width letter: other characters that are shown as an ASCII letter. Ordinals (Nº) are no disguise."""
    return not letter.isascii() and letter not in "ªº" and unicodedata.normalize("NFKC", letter).isascii()
