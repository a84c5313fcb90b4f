"""National identifiers: structure and check digits, one function a number, named by country.

Each takes the matched text; `digits` and `letters_and_digits` take the separators away. What a country does not check, we do not claim: such numbers
get a low score in `detectors` and need a context word.
"""

import re
from operator import mul

from ostiary.detection.checksum import (
    calendar_day,
    luhn,
    mod_11_2,
    verhoeff,
    weighed,
)

_NOT_DIGITS = re.compile(r"[^0-9]+")
_NOT_ALNUM = re.compile(r"[^0-9A-Za-z]+")


def digits(text: str) -> str:
    """The digits alone; the common separators go the fast way."""
    plain = text.replace(" ", "").replace("-", "").replace(".", "")
    return plain if plain.isdecimal() else _NOT_DIGITS.sub("", plain)


def letters_and_digits(text: str) -> str:
    return _NOT_ALNUM.sub("", text).upper()


def some_day(yy: str, mm: str, dd: str, century: int = 2000) -> bool:
    return calendar_day(century + int(yy), int(mm), int(dd))


def all_same(number: str) -> bool:
    return len(set(number)) == 1


# North America


def us_ssn(text: str) -> bool:
    """SSA rules since 2011: no area 000, 666 or 9xx, no group 00, no serial 0000; not the two numbers that were printed on sample cards."""
    number = digits(text)
    area, group, serial = number[:3], number[3:5], number[5:]
    if area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000":
        return False
    return number not in ("078051120", "219099999") and not all_same(number)


def us_itin(text: str) -> bool:
    """IRS: 9xx with a group of 50-65, 70-88, 90-92 or 94-99."""
    number = digits(text)
    group = int(number[3:5])
    return number[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or (group >= 90 and group != 93))


def us_npi(text: str) -> bool:
    return len(set(digits(text))) > 2 and luhn("80840" + digits(text))


def us_dea(text: str) -> bool:
    number = digits(text)
    odd, even = weighed(number, (1, 0, 1, 0, 1, 0)), weighed(number, (0, 1, 0, 1, 0, 1))
    return (odd + 2 * even) % 10 == int(number[6])


def us_routing(text: str) -> bool:
    """ABA routing number: prefix ranges and the 3-7-1 check."""
    number = digits(text)
    prefix = int(number[:2])
    known = prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80
    return known and not all_same(number) and weighed(number, (3, 7, 1) * 3) % 10 == 0


def ca_sin(text: str) -> bool:
    number = digits(text)
    return number[0] not in "08" and luhn(number)


def mx_curp(text: str) -> bool:
    curp = text.upper()
    alphabet = "0123456789ABCDEFGHIJKLMN?OPQRSTUVWXYZ"
    total = sum(alphabet.index(char) * (18 - place) for place, char in enumerate(curp[:17]))
    return some_day(curp[4:6], curp[6:8], curp[8:10]) and (10 - total % 10) % 10 == int(curp[17])


def mx_rfc(text: str) -> bool:
    found = re.search(r"(\d\d)(\d\d)(\d\d)", text)
    return found is not None and some_day(found[1], found[2], found[3])


# South America


def _br_check(number: str, weights: tuple[int, ...]) -> bool:
    rest = weighed(number, weights) % 11
    return int(number[len(weights)]) == (0 if rest < 2 else 11 - rest)


def br_cpf(text: str) -> bool:
    number = digits(text)
    first, second = tuple(range(10, 1, -1)), tuple(range(11, 1, -1))
    return not all_same(number) and _br_check(number, first) and _br_check(number, second)


def br_cnpj(text: str) -> bool:
    number = digits(text)
    first = (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return not all_same(number) and _br_check(number, first) and _br_check(number, (6, *first))


def br_cnpj_letters(text: str) -> bool:
    """CNPJ of letters and digits, given since July 2026 (Receita Federal, IN RFB 2.229/2024): a letter is worth its ASCII code less 48, the weights stay."""
    number = letters_and_digits(text)
    values = [ord(char) - 48 for char in number]
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    for length in (12, 13):
        rest = sum(map(mul, values[:length], weights[13 - length :])) % 11
        if values[length] != (0 if rest < 2 else 11 - rest):
            return False
    return not number.isdigit()


def br_pis(text: str) -> bool:
    """Number of a worker (PIS, PASEP, NIS, NIT; Caixa Econômica Federal): modulus 11 over ten digits."""
    number = digits(text)
    return not all_same(number) and _br_check(number, (3, 2, 9, 8, 7, 6, 5, 4, 3, 2))


def br_voter(text: str) -> bool:
    """Título de eleitor (Tribunal Superior Eleitoral): eight digits, the state (01 to 28), and a check digit over each; in São Paulo and Minas Gerais 1 stands for 0."""
    number = digits(text)
    state = int(number[8:10])
    first = weighed(number, (2, 3, 4, 5, 6, 7, 8, 9)) % 11 % 10
    first = first or int(state in (1, 2))
    second = weighed(number[8:10] + str(first), (7, 8, 9)) % 11 % 10
    return 1 <= state <= 28 and number[10:] == f"{first}{second or int(state in (1, 2))}"


def ar_cuit(text: str) -> bool:
    number = digits(text)
    rest = 11 - weighed(number, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    known = number[:2] in ("20", "23", "24", "25", "26", "27", "30", "33", "34")
    return known and {11: 0, 10: 9}.get(rest, rest) == int(number[10])


def cl_rut(text: str) -> bool:
    rut = letters_and_digits(text)
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(rut[:-1])))
    return "0123456789K0"[11 - total % 11] == rut[-1]


def uy_ci(text: str) -> bool:
    number = digits(text).zfill(8)
    return (10 - weighed(number, (2, 9, 8, 7, 6, 3, 4)) % 10) % 10 == int(number[7])


def ec_cedula(text: str) -> bool:
    number = digits(text)
    return 1 <= int(number[:2]) <= 24 and number[2] < "6" and luhn(number)


def co_nit(text: str) -> bool:
    number = digits(text)
    rest = weighed(number[:9], (41, 37, 29, 23, 19, 17, 13, 7, 3)) % 11
    return int(number[9]) == (rest if rest < 2 else 11 - rest)


# Asia, Africa, Oceania


def il_id(text: str) -> bool:
    return not all_same(digits(text)) and luhn(digits(text))


def za_id(text: str) -> bool:
    number = digits(text)
    return some_day(number[:2], number[2:4], number[4:6]) and number[10] in "012" and luhn(number)


def ng_nin(text: str) -> bool:
    return not all_same(digits(text))


def in_aadhaar(text: str) -> bool:
    number = digits(text)
    return number[0] in "23456789" and number != number[::-1] and verhoeff(number)


def cn_resident(text: str) -> bool:
    number = text.upper()
    born = calendar_day(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    return born and 1900 <= int(number[6:10]) <= 2099 and mod_11_2(number)


def hk_id(text: str) -> bool:
    number = letters_and_digits(text)
    body, check = number[:-1].rjust(8), number[-1]
    values = [36 if char == " " else int(char, 36) for char in body]
    total = sum(value * (9 - place) for place, value in enumerate(values))
    return (total + (10 if check == "A" else int(check, 16))) % 11 == 0


def tw_id(text: str) -> bool:
    number = text.upper()
    code = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(number[0]) + 10
    total = code // 10 + code % 10 * 9 + weighed(number[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))
    return total % 10 == 0


def kr_rrn(text: str) -> bool:
    """Date and century digit; the old check digit is not kept by numbers given since October 2020."""
    number = digits(text)
    return some_day(number[:2], number[2:4], number[4:6]) and number[6] in "1234"


def jp_my_number(text: str) -> bool:
    number = digits(text)
    rest = weighed(number, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest < 2 else 11 - rest) == int(number[11])


def sg_nric(text: str) -> bool:
    code = text.upper()
    total = weighed(code[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(code[0], 0)
    table = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK"}
    if code[0] == "M":
        return "KLJNPQRTUWX"[10 - total % 11] == code[8]
    return table[code[0]][total % 11] == code[8]


def my_kad(text: str) -> bool:
    number = digits(text)
    return some_day(number[:2], number[2:4], number[4:6]) and number[6:8] not in (
        "00",
        "17",
        "18",
        "19",
        "20",
    )


_TH_PROVINCE = re.compile(r"1\d|2[0-7]|3\d|4\d|5[0-8]|6[0-7]|7[0-7]|8[0-6]|9[0-6]|00")


def th_id(text: str) -> bool:
    number = digits(text)
    total = weighed(number, tuple(range(13, 1, -1)))
    return (
        _TH_PROVINCE.match(number[1:3]) is not None
        and number[0] != "0"
        and (11 - total % 11) % 10 == int(number[12])
    )


def id_nik(text: str) -> bool:
    number = digits(text)
    day = int(number[6:8])
    return 11 <= int(number[:2]) <= 97 and some_day(
        number[10:12], number[8:10], str(day - 40 if day > 40 else day)
    )


def ae_emirates(text: str) -> bool:
    number = digits(text)
    return 1900 <= int(number[3:7]) <= 2099 and luhn(number)


def sa_id(text: str) -> bool:
    number = digits(text)
    return number[0] in "12" and luhn(number)


def au_tfn(text: str) -> bool:
    number = digits(text)
    return not all_same(number) and weighed(number, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def au_medicare(text: str) -> bool:
    number = digits(text)
    return number[0] in "23456" and weighed(number, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(number[8])


def au_abn(text: str) -> bool:
    number = digits(text)
    lowered = str(int(number[0]) - 1) + number[1:] if number[0] != "0" else ""
    return bool(lowered) and weighed(lowered, (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)) % 89 == 0


def nz_ird(text: str) -> bool:
    number = digits(text).zfill(9)
    for weights in ((3, 2, 7, 6, 5, 4, 3, 2), (7, 4, 3, 2, 5, 2, 7, 6)):
        rest = (11 - weighed(number, weights) % 11) % 11
        if rest < 10:
            return 10_000_000 <= int(number) <= 150_000_000 and rest == int(number[8])
    return False
