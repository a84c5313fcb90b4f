"""`ostiary --help` in groups: to run it, to use it, to prove and keep, to look after it."""

from typing import Any

from typer.core import TyperGroup

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Run it", ("demo", "serve", "web", "worker", "detect-server", "ocr-server", "login-code")),
    (
        "Use it",
        (
            "detect",
            "redact",
            "scan",
            "guard",
            "ask",
            "query",
            "semantics",
            "sources",
            "discovery",
            "redaction",
            "documents",
            "call",
            "approvals",
            "session",
            "intent-keys",
            "contracts",
            "policy",
            "connectors",
            "upstream",
            "api-keys",
            "oauth",
            "limits",
            "jobs",
            "webhooks",
        ),
    ),
    (
        "Prove, keep, erase",
        ("audit", "witness", "verify-redaction", "retention", "holds", "erase", "erasures"),
    ),
    ("Look after it", ("db", "keys", "quota", "backup", "drill", "restore")),
)
LINE_MAX = 200


class Sections(TyperGroup):
    """The commands under their headings; one that is in none comes last."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        placed = {name for _, names in SECTIONS for name in names}
        rest = tuple(name for name in self.list_commands(ctx) if name not in placed)
        for title, names in (*SECTIONS, ("Others", rest)):
            rows = [
                (name, found.get_short_help_str(LINE_MAX))
                for name in names
                if (found := self.get_command(ctx, name)) and not found.hidden
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
