"""A door made of sample answers, so that every page can be rendered and looked at without a gateway behind it.

`test_sample.py` holds the answers against the rooms' own models: when a room changes its answer, that test says so.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ostiary.access.roles import BUILT_IN, PERMISSIONS, held_by
from ostiary.actions import Actor, ActorKind, Face, JsonValue
from ostiary.audit._c2sp_note import Checkpoint, VerifierKey, sign
from ostiary.clock import HOUR_US, MINUTE_US, SECOND_US, rfc3339
from ostiary.door.outcome import Done, Held
from ostiary.errors import (
    ApprovalClosed,
    CodeRefused,
    CredentialRefused,
    NotFound,
    OstiaryError,
    StepUpRequired,
)
from ostiary.identity.gate import Entrance
from ostiary.identity.presented import Presented
from ostiary.ids import INSTALL, CallId, TenantId
from ostiary.privacy.masking import MASKED
from tests.web import sample_imports
from tests.web.sample_agents import Agents

TENANT = TenantId("ten_0190f3a27c4b7d8ea1b2c3d4e5f60718")
ADA = "per_0190f3a27c4b7d8ea1b2c3d4e5f60001"
BEN = "per_0190f3a27c4b7d8ea1b2c3d4e5f60002"
AGENT = "key_0190f3a27c4b7d8ea1b2c3d4e5f60003"
PROGRAM = "key_0190f3a27c4b7d8ea1b2c3d4e5f60004"
SESSION = "s" * 43
CODE = "12345678"
TOTP = "123456"


def numbered(kind: str, number: int) -> str:
    return f"{kind}_0190f3a27c4b7d8ea1b2{number:012x}"


def parameter(name: str, value: JsonValue, origin: str, source: str = "") -> dict[str, Any]:
    return {"name": name, "pointer": f"/{name}", "value": value, "origin": origin, "source": source, "label": "", "excerpt": ""}  # fmt: skip


@dataclass
class SampleDoor(Agents):
    """What the console asks of a door. `wrong` raises the given error for an action; `asked` remembers what was asked."""

    now_us: int
    person: Actor = field(default_factory=lambda: person("owner"))
    signed_in: bool = True
    empty: bool = False
    wrong: dict[str, OstiaryError] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    enrolled: bool = True

    def __post_init__(self) -> None:
        if not self.empty and not self.approvals:
            self.approvals = approvals(self.now_us)

    async def enter(self, presented: Presented) -> Entrance:
        if presented.session is None:
            return Entrance(Actor(INSTALL, ActorKind.ANONYMOUS, ""))
        if not presented.session.matches(SESSION) or not self.signed_in:
            raise CredentialRefused
        return Entrance(self.person)

    async def call(
        self, entrance: Entrance, name: str, raw: JsonValue, *, face: Face, key: str = "", behalf: str = ""
    ) -> Done | Held:
        assert face is Face.CONSOLE
        self.asked.append((name, raw))
        if name in self.wrong:
            raise self.wrong[name]
        answer: Callable[[Any], Any] = getattr(self, name.replace(".", "_"))
        return Done(CallId(numbered("cal", 1)), answer(raw), {})

    # Signing in.

    def session_request_code(self, asked: Any) -> Any:
        return {"request": numbered("cod", 1), "expires_at": rfc3339(self.now_us + 10 * MINUTE_US)}

    def session_start(self, asked: Any) -> Any:
        if asked["code"] != CODE:
            raise CodeRefused
        return self._opened(second=self.enrolled)

    def session_second_factor(self, asked: Any) -> Any:
        if asked["code"] != TOTP:
            raise CodeRefused
        return self._opened()

    def session_step_up(self, asked: Any) -> Any:
        if asked["code"] != TOTP:
            raise CodeRefused
        self.person = replace(self.person, stepped_up_us=self.now_us)
        return self._opened()

    def _opened(self, *, second: bool = False) -> Any:
        return {
            "secret": SESSION, "session": numbered("ses", 1), "person": ADA, "tenant": TENANT,
            "expires_at": rfc3339(self.now_us + 12 * HOUR_US), "second_factor_required": second,
        }  # fmt: skip

    def setup_begin(self, asked: Any) -> Any:
        return self._opened()

    def session_end(self, asked: Any) -> Any:
        return {}

    def session_end_all(self, asked: Any) -> Any:
        return {}

    def session_switch_tenant(self, asked: Any) -> Any:
        return {"tenant": asked["tenant"], "role": "owner"}

    def session_list(self, asked: Any) -> Any:
        def row(number: int, address: str, hours: int) -> Any:
            at = rfc3339(self.now_us - hours * HOUR_US)
            return {
                "session": numbered("ses", number), "tenant": TENANT, "created_at": at, "seen_at": rfc3339(self.now_us - hours * MINUTE_US),
                "expires_at": rfc3339(self.now_us + 8 * HOUR_US), "address": address, "this": number == 1,
            }  # fmt: skip

        return {"sessions": [row(1, "192.0.2.14", 1), row(2, "198.51.100.7", 6)]}

    # Oneself.

    def me_show(self, asked: Any) -> Any:
        return {
            "kind": "person", "id": ADA, "name": "Ada Marsh", "email": "ada@northwind.example", "tenant": TENANT, "roles": sorted(self.person.roles),
            "permissions": sorted(self.person.permissions), "scopes": None, "session": numbered("ses", 1), "second_factor": self.enrolled,
            "stepped_up_at": "", "operator": True,
            "tenants": [{"tenant": TENANT, "name": "Northwind Trading", "role": "owner"}, {"tenant": numbered("ten", 9), "name": "Northwind Labs", "role": "viewer"}],
        }  # fmt: skip

    def me_totp_enrol(self, asked: Any) -> Any:
        from ostiary.identity._rfc6238 import qr_svg

        uri = "otpauth://totp/Ostiary:ada%40northwind.example?secret=JBSWY3DPEHPK3PXP&issuer=Ostiary"
        return {"secret": {"key": "JBSW Y3DP EHPK 3PXP", "otpauth": uri, "qr_svg": qr_svg(uri)}}

    def me_totp_confirm(self, asked: Any) -> Any:
        if asked["code"] != TOTP:
            raise CodeRefused
        self.enrolled = True
        return self._opened()

    def me_totp_remove(self, asked: Any) -> Any:
        if not self.person.stepped_up_us:
            raise StepUpRequired
        self.enrolled = False
        return {}

    # Consent.

    def approval_list(self, asked: Any) -> Any:
        state = asked.get("state", "waiting")
        wanted = {
            "approved": ("approved", "running", "done", "failed", "unknown"),
            "any": tuple({card["state"] for card in self.approvals}),
        }
        states = wanted.get(state, (state,))
        found = [card for card in self.approvals if card["state"] in states]
        waiting = sum(card["state"] == "waiting" for card in self.approvals)
        return {"approvals": found[: asked.get("limit", 50)], "next": "", "waiting": waiting}

    def approval_show(self, asked: Any) -> Any:
        card = self._card(asked["approval_id"])
        if card["step_up"] and self.person.stepped_up_us:
            return {**card, "why_not": ""}
        return card

    def approval_approve(self, asked: Any) -> Any:
        card = self._card(asked["approval_id"])
        if card["state"] != "waiting":
            raise ApprovalClosed
        assert asked["digest"] == card["digest"]
        if card["step_up"] and not self.person.stepped_up_us:
            raise StepUpRequired
        card.update(state="done", decided_by=ADA, decided_at=rfc3339(self.now_us), can_decide=False)
        card["answer"] = {"result": {"refund": "RF-1093", "status": "booked"}}
        return card

    def approval_reject(self, asked: Any) -> Any:
        card = self._card(asked["approval_id"])
        if card["state"] != "waiting":
            raise ApprovalClosed
        decided = rfc3339(self.now_us)
        card.update(
            state="rejected", decided_by=ADA, decided_at=decided, reason=asked["reason"], can_decide=False
        )
        return card

    def _card(self, approval_id: str) -> Any:
        for card in self.approvals:
            if card["id"] == approval_id:
                return card
        raise NotFound

    def call_list(self, asked: Any) -> Any:
        rows = [self.call_show({"call_id": card["call"]}) for card in self.approvals]
        wanted = asked["state"]
        return {"calls": [row for row in rows if wanted in ("any", row["state"])], "next": ""}

    def call_show(self, asked: Any) -> Any:
        card = next((card for card in self.approvals if card["call"] == asked["call_id"]), None)
        if card is None:
            raise NotFound
        state = "held" if card["state"] == "waiting" else card["state"]
        answer = card["answer"] or {}
        return {
            "call_id": card["call"], "state": state, "action": card["action"], "code": card["code"], "asked_at": card["asked_at"],
            "changed_at": card["decided_at"] or card["asked_at"], "actor_kind": "agent", "actor_id": AGENT, "approval_id": card["id"],
            "expires_at": card["expires_at"] if state == "held" else None, "result": answer.get("result"), "problem": answer.get("problem"),
        }  # fmt: skip

    def call_settle(self, asked: Any) -> Any:
        card = next(card for card in self.approvals if card["call"] == asked["call_id"])
        card["state"] = "done" if asked["outcome"] == "done" else "failed"
        return self.call_show(asked)

    # What is agreed.

    def contract_list(self, asked: Any) -> Any:
        rows = [] if self.empty else [contract(*row)["summary"] for row in CONTRACTS]
        return {"version": 0 if self.empty else 3, "hash": "c0" * 32, "contracts": rows}

    def contract_show(self, asked: Any) -> Any:
        for row in CONTRACTS:
            if row[0] == asked["name"]:
                return contract(*row)
        raise NotFound

    def contract_imports(self, asked: Any) -> Any:
        return {"imports": [] if self.empty else [sample_imports.summary(self.now_us)]}

    def contract_drafts(self, asked: Any) -> Any:
        return sample_imports.drafts(self.now_us)

    def contract_file(self, asked: Any) -> Any:
        if self.empty:
            raise NotFound
        actions = [contract(*row)["contract"] for row in CONTRACTS]
        at = rfc3339(self.now_us - 26 * HOUR_US)
        return {
            "version": 3,
            "hash": "c0" * 32,
            "applied_at": at,
            "applied_by": ADA,
            "file": {"version": 1, "actions": actions},
        }

    def contract_check(self, asked: Any) -> Any:
        if "risk: hihg" in asked["text"]:
            mistake = {
                "line": 12,
                "column": 11,
                "pointer": "/actions/0/risk",
                "detail": "one of low, medium, high",
            }
            other = {
                "line": 17,
                "column": 5,
                "pointer": "/actions/0/target",
                "detail": "the connector is missing: name the system that this action reaches",
            }
            return {"ok": False, "actions": [], "mistakes": [mistake, other], "advice": [], "change": None}
        changed = {
            "name": "invoice.refund",
            "fields": [
                {
                    "pointer": "/parameters/properties/amount/maximum",
                    "kind": "changed",
                    "before": 200,
                    "after": 500,
                },
                {
                    "pointer": "/roles",
                    "kind": "changed",
                    "before": ["support", "admin"],
                    "after": ["support"],
                },
                {"pointer": "/labels/~1amount", "kind": "added", "before": None, "after": "amount"},
            ],
        }
        change = {"added": ["ticket.close"], "changed": [changed], "removed": ["customer.export"]}
        advice = [
            {
                "line": 31,
                "column": 5,
                "pointer": "/actions/1",
                "detail": "say how the call reads in words: add a sentence",
            }
        ]
        return {
            "ok": True,
            "actions": ["invoice.refund", "ticket.close"],
            "mistakes": [],
            "advice": advice,
            "change": change,
        }

    def contract_apply(self, asked: Any) -> Any:
        return {"version": 4, "hash": "c1" * 32, "change": {"added": [], "changed": [], "removed": []}}

    def contract_remove(self, asked: Any) -> Any:
        return self.contract_apply(asked)

    def contract_history(self, asked: Any) -> Any:
        def entry(version: int, **change: list[str]) -> Any:
            at = rfc3339(self.now_us - (4 - version) * 26 * HOUR_US)
            lists = {"added": [], "changed": [], "removed": [], **change}
            return {
                "version": version,
                "hash": "c0" * 32,
                "applied_at": at,
                "applied_by": ADA,
                "actions": 6,
                **lists,
            }

        return {
            "files": [entry(3, changed=["invoice.refund"]), entry(1, added=["invoice.refund"])],
            "next": "",
        }

    # Connected systems.

    def connector_list(self, asked: Any) -> Any:
        return {"connectors": [] if self.empty else [connector(row, self.now_us) for row in CONNECTORS]}

    def connector_show(self, asked: Any) -> Any:
        for row in CONNECTORS:
            if row["name"] == asked["name"]:
                return connector(row, self.now_us)
        raise NotFound

    def connector_put(self, asked: Any) -> Any:
        return {
            "name": asked["name"],
            "version": 1,
            "secret": "whs_5mJ0t3cM2Qk7XrLwq0bYp9ZdVn4HsTfA" if asked["settings"]["kind"] == "http" else "",
        }

    def connector_test(self, asked: Any) -> Any:
        steps = [
            {"name": "address", "ok": True, "code": "", "detail": "198.51.100.20"},
            {
                "name": "connect",
                "ok": False,
                "code": "target.timeout",
                "detail": "No answer within 5 seconds.",
            },
        ]
        return {"ok": False, "steps": steps}

    def connector_secret_rotate(self, asked: Any) -> Any:
        until = rfc3339(self.now_us + 24 * HOUR_US)
        return {
            "name": asked["name"],
            "secret": "whs_9QwZx7LmK2pTn4VbC6sDf8GhJ0rYuEaX",
            "old_valid_until": until,
        }

    def connector_remove(self, asked: Any) -> Any:
        return {"name": asked["name"]}

    # Jobs.

    def job_list(self, asked: Any) -> Any:
        shown = [row for row in jobs(self.now_us) if asked.get("state", "any") in ("any", row["state"])]
        return {"jobs": [] if self.empty else shown, "next": ""}

    def job_show(self, asked: Any) -> Any:
        found = [row for row in jobs(self.now_us) if row["id"] == asked["job_id"]]
        if not found:
            raise NotFound
        return {**found[0], "params": {"until": "2026-03-01"} if found[0]["kind"] == "tenant.keys" else {}}

    def job_kinds(self, asked: Any) -> Any:
        row = {
            "permission": "audit.export",
            "every_s": 0,
            "startable": True,
            "params": {"properties": {}, "type": "object"},
        }
        return {
            "kinds": [
                {"name": "audit.export", "title": "Export the audit log", "description": "Writes the whole log, up to a checkpoint, to sealed files that can be fetched for seven days and verified offline.", **row},
                {"name": "tenant.keys", "title": "Turn the data keys", "description": "Wraps every data key anew.", **row},
            ]
        }  # fmt: skip

    def job_start(self, asked: Any) -> Any:
        return jobs(self.now_us)[0]

    def job_cancel(self, asked: Any) -> Any:
        return {**jobs(self.now_us)[0], "cancelling": True}

    def job_retry(self, asked: Any) -> Any:
        return {**jobs(self.now_us)[3], "state": "queued"}

    def audit_export_part(self, asked: Any) -> Any:
        last = asked["part"] == 1
        return {
            "text": '{"checkpoint":""}\n' if last else '{"log":""}\n',
            "next": None if last else 1,
            "complete": last,
        }

    # Keeping and erasing.

    def retention_get(self, asked: Any) -> Any:
        def rule(kind: str, title: str, days: int, usual: int) -> Any:
            return {
                "kind": kind, "title": title, "description": f"{title}, as the gateway keeps them.", "days": days, "days_default": usual, "days_min": 90,
                "days_max": 3_650, "decided": days != usual,
            }  # fmt: skip

        return {"rules": [rule("audit", "Details of events", 365, 365), rule("call", "Calls", 400, 365)]}

    def retention_put(self, asked: Any) -> Any:
        return self.retention_get({})

    def hold_list(self, asked: Any) -> Any:
        placed = rfc3339(self.now_us - 40 * HOUR_US)
        row = {
            "id": numbered("hol", 1), "scope": "subject", "subject": "C-1004", "action": "", "since_at": "", "until_at": "",
            "reason": "Case 4 O 117/26, District Court", "placed_at": placed, "placed_by": ADA, "released_at": "", "released_by": "",
            "began_before": [],
        }  # fmt: skip
        other = {**row, "id": numbered("hol", 2), "scope": "action", "subject": "", "action": "invoice.*"}
        over = {**other, "id": numbered("hol", 3), "released_at": rfc3339(self.now_us), "released_by": ADA}
        return {"holds": [] if self.empty else [row, other, over], "next": ""}

    def hold_place(self, asked: Any) -> Any:
        return self.hold_list({})["holds"][0]

    def hold_release(self, asked: Any) -> Any:
        return self.hold_list({})["holds"][2]

    def subject_preview(self, asked: Any) -> Any:
        return {
            "pseudonym": "3f9a2b7c61d04e58a9b0", "rows": {"audit_event": 41, "call": 12, "approval": 3, "data_key": 2},
            "keys": [{"purpose": "audit", "keys": 1}, {"purpose": "call", "keys": 1}], "hold": "",
            "backups_until": rfc3339(self.now_us + 7 * 24 * HOUR_US),
        }  # fmt: skip

    def subject_erase(self, asked: Any) -> Any:
        return self.erasure_show({"erasure_id": numbered("era", 2)})

    def erasure_list(self, asked: Any) -> Any:
        rows = [self.erasure_show({"erasure_id": numbered("era", number)}) for number in (2, 1)]
        return {"erasures": [] if self.empty else rows, "next": ""}

    def erasure_show(self, asked: Any) -> Any:
        done, at = asked["erasure_id"] == numbered("era", 1), rfc3339(self.now_us - HOUR_US)
        return {
            "id": asked["erasure_id"], "state": "done" if done else "destroying", "pseudonym": "3f9a2b7c61d04e58a9b0", "requested_at": at,
            "requested_by": ADA, "begun_at": at, "ended_at": at if done else "",
        }  # fmt: skip

    def erasure_certificate(self, asked: Any) -> Any:
        until = rfc3339(self.now_us + 7 * 24 * HOUR_US)
        stays = {"what": "That something happened, under the pseudonym", "basis": "proof of what was done"}
        return {
            "certificate": {
                "id": numbered("crt", 1), "kind": "subject", "keys": {"destroyed": ["k1", "k2"]},
                "counts": {"before": {"call": 12, "approval": 3}, "after": {"call": 0, "approval": 0}},
                "backups": {"keys_until": until}, "residuals": [stays],
            },
            "key": VERIFIER.text(), "signature": "c2lnbmF0dXJl", "proof": {"index": 1_204},
        }  # fmt: skip

    def tenant_ending(self, asked: Any) -> Any:
        state = {"id": "", "state": "none", "requested_at": "", "requested_by": ""}
        return {**state, "due_at": "", "ended_at": ""}

    # Encryption keys and backups.

    def quota_own(self, asked: Any) -> Any:
        return {
            "tenant": TENANT, "calls_at_once": 40, "calls_per_s": 0, "storage_bytes": 2_000_000_000, "jobs_at_once": 4, "used_bytes": 412_000_000,
            "full": False, "uses": [],
        }  # fmt: skip

    def tenant_list(self, asked: Any) -> Any:
        return {"tenants": [{"tenant": TENANT, "name": "Pellow & Finch", "role": "owner"}]}

    def limit_list(self, asked: Any) -> Any:
        def row(
            number: int, words: str, whom: str, measure: str, most: str, *used: tuple[str, str], **more: str
        ) -> Any:
            return {
                "limit_id": numbered("lim", number), "whom": whom, "target": "", "actions": "", "measure": measure, "most": most, "currency": "", "per": "day",
                "hours": "", "words": words, "used": [{"who": who, "used": count} for who, count in used],
                "begins_anew_at": rfc3339(self.now_us + 9 * HOUR_US), "changed_at": rfc3339(self.now_us - 90 * HOUR_US), "changed_by": ADA, **more,
            }  # fmt: skip

        rows = [
            row(1, "500 EUR a day", "agent", "money", "500", (AGENT, "412.50"), ("kYk3mWcqk2Qd", "500"), currency="EUR", actions="invoice.*"),
            row(2, "100000 rows a day", "tenant", "rows", "100000", (TENANT, "1204")),
            row(3, "mon-fri 08:00-18:00 Europe/Berlin", "agent", "hours", "", per="", hours="mon-fri 08:00-18:00 Europe/Berlin"),
        ]  # fmt: skip
        return {"limits": [] if self.empty else rows}

    def vault_keys(self, asked: Any) -> Any:
        def row(version: int, state: str, data_keys: int, *further: str) -> Any:
            made = rfc3339(self.now_us - (4 - version) * 2_000 * HOUR_US)
            root = "" if state == "retired" else "9b1f6c0ad2e45573"
            return {
                "version": version, "state": state, "root_key": root, "further_root_keys": list(further), "data_keys": data_keys, "created_at": made,
            }  # fmt: skip

        rows = [row(3, "active", 4_812, "41c07e55aa90b3d8"), row(2, "opening", 120), row(1, "retired", 0)]
        return {"versions": [] if self.empty else rows}

    def backup_list(self, asked: Any) -> Any:
        def row(number: int, kind: str, hours: int, **more: Any) -> Any:
            at = rfc3339(self.now_us - hours * HOUR_US)
            made = {"kind": kind, "backup": numbered("bak", number), "at": at, "taken_at": at, "bytes": 0}
            return {**made, "lost_s": 0.0, "ready_s": 0.0, **more}

        rows = [
            row(4, "taken", 1, bytes=432_400_000),
            row(3, "verified", 20, bytes=431_100_000, lost_s=1893.2, ready_s=6.4),
            row(3, "taken", 21, bytes=431_100_000),
            row(2, "failed", 45),
            row(1, "restored", 300, ready_s=9.1),
        ]
        return {"backups": [] if self.empty else rows}

    # Keys, people, roles.

    def shield_stops(self, asked: Any) -> Any:
        return {"stops": []}

    def shield_stop(self, asked: Any) -> Any:
        at = rfc3339(self.now_us)
        return {"stop_id": numbered("stp", 1), **asked, "by": ADA, "at": at}

    def shield_resume(self, asked: Any) -> Any:
        return {}

    def key_list(self, asked: Any) -> Any:
        return {"keys": [] if self.empty else keys(self.now_us)}

    def key_create(self, asked: Any) -> Any:
        made = next(row for row in keys(self.now_us) if row["key_id"] == AGENT)
        return {
            "secret": "ost_live_7Hq2mZ9xKd4R_vX3nB8sLwP0tYcR6jQeF1uMzGkA5hD7iJoN9pSbWlTrV_4fQ2xZ",
            "key": made,
        }

    def key_rotate(self, asked: Any) -> Any:
        until = rfc3339(self.now_us + HOUR_US)
        return {
            "secret": "ost_live_7Hq2mZ9xKd4R_aB3nB8sLwP0tYcR6jQeF1uMzGkA5hD7iJoN9pSbWlTrV_8gR5yW",
            "key_id": AGENT,
            "previous_valid_until": until,
        }

    def key_signing_secret(self, asked: Any) -> Any:
        return {
            "secret": "oss_mZ9xKd4RvX3nB8sLwP0tYcR6jQeF1uMzGkA5hD7",
            "version": 1,
            "previous_valid_until": "",
        }

    def key_revoke(self, asked: Any) -> Any:
        return {}

    def member_list(self, asked: Any) -> Any:
        at = rfc3339(self.now_us - 900 * HOUR_US)

        def row(who: str, name: str, role: str, *, second: bool) -> Any:
            email = f"{name.split()[0].lower()}@northwind.example"
            return {
                "person": who,
                "email": email,
                "name": name,
                "role": role,
                "second_factor": second,
                "added_at": at,
            }

        return {
            "members": [
                row(ADA, "Ada Marsh", "owner", second=True),
                row(BEN, "Ben Okafor", "support", second=False),
                row(numbered("per", 3), "Chiara Neri", "viewer", second=True),
            ]
        }

    def member_add(self, asked: Any) -> Any:
        return self.member_list({})["members"][2]

    def member_change_role(self, asked: Any) -> Any:
        return {}

    def member_remove(self, asked: Any) -> Any:
        return {}

    def role_list(self, asked: Any) -> Any:
        rows = [
            {
                "name": name,
                "title": name.capitalize(),
                "description": "",
                "permissions": sorted(held),
                "built_in": True,
                "changed_at": "",
            }
            for name, held in BUILT_IN.items()
        ]
        own = {
            "name": "refund_desk",
            "title": "Refund desk",
            "description": "Decides refunds, nothing else",
            "built_in": False,
        }
        return {
            "roles": [
                *rows,
                {
                    **own,
                    "permissions": ["approval.decide", "approval.read", "call.read"],
                    "changed_at": rfc3339(self.now_us),
                },
            ],
            "permissions": PERMISSIONS,
        }

    def role_put(self, asked: Any) -> Any:
        return self.role_list({})["roles"][-1]

    def role_remove(self, asked: Any) -> Any:
        return {}

    def permission_matrix(self, asked: Any) -> Any:
        def row(action: str, title: str, permission: str) -> Any:
            cells = {role: "yes" if permission in held else "" for role, held in BUILT_IN.items()}
            return {"action": action, "title": title, "permission": permission, "risk": "low", "roles": cells}

        rows = [
            row("approval.list", "List approvals", "approval.read"),
            row("approval.approve", "Approve", "approval.decide"),
            row("audit.search", "Search the log", "audit.read"),
            row("audit.export", "Export the log", "audit.export"),
            row("contract.list", "List contracts", "contract.read"),
            row("contract.apply", "Apply a contract file", "contract.manage"),
            row("key.create", "Create an API key", "key.manage"),
            row("member.add", "Add a member", "member.manage"),
        ]
        return {"roles": list(BUILT_IN), "actions": rows, "markdown": ""}

    # Masking.

    def privacy_policy_show(self, asked: Any) -> Any:
        shown = {
            "support": ["email", "phone"],
            "admin": ["email", "phone", "iban"],
            "owner": ["email", "phone", "iban", "date_of_birth"],
        }
        return {"version": 2, "shown": shown, "categories": [family.value for family in MASKED]}

    def privacy_policy_put(self, asked: Any) -> Any:
        return {**self.privacy_policy_show({}), "shown": asked["shown"], "version": 3}

    # The log.

    def audit_search(self, asked: Any) -> Any:
        found = [] if self.empty else events(self.now_us)
        if asked.get("decision"):
            found = [event for event in found if event["decision"] == asked["decision"]]
        if asked.get("action"):
            found = [
                event for event in found if event["action"].startswith(asked["action"].removesuffix("*"))
            ]
        return {"events": found[: asked["limit"]], "next": "40" if len(found) > asked["limit"] else ""}

    def audit_show(self, asked: Any) -> Any:
        for event in events(self.now_us):
            if event["id"] == asked["event_id"]:
                return {"event": event}
        raise NotFound

    def audit_reveal(self, asked: Any) -> Any:
        content = {
            "params": {"invoice": "INV-2041", "amount": 48.0, "note": "Goods came broken"},
            "result": {"refund": "RF-1092"},
        }
        return {
            **self.audit_show(asked),
            "parts": [{"subject": "3f9a2b7c61d04e58a9b0", "state": "opened", "content": content}],
        }

    def audit_proof(self, asked: Any) -> Any:
        return proof(self.audit_show(asked)["event"])

    def audit_checkpoint(self, asked: Any) -> Any:
        if self.empty:
            note, root = signed(0, hashlib.sha256().digest())
            size = 0
        else:
            made = proof(events(self.now_us)[0])
            note, root, size = made["checkpoint"], bytes.fromhex(made["root"]), made["size"]
        return {
            "log": LOG,
            "size": size,
            "root": root.hex(),
            "at": rfc3339(self.now_us - 4 * SECOND_US),
            "checkpoint": note,
            "key": VERIFIER.text(),
        }

    def audit_checkpoints(self, asked: Any) -> Any:
        if self.empty:
            return {"checkpoints": [], "next": ""}
        rows = [
            {
                "size": 1204 - 37 * n,
                "root": hashlib.sha256(bytes([n])).hexdigest(),
                "at": rfc3339(self.now_us - (5 + 900 * n) * SECOND_US),
                "checkpoint": signed(1204 - 37 * n, hashlib.sha256(bytes([n])).digest())[0],
                "cosigned_by": [{"name": "witness.pellow.example/w1", "at": rfc3339(self.now_us)}][: n != 2],
                "enough": n != 2,
                "sent_at": rfc3339(self.now_us - 900 * n * SECOND_US) if n else "",
            }
            for n in range(4)
        ]
        before = int(asked.get("cursor") or 2**53)
        return {
            "checkpoints": [row for row in rows if row["size"] < before][: asked.get("limit", 50)],
            "next": "",
        }

    def audit_publishing_show(self, asked: Any) -> Any:
        key = "w.example/1+79ca6beb+BD4eZlUjZVggb2VdkX74v8TYW2a5CLGuKsieP02mpugt"
        return {
            "version": 3, "open": False, "witnesses": [{"url": "https://w.example", "key": key}], "quorum": 1,
            "webhook_url": "https://hooks.pellow.example/audit", "webhook_id": "", "mail_to": ["auditor@example.org"], "secret_made": True,
        }  # fmt: skip

    def audit_publishing_put(self, asked: Any) -> Any:
        return {**self.audit_publishing_show({}), "secret": ""}

    def audit_publishing_secret(self, asked: Any) -> Any:
        return {"secret": "whsec_" + "QUJD" * 8}

    def audit_export(self, asked: Any) -> Any:
        return {"entries": [], "next": None}

    def audit_verify(self, asked: Any) -> Any:
        return {
            "ok": True, "complete": False, "verdict": "self-consistent, completeness not proven", "log": LOG, "size": 4, "root": "00" * 32,
            "checkpoint_size": 0, "faults": [],
        }  # fmt: skip


def person(role: str) -> Actor:
    permissions = held_by(ActorKind.PERSON, BUILT_IN[role])
    if role == "owner":
        permissions |= {"install.manage"}
    return Actor(
        TENANT,
        ActorKind.PERSON,
        ADA,
        permissions=permissions,
        roles=frozenset({role}),
        session=numbered("ses", 1),
        name="Ada Marsh",
    )


def approvals(now_us: int) -> list[dict[str, Any]]:
    def card(number: int, minutes: int, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = {
            "id": numbered("apr", number), "call": numbered("cal", 100 + number), "state": "waiting", "action": "invoice.refund", "title": "Refund an invoice",
            "description": "Pay an amount of an invoice back to the customer.", "risk": "high", "rule": "risk.high",
            "why": "The contract says that this is of high risk: a person always confirms.", "sentence": "Refund {amount} of invoice {invoice} to {customer}",
            "parameters": [], "request": None, "asked_by": {"kind": "agent", "id": AGENT, "name": "Support assistant"}, "behalf": "",
            "asked_at": rfc3339(now_us - minutes * MINUTE_US), "expires_at": rfc3339(now_us + (28 - minutes % 28) * MINUTE_US),
            "digest": f"{number:02x}" * 32, "step_up": False, "self_approval": False, "reasons": [], "quorum": 1, "agreed": [], "approvers": [], "four_eyes": False, "session": "",
            "can_decide": True, "why_not": "", "decided_at": None,
            "decided_by": None, "reason": "", "code": "", "answer": None,
        }  # fmt: skip
        decided = more.get("state", "waiting") != "waiting"
        if decided:
            made |= {
                "can_decide": False,
                "decided_at": rfc3339(now_us - minutes * MINUTE_US + 40 * SECOND_US),
                "decided_by": BEN,
            }
        return made | more

    refund = [
        parameter("amount", "EUR 48.00", "trusted", "invoice.read /open_amount"),
        parameter("invoice", "INV-2041", "said"),
        parameter("customer", "Ada Marsh", "trusted", "customer.read /name"),
        parameter("reason", "Goods came broken", "unexplained"),
    ]
    request = {
        "method": "POST",
        "url": "https://billing.northwind.example/refunds",
        "headers": {"Accept": "application/json", "Idempotency-Key": "cal_0190f3a27c4b7d8ea1b2000000000065"},
        "body": {"amount": "48.00", "currency": "EUR", "invoice": "INV-2041", "reason": "Goods came broken"},
    }
    attack = [
        parameter("amount", "EUR 2,400.00", "untrusted", "ticket.read /body"),
        parameter("iban", "DE89 3704 0044 0532 0130 00", "untrusted", "ticket.read /body"),
        parameter("reference", "urgent settlement", "untrusted", "ticket.read /body"),
    ]
    return [
        card(1, 2, parameters=refund, request=request, behalf="Ada Marsh", step_up=True, why_not="Confirm this with your second factor."),
        card(2, 6, action="payment.send", title="Send a payment", sentence="Pay {amount} to account {iban}", parameters=attack, request={"method": "POST", "url": "https://billing.northwind.example/payments", "headers": {}, "body": {"amount": "2400.00", "iban": "DE89370400440532013000"}}),
        card(3, 11, action="ticket.close", title="Close a ticket", risk="medium", rule="confirmation.always", why="The contract asks for a confirmation each time.", sentence="Close ticket {ticket} and tell {customer}", parameters=[parameter("ticket", "T-881", "said"), parameter("customer", "Jonas Weber", "trusted", "ticket.read /customer")]),
        card(4, 14, action="customer.update", title="Change a customer", risk="medium", sentence="Change the phone number of {customer} to {phone}", parameters=[parameter("customer", "Mei Tanaka", "trusted", "customer.read /name"), parameter("phone", "+81 3-1234-5678", "unexplained")], can_decide=False, why_not="Someone else has to approve this: not the one who asked."),
        card(5, 40, state="done", parameters=refund, answer={"result": {"refund": "RF-1092", "status": "booked", "amount": "48.00"}}),
        card(6, 55, state="failed", parameters=refund, code="target.timeout", answer={"problem": {"code": "target.timeout", "detail": "It took longer than 5 seconds."}}),
        card(7, 70, state="unknown", parameters=refund),
        card(8, 95, state="rejected", action="payment.send", sentence="Pay {amount} to account {iban}", parameters=attack, reason="The account is not one of ours; the ticket asked for it."),
        card(9, 180, state="expired", parameters=refund, decided_by=None, decided_at=None),
        card(10, 1, state="running", parameters=refund),
    ]  # fmt: skip


CONTRACTS: list[tuple[str, str, str, str, str, list[str], str, bool]] = [
    ("customer.read", "Look a customer up", "low", "read", "never", [], "shop", True),
    ("invoice.read", "Read an invoice", "low", "read", "never", [], "shop", True),
    ("invoice.refund", "Refund an invoice", "high", "write", "always", ["support"], "billing", True),
    ("payment.send", "Send a payment", "high", "write", "always", ["admin"], "billing", True),
    (
        "ticket.close",
        "Close a ticket",
        "medium",
        "write",
        "once_per_session",
        ["support", "admin"],
        "helpdesk",
        False,
    ),
    ("ticket.read", "Read a ticket", "low", "read", "never", [], "shop", True),
]


def contract(
    name: str,
    title: str,
    risk: str,
    effect: str,
    confirmation: str,
    roles: list[str],
    connector: str,
    connected: bool,
) -> dict[str, Any]:
    summary = {
        "name": name, "title": title, "description": f"{title}, by its number.", "risk": risk, "effect": effect, "confirmation": confirmation,
        "surfaces": ["admin", "customer"], "roles": roles, "scope": name.split(".")[0] + ".*", "connector": connector, "connected": connected, "hash": "9f" * 32,
    }  # fmt: skip
    properties = {
        "invoice": {
            "type": "string",
            "maxLength": 20,
            "pattern": "^INV-[0-9]+$",
            "description": "The invoice's number",
        },
        "amount": {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 500,
            "description": "How much goes back, in the invoice's currency",
        },
        "reason": {"type": "string", "maxLength": 200},
        "notify": {"enum": ["email", "letter", "no"]},
    }
    parameters = {
        "type": "object",
        "required": ["invoice", "amount"],
        "properties": properties,
        "additionalProperties": False,
    }
    return {
        "summary": summary,
        "version": 3,
        "parameters": parameters,
        "contract": {
            "name": name, "title": title, "description": summary["description"], "parameters": parameters, "returns": {"type": "object"}, "scope": summary["scope"],
            "roles": roles, "surfaces": summary["surfaces"], "risk": risk, "effect": effect, "confirmation": confirmation, "self_approval": False,
            "subject": ["/customer"], "sentence": "Refund {amount} of invoice {invoice} to {customer}", "trusted": [], "labels": {"amount": "amount"},
            "target": {"connector": connector, "http": {"method": "POST", "path": "/refunds", "body": {"invoice": "{invoice}", "amount": "{amount}"}}},
        },
    }  # fmt: skip


CONNECTORS: list[dict[str, Any]] = [
    {"name": "billing", "settings": {"kind": "http", "base_url": "https://billing.northwind.example", "honours_idempotency_key": True, "credential_header": "Authorization", "timeout_s": 5, "answer_bytes_max": None, "ca_pem": ""}, "ok": True},
    {"name": "helpdesk", "settings": {"kind": "http", "base_url": "https://desk.northwind.example/api", "honours_idempotency_key": False, "credential_header": "Authorization", "timeout_s": None, "answer_bytes_max": None, "ca_pem": ""}, "ok": False},
    {"name": "shop", "settings": {"kind": "sqlite", "path": "/data/shop.db", "timeout_s": None, "answer_bytes_max": None, "answer_rows_max": None}, "ok": None},
]  # fmt: skip


def connector(row: dict[str, Any], now_us: int) -> dict[str, Any]:
    kind = row["settings"]["kind"]
    return {
        "name": row["name"], "kind": kind, "version": 2, "paused": False, "settings": row["settings"], "has_credential": kind == "http",
        "signing_secrets": 1 if kind == "http" else 0, "changed_at": rfc3339(now_us - 50 * HOUR_US),
        "tested_at": rfc3339(now_us - 2 * HOUR_US) if row["ok"] is not None else "", "tested_ok": bool(row["ok"]),
    }  # fmt: skip


def keys(now_us: int) -> list[dict[str, Any]]:
    def row(
        key_id: str, name: str, kind: str, roles: list[str], days: int, state: str = "live", **more: Any
    ) -> dict[str, Any]:
        return {
            "key_id": key_id, "name": name, "kind": kind, "environment": "live", "surface": "admin", "roles": roles, "scopes": None, "contracts": [],
            "signature_required": False, "state": state, "created_by": ADA, "created_at": rfc3339(now_us - 700 * HOUR_US),
            "expires_at": rfc3339(now_us + days * 24 * HOUR_US), "revoked_at": "", "last_used_at": rfc3339(now_us - 3 * MINUTE_US), **more,
        }  # fmt: skip

    return [
        row(
            AGENT,
            "Support assistant",
            "agent",
            ["support"],
            81,
            scopes=["invoice.*", "ticket.*", "customer.read"],
        ),
        row(PROGRAM, "Nightly report", "program", ["viewer"], 4),
        row(
            numbered("key", 7),
            "Help widget",
            "publishable",
            [],
            200,
            surface="customer",
            contracts=["ticket.open"],
        ),
        row(
            numbered("key", 8),
            "Old importer",
            "program",
            ["developer"],
            10,
            "revoked",
            revoked_at=rfc3339(now_us - 90 * HOUR_US),
            last_used_at="",
        ),
    ]


def event(number: int, at_us: int, action: str, decision: str, **more: Any) -> dict[str, Any]:
    return {
        "index": number, "id": numbered("evt", number), "at": rfc3339(at_us), "at_us": at_us, "action": action, "decision": decision, "actor_kind": "agent",
        "actor_id": AGENT, "face": "mcp", "call": numbered("cal", number), "code": "", "contract": "", "approval": "", "risk": "low", "surface": "admin",
        "duration_us": 3_400 + 977 * (number % 23), "behalf": "", "address": "9c1e0a77b2d34f5588aa", "counts": {}, "sealed": [{"subject": "3f9a2b7c61d04e58a9b0", "sha256": "ab" * 32}], **more,
    }  # fmt: skip


def events(now_us: int) -> list[dict[str, Any]]:
    """A day with a rhythm: newest first."""
    made: list[dict[str, Any]] = []
    number = 120
    person_asks = {"actor_kind": "person", "actor_id": ADA, "face": "console"}
    story: list[tuple[str, str, dict[str, Any]]] = [
        ("invoice.refund", "held", {"risk": "high", "approval": numbered("apr", 1), "code": "risk.high"}),
        ("customer.read", "ran", {"counts": {"masked.email": 1, "masked.phone": 1}}),
        ("payment.send", "held", {"risk": "high", "approval": numbered("apr", 2), "code": "risk.high"}),
        ("ticket.read", "ran", {"counts": {"masked.iban": 1}}),
        ("off.contract", "refused", {"code": "contract.unknown"}),
        ("approval.approve", "ran", person_asks),
        ("invoice.refund", "approved", {**person_asks, "risk": "high", "approval": numbered("apr", 5)}),
        ("invoice.refund", "intended", {"risk": "high"}),
        ("invoice.refund", "ran", {"risk": "high", "duration_us": 212_000}),
        ("invoice.refund", "refused", {"code": "params.invalid"}),
        (
            "key.list",
            "refused",
            {"code": "access.scope", "actor_id": PROGRAM, "actor_kind": "program", "face": "rest"},
        ),
        (
            "session.start",
            "refused",
            {"code": "auth.code_refused", "actor_kind": "anonymous", "actor_id": "", "face": "console"},
        ),
        ("customer.read", "ran", {}),
        ("invoice.refund", "failed", {"code": "target.timeout", "risk": "high", "duration_us": 5_004_000}),
        ("privacy.policy_put", "ran", person_asks),
    ]
    for index in range(90):
        action, decision, more = (
            story[index % len(story)] if index < 15 or index % 7 == 3 else story[(1, 3, 12)[index % 3]]
        )
        at = now_us - int((index * 14.5 + (index * 37 % 11)) * MINUTE_US)
        made.append(event(number - index, at, action, decision, **more))
    return made


LOG = "ostiary.northwind.example/" + TENANT
_KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
VERIFIER = VerifierKey(LOG, _KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def signed(size: int, root: bytes) -> tuple[str, bytes]:
    return sign(Checkpoint(LOG, size, root), _KEY, VERIFIER), root


def proof(event: dict[str, Any]) -> dict[str, Any]:
    """A true proof in a small tree of five leaves, the event being the fourth."""

    def leaf(content: bytes) -> bytes:
        return hashlib.sha256(b"\x00" + content).digest()

    def node(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(b"\x01" + left + right).digest()

    envelope = orjson.dumps({"action": event["action"], "decision": event["decision"], "id": event["id"]})
    a, b, c, d, e = (leaf(content) for content in (b"a", b"b", b"c", envelope, b"e"))
    root = node(node(node(a, b), node(c, d)), e)
    note, _ = signed(5, root)
    hashes = [c, node(a, b), e]
    return {
        "index": 3, "size": 5, "leaf": d.hex(), "root": root.hex(), "hashes": [step.hex() for step in hashes], "envelope": envelope.decode(),
        "checkpoint": note, "key": VERIFIER.text(),
    }  # fmt: skip


def jobs(now_us: int) -> list[dict[str, Any]]:
    """Running, waiting, tried again, failed, cancelled, done, and one of the tenant's own."""

    def row(
        number: int, kind: str, title: str, state: str, count: int, total: int, **more: Any
    ) -> dict[str, Any]:
        began = None if state == "queued" and not more.get("code") else rfc3339(now_us - number * 240_000_000)
        ended = rfc3339(now_us - number * 60_000_000) if state in ("done", "failed", "cancelled") else None
        made = {
            "id": numbered("job", number), "kind": kind, "title": title, "state": state, "code": "", "count": count, "total": total,
            "percent": count * 100 // total if total else None, "left_s": None, "steps": count // 500, "tries": 0, "note": "", "cancelling": False,
            "by_kind": "person", "by_id": ADA, "created_at": rfc3339(now_us - number * 250_000_000), "due_at": rfc3339(now_us + 30_000_000),
            "started_at": began, "changed_at": rfc3339(now_us), "ended_at": ended, "params": {},
        }  # fmt: skip
        return {**made, **more}

    return [
        row(1, "audit.export", "Export the audit log", "running", 412_500, 1_180_000, left_s=443, note="825 files"),
        row(2, "tenant.keys", "Turn the data keys", "queued", 0, 0),
        row(3, "approval.notice", "Tell approvers", "queued", 2, 0, code="target.unavailable", tries=3, by_kind="service", by_id=""),
        row(4, "audit.export", "Export the audit log", "failed", 90_000, 1_100_000, code="blobs.unavailable"),
        row(5, "retention.purge", "Purge what is over its time", "done", 48_211, 48_211, by_kind="service", by_id="", note="48,211 events"),
        row(6, "audit.export", "Export the audit log", "done", 1_100_000, 1_100_000, note="2200 files"),
        row(7, "tenant.keys", "Turn the data keys", "cancelled", 200, 4_000),
    ]  # fmt: skip
