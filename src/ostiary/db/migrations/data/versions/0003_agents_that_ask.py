"""Agents that ask: sessions and provenance, policy, webhooks, upstreams, OAuth, limits.

Expands only: a process of the release before goes on beside this one. COMPATIBLE_FROM is the oldest release whose statements still fit.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COMPATIBLE_FROM = "0001"

EARLIER_MARKED = (
    "api_key",
    "belonging",
    "key_version",
    "member",
    "person",
    "privacy_shown",
    "role",
    "session",
    "sign_in_code",
    "signing_secret",
    "stop",
)


def upgrade() -> None:
    """Each room's tables have a function of their own below."""
    sessions()
    approvals_and_policy()
    webhooks()
    releases()
    upstreams()
    limits()
    oauth()
    imports()
    marks()


def approvals_and_policy() -> None:
    """The policy of a tenant, the yeses of a quorum, and what a person allowed beforehand."""
    op.create_table(
        "policy_set",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("applied_us", sa.BigInteger(), nullable=False),
        sa.Column("applied_by", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "version", name=op.f("pk_policy_set")),
    )
    op.create_table(
        "approval_vote",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("call", sa.String(length=40), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("approval", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("vouched", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "call", "ordinal", name=op.f("pk_approval_vote")),
        sa.UniqueConstraint("tenant", "call", "person", name=op.f("uq_approval_vote_tenant_call_person")),
    )
    op.create_table(
        "allowance",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=200), nullable=False),
        sa.Column("contract", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("left_count", sa.Integer(), nullable=False),
        sa.Column("left_micros", sa.BigInteger(), nullable=True),
        sa.Column("revoked_us", sa.BigInteger(), nullable=True),
        sa.Column("revoked_by", sa.String(length=64), nullable=True),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_allowance")),
    )
    op.create_index(
        op.f("ix_allowance_tenant_actor_id_action"), "allowance", ["tenant", "actor_id", "action"]
    )
    op.create_index(op.f("ix_allowance_tenant_expires_us"), "allowance", ["tenant", "expires_us"])


def sessions() -> None:
    """Agents' sessions: who may sign intent, sessions, the person's words, deeds, what was read and what was written from it."""
    op.create_table(
        "intent_key",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("public", sa.String(length=43), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("revoked_us", sa.BigInteger(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_intent_key")),
    )
    op.create_table(
        "agent_session",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("signed", sa.Boolean(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.String(length=64), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_agent_session")),
    )
    op.create_index(
        op.f("ix_agent_session_tenant_agent_expires_us"), "agent_session", ["tenant", "agent", "expires_us"]
    )
    op.create_table(
        "session_words",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("session", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("said_by", sa.String(length=64), nullable=False),
        sa.Column("statement", sa.String(length=64), nullable=False),
        sa.Column("claimed", sa.Boolean(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "session", "number", name=op.f("pk_session_words")),
        sa.UniqueConstraint(
            "tenant", "said_by", "statement", name=op.f("uq_session_words_tenant_said_by_statement")
        ),
    )
    op.create_table(
        "session_deed",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("call", sa.String(length=40), nullable=False),
        sa.Column("session", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=200), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "call", name=op.f("pk_session_deed")),
    )
    op.create_index(
        op.f("ix_session_deed_tenant_session_at_us"), "session_deed", ["tenant", "session", "at_us"]
    )
    op.create_table(
        "seen",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("session", sa.String(length=40), nullable=False),
        sa.Column("call", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=200), nullable=False),
        sa.Column("tainted", sa.Boolean(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_seen")),
    )
    op.create_index(op.f("ix_seen_tenant_agent_at_us"), "seen", ["tenant", "agent", "at_us"])
    op.create_index(op.f("ix_seen_tenant_session_at_us"), "seen", ["tenant", "session", "at_us"])
    op.create_index(op.f("ix_seen_tenant_expires_us"), "seen", ["tenant", "expires_us"])
    op.create_table(
        "written_mark",
        sa.Column("tenant", sa.String(length=40), nullable=False),
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("call", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=200), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "mark", name=op.f("pk_written_mark")),
    )
    op.create_index(op.f("ix_written_mark_tenant_expires_us"), "written_mark", ["tenant", "expires_us"])


def releases() -> None:
    """Which release ran here last, and with which root key."""
    op.create_table(
        "upkeep",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_upkeep")),
    )


def webhooks() -> None:
    """Where notices go, what they say, how each got to each place; and who is mailed about approvals."""
    op.create_table(
        "webhook_endpoint",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("room", sa.String(length=16), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("failing_us", sa.BigInteger(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_webhook_endpoint")),
    )
    op.create_table(
        "webhook_message",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_webhook_message")),
    )
    op.create_index(
        op.f("ix_webhook_message_tenant_type_at_us"), "webhook_message", ["tenant", "type", "at_us"]
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("message", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("claim", sa.String(length=64), nullable=False),
        sa.Column("claimed_us", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("took_us", sa.BigInteger(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_webhook_delivery")),
    )
    op.create_index(
        op.f("ix_webhook_delivery_tenant_endpoint_state_due_us"),
        "webhook_delivery",
        ["tenant", "endpoint", "state", "due_us"],
    )
    op.create_index(op.f("ix_webhook_delivery_tenant_message"), "webhook_delivery", ["tenant", "message"])
    op.create_table(
        "webhook_attempt",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("delivery", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("took_us", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "delivery", "number", name=op.f("pk_webhook_attempt")),
    )
    op.create_table(
        "approval_mailing",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("mail", sa.Boolean(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_approval_mailing")),
    )


def upstreams() -> None:
    """The tools of upstream MCP servers, by the pin of their definition."""
    op.create_table(
        "upstream_tool",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("connector", sa.String(length=48), nullable=False),
        sa.Column("pin", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.Column("decided_us", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "connector", "pin", name=op.f("pk_upstream_tool")),
    )


def limits() -> None:
    """What may be done at most, and how much of it is used."""
    op.create_table(
        "use_limit",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("whom", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("actions", sa.String(length=100), nullable=False),
        sa.Column("measure", sa.String(length=16), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("per", sa.String(length=8), nullable=False),
        sa.Column("hours", sa.String(length=80), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_use_limit")),
    )
    op.create_table(
        "use_count",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("limit_id", sa.String(length=40), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("from_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "limit_id", "who", "from_us", name=op.f("pk_use_count")),
    )


def oauth() -> None:
    """Grants that people give to agents, the issuers that tenants trust, and people's own accounts at upstreams."""
    grants()
    accounts()


def grants() -> None:
    op.create_table(
        "oauth_key",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_oauth_key")),
    )
    op.create_table(
        "oauth_client",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(length=32), nullable=True),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_oauth_client")),
    )
    op.create_table(
        "oauth_grant",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("client_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("allowed_us", sa.BigInteger(), nullable=False),
        sa.Column("begun_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_because", sa.String(length=16), nullable=False),
        sa.Column("issuer", sa.String(length=64), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_oauth_grant")),
    )
    op.create_index("ix_oauth_grant_person", "oauth_grant", ["tenant", "person"])
    op.create_table(
        "oauth_token",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("grant_id", sa.String(length=64), nullable=False),
        sa.Column("refreshes", sa.Boolean(), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("used_us", sa.BigInteger(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_oauth_token")),
    )
    op.create_index("ix_oauth_token_grant", "oauth_token", ["tenant", "grant_id"])
    op.create_table(
        "oauth_issuer",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("place", sa.LargeBinary(length=32), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_oauth_issuer")),
    )
    op.create_table(
        "oauth_trusted",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("place", sa.LargeBinary(length=32), nullable=False),
        sa.Column("home", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(length=64), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "place", name=op.f("pk_oauth_trusted")),
    )


def accounts() -> None:
    op.create_table(
        "oauth_flow",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("connector", sa.String(length=48), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("used_us", sa.BigInteger(), nullable=False),
        sa.Column("row_mark", sa.LargeBinary(length=33), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_oauth_flow")),
    )
    op.create_table(
        "oauth_registration",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("connector", sa.String(length=48), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "connector", name=op.f("pk_oauth_registration")),
    )
    op.create_table(
        "oauth_account",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("connector", sa.String(length=48), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.LargeBinary(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("renewing_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("wanted", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "connector", "person", name=op.f("pk_oauth_account")),
    )


def imports() -> None:
    """Drafts of contracts that wait for review."""
    op.create_table(
        "contract_import",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_contract_import")),
    )


def marks() -> None:
    """Keyed marks on rows of earlier releases' tables, made once no process of such a release is left; and which tables a process knows, to tell that."""
    for table in EARLIER_MARKED:
        op.add_column(table, sa.Column("row_mark", sa.LargeBinary(length=33), nullable=True))
    op.add_column("process", sa.Column("tables", sa.String(length=8), nullable=True))
