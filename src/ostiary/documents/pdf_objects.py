"""What kind of object pikepdf gives: every one of its objects has every method, so only its type tells."""

from typing import Any

from ostiary.documents.libraries import library


def is_stream(given: Any) -> bool:
    return isinstance(given, library("pikepdf").Stream)


def is_array(given: Any) -> bool:
    return isinstance(given, library("pikepdf").Array)


def is_dictionary(given: Any) -> bool:
    return isinstance(given, library("pikepdf").Dictionary)
