"""Messages with a name and an address in every carrier we know: redacted, none is left, and what reads messages reads what is left."""

import base64
import io
import quopri
import re
import zipfile
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses

import pytest

from ostiary.documents.redacting import redact
from ostiary.errors import DocumentEncrypted, DocumentFormatUnknown, DocumentMalformed, DocumentTooDeep
from tests.documents.given import CARD, MAIL, NAME, SETTINGS
from tests.documents.leaky import plain


def residues(content: bytes) -> list[str]:
    """Search by none of our code: every part as its encoding says and as it stands, every file of every package, in UTF-8 and UTF-16, without markup."""
    found, waiting = [], [content]
    while waiting:
        data = waiting.pop()
        for run in re.findall(rb"(?:[A-Za-z0-9+/]{4}[\r\n]*){4,}={0,2}", data):
            waiting.append(base64.b64decode(b"".join(run.split()) + b"==", validate=False))
        if data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(data)) as package:
                waiting += [package.read(name) for name in package.namelist()]
                waiting += [name.encode() for name in package.namelist()]
        flat = re.sub(rb"=\r?\n|<[^>]*>", b"", data)
        forms = (
            data,
            flat,
            quopri.decodestring(data),
            data.replace(b"\0", b""),
            re.sub(rb"[\s_-]", b"", flat),
        )
        for canary in (b"zebedeux", b"quillfeather", b"4111 1111", b"4111111111111111", b"evil.example"):
            found += [canary.decode() for form in forms if canary in form.lower()]
    return found


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"] = f'"{NAME}" <{MAIL}>'
    made["To"] = "Büro <a@marsh.example>, zeb@quillfeather.example"
    made["Subject"] = f"Grüße an {NAME} — über alles"
    made["Date"] = "Mon, 23 Nov 2026 10:00:00 +0100"
    made["Received"] = f"from evil.example (10.0.0.1) by mx for <{MAIL}>"
    made["X-Originating-Person"] = NAME
    made["Message-ID"] = "<1.zebedeux@evil.example>"
    made["DKIM-Signature"] = "v=1; d=evil.example; b=AAAA"
    made.set_content(f"Dear {NAME},\npay {CARD} at once — schöne Grüße\n", cte="quoted-printable")
    made.add_alternative(
        f"<html><head><title>{NAME}</title></head><body><p>Dear <b>Zebe</b>deux Quillfeather</p><!-- {NAME} --></body></html>",
        subtype="html",
        cte="base64",
    )
    return made


def parsed(content: bytes) -> EmailMessage:
    made = message_from_bytes(content, policy=policy.default)
    assert [each.defects for each in made.walk()] == [[]] * len(list(made.walk()))
    return made


def test_headers_and_texts() -> None:
    given = message().as_bytes(policy=policy.SMTP)
    assert residues(given)
    done = redact(given, "a.eml", SETTINGS)
    assert residues(done.content) == []
    made = parsed(done.content)
    assert made["subject"] == "Grüße an [person] — über alles"
    assert made["from"] == '"[person] [email]" <redacted@redacted.invalid>'
    assert next(name for name, _ in getaddresses([made["to"]])) == "Büro [email]"
    assert made["date"].datetime.isoformat() == "2026-11-23T10:00:00+01:00"
    assert {each.lower() for each in made} == {
        "from", "to", "subject", "date", "mime-version", "content-type",
    }  # fmt: skip
    assert made.get_body(("plain",)).get_content().splitlines() == [
        "Dear [person],",
        "pay [card] at once — schöne Grüße",
    ]
    assert "<p>Dear <b>[person]</b>" in made.get_body(("html",)).get_content()
    assert {"trace headers", "signatures", "comments"} <= {each.what for each in done.carriers}
    assert {each.place for each in done.found} >= {"From", "Subject", "text, text", "text, paragraph 1"}


def test_attachments_by_their_own_formats_and_their_names() -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as made:
        made.writestr(f"{NAME}.txt", f"to {NAME}")
    within = EmailMessage()
    within["Subject"] = f"Fwd: {NAME}"
    within.set_content(f"for {NAME}", charset="iso-8859-15")
    given = message()
    given.add_attachment(
        f"who\n{NAME}\n".encode(), maintype="text", subtype="csv", filename=f"{NAME} Übersicht.csv"
    )
    given.add_attachment(plain(f"To {NAME}"), maintype="image", subtype="png", filename="not a picture.png")
    given.add_attachment(package.getvalue(), maintype="application", subtype="zip", filename="a.zip")
    given.add_attachment(within)
    given.add_attachment(f"\0\1{NAME}".encode(), maintype="application", subtype="x-own", filename=NAME)
    done = redact(given.as_bytes(policy=policy.SMTP), "a.eml", SETTINGS)
    assert residues(done.content) == []
    made = parsed(done.content)
    names = [each.get_filename() for each in made.iter_attachments()]
    assert names == ["[person] Übersicht.csv", "not a picture.png", "a.zip", None]
    table, pdf, archive, forwarded = made.iter_attachments()
    assert table.get_content() == "who\n[person]\n"
    assert (pdf.get_content_type(), pdf.get_content()[:5]) == ("application/pdf", b"%PDF-")
    with zipfile.ZipFile(io.BytesIO(archive.get_content())) as opened:
        assert [(name, opened.read(name)) for name in opened.namelist()] == [("[person].txt", b"to [person]")]
    assert forwarded.get_content()["subject"] == "Fwd: [person]"
    assert forwarded.get_content().get_content().splitlines() == ["for [person]"]
    assert "not read" in list(made.walk())[-1].get_content()
    assert {"attachment of a type that is not read": 1}.items() <= {
        each.what: each.count for each in done.carriers
    }.items()


CARRIERS = {
    "a preamble": f"Content-Type: multipart/mixed; boundary=b\r\n\r\n{NAME}\r\n--b\r\n\r\nhi\r\n--b--\r\n{NAME}\r\n",
    "an encoded word that is split": "Content-Type: text/plain\r\nSubject: =?utf-8?q?Zebe?=\r\n =?utf-8?b?ZGV1eCBRdWlsbGZlYXRoZXI=?=\r\n\r\nhi\r\n",
    "a group of addresses": f"Date: x\r\nTo: {NAME}: {MAIL}, x@y.example;\r\n\r\nhi\r\n",
    "addresses that cannot be parsed": f'Date: x\r\nTo: <<"{NAME}" [{MAIL} (((Zebedeux Quillfeather\r\n\r\nhi\r\n',
    "a file within the text": f"Subject: x\r\nDate: x\r\n\r\nhi\r\nbegin 644 {NAME}.txt\r\n#6F5B\r\n`\r\nend\r\n",
    "a name in two parameters": f"MIME-Version: 1.0\r\nSubject: x\r\nContent-Type: text/plain; name*0=\"Zebedeux \"; name*1=\"Quillfeather.txt\"\r\n\r\n{NAME}\r\n",
    "letters in another charset": "MIME-Version: 1.0\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-7\r\n\r\nZ+AGU-bedeux Quill+AGY-eather\r\n",
    "parameters and a description": f"MIME-Version: 1.0\r\nSubject: x\r\nContent-Type: text/plain; who=\"{NAME}\"\r\nContent-Description: {NAME}\r\nContent-ID: <{NAME}>\r\n\r\nhi\r\n",
    "an encoding nobody knows": "MIME-Version: 1.0\r\nSubject: x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64 (x)\r\n\r\nWmViZWRldXggUXVpbGxmZWF0aGVy\r\n",
    "a message in base64": "MIME-Version: 1.0\r\nSubject: x\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogWmViZWRldXggUXVpbGxmZWF0aGVyCgpoaQo=\r\n",
    "a part that is elsewhere": f"MIME-Version: 1.0\r\nSubject: x\r\nContent-Type: message/external-body; access-type=local-file; name=\"{NAME}\"\r\n\r\nContent-Type: text/plain\r\n\r\n{NAME}\r\n",
    "a signature": f"MIME-Version: 1.0\r\nSubject: x\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nhi {NAME}\r\n--b\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\nWmViZWRldXggUXVpbGxmZWF0aGVy\r\n--b--\r\n",
    "a mailbox's first line": f"From {MAIL} Mon Nov 23 10:00:00 2026\r\nSubject: x\r\nDate: x\r\n\r\nhi\r\n",
}  # fmt: skip


@pytest.mark.parametrize("carrier", list(CARRIERS))
def test_a_carrier(carrier: str) -> None:
    done = redact(CARRIERS[carrier].encode(), "a.eml", SETTINGS)
    assert residues(done.content) == []
    assert parsed(done.content)["mime-version"] == "1.0"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"Subject: x\nContent-Type: multipart/encrypted; boundary=b\n\n--b\n\nx\n--b--\n", DocumentEncrypted),
        (b"Subject: x\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nAAAA\n", DocumentEncrypted),
        (b"Subject: x\nDate: x\n\n-----BEGIN PGP MESSAGE-----\n\nhQ\n-----END PGP MESSAGE-----\n", DocumentEncrypted),
        (b"Subject: x\nContent-Type: application/pkcs7-mime; smime-type=signed-data\n\nAA\n", DocumentFormatUnknown),
        (b"Subject: x\nContent-Type: message/rfc822\n\n" * 9 + b"hi\n", DocumentTooDeep),
        (b"".join(b"Subject: x\nContent-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)), DocumentTooDeep),
    ],
)  # fmt: skip
def test_what_is_refused(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        redact(content, "a.eml", SETTINGS)


def test_what_is_cut_off_anywhere_is_read_or_refused_clearly() -> None:
    given = message().as_bytes(policy=policy.SMTP)
    for end in range(0, len(given), 97):
        try:
            done = redact(given[:end], "a.eml", SETTINGS)
        except DocumentMalformed:
            continue
        assert parsed(done.content)["mime-version"] == "1.0"
