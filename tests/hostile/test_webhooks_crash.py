"""kill -9 while notices are being sent: each that was recorded gets there, with the id that it had, and is signed."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.process import Process

STOPS = 8
WITHIN_S = 60.0

pytestmark = [pytest.mark.journey]


class Receiver(ThreadingHTTPServer):
    """Takes notices; from the third on it keeps who asks waiting, until it is let go."""

    daemon_threads = True

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.stuck = threading.Event()
        self.go = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/in"

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever was waited for is dead."""


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = self.server.seen
        seen.append((headers["webhook-id"], json.loads(body)["type"], headers, body))
        if len(seen) >= 3 and not self.server.go.is_set():
            self.server.stuck.set()
            self.server.go.wait(WITHIN_S)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.go.set()
        receiver.shutdown()
        receiver.server_close()
        thread.join()


@pytest.mark.timeout(240)
def test_no_notice_is_lost_when_the_process_dies_while_it_sends(tmp_path: Path) -> None:
    process = Process(tmp_path / "home")
    with receiving() as receiver:
        try:
            process.start()
            process.found()
            made = process.good("POST", "/v1/webhooks", json={"url": receiver.url, "types": ["incident.*"]})
            for number in range(STOPS):
                asked = {"kind": "action", "target": f"some.thing{number}", "reason": "look"}
                process.good("POST", "/v1/stops", json=asked)
            assert receiver.stuck.wait(WITHIN_S)
            process.kill()
            known = {message for message, *_ in receiver.seen}
            receiver.go.set()
            process.start()
            until = time.monotonic() + WITHIN_S
            endpoint = made["webhook"]["id"]
            while (shown := process.good("GET", f"/v1/webhooks/{endpoint}"))["done"] < STOPS:
                assert time.monotonic() < until, shown
                time.sleep(0.1)
        finally:
            process.kill()
    ids = [message for message, *_ in receiver.seen]
    assert len(set(ids)) == STOPS
    assert {kind for _, kind, *_ in receiver.seen} == {"incident.stopped"}
    assert (shown["waiting"], shown["dead"]) == (0, 0)
    for _, _, headers, body in receiver.seen[-3:]:
        assert Webhook(made["secret"]).verify(body, headers)["type"] == "incident.stopped"
    bodies: dict[str, set[bytes]] = {}
    for message, _, _, body in receiver.seen:
        bodies.setdefault(message, set()).add(body)
    assert {len(each) for each in bodies.values()} == {1}, "sent again to the byte"
    print(
        f"\nwebhooks: killed after {len(known)} of {STOPS} had been posted; {len(ids)} posts in all, none lost"
    )
