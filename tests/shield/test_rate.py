import pytest

from ostiary.errors import TooMany
from ostiary.shield.rate import Occasionally, Rate
from tests.conftest import StillClock


def test_a_burst_passes_then_the_rate_holds_and_time_heals(clock: StillClock) -> None:
    rate = Rate(clock, rate=2, burst=3)
    for _ in range(3):
        rate.take("a")
    with pytest.raises(TooMany) as refused:
        rate.take("a")
    assert refused.value.retry_after_s == 1
    rate.take("b")
    clock.advance(0.5)
    rate.take("a")
    with pytest.raises(TooMany):
        rate.take("a")


def test_a_refused_try_does_not_make_it_worse(clock: StillClock) -> None:
    rate = Rate(clock, rate=1, burst=1)
    rate.take("a")
    for _ in range(100):
        with pytest.raises(TooMany):
            rate.take("a")
    clock.advance(1)
    rate.take("a")


def test_a_flood_is_worth_one_line_a_minute(clock: StillClock) -> None:
    floods = Occasionally(clock, every_s=60)
    assert [floods.now("a"), floods.now("a"), floods.now("b")] == [True, False, True]
    clock.advance(61)
    assert floods.now("a")
