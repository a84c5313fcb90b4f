"""Documents for tests of reviews, and the way of one through a house."""

import hashlib
from typing import Any

from tests.house import House

LETTER = (
    "Dear Ada Marsh,\n\nyour card 4111 1111 1111 1111 was charged.\nWrite to ada.marsh@example.com, or to ada.marsh@example.com again.\n"
    "Support: help@example.com. The code word is Bluebottle; Bluebottle it stays.\n"
)
BINARY = {"content-type": "application/octet-stream"}


async def ticket(house: House, token: str | None = None) -> str:
    return str((await house.good("POST", "/v1/document-uploads", token, json={}))["upload_id"])


async def uploaded(house: House, content: bytes, token: str | None = None) -> tuple[str, str]:
    upload = await ticket(house, token)
    came = await house.good("PUT", f"/v1/document-uploads/{upload}", token, content=content, headers=BINARY)
    assert came == {"upload_id": upload, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return upload, came["sha256"]


async def opened(
    house: House,
    content: bytes | str = LETTER,
    name: str = "letter.txt",
    token: str | None = None,
    **more: Any,
) -> str:
    """A document that was read; its id."""
    data = content.encode() if isinstance(content, str) else content
    upload, sha256 = await uploaded(house, data, token)
    asked = {"upload_id": upload, "sha256": sha256, "name": name, **more}
    shown = await house.good("POST", "/v1/documents", token, json=asked)
    await house.work()
    return str(shown["id"])


async def leaf(house: House, document: str, number: int = 0, token: str | None = None) -> Any:
    return await house.good("GET", f"/v1/documents/{document}/leaves/{number}", token)


async def exported(house: House, document: str, token: str | None = None) -> Any:
    """The document after an export: its state says what became of it."""
    seen = (await leaf(house, document, token=token))["version"]
    await house.good("POST", f"/v1/documents/{document}/exports", token, json={"seen": seen})
    await house.work()
    return await house.good("GET", f"/v1/documents/{document}", token)


def of_value(found: Any, text: str) -> list[Any]:
    return [each for each in found["findings"] if each["text"] == text]


def pdf(lines: tuple[str, ...] = ("Dear Ada Marsh,", "write to ada.marsh@example.com", "or to help@example.com.", "The word is Bluebottle.")) -> bytes:  # fmt: skip
    """A page with these lines of text."""
    shown = b"".join(b"(%s) Tj 0 -24 Td " % line.encode() for line in lines)
    content = b"BT /F1 14 Tf 72 760 Td %sET" % shown
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    made, places = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return made + b"xref\n0 6\n0000000000 65535 f \n%strailer << /Root 1 0 R /Size 6 >>\nstartxref\n%d\n%%%%EOF\n" % (table, len(made))  # fmt: skip
