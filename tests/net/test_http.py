import asyncio
import gzip
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ostiary.errors import AddressRefused, TargetTimeout, TargetUnavailable
from ostiary.net.address import Egress, egress, parse_url
from ostiary.net.http import Answer, Bounds, Client, Request, tls_context
from tests.net.peer import answer, listening, raw, silence

LOOPBACK = egress(("127.0.0.0/8",))
QUICK = Bounds(connect_timeout_s=2, timeout_s=2, answer_bytes_max=1000)
GET = Request("GET", "/a?b=1", {"Accept": "application/json"})
POST = Request("POST", "/a", {"Content-Type": "application/json"}, b'{"x":1}')


def exchange(script, request=GET, *, bounds=QUICK, allowed: Egress = LOOPBACK, times: int = 1):
    """The last answer, or error, and what the server saw."""

    async def main():
        async with listening(script) as peer:
            client = Client(parse_url(peer.url), allowed, bounds)
            try:
                for _ in range(times):
                    outcome = await client.send(request)
            except Exception as error:
                outcome = error
            finally:
                await client.close()
            return outcome, peer

    return asyncio.run(main())


def test_an_answer_comes_back_whole():
    outcome, peer = exchange(answer(201, b'{"ok":true}', headers="X-One: 1\r\n"))
    assert outcome == Answer(
        201, {"content-type": "application/json", "content-length": "11", "x-one": "1"}, b'{"ok":true}'
    )
    assert (peer.seen[0].method, peer.seen[0].target, peer.seen[0].body) == ("GET", "/a?b=1", b"")
    assert peer.seen[0].headers == {
        "host": f"127.0.0.1:{peer.port}",
        "accept-encoding": "identity",
        "accept": "application/json",
    }


def test_a_body_is_sent_as_it_is():
    _, peer = exchange(answer(), POST)
    assert (peer.seen[0].body, peer.seen[0].headers["content-length"]) == (b'{"x":1}', "7")


def test_a_connection_is_kept_for_the_next_request():
    _, peer = exchange(answer(), times=5)
    assert (len(peer.seen), peer.connections) == (5, 1)


def test_a_gzip_answer_is_opened():
    outcome, _ = exchange(answer(200, gzip.compress(b'{"ok":true}'), headers="Content-Encoding: gzip\r\n"))
    assert outcome.body == b'{"ok":true}'


def test_a_server_that_is_not_there_was_surely_not_sent_anything():
    async def main():
        async with listening(answer()) as peer:
            url = peer.url
        with pytest.raises(TargetUnavailable) as caught:
            await Client(parse_url(url), LOOPBACK, QUICK).send(POST)
        return caught.value

    assert asyncio.run(main()).maybe_done is False


def test_silence_ends_in_a_timeout_that_may_have_been_done():
    outcome, _ = exchange(silence, POST, bounds=Bounds(timeout_s=0.1))
    assert isinstance(outcome, TargetTimeout)
    assert outcome.maybe_done is True


def test_a_connection_that_breaks_after_sending_may_have_been_done():
    outcome, _ = exchange(raw(b"", reset=True), POST)
    assert isinstance(outcome, TargetUnavailable)
    assert outcome.maybe_done is True


def test_a_refused_address_was_surely_not_sent_anything():
    outcome, peer = exchange(answer(), POST, allowed=egress(()))
    assert isinstance(outcome, AddressRefused)
    assert (outcome.maybe_done, peer.connections) == (False, 0)


def test_the_next_address_is_tried_when_the_first_does_not_answer():
    async def main():
        async def resolver(_host: str, _port: int):
            return ["127.0.0.2", "127.0.0.1"]

        async with listening(answer()) as peer:
            client = Client(
                parse_url(f"http://erp.internal:{peer.port}"), egress(("127.0.0.0/8",), resolver), QUICK
            )
            got = await client.send(GET)
            await client.close()
            return got.status, peer.seen[0].headers["host"], peer.port

    status, host, port = asyncio.run(main())
    assert (status, host) == (200, f"erp.internal:{port}")


def certified(folder: Path, address: str = "127.0.0.9") -> tuple[ssl.SSLContext, str]:
    """A server's context for erp.internal and an IP address, and the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "erp.internal")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("erp.internal"), x509.IPAddress(ip_address(address))]),
            False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    path = folder / "server.pem"
    path.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, pem.decode()


def over_tls(folder: Path, name: str, *, trusted: bool, server: ssl.SSLContext | None = None):
    context, pem = certified(folder)

    async def main():
        async def resolver(_host: str, _port: int):
            return ["127.0.0.1"]

        async with listening(answer(), tls=server or context) as peer:
            allowed = egress(("127.0.0.0/8",), resolver)
            client = Client(
                parse_url(f"https://{name}:{peer.port}"), allowed, QUICK, ca_pem=pem if trusted else ""
            )
            try:
                return await client.send(POST)
            except TargetUnavailable as error:
                return error
            finally:
                await client.close()

    return asyncio.run(main())


def test_tls_is_verified_against_the_name_though_the_ip_is_connected_to(tmp_path):
    assert over_tls(tmp_path, "erp.internal", trusted=True).status == 200


def test_another_name_or_an_unknown_authority_is_refused_before_anything_is_sent(tmp_path):
    for outcome in (
        over_tls(tmp_path, "crm.internal", trusted=True),
        over_tls(tmp_path, "erp.internal", trusted=False),
    ):
        assert isinstance(outcome, TargetUnavailable)
        assert outcome.maybe_done is False


def test_tls_is_1_2_or_later_and_verified():
    context = tls_context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
