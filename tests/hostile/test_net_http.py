import asyncio
import gzip

import pytest

from ostiary.errors import (
    AddressRefused,
    TargetAnswerInvalid,
    TargetAnswerTooLarge,
    TargetTimeout,
    TargetUnavailable,
)
from ostiary.net.address import egress, parse_url
from ostiary.net.http import Bounds, Client, Request
from tests.net.peer import answer, listening, raw
from tests.net.test_http import GET, LOOPBACK, POST, exchange


def test_a_huge_answer_is_refused_by_its_announced_length():
    outcome, _ = exchange(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", close=False))
    assert isinstance(outcome, TargetAnswerTooLarge)


def test_a_huge_answer_without_a_length_is_cut_off_while_it_flows():
    async def endless(_seen, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()

    outcome, _ = exchange(endless)
    assert isinstance(outcome, TargetAnswerTooLarge)


def test_an_answer_of_exactly_the_bound_passes_and_one_byte_more_does_not():
    assert len(exchange(answer(200, b"x" * 1000))[0].body) == 1000
    assert isinstance(exchange(answer(200, b"x" * 1001))[0], TargetAnswerTooLarge)


def test_a_gzip_bomb_does_not_grow():
    bomb = gzip.compress(b"\0" * 50_000_000)
    outcome, _ = exchange(
        answer(200, bomb, headers="Content-Encoding: gzip\r\n"), bounds=Bounds(answer_bytes_max=100_000)
    )
    assert isinstance(outcome, TargetAnswerTooLarge)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "nonsense"])
def test_a_compression_that_was_not_asked_for_is_refused(encoding):
    outcome, _ = exchange(answer(200, b"abc", headers=f"Content-Encoding: {encoding}\r\n"))
    assert isinstance(outcome, TargetAnswerInvalid)


def test_broken_gzip_is_refused():
    outcome, _ = exchange(answer(200, b"this is not gzip", headers="Content-Encoding: gzip\r\n"))
    assert isinstance(outcome, TargetAnswerInvalid)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        b"",
    ],
)
def test_what_speaks_no_http_or_breaks_off_is_unavailable_and_may_have_been_done(data):
    outcome, _ = exchange(raw(data), POST)
    assert isinstance(outcome, TargetUnavailable)
    assert outcome.maybe_done is True


def test_a_reset_in_the_middle_of_the_body_is_unavailable():
    outcome, _ = exchange(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", reset=True), POST)
    assert isinstance(outcome, TargetUnavailable)
    assert outcome.maybe_done is True


def test_an_answer_that_drips_is_ended_by_the_total_time():
    async def drip(_seen, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    outcome, _ = exchange(drip, bounds=Bounds(timeout_s=0.2))
    assert isinstance(outcome, TargetTimeout)


def test_a_redirect_to_the_metadata_service_is_handed_back_and_not_followed():
    outcome, peer = exchange(answer(302, b"", headers="Location: http://169.254.169.254/latest/\r\n"))
    assert (outcome.status, len(peer.seen)) == (302, 1)


def test_a_protocol_that_changes_under_us_is_unavailable():
    outcome, _ = exchange(
        raw(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", close=False), POST
    )
    assert isinstance(outcome, TargetUnavailable)


def test_cookies_are_not_kept():
    _, peer = exchange(answer(headers="Set-Cookie: a=b\r\n"), times=2)
    assert "cookie" not in peer.seen[1].headers


def test_a_proxy_in_the_environment_is_not_taken(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert exchange(answer())[0].status == 200


def test_a_name_that_rebinds_to_the_inside_is_judged_again_by_the_address_of_each_connection():
    async def main():
        async with listening(answer(headers="Connection: close\r\n")) as peer:
            replies = iter([["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]])

            async def resolver(_host: str, _port: int):
                return next(replies)

            allowed = egress(("127.0.0.0/8",), resolver)
            client = Client(parse_url(f"http://rebinding.example:{peer.port}"), allowed, Bounds(timeout_s=2))
            assert (await client.send(GET)).status == 200
            with pytest.raises(AddressRefused):
                await client.send(GET)
            assert (await client.send(GET)).status == 200
            await client.close()
            return peer.connections

    assert asyncio.run(main()) == 2


def test_one_connection_resolves_once_so_nothing_can_change_between_judging_and_connecting():
    async def main():
        asked = []

        async def resolver(host: str, _port: int):
            asked.append(host)
            return ["127.0.0.1"]

        async with listening(answer()) as peer:
            client = Client(
                parse_url(f"http://rebinding.example:{peer.port}"),
                egress(("127.0.0.0/8",), resolver),
                Bounds(timeout_s=2),
            )
            for _ in range(3):
                await client.send(GET)
            await client.close()
        return asked

    assert asyncio.run(main()) == ["rebinding.example"]


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/a b", {}),
        Request("GET", "/a\r\nHost: inside", {}),
        Request("GET", "http://inside/", {}),
        Request("GET", "", {}),
        Request("GET", "/", {"X": "a\r\nY: b"}),
        Request("GET", "/", {"X\r\nY": "b"}),
        Request("GET", "/", {"X": "caf\u00e9"}),
    ],
)
def test_a_request_that_would_smuggle_a_line_is_never_made(request_):
    async def main():
        client = Client(parse_url("http://127.0.0.1:9000"), LOOPBACK, Bounds())
        with pytest.raises(ValueError, match=r"header|target"):
            await client.send(request_)

    asyncio.run(main())
