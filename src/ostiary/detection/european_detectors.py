"""More numbers of Europe: what persons hold beside their national number (tax, insurance, cards), and the numbers of their firms. Checks first, detectors below."""

from ostiary.detection import european, validity
from ostiary.detection.checksum import calendar_day, luhn, mod_11_10, verhoeff, weighed
from ostiary.detection.detector import Detector, form, named, national_id
from ostiary.detection.national import all_same, digits, letters_and_digits, some_day
from ostiary.detection.vat import bg_foreigner, cyprus, es_entity


def bg_lnch(text: str) -> bool:
    return bg_foreigner(digits(text))


def cy_tax(text: str) -> bool:
    return cyprus(letters_and_digits(text))


def hu_personal(text: str) -> bool:
    """Weights go up for those born before 1997, down for those born since."""
    number = digits(text)
    born = number[0] in "12345678" and some_day(number[1:3], number[3:5], number[5:7])
    up = tuple(range(1, 11))
    return born and int(number[10]) in (weighed(number, up) % 11, weighed(number, up[::-1]) % 11)


def lu_national(text: str) -> bool:
    """Matricule since 2014: date, serial, a Luhn digit over the first eleven and a Verhoeff digit over the same."""
    number = digits(text)
    born = calendar_day(int(number[:4]), int(number[4:6]), int(number[6:8]))
    return (
        number[:2] in ("18", "19", "20") and born and luhn(number[:12]) and verhoeff(number[:11] + number[12])
    )


def pt_citizen_card(text: str) -> bool:
    """Cartão de Cidadão: eight digits, a check digit, two letters, a check digit: Luhn's doubling with letters from 10 to 35."""
    total = 0
    for place, char in enumerate(reversed(letters_and_digits(text))):
        value = int(char, 36) * (1 + place % 2)
        total += value - 9 if place % 2 and value >= 10 else value
    return total % 10 == 0


def pt_niss(text: str) -> bool:
    number = digits(text)
    return number[0] in "12" and 9 - weighed(number, (29, 23, 19, 17, 13, 11, 7, 5, 3, 2)) % 10 == int(
        number[10]
    )


def pl_identity_card(text: str) -> bool:
    number = letters_and_digits(text)
    values = [int(char, 36) for char in number]
    return (
        number[:3].isalpha()
        and sum(v * w for v, w in zip(values, (7, 3, 1, 9, 7, 3, 1, 7, 3), strict=True)) % 10 == 0
    )


def pl_regon(text: str) -> bool:
    number = digits(text)
    if len(number) == 14:
        return weighed(number, (2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8)) % 11 % 10 == int(number[13])
    return not all_same(number) and weighed(number, (8, 9, 2, 3, 4, 5, 6, 7)) % 11 % 10 == int(number[8])


def es_social_security(text: str) -> bool:
    number = digits(text)
    serial = int(number[2:10])
    body = int(number[:2]) * 10_000_000 + serial if serial < 10_000_000 else int(number[:10])
    return 1 <= int(number[:2]) <= 66 and body % 97 == int(number[10:])


def es_firm(text: str) -> bool:
    return es_entity(letters_and_digits(text))


def si_tax(text: str) -> bool:
    number = digits(text)
    check = 11 - weighed(number, (8, 7, 6, 5, 4, 3, 2)) % 11
    return number[0] != "0" and check != 11 and check % 10 == int(number[7])


def de_health(text: str) -> bool:
    """Krankenversichertennummer: the letter as two digits, cross sums of the digits times 1 and 2 in turn, modulo 10."""
    number = letters_and_digits(text)
    spelled = f"{ord(number[0]) - 64:02d}{number[1:9]}"
    total = sum(sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(spelled))
    return total % 10 == int(number[9])


def de_passport(text: str) -> bool:
    """Serial letters and the ICAO 9303 check digit, which the pass prints behind the number."""
    number = letters_and_digits(text)
    return european.de_identity_card(number) and any(char.isdigit() for char in number)


def gb_utr(text: str) -> bool:
    number = digits(text)
    return "21987654321"[weighed(number[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11] == number[0]


def gb_chi(text: str) -> bool:
    number = digits(text)
    return some_day(number[4:6], number[2:4], number[:2]) and european.gb_nhs(number)


def siret(text: str) -> bool:
    """SIREN and SIRET: Luhn; La Poste's offices (356 000 000) count their digits up to a multiple of five."""
    number = digits(text)
    poste = number.startswith("356000000") and sum(map(int, number)) % 5 == 0
    return not all_same(number) and (luhn(number) or poste)


def de_physician(text: str) -> bool:
    """Lebenslange Arztnummer (KBV): the seventh digit checks the first six, weights 4 and 9 in turn; two digits of the specialty follow."""
    return (10 - weighed(text, (4, 9, 4, 9, 4, 9)) % 10) % 10 == int(text[6])


def not_all_same(text: str) -> bool:
    return not all_same(digits(text))


def de_postcode(text: str) -> bool:
    return 1000 < int(text) < 99999


def de_tax_unchecked(text: str) -> bool:
    """The check digit alone: on forms and in examples stand numbers that repeat no digit, as no real one does."""
    number = digits(text)
    return mod_11_10(number) and max(map(number.count, set(number))) <= 4


_STATES = (
    "0",
    "10",
    "11",
    "12",
    "13",
    "14",
    "15",
    "16",
    "21",
    "22",
    "23",
    "24",
    "26",
    "27",
    "28",
    "30",
    "31",
    "32",
    "40",
    "41",
    "5",
    "9",
)


def de_tax_number(text: str) -> bool:
    """As the tax offices of the states write it; thirteen digits begin with the state's: its key from 01 to 16, or ELSTER's."""
    number = digits(text)
    return len(number) != 13 or (number.startswith(_STATES) and number[:2] != "00")


def se_organisation(text: str) -> bool:
    """Skatteverket: the third digit is two or more, so that none is a date; the last one is Luhn's."""
    number = digits(text)
    return number[2] >= "2" and not all_same(number) and luhn(number)


_HEALTH_FR = "passeport|numero de passeport"

DETECTORS: tuple[Detector, ...] = (
    national_id("LNCh", "bg_lnch", r"\b\d{10}\b", bg_lnch, "lnch|lnc|foreigner|personal number of foreigner", 0.2),
    national_id("tax identification code", "cy_tax_id", r"\b\d{8}[A-Z]\b", cy_tax, "tic|afm|cyprus|cypriot", 0.45),
    national_id("identity card", "gr_identity_card", r"\b[A-Z]{1,2} ?-? ?\d{6}\b", None, "adt|taftotita|deltio|greek id|hellenic", 0.2),
    national_id("személyi azonosító", "hu_personal_id", r"\b[1-8][ \-]?\d{6}[ \-]?\d{4}\b", hu_personal, "szemelyi|szemelyi szam|szemelyi azonosito", 0.3),
    national_id("matricule", "lu_national_id", r"\b(?:18|19|20)\d{2}[ ]?[01]\d[0-3]\d[ ]?\d{3}[ ]?\d{2}\b", lu_national, "matricule|luxembourg", 0.75),
    national_id("asmens kodas", "lt_asmens_kodas", r"\b[1-6]\d{10}\b", european.baltic, "asmens kodas|a.k.|lithuania|lithuanian", 0.41),
    national_id("identity card", "mt_identity_card", r"\b\d{3,7}[MGAPLHBZ]\b", None, "malta|maltese|karta tal-identita|identity card", 0.2),
    national_id("Cartão de Cidadão", "pt_citizen_card", r"\b\d{8}[ \-]?\d[ \-]?[A-Z0-9]{2}\d\b", pt_citizen_card, "cartao de cidadao|cc|cidadao", 0.45),
    national_id("NISS", "pt_niss", r"\b[12]\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{2}\b", pt_niss, "niss|seguranca social", 0.2),
    national_id("dowód osobisty", "pl_identity_card", r"(?i:\b[A-Z]{3}[ ]?\d{6}\b)", pl_identity_card, "dowod|dowod osobisty|dowodu|numer dowodu|seria i numer", 0.3),
    national_id("REGON", "pl_regon", r"\b\d{9}(?:\d{5})?\b", pl_regon, "regon", 0.2),
    national_id("número de la Seguridad Social", "es_social_security", r"\b\d{2}[ /\-]?\d{8}[ /\-]?\d{2}\b", es_social_security, "seguridad social|nuss|naf|afiliacion", 0.4),
    national_id("NIF of a firm", "es_vat", r"\b[ABCDEFGHJNPQRSUVW][ \-]?\d{7}[ \-]?[0-9A-J]\b", es_firm, "cif|nif", 0.4),
    national_id("davčna številka", "si_tax_id", r"\b[1-9]\d{7}\b", si_tax, "davcna|davcna stevilka", 0.2),
    national_id("EMŠO", "si_emso", r"\b[0-3]\d[01]\d[09]\d{2}5\d{5}\b", european.jmbg, "emso|maticna stevilka", 0.55),
    national_id("rodné číslo", "sk_birth_number", r"\b\d{6}/?\d{3,4}\b", european.cz_birth_number, "slovak|slovensk[ay]|slovakia|obciansky preukaz", 0.2),
    national_id("Krankenversichertennummer", "de_kvnr", r"(?i:\b[A-Z]\d{9}\b)", de_health,
        "krankenversicherung|versichertennummer|krankenversichertennummer|kvnr|krankenkasse|egk|gesundheitskarte|versicherten-nr|kv-nummer", 0.4),
    national_id("Reisepass", "de_passport", r"\b[CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{8}\d?\b", de_passport, "reisepass|passnummer|reisepassnummer|pass-nr|german passport", 0.2),
    national_id("Steuernummer", "de_tax_number", r"\b\d{2,3}[/ ]\d{3,4}[/ ]\d{4,5}\b|\b\d{10,11}\b|\b\d{13}\b", de_tax_number, "steuernummer|steuer-nr|st.-nr|stnr|st-nr", 0.2),
    national_id("Bankleitzahl", "de_bank_code", r"\b[1-8]\d{2}[ ]?\d{3}[ ]?\d{2}\b", None, "blz|bankleitzahl", 0.2),
    national_id("Abgabenkontonummer", "at_tax_id", r"\b\d{2}[ \-]?\d{3}/?\d{4}\b", validity.telling_number, "abgabenkontonummer|steuernummer|finanzamt", 0.2),
    national_id("taxpayer reference", "gb_utr", r"\b\d{5}[ ]?\d{5}\b", gb_utr, "utr|unique taxpayer|taxpayer reference|self assessment", 0.2),
    national_id("CHI number", "gb_chi", r"\b[0-3]\d[01]\d{3}[ ]?\d{4}\b", gb_chi, "chi|chi number|community health index", 0.3),
    national_id("SIRET", "fr_siret", r"\b\d{3}[ .]?\d{3}[ .]?\d{3}[ .]?\d{5}\b", siret, "siret|etablissement", 0.3),
    national_id("SIREN", "fr_siren", r"\b\d{3}[ .]?\d{3}[ .]?\d{3}\b", siret, "siren|rcs|r.c.s", 0.2),
    form("USt-IdNr without its check", "de_vat", "DE", r"(?i:\bDE ?\d{3} ?\d{3} ?\d{3}\b)", not_all_same),
    national_id("passeport", "fr_passport", r"\b\d{2}[A-Z]{2}\d{5}\b", None, _HEALTH_FR + "|passport", 0.45),
    national_id("permis de conduire", "fr_driving_licence", r"\b\d{12}\b", validity.passport, "permis de conduire|permis", 0.2),
    national_id("pasaporte", "es_passport", r"(?i:\b[A-Z]{3}\d{6}[A-Z]?\b)", None, "pasaporte", 0.2),
    national_id("passaporto", "it_passport", r"(?i:\b[A-Z]{2}\d{7}\b)", None, "passaporto", 0.2),
    national_id("carta d'identità", "it_identity_card", r"(?i:\b[A-Z]{2} ?\d{5}[A-Z]{2}\b|\b[A-Z]{2} ?\d{7}\b|\b\d{7}[A-Z]{2}\b)", None, "carta d'identita|carta di identita|identita|cie", 0.2),
    national_id("patente di guida", "it_driving_licence", r"(?i:\b[A-Z]{2}\d{7}[A-Z]\b|\bU1[B-DF-HJ-NP-TV-Z0-9]{7}[A-Z]\b)", None, "patente|patente di guida|licenza di guida", 0.3),
    national_id("paspoort", "nl_passport", r"\b[A-Z]{2}[A-NP-Z0-9]{6}\d\b", None, "paspoort|paspoortnummer|identiteitskaart", 0.2),
    national_id("Führerschein", "de_driving_licence", r"(?i:\b(?:[A-Z0-9]\d{2}[A-Z0-9]{6}\d|[A-Z]{2}\d{8})[A-Z0-9]\b)", validity.passport, "fuhrerschein|fuehrerschein|fuhrerscheinnummer|fahrerlaubnis", 0.2),
    national_id("UK passport", "gb_passport", r"(?i:\b[A-Z]?\d{9}\b|\b[A-Z]{2}\d{7}\b)", validity.passport, "uk passport|british passport|hm passport", 0.2),
    national_id("Arztnummer", "de_lanr", r"\b\d{9}\b", de_physician, "lanr|arztnummer|arzt-nr|arztnr|lebenslange arztnummer|vertragsarzt", 0.2),
    national_id("Betriebsstättennummer", "de_bsnr", r"\b\d{9}\b", not_all_same, "bsnr|betriebsstatte|betriebsstattennummer|nbsnr", 0.2),
    national_id("Handelsregisternummer", "de_handelsregister", r"(?i:\bHR[AB] ?\d{1,6}(?: ?B)?\b)", None, "handelsregister|handelsregisternummer|amtsgericht|registergericht|register", 0.55),
    national_id("Steuer-IdNr, check digit only", "de_tax_id", r"\b[1-9]\d[ /]?\d{3}[ /]?\d{3}[ /]?\d{3}\b", de_tax_unchecked, "steuer-id|steuerid|idnr|steueridentifikationsnummer|steuer-idnr", 0.2),
    national_id("organisationsnummer", "se_organisationsnummer", r"\b\d{6}-\d{4}\b", se_organisation, "organisationsnummer|orgnummer|org.nr|org nr|orgnr|foretag", 0.5),
    national_id("organisationsnummer, plain", "se_organisationsnummer", r"\b\d{10}\b", se_organisation, "organisationsnummer|orgnummer|org.nr|org nr|orgnr|foretag", 0.2),
    Detector("Postleitzahl", "de_postcode", "DE", r"\b\d{5}\b", de_postcode, ("plz", "postleitzahl"), 0.2, numeric=True, reach=(20, 0)),
    Detector("German plate", "de_licence_plate", "DE", r"(?i:\b[A-Z]{1,3}[ \-][A-Z]{1,2}[ \-]?[1-9]\d{0,3}[EH]?\b)", None, ("kennzeichen", "kfz", "fahrzeug", "nummernschild", "zugelassen"), 0.2, numeric=True),
    named("company number named as such", "gb_company_number", "company registration|companies house|company no|company number|crn", r"(?:[A-Z]{2})?\d{6,8}", country="GB"),
    named("German plate named as such", "de_licence_plate", "kennzeichen|kfz-kennzeichen|autokennzeichen|nummernschild", r"[A-Z\xe9]{1,3}[ \-]{1,2}[A-Z]{1,2}[ \-]?\d{1,4}[EH]?", country="DE"),
)  # fmt: skip
