"""How a tenant publishes its checkpoints: who cosigns them, where they are sent, whether anybody may read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import orjson
from pydantic import AfterValidator, Field, model_validator

from ostiary.audit._c2sp_note import COSIGNATURE, NoteInvalid, VerifierKey, parse_key
from ostiary.audit.publishing import store
from ostiary.clock import DAY_US
from ostiary.ids import TenantId
from ostiary.net.address import URL_CHARACTERS_MAX, parse_url
from ostiary.net.mail import is_address
from ostiary.net.webhook import destination
from ostiary.secret import Secret
from ostiary.shapes import Params
from ostiary.vault.sealing import Place, Vault

PURPOSE = "publishing"
WITNESSES_MAX = 8
ADDRESSES_MAX = 5
SECRET_OVERLAP_US = DAY_US
"""How long the webhook's secret before goes on signing beside the new one."""


def _vkey(text: str) -> str:
    try:
        return parse_key(text, COSIGNATURE).text()
    except NoteInvalid as error:
        raise ValueError(str(error)) from None


def _mailbox(text: str) -> str:
    if not is_address(text):
        raise ValueError("is not an e-mail address")
    return text


Url = Annotated[str, Field(max_length=URL_CHARACTERS_MAX)]


class WitnessSetting(Params):
    """A witness: where it answers (`add-checkpoint` is put behind `url`), and its verifier key as it gives it out (C2SP, type 0x04)."""

    url: Annotated[str, Field(min_length=1, max_length=URL_CHARACTERS_MAX)]
    key: Annotated[str, Field(max_length=300), AfterValidator(_vkey)]


class Settings(Params):
    """`open`: anybody may read checkpoints and hash tiles; events never. `quorum`: how many witnesses make a checkpoint count as cosigned.

    Each checkpoint is posted to `webhook_url`, which becomes a webhook of this room, and mailed to `mail_to`, where these are set.
    """

    open: bool = False
    witnesses: Annotated[list[WitnessSetting], Field(max_length=WITNESSES_MAX)] = Field(default_factory=list)
    quorum: Annotated[int, Field(ge=0, le=WITNESSES_MAX)] = 0
    webhook_url: Url = ""
    mail_to: Annotated[list[Annotated[str, AfterValidator(_mailbox)]], Field(max_length=ADDRESSES_MAX)] = (
        Field(default_factory=list)
    )

    @model_validator(mode="after")
    def _fits(self) -> "Settings":
        keys = [witness.key for witness in self.witnesses]
        if len(set(keys)) != len(keys):
            raise ValueError("a witness is named twice")
        if self.quorum > len(keys):
            raise ValueError("the quorum is larger than the number of witnesses")
        return self

    def keys(self) -> list[VerifierKey]:
        return [parse_key(witness.key, COSIGNATURE) for witness in self.witnesses]


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A secret of the webhook; `until_us` is 0 for the present one."""

    secret: Secret
    until_us: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """How a tenant publishes, as it stands. Version 0: nobody has ever said; nothing is open and nothing is sent."""

    version: int
    settings: Settings
    secrets: tuple[SigningSecret, ...]
    changed_us: int = 0


NOTHING = Opened(0, Settings(), ())


def opened(vault: Vault, tenant: TenantId, row: store.PublishingRow | None) -> Opened:
    """Raises SealBroken, KeysUnavailable."""
    if row is None:
        return NOTHING
    settings = Settings.model_validate_json(vault.open(_place(tenant, "settings"), row.settings))
    listed = vault.open_json(_place(tenant, "secrets"), row.secrets)
    secrets = tuple(SigningSecret(Secret(text), until_us) for text, until_us in listed)
    return Opened(row.version, settings, secrets, row.changed_us)


def sealed(vault: Vault, tenant: TenantId, made: Opened) -> store.PublishingRow:
    """The row. Raises KeysUnavailable."""
    text = orjson.dumps(made.settings.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    listed = [[each.secret.reveal(), each.until_us] for each in made.secrets]
    return store.PublishingRow(
        version=made.version,
        open=made.settings.open,
        settings=vault.seal(_place(tenant, "settings"), text, purpose=PURPOSE),
        secrets=vault.seal_json(_place(tenant, "secrets"), listed, purpose=PURPOSE),
        changed_us=made.changed_us,
    )


def renewed(secrets: Sequence[SigningSecret], fresh: Secret, now_us: int) -> tuple[SigningSecret, ...]:
    """With a new secret; the one before goes on for a day."""
    before = [
        SigningSecret(each.secret, now_us + SECRET_OVERLAP_US) for each in secrets if each.until_us == 0
    ]
    return (SigningSecret(fresh), *before)


def check(settings: Settings) -> None:
    """Raises AddressRefused for an address that can never be reached, whatever it resolves to."""
    if settings.webhook_url:
        destination(settings.webhook_url)
    for witness in settings.witnesses:
        parse_url(witness.url)


def _place(tenant: TenantId, column: str) -> Place:
    return Place(tenant, "publishing", column, "")
