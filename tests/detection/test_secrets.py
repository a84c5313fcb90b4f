import base64
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.detection import validity
from ostiary.detection.engine import find
from ostiary.detection.secrets import checks
from ostiary.detection.secrets.kind import Kind
from ostiary.detection.secrets.kinds import KINDS
from tests.detection.secret_values import random_text, value_of

FAMILY = {kind.name: kind.family for kind in KINDS}
TITLES = {kind.title: kind for kind in KINDS}
DICE = random.Random(20261122)
PASSWORD = "kT9" + random_text(DICE, 11)
KEY = "q8" + random_text(DICE, 30)


def covered(text: str) -> list[tuple[str, str]]:
    """(family, value) of the secrets that are found."""
    return [(FAMILY[f.category], text[f.start : f.end]) for f in find(text) if f.category in FAMILY]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.title)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_value_of_every_kind_is_found(kind: Kind, seed: int) -> None:
    text, value = value_of(kind, seed)
    start = text.index(value)
    found = [f for f in find(text) if FAMILY.get(f.category)]
    covering = sum(max(0, min(f.end, start + len(value)) - max(f.start, start)) for f in found)
    assert covering >= 0.8 * len(value), (text, found)


PREFIXED = [kind for kind in KINDS if kind.score == 0.95 and not kind.long and kind.valid is checks.genuine and "(?P<v>" not in kind.pattern and "(?i" not in kind.pattern]  # fmt: skip


@pytest.mark.parametrize("kind", PREFIXED, ids=lambda kind: kind.title)
def test_a_form_of_its_own_names_its_kind(kind: Kind) -> None:
    text, value = value_of(kind, 3)
    names = {f.category for f in find(f"see {text} there")}
    same = {other.name for other in KINDS if other.valid is None or other.score >= 0.95}
    assert names & same, (text, value)
    assert kind.name in names or len(names) == 1


def test_there_are_more_kinds_than_we_promise() -> None:
    assert len({kind.name for kind in KINDS}) >= 400
    assert len(TITLES) == len(KINDS)


def test_the_checksum_of_a_token_is_said_to_hold() -> None:
    text, _ = value_of(TITLES["GitHub token with its checksum"], 1)
    assert find(text)[0].why == "GitHub token with its checksum"
    assert find(text)[0].score == 0.99
    wrong = text[:-1] + ("a" if text[-1] != "a" else "b")
    assert find(wrong)[0].why == "GitHub token"


def test_a_published_checksum_is_computed_as_published() -> None:
    assert checks.crc32_base62("") == "000000"
    assert checks.crc32_base62("123456789") == "3jZRME"
    published = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"
    assert checks.crc32_base62(published) == "0mLq17"


@pytest.mark.parametrize(
    "text",
    [
        "password = '{}'",
        'password: "{}"',
        "password={}",
        "DB_PASSWORD={}",
        "export DB_PASSWORD='{}'",
        "spring.datasource.password={}",
        '{{"password": "{}"}}',
        '{{\\"password\\":\\"{}\\"}}',
        "<password>{}</password>",
        "- name: DB_PASSWORD\n  value: {}",
        '{{"name": "DB_PASSWORD", "value": "{}"}}',
        '<add key="password" value="{}" />',
        "password => '{}',",
        'password := "{}"',
        'String password = "{}";',
        'const dbPassword: string = "{}";',
        'password: str = "{}"',
        "mysql --password={} -u root",
        "mysql -u root --password {}",
        'if (password == "{}") {{',
        'if (password !== "{}") {{',
        "password: {}  # the old one",
        "CREATE USER app IDENTIFIED BY '{}'",
        "ALTER USER app WITH PASSWORD '{}'",
        "machine git.example.org login bot password {}",
        "curl -u admin:{} https://api.example.org",
        "https://admin:{}@intranet.example.org/x",
        "jdbc:postgresql://db/x?user=app&password={}",
        "Server=db;Database=x;User Id=sa;Password={};",
        'password = os.environ.get("DB_PASSWORD", "{}")',
        'const password = process.env("DB_PASSWORD") || "{}"',
        "pwd: {}",
        "Your password is {}",
        "Passwort: {}",
        "mot de passe : {}",
        "password=&quot;{}&quot;",
        "https://x.example.org/?a=1&password={}&b=2",
        "[db]\npassword = {}\n",
    ],
)
def test_a_password_is_found_however_it_is_assigned(text: str) -> None:
    assert any(family == "password" and PASSWORD in value for family, value in covered(text.format(PASSWORD)))


@pytest.mark.parametrize(
    "text",
    [
        "api_key = '{}'",
        "apiKey: '{}'",
        '"client_secret": "{}"',
        "X-Api-Key: {}",
        "Authorization: Bearer {}",
        "access_token={}",
        "--token {}",
        "auth_token => {}",
        "session_key := `{}`",
        "SECRET_KEY = '{}'",
        "signing-key: {}",
        "-H 'Authorization: token {}'",
        "token%3D{}",
        "my_key = '{}'",
    ],
)
def test_a_key_is_found_however_it_is_assigned(text: str) -> None:
    assert any(KEY in value for _, value in covered(text.format(KEY))), covered(text.format(KEY))


@pytest.mark.parametrize(
    "text",
    [
        "password = ${DB_PASSWORD}",
        "password: <your password>",
        "password = 'xxxxxxxxxxxx'",
        "api_key = 'YOUR_API_KEY'",
        "api_key = your-api-key-here",
        "secret: {{ vault_secret }}",
        "password = os.environ['DB_PASSWORD']",
        "password = config.get('password')",
        "password: required",
        "password = ********",
        "String password = user.getPassword();",
        "password = None",
        "token = tokenizer.next_token()",
        "private_key_path = '/etc/ssl/private/server.pem'",
        "key = 'cache_write_5m_mtok'",
        "key: us-east-1",
        "primary_key=True, foreign_key='users.id'",
        "by passing \"verbose=True\" to it",
        "password_hash_algorithm = 'sha256-rsa'",
        "ghp_" + "x" * 36,
        "AKIA" + "IOSFODNN7EXAMPLE",
        "sk_live_" + "0" * 24,
        "glpat-your-token-goes-here-x",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "the secret of success is hard work",
        "https://user:${PASSWORD}@db.example.org/x",
        "https://example.org/?token=&next=/home",
        "<label for=\"password\">Password:</label>",
        "sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "secret: []byte{}",
        "keyboard: qwerty-2, keyword: abc12345",
    ],
)  # fmt: skip
def test_code_variables_and_placeholders_are_no_findings(text: str) -> None:
    assert covered(text) == []


def test_basic_credentials_have_to_be_a_user_and_a_password() -> None:
    assert covered("Authorization: Basic " + "bm90IGNyZWRlbnRpYWxz") == []
    text, value = value_of(TITLES["Basic credentials"], 1)
    assert covered(text) == [("password", value)]


def test_a_token_whose_head_is_no_json_is_no_jwt() -> None:
    assert not checks.jwt("eyJub3RoaW5nIjoxfQ.abc.def")
    assert checks.jwt(value_of(TITLES["JSON Web Token"], 1)[0])


def test_a_key_in_an_escaped_document_is_found_whole() -> None:
    key, _ = value_of(TITLES["private key block"], 1)
    text = json.dumps({"private_key": key})
    found = find(text)
    assert [f.category for f in found] == ["private_key"]
    assert "PRIVATE KEY" not in text[: found[0].start] + text[found[0].end :]


def test_prose_behind_the_first_line_of_a_key_is_not_taken_for_the_key() -> None:
    assert (
        covered("-----BEGIN PRIVATE KEY----- and then lines of base64 follow. The old man and the sea.") == []
    )
    key, _ = value_of(TITLES["private key block"], 1)
    cut = key[: key.index("-----END")]
    assert covered(cut + "\nand then more words follow it.") == [("private_key", cut.rstrip())]


def test_a_head_nested_without_end_breaks_no_check() -> None:
    head = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 1_050).decode().rstrip("=")
    assert covered(f"{head}.abcdef.ghijkl")[0][0] == "api_key"


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=60))
def test_no_check_breaks_on_any_text(text: str) -> None:
    for kind in KINDS:
        if kind.valid is not None and kind.valid not in (
            checks.json_in_base64,
            checks.base58_checked,
            validity.url_password,
        ):
            assert kind.valid(text + "x") in (True, False)
