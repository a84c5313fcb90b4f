"""The permission matrix: every action against every built-in role, as a page that a reviewer reads and a test pins."""

from collections.abc import Iterable

from ostiary.access.roles import BUILT_IN, INSTALL_ONLY, PERMISSIONS
from ostiary.actions import Action

INTRODUCTION = """# Permissions

Generated from the actions and roles by `ostiary.access.matrix`; a test pins it. `yes` means that the role holds the permission; a contract, a key's scopes
and approval may still say no. `anyone` needs no credential. `operator` is held by whoever set the installation up, never through a role.
"""


def markdown(actions: Iterable[Action]) -> str:
    """The page `docs/reference/permissions.md`."""
    return "\n".join((INTRODUCTION, *_by_action(actions), "", *_by_permission(), ""))


def cell(action: Action, role: str) -> str:
    """`yes`, `anyone`, `operator` or nothing."""
    if action.public:
        return "anyone"
    if action.permission in INSTALL_ONLY:
        return "operator"
    return "yes" if action.permission in BUILT_IN[role] else ""


def undeclared(actions: Iterable[Action]) -> list[str]:
    """Permissions that actions ask for and no one could ever hold: a mistake at start."""
    return sorted({action.permission for action in actions if not action.public} - PERMISSIONS.keys())


def _by_action(actions: Iterable[Action]) -> list[str]:
    lines = [
        "## Actions",
        "",
        _row("Action", "Permission", "Risk", *BUILT_IN),
        _row(*["---"] * (3 + len(BUILT_IN))),
    ]
    for action in sorted(actions, key=lambda one: one.name):
        cells = [cell(action, role) for role in BUILT_IN]
        asked = "" if action.public else f"`{action.permission}`"
        lines.append(_row(f"`{action.name}`", asked, action.risk.value, *cells))
    return lines


def _by_permission() -> list[str]:
    lines = [
        "## What each permission means",
        "",
        _row("Permission", "It lets you", *BUILT_IN),
        _row(*["---"] * (2 + len(BUILT_IN))),
    ]
    for permission, meaning in sorted(PERMISSIONS.items()):
        held = ["yes" if permission in granted else "" for granted in BUILT_IN.values()]
        lines.append(_row(f"`{permission}`", meaning, *held))
    return lines


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
