"""The purge: bodies go when their time is over, hashes stay, and what is under a hold stays whole."""

import json
from pathlib import Path
from typing import Any

import pytest

from ostiary.audit import lines as forms
from ostiary.audit import verify as verifying
from ostiary.audit._rfc6962 import leaf_hash
from ostiary.audit.export import ExportFormat, export_lines, write_export
from tests.house import House, play

DAY_S = 86_400
YEAR_S = 366 * DAY_S


async def step_up(house: House) -> None:
    house.clock.advance(31)
    await house.good("POST", "/v1/session/second-factor", json={"code": house.code()})


async def later(house: House, seconds: float) -> None:
    """Time passes; sessions do not live that long, so the owner signs in anew."""
    house.clock.advance(seconds)
    house.owner = await house.sign_in("olive.owner@pellow.example")


async def purge(house: House) -> None:
    await house.good("POST", "/v1/jobs", json={"kind": "retention.purge"})
    await house.work()


async def export(house: House, path: Path, form: ExportFormat = ExportFormat.JSONL) -> None:
    checkpoint = await house.good("GET", "/v1/audit/checkpoint")
    pages: dict[int, Any] = {}
    start: int | None = 0
    while start is not None:
        page = await house.good(
            "GET", "/v1/audit/entries", params={"start": str(start), "end": str(checkpoint["size"])}
        )
        pages[start] = page
        start = page["next"]
    write_export(export_lines(checkpoint, lambda at, _end: pages[at]), path, form)


async def one_call(house: House, text: str) -> str:
    """A call whose parameters hold the text; its event's id."""
    await house.good("PUT", "/v1/roles/desk", json={"title": text, "permissions": []})
    page = await house.good("GET", "/v1/audit/events", params={"action": "role.put"})
    return str(page["events"][0]["id"])


def test_old_bodies_go_and_old_proofs_still_verify(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        event = await one_call(house, "a text of old")
        before = await house.good("GET", "/v1/audit/checkpoint")
        proof = await house.good(
            "GET", f"/v1/audit/events/{event}/proof", params={"size": str(before["size"])}
        )
        assert proof["envelope"]
        await later(house, YEAR_S)
        await purge(house)
        gone = await house.ask("GET", f"/v1/audit/events/{event}")
        assert (gone.status_code, gone.json()["code"]) == (410, "audit.dropped")
        again = await house.good(
            "GET", f"/v1/audit/events/{event}/proof", params={"size": str(before["size"])}
        )
        assert (again["leaf"], again["root"], again["hashes"]) == (
            proof["leaf"],
            proof["root"],
            proof["hashes"],
        )
        assert again["envelope"] == ""
        grown = await house.good("GET", "/v1/audit/consistency", params={"first": str(before["size"])})
        assert grown["first_root"] == before["root"]
        counted = await house.good("POST", "/v1/audit/verify", json={"checkpoint": before["checkpoint"]})
        assert counted["ok"], counted
        assert counted["complete"]
        assert counted["dropped"] >= 5
        for form in ExportFormat:
            path = tmp_path / f"export.{form}"
            await export(house, path, form)
            (tmp_path / "old").write_text(before["checkpoint"])
            report = verifying.verify_export(path, tmp_path / "old")
            assert report.ok, report.faults
            assert (report.complete, report.dropped) == (True, counted["dropped"])

    play(tmp_path, story)


def test_a_body_that_nobody_says_was_dropped_is_found_missing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await one_call(house, "here today")
        path = tmp_path / "export.jsonl"
        await export(house, path)
        lines = path.read_bytes().splitlines(keepends=True)
        entry = forms.read_entry(lines[3])
        lines[3] = forms.entry_line(forms.EntryLine(entry.index, b"", (), leaf_hash(entry.envelope)))
        path.write_bytes(b"".join(lines))
        report = verifying.verify_export(path)
        assert not report.ok
        assert "no event of the log says" in report.faults[0]

    play(tmp_path, story)


@pytest.mark.parametrize(
    "hold",
    [
        {"scope": "tenant"},
        {"scope": "action", "action": "role.*"},
        {"scope": "time", "since_us": 1, "until_us": 250_000_000_000_000_000},
        {"scope": "subject"},
    ],
    ids=lambda hold: hold["scope"],
)
def test_what_a_hold_stands_on_stays_whole_until_it_is_released(tmp_path: Path, hold: dict[str, Any]) -> None:
    async def story(house: House) -> None:
        event = await one_call(house, "evidence")
        asked = dict(hold)
        if asked["scope"] == "subject":
            me = await house.good("GET", "/v1/me")
            asked["subject"] = me["id"]
        placed = await house.good("POST", "/v1/holds", json={"reason": "The court asks.", **asked})
        await later(house, YEAR_S)
        await purge(house)
        kept = await house.good("POST", f"/v1/audit/events/{event}/reveal")
        assert "evidence" in json.dumps(kept)
        released = await house.good("POST", f"/v1/holds/{placed['id']}/release")
        assert released["id"] == placed["id"]
        await purge(house)
        gone = await house.ask("GET", f"/v1/audit/events/{event}")
        assert gone.status_code == 410
        counted = await house.good("POST", "/v1/audit/verify", json={})
        assert counted["ok"], counted

    play(tmp_path, story)


def test_the_log_is_never_kept_for_less_than_its_floor(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        rules = await house.good("GET", "/v1/retention")
        days = {rule["kind"]: rule["days"] for rule in rules["rules"]}
        assert (days["audit"], days["calls"], days["webhooks"]) == (365, 90, 30)
        refused = await house.ask("PUT", "/v1/retention", json={"kind": "audit", "days": 89})
        assert refused.status_code == 422
        await house.good("PUT", "/v1/retention", json={"kind": "audit", "days": 90})
        longer = await house.ask("PUT", "/v1/retention", json={"kind": "calls", "days": 91})
        assert longer.status_code == 422
        assert "log that explains it" in longer.text
        rules = await house.good("GET", "/v1/retention")
        days = {rule["kind"]: rule["days"] for rule in rules["rules"]}
        assert (days["audit"], days["calls"]) == (90, 90)

    play(tmp_path, story)
