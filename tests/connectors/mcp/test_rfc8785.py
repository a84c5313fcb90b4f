"""RFC 8785: the published vectors, and the numbers of its appendix B."""

import json
import struct
from pathlib import Path

import pytest

from ostiary.connectors.mcp._rfc8785 import canonical
from tests.vectors import CORPORA

JCS = CORPORA / "crypto" / "jcs"
FILES = sorted((JCS / "input").glob("*.json")) if JCS.is_dir() else []


@pytest.mark.skipif(not FILES, reason="no JCS vectors: set OSTIARY_CORPORA")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_published_vectors_come_out_as_published(path: Path) -> None:
    wanted = (JCS / "output" / path.name).read_bytes().rstrip(b"\n")
    assert canonical(json.loads(path.read_text("utf-8"))) == wanted


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"), ("8000000000000000", "0"), ("0000000000000001", "5e-324"), ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"), ("4340000000000000", "9007199254740992"), ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"), ("44b52d02c7e14af5", "9.999999999999997e+22"), ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"), ("444b1ae4d6e2ef4e", "999999999999999700000"), ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"), ("3eb0c6f7a0b5ed8d", "0.000001"), ("41b3de4355555553", "333333333.3333332"),
        ("becbf647612f3696", "-0.0000033333333333333333"), ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_ecmascript_writes_them(bits: str, text: str) -> None:
    number = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert canonical(number).decode() == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "\ud800", {1: 2}, object()])
def test_what_is_no_json_has_no_canonical_form(value: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        canonical(value)


def test_order_is_by_utf16_code_units() -> None:
    assert canonical({"\ue000": 1, "\U0001f600": 2, "a": 3}).decode() == '{"a":3,"\U0001f600":2,"\ue000":1}'
