from ostiary.webhooks import schedule

NOW_US = 1_800_000_000_000_000
"""2027-01-15T08:00:00Z"""


def test_the_wait_grows_from_seconds_to_a_day_and_no_further() -> None:
    middle = [round(schedule.wait_us(tries, 500) / 1_000_000) for tries in range(1, 11)]
    assert middle == [5, 25, 125, 625, 3126, 15628, 78141, 86400, 86400, 86400]


def test_chance_spreads_it_by_a_fifth_either_way() -> None:
    assert schedule.wait_us(1, 0) == 4_000_000
    assert schedule.wait_us(1, 999) == 6_000_000
    assert schedule.wait_us(9, 999) == 86_400_000_000


def test_retry_after_is_read_in_seconds_and_as_a_date_and_is_a_day_at_most() -> None:
    asked = {
        "120": 120, " 7 ": 7, "0": 0, "999999999999": 86_400, "Fri, 15 Jan 2027 08:05:00 GMT": 300,
        "Fri, 15 Jan 2027 07:00:00 GMT": 0, "Sat, 15 Jan 2028 08:00:00 GMT": 86_400,
        "": 0, "-5": 0, "1.5": 0, "soon": 0, "\u0661": 0, "Fri, 15 Jan 2027 08:05:00": 0, "Fri, 99 Jan 2027 08:05:00 GMT": 0,
    }  # fmt: skip
    assert {text: schedule.asked_us(text, NOW_US) // 1_000_000 for text in asked} == asked
