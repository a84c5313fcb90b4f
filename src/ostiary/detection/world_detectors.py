"""More numbers beyond Europe: insurance, health, banks, firms, passports and licences. Checks first, detectors below."""

from ostiary.detection import validity
from ostiary.detection.checksum import calendar_day, luhn, weighed
from ostiary.detection.detector import Detector, form, named, national_id
from ostiary.detection.national import all_same, digits, letters_and_digits


def us_ein(text: str) -> bool:
    """IRS: campus prefixes that are assigned."""
    prefix = int(digits(text)[:2])
    return prefix not in (0, 7, 8, 9, 17, 18, 19, 28, 29, 49, 69, 70, 78, 79, 89, 96, 97)


def us_mbi(text: str) -> bool:
    return len(letters_and_digits(text)) == 11


def ca_ohip(text: str) -> bool:
    return luhn(digits(text)[:10]) and not all_same(digits(text))


def ca_phn(text: str) -> bool:
    """British Columbia: nine in front, modulus 11 over the next eight."""
    number = digits(text)
    check = 11 - weighed(number[1:9], (2, 4, 8, 5, 10, 9, 7, 3)) % 11
    return number[0] == "9" and check < 10 and check == int(number[9])


def ca_ramq(text: str) -> bool:
    """Québec: four letters of the name, date of birth (women: month + 50), serial, check."""
    number = digits(text)
    month = int(number[2:4])
    return calendar_day(2000 + int(number[:2]), month - 50 if month > 50 else month, int(number[4:6]))


def au_acn(text: str) -> bool:
    number = digits(text)
    return not all_same(number) and (10 - weighed(number, (8, 7, 6, 5, 4, 3, 2, 1)) % 10) % 10 == int(
        number[8]
    )


def au_provider(text: str) -> bool:
    """Services Australia: six digits, a place, a check letter."""
    number = letters_and_digits(text)
    places = "0123456789ABCDEFGHJKLMNPQRTUVWXY"
    if number[6] not in places:
        return False
    total = weighed(number[:6], (3, 5, 8, 4, 2, 1)) + places.index(number[6]) * 6
    return "YXWTLKJHFBA"[total % 11] == number[7]


def in_gstin(text: str) -> bool:
    """State, PAN, entity, Z, and a check in base 36 with factors 1 and 2."""
    number = letters_and_digits(text)
    total = sum(sum(divmod(int(char, 36) * (1 + place % 2), 36)) for place, char in enumerate(number[:14]))
    return 1 <= int(number[:2]) <= 38 and int(number[14], 36) == (36 - total % 36) % 36


def in_state(text: str) -> bool:
    return 1 <= int(text[:2]) <= 38


_STATES = frozenset(
    [
        "AN",
        "AP",
        "AR",
        "AS",
        "BR",
        "CG",
        "CH",
        "DD",
        "DL",
        "DN",
        "GA",
        "GJ",
        "HP",
        "HR",
        "JH",
        "JK",
        "KA",
        "KL",
        "LA",
        "LD",
        "MH",
        "ML",
        "MN",
        "MP",
        "MZ",
        "NL",
        "OD",
        "OR",
        "PB",
        "PY",
        "RJ",
        "SK",
        "TG",
        "TN",
        "TR",
        "TS",
        "UA",
        "UK",
        "UP",
        "WB",
    ]
)


def in_plate(text: str) -> bool:
    return letters_and_digits(text)[:2] in _STATES


def mx_clabe(text: str) -> bool:
    number = digits(text)
    check = sum(int(digit) * (3, 7, 1)[place % 3] % 10 for place, digit in enumerate(number[:17]))
    return not all_same(number) and (10 - check % 10) % 10 == int(number[17])


def br_cns(text: str) -> bool:
    number = digits(text)
    return number[0] in "12789" and weighed(number, tuple(range(15, 0, -1))) % 11 == 0


def nz_nhi(text: str) -> bool:
    """HISO 10046: three letters and four digits modulo 11 (old form), or with a letter at the end modulo 23 (new form)."""
    number = letters_and_digits(text)
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    total = sum(
        (alphabet.index(char) + 1 if char.isalpha() else int(char)) * weight
        for char, weight in zip(number[:6], range(7, 1, -1), strict=True)
    )
    if number[6].isdigit():
        return total % 11 != 0 and (11 - total % 11) % 10 == int(number[6])
    return alphabet[23 - total % 23] == number[6]


def vin(text: str) -> bool:
    """ISO 3779 with the check digit at the ninth place, which North America and China require."""
    values = {
        char: value
        for group, value in (
            ("AJ", 1),
            ("BKS", 2),
            ("CLT", 3),
            ("DMU", 4),
            ("ENV", 5),
            ("FW", 6),
            ("GPX", 7),
            ("HY", 8),
            ("RZ", 9),
        )
        for char in group
    }
    number = text.upper()
    if number.isdigit() or number.isalpha():
        return False
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(
        (int(char) if char.isdigit() else values[char]) * weight
        for char, weight in zip(number, weights, strict=True)
    )
    return "0123456789X"[total % 11] == number[8]


def vin_form(text: str) -> bool:
    return any(char.isdigit() for char in text) and any(char.isalpha() for char in text)


def ihi(text: str) -> bool:
    return luhn(digits(text))


DETECTORS: tuple[Detector, ...] = (
    national_id("employer identification number", "us_ein", r"\b\d{2}-\d{7}\b", us_ein, "ein|fein|employer identification|employer id|federal tax", 0.3),
    national_id("preparer number", "us_ptin", r"\bP\d{8}\b", None, "ptin|preparer", 0.3),
    national_id("US passport", "us_passport", r"\b[A-Z]\d{8}\b|\b\d{9}\b", validity.passport, "us passport|u.s. passport|american passport", 0.2),
    national_id("Ontario health card", "ca_on_ohip", r"\b\d{4}[ \-]?\d{3}[ \-]?\d{3}[ \-]?[A-Z]{2}\b", ca_ohip, "ohip|health card|ontario", 0.65),
    national_id("BC personal health number", "ca_bc_phn", r"\b9\d{3}[ \-]?\d{3}[ \-]?\d{3}\b", ca_phn, "phn|personal health number|bc services|care card", 0.4),
    national_id("Québec health insurance", "ca_qc_ramq", r"\b[A-Z]{4}[ \-]?\d{4}[ \-]?\d{4}\b", ca_ramq, "ramq|assurance maladie|nam", 0.55),
    national_id("US driver's license", "us_driving_licence", r"\b[A-Z]\d{7,8}\b|\b[A-Z]\d{12,14}\b|\b[A-Z]{2}\d{6}\b|\b[A-Z]\d{3}-\d{3}-\d{2}-\d{3}-\d\b",
        validity.passport, "driver's license|drivers license|driver license|driver's lic|dmv|license number|dl#|driver lic", 0.25),
    national_id("Canadian driver's licence", "ca_driving_licence", r"\b[A-Z]\d{4}[ \-]\d{5}[ \-]?\d{5}\b|\b[A-Z]\d{4}[ \-]\d{6}[ \-]\d{2}\b",
        validity.passport, "driver's licence|drivers licence|driver licence|permis de conduire|licence number", 0.5),
    national_id("Canadian passport", "ca_passport", r"\b[A-Z]{2}\d{6}\b", None, "canadian passport|canada passport", 0.2),
    national_id("transit number", "ca_transit", r"\b\d{5}-\d{3}\b|\b0\d{8}\b", None, "transit|transit number|institution number|eft", 0.2),
    national_id("company number", "au_acn", r"\b\d{3} ?\d{3} ?\d{3}\b", au_acn, "acn|company number", 0.2),
    national_id("individual healthcare identifier", "au_ihi", r"\b800360[ ]?\d{4}[ ]?\d{6}\b|\b8003 60\d{2} \d{4} \d{4}\b", ihi, "ihi|healthcare identifier", 0.85),
    national_id("provider number", "au_provider", r"\b\d{5,6}[0-9A-Y][ABFHJKLTWXY]\b", lambda text: len(text) == 8 and au_provider(text), "provider number|provider no|medicare provider", 0.3),
    national_id("BSB", "au_bsb", r"\b\d{3}[ \-]\d{3}\b|\b\d{6}\b", None, "bsb|bsb number|bank state branch", 0.2),
    national_id("Australian passport", "au_passport", r"\b(?:[NELADCFGUX]|P[A-FUWXZ])\d{7}\b", None, "australian passport|australia passport", 0.2),
    national_id("GSTIN", "in_gstin", r"\b\d{2}[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]\b", in_gstin, "gstin|gst", 0.9),
    form("GSTIN without its check", "in_gstin", "IN", r"(?i:\b\d{2}[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]\b)", in_state),
    form("PAN without its kind", "in_pan", "IN", r"\b[A-Z]{5}\d{4}[A-Z]\b|\b[A-Z]\d{4}[A-Z]{5}\b"),
    national_id("IFSC", "in_ifsc", r"\b[A-Z]{4}0[A-Z0-9]{6}\b", vin_form, "ifsc|ifsc code|neft|rtgs", 0.45),
    national_id("UPI address", "in_upi", r"\b[A-Za-z0-9._\-]{2,64}@(?:ok(?:axis|sbi|icici|hdfcbank)|ybl|ibl|axl|paytm|ptsbi|ptyes|upi|apl|yapl|axisbank|sbi|icici|hdfcbank|kotak|barodampay|freecharge|jupiteraxis|airtel)\b",
        None, "upi|vpa|gpay|phonepe", 0.8),
    national_id("Indian passport", "in_passport", r"\b[A-PR-WY][1-9]\d ?\d{4}[1-9]\b", None, "indian passport|passport", 0.2),
    national_id("Indian driving licence", "in_driving_licence", r"\b[A-Z]{2}[ \-]?\d{2}[ \-]?(?:19|20)\d{2}[ \-]?\d{7}\b", in_plate, "driving licence|driving license|dl", 0.75),
    national_id("Indian vehicle registration", "in_licence_plate", r"\b[A-Z]{2}[ \-]?\d{1,2}[ \-]?[A-Z]{1,3}[ \-]?\d{4}\b", in_plate, "vehicle|registration|number plate|rto|car", 0.4),
    national_id("CLABE", "mx_clabe", r"\b\d{3}[ ]?\d{3}[ ]?\d{11}[ ]?\d\b", mx_clabe, "clabe|clabe interbancaria|cuenta", 0.45),
    national_id("Cartão Nacional de Saúde", "br_cns", r"\b\d{3}[ .]?\d{4}[ .]?\d{4}[ .]?\d{4}\b", br_cns, "cns|cartao nacional|cartao sus|sus", 0.4),
    national_id("national health index", "nz_nhi", r"\b[A-HJ-NP-Z]{3}\d{2}(?:\d{2}|[A-HJ-NP-Z]{2})\b", lambda text: text[5:].isdigit() and nz_nhi(text), "nhi|national health index", 0.3),
    national_id("BVN", "ng_bvn", r"\b22\d{9}\b", None, "bvn|bank verification", 0.25),
    national_id("NUBAN", "ng_nuban", r"\b\d{10}\b", None, "nuban|naira|gtbank|zenith bank|access bank|first bank|uba|nigerian account", 0.2),
    national_id("taxpayer number", "ng_tin", r"\b\d{8}-\d{4}\b", None, "tin|firs|tax", 0.3),
    national_id("Nigerian driver's licence", "ng_driving_licence", r"\b[A-Z]{3}[ \-]?\d{5}[ \-]?[A-Z]{2}\d{2}\b", None, "driver|licence|license|frsc", 0.3),
    national_id("Nigerian passport", "ng_passport", r"\b[AB]\d{8}\b", None, "nigerian passport|nigeria passport", 0.2),
    national_id("Nigerian plate", "ng_licence_plate", r"(?i:\b[A-Z]{3}[ \-]?\d{3}[ ]?[A-Z]{2}\b)", None, "plate|plate number|vehicle|registration", 0.3),
    national_id("citizen identity number", "vn_id", r"\b0\d{11}\b", None, "cccd|can cuoc|cmnd|vietnam", 0.2),
    Detector("vehicle identification number", "vin", "", r"(?i:\b[A-HJ-NPR-Z0-9]{17}\b)", vin, ("vin", "chassis", "vehicle", "fahrgestell"), 0.6, numeric=True),
    Detector("vehicle identification number, unchecked", "vin", "", r"(?i:\b[A-HJ-NPR-Z0-9]{17}\b)", vin_form,
             ("vin", "chassis", "vehicle identification", "fahrgestellnummer", "fahrgestell", "fin", "numero de chassis", "bastidor", "telaio", "nadwozia"), 0.2, numeric=True),
    Detector("UK plate", "gb_licence_plate", "GB",
             r"(?i:\b[A-HJ-PR-Y][A-HJ-PR-Y](?:0[2-9]|[12]\d|5[1-9]|[67]\d)[ \-]?[A-HJ-PR-Z]{3}\b|\b[A-HJ-NPR-TV-Y]\d{1,3}[ \-]?[A-HJ-PR-Y]{3}\b|\b[A-HJ-PR-Y]{3}[ \-]?\d{1,3}[A-HJ-NPR-TV-Y]\b)",
             None, ("reg", "plate", "vehicle", "vehicles", "registration", "car", "van", "vrm", "dvla", "number plate"), 0.2, numeric=True, reach=(40, 20)),
    Detector("US bank account", "us_bank_account", "US", r"\b\d{8,17}\b", validity.passport,
             ("bank account", "account number", "account no", "checking", "savings", "acct", "direct deposit"), 0.2, numeric=True, reach=(40, 10)),
    named("UK plate named as such", "gb_licence_plate", "reg|reg no|registration|number plate|registration plate|vehicle registration|vrm", r"[A-Z]{2}\d{2}[ ]?[A-Z]{3}", country="GB"),
    named("Pix key named as such", "br_pix", "pix|chave pix", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", country="BR"),
    named("Canadian bank account", "ca_transit", "transit number|transit no|transit", r"\d{5}(?:-\d{3})?", country="CA"),
    named("IBAN-less account, US", "us_bank_account", "checking account|savings account|checking|routing and account", r"\d(?:[ \-]?\d){5,16}", country="US"),
    named("UK account named as such", "gb_bank_account", "account no|account number|a/c", r"\d{8}", country="GB"),
)  # fmt: skip
