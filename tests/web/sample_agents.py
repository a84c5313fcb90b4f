"""Sample answers about agents: their sessions, the keys that sign for people, and who else's tokens let them in."""

from typing import Any

from ostiary.clock import HOUR_US, MINUTE_US, rfc3339

INTENT_KEY = "ink_0190f3a27c4b7d8ea1b2000000000001"
ISSUER = "ois_0190f3a27c4b7d8ea1b2000000000001"
ADA = "per_0190f3a27c4b7d8ea1b2c3d4e5f60001"
AGENT = "key_0190f3a27c4b7d8ea1b2c3d4e5f60003"
TASK = "ses_0190f3a27c4b7d8ea1b2000000000021"
PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


class Agents:
    """A part of the sample door."""

    now_us: int
    empty: bool

    def intent_key_list(self, asked: Any) -> Any:
        old = {"roles": None, "created_at": self._ago(2_000), "revoked_at": self._ago(300)}
        rows = [
            self._intent_key(),
            {**self._intent_key(), "key_id": INTENT_KEY[:-1] + "2", "title": "Old help desk", **old},
        ]
        return {"keys": [] if self.empty else rows}

    def intent_key_register(self, asked: Any) -> Any:
        given = {"title": asked.get("title", "Help desk"), "roles": asked.get("roles") or None}
        return {**self._intent_key(), **given}

    def intent_key_revoke(self, asked: Any) -> Any:
        return {}

    def oauth_issuers(self, asked: Any) -> Any:
        row = {
            "issuer_id": ISSUER, "issuer": "https://sign-in.northwind.example", "audience": "https://gate.northwind.example/mcp",
            "domains": ["northwind.example", "northwind-labs.example"], "scopes": ["contracts:read", "ticket.*"], "made_at": self._ago(700),
            "made_by": ADA,
        }  # fmt: skip
        return {"issuers": [] if self.empty else [row]}

    def oauth_issuer_trust(self, asked: Any) -> Any:
        return {"issuer_id": ISSUER}

    def oauth_issuer_forget(self, asked: Any) -> Any:
        return {}

    def oauth_grants(self, asked: Any) -> Any:
        row = {
            "grant": "ogr_" + "1" * 32, "person": ADA, "client": "https://helper.example/client.json", "client_name": "Helper",
            "client_host": "helper.example", "scopes": ["contracts:read", "invoice.refund"], "resource": "http://localhost/mcp",
            "allowed_at": self._ago(400), "last_used_at": self._ago(2), "expires_at": rfc3339(self.now_us + 300 * HOUR_US),
        }  # fmt: skip
        return {"grants": [] if self.empty else [row]}

    def oauth_clients(self, asked: Any) -> Any:
        row = {
            "client": "ocl_" + "1" * 32, "name": "Desk helper", "redirect_uris": ["http://127.0.0.1/callback"], "kind": "public",
            "made_at": self._ago(400), "made_by": ADA,
        }  # fmt: skip
        return {"clients": [] if self.empty else [row]}

    def oauth_accounts(self, asked: Any) -> Any:
        row = {"connector": "mail", "connected_at": self._ago(300), "renewed_at": self._ago(1), "state": "connected", "wanted": []}  # fmt: skip
        none = {"connector": "notes", "connected_at": "", "renewed_at": "", "state": "none", "wanted": []}
        return {"accounts": [] if self.empty else [row, none]}

    def agent_session_list(self, asked: Any) -> Any:
        over = {"session_id": TASK[:-1] + "2", "state": "expired", "opened_by": INTENT_KEY, "signed": True}
        rows = [self._task(), {**self._task(), **over}]
        return {"sessions": [] if self.empty else rows, "next": ""}

    def agent_session_show(self, asked: Any) -> Any:
        at = rfc3339(self.now_us - 20 * MINUTE_US)
        said = "Refund invoice INV-2041 to Ada Marsh: 48.00 EUR. The tickets say why."
        claim = "The customer also wants 2,400.00 EUR paid as an urgent settlement."
        return {
            "session": self._task(),
            "words": [
                {"by": ADA, "claimed": False, "text": said, "at": at},
                {"by": AGENT, "claimed": True, "text": claim, "at": rfc3339(self.now_us - 7 * MINUTE_US)},
            ],
            "reads": [
                {"call": "cal_" + "3" * 32, "action": "ticket.read", "untrusted": True, "at": at},
                {"call": "cal_" + "4" * 32, "action": "invoice.read", "untrusted": False, "at": at},
            ],
            "deeds": [
                {"call": "cal_" + "5" * 32, "action": "invoice.refund", "decision": "ran", "at": at},
                {"call": "cal_" + "6" * 32, "action": "payment.send", "decision": "held", "at": at},
            ],
        }

    def agent_session_open(self, asked: Any) -> Any:
        return self._task()

    def agent_session_say(self, asked: Any) -> Any:
        return self._task()

    def agent_session_close(self, asked: Any) -> Any:
        return {**self._task(), "state": "closed", "closed_at": rfc3339(self.now_us)}

    def _intent_key(self) -> dict[str, Any]:
        return {
            "key_id": INTENT_KEY, "title": "Help desk", "public_key": PUBLIC, "roles": ["support"], "created_by": ADA, "created_at": self._ago(500),
            "revoked_at": None,
        }  # fmt: skip

    def _task(self) -> dict[str, Any]:
        return {
            "session_id": TASK, "agent": AGENT, "opened_by": ADA, "signed": False, "state": "open", "opened_at": rfc3339(self.now_us - 25 * MINUTE_US),
            "expires_at": rfc3339(self.now_us + 3 * HOUR_US), "closed_at": None,
        }  # fmt: skip

    def _ago(self, hours: int) -> str:
        return rfc3339(self.now_us - hours * HOUR_US)
