"""Runs what failed in the last run by itself, three times: a test that fails then fails the build. `make test` calls it; docs/decisions/0106 says why.

Nothing is run, and the build fails, when nothing is known of the failures (a collection that broke) or when there are more than MOST: then the machine was not the reason.
"""

import json
import subprocess
import sys
from pathlib import Path

MOST, TIMES = 3, 3
KNOWN = Path(".pytest_cache/v/cache/lastfailed")


def failed(known: Path = KNOWN) -> list[str]:
    """Node ids of what failed last, sorted; a file or folder that could not be collected is one of them."""
    return sorted(json.loads(known.read_text())) if known.exists() else []


def main() -> int:
    """0 when each of few failures passes TIMES times in a row by itself, else 1."""
    these = failed()
    if not these or len(these) > MOST or any("::" not in each for each in these):
        return 1
    for _ in range(TIMES):
        command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *these]
        if subprocess.run(command, check=False).returncode != 0:
            return 1
    print(f"FLAKY: failed in the whole run and passed {TIMES} times alone:", *these, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
