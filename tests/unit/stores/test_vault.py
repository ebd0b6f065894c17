"""The vault: one token a person a domain, no way across domains, nothing that can be moved about."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from caldicott.register.model import PseudonymDomain
from caldicott.safe_haven.pseudonyms.bridging import BridgingApproval
from caldicott.safe_haven.pseudonyms.tokens import check
from caldicott.stores.key_encryption import HeldKek
from caldicott.stores.keys import KeyRing
from caldicott.stores.vault import Vault
from caldicott.vocabulary.errors import DoesNotHold, Refused
from caldicott.vocabulary.terms import Role

DAY = date(2026, 5, 1)
PERSONS = pa.array([907, 3, 12, 3, 550, None, 12], pa.int64())


def domain(name="commissioning", letter="C", epoch=1):
    return PseudonymDomain(name=name, letter=letter, recipient="example-icb", agreement="dars-dsa", epoch=epoch)


COMMISSIONING, STRATIFICATION = domain(), domain("stratification", "R")


@pytest.fixture
def vault(tmp_path):
    return Vault(tmp_path / "vault", KeyRing(tmp_path / "keys", HeldKek(b"k" * 32)), "store-1")


def tokens_of(vault, live, persons=PERSONS, within=COMMISSIONING):
    """What each person's token is; the new files become live, as a caller's transaction would make them."""
    table, files = vault.tokens_for(persons, within, created=DAY, live_files=live)
    live.extend(files)
    return dict(zip(table["person_id"].to_pylist(), table["token"].to_pylist(), strict=True))


def persons_of(vault, live, tokens, within=COMMISSIONING):
    found = vault.persons_for(pa.array(tokens, pa.string()), within, live_files=live)
    return found["person_id"].to_pylist()


def approval(**changes):
    fields = {
        "domain": "commissioning",
        "recipient": "example-icb",
        "agreement": "dars-dsa",
        "old_epoch": 1,
        "new_epoch": 2,
        "approved_by": Role.CALDICOTT_GUARDIAN,
        "reference": "bridge-1",
        "valid_from": DAY,
        "valid_until": DAY,
    }
    return BridgingApproval(**(fields | changes))


def test_every_person_gets_one_token_and_nobody_gets_none(vault):
    """Rows of one person share a token; a missing person has none."""
    live = []
    tokens = tokens_of(vault, live)
    assert sorted(tokens) == [3, 12, 550, 907]
    assert len(set(tokens.values())) == 4
    assert all(check(pa.array(list(tokens.values()))).to_pylist())
    assert len(live) == 2


def test_only_missing_persons_make_no_files(vault):
    """A thousand blanks are nobody: no token, no file, no key."""
    table, files = vault.tokens_for(pa.nulls(1000, pa.int64()), COMMISSIONING, created=DAY, live_files=())
    assert (table.num_rows, files, vault.keyring.ids()) == (0, (), [])


def test_asked_again_the_vault_says_the_same_and_writes_nothing(vault):
    """A second run changes nothing."""
    live = []
    first = tokens_of(vault, live)
    assert tokens_of(vault, live) == first
    assert len(live) == 2


def test_newcomers_join_and_the_others_keep_theirs(vault):
    """Old files are not touched when persons are added."""
    live = []
    first = tokens_of(vault, live)
    before = {path: (vault.folder / path).read_bytes() for path in live}
    second = tokens_of(vault, live, pa.array([1, 3, 12, 2000]))
    assert {person: second[person] for person in (3, 12)} == {person: first[person] for person in (3, 12)}
    assert len(live) == 4
    assert {path: (vault.folder / path).read_bytes() for path in before} == before


def test_tokens_lead_back_to_their_persons_and_others_to_nobody(vault):
    """Unknown, malformed and missing tokens mean nobody; order and repetition are kept."""
    live = []
    tokens = tokens_of(vault, live)
    asked = [tokens[907], None, "C0000000000000000X", tokens[3], "", tokens[907]]
    assert persons_of(vault, live, asked) == [907, None, None, 3, None, 907]


def test_files_that_are_not_live_do_not_count(vault):
    """A run that was killed before its transaction leaves rubbish, not tokens."""
    table, _ = vault.tokens_for(PERSONS, COMMISSIONING, created=DAY, live_files=())
    live = []
    again = tokens_of(vault, live)
    assert set(again.values()).isdisjoint(table["token"].to_pylist())
    assert persons_of(vault, live, table["token"].to_pylist()) == [None] * 4


def test_two_writers_gone_live_at_once_are_noticed(vault):
    """Two first tokens for a person refuse the run; none of them is chosen silently."""
    both = [vault.tokens_for(PERSONS, COMMISSIONING, created=DAY, live_files=())[1] for _ in range(2)]
    with pytest.raises(DoesNotHold) as refusal:
        tokens_of(vault, [path for files in both for path in files])
    assert refusal.value.code == "vault-two-tokens"


def test_domains_know_nothing_of_each_other(vault):
    """Another domain has other tokens, and cannot turn these back."""
    live = []
    ours, theirs = tokens_of(vault, live), tokens_of(vault, live, within=STRATIFICATION)
    assert set(ours.values()).isdisjoint(theirs.values())
    assert persons_of(vault, live, list(ours.values()), within=STRATIFICATION) == [None] * 4


def test_a_new_epoch_gives_everybody_another_token(vault):
    """Rotation: nobody keeps a token, and the old epoch still answers while its keys exist."""
    live = []
    old, new = tokens_of(vault, live), tokens_of(vault, live, within=domain(epoch=2))
    assert set(old.values()).isdisjoint(new.values())
    assert persons_of(vault, live, [old[3]]) == [3]
    assert persons_of(vault, live, [old[3]], within=domain(epoch=2)) == [None]


def test_epochs_are_bridged_only_with_an_approval_of_exactly_that(vault):
    """Without the right approval, on the day, for the pair, in the direction: refused."""
    live = []
    tokens_of(vault, live)
    tokens_of(vault, live, within=domain(epoch=2))
    wrong = [
        None,
        approval(new_epoch=3),
        approval(old_epoch=2, new_epoch=1),
        approval(domain="stratification"),
        approval(recipient="example-csu"),
        approval(agreement="other"),
        approval(valid_until=date(2026, 4, 30)),
        approval(valid_from=date(2026, 5, 2)),
    ]
    for each in wrong:
        with pytest.raises(Refused) as refusal:
            vault.crosswalk(COMMISSIONING, domain(epoch=2), approval=each, at=DAY, live_files=live)
        assert refusal.value.code == "bridging-not-approved"


def test_an_approval_does_not_stretch_to_another_domain(vault):
    """Both epochs must be of the approved domain."""
    with pytest.raises(Refused):
        vault.crosswalk(COMMISSIONING, domain("stratification", "R", 2), approval=approval(), at=DAY, live_files=())


def test_the_crosswalk_matches_the_tokens_of_each_person(vault):
    """Persons in both epochs are bridged, others are not, and the rows come in no order of persons."""
    live = []
    old = tokens_of(vault, live)
    new = tokens_of(vault, live, pa.array([3, 12, 4444]), within=domain(epoch=2))
    bridge = vault.crosswalk(COMMISSIONING, domain(epoch=2), approval=approval(), at=DAY, live_files=live)
    found = dict(zip(bridge["old_token"].to_pylist(), bridge["new_token"].to_pylist(), strict=True))
    assert found == {old[person]: new[person] for person in (3, 12)}
    assert bridge["new_token"].to_pylist() == sorted(bridge["new_token"].to_pylist())


def test_merged_persons_share_the_survivors_token(vault):
    """The superseded person's token is retired, still leads to the survivor, and is not issued again."""
    live = []
    before = tokens_of(vault, live)
    live.extend(vault.merge(3, 12, COMMISSIONING, created=DAY, live_files=live))
    after = tokens_of(vault, live)
    assert after == before | {3: before[12]}
    assert persons_of(vault, live, [before[3], before[12]]) == [12, 12]


def test_merges_follow_each_other(vault):
    """A person merged into one who is merged later means the last."""
    live = []
    before = tokens_of(vault, live)
    live.extend(vault.merge(3, 12, COMMISSIONING, created=DAY, live_files=live))
    live.extend(vault.merge(12, 907, COMMISSIONING, created=DAY, live_files=live))
    after = tokens_of(vault, live)
    assert {after[person] for person in (3, 12, 907)} == {before[907]}
    assert persons_of(vault, live, [before[person] for person in (3, 12, 907, 550)]) == [907, 907, 907, 550]


def test_a_survivor_without_a_token_takes_over(vault):
    """A person who had no token yet carries on with the one the superseded had."""
    live = []
    before = tokens_of(vault, live)
    live.extend(vault.merge(3, 77, COMMISSIONING, created=DAY, live_files=live))
    assert tokens_of(vault, live, pa.array([77]))[77] == before[3]
    assert persons_of(vault, live, [before[3]]) == [77]


@pytest.mark.parametrize(("superseded", "survivor"), [(88, 3), (88, 99)])
def test_merging_persons_without_tokens_writes_nothing(vault, superseded, survivor):
    """Nothing to retire, nothing to write."""
    live = []
    tokens_of(vault, live)
    assert vault.merge(superseded, survivor, COMMISSIONING, created=DAY, live_files=live) == ()


def test_merging_twice_writes_nothing(vault):
    """A repeated merge is no merge."""
    live = []
    tokens_of(vault, live)
    live.extend(vault.merge(3, 12, COMMISSIONING, created=DAY, live_files=live))
    assert vault.merge(3, 12, COMMISSIONING, created=DAY, live_files=live) == ()


def test_split_persons_get_new_tokens_and_the_old_means_nobody(vault):
    """A token that stood for two people leads to neither of them."""
    live = []
    before = tokens_of(vault, live)
    live.extend(vault.split(pa.array([3, 4001]), COMMISSIONING, created=DAY, live_files=live))
    after = tokens_of(vault, live, pa.array([3, 4001, 12]))
    assert after[12] == before[12]
    assert len({after[3], after[4001], before[3]}) == 3
    assert persons_of(vault, live, [before[3], after[3], after[4001]]) == [None, 3, 4001]


def test_splitting_undoes_a_merge_for_all_who_shared_the_token(vault):
    """Whoever held the split token gets a new one, also persons the caller did not name."""
    live = []
    before = tokens_of(vault, live)
    live.extend(vault.merge(3, 12, COMMISSIONING, created=DAY, live_files=live))
    live.extend(vault.split(pa.array([12]), COMMISSIONING, created=DAY, live_files=live))
    after = tokens_of(vault, live)
    assert before[12] not in after.values()
    assert after[3] != after[12]
    assert persons_of(vault, live, [after[3], after[12], before[12]]) == [3, 12, None]


def test_a_split_token_is_in_no_crosswalk(vault):
    """A retired token is not bridged to anybody's new one."""
    live = []
    before = tokens_of(vault, live)
    live.extend(vault.split(pa.array([3]), COMMISSIONING, created=DAY, live_files=live))
    tokens_of(vault, live, within=domain(epoch=2))
    bridge = vault.crosswalk(COMMISSIONING, domain(epoch=2), approval=approval(), at=DAY, live_files=live)
    assert before[3] not in bridge["old_token"].to_pylist()
    assert bridge.num_rows == 4


def test_a_repeating_source_of_randomness_is_refused_and_not_used(vault):
    """A broken source must not give two people one token."""
    from dataclasses import replace

    from caldicott.vocabulary.errors import ProgramFault

    with pytest.raises(ProgramFault) as fault:
        replace(vault, entropy=bytes).tokens_for(PERSONS, COMMISSIONING, created=DAY, live_files=())
    assert fault.value.code == "tokens-exhausted"


def test_a_token_is_never_issued_twice_in_a_domain(vault):
    """A source that repeats what it gave before does not give old tokens to new persons."""
    from dataclasses import replace

    rng = np.random.default_rng(1)
    stream = rng.bytes(10_000)
    repeating = replace(vault, entropy=lambda size: stream[:size])
    live = []
    first = tokens_of(repeating, live, pa.array([1, 2]))
    second = tokens_of(repeating, live, pa.array([3, 4]))
    assert set(first.values()).isdisjoint(second.values())


def test_destroying_a_domain_ends_its_tokens_and_no_other(vault):
    """Without the keys no token leads back, no new one is issued, and other domains and epochs go on."""
    live = []
    ours, theirs = tokens_of(vault, live), tokens_of(vault, live, within=STRATIFICATION)
    certificates = vault.destroy(COMMISSIONING, at=DAY, reason="agreement ended")
    assert len(certificates) == 2
    assert vault.destroy(COMMISSIONING, at=DAY, reason="agreement ended") == certificates
    for attempt in (
        lambda: persons_of(vault, live, list(ours.values())),
        lambda: tokens_of(vault, live),
        lambda: vault.tokens_for(PERSONS, COMMISSIONING, created=DAY, live_files=()),
    ):
        with pytest.raises(DoesNotHold) as refusal:
            attempt()
        assert refusal.value.code == "key-destroyed"
    assert persons_of(vault, live, [theirs[3]], within=STRATIFICATION) == [3]


def test_a_name_that_is_not_the_vaults_is_told(vault):
    """A catalogue that names another file is not followed."""
    with pytest.raises(DoesNotHold) as refusal:
        tokens_of(vault, ["commissioning/example-icb/dars-dsa/epoch-0001/../../x.parquet"])
    assert refusal.value.code == "vault-file-name"


def test_a_live_file_that_is_gone_is_told(vault):
    """A missing file refuses: persons would silently get second tokens otherwise."""
    live = []
    tokens_of(vault, live)
    for path in live:
        (vault.folder / path).unlink()
    with pytest.raises(DoesNotHold) as refusal:
        tokens_of(vault, live)
    assert refusal.value.code == "file-missing"
