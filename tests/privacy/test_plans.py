"""Rule sets and redaction plans of a tenant, and texts redacted and restored by them: through the door of a whole gateway."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ostiary.db.database import Database
from ostiary.errors import RedactionInvalid
from ostiary.ids import TenantId
from ostiary.privacy.plans import document, store
from ostiary.privacy.plans.store import DocumentRow
from ostiary.retention import certificate
from tests.house import House, play

TEXT = "Write to jane@example.com or +49 30 1234567; card 4111 1111 1111 1111, ticket ACME-4711."
PLAN = "rule_set: tickets\nscope: support\nrules:\n  email: token\n  card: {operator: mask, last: 4}\n  ticket: remove\n"
RULES = "categories: [email, phone, card, ticket]\npatterns:\n  - {name: ticket, category: ticket, pattern: 'ACME-[0-9]{4}'}\n"


async def made(house: House, plan: str = PLAN, name: str = "letters") -> Any:
    await house.good("PUT", "/v1/redaction-rules/tickets", json={"text": RULES})
    return await house.good("PUT", f"/v1/redaction-plans/{name}", json={"text": plan})


async def redacted(house: House, text: str = TEXT, plan: str = "letters", token: str | None = None) -> Any:
    return await house.good("POST", "/v1/redact", token, json={"plan": plan, "text": text})


async def restored(house: House, text: str, scope: str = "support") -> Any:
    body = {"scope": scope, "text": text, "purpose": "An answer to the customer"}
    return await house.good("POST", "/v1/restore", json=body)


def token_in(text: str) -> str:
    return next(word for word in text.split() if word.startswith("ostk_"))


async def second_tenant(house: House, name: str = "Foot Ltd") -> None:
    other = await house.good("POST", "/v1/tenants", json={"name": name})
    await house.good("POST", "/v1/session/switch-tenant", json={"tenant": other["tenant"]})


def test_a_text_is_redacted_by_a_plan_and_its_tokens_are_restored(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        assert (await made(house))["version"] == 1
        done = await redacted(house)
        token = token_in(done["text"])
        assert done["text"] == f"Write to {token} or [phone]; card ***************1111, ticket ."
        assert done["counts"] == {"card": 1, "email": 1, "phone": 1, "ticket": 1}
        first = done["changes"][0]
        assert TEXT[first["start"] : first["end"]] == "jane@example.com"
        assert done["text"][first["new_start"] : first["new_end"]] == token
        assert token_in((await redacted(house, "x jane@example.com y"))["text"]) == token
        other = token[:30] + ("x" if token[30] != "x" else "y") + token[31:]
        back = await restored(house, f"To {token} and {other}.")
        assert (back["text"], back["restored"]) == (f"To jane@example.com and {other}.", 1)
        assert back["refused"] == {"not_ours": 1}

    play(tmp_path, story)


def test_json_is_redacted_and_restored_as_json(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await made(house)
        value = {"to": ["jane@example.com"], "n": 3, "inner": json.dumps({"cc": "joe@example.com"})}
        done = await house.good("POST", "/v1/redact", json={"plan": "letters", "value": value})
        assert "example.com" not in json.dumps(done)
        assert (done["text"], done["counts"], done["value"]["n"]) == (None, {"email": 2}, 3)
        body = {"scope": "support", "value": done["value"], "purpose": "To send it"}
        assert (await house.good("POST", "/v1/restore", json=body))["value"] == value
        for wrong in ({}, {"text": "a", "value": 1}):
            answer = await house.ask("POST", "/v1/redact", json={"plan": "letters", **wrong})
            assert (answer.status_code, answer.json()["code"]) == (422, "params.invalid")

    play(tmp_path, story)


def test_nothing_of_a_text_is_in_the_log_and_what_for_is(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await made(house)
        token = token_in((await redacted(house))["text"])
        await restored(house, f"to {token}")
        events = (await house.good("GET", "/v1/audit/events"))["events"]
        opened = []
        for event in events:
            detail = await house.good("POST", f"/v1/audit/events/{event['id']}/reveal", json={})
            opened.append(json.dumps([event, detail]))
        told = "".join(opened)
        assert "example.com" not in told
        assert token not in told
        assert "An answer to the customer" in told
        assert '"tokens.restored": 1' in told
        assert '"redacted.email": 1' in told
        assert "redaction.restored" in told
        assert '"redacted.custom": 1' in told

    play(tmp_path, story)


def test_tokens_stay_as_they_are_when_keys_turn(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await made(house)
        before = token_in((await redacted(house))["text"])
        tenant = TenantId(house.tenant)
        version = await house.gateway.vault.rotate_tenant(tenant)
        assert version == 2
        house.gateway.vault.keys._changed(tenant, "")
        assert token_in((await redacted(house))["text"]) == before
        assert (await restored(house, before))["text"] == "jane@example.com"

    play(tmp_path, story)


def test_two_tenants_have_nothing_in_common(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await made(house)
        ours = token_in((await redacted(house))["text"])
        await second_tenant(house)
        assert (await house.ask("GET", "/v1/redaction-plans/letters")).status_code == 404
        assert (await house.good("GET", "/v1/redaction-plans"))["documents"] == []
        assert (await house.good("GET", "/v1/redaction-scopes"))["scopes"] == []
        asked = {"scope": "support", "text": ours, "purpose": "curious"}
        assert (await house.ask("POST", "/v1/restore", json=asked)).status_code == 404
        await made(house)
        theirs = token_in((await redacted(house))["text"])
        assert theirs != ours
        assert await restored(house, ours) == {
            "text": ours,
            "value": None,
            "restored": 0,
            "refused": {"not_ours": 1},
        }

    play(tmp_path, story)


def test_a_destroyed_scope_opens_nothing_and_a_certificate_says_so(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await made(house)
        token = token_in((await redacted(house))["text"])
        assert (await house.good("GET", "/v1/redaction-scopes"))["scopes"] == [
            {"name": "support", "living": True, "erasure": ""}
        ]
        at = "/v1/redaction-scopes/support/destroy"
        assert (await house.ask("POST", at, json={"confirm": "sup"})).status_code == 422
        hold = await house.good(
            "POST", "/v1/holds", json={"scope": "subject", "subject": "cus_1", "reason": "A claim."}
        )
        held = await house.ask("POST", at, json={"confirm": "support"})
        assert (held.status_code, held.json()["code"]) == (409, "retention.hold")
        await house.good("POST", f"/v1/holds/{hold['id']}/release")
        asked = await house.good("POST", at, json={"confirm": "support"})
        await house.work()
        taken = await house.good("GET", f"/v1/erasures/{asked['id']}/certificate")
        verified = certificate.verify(taken)
        assert verified.proven
        assert (verified.statement["kind"], verified.statement["scope"]) == ("scope", "support")
        assert verified.statement["keys"] == {"destroyed": ["redaction/support"]}
        gone = await house.ask(
            "POST", "/v1/restore", json={"scope": "support", "text": token, "purpose": "late"}
        )
        assert (gone.status_code, gone.json()["code"]) == (410, "redaction.scope_destroyed")
        again = await house.ask("POST", "/v1/redact", json={"plan": "letters", "text": TEXT})
        assert (again.status_code, again.json()["code"]) == (410, "redaction.scope_destroyed")
        assert (await house.good("GET", "/v1/redaction-scopes"))["scopes"] == [
            {"name": "support", "living": False, "erasure": asked["id"]}
        ]
        assert (await house.ask("POST", at, json={"confirm": "support"})).status_code == 409
        await house.gateway.vault.rotate_tenant(TenantId(house.tenant))
        await made(house, PLAN.replace("scope: support", "scope: fresh"))
        assert (await restored(house, token_in((await redacted(house))["text"]), "fresh"))["restored"] == 1

    play(tmp_path, story)


def test_a_dictionary_may_have_fifty_thousand_names(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        named = {"name": "staff", "category": "staff", "entries": [f"Quoll {n}" for n in range(50_000)]}
        rules = json.dumps({"categories": ["staff"], "dictionaries": [named]}, separators=(",", ":"))
        await house.good("PUT", "/v1/redaction-rules/tickets", json={"text": rules})
        await house.good("PUT", "/v1/redaction-plans/letters", json={"text": "rule_set: tickets\n"})
        done = await redacted(house, "From quoll 49999 to Quoll 50000.")
        assert done["text"] == "From [staff] to Quoll 50000."

    play(tmp_path, story)


def test_a_pattern_is_inferred_from_examples_and_shown_before_it_is_used(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        at, examples = "/v1/redaction-rules/infer", ["ACME-4711", "ACME-20001"]
        found = await house.good("POST", at, json={"examples": examples, "counter": ["ACME-x"]})
        assert found == {
            "pattern": r"\bACME\-[0-9]{4,5}\b",
            "reading": '"ACME", then "-", then 4 to 5 digits',
        }
        wrong = await house.ask("POST", at, json={"examples": examples, "counter": ["ACME-4712"]})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "redaction.invalid")
        assert "ACME" not in wrong.text
        rules = {"patterns": [{"name": "case", "category": "case", "pattern": found["pattern"]}]}
        await house.good("PUT", "/v1/redaction-rules/tickets", json={"text": json.dumps(rules)})
        await house.good("PUT", "/v1/roles/opener", json={"permissions": ["privacy.restore"]})
        opener = await house.make_key("opener", "program", ("opener",))
        assert (await house.ask("POST", at, opener, json={"examples": examples})).status_code == 403

    play(tmp_path, story)


def test_versions_stay_and_a_removed_name_goes_on_counting(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await made(house)
        at = "/v1/redaction-plans/letters"
        late = await house.ask("PUT", at, json={"text": "default: remove", "expected": 0})
        assert late.status_code == 409
        assert (await house.good("PUT", at, json={"text": "default: remove", "expected": 1}))["version"] == 2
        assert (await redacted(house, "to jane@example.com!"))["text"] == "to !"
        assert (await house.good("GET", at, params={"version": "1"}))["text"] == PLAN
        await house.good("DELETE", at)
        for method, path in (("GET", at), ("DELETE", at)):
            assert (await house.ask(method, path)).status_code == 404
        gone = await house.ask("POST", "/v1/redact", json={"plan": "letters", "text": "a"})
        assert gone.status_code == 404
        past = (await house.good("GET", at + "/history"))["versions"]
        assert [(each["version"], each["removed"]) for each in past] == [(3, True), (2, False), (1, False)]
        assert (await house.good("PUT", at, json={"text": PLAN, "expected": 0}))["version"] == 4
        kept = await house.ask("DELETE", "/v1/redaction-rules/tickets")
        assert (kept.status_code, kept.json()["detail"]) == (409, "The plan letters goes by this rule set.")

    play(tmp_path, story)


def test_who_agrees_to_a_programs_change_reads_the_whole_of_it(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.good("PUT", "/v1/redaction-rules/tickets", json={"text": RULES})
        program = await house.make_key("officer", "program", ("admin",))
        asked = await house.ask("PUT", "/v1/redaction-plans/letters", program, json={"text": PLAN})
        assert asked.status_code == 202
        card = await house.good("GET", f"/v1/approvals/{asked.json()['approval_id']}")
        assert {"/name": "letters", "/text": PLAN}.items() <= {each["pointer"]: each["value"] for each in card["parameters"]}.items()  # fmt: skip
        assert (await house.ask("GET", "/v1/redaction-plans/letters")).status_code == 404
        await house.approve(asked.json()["approval_id"])
        assert (await house.settled(asked.json()["call_id"], program))["state"] == "done"
        assert (await house.good("GET", "/v1/redaction-plans/letters"))["text"] == PLAN

    play(tmp_path, story)


def test_who_may_read_may_not_change_and_who_may_redact_may_not_restore(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await made(house)
        asked: dict[str, tuple[str, str, dict[str, Any]]] = {
            "read": ("GET", "/v1/redaction-plans/letters", {}),
            "check": ("POST", "/v1/redaction-plans/check", {"json": {"text": PLAN}}),
            "put": ("PUT", "/v1/redaction-plans/letters", {"json": {"text": PLAN}}),
            "redact": ("POST", "/v1/redact", {"json": {"plan": "letters", "text": "a"}}),
            "restore": ("POST", "/v1/restore", {"json": {"scope": "support", "text": "a", "purpose": "try"}}),
            "destroy": ("POST", "/v1/redaction-scopes/support/destroy", {"json": {"confirm": "support"}}),
        }
        await redacted(house)
        officer = {"permissions": ["privacy.read", "privacy.manage"], "title": "Privacy officer"}
        await house.good("PUT", "/v1/roles/officer", json=officer)
        await house.good("PUT", "/v1/roles/opener", json={"permissions": ["privacy.restore"]})
        may = {
            "viewer": {"read", "check"},
            "support": {"read", "check", "redact"},
            "admin": {"read", "check", "put", "redact"},
            "officer": {"read", "check", "put"},
            "opener": {"restore"},
        }
        for role, allowed in may.items():
            key = await house.make_key(role, "program", (role,))
            for name, (method, path, more) in asked.items():
                status = (await house.ask(method, path, key, **more)).status_code
                assert (status < 300) == (name in allowed), (role, name, status)
                assert status < 300 or status == 403, (role, name, status)
        agent = await house.make_key("agent", "agent", ("opener",))
        method, path, more = asked["restore"]
        assert (await house.ask(method, path, agent, **more)).status_code == 403

    play(tmp_path, story)


def test_a_check_names_every_mistake_and_shows_what_a_plan_makes_of_a_sample(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await made(house)
        real = token_in((await redacted(house))["text"])
        plan, rules = "/v1/redaction-plans/check", "/v1/redaction-rules/check"
        wrong = await house.good(
            "POST", plan, json={"text": "scope: A B\nrules: {email: tokn, card: {operator: mask, last: 99}}"}
        )
        assert not wrong["ok"]
        assert [each["pointer"] for each in wrong["mistakes"]] == [
            "/scope",
            "/rules/email/operator",
            "/rules/card/last",
        ]
        missing = await house.good("POST", plan, json={"text": "rule_set: none"})
        assert [each["pointer"] for each in missing["mistakes"]] == ["/rule_set"]
        bad = await house.good(
            "POST", rules, json={"text": "patterns:\n  - {name: a, category: b, pattern: '('}"}
        )
        assert [each["pointer"] for each in bad["mistakes"]] == ["/patterns/0"]
        tried = await house.good("POST", plan, json={"text": PLAN + "  emial: remove\n", "sample": TEXT})
        assert tried["unknown"] == ["emial"]
        assert tried["tried"]["counts"] == {"card": 1, "email": 1, "phone": 1, "ticket": 1}
        assert token_in(tried["tried"]["text"]) != real
        other = {
            "text": "default: keep\nrules: {shop: remove}",
            "rules": "dictionaries: [{name: s, category: shop, entries: [Foo Bar]}]",
        }
        shown = await house.good("POST", plan, json={**other, "sample": "At foo bar."})
        assert (shown["tried"]["text"], shown["unknown"]) == ("At .", [])
        unfit = {"text": "scope: s\nrules: {phone: format_preserving}", "sample": "call 030 1234 now, phone"}
        assert (await house.good("POST", plan, json=unfit))["tried"]["counts"] in ({}, {"phone": 1})

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("", ""),
        ("default: mask\ndefault: keep", ""),
        ('{"default": "keep", "default": "mask"}', ""),
        ("a: &x [1]\nrules: *x", ""),
        ("rules: !!python/object:os.system {}", ""),
        ("default: token", "/scope"),
        ("scope: s\nrules: {email: {operator: date_shift, otherwise: {operator: token}}}\nrule_set: '-'", "/rule_set"),
        ("rules: {email: {operator: generalise, otherwise: token}}", "/scope"),
        ("rules: {email: {operator: replace, text: '{category.__class__}'}}", "/rules/email/text"),
        ("rules: {" + ", ".join(f"a{n}: keep" for n in range(1001)) + "}", "/rules"),
        ("[" * 60_000, ""),
        ("- " * 30_000, ""),
        ("rules: " + "{a: " * 40, ""),
        ("default: keep # " + "x" * 70_000, ""),
        ("x" * 300_000, ""),
        ("rules: 2020-01-01", ""),
        ("\x00", ""),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused_by_pointer(text: str, pointer: str) -> None:
    with pytest.raises(RedactionInvalid) as refused:
        document.plan_of(text)
    assert refused.value.faults[0].pointer == pointer


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("unknown: 1", "/unknown"),
        ("threshold: 2", "/threshold"),
        ("threshold: true", "/threshold"),
        ("categories: [emial]", ""),
        ("patterns: [{name: a, category: b, pattern: '((a{1000}){1000}){1000}'}]", "/patterns/0"),
        ("patterns: [{name: a, category: b, pattern: 'x*'}]", "/patterns/0"),
        ("patterns: [{name: a, category: b, pattern: x, validator: exec}]", "/patterns/0"),
        ("dictionaries: [{name: a, category: b, entries: []}]", "/dictionaries/0"),
        ("patterns: [" + "{name: a, category: b, pattern: x}," * 201 + "]", "/patterns"),
    ],
)
def test_what_is_no_rule_set_is_refused_by_pointer(text: str, pointer: str) -> None:
    with pytest.raises(RedactionInvalid) as refused:
        document.ruling_of(text)
    assert refused.value.faults[0].pointer == pointer


def test_a_document_says_the_same_however_it_is_written() -> None:
    assert document.hash_of("default: mask\nrules: {email: keep}") == document.hash_of('{"rules":{"email":"keep"},"default":"mask"}')  # fmt: skip
    assert document.hash_of("default: mask") != document.hash_of("default: keep")


def test_the_store_knows_tenants_kinds_names_and_versions(database: Database) -> None:
    a, b = TenantId("ten_a"), TenantId("ten_b")

    def put(tenant: TenantId, kind: str, name: str, version: int, document: bytes | None = b"x") -> None:
        row = DocumentRow(kind, name, version, 1, "per_1", "h", document)
        database.transact(lambda c: store.insert(c, tenant, row))

    for tenant in (a, b):
        put(tenant, store.PLAN, "one", 1)
    put(a, store.PLAN, "one", 2)
    put(a, store.PLAN, "two", 1)
    put(a, store.PLAN, "two", 2, None)
    put(a, store.RULES, "one", 1)
    standing = database.read(lambda c: store.standing(c, a, store.PLAN))
    assert [(row.name, row.version) for row in standing] == [("one", 2)]
    assert [row.version for row in database.read(lambda c: store.page(c, a, store.PLAN, "two", before=None, limit=9))] == [2, 1]  # fmt: skip
    newest = database.read(lambda c: store.newest(c, b, store.PLAN, "one"))
    assert newest is not None
    assert newest.version == 1
    assert database.read(lambda c: store.newest(c, b, store.RULES, "one")) is None


def test_a_text_waits_for_none_of_its_own_tenant_only(tmp_path: Path) -> None:
    """A hundred texts of one tenant at once, and one of another's: each is answered."""

    async def story(house: House) -> None:
        await made(house)
        many = await asyncio.gather(*(redacted(house, f"jane{n}@example.com") for n in range(8)))
        assert len({done["text"] for done in many}) == 8

    play(tmp_path, story)
