"""A witness that is killed at any moment never cosigns a second history: what it acknowledged, it remembers."""

import http.client
import os
import random
import signal
import time
from pathlib import Path

from ostiary.witness.state import State, create
from tests.house import free_port
from tests.tlog.a_log import ALog
from tests.tlog.a_witness import launch

ROUNDS = 12


def ask(port: int, body: bytes) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", "/add-checkpoint", body=body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_witness_killed_at_any_moment_never_cosigns_a_fork(tmp_path: Path) -> None:
    log, chance = ALog().grow(600), random.Random(7)
    folder = tmp_path / "w"
    create(folder, "witness.example/w1")
    state = State(folder)
    state.trust(log.verifier.text())
    state.close()
    acknowledged, refused = 0, 0
    for _ in range(ROUNDS):
        port = free_port()
        process = launch(folder, port)
        try:
            fork = log.fork(max(acknowledged - 1, 0)).grow(8, "other")
            for old, size in (
                (acknowledged, acknowledged + 1),
                (max(acknowledged - 1, 0), acknowledged),
                (0, 3),
            ):
                if acknowledged:
                    status, _body = ask(port, fork.ask(old, size))
                    assert status in (409, 422, 400)
                    refused += 1
            killer = chance.uniform(0.0, 0.08)
            began = time.monotonic()
            current = acknowledged
            while current < 599:
                if time.monotonic() - began > killer:
                    os.kill(process.pid, signal.SIGKILL)
                try:
                    status, body = ask(port, log.ask(current, current + 1))
                except (OSError, http.client.HTTPException):
                    break
                if status == 409:  # it was persisted, and its answer was lost
                    assert int(body) > current
                    current = int(body)
                    continue
                assert status == 200
                current = acknowledged = current + 1
        finally:
            process.kill()
            process.wait()
        state = State(folder)
        assert state.seen(log.name).size >= acknowledged
        acknowledged = state.seen(log.name).size
        state.close()
    assert acknowledged > ROUNDS
    assert refused >= 3 * (ROUNDS - 1) - 3
