"""Laws of pseudonyms that hold for whatever persons come in whatever order."""

import tempfile
from datetime import date
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from caldicott.register.model import PseudonymDomain
from caldicott.safe_haven.pseudonyms.at_source import AtSourceKey, pseudonymise
from caldicott.safe_haven.pseudonyms.tokens import check, is_token, make_tokens
from caldicott.stores.key_encryption import HeldKek
from caldicott.stores.keys import KeyRing
from caldicott.stores.vault import Vault

DAY = date(2026, 5, 1)
PERSON = st.integers(-(2**63), 2**63 - 1)
BATCHES = st.lists(st.lists(st.one_of(st.none(), PERSON), max_size=20), min_size=1, max_size=4)
LETTER = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def domain(letter, epoch=1):
    return PseudonymDomain(
        name=f"domain-{letter.lower()}", letter=letter, recipient="example-icb", agreement="dars-dsa", epoch=epoch
    )


def run(vault, batches, within):
    """Tokens of each batch in turn, every batch going live; and all that is live at the end."""
    live, seen = [], []
    for batch in batches:
        table, files = vault.tokens_for(pa.array(batch, pa.int64()), within, created=DAY, live_files=live)
        live.extend(files)
        seen.append(dict(zip(table["person_id"].to_pylist(), table["token"].to_pylist(), strict=True)))
    return seen, live


def new_vault(folder):
    return Vault(Path(folder) / "vault", KeyRing(Path(folder) / "keys", HeldKek(b"k" * 32)), "store-1")


@settings(max_examples=30, deadline=None)
@given(batches=BATCHES)
def test_same_person_same_domain_same_token_and_back(batches):
    """Over any batches: one token a person, one person a token, nobody left out, and every token leads back."""
    with tempfile.TemporaryDirectory() as folder:
        vault = new_vault(folder)
        seen, live = run(vault, batches, domain("C"))
        tokens = {}
        for batch, each in zip(batches, seen, strict=True):
            assert set(each) == {person for person in batch if person is not None}
            assert all(tokens.setdefault(person, token) == token for person, token in each.items())
        assert len(set(tokens.values())) == len(tokens)
        assert all(is_token(token, "C") for token in tokens.values())
        found = vault.persons_for(pa.array(list(tokens.values()), pa.string()), domain("C"), live_files=live)
        assert found["person_id"].to_pylist() == list(tokens)


@settings(max_examples=20, deadline=None)
@given(
    batch=st.lists(PERSON, min_size=1, max_size=20),
    letters=st.tuples(LETTER, LETTER),
    epochs=st.tuples(*[st.integers(1, 3)] * 2),
)
def test_different_domains_or_epochs_share_no_token(batch, letters, epochs):
    """Two domains or epochs have no token in common, and neither can turn the other's back."""
    one, two = (domain(letter, epoch) for letter, epoch in zip(letters, epochs, strict=True))
    if one == two:
        return
    with tempfile.TemporaryDirectory() as folder:
        vault = new_vault(folder)
        (ours,), live_one = run(vault, [batch], one)
        (theirs,), live_two = run(vault, [batch], two)
        assert set(ours.values()).isdisjoint(theirs.values())
        found = vault.persons_for(pa.array(list(ours.values())), two, live_files=live_one + live_two)
        assert found["person_id"].null_count == len(ours)


@settings(max_examples=20, deadline=None)
@given(persons=st.sets(PERSON, min_size=3, max_size=12), order=st.randoms(use_true_random=False))
def test_merges_end_in_one_token_and_never_touch_others(persons, order):
    """However persons are merged into one, all their tokens mean that one; the rest is as it was."""
    *merged, survivor = order.sample(sorted(persons), 3)
    with tempfile.TemporaryDirectory() as folder:
        vault, within = new_vault(folder), domain("C")
        (before,), live = run(vault, [sorted(persons)], within)
        for person in merged:
            live.extend(vault.merge(person, survivor, within, created=DAY, live_files=live))
        table, files = vault.tokens_for(pa.array(sorted(persons)), within, created=DAY, live_files=live)
        after = dict(zip(table["person_id"].to_pylist(), table["token"].to_pylist(), strict=True))
        assert files == ()
        assert after == before | dict.fromkeys(merged, before[survivor])
        found = vault.persons_for(pa.array(list(before.values())), within, live_files=live)["person_id"].to_pylist()
        assert found == [survivor if person in merged else person for person in before]


@given(random=st.binary(max_size=200).map(lambda octets: octets[: len(octets) // 10 * 10]), letter=LETTER)
def test_made_tokens_check_and_keep_their_bits(random, letter):
    """Every token checks, and no two different draws give one token."""
    tokens = make_tokens(random, letter)
    assert all(check(tokens).to_pylist())
    draws = {random[at : at + 10] for at in range(0, len(random), 10)}
    assert len(set(tokens.to_pylist())) == len(draws)


@given(text=st.text(max_size=30), letter=LETTER)
def test_no_arbitrary_text_breaks_the_check(text, letter):
    """Any text is answered; what looks like a number never counts as a token."""
    assert check(pa.array([text]))[0].as_py() or not is_token(text, letter)
    if text[:1].isdigit():
        assert not is_token(text, letter)


@given(numbers=st.lists(st.integers(9 * 10**9, 9_999_999_998).map(str), max_size=30))
def test_codes_at_source_are_a_function_of_the_number(numbers):
    """Same number, same code, in any batch and order; different numbers, different codes."""
    key = AtSourceKey("RZ1", "dars-dsa", 1, b"s" * 32)
    codes = pseudonymise(pa.array(numbers, pa.string()), key).to_pylist()
    assert len(set(zip(numbers, codes, strict=True))) == len(set(numbers)) == len(set(codes))
    assert pseudonymise(pa.array(numbers[::-1], pa.string()), key).to_pylist() == codes[::-1]
