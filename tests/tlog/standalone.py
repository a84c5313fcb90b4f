"""The stand-alone verifier for tests: as a module of its own, and as an auditor runs it (isolated, nothing importable but `cryptography`)."""

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import ostiary
from ostiary.audit.verifier_file import source

FILE = Path(ostiary.__file__).parent / "audit" / "standalone" / "ostiary_verify.py"

ALONE = """
import sys
class Only:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in ("cryptography", "_cffi_backend"):
            raise ImportError("not for auditors: " + name)
sys.meta_path.insert(0, Only())
import runpy
sys.argv[:] = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def module() -> Any:
    spec = importlib.util.spec_from_file_location("ostiary_verify", FILE)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def run(*arguments: str, folder: Path) -> tuple[int, Any]:
    """Exit code and report (with --json), from a copy in an empty folder, isolated from the environment and from everything installed."""
    alone = folder / "alone"
    alone.mkdir(exist_ok=True)
    (alone / "ostiary_verify.py").write_bytes(source())
    done = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, str(alone / "ostiary_verify.py"), *arguments, "--json"],
        capture_output=True,
        text=True,
        cwd=alone,
        timeout=60,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def accepts(verifier: Any, data: bytes, checkpoint: Path | None = None) -> bool:
    """Whether the verifier's own code, in this process, takes an export."""
    arguments = ["export", "-"] + (["--checkpoint", str(checkpoint)] if checkpoint else [])
    given = verifier_arguments(verifier, arguments)
    try:
        return bool(verifier.verify_lines(verifier.Asked(given), io.BytesIO(data))["ok"])
    except verifier.Wrong:
        return False


def verifier_arguments(_verifier: Any, arguments: list[str]) -> Any:
    class Given:
        what = arguments[0]
        key = ""
        witness: list[str] = []  # noqa: RUF012
        quorum = None
        checkpoint = [arguments[3]] if len(arguments) > 3 else []

    return Given
