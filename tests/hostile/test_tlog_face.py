"""Strangers, other tenants and odd paths at the log's outside face: nothing that is not theirs, and never a second spelling."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from ostiary.actions import Actor, ActorKind, Face
from ostiary.audit._c2sp_note import parse_key, verify
from ostiary.audit._rfc6962 import append, leaf_hash, root_of
from ostiary.identity.gate import Entrance
from ostiary.ids import TenantId
from tests.house import House, play


async def publish(house: House, tenant: str = "") -> None:
    """What the worker does every quarter of an hour."""
    service = Actor(
        TenantId(tenant or house.tenant), ActorKind.SERVICE, "service", frozenset({"audit.publish"})
    )
    params = {"job": "job_1", "cursor": "", "params": {}}
    await house.gateway.door.call(Entrance(service), "audit.publish_step", params, face=Face.JOB)


async def auditor(house: House) -> str:
    await house.good("PUT", "/v1/roles/auditor", json={"permissions": ["audit.read"]})
    return await house.make_key("Auditor", "program", ("auditor",))


def test_an_auditors_key_reads_the_whole_log_and_counts_the_root(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        token = await auditor(house)
        for _n in range(300):
            await house.ask("GET", "/v1/me")
        await house.good("POST", "/v1/audit/verify", json={})  # what came before it is on the disk
        await publish(house)
        base = f"/log/{house.tenant}"
        fetched = await house.ask("GET", f"{base}/checkpoint", token)
        assert fetched.headers["content-type"] == "text/plain; charset=utf-8"
        assert fetched.headers["cache-control"] == "no-cache"
        key = parse_key((await house.good("GET", "/v1/audit/checkpoint", token))["key"])
        checkpoint = verify(fetched.text, key)
        assert checkpoint.size > 300
        width = checkpoint.size - 256
        full = await house.ask("GET", f"{base}/tile/0/000", token)
        partial = await house.ask("GET", f"{base}/tile/0/001.p/{width}", token)
        assert (len(full.content), len(partial.content)) == (8192, width * 32)
        assert full.headers["content-type"] == "application/octet-stream"
        assert full.headers["cache-control"] == "private, max-age=31536000, immutable"
        leaves = full.content + partial.content
        frontier: list[bytes] = []
        for size in range(checkpoint.size):
            append(frontier, size, leaves[size * 32 : size * 32 + 32])
        assert root_of(frontier) == checkpoint.root
        above = await house.ask("GET", f"{base}/tile/1/000.p/1", token)
        assert len(above.content) == 32
        for encoding in ("identity", "gzip"):
            entries = await house.ask(
                "GET", f"{base}/tile/entries/000", token, headers={"accept-encoding": encoding}
            )
            events, at = [], 0
            while at < len(entries.content):
                end = at + 2 + int.from_bytes(entries.content[at : at + 2], "big")
                events.append(entries.content[at + 2 : end])
                at = end
            assert b"".join(leaf_hash(event) for event in events) == full.content
            assert entries.headers.get("content-encoding", "identity") == encoding
        assert (await house.ask("HEAD", f"{base}/checkpoint", token)).status_code == 200

    play(tmp_path, story)


def test_a_closed_log_does_not_exist_for_strangers_and_an_open_one_shows_hashes_only(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        base = f"/log/{house.tenant}"
        await publish(house)
        paths = ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1")
        nowhere = "/log/ten_00000000000000000000000000000000"
        answers = [(await house.ask("GET", f"{at}/{path}", "")) for at in (base, nowhere) for path in paths]
        assert [answer.status_code for answer in answers] == [404, 404, 401] * 2
        assert answers[0].json() == answers[3].json()
        await house.good("PUT", "/v1/audit/publishing", json={"open": True})
        checkpoint = await house.ask("GET", f"{base}/checkpoint", "")
        assert checkpoint.status_code == 200
        size = int(checkpoint.text.split("\n")[1])
        tile = await house.ask("GET", f"{base}/tile/0/000.p/{size}", "")
        assert (tile.status_code, len(tile.content)) == (200, 32 * size)
        assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
        # What is newer than the published checkpoint is not open yet.
        assert (await house.ask("GET", f"{base}/tile/0/000.p/{size + 1}", "")).status_code == 404
        assert (await house.ask("GET", f"{base}/tile/entries/000.p/1", "")).status_code == 401
        assert "Pellow" not in checkpoint.text
        await house.good("PUT", "/v1/audit/publishing", json={"open": False})
        assert (await house.ask("GET", f"{base}/checkpoint", "")).status_code == 404
        assert (await house.ask("GET", f"{base}/tile/0/000.p/1", "")).status_code == 404

    play(tmp_path, story)


def test_two_tenants_see_nothing_of_each_other(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await publish(house)
        token = await auditor(house)
        ours = house.tenant
        for other in ("install", "ten_" + "0" * 32):
            for path in ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"):
                assert (await house.ask("GET", f"/log/{other}/{path}", token)).status_code == 404
        # The installation's own log is never open, even if somebody should find a way to say so.
        assert (await house.ask("GET", f"/log/{ours}/checkpoint", token)).status_code == 200
        for token_without in (
            await house.make_key("Agent", "agent"),
            await house.make_key("Dev", "program", ("developer",)),
        ):
            for path in ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"):
                assert (await house.ask("GET", f"/log/{ours}/{path}", token_without)).status_code == 403

    play(tmp_path, story)


ODD = [
    "", "/", "x", "checkpoint/", "checkpoint?x=1", "Checkpoint", "%63heckpoint", "tile", "tile/", "tile/0/0", "tile/0/00", "tile/0/0000",
    "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/x000/000", "tile/0/%2e%2e/checkpoint", "tile/0/../../checkpoint", "tile/0/000.p/0",
    "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/999999999999999999999", "tile/0/x999/x999/x999/x999/x999/999", "tile/0/%30%30%30",
    "tile/entries/..%2f..%2fcheckpoint", "tile/entries/x999/x999/999", "tile/0/" + "x001/" * 60 + "001", "tile/63/000", "tile/8/000.p/1",
    "tile/0/000%00", "tile/0/٠٠٠", "tile//0/000", "./checkpoint", "tile/0/000;x", "tile/0/000.P/1", "tile/data/000", "entries/000",
]  # fmt: skip


async def raw(house: House, target: bytes, token: str) -> tuple[int, dict[bytes, bytes]]:
    """A request line as it is: no client tidies it up first. Status and headers."""
    path, _, query = target.partition(b"?")
    headers = [(b"host", b"localhost")] + ([(b"authorization", b"Bearer " + token.encode())] if token else [])
    scope = {
        "type": "http", "method": "GET", "path": unquote_to_bytes(path).decode("utf-8", "replace"), "raw_path": path, "query_string": query,
        "headers": headers, "client": ("127.0.0.1", 1), "scheme": "http", "http_version": "1.1",
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await house.gateway.asgi(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])


@pytest.mark.parametrize("with_key", [True, False])
def test_odd_paths_are_not_found_and_leave_nothing_in_the_log(tmp_path: Path, with_key: bool) -> None:
    async def story(house: House) -> None:
        token = await auditor(house) if with_key else ""
        await house.good("PUT", "/v1/audit/publishing", json={"open": True})
        await publish(house)
        before = (await house.good("GET", "/v1/audit/checkpoint"))["size"]
        for path in ODD:
            status, headers = await raw(house, f"/log/{house.tenant}/{path}".encode(), token)
            expected = 401 if path == "tile/entries/x999/x999/999" and not with_key else 404
            assert (status, headers[b"content-type"]) == (expected, b"application/problem+json"), path
        for log in ("", "..", "%2e%2e", "ten_" + "x" * 100, "TEN_1", "a/b", "install", "ten'--", "ten%00"):
            assert (await raw(house, f"/log/{log}/checkpoint".encode(), token))[0] == 404, log
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            answer = await house.ask(method, f"/log/{house.tenant}/checkpoint", token)
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        after = (await house.good("GET", "/v1/audit/checkpoint"))["size"]
        assert (
            after - before <= 3
        )  # what this test asked itself; tiles and checkpoints are counted, not recorded

    play(tmp_path, story)


def test_a_broken_credential_gets_nothing_even_of_an_open_log(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.good("PUT", "/v1/audit/publishing", json={"open": True})
        await publish(house)
        for token in ("ost_live_x_y_z", "nonsense"):
            assert (await house.ask("GET", f"/log/{house.tenant}/checkpoint", token)).status_code == 401

    play(tmp_path, story)


def test_only_the_owner_says_what_outsiders_see_and_an_agent_never(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.good("PUT", "/v1/roles/auditor", json={"permissions": ["audit.read", "audit.publish"]})
        agent = await house.make_key("Agent", "agent", ("auditor",))
        assert (await house.ask("PUT", "/v1/audit/publishing", agent, json={"open": True})).status_code == 403
        program = await house.make_key("Program", "program", ("auditor",))
        held = await house.ask("PUT", "/v1/audit/publishing", program, json={"open": True})
        assert held.status_code == 202  # of high risk: for a program a person confirms
        assert (await house.good("GET", "/v1/audit/publishing"))["open"] is False

    play(tmp_path, story)
