"""Settings: read once at start from the environment or from mounted files, all checked together, with one sentence a mistake.

Every setting is one `Setting` row of `SETTINGS`; the documentation is generated from the same rows. For each name, `<NAME>_FILE` may point to a
mounted file that holds the value instead. A variable that starts with `OSTIARY_` and is not known is a mistake: a typing error must not turn a
protection off.
"""

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ostiary.errors import ConfigurationError
from ostiary.ids import TenantId, is_id
from ostiary.secret import Secret

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
T = TypeVar("T")

FILE_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Started:
    """A program that the operator lets be started: by its absolute path, with these arguments, and with this for its whole environment. `credential`: the name of
    the variable that gets the connector's credential, "" for none."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    credential: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator decided. Field names are the setting names in lower case without `OSTIARY_`."""

    home: Path
    database_url: str
    keys_url: str
    backup_database_url: str
    backup_keys_url: str
    backup_days: int
    keys_backup_days: int
    blob_url: str
    root_key: Secret
    root_key_file: Path | None
    tenant: TenantId
    memory_mb: int
    cpu_percent: int
    host: str
    port: int
    worker_port: int
    drain_wait_s: int
    public_url: str
    allowed_hosts: tuple[str, ...]
    behind_proxy: tuple[Network, ...]
    tls_cert: str
    tls_key: str
    smtp_url: Secret
    mail_from: str
    detect_model_url: str
    detect_model: str
    detect_model_key: Secret
    detect_model_timeout_s: int
    detect_model_requests_per_hour: int
    ask_model_url: str
    ask_model: str
    ask_model_key: Secret
    ask_model_timeout_s: int
    ask_model_requests_per_hour: int
    egress_allow: tuple[str, ...]
    source_roots: tuple[Path, ...]
    discovery_roots: tuple[tuple[str, Path], ...]
    mcp_programs: Mapping[str, Started]
    security_contact: str
    environment: str
    log_level: str
    metrics_allow: tuple[Network, ...]
    metrics_token: Secret
    otlp_endpoint: str
    otlp_headers: Secret
    traces_percent: int
    audit_stdout: bool
    body_bytes_max: int
    answer_bytes_max: int
    answer_rows_max: int
    call_timeout_s: int
    calls_at_once_max: int
    approval_ttl_s: int
    idempotency_ttl_s: int
    mcp_wait_s: int
    session_idle_s: int
    session_ttl_s: int
    step_up_s: int
    key_rate_per_s: int
    anonymous_rate_per_minute: int
    audit_batch_max: int
    audit_queue_max: int


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the settings reference: how its text is read, what it is when absent, and what it means."""

    name: str
    read: Callable[[str], Any]
    default: str
    meaning: str
    secret: bool = False

    @property
    def field(self) -> str:
        return self.name.removeprefix("OSTIARY_").lower()


def _text(value: str) -> str:
    return value.strip()


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        number = int(value) if re.fullmatch(r"-?\d+", value.strip()) else None
        if number is None or not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return number

    return read


def _yes_no(value: str) -> bool:
    answers = {
        "yes": True,
        "true": True,
        "1": True,
        "on": True,
        "no": False,
        "false": False,
        "0": False,
        "off": False,
    }
    if value.strip().lower() not in answers:
        raise ValueError("must be yes or no")
    return answers[value.strip().lower()]


def _tenant(value: str) -> TenantId:
    text = value.strip()
    if text and not is_id(text, "ten"):
        raise ValueError("must be a tenant's id, ten_...")
    return TenantId(text)


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.strip() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value.strip()

    return read


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part) for part in _listed(value))
    except ValueError as error:
        raise ValueError("must be networks such as 10.0.0.0/8, separated by commas") from error


def _egress(value: str) -> tuple[str, ...]:
    for part in _listed(value):
        try:
            ipaddress.ip_network(part)
        except ValueError:
            if not re.fullmatch(r"[A-Za-z0-9.-]+:\d{1,5}", part):
                raise ValueError("must be networks (10.0.0.0/8) or host:port, separated by commas") from None
    return _listed(value)


def _folders(value: str) -> tuple[Path, ...]:
    paths = tuple(Path(part).expanduser() for part in _listed(value))
    if not all(path.is_absolute() and path.is_dir() for path in paths):
        raise ValueError("must be existing folders with absolute paths, separated by commas")
    return tuple(path.resolve() for path in paths)


def _roots(value: str) -> tuple[tuple[str, Path], ...]:
    """Each with whose it is: `/data/shared` is every tenant's, `ten_0199...=/data/a` that tenant's alone."""
    owned = [part.rpartition("=") for part in _listed(value)]
    if any(sign and not whose.startswith("ten_") for whose, sign, _ in owned):
        raise ValueError("what stands before = must be a tenant's id, ten_...")
    folders = _folders(",".join(path for _, _, path in owned))
    return tuple((whose, folder) for (whose, _, _), folder in zip(owned, folders, strict=True))


def _programs(value: str) -> Mapping[str, Started]:
    """From a JSON file, so that arguments need no quoting: `{"files": {"command": ["/usr/bin/files-mcp"], "environment": {}}}`."""
    if not value.strip():
        return {}
    try:
        with open(value.strip(), "rb") as file:
            found = json.loads(file.read(FILE_BYTES_MAX))
        return {_program_name(name): _started(each) for name, each in found.items()}
    except (OSError, ValueError, AttributeError, TypeError, KeyError) as error:
        raise ValueError(
            'must be a file with JSON such as {"files": {"command": ["/usr/bin/files-mcp"], "environment": {}}}'
        ) from error


def _program_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,47}", name):
        raise ValueError(name)
    return name


def _started(raw: Mapping[str, Any]) -> Started:
    command, environment = raw["command"], raw.get("environment", {})
    credential = raw.get("credential", "")
    texts = [*command, *environment, *environment.values(), credential]
    strange = set(raw) - {"command", "environment", "credential"}
    if strange or not command or isinstance(command, str) or not all(isinstance(text, str) for text in texts):
        raise ValueError("command")
    if not Path(command[0]).is_absolute():
        raise ValueError("command")
    if not re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]{0,63})?", credential) or credential in environment:
        raise ValueError("credential")
    return Started(tuple(command), dict(environment), credential)


def _url(*schemes: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        text = value.strip()
        if text and urlsplit(text).scheme not in schemes:
            raise ValueError(
                f"must be a URL that starts with {' or '.join(scheme + ':' for scheme in schemes)}"
            )
        return text.rstrip("/") if schemes[0] == "http" else text

    return read


def _provider(value: str) -> str:
    text = _url("http", "https")(value)
    at = urlsplit(text)
    if text and (not at.hostname or at.username is not None or at.query or at.fragment):
        raise ValueError("must be an address such as https://models.example.com/v1, without user, query or #")
    return text


def _database(value: str) -> str:
    text = value.strip()
    if text.startswith("postgresql://"):
        text = "postgresql+psycopg://" + text.removeprefix("postgresql://")
    if text and not text.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("must start with sqlite:/// or postgresql://")
    return text


def _key(value: str) -> Secret:
    """One or more base64 keys of 32 bytes, newest first, separated by commas or, in a file, by new lines."""
    for part in _listed(value.replace("\n", ",")):
        try:
            sound = len(base64.b64decode(part, validate=True)) == 32
        except ValueError:
            sound = False
        if not sound:
            raise ValueError("must be 32 bytes in base64; `ostiary keys generate` makes one")
    return Secret(value.strip())


def _smtp(value: str) -> Secret:
    _url("smtp", "smtps")(value)
    return Secret(value.strip())


def _token(value: str) -> Secret:
    text = value.strip()
    if text and (len(text) < 24 or not re.fullmatch(r"[!-~]+", text)):
        raise ValueError("must be 24 or more visible ASCII characters")
    return Secret(text)


def _headers(value: str) -> Secret:
    """As OpenTelemetry's own variable is written: `name=value,name=value`."""
    for part in _listed(value):
        if not re.fullmatch(r"[A-Za-z0-9-]{1,64}=[ -~]{1,4096}", part):
            raise ValueError("must be name=value, separated by commas")
    return Secret(value.strip())


def database_url(text: str) -> str:
    """A database's address as the settings take it; empty stays empty. Raises ConfigurationError."""
    try:
        return _database(text)
    except ValueError as error:
        raise ConfigurationError([f"The address of a database {error}"]) from error


SETTINGS: tuple[Setting, ...] = (
    Setting("OSTIARY_HOME", lambda text: Path(text).expanduser(), "./ostiary-data", "The folder where data lives unless a URL below says otherwise."),
    Setting("OSTIARY_DATABASE_URL", _database, "", "The database: `sqlite:///...` or `postgresql://...`. Empty: `ostiary.db` in the home folder."),
    Setting("OSTIARY_KEYS_URL", _database, "", "The key store, apart from the data. Empty: `keys.db` in the home folder."),
    Setting("OSTIARY_BLOB_URL", _url("file", "s3", "gs", "az"), "", "Where files go: `file:///...`, `s3://...`, `gs://...` or `az://...`. Empty: `blobs` in the home folder."),
    Setting("OSTIARY_BACKUP_DATABASE_URL", _database, "", "The database as `ostiary backup` reads it: on PostgreSQL as the backup role. Empty: `OSTIARY_DATABASE_URL`."),
    Setting("OSTIARY_BACKUP_KEYS_URL", _database, "", "The key store as `ostiary backup` reads it. Empty: `OSTIARY_KEYS_URL`."),
    Setting("OSTIARY_BACKUP_DAYS", _whole(7, 365), "30", "How many days a backup is kept; the next `ostiary backup` after that removes it."),
    Setting("OSTIARY_KEYS_BACKUP_DAYS", _whole(1, 365), "7", "How many days a backup of the key store is kept: until then a destroyed key can be restored by whoever holds it and the root key."),
    Setting("OSTIARY_ROOT_KEY", _key, "", "The root key, 32 bytes in base64 (`ostiary keys generate`). During a rotation: the new one first, then the old one. It is never written to disk.", secret=True),
    Setting("OSTIARY_TENANT", _tenant, "", "The one tenant that this process is for, `ten_...`, where it is pinned to a cell; `OSTIARY_ROOT_KEY` is then the cell's own. Empty: all that are pinned to none."),
    Setting("OSTIARY_MEMORY_MB", _whole(0, 1_000_000), "0", "The most memory that each process may take, in MB, by its control group where it may write there, else by address space; 0: no limit. At start it says what is in force."),
    Setting("OSTIARY_CPU_PERCENT", _whole(0, 100_000), "0", "The most processor that each process may take, in percent of one, by its control group where it may write there, else a lower priority; 0: no limit."),
    Setting("OSTIARY_HOST", _text, "127.0.0.1", "The address to listen on. Beyond loopback it needs TLS or `OSTIARY_BEHIND_PROXY`."),
    Setting("OSTIARY_PORT", _whole(0, 65535), "8080", "The port to listen on; 0 picks a free one."),
    Setting("OSTIARY_WORKER_PORT", _whole(0, 65535), "8090", "The port where `ostiary worker` answers `/livez`, `/readyz` and `/metrics`."),
    Setting("OSTIARY_DRAIN_WAIT_S", _whole(0, 300), "0", "How long a process that was told to stop goes on taking requests while `/readyz` says no: as long as the load balancer takes to notice, in seconds."),
    Setting("OSTIARY_PUBLIC_URL", _url("http", "https"), "", "How people and agents reach this gateway, such as `https://gate.example.com`. Empty: `http://localhost:<port>`."),
    Setting("OSTIARY_ALLOWED_HOSTS", _listed, "", "Further host names that the gateway answers to, beside the public URL's, separated by commas."),
    Setting("OSTIARY_BEHIND_PROXY", _networks, "", "The networks of the proxies in front, which end TLS and set X-Forwarded-For and X-Forwarded-Proto."),
    Setting("OSTIARY_TLS_CERT", _text, "", "The certificate chain in PEM, to serve HTTPS (TLS 1.2 or later)."),
    Setting("OSTIARY_TLS_KEY", _text, "", "The certificate's private key in PEM."),
    Setting("OSTIARY_SMTP_URL", _smtp, "", "The mail server: `smtp://user:password@host:port` (STARTTLS) or `smtps://...`. Empty: codes go to the operator's terminal or to a file.", secret=True),
    Setting("OSTIARY_MAIL_FROM", _text, "Ostiary <ostiary@localhost>", "The sender of mails."),
    Setting("OSTIARY_DETECT_MODEL_URL", _provider, "", "A model provider that may join detection (OpenAI's chat completions): what stands before `/chat/completions`. Rule sets that ask for it, and `--provider`, send it texts in which what we found ourselves is hidden. Empty: none, and no text leaves."),
    Setting("OSTIARY_DETECT_MODEL", _text, "", "The name of that provider's model."),
    Setting("OSTIARY_DETECT_MODEL_KEY", Secret, "", "The key for that provider, sent as a bearer token. Empty: none is sent.", secret=True),
    Setting("OSTIARY_DETECT_MODEL_TIMEOUT_S", _whole(1, 110), "30", "The longest that the provider may take for one paragraph, in seconds."),
    Setting("OSTIARY_DETECT_MODEL_REQUESTS_PER_HOUR", _whole(1, 1_000_000), "1000", "How many paragraphs this process asks the provider about in an hour; beyond it the provider counts as away."),
    Setting("OSTIARY_ASK_MODEL_URL", _provider, "", "A model provider for questions to sources that we do not understand ourselves (OpenAI's chat completions): what stands before `/chat/completions`. Sources whose policy lets it send it the question and the names of tables, columns and metrics, never a row. Empty: none, and nothing leaves."),
    Setting("OSTIARY_ASK_MODEL", _text, "", "The name of that provider's model."),
    Setting("OSTIARY_ASK_MODEL_KEY", Secret, "", "The key for that provider, sent as a bearer token. Empty: none is sent.", secret=True),
    Setting("OSTIARY_ASK_MODEL_TIMEOUT_S", _whole(1, 110), "20", "The longest that the provider may take for one answer, in seconds, less than OSTIARY_CALL_TIMEOUT_S. A question takes up to three answers, as far as that time goes."),
    Setting("OSTIARY_ASK_MODEL_REQUESTS_PER_HOUR", _whole(1, 1_000_000), "1000", "How often this process asks the provider in an hour; beyond it the provider counts as away."),
    Setting("OSTIARY_EGRESS_ALLOW", _egress, "", "Private addresses that connectors may reach: networks or `host:port`. Public addresses are allowed; private ones are not unless named here."),
    Setting("OSTIARY_SOURCE_ROOTS", _folders, "", "Folders under which file sources (SQLite) may lie. Empty: none may."),
    Setting("OSTIARY_DISCOVERY_ROOTS", _roots, "", "Folders that tenants may have looked through for sensitive data, each for every tenant, or `ten_...=/folder` for one. Empty: none may."),
    Setting("OSTIARY_MCP_PROGRAMS", _programs, "", "A JSON file with the programs that connectors may start as upstream MCP servers (stdio), each with its command and its whole environment. Empty: none may."),
    Setting("OSTIARY_SECURITY_CONTACT", _text, "mailto:security@localhost", "The contact in `/.well-known/security.txt`."),
    Setting("OSTIARY_ENVIRONMENT", _one_of("live", "test"), "live", "Written into API keys, so that a test key is recognised."),
    Setting("OSTIARY_LOG_LEVEL", _one_of("debug", "info", "warning", "error"), "info", "How much is logged."),
    Setting("OSTIARY_METRICS_ALLOW", _networks, "", "The networks of collectors that may read `/metrics` and the reasons of `/readyz?detail`, coming straight to this process. This machine always may."),
    Setting("OSTIARY_METRICS_TOKEN", _token, "", "A bearer token for the same, over HTTPS and through proxies too: 24 characters or more.", secret=True),
    Setting("OSTIARY_OTLP_ENDPOINT", _url("http", "https"), "", "Where traces go, by OTLP over HTTP: `https://collector.example.com:4318`. Empty: no traces are made."),
    Setting("OSTIARY_OTLP_HEADERS", _headers, "", "Headers for that collector: `Authorization=Bearer ...`, several separated by commas.", secret=True),
    Setting("OSTIARY_TRACES_PERCENT", _whole(0, 100), "10", "Of how many requests in a hundred a trace is kept."),
    Setting("OSTIARY_AUDIT_STDOUT", _yes_no, "no", "Also write each audit event's public envelope to stdout, one JSON line each, for a SIEM."),
    Setting("OSTIARY_BODY_BYTES_MAX", _whole(1024, 64 << 20), str(1 << 20), "The largest request body, in bytes."),
    Setting("OSTIARY_ANSWER_BYTES_MAX", _whole(1024, 64 << 20), str(1 << 20), "The largest answer taken from a connected system, in bytes."),
    Setting("OSTIARY_ANSWER_ROWS_MAX", _whole(1, 1_000_000), "1000", "The most rows taken from a database in one answer."),
    Setting("OSTIARY_CALL_TIMEOUT_S", _whole(1, 600), "30", "The longest that a connected system may take, in seconds."),
    Setting("OSTIARY_CALLS_AT_ONCE_MAX", _whole(1, 10_000), "512", "The most calls under way at once; more are answered 429."),
    Setting("OSTIARY_APPROVAL_TTL_S", _whole(10, 30 * 86400), "86400", "How long a held call waits for a person, in seconds."),
    Setting("OSTIARY_IDEMPOTENCY_TTL_S", _whole(60, 90 * 86400), "86400", "How long an idempotency key gives the same answer, in seconds."),
    Setting("OSTIARY_MCP_WAIT_S", _whole(0, 300), "0", "How long an MCP call waits for a decision before it answers that it is held, in seconds."),
    Setting("OSTIARY_SESSION_IDLE_S", _whole(60, 30 * 86400), "28800", "A session ends after this long without use, in seconds."),
    Setting("OSTIARY_SESSION_TTL_S", _whole(60, 90 * 86400), "86400", "A session ends after this long in any case, in seconds."),
    Setting("OSTIARY_STEP_UP_S", _whole(30, 86400), "600", "How long a second factor counts for approvals of high risk, in seconds."),
    Setting("OSTIARY_KEY_RATE_PER_S", _whole(1, 1_000_000), "1000", "Calls a second that one key or person may make."),
    Setting("OSTIARY_ANONYMOUS_RATE_PER_MINUTE", _whole(1, 1_000_000), "60", "Requests a minute that one address may make without a valid credential."),
    Setting("OSTIARY_AUDIT_BATCH_MAX", _whole(1, 100_000), "2048", "The most audit events in one transaction."),
    Setting("OSTIARY_AUDIT_QUEUE_MAX", _whole(16, 1_000_000), "20000", "The most audit events that wait; beyond it calls are refused."),
)  # fmt: skip

_KNOWN = {name for row in SETTINGS for name in (row.name, row.name + "_FILE")}
_ELSEWHERE = {
    "OSTIARY_URL",
    "OSTIARY_API_KEY",
    "OSTIARY_API_KEY_FILE",
    "OSTIARY_ADMIN_URL",
    "OSTIARY_KEYS_ADMIN_URL",
    "OSTIARY_CORPORA",
}


def load(environ: Mapping[str, str], *, offline: bool = False) -> Settings:
    """Read and check every setting. Raises ConfigurationError with all mistakes. `offline`: a command that does not listen."""
    mistakes = [f"{name} is not a setting of Ostiary" for name in sorted(environ) if _is_stranger(name)]
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for row in SETTINGS:
        try:
            values[row.field] = row.read(_raw(environ, row))
        except ValueError as error:
            mistakes.append(f"{row.name} {error}")
            wrong.append(row.name)
            values[row.field] = row.read(row.default)
    file = environ.get("OSTIARY_ROOT_KEY_FILE")
    settings = _completed(Settings(**values, root_key_file=Path(file) if file else None))
    if not offline:
        mistakes += [mistake for mistake in together(settings) if not any(name in mistake for name in wrong)]
    if mistakes:
        raise ConfigurationError(mistakes)
    return settings


def _is_stranger(name: str) -> bool:
    ours = name.startswith("OSTIARY_") and not name.startswith(("OSTIARY_TEST_", "OSTIARY_BENCH_"))
    return ours and name not in _KNOWN and name not in _ELSEWHERE


def _raw(environ: Mapping[str, str], row: Setting) -> str:
    path = environ.get(row.name + "_FILE")
    if path is None:
        return environ.get(row.name, row.default)
    if row.name in environ:
        raise ValueError(f"and {row.name}_FILE are both set; keep one")
    try:
        with open(path, "rb") as file:
            return file.read(FILE_BYTES_MAX).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"_FILE cannot be read ({type(error).__name__})") from error


def _completed(settings: Settings) -> Settings:
    home = settings.home.resolve()
    given = {field.name: getattr(settings, field.name) for field in fields(settings)}
    given["home"] = home
    given["database_url"] = settings.database_url or f"sqlite:///{home / 'ostiary.db'}"
    given["keys_url"] = settings.keys_url or f"sqlite:///{home / 'keys.db'}"
    given["backup_database_url"] = settings.backup_database_url or given["database_url"]
    given["backup_keys_url"] = settings.backup_keys_url or given["keys_url"]
    given["blob_url"] = settings.blob_url or f"file://{home / 'blobs'}"
    scheme = "https" if settings.tls_cert else "http"
    given["public_url"] = settings.public_url or f"{scheme}://localhost:{settings.port}"
    return Settings(**given)


def together(settings: Settings) -> list[str]:
    """Mistakes that only show when settings are seen side by side."""
    mistakes = []
    if not settings.root_key:
        mistakes.append("OSTIARY_ROOT_KEY is not set; make one with `ostiary keys generate` and keep it safe")
    if bool(settings.tls_cert) != bool(settings.tls_key):
        mistakes.append("OSTIARY_TLS_CERT and OSTIARY_TLS_KEY go together; one of them is missing")
    if not is_loopback(settings.host) and not (settings.tls_cert or settings.behind_proxy):
        mistakes.append(
            f"OSTIARY_HOST {settings.host} is beyond loopback: set OSTIARY_TLS_CERT and OSTIARY_TLS_KEY, or OSTIARY_BEHIND_PROXY"
        )
    for name, url, model in (
        ("DETECT", settings.detect_model_url, settings.detect_model),
        ("ASK", settings.ask_model_url, settings.ask_model),
    ):
        if bool(url) != bool(model):
            mistakes.append(
                f"OSTIARY_{name}_MODEL_URL and OSTIARY_{name}_MODEL go together; one of them is missing"
            )
    if settings.ask_model_url and settings.ask_model_timeout_s >= settings.call_timeout_s:
        mistakes.append("OSTIARY_ASK_MODEL_TIMEOUT_S is less than OSTIARY_CALL_TIMEOUT_S")
    if settings.keys_url == settings.database_url:
        mistakes.append(
            "OSTIARY_KEYS_URL and OSTIARY_DATABASE_URL are the same; key material lives apart from the data"
        )
    secure = settings.tls_cert or settings.behind_proxy
    if secure and not settings.public_url.startswith("https://"):
        mistakes.append("OSTIARY_PUBLIC_URL must start with https:// when TLS or a proxy is in front")
    return mistakes


def is_loopback(host: str) -> bool:
    """Whether listening on `host` reaches this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """The Host header values that are answered, in lower case and without a port (DNS rebinding)."""
    names = {
        urlsplit(settings.public_url).hostname or "localhost",
        *(host.lower() for host in settings.allowed_hosts),
    }
    return frozenset(names | {"localhost", "127.0.0.1", "::1"} if is_loopback(settings.host) else names)
