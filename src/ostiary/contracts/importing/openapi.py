"""Drafts from an OpenAPI document, 3.0 or 3.1 (https://spec.openapis.org/oas/v3.1.1.html), JSON or YAML.

The document is somebody else's: it is read with the bounds of a contract file, references stay inside it, nothing is fetched. An operation that could not be
sent as it is described (a form, a required cookie, a matrix parameter) becomes no draft, and it is said why; what can be left out safely is left out and
told. Security schemes are the connector's matter: they are named, never followed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ostiary.actions import JsonValue
from ostiary.contracts.importing.drafts import DRAFTS_MAX, Draft, Imported, Left, Names, draft_of
from ostiary.contracts.importing.operation import Operation, Request, answers_of, request_of
from ostiary.contracts.importing.schemas import Unfit, visible
from ostiary.contracts.labels.names import VERB, words
from ostiary.contracts.labels.sense import Described
from ostiary.contracts.schema import resolve
from ostiary.contracts.source import MISTAKES_MAX, SourceMistake, plain, read
from ostiary.errors import ContractInvalid, Fault

PATHS_MAX = 2_000
NAME_CHARACTERS_MAX = 120
_METHODS = ("get", "head", "post", "put", "patch", "delete")
_OTHER = ("options", "trace", "query")
_SPOKEN = {
    "get": "get",
    "head": "get",
    "post": "create",
    "put": "update",
    "patch": "update",
    "delete": "delete",
}


def imported_openapi(text: str, filename: str, connector: str, base_url: str = "") -> Imported:
    """Every operation as a draft, or why not. `base_url` is the connector's address, where it is known. Raises ContractInvalid for what is no OpenAPI 3
    document at all."""
    document = _document(text, filename)
    prefix, notes = _server(document, base_url)
    notes = [*notes, *_security(document)]
    reading = _Reading(document, connector, prefix, Names(connector))
    for path, method, item, operation in _operations(document):
        reading.operation(path, method, item, operation)
        if len(reading.made) + len(reading.left) >= DRAFTS_MAX:
            notes.append(f"only the first {DRAFTS_MAX} operations were read")
            break
    return Imported(tuple(reading.made), tuple(reading.left), tuple(notes))


def _document(text: str, filename: str) -> dict[str, Any]:
    try:
        document = plain(read(text, filename))
    except SourceMistake as error:
        faults = tuple(
            Fault(one.pointer, f"line {one.mark.line}, column {one.mark.column}: {one.detail}")
            for one in error.mistakes[:MISTAKES_MAX]
        )
        raise ContractInvalid("The document cannot be read.", faults=faults) from None
    if not isinstance(document, dict):
        raise _no("", "an OpenAPI document is an object that begins with openapi: 3.1.0")
    if "swagger" in document:
        raise _no("/swagger", "this is Swagger 2.0: convert it to OpenAPI 3 first")
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith(("3.0.", "3.1.")):
        raise _no("/openapi", "this reads OpenAPI 3.0 and 3.1: write openapi: 3.1.0 if it is one")
    paths = document.get("paths")
    if not isinstance(paths, dict) or not paths:
        raise _no("/paths", "the document describes no paths")
    if len(paths) > PATHS_MAX:
        raise _no("/paths", f"the document describes more than {PATHS_MAX} paths: split it")
    return document


def _no(pointer: str, detail: str) -> ContractInvalid:
    return ContractInvalid("The document cannot be imported.", faults=(Fault(pointer, detail),))


def _server(document: Mapping[str, JsonValue], base_url: str) -> tuple[str, list[str]]:
    """The part of a server's path that the connector's address does not have yet."""
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {}
    stated = first.get("url")
    if not isinstance(stated, str) or not stated.strip("/"):
        return "", []
    try:
        there, here = urlsplit(stated), urlsplit(base_url)
    except ValueError:
        return "", ["The address of its server cannot be read: paths are taken as they stand."]
    if "{" in stated:
        return "", [
            f"Its server {visible(stated, 200)} has variables: check that the connector's address ends where the paths begin."
        ]
    notes = []
    if base_url and there.netloc and there.netloc != here.netloc:
        notes.append(
            f"It names the server {there.netloc[:200]}; calls go to the connector's address, {here.netloc[:200]}."
        )
    wanted, has = there.path.rstrip("/"), here.path.rstrip("/")
    if not base_url:
        notes.append(f"Paths begin behind {visible(stated, 200)}: the connector's address must end there.")
        return "", notes
    if not wanted or has.endswith(wanted):
        return "", notes
    if has and not wanted.startswith(f"{has}/"):
        notes.append(
            f"Its paths begin behind {wanted[:200]}, the connector's address ends in {has[:200]}: check one of the paths."
        )
        return "", notes
    return wanted.removeprefix(has), notes


def _security(document: Mapping[str, JsonValue]) -> list[str]:
    """What the service asks for: a person gives it to the connector."""
    components = document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    if not isinstance(schemes, dict) or not schemes:
        return []
    kinds = sorted({_scheme(one) for one in schemes.values() if isinstance(one, dict)})
    return [
        f"The service asks for {', '.join(kinds)[:300]}: the connector holds the credential; nothing of it is imported."
    ]


def _scheme(scheme: Mapping[str, JsonValue]) -> str:
    kind = str(scheme.get("type", "something"))
    return {"http": f"HTTP {scheme.get('scheme', '')} authentication", "apiKey": f"a key in the {scheme.get('in', 'request')}", "oauth2": "OAuth 2.0",
            "openIdConnect": "OpenID Connect", "mutualTLS": "a client certificate"}.get(kind, visible(kind, 40))  # fmt: skip


def _operations(
    document: Mapping[str, JsonValue],
) -> Iterator[tuple[str, str, Mapping[str, JsonValue], JsonValue]]:
    for path, given in document["paths"].items():
        item = (
            resolve(dict(document), given["$ref"]) if isinstance(given, dict) and "$ref" in given else given
        )
        if not isinstance(item, dict):
            yield path, "", {}, None
            continue
        for method in (*_METHODS, *_OTHER):
            if method in item:
                yield path, method, item, item[method]


@dataclass(slots=True)
class _Reading:
    """One document on its way into drafts."""

    document: dict[str, Any]
    connector: str
    prefix: str
    names: Names
    made: list[Draft] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def operation(self, path: str, method: str, item: Mapping[str, JsonValue], operation: JsonValue) -> None:
        source = visible(f"{method.upper()} {path}".strip(), NAME_CHARACTERS_MAX)
        try:
            if not method:
                raise Unfit("this path leads nowhere inside the document; nothing is fetched")
            if method in _OTHER or not isinstance(operation, dict):
                raise Unfit(f"{method.upper()} is not sent" if method in _OTHER else "this is no operation")
            self.made.append(self.draft(Operation(self.document, path, method, item, operation), source))
        except Unfit as error:
            self.left.append(Left(source, error.detail))

    def draft(self, operation: Operation, source: str) -> Draft:
        request = request_of(operation)
        called = _called(operation)
        notes = [*request.notes]
        returns = answers_of(operation, notes)
        if operation.given.get("deprecated") is True:
            notes.append(Fault("", "its maker calls it deprecated"))
        described = Described(
            name=called,
            title=_one_line(operation.given.get("summary")),
            description=_description(operation.given),
            parameters=request.parameters,
            returns=returns,
            method=operation.method.upper(),
        )
        target = {"connector": self.connector, "http": _http(operation, request, self.prefix)}
        return draft_of(described, self.names.of(called), target, notes, source, keeps_returns="reads")


def _called(operation: Operation) -> str:
    """Its operationId, or what method and path say: POST /orders/{id}/refund is a refund of orders."""
    given = operation.given.get("operationId")
    if isinstance(given, str) and words(given):
        return given[:NAME_CHARACTERS_MAX]
    segments = [segment for segment in operation.path.split("/") if segment and "{" not in segment]
    last = words(segments[-1]) if segments else ()
    if operation.method == "post" and last and last[0] in VERB and len(segments) > 1:
        return "_".join((*last, *segments[:-1]))[:NAME_CHARACTERS_MAX]
    return "_".join((_SPOKEN[operation.method], *segments))[:NAME_CHARACTERS_MAX]


def _one_line(text: JsonValue) -> str:
    return " ".join(text.split()) if isinstance(text, str) else ""


def _description(given: Mapping[str, JsonValue]) -> str:
    parts = [
        text.strip()
        for key in ("summary", "description")
        if isinstance(text := given.get(key), str) and text.strip()
    ]
    return "\n\n".join(dict.fromkeys(parts))


def _http(operation: Operation, request: Request, prefix: str) -> dict[str, JsonValue]:
    return {
        "method": operation.method.upper(),
        "path": prefix + request.path,
        **({"query": dict(request.query)} if request.query else {}),
        **({"headers": dict(request.headers)} if request.headers else {}),
        **({"body": request.body} if request.body is not None else {}),
    }
