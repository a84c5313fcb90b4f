"""What we sign is verified by the reference libraries of Standard Webhooks, in Python and in JavaScript; what was changed is refused by them.

Neither of them verifies `v1a`: they pass over it, and take a `v1` that stands beside it. tests/webhooks/test_asymmetric.py verifies it with `cryptography`."""

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from ostiary.net import webhook
from ostiary.secret import Secret

BODIES = [
    b"{}",
    b'{"type":"approval.requested","timestamp":"2026-11-22T12:00:00.000000Z","data":{"approval":"apr_1"}}',
    '{"text":"é ñ 漢字 \U0001f512 \\u0000 \\"quoted\\""}'.encode(),
    b'{"n":1.5e300,"a":[null,true,false]}',
    b'{"long":"' + b"x" * 60_000 + b'"}',
]
NPM_TIMEOUT_S = 90
NODE_TIMEOUT_S = 60

SCRIPT = """
const {Webhook} = require('standardwebhooks');
const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(cases.map(({secret, headers, body}) => {
  try { new Webhook(secret).verify(Buffer.from(body, 'base64').toString('utf8'), headers); return true; } catch (error) { return error.message; }
})));
"""


def signed(body: bytes, *secrets: Secret, late_s: int = 0) -> dict[str, str]:
    now_s = int(time.time()) - late_s
    return webhook.headers(secrets, message="msg_1", now_s=now_s, body=body)


def cases() -> list[tuple[str, dict[str, str], bytes, bool]]:
    """(secret, headers, body, whether it is to be taken)."""
    old, new, other = webhook.new_secret(), webhook.new_secret(), webhook.new_secret()
    made = []
    for body in BODIES:
        both = signed(body, new, old)
        made += [
            (new.reveal(), both, body, True),
            (old.reveal(), both, body, True),
            (other.reveal(), both, body, False),
            (new.reveal(), both, body + b" ", False),
            (new.reveal(), {**both, "webhook-id": "msg_2"}, body, False),
            (new.reveal(), signed(body, new, late_s=600), body, False),
            (new.reveal(), signed(body, webhook.new_key(), new), body, True),
            (new.reveal(), signed(body, webhook.new_key()), body, False),
        ]
    return made


def test_the_python_library_takes_what_we_sign_and_nothing_else() -> None:
    for secret, headers, body, good in cases():
        if good:
            Webhook(secret).verify(body, headers)
        else:
            with pytest.raises(WebhookVerificationError):
                Webhook(secret).verify(body, headers)


@pytest.mark.timeout(240)
def test_the_javascript_library_takes_what_we_sign_and_nothing_else(tmp_path: Path) -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("not run: there is no node and npm here")
    command = [
        npm,
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "standardwebhooks@1",
    ]
    try:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=NPM_TIMEOUT_S)
    except (subprocess.SubprocessError, OSError):
        pytest.skip("not run: npm cannot fetch standardwebhooks here")
    import base64

    listed: list[dict[str, Any]] = [
        {"secret": secret, "headers": headers, "body": base64.b64encode(body).decode()}
        for secret, headers, body, _ in cases()
    ]
    said = subprocess.run(
        [node, "-e", SCRIPT], cwd=tmp_path, input=json.dumps(listed).encode(), check=True, capture_output=True, timeout=NODE_TIMEOUT_S
    )  # fmt: skip
    taken = [answer is True for answer in json.loads(said.stdout)]
    assert taken == [True, True, False, False, False, False, True, False] * len(BODIES)
