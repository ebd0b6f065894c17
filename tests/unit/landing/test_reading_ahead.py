"""Pieces of a file are read while others are placed: the same pieces, the same order, the same faults."""

from __future__ import annotations

import threading

import pytest

from caldicott.stores.submissions.ahead import ahead


def test_order_and_number_stay():
    """Nothing is lost, doubled or moved, and nothing of nothing is nothing."""
    assert list(ahead(iter(range(1, 50)))) == list(range(1, 50))
    assert list(ahead(iter(()))) == []


def test_a_fault_comes_after_the_pieces_before_it():
    """What was read before a fault arrives; then the fault itself, unchanged."""

    def pieces():
        yield 1
        yield 2
        raise ValueError("the third piece cannot be read")

    taken = []
    with pytest.raises(ValueError, match="the third piece"):
        taken.extend(iter_into(taken, ahead(pieces())))
    assert taken == [1, 2]


def test_the_next_piece_is_made_while_one_is_placed():
    """The reader goes on without being asked, and stops at six pieces, so memory does not grow."""
    made, second = [], threading.Event()

    def pieces():
        for number in range(20):
            made.append(number)
            if number == 2:
                second.set()
            yield number + 1

    reading = ahead(pieces())
    assert next(reading) == 1
    assert second.wait(10)
    assert len(made) <= 7
    reading.close()


def iter_into(taken, pieces):
    for piece in pieces:
        taken.append(piece)
    return []
