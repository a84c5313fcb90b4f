"""Starting: what `--help` loads, and what `serve` says to settings that do not hold."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ostiary.cli.main import app

HEAVY = ("mcp", "sqlalchemy", "starlette", "uvicorn", "httpx", "httpcore", "cryptography", "jsonschema_rs", "orjson", "rich", "yaml")  # fmt: skip


def _leaves(group: typer.core.TyperGroup, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found |= _leaves(command, (*path, name)) if inner else {(*path, name)}  # type: ignore[arg-type]
    return found


COMMANDS = [(), *sorted(_leaves(typer.main.get_command(app)))]  # type: ignore[arg-type]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "ostiary")
def test_every_command_says_what_it_does(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"])
    assert (shown.exit_code, shown.stdout.startswith("Usage: ")) == (0, True)


@pytest.mark.parametrize("words", [(), ("call",), ("audit", "export")], ids=str)
def test_help_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    script = (
        "import sys; from ostiary.cli.main import app\n"
        f"try: app({[*words, '--help']!r})\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def serve(tmp_path: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    return subprocess.run(
        [sys.executable, "-c", "from ostiary.cli.main import main; main()", "serve", *words],
        env={**clean, "OSTIARY_HOME": str(tmp_path / "home"), **settings},
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip


def test_serve_names_every_mistake_in_a_sentence_and_ends_with_code_2(tmp_path: Path) -> None:
    told = serve(tmp_path, OSTIARY_PORT="eighty", OSTIARY_ROTT_KEY="x", OSTIARY_LOG_LEVEL="loud")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.splitlines() == [
        "OSTIARY_ROTT_KEY is not a setting of Ostiary",
        "OSTIARY_PORT must be a whole number from 0 to 65535",
        "OSTIARY_LOG_LEVEL must be one of debug, info, warning, error",
        "OSTIARY_ROOT_KEY is not set; make one with `ostiary keys generate` and keep it safe",
    ]
    assert not (tmp_path / "home").exists()


def test_serve_does_not_listen_beyond_loopback_in_the_clear(tmp_path: Path) -> None:
    key = base64.b64encode(bytes(32)).decode()
    told = serve(tmp_path, "--host", "0.0.0.0", OSTIARY_ROOT_KEY=key)
    assert told.returncode == 2
    assert told.stderr == (
        "OSTIARY_HOST 0.0.0.0 is beyond loopback: set OSTIARY_TLS_CERT and OSTIARY_TLS_KEY, or OSTIARY_BEHIND_PROXY\n"
    )


def test_a_root_key_is_made_and_its_text_is_what_the_settings_take() -> None:
    first, second = (CliRunner().invoke(app, ["keys", "generate"]).stdout.strip() for _ in range(2))
    assert (len(base64.b64decode(first)), first != second) == (32, True)


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == "0.3.0\n"


def test_a_database_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "ostiary.db").write_bytes(b"this is no database, whatever its name says" * 100)
    done = serve(tmp_path, OSTIARY_ROOT_KEY=base64.b64encode(bytes(32)).decode())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "The database or the key store cannot be used. It does not answer, or this user may not write it.\n"
    )


def test_every_command_stands_under_a_heading() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert [line for line in shown.splitlines() if line.endswith(":")] == [
        "Options:",
        "Run it:",
        "Use it:",
        "Prove, keep, erase:",
        "Look after it:",
    ]
