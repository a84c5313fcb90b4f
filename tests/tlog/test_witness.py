"""A witness cosigns what extends what it cosigned, answers as C2SP tlog-witness says, and nothing else."""

from pathlib import Path

import pytest

from ostiary.audit._c2sp_cosignature import Submission, cosigned, submission
from ostiary.audit._c2sp_note import Checkpoint, sign
from ostiary.witness.state import Identity, State, WitnessBroken, create, identity
from ostiary.witness.witness import Reply, add_checkpoint, latest
from tests.tlog.a_log import ALog

NOW_S = 1_760_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create(tmp_path / "w", "witness.example/w1")
    return tmp_path / "w"


@pytest.fixture
def log() -> ALog:
    return ALog().grow(40)


@pytest.fixture
def witness(folder: Path, log: ALog) -> "Watching":
    return Watching(folder, log)


class Watching:
    def __init__(self, folder: Path, log: ALog) -> None:
        self.identity: Identity = identity(folder)
        self.state = State(folder)
        self.state.trust(log.verifier.text())

    def add(self, body: bytes) -> Reply:
        return add_checkpoint(self.state, self.identity, body, NOW_S)


def test_it_cosigns_a_log_as_it_grows(witness: Watching, log: ALog) -> None:
    for old, size in ((0, 3), (3, 3), (3, 4), (4, 40)):
        reply = witness.add(log.ask(old, size))
        assert (reply.status, reply.body.count("\n")) == (200, 1)
        found = cosigned(log.note(size) + reply.body, [witness.identity.verifier])
        assert [(each.witness.name, each.at_s) for each in found] == [("witness.example/w1", NOW_S)]
    assert latest(witness.state, "x" * 64).status == 404
    import hashlib

    kept = latest(witness.state, hashlib.sha256(b"log.example/a").hexdigest())
    assert kept.body == log.note(40) + reply.body


def test_the_size_it_has_seen_is_told(witness: Watching, log: ALog) -> None:
    assert witness.add(log.ask(0, 5)).status == 200
    for old, size in ((0, 5), (0, 7), (3, 7), (4, 5), (6, 7)):
        reply = witness.add(log.ask(old, size))
        assert (reply.status, reply.body, reply.kind) == (409, "5\n", "text/x.tlog.size")


def test_a_fork_a_rollback_and_a_bad_proof_are_never_cosigned(witness: Watching, log: ALog) -> None:
    assert witness.add(log.ask(0, 20)).status == 200
    fork = log.fork(10).grow(30, "other")
    assert witness.add(fork.ask(20, 30)).status == 422
    assert witness.add(fork.ask(20, 20)).status == 422
    assert witness.add(log.ask(20, 10)).status == 400  # a smaller tree
    assert witness.add(log.ask(10, 10)).status == 409
    good = log.ask(20, 30).decode()
    lines = good.split("\n")
    for broken in (
        "\n".join([lines[0], *lines[2:]]),
        good.replace(lines[1], lines[2]),
        good.replace(lines[1] + "\n", lines[1] + "\n" + lines[1] + "\n"),
    ):
        assert witness.add(broken.encode()).status == 422
    assert witness.state.seen("log.example/a").size == 20
    assert witness.add(good.encode()).status == 200


def test_who_is_not_trusted_is_not_cosigned(witness: Watching, log: ALog, folder: Path) -> None:
    stranger = ALog().grow(5)
    assert witness.add(stranger.ask(0, 5)).status == 403
    assert witness.add(ALog("log.example/b").grow(5).ask(0, 5)).status == 404
    forged = log.note(5).rsplit(" ", 1)[0] + " " + stranger.note(5).rsplit(" ", 1)[1]
    assert witness.add(submission(Submission(0, (), forged))).status == 403
    broken = log.note(5).replace("\n5\n", "\n6\n")
    assert witness.add(submission(Submission(0, (), broken))).status == 403
    assert witness.state.distrust(log.verifier.text())
    assert witness.add(log.ask(0, 5)).status == 404


def test_an_empty_tree_has_the_empty_root(witness: Watching, log: ALog) -> None:
    forged = sign(Checkpoint(log.name, 0, b"\x01" * 32), log.key, log.verifier)
    assert witness.add(submission(Submission(0, (), forged))).status == 422
    assert witness.add(ALog(log.name, log.key).ask(0, 0)).status == 200
    assert witness.add(submission(Submission(0, (b"x" * 32,), log.note(3)))).status == 422
    assert witness.add(log.ask(0, 3)).status == 200


@pytest.mark.parametrize(
    "body", [b"", b"old 0\n\n", b"old 0\n\nx\n", b"old 00\n\n" + b"x" * 100, b"\xff" * 50]
)
def test_what_cannot_be_read_is_malformed(witness: Watching, body: bytes) -> None:
    assert witness.add(body).status == 400


def test_its_memory_outlives_it(witness: Watching, log: ALog, folder: Path) -> None:
    assert witness.add(log.ask(0, 20)).status == 200
    witness.state.close()
    again = Watching(folder, log)
    assert again.add(log.fork(5).grow(20, "other").ask(20, 25)).status == 422
    assert again.add(log.ask(20, 25)).status == 200


def test_its_key_is_its_own(folder: Path) -> None:
    assert (folder / "witness.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(WitnessBroken, match="already"):
        create(folder, "another.example/w")
    (folder / "witness.key").chmod(0o644)
    with pytest.raises(WitnessBroken, match="read by others"):
        identity(folder)
    for name in ("", "a b", "a+b", "ä.example"):
        with pytest.raises(WitnessBroken):
            create(folder / "x", name)
