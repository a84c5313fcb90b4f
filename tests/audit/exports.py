"""Exports for tests: a log's lines as the CLI would fetch them, without a server."""

import asyncio
from pathlib import Path
from typing import Any

from ostiary.actions import Actor, ActorKind, Call, Face
from ostiary.audit.actions import actions
from ostiary.audit.export import ExportFormat, export_lines, write_export
from ostiary.audit.log import Audit
from ostiary.ids import CallId, TenantId
from tests.audit.events import ACME


def ask(audit: Audit, name: str, tenant: TenantId = ACME, **params: Any) -> Any:
    """The answer as JSON, through the action's own shapes."""
    action = next(action for action in actions(audit) if action.name == name)
    call = Call(CallId("cal_x"), Actor(tenant, ActorKind.PERSON, "per_1"), action, Face.REST, 0, "")
    answer = asyncio.run(action.run(call, action.params.parse(params)))
    assert action.result.parse(answer) == answer
    return answer.model_dump(mode="json")


def export(audit: Audit, path: Path, form: ExportFormat = ExportFormat.JSONL) -> Path:
    """Export the whole log, with its checkpoint beside it (`<path>.checkpoint`); the path."""
    lines = export_lines(
        ask(audit, "audit.checkpoint"),
        lambda start, end: ask(audit, "audit.export", start=start, end=end, limit=3),
    )
    write_export(lines, path, form, path.with_name(path.name + ".checkpoint"))
    return path
