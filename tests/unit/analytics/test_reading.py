"""An indicator is a file: what it must say, and how a fault in it is told."""

from __future__ import annotations

import pytest

from caldicott.analytics.dimension import registered
from caldicott.analytics.reading import read
from caldicott.facts import indicators as facts
from caldicott.facts.layout import load
from caldicott.vocabulary.errors import DoesNotHold

GOOD = """
id = "missed"
version = 2
title = "Missed"
definition = "Missed appointments."
citation = "us"
status = "remembered"
figure = "share"
dataset = "sus-op"
numerator = "attendance_status = '3'"
dimensions = ["practice"]
by = ["practice"]
"""


def test_every_indicator_that_ships_reads_and_says_where_it_comes_from():
    """Each names its source, says whether it was verified, and is shown only by registered dimensions."""
    found = [read(facts.text("library", name), name) for name in facts.shipped()]
    assert len(found) >= 20
    assert len({one.id for one in found}) == len(found)
    for one in found:
        assert one.status in {"verified", "remembered"}
        assert len(one.citation) > 20
        assert {*one.dimensions} <= {*registered()}
        assert f"{one.id}.toml" in facts.shipped()


def test_the_library_covers_what_the_notices_name():
    """From activity and cost over waits, stays and readmission to falls, conditions, prevention and medicines."""
    wanted = {
        "activity-inpatient", "activity-outpatient", "activity-emergency", "ae-four-hours", "ae-time-in-department",
        "length-of-stay", "long-stays", "delayed-discharges", "readmission-30-days", "outpatient-first",
        "outpatient-missed", "falls-pathway", "condition-prevalence", "acsc-admissions", "medicines-cost",
        "service-evaluation", "need-projection",
    }  # fmt: skip
    assert {f"{one}.toml" for one in wanted} <= {*facts.shipped()}


def test_a_file_reads_with_its_digest():
    """The trail names id and version; the digest tells two files of one id apart."""
    one, other = read(GOOD, "m.toml"), read(GOOD.replace("'3'", "'7'"), "m.toml")
    assert one.reference == "missed@2"
    assert one.digest != other.digest


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        (("version = 2", "version = true"), "m.toml: version", "whole number"),
        (('id = "missed"', 'id = "Missed!"'), "m.toml: id", "small letters"),
        (('figure = "share"', 'figure = "guess"'), "m.toml: figure", "one of: people"),
        (("numerator", "numerater"), "m.toml: numerater", "nearest is `numerator`"),
        (('citation = "us"', ""), "m.toml: citation", "missing"),
        (("numerator = \"attendance_status = '3'\"", ""), "m.toml: numerator", "needs it"),
        (('by = ["practice"]', 'by = ["sex"]'), "m.toml: by", "not among"),
        (('title = "Missed"', "title = 3"), "m.toml: title", "not text"),
        (("version = 2", "version = "), "m.toml", "not TOML"),
    ],
)
def test_a_fault_is_named_with_file_key_and_what_to_do(change, where, says):
    """Whoever writes an indicator is told which key of which file, in one sentence."""
    with pytest.raises(DoesNotHold) as refused:
        read(GOOD.replace(*change), "m.toml")
    assert refused.value.where == where
    assert says in refused.value.what
    assert "docs/reference/indicators.md" in refused.value.next_step


@pytest.mark.parametrize("said", ["person_token = 'C'", "sex = '1' or not person_token in ('C', 'D')"])
def test_nobody_is_counted_by_their_code(said):
    """Neither as rows that count, nor among them: who is picked by name is known by name."""
    for text in (GOOD + f'where = "{said}"\n', GOOD.replace("attendance_status = '3'", said)):
        with pytest.raises(DoesNotHold, match="by the code of a person") as fault:
            read(text, "m.toml")
        assert fault.value.code == "indicator-file"


def test_a_code_in_two_groups_is_refused():
    """Its people would be counted twice, and the groups would be no parts of a whole."""
    groups = (
        '[[groups]]\nname = "g"\ntitle = "G"\ncolumn = "c"\nstarts = true\n[groups.values]\nA = ["I2"]\nB = ["I25"]\n'
    )
    with pytest.raises(DoesNotHold, match="two groups"):
        read(GOOD + groups, "m.toml")


def test_columns_of_the_library_are_in_the_layouts():
    """Whatever an indicator reads, some layout delivers; the one that waits for a column is known by name."""
    from caldicott.analytics.expression import columns

    layouts = {
        "sus-apc": "ncdr-sus-apc", "sus-op": "ncdr-sus-op", "sus-ec": "ncdr-sus-ec", "community": "csds-care-contact",
        "gp-patients": "emis-patients", "gp-observations": "emis-observations", "gp-medications": "emis-medications",
        "mental-health": "mhsds-care-contact", "out-of-hours": "out-of-hours-contacts",
        "urgent-care": "urgent-care-attendances",
    }  # fmt: skip
    waiting = set()
    for name in facts.shipped():
        one = read(facts.text("library", name), name)
        for source in one.sources:
            if source.dataset in layouts:
                known = {column.canonical for column in load(layouts[source.dataset]).columns}
                waiting |= {one.id for column in columns(source.where) if column not in known}
    assert waiting == {"delayed-discharges"}
