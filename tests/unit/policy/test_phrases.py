"""The register's words as a person says them aloud."""

from __future__ import annotations

import itertools

import pytest

from caldicott.facts.layout import ColumnClass
from caldicott.policy import phrases
from caldicott.policy.columns import column_classes
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Identifier, Objection, ObjectionExemption, Relationship


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (phrases.IDENTIFIERS, Identifier),
        (phrases.OBJECTIONS, Objection),
        (phrases.EXEMPTIONS, ObjectionExemption),
        ({**phrases.RELATIONSHIPS, Relationship.NONE: "not told"}, Relationship),
    ],
)
def test_every_word_has_its_own_phrase(words, kind):
    """None is missing, and no two sound the same."""
    assert set(words) == set(kind)
    assert len(set(words.values())) == len(words)


def test_the_columns_of_a_pseudonymised_answer():
    """What is there, what stands instead of what, and what is not there."""
    assert phrases.columns(column_classes(DataFormat.PSEUDONYMISED, ())) == (
        "about care and services; sex, ethnicity and the like; age band and birth year instead of the birth date; "
        "first half of the postcode; a pseudonym for the person; how the NHS number was traced or why it is withheld; "
        "no name, address, NHS number or local number"
    )


def test_the_columns_of_an_answer_in_the_clear():
    """With every identifier nothing is said to be missing, and what is exact is not told as coarse too."""
    told = phrases.columns(column_classes(DataFormat.IDENTIFIABLE, tuple(Identifier)))
    assert "birth date; postcode; NHS number; local number; name, contact details and free text; address" in told
    assert "instead" not in told
    assert "; no " not in told


@pytest.mark.parametrize("identifiers", [(), *itertools.combinations(Identifier, 2), tuple(Identifier)])
def test_no_class_is_told_by_its_bare_word(identifiers):
    """Whatever is allowed, the reader meets no underscore."""
    for data_format in DataFormat:
        told = phrases.columns(column_classes(data_format, identifiers, inputs_whitelist=("restricted",)))
        assert "_" not in told
        assert ("no name" in told) is not (Identifier.NAME in identifiers and data_format is DataFormat.IDENTIFIABLE)


def test_a_class_outside_its_whole_group_is_told_all_the_same():
    """Nothing that is let through is kept quiet: half a group, or a class nobody has worded yet."""
    assert phrases.columns({"clinical", "holograms", "nhs_number"}) == (
        "clinical; holograms; nhs_number; no name, address or local number"
    )


def test_every_class_of_a_layout_has_a_place_in_a_group():
    """All classes at once leave no bare word over."""
    assert "_" not in phrases.columns({*ColumnClass, "token", "birth_year", "age_band", "outward_postcode"})
