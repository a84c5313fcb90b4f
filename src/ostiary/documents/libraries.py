"""The libraries of the extra `documents`, loaded when a format first needs one."""

from importlib import import_module
from typing import Any

from ostiary.errors import DocumentLibraryMissing


def library(name: str) -> Any:
    """A module by its name. DocumentLibraryMissing where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise DocumentLibraryMissing from error
