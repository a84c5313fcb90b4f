"""Who wants more of discovery than is theirs: folders elsewhere, addresses inside, another's places, and a worker that dies in the midst of a run."""

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ostiary.discovery import running
from ostiary.discovery.looking import Looker
from tests.discovery.conftest import _here
from tests.discovery.test_runs import begin, counts, found_in, papers, put, shown, whole_run
from tests.house import House, play
from tests.process import Process

CANARY = "canary-4471@example.com"


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Looker, "look", _here)


async def refused(house: House, settings: dict[str, Any], name: str = "wrong", **more: Any) -> tuple[int, str]:  # fmt: skip
    answer = await house.ask("PUT", f"/v1/discovery/places/{name}", json={"settings": settings, **more})
    return answer.status_code, answer.json().get("code", "")


def test_no_folder_elsewhere_is_looked_through_by_whatever_name_or_link(tmp_path: Path) -> None:
    inside, outside = papers(tmp_path / "data" / "mine"), tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text(CANARY)
    (inside / "way-out").symlink_to(outside)
    (inside / "letters" / "one.txt").symlink_to(outside / "secret.txt")
    (tmp_path / "data" / "theirs").mkdir()
    other = "ten_" + "0" * 32

    async def story(house: House) -> None:
        home = str(tmp_path / "home")
        for path in (str(outside), f"{inside}/../../outside", str(inside / "way-out"), "data/mine", "/", home, str(tmp_path / "data" / "theirs")):  # fmt: skip
            assert await refused(house, {"kind": "folder", "path": path}) == (403, "net.address_refused")
        await put(house, inside)
        run = await whole_run(house)
        assert (run["state"], await found_in(house)) == ("done", {"email": 2, "card": 1, "iban": 1})
        skipped = await house.good("GET", "/v1/discovery/places/papers/items", params={"which": "skipped"})
        assert {each["item"]: each["state"] for each in skipped["items"]} == {
            "letters/one.txt": "link", "paid/link.txt": "link", "way-out": "link",
        }  # fmt: skip
        run_id = await begin(house)
        os.rename(inside, tmp_path / "data" / "moved")
        os.symlink(outside, inside)  # after the place was put, the folder itself becomes a way out
        await house.work()
        assert (await shown(house, run_id))["state"] == "failed"
        assert await found_in(house) == {}

    roots = f"{inside},{other}={tmp_path / 'data' / 'theirs'}"
    play(tmp_path / "home", story, OSTIARY_DISCOVERY_ROOTS=roots)


def test_the_gateways_own_files_are_no_place(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()

    async def story(house: House) -> None:
        for path in (tmp_path, tmp_path / "home"):
            assert await refused(house, {"kind": "folder", "path": str(path)}) == (403, "net.address_refused")
        (tmp_path / "beside").mkdir()
        await put(house, tmp_path / "beside")

    play(tmp_path / "home", story, OSTIARY_DISCOVERY_ROOTS=str(tmp_path))


class _Trap(BaseHTTPRequestHandler):
    """A storage that sends whoever lists it to a metadata service, and remembers what it was sent."""

    to = ""
    asked: list[dict[str, str]] = []  # noqa: RUF012 - one server a test

    def do_GET(self) -> None:
        _Trap.asked.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})  # fmt: skip
        self.send_response(307 if _Trap.to else 200)
        self.send_header("Location", _Trap.to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def trap() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Trap)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _Trap.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_bucket_leads_to_no_inner_address_and_takes_nothing_of_this_machine(
    tmp_path: Path, trap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMACHINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "machine")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "machine-token")
    _Trap.to = f"{trap}/latest/meta-data/iam"

    async def story(house: House) -> None:
        bucket = {"kind": "bucket", "url": "s3://letters/"}
        for endpoint in ("http://user@127.0.0.1", "file:///etc", "http://127.1/", "http://[fe80::1%25eth0]/", "gopher://a"):  # fmt: skip
            assert await refused(house, {**bucket, "endpoint": endpoint}) == (403, "net.address_refused")
        for endpoint in ("http://169.254.169.254", "http://[fd00:ec2::254]", "http://10.0.0.7:9000"):
            body = {"settings": {**bucket, "endpoint": endpoint}}
            await house.good("PUT", "/v1/discovery/places/inner", json=body)
            tried = await house.good("POST", "/v1/discovery/places/inner/test")
            assert (tried["ok"], tried["code"]) == (False, "target.unavailable")
            assert "public addresses" in tried["detail"]
        body = {"settings": {**bucket, "endpoint": trap}}
        await house.good("PUT", "/v1/discovery/places/trap", json=body)
        tried = await house.good("POST", "/v1/discovery/places/trap/test")
        assert (tried["ok"], "status 307" in tried["detail"]) == (False, True)
        (asked,) = _Trap.asked
        assert asked["path"].startswith("/letters?")
        assert not {"authorization", "x-amz-security-token"} & asked.keys()

    play(tmp_path, story, OSTIARY_EGRESS_ALLOW="127.0.0.0/8")


def test_credentials_never_follow_an_address_and_are_never_shown(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        bucket = {"kind": "bucket", "url": "s3://letters/"}
        given = {"access_key": "AKIAEXAMPLE", "secret_key": "the-secret-of-the-bucket"}
        body = {"settings": bucket, "credentials": given}
        await house.good("PUT", "/v1/discovery/places/letters", json=body)
        assert await refused(house, {**bucket, "endpoint": "https://evil.example"}, "letters") == (409, "conflict")  # fmt: skip
        places = await house.ask("GET", "/v1/discovery/places")
        assert places.json()["places"][0]["has_credentials"] is True
        assert "the-secret" not in places.text
        assert "AKIAEXAMPLE" not in places.text
        for event in (await house.good("GET", "/v1/audit/events"))["events"]:
            detail = await house.ask("POST", f"/v1/audit/events/{event['id']}/reveal", json={})
            assert "the-secret" not in detail.text
        forgotten = {"settings": {**bucket, "endpoint": "https://evil.example"}, "forget_credentials": True}
        assert (await house.good("PUT", "/v1/discovery/places/letters", json=forgotten))["has_credentials"] is False  # fmt: skip

    play(tmp_path, story)


def test_who_may_not_discovers_nothing_and_anothers_places_do_not_exist(tmp_path: Path) -> None:
    folder = papers(tmp_path / "data")

    async def story(house: House) -> None:
        await put(house, folder)
        run = await whole_run(house)
        looks = ("/v1/discovery/places", "/v1/discovery/runs", f"/v1/discovery/runs/{run['run_id']}", "/v1/discovery/places/papers/report")  # fmt: skip
        for role in ("viewer", "support", "developer"):
            key = await house.make_key(f"a-{role}", kind="program", roles=(role,))
            answers = [await house.ask("GET", path, key) for path in looks]
            assert {(each.status_code, each.json()["code"]) for each in answers} == {(403, "access.forbidden")}  # fmt: skip
        agent = await house.make_key("an-agent", kind="agent", roles=("admin",))
        assert (await house.ask("GET", "/v1/discovery/places", agent)).status_code == 403
        narrow = await house.make_key("narrow", kind="program", roles=("admin",), scopes=["discovery.show"])
        begun = await house.ask("POST", "/v1/discovery/places/papers/runs", narrow)
        assert (begun.status_code, begun.json()["code"]) == (403, "access.scope")
        assert (await house.ask("GET", f"/v1/discovery/runs/{run['run_id']}", narrow)).status_code == 200
        other = await house.good("POST", "/v1/tenants", json={"name": "Foot Ltd"})
        await house.good("POST", "/v1/session/switch-tenant", json={"tenant": other["tenant"]})
        assert (await house.good("GET", "/v1/discovery/places"))["places"] == []
        for method, path in (
            ("GET", f"/v1/discovery/runs/{run['run_id']}"),
            ("POST", f"/v1/discovery/runs/{run['run_id']}/pause"),
            ("GET", "/v1/discovery/places/papers/inventory"),
            ("GET", "/v1/discovery/places/papers/items"),
            ("POST", "/v1/discovery/places/papers/runs"),
            ("DELETE", "/v1/discovery/places/papers"),
        ):
            answer = await house.ask(method, path)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        theirs = {"kind": "database", "connector": "shop"}  # a name that stands in the first tenant only
        assert await refused(house, theirs) == (422, "params.invalid")

    play(tmp_path / "home", story, OSTIARY_DISCOVERY_ROOTS=str(folder))


def test_names_of_files_and_values_are_nowhere_in_the_clear(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "jane-doe-4471.txt").write_text(f"to {CANARY}")

    async def story(house: House) -> None:
        await put(house, folder)
        await whole_run(house)
        (item,) = (await house.good("GET", "/v1/discovery/places/papers/items"))["items"]
        assert (item["item"], item["counts"]) == ("jane-doe-4471.txt", {"email": 1})

    play(
        tmp_path / "home",
        story,
        OSTIARY_DISCOVERY_ROOTS=str(folder),
        OSTIARY_DATABASE_URL="",
        OSTIARY_KEYS_URL="",
    )
    kept = b"".join(file.read_bytes() for file in (tmp_path / "home").rglob("*") if file.is_file())
    assert b"discovery_item" in kept
    assert b"jane-doe-4471" not in kept
    assert CANARY.encode() not in kept


@pytest.mark.journey
@pytest.mark.timeout(180)
def test_a_worker_that_is_killed_in_the_midst_of_a_run_goes_on_there(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(2 * running.ITEMS_A_STEP + 17):
        (folder / f"{number:05}.txt").write_text(f"to p{number}@example.com")
    process = Process(tmp_path / "home", settings={"OSTIARY_DISCOVERY_ROOTS": str(folder)})
    try:
        process.start()
        process.found()
        body = {"settings": {"kind": "folder", "path": str(folder)}}
        process.good("PUT", "/v1/discovery/places/papers", json=body)
        run = process.good("POST", "/v1/discovery/places/papers/runs", json={})["run_id"]
        until(lambda: process.good("GET", f"/v1/discovery/runs/{run}")["items"] > 0)
        process.kill()
        process.start()
        at_once = process.good("GET", f"/v1/discovery/runs/{run}")
        assert (at_once["state"], at_once["items"] > 0) == ("going", True)
        until(lambda: process.good("GET", f"/v1/discovery/runs/{run}")["state"] == "done")
        done = process.good("GET", f"/v1/discovery/runs/{run}")
        assert counts(done) == ("done", 417, 417, 0, 0, 0)
        found = process.good("GET", "/v1/discovery/places/papers/inventory")
        assert [(each["name"], each["findings"], each["items"]) for each in found["categories"]] == [("email", 417, 417)]  # fmt: skip
    finally:
        process.kill()


def until(look: Any) -> None:
    end = time.monotonic() + 90
    while not look():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)
