"""What strangers call their files, made harmless: a name is shown and offered for saving, and decides nothing but how an unknown content is read."""

import re
import unicodedata
from urllib.parse import quote

NAME_CHARACTERS_MAX = 120
UNNAMED = "document"
_ENDING = re.compile(r"[a-z0-9]{1,8}")
_RESERVED = re.compile(r'[<>:"|?*%;]')


def plain(name: str) -> str:
    """The last part of a path, without characters that steer a terminal, a page or the direction of writing, and not longer than NAME_CHARACTERS_MAX."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(
        letter
        for letter in last
        if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    )
    kept = _RESERVED.sub("_", kept).strip(" .")
    if len(kept) > NAME_CHARACTERS_MAX:
        stem, dot, tail = kept.rpartition(".")
        kept = stem[: NAME_CHARACTERS_MAX - len(tail) - 1] + dot + tail if dot and len(tail) <= 8 else kept[:NAME_CHARACTERS_MAX]  # fmt: skip
    return kept or UNNAMED


def words(name: str) -> str:
    """A name as one would say it: its marks are spaces."""
    return " ".join(re.split(r"[\s_.+()\[\]-]+", name)).strip()


def ending(name: str) -> str:
    """The ending of a name, without the dot; empty for what is none."""
    tail = name.rpartition(".")[2].lower() if "." in name else ""
    return tail if _ENDING.fullmatch(tail) else ""


def redacted(name: str, ending_: str) -> str:
    """What the output is called: `letter.pdf` becomes `letter-redacted.pdf`."""
    stem = name.rpartition(".")[0] if ending(name) else name
    return f"{stem or UNNAMED}-redacted" + (f".{ending_}" if ending_ else "")


def disposition(name: str) -> str:
    """Content-Disposition (RFC 6266) of a file that is saved and never shown; `name` is `plain`."""
    simple = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return f"attachment; filename=\"{simple}\"; filename*=UTF-8''{quote(name, safe='')}"
