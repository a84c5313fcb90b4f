"""What failed once is run again by itself: only few, only tests that are known, and three times."""

import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
COUNTED = """
from pathlib import Path
import pytest

def told() -> int:
    file = Path(__file__).with_name("told")
    times = int(file.read_text()) + 1 if file.exists() else 1
    file.write_text(str(times))
    return times
"""


def ran(folder: Path, tests: str) -> tuple[int, str]:
    """The status and the output of the second look, after a first run of these tests."""
    (folder / "test_it.py").write_text(COUNTED + tests)
    first = subprocess.run([sys.executable, "-m", "pytest", "-q", "-n", "0"], cwd=folder, capture_output=True)
    assert first.returncode != 0
    second = subprocess.run(
        [sys.executable, str(HOUSE / "tests/again.py")], cwd=folder, capture_output=True, text=True
    )
    return second.returncode, second.stdout


def test_what_passes_three_times_alone_was_flaky_and_is_named(tmp_path: Path) -> None:
    status, said = ran(tmp_path, "def test_it(): assert told() > 1")
    assert (status, (tmp_path / "told").read_text()) == (0, "4")
    assert "FLAKY" in said
    assert "test_it.py::test_it" in said


@pytest.mark.parametrize("tests", ["def test_it(): assert told() in (2, 3)", "def test_it(): assert False"])
def test_what_fails_again_fails(tmp_path: Path, tests: str) -> None:
    assert ran(tmp_path, tests)[0] == 1


def test_many_failures_are_not_the_machines(tmp_path: Path) -> None:
    many = "@pytest.mark.parametrize('n', range(4))\ndef test_it(n): assert told() > 4"
    assert ran(tmp_path, many)[0] == 1
    assert (tmp_path / "told").read_text() == "4"


def test_a_file_that_cannot_be_read_fails(tmp_path: Path) -> None:
    assert ran(tmp_path, "import nothing_of_this_name")[0] == 1


def test_nothing_known_fails(tmp_path: Path) -> None:
    told = subprocess.run([sys.executable, str(HOUSE / "tests/again.py")], cwd=tmp_path, capture_output=True)
    assert told.returncode == 1
