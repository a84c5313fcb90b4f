"""A log of its own for tests of witnesses: leaves in a list, a key, and the proofs by definition."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostiary.audit import _rfc6962 as merkle
from ostiary.audit._c2sp_cosignature import Submission, submission
from ostiary.audit._c2sp_note import Checkpoint, VerifierKey, sign


@dataclass
class ALog:
    """`fork(at)` is another history under the same key, which shares the first `at` events."""

    name: str = "log.example/a"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    leaves: list[bytes] = field(default_factory=list)

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.key.public_key().public_bytes_raw())

    def grow(self, count: int, word: str = "event") -> "ALog":
        begin = len(self.leaves)
        self.leaves += [
            merkle.leaf_hash(f"{word} {number}".encode()) for number in range(begin, begin + count)
        ]
        return self

    def fork(self, at: int) -> "ALog":
        return ALog(self.name, self.key, self.leaves[:at])

    def read(self, level: int, index: int) -> bytes:
        frontier: list[bytes] = []
        for size, leaf in enumerate(self.leaves[index << level : (index + 1) << level]):
            merkle.append(frontier, size, leaf)
        return merkle.root_of(frontier)

    def note(self, size: int) -> str:
        root = merkle.root_of(merkle.frontier(size, self.read))
        return sign(Checkpoint(self.name, size, root), self.key, self.verifier)

    def ask(self, old: int, size: int) -> bytes:
        """The body of add-checkpoint."""
        proof = merkle.consistency_proof(old, size, self.read) if 0 < old <= size else []
        return submission(Submission(old, tuple(proof), self.note(size)))
