"""The Merkle tree of RFC 6962 and its proofs, checked by the algorithms of RFC 9162.

Leaves and inner nodes are hashed with different first bytes, so that a node can
never pass for an entry. A `CompactRange` is all the writer keeps: the roots of
the perfect subtrees that the entries so far fall into, largest first.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEAF, NODE = b"\x00", b"\x01"
HASH_LENGTH = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    return sha256(LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(NODE + left + right).digest()


@dataclass(frozen=True, slots=True)
class CompactRange:
    """What must be kept of a tree to append to it: O(log n) hashes."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def extend(self, leaves: Iterable[bytes]) -> CompactRange:
        """The range after these leaf hashes; each costs one hash on average."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            carry, bits = leaf, size
            while bits & 1:
                carry = sha256(b"\x01" + peaks.pop() + carry).digest()
                bits >>= 1
            peaks.append(carry)
            size += 1
        return CompactRange(size, tuple(peaks))

    def root(self) -> bytes:
        """The root of the tree so far."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes."""
    return CompactRange().extend(leaves).root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The hashes that lead from the leaf at `index` to the root over all `leaves` [RFC 9162, 2.1.3.1]."""
    _require(0 <= index < len(leaves), "the index lies outside the tree")
    proof: list[bytes] = []
    low, high = 0, len(leaves)
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(root_of(leaves[middle:high]))
            high = middle
        else:
            proof.append(root_of(leaves[low:middle]))
            low = middle
    return tuple(reversed(proof))


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """The hashes that show the tree over all `leaves` extends its first `old_size` [RFC 9162, 2.1.4.1]."""
    _require(0 <= old_size <= len(leaves), "the old size lies outside the tree")
    if old_size in (0, len(leaves)):
        return ()
    proof: list[bytes] = []
    low, high, is_known = 0, len(leaves), True
    while old_size != high:
        middle = low + _split(high - low)
        if old_size <= middle:
            proof.append(root_of(leaves[middle:high]))
            high = middle
        else:
            proof.append(root_of(leaves[low:middle]))
            low, is_known = middle, False
    # The old root itself is left out: who checks the proof holds it already.
    own = () if is_known else (root_of(leaves[low:high]),)
    return (*own, *reversed(proof))


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from the leaf hash at `index` to `root` [RFC 9162, 2.1.3.2]."""
    if not 0 <= index < size:
        return False
    first, last, result = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            result = node_hash(step, result)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            result = node_hash(result, step)
        first, last = first >> 1, last >> 1
    return last == 0 and result == root


def verify_consistency(*, old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `size` extends the tree of `old_size` [RFC 9162, 2.1.4.2]."""
    if not 0 <= old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    path = (old_root, *proof) if old_size & (old_size - 1) == 0 else tuple(proof)
    return bool(path) and _rebuild(path, old_size=old_size, size=size) == (old_root, root)


def _rebuild(path: Sequence[bytes], *, old_size: int, size: int) -> tuple[bytes, bytes] | None:
    """The old and the new root that the path yields; None if its length is wrong."""
    first, last = old_size - 1, size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return None
        if first & 1 or first == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new = node_hash(new, step)
        first, last = first >> 1, last >> 1
    return (old, new) if last == 0 else None


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _require(holds: bool, what: str) -> None:  # noqa: FBT001  a claim reads best as the first word
    if not holds:
        raise ValueError(what)
