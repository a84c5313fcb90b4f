"""What can be asked of a log: each tenant of its own, and what is proven can be checked without us."""

import asyncio
import hashlib
from typing import Any

import pytest
from sqlalchemy import Connection, text

from ostiary.actions import Action, Actor, ActorKind, Call, Face
from ostiary.audit._c2sp_note import parse_key, verify
from ostiary.audit._rfc6962 import extends, includes, leaf_hash
from ostiary.audit.actions import actions
from ostiary.audit.event import Decision, Entry
from ostiary.audit.log import Audit
from ostiary.errors import Conflict, InvalidParameters, NotFound
from ostiary.ids import CallId, SubjectId
from ostiary.vault.sealing import Vault
from tests import servers
from tests.audit.events import ACME, OTHER, about, entry, refund
from tests.audit.exports import ask


def record(audit: Audit, *changes: dict[str, Any]) -> None:
    for change in changes:
        audit.record_sync(entry(**change))


def ids(found: dict[str, Any]) -> list[str]:
    return [event["id"] for event in found["events"]]


@pytest.fixture
def story(audit: Audit) -> Audit:
    """Six events of ACME, one of another tenant."""
    record(
        audit,
        {"id": "evt_0", "call": "cal_a", "decision": Decision.HELD, "at_us": 1_000},
        {"id": "evt_1", "call": "cal_a", "decision": Decision.APPROVED, "actor_kind": "person", "actor_id": "per_1", "at_us": 2_000},
        {"id": "evt_2", "call": "cal_a", "parts": (about("cus_7", {"amount": 12}), about("", "note")), "at_us": 3_000},
        {"id": "evt_3", "call": "cal_b", "decision": Decision.REFUSED, "code": "contract.unknown", "action": "shop.wipe", "at_us": 4_000},
        {"id": "evt_4", "call": "cal_c", "actor_kind": "customer", "actor_id": "cus_7", "at_us": 5_000},
        {"id": "evt_5", "call": "cal_d", "action": "key.create", "at_us": 6_000},
        {"id": "evt_x", "tenant": OTHER},
    )  # fmt: skip
    return audit


@pytest.mark.parametrize(
    ("facets", "found"),
    [
        ({}, ["evt_5", "evt_4", "evt_3", "evt_2", "evt_1", "evt_0"]),
        ({"call": "cal_a"}, ["evt_2", "evt_1", "evt_0"]),
        ({"actor": "per_1"}, ["evt_1"]),
        ({"actor": "cus_7"}, ["evt_4"]),
        ({"action": "shop.wipe"}, ["evt_3"]),
        ({"action": "shop.*", "decision": "ran"}, ["evt_4", "evt_2"]),
        ({"action": "sh%.*"}, []),
        ({"decision": "held"}, ["evt_0"]),
        ({"code": "contract.unknown"}, ["evt_3"]),
        ({"subject": "cus_7"}, ["evt_2"]),
        ({"subject": "cus_8"}, []),
        ({"since_us": 2_000, "until_us": 4_000}, ["evt_2", "evt_1"]),
        ({"call": "cal_a", "since_us": 3_000}, ["evt_2"]),
    ],
)
def test_events_are_found_by_facets_the_newest_first(
    story: Audit, facets: dict[str, Any], found: list[str]
) -> None:
    assert ids(ask(story, "audit.search", **facets)) == found


def test_a_subjects_pseudonym_from_an_event_finds_it_again(story: Audit) -> None:
    event = ask(story, "audit.show", event_id="evt_2")["event"]
    assert ids(ask(story, "audit.search", subject=event["sealed"][0]["subject"])) == ["evt_2"]


def test_pages_follow_each_other_while_the_log_grows(story: Audit) -> None:
    first = ask(story, "audit.search", limit=4)
    record(story, {"id": "evt_6"})
    second = ask(story, "audit.search", limit=4, cursor=first["next"])
    assert (ids(first), ids(second)) == (["evt_5", "evt_4", "evt_3", "evt_2"], ["evt_1", "evt_0"])
    assert second["next"] == ""


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "9" * 19, "¹"])
def test_a_made_up_cursor_is_refused(sqlite_audit: Audit, cursor: str) -> None:
    with pytest.raises(InvalidParameters):
        ask(sqlite_audit, "audit.search", cursor=cursor)


@pytest.mark.parametrize("name", ["audit.show", "audit.reveal", "audit.proof"])
def test_another_tenants_event_does_not_exist(story: Audit, name: str) -> None:
    ask(story, name, tenant=OTHER, event_id="evt_x")
    with pytest.raises(NotFound):
        ask(story, name, event_id="evt_x")
    with pytest.raises(NotFound):
        ask(story, name, tenant=OTHER, event_id="evt_0")


def test_an_event_shows_its_public_part_only(story: Audit, vault: Vault) -> None:
    event = ask(story, "audit.show", event_id="evt_2")["event"]
    assert (event["index"], event["at"], event["actor_id"]) == (2, "1970-01-01T00:00:00.003000Z", "key_1")
    assert [part["subject"] for part in event["sealed"]] == [
        vault.pseudonym(ACME, "cus_7"),
        vault.pseudonym(ACME, "key_1"),
    ]
    assert "amount" not in str(event)
    assert "cus_7" not in str(event)


def test_a_customers_own_id_is_not_in_the_clear(story: Audit, vault: Vault) -> None:
    event = ask(story, "audit.show", event_id="evt_4")["event"]
    assert event["actor_id"] == vault.pseudonym(ACME, "cus_7")


def test_the_details_are_opened_by_a_permission_of_their_own(story: Audit) -> None:
    revealed = ask(story, "audit.reveal", event_id="evt_2")
    assert [(part["state"], part["content"]) for part in revealed["parts"]] == [
        ("opened", {"amount": 12}),
        ("opened", "note"),
    ]
    permissions = {action.name: action.permission for action in actions(story)}
    assert permissions["audit.reveal"] == "audit.reveal"
    assert permissions["audit.show"] == "audit.read"


def test_an_erased_subjects_part_is_gone_and_the_event_still_proven(story: Audit, vault: Vault) -> None:
    vault.destroy_subject(ACME, SubjectId("cus_7"))
    revealed = ask(story, "audit.reveal", event_id="evt_2")
    assert [(part["state"], part["content"]) for part in revealed["parts"]] == [
        ("gone", None),
        ("opened", "note"),
    ]
    assert ask(story, "audit.verify")["ok"] is True


def test_a_proof_holds_without_us(story: Audit) -> None:
    proof = ask(story, "audit.proof", event_id="evt_3")
    assert (proof["index"], proof["size"]) == (3, 6)
    checkpoint = verify(proof["checkpoint"], parse_key(proof["key"]))
    leaf = hashlib.sha256(b"\x00" + proof["envelope"].encode()).digest()
    assert leaf.hex() == proof["leaf"]
    assert includes(3, 6, leaf, [bytes.fromhex(step) for step in proof["hashes"]], checkpoint.root)
    assert not includes(
        3, 6, leaf_hash(b"another"), [bytes.fromhex(step) for step in proof["hashes"]], checkpoint.root
    )


def test_an_old_checkpoint_is_proven_to_be_the_beginning_of_the_log(story: Audit) -> None:
    before = ask(story, "audit.checkpoint")
    record(story, *({"call": f"cal_{n}"} for n in range(300)))
    found = ask(story, "audit.consistency", first=before["size"])
    now = verify(found["checkpoint"], parse_key(found["key"]))
    hashes = [bytes.fromhex(step) for step in found["hashes"]]
    assert (found["first"], found["second"]) == (6, 306)
    assert extends(6, 306, bytes.fromhex(before["root"]), now.root, hashes)
    assert not extends(6, 306, bytes.fromhex(before["root"])[::-1], now.root, hashes)
    older = ask(story, "audit.proof", event_id="evt_3", size=6)
    assert (older["root"], older["checkpoint"]) == (before["root"], "")


@pytest.mark.parametrize(("name", "params"), [
    ("audit.consistency", {"first": 7}),
    ("audit.consistency", {"first": 2, "second": 7}),
    ("audit.consistency", {"first": 3, "second": 2}),
    ("audit.proof", {"event_id": "evt_3", "size": 3}),
    ("audit.proof", {"event_id": "evt_3", "size": 7}),
])  # fmt: skip
def test_a_size_that_the_log_does_not_have_is_refused(
    story: Audit, name: str, params: dict[str, Any]
) -> None:
    with pytest.raises(InvalidParameters):
        ask(story, name, **params)


def test_an_empty_log_has_a_signed_checkpoint_too(sqlite_audit: Audit) -> None:
    found = ask(sqlite_audit, "audit.checkpoint")
    assert (found["size"], found["log"]) == (0, "gateway.example/ten_acme")
    assert verify(found["checkpoint"], parse_key(found["key"])).size == 0
    assert ask(sqlite_audit, "audit.verify")["verdict"] == "self-consistent, completeness not proven"
    assert ask(sqlite_audit, "audit.search") == {"events": [], "next": ""}
    assert ask(sqlite_audit, "audit.export") == {"entries": [], "next": None}


def test_an_export_comes_in_pages_up_to_a_fixed_end(story: Audit) -> None:
    first = ask(story, "audit.export", end=5, limit=3)
    second = ask(story, "audit.export", end=5, limit=3, start=first["next"])
    assert [line["index"] for line in first["entries"]] == [0, 1, 2]
    assert [line["index"] for line in second["entries"]] == [3, 4]
    assert (first["next"], second["next"]) == (3, None)


def test_a_page_of_large_events_stays_within_its_bytes(sqlite_audit: Audit) -> None:
    record(sqlite_audit, *({"parts": (about("", "x" * 1_000_000),)} for _ in range(6)))
    page = ask(sqlite_audit, "audit.export")
    assert (len(page["entries"]), page["next"]) == (5, 5)


def test_content_that_is_too_large_is_kept_as_its_hash(sqlite_audit: Audit) -> None:
    record(sqlite_audit, {"id": "evt_1", "parts": (about("", "x" * 2_000_000),)})
    content = ask(sqlite_audit, "audit.reveal", event_id="evt_1")["parts"][0]["content"]
    assert (content["cut"], content["bytes"]) == (True, 2_000_002)


def test_the_server_counts_the_whole_log_anew(story: Audit) -> None:
    kept = ask(story, "audit.checkpoint")["checkpoint"]
    record(story, *({} for _ in range(250)))
    verdict = ask(story, "audit.verify", checkpoint=kept)
    assert verdict["verdict"] == "verified: complete and unchanged up to the checkpoint"
    assert (verdict["ok"], verdict["complete"], verdict["size"], verdict["checkpoint_size"]) == (
        True,
        True,
        256,
        6,
    )
    assert ask(story, "audit.verify")["complete"] is False


@pytest.mark.parametrize(("statement", "fault"), [
    ("UPDATE audit_event SET envelope = (SELECT envelope FROM audit_event WHERE id = 'evt_3') WHERE id = 'evt_4'", "event 4 is found by other words"),
    ("UPDATE audit_event SET parts = (SELECT parts FROM audit_event WHERE id = 'evt_3') WHERE id = 'evt_2'", "sealed parts of event 2"),
    ("DELETE FROM audit_event WHERE id = 'evt_3'", "event 3 is missing"),
    ("DELETE FROM audit_event WHERE id = 'evt_5'", "event 5 is missing"),
    ("UPDATE audit_event SET number = CASE number WHEN 1 THEN 91 ELSE 1 END WHERE tenant = 'ten_acme' AND number IN (1)", "event 1 is missing"),
    ("UPDATE audit_log SET size = 5 WHERE tenant = 'ten_acme'", "head of the log"),
    ("UPDATE audit_event SET action = 'shop.look' WHERE id = 'evt_3'", "event 3 is found by other words"),
])  # fmt: skip
def test_what_was_changed_in_the_database_is_found(story: Audit, statement: str, fault: str) -> None:
    assert ask(story, "audit.verify")["ok"] is True
    servers.tamper(story.database, lambda connection: connection.execute(text(statement)))
    verdict = ask(story, "audit.verify")
    assert (verdict["ok"], verdict["verdict"]) == (False, "not verified")
    assert fault in verdict["faults"][0]


def test_a_changed_envelope_is_found(story: Audit) -> None:
    def forge(connection: Connection) -> None:
        found = connection.execute(text("SELECT envelope FROM audit_event WHERE id = 'evt_3'")).scalar_one()
        forged = bytes(found).replace(b'"face":"mcp"', b'"face":"cli"')
        connection.execute(
            text("UPDATE audit_event SET envelope = :forged WHERE id = 'evt_3'"), {"forged": forged}
        )

    kept = ask(story, "audit.checkpoint")["checkpoint"]
    servers.tamper(story.database, forge)
    assert "at least one was changed" in ask(story, "audit.verify")["faults"][0]
    assert "not those of the checkpoint" in ask(story, "audit.verify", checkpoint=kept)["faults"][0]


def test_a_log_rebuilt_with_its_own_key_does_not_fit_a_checkpoint_kept_outside(story: Audit) -> None:
    kept = ask(story, "audit.checkpoint")["checkpoint"]
    story.stop()
    for table in ("audit_log", "audit_event", "audit_tile", "audit_subject"):
        servers.tamper(
            story.database,
            lambda connection, table=table: connection.execute(text(f"DELETE FROM {table}")),
        )
    again = Audit(story.database, story.vault, story._clock, origin=story.origin)
    again.start()
    record(again, *({"call": f"cal_{n}"} for n in range(6)))
    again.stop()
    assert ask(again, "audit.verify")["verdict"] == "self-consistent, completeness not proven"
    verdict = ask(again, "audit.verify", checkpoint=kept)
    assert (verdict["ok"], verdict["verdict"]) == (False, "not verified")


def test_a_checkpoint_of_another_log_is_refused(story: Audit) -> None:
    other = ask(story, "audit.checkpoint", tenant=OTHER)["checkpoint"]
    verdict = ask(story, "audit.verify", checkpoint=other)
    assert (verdict["ok"], verdict["faults"][0][:37]) == (False, "the checkpoint kept outside does not ")


def test_one_verification_of_a_log_at_a_time(sqlite_audit: Audit) -> None:
    action = next(action for action in actions(sqlite_audit) if action.name == "audit.verify")
    call = Call(CallId("cal_x"), Actor(ACME, ActorKind.PERSON, "per_1"), action, Face.REST, 0, "")

    async def twice() -> list[Any]:
        runs = [action.run(call, action.params.parse({})) for _ in range(2)]
        return await asyncio.gather(*runs, return_exceptions=True)

    first, second = asyncio.run(twice())
    assert first.ok
    assert isinstance(second, Conflict)


def test_every_action_has_a_route_and_reads_only(sqlite_audit: Audit) -> None:
    found: list[Action] = actions(sqlite_audit)
    assert {
        f"{action.name} {action.route.method} {action.route.path}" for action in found if action.route
    } == {
        "audit.search GET /v1/audit/events",
        "audit.show GET /v1/audit/events/{event_id}",
        "audit.reveal POST /v1/audit/events/{event_id}/reveal",
        "audit.proof GET /v1/audit/events/{event_id}/proof",
        "audit.consistency GET /v1/audit/consistency",
        "audit.checkpoint GET /v1/audit/checkpoint",
        "audit.export GET /v1/audit/entries",
        "audit.verify POST /v1/audit/verify",
    }
    assert {action.effect for action in found} == {"none"}


def test_two_tenants_in_one_entry_each_see_their_own(sqlite_audit: Audit) -> None:
    sqlite_audit.record_sync(Entry((refund(id="evt_1"), refund(id="evt_2", tenant=OTHER))))
    assert ids(ask(sqlite_audit, "audit.search")) == ["evt_1"]
    assert ids(ask(sqlite_audit, "audit.search", tenant=OTHER)) == ["evt_2"]
