"""The stand-alone verifier as it is handed out: one file, which shares no code with the product, so that a mistake here is not a mistake there."""

from pathlib import Path

NAME = "ostiary_verify.py"


def source() -> bytes:
    """The file's content."""
    return (Path(__file__).parent / "standalone" / NAME).read_bytes()
