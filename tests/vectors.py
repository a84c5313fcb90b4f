"""Test vectors that others publish. They are read where they lie: `$OSTIARY_CORPORA`, or `shared/data` beside the project."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

CORPORA = Path(os.environ.get("OSTIARY_CORPORA", Path(__file__).parents[2] / "shared" / "data"))


def wycheproof(name: str) -> list[dict[str, Any]]:
    """The test groups of one file of C2SP's Wycheproof vectors; none, where the vectors are not at hand."""
    path = CORPORA / "crypto" / "wycheproof" / name
    return list(json.loads(path.read_text())["testGroups"]) if path.is_file() else []


needs_wycheproof = pytest.mark.skipif(
    not (CORPORA / "crypto" / "wycheproof").is_dir(), reason="no Wycheproof vectors: set OSTIARY_CORPORA"
)
