"""Which action an address means, derived from the registry: nothing is reachable that has no route there."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from ostiary.actions import Action
from ostiary.errors import MalformedRequest, MethodNotAllowed, NotFound

CONTRACT_PREFIX = "/v1/actions/"


@dataclass(slots=True)
class _Node:
    """One path segment. `name` is set where the segment is a parameter."""

    fixed: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    name: str = ""
    actions: dict[str, Action] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """What is called; `action` is empty for a contract, which the door looks up by name. `path` holds the values in the path."""

    name: str
    path: dict[str, str]
    action: Action | None


class Routes:
    """A tree of path segments. A fixed segment wins over a parameter."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self._root = _Node()
        for action in actions:
            if action.route:
                self._add(action)

    def _add(self, action: Action) -> None:
        assert action.route is not None
        node = self._root
        for segment in action.route.path.strip("/").split("/"):
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node(name=segment[1:-1])
                node = node.parameter
            else:
                node = node.fixed.setdefault(segment, _Node())
        if action.route.method in node.actions:
            raise ValueError(f"two actions have the route {action.route.method} {action.route.path}")
        node.actions[action.route.method] = action

    def match(self, method: str, path: str) -> Match:
        """`path` as on the request line, percent-encoded; an empty segment, also at the end, is no name of anything. Raises NotFound, MethodNotAllowed (with the methods that are) and MalformedRequest."""
        if path.startswith(CONTRACT_PREFIX):
            if method != "POST":
                raise MethodNotAllowed("POST")
            return Match(_decoded(path[len(CONTRACT_PREFIX) :]), {}, None)
        node, values = self._root, {}
        for segment in path.removeprefix("/").split("/"):
            following = node.fixed.get(segment) or (node.parameter if segment else None)
            if following is None:
                raise NotFound
            if following.name:
                values[following.name] = _decoded(segment)
            node = following
        if not node.actions:
            raise NotFound
        action = node.actions.get(method)
        if action is None:
            raise MethodNotAllowed(", ".join(sorted(node.actions)))
        return Match(action.name, values, action)


def _decoded(segment: str) -> str:
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise MalformedRequest("The path is not UTF-8.") from None
