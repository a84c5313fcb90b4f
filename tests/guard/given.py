"""Statements of our own, by dialect."""

from pathlib import Path

HERE = Path(__file__).parent


def statements(name: str) -> list[tuple[str, str]]:
    """(dialect, statement) of `refused` or `allowed`."""
    found, dialect = [], ""
    for line in (HERE / f"{name}.sql.txt").read_text().splitlines():
        if line.startswith("## "):
            dialect = line.removeprefix("## ")
        elif line and not line.startswith("# "):
            found.append((dialect, line.replace("\\n", "\n") if "\\n" in line else line))
    return found
