"""What counts as far more refused credentials than usual."""

from ostiary.app.unusual import USUAL_LEAST, Refused

STEP_S = 15


def fed(
    judge: Refused, *, at_s: float, count: float, per_minute: float, minutes: float
) -> tuple[float, float, int]:
    """The instant, the count, and how often it became odd, after some minutes at a rate."""
    noticed = 0
    for _ in range(int(minutes * 60 / STEP_S)):
        at_s += STEP_S
        count += per_minute * STEP_S / 60
        noticed += judge.see(at_s, count)
    return at_s, count, noticed


def test_a_guesser_is_noticed_once_within_a_minute() -> None:
    judge = Refused()
    at_s, count, noticed = fed(judge, at_s=0, count=0, per_minute=1, minutes=60)
    assert (noticed, judge.odd) == (0, False)
    at_s, count, noticed = fed(judge, at_s=at_s, count=count, per_minute=120, minutes=1)
    assert (noticed, judge.odd) == (1, True)
    at_s, count, noticed = fed(judge, at_s=at_s, count=count, per_minute=120, minutes=10)
    assert (noticed, judge.odd) == (0, True)
    _, _, noticed = fed(judge, at_s=at_s, count=count, per_minute=1, minutes=2)
    assert (noticed, judge.odd) == (0, False)


def test_people_who_mistype_are_not_odd() -> None:
    judge = Refused()
    assert fed(judge, at_s=0, count=0, per_minute=25, minutes=120)[2] == 0


def test_what_has_gone_on_for_days_becomes_usual_and_an_attack_does_not_in_an_hour() -> None:
    judge = Refused()
    at_s, count, _ = fed(judge, at_s=0, count=0, per_minute=60, minutes=7 * 24 * 60)
    assert 0.5 < judge.usual <= 1.0
    assert not judge.odd
    at_s, count, noticed = fed(judge, at_s=at_s, count=count, per_minute=1200, minutes=60)
    assert (noticed, judge.odd) == (1, True)


def test_a_quiet_house_has_a_floor() -> None:
    judge = Refused()
    fed(judge, at_s=0, count=0, per_minute=0, minutes=24 * 60)
    assert judge.usual == USUAL_LEAST
