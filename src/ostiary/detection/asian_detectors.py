"""More numbers of Korea, Singapore, the Philippines and Turkey: foreigners, firms, passports, licences, plates. Checks first, detectors below."""

from ostiary.detection.checksum import weighed
from ostiary.detection.detector import Detector, national_id
from ostiary.detection.national import all_same, digits, letters_and_digits, some_day


def kr_foreigner(text: str) -> bool:
    """Registration number of foreigners: a date, and 5 to 8 for sex and century. Those given since October 2020 hold no check digit."""
    number = digits(text)
    return some_day(number[:2], number[2:4], number[4:6]) and number[6] in "5678"


def kr_firm(text: str) -> bool:
    """Business registration number (National Tax Service): weights 1, 3, 7 in turn, 5 at the ninth digit, whose tens count too."""
    number = digits(text)
    total = weighed(number, (1, 3, 7, 1, 3, 7, 1, 3, 5)) + int(number[8]) * 5 // 10
    return not all_same(number) and (10 - total % 10) % 10 == int(number[9])


def kr_driving(text: str) -> bool:
    """The two first digits are the office that issued it: 11 to 26, and 28."""
    office = int(digits(text)[:2])
    return 11 <= office <= 26 or office == 28


def ph_tin(text: str) -> bool:
    """Bureau of Internal Revenue: the ninth digit is the weighted sum of the first eight modulo 11."""
    number = digits(text)
    return not all_same(number) and weighed(number, (9, 8, 7, 6, 5, 4, 3, 2)) % 11 == int(number[8])


_ENTITY = "ABCDEFGHJKLMNPQRSTUVWX0123456789"


def sg_uen(text: str) -> bool:
    """Unique entity number (ACRA), in its three forms: businesses, companies (year first), and other entities."""
    number = letters_and_digits(text)
    if number[:-1].isdigit() and len(number) == 9:
        return "XMKECAWLJDB"[weighed(number, (10, 4, 9, 3, 8, 2, 7, 1)) % 11] == number[-1]
    if number[:-1].isdigit():
        return "ZKCMDNERGWH"[weighed(number, (10, 8, 6, 4, 9, 7, 5, 3, 1)) % 11] == number[-1]
    weights = (4, 3, 5, 3, 10, 2, 2, 5, 7)
    total = sum(_ENTITY.index(char) * weight for char, weight in zip(number[:9], weights, strict=True))
    return _ENTITY[(total - 5) % 11] == number[-1]


def tr_plate(text: str) -> bool:
    """A province from 01 to 81, one to three letters of those in use, two to four digits."""
    return 1 <= int(text[:2]) <= 81


_PLATE_LETTERS = "[A-PR-VYZ]"

DETECTORS: tuple[Detector, ...] = (
    national_id("foreigner registration number", "kr_frn", r"\b\d{6}-[5-8]\d{6}\b", kr_foreigner, "frn|foreigner|foreigner registration|alien registration", 0.6),
    national_id("foreigner registration number, plain", "kr_frn", r"\b\d{6}[5-8]\d{6}\b", kr_foreigner, "frn|foreigner|foreigner registration|alien registration", 0.2),
    national_id("business registration number", "kr_brn", r"\b\d{3}-\d{2}-\d{5}\b", kr_firm, "brn|business registration|korea", 0.5),
    national_id("business registration number, plain", "kr_brn", r"\b\d{10}\b", kr_firm, "brn|business registration|korea", 0.2),
    national_id("Korean driver's licence", "kr_driving_licence", r"\b\d{2}-\d{2}-\d{6}-\d{2}\b", kr_driving, "driver|license|licence|korea", 0.5),
    national_id("Korean driver's licence, plain", "kr_driving_licence", r"\b\d{2} ?\d{2} ?\d{6} ?\d{2}\b", kr_driving, "korean driver|korean license|korean licence", 0.2),
    national_id("Korean passport", "kr_passport", r"(?i:\b[MSRODG]\d{3}(?:[A-Z]\d{4}|\d{5})\b)", None, "passport|korean passport|korea", 0.2),
    national_id("taxpayer number", "ph_tin", r"\b\d{3}[ \-]?\d{3}[ \-]?\d{3}(?:[ \-]?\d{3})?\b", ph_tin, "tin|bir|taxpayer", 0.2),
    national_id("unique entity number", "sg_uen", r"(?i:\b(?:\d{8,9}|[TSR]\d{2}[A-Z]{2}\d{4})[A-Z]\b)", sg_uen, "uen|unique entity|acra", 0.5),
    national_id("Turkish plate", "tr_licence_plate", rf"(?i:\b\d{{2}} ?(?:{_PLATE_LETTERS} ?\d{{2,5}}|{_PLATE_LETTERS}{{2}} ?\d{{2,4}}|{_PLATE_LETTERS}{{3}} ?\d{{2,4}})\b)", tr_plate,
        "plaka|plakasi|plakali|plaka numarasi|arac|license plate|licence plate|vehicle", 0.3),
)  # fmt: skip
