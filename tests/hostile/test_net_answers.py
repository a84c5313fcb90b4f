"""Answers that two readers could read in two ways, and servers that choose the worst moment. One connection serves several requests, so whatever is
taken for the end of an answer decides which answer the next request gets."""

import asyncio
from contextlib import suppress

import pytest
import uvloop

from ostiary.errors import TargetTimeout, TargetUnavailable
from ostiary.net import _rfc9112
from ostiary.net.address import parse_url
from ostiary.net.http import Bounds, Client, Request
from tests.net.peer import answer, listening, raw, silence
from tests.net.test_http import GET, LOOPBACK, POST, QUICK, exchange

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
        OK + b"Content-Length: 2, 2\r\n\r\nab",
        OK + b"Content-Length: +2\r\n\r\nab",
        OK + b"Content-Length: -2\r\n\r\nab",
        OK + b"Content-Length: 0x2\r\n\r\nab",
        OK + b"Content-Length: 99999999999999999999999\r\n\r\nab",
        OK + b"Content-Length : 2\r\n\r\nab",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"Content-Length: 2\r\n\r\n0\r\n\r\n",
        CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\nabc",
        OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        CHUNKED + b"\r\n5\r\nhello0\r\n\r\n",
        CHUNKED + b"\r\n-1\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"\r\n0x5\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"\r\n5 5\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"\r\n5\nhello\r\n0\r\n\r\n",
        CHUNKED + b"\r\n5\r\nhello\r\n",
        OK + b"X: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n",
        OK + b"X\x0b: a\r\nContent-Length: 0\r\n\r\n",
        OK + b": nameless\r\nContent-Length: 0\r\n\r\n",
        OK + b"no colon\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 99 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
        b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 9 + OK + b"Content-Length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=lambda data: data[:60].decode("latin-1"),
)
def test_an_answer_that_can_be_read_in_two_ways_is_none(data):
    outcome, peer = exchange(raw(data), POST)
    assert isinstance(outcome, TargetUnavailable), outcome
    assert (outcome.maybe_done, len(peer.seen)) == (True, 1)


@pytest.mark.parametrize(
    "data",
    [
        OK + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
        OK + b"".join(b"X%d: y\r\n" % number for number in range(257)) + b"Content-Length: 0\r\n\r\n",
        OK + b"X" * 200_000,
        CHUNKED + b"\r\n2;" + b"x" * 200_000,
        CHUNKED + b"\r\n0\r\nX: " + b"y" * 200_000,
        CHUNKED + b"\r\n0\r\n" + b"".join(b"X%d: y\r\n" % number for number in range(300)) + b"\r\n",
        b"HTTP/1.1 200 " + b"x" * 200_000,
    ],
    ids=["a long header", "many headers", "a name without end", "a chunk's extension", "a trailer", "many trailers", "a reason"],
)  # fmt: skip
def test_a_head_without_end_is_cut_off(data):
    outcome, _ = exchange(raw(data, close=False), POST)
    assert isinstance(outcome, TargetUnavailable)


def test_a_good_answer_is_read_whatever_its_pieces():
    data = (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        + CHUNKED
        + b"Trailer: X\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n"
    )

    async def dripping(_seen, writer):
        for at in range(len(data)):
            writer.write(data[at : at + 1])
            await asyncio.sleep(0)

    outcome, peer = exchange(dripping, POST, times=2)
    assert (outcome.status, outcome.body) == (200, b"abcde")
    assert (peer.connections, "x" in outcome.headers, "link" in outcome.headers) == (1, False, False)


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b""),
        (OK + b"\r\nup to the end", b"up to the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
        (OK + b"content-LENGTH:  3 \t\r\n\r\nabc", b"abc"),
    ],
)
def test_how_long_an_answer_is_follows_the_standard(data, body):
    outcome, _ = exchange(raw(data))
    assert outcome.body == body


def test_head_has_no_body_whatever_it_says_and_the_next_answer_is_not_its_body():
    data = OK + b"Content-Length: 50\r\n\r\n"

    async def script(seen, writer):
        writer.write(data if seen.method == "HEAD" else OK + b"Content-Length: 3\r\n\r\nabc")

    outcome, peer = exchange(script, Request("HEAD", "/", {}), times=2)
    assert (outcome.status, outcome.body, len(peer.seen)) == (200, b"", 2)


def sent(script, requests=(GET, GET), *, between=None, bounds=QUICK, runner=asyncio.run):
    """Each outcome, and what the server saw. `between`: awaited after each request."""

    async def main():
        outcomes = []
        async with listening(script) as peer:
            client = Client(parse_url(peer.url), LOOPBACK, bounds)
            for request in requests:
                try:
                    outcomes.append(await client.send(request))
                except (TargetUnavailable, TargetTimeout) as error:
                    outcomes.append(error)
                if between:
                    await between()
            await client.close()
        return outcomes, peer

    return runner(main())


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("late", [False, True], ids=["at once", "a moment later"])
def test_a_second_answer_that_nobody_asked_for_is_never_anybodys(late, runner):
    mine = OK + b"Content-Length: 4\r\n\r\nmine"
    planted = OK + b"Content-Length: 7\r\n\r\nplanted"

    async def script(seen, writer):
        if seen.target == "/first":
            writer.write(mine if late else mine + planted)
            if late:
                await asyncio.sleep(0.02)
                writer.write(planted)
        else:
            writer.write(OK + b"Content-Length: 3\r\n\r\nown")

    requests = (Request("GET", "/first", {}), Request("GET", "/second", {}))
    outcomes, peer = sent(script, requests, between=lambda: asyncio.sleep(0.05), runner=runner)
    assert [outcome.body for outcome in outcomes] == [b"mine", b"own"]
    assert peer.connections == 2


@pytest.mark.parametrize("after_s", [0, 0.02], ids=["at once", "a moment later"])
@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run])
def test_an_answer_that_stands_there_before_the_request_is_taken_by_nobody(runner, after_s):
    async def main():
        seen = asyncio.get_running_loop().create_future()

        async def serve(reader, writer):
            await asyncio.sleep(after_s)
            writer.write(OK + b"Content-Length: 7\r\n\r\nplanted")
            with suppress(ConnectionError):
                await writer.drain()
                seen.set_result(await reader.read(1000))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = Client(parse_url(f"http://127.0.0.1:{port}"), LOOPBACK, QUICK)
        at_once = client._pool._dialled

        async def later(address):
            connection = await at_once(address)
            await asyncio.sleep(0.1)  # until its words have come
            return connection

        client._pool._dialled = later
        with pytest.raises(TargetUnavailable) as caught:
            await client.send(POST)
        got = await seen
        await client.close()
        server.close()
        await server.wait_closed()
        return caught.value.maybe_done, got, client._pool._places._value

    assert runner(main()) == (False, b"", 16)


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run])
def test_a_connection_that_the_server_closed_while_it_was_kept_is_not_used_and_no_write_goes_out_twice(
    runner,
):
    async def closing(_seen, writer):
        writer.write(OK + b"Content-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    outcomes, peer = sent(closing, (POST,) * 5, between=lambda: asyncio.sleep(0.02), runner=runner)
    assert [outcome.status for outcome in outcomes] == [200] * 5
    assert (len(peer.seen), peer.connections) == (5, 5)


def test_a_close_that_has_arrived_but_was_not_yet_read_is_seen_before_the_next_write():
    """The loop has had no turn between the two requests; only the socket knows."""

    async def main():
        async with listening(answer()) as peer:
            client = Client(parse_url(peer.url), LOOPBACK, QUICK)
            await client.send(POST)
            (connection,) = client._pool._idle
            connection._transport.pause_reading()  # as if the loop were busy elsewhere
            await peer.hang_up()
            outcome = await client.send(POST)
            await client.close()
            return outcome.status, len(peer.seen), peer.connections

    assert asyncio.run(main()) == (200, 2, 2)


def test_a_write_that_was_cut_off_is_not_sent_again():
    async def aborted(_seen, writer):
        writer.transport.abort()

    outcomes, peer = sent(aborted, (POST,))
    assert (outcomes[0].maybe_done, len(peer.seen)) == (True, 1)


@pytest.mark.parametrize("header", ["Connection: close\r\n", "connection: keep-alive, CLOSE\r\n"])
def test_a_server_that_wants_to_close_is_believed(header):
    _, peer = sent(answer(headers=header))
    assert peer.connections == 2


def test_whoever_is_cancelled_leaves_no_half_read_answer_to_the_next():
    async def script(seen, writer):
        if seen.target == "/slow":
            writer.write(OK + b"Content-Length: 7\r\n\r\nsec")
            await writer.drain()
            await asyncio.sleep(0.05)
            if not writer.is_closing():
                writer.write(b"retX")
        else:
            writer.write(OK + b"Content-Length: 3\r\n\r\nown")

    async def main():
        async with listening(script) as peer:
            client = Client(parse_url(peer.url), LOOPBACK, Bounds(timeout_s=2, connections_max=1))
            slow = asyncio.ensure_future(client.send(Request("GET", "/slow", {})))
            await asyncio.sleep(0.02)
            slow.cancel()
            got = await client.send(GET)
            await client.close()
            return got.body, peer.connections

    assert asyncio.run(main()) == (b"own", 2)


def test_places_are_given_back_whatever_happened():
    async def main():
        async with listening(raw(b"garbage")) as peer:
            client = Client(parse_url(peer.url), LOOPBACK, Bounds(timeout_s=1, connections_max=2))
            for _ in range(5):
                with pytest.raises(TargetUnavailable):
                    await client.send(GET)
            await client.close()
        async with listening(silence) as peer:
            client = Client(parse_url(peer.url), LOOPBACK, Bounds(timeout_s=0.1, connections_max=2))
            for _ in range(3):
                with pytest.raises(TargetTimeout):
                    await client.send(GET)
            await client.close()
            return client._pool._places._value, len(client._pool._busy), len(client._pool._idle)

    assert asyncio.run(main()) == (2, 0, 0)


def test_no_more_connections_than_allowed_and_each_request_its_own_answer():
    async def echo(seen, writer):
        await asyncio.sleep(0.005)
        body = seen.target.encode()
        writer.write(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def main():
        async with listening(echo) as peer:
            client = Client(parse_url(peer.url), LOOPBACK, Bounds(timeout_s=20, connections_max=3))
            targets = [f"/{number}" for number in range(30)]
            got = await asyncio.gather(*(client.send(Request("GET", target, {})) for target in targets))
            await client.close()
            return [each.body.decode() for each in got] == targets, peer.connections

    assert asyncio.run(main()) == (True, 3)


def test_whoever_waits_for_a_place_and_gives_up_has_surely_sent_nothing():
    async def main():
        async with listening(silence) as peer:
            client = Client(parse_url(peer.url), LOOPBACK, Bounds(timeout_s=0.3, connections_max=1))
            first = asyncio.ensure_future(client.send(POST))
            await asyncio.sleep(0.2)
            client.bounds = Bounds(timeout_s=0.05)
            with pytest.raises(TargetTimeout) as caught:
                await client.send(POST)
            with pytest.raises(TargetTimeout):
                await first
            await client.close()
            return caught.value.maybe_done, len(peer.seen)

    assert asyncio.run(main()) == (False, 1)


def test_a_kept_connection_is_given_up_after_a_while(monkeypatch):
    monkeypatch.setattr("ostiary.net.pool.KEEP_ALIVE_S", 0)
    _, peer = sent(answer())
    assert peer.connections == 2


def test_a_stream_that_nobody_reads_holds_no_more_than_its_bound():
    async def flood(_seen, writer):
        writer.write(CHUNKED + b"\r\n")
        while not writer.is_closing():
            writer.write(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
            await writer.drain()

    async def main():
        async with listening(flood) as peer:
            client = Client(parse_url(peer.url), LOOPBACK, QUICK)
            async with client.stream(GET, silent_s=1) as streaming:
                await asyncio.sleep(0.3)
                waiting = streaming.connection._waiting_bytes
                first = await streaming.piece()
                second = await streaming.piece()
            await client.close()
            return (
                _rfc9112.WAITING_BYTES_MAX < waiting < 3 * _rfc9112.WAITING_BYTES_MAX,
                first[:2],
                second[:2],
            )

    assert asyncio.run(main()) == (True, b"xx", b"xx")


@pytest.mark.parametrize("ending", [b"0\r\n\r\n", b"junk\r\n", None], ids=["its end", "garbage", "nothing"])
def test_the_rest_of_a_stream_is_waited_for_without_anybody_waiting(ending):
    async def script(_seen, writer):
        writer.write(CHUNKED + b"\r\n2\r\nhi\r\n")
        await writer.drain()
        if ending is not None:
            await asyncio.sleep(0.02)
            writer.write(ending)

    async def main():
        async with listening(script) as peer:
            client = Client(parse_url(peer.url), LOOPBACK, Bounds(timeout_s=2, connections_max=1))
            for _ in range(2):
                streaming = await client.open(GET, silent_s=1)
                assert await streaming.piece() == b"hi"
                streaming.close(drain_s=0.1)
            await client.close()
            return peer.connections

    assert asyncio.run(main()) == (1 if ending == b"0\r\n\r\n" else 2)


def test_a_silent_stream_ends_after_its_time():
    async def script(_seen, writer):
        writer.write(CHUNKED + b"\r\n2\r\nhi\r\n")

    async def main():
        async with listening(script) as peer:
            client = Client(parse_url(peer.url), LOOPBACK, QUICK)
            async with client.stream(GET, silent_s=0.05) as streaming:
                assert await streaming.piece() == b"hi"
                with pytest.raises(TargetTimeout) as caught:
                    await streaming.piece()
            await client.close()
            return caught.value.maybe_done

    assert asyncio.run(main()) is True


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "upgrade", "Expect", "TE", "Accept-Encoding"]
)  # fmt: skip
def test_a_caller_frames_no_request(name):
    outcome, peer = exchange(answer(), Request("POST", "/", {name: "1"}, b"{}"))
    assert isinstance(outcome, ValueError)
    assert (str(outcome), peer.connections) == (
        "a header that says where a request goes or ends is made here",
        0,
    )


@pytest.mark.parametrize("method", ["GET / HTTP/1.1\r\nX:", "get", "", "G\u00c9T"])
def test_a_method_is_a_word(method):
    outcome, peer = exchange(answer(), Request(method, "/", {}))
    assert isinstance(outcome, ValueError)
    assert peer.connections == 0
