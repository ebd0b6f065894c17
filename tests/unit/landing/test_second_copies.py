"""Second copies of a record are found from what was remembered of each row, without reading a sealed file again."""

from __future__ import annotations

import pyarrow as pa
import pytest

from caldicott.safe_haven.landing.second_copies import Keys


def rows(hashes, first=1, identity=None):
    """Admitted rows with these record keys; each of somebody else."""
    places = list(range(first, first + len(hashes)))
    return pa.table({
        "record_hash": pa.array(hashes, pa.uint64()),
        "identity": pa.array(places, pa.int64()) if identity is None else identity,
        "file_row": pa.array(places, pa.int64()),
        "patient_name": ["Somebody"] * len(places),
    })  # fmt: skip


def suspects(*pieces):
    keys = Keys()
    for piece in pieces:
        keys.add(piece)
    found = keys.take_suspects()
    return found if found is None else sorted(found.column("file_row").to_pylist())


@pytest.mark.parametrize(("pieces", "found"), [
    ([[1, 2, 3], [4, 5]], None),
    ([[1, 2, 3], [4, 2]], [2, 5]),
    ([[7, 7, 7]], [1, 2, 3]),
    ([[None, None], [None]], None),
    ([[1, None], [None, 1]], [1, 4]),
    ([[2**64 - 1], [2**64 - 1]], [1, 2]),
    ([], None),
])  # fmt: skip
def test_every_row_whose_key_occurs_again_is_looked_at_and_no_other(pieces, found):
    """Also when the copies came in different pieces; a record without a key is nobody's copy."""
    firsts = [1 + sum(len(one) for one in pieces[:place]) for place in range(len(pieces))]
    assert suspects(*(rows(one, first) for one, first in zip(pieces, firsts, strict=True))) == found


def test_identities_that_came_as_places_in_lists_are_compared_as_what_they_say():
    """Lists of two pieces differ: place 0 of one may be another person than place 0 of the other."""
    keys = Keys()
    for first, number in ((1, "L1"), (2, "L2")):
        keys.add(rows([9], first, identity=pa.array([number]).dictionary_encode()))
    assert keys.take_suspects().column("identity").to_pylist() == ["L1", "L2"]


def test_nothing_but_key_identity_and_place_is_remembered_and_not_for_longer():
    """No name stays in memory for it, none of it is in what a log would show, and once asked all is forgotten."""
    keys = Keys()
    keys.add(rows([5, 5]))
    assert repr(keys) == "Keys(2 rows)"
    assert keys.take_suspects().column_names == ["record_hash", "identity", "file_row"]
    assert keys.take_suspects() is None
