"""`ostiary oauth` and `ostiary intent-keys` against a running gateway."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.cli.test_commands import Command
from tests.cli.test_commands import ostiary as ostiary
from tests.cli.test_commands import served as served
from tests.cli.test_commands import shop as shop

ISSUER = ("https://sign-in.example", "--audience", "https://gate.example/mcp", "--domain", "pellow.example")
SEED = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"


def test_a_client_is_registered_listed_and_removed(ostiary: Command) -> None:
    made = ostiary("oauth", "clients", "add", "Desk helper", "--redirect-uri", "http://127.0.0.1/back").stdout
    assert made.startswith("ocl_")
    assert "secret" not in made
    secret = ostiary.json(
        "oauth", "clients", "add", "Server", "--redirect-uri", "https://a.example/back", "--confidential"
    )
    assert len(secret["secret"]) > 20
    assert "Desk helper" in ostiary("oauth", "clients", "list").stdout
    assert made.strip() in ostiary("oauth", "clients", "list").stdout
    ostiary("oauth", "clients", "remove", made.strip(), given="n\n", code=1)
    assert len(ostiary.json("oauth", "clients", "list")["clients"]) == 2
    assert ostiary("oauth", "clients", "remove", made.strip(), given="y\n").stdout.endswith("Removed.\n")
    ostiary("oauth", "clients", "remove", secret["client"], "--yes")
    assert ostiary.json("oauth", "clients", "list")["clients"] == []


def test_an_issuer_is_trusted_once_listed_and_forgotten(ostiary: Command) -> None:
    made = ostiary("oauth", "issuers", "add", *ISSUER, "--scope", "invoice.*", "--plain-jwt").stdout.strip()
    assert made.startswith("ois_")
    (row,) = ostiary.json("oauth", "issuers", "list")["issuers"]
    assert (row["issuer"], row["audience"], row["domains"], row["scopes"]) == (
        "https://sign-in.example", "https://gate.example/mcp", ["pellow.example"], ["invoice.*"],
    )  # fmt: skip
    assert "https://sign-in.example" in ostiary("oauth", "issuers", "list").stdout
    again = ostiary("oauth", "issuers", "add", *ISSUER, code=1)
    assert "choose another audience" in again.stderr
    ostiary("oauth", "issuers", "remove", made, given="n\n", code=1)
    assert ostiary("oauth", "issuers", "remove", made, "--yes").stdout == "Forgotten.\n"
    assert ostiary.json("oauth", "issuers", "list")["issuers"] == []


def test_only_an_owner_trusts_issuers(ostiary: Command) -> None:
    refused = ostiary("oauth", "issuers", "add", *ISSUER, role="admin", code=1)
    assert "access.forbidden" in refused.stderr


def test_grants_of_nobody_are_an_empty_list_and_an_unknown_one_is_said(ostiary: Command) -> None:
    assert ostiary.json("oauth", "grants", "list") == {"grants": []}
    assert ostiary.json("oauth", "grants", "list", "--mine", role="viewer") == {"grants": []}
    unknown = ostiary("oauth", "grants", "revoke", "ogr_" + "0" * 32, code=1)
    assert "(not_found)" in unknown.stderr
    forbidden = ostiary("oauth", "grants", "list", role="support", code=1)
    assert "access.forbidden" in forbidden.stderr


@pytest.mark.parametrize("form", ["pem", "plain", "stdin"])
def test_an_intent_key_is_registered_listed_and_removed(ostiary: Command, tmp_path: Path, form: str) -> None:
    pem = SEED.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    file = tmp_path / "intent.pub"
    file.write_text(PUBLIC if form == "plain" else pem)
    given = {"given": pem} if form == "stdin" else {}
    place = "-" if form == "stdin" else str(file)
    made = ostiary("intent-keys", "add", "Desk", place, "--role", "support", **given).stdout.strip()  # type: ignore[arg-type]
    rows = {row["key_id"]: row for row in ostiary.json("intent-keys", "list")["keys"]}
    assert (rows[made]["public_key"], rows[made]["roles"]) == (PUBLIC, ["support"])
    assert made in ostiary("intent-keys", "list").stdout
    assert ostiary("intent-keys", "remove", made).stdout == "Revoked.\n"
    (row,) = [each for each in ostiary.json("intent-keys", "list")["keys"] if each["key_id"] == made]
    assert row["revoked_at"] is not None


def test_a_private_half_is_not_sent_on(
    ostiary: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTIARY_URL", "http://127.0.0.1:9")
    file = tmp_path / "intent.pem"
    file.write_bytes(SEED.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    refused = ostiary("intent-keys", "add", "Desk", str(file), code=2)
    assert refused.stderr.startswith("This is the private half, and nothing was sent on.")
    other = X25519PrivateKey.generate().public_key()
    file.write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert "of another kind" in ostiary("intent-keys", "add", "Desk", str(file), code=2).stderr
    file.write_text("hello")
    assert "no Ed25519 public key" in ostiary("intent-keys", "add", "Desk", str(file), code=2).stderr


def test_an_intent_key_takes_the_second_factor_and_the_refusal_says_how(
    ostiary: Command, tmp_path: Path
) -> None:
    file = tmp_path / "intent.pub"
    file.write_text(PUBLIC)
    refused = ostiary("intent-keys", "add", "Desk", str(file), role="admin", code=1)
    assert "auth.step_up_required" in refused.stderr
    assert "POST /v1/session/step-up" in refused.stderr
    assert "access.forbidden" in ostiary("intent-keys", "list", role="support", code=1).stderr
