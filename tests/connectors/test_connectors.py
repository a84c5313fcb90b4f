"""The room as its actions and `bind` show it, on both databases."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from ostiary.actions import Call
from ostiary.connectors.actions import actions
from ostiary.connectors.connectors import Connectors
from ostiary.connectors.opening import Limits, signing
from ostiary.db.database import Database
from ostiary.errors import (
    AddressRefused,
    ApprovalStale,
    Conflict,
    ContractInvalid,
    InvalidParameters,
    NotFound,
    OstiaryError,
    SealBroken,
    TargetUnavailable,
)
from ostiary.net.address import egress
from ostiary.secret import Secret
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Vault
from tests.connectors.calls import OTHER, TENANT, call
from tests.net.peer import answer, listening

HTTP = {"kind": "http", "base_url": "https://billing.example.com/api"}
CONSTANT = {"constant": {"answer": 42}}


@pytest.fixture
def connectors(database: Database, keys_database: Database, clock, tmp_path: Path) -> Connectors:
    root = tmp_path / "sources"
    root.mkdir()
    connection = sqlite3.connect(root / "company.db")
    connection.executescript("CREATE TABLE t (id INTEGER, name TEXT); INSERT INTO t VALUES (1, 'Ada');")
    connection.close()
    vault = Vault(
        keys_database, EnvironmentRoot(Secret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")), clock
    )
    vault.create_tenant_now(TENANT)
    vault.create_tenant_now(OTHER)
    limits = Limits(source_roots=(root,), own_paths=(tmp_path / "data.db",), backoff_s=())
    return Connectors(database, vault, clock, egress(("127.0.0.0/8",)), limits)


def ask(connectors: Connectors, asked: str, /, *, tenant=TENANT, **params):
    """The action's answer, its rows written as the sequencer would."""

    async def main():
        outcome, made = await run_action(connectors, asked, tenant=tenant, **params)
        connectors.database.transact(lambda connection: [write(connection) for write in made.writes])
        for hook in made.after:
            hook()
        return outcome

    return asyncio.run(main())


async def run_action(
    connectors: Connectors, asked: str, /, *, tenant=TENANT, **params
) -> tuple[object, Call]:
    action = {each.name: each for each in actions(connectors)}[f"connector.{asked}"]
    made = call(tenant=tenant)
    return await action.run(made, action.params.parse(params)), made


def run(connectors: Connectors, bound, params=None, *, write=False, tenant=TENANT):
    async def main():
        try:
            return await bound.run(call(write=write, tenant=tenant), params or {})
        finally:
            await connectors.close()

    return asyncio.run(main())


def test_a_connector_is_added_shown_listed_and_removed(connectors):
    saved = ask(connectors, "put", name="billing", settings=HTTP, credential="s3cret-credential")
    assert (saved.name, saved.version, len(saved.secret)) == ("billing", 1, 43)
    shown = ask(connectors, "show", name="billing")
    assert shown.model_dump() == {
        "name": "billing",
        "kind": "http",
        "version": 1,
        "paused": False,
        "settings": {
            "kind": "http",
            "base_url": "https://billing.example.com/api",
            "honours_idempotency_key": False,
            "credential_header": "Authorization",
            "timeout_s": None,
            "answer_bytes_max": None,
            "ca_pem": "",
        },
        "has_credential": True,
        "signing_secrets": 1,
        "changed_at": "2025-10-09T08:53:20.000000Z",
        "tested_at": "",
        "tested_ok": False,
    }
    assert [each.name for each in ask(connectors, "list").connectors] == ["billing"]
    ask(connectors, "remove", name="billing")
    with pytest.raises(NotFound):
        ask(connectors, "show", name="billing")
    with pytest.raises(NotFound):
        ask(connectors, "remove", name="billing")


def test_no_secret_is_shown_again_or_stored_in_the_clear(connectors):
    secret = ask(connectors, "put", name="billing", settings=HTTP, credential="s3cret-credential").secret
    again = ask(connectors, "put", name="billing", settings=HTTP)
    assert (again.version, again.secret) == (2, "")
    texts = [
        ask(connectors, "show", name="billing").model_dump_json(),
        ask(connectors, "list").model_dump_json(),
    ]
    tables = connectors.database.read(
        lambda connection: [
            str(list(connection.exec_driver_sql(f"SELECT * FROM {table}")))
            for table in ("connector", "connector_secret")
        ]
    )
    for text in texts + tables:
        assert secret not in text
        assert "s3cret-credential" not in text
        assert "billing.example.com" not in "".join(tables)


def test_another_tenants_connector_does_not_exist(connectors):
    ask(connectors, "put", name="billing", settings=HTTP)
    for name in ("show", "remove", "test", "secret_rotate"):
        with pytest.raises(NotFound):
            ask(connectors, name, tenant=OTHER, name="billing")
    assert ask(connectors, "list", tenant=OTHER).connectors == []
    with pytest.raises(NotFound):
        connectors.bind(OTHER, "billing", {"http": {"method": "GET", "path": "/"}})


def test_a_row_moved_to_another_tenant_does_not_open(connectors):
    ask(connectors, "put", name="billing", settings=HTTP)
    connectors.database.transact(
        lambda connection: connection.exec_driver_sql(f"UPDATE connector SET tenant = '{OTHER}'")
    )
    connectors.drop(TENANT)
    with pytest.raises((SealBroken, OstiaryError)):
        ask(connectors, "show", tenant=OTHER, name="billing")


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "http", "base_url": "ftp://billing.example.com"},
        {"kind": "http", "base_url": "https://user:pw@billing.example.com"},
        {"kind": "sqlite", "path": "../outside.db"},
        {"kind": "postgresql", "host": "127.1", "database": "d", "user": "u"},
    ],
)
def test_an_address_that_can_never_be_reached_is_refused_when_it_is_written(connectors, settings):
    with pytest.raises(AddressRefused):
        ask(connectors, "put", name="x", settings=settings)


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"name": "Big", "settings": HTTP}, "/name"),
        ({"name": "x", "settings": {"kind": "ftp"}}, "/settings"),
        ({"name": "x", "settings": HTTP | {"port": 1}}, "/settings/http/port"),
        ({"name": "x", "settings": HTTP | {"timeout_s": 0}}, "/settings/http/timeout_s"),
        ({"name": "x", "settings": HTTP, "signing_secret": "short"}, "/signing_secret"),
        ({"name": "x", "settings": HTTP, "credential": "a\r\nb"}, "/credential"),
        (
            {
                "name": "x",
                "settings": {"kind": "postgresql", "host": "h", "database": "d", "user": "u", "port": 22},
            },
            "/settings/postgresql/port",
        ),
        (
            {
                "name": "x",
                "settings": {
                    "kind": "postgresql",
                    "host": "h",
                    "database": "d",
                    "user": "u",
                    "schemas": "a -c b",
                },
            },
            "/settings/postgresql/schemas",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused_at_their_place(connectors, params, pointer):
    with pytest.raises(InvalidParameters) as caught:
        ask(connectors, "put", **params)
    assert caught.value.faults[0].pointer == pointer


def test_a_credential_does_not_follow_the_address_to_another_server(connectors):
    ask(connectors, "put", name="billing", settings=HTTP, credential="s3cret-credential")
    elsewhere = HTTP | {"base_url": "https://evil.example.net/api"}
    with pytest.raises(Conflict, match="give the credential again"):
        ask(connectors, "put", name="billing", settings=elsewhere)
    ask(connectors, "put", name="billing", settings=HTTP | {"base_url": "https://billing.example.com/v2"})
    ask(connectors, "put", name="billing", settings=elsewhere, forget_credential=True)
    assert ask(connectors, "show", name="billing").has_credential is False


def test_two_changes_at_once_leave_one(connectors):
    ask(connectors, "put", name="billing", settings=HTTP)

    async def main():
        _, first = await run_action(connectors, "put", name="billing", settings=HTTP)
        _, second = await run_action(connectors, "put", name="billing", settings=HTTP)
        connectors.database.transact(lambda connection: [write(connection) for write in first.writes])
        with pytest.raises(Conflict):
            connectors.database.transact(lambda connection: [write(connection) for write in second.writes])

    asyncio.run(main())


def test_a_constant_answers_with_what_the_contract_says(connectors):
    ask(connectors, "put", name="fixed", settings={"kind": "constant"})
    bound = connectors.bind(TENANT, "fixed", CONSTANT)
    assert (bound.honours_key, bound.keeps_answer) == (False, True)
    assert bound.preview(call(), {}) == {"constant": {"answer": 42}}
    assert run(connectors, bound) == {"answer": 42}


def test_a_sqlite_source_is_read(connectors):
    ask(connectors, "put", name="company", settings={"kind": "sqlite", "path": "company.db"})
    bound = connectors.bind(TENANT, "company", {"sql": {"statement": "SELECT name FROM t WHERE id = :id"}})
    assert bound.keeps_answer is False
    assert bound.preview(call(), {"id": 1, "unused": 2}) == {
        "statement": "SELECT name FROM t WHERE id = :id",
        "parameters": {"id": 1},
    }
    assert run(connectors, bound, {"id": 1}) == {"rows": [{"name": "Ada"}]}


def test_an_http_service_is_called_with_our_signature_and_its_credential(connectors):
    async def main():
        async with listening(answer(200, b'{"ok":true}')) as peer:
            settings = {"kind": "http", "base_url": peer.url, "honours_idempotency_key": True}
            _, made = await run_action(
                connectors,
                "put",
                name="billing",
                settings=settings,
                credential="s3cret",
                signing_secret="given-by-the-owner",
            )
            connectors.database.transact(lambda connection: [write(connection) for write in made.writes])
            bound = connectors.bind(
                TENANT, "billing", {"http": {"method": "POST", "path": "/r", "body": {"a": "{a}"}}}
            )
            outcome = await bound.run(call(write=True), {"a": 1})
            await connectors.close()
            return bound, outcome, peer.seen[0]

    bound, outcome, seen = asyncio.run(main())
    assert (bound.honours_key, outcome, seen.body) == (True, {"ok": True}, b'{"a":1}')
    assert seen.headers["authorization"] == "Bearer s3cret"
    assert seen.headers["ostiary-signature"].startswith("t=1760000000,n=")


def test_during_the_overlap_requests_are_signed_by_both_secrets_and_then_by_the_new_one(connectors, clock):
    ask(connectors, "put", name="billing", settings=HTTP)
    rotated = ask(connectors, "secret_rotate", name="billing", overlap_s=60)
    assert (len(rotated.secret), rotated.old_valid_until) == (43, "2025-10-09T08:54:20.000000Z")
    held = connectors.held_now(TENANT, "billing")
    assert [secret.reveal() == rotated.secret for secret in signing(held, clock.now_us())] == [True, False]
    assert ask(connectors, "show", name="billing").signing_secrets == 2
    clock.advance(60)
    assert [secret.reveal() == rotated.secret for secret in signing(held, clock.now_us())] == [True]
    assert ask(connectors, "show", name="billing").signing_secrets == 1
    ask(connectors, "secret_rotate", name="billing", overlap_s=60)
    ask(connectors, "secret_rotate", name="billing", overlap_s=60)
    assert ask(connectors, "show", name="billing").signing_secrets == 2


def test_a_rotation_without_overlap_ends_the_old_secret_at_once(connectors):
    ask(connectors, "put", name="billing", settings=HTTP)
    ask(connectors, "secret_rotate", name="billing", overlap_s=0)
    assert ask(connectors, "show", name="billing").signing_secrets == 1


def test_only_a_service_has_a_signing_secret(connectors):
    ask(connectors, "put", name="fixed", settings={"kind": "constant"})
    with pytest.raises(Conflict):
        ask(connectors, "secret_rotate", name="fixed")


def test_what_was_bound_before_a_change_is_stale_and_nothing_is_sent(connectors):
    ask(connectors, "put", name="company", settings={"kind": "sqlite", "path": "company.db"})
    target = {"sql": {"statement": "SELECT name FROM t"}}
    bound = connectors.bind(TENANT, "company", target)
    ask(connectors, "put", name="company", settings={"kind": "sqlite", "path": "company.db", "timeout_s": 3})
    with pytest.raises(ApprovalStale):
        run(connectors, bound)
    again = connectors.bind(TENANT, "company", target)
    assert bound.hash != again.hash
    assert run(connectors, again) == {"rows": [{"name": "Ada"}]}


def test_a_rotation_leaves_what_was_bound_valid(connectors):
    ask(connectors, "put", name="billing", settings=HTTP)
    target = {"http": {"method": "GET", "path": "/"}}
    before = connectors.bind(TENANT, "billing", target).hash
    ask(connectors, "secret_rotate", name="billing")
    assert connectors.bind(TENANT, "billing", target).hash == before


def test_a_paused_connector_reaches_nothing(connectors):
    ask(connectors, "put", name="fixed", settings={"kind": "constant"}, paused=True)
    bound = connectors.bind(TENANT, "fixed", CONSTANT)
    with pytest.raises(TargetUnavailable, match="paused") as caught:
        run(connectors, bound)
    assert caught.value.maybe_done is False


def test_a_removed_connector_reaches_nothing(connectors):
    ask(connectors, "put", name="fixed", settings={"kind": "constant"})
    bound = connectors.bind(TENANT, "fixed", CONSTANT)
    ask(connectors, "remove", name="fixed")
    with pytest.raises(NotFound):
        run(connectors, bound)


def test_a_target_of_another_kind_does_not_bind(connectors):
    ask(connectors, "put", name="fixed", settings={"kind": "constant"})
    with pytest.raises(ContractInvalid):
        connectors.bind(TENANT, "fixed", {"sql": {"statement": "SELECT 1"}})


def test_a_check_names_what_is_missing(connectors):
    ask(connectors, "put", name="fixed", settings={"kind": "constant"})
    assert connectors.check(TENANT, "fixed", CONSTANT, []) == []
    assert [fault.detail for fault in connectors.check(TENANT, "gone", CONSTANT, [])] == [
        "there is no connector named gone"
    ]


def test_a_test_says_what_works_and_is_remembered(connectors):
    ask(connectors, "put", name="company", settings={"kind": "sqlite", "path": "company.db"})
    tested = ask(connectors, "test", name="company")
    assert tested.model_dump() == {
        "ok": True,
        "steps": [
            {"name": "address", "ok": True, "code": "", "detail": "may be reached"},
            {"name": "query", "ok": True, "code": "", "detail": "can be read"},
        ],
    }
    shown = ask(connectors, "show", name="company")
    assert (shown.tested_at, shown.tested_ok) == ("2025-10-09T08:53:20.000000Z", True)


def test_a_test_stops_at_the_first_thing_that_fails(connectors):
    ask(connectors, "put", name="inside", settings={"kind": "http", "base_url": "http://10.0.0.1:8000"})
    tested = ask(connectors, "test", name="inside")
    assert (tested.ok, [(step.name, step.code) for step in tested.steps]) == (
        False,
        [("address", "net.address_refused")],
    )
    assert ask(connectors, "show", name="inside").tested_ok is False


@pytest.mark.parametrize(
    ("status", "steps"),
    [
        (404, [("address", True), ("connect", True), ("signature", True)]),
        (401, [("address", True), ("connect", True), ("signature", False)]),
    ],
)
def test_a_service_that_refuses_our_signature_is_told_from_one_that_only_answers(connectors, status, steps):
    async def main():
        async with listening(answer(status)) as peer:
            _, made = await run_action(
                connectors, "put", name="billing", settings={"kind": "http", "base_url": peer.url}
            )
            connectors.database.transact(lambda connection: [write(connection) for write in made.writes])
            tested, _ = await run_action(connectors, "test", name="billing")
            await connectors.close()
            return tested

    tested = asyncio.run(main())
    assert [(step.name, step.ok) for step in tested.steps] == steps
    assert tested.ok is (status == 404)


def test_a_bound_target_that_was_dropped_is_closed_when_it_is_idle(connectors):
    ask(connectors, "put", name="company", settings={"kind": "sqlite", "path": "company.db"})

    async def main():
        held = await connectors.held(TENANT, "company")
        bound = connectors.bind(TENANT, "company", {"sql": {"statement": "SELECT 1 AS one"}})
        await bound.run(call(), {})
        connectors.drop(TENANT)
        await bound.run(call(), {})
        fresh = await connectors.held(TENANT, "company")
        left = connectors._retired
        await connectors.close()
        return held is fresh, left

    assert asyncio.run(main()) == (False, [])


def test_a_version_that_was_read_while_it_was_changed_is_not_kept(connectors, monkeypatch):
    ask(connectors, "put", name="fixed", settings={"kind": "constant"})
    connectors.drop(TENANT)
    rows = connectors._rows

    def slow(tenant, name):
        old = rows(tenant, name)
        monkeypatch.setattr(Connectors, "_rows", lambda self, *place: rows(*place))
        ask(connectors, "put", name="fixed", settings={"kind": "constant"}, paused=True)
        return old

    monkeypatch.setattr(Connectors, "_rows", lambda self, *place: slow(*place))
    connectors.held_now(TENANT, "fixed")
    assert connectors.held_now(TENANT, "fixed").paused is True


def test_a_certificate_that_is_none_is_refused_when_it_is_written(connectors):
    with pytest.raises(InvalidParameters) as caught:
        ask(connectors, "put", name="x", settings=HTTP | {"ca_pem": "no certificate"})
    assert caught.value.faults[0].pointer == "/settings/ca_pem"
