import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.detection import checksum, european, national, validity
from ostiary.detection.detector import Detector
from ostiary.detection.detectors import DETECTORS
from ostiary.detection.engine import find


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (national.us_dea, "AB1234563", "AB1234564"),
        (national.us_npi, "1234567893", "1234567894"),
        (national.us_routing, "021000021", "021000022"),
        (national.uy_ci, "1.234.567-2", "1.234.567-3"),
        (national.th_id, "1-2345-45678-78-1", "1-2345-45678-78-2"),
        (national.id_nik, "3171011708450001", "3171011713450001"),
        (national.jp_my_number, "123456789018", "123456789017"),
        (national.sg_nric, "F1612345P", "F1612345Q"),
        (national.hk_id, "G123456(A)", "G123456(B)"),
        (national.nz_ird, "49-091-850", "49-091-851"),
        (european.fr_tax, "30 23 217 600 053", "30 23 217 600 054"),
        (european.hu_tax, "8071592153", "8071592154"),
        (european.hu_taj, "111 111 110", "111 111 111"),
        (european.de_identity_card, "T220001293", "T220001294"),
        (european.lv_code, "161175-19997", "161175-19998"),
        (european.es_nie, "X2482300W", "X2482300A"),
        (european.gr_amka, "01013099997", "01013099998"),
        (validity.iban, "DE89370400440532013000", "DE8937040044053201300"),
        (validity.iban, "BR1500000000000010932840814P2", "BR1500000000000010932840814P3"),
        (validity.bic, "DEUTDEFF", "DEUTXXFF"),
        (validity.card, "6759649826438453", "6759649826438454"),
        (validity.phone_international, "+44 20 7946 0958", "+999 20 7946 0958"),
        (validity.ipv4, "203.0.113.7", "203.0.113.256"),
        (validity.ipv6, "2001:db8::1", "2001:db8::1::2"),
        (validity.base58check, "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLz"),
        (
            validity.bech32,
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp",
        ),
        (national.br_cnpj_letters, "12.ABC.345/01DE-35", "12.ABC.345/01DE-36"),
        (national.br_pis, "120.56987.40-8", "120.56987.40-7"),
        (national.br_voter, "1023 8501 0671", "1023 8501 0672"),
        (checksum.luhn, "79927398713", "79927398710"),
        (checksum.verhoeff, "2363", "2364"),
        (checksum.mod_11_10, "794623", "794624"),
        (checksum.mod_11_2, "079X", "0799"),
        (checksum.ean_13, "4006381333931", "4006381333932"),
    ],
)
def test_a_check_takes_the_right_number_and_not_the_next(check, right: str, wrong: str) -> None:  # type: ignore[no-untyped-def]
    assert check(right) is True
    assert check(wrong) is False


@pytest.mark.parametrize(
    "day", [(2023, 2, 29), (2024, 4, 31), (2024, 13, 1), (2024, 0, 1), (2024, 1, 0), (1900, 2, 29)]
)
def test_a_day_that_never_was(day: tuple[int, int, int]) -> None:
    assert not checksum.calendar_day(*day)


def test_the_leap_day_of_a_leap_year() -> None:
    assert checksum.calendar_day(2024, 2, 29)
    assert checksum.calendar_day(2000, 2, 29)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: f"{detector.name}-{detector.country}")
def test_whatever_a_pattern_matches_its_check_can_judge(detector: Detector) -> None:
    """Also letters and digits in unlikely places: a check that raises would stop an answer."""

    @settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(re.compile(detector.pattern, re.ASCII), fullmatch=True))
    def judged(text: str) -> None:
        find(f"{' '.join(detector.context[:3])} {text} ")
        find(text, "phone ssn passport")

    judged()
