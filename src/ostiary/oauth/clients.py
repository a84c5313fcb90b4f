"""Which program asks: one that an admin has registered, or one that is known by the address of a document about itself
(draft-ietf-oauth-client-id-metadata-document), which is fetched through `net` and kept for a while.

A client proves nothing by its id. What protects a person is that the answer goes only to an address of that client's, and that they see whose it is.
"""

import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.errors import AddressRefused, OAuthClientRefused, OstiaryError
from ostiary.ids import TenantId
from ostiary.oauth import store
from ostiary.oauth.outward import Outward, Reply, located
from ostiary.oauth.redirects import URIS_MAX, acceptable
from ostiary.oauth.store import ClientRow
from ostiary.secret import Secret
from ostiary.vault.sealing import Place, Vault

CLIENT_ID_CHARACTERS_MAX = 500
NAME_CHARACTERS_MAX = 100
DOCUMENTS_HELD_MAX = 500
KEPT_S = 300
KEPT_S_MAX = 86_400
PURPOSE = "oauth-client"


@dataclass(frozen=True, slots=True)
class Registered:
    """A client as we know it. `host` says whose it is where its id is an address; `secret` is the keyed hash of what it must show at the token endpoint."""

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    host: str = ""
    secret: bytes | None = None


class Clients:
    """Lives on the event loop. Documents are fetched for people who are signed in, never for a stranger."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, outward: Outward) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._outward = outward
        self._documents: OrderedDict[str, tuple[int, Registered]] = OrderedDict()

    async def find(self, tenant: TenantId, client_id: str) -> Registered:
        """Raises OAuthClientRefused, whatever the reason."""
        if not client_id or len(client_id) > CLIENT_ID_CHARACTERS_MAX:
            raise OAuthClientRefused
        if client_id.startswith("https://"):
            return await self._document(client_id)
        row = await self._database.run(lambda connection: store.find_client(connection, tenant, client_id))
        if row is None:
            raise OAuthClientRefused
        return opened(self._vault, tenant, row)

    def prove(self, tenant: TenantId, client: Registered, secret: Secret | None) -> None:
        """A client that has a secret must show it; one that has none must not. Raises OAuthClientRefused."""
        if client.secret is None and secret is None:
            return
        shown = hashed(self._vault, tenant, client.id, secret or Secret(""))
        if client.secret is None or secret is None or not hmac.compare_digest(client.secret, shown):
            raise OAuthClientRefused

    async def _document(self, url: str) -> Registered:
        now_us = self._clock.now_us()
        held = self._documents.get(url)
        if held is not None and now_us < held[0]:
            return held[1]
        self._documents.pop(url, None)
        try:
            check_url(url)
            reply = await self._outward.get(url)
        except OstiaryError:
            raise OAuthClientRefused("The client's document could not be fetched.") from None
        client = described(url, reply)
        self._documents[url] = (now_us + kept_s(reply.headers) * SECOND_US, client)
        if len(self._documents) > DOCUMENTS_HELD_MAX:
            self._documents.popitem(last=False)
        return client


def check_url(url: str) -> None:
    """An address that can be a client's id: https, a path, nothing that two programs could read in two ways. Raises AddressRefused."""
    endpoint, target = located(url, secure=True)
    if target == "/" or "?" in target or url != f"https://{endpoint.authority}{target}":
        raise AddressRefused(
            "A client's address is https, in its plain spelling, with a path and without a query."
        )


def described(url: str, reply: Reply) -> Registered:
    """The client that a document describes. Raises OAuthClientRefused: it must name itself, and hold no secret."""
    found = reply.body
    if reply.status != 200 or found is None or found.get("client_id") != url:
        raise OAuthClientRefused("The client's document does not describe this client.")
    method = found.get("token_endpoint_auth_method", "none")
    if method != "none" or "client_secret" in found:
        raise OAuthClientRefused("A client known by its document has no secret.")
    uris = found.get("redirect_uris")
    if not isinstance(uris, list) or not 0 < len(uris) <= URIS_MAX:
        raise OAuthClientRefused("The client's document names no redirect_uris, or too many.")
    if not all(isinstance(uri, str) and acceptable(uri) for uri in uris):
        raise OAuthClientRefused("The client's document names a redirect URI that is not safe.")
    host = urlsplit(url).hostname or ""
    return Registered(url, plain_name(found.get("client_name")) or host, tuple(uris), host=host)


def kept_s(headers: Mapping[str, str]) -> int:
    """How long a document counts, by its Cache-Control (RFC 9111 section 5.2.2), within bounds of ours."""
    for part in headers.get("cache-control", "").lower().split(","):
        name, _, value = part.strip().partition("=")
        if name in ("no-store", "no-cache"):
            return 0
        if name == "max-age" and value.isdecimal() and len(value) < 12:
            return min(int(value), KEPT_S_MAX)
    return KEPT_S


def plain_name(name: Any) -> str:
    """A name that a page can show on one line, without marks that turn or hide letters."""
    if not isinstance(name, str):
        return ""
    return "".join(letter for letter in name if letter.isprintable()).strip()[:NAME_CHARACTERS_MAX]


def opened(vault: Vault, tenant: TenantId, row: ClientRow) -> Registered:
    found = vault.open_json(_place(tenant, row.id), row.details)
    return Registered(row.id, found["name"], tuple(found["redirect_uris"]), secret=row.secret)


def sealed(vault: Vault, tenant: TenantId, client: Registered) -> bytes:
    """Prepare the key of `PURPOSE` before."""
    told = {name: value for name, value in asdict(client).items() if name in ("name", "redirect_uris")}
    return vault.seal_json(_place(tenant, client.id), told, purpose=PURPOSE)


def hashed(vault: Vault, tenant: TenantId, client_id: str, secret: Secret) -> bytes:
    return vault.mac(tenant, PURPOSE, f"{client_id}|{secret.reveal()}".encode())


def _place(tenant: TenantId, client_id: str) -> Place:
    return Place(tenant, "oauth_client", "details", client_id)
