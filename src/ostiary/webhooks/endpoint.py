"""One place that notices go to: its address, what its secrets are, and whether it may be named at all. Pure, but for the sealing."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from ostiary.clock import SECOND_US
from ostiary.errors import AddressRefused, Fault, InvalidParameters
from ostiary.ids import TenantId
from ostiary.net.address import URL_CHARACTERS_MAX, Egress, Endpoint
from ostiary.net.webhook import Destination, destination, new_key, new_secret, public_key
from ostiary.secret import Secret
from ostiary.shapes import Params
from ostiary.vault.sealing import Place, Vault
from ostiary.webhooks.events import Catalogue
from ostiary.webhooks.store import EndpointRow

PURPOSE = "webhook"
TABLE = "webhook_endpoint"
TYPES_MAX = 40
DESCRIPTION_CHARACTERS_MAX = 200
SECRETS_MAX = 3
"""How many sign at once while secrets are replaced; a fourth ends the oldest."""

Format = Literal["standard", "slack"]
Signing = Literal["symmetric", "asymmetric"]
Pattern = Annotated[str, Field(max_length=64)]


class Settings(Params):
    """`url`: where notices are posted. `types`: what it is told of: types, families such as `incident.*`, or `*`. `format`: Standard Webhooks, or a message as
    Slack's incoming webhooks take it. `signing`: with a secret that the receiver shares (v1), or with a key whose public half anybody may have (v1a)."""

    url: Annotated[str, Field(min_length=1, max_length=URL_CHARACTERS_MAX)]
    types: Annotated[list[Pattern], Field(min_length=1, max_length=TYPES_MAX)]
    format: Format = "standard"
    signing: Signing = "symmetric"
    description: Annotated[str, Field(max_length=DESCRIPTION_CHARACTERS_MAX)] = ""


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """`until_us` is 0 for the present one."""

    secret: Secret
    until_us: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """An endpoint's sealed part."""

    url: str
    description: str
    secrets: tuple[SigningSecret, ...]

    def live(self, now_us: int) -> list[Secret]:
        """The secrets and keys that sign now, the newest first."""
        return [each.secret for each in self.secrets if each.until_us == 0 or each.until_us > now_us]

    @property
    def signing(self) -> Signing:
        """How the newest signs."""
        return "asymmetric" if public_key(self.secrets[0].secret) else "symmetric"


def fresh_secret(signing: Signing) -> Secret:
    return new_key() if signing == "asymmetric" else new_secret()


def known(patterns: Sequence[str], catalogue: Catalogue) -> None:
    """Raises InvalidParameters for what is no type of notice here."""
    strange = [number for number, each in enumerate(patterns) if not catalogue.is_pattern(each)]
    if strange:
        what = "is no type of notice, family (incident.*) or everything (*)"
        raise InvalidParameters(faults=tuple(Fault(f"/types/{number}", what) for number in strange))


def checked(url: str, allowed: Egress) -> Destination:
    """Raises AddressRefused for an address that can never be reached, and for one that would be told in the clear without the operator's leave."""
    found = destination(url)
    if found.endpoint.scheme == "http" and not _is_named_by_operator(found.endpoint, allowed):
        raise AddressRefused(
            "Notices go over https; plain http only to what the operator allowed in OSTIARY_EGRESS_ALLOW."
        )
    return found


def _is_named_by_operator(endpoint: Endpoint, allowed: Egress) -> bool:
    if (endpoint.host, endpoint.port) in allowed.servers:
        return True
    try:
        address = ipaddress.ip_address(endpoint.host)
    except ValueError:
        return False
    return any(address in network for network in allowed.networks)


def shown(url: str, format_: str) -> str:
    """The address as pages and answers show it: the query may be a key, and the whole path of a chat's address is one."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    if format_ == "slack":
        return origin + "/…"
    return origin + parts.path + ("?…" if parts.query else "")


def opened(vault: Vault, row: EndpointRow) -> Opened:
    """Raises SealBroken, KeysUnavailable."""
    settings = vault.open_json(_place(row.tenant, row.id, "settings"), row.settings)
    listed = vault.open_json(_place(row.tenant, row.id, "secrets"), row.secrets)
    secrets = tuple(SigningSecret(Secret(text), until_us) for text, until_us in listed)
    return Opened(settings["url"], settings["description"], secrets)


def sealed_settings(vault: Vault, tenant: TenantId, endpoint: str, url: str, description: str) -> bytes:
    """Raises KeysUnavailable."""
    kept = {"url": url, "description": description}
    return vault.seal_json(_place(tenant, endpoint, "settings"), kept, purpose=PURPOSE)


def sealed_secrets(vault: Vault, tenant: TenantId, endpoint: str, secrets: Sequence[SigningSecret]) -> bytes:
    """Raises KeysUnavailable."""
    listed = [[each.secret.reveal(), each.until_us] for each in secrets]
    return vault.seal_json(_place(tenant, endpoint, "secrets"), listed, purpose=PURPOSE)


def renewed(
    secrets: Sequence[SigningSecret], fresh: Secret, *, now_us: int, overlap_s: int
) -> tuple[SigningSecret, ...]:
    """With a new secret; the one before goes on signing beside it for so long, and those before that for as long as they were told."""
    until_us = now_us + overlap_s * SECOND_US
    before = [SigningSecret(each.secret, each.until_us or until_us) for each in secrets]
    live = [each for each in before if each.until_us > now_us]
    return (SigningSecret(fresh), *live[: SECRETS_MAX - 1])


def _place(tenant: TenantId, endpoint: str, column: str) -> Place:
    return Place(tenant, TABLE, column, endpoint)
