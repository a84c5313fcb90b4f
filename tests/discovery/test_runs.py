"""Places are looked through into an inventory: through the door of a whole gateway, on whichever database the suite runs on."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.house import House, play

MAILS = "Write to jane@example.com and to joe@example.com.\n"
CARD = "Card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00.\n"


def papers(folder: Path) -> Path:
    """Two addresses of mail, a card and an account, and something that is not looked at."""
    (folder / "letters").mkdir(parents=True)
    (folder / "letters" / "a.txt").write_text(MAILS)
    (folder / "letters" / "b.txt").write_text("Nothing here.\n")
    (folder / "paid").mkdir()
    (folder / "paid" / "card.csv").write_text(CARD)
    os.symlink("/etc/passwd", folder / "paid" / "link.txt")
    return folder


async def put(house: House, folder: Path, name: str = "papers", **more: Any) -> Any:
    body = {"settings": {"kind": "folder", "path": str(folder)}, **more}
    return await house.good("PUT", f"/v1/discovery/places/{name}", json=body)


async def begin(house: House, name: str = "papers") -> str:
    return str((await house.good("POST", f"/v1/discovery/places/{name}/runs"))["run_id"])


async def shown(house: House, run: str) -> Any:
    return await house.good("GET", f"/v1/discovery/runs/{run}")


async def whole_run(house: House, name: str = "papers") -> Any:
    run = await begin(house, name)
    await house.work()
    return await shown(house, run)


async def found_in(house: House, name: str = "papers") -> dict[str, int]:
    inventory = await house.good("GET", f"/v1/discovery/places/{name}/inventory")
    return {each["name"]: each["findings"] for each in inventory["categories"]}


def counts(run: Any) -> tuple[str, int, int, int, int, int]:
    return run["state"], run["items"], run["looked"], run["unchanged"], run["not_looked"], run["gone"]


def test_a_folder_is_looked_through_and_again_only_where_it_changed(tmp_path: Path) -> None:
    folder = papers(tmp_path / "data")

    async def story(house: House) -> None:
        assert (await put(house, folder))["where"] == str(folder)
        assert counts(await whole_run(house)) == ("done", 4, 3, 0, 1, 0)
        found = await house.good("GET", "/v1/discovery/places/papers/inventory")
        assert {each["name"]: each["findings"] for each in found["categories"]} == {"email": 2, "card": 1, "iban": 1}  # fmt: skip
        assert [(each["name"], each["findings"]) for each in found["top"]] == [("paid", 2), ("letters", 2)]
        assert found["unseen"] == [{"item": "paid/link.txt", "state": "link", "code": ""}]
        (folder / "letters" / "b.txt").write_text("And max@example.com.\n")
        (folder / "paid" / "card.csv").unlink()
        assert counts(await whole_run(house)) == ("done", 3, 1, 1, 1, 1)
        assert await found_in(house) == {"email": 3}
        gone = await house.good("GET", "/v1/discovery/places/papers/items", params={"which": "gone"})
        assert [each["item"] for each in gone["items"]] == ["paid/card.csv"]
        trend = await house.good("GET", "/v1/discovery/places/papers/trend")
        assert [point["findings"] for point in trend["points"]] == [4, 3]
        assert trend["changes"] == [
            {"category": "card", "before": 1, "now": 0},
            {"category": "email", "before": 2, "now": 3},
            {"category": "iban", "before": 1, "now": 0},
        ]

    play(tmp_path / "home", story, OSTIARY_DISCOVERY_ROOTS=str(tmp_path / "data"))


def test_a_run_is_paused_resumed_and_cancelled(tmp_path: Path) -> None:
    folder = papers(tmp_path / "data")

    async def story(house: House) -> None:
        await put(house, folder)
        run = await begin(house)
        again = await house.ask("POST", "/v1/discovery/places/papers/runs")
        assert (again.status_code, again.json()["code"]) == (409, "conflict")
        changed = await house.ask("PUT", "/v1/discovery/places/papers", json={"settings": {"kind": "folder", "path": str(folder)}})  # fmt: skip
        assert changed.status_code == 409
        assert (await house.good("POST", f"/v1/discovery/runs/{run}/pause"))["state"] == "paused"
        await house.work()
        assert counts(await shown(house, run)) == ("paused", 0, 0, 0, 0, 0)
        assert (await house.ask("POST", f"/v1/discovery/runs/{run}/pause")).status_code == 409
        await house.good("POST", f"/v1/discovery/runs/{run}/resume")
        await house.work()
        assert counts(await shown(house, run)) == ("done", 4, 3, 0, 1, 0)
        assert (await house.ask("POST", f"/v1/discovery/runs/{run}/cancel")).status_code == 409
        other = await begin(house)
        assert (await house.good("POST", f"/v1/discovery/runs/{other}/cancel"))["state"] == "cancelled"
        await house.work()
        assert (await shown(house, other))["items"] == 0
        assert (await whole_run(house))["state"] == "done"

    play(tmp_path / "home", story, OSTIARY_DISCOVERY_ROOTS=str(tmp_path / "data"))


def test_whoever_asked_and_may_no_more_ends_the_run_and_it_can_begin_anew(tmp_path: Path) -> None:
    folder = papers(tmp_path / "data")

    async def story(house: House) -> None:
        await put(house, folder)
        key = await house.make_key("finder", kind="program", roles=("admin",))
        run = await house.good("POST", "/v1/discovery/places/papers/runs", key)
        (listed,) = (await house.good("GET", "/v1/keys"))["keys"]
        await house.good("POST", f"/v1/keys/{listed['key_id']}/revoke")
        await house.work()
        stopped = await shown(house, run["run_id"])
        assert (stopped["state"], stopped["items"], stopped["code"]) == ("failed", 0, "access.forbidden")
        assert (await whole_run(house))["state"] == "done"
        assert (await shown(house, run["run_id"]))["state"] == "failed"

    play(tmp_path / "home", story, OSTIARY_DISCOVERY_ROOTS=str(tmp_path / "data"))


def test_a_database_of_a_connector_is_sampled_by_its_columns(tmp_path: Path) -> None:
    roots = tmp_path / "sources"
    roots.mkdir()
    with closing(sqlite3.connect(roots / "shop.db")) as shop, shop:
        shop.execute('CREATE TABLE person (id INTEGER PRIMARY KEY, mail TEXT, "odd""name%" TEXT, photo BLOB)')
        rows = [(n, f"p{n}@example.com", "4111 1111 1111 1111", b"\xff") for n in range(3000)]
        shop.executemany("INSERT INTO person VALUES (?, ?, ?, ?)", rows)

    async def story(house: House) -> None:
        await house.connect("shop", kind="sqlite", path="shop.db")
        body = {"settings": {"kind": "database", "connector": "shop"}}
        await house.good("PUT", "/v1/discovery/places/shop", json=body)
        assert (await house.good("POST", "/v1/discovery/places/shop/test"))["items"] == 4
        run = await whole_run(house, "shop")
        assert (run["state"], run["items"]) == ("done", 4)
        items = (await house.good("GET", "/v1/discovery/places/shop/items"))["items"]
        assert {each["item"]: list(each["counts"]) for each in items} == {
            "main.person.mail": ["email"],
            'main.person.odd"name%': ["card"],
        }

    play(tmp_path / "home", story, OSTIARY_SOURCE_ROOTS=str(roots))


def test_a_place_is_looked_through_on_its_schedule_and_whoever_wants_is_told(tmp_path: Path) -> None:
    folder = papers(tmp_path / "data")

    async def story(house: House) -> None:
        await put(house, folder, every_h=24)
        await house.good("POST", "/v1/webhooks", json={"url": "https://hooks.example/in", "types": ["discovery.*"]})  # fmt: skip
        await house.work()
        assert (await house.good("GET", "/v1/discovery/runs"))["runs"] == []
        house.clock.advance(25 * 3600)
        house.owner = await house.sign_in("olive.owner@pellow.example")
        await house.work()
        (run,) = (await house.good("GET", "/v1/discovery/runs"))["runs"]
        assert (counts(run), run["begun_by"]) == (("done", 4, 3, 0, 1, 0), "")
        place = (await house.good("GET", "/v1/discovery/places"))["places"][0]
        assert (place["every_h"], place["run"]["run_id"]) == (24, run["run_id"])
        hook = (await house.good("GET", "/v1/webhooks"))["webhooks"][0]
        told = await house.good("GET", f"/v1/webhooks/{hook['id']}/deliveries")
        assert sorted(each["type"] for each in told["deliveries"]) == ["discovery.finished", "discovery.found"]  # fmt: skip

    play(tmp_path / "home", story, OSTIARY_DISCOVERY_ROOTS=str(tmp_path / "data"))


def test_a_report_is_taken_as_a_file(tmp_path: Path) -> None:
    folder = papers(tmp_path / "data")

    async def story(house: House) -> None:
        await put(house, folder)
        early = await house.ask("GET", "/v1/discovery/places/papers/report")
        assert (early.status_code, early.json()["code"]) == (409, "conflict")
        await whole_run(house)
        at = "/v1/discovery/places/papers/report"
        told = json.loads((await house.good("GET", at))["text"])
        assert told["findings"] == 4
        lines = (await house.good("GET", at, params={"format": "csv"}))["text"].splitlines()
        assert "paid/card.csv,looked,,card,card,1" in {",".join(line.split(",")[:6]) for line in lines}
        assert len(lines) == 6
        page = await house.good("GET", at, params={"format": "html"})
        assert (page["media_type"], "<script" in page["text"]) == ("text/html", False)

    play(tmp_path / "home", story, OSTIARY_DISCOVERY_ROOTS=str(tmp_path / "data"))


def test_removing_a_place_forgets_all_that_was_known_of_it(tmp_path: Path) -> None:
    folder = papers(tmp_path / "data")

    async def story(house: House) -> None:
        await put(house, folder)
        run = await whole_run(house)
        await house.good("DELETE", "/v1/discovery/places/papers")
        assert (await house.ask("GET", f"/v1/discovery/runs/{run['run_id']}")).status_code == 404
        assert (await house.ask("GET", "/v1/discovery/places/papers/inventory")).status_code == 404
        await put(house, folder)
        assert (await house.good("GET", "/v1/discovery/places/papers/inventory"))["run"] is None

    play(tmp_path / "home", story, OSTIARY_DISCOVERY_ROOTS=str(tmp_path / "data"))
