"""Attacks on documents under review: tickets that are another's, used or over; bytes that are too many or others; names and contents that want to be more than text; reviewers who race; and
decisions that would leave something in."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.documents.redacting import redact
from ostiary.documents.text import Text
from ostiary.errors import RequestTooLarge
from ostiary.ids import TenantId
from ostiary.review import filenames, paper
from ostiary.review.intake import Intake
from tests.house import House, play
from tests.review.papers import BINARY, LETTER, exported, leaf, of_value, opened, ticket, uploaded
from tests.web.test_real_pages import signed_in


async def code_of(house: House, method: str, path: str, token: str | None = None, **more: Any) -> str:
    answer = await house.ask(method, path, token, **more)
    return f"{answer.status_code} {answer.json()['code']}"


async def member(house: House, role: str) -> str:
    """Somebody else's session."""
    email = f"{role}@pellow.example"
    await house.good("POST", "/v1/members", json={"email": email, "name": role.title(), "role": role})
    return await house.sign_in(email)


def test_a_ticket_is_good_once_for_who_asked_and_for_ten_minutes(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        other = await member(house, "support")
        upload, sha256 = await uploaded(house, b"hello")
        put = {"content": b"other", "headers": BINARY}
        assert await code_of(house, "PUT", f"/v1/document-uploads/{upload}", **put) == "409 conflict"
        theirs = await ticket(house)
        assert await code_of(house, "PUT", f"/v1/document-uploads/{theirs}", other, **put) == "404 not_found"
        asked = {"upload_id": upload, "sha256": sha256, "name": "a.txt"}
        assert await code_of(house, "POST", "/v1/documents", other, json=asked) == "404 not_found"
        wrong = {**asked, "sha256": hashlib.sha256(b"other").hexdigest()}
        assert await code_of(house, "POST", "/v1/documents", json=wrong) == "409 conflict"
        await house.good("POST", "/v1/documents", json=asked)
        assert await code_of(house, "POST", "/v1/documents", json=asked) == "409 conflict"
        unused = {**asked, "upload_id": theirs}
        assert await code_of(house, "POST", "/v1/documents", json=unused) == "409 conflict"
        late = await ticket(house)
        house.clock.advance(601)
        assert await code_of(house, "PUT", f"/v1/document-uploads/{late}", **put) == "404 not_found"
        asking = {"content": b"{}", "headers": {"content-type": "application/json"}}
        fresh = await ticket(house)
        assert (
            await code_of(house, "PUT", f"/v1/document-uploads/{fresh}", **asking) == "415 request.media_type"
        )

    play(tmp_path, story)


def test_too_many_bytes_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.review.intake.BYTES_MAX", 1_000)

    async def story(house: House) -> None:
        tenant = TenantId(house.tenant)
        upload = await ticket(house)
        put = {"content": b"x" * 1_001, "headers": BINARY}
        told = await code_of(house, "PUT", f"/v1/document-uploads/{upload}", **put)
        assert told == "413 request.too_large"
        assert house.gateway.blobs.list(tenant) == []
        assert await code_of(house, "PUT", f"/v1/document-uploads/{upload}", **put) == "409 conflict"

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 400

        intake: Intake = house.gateway.documents.intake
        with pytest.raises(RequestTooLarge):
            await intake.take(tenant, "upl_" + "0" * 32, endless())
        assert (house.gateway.blobs.list(tenant), intake.busy) == ([], {})
        fine = await uploaded(house, b"x" * 1_000)
        (stored,) = house.gateway.blobs.list(tenant)
        assert stored.id == f"doc-{fine[0]}"

    play(tmp_path, story)


def test_who_may_not_review_or_export_does_neither(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        document = await opened(house)
        viewer = await member(house, "viewer")
        at = f"/v1/documents/{document}"
        for method, path, body in (
            ("GET", at, None), ("GET", f"{at}/leaves/0", None), ("GET", "/v1/documents", None), ("POST", "/v1/document-uploads", {}),
            ("POST", f"{at}/decisions", {"decision": "accept", "seen": 0, "category": "email"}), ("POST", f"{at}/exports", {"seen": 0}),
            ("GET", f"{at}/exports/document", None), ("DELETE", at, None),
        ):  # fmt: skip
            more = {} if body is None else {"json": body}
            assert await code_of(house, method, path, viewer, **more) == "403 access.forbidden", path
        agent = await house.make_key("helper", roles=("admin",))
        assert await code_of(house, "GET", at, agent) == "403 access.forbidden"
        reviewers = {"title": "Reviewer", "permissions": ["document.review"]}
        await house.good("PUT", "/v1/roles/reviewer", json=reviewers)
        reviewer = await member(house, "reviewer")
        await house.good("GET", at, reviewer)
        assert (
            await code_of(house, "POST", f"{at}/exports", reviewer, json={"seen": 0})
            == "403 access.forbidden"
        )

    play(tmp_path, story)


def test_four_eyes_and_all_decided_hold(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        other, third = await member(house, "support"), await member(house, "admin")
        document = await opened(house, four_eyes=True, all_decided=True)
        at = f"/v1/documents/{document}"
        assert (
            await code_of(house, "POST", f"{at}/exports", other, json={"seen": 0}) == "409 document.undecided"
        )
        seen = 0
        for category in (await leaf(house, document))["counts"]:
            body = {"decision": "accept", "seen": seen, "category": category}
            seen = (await house.good("POST", f"{at}/decisions", other, json=body))["version"]
        for who in (None, other):
            assert (
                await code_of(house, "POST", f"{at}/exports", who, json={"seen": seen})
                == "403 document.four_eyes"
            )
        assert await code_of(house, "POST", f"{at}/exports", third, json={"seen": seen - 1}) == "409 conflict"
        assert (await exported(house, document, third))["output"]["version"] == seen

    play(tmp_path, story)


def test_two_reviewers_at_once_lose_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        other = await member(house, "support")
        document = await opened(house)
        at = f"/v1/documents/{document}/decisions"
        found = await leaf(house, document)
        card, email = (
            of_value(found, "4111 1111 1111 1111")[0]["id"],
            of_value(found, "help@example.com")[0]["id"],
        )
        yes = {"decision": "accept", "seen": 0, "findings": [card]}
        no = {"decision": "reject", "seen": 0, "findings": [card]}
        answers = await asyncio.gather(house.ask("POST", at, json=yes), house.ask("POST", at, other, json=no))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        apart = {"decision": "reject", "seen": 0, "findings": [email]}
        assert (await house.good("POST", at, other, json=apart))["version"] == 2
        undo = {"number": 2}
        await house.good("POST", f"/v1/documents/{document}/undo", json=undo)
        assert await code_of(house, "POST", f"/v1/documents/{document}/undo", json=undo) == "409 conflict"
        stale = {"decision": "accept", "seen": 2, "findings": [email]}
        assert await code_of(house, "POST", at, json=stale) == "409 conflict"
        again = await leaf(house, document)
        assert (again["version"], of_value(again, "help@example.com")[0]["state"]) == (3, "proposed")

    play(tmp_path, story)


def test_decisions_name_only_what_is_there(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        document = await opened(house)
        at = f"/v1/documents/{document}"
        decide = {"decision": "accept", "seen": 0, "findings": ["f999"]}
        assert await code_of(house, "POST", f"{at}/decisions", json=decide) == "404 not_found"
        for place in ({"piece": 7, "start": 0, "end": 1}, {"piece": 0, "start": 5, "end": 5}, {"piece": 0, "start": 0, "end": 10_000}):  # fmt: skip
            body = {"seen": 0, "category": "name", **place}
            assert await code_of(house, "POST", f"{at}/findings", json=body) == "422 params.invalid", place
        area = {"seen": 0, "page": 1, "left": 0, "bottom": 0, "right": 9, "top": 9}
        assert await code_of(house, "POST", f"{at}/areas", json=area) == "422 params.invalid"
        assert await code_of(house, "GET", f"{at}/leaves/1") == "404 not_found"
        assert await code_of(house, "GET", f"{at}/pages/1") == "404 not_found"
        assert await code_of(house, "GET", f"{at}/exports/document") == "404 not_found"

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\secret\\a.pdf", "a.pdf"),
        ("in\u202efdp.exe", "infdp.exe"),
        ('a"; filename="b.html', "a__ filename=_b.html"),
        ("\x00\r\n", "document"),
        ("<img src=x>.svg", "_img src=x_.svg"),
        ("a" * 300 + ".docx", "a" * 115 + ".docx"),
    ],
)
def test_a_name_is_no_path_no_markup_and_no_header(given: str, kept: str) -> None:
    assert filenames.plain(given) == kept
    said = filenames.disposition(filenames.plain("é" + given))
    assert said.isascii()
    assert not {"\r", "\n"} & set(said)
    assert said.startswith("attachment; ")


def test_markup_comes_back_as_a_file_and_never_as_a_page(tmp_path: Path) -> None:
    html = (
        "<!doctype html><html><body><p>Write to jane@example.com</p><script>alert(1)</script></body></html>"
    )
    svg = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><text>jane@example.com</text></svg>'

    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            for name, content in (("page.html", html), ("drawing.svg", svg)):
                document = await opened(house, content, name=name)
                page = (await browser.get(f"/documents/{document}")).text
                assert "<script>alert" not in page
                assert "<svg xmlns" not in page
                assert (await exported(house, document))["code"] == ""
                output = await browser.get(f"/documents/{document}/file/document")
                assert b"jane@example.com" not in output.content
                assert output.headers["content-type"] == "application/octet-stream"
                assert output.headers["content-disposition"].startswith("attachment;")
                assert "sandbox" in output.headers["content-security-policy"]

    play(tmp_path, story)


def test_an_export_that_would_leave_something_in_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser is made to forget the changes: what was to go is met again in the output, so there is none."""
    monkeypatch.setattr(Text, "write", lambda _self, content, _changes, _options, _limits: content)
    monkeypatch.setattr("ostiary.review.exporting.redacted_apart", redact)

    async def story(house: House) -> None:
        document = await opened(house)
        done = await exported(house, document)
        assert (done["state"], done["code"], done["output"]) == ("open", "document.residue", None)

    play(tmp_path, story)


def test_nothing_of_a_document_is_in_the_log(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        document = await opened(house, name="Ada Marsh.txt", subject="Ada")
        body = {"decision": "reject", "seen": 0, "category": "email", "reason": "Bluebottle knows"}
        await house.good("POST", f"/v1/documents/{document}/decisions", json=body)
        await exported(house, document)
        told = []
        for event in (await house.good("GET", "/v1/audit/events", params={"limit": "200"}))["events"]:
            detail = await house.good("POST", f"/v1/audit/events/{event['id']}/reveal", json={})
            told.append(json.dumps([event, detail]))
        text = "".join(told)
        assert "document.decide" in text
        assert '"reject.email"' in text
        for word in ("Ada Marsh", '"Ada"', "4111 1111", "Bluebottle", "help@example.com"):
            assert word not in text, word
        sealed = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert b"Bluebottle" not in sealed
        assert LETTER.encode()[:20] not in sealed

    play(tmp_path, story)


def test_what_the_child_says_is_not_believed() -> None:
    good = {"format": "text", "parts": [["p", "visible", "abc", []]], "found": [], "carriers": [], "pages": 0}
    assert paper.unpacked(json.dumps(good).encode()).parts[0].text == "abc"
    for bad in (
        {"found": [[0, 0, 4, "email", 1.0, "x"]]},
        {"found": [[1, 0, 1, "email", 1.0, "x"]]},
        {"parts": [["p", "visible", "abc", [[0, 9, 1, 0, 0, 1, 1]]]]},
        {"parts": 7},
    ):
        with pytest.raises((ValueError, KeyError, TypeError)):
            paper.unpacked(json.dumps({**good, **bad}).encode())


def test_a_large_output_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.review.export_actions.PART_BYTES", 50)

    async def story(house: House) -> None:
        document = await opened(house)
        await exported(house, document)
        at, part, content = f"/v1/documents/{document}/exports/document", 0, b""
        while part is not None:
            one = await house.good("GET", at, params={"part": str(part)})
            content, part = content + base64.b64decode(one["content"]), one["next"]
        assert hashlib.sha256(content).hexdigest() == one["sha256"]
        assert await code_of(house, "GET", at, params={"part": "99"}) == "404 not_found"

    play(tmp_path, story)


def test_the_name_of_an_export_tells_nothing_that_goes(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for name, called in (
            ("ada_marsh.txt", "document-redacted.txt"),
            ("re-Bluebottle.txt", "re-Bluebottle-redacted.txt"),
            ("to ada.marsh@example.com.txt", "document-redacted.txt"),
        ):
            document = await opened(house, name=name)
            assert (await exported(house, document))["output"]["name"] == called

    play(tmp_path, story)


def test_an_export_whose_job_was_cancelled_says_so_at_once_and_starts_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        document = await opened(house)
        at = f"/v1/documents/{document}"
        await house.good("POST", f"{at}/exports", json={"seen": 0})
        assert await code_of(house, "POST", f"{at}/exports", json={"seen": 0}) == "409 conflict"
        (job,) = (await house.good("GET", "/v1/jobs", params={"kind": "document.redact"}))["jobs"]
        await house.good("POST", f"/v1/jobs/{job['id']}/cancel")
        (listed,) = (await house.good("GET", "/v1/documents"))["documents"]
        assert (listed["state"], listed["code"]) == ("open", "document.stopped")
        await house.good("POST", f"{at}/exports", json={"seen": 0})
        await house.good("POST", f"/v1/jobs/{job['id']}/retry")
        await house.work()
        done = await house.good("GET", at)
        assert (done["state"], done["code"], done["output"]["version"]) == ("open", "", 0)
        part = await house.good("GET", f"{at}/exports/document")
        assert hashlib.sha256(base64.b64decode(part["content"])).hexdigest() == done["output"]["sha256"]

    play(tmp_path, story)


def test_a_reading_whose_job_was_cancelled_says_so(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        upload, sha256 = await uploaded(house, LETTER.encode())
        asked = {"upload_id": upload, "sha256": sha256, "name": "letter.txt"}
        document = (await house.good("POST", "/v1/documents", json=asked))["id"]
        (job,) = (await house.good("GET", "/v1/jobs", params={"kind": "document.read"}))["jobs"]
        await house.good("POST", f"/v1/jobs/{job['id']}/cancel")
        shown = await house.good("GET", f"/v1/documents/{document}")
        assert (shown["state"], shown["code"]) == ("failed", "document.stopped")
        await house.good("DELETE", f"/v1/documents/{document}")

    play(tmp_path, story)
