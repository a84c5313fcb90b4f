"""Merkle trees of RFC 6962 section 2.1 and the proof verification of RFC 9162 sections 2.1.3.2 and 2.1.4.2. SHA-256, standard library only.

Proofs are made for any size from a reader of perfect subtrees, `read(level, index)`: the hash of leaves [index * 2**level, (index + 1) * 2**level).
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

Read = Callable[[int, int], bytes]

HASH_BYTES = 32
EMPTY = sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def append(frontier: list[bytes], size: int, leaf: bytes) -> None:
    """Add a leaf hash to the frontier of a tree of `size` leaves: the roots of its perfect subtrees, largest first."""
    while size & 1:
        leaf = node_hash(frontier.pop(), leaf)
        size >>= 1
    frontier.append(leaf)


def root_of(frontier: Sequence[bytes]) -> bytes:
    """The root hash of the tree with this frontier."""
    if not frontier:
        return EMPTY
    root = frontier[-1]
    for left in reversed(frontier[:-1]):
        root = node_hash(left, root)
    return root


def frontier(size: int, read: Read) -> list[bytes]:
    """The roots of the perfect subtrees of a tree of `size` leaves, largest first."""
    return _perfect(0, size, read)


def _perfect(begin: int, end: int, read: Read) -> list[bytes]:
    """The perfect subtrees that cover leaves [begin, end), where `begin` is a multiple of the largest of them."""
    found = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        found.append(read(level, begin >> level))
        begin += 1 << level
    return found


def range_hash(begin: int, end: int, read: Read) -> bytes:
    """MTH(D[begin:end]) for a range that RFC 6962's recursion meets."""
    return root_of(_perfect(begin, end, read))


def _split(count: int) -> int:
    """The largest power of two smaller than `count` (at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, read: Read) -> list[bytes]:
    """PATH(index, D[size]). Raises ValueError unless 0 <= index < size."""
    if not 0 <= index < size:
        raise ValueError("the index is not in the tree")
    path = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(range_hash(middle, end, read))
            end = middle
        else:
            path.append(range_hash(begin, middle, read))
            begin = middle
    return path[::-1]


def consistency_proof(first: int, second: int, read: Read) -> list[bytes]:
    """PROOF(first, D[second]); empty when the sizes are equal. Raises ValueError unless 0 < first <= second."""
    if not 0 < first <= second:
        raise ValueError("the first tree is empty or larger than the second")
    path = []
    begin, end = 0, second
    known = True  # the subtree at hand is one that the first tree's holder has the root of
    while first != end:
        middle = begin + _split(end - begin)
        if first <= middle:
            path.append(range_hash(middle, end, read))
            end = middle
        else:
            path.append(range_hash(begin, middle, read))
            begin, known = middle, False
    if not known:
        path.append(range_hash(begin, end, read))
    return path[::-1]


def includes(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that `leaf` (a leaf hash) is at `index` in the tree of `size` leaves with this root. RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size or not _hashes([leaf, root, *proof]):
        return False
    fn, sn, reached = index, size - 1, leaf
    for step in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            reached = node_hash(step, reached)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            reached = node_hash(reached, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and reached == root


def extends(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the tree of `second` leaves begins with the tree of `first`. RFC 9162 section 2.1.4.2.

    An empty first tree proves nothing and is refused, unless both are empty.
    """
    if first == second:
        return not proof and first_root == second_root and (first > 0 or first_root == EMPTY)
    if not 0 < first < second or not proof or not _hashes([first_root, second_root, *proof]):
        return False
    steps = list(proof) if first & (first - 1) else [first_root, *proof]
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node_hash(step, old), node_hash(step, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old == first_root and new == second_root


def _hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
