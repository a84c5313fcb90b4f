"""Attacks on rule sets, plans and scopes: another tenant's, a changed token, documents made to be slow, keys that are put back, and makers who race each other."""

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection, Delete, Update, delete, update

from ostiary.db.database import Database
from ostiary.db.scope import within
from ostiary.errors import KeysUnavailable, SealBroken
from ostiary.ids import TenantId
from ostiary.privacy.plans import store as rows
from ostiary.redaction import tokens
from ostiary.redaction.keys import Scope
from ostiary.retention.ledger.ledger import Ledger
from ostiary.secret import Secret
from ostiary.vault import store
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Vault
from tests.conftest import StillClock
from tests.house import House, opened, play
from tests.privacy.test_plans import PLAN, RULES, made, redacted, second_tenant, token_in
from tests.shop import Shop, running
from tests.vault.conftest import ROOT_TEXT, A, B, heard

KEY = "redaction/support"
RACERS = 3
BOMBS = {
    "brackets": "[" * 60_000,
    "braces": "{a: " * 15_000,
    "dashes": "- " * 30_000,
    "laughs": "a: &a [x]\nb: &b [*a, *a]\nrules: *b",
    "rules": "rules: {" + ", ".join(f"a{n}: keep" for n in range(1001)) + "}",
    "many": "rules: {" + ", ".join(f"a{n}: keep" for n in range(5000)) + "}",
    "python": "rules: !!python/object/apply:os.system ['true']",
    "template": "rules: {email: {operator: replace, text: '{category.__class__.__mro__}'}}",
    "wide": "rules: {email: {operator: replace, text: '{category:>100000000}'}}",
    "long": "default: keep\n" + "#" * 200_000,
    "backwards": '{"rules": ' + '{"a": ' * 5000 + "1" + "}" * 5001,
}
RULE_BOMBS = {
    "repeats": "patterns: [{name: a, category: b, pattern: '((a{1,1000}){1,1000}){1,1000}'}]",
    "empty": "patterns: [{name: a, category: b, pattern: '(a*)*'}]",
    "references": "patterns: [{name: a, category: b, pattern: '(a)\\1'}]",
    "patterns": "patterns: [" + "{name: a, category: b, pattern: x}," * 1500 + "]",
}

LETTER = """
version: 1
actions:
  - name: letter.send
    title: Write
    description: Sends a letter.
    parameters: {properties: {to: {type: string, maxLength: 400}}, required: [to]}
    roles: [support, owner]
    risk: medium
    confirmation: never
    sentence: Write to {to}
    target: {connector: letters, http: {method: POST, path: /mail, body: {to: '{to}'}}}
"""

MAKER = """
import sys
from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.ids import TenantId
from ostiary.secret import Secret
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Vault

vault = Vault(Database(sys.argv[1]), EnvironmentRoot(Secret(sys.argv[2])), SystemClock())
print("ready", flush=True)
sys.stdin.readline()
print(vault.keys.named(TenantId("ten_a"), "redaction/support").hex())
"""


@pytest.fixture
def vault(each_keys_database: Database, clock: StillClock) -> Vault:
    vault = Vault(heard(each_keys_database), EnvironmentRoot(Secret(ROOT_TEXT)), clock)
    for tenant in (A, B):
        vault.create_tenant_now(tenant)
    return vault


def test_processes_that_use_a_scope_first_at_once_have_one_key(
    vault: Vault, each_keys_database: Database
) -> None:
    url = each_keys_database.url.render_as_string(hide_password=False)
    makers = [
        subprocess.Popen([sys.executable, "-c", MAKER, url, ROOT_TEXT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(RACERS)
    ]  # fmt: skip
    for maker in makers:
        assert maker.stdout is not None
        assert maker.stdout.readline() == "ready\n"
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write("go\n")
        maker.stdin.flush()
    made_keys = {maker.communicate(timeout=60)[0].strip() for maker in makers}
    assert made_keys == {vault.keys.named(A, KEY).hex()}
    assert vault.keys.named(B, KEY).hex() not in made_keys


def test_a_destroyed_key_is_not_made_again_nor_opened_when_its_row_is_put_back(vault: Vault) -> None:
    vault.keys.named(A, KEY)
    (row,) = [row for row in vault.keys.read(lambda c: store.named_keys(c, A)) if row.name == KEY]
    vault.destroy_named(A, KEY)
    table = store.named_key
    for wrapped in (store.GONE, row.wrapped):
        same = (table.c.tenant == A, table.c.name == KEY)
        vault.keys.settled(lambda c, w=wrapped, s=same: store_as(c, update(table).where(*s).values(wrapped=w, key_version=row.key_version)))  # type: ignore[misc]  # fmt: skip
        vault.keys._changed(A, "")
        assert vault.is_gone(A, KEY)
        for look in (vault.keys.named, vault.keys.standing):
            with pytest.raises(SealBroken):
                look(A, KEY)
    if vault.keys.database.sqlite:  # PostgreSQL lets the product delete no row of keys
        vault.keys.settled(
            lambda c: store_as(c, delete(table).where(table.c.tenant == A, table.c.name == KEY))
        )
        with pytest.raises(SealBroken):
            vault.keys.named(A, KEY)
    assert len(vault.keys.named(B, KEY)) == 32
    assert vault.rotate_tenant_now(A) == 2


def store_as(connection: Connection, statement: Delete | Update) -> None:
    """As somebody who has the database, and no keys."""
    with within(connection, A):
        connection.execute(statement)


def test_whoever_makes_a_key_while_it_is_destroyed_keeps_none(vault: Vault) -> None:
    ended: list[str] = []

    def make() -> None:
        try:
            vault.keys.named(A, KEY)
            ended.append("made")
        except (SealBroken, KeysUnavailable):
            ended.append("refused")

    racers = [threading.Thread(target=make) for _ in range(4)]
    for racer in racers:
        racer.start()
    vault.destroy_named(A, KEY)
    for racer in racers:
        racer.join(30)
    vault.keys._changed(A, "")
    assert len(ended) == 4
    assert vault.is_gone(A, KEY)
    named = vault.keys.read(lambda c: store.named_keys(c, A))
    assert [row.wrapped for row in named if row.name == KEY] == [store.GONE]


def test_a_restored_key_store_destroys_a_scopes_key_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        gateway, tenant = house.gateway, TenantId(house.tenant)
        gateway.vault.keys.named(tenant, KEY)
        named = gateway.vault.keys.read(lambda c: store.named_keys(c, tenant))
        (before,) = [row for row in named if row.name == KEY]
        ledger = Ledger(gateway.keys_database, gateway.blobs, gateway.vault, gateway.clock)
        ledger.name_key(tenant, "era_1", KEY)
        gateway.vault.destroy_named(tenant, KEY)

        def put_back(connection: Connection) -> None:
            table, tombs = store.named_key, store.destroyed_key
            with within(connection, tenant):
                connection.execute(delete(tombs).where(tombs.c.tenant == tenant))
                changed = update(table).where(table.c.tenant == tenant, table.c.name == KEY)
                connection.execute(changed.values(wrapped=before.wrapped, key_version=before.key_version))

        gateway.keys_database.transact(put_back)
        gateway.vault.keys._changed(tenant, "")
        assert gateway.vault.keys.standing(tenant, KEY) is not None  # as after a restore
        assert ledger.replay([tenant]).destroyed == 1
        assert gateway.vault.is_gone(tenant, KEY)
        assert ledger.replay([tenant]).destroyed == 0

    play(tmp_path, story, OSTIARY_DATABASE_URL="", OSTIARY_KEYS_URL="")


def test_no_changed_character_opens_a_token() -> None:
    scope = Scope("ten_a", "support", {1: b"k" * 32}, 1)
    token = tokens.token(scope, "email", "jane@example.com")
    for at, char in enumerate(token):
        for other in ("0", "x", "u", "_", "2"):
            if other == char.lower():
                continue
            opened_one = tokens.restored(scope, token[:at] + other + token[at + 1 :])
            assert isinstance(opened_one, tokens.Refused), (at, other)


def test_anothers_plan_scope_and_token_are_nothing_here(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await made(house)
        ours = token_in((await redacted(house))["text"])
        await second_tenant(house)
        asked = (
            ("POST", "/v1/redact", {"plan": "letters", "text": "a"}),
            ("POST", "/v1/restore", {"scope": "support", "text": ours, "purpose": "theirs"}),
            ("POST", "/v1/redaction-scopes/support/destroy", {"confirm": "support"}),
            ("DELETE", "/v1/redaction-plans/letters", None),
            ("GET", "/v1/redaction-plans/letters/history", None),
        )
        for method, path, body in asked:
            answer = await house.ask(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        named = await house.ask("PUT", "/v1/redaction-plans/mine", json={"text": "rule_set: tickets"})
        assert (named.status_code, named.json()["code"]) == (422, "redaction.invalid")

    play(tmp_path, story)


def test_documents_made_to_be_slow_or_clever_are_refused_at_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for at, bombs in (("plans", BOMBS), ("rules", RULE_BOMBS)):
            for name, text in bombs.items():
                begun = time.process_time()
                answer = await house.ask("PUT", f"/v1/redaction-{at}/bomb", json={"text": text})
                assert (answer.status_code, answer.json()["code"]) == (422, "redaction.invalid"), (at, name)
                assert answer.json()["errors"][0]["detail"]
                assert time.process_time() - begun < 5, (at, name)
        assert (await house.good("GET", "/v1/redaction-plans"))["documents"] == []

    play(tmp_path, story)


def test_a_rule_set_that_is_gone_redacts_nothing(tmp_path: Path) -> None:
    """Two people at once: one puts a plan, the other removes its rule set. Less would be found than was meant."""

    async def story(house: House) -> None:
        await house.good("PUT", "/v1/redaction-rules/tickets", json={"text": RULES})
        await house.good("PUT", "/v1/redaction-plans/letters", json={"text": PLAN})
        gateway = house.gateway
        tenant = TenantId(house.tenant)
        stands = gateway.database.read(lambda c: rows.newest(c, tenant, rows.RULES, "tickets"))
        assert stands is not None
        gone = rows.DocumentRow(rows.RULES, "tickets", 2, 1, "per_1", "", None)
        gateway.database.transact(lambda c: rows.insert(c, tenant, gone))
        answer = await house.ask("POST", "/v1/redact", json={"plan": "letters", "text": "ACME-4711"})
        assert (answer.status_code, answer.json()["code"]) == (422, "redaction.invalid")

    play(tmp_path, story)


def test_a_plan_is_the_same_after_a_restart(tmp_path: Path) -> None:
    async def whole() -> None:
        async with opened(tmp_path) as house:
            await house.found()
            await house.enrol()
            await made(house)
            before, owner = token_in((await redacted(house))["text"]), house.owner
        async with opened(tmp_path) as again:
            again.owner = owner
            assert token_in((await redacted(again))["text"]) == before

    asyncio.run(whole())


def test_a_call_neither_restores_a_token_nor_makes_one(tmp_path: Path) -> None:
    """An agent may not restore; no connected system does it for the agent, by saying back what it got."""

    async def story(house: House, shop: Shop) -> None:
        await made(house)
        token = token_in((await redacted(house))["text"])
        await house.connect("letters", kind="http", base_url=shop.url)
        await house.agree(LETTER)
        agent = await house.make_key("helper")
        shop.says = {"copy": "to jane@example.com"}
        answer = await house.good("POST", "/v1/actions/letter.send", agent, json={"to": token})
        assert shop.done == {token: 1}
        assert answer["result"] == {"sent": True, "copy": "to [email]"}

    with running() as shop:
        play(tmp_path, lambda house: story(house, shop))
