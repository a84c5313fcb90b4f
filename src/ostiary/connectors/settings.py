"""What a connector of each kind is told, without its secrets. Bounds that are left out are the operator's; a connector may only lower them."""

from typing import Annotated, Literal

from pydantic import Field

from ostiary.shapes import Params

NAME = r"^[a-z][a-z0-9_-]{0,47}$"
SCHEMA = r"^[a-z_][a-z0-9_]{0,62}(,[a-z_][a-z0-9_]{0,62}){0,7}$|^$"

Name = Annotated[str, Field(pattern=NAME, description="How contracts call this connector.")]
Seconds = Annotated[int, Field(ge=1, le=600)]
Bytes = Annotated[int, Field(ge=1024, le=64 << 20)]
Rows = Annotated[int, Field(ge=1, le=1_000_000)]
Pem = Annotated[
    str,
    Field(max_length=20_000, description="Certificates (PEM) to trust instead of the public authorities."),
]


Indexer = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_.@-]{0,63}$",
        description="A role without SELECT, which reads the catalogue with a password of its own. Empty: the reader does.",
    ),
]


class HttpSettings(Params):
    """An HTTP service. Requests are signed (`Ostiary-Signature`); docs/connectors.md shows how a service checks that."""

    kind: Literal["http"]
    base_url: Annotated[
        str,
        Field(
            min_length=8,
            max_length=2048,
            description="Such as https://billing.example.com/api; the contracts' paths are added.",
        ),
    ]
    honours_idempotency_key: Annotated[
        bool,
        Field(
            description="The service does a repeated Idempotency-Key once, so a call of unknown outcome is sent again."
        ),
    ] = False
    credential_header: Annotated[
        str,
        Field(
            pattern=r"^(Authorization|X-[A-Za-z0-9-]{1,60})$",
            description="Where the credential goes; in Authorization as Bearer.",
        ),
    ] = "Authorization"
    timeout_s: Seconds | None = None
    answer_bytes_max: Bytes | None = None
    ca_pem: Pem = ""


class SqliteSettings(Params):
    """A SQLite file, read only."""

    kind: Literal["sqlite"]
    path: Annotated[
        str, Field(min_length=1, max_length=1024, description="Below one of the operator's source roots.")
    ]
    timeout_s: Seconds | None = None
    answer_bytes_max: Bytes | None = None
    answer_rows_max: Rows | None = None


class PostgresqlSettings(Params):
    """A PostgreSQL database, read only. Give it a role that may only SELECT."""

    kind: Literal["postgresql"]
    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1024, le=65535)] = 5432
    database: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,63}$")]
    user: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@-]{1,63}$")]
    tls: Annotated[
        Literal["verify", "encrypt", "off"], Field(description="off is refused for public addresses.")
    ] = "verify"
    indexer: Indexer = ""
    schemas: Annotated[str, Field(pattern=SCHEMA, description="The search path, such as sales,public.")] = ""
    timeout_s: Seconds | None = None
    answer_bytes_max: Bytes | None = None
    answer_rows_max: Rows | None = None
    ca_pem: Pem = ""


class MysqlSettings(Params):
    """A MySQL or MariaDB database, to be asked (`docs/howto/sources.md`). Give it a user that may only SELECT."""

    kind: Literal["mysql"]
    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1024, le=65535)] = 3306
    database: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    user: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@-]{1,63}$")]
    tls: Annotated[Literal["verify", "off"], Field(description="off is refused for public addresses.")] = (
        "verify"
    )
    indexer: Indexer = ""
    timeout_s: Seconds | None = None
    ca_pem: Pem = ""


class DuckdbSettings(Params):
    """A DuckDB database, a CSV, Parquet or JSON file, or a folder of those, to be asked (`docs/howto/sources.md`). It is only read."""

    kind: Literal["duckdb"]
    path: Annotated[
        str, Field(min_length=1, max_length=1024, description="Below one of the operator's source roots.")
    ]
    timeout_s: Seconds | None = None


class McpSettings(Params):
    """An upstream MCP server: over Streamable HTTP (`url`), or a program of the operator's configuration (`program`). Its tools are nothing before a person
    has accepted each of them."""

    kind: Literal["mcp"]
    url: Annotated[
        str,
        Field(
            max_length=2048,
            description="Such as https://tools.example.com/mcp. Empty where `program` is given.",
        ),
    ] = ""
    program: Annotated[
        str,
        Field(
            pattern=r"^([a-z][a-z0-9_-]{0,47})?$",
            description="The name of a program in the operator's OSTIARY_MCP_PROGRAMS, spoken to over stdio.",
        ),
    ] = ""
    credentials: Annotated[
        Literal["shared", "per_person"],
        Field(
            description="shared: the connector's credential. per_person: each person's own token, from Connect."
        ),
    ] = "shared"
    credential_header: Annotated[
        str,
        Field(
            pattern=r"^(Authorization|X-[A-Za-z0-9-]{1,60})$",
            description="Where the credential goes; in Authorization as Bearer.",
        ),
    ] = "Authorization"
    pass_through: Annotated[
        bool, Field(description="Let clients speak with it at /mcp/<name>, with its own names.")
    ] = False
    reads: Annotated[
        Literal["judged", "free"],
        Field(
            description="At /mcp/<name>: whether prompts, resources, completions and answers may carry any value to this server (free), or each value is "
            "judged by where it came from, as in a write."
        ),
    ] = "judged"
    roles: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")], ...],
        Field(max_length=50, description="Who may, at /mcp/<name>; empty: whoever may call contracts."),
    ] = ()
    timeout_s: Seconds | None = None
    answer_bytes_max: Bytes | None = None
    ca_pem: Pem = ""


class ConstantSettings(Params):
    """Answers with what the contract says: for examples and measurements. Nothing is reached."""

    kind: Literal["constant"]


ConnectorSettings = Annotated[
    HttpSettings
    | SqliteSettings
    | PostgresqlSettings
    | MysqlSettings
    | DuckdbSettings
    | McpSettings
    | ConstantSettings,
    Field(discriminator="kind"),
]
