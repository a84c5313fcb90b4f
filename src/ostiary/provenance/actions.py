"""What can be asked of agents' sessions, and of the keys that sign what a person wants."""

from typing import Annotated

from pydantic import Field

from ostiary import ids
from ostiary.actions import Action, ActorKind, Call, Effect, Masking, Recorded, Risk, Route
from ostiary.clock import rfc3339
from ostiary.errors import Fault, Forbidden, InvalidParameters, NotFound
from ostiary.provenance import statement, store
from ostiary.provenance.speaking import (
    SAY,
    KeyDetails,
    List,
    OneSession,
    Open,
    Present,
    Say,
    SessionList,
    SessionShown,
    SessionView,
    Speaking,
    key_details,
    key_place,
)
from ostiary.provenance.store import IntentKeyRow
from ostiary.shapes import Answer, Empty, ModelShape, Nothing, Params

MANAGE = "intent.manage"
ASK = "contract.call"
LOOK = "approval.read"
KEYS_MAX = 50
PURPOSE = "intent_key"


class Register(Params):
    """`public_key`: the 32 bytes of an Ed25519 public key as base64url without padding (RFC 8037's `x`). `roles`: it speaks for people with these roles, so
    its words explain a contract that is for one of them; without, for all."""

    title: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
    public_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
    roles: Annotated[list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,31}$")]], Field(max_length=20)] = (
        Field(default_factory=list)
    )


class OneKey(Params):
    intent_key_id: Annotated[str, Field(pattern=r"^ink_[0-9a-f]{32}$")]


class KeyView(Answer):
    """`roles` null: it speaks for all."""

    key_id: str
    title: str
    public_key: str
    roles: list[str] | None
    created_by: str
    created_at: str
    revoked_at: str | None


class KeyList(Answer):
    keys: list[KeyView]


class Keys:
    """The functions behind the actions of intent keys."""

    def __init__(self, speaking: Speaking) -> None:
        self._database = speaking.database
        self._vault = speaking.vault

    async def register(self, call: Call, asked: Register) -> KeyView:
        if call.actor.kind is not ActorKind.PERSON:
            raise Forbidden("Only a person says whose signature speaks for people.")
        try:
            statement.public_bytes(asked.public_key)
        except ValueError:
            raise InvalidParameters(faults=(Fault("/public_key", "an Ed25519 public key"),)) from None
        name = ids.new("ink")
        details = KeyDetails(asked.title, frozenset(asked.roles) if asked.roles else None)
        kept = {"title": details.title, "roles": sorted(asked.roles) or None}
        await self._vault.prepare(call.tenant, PURPOSE, ())
        content = self._vault.seal_json(key_place(call.tenant, name), kept, purpose=PURPOSE)
        row = IntentKeyRow(name, asked.public_key, content, call.actor.id, call.at_us, 0)
        call.write(lambda c: store.add_intent_key(c, call.tenant, row, most=KEYS_MAX))
        return _view(row, details)

    async def listed(self, call: Call, _asked: Empty) -> KeyList:
        rows = await self._database.run(lambda c: store.intent_keys(c, call.tenant))
        return KeyList(keys=[_view(row, key_details(self._vault, call.tenant, row)) for row in rows])

    async def revoke(self, call: Call, asked: OneKey) -> Nothing:
        row = await self._database.run(lambda c: store.find_intent_key(c, call.tenant, asked.intent_key_id))
        if row is None:
            raise NotFound
        call.write(lambda c: store.revoke_intent_key(c, call.tenant, row.id, call.at_us))
        return Nothing()


def _view(row: IntentKeyRow, details: KeyDetails) -> KeyView:
    return KeyView(
        key_id=row.id,
        title=details.title,
        public_key=row.public,
        roles=None if details.roles is None else sorted(details.roles),
        created_by=row.created_by,
        created_at=rfc3339(row.created_us),
        revoked_at=rfc3339(row.revoked_us) if row.revoked_us else None,
    )


def actions(speaking: Speaking) -> list[Action]:
    """The room's part of the registry."""
    keys = Keys(speaking)
    return [
        Action("agent_session.open", "Open a session for an agent", "Says what an agent is to do, in the person's own words: the values in them are explained. Only people open sessions; the agent names the session with its calls.",
               SAY, Risk.LOW, Effect.LOCAL, ModelShape(Open), ModelShape(SessionView), speaking.open,
               route=Route("POST", "/v1/sessions", 201), masking=Masking.OWN, sentence="Open a session for {agent}: {intent}"),
        Action("agent_session.say", "Say more in a session", "Adds further words of a person to an open session, such as the answer to a question of the agent.",
               SAY, Risk.LOW, Effect.LOCAL, ModelShape(Say), ModelShape(SessionView), speaking.say,
               route=Route("POST", "/v1/sessions/{session_id}/words"), masking=Masking.OWN, sentence="Say in {session_id}: {words}"),
        Action("agent_session.present", "Present a signed statement", "An agent opens a session, or adds to its own, with a statement of intent that was signed by a registered key. A statement counts once.",
               ASK, Risk.LOW, Effect.LOCAL, ModelShape(Present), ModelShape(SessionView), speaking.present,
               route=Route("POST", "/v1/sessions/signed", 201), masking=Masking.OWN, sentence="Present a signed statement of intent"),
        Action("agent_session.claim", "Tell what the person wants", "An agent's own account of what the person wants. People see it beside the session; it explains nothing.",
               ASK, Risk.LOW, Effect.LOCAL, ModelShape(Say), ModelShape(SessionView), speaking.claim,
               route=Route("POST", "/v1/sessions/{session_id}/claims"), masking=Masking.OWN, sentence="Tell in {session_id}: {words}"),
        Action("agent_session.close", "Close a session", "Ends a session at once, in every process. Its words explain nothing from then on.",
               ASK, Risk.LOW, Effect.LOCAL, ModelShape(OneSession), ModelShape(SessionView), speaking.close,
               route=Route("DELETE", "/v1/sessions/{session_id}"), masking=Masking.OWN, sentence="Close the session {session_id}"),
        Action("agent_session.show", "Show a session", "What was said in it, what the agent read and did. An agent sees its own.",
               LOOK, Risk.LOW, Effect.NONE, ModelShape(OneSession), ModelShape(SessionShown), speaking.show,
               route=Route("GET", "/v1/sessions/{session_id}"), masking=Masking.OWN, sentence="Show the session {session_id}"),
        Action("agent_session.list", "List sessions", "The tenant's sessions, the newest first. An agent sees its own.",
               LOOK, Risk.LOW, Effect.NONE, ModelShape(List), ModelShape(SessionList), speaking.list_,
               route=Route("GET", "/v1/sessions"), masking=Masking.OWN, recorded=Recorded.BATCHED, sentence="List sessions"),
        Action("intent_key.register", "Register an intent key", "From now on statements that this key signs count as people's own words. The private half must be where no agent reads it: with the application in which people speak.",
               MANAGE, Risk.HIGH, Effect.LOCAL, ModelShape(Register), ModelShape(KeyView), keys.register, step_up=True,
               route=Route("POST", "/v1/intent-keys", 201), masking=Masking.OWN, sentence="Register the intent key {title}"),
        Action("intent_key.list", "List intent keys", "Whose statements count, or counted.",
               MANAGE, Risk.LOW, Effect.NONE, ModelShape(Empty), ModelShape(KeyList), keys.listed,
               route=Route("GET", "/v1/intent-keys"), masking=Masking.OWN, recorded=Recorded.BATCHED, sentence="List intent keys"),
        Action("intent_key.revoke", "Revoke an intent key", "No statement of this key counts any more. Sessions that it opened stay open until they are closed.",
               MANAGE, Risk.LOW, Effect.LOCAL, ModelShape(OneKey), ModelShape(Nothing), keys.revoke,
               route=Route("DELETE", "/v1/intent-keys/{intent_key_id}"), masking=Masking.OWN, sentence="Revoke the intent key {intent_key_id}"),
    ]  # fmt: skip
