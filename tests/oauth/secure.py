"""A small HTTPS server with a certificate of its own, for what is only fetched over https."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.house import free_port

Answering = Callable[[Request], Response]


def certified(folder: Path) -> Path:
    """A certificate and its key for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


def authority_of(pem: Path) -> str:
    """The certificate alone, for whoever is to trust it."""
    return pem.read_text().partition("-----BEGIN PRIVATE KEY-----")[0]


@contextmanager
def serving(folder: Path, told: Callable[[str], dict[str, Answering]]) -> Iterator[tuple[str, Path]]:
    """An HTTPS server and its certificate; `told(url)` gives the answers by path."""
    pem, port = certified(folder), free_port()
    url = f"https://127.0.0.1:{port}"
    routes = [Route(path, _endpoint(answer), methods=["GET", "POST"]) for path, answer in told(url).items()]
    config = uvicorn.Config(
        Starlette(routes=routes), host="127.0.0.1", port=port, log_config=None, access_log=False,
        ssl_context_factory=lambda _config, _default: _context(pem),
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    try:
        yield url, pem
    finally:
        server.should_exit = True
        thread.join(10)


def document(told: dict[str, object]) -> Answering:
    return lambda _request: JSONResponse(told)


def _endpoint(answer: Answering) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        return answer(request)

    return endpoint


def _context(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
