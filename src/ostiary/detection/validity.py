"""Whether a match is what it looks like, for what is not bound to a country: cards, accounts, numbers to call, addresses, keys."""

import base64
import binascii
import hashlib
import ipaddress
import math
import re
from functools import cache

from ostiary.detection.checksum import luhn, mod_97
from ostiary.detection.national import digits, letters_and_digits

# Card schemes: first digits (from, to; of equal length) and lengths. ISO/IEC 7812-1; ranges as the schemes publish them.
_VISA, _SIXTEEN, _LONG = (16, 19), (16,), (16, 17, 18, 19)
_SCHEMES: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("4", "4", (13, *_VISA)),
    ("51", "55", _SIXTEEN),
    ("2221", "2720", _SIXTEEN),
    ("34", "34", (15,)),
    ("37", "37", (15,)),
    ("300", "305", (14, 16)),
    ("309", "309", (14, 16)),
    ("36", "36", (14, 16)),
    ("38", "39", (14, 16)),
    ("6011", "6011", _LONG),
    ("644", "659", _LONG),
    ("622", "629", _LONG),
    ("62", "62", _LONG),
    ("81", "82", _LONG),
    ("60", "60", _SIXTEEN),
    ("3528", "3589", _LONG),
    ("2131", "2131", (15,)),
    ("1800", "1800", (15,)),
    ("2200", "2204", _LONG),
    ("9792", "9792", _SIXTEEN),
    ("50", "50", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("56", "58", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("61", "69", (12, 13, 14, 15, 16, 17, 18, 19)),
)


_BY_FIRST_DIGIT = {
    first: tuple(scheme for scheme in _SCHEMES if scheme[0][0] <= first <= scheme[1][0])
    for first in "0123456789"
}


def card(text: str) -> bool:
    """A known scheme, a length it issues, the Luhn digit, and groups as people write them."""
    number = digits(text)
    schemes = _BY_FIRST_DIGIT[number[0]]
    if not any(
        len(number) in lengths and low <= number[: len(low)] <= high for low, high, lengths in schemes
    ):
        return False
    return len(set(number)) > 1 and luhn(number) and _evenly_grouped(text)


def _evenly_grouped(text: str) -> bool:
    """People write cards in fours, as they stand on it, or at least in groups of one length or of three to six digits; `2 3 4 10 11` is a list, `412574834 7558514090` are two numbers."""
    groups = [len(group) for group in re.findall(r"\d+", re.sub(r"\r?\n", "", text))]
    if len(set(groups)) == 1 or all(length % 4 == 0 for length in groups):
        return True
    return groups == [6, 13] or (all(3 <= length <= 6 for length in groups[:-1]) and groups[-1] <= 6)


_MISREAD = str.maketrans("OoIl", "0011")
REAL_DIGITS_MIN = 8
"""How many characters must be digits before others are read as such: a word alone is no number."""


def card_misread(text: str) -> bool:
    """`4111 llll 1111 1111` and `55OO`: letters that look like digits, and a card when they are read so."""
    real = sum(char.isdigit() for char in text)
    if not REAL_DIGITS_MIN <= real < len(letters_and_digits(text)):
        return False
    return card_certain(text.translate(_MISREAD))


def iban_misread(text: str) -> bool:
    """As `card_misread`; where the number is an IBAN as it stands, that is its reading."""
    real = sum(char.isdigit() for char in text)
    return real >= REAL_DIGITS_MIN and not iban(text) and iban(text[:2] + text[2:].translate(_MISREAD))


def card_certain(text: str) -> bool:
    """As `card`, and of a scheme and length that order numbers seldom hit by chance: not Maestro, not thirteen digits."""
    return (
        text.count("\n") <= LINE_BREAKS_MAX and card(text) and len(digits(text)) in card_lengths(digits(text))
    )


@cache
def _certain_lengths(first: str) -> tuple[int, ...]:
    """By the first four digits."""
    if first[:2] in _UNCERTAIN:
        return ()
    return tuple(
        length
        for length in (19, 16, 15, 14)
        if any(length in lengths and low <= first[: len(low)] <= high for low, high, lengths in _SCHEMES)
        and (first[:2] not in _DINERS or length == 14)
    )


def card_lengths(number: str) -> tuple[int, ...]:
    """How many digits a card that begins so may have, where no word says that it is one."""
    return _certain_lengths(number[:4])


def card_lengths_any(_number: str) -> range:
    return range(12, 20)


LINE_BREAKS_MAX = 1
"""A number may be broken at the end of a line; numbers that stand below each other are a column."""
_UNCERTAIN = frozenset(("50", "56", "57", "58", "61", "63", "66", "67", "68", "69", "81", "82"))
_DINERS = frozenset(("30", "36", "38", "39"))
"""Schemes, by their first digits, that need a word beside them; and those that need one for another length than fourteen."""


def card_or_luhn(text: str) -> bool:
    """What a card word stands beside may be of a scheme that we do not know: the Luhn digit decides."""
    number = digits(text)
    return 12 <= len(number) <= 19 and len(set(number)) > 2 and luhn(number)


def luhn_15(text: str) -> bool:
    return luhn(digits(text))


# ISO 13616 registry, release 99.
IBAN_LENGTHS = {
    country: int(length)
    for length, countries in {
        "15": "NO",
        "16": "BE",
        "18": "DK FI FO GL NL SD FK",
        "19": "MK SI MN",
        "20": "AT BA EE KZ LT LU XK",
        "21": "CH HR LI LV",
        "22": "BG BH CR DE GB GE IE ME RS VA",
        "23": "AE GI IL IQ OM TL SO",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG",
        "25": "LY PT ST",
        "26": "IS TR",
        "27": "BI DJ FR GR IT MC SM",
        "28": "AL AZ BY CY DO GT HN HU LB NI PL SV",
        "29": "BR EG PS QA UA",
        "30": "JO KW MU YE",
        "31": "MT SC",
        "32": "LC",
        "33": "RU",
    }.items()
    for country in countries.split()
}


def iban_lengths(number: str) -> tuple[int, ...]:
    length = IBAN_LENGTHS.get(number[:2])
    return () if length is None else (length,)


def iban(text: str) -> bool:
    number = letters_and_digits(text)
    return IBAN_LENGTHS.get(number[:2]) == len(number) and number[2:4].isdigit() and mod_97(number)


_COUNTRY_CODES = (
    "AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CK CL CM CN CO CR CU CV CW CY "
    "CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE IL IM IN IQ IR "
    "IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY "
    "MZ NA NC NE NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SI SK SL SM SN SO SR SS ST SV SX SY "
    "SZ TC TD TG TH TJ TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WS XK YE ZA ZM ZW"
)
_COUNTRIES = frozenset(_COUNTRY_CODES.split())


def bic(text: str) -> bool:
    """ISO 9362: four letters, a country, two, and three for a branch."""
    return text[4:6].upper() in _COUNTRIES


# ITU-T E.164 country codes: one digit, two digits; every other is of three.
_ONE = frozenset("17")
_TWO_DIGITS = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"
_TWO = frozenset(_TWO_DIGITS.split())
_THREE = re.compile(
    r"2(?:1[12368]|2\d|3\d|4\d|5[0-8]|6\d|9[017-9])|3(?:5\d|7[0-8]|8[0-35-79])|4(?:2[013])|5(?:0\d|9\d)|6(?:7[02-9]|8[0-35-9]|9[0-2])"
    r"|8(?:0[08]|5[02356]|7[08]|8[0-36-8])|9(?:6[0-8]|7[0-79]|9[2-68])"
)


def phone_international(text: str) -> bool:
    """E.164: a country code that is assigned, and seven to fifteen digits in all."""
    number = digits(text.split("x")[0].split("e")[0])
    if not 8 <= len(number) <= 16:
        return False
    if text.lstrip().startswith("00"):
        number = number[2:]
    return number[0] in _ONE or number[:2] in _TWO or _THREE.match(number) is not None


def phone_american(text: str) -> bool:
    """NANP: area and exchange start with 2 to 9; the exchange is not N11."""
    written = re.split(r"[xe#]", text, maxsplit=1)[0]
    number = digits(written)[-10:]
    odd = "." in written and "-" in written and "(" not in written  # `252.227-7013` is a clause
    return len(number) == 10 and number[0] in "23456789" and len(set(number)) > 2 and not odd


def phone_national(text: str) -> bool:
    number = digits(text)
    return 9 <= len(number) <= 12 and len(set(number)) > 2


def phone_spoken_of(text: str) -> bool:
    number = digits(re.split(r"[xe#]", text, maxsplit=1)[0])
    return 6 <= len(number) <= 15 and len(set(number)) > 1 and not _DATE.fullmatch(text)


_DATE = re.compile(
    r"(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}(?: \d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d\d(?: \d{1,2})?"
)


def email(text: str) -> bool:
    """Not a file name such as icon@2x.png; local part and domain within RFC 5321's lengths."""
    ending = text.rsplit(".", 1)[-1].lower()
    return ending not in _FILES and ".." not in text


_FILE_ENDINGS = "png jpg jpeg gif svg webp css js ts tsx jsx vue json py lock log txt yml yaml toml xml html php conf cfg service socket target mount timer slice scope device"
_FILES = frozenset(_FILE_ENDINGS.split())
"""What files and units end in, and no domain: `getty@tty1.service`."""


def ipv4(text: str) -> bool:
    """Four octets; not the unspecified, loopback or broadcast address, which name nobody, and no net mask."""
    nobody = text.startswith(("255.", "0.")) or text.partition("/")[0] in (
        "127.0.0.1",
        "127.0.1.1",
        "127.0.0.53",
    )
    return ipv4_form(text) and not nobody


def ipv4_in_words(text: str) -> bool:
    return ipv4(re.sub(r"[^0-9]+", ".", text))


def ipv4_form(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text.partition("/")[0])
    except ValueError:
        return False
    return True


def ipv6(text: str) -> bool:
    """Neither the unspecified nor the loopback address, and too long for a time of day."""
    plain = text.partition("/")[0].partition("%")[0]
    return len(plain) > 5 and ipv6_form(text) and plain.strip(":0") not in ("", "1")


def ipv6_form(text: str) -> bool:
    address, _, prefix = text.partition("/")
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return not prefix or int(prefix) <= 128


def mac(text: str) -> bool:
    number = letters_and_digits(text)
    return len(set(number)) > 2 and not ("." in text and number.isdigit())


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58check(text: str) -> bool:
    """A Bitcoin-like address: version and hash, then four bytes of double SHA-256."""
    value = 0
    for char in text:
        value = value * 58 + _BASE58.index(char)
    raw = value.to_bytes(40, "big").lstrip(b"\0")
    raw = b"\0" * (len(text) - len(text.lstrip("1"))) + raw
    return len(raw) == 25 and hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32(text: str) -> bool:
    """BIP 173 and BIP 350."""
    if text.lower() != text and text.upper() != text:
        return False
    prefix, _, data = text.lower().rpartition("1")
    if not prefix or any(char not in _BECH32 for char in data):
        return False
    values = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    check = 1
    for value in values + [_BECH32.index(char) for char in data]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> place & 1 else 0
    return check in (1, 0x2BC830A3)


def entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    return -sum(text.count(char) / len(text) * math.log2(text.count(char) / len(text)) for char in set(text))


def random_looking(text: str) -> bool:
    """A made-up string, not a word, a path or a placeholder: digits and letters mixed, high entropy."""
    mixed = any(char.isdigit() for char in text) and any(char.isalpha() for char in text)
    return mixed and entropy(text) >= 3.0 and not _PLACEHOLDER.search(text)


_PLACEHOLDER = re.compile(
    r"(?i)example|placeholder|your[_-]?|xxxx|\*\*\*|<[a-z]|\$\{|\{\{|changeme|redacted|\[[a-z_]+\]"
)
_CODE = re.compile(
    r"[A-Za-z_$][\w.]*(?:\(.*\)|\[.*\]);?|[\w.]*(?:getenv|environ|process\.env|os\.)\S*"
    r"|(?i:null|none|true|false|undefined|required|string|str|bytes)[.,;]?|[a-z_]+=(?:True|False|None|\d{1,4})"
)
_VARIABLE = ("${", "{{", "<", "***", "$(", "%(")


def password_value(text: str) -> bool:
    """What stands after `password:` is a value: no call, variable or type, no plain word, and no filler. (NUL stands for what is masked already.)"""
    value = text.replace("\0", "")
    if len(value) < 4 or _CODE.fullmatch(value) or value.startswith(_VARIABLE):
        return False
    plain_word = value.isalpha() and (value.islower() or value.istitle() or value.isupper())
    return not plain_word and not set(value) <= set("*.-_xX#=")


def url_password(text: str) -> bool:
    """A URL with a password in it that is no variable or mask."""
    secret = text.split("://", 1)[1].rsplit("@", 1)[0].partition(":")[2].replace("\0", "")
    return bool(secret) and not secret.startswith(_VARIABLE) and not set(secret) <= set("*xX")


def jwt(text: str) -> bool:
    """RFC 7519: the first part is a JSON object with `alg` or `enc`, the least that a decoder would ask."""
    head = text.split(".", 1)[0]
    try:
        raw = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))
    except (ValueError, binascii.Error):
        return False
    return raw.startswith(b"{")


_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"


def birth_date(text: str) -> bool:
    """A day or a year that a living person may have been born on; the order of day and month is not judged."""
    years = re.findall(r"\d{4}", text)
    if years:
        return 1890 <= int(years[0]) <= 2035
    return len(re.findall(r"\d+", text)) >= 2 or any(char.isalpha() for char in text)


def telling_number(text: str) -> bool:
    """At least four digits, and neither a date, a time, a year nor an amount."""
    count = sum(char.isdigit() for char in text)
    return count >= 4 and not _DATE.fullmatch(text) and not _OTHER_NUMBER.fullmatch(text)


_OTHER_NUMBER = re.compile(
    r"(?:19|20)\d\d(?:[01]\d[0-3]\d)?|\d{1,6}\.\d\d?|\d{1,2}:\d\d.*|\d{1,2}(?:\.\d{1,2}){2,4}"
)


def passport(text: str) -> bool:
    number = letters_and_digits(text)
    return sum(char.isdigit() for char in number) >= 5 and len(set(number)) > 2


def some_number(text: str) -> bool:
    """Not a year."""
    return not (len(text) == 4 and text[:2] in ("19", "20"))
