"""What a contract may say about its target, and what is wrong with it if it is wrong.

{"http": {"method": "POST", "path": "/invoices/{invoice_id}/refunds", "query": {...}, "headers": {...}, "body": {"amount": "{amount}"},
          "errors": {"pointer": "/code", "codes": ["already_refunded"]}}}
{"sql": {"statement": "SELECT name FROM customers WHERE id = :customer_id"}}
{"constant": {...any JSON...}}
{"tool": "search_issues", "pin": "<64 hex digits>"}
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.actions import JsonValue
from ostiary.connectors.mcp.upstream import McpTarget
from ostiary.connectors.statement import Statement, read_statement
from ostiary.connectors.template import Text, compile_json, compile_path, compile_text, names_in
from ostiary.errors import ContractInvalid, Fault

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
HEADERS_MAX = 16
QUERY_MAX = 32
CODES_MAX = 64
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_PIN = re.compile(r"[0-9a-f]{64}")
TOOL_CHARACTERS_MAX = 128
_POINTER = re.compile(r"(?:/[A-Za-z0-9_.-]{1,64}){1,5}")
_OUR_HEADERS = """
    accept accept-encoding authorization connection content-encoding content-length content-type cookie expect host idempotency-key keep-alive
    proxy-authorization proxy-connection te trailer transfer-encoding upgrade user-agent via x-forwarded-for x-forwarded-host
"""


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """One request, with places for parameters. `codes`: the error codes of the target's that a caller may be told, found at `code_pointer`."""

    method: str
    path: tuple[Text, ...]
    query: tuple[tuple[str, Any], ...] = ()
    headers: tuple[tuple[str, Text], ...] = ()
    body: Any = None
    code_pointer: str = ""
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SqlTarget:
    statement: Statement


@dataclass(frozen=True, slots=True)
class ConstantTarget:
    value: JsonValue


Target = HttpTarget | SqlTarget | McpTarget | ConstantTarget
SECTION = {
    "http": "http",
    "sql": "sql",
    "sqlite": "sql",
    "postgresql": "sql",
    "mcp": "tool",
    "constant": "constant",
}
"""Which section a target must have, by the connector's kind."""
ASKED_ONLY = frozenset(["mysql", "duckdb"])
"""Kinds that statements of people and agents are run on, under the policy of a source, and no contract's."""


def check_target(
    kind: str, spec: Mapping[str, JsonValue], parameter_names: Collection[str] | None = None
) -> list[Fault]:
    """What is wrong with a target; pointers are relative to it. `kind` is the connector's, or the section's where the connector is not known.
    With `parameter_names`, a place for another parameter is a fault too."""
    return _read(kind, spec, None if parameter_names is None else frozenset(parameter_names))[1]


def compile_target(kind: str, spec: Mapping[str, JsonValue]) -> Target:
    """The target, ready to be filled. Raises ContractInvalid with every fault."""
    target, faults = _read(kind, spec, None)
    if target is None or faults:
        raise ContractInvalid(faults=tuple(faults))
    return target


def _read(
    kind: str, spec: Mapping[str, JsonValue], known: frozenset[str] | None
) -> tuple[Target | None, list[Fault]]:
    if kind in ASKED_ONLY:
        return None, [Fault("", "this connector is asked, and no contract points to it")]
    section = "tool" if kind == "tool" else SECTION.get(kind)
    if section is None:
        return None, [Fault("", f"there is no connector kind {kind}")]
    if section == "tool":
        return _read_tool(spec)
    if not isinstance(spec, Mapping) or set(spec) != {section}:
        return None, [Fault("", f"a target on this connector is written as {section}: ...")]
    if section == "constant":
        return ConstantTarget(spec["constant"]), []
    reader = _Reader(f"/{section}", known)
    given = spec[section]
    if not isinstance(given, Mapping):
        return None, [Fault(f"/{section}", "must be an object")]
    target = (
        _read_http(reader, given) if section == "http" else _read_sql(reader, given, sqlite=kind == "sqlite")
    )
    return target, reader.faults


class _Reader:
    """Collects faults while a section is read, and checks that only known parameters are used."""

    def __init__(self, base: str, known: frozenset[str] | None) -> None:
        self.base = base
        self.faults: list[Fault] = []
        self._known = known

    def fault(self, place: str, detail: str) -> None:
        self.faults.append(Fault(self.base + place, detail))

    def fields(self, given: Mapping[str, JsonValue], allowed: Collection[str]) -> None:
        for name in sorted(set(given) - set(allowed)):
            self.fault(f"/{name}", f"is not known here; known are {', '.join(sorted(allowed))}")

    def compiled(self, place: str, make: Callable[[Any], Any], value: JsonValue, otherwise: Any) -> Any:
        try:
            made = make(value)
        except ValueError as error:
            self.fault(place, str(error))
            return otherwise
        self.used(place, names_in(made))
        return made

    def used(self, place: str, names: Collection[str]) -> None:
        for name in sorted(names):
            if self._known is not None and name not in self._known:
                self.fault(place, f"{name} is not a parameter of this contract")

    def mapping(self, given: Mapping[str, JsonValue], name: str, most: int) -> Mapping[str, JsonValue]:
        value = given.get(name, {})
        if not isinstance(value, Mapping) or len(value) > most:
            self.fault(f"/{name}", f"must be an object with at most {most} fields")
            return {}
        return value


def _read_http(reader: _Reader, given: Mapping[str, JsonValue]) -> HttpTarget:
    reader.fields(given, ("method", "path", "query", "headers", "body", "errors"))
    method = given.get("method")
    if method not in METHODS:
        reader.fault("/method", f"must be one of {', '.join(sorted(METHODS))}")
    if method in {"GET", "HEAD"} and given.get("body") is not None:
        reader.fault("/body", f"a {method} request has no body")
    path = given.get("path")
    pointer, codes = _read_errors(reader, given)
    return HttpTarget(
        method=str(method),
        path=reader.compiled("/path", compile_path, path if isinstance(path, str) else "", ()),
        query=tuple(
            (name, reader.compiled(f"/query/{name}", _query_item, value, ()))
            for name, value in reader.mapping(given, "query", QUERY_MAX).items()
        ),
        headers=tuple(_read_headers(reader, reader.mapping(given, "headers", HEADERS_MAX))),
        body=reader.compiled("/body", compile_json, given.get("body"), None),
        code_pointer=pointer,
        codes=codes,
    )


def _read_tool(spec: Mapping[str, JsonValue]) -> tuple[Target | None, list[Fault]]:
    """Every parameter goes to the tool under its own name, so there is no more to say than which tool, and which definition of it."""
    if not isinstance(spec, Mapping) or set(spec) != {"tool", "pin"}:
        return None, [Fault("", "a target on this connector is written as tool: ... and pin: ...")]
    tool, pin = spec["tool"], spec["pin"]
    if not isinstance(tool, str) or not 0 < len(tool) <= TOOL_CHARACTERS_MAX:
        return None, [Fault("/tool", f"must be a tool's name, of at most {TOOL_CHARACTERS_MAX} characters")]
    if not isinstance(pin, str) or not _PIN.fullmatch(pin):
        return None, [
            Fault("/pin", "must be the 64 hex digits that name the definition; `upstream.show` gives them")
        ]
    return McpTarget(tool, pin), []


def _query_item(value: JsonValue) -> Any:
    if isinstance(value, Mapping | list) or value is None:
        raise ValueError("must be a text, a number or true or false")
    return compile_json(value)


def _read_headers(reader: _Reader, given: Mapping[str, JsonValue]) -> list[tuple[str, Text]]:
    read: list[tuple[str, Text]] = []
    for name, value in given.items():
        if (
            not _HEADER.fullmatch(name)
            or name.lower() in _OUR_HEADERS.split()
            or name.lower().startswith(("ostiary-", "sec-", "proxy-"))
        ):
            reader.fault(f"/headers/{name}", "this header is not a contract's to set")
        elif not isinstance(value, str) or not re.fullmatch(r"[ -~]{0,1024}", value):
            reader.fault(f"/headers/{name}", "must be one line of plain text")
        else:
            read.append((name, reader.compiled(f"/headers/{name}", compile_text, value, ())))
    return read


def _read_errors(reader: _Reader, given: Mapping[str, JsonValue]) -> tuple[str, frozenset[str]]:
    errors = given.get("errors", {})
    if not errors:
        return "", frozenset()
    if not isinstance(errors, Mapping) or set(errors) != {"pointer", "codes"}:
        reader.fault("/errors", "must hold pointer and codes")
        return "", frozenset()
    pointer, codes = errors["pointer"], errors["codes"]
    if not isinstance(pointer, str) or not _POINTER.fullmatch(pointer):
        reader.fault("/errors/pointer", "must be a JSON Pointer such as /error/code")
        return "", frozenset()
    if (
        not isinstance(codes, list)
        or len(codes) > CODES_MAX
        or not all(isinstance(code, str) and _CODE.fullmatch(code) for code in codes)
    ):
        reader.fault("/errors/codes", f"must be a list of at most {CODES_MAX} words")
        return "", frozenset()
    return pointer, frozenset(codes)


def _read_sql(reader: _Reader, given: Mapping[str, JsonValue], *, sqlite: bool) -> SqlTarget | None:
    reader.fields(given, ("statement",))
    text = given.get("statement")
    if not isinstance(text, str):
        reader.fault("/statement", "must be a text")
        return None
    try:
        statement = read_statement(text, sqlite=sqlite)
    except ValueError as error:
        reader.fault("/statement", str(error))
        return None
    reader.used("/statement", statement.parameters)
    return SqlTarget(statement)
