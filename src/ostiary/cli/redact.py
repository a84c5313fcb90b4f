"""`ostiary redact`: a document in, a redacted and verified document out. Offline: no gateway, no home, no network."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.detect import rules_from

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from ostiary.documents.redacting import Redacted, Settings

KEY_BYTES_MAX = 100_000
REFUSED, CANNOT_READ = 1, 2


def redact(
    file: Annotated[Path, typer.Argument(help="The document.")],
    out: Annotated[
        Path, typer.Option("--output", "-o", help="Where the redacted document goes. It must not exist yet.")
    ],
    plan: Annotated[
        Path | None, typer.Option(help="A redaction plan (YAML or JSON): what is done with which category.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="A rule set (JSON), or rules of gitleaks (a file that ends in .toml).")
    ] = None,
    categories: Annotated[
        str,
        typer.Option(help="Only these, separated by commas: categories (us_ssn) or families (national_id)."),
    ] = "",
    key: Annotated[
        Path | None,
        typer.Option(
            help="A file of 32 random bytes or more: tokens, surrogates and hashes are made with it."
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Pages become pictures: nothing of the old file's structure is kept. The redacted text lies unseen on them, to be searched.",
        ),
    ] = False,
    record: Annotated[
        Path | None, typer.Option(help="Where the signed verification record goes; needs --signing-key.")
    ] = None,
    signing_key: Annotated[
        Path | None, typer.Option(help="An Ed25519 private key (PEM) for the record.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Redact a document: what is found in it is replaced, what nobody sees is removed, and the result is verified. Nothing leaves this machine."""
    if (record is None) != (signing_key is None):
        output.fail("--record and --signing-key come together.", code=CANNOT_READ)
    private = None if signing_key is None else _private(signing_key)
    settings = _settings(plan, rules_from(categories, rules), key, strict=strict)
    content = _content(file)
    for each in (out, record):
        if each is not None and each.exists():
            output.fail(f"{each} is there already; nothing was written.", code=CANNOT_READ)
    done = _done(content, file.name, settings)
    envelope = _envelope(done, settings, private)
    _write(out, done.content)
    if record is not None:
        _write(record, (json.dumps(envelope, indent=2) + "\n").encode())
    if as_json:
        output.as_json(_data(done))
    else:
        _tell(done, file, out)


def verify_redaction(
    record: Annotated[Path, typer.Argument(help="The verification record.")],
    key: Annotated[Path, typer.Option("--key", help="The signer's Ed25519 public key (PEM).")],
    file: Annotated[
        Path | None,
        typer.Option("--file", help="The redacted document: is the record about exactly this file?"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the statement as JSON.")] = False,
) -> None:
    """Verify the record of a redaction: the signature holds, and it is about this file."""
    from ostiary.documents.record import RECORD_CHARACTERS_MAX, RecordInvalid, verify

    public = _public(key)
    try:
        envelope = json.loads(output.text_from(record, characters_max=RECORD_CHARACTERS_MAX))
        said = verify(envelope, public, None if file is None else _content(file))
    except RecordInvalid as error:
        output.fail(f"Not verified: {error}.", code=REFUSED)
    except (ValueError, RecursionError):
        output.fail(f"{record} is no verification record.", code=CANNOT_READ)
    if as_json:
        output.as_json(said)
        return
    found = sum(said["found"].values())
    about = "" if file is None else f" {output.printable(str(file))} is the file that it speaks of."
    sys.stdout.write(
        f"Verified: {found} findings were redacted at {said['at']}, and nothing was left.{about}\n"
    )


def _settings(plan: Path | None, rules: Any, key: Path | None, *, strict: bool) -> "Settings":
    from ostiary.documents.document import Options
    from ostiary.documents.redacting import Settings
    from ostiary.errors import InvalidParameters
    from ostiary.redaction.keys import Scope
    from ostiary.redaction.operators import Surroundings
    from ostiary.redaction.plan import PLAN_CHARACTERS_MAX, Plan, read

    try:
        chosen = Plan() if plan is None else read(output.text_from(plan, characters_max=PLAN_CHARACTERS_MAX))
        around = Surroundings()
        if key is not None:
            around = Surroundings(Scope("local", "documents", {1: _bytes(key, KEY_BYTES_MAX)}, 1))
    except InvalidParameters as error:
        wrong = [error.detail, *(f"  {each.pointer or '(all)'}: {each.detail}" for each in error.faults)]
        output.fail("The plan cannot be used:\n" + "\n".join(filter(None, wrong)), code=CANNOT_READ)
    except ValueError as error:
        output.fail(f"The key cannot be used: {error}.", code=CANNOT_READ)
    return Settings(rules, chosen, around, Options(strict=strict))


def _done(content: bytes, name: str, settings: "Settings") -> "Redacted":
    from rich.console import Console

    from ostiary.documents.sandbox import redacted_apart
    from ostiary.errors import OstiaryError

    try:
        with Console(stderr=True).status("Reading, redacting, verifying ..."):
            return redacted_apart(content, name, settings)
    except OstiaryError as error:
        output.fail(
            "\n".join(filter(None, (error.title(), error.detail, f"Nothing was written. ({error.code})"))),
            code=REFUSED,
        )
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _envelope(done: "Redacted", settings: "Settings", private: "Ed25519PrivateKey | None") -> dict[str, Any]:
    if private is None:
        return {}
    from ostiary import __version__
    from ostiary.clock import SystemClock, rfc3339
    from ostiary.documents.record import sign, statement

    return sign(
        statement(done, settings, product=f"ostiary {__version__}", at=rfc3339(SystemClock().now_us())),
        private,
    )


def _data(done: "Redacted") -> dict[str, Any]:
    return {
        "format": done.format,
        "found": dict(sorted(Counter(each.category for each in done.found).items())),
        "removed_unseen": {each.what: each.count for each in done.carriers},
        "checked": {
            "values": done.checked.values,
            "parts": done.checked.parts,
            "pieces": done.checked.pieces,
        },
        "input_sha256": done.input,
        "output_sha256": done.output,
    }


def _tell(done: "Redacted", file: Path, out: Path) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, width=None if sys.stdout.isatty() else output.PIPED_CHARACTERS)
    counts = Counter((each.category, each.operator) for each in done.found)
    for (category, operator), count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        console.print(Text.assemble((f"{count:>7}  ", "bold"), (f"{category:<24}", "cyan"), operator))
    for each in done.carriers:
        console.print(
            Text.assemble((f"{each.count:>7}  ", "bold"), (f"{each.what:<24}", "magenta"), "removed unseen")
        )
    checked = done.checked
    console.print(
        Text.assemble(
            ("Verified: ", "bold green"),
            f"values {checked.values}, unpacked parts {checked.parts}, nothing left. ",
            f"{output.printable(file.name)} -> {output.printable(str(out))}",
        )
    )


def _content(file: Path) -> bytes:
    from ostiary.documents.document import Limits

    return _bytes(file, Limits().bytes_max)


def _bytes(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(most + 1)
    except OSError as error:
        output.fail(f"{file} cannot be read ({type(error).__name__}).", code=CANNOT_READ)


def _write(file: Path, content: bytes) -> None:
    try:
        with file.open("xb") as opened:
            opened.write(content)
    except OSError as error:
        output.fail(f"{file} cannot be written ({type(error).__name__}).", code=CANNOT_READ)


def _private(file: Path) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_bytes(file, KEY_BYTES_MAX), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        output.fail(f"{file} is no Ed25519 private key (PEM, without a password).", code=CANNOT_READ)
    return key


def _public(file: Path) -> "Ed25519PublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_bytes(file, KEY_BYTES_MAX))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        output.fail(f"{file} is no Ed25519 public key (PEM).", code=CANNOT_READ)
    return key
