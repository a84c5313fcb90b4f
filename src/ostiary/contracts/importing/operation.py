"""One operation of an OpenAPI document as a request with places: which parameters it has, and where each of them goes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.actions import JsonValue
from ostiary.contracts.importing.schemas import Unfit, adapted, flattened, visible
from ostiary.contracts.schema import resolve
from ostiary.errors import Fault

PARAMETERS_MAX = 100
QUERY_MAX = 32
HEADERS_MAX = 16
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_PLACE = re.compile(r"\{([^{}/]*)\}")
_JSON = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json(?:;.*)?", re.IGNORECASE)
_NOT_OURS = frozenset({"accept", "content-type", "authorization"})
"""Header parameters that the specification tells to ignore (parameter object, `name`)."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`item` is the path item around `given`, the operation object."""

    document: dict[str, Any]
    path: str
    method: str
    item: Mapping[str, JsonValue]
    given: Mapping[str, JsonValue]

    def followed(self, value: JsonValue) -> Mapping[str, JsonValue]:
        """An object, or the one that its reference names. Raises Unfit."""
        for _ in range(8):
            if not isinstance(value, dict) or "$ref" not in value:
                break
            value = resolve(self.document, value["$ref"])
        if not isinstance(value, dict) or "$ref" in value:
            raise Unfit("it refers to something that is not in this document; nothing is fetched")
        return value


@dataclass(slots=True)
class Request:
    """`parameters` is the contract's JSON Schema; the rest is the target's, with {places}."""

    parameters: dict[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: JsonValue = None
    notes: list[Fault] = field(default_factory=list)

    def add(self, called: str, schema: dict[str, Any], where: str, *, required: bool) -> str:
        """A parameter of the contract under a name that is free; gives the place to write for it."""
        name = re.sub(r"[^A-Za-z0-9_]+", "_", called).strip("_")[:50] or where
        name = name if _NAME.fullmatch(name) else f"p_{name}"
        properties = self.parameters["properties"]
        while name in properties:
            name = f"{where}_{name}"[:63] if not name.startswith(f"{where}_") else f"{name[:60]}_2"
        if len(properties) >= PARAMETERS_MAX:
            raise Unfit(f"it has more than {PARAMETERS_MAX} parameters")
        properties[name] = schema
        if required:
            self.parameters.setdefault("required", []).append(name)
        return f"{{{name}}}"


def request_of(operation: Operation) -> Request:
    """Raises Unfit for what cannot be sent as it is described."""
    request = Request()
    places: dict[str, str] = {}
    for parameter in _parameters(operation):
        _take(operation, parameter, request, places)
    request.path = _path(operation.path, places)
    _body(operation, request)
    for name, most in (("query", QUERY_MAX), ("headers", HEADERS_MAX)):
        if len(getattr(request, name)) > most:
            raise Unfit(f"it has more than {most} parameters in its {name}")
    return request


def _parameters(operation: Operation) -> list[Mapping[str, JsonValue]]:
    """Those of the path, then the operation's own, which replace them by name and place (operation object, `parameters`)."""
    found: dict[tuple[str, str], Mapping[str, JsonValue]] = {}
    for holder in (operation.item, operation.given):
        listed = holder.get("parameters", [])
        for given in listed if isinstance(listed, list) else []:
            parameter = operation.followed(given)
            name, where = parameter.get("name"), parameter.get("in")
            if not isinstance(name, str) or not isinstance(where, str) or not name:
                raise Unfit("one of its parameters has no name or no place")
            found[where, name] = parameter
    return list(found.values())


def _take(
    operation: Operation, parameter: Mapping[str, JsonValue], request: Request, places: dict[str, str]
) -> None:
    name, where = str(parameter["name"]), str(parameter["in"])
    required = parameter.get("required") is True or where == "path"
    if where == "header" and name.lower() in _NOT_OURS:
        return
    taken = adapted(parameter.get("schema", {}), operation.document)
    schema = dict(taken.schema)
    if why := _unsent(parameter, where, schema):
        if required:
            raise Unfit(f"its parameter {visible(name, 60)} is required, and {why}")
        request.notes.append(Fault("", f"left out the parameter {visible(name, 60)}: {why}"))
        return
    if isinstance(text := parameter.get("description"), str) and text.strip():
        schema.setdefault("description", visible(text, 1_000))
    place = request.add(name, schema, where, required=required)
    request.notes += [
        Fault(f"/parameters/properties/{place.strip('{}')}{note.pointer}", note.detail)
        for note in taken.notes
    ]
    if where == "path":
        places[name] = place
    else:
        (request.query if where == "query" else request.headers)[name] = place


def _unsent(parameter: Mapping[str, JsonValue], where: str, schema: Mapping[str, JsonValue]) -> str:
    """Why a parameter cannot be sent as it is described; empty if it can. Lists go into a query one by one (style form, explode)."""
    if where not in ("path", "query", "header"):
        return f"parameters in a {visible(where, 20)} are not sent"
    kind = schema.get("type")
    if "content" in parameter or _shape(parameter) != ("form" if where == "query" else "simple"):
        return "it is written in a style that is not sent"
    if kind == "object" or (kind == "array" and (where != "query" or parameter.get("explode") is False)):
        return "it holds several values in one place"
    return ""


def _shape(parameter: Mapping[str, JsonValue]) -> str:
    default = "form" if parameter.get("in") == "query" else "simple"
    return str(parameter.get("style", default))


def _path(path: str, places: Mapping[str, str]) -> str:
    if not path.startswith("/") or path.startswith("//"):
        raise Unfit("its path does not begin with one slash")
    used: set[str] = set()

    def place(match: re.Match[str]) -> str:
        if match.group(1) not in places:
            raise Unfit(f"its path has a place {visible(match.group(), 60)} that is no parameter")
        used.add(match.group(1))
        return places[match.group(1)]

    filled = _PLACE.sub(place, path)
    if left := sorted(places.keys() - used):
        raise Unfit(f"its path has no place for the parameter {visible(left[0], 60)}")
    return filled


def _body(operation: Operation, request: Request) -> None:
    given = operation.given.get("requestBody")
    if given is None:
        return
    body = operation.followed(given)
    content = body.get("content")
    kinds = content if isinstance(content, dict) else {}
    chosen = next((kind for kind in kinds if isinstance(kind, str) and _JSON.fullmatch(kind)), None)
    required = body.get("required") is True
    if chosen is None or operation.method in ("get", "head"):
        why = (
            "is sent with a GET"
            if operation.method in ("get", "head")
            else f"is {visible(', '.join(map(str, kinds)) or 'of no kind', 120)}, not JSON"
        )
        if required or operation.method not in ("get", "head", "delete"):
            raise Unfit(f"its body {why}")
        request.notes.append(Fault("", f"left out its body, which {why}"))
        return
    media = operation.followed(kinds[chosen]) if isinstance(kinds[chosen], dict) else {}
    _json_body(operation, media.get("schema", {}), request, required=required)


def _json_body(operation: Operation, given: JsonValue, request: Request, *, required: bool) -> None:
    """Each property of the body is a parameter of its own, so that it gets its own label; a body that names none is one parameter."""
    taken = adapted(given, operation.document, sending=True)
    schema = taken.schema
    notes: list[Fault] = []
    flat = flattened(schema, notes)
    if not flat["properties"] or _beside(schema):
        place = request.add("body", schema, "body", required=required)
        request.body = place
        request.notes += [
            Fault(f"/parameters/properties/body{note.pointer}", note.detail) for note in taken.notes
        ]
        return
    wanted = flat.get("required", []) if required else []
    request.body = {
        name: request.add(name, part if isinstance(part, dict) else {}, "body", required=name in wanted)
        for name, part in flat["properties"].items()
    }
    if flat.get("required") and not required:
        request.notes.append(
            Fault(
                "",
                "its body is optional, so all of it is offered as optional; the service checks what goes together",
            )
        )
    request.notes += [*notes, *(Fault(f"/parameters{note.pointer}", note.detail) for note in taken.notes)]


def _beside(schema: Mapping[str, Any]) -> bool:
    """Whether the body may be something else than one object with names: then its parts cannot stand as parameters."""
    kinds = schema.get("type", "object")
    return kinds not in ("object", ["object"], ["object", "null"]) or isinstance(
        schema.get("additionalProperties"), dict
    )


def answers_of(operation: Operation, notes: list[Fault]) -> dict[str, Any] | None:
    """The schema of the answer to what went well, or None."""
    responses = operation.given.get("responses")
    if not isinstance(responses, dict):
        return None
    for status in ("200", "201", "202", "2XX", "2xx", "default"):
        if status not in responses:
            continue
        try:
            content = operation.followed(responses[status]).get("content")
            kinds = content if isinstance(content, dict) else {}
            chosen = next((kind for kind in kinds if isinstance(kind, str) and _JSON.fullmatch(kind)), None)
            if chosen is None or not isinstance(kinds[chosen], dict) or "schema" not in kinds[chosen]:
                return None
            taken = adapted(kinds[chosen]["schema"], operation.document)
        except Unfit as error:
            notes.append(Fault("/returns", f"left out: {error.detail}"))
            return None
        notes.extend(Fault(f"/returns{note.pointer}", note.detail) for note in taken.notes)
        return taken.schema
    return None
