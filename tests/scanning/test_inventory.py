"""Sums, the risk's formula, what changed, and the reports."""

import csv
import io
import json

import pytest

from ostiary.scanning.inventory import OTHERS, Change, Tally, inventory, level_of, risk_of, trend
from ostiary.scanning.look import Looked
from ostiary.scanning.report import About, report

FILES = [
    Looked("hr/pay/a.txt", "1", 10, "", "looked", {"email": 2, "us_ssn": 1}, {"email": 1, "us_ssn": 1}),
    Looked("hr/pay/b.txt", "1", 20, "", "looked", {"de_tax_id": 3}, {"de_tax_id": 3}),
    Looked("web/c.txt", "1", 30, "", "looked"),
    Looked("web/d.zip", "", 40, "", "archive"),
]


def test_categories_families_and_folders_are_summed() -> None:
    found = inventory("/srv", "folder", FILES)
    assert (found.items, found.looked, found.with_findings, found.size, found.findings) == (4, 3, 2, 100, 6)
    assert [(each.name, each.findings, each.distinct, each.items) for each in found.categories] == [("de_tax_id", 3, 3, 1), ("email", 2, 1, 1), ("us_ssn", 1, 1, 1)]  # fmt: skip
    assert [(each.name, each.findings, each.items) for each in found.families] == [("national_id", 4, 2), ("email", 2, 1)]  # fmt: skip
    assert [(each.name, each.items) for each in found.top] == [("hr/pay", 2)]
    assert found.states == {"archive": 1, "looked": 3}
    assert [(each.key, each.state) for each in found.unseen] == [("web/d.zip", "archive")]


def test_the_risk_is_what_its_formula_says() -> None:
    assert risk_of({}) == 0
    assert risk_of({"card": 9}) == 8.0  # 100 x (1 - e^(-5 x log10(10) / 60))
    assert risk_of({"card": 9999}) == 28.3
    assert risk_of({"us_ssn": 4, "de_tax_id": 5}) == 8.0  # one family
    assert risk_of({"card": 9999}, exposure=2) == 48.7
    assert [level_of(risk) for risk in (0, 0.5, 24.9, 25, 60)] == ["none", "low", "low", "medium", "high"]


def test_a_tally_goes_on_from_what_it_wrote_down() -> None:
    whole, first = Tally("p", "folder"), Tally("p", "folder", groups_max=1)
    for each in FILES:
        whole.add(each)
    for each in FILES[:2]:
        first.add(each)
    second = Tally.of_data(json.loads(json.dumps(first.to_data())))
    for each in [*FILES[2:], Looked("x/y", "", 0, "", "looked", {"email": 1}, {"email": 1})]:
        second.add(each)
    assert {each.name for each in second.inventory().top} == {"hr/pay", OTHERS}
    assert Tally.of_data(json.loads(json.dumps(whole.to_data()))).inventory() == whole.inventory()


def test_a_columns_sample_is_carried_over_to_its_table_where_it_was_cut() -> None:
    cut = Looked("s.t.mail", "", 0, "", "looked", {"email": 50}, {"email": 50}, 0.5, rows=10_000, values=100)
    all_of_it = Looked("s.t.kind", "", 0, "", "looked", {"url": 3}, {"url": 3}, 1.0, rows=10_000, values=3)
    found = inventory("db", "database", [cut, all_of_it])
    assert {each.name: (each.findings, each.distinct) for each in found.categories} == {"email": (50, 5000), "url": (3, 3)}  # fmt: skip
    assert [each.name for each in found.top] == ["s.t"]


def test_what_changed_since_the_run_before_is_told_the_greatest_first() -> None:
    assert trend({"email": 1, "us_ssn": 9, "card": 1}, inventory("/", "folder", FILES)) == (
        Change("us_ssn", 9, 1),
        Change("de_tax_id", 0, 3),
        Change("card", 1, 0),
    )


def test_reports_hold_the_sums_in_every_form() -> None:
    found = inventory("/srv", "folder", FILES)
    about = About("2026-11-23T00:00:00Z", "0.3.0", "2026-11-01T00:00:00Z", (Change("email", 5, 1),))
    said = json.loads(report(found, "json", about))
    assert (said["schema"], said["risk"], said["states"]) == (
        "ostiary.scan.v1",
        7.1,
        {"archive": 1, "looked": 3},
    )
    rows = list(csv.DictReader(io.StringIO(report(found, "csv", about, FILES))))
    assert [(row["key"], row["category"], row["findings"]) for row in rows][:2] == [("hr/pay/a.txt", "email", "2"), ("hr/pay/a.txt", "us_ssn", "1")]  # fmt: skip
    assert rows[-1]["state"] == "archive"
    page = report(found, "html", about)
    assert "hr/pay" in page
    assert "fewer: −4" in page
    with pytest.raises(ValueError, match="one of html, json, csv"):
        report(found, "pdf", about)
