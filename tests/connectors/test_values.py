from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from ostiary.connectors.values import as_json, as_rows, bound_parameters
from ostiary.errors import InvalidParameters, TargetAnswerInvalid, TargetAnswerTooLarge


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (None, None),
        (True, True),
        (12, 12),
        (1.5, 1.5),
        ("text", "text"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 1, 31), "2026-01-31"),
        (time(8, 30), "08:30:00"),
        (datetime(2026, 1, 31, 8, 30), "2026-01-31T08:30:00"),  # noqa: DTZ001 - a column without a zone
        (datetime(2026, 1, 31, 8, 30, tzinfo=UTC), "2026-01-31T08:30:00.000000Z"),
        (datetime(2026, 1, 31, 8, 30, tzinfo=timezone(timedelta(hours=2))), "2026-01-31T06:30:00.000000Z"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([1, Decimal("2.0")], [1, "2.0"]),
        ({"a": {"b": None}}, {"a": {"b": None}}),
    ],
)
def test_values_become_json(value, json):
    assert as_json(value) == json
    assert type(as_json(value)) is type(json)


@pytest.mark.parametrize(
    "value", [b"bytes", float("nan"), float("inf"), Decimal("NaN"), timedelta(1), 2**63, object(), {1, 2}]
)
def test_what_is_not_json_is_refused(value):
    with pytest.raises(TargetAnswerInvalid):
        as_json(value)


def test_rows_are_whole_or_refused():
    rows = [(1, "a"), (2, "b")]
    assert as_rows(["id", "name"], rows, rows_max=2, bytes_max=100) == {
        "rows": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    }
    with pytest.raises(TargetAnswerTooLarge, match="more than 1 rows"):
        as_rows(["id", "name"], rows, rows_max=1, bytes_max=100)
    with pytest.raises(TargetAnswerTooLarge, match="larger than 30 bytes"):
        as_rows(["id", "name"], rows, rows_max=2, bytes_max=30)


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(TargetAnswerInvalid, match="AS"):
        as_rows(["id", "id"], [(1, 2)], rows_max=2, bytes_max=100)


def test_parameters_are_scalars_or_where_the_database_takes_them_lists():
    params = {"a": 1, "b": "x", "c": None, "d": [1, 2], "unused": {}}
    assert bound_parameters(["a", "b", "c", "d", "e"], params, lists=True) == {
        "a": 1,
        "b": "x",
        "c": None,
        "d": [1, 2],
        "e": None,
    }
    for bad in ({"d": [1]}, {"d": {"a": 1}}, {"d": "a\x00b"}, {"d": 2**63}, {"d": "\ud800"}):
        with pytest.raises(InvalidParameters) as caught:
            bound_parameters(["d"], bad, lists=False)
        assert caught.value.faults[0].pointer == "/d"
