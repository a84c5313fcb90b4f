"""What identity's tests share: keys written straight into the tables, and calls made as the door makes them."""

import asyncio
from typing import Any

import pyotp
from sqlalchemy import Connection

from ostiary.access import actions as access_actions
from ostiary.access.authorise import Refused, authorise
from ostiary.actions import Actor, ActorKind, Call, Face, Registry
from ostiary.db.database import Database
from ostiary.identity import setup
from ostiary.identity import store as identity_store
from ostiary.identity.actions import actions
from ostiary.identity.api_keys import key_text, store
from ostiary.identity.api_keys.keys import KeyDetails, seal_details, secret_place
from ostiary.identity.api_keys.store import OF_TENANT, KeyRow, SecretRow, VersionRow
from ostiary.identity.gate import Entrance, Gate
from ostiary.identity.post import Post
from ostiary.identity.presented import Presented
from ostiary.identity.services import Services
from ostiary.ids import INSTALL, CallId, TenantId, token
from ostiary.secret import Secret
from ostiary.vault.sealing import Vault
from tests.conftest import StillClock


class House:
    def __init__(self, database: Database, vault: Vault, clock: StillClock, gate: Gate) -> None:
        self.database, self.vault, self.clock, self.gate = database, vault, clock, gate
        self.mails: list[tuple[str, str]] = []
        self.services = Services(database, vault, clock, gate, Post(self._mail))
        self.registry = Registry(
            [
                *actions(self.services),
                *access_actions.actions(
                    database,
                    vault,
                    lambda: self.registry.all().values(),
                    identity_store.role_in_use,
                ),
            ]
        )

    async def _mail(self, email: str, code: str) -> None:
        self.mails.append((email, code))

    def call(self, actor: Actor, name: str, /, **params: Any) -> Any:
        """One call as the door makes it: authorised, parsed, run, its rows in one transaction, its hooks after."""
        return asyncio.run(self._call(actor, name, params))

    async def _call(self, actor: Actor, name: str, params: Any) -> Any:
        call, result = await self.begin(actor, name, params)
        self.commit(call)
        for hook in call.after:
            hook()
        await self.services.post.drain()
        return result

    async def begin(self, actor: Actor, name: str, params: Any) -> tuple[Call, Any]:
        """The call up to its rows."""
        action = self.registry.all()[name]
        decision = authorise(actor, action)
        if isinstance(decision, Refused):
            raise decision.error
        call = Call(CallId("cal_x"), actor, action, Face.REST, self.clock.now_us(), "")
        return call, action.result.parse(await action.run(call, action.params.parse(params)))

    def commit(self, call: Call) -> None:
        def rows(connection: Connection) -> None:
            for write in call.writes:
                write(connection)

        self.database.transact(rows)

    def nobody(self, address: str = "192.0.2.1") -> Actor:
        return Actor(INSTALL, ActorKind.ANONYMOUS, "", address=address)

    def at(self, secret: str) -> Actor:
        """Who comes with this session token."""
        return self.enter(session=Secret(secret)).actor

    def owner(self, email: str = "olga@example.com") -> Actor:
        """The first owner, set up and signed in."""
        secret = setup.issue_token(self.database, self.clock).reveal()
        opened = self.call(
            self.nobody(), "setup.begin", token=secret, email=email, name="Olga", tenant="Acme"
        )
        return self.at(opened.secret)

    def code_for(self, email: str, address: str = "192.0.2.1") -> tuple[str, str]:
        """Ask for a code: the request, and the code that was mailed ("" for none)."""
        before = len(self.mails)
        asked = self.call(self.nobody(address), "session.request_code", email=email)
        return asked.request, self.mails[-1][1] if len(self.mails) > before else ""

    def sign_in(self, email: str) -> Any:
        request, code = self.code_for(email)
        return self.call(self.nobody(), "session.start", request=request, code=code)

    def member(self, by: Actor, email: str, role: str) -> Actor:
        """A member with this role, added by `by` and signed in."""
        self.call(by, "member.add", email=email, name="Max", role=role)
        return self.at(self.sign_in(email).secret)

    def enrol(self, actor: Actor) -> tuple[str, Actor]:
        """Enrol a second factor: its key, and the actor after."""
        key = self.call(actor, "me.totp_enrol").secret.key
        opened = self.call(actor, "me.totp_confirm", code=self.totp(key))
        self.clock.advance(30)
        return key, self.at(opened.secret)

    def totp(self, key: str) -> str:
        return pyotp.TOTP(key).at(self.clock.now_us() // 1_000_000)

    def key(
        self,
        tenant: TenantId,
        *,
        kind: str = "program",
        roles: str = "developer",
        scopes: list[str] | None = None,
        contracts: tuple[str, ...] = (),
        surface: str = "admin",
        expires_us: int = 0,
        signature_required: bool = False,
    ) -> Secret:
        key_id = token(12)
        text = key_text.mint(key_id, environment="live", publishable=kind == "publishable")
        details = KeyDetails("night job", scopes, list(contracts))
        row = KeyRow(
            key_id, kind, surface, "live", roles, signature_required, "per_x", self.clock.now_us(),
            expires_us, 0, 0, seal_details(self.vault, tenant, key_id, details),
        )  # fmt: skip
        self.database.transact(lambda connection: store.add(connection, tenant, row))
        self.version(text, tenant, 1)
        return text

    def version(self, text: Secret, tenant: TenantId, number: int, expires_us: int = 0) -> None:
        parsed = key_text.parse(text)
        mac = self.vault.mac(INSTALL, "api-key", parsed.message)
        row = VersionRow(parsed.id, number, tenant, mac, self.clock.now_us(), expires_us)
        self.database.transact(lambda connection: store.add(connection, INSTALL, row))

    def signing_secret(self, tenant: TenantId, owner: str = OF_TENANT, version: int = 1) -> Secret:
        text = token(43)
        sealed = self.vault.seal(secret_place(tenant, owner, version), text.encode(), purpose="key")
        row = SecretRow(owner, version, sealed, self.clock.now_us(), 0)
        self.database.transact(lambda connection: store.add(connection, tenant, row))
        return Secret(text)

    def enter(self, bearer: Secret | None = None, **more: Any) -> Entrance:
        presented = Presented(Face.REST, bearer=bearer, **{"address": "127.0.0.1", **more})
        return asyncio.run(self.gate.enter(presented))


def id_of(text: Secret) -> str:
    return text.reveal().split("_")[2]
