"""The documentation says what is true: the reference is the product's own, links lead somewhere, what is named exists, and examples that say so are run."""

import ast
import configparser
import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest

import ostiary
from ostiary import config, errors
from ostiary.detection.detectors import DETECTORS
from ostiary.sample import company
from ostiary.sample.backend import application
from ostiary.sample.demo import CONTRACTS
from ostiary.sample.gateway import Process, free_port, started
from ostiary.sample.serving import served
from ostiary.sample.store import write_company
from ostiary.vault.root import generate

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SOURCE = Path(ostiary.__file__).parent
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FENCE = re.compile(r"^( *)```([a-z]*)(?: ([a-z=]+))?\n(.*?)^\1```$", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
REFERENCE = (
    "actions.md", "permissions.md", "settings.md", "errors.md", "detectors.md", "commands.md", "metrics.md", "dependencies.md",
)  # fmt: skip
NOT_OF_THIS_MACHINE = (
    "/root/",
    "/tmp/",
    "/home/",
    "pythonhosted",
    "pypi.org",
    "npmjs",
    "localhost:5",
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    """A page without its examples."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


@cache
def build() -> Any:
    """docs/build.py, as `make docs` runs it."""
    sys.path.insert(0, str(DOCS))
    try:
        return importlib.import_module("build")
    finally:
        sys.path.remove(str(DOCS))


@cache
def fresh() -> dict[str, str]:
    pages: dict[str, str] = build().pages()
    return pages


def reference(name: str) -> str:
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


# The reference.


@pytest.mark.parametrize("name", REFERENCE)
def test_the_reference_is_what_the_product_says(name: str) -> None:
    made, kept = fresh()[name], reference(name)
    if name == "dependencies.md":  # what a package weighs differs from platform to platform
        made, kept = (re.sub(r"\d+\.\d MB", "MB", text) for text in (made, kept))
    assert made == kept, f"docs/reference/{name} is stale: run `make docs` and read what changed"


def test_the_reference_is_these_pages_and_no_others() -> None:
    assert sorted(path.name for path in (DOCS / "reference").glob("*.md")) == sorted(REFERENCE)
    assert sorted(fresh()) == sorted(REFERENCE)


def test_every_setting_error_detector_and_metric_has_its_line() -> None:
    expected = {
        "settings.md": [row.name for row in config.SETTINGS],
        "errors.md": [error.code for error in errors.all_errors()],
        "detectors.md": [detector.name for detector in DETECTORS],
        "metrics.md": [row[0].strip("`") for row in build().metric_rows()],
    }
    missing = [
        (name, each)
        for name, names in expected.items()
        for each in names
        if f"| `{each}` |" not in reference(name)
    ]
    assert missing == []


def test_every_action_has_its_section_and_its_row_in_the_matrix() -> None:
    actions = [action.name for action in build().built_in_actions()]
    assert "approval.approve" in actions
    assert [name for name in actions if f"\n### {name}\n" not in reference("actions.md")] == []
    assert [name for name in actions if f"| `{name}` |" not in reference("permissions.md")] == []


def test_every_command_has_its_section() -> None:
    names = [name for name, _ in build().commands()]
    assert "ostiary audit verify" in names
    assert [name for name in names if f"\n## {name}\n" not in reference("commands.md")] == []


def test_nothing_is_left_out_of_the_matrix_that_an_agent_must_not_hold() -> None:
    matrix = reference("permissions.md")
    assert "| `approval.approve` | `approval.decide` | medium |  |  | yes | yes | yes |" in matrix
    assert "| `tenant.create` | `install.manage` | high | operator |" in matrix
    assert "| `setup.begin` |  | medium | anyone |" in matrix


# Links and words.


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for target in LINK.findall(prose(path)):
        if target.startswith(("https://", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors that a page's headings make, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.M)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_page_names_a_path_of_this_machine_or_a_registry(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [word for word in NOT_OF_THIS_MACHINE if word in text] == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for target in LINK.findall(prose(page)):
            there = (page.parent / target.partition("#")[0]).resolve()
            there = there / "README.md" if there.is_dir() else there
            if not target.startswith("https://") and there.exists():
                todo.append(there)
    assert [name_of(page) for page in PAGES if page not in reached] == []


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_codes_settings_and_commands_that_a_page_names_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    settings = {row.name for row in config.SETTINGS} | {row.name + "_FILE" for row in config.SETTINGS}
    settings |= config._ELSEWHERE | {"OSTIARY_"}
    assert set(re.findall(r"\bOSTIARY_[A-Z_]*", text)) - settings == set()
    commands = {tuple(name.split()) for name, _ in build().commands()}
    groups = {name[:most] for name in commands for most in range(2, len(name))}
    named = [("ostiary", *words.split()) for words in re.findall(r"`ostiary ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*){0,2})", text)]  # fmt: skip
    wrong = [each for each in named if each not in groups and not {each[:2], each[:3], each} & commands]
    assert wrong == []


# The door.


@cache
def defined() -> frozenset[str]:
    """Every function as `name` and `Class.name`, and every class."""
    names: set[str] = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            if isinstance(node, ast.ClassDef):
                names |= {f"{node.name}.{inner.name}" for inner in node.body if hasattr(inner, "name")}
                names |= {
                    f"{node.name}.{inner.target.id}"
                    for inner in node.body
                    if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name)
                }
    return frozenset(names)


def test_what_the_walk_through_the_door_names_exists() -> None:
    text = (DOCS / "the-door.md").read_text()
    files = re.findall(r"`(src/[\w/]+\.py)`", text)
    assert [file for file in files if not (ROOT / file).is_file()] == []
    methods = re.findall(r"`([A-Z]\w+\.\w+)`", text)
    functions = re.findall(r"`(\w+)\(\)`", text)
    assert len(methods) > 15
    assert [name for name in (*methods, *functions) if name not in defined()] == []


def test_a_reader_follows_a_call_from_the_face_to_the_audit_in_six_files_or_fewer() -> None:
    table = re.findall(r"^\| (\d) \| `(src/[\w/]+\.py)` \|", (DOCS / "the-door.md").read_text(), re.M)
    assert [number for number, _ in table] == ["1", "2", "3", "4", "5", "6"]
    assert table[0][1].endswith("rest/face.py")
    assert table[-1][1].endswith("audit/log.py")


def test_codes_that_the_walk_and_the_how_tos_name_exist() -> None:
    known = {error.code for error in errors.all_errors()}
    rooms = {code.partition(".")[0] for code in known if "." in code} - {
        "approval",
        "call",
        "contract",
        "audit",
        "document",
        "keys",
        "limit",
        "policy",
        "source",
    }
    named = {
        code
        for page in (DOCS / "the-door.md", *(DOCS / "howto").glob("*.md"))
        for code in re.findall(r"`([a-z]+\.[a-z_]+)`", prose(page))
        if code.partition(".")[0] in rooms
    }
    assert named - known == set()


@pytest.mark.parametrize("path", sorted((DOCS / "decisions").glob("0*.md")), ids=name_of)
def test_a_decision_says_context_choice_and_what_would_change_our_mind(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"^## (.+)$", text, re.M) == ["Context", "Choice", "What would change our mind"]
    assert [file for file in re.findall(r"`(src/[\w/]+\.py)`", text) if not (ROOT / file).is_file()] == []


# Settings and the unit of the production page.


def block(page: str, mark: str) -> str:
    found = [
        body for _, _, given, body in FENCE.findall((DOCS / "howto" / page).read_text()) if given == mark
    ]
    assert len(found) == 1
    return str(found[0])


def test_the_settings_of_the_production_page_are_accepted(tmp_path: Path) -> None:
    lines = dict(line.split("=", 1) for line in block("run-in-production.md", "settings").splitlines())
    files = {
        "OSTIARY_ROOT_KEY_FILE": generate().reveal(),
        "OSTIARY_SMTP_URL_FILE": "smtps://ostiary:secret@mail.example.com:465",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
        lines[name] = str(tmp_path / name)
    settings = config.load({**lines, "OSTIARY_HOME": str(tmp_path / "home")})
    assert settings.public_url == "https://gate.example.com"
    assert settings.port == 8080
    with pytest.raises(errors.ConfigurationError, match="beyond loopback"):
        config.load({**lines, "OSTIARY_HOST": "0.0.0.0", "OSTIARY_BEHIND_PROXY": ""})


def test_the_unit_of_the_production_page_serves_as_somebody_without_rights() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(block("run-in-production.md", "unit"))
    service = unit["Service"]
    assert service["ExecStart"] == "/opt/ostiary/bin/ostiary serve"
    assert (service["User"], service["NoNewPrivileges"], service["CapabilityBoundingSet"]) == (
        "ostiary",
        "yes",
        "",
    )
    assert (service["LimitCORE"], service["ProtectSystem"]) == ("0", "strict")


# Examples that say `run` are run, against the sample company.


@dataclass(frozen=True)
class Example:
    language: str
    role: str
    code: str
    gives: str


def examples(path: Path) -> list[Example]:
    """The examples of a page that are run, each with what it is said to give."""
    found: list[Example] = []
    for indent, language, mark, body in FENCE.findall(path.read_text(encoding="utf-8")):
        text = "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))
        if mark == "gives":
            found[-1] = Example(found[-1].language, found[-1].role, found[-1].code, text)
        elif mark == "run" or mark.startswith("run="):
            found.append(Example(language, mark.partition("=")[2], text, ""))
    return found


RUN = [path for path in PAGES if examples(path)]


@dataclass
class Office:
    """The running gateway, and its operator's session."""

    gateway: Process
    backend_url: str
    signing: str
    owner: httpx.Client

    def ask(self, method: str, path: str, content: Any = None) -> Any:
        answer = self.owner.request(method, path, json=content)
        assert answer.status_code < 300, (path, answer.text)
        return answer.json()

    def furnish(self, name: str) -> dict[str, dict[str, str]]:
        """A tenant of its own for a page, furnished like the demo's; the environment of each role."""
        made = self.ask("POST", "/v1/tenants", {"name": name})
        self.ask("POST", "/v1/session/switch-tenant", {"tenant": made["tenant"]})
        http = {"kind": "http", "base_url": self.backend_url}
        for connector, content in {
            "database": {"settings": {"kind": "sqlite", "path": "company.db"}},
            "backend": {"settings": http | {"honours_idempotency_key": True}, "signing_secret": self.signing},
            "print_shop": {"settings": http, "signing_secret": self.signing},
        }.items():
            self.ask("PUT", f"/v1/connectors/{connector}", content)
        self.ask("PUT", "/v1/contracts", {"text": CONTRACTS.read_text()})
        agent = {"name": "Agent", "kind": "agent", "roles": ["support"]}
        plain = self.ask("POST", "/v1/keys", agent)
        signed = self.ask("POST", "/v1/keys", agent | {"signature_required": True})
        secret = self.ask("POST", f"/v1/keys/{signed['key']['key_id']}/signing-secret", {})
        return {
            "": {},
            "owner": {"OSTIARY_API_KEY": self.owner.headers["authorization"].removeprefix("Bearer ")},
            "agent": {"OSTIARY_API_KEY": plain["secret"]},
            "signed": {"OSTIARY_API_KEY": signed["secret"], "SIGNING_SECRET": secret["secret"]},
        }


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    source = folder / "company"
    source.mkdir()
    write_company(company.make(), source / "company.db")
    signing = generate()
    backend = application(books=folder / "books.db", company=source / "company.db", secrets=[signing])
    port = free_port(0)
    with served(backend) as backend_url:
        settings = {
            "OSTIARY_PUBLIC_URL": f"http://localhost:{port}",
            "OSTIARY_EGRESS_ALLOW": backend_url.removeprefix("http://"),
            "OSTIARY_SOURCE_ROOTS": str(source),
        }
        with (
            started(folder, generate(), settings, port=port) as gateway,
            httpx.Client(base_url=gateway.url, timeout=30, trust_env=False) as client,
        ):
            opened = Office(gateway, backend_url, signing.reveal(), client)
            moved_in(opened)
            yield opened


def moved_in(office: Office) -> None:
    """The first start: an owner with a second factor."""
    token = office.gateway.setup_token().reveal()
    who = {"email": "olive@pellow-finch.example", "name": "Olive", "tenant": "Pellow & Finch"}
    opened = office.ask("POST", "/v1/setup", {"token": token, **who})
    office.owner.headers["authorization"] = f"Bearer {opened['secret']}"
    key = office.ask("POST", "/v1/me/totp", {})["secret"]["key"]
    opened = office.ask("POST", "/v1/me/totp/confirm", {"code": pyotp.TOTP(key).now()})
    if opened["secret"]:
        office.owner.headers["authorization"] = f"Bearer {opened['secret']}"


@pytest.mark.xdist_group("docs")
@pytest.mark.parametrize("path", RUN, ids=name_of)
def test_examples_run_and_give_what_the_page_says(path: Path, office: Office, tmp_path: Path) -> None:
    roles = office.furnish(path.stem[:40])
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "home").symlink_to(office.gateway.home)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    ours["PATH"] = f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"
    for example in examples(path):
        tools = [
            tool for tool in ("curl", "openssl") if f"{tool} " in example.code and not shutil.which(tool)
        ]
        if tools:
            pytest.skip(f"{tools[0]} is not on this machine")
        command = ["bash", "-euo", "pipefail", "-c"] if example.language == "sh" else [sys.executable, "-c"]
        ran = subprocess.run(
            [*command, example.code], cwd=tmp_path, env={**ours, "OSTIARY_URL": office.gateway.url, **roles[example.role]},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert ran.returncode == 0, (example.code, ran.stdout, ran.stderr)
        assert fits(ran.stdout, example.gives), (example.code, ran.stdout)


def fits(output: str, said: str) -> bool:
    """Whether the output is what is said, where `...` stands for anything. Nothing said: anything fits."""
    pattern = ".*".join(re.escape(part) for part in said.strip().split("..."))
    return not said or re.fullmatch(pattern, output.strip(), re.S) is not None


def test_a_page_that_promises_something_else_would_be_found() -> None:
    assert fits("cal_12 is held\n", "cal_... is held")
    assert not fits("cal_12 is done\n", "cal_... is held")
