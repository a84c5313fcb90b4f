"""`ostiary documents`: documents under review at a running gateway, from the upload to the export and its record."""

import base64
import hashlib
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask, named, send

documents = typer.Typer(no_args_is_help=True, help="Documents under review: upload, see what was found, decide, export.")  # fmt: skip

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Document = Annotated[str, typer.Argument(help="The document's id, rev_...")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it was read. Exit code 1 if it could not be.")]
LOOK_EVERY_S = 0.5
UPLOAD_BYTES_MAX = 50 * 1024 * 1024
VALUES_HIDDEN = ("id", "leaf", "place", "category", "score", "state", "alike", "why")


@documents.command("upload")
def upload(
    file: Annotated[Path, typer.Argument(help="A file, or - for the standard input.")],
    name: Annotated[str, typer.Option(help="What it is called; none: as the file is.")] = "",
    plan: Annotated[str, typer.Option(help="A redaction plan; none: everything that is known is looked for.")] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Pages become pictures.")] = False,
    all_decided: Annotated[bool, typer.Option("--all-decided", help="Export only when all is decided.")] = False,
    four_eyes: Annotated[bool, typer.Option("--four-eyes", help="Somebody else exports than who opened it or decided.")] = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Upload a document and have it read."""
    content = _content(file)
    digest = hashlib.sha256(content).hexdigest()
    asked = {"sha256": digest, "name": name or ("document" if str(file) == "-" else file.name), "plan": plan,
             "strict": strict, "all_decided": all_decided, "four_eyes": four_eyes}  # fmt: skip
    with output.told(json_wanted=as_json):
        ticket = ask("POST", named("document-uploads"), body={})["upload_id"]
        send(named("document-uploads", ticket), content)
        shown = ask("POST", named("documents"), body={"upload_id": ticket, **asked})
        if wait:
            shown = _waited(shown["id"])
    if as_json:
        output.as_json(shown)
    else:
        sys.stdout.write(f"{shown['id']}\n")
    _failed(shown)


@documents.command("list")
def listed(as_json: AsJson = False) -> None:
    """The documents, the newest first."""
    with output.told(json_wanted=as_json):
        found: list[Any] = []
        after = ""
        while True:
            page = ask("GET", named("documents"), query={"cursor": after} if after else None)
            found += page["documents"]
            if not (after := page["next"]):
                break
    if as_json:
        output.as_json({"documents": found})
    else:
        output.table(found, ("id", "name", "state", "code", "found", "opened_at"))


@documents.command("show")
def show(
    document: Document,
    values: Annotated[bool, typer.Option("--values", help="Print the values that were found, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """How it stands, and what was found in it, by place; without the values unless asked for."""
    with output.told(json_wanted=as_json):
        shown = ask("GET", named("documents", document))
        found = _findings(document) if shown["state"] in ("open", "exporting") else []
    if not values:
        found = [{**each, "text": None} for each in found]
    if as_json:
        output.as_json({**shown, "findings": found})
        return
    output.table([shown], ("id", "name", "state", "code", "format", "found", "pages"))
    output.table(found, (*VALUES_HIDDEN, "text") if values else VALUES_HIDDEN)


def _deciding(verb: str, told: str) -> None:
    @documents.command(verb, help=told)
    def decide(
        document: Document,
        findings: Annotated[list[str] | None, typer.Argument(help="Ids of findings, as `show` tells them.")] = None,
        category: Annotated[str, typer.Option(help="All of this category.")] = "",
        text: Annotated[str, typer.Option(help="Every finding of this text; - reads it from the standard input.")] = "",
        alike: Annotated[bool, typer.Option("--alike", help="Also all others of the same values.")] = False,
        reason: Annotated[str, typer.Option(help="Why.")] = "",
        as_json: AsJson = False,
    ) -> None:  # fmt: skip
        named_ids = list(findings or [])
        if sum(map(bool, (named_ids, category, text))) != 1:
            output.fail("Name findings by their ids, by --category or by --text: one of the three.", code=2)
        with output.told(json_wanted=as_json):
            seen = _version(document)
            if text:
                wanted = _text(text)
                named_ids = [each["id"] for each in _findings(document) if each["text"] == wanted]
                if not named_ids:
                    output.fail("Nothing was found with this text.")
            which = {"category": category} if category else {"findings": named_ids, "alike": alike}
            body = {"decision": verb, "seen": seen, "reason": reason, **which}
            done = ask("POST", named("documents", document, "decisions"), body=body)
        _told(done, as_json=as_json)


for _verb, _help in (("accept", "It goes."), ("reject", "It stays."), ("propose", "It is to be decided again.")):  # fmt: skip
    _deciding(_verb, _help)


@documents.command("add")
def add(
    document: Document,
    text: Annotated[str, typer.Argument(help="What was missed; - reads it from the standard input.")],
    category: Annotated[str, typer.Option(help="What it is.")] = "by_hand",
    as_json: AsJson = False,
) -> None:
    """A text that was missed goes too, everywhere in the document."""
    wanted = _text(text)
    with output.told(json_wanted=as_json):
        for look in _leaves(document):
            for piece in look["pieces"]:
                start = piece["text"].find(wanted)
                if start >= 0:
                    body = {"seen": look["version"], "piece": piece["number"], "start": start, "end": start + len(wanted), "category": category}  # fmt: skip
                    _told(ask("POST", named("documents", document, "findings"), body=body), as_json=as_json)
                    return
    output.fail("This text does not stand in the document.")


@documents.command("undo")
def undo(
    document: Document,
    number: Annotated[int, typer.Option(help="The decision; 0: your own last one.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """A decision counts no more."""
    with output.told(json_wanted=as_json):
        done = ask("POST", named("documents", document, "undo"), body={"number": number})
    _told(done, as_json=as_json)


@documents.command("wait")
def wait_for(document: Document, as_json: AsJson = False) -> None:
    """Wait until it is neither read nor exported. Exit code 1 if that could not be done."""
    with output.told(json_wanted=as_json):
        shown = _waited(document)
    output.as_json(shown) if as_json else sys.stdout.write(f"{shown['state']}\n")
    _failed(shown)


@documents.command("export")
def export(
    document: Document,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where it goes; its record goes beside it, as OUT.record.json.")],
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Redact it as it was decided, verify that, and write the output and its signed record."""
    beside = out.with_name(out.name + ".record.json")
    if not force and (out.exists() or beside.exists()):
        output.fail(f"{out} or {beside.name} is there already: --force writes over it.", code=2)
    with output.told(json_wanted=as_json):
        ask("POST", named("documents", document, "exports"), body={"seen": _version(document)})
        shown = _waited(document)
        _failed(shown)
        content, record = (_fetched(document, what) for what in ("document", "record"))
    if shown["output"] is None or hashlib.sha256(content).hexdigest() != shown["output"]["sha256"]:
        output.fail("What came is not what was exported: try again.")
    out.write_bytes(content)
    beside.write_bytes(record)
    files = {"file": str(out), "record": str(beside)}
    output.as_json({**shown, **files}) if as_json else sys.stdout.write(f"{out} and {beside} were written.\n")


@documents.command("delete")
def delete(
    document: Document,
    confirm: Annotated[str, typer.Option(help="The id again.")],
    as_json: AsJson = False,
) -> None:
    """The document, what was decided in it and what was exported are removed."""
    if confirm != document:
        output.fail("Repeat the id with --confirm.", code=2)
    with output.told(json_wanted=as_json):
        done = ask("DELETE", named("documents", document))
    output.as_json(done) if as_json else sys.stdout.write(f"{document} was removed.\n")


def _content(file: Path) -> bytes:
    try:
        content = sys.stdin.buffer.read(UPLOAD_BYTES_MAX + 1) if str(file) == "-" else _read(file)
    except OSError as error:
        output.fail(f"{file} cannot be read ({type(error).__name__}).", code=2)
    if len(content) > UPLOAD_BYTES_MAX:
        output.fail(f"It is larger than {UPLOAD_BYTES_MAX >> 20} MiB.", code=2)
    return content


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(UPLOAD_BYTES_MAX + 1)


def _text(given: str) -> str:
    text = sys.stdin.read().removesuffix("\n") if given == "-" else given
    return text or output.fail("The text is empty.", code=2)


def _version(document: str) -> int:
    return int(ask("GET", named("documents", document, "leaves", "0"))["version"])


def _leaves(document: str) -> list[Any]:
    first = ask("GET", named("documents", document, "leaves", "0"))
    return [first, *(ask("GET", named("documents", document, "leaves", str(at))) for at in range(1, len(first["leaves"])))]  # fmt: skip


def _findings(document: str) -> list[dict[str, Any]]:
    """Of all leaves, in the order of the document, each with its leaf and place."""
    found: list[dict[str, Any]] = []
    for look in _leaves(document):
        places = {piece["number"]: piece["place"] for piece in look["pieces"]}
        found += [{**each, "leaf": look["leaf"], "place": places.get(each["piece"], f"page {look['page']}")} for each in look["findings"]]  # fmt: skip
    return found


def _waited(document: str) -> Any:
    while (shown := ask("GET", named("documents", document)))["state"] in ("reading", "exporting"):
        time.sleep(LOOK_EVERY_S)
    return shown


def _failed(shown: Any) -> None:
    if shown["code"]:
        output.fail(f"It could not be done ({shown['code']}).")


def _fetched(document: str, what: str) -> bytes:
    parts: list[bytes] = []
    at: int | None = 0
    while at is not None:
        part = ask("GET", named("documents", document, "exports", what), query={"part": str(at)})
        parts.append(base64.b64decode(part["content"]))
        at = part["next"]
    return b"".join(parts)


def _told(done: Any, *, as_json: bool) -> None:
    if as_json:
        output.as_json(done)
    else:
        sys.stdout.write(f"{done['changed']} findings; {sum(done['waiting'].values())} wait for a decision.\n")  # fmt: skip
