"""The tree of RFC 6962 against known roots and against its definition written out anew."""

from hashlib import sha256

import pytest

from caldicott.audit.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The leaves and roots that the implementations of Certificate Transparency test with.
KNOWN_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LARGEST = 40
LEAVES = [leaf_hash(bytes([number])) for number in range(LARGEST)]


def split(size):
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def defined_root(leaves):
    """MTH of RFC 6962, 2.1, over leaf hashes."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = split(len(leaves))
    return sha256(b"\x01" + defined_root(leaves[:middle]) + defined_root(leaves[middle:])).digest()


def defined_path(index, leaves):
    """PATH of RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return ()
    middle = split(len(leaves))
    if index < middle:
        return (*defined_path(index, leaves[:middle]), defined_root(leaves[middle:]))
    return (*defined_path(index - middle, leaves[middle:]), defined_root(leaves[:middle]))


def defined_subproof(old, leaves, *, is_whole):
    """SUBPROOF of RFC 6962, 2.1.2."""
    if old == len(leaves):
        return () if is_whole else (defined_root(leaves),)
    middle = split(len(leaves))
    if old <= middle:
        return (*defined_subproof(old, leaves[:middle], is_whole=is_whole), defined_root(leaves[middle:]))
    return (*defined_subproof(old - middle, leaves[middle:], is_whole=False), defined_root(leaves[:middle]))


@pytest.mark.parametrize("size", range(9))
def test_known_roots(size):
    """0 to 8 leaves give the roots every implementation of RFC 6962 gives."""
    assert root_of([leaf_hash(leaf) for leaf in KNOWN_LEAVES[:size]]).hex() == KNOWN_ROOTS[size]


def test_a_leaf_and_a_node_of_the_same_bytes_differ():
    """Else a node could be passed off as an entry."""
    assert leaf_hash(b"a" * 64) != node_hash(b"a" * 32, b"a" * 32)


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_the_range_gives_the_defined_root_and_stays_small(size):
    tree = CompactRange().extend(LEAVES[:size])
    assert tree.root() == defined_root(LEAVES[:size])
    assert len(tree.peaks) == size.bit_count()


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_inclusion_proof(size):
    """Each is the defined one, holds, and holds for no other index, leaf, size or root."""
    leaves, root = LEAVES[:size], defined_root(LEAVES[:size])
    for index in range(size):
        proof = inclusion_proof(leaves, index)
        assert proof == defined_path(index, leaves)
        claim = {"leaf": leaves[index], "index": index, "size": size, "proof": proof, "root": root}
        assert verify_inclusion(**claim)
        for wrong in (
            {"leaf": leaf_hash(b"other")},
            {"root": leaf_hash(b"other")},
            {"proof": (*proof, root)},
            *([{"proof": proof[:-1]}] if proof else []),
            *({"index": other} for other in range(-1, size + 1) if other != index),
        ):
            assert not verify_inclusion(**(claim | wrong))


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_every_consistency_proof(size):
    """Each is the defined one, holds, and fails for another root, size or path."""
    leaves, root = LEAVES[:size], defined_root(LEAVES[:size])
    for old in range(size + 1):
        proof = consistency_proof(leaves, old)
        assert proof == (defined_subproof(old, leaves, is_whole=True) if old else ())
        claim = {"old_size": old, "old_root": defined_root(LEAVES[:old]), "size": size, "root": root, "proof": proof}
        assert verify_consistency(**claim)
        assert not verify_consistency(**(claim | {"old_root": leaf_hash(b"other")}))
        assert not verify_consistency(**(claim | {"proof": (*proof, root)}))
        if 0 < old < size:
            assert not verify_consistency(**(claim | {"root": leaf_hash(b"other")}))
            assert not verify_consistency(**(claim | {"proof": proof[:-1]}))
            assert not verify_consistency(**(claim | {"proof": (leaf_hash(b"other"), *proof[1:])}))


@pytest.mark.parametrize(("old", "size"), [(-1, 3), (4, 3)])
def test_sizes_that_cannot_be(old, size):
    assert not verify_consistency(old_size=old, old_root=EMPTY_ROOT, size=size, root=EMPTY_ROOT, proof=())
    with pytest.raises(ValueError, match="outside the tree"):
        consistency_proof(LEAVES[:3], old)


@pytest.mark.parametrize("index", [-1, 3])
def test_no_proof_for_what_is_not_there(index):
    with pytest.raises(ValueError, match="outside the tree"):
        inclusion_proof(LEAVES[:3], index)
