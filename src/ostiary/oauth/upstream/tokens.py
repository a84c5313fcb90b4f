"""The token of one person at one system, for a call of theirs. It is renewed before it is over, by one process at a time: an authorization server may end
everything when a refresh token comes twice.

Nothing is held in memory: what was disconnected, or belongs to somebody who has left, is not used any more by any process.
"""

import asyncio
import re
from dataclasses import replace
from typing import NoReturn

from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.errors import ConnectRequired, OstiaryError, ScopeRequired, TargetRefused, TargetUnavailable
from ostiary.identity import store as identity_store
from ostiary.ids import PersonId, SubjectId, TenantId
from ostiary.oauth import discovery
from ostiary.oauth.upstream import store
from ostiary.oauth.upstream.flow import (
    PURPOSE,
    SCOPE_CHARACTERS_MAX,
    Flows,
    Tokens,
    open_tokens,
    open_wanted,
    posted,
    read_tokens,
    seal_tokens,
    seal_wanted,
    secret_of,
    union,
)
from ostiary.oauth.upstream.store import AccountRow, State
from ostiary.secret import Secret
from ostiary.vault.sealing import Vault

EARLY_US = 60 * SECOND_US
"""Renewed this long before it is over."""
RENEWING_S = 30
LOOK_EVERY_S = 0.1
_SCOPE = re.compile(r"[!#-\[\]-~ ]+")
"""RFC 6749 section 3.3."""


class Accounts:
    """Lives on the event loop."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, flows: Flows) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._flows = flows

    async def token_for(self, tenant: TenantId, connector: str, person: str) -> Secret:
        """The person's own token. Raises ConnectRequired where there is none, or none that can be renewed; SealBroken; the target errors."""
        row = await self._good(tenant, connector, person)
        if row.expires_us == 0 or self._clock.now_us() < row.expires_us - EARLY_US:
            return secret_of(open_tokens(self._vault, tenant, row))
        return await self._renewed(tenant, row)

    async def renew(self, tenant: TenantId, connector: str, person: str, seen: Secret) -> Secret:
        """The next token, after the system refused `seen`; the present one where another call has renewed it already. Raises as `token_for`."""
        row = await self._good(tenant, connector, person)
        present = secret_of(open_tokens(self._vault, tenant, row))
        return await self._renewed(tenant, row) if present.matches(seen) else present

    async def spent(self, tenant: TenantId, connector: str, person: str, seen: Secret) -> OstiaryError:
        """The system refuses a token that was just renewed: no call uses it any more, until the person has connected the account anew."""
        row = await self._row(tenant, connector, person)
        if secret_of(open_tokens(self._vault, tenant, row)).matches(seen):
            await self._marked(tenant, row, State.AGAIN)
        return self._again()

    async def too_little(
        self, tenant: TenantId, connector: str, person: str, seen: Secret, challenge: str
    ) -> OstiaryError:
        """The system wants more scope than the token has. The person is asked for it, once: for what they have been asked before, the answer stands."""
        row = await self._row(tenant, connector, person)
        tokens = open_tokens(self._vault, tenant, row)
        before = open_wanted(self._vault, tenant, row)
        named = discovery.challenge_of(challenge).scope
        missing = [name for name in named.split() if name not in tokens.widened.split()]
        wanted = union(before, " ".join(missing))
        all_of_it = union(tokens.scope, tokens.widened, wanted)
        if not missing or not _SCOPE.fullmatch(wanted) or len(all_of_it) > SCOPE_CHARACTERS_MAX:
            return TargetRefused(
                "The system wants more of the account there than this gateway may have; nobody is asked again."
            )
        if secret_of(tokens).matches(seen) and wanted != before:
            await self._vault.prepare(tenant, PURPOSE, [SubjectId(row.person)])
            await self._marked(tenant, row, State.WIDER, seal_wanted(self._vault, tenant, row, wanted))
        return ScopeRequired(f"Open {self._flows.page}, see what the system wants, and allow it or leave it.")

    async def revoke(self, tenant: TenantId, row: AccountRow) -> None:
        """Tell the authorization server that the tokens are not needed any more (RFC 7009), as well as it goes: what counts is that ours are gone."""
        tokens = open_tokens(self._vault, tenant, row)
        if not tokens.revocation_endpoint:
            return
        try:
            reach = await self._flows.reach_of(tenant, row.connector)
            fields = {"token": tokens.refresh or tokens.access}
            await posted(reach, tokens.revocation_endpoint, tokens.registration, fields)
        except OstiaryError:
            return

    async def _good(self, tenant: TenantId, connector: str, person: str) -> AccountRow:
        """Raises ConnectRequired where the person has to connect the account first, or anew."""
        row = await self._row(tenant, connector, person)
        if row.state is State.AGAIN:
            raise self._again()
        return row

    async def _marked(
        self, tenant: TenantId, row: AccountRow, state: State, wanted: bytes | None = None
    ) -> None:
        await self._database.change(lambda c: store.mark_account(c, tenant, row, state, wanted))

    def _again(self) -> ConnectRequired:
        return ConnectRequired(
            f"Your account there has to be connected anew: open {self._flows.page}. Then ask again."
        )

    async def _row(self, tenant: TenantId, connector: str, person: str) -> AccountRow:
        if not person:
            raise ConnectRequired(
                "Only a person's own call, or an agent's that acts for one, uses an account there."
            )
        who = PersonId(person)
        row = await self._database.run(
            lambda c: (
                store.find_account(c, tenant, connector, who)
                if identity_store.find_member(c, tenant, who) is not None
                else None
            )
        )
        if row is None:
            raise ConnectRequired(
                f"Connect your account there first: open {self._flows.page}. Then ask again."
            )
        return row

    async def _renewed(self, tenant: TenantId, row: AccountRow) -> Secret:
        """Raises ConnectRequired where the server does not renew it; then nobody tries again until the person has connected the account anew."""
        tokens = open_tokens(self._vault, tenant, row)
        if not tokens.refresh:
            await self._gone(tenant, row)
        for _ in range(int(RENEWING_S / LOOK_EVERY_S)):
            now_us = self._clock.now_us()
            until_us = now_us + RENEWING_S * SECOND_US
            mine = row
            if await self._database.change(
                lambda c: store.claim_account(c, tenant, mine, now_us=now_us, until_us=until_us)  # noqa: B023 - run before the loop goes on
            ):
                return await self._fetched(tenant, row, tokens)
            await asyncio.sleep(LOOK_EVERY_S)
            later = await self._good(tenant, row.connector, row.person)
            if later.version != row.version:
                return secret_of(open_tokens(self._vault, tenant, later))
        raise TargetUnavailable("The authorization server did not renew the token in time.")

    async def _fetched(self, tenant: TenantId, row: AccountRow, tokens: Tokens) -> Secret:
        reach = await self._flows.reach_of(tenant, row.connector)
        fields = {"grant_type": "refresh_token", "refresh_token": tokens.refresh, "resource": tokens.resource}
        reply = await posted(reach, tokens.token_endpoint, tokens.registration, fields)
        if reply.status in (400, 401):
            await self._gone(tenant, row)
        now_us = self._clock.now_us()
        fresh, expires_us = read_tokens(reply, tokens, now_us)
        await self._vault.prepare(tenant, PURPOSE, [SubjectId(row.person)])
        sealed = seal_tokens(self._vault, tenant, row.connector, row.person, fresh)
        after = replace(
            row,
            version=row.version + 1,
            tokens=sealed,
            changed_us=now_us,
            expires_us=expires_us,
            renewing_us=0,
        )
        if not await self._database.change(lambda c: store.renew_account(c, tenant, after)):
            raise ConnectRequired  # disconnected meanwhile
        return secret_of(fresh)

    async def _gone(self, tenant: TenantId, row: AccountRow) -> NoReturn:
        await self._marked(tenant, row, State.AGAIN)
        raise self._again()
