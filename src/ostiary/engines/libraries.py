"""The libraries of the extra `ask`, which an installation may lack."""

from collections.abc import Iterator
from contextlib import contextmanager

from ostiary.errors import LibraryMissing

MISSING = "Asking databases needs more libraries: pip install 'ostiary[ask]'."


@contextmanager
def needed() -> Iterator[None]:
    """Around their imports. Raises LibraryMissing."""
    try:
        yield
    except ModuleNotFoundError:
        raise LibraryMissing(MISSING) from None
