"""The kinds of jobs by name, as the rooms declare them, and who may ask for one."""

from collections.abc import Iterable, Mapping

from ostiary.access.authorise import covers
from ostiary.actions import Actor, Surface
from ostiary.errors import Forbidden, NotFound, OutOfScope, WrongSurface
from ostiary.work import Kind


class Kinds:
    """A name that is taken twice is a mistake at start."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds: dict[str, Kind] = {}
        for kind in kinds:
            if kind.name in self._kinds:
                raise ValueError(f"two kinds of jobs are named {kind.name}")
            self._kinds[kind.name] = kind

    def all(self) -> Mapping[str, Kind]:
        return self._kinds

    def get(self, name: str) -> Kind:
        """Raises NotFound."""
        if name not in self._kinds:
            raise NotFound("There is no such kind of job.")
        return self._kinds[name]

    def of(self, actor: Actor) -> list[Kind]:
        """The kinds that this actor may start, see and steer."""
        return [kind for kind in self._kinds.values() if refusal(actor, kind) is None]


def refusal(actor: Actor, kind: Kind) -> Forbidden | OutOfScope | WrongSurface | None:
    """Why this actor may not do what the kind does; None if it may. A key's scopes are matched against the kind's name and scope."""
    if actor.surface is not Surface.ADMIN:
        return WrongSurface()
    if kind.permission not in actor.permissions:
        return Forbidden()
    if actor.scopes is not None and not covers(actor.scopes, kind.name, kind.scope):
        return OutOfScope()
    return None
