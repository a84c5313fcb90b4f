"""Canonical forms of values: two values are the same where they share a form.

Two directions, on purpose unlike. `exact` forms explain: a value that shares one with what the person said is theirs. They see through case, spacing and
the several ways to write one e-mail address, URL, account, phone number, number or date, and through nothing else: a look-alike letter or a
hidden character makes another value. `loose` forms accuse: they also see through look-alikes, hidden characters and encodings, so that what untrusted
text contains is found again in disguise.

A form is a text with its kind before it: `t:` text, `e:` e-mail address, `u:` URL, `c:` letters and digits without spaces, `f:` phone number,
`n:` number, `d:` date or moment, `h:` time of day, `p:` path, `x:` letters and digits however they are grouped (only among the loose ones).
"""

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from urllib.parse import SplitResult, unquote, urlsplit

from ostiary.actions import JsonValue
from ostiary.provenance.dates import DATES, date_forms, dates_inside
from ostiary.provenance.disguise import decoded, is_another, skeleton

TEXT_CHARACTERS_MAX = 20_000
WORDS_TOGETHER = 4
SHORT_TEXT_CHARACTERS = 3
IBAN_CHARACTERS_MIN = 15
NUMBER_CHARACTERS_MAX = 30
PHONE_DIGITS = range(7, 16)
"""E.164 section 6.1: at most 15 digits."""

_WORD = re.compile(r"[^\W_]+(?:[-./@:_+][^\W_]+)*")
_EMAIL = r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
_HOST = r"(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}"
_EMAIL_WHOLE = re.compile(rf"(?:[^<>@]{{0,100}}<)?(?:mailto:)?({_EMAIL})>?", re.IGNORECASE)
_URL_WHOLE = re.compile(
    rf"https?://\S{{1,2000}}|(?:{_HOST})(?::[0-9]{{1,5}})?(?:[/?]\S{{0,2000}})?", re.IGNORECASE
)
_FILE_NAME = re.compile(r"[\w -]{1,100}\.[a-z0-9]{2,5}", re.IGNORECASE)
_REST = r"[^\s<>\"']"
_SHARED_ENDINGS = (
    "academy|agency|ai|app|biz|blog|ca|cc|center|click|cloud|club|cn|co|com|digital|email|edu|eu|fr|fun|gov|guru|help|host|icu|info|ink|int|io|jp|lat|link|live|"
    "login|ltd|ly|media|mil|mobi|monster|net|network|news|one|online|org|page|pro|pw|rest|ru|sbs|services|shop|site|space|store|support|systems|tech|team|"
    "tips|today|tokyo|tools|top|uk|us|vip|website|wiki|win|work|world|xyz|zone"
)
"""Ends of host names that no file has: with these a host is a link also without `www.` or a path. Of the others, a path tells."""
_ADDRESS = re.compile(
    rf"(?<![\w.+%-]){_EMAIL}"
    rf"|\b[a-z][a-z0-9+.-]{{1,15}}://{_REST}{{1,500}}"
    rf"|\b(?:bitcoin|callto|data|ethereum|javascript|mailto|sms|tel):{_REST}{{3,500}}"
    rf"|(?<![\w.@/-])(?://)?(?:www\.{_HOST}(?:[/?]{_REST}{{0,500}})?|{_HOST}(?::[0-9]{{1,5}})?[/?]{_REST}{{1,500}})"
    rf"|(?<![\w.@/-])(?:[a-z0-9-]{{1,63}}\.){{1,8}}(?:{_SHARED_ENDINGS})(?![\w@-]|\.\w)"
    r"|(?<![\w.@/-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]{1,5})?/[^\s<>\"']{1,500}"
    r"|\b[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]{2,4}){2,9}\b"
    r"|\b0x[0-9a-f]{40}\b|\bbc1[a-z0-9]{25,60}\b"
    r"|(?<![\w.+-])\+[1-9](?:[ ()./-]{0,2}[0-9]){8,14}(?![0-9])",
    re.IGNORECASE | re.ASCII,
)  # every repetition is bounded or begins at a boundary: linear in the text
_NUMBER = re.compile(r"(?<![\w.,])[-+]?[0-9]+(?:[.,' ][0-9]{3})*(?:[.,][0-9]+)?(?![\w])")
_NUMERIC = re.compile(
    r"[€$£¥ ]{0,3}[-+]?[0-9][0-9.,' ]{0,40}(?:e[-+]?[0-9]{1,3})?[€$£¥ ]{0,3}", re.ASCII | re.IGNORECASE
)
_COMPACT = re.compile(r"[\s-]+")
_SPACED = re.compile(r"\+?[^\W_]{2,}(?: [^\W_]{2,})+")
_ACCOUNT = re.compile(r"[a-z]{2}[0-9]{2}[a-z0-9]{11,30}")
_DIGITS = re.compile(r"\+?[0-9]{2,}(?:[ -][0-9]{2,})+")
_GROUPED_DIGITS_MIN = 8
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{5,24}[0-9]")
_PATH = re.compile(r"(?:[a-z]:)?[\w .@+~-]*(?:[/\\][\w .@+~-]*)+", re.IGNORECASE)
_SINGLE_DIGIT = re.compile(r"(?<![0-9])[0-9](?![0-9])")
"""A group of one digit: with it 2024-1-11 is no telephone number."""
BARE_DIGITS_MAX = 3
_INTRODUCE = frozenset(
    [
        "account", "bill", "booking", "case", "comment", "contract", "customer", "doc", "document", "email", "entry", "event", "file", "id", "ids",
        "invoice", "issue", "item", "mail", "meeting", "member", "message", "no", "nr", "number", "order", "page", "payment", "post", "product", "project",
        "record", "reservation", "row", "task", "thread", "ticket", "transaction", "user",
    ]
)  # fmt: skip
"""What people call records by before they give a number."""
_WRITTEN = tuple(
    (decimal, re.compile(rf"([-+]?(?:[0-9]{{1,3}}(?:[{thousands}][0-9]{{2,3}})*[{thousands}][0-9]{{3}}|[0-9]+))((?:\{decimal}[0-9]*)?(?:e[-+]?[0-9]+)?)"))
    for decimal, thousands in ((".", ",' "), (",", ".' "))
)  # fmt: skip
_ACCOUNT_SPACED = re.compile(
    r"\b[a-z]{2}[0-9]{2}(?:[ -]?[a-z0-9]{4}){2,7}(?:[ -]?[a-z0-9]{1,3})?(?![a-z0-9])"
)
_EMAIL_OR_URL = re.compile(rf"(?<![\w.+%-]){_EMAIL}|\b[a-z]{{2,10}}://\S{{1,500}}|\bwww\.\S{{1,500}}")
_CLOCK = re.compile(r"\b[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?\b")
_TURNED = re.compile(r"([^\W\d_]{2,40}), ([^\W\d_]{2,40})")
"""Baker, Sarah"""
_TRAILING = ".,;:!?)]}'\""


def exact(value: JsonValue) -> Iterator[str]:
    """The forms of one whole value that let it be explained; none for what is the same everywhere (true, false, null, empty)."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        if isinstance(value, int):
            yield f"t:{value}"
        yield from _decimal(str(value))
        return
    text = str(value)
    if len(text) > TEXT_CHARACTERS_MAX or is_another(text):
        return
    text = plain(text)
    if text:
        yield "t:" + text
        yield from _typed(text)


def loose(value: JsonValue) -> Iterator[str]:
    """The forms under which a whole value is found in spite of a disguise; among them the exact ones."""
    if not isinstance(value, str):
        yield from exact(value)
        return
    value = value[:TEXT_CHARACTERS_MAX]
    bare = skeleton(value)
    yield from exact(bare[:TEXT_CHARACTERS_MAX])
    yield from _wide(plain(bare))
    if bare != value:
        yield from exact(value)
    for inner in decoded(bare):
        yield from exact(skeleton(inner))


def plain(text: str) -> str:
    """Case and spaces do not make a difference; nor does how an accent is composed. Letters stay what they are: folded, a long s would be an s."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).replace("ς", "σ")
    return " ".join(text.lower().split())


def words(text: str) -> list[str]:
    """The words of a text in plain form: letters and digits, with what joins them inside an address, a path or a time."""
    return _WORD.findall(plain(text))


def _typed(text: str) -> Iterator[str]:
    yield from _compact(text)
    yield from number_forms(text)
    if email := _EMAIL_WHOLE.fullmatch(text):
        yield "e:" + email.group(1)
    elif len(text) < 2_100 and _URL_WHOLE.fullmatch(text) and not _FILE_NAME.fullmatch(text):
        yield from url_forms(text)
    elif len(text) < 500 and ("/" in text or "\\" in text) and _PATH.fullmatch(text):
        yield from _path(text)
    if _PHONE.fullmatch(text) and (text[0] in "+0" or not _SINGLE_DIGIT.search(text)):
        yield from _phone(text)
    if len(text) < 60:
        yield from date_forms(text)
    if match := _TURNED.fullmatch(text):
        yield f"t:{match.group(2)} {match.group(1)}"


def _compact(text: str) -> Iterator[str]:
    """IBANs, cards and ids without their spaces, and without their dashes where these only group: `web-1-1` and `web-11` are two."""
    compact = text.replace(" ", "").replace("-", "")
    bare = compact.removeprefix("+")
    if len(compact) <= SHORT_TEXT_CHARACTERS or not bare.isalnum() or bare.isalpha():
        return
    grouped = len(bare) >= _GROUPED_DIGITS_MIN and _DIGITS.fullmatch(text)
    if (
        compact == text
        or grouped
        or any(
            shape.fullmatch(written)
            for shape, written in ((_SPACED, text), (_ACCOUNT, compact), (_UUID, text))
        )
    ):
        yield "c:" + compact


def _wide(text: str) -> Iterator[str]:
    """Only to accuse: letters and digits without any space or dash, so that `inv-2041` is found in "INV 2041"."""
    compact = text.replace(" ", "").replace("-", "")
    if len(compact) > SHORT_TEXT_CHARACTERS and compact.isalnum() and not compact.isalpha():
        yield "x:" + compact


def _phone(text: str) -> Iterator[str]:
    """`+49 (0)30 12 34 56` and `0049 30 123456` are one number; a national one has no other form."""
    digits = re.sub(r"\D", "", text.replace("(0)", ""))
    if text.startswith("+"):
        digits = "+" + digits
    elif digits.startswith("00"):
        digits = "+" + digits[2:]
    if len(digits.removeprefix("+")) in PHONE_DIGITS:
        yield "f:" + digits


def _path(text: str) -> Iterator[str]:
    """One separator, no empty steps. Whoever climbs (`..`) or begins at another machine (`//`) names no place by its text alone."""
    steps = text.replace("\\", "/").split("/")
    if ".." not in steps and steps[:2] != ["", ""]:
        kept = [step for step in steps if step not in ("", ".")]
        yield "p:" + ("/" if steps[0] == "" else "") + "/".join(kept)


def url_forms(text: str) -> Iterator[str]:
    """http and https, the default port, a slash at the end and an escape that need not be one make no difference (RFC 3986 section 6.2). A user name before
    the host makes it another URL; so does a host that only looks the same."""
    try:
        parts = urlsplit(text if "://" in text else "https://" + text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return
    if host and parts.username is None and _ascii_host(host):
        shown = f":{port}" if port not in (None, 80, 443) else ""
        yield f"u:{_ascii_host(host)}{shown}{_rest(parts)}"


def _rest(parts: SplitResult) -> str:
    path = unquote(parts.path).rstrip("/")
    query = "?" + unquote(parts.query) if parts.query else ""
    return path + query + ("#" + parts.fragment if parts.fragment else "")


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""


def number_forms(text: str) -> Iterator[str]:
    """`1,234.50`, `1.234,50` and `1234.5` are one number; where a separator could be either, both readings count. Thousands stand in threes: 98.70 is not
    9870."""
    if not _NUMERIC.fullmatch(text):
        return
    bare = text.strip("€$£¥ ")
    if bare.isdigit() and len(bare) < NUMBER_CHARACTERS_MAX:
        yield f"n:{int(bare)}"
        return
    for decimal, written in _WRITTEN:
        if match := written.fullmatch(bare):
            whole, rest = match.groups()
            yield from _decimal(re.sub(r"[., ']", "", whole) + rest.replace(decimal, "."))


def _decimal(text: str) -> Iterator[str]:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return
    if number.is_finite() and -NUMBER_CHARACTERS_MAX < number.adjusted() < NUMBER_CHARACTERS_MAX:
        yield f"n:{number.normalize():f}"


def amounts(text: str) -> Iterator[str]:
    """The numbers of a text that may be amounts: not those of a date, a time or an address in it."""
    bare = plain(text[:TEXT_CHARACTERS_MAX])
    for other in (_ACCOUNT_SPACED, _EMAIL_OR_URL, *DATES, _CLOCK):
        bare = other.sub(" ; ", bare)
    for match in _NUMBER.finditer(bare):
        yield from number_forms(match.group())


def addresses(text: str) -> Iterator[str]:
    """The e-mail addresses, URLs and account numbers that stand in a text, as they are written: what says where something goes."""
    for match in _ADDRESS.finditer(text[:TEXT_CHARACTERS_MAX]):
        yield match.group().rstrip(_TRAILING)


def address_forms(text: str) -> Iterator[str]:
    """Their exact forms. A spaced account number runs into the words after it: each length that it may have counts."""
    for found in addresses(text):
        yield from exact(found)
        groups = _COMPACT.split(found)
        for count in range(2, len(groups)):
            if sum(map(len, groups[:count])) >= IBAN_CHARACTERS_MIN:
                yield from exact("".join(groups[:count]))


def inside(text: str, together: int = WORDS_TOGETHER) -> Iterator[str]:
    """What may be taken out of a text: addresses, numbers, dates, words and up to `together` words that stand together."""
    text = text[:TEXT_CHARACTERS_MAX]
    yield from telling(text)
    yield from words_inside(text, together)


def words_inside(text: str, together: int = WORDS_TOGETHER) -> Iterator[str]:
    """Its dates and its words."""
    yield from dates_inside(plain(text))
    found = words(text)
    for index, word in enumerate(found):
        if word.isdigit() and len(word) <= BARE_DIGITS_MAX:
            if _is_introduced(text, found, index):
                yield "t:" + word
        elif len(word) > SHORT_TEXT_CHARACTERS or any(map(str.isdigit, word)):
            yield "t:" + word
            yield from _compact(word)
            yield from _wide(word)
        for count in range(2, together + 1):
            if index + count <= len(found):
                run = " ".join(found[index : index + count])
                yield "t:" + run
                if count == 2:
                    yield from _wide(run)


def _is_introduced(text: str, found: list[str], index: int) -> bool:
    """Whether a small number names a record here: file 13, ID "13", #13. Elsewhere it counts, dates or lists something."""
    number = found[index]
    return not _INTRODUCE.isdisjoint(found[max(0, index - 2) : index]) or bool(
        re.search(rf"[\"'#`“‘]{number}(?![0-9])", text)
    )


def telling(text: str) -> Iterator[str]:
    """The addresses and numbers in a text: what says where something goes, and how much."""
    yield from address_forms(text)
    for match in _NUMBER.finditer(text[:TEXT_CHARACTERS_MAX]):
        yield from number_forms(match.group())


def layers(text: str) -> Iterator[str]:
    """What a text that is not trusted says: as it is read, as it is written where that differs, and what its encoded parts say."""
    text = text[:TEXT_CHARACTERS_MAX]
    bare = skeleton(text)
    yield bare
    if bare != text and not text.isascii():
        yield text
    yield from (skeleton(inner)[:TEXT_CHARACTERS_MAX] for inner in decoded(bare))


def inside_disguised(text: str) -> Iterator[str]:
    """`inside` for a text that is not trusted: also what its look-alikes and its encoded parts say."""
    for depth, layer in enumerate(layers(text)):
        yield from exact(layer) if depth else ()
        yield from inside(layer)
