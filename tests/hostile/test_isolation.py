"""Two tenants in one gateway, and a thief with a full copy of its databases: A's keys open nothing of B, in any table or column; a sealed value that is
moved to another row, column or tenant opens nowhere; and rows that were exchanged make the gateway answer an error, never another's data."""

import asyncio
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table

from ostiary.audit.event import unpack
from ostiary.blobs import storage
from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.db.tables import metadata
from ostiary.discovery.looking import Looker
from ostiary.errors import KeysUnavailable, OstiaryError, SealBroken
from ostiary.ids import INSTALL, TenantId
from ostiary.secret import Secret
from ostiary.vault import files, store
from ostiary.vault.keyring import tenant_aad
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Place, Vault
from tests.discovery.conftest import _here
from tests.hostile import rooms
from tests.house import EMBEDDED, House, MovingClock, opened
from tests.keys import ROOT_KEY
from tests.review import papers
from tests.shop import CONTRACTS, Shop, running

SEALED = [
    (table, column.name)
    for table in metadata.sorted_tables
    for column in table.columns
    if column.info.get("held") == "sealed"
]
OF_THE_INSTALLATION = {"oauth_key", "person", "session", "tenant"}
"""Tables whose rows belong to the installation: people and sessions are not a tenant's, and one key of a month signs the access tokens of all tenants."""

WORDLESS = {
    *(("job", column) for column in ("origin", "params", "reached")),  # ids, counts and our own sentences
    *(
        ("publishing", "secrets"),
        ("signing_secret", "secret"),
        ("webhook_endpoint", "secrets"),
    ),  # chance alone
    ("seen", "marks"),  # keyed hashes of what an agent read
    ("webhook_message", "data"),  # a notice says ids and closed words, never what a person wrote
}
"""Sealed columns of a tenant that hold a value of its own here, but nothing that anybody wrote."""

LOOKS = (
    "/v1/approvals?state=any", "/v1/calls", "/v1/keys", "/v1/roles", "/v1/connectors", "/v1/connectors/letters", "/v1/contracts",
    "/v1/contracts/mail.send", "/v1/contract-files", "/v1/contract-files/1", "/v1/members", "/v1/tenants", "/v1/audit/events", "/v1/privacy/policy",
    "/v1/allowances", "/v1/policy", "/v1/redaction-plans/letters", "/v1/sessions", "/v1/intent-keys", "/v1/contract-imports", "/v1/webhooks", "/v1/upstreams/works",
    "/v1/discovery/places", "/v1/discovery/places/papers/inventory", "/v1/discovery/places/papers/items", "/v1/documents", "/v1/oauth/accounts", "/v1/oauth/clients", "/v1/oauth/grants", "/v1/oauth/issuers",
    "/v1/sources", "/v1/sources/asked", "/v1/sources/asked/schema", "/v1/sources/asked/model", "/v1/saved-questions", "/v1/dashboards",
)  # fmt: skip


@dataclass
class Street:
    """The home of a stopped gateway in which A and B did the same things with different words. `sealed`: where each sealed value was meant to lie."""

    home: Path
    owner: str = ""
    clock: MovingClock = field(default_factory=MovingClock)
    tenants: dict[str, TenantId] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)
    calls: dict[str, list[str]] = field(default_factory=dict)
    sealed: dict[bytes, Place] = field(default_factory=dict)
    shop: Shop = field(default_factory=Shop)

    @property
    def papers(self) -> Path:
        """What is looked through by discovery."""
        return self.home.with_name(f"{self.home.name}-papers")

    def values(self, tenant: TenantId) -> dict[tuple[str, str], list[bytes]]:
        """Every sealed value of a tenant, by table and column."""
        found: dict[tuple[str, str], list[bytes]] = defaultdict(list)
        with closing(sqlite3.connect(self.home / "ostiary.db")) as connection:
            for table, column in SEALED:
                query = f"SELECT {column} FROM {table.name} WHERE tenant = ? AND {column} IS NOT NULL"
                for (value,) in connection.execute(query, (tenant,)):
                    blobs = unpack(value) if (table.name, column) == ("audit_event", "parts") else (value,)
                    found[table.name, column] += blobs
        return found

    def change(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """What somebody does who may write to the database."""
        with closing(sqlite3.connect(self.home / "ostiary.db")) as connection, connection:
            work(connection)


async def live(house: House, street: Street, word: str) -> None:
    """A tenant's day: everything that leaves a sealed value behind. `word` is in all of them."""
    shop = street.shop
    for name, honours in (("shop", True), ("letters", False)):
        settings = {"kind": "http", "base_url": shop.url, "honours_idempotency_key": honours}
        body = {"settings": settings, "credential": f"{word}-credential"}
        await house.good("PUT", f"/v1/connectors/{name}", json=body)
    await house.agree(CONTRACTS.replace("Sends a letter.", f"Sends a letter of {word}."))
    role = {"title": word, "description": word, "permissions": ["approval.read"]}
    await house.good("PUT", "/v1/roles/looker", json=role)
    policy = f"version: 1\nask: [{{name: large, contracts: [none.*], why: {word}-sums}}]"
    await house.good("PUT", "/v1/policy", json={"text": policy})
    plan = {"text": f"default: remove # {word}"}
    await house.good("PUT", "/v1/redaction-plans/letters", json=plan)
    agent = street.agents[word] = await house.make_key(f"{word}-helper")
    other = await house.make_key(f"{word}-other", kind="program")
    for key in (await house.good("GET", "/v1/keys"))["keys"]:
        await house.good("POST", f"/v1/keys/{key['key_id']}/signing-secret", json={})
    long = {"text": f"{word}-evidence " * 8000}
    off = await house.ask("POST", "/v1/actions/mail.everyone", agent, json=long)
    assert off.json()["code"] == "contract.unknown"
    await house.good(
        "POST", "/v1/stops", json={"kind": "action", "target": "mail.ask", "reason": f"{word} wants it"}
    )
    held = {"scope": "subject", "subject": f"{word}-held", "reason": f"{word} is sued"}
    await house.good("POST", "/v1/holds", json=held)
    await house.good("POST", "/v1/jobs", json={"kind": "audit.publish_checkpoint", "params": {}})
    await discovered(house, street, word)
    await opened_to_ask(house, street, word)
    document = await papers.opened(  # which works on all that is due
        house, f"To {word}@b.example", name=f"{word}-letter.txt"
    )
    reason = {"decision": "reject", "seen": 0, "category": "email", "reason": f"{word} is ours"}
    await house.good("POST", f"/v1/documents/{document}/decisions", json=reason)
    webhook = {"webhook_url": f"https://{word}.example/checkpoints"}
    await house.good("PUT", "/v1/audit/publishing", json=webhook)
    calls = street.calls[word] = []
    for number, who in enumerate((agent, agent, other)):
        done = await house.good(
            "POST", "/v1/actions/mail.send", who, json={"to": f"{word}-{number}"}, key=f"k{number}"
        )
        calls.append(done["call_id"])
    for number in range(3):
        body = {"to": f"{word}-payee{number}", "amount": 5 + number}
        held = (await house.ask("POST", "/v1/actions/pay.send", agent, json=body, key=f"p{number}")).json()
        calls.append(held["call_id"])
        if number < 2:
            path = f"/v1/approvals/{held['approval_id']}/reject"
            await house.good("POST", path, json={"reason": f"{word} says no {number}"})


async def discovered(house: House, street: Street, word: str) -> None:
    """A folder that is looked through when jobs are worked on, and a bucket with credentials."""
    folder = street.papers / word
    folder.mkdir()
    (folder / f"{word}-letter.txt").write_text(f"to {word}@b.example")
    here = {"settings": {"kind": "folder", "path": str(folder)}}
    await house.good("PUT", "/v1/discovery/places/papers", json=here)
    given = {"access_key": f"{word}-access", "secret_key": f"{word}-secret"}
    bucket = {"settings": {"kind": "bucket", "url": f"s3://{word}-letters/"}, "credentials": given}
    await house.good("PUT", "/v1/discovery/places/letters", json=bucket)
    await house.good("POST", "/v1/discovery/places/papers/runs")


async def opened_to_ask(house: House, street: Street, word: str) -> None:
    """A file that may be asked, with a table of the tenant's own, and an agreement to a statement."""
    with closing(sqlite3.connect(street.papers / f"{word}.sqlite")) as connection:
        connection.execute(f"CREATE TABLE {word}_orders (id INTEGER)")
    await house.connect("asked", kind="sqlite", path=f"{word}.sqlite")
    rule = {"name": f"{word}-all", "tables": ["*"], "consent": "confirm"}
    await house.good("PUT", "/v1/sources/asked", json={"policy": {"version": 1, "rules": [rule]}})
    statement = {"statement": f"SELECT id FROM {word}_orders"}
    await house.good("POST", "/v1/sources/asked/confirm", json=statement)
    verified = {**statement, "question": f"all of {word}", "version": 0}
    await house.good("POST", "/v1/sources/asked/model/verified", json=verified)
    question = {**statement, "source": "asked", "title": f"{word} of all", "shared": True}
    saved = await house.good("POST", "/v1/saved-questions", json=question)
    await house.good("POST", "/v1/dashboards", json={"title": f"{word} on a board", "tiles": [saved["id"]]})


def record_seals(patch: pytest.MonkeyPatch, street: Street) -> None:
    seal = Vault.seal

    def sealing(self: Vault, place: Place, plaintext: bytes, **more: Any) -> bytes:
        value = seal(self, place, plaintext, **more)
        street.sealed[value] = place
        return value

    patch.setattr(Vault, "seal", sealing)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """The street is built once; each test gets a copy of its databases."""
    street = Street(tmp_path_factory.mktemp("street"))
    street.papers.mkdir()

    async def whole() -> None:
        async with opened(street.home, clock=street.clock, OSTIARY_DISCOVERY_ROOTS=str(street.papers), OSTIARY_SOURCE_ROOTS=str(street.papers), **EMBEDDED) as house:  # fmt: skip
            await house.found()
            await house.enrol()
            street.tenants["alpha"] = TenantId(house.tenant)
            await live(house, street, "alpha")
            made = await house.good("POST", "/v1/tenants", json={"name": "bravo & Sons"})
            street.tenants["bravo"] = TenantId(made["tenant"])
            await house.good("POST", "/v1/session/switch-tenant", json={"tenant": made["tenant"]})
            await live(house, street, "bravo")
            for word, tenant in street.tenants.items():  # nothing works on these any more
                await house.good("POST", "/v1/session/switch-tenant", json={"tenant": tenant})
                gone = {"subject": f"{word}-gone", "confirm": f"{word}-gone"}
                await house.good("POST", "/v1/erasures", json=gone)
                await rooms.furnish(house, street.shop, word)
            await house.good("POST", "/v1/session/switch-tenant", json={"tenant": street.tenants["alpha"]})
            street.owner = house.owner

    with running() as shop:
        street.shop = shop
        with pytest.MonkeyPatch.context() as patch:
            record_seals(patch, street)
            patch.setattr(Looker, "look", _here)
            asyncio.run(whole())
        yield street


@pytest.fixture
def street(built: Street, tmp_path: Path) -> Street:
    return replace(built, home=Path(shutil.copytree(built.home, tmp_path / "home")), clock=MovingClock())


class Stolen:
    """A root key provider of somebody who holds one tenant's unwrapped keys and no root key."""

    name = "thief"

    def __init__(self, tenant: TenantId, wrapped: bytes) -> None:
        self._aad = tenant_aad(tenant, 1)
        self._key = EnvironmentRoot(Secret(ROOT_KEY)).unwrap(wrapped, self._aad)

    def current(self) -> str:
        return "none"

    def known(self) -> tuple[str, ...]:
        return (EnvironmentRoot(Secret(ROOT_KEY)).current(),)  # as if: what it opens is decided below

    def wrap(self, plaintext: bytes, aad: bytes, *, by: str = "") -> bytes:
        raise KeysUnavailable

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        return self._key  # tries the one key on everything


def vaults(street: Street) -> tuple[Database, Vault, Vault]:
    """The key store's copy, the gateway's own vault on it, and the thief's, who holds A's keys."""
    keys, clock = Database(f"sqlite:///{street.home / 'keys.db'}"), SystemClock()
    a = street.tenants["alpha"]
    wrapped = keys.read(lambda connection: store.tenant_keys(connection, a))[0].wrapped
    return keys, Vault(keys, EnvironmentRoot(Secret(ROOT_KEY)), clock), Vault(keys, Stolen(a, wrapped), clock)


def opens(vault: Vault, place: Place, value: bytes) -> bool:
    try:
        vault.open(place, value)
    except (SealBroken, KeysUnavailable):
        return False
    return True


def elsewhere(place: Place, tenant: TenantId) -> Place:
    return Place(tenant, place.table, place.column, place.row)


def test_a_copy_of_everything_with_the_keys_of_a_opens_nothing_of_b(street: Street) -> None:
    keys, vault, thief = vaults(street)
    a, b = street.tenants["alpha"], street.tenants["bravo"]
    of_a, of_b, of_all = street.values(a), street.values(b), street.values(INSTALL)
    expected = {(table.name, column) for table, column in SEALED if table.name not in OF_THE_INSTALLATION}
    assert set(of_a) == set(of_b) == expected
    counted = {"a": 0, "b": 0}
    for name, tenant, values in (("a", a, of_a), ("b", b, of_b)):
        for (table, column), blobs in values.items():
            for blob in blobs:
                place = street.sealed[blob]
                assert (place.tenant, place.table, place.column) == (tenant, table, column)
                assert opens(vault, place, blob), place
                counted[name] += opens(thief, place, blob) or opens(thief, elsewhere(place, a), blob)
    assert counted == {"a": sum(map(len, of_a.values())), "b": 0}
    assert counted["a"] > 50
    assert {table for table, _ in of_all} >= OF_THE_INSTALLATION
    for blobs in of_all.values():
        assert not any(opens(thief, street.sealed[blob], blob) for blob in blobs)
    for secret_of_b in (
        lambda: thief.signer(b),
        lambda: thief.mac(b, "approval", b"x"),
        lambda: thief.pseudonym(b, "ada"),
        lambda: thief.blind(b, "person.email", "ada@example.com"),
    ):
        with pytest.raises((SealBroken, KeysUnavailable)):
            secret_of_b()
    keys.close()


def test_the_words_of_each_tenant_are_in_every_column_that_holds_words(street: Street) -> None:
    """So that the tests around this one are about what a thief would want."""
    keys, vault, _ = vaults(street)
    for word, tenant in street.tenants.items():
        values = street.values(tenant)
        plain = {
            name: [vault.open(street.sealed[blob], blob) for blob in blobs] for name, blobs in values.items()
        }
        assert {name for name, said in plain.items() if word.encode() not in b" ".join(said)} == WORDLESS
    keys.close()


def test_the_keys_of_a_open_no_file_of_b(street: Street) -> None:
    """What is too large for a row lies in the file store."""
    keys, vault, thief = vaults(street)
    a, b = street.tenants["alpha"], street.tenants["bravo"]
    blobs = storage.at(f"file://{street.home / 'blobs'}")
    (file_of_a,), (file_of_b,) = (
        [each for each in blobs.list(tenant) if not each.id.startswith("doc-")] for tenant in (a, b)
    )
    papers_of_b = [each.id for each in blobs.list(b) if each.id.startswith("doc-")]
    assert len(papers_of_b) == 2
    for name in papers_of_b:
        assert b"bravo" in b"".join(files.open_file(vault, blobs, b, name))
        with pytest.raises((SealBroken, KeysUnavailable)):
            b"".join(files.open_file(thief, blobs, b, name))
    assert b"alpha-evidence" in b"".join(files.open_file(thief, blobs, a, file_of_a.id))
    assert b"bravo-evidence" in b"".join(files.open_file(vault, blobs, b, file_of_b.id))
    with pytest.raises((SealBroken, KeysUnavailable)):
        b"".join(files.open_file(thief, blobs, b, file_of_b.id))
    taken = blobs.get(b, file_of_b.id, bytes_max=1 << 20)
    for tenant, name in ((a, file_of_b.id), (a, file_of_a.id), (b, "other")):
        with pytest.raises((SealBroken, KeysUnavailable)):
            b"".join(files.open_pieces(vault, files.blob_place(tenant, name), iter([taken])))
    keys.close()


def test_nothing_that_was_written_in_words_lies_open_in_the_copy(street: Street) -> None:
    """The words of both tenants are in every sealed value, and nowhere else."""
    for file in street.home.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for word in (b"alpha-", b"bravo", b"olive.owner", b"Olive Owner"):
                assert word not in content, (file.name, word)


def test_a_sealed_value_of_any_column_opens_in_no_other_row_column_or_tenant(street: Street) -> None:
    keys, vault, _ = vaults(street)
    a, b = street.tenants["alpha"], street.tenants["bravo"]
    by_column: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for place in street.sealed.values():
        by_column[place.table, place.column].append(place)
    tried = 0
    for tenant, other in ((a, b), (b, a)):
        for blobs in street.values(tenant).values():
            for blob in blobs[:6]:
                home = street.sealed[blob]
                others = [place for places in by_column.values() for place in places[:4] if place != home]
                for place in (*others, elsewhere(home, other), elsewhere(home, INSTALL)):
                    assert not opens(vault, place, blob), (home, place)
                    tried += 1
    assert tried > 1000
    keys.close()


def exchanged_between_tenants(
    connection: sqlite3.Connection, table: Table, column: str, a: str, b: str
) -> None:
    """Each row of A gets the value of a row of B, and the other way round."""
    rows = {
        tenant: connection.execute(
            f"SELECT rowid, {column} FROM {table.name} WHERE tenant = ? AND {column} IS NOT NULL ORDER BY rowid",
            (tenant,),
        ).fetchall()
        for tenant in (a, b)
    }
    for mine, theirs in ((rows[a], rows[b]), (rows[b], rows[a])):
        for place, (row, _) in enumerate(mine):
            value = theirs[place % len(theirs)][1]
            connection.execute(f"UPDATE {table.name} SET {column} = ? WHERE rowid = ?", (value, row))


def turned_within_a_tenant(connection: sqlite3.Connection, table: Table, column: str, a: str) -> int:
    """Each row of A gets the value of the row before it; how many rows there are."""
    query = (
        f"SELECT rowid, {column} FROM {table.name} WHERE tenant = ? AND {column} IS NOT NULL ORDER BY rowid"
    )
    rows = connection.execute(query, (a,)).fetchall()
    for (row, _), (_, value) in zip(rows, [*rows[1:], *rows[:1]], strict=True):
        connection.execute(f"UPDATE {table.name} SET {column} = ? WHERE rowid = ?", (value, row))
    return len(rows)


async def looked(house: House, street: Street) -> dict[str, tuple[int, str]]:
    """What the owner and the agent of A see, place by place."""
    seen = {}
    for path in (*LOOKS, *(f"/v1/calls/{call}" for call in street.calls["alpha"])):
        answer = await house.ask("GET", path)
        seen[path] = (answer.status_code, answer.text)
    for number in range(3):
        body = {"to": f"alpha-{number}"}
        answer = await house.ask(
            "POST", "/v1/actions/mail.send", street.agents["alpha"], json=body, key=f"k{number}"
        )
        seen[f"k{number}"] = (answer.status_code, answer.text)
    return seen


def refused(seen: tuple[int, str]) -> bool:
    """By the seal, or before that by the mark of the row that carries it."""
    return seen[0] >= 500 and any(code in seen[1] for code in ("keys.seal_broken", "rows.forged"))


def seen_after(street: Street, **settings: str) -> dict[str, tuple[int, str]]:
    async def whole() -> dict[str, tuple[int, str]]:
        async with opened(street.home, clock=street.clock, **EMBEDDED, **settings) as house:
            house.owner = street.owner
            return await looked(house, street)

    return asyncio.run(whole())


def test_values_exchanged_between_tenants_make_an_error_and_show_nobody_elses_data(street: Street) -> None:
    a, b = street.tenants["alpha"], street.tenants["bravo"]
    before = seen_after(street)
    assert {status for status, _ in before.values()} == {200}
    assert all("bravo" not in text for path, (_, text) in before.items() if path != "/v1/tenants")

    def exchange(connection: sqlite3.Connection) -> None:
        for table, column in SEALED:
            if table.name not in {*OF_THE_INSTALLATION, "policy_set"}:  # see the test after this one
                exchanged_between_tenants(connection, table, column, a, b)

    street.change(exchange)
    after = seen_after(street)
    assert all("bravo" not in text for path, (_, text) in after.items() if path != "/v1/tenants")
    broken = {path for path, seen in after.items() if refused(seen)}
    assert {
        "/v1/approvals?state=any", "/v1/calls", "/v1/keys", "/v1/roles", "/v1/connectors/letters", "/v1/contracts", "/v1/contract-files/1",
        "/v1/allowances", "/v1/redaction-plans/letters", "/v1/intent-keys", "/v1/contract-imports", "/v1/webhooks", "/v1/upstreams/works",
        "/v1/oauth/clients", "/v1/oauth/grants", "/v1/oauth/issuers", "k0", "k1", "k2",
    } <= broken  # fmt: skip
    assert street.shop.done["bravo-0"] == 1


def test_an_exchanged_policy_stops_everything_new(street: Street) -> None:
    """Nothing goes by the policy of another, or by none; what was done before is answered as before."""
    a, b = street.tenants["alpha"], street.tenants["bravo"]
    policy = metadata.tables["policy_set"]
    street.change(lambda connection: exchanged_between_tenants(connection, policy, "document", a, b))
    after = seen_after(street)
    assert all("bravo" not in text for path, (_, text) in after.items() if path != "/v1/tenants")
    broken = {path for path, seen in after.items() if refused(seen)}
    assert {*LOOKS[:4], "/v1/policy", "k2"} <= broken  # k2 was another agent's: of this one it is a new call
    assert [after[key][0] for key in ("k0", "k1")] == [200, 200]


def test_whole_rows_moved_to_another_tenant_show_nothing(street: Street) -> None:
    a, b = street.tenants["alpha"], street.tenants["bravo"]

    def move(connection: sqlite3.Connection) -> None:
        for name in ("call", "approval", "api_key", "role", "connector", "connector_secret", "contract_set"):
            connection.execute(f"DELETE FROM {name} WHERE tenant = ?", (a,))
            connection.execute(f"UPDATE {name} SET tenant = ? WHERE tenant = ?", (a, b))

    street.change(move)
    seen = seen_after(street)
    assert all("bravo" not in text for path, (_, text) in seen.items() if path != "/v1/tenants")
    assert [
        seen[path][0] for path in ("/v1/calls", "/v1/keys", "/v1/contracts", "/v1/connectors/letters")
    ] == [500] * 4


@pytest.mark.parametrize(
    "name", ["call.answer", "call.actor", "approval.card", "api_key.details", "connector.settings"]
)
def test_values_exchanged_within_a_tenant_make_an_error(street: Street, name: str) -> None:
    table, column = next((table, column) for table, column in SEALED if f"{table.name}.{column}" == name)
    rows = []
    street.change(lambda c: rows.append(turned_within_a_tenant(c, table, column, street.tenants["alpha"])))
    assert rows[0] > 1
    seen = seen_after(street)
    shown = {
        "call.answer": "k0",
        "call.actor": "/v1/tenants",
        "approval.card": "/v1/approvals?state=any",
        "api_key.details": "/v1/keys",
        "connector.settings": "/v1/connectors/letters",
    }[name]
    if name == "call.actor":  # read only when a call goes on: it does not, and the others are untouched
        assert seen[shown][0] == 200
    else:
        assert refused(seen[shown]), seen[shown]


def test_an_exchanged_call_does_not_run_and_stops_nobody_elses(street: Street) -> None:
    """Params and actor of two held calls are exchanged, and the approval of one is forged: nothing runs, and the other tenant's calls go on."""
    a, b = street.tenants["alpha"], street.tenants["bravo"]
    requests = street.shop.requests

    def exchange(connection: sqlite3.Connection) -> None:
        for column in ("params", "actor"):
            exchanged_between_tenants(connection, metadata.tables["call"], column, a, b)
        connection.execute("UPDATE call SET state = 'approved' WHERE tenant = ? AND state = 'held'", (a,))
        connection.execute(
            "UPDATE approval SET state = 'approved' WHERE tenant = ? AND state = 'waiting'", (a,)
        )
        connection.execute("UPDATE approval SET expires_us = 1 WHERE tenant = ? AND state = 'waiting'", (b,))

    street.change(exchange)

    async def whole() -> None:
        async with opened(street.home, clock=street.clock, **EMBEDDED) as house:
            house.owner = street.owner
            await house.gateway.resumer.beat(a)
            await house.gateway.resumer.beat(b)
            await house.gateway.resumer.drain(10)
            card = await house.ask(
                "POST", "/v1/actions/mail.send", street.agents["bravo"], json={"to": "bravo-9"}, key="k9"
            )
            assert card.status_code == 200

    asyncio.run(whole())
    assert street.shop.requests == requests + 1


def test_errors_of_the_vault_are_the_gateways_own() -> None:
    """What the tests above count as closed is what the gateway answers with."""
    assert issubclass(SealBroken, OstiaryError)
    assert SealBroken.code == "keys.seal_broken"
