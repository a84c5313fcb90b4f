"""A webhook turned against the house: to reach what is inside, to be told what its maker may not see, to forge, to flood, and to cross into another tenant."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ostiary.net.address import egress
from ostiary.net.pool import Pool
from ostiary.webhooks import endpoint as noun
from ostiary.webhooks import outbox, store
from ostiary.webhooks.store import DeliveryRow, EndpointRow, MessageRow
from tests import servers
from tests.hostile.test_attack_tenant import other_tenant
from tests.hostile.test_net_address import INSIDE
from tests.house import House
from tests.net.peer import Seen, answer, listening
from tests.webhooks.kit import deliveries, hook, show, told

SPELLED = [
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://2130706433/",
    "https://017700000001/",
    "https://127.1/",
    "https://127.0.0.1./",
    "https://localhost./",
    "https://user@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com#@127.0.0.1/",
    "https://example.com?@127.0.0.1/%zz#x",
    "https://example.com\\@127.0.0.1/",
    "https://%31%32%37.0.0.1/",
    "https://[::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[::ffff:127.0.0.1",
    "https:///etc/passwd",
    "file:///etc/passwd",
    "gopher://example.com/",
    "ftp://example.com/",
    "unix:///var/run/docker.sock",
    "//example.com/",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:6667/",
    "https://example.com/../admin",
    "https://example.com/in#x",
    "https://example.com/in?a=<b>",
    "http://example.com/",
    "http://169.254.169.254/latest/meta-data/",
]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """To where a connection was begun: none ever is."""
    begun: list[str] = []

    async def connect(_self: Any, address: str) -> Any:
        begun.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(Pool, "_dialled", connect)
    return begun


async def waiting(house: House, endpoint: str) -> tuple[EndpointRow, list[tuple[DeliveryRow, MessageRow]]]:
    """The rows of a webhook, with one notice that waits for it."""
    await house.good("POST", f"/v1/webhooks/{endpoint}/test")

    def look(connection: Any) -> Any:
        row = store.find_endpoint(connection, house.tenant, endpoint)  # type: ignore[arg-type]
        (delivery,) = store.list_deliveries(connection, house.tenant, endpoint, states=[], before="", limit=9)  # type: ignore[arg-type]
        messages = store.messages(connection, house.tenant, [delivery.message])  # type: ignore[arg-type]
        return row, [(delivery, messages[delivery.message])]

    found: tuple[EndpointRow, list[tuple[DeliveryRow, MessageRow]]] = house.gateway.database.read(look)
    return found


def test_no_address_that_is_not_plainly_public_is_reached_by_name_or_written_out(
    tmp_path: Path, connected: list[str]
) -> None:
    """IPv4-mapped, NAT64, 6to4, Teredo, carrier-grade NAT, metadata services, ISATAP and the rest."""

    async def story(house: House) -> None:
        made = await hook(house, "https://hook.example/in", "incident.*")
        row, notices = await waiting(house, made["webhook"]["id"])
        sender = house.gateway.notices._sender
        refused = 0
        for address in INSIDE:

            async def resolver(_host: str, _port: int, address: str = address) -> Sequence[str]:
                return [address]

            sender.allowed = egress((), resolver)
            (tried,) = await sender.send(row, notices)
            assert (tried.status, tried.code) == (0, "net.address_refused"), address
            refused += 1
            host = f"[{address}]" if ":" in address else address
            answered = await house.ask("PUT", f"/v1/webhooks/{row.id}", json={"url": f"https://{host}/in"})
            if answered.status_code == 200:
                written, _ = house.gateway.database.read(
                    lambda c: (store.find_endpoint(c, row.tenant, row.id), 0)
                )
                assert written
                (tried,) = await sender.send(written, notices)
                assert (tried.status, tried.code) == (0, "net.address_refused"), address
            refused += 1
        assert refused == 2 * len(INSIDE) == 114
        assert connected == []

    told(tmp_path, story, OSTIARY_EGRESS_ALLOW="")


def test_an_address_that_may_be_read_in_two_ways_is_not_taken(tmp_path: Path, connected: list[str]) -> None:
    async def story(house: House) -> None:
        for url in SPELLED:
            asked = {"url": url, "types": ["incident.*"]}
            answered = await house.ask("POST", "/v1/webhooks", json=asked)
            assert answered.json()["code"] in ("net.address_refused", "params.invalid"), url
        assert (await house.good("GET", "/v1/webhooks"))["webhooks"] == []
        assert connected == []

    told(tmp_path, story, OSTIARY_EGRESS_ALLOW="")


def test_a_name_that_resolves_to_another_address_a_moment_later_is_judged_anew_each_time(
    tmp_path: Path, connected: list[str]
) -> None:
    """Rebinding: what is connected to is the very address that was judged, never the name."""

    async def story(house: House) -> None:
        made = await hook(house, "https://hook.example/in", "incident.*")
        row, notices = await waiting(house, made["webhook"]["id"])
        sender, turns = house.gateway.notices._sender, ["93.184.215.14", "127.0.0.1", "169.254.169.254"]

        async def resolver(_host: str, _port: int) -> Sequence[str]:
            return [turns.pop(0)]

        sender.allowed = egress((), resolver)
        codes = [(await sender.send(row, notices))[0].code for _ in range(3)]
        assert codes == ["target.unavailable", "net.address_refused", "net.address_refused"]
        assert connected == ["93.184.215.14"]

        async def mixed(_host: str, _port: int) -> Sequence[str]:
            return ["10.0.0.1", "93.184.215.14", "::ffff:127.0.0.1"]

        sender.allowed = egress((), mixed)
        await sender.send(row, notices)
        assert connected == ["93.184.215.14", "93.184.215.14"], "of several addresses only the public one"

    told(tmp_path, story, OSTIARY_EGRESS_ALLOW="")


def test_a_redirect_leads_nowhere(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as inside:
            headers = f"Location: {inside.url}/secret\r\nRefresh: 0; url={inside.url}/secret\r\n"
            for status in (301, 302, 303, 307, 308):
                async with listening(answer(status, b"", headers=headers)) as peer:
                    made = await hook(house, peer.url, "incident.*")
                    await house.good("POST", f"/v1/webhooks/{made['webhook']['id']}/test")
                    await house.work()
                    (row,) = await deliveries(house, made["webhook"]["id"])
                    assert (row["status"], row["code"]) == (status, "target.refused")
            assert inside.connections == 0

    told(tmp_path, story)


def test_an_answer_without_end_is_cut_off_and_kept_nowhere(tmp_path: Path) -> None:
    async def endless(_seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"4000\r\n" + b"A" * 0x4000 + b"\r\n")
            await writer.drain()

    async def story(house: House) -> None:
        async with listening(endless) as peer:
            made = await hook(house, peer.url, "incident.*")
            await house.good("POST", f"/v1/webhooks/{made['webhook']['id']}/test")
            await house.work()
            (row,) = await deliveries(house, made["webhook"]["id"])
            assert (row["state"], row["code"]) == ("waiting", "target.answer_too_large")

    told(tmp_path, story)


def test_nobody_is_told_by_a_webhook_what_they_may_not_look_at(tmp_path: Path) -> None:
    """An admin may make webhooks, and may not read the log."""

    async def story(house: House) -> None:
        admin = "ada.admin@pellow.example"
        await house.good("POST", "/v1/members", json={"email": admin, "name": "Ada", "role": "admin"})
        token = await house.sign_in(admin)
        async with listening(answer(200)) as peer:
            for types in (["audit.*"], ["*"], ["approval.requested", "privacy.erased"], ["incident.stopped"]):
                refused = await house.ask(
                    "POST", "/v1/webhooks", token, json={"url": peer.url, "types": types}
                )
                assert refused.status_code == 403, types
            owners = await hook(house, peer.url, "audit.*")
            turned = {"url": peer.url + "/mine"}
            stolen = await house.ask("PUT", f"/v1/webhooks/{owners['webhook']['id']}", token, json=turned)
            assert stolen.json()["code"] in ("access.forbidden", "auth.step_up_required")
            rotated = await house.ask(
                "POST", f"/v1/webhooks/{owners['webhook']['id']}/rotate", token, json={}
            )
            assert rotated.json()["code"] in ("access.forbidden", "auth.step_up_required")
            assert (await show(house, owners["webhook"]["id"]))["url"] == peer.url

    told(tmp_path, story)


def test_an_agents_key_makes_changes_and_replays_none_whatever_its_role(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await house.make_key("helper", roles=("admin",))
        async with listening(answer(200)) as peer:
            made = (await hook(house, peer.url, "incident.*"))["webhook"]["id"]
            for method, path, body in (
                ("POST", "/v1/webhooks", {"url": peer.url, "types": ["approval.*"]}),
                ("PUT", f"/v1/webhooks/{made}", {"paused": True}),
                ("DELETE", f"/v1/webhooks/{made}", None),
                ("POST", f"/v1/webhooks/{made}/rotate", {}),
                ("POST", f"/v1/webhooks/{made}/test", None),
                ("POST", f"/v1/webhooks/{made}/replay", None),
                ("PUT", "/v1/approval-mailing", {"mail": False}),
            ):
                refused = await house.ask(method, path, agent, json=body)
                assert refused.status_code == 403, (path, refused.text)
            assert peer.connections == 0

    told(tmp_path, story)


def test_another_tenants_webhooks_deliveries_and_notices_do_not_exist(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as first, listening(answer(200)) as second:
            made = (await hook(house, first.url, "incident.*"))["webhook"]["id"]
            await house.good("POST", f"/v1/webhooks/{made}/test")
            await house.work()
            (row,) = await deliveries(house, made)
            await other_tenant(house)
            await hook(house, second.url, "incident.*")
            for method, path in (
                ("GET", f"/v1/webhooks/{made}"), ("GET", f"/v1/webhooks/{made}/deliveries"), ("DELETE", f"/v1/webhooks/{made}"),
                ("POST", f"/v1/webhooks/{made}/test"), ("POST", f"/v1/webhooks/{made}/replay"), ("POST", f"/v1/webhooks/{made}/rotate"),
                ("GET", f"/v1/webhook-deliveries/{row['id']}"), ("POST", f"/v1/webhook-deliveries/{row['id']}/replay"),
            ):  # fmt: skip
                assert (await house.ask(method, path)).status_code == 404, path
            assert len((await house.good("GET", "/v1/webhooks"))["webhooks"]) == 1
            await house.good(
                "POST", "/v1/stops", json={"kind": "action", "target": "pay.send", "reason": "look"}
            )
            await house.work()
            assert (len(first.seen), len(second.seen)) == (1, 1)

    told(tmp_path, story)


def test_rows_that_were_changed_by_hand_are_not_sent(tmp_path: Path) -> None:
    """Whoever holds the database cannot turn a notice to an address of theirs, or say something else in our name."""

    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            made = (await hook(house, peer.url, "incident.*"))["webhook"]["id"]
            row, notices = await waiting(house, made)
            sender = house.gateway.notices._sender
            other = (await hook(house, peer.url + "/other", "incident.*"))["webhook"]["id"]

            def transplant(connection: Any) -> None:
                settings = store.ENDPOINT.select().where(store.ENDPOINT.c.id == other)
                (of_other,) = connection.execute(settings)
                connection.execute(
                    store.ENDPOINT.update()
                    .where(store.ENDPOINT.c.id == made)
                    .values(settings=of_other.settings)
                )

            servers.tamper(house.gateway.database, transplant)
            await house.work()
            assert peer.seen == []
            ((delivery, message),) = notices
            forged = MessageRow(message.tenant, message.id, "incident.stopped", message.data, message.at_us)
            (tried,) = await sender.send(row, [(delivery, forged)])
            assert (tried.status, tried.code) == (0, "keys.seal_broken")
            assert peer.seen == []

    told(tmp_path, story)


def test_what_nobody_takes_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "WAITING_MAX", 3)

    async def story(house: House) -> None:
        async with listening(answer(500, b"")) as peer:
            made = (await hook(house, peer.url, "incident.*"))["webhook"]["id"]
            for _ in range(6):
                stop = await house.good(
                    "POST", "/v1/stops", json={"kind": "action", "target": "pay.send", "reason": "look"}
                )
                await house.good("DELETE", f"/v1/stops/{stop['stop_id']}")
            assert (await show(house, made))["waiting"] == 3

    told(tmp_path, story)


def test_an_agent_that_is_refused_in_a_circle_does_not_flood_who_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LOUD_A_MINUTE_MAX", 4)

    async def story(house: House) -> None:
        agent = await house.make_key("helper")
        async with listening(answer(200)) as peer:
            await hook(house, peer.url, "audit.refused")
            for _ in range(9):
                refused = await house.ask("POST", "/v1/actions/nobody.agreed", agent, json={})
                assert refused.json()["code"] == "contract.unknown"
            await house.work()
            assert len(peer.seen) == 4
            house.clock.advance(61)
            await house.ask("POST", "/v1/actions/nobody.agreed", agent, json={})
            await house.work()
            assert len(peer.seen) == 5

    told(tmp_path, story)


def test_the_secret_and_the_query_of_an_address_stand_nowhere_in_the_clear(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            made = await hook(
                house, peer.url + "/in?token=canary-in-query", "incident.*", description="canary words"
            )
            await house.good("POST", f"/v1/webhooks/{made['webhook']['id']}/test")
            await house.work()
            with servers.intruder(house.gateway.database) as connection:
                rows = [
                    str(row)
                    for table in (store.ENDPOINT, store.MESSAGE, store.DELIVERY, store.ATTEMPT)
                    for row in connection.execute(table.select())
                ]
            assert len(rows) == 4
            for canary in ("canary", made["secret"], made["secret"].removeprefix("whsec_"), "127.0.0.1"):
                assert not any(canary in row for row in rows), canary
            assert "canary-in-query" not in str(await show(house, made["webhook"]["id"]))
            assert noun.shown("https://a.example/b?c=d", "standard") == "https://a.example/b?…"

    told(tmp_path, story)
