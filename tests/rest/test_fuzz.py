"""Requests made up from `/openapi.json`, by somebody of each role and by nobody: no check fails, and nothing breaks inside.

Left out is only what would take the run's own credential away: ending or moving its session, and its second factor. A 422 on data that fits the schema is
right only where the rule cannot stand in a schema.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rest.serving import Served, furnish, serving
from tests.shop import running

ENDS_THE_RUN = ("session.end", "session.end_all", "session.switch_tenant", "me.totp_remove", "me.totp_enrol")
BEYOND_SCHEMA = {
    "audit.consistency": "second may not be larger than the log",
    "audit.search": "a cursor is what the last page gave",
    "audit.export": "the pages lie within the log",
    "audit.proof": "the size lies within the log",
    "call.list": "a cursor is what the last page gave",
    "approval.list": "a cursor is what the last page gave",
    "contract.history": "a cursor is what the last page gave",
    "contract.apply": "the text is a contract file",
    "connector.put": "settings are one of several kinds, and an address has to be one",
    "key.create": "programs and agents have roles, publishable keys have contracts",
    "member.add": "the role exists",
    "member.change_role": "the role exists",
    "discovery.items": "a cursor is what the last page gave",
    "discovery_place.put": "the connector and the rule set exist, and only a bucket has credentials",
    "role.put": "the permissions exist",
    "privacy.policy_put": "the roles exist",
    "session.request_code": "an address has to be one, and gets few codes an hour",
    "setup.begin": "an address has to be one",
    "audit.publishing_put": "addresses have to be some, and witnesses' keys keys",
    "hold.place": "each scope needs its own words",
    "retention.put": "a kind of data is one that is kept",
    "shield.stop": "a key or an action is named",
    "subject.erase": "the id is repeated",
    "agent_session.open": "the agent is one of the tenant's",
    "contract.import": "the text is an OpenAPI document",
    "limit.set": "a period and an amount, or hours",
    "document.decide": "some findings by id, or all of a category",
    "oauth.client_register": "an address to come back to has to be one",
    "redaction_plan.put": "the text is a plan",
    "redaction_rules.put": "the text is a rule set",
    "redaction_plan.history": "a cursor is what the last page gave",
    "redaction_rules.infer": "examples have a shape in common",
    "redaction_rules.history": "a cursor is what the last page gave",
    "redaction.redact": "a text or a value, and a plan that fits it",
    "redaction.restore": "a text or a value",
    "redaction_scope.destroy": "the name is repeated",
    "policy.history": "a cursor is what the last page gave",
    "mailing.put": "the roles exist",
    "oauth.token": "RFC 6749 section 5.2: what is wrong is told by 400",
    "webhook.create": "an address has to be one, and a type a type",
    "webhook.put": "an address has to be one, and a type a type",
    "install_webhook.create": "an address has to be one, and a type a type",
    "install_webhook.put": "an address has to be one, and a type a type",
    "tenant.destroy": "the id is repeated",
    "tenant.pin": "a root key is one",
    "tenant.unpin": "a root key is one",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running() as connected, serving(tmp_path_factory.mktemp("fuzz")) as gateway:
        furnish(gateway, connected)
        yield gateway


def fuzzed(
    served: Served, role: str, folder: Path, *, examples: int, phases: str
) -> "subprocess.CompletedProcess[str]":
    rules = "".join(
        f'[[operations]]\ninclude-operation-id = "{name}"\n'
        f'checks.positive_data_acceptance.expected-statuses = ["2xx", {"400, " if name == "oauth.token" else ""}401, 403, 404, 409, 422, 429, "5xx"]\n\n'
        for name in BEYOND_SCHEMA
    )
    (folder / "schemathesis.toml").write_text(rules)
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(folder / "schemathesis.toml"), "run", f"{served.url}/openapi.json",
        "--checks", "all", "--phases", phases, "--max-examples", str(examples), "--generation-deterministic",
        "--suppress-health-check", "all", "--continue-on-failure", "--no-color", "--warnings", "off",
        "--request-timeout", "60", "--max-response-time", "60",
    ]  # fmt: skip
    for name in ENDS_THE_RUN:
        command += ["--exclude-operation-id", name]
    if served.tokens[role]:
        command += ["--header", f"Authorization: Bearer {served.tokens[role]}"]
    environ = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.rest.fuzz_hooks",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def holds(served: Served, role: str, folder: Path, *, examples: int, phases: str) -> None:
    done = fuzzed(served, role, folder, examples=examples, phases=phases)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "call.broke" not in served.process.home.with_name("gateway.log").read_text()
    assert served.ask("GET", "/v1/me", role).status_code == (200 if role else 401)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("role", ["", "viewer", "support", "admin"], ids=lambda role: role or "nobody")
def test_no_check_fails_on_some_requests_of_each_role(served: Served, role: str, tmp_path: Path) -> None:
    holds(served, role, tmp_path, examples=1, phases="examples,fuzzing")


@pytest.mark.timeout(180)
def test_no_check_fails_at_the_edges_of_the_description(served: Served, tmp_path: Path) -> None:
    holds(served, "owner", tmp_path, examples=1, phases="examples,coverage")


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "role", ["", "viewer", "support", "admin", "owner"], ids=lambda role: role or "nobody"
)
def test_no_check_fails_on_many_requests_one_after_another(served: Served, role: str, tmp_path: Path) -> None:
    holds(served, role, tmp_path, examples=50, phases="examples,coverage,fuzzing,stateful")
