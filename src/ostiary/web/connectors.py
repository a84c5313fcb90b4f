"""The systems behind the door: list, add, change, test, give a new secret, remove."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from ostiary.actions import JsonValue
from ostiary.errors import InvalidParameters, OstiaryError
from ostiary.web import words
from ostiary.web.desk import Desk


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the form for a kind of connector. `kind` is text, url, number, yes (a tick), lines, or one of `choices`."""

    name: str
    label: str
    hint: str = ""
    placeholder: str = ""
    kind: str = "text"
    required: bool = True
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    title: str
    icon: str
    fields: tuple[Field, ...]
    credential: str = ""
    """What its credential is called; empty where it has none."""


_TIMEOUT = Field("timeout_s", "Give up after, seconds", "Empty: the operator's limit.", kind="number", required=False)  # fmt: skip
_ROWS = Field("answer_rows_max", "At most this many rows", "Empty: the operator's limit.", kind="number", required=False)  # fmt: skip
KINDS: Mapping[str, Kind] = {
    "http": Kind(
        "HTTP back-end",
        "globe",
        (
            Field(
                "base_url",
                "Base address",
                "Contracts add their paths to it. Requests are signed.",
                "https://billing.example.com/api",
                "url",
            ),
            Field(
                "honours_idempotency_key",
                "It does a repeated Idempotency-Key once",
                "Then a call of unknown outcome is sent again by itself; otherwise a person settles it.",
                kind="yes",
                required=False,
            ),
            _TIMEOUT,
        ),
        "Credential, where it wants one",
    ),
    "sqlite": Kind(
        "SQLite file",
        "database",
        (
            Field(
                "path",
                "Path of the file",
                "Under a folder that the operator declared in OSTIARY_SOURCE_ROOTS. It is only read.",
                "/data/shop.db",
            ),
            _TIMEOUT,
            _ROWS,
        ),
    ),
    "postgresql": Kind(
        "PostgreSQL",
        "database",
        (
            Field("host", "Host", placeholder="db.example.com"),
            Field("port", "Port", "Empty: 5432.", kind="number", required=False),
            Field("database", "Database", placeholder="shop"),
            Field("user", "Role", "One that may only SELECT what contracts need.", "ostiary_reader"),
            Field(
                "tls",
                "TLS",
                choices=(
                    ("verify", "on, and the certificate is verified"),
                    ("encrypt", "on, unverified"),
                    ("off", "off (private addresses only)"),
                ),
            ),
            Field("schemas", "Search path", "Empty: the role's own.", "sales,public", required=False),
            _TIMEOUT,
            _ROWS,
        ),
        "Password",
    ),
    "mysql": Kind(
        "MySQL, MariaDB",
        "database",
        (
            Field("host", "Host", "It is asked, under a policy; no contract points to it.", "db.example.com"),
            Field("port", "Port", "Empty: 3306.", kind="number", required=False),
            Field("database", "Database", placeholder="shop"),
            Field("user", "User", "One that may only SELECT.", "ostiary_reader"),
            Field(
                "tls",
                "TLS",
                choices=(
                    ("verify", "on, and the certificate is verified"),
                    ("off", "off (private addresses only)"),
                ),
            ),
            _TIMEOUT,
        ),
        "Password",
    ),
    "duckdb": Kind(
        "DuckDB, files",
        "database",
        (
            Field(
                "path",
                "Path",
                "A DuckDB database, a CSV, Parquet or JSON file, or a folder of those, under a folder that the operator declared in OSTIARY_SOURCE_ROOTS. It is only read.",
                "/data/sales",
            ),
            _TIMEOUT,
        ),
    ),
    "mcp": Kind(
        "MCP server",
        "connectors",
        (
            Field(
                "url",
                "Address",
                "Its Streamable HTTP endpoint. No tool of it is called before you have accepted it.",
                "https://tools.example.com/mcp",
                "url",
                required=False,
            ),
            Field(
                "program",
                "Or a program of the operator's",
                "A name from OSTIARY_MCP_PROGRAMS, spoken to over stdio.",
                required=False,
            ),
            Field(
                "credentials",
                "Whose credential goes with a call",
                choices=(("shared", "this connector's"), ("per_person", "each person's own, from Connect")),
            ),
            Field(
                "pass_through",
                "Agents may speak with it at /mcp/<name>",
                "With its own names; every message still passes the door.",
                kind="yes",
                required=False,
            ),
            Field(
                "reads",
                "What is read there",
                choices=(
                    ("judged", "each value that goes out is judged"),
                    ("free", "may carry any value to this server"),
                ),
            ),
        ),
        "Credential, where it wants one",
    ),
    "constant": Kind("Constant answers", "info", ()),
}
_STEPS = {
    "address": "Its address may be reached",
    "connect": "It answers",
    "signature": "It takes our signature",
    "query": "It can be read",
    "tools": "It lists its tools",
}


async def listed(desk: Desk) -> Response:
    found = await desk.ask("connector.list")
    return await desk.page("connectors/page.html", connectors=[_row(row) for row in found["connectors"]])


async def one(desk: Desk) -> Response:
    return await _one(desk)


async def ask_new(desk: Desk) -> Response:
    return await _form(desk, desk.query("kind", "http"))


async def ask_change(desk: Desk) -> Response:
    found = await desk.ask("connector.show", {"name": desk.path("name")})
    values = {"name": found["name"], **found["settings"]}
    return await _form(desk, found["kind"], values=values, changing=True)


async def save(desk: Desk) -> Response:
    """Add or change: the whole settings; a credential that is left empty stays as it is."""
    kind = desk.form.get("kind", "")
    chosen = KINDS.get(kind, KINDS["http"])
    name = desk.form.get("name", "").strip()
    settings = {
        "kind": kind,
        **{field.name: value for field in chosen.fields if (value := _read(field, desk.form)) is not None},
    }
    asked: dict[str, JsonValue] = {"name": name, "settings": settings, "paused": "paused" in desk.form}
    if desk.form.get("credential"):
        asked["credential"] = desk.form["credential"]
    try:
        made = await desk.ask("connector.put", asked)
    except InvalidParameters as error:
        return await _form(
            desk,
            kind,
            values={**settings, "name": name},
            faults=error.faults,
            changing="changing" in desk.form,
        )
    if made["secret"]:
        return await _one(desk, name=name, secret=made["secret"])
    return desk.go(f"/connectors/{name}", "connector-saved")


async def test(desk: Desk) -> Response:
    try:
        found = await desk.ask("connector.test", {"name": desk.path("name")})
    except OstiaryError as error:
        step = {
            "name": "Test",
            "ok": False,
            "detail": error.title(),
            "remedy": words.REMEDIES.get(error.code, ""),
        }
        return await _one(desk, tested={"ok": False, "steps": [step]})
    steps = [
        {
            **step,
            "name": _STEPS.get(step["name"], step["name"]),
            "remedy": "" if step["ok"] else words.REMEDIES.get(step["code"], ""),
        }
        for step in found["steps"]
    ]
    return await _one(desk, tested={"ok": found["ok"], "steps": steps})


async def rotate(desk: Desk) -> Response:
    given = await desk.ask("connector.secret_rotate", {"name": desk.path("name")})
    return await _one(desk, secret=given["secret"], old_until=given["old_valid_until"])


async def remove(desk: Desk) -> Response:
    name = desk.path("name")
    if desk.form.get("name", "").strip() != name:
        raise InvalidParameters("Type the connector's name to remove it.")
    await desk.ask("connector.remove", {"name": name})
    return desk.go("/connectors", "connector-removed")


async def _one(
    desk: Desk, *, name: str = "", secret: str = "", old_until: str = "", tested: Any = None
) -> Response:
    found = await desk.ask("connector.show", {"name": name or desk.path("name")})
    return await desk.page(
        "connectors/one.html", connector=_row(found), secret=secret, old_until=old_until, tested=tested
    )


async def _form(
    desk: Desk,
    kind: str,
    *,
    values: Mapping[str, JsonValue] | None = None,
    faults: Any = (),
    changing: bool = False,
) -> Response:
    name = kind if kind in KINDS else "http"
    return await desk.page(
        "connectors/form.html", status=422 if faults else 200, kind=name, kinds=KINDS, chosen=KINDS[name], values=values or {}, faults=faults,
        changing=changing,
    )  # fmt: skip


def _read(field: Field, form: Mapping[str, str]) -> JsonValue:
    """One value of the form as the contract wants it; None where it is left out."""
    text = form.get(field.name, "").strip()
    if field.kind == "yes":
        return bool(text)
    if not text:
        return None
    return int(text) if field.kind == "number" and text.isdigit() else text


def _row(row: Mapping[str, JsonValue]) -> dict[str, Any]:
    kind = KINDS.get(str(row["kind"]), Kind(str(row["kind"]), "connectors", ()))
    settings: Mapping[str, JsonValue] = row["settings"]
    facts = [
        (field.label, settings[field.name])
        for field in kind.fields
        if settings.get(field.name) not in (None, "")
    ]
    state = words.Word("Not tested", "none")
    if row["paused"]:
        state = words.Word("Paused", "wait", "wait")
    elif row["tested_at"]:
        state = (
            words.Word("Answers", "done", "ok")
            if row["tested_ok"]
            else words.Word("Does not answer", "fail", "no")
        )
    database = f"{settings['host']}/{settings['database']}" if "host" in settings else ""
    address = settings.get("base_url") or settings.get("url") or settings.get("path") or database
    return {
        **row,
        "icon": kind.icon,
        "kind_text": kind.title,
        "address": address,
        "facts": facts,
        "signs": row["kind"] == "http",
        "word": state,
    }
