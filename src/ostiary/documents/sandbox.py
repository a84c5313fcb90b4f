"""Redacting in a process of its own, since documents come from strangers (`confined` says how it is bounded)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ostiary.documents import confined
from ostiary.documents.document import Carrier, Kind, Limits
from ostiary.documents.redacting import Found, Redacted, Settings, redact
from ostiary.documents.verifying import Checked
from ostiary.errors import DocumentMalformed, DocumentTooLarge


def redacted_apart(content: bytes, name: str, settings: Settings) -> Redacted:
    """`redacting.redact` in a child process. The same errors, and DocumentTookTooLong, DocumentTookTooMuchMemory, DocumentMalformed where the parser died."""
    if len(content) > settings.limits.bytes_max:
        raise DocumentTooLarge
    said, new = confined.apart("ostiary.documents.sandbox:task", settings.limits, content, name, settings)
    try:
        return _made(said, new)
    except (KeyError, TypeError, ValueError):
        raise DocumentMalformed("Its parser gave up.") from None


def _made(said: Mapping[str, Any], new: bytes) -> Redacted:
    return Redacted(
        new,
        str(said["format"]),
        tuple(
            Found(str(each["place"]), Kind(each["kind"]), str(each["category"]), str(each["operator"]))
            for each in said["found"]
        ),
        tuple(Carrier(str(each["what"]), int(each["count"])) for each in said["carriers"]),
        Checked(**{key: int(value) for key, value in said["checked"].items()}),
        str(said["input"]),
        str(said["output"]),
        int(said["pieces"]),
    )


def task(_: Limits, content: bytes, name: str, settings: Settings) -> confined.Answer:
    """What the child process does."""
    done = redact(content, name, settings)
    return {key: value for key, value in asdict(done).items() if key != "content"}, done.content
