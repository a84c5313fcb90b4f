"""Notices that are signed with a key of ours: whoever has the public half verifies them, and it is published."""

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import WebhookVerificationError

from ostiary.net import webhook
from ostiary.secret import Secret
from tests.house import House
from tests.net.peer import Seen, answer, listening
from tests.webhooks.kit import hook, show, told, verified

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""RFC 8032 section 7.1, test 1."""


def by_key(seen: Seen, key: str) -> Any:
    """What was posted, if one of its signatures is by the private half of this key. Raises InvalidSignature."""
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
    told = f"{seen.headers['webhook-id']}.{seen.headers['webhook-timestamp']}.".encode() + seen.body
    for each in seen.headers["webhook-signature"].split(" "):
        version, _, signature = each.partition(",")
        if version == "v1a":
            try:
                public.verify(base64.b64decode(signature), told)
            except InvalidSignature:
                continue
            return orjson.loads(seen.body)
    raise InvalidSignature


def test_the_public_half_is_the_one_of_rfc_8032() -> None:
    key = Secret("whsk_" + base64.b64encode(SEED).decode())
    assert webhook.public_key(key) == "whpk_" + base64.b64encode(PUBLIC).decode()
    assert webhook.public_key(webhook.new_secret()) == ""


def test_a_key_signs_as_the_standard_says_and_another_content_or_key_does_not_verify() -> None:
    key = webhook.new_key()
    headers = webhook.headers([key], message="msg_1", now_s=1_700_000_000, body=b"{}")
    seen = Seen("POST", "/", headers, b"{}")
    assert headers["webhook-signature"].startswith("v1a,")
    assert by_key(seen, webhook.public_key(key)) == {}
    with pytest.raises(InvalidSignature):
        by_key(Seen("POST", "/", headers, b"[]"), webhook.public_key(key))
    with pytest.raises(InvalidSignature):
        by_key(Seen("POST", "/", {**headers, "webhook-timestamp": "1"}, b"{}"), webhook.public_key(key))
    with pytest.raises(InvalidSignature):
        by_key(seen, webhook.public_key(webhook.new_key()))


def test_an_endpoint_has_a_key_that_is_published_and_no_secret(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            made = await hook(house, peer.url, "incident.*", signing="asymmetric")
            endpoint = made["webhook"]["id"]
            assert (made["secret"], made["webhook"]["signing"]) == ("", "asymmetric")
            (key,) = made["webhook"]["public_keys"]
            await house.good("POST", f"/v1/webhooks/{endpoint}/test")
            await house.work()
            assert by_key(peer.seen[0], key["key"])["type"] == "webhook.test"
            published = f"/v1/webhook-keys/{house.tenant}/{endpoint}"
            assert await house.good("GET", published, "") == {"keys": [{"key": key["key"], "until": None}]}
            strangers = f"/v1/webhook-keys/ten_{'0' * 32}/{endpoint}"
            assert (await house.ask("GET", strangers, "")).status_code == 404
            symmetric = (await hook(house, peer.url, "incident.*"))["webhook"]["id"]
            assert await house.good("GET", f"/v1/webhook-keys/{house.tenant}/{symmetric}", "") == {"keys": []}
            assert "whsk_" not in orjson.dumps([made, await show(house, endpoint)]).decode()

    told(tmp_path, story)


def test_a_new_key_signs_at_once_and_the_one_before_for_as_long_as_was_said(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            made = await hook(house, peer.url, "incident.*", signing="asymmetric")
            endpoint, first = made["webhook"]["id"], made["webhook"]["public_keys"][0]["key"]
            renewed = await house.good("POST", f"/v1/webhooks/{endpoint}/rotate", json={"overlap_s": 120})
            assert renewed["secret"] == ""
            fresh = renewed["public_key"]
            await house.good("POST", f"/v1/webhooks/{endpoint}/test")
            await house.work()
            assert by_key(peer.seen[0], first) == by_key(peer.seen[0], fresh)
            keys = (await house.good("GET", f"/v1/webhook-keys/{house.tenant}/{endpoint}", ""))["keys"]
            assert [(each["key"], each["until"] is None) for each in keys] == [(fresh, True), (first, False)]
            house.clock.advance(121)
            await house.good("POST", f"/v1/webhooks/{endpoint}/test")
            await house.work()
            assert by_key(peer.seen[1], fresh)["type"] == "webhook.test"
            with pytest.raises(InvalidSignature):
                by_key(peer.seen[1], first)
            keys = (await house.good("GET", f"/v1/webhook-keys/{house.tenant}/{endpoint}", ""))["keys"]
            assert [each["key"] for each in keys] == [fresh]

    told(tmp_path, story)


def test_an_endpoint_goes_over_from_a_secret_to_a_key_with_both_for_a_while(tmp_path: Path) -> None:
    """The libraries of the standard, which verify v1 alone, go on until the overlap ends, and pass over v1a."""

    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            made = await hook(house, peer.url, "incident.*")
            endpoint = made["webhook"]["id"]
            asked = {"overlap_s": 120, "signing": "asymmetric"}
            key = (await house.good("POST", f"/v1/webhooks/{endpoint}/rotate", json=asked))["public_key"]
            await house.good("POST", f"/v1/webhooks/{endpoint}/test")
            await house.work()
            both = peer.seen[0]
            assert [each.split(",")[0] for each in both.headers["webhook-signature"].split(" ")] == [
                "v1a",
                "v1",
            ]
            assert verified(both, made["secret"]) == by_key(both, key)
            house.clock.advance(121)
            await house.good("POST", f"/v1/webhooks/{endpoint}/test")
            await house.work()
            assert by_key(peer.seen[1], key)["type"] == "webhook.test"
            with pytest.raises(WebhookVerificationError):
                verified(peer.seen[1], made["secret"])

    told(tmp_path, story)
