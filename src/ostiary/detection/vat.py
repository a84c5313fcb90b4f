"""VAT numbers of the European Union, Britain, Norway and Switzerland: structure and check digits as the tax authorities publish them (VIES for the Union).

Every number begins with its country's letters, so a right check digit is enough. Checks take the number without those letters and without separators.
"""

from collections.abc import Callable

from ostiary.detection import european
from ostiary.detection.checksum import luhn, mod_11_10, mod_97, weighed
from ostiary.detection.detector import Detector
from ostiary.detection.national import letters_and_digits

_WORDS = (
    "vat|vat number|vat id|vat no|tax|ust-idnr|ustid|ust-id|umsatzsteuer|tva|n° tva|iva|partita iva|p.iva|btw|btw-nummer|moms|momsnr|nip|dph|dic|ic dph|pvn|pvm|kmkr|"
    "afm|afa|ado|cvr|uid|mwst|nif|cif|alv|ddv|pdv|mva|org nr|vies|intra|intracommunautaire|contribuinte"
)


def austria(number: str) -> bool:
    doubled = sum(sum(divmod(int(digit) * 2, 10)) for digit in number[2:8:2])
    return (10 - (sum(map(int, number[1:8:2])) + doubled + 4) % 10) % 10 == int(number[8])


def belgium(number: str) -> bool:
    return number[0] in "01" and 97 - int(number[:8]) % 97 == int(number[8:])


def bulgaria(number: str) -> bool:
    if len(number) == 10:
        return european.bg_egn(number) or bg_foreigner(number) or _bulgarian_other(number)
    check = weighed(number, (1, 2, 3, 4, 5, 6, 7, 8)) % 11
    return (check if check < 10 else weighed(number, (3, 4, 5, 6, 7, 8, 9, 10)) % 11 % 10) == int(number[8])


def bg_foreigner(number: str) -> bool:
    """LNCh, the personal number of foreigners."""
    return weighed(number, (21, 19, 17, 13, 11, 9, 7, 3, 1)) % 10 == int(number[9])


def _bulgarian_other(number: str) -> bool:
    return (11 - weighed(number, (4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11 == int(number[9]) % 11


def cyprus(number: str) -> bool:
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
    total = sum(odd[int(digit)] for digit in number[:8:2]) + sum(map(int, number[1:8:2]))
    return not number.startswith("12") and chr(65 + total % 26) == number[8]


def czechia(number: str) -> bool:
    if len(number) > 8:
        return european.cz_birth_number(number)
    check = (11 - weighed(number, (8, 7, 6, 5, 4, 3, 2)) % 11) % 10
    return number[0] != "9" and check == int(number[7])


def germany(number: str) -> bool:
    return number[0] != "0" and mod_11_10(number)


def denmark(number: str) -> bool:
    return number[0] != "0" and weighed(number, (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def estonia(number: str) -> bool:
    return weighed(number, (3, 7, 1, 3, 7, 1, 3, 7, 1)) % 10 == 0


def spain(number: str) -> bool:
    """NIF of persons (DNI, NIE) and of entities (formerly CIF: digits at odd places doubled, check as digit or letter)."""
    if number[0].isdigit():
        return european.es_dni(number)
    if number[0] in "XYZ":
        return european.es_nie(number)
    return es_entity(number)


def es_entity(number: str) -> bool:
    body = number[1:8]
    if not body.isdigit() or number[0] not in "ABCDEFGHJNPQRSUVW":
        return False
    check = -(sum(map(int, body[1::2])) + sum(sum(divmod(int(digit) * 2, 10)) for digit in body[::2])) % 10
    return number[8] in (str(check), "JABCDEFGHI"[check])


def finland(number: str) -> bool:
    return weighed(number, (7, 9, 10, 5, 8, 4, 2, 1)) % 11 == 0


def france(number: str) -> bool:
    key, siren = number[:2], number[2:]
    return luhn(siren) and (not key.isdigit() or (12 + 3 * (int(siren) % 97)) % 97 == int(key))


def hungary(number: str) -> bool:
    return weighed(number, (9, 7, 3, 1, 9, 7, 3, 1)) % 10 == 0


def lithuania(number: str) -> bool:
    body = number[:-1]
    check = sum(int(digit) * (place % 9 + 1) for place, digit in enumerate(body)) % 11
    if check == 10:
        check = sum(int(digit) * ((place + 2) % 9 + 1) for place, digit in enumerate(body)) % 11 % 10
    return number[-2] == "1" and check == int(number[-1])


def luxembourg(number: str) -> bool:
    return int(number[:6]) % 89 == int(number[6:])


def latvia(number: str) -> bool:
    """Companies; of persons it is the personal code."""
    if number[0] <= "3":
        return european.lv_code(number)
    return (3 - weighed(number, (9, 1, 4, 8, 3, 10, 2, 5, 7, 6))) % 11 == int(number[10])


def malta(number: str) -> bool:
    return int(number[:6]) > 100_000 and 37 - weighed(number, (3, 4, 6, 7, 8, 9)) % 37 == int(number[6:])


def netherlands(number: str) -> bool:
    """The BSN's modulus 11 until 2019 and for companies, ISO 7064 MOD 97-10 over the whole since."""
    return (
        european.nl_bsn(number[:9]) or mod_97(number[-4:] + "NL" + number[:8]) or _mod_97_plain("NL" + number)
    )


def _mod_97_plain(text: str) -> bool:
    return int("".join(str(int(char, 36)) for char in text)) % 97 == 1


def romania(number: str) -> bool:
    padded = number.zfill(10)
    return weighed(padded, (7, 5, 3, 2, 1, 7, 5, 3, 2)) * 10 % 11 % 10 == int(padded[9])


def sweden(number: str) -> bool:
    return luhn(number[:10])


def slovenia(number: str) -> bool:
    check = 11 - weighed(number, (8, 7, 6, 5, 4, 3, 2)) % 11
    return number[0] != "0" and check != 11 and check % 10 == int(number[7])


def slovakia(number: str) -> bool:
    return number[0] != "0" and number[2] in "234789" and int(number) % 11 == 0


def britain(number: str) -> bool:
    """HMRC: modulus 97, or since 2009 modulus 97 with 55 added."""
    total = weighed(number, (8, 7, 6, 5, 4, 3, 2)) + int(number[7:9])
    return int(number[:7]) > 0 and (total % 97 == 0 or (total + 55) % 97 == 0)


def norway(number: str) -> bool:
    return number[0] in "89" and weighed(number, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def switzerland(number: str) -> bool:
    return weighed(number, (5, 4, 3, 2, 7, 6, 5, 4, 1)) % 11 == 0


_S = r"[ .\-]?"
_NINE = rf"\d{{3}}{_S}\d{{3}}{_S}\d{{3}}"
_EIGHT = rf"\d{{2}}{_S}\d{{3}}{_S}\d{{3}}"
_ELEVEN = rf"\d{{3}}{_S}\d{{4}}{_S}\d{{4}}"

_COUNTRIES: tuple[tuple[str, str, str, Callable[[str], bool]], ...] = (
    ("AT", "AT", rf"U{_S}{_EIGHT}|U\d{{8}}", austria),
    ("BE", "BE", rf"[01]?\d{{3}}{_S}\d{{3}}{_S}\d{{3}}", lambda number: belgium(number.zfill(10))),
    ("BG", "BG", r"\d{9,10}", bulgaria),
    ("CY", "CY", r"\d{8}[A-Z]", cyprus),
    ("CZ", "CZ", r"\d{8,10}", czechia),
    ("DE", "DE", _NINE, germany),
    ("DK", "DK", rf"\d{{2}}{_S}\d{{2}}{_S}\d{{2}}{_S}\d{{2}}", denmark),
    ("EE", "EE", r"\d{9}", estonia),
    ("GR", "(?:EL|GR)", r"\d{9}", european.gr_afm),
    ("ES", "ES", rf"[A-Z0-9]{_S}\d{{7}}{_S}[A-Z0-9]", spain),
    ("FI", "FI", r"\d{7}-?\d", finland),
    ("FR", "FR", rf"[0-9A-Z]{{2}}{_S}{_NINE}", france),
    ("HR", "HR", r"\d{11}", european.oib),
    ("HU", "HU", r"\d{8}", hungary),
    ("IE", "IE", r"\d{7}[A-W][A-IW]?", european.ie_pps),
    ("IT", "IT", r"\d{11}", luhn),
    ("LT", "LT", r"\d{9}|\d{12}", lithuania),
    ("LU", "LU", r"\d{8}", luxembourg),
    ("LV", "LV", r"\d{11}", latvia),
    ("MT", "MT", r"\d{8}|\d{4}[ \-]\d{4}", malta),
    ("NL", "NL", rf"\d{{9}}{_S}B{_S}\d{{2}}|\d{{4}}{_S}\d{{2}}{_S}\d{{3}}{_S}B{_S}\d{{2}}", netherlands),
    ("PL", "PL", rf"\d{{10}}|\d{{3}}{_S}\d{{3}}{_S}\d{{2}}{_S}\d{{2}}", european.pl_nip),
    ("PT", "PT", _NINE, european.pt_nif),
    ("RO", "RO", r"[1-9]\d{3,9}", romania),
    ("SE", "SE", rf"\d{{6}}{_S}\d{{4}}{_S}01", sweden),
    ("SI", "SI", r"\d{8}", slovenia),
    ("SK", "SK", r"\d{10}", slovakia),
    ("GB", "(?:GB|XI)", rf"{_NINE}(?:{_S}\d{{3}})?|\d{{3}}{_S}\d{{4}}{_S}\d{{2}}", britain),
    ("NO", "(?:NO)?", rf"{_NINE}{_S}(?i:mva)", lambda number: norway(number[:9])),
    ("CH", "CHE", rf"{_S}{_NINE}(?:{_S}(?i:mwst|tva|iva|hr))?", lambda number: switzerland(number[:9])),
)


def _detector(country: str, letters: str, form: str, check: Callable[[str], bool]) -> Detector:
    def valid(text: str) -> bool:
        number = letters_and_digits(text)
        return check(
            number.removeprefix("CHE")
            if country == "CH"
            else number.removeprefix("NO")
            if country == "NO"
            else number[2:]
        )

    doubtful = country in ("RO", "LU", "MT", "HU", "SI", "DK", "FI", "CZ", "BG")
    return Detector(
        f"VAT number, {country}",
        f"{country.lower()}_vat",
        country,
        rf"\b{letters}[ \-.]?(?:{form})\b",
        valid,
        tuple(_WORDS.split("|")),
        0.45 if doubtful else 0.6,
        numeric=True,
    )


DETECTORS: tuple[Detector, ...] = tuple(_detector(*each) for each in _COUNTRIES)
"""Short numbers, whose check digit is hit by chance once in ten, count beside a context word only."""
