"""National identifiers of Europe: structure and check digits, one function a number, as in `national`."""

from ostiary.detection.checksum import calendar_day, ean_13, luhn, mod_11_10, weighed
from ostiary.detection.national import all_same, digits, letters_and_digits, some_day

# British Isles


def gb_nino(text: str) -> bool:
    """HMRC NIM39110: letters D F I Q U V are not used first or second, O not second, and seven prefixes are not allocated."""
    prefix = letters_and_digits(text)[:2]
    return prefix not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")


def gb_nhs(text: str) -> bool:
    number = digits(text)
    check = 11 - weighed(number, (10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return check != 10 and check % 11 == int(number[9]) and not all_same(number)


def gb_driving(text: str) -> bool:
    """DVLA driver number: five of the surname, year and month (women: month + 50) and day of birth, initials, check letters."""
    number = letters_and_digits(text)
    month = int(number[6:8]) % 50
    return 1 <= month <= 12 and 1 <= int(number[8:10]) <= 31


def ie_pps(text: str) -> bool:
    number = letters_and_digits(text)
    total = weighed(number[:7], (8, 7, 6, 5, 4, 3, 2))
    if len(number) == 9 and number[8] != "W":
        total += (ord(number[8]) - 64) * 9
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == number[7]


# Western and Southern Europe


def de_tax_id(text: str) -> bool:
    """Steuer-IdNr: ISO 7064 MOD 11,10; of the first ten digits one comes twice or three times, and at most that one."""
    number = digits(text)
    counts = sorted((number[:10].count(digit) for digit in set(number[:10])), reverse=True)
    return number[0] != "0" and counts[0] in (2, 3) and counts[1] == 1 and mod_11_10(number)


def de_pension(text: str) -> bool:
    """Rentenversicherungsnummer (VKVV section 2): area, birth date, initial, serial, check over cross sums."""
    number = letters_and_digits(text)
    spelled = number[:8] + f"{ord(number[8]) - 64:02d}" + number[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(spelled, weights, strict=True))
    day = int(number[2:4]) % 50  # where a birthday has used up its serials, 50 is added to the day
    return 1 <= day <= 31 and 1 <= int(number[4:6]) <= 12 and total % 10 == int(number[11])


def de_identity_card(text: str) -> bool:
    """ICAO 9303 check digit (7-3-1) over the nine characters, where it is given as the tenth."""
    number = letters_and_digits(text)
    total = sum(int(char, 36) * weight for char, weight in zip(number[:9], (7, 3, 1) * 3, strict=True))
    return not number.isalpha() and (len(number) == 9 or total % 10 == int(number[9]))


def fr_nir(text: str) -> bool:
    """Numéro d'inscription au répertoire: key = 97 - number mod 97, Corsica's 2A and 2B counting as 19 and 18."""
    number = letters_and_digits(text)
    plain = number[:13].replace("2A", "19").replace("2B", "18")
    if not plain.isdigit():
        return False
    month = int(number[3:5])
    return (1 <= month <= 12 or 20 <= month <= 42 or month >= 50) and 97 - int(plain) % 97 == int(number[13:])


def fr_tax(text: str) -> bool:
    """Numéro fiscal (SPI): thirteen digits, the last three being the first ten modulo 511."""
    number = digits(text)
    return number[0] in "0123" and int(number[:10]) % 511 == int(number[10:])


def es_dni(text: str) -> bool:
    number = letters_and_digits(text)
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number[:8]) % 23] == number[8]


def es_nie(text: str) -> bool:
    number = letters_and_digits(text)
    return es_dni(str("XYZ".index(number[0])) + number[1:])


_CF_VALUES = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
_CF_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (*_CF_VALUES, *_CF_VALUES, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)


def it_codice_fiscale(text: str) -> bool:
    code = letters_and_digits(text)
    total = 0
    for place, char in enumerate(code[:15]):
        total += _CF_ODD[char] if place % 2 == 0 else (int(char) if char.isdigit() else ord(char) - 65)
    return chr(65 + total % 26) == code[15]


def pt_nif(text: str) -> bool:
    number = digits(text)
    check = 11 - weighed(number, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return number[0] in "1235689" and (0 if check > 9 else check) == int(number[8])


def nl_bsn(text: str) -> bool:
    number = digits(text)
    return not all_same(number) and weighed(number, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def be_national(text: str) -> bool:
    """Rijksregisternummer: 97 - first nine digits mod 97; those born since 2000 have a 2 put in front."""
    number = digits(text)
    if int(number[2:4]) % 20 > 12 or int(number[4:6]) > 31:
        return False
    return int(number[9:]) in (97 - int(number[:9]) % 97, 97 - int("2" + number[:9]) % 97)


def at_svnr(text: str) -> bool:
    number = digits(text)
    total = weighed(number, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6))
    return number[0] != "0" and 1 <= int(number[6:8]) <= 15 and total % 11 == int(number[3])


def ch_ahv(text: str) -> bool:
    return ean_13(digits(text))


def gr_amka(text: str) -> bool:
    number = digits(text)
    return some_day(number[4:6], number[2:4], number[:2]) and luhn(number)


def gr_afm(text: str) -> bool:
    number = digits(text)
    return not all_same(number) and weighed(number, (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10 == int(
        number[8]
    )


# Northern Europe


def se_personnummer(text: str) -> bool:
    number = digits(text)[-10:]
    day = int(number[4:6])
    return some_day(number[:2], number[2:4], f"{day - 60 if day > 60 else day}") and luhn(number)


def fi_hetu(text: str) -> bool:
    code = text.upper()
    number = code[:6] + code[7:10]
    return (
        some_day(code[4:6], code[2:4], code[:2])
        and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(number) % 31] == code[10]
    )


def dk_cpr(text: str) -> bool:
    """Only the date is checked: since 2007 numbers are given that fail the old modulus 11."""
    number = digits(text)
    return some_day(number[4:6], number[2:4], number[:2])


def no_fnr(text: str) -> bool:
    number = digits(text)
    day = int(number[:2]) % 40
    month = int(number[2:4]) % 40
    first = weighed(number, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    second = weighed(number, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11
    return some_day(number[4:6], str(month), str(day)) and first == 0 and second == 0


def is_kennitala(text: str) -> bool:
    number = digits(text)
    day = int(number[:2]) % 40
    checks = weighed(number, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    return some_day(number[4:6], number[2:4], str(day)) and number[9] in "089" and checks


def baltic(text: str) -> bool:
    """Estonian isikukood and Lithuanian asmens kodas: century, date, two-step modulus 11."""
    number = digits(text)
    total = weighed(number, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if total == 10:
        total = weighed(number, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return (
        number[0] in "123456" and some_day(number[1:3], number[3:5], number[5:7]) and total == int(number[10])
    )


def lv_code(text: str) -> bool:
    number = digits(text)
    if number.startswith("32"):
        return True
    total = weighed(number, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    return some_day(number[4:6], number[2:4], number[:2]) and (1101 - total) % 11 == int(number[10])


# Central and Eastern Europe


def pl_pesel(text: str) -> bool:
    number = digits(text)
    check = weighed(number, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0
    return some_day(number[:2], str(int(number[2:4]) % 20), number[4:6]) and check


def pl_nip(text: str) -> bool:
    number = digits(text)
    return number[0] != "0" and weighed(number, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(number[9])


def cz_birth_number(text: str) -> bool:
    number = digits(text)
    month = int(number[2:4]) % 50
    right = calendar_day(2000 + int(number[:2]), month if month <= 12 else month - 20, int(number[4:6]))
    return right and (
        len(number) == 9 or int(number) % 11 == 0 or (int(number[:9]) % 11 == 10 and number[9] == "0")
    )


def hu_tax(text: str) -> bool:
    number = digits(text)
    return number[0] == "8" and weighed(number, (1, 2, 3, 4, 5, 6, 7, 8, 9)) % 11 == int(number[9])


def hu_taj(text: str) -> bool:
    number = digits(text)
    return weighed(number, (3, 7, 3, 7, 3, 7, 3, 7)) % 10 == int(number[8])


def ro_cnp(text: str) -> bool:
    number = digits(text)
    check = weighed(number, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return (
        number[0] in "12345678"
        and some_day(number[1:3], number[3:5], number[5:7])
        and check % 10 == int(number[12])
    )


def bg_egn(text: str) -> bool:
    number = digits(text)
    check = weighed(number, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10
    return some_day(number[:2], str(int(number[2:4]) % 20), number[4:6]) and check == int(number[9])


def oib(text: str) -> bool:
    return mod_11_10(digits(text))


def jmbg(text: str) -> bool:
    """The Yugoslav citizen's number, still used in six states: DDMMYYY RR BBB K, modulus 11."""
    number = digits(text)
    check = 11 - weighed(number, (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    century = 1000 if number[4] == "9" else 2000
    return calendar_day(century + int(number[4:7]), int(number[2:4]), int(number[:2])) and (
        0 if check > 9 else check
    ) == int(number[12])


def ru_snils(text: str) -> bool:
    number = digits(text)
    return weighed(number, (9, 8, 7, 6, 5, 4, 3, 2, 1)) % 101 % 100 == int(number[9:])


def ru_inn(text: str) -> bool:
    number = digits(text)
    first = weighed(number, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    second = weighed(number, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return first == int(number[10]) and second == int(number[11])


def ua_rnokpp(text: str) -> bool:
    number = digits(text)
    return weighed(number, (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10 == int(number[9])


def tr_tckn(text: str) -> bool:
    number = [int(digit) for digit in digits(text)]
    tenth = (sum(number[0:9:2]) * 7 - sum(number[1:8:2])) % 10
    return number[0] != 0 and tenth == number[9] and sum(number[:10]) % 10 == number[10]


def it_iva(text: str) -> bool:
    """Agenzia delle Entrate: Luhn, and an office that gives numbers out (001 to 121, 888, 999)."""
    office = int(text[7:10])
    return text[:7] != "0000000" and (1 <= office <= 121 or office in (888, 999)) and luhn(text)
