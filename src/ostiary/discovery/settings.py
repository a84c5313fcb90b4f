"""What a place is told, without its credentials."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from ostiary.privacy.plans.document import NAME as RULES_NAME
from ostiary.shapes import Params

NAME = r"^[a-z][a-z0-9_-]{0,47}$"
AZURE = "az://"
EXPOSURE = {"closed": 0.7, "internal": 1.0, "public": 1.5}
"""What a risk is multiplied by."""

Rules = Annotated[
    str,
    Field(pattern=f"^$|{RULES_NAME}", description="A rule set; empty: everything that the product knows."),
]
Exposure = Annotated[
    Literal["closed", "internal", "public"],
    Field(description="Who gets at it: a few people, the company, anybody. The risk is weighed by it."),
]


class FolderSettings(Params):
    """A folder on the gateway's own machines."""

    kind: Literal["folder"]
    path: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1024,
            pattern=r"^[^\x00]+$",
            description="Below one of the folders that the operator declared.",
        ),
    ]
    rules: Rules = ""
    exposure: Exposure = "internal"


class BucketSettings(Params):
    """A bucket that speaks S3's protocol: of Amazon, of Google (with an HMAC key), or your own; or a container of Azure's."""

    kind: Literal["bucket"]
    url: Annotated[
        str,
        Field(
            pattern=r"^(s3|gs|az)://[a-z0-9$][a-z0-9._-]{1,62}(/[!-~]{0,500})?$",
            description="Such as s3://letters/2026/, gs://letters, az://letters (a container); what stands after the bucket is a prefix.",
        ),
    ]
    endpoint: Annotated[
        str,
        Field(
            max_length=2048,
            description="Of a server of your own: https://s3.example.com. Empty: the provider's; of Azure that of the account which the credentials name.",
        ),
    ] = ""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = "us-east-1"
    rules: Rules = ""
    exposure: Exposure = "internal"


class DatabaseSettings(Params):
    """The database of one of the tenant's connectors (sqlite, postgresql)."""

    kind: Literal["database"]
    connector: Annotated[str, Field(pattern=NAME)]
    rules: Rules = ""
    exposure: Exposure = "internal"


PlaceSettings = Annotated[FolderSettings | BucketSettings | DatabaseSettings, Field(discriminator="kind")]
_READ: TypeAdapter[Any] = TypeAdapter(PlaceSettings)


def read_settings(said: Any) -> Any:
    """The settings of one of the kinds, as they were written."""
    return _READ.validate_python(said)


def reach(settings: Any) -> tuple[object, ...]:
    """Where a credential would go."""
    if isinstance(settings, BucketSettings):
        return (settings.kind, settings.url.partition(":")[0], settings.endpoint, settings.region)
    return (settings.kind,)


def title_of(settings: Any) -> str:
    """Where it is, in a line."""
    return str(getattr(settings, "path", "") or getattr(settings, "url", "") or settings.connector)
