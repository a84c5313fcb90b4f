"""What connectors may cost and reach, out of the operator's settings."""

from pathlib import Path

from ostiary.config import Settings
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
    )
