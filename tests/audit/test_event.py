"""The public part is canonical and holds no content; the sealed part opens at its place only."""

import hashlib
import json

import pytest

from ostiary.audit import event as events
from ostiary.audit.event import Decision, place, seal, unpack
from ostiary.errors import SealBroken
from ostiary.vault.sealing import Vault
from tests.audit.events import ACME, OTHER, about, refund


def test_the_envelope_is_canonical_json_without_empty_fields(vault: Vault) -> None:
    kept = seal(refund(id="evt_1", counts={"masked.phone": 2, "masked.email": 1}), vault, vault.pseudonym)
    assert kept.envelope == (
        b'{"action":"shop.refund","actor_id":"key_1","actor_kind":"agent","at_us":1760000000000000,"call":"cal_1",'
        b'"counts":{"masked.email":1,"masked.phone":2},"decision":"ran","face":"mcp","id":"evt_1","tenant":"ten_acme","v":1}'
    )


def test_every_field_keeps_the_order_of_the_alphabet(vault: Vault) -> None:
    full = refund(
        address="a1", approval="apr_1", behalf="b1", code="c", contract="h", duration_us=5, risk="low", surface="admin",
        decision=Decision.HELD, counts={"a": 1}, parts=(about("cus_7", 1),),
    )  # fmt: skip
    envelope = seal(full, vault, vault.pseudonym).envelope
    assert envelope == json.dumps(json.loads(envelope), sort_keys=True, separators=(",", ":")).encode()
    assert len(json.loads(envelope)) == 20


def test_a_part_is_committed_to_and_not_shown(vault: Vault) -> None:
    kept = seal(refund(parts=(about("cus_7", {"name": "Ada"}), about("", "note"))), vault, vault.pseudonym)
    stated = json.loads(kept.envelope)["sealed"]
    assert [part["sha256"] for part in stated] == [hashlib.sha256(blob).hexdigest() for blob in kept.blobs]
    assert kept.subjects == (vault.pseudonym(ACME, "cus_7"),)
    for secret in (b"Ada", b"cus_7", b"note"):
        assert secret not in kept.envelope
        assert secret not in b"".join(kept.blobs)


def test_equal_content_is_sealed_differently_each_time(vault: Vault) -> None:
    first, second = (
        seal(refund(id="evt_1", parts=(about("cus_7", "yes"),)), vault, vault.pseudonym) for _ in range(2)
    )
    assert first.blobs != second.blobs
    assert first.envelope != second.envelope


def test_a_part_opens_at_its_place_only(vault: Vault) -> None:
    kept = seal(refund(id="evt_1", parts=(about("cus_7", "yes"),)), vault, vault.pseudonym)
    assert events.open_part(vault, ACME, "evt_1", 0, kept.blobs[0]) == "yes"
    for tenant, event_id, number in ((ACME, "evt_1", 1), (ACME, "evt_2", 0), (OTHER, "evt_1", 0)):
        with pytest.raises(SealBroken):
            events.open_part(vault, tenant, event_id, number, kept.blobs[0])


@pytest.mark.parametrize(("content", "kept"), [
    ("\ud800", {"unusual": '"\\ud800"'}),
    (2**80, {"unusual": "1208925819614629174706176"}),
    (float("nan"), None),
])  # fmt: skip
def test_what_no_json_writer_takes_is_kept_as_text(vault: Vault, content: object, kept: object) -> None:
    sealed = seal(refund(id="evt_1", parts=(about("", content),)), vault, vault.pseudonym)
    assert events.open_part(vault, ACME, "evt_1", 0, sealed.blobs[0]) == kept


def test_content_nested_without_end_is_recorded_too(vault: Vault) -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    sealed = seal(refund(id="evt_1", parts=(about("", deep),)), vault, vault.pseudonym)
    assert events.open_part(vault, ACME, "evt_1", 0, sealed.blobs[0]) == {"unusual": ""}


def test_blobs_are_packed_and_unpacked() -> None:
    assert events.pack((b"", b"ab")) == b"\x00\x00\x00\x00\x00\x00\x00\x02ab"
    assert unpack(b"\x00\x00\x00\x00\x00\x00\x00\x02ab") == (b"", b"ab")
    assert unpack(b"") == ()
    for broken in (b"\x00", b"\x00\x00\x00\x05ab"):
        with pytest.raises(ValueError, match="cut short"):
            unpack(broken)


def test_a_place_names_tenant_event_and_number() -> None:
    assert (place(ACME, "evt_1", 2).tenant, place(ACME, "evt_1", 2).row) == (ACME, "evt_1/2")
