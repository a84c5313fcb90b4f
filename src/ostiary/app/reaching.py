"""What connectors may cost and reach, out of the operator's settings."""

from pathlib import Path

from sqlalchemy import make_url

from ostiary.config import Settings
from ostiary.connectors.engines import Own
from ostiary.connectors.mcp.stdio import Program
from ostiary.connectors.opening import Limits


def limits(settings: Settings) -> Limits:
    """The operator's bounds; the product's own files are no source."""
    files = [
        url.removeprefix("sqlite:///")
        for url in (settings.database_url, settings.keys_url)
        if url.startswith("sqlite:///")
    ]
    return Limits(
        timeout_s=settings.call_timeout_s,
        answer_bytes_max=settings.answer_bytes_max,
        answer_rows_max=settings.answer_rows_max,
        source_roots=settings.source_roots,
        programs={
            name: Program(each.command, each.environment, each.credential)
            for name, each in settings.mcp_programs.items()
        },
        own_paths=(settings.home, *map(Path, files)),
        own_databases=tuple(
            _own(url) for url in (settings.database_url, settings.keys_url) if url.startswith("postgresql")
        ),
    )


def _own(url: str) -> Own:
    """The product's own database by its URL; what it leaves out is as libpq has it."""
    parts = make_url(url)
    said = parts.query
    host = parts.host or said.get("host", "")
    port = parts.port or int(str(said.get("port", "") or 5432))
    return Own(str(host), port, parts.database or parts.username or "")
