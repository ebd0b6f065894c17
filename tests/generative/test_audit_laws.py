"""Laws of the audit room, for any entry and any tree."""

from datetime import UTC, date, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from caldicott.audit import AuditEntry, CompactRange, Outcome, decode, encode, verify_consistency, verify_inclusion
from caldicott.audit.differences import differences
from caldicott.audit.entry import act_id_of
from caldicott.audit.guard import identifying_shape
from caldicott.audit.merkle import consistency_proof, inclusion_proof, leaf_hash, root_of
from caldicott.vocabulary.errors import DoesNotHold

LEAVES = st.lists(st.binary(max_size=3).map(leaf_hash), max_size=70)
WORDS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=25)
SLUGS = st.from_regex(r"[a-z][a-z-]{0,12}", fullmatch=True)
SEPARATORS = st.sampled_from(["", " ", "-", ".", " - ", "/", "_"])


@st.composite
def entries(draw):
    return {
        "at": draw(st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.just(UTC))),
        "act_id": draw(st.uuids().map(str)),
        "actor": draw(WORDS),
        "role": draw(WORDS),
        "organisation": draw(WORDS),
        "event": draw(SLUGS),
        "outcome": draw(st.sampled_from(Outcome)),
        "reasons": tuple(draw(st.lists(WORDS, max_size=3))),
        "counts": draw(st.dictionaries(SLUGS, st.integers(0, 999_999_999), max_size=3)),
        "references": tuple(draw(st.lists(st.uuids().map(str), max_size=3))),
        "days": tuple(draw(st.lists(st.dates(), max_size=2))),
    }


@given(entries())
def test_an_entry_is_one_line_that_gives_it_back(fields):
    """Or it was refused for its shape; there is no third way."""
    try:
        entry = AuditEntry(**fields)
    except DoesNotHold as refusal:
        assert refusal.code == "audit-entry-identifies"  # noqa: PT017  either way is lawful
        return
    line = encode(entry)
    assert b"\n" not in line
    assert line.isascii()
    assert decode(line) == entry
    assert act_id_of(line) == fields["act_id"]


@given(st.integers(0, 9_999_999_999), st.sets(st.integers(1, 9)), SEPARATORS, SLUGS, SLUGS)
def test_ten_digits_do_not_pass_in_any_grouping(number, breaks, separator, before, after):
    """Unless the groups read as years, which no NHS number is written as."""
    digits = f"{number:010d}"
    edges = [0, *sorted(breaks), 10]
    groups = [digits[first:last] for first, last in pairwise(edges)]
    text = f"{before} {separator.join(groups)} {after}"
    if any(len(group) == 4 and group[:2] in ("19", "20") for group in groups):
        return
    assert identifying_shape(text) != ""


@given(
    st.dates(min_value=date(1850, 1, 1), max_value=date(2099, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%d/%m/%Y"]),
)
def test_a_day_passes_only_if_declared(day, form):
    text = f"until {day.strftime(form)}"
    assert identifying_shape(text) != ""
    assert identifying_shape(text, days=frozenset({day})) == ""


@given(
    st.from_regex(r"[A-PR-UWYZ][A-HK-Y]?[0-9][0-9A-HJKMNP-Y]? ?[0-9][ABD-HJLNP-UW-Z]{2}", fullmatch=True), st.booleans()
)
def test_no_postcode_passes(postcode, is_lower):
    text = f"lives at {postcode.lower() if is_lower else postcode}, alone"
    assert identifying_shape(text) == "a postcode"


@given(LEAVES, st.lists(st.integers(1, 9), max_size=20))
def test_a_range_extended_in_any_steps_has_the_root_of_the_whole(leaves, steps):
    tree = CompactRange()
    for step in [*steps, len(leaves)]:
        tree = tree.extend(leaves[tree.size : tree.size + step])
    assert tree == CompactRange().extend(leaves)
    assert tree.root() == root_of(leaves)


@given(LEAVES.filter(bool), st.integers(0), st.integers(0), st.binary(min_size=32, max_size=32))
def test_an_inclusion_proof_holds_and_an_altered_one_does_not(leaves, index, place, other):
    index %= len(leaves)
    proof, root = inclusion_proof(leaves, index), root_of(leaves)
    claim = {"leaf": leaves[index], "index": index, "size": len(leaves), "root": root}
    assert verify_inclusion(proof=proof, **claim)
    if proof and proof[place % len(proof)] != other:
        altered = [other if at == place % len(proof) else step for at, step in enumerate(proof)]
        assert not verify_inclusion(proof=altered, **claim)


@given(LEAVES, st.integers(0), st.integers(0), st.binary(min_size=32, max_size=32))
def test_consistency_holds_between_a_log_and_its_past_and_with_no_other(leaves, old, place, other):
    old %= len(leaves) + 1
    claim = {"old_size": old, "size": len(leaves), "root": root_of(leaves), "proof": consistency_proof(leaves, old)}
    assert verify_consistency(old_root=root_of(leaves[:old]), **claim)
    if old and leaves[place % old] != other:
        forked = [other if at == place % old else leaf for at, leaf in enumerate(leaves[:old])]
        assert not verify_consistency(old_root=root_of(forked), **claim)


@given(
    st.lists(st.binary(min_size=1, max_size=1), max_size=12), st.lists(st.binary(min_size=1, max_size=1), max_size=12)
)
def test_differences_are_found_if_and_only_if_there_are_any(found, written):
    """And none is placed before the first place where the two lists part."""
    findings = differences(found, written)
    assert bool(findings) == (found != written)
    if findings:
        parting = next(
            (at for at, (here, there) in enumerate(zip(found, written, strict=False)) if here != there),
            min(len(found), len(written)),
        )
        assert min(finding.first for finding in findings) >= parting
