"""Dates move by whole days and keep the way they were written."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.detection.finding import Finding
from ostiary.redaction import plan as plans
from ostiary.redaction.apply import redacted
from ostiary.redaction.dates import parsed, shifted
from ostiary.redaction.keys import Scope
from ostiary.redaction.operators import Surroundings


@pytest.mark.parametrize(
    ("text", "days", "moved"),
    [
        ("2026-02-27", 3, "2026-03-02"),
        ("27.02.2026", 3, "02.03.2026"),
        ("27.2.26", 3, "2.3.26"),
        ("2/27/2026", 3, "3/2/2026"),
        ("20260227", 3, "20260302"),
        ("2026-02-27T10:15:00Z", 3, "2026-03-02T10:15:00Z"),
        ("February 27, 2026", 3, "March 2, 2026"),
        ("27 Feb 2026", 3, "2 Mar 2026"),
        ("February 27th, 2026", 3, "March 2nd, 2026"),
        ("Friday, 27 February 2026", 3, "Monday, 2 March 2026"),
        ("27. Februar 2026", 3, "2. März 2026"),
        ("Freitag, 27. Februar 2026", 3, "Montag, 2. März 2026"),
        ("27 février 2026", 3, "2 mars 2026"),
        ("27 février 2026", 2, "1 mars 2026"),
        ("1er mars 2026", 1, "2 mars 2026"),
        ("27 de febrero de 2026", 3, "2 de marzo de 2026"),
        ("27 febbraio 2026", 3, "2 marzo 2026"),
        ("27 februari 2026", 3, "2 maart 2026"),
        ("27 de fevereiro de 2026", 3, "2 de março de 2026"),
        ("27 lutego 2026", 3, "2 marca 2026"),
        ("piątek, 27 lutego 2026", 3, "poniedziałek, 2 marca 2026"),
        ("27 FEBRUARY 2026", 3, "2 MARCH 2026"),
        ("27 fevrier 2026", -30, "28 janvier 2026"),
        ("15 aout 2026", 150, "12 janvier 2027"),
        ("14 decembre 2026", -120, "16 aout 2026"),
    ],
)
def test_a_date_moves_and_keeps_its_form(text: str, days: int, moved: str) -> None:
    assert shifted(text, days) == moved


def test_the_plan_says_which_figure_is_the_month() -> None:
    assert shifted("03/04/2026", 1) == "04/04/2026"
    assert shifted("03/04/2026", 1, month_first=True) == "03/05/2026"


@pytest.mark.parametrize(
    "text", ["last Tuesday", "31.02.2026", "March 2026", "3 March", "99999999", "", "1.2.3.4", "x" * 5000]
)
def test_what_is_no_whole_date_is_not_moved(text: str) -> None:
    assert shifted(text, 1) is None


def test_the_calendar_ends() -> None:
    assert shifted("9999-12-31", 1) is None


FORMS = ("%Y-%m-%d", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%d %b %Y", "%Y%m%d", "%A, %d %B %Y")


@given(st.dates(date(1920, 1, 1), date(2100, 1, 1)), st.sampled_from(FORMS), st.integers(-3650, 3650))
def test_intervals_are_kept(day: date, form: str, days: int) -> None:
    text = day.strftime(form)
    moved = shifted(text, days)
    assert moved is not None
    reading = parsed(moved)
    assert reading is not None
    assert reading.day - day == timedelta(days=days)


def test_a_subject_has_one_shift_and_another_subject_another() -> None:
    plan = plans.read("default: {operator: date_shift, days_max: 3000}")
    scope = Scope("acme", "study", {1: b"k" * 32}, 1)

    def moved(text: str, subject: str) -> int:
        done = redacted(
            text, [Finding(0, len(text), "date", "", 0.9, "")], plan, Surroundings(scope, subject)
        )
        new, old = parsed(done.text), parsed(text)
        assert new is not None
        assert old is not None
        return (new.day - old.day).days

    shifts = {moved(text, "p1") for text in ("2020-01-31", "3 March 2021", "04.05.1999")}
    assert len(shifts) == 1
    assert 0 not in shifts
    assert moved("2020-01-31", "p2") not in shifts
