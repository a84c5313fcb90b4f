"""What a process of Ostiary does: everything, the faces, or the jobs; or what a command needs of it."""

from enum import Enum


class Kind(Enum):
    """(name, faces, jobs). `serve` does both; `web` and `worker` run in any number, on PostgreSQL.

    `drill` is the application on a restored copy: its faces answer, and it starts nothing that reaches out. `tool` is a command beside a running gateway: it is
    never started, and only records; the log takes several writers.
    """

    SERVE = ("serve", True, True)
    WEB = ("web", True, False)
    WORKER = ("worker", False, True)
    DRILL = ("drill", True, False)
    TOOL = ("tool", False, False)

    def __init__(self, label: str, faces: bool, jobs: bool) -> None:
        self.label = label
        self.faces = faces
        self.jobs = jobs

    @classmethod
    def named(cls, label: str) -> "Kind":
        return next(kind for kind in cls if kind.label == label)
