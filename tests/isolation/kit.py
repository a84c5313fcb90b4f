"""An installation with two tenants, and a cell that takes one of them: real processes, each with its own root key, its own database role and its own home."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ostiary.ids import TenantId
from ostiary.vault.root import generate
from tests import servers
from tests.cluster import Cluster
from tests.process import OSTIARY, Process
from tests.waiting import until

MEMBER = "mia.member@brock.example"


@dataclass
class Estate:
    """`web` and `worker` are the installation's; `cell` and `cell_worker` are those of `tenant`. `key`: an agent's of that tenant; `other_key`: of the first
    tenant, which stays."""

    cluster: Cluster
    cell: Process
    cell_worker: Process
    tenant: TenantId
    key: str
    other_key: str
    key_file: Path

    @property
    def web(self) -> Process:
        return self.cluster.webs[0]

    def operate(self, *words: str) -> str:
        """A command beside the gateway, with its settings; what it wrote."""
        done = subprocess.run(
            [*OSTIARY, *words], env=self.web.environment(), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pin(self) -> None:
        self.operate("keys", "pin", self.tenant, "--url", self.cell.url, "--key-file", str(self.key_file))

    def unpin(self) -> None:
        self.operate("keys", "unpin", self.tenant, "--key-file", str(self.key_file))

    def start_cell(self) -> None:
        for member in (self.cell, self.cell_worker):
            member.launch()
        for member in (self.cell, self.cell_worker):
            member.wait_ready()

    def sign_in(self, at: Process, email: str) -> httpx.Response:
        """A session at one of the two, by the code in its own home."""
        codes = at.home / "login-codes"
        before = codes.read_text() if codes.exists() else ""
        asked = at.good("POST", "/v1/session/code", "", json={"email": email})
        until(lambda: codes.exists() and codes.read_text() != before and codes.read_text().endswith("\n"))
        code = codes.read_text().split()[-1]
        return at.ask("POST", "/v1/session/start", "", json={"request": asked["request"], "code": code})


@contextmanager
def estate(folder: Path, **settings: str) -> Iterator[Estate]:
    cluster = Cluster(folder, settings, web_count=1)
    made: Estate | None = None
    try:
        cluster.start()
        web = cluster.webs[0]
        other_key = web.make_key("steady", "developer")
        tenant = TenantId(web.good("POST", "/v1/tenants", json={"name": "Brock"})["tenant"])
        web.good("POST", "/v1/session/switch-tenant", json={"tenant": tenant})
        key = web.make_key("helper", "developer")
        web.good("POST", "/v1/members", json={"email": MEMBER, "name": "Mia Member", "role": "owner"})
        key_file = folder / "cell.key"
        key_file.write_text(generate().reveal() + "\n")
        key_file.chmod(0o600)
        made = Estate(cluster, *_cell(folder, cluster, tenant, key_file), tenant, key, other_key, key_file)
        yield made
    finally:
        if made:
            made.cell.kill()
            made.cell_worker.kill()
        data = cluster.data_url
        cluster.close()
        if made:
            servers.drop_cell(data, made.tenant)


def _cell(folder: Path, cluster: Cluster, tenant: TenantId, key_file: Path) -> tuple[Process, Process]:
    shared: dict[str, Any] = {
        "OSTIARY_DATABASE_URL": servers.cell_url(cluster.data_url, tenant),
        "OSTIARY_KEYS_URL": servers.cell_url(cluster.keys_url, tenant, "keys"),
        "OSTIARY_BLOB_URL": f"file://{folder / 'blobs'}",
        "OSTIARY_ROOT_KEY": key_file.read_text().strip(),
        "OSTIARY_TENANT": tenant,
        **cluster.settings,
    }
    servers.make_cell_workflows(cluster.data_url, tenant)
    return (
        Process(folder / "cell", ("web",), dict(shared)),
        Process(folder / "cell-worker", ("worker",), dict(shared)),
    )
