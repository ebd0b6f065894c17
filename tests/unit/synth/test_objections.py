"""The latest coded entry decides, and type 2 entries after October 2018 decide nothing."""

import numpy as np
import pytest

from caldicott.synth.arrays import day
from caldicott.synth.objections import in_force_by_latest, schemes


@pytest.mark.parametrize(
    ("scheme", "entries", "holds"),
    [
        ("type1", [(True, day(2021, 6, 1))], True),
        ("type1", [(True, day(2021, 6, 1)), (False, day(2022, 1, 1))], False),
        ("type1", [(True, day(2021, 6, 1)), (False, day(2022, 1, 1)), (True, day(2023, 1, 1))], True),
        ("type2", [(True, day(2018, 10, 10))], True),
        ("type2", [(True, day(2018, 10, 12))], False),
        ("type2", [(True, day(2016, 1, 1)), (False, day(2019, 1, 1))], True),
    ],
    ids=["dissent", "withdrawn", "dissent again", "type 2 in time", "type 2 too late", "withdrawn too late"],
)
def test_what_holds_of_a_person_s_entries(scheme, entries, holds):
    """Entries in order of day, for one person and one scheme."""
    count = len(entries)
    answer = in_force_by_latest(
        np.zeros(count, np.int64),
        np.full(count, schemes().index(scheme)),
        np.array([is_dissent for is_dissent, _ in entries]),
        np.array([when for _, when in entries]),
    )

    assert answer.tolist() == [holds] * count


def test_persons_and_schemes_are_decided_apart():
    """One person's withdrawal says nothing of another's, nor of another scheme."""
    answer = in_force_by_latest(
        np.array([0, 0, 1, 1]), np.array([0, 2, 0, 0]), np.array([True, True, True, False]), np.array([9, 9, 9, 10])
    )

    assert answer.tolist() == [True, True, False, False]
