"""Attacks on landing and on marts: what a sender, a recipient, or one who finds the disk may try, and what they get."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

import people
from caldicott.stores.key_encryption import default_key_file, kek_from_file
from stage import PLANNING, RISK, Stage, episode

SPELLINGS = {
    "digits": "{0}{1}{2}", "spaced": "{0} {1} {2}", "hyphens": "{0}-{1}-{2}", "no-break": "{0}\u00a0{1}\u00a0{2}",
    "en dash": "{0}\u2013{1}\u2013{2}", "byte-order mark": "\ufeff{0}{1}{2}", "tab": "{0}\t{1}{2}",
    "soft hyphen": "{0}\u00ad{1}{2}", "trailing space": "{0}{1}{2} ",
}  # fmt: skip


def full_width(number):
    return number.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})


def parts(number):
    return number[:3], number[3:6], number[6:]


def tokens(stage, activity=PLANNING):
    return [row["person_token"] for row in stage.mart(activity=activity)]


# A sender's file: nobody, and many ways to write somebody


def test_a_thousand_rows_of_nobody_share_no_pseudonym(house):
    """Blanks and the numbers that mean "none": each row is held back, and not one token is made."""
    nobody = ["", "NULL", "0000000000", "9999999999", "1111111111", "2222222222", "000 000 0000", "UNKNOWN", " ", "N/A"]
    someone = people.invented(1)[0]
    rows = [episode(someone, f"R{at}", NHS_Number=nobody[at % len(nobody)]) for at in range(1000)]
    house.land(house.send("ncdr-sus-apc", rows), house.answer([someone]))
    report = house.run()
    assert (house.account("s1")["quarantined"], report.tokens, tokens(house)) == (1000, 0, [])


def test_rows_that_may_come_without_a_number_have_no_token_at_all(house):
    """Status 07, "number not required": a thousand such rows are in the mart as a thousand rows of nobody."""
    someone = people.invented(1)[0]
    rows = [episode(someone, f"R{at}", NHS_Number="", NHS_Number_Trace_Status="07") for at in range(1000)]
    house.land(house.send("ncdr-sus-apc", rows), house.answer([someone]))
    assert house.run().tokens == 0
    assert set(tokens(house)) <= {None}


def test_every_spelling_of_a_number_is_one_person(house):
    """Spaces of all widths, hyphens, full-width digits: one token. A second person has another."""
    one, other = people.invented(2)
    written = [form.format(*parts(one.number)) for form in SPELLINGS.values()] + [full_width(one.number)]
    rows = [episode(one, f"R{at}", NHS_Number=number) for at, number in enumerate(written)]
    house.land(house.send("ncdr-sus-apc", [*rows, episode(other, "X")]), house.answer([one, other]))
    house.run()
    of = {row["provider_reference"]: row["person_token"] for row in house.mart()}
    assert len(of) == len(written) + 1
    assert (len({of[f"R{at}"] for at in range(len(written))}), of["X"] != of["R0"]) == (1, True)


def test_what_only_looks_like_the_number_is_nobody(house):
    """A lost zero, a letter O, a sign, an exponent, digits of another script: held back, never repaired."""
    one = people.invented(1)[0]
    number = one.number
    arabic = number.translate({ord("0") + digit: 0x0660 + digit for digit in range(10)})
    written = [number[:-1], number[1:], f"{number}0", f"+{number[1:]}", number.replace("0", "O"), f"{number[0]}e9"]
    written += [f"{number}.0", arabic, f"'{number}'", f"{number[:5]}_{number[5:]}"]
    rows = [episode(one, f"R{at}", NHS_Number=wrong) for at, wrong in enumerate(written) if wrong != number]
    house.land(house.send("ncdr-sus-apc", rows), house.answer([one]))
    house.run()
    assert (house.account("s1")["quarantined"], tokens(house)) == (len(rows), [])


def test_a_superseded_number_is_the_living_one_after_the_merger_is_known(house):
    """Before: two tokens. After the national merger, also one in a circle: one token for both numbers."""
    one, old, circular = people.invented(3)
    sent = house.send("ncdr-sus-apc", [episode(one, "new"), episode(old, "old"), episode(circular, "alone")])
    house.land(sent, house.answer([one, old, circular]))
    house.run()
    before = {row["provider_reference"]: row["person_token"] for row in house.mart()}
    mergers = [merger(one, old, "m1"), merger(circular, circular, "m2")]
    house.land(house.send("pds-merger", mergers, sender="X26"))
    house.run()
    after = {row["provider_reference"]: row["person_token"] for row in house.mart()}
    assert (before["new"] != before["old"], after["new"] == after["old"]) == (True, True)
    assert after["alone"] == before["alone"] != after["new"]


def merger(living, superseded, record):
    return people.row("pds-merger", living, record, **{"Superseded NHS Number": superseded.number})


def test_a_row_with_somebody_elses_birth_date_is_nobodys(house):
    """Number and birth date are of two people, and no step says whose the row is: it is in no mart."""
    one, other = people.invented(2)
    national = [people.row("pds-person", person, f"p{at}") for at, person in enumerate((one, other))]
    born = next(name for name in people.apc(one, "x") if "birth" in name.lower())
    rows = [episode(one, "right"), episode(other, "wrong", **{born: one.born})]
    house.land(house.send("pds-person", national, sender="X26"), house.send("ncdr-sus-apc", rows))
    house.land(house.answer([one, other]))
    house.run()
    assert {row["provider_reference"]: row["link_quality"] for row in house.mart()} == {"right": "verified"}


LEAKS = SPELLINGS | {
    "full-width": "\uff19", "dots": "{0}.{1}.{2}", "low lines": "{0}_{1}_{2}", "two spaces": "{0}  {1}  {2}",
    "in words": "ref {0}{1}{2} seen", "in brackets": "({0} {1} {2})", "after a colon": "NHS:{0}{1}{2}",
}  # fmt: skip


@pytest.mark.parametrize("leak", LEAKS)
def test_a_number_in_a_column_that_is_kept_holds_the_row_back(house, leak):
    """A free field that reaches the mart is read for numbers that pass the check, however they are grouped."""
    one, other = people.invented(2)
    written = full_width(other.number) if leak == "full-width" else LEAKS[leak].format(*parts(other.number))
    leaking = episode(one, written)
    house.land(house.send("ncdr-sus-apc", [leaking, episode(one, "sound")]), house.answer([one, other]))
    house.run()
    assert house.account("s1")["quarantined_by"] == {"identifier_in_free_column": 1}
    assert house.refs() == ["sound"]


# A sender's folder: files that lead elsewhere


def outside(stage):
    """A file of somebody else's that a sender would like to see landed, or named in an error."""
    path = stage.root / "elsewhere.csv"
    path.write_text("secret of another sender\n")
    return path


def link_file(stage, place):
    target = place / "ncdr-sus-apc.csv"
    real = stage.root / "moved.csv"
    target.rename(real)
    target.symlink_to(real)


def link_folder(stage, place):
    (stage.root / "real").mkdir()
    (place / "ncdr-sus-apc.csv").rename(stage.root / "real" / "ncdr-sus-apc.csv")
    (place / "sub").symlink_to(stage.root / "real")
    rename_in_manifest(place, "sub/ncdr-sus-apc.csv")


def climb(stage, place):
    (place / "ncdr-sus-apc.csv").rename(stage.inbox / "ncdr-sus-apc.csv")
    rename_in_manifest(place, "../ncdr-sus-apc.csv")


def climb_inside(_stage, place):
    rename_in_manifest(place, "sub/../ncdr-sus-apc.csv")


def absolute(stage, place):
    (place / "ncdr-sus-apc.csv").rename(stage.root / "ncdr-sus-apc.csv")
    rename_in_manifest(place, str(stage.root / "ncdr-sus-apc.csv"))


def backslashes(_stage, place):
    rename_in_manifest(place, "..\\\\ncdr-sus-apc.csv")


def pipe(_stage, place):
    (place / "ncdr-sus-apc.csv").unlink()
    os.mkfifo(place / "ncdr-sus-apc.csv")


def device(_stage, place):
    (place / "ncdr-sus-apc.csv").unlink()
    rename_in_manifest(place, "/dev/zero")


def glob_pattern(_stage, place):
    shutil.copy(place / "ncdr-sus-apc.csv", place / "other-sus-apc.csv")
    rename_in_manifest(place, "*-sus-apc.csv")


def zipped(_stage, place):
    import zipfile

    with zipfile.ZipFile(place / "ncdr-sus-apc.zip", "w") as packed:
        packed.write(place / "ncdr-sus-apc.csv", "../../../ncdr-sus-apc.csv")
    rename_in_manifest(place, "ncdr-sus-apc.zip")


def rename_in_manifest(place, path):
    manifest = place / "manifest.toml"
    manifest.write_text(manifest.read_text().replace("ncdr-sus-apc.csv", path))


WAYS_OUT = [link_file, link_folder, climb, climb_inside, absolute, backslashes, pipe, device, glob_pattern, zipped]


@pytest.mark.parametrize("way_out", WAYS_OUT, ids=lambda way: way.__name__)
def test_a_submission_cannot_reach_out_of_its_folder(house, way_out):
    """Links, climbing, absolute paths, pipes, devices, patterns, archives: refused whole, and at once."""
    elsewhere = outside(house)
    place = house.send("ncdr-sus-apc", [episode(people.invented(1)[0], "R1")])
    way_out(house, place)
    landed = house.land(place)
    assert [(entry.rows, entry.fault.exit_code) for entry in landed] == [(0, 1)]
    assert house.status()["submissions"] == []
    assert elsewhere.read_text() not in str(landed[0].fault)


def test_an_id_that_is_somebodys_number_is_refused_before_a_folder_bears_it(house):
    """The sender's id becomes the name of a folder: a number, spaced or dotted, never does; a dated id is sound."""
    one = people.invented(1)[0]
    for wrong in (one.number, "-".join(parts(one.number)), f"RZ1.{'.'.join(parts(one.number))}"):
        place = house.send("ncdr-sus-apc", [episode(one, "R1")], name=wrong)
        assert [entry.fault.code for entry in house.land(place)] == ["submission-id-identifies"]
        shutil.rmtree(place)
    assert [path.name for path in house.store.rglob("*") if one.number[:3] in path.name] == []
    assert house.land(house.send("ncdr-sus-apc", [episode(one, "R1")], name="RZ1-2026-05-01"))[0].rows == 1


# Recipients of marts


@pytest.fixture
def two_marts(house):
    """Fifteen hundred people in one file, and the marts of two activities over them."""
    everybody = people.invented(1500)
    rows = [episode(person, f"{at:06d}") for at, person in enumerate(everybody)]
    house.land(house.send("ncdr-sus-apc", rows), house.answer(everybody))
    house.run(PLANNING)
    house.run(RISK)
    return house.mart(activity=PLANNING), house.mart(activity=RISK)


def correlation(left, right):
    one, two = (np.argsort(np.argsort(values)) for values in (left, right))
    return abs(float(np.corrcoef(one, two)[0, 1]))


def test_two_recipients_share_no_token_and_no_order(two_marts):
    """No token of one mart is in the other, and neither the tokens' order nor the rows' order tells who is who."""
    ours, theirs = two_marts
    assert len(ours) == len(theirs) == 1500
    assert {row["person_token"] for row in ours} & {row["person_token"] for row in theirs} == set()
    of = {row["provider_reference"]: (place, row["person_token"]) for place, row in enumerate(theirs)}
    pairs = [(place, row["person_token"], *of[row["provider_reference"]]) for place, row in enumerate(ours)]
    our_places, our_tokens, their_places, their_tokens = zip(*pairs, strict=True)
    # Under chance alone the correlation of 1,500 pairs is above 0.1 once in ten thousand draws.
    assert correlation(our_places, their_places) < 0.1
    assert correlation(our_tokens, their_tokens) < 0.1
    bodies = [{token[1:] for token in column} for column in (our_tokens, their_tokens)]
    assert bodies[0] & bodies[1] == set()


def test_the_order_of_a_mart_says_nothing_of_the_senders_file(two_marts):
    """Who has the file and the mart cannot lay them side by side."""
    for mart in two_marts:
        in_file = [int(row["provider_reference"]) for row in mart]
        assert correlation(range(len(mart)), in_file) < 0.1
        assert correlation([row["person_token"] for row in mart], in_file) < 0.1


def test_a_dictionary_of_all_numbers_finds_nobody_in_a_mart(tmp_path, example_icb):
    """Tokens are drawn, not computed: the same people in two stores have no token in common, whatever one hashes."""
    everybody = people.invented(300)
    found = []
    for name in ("one", "two"):
        stage = Stage(tmp_path / name, example_icb)
        rows = [episode(person, f"{at}") for at, person in enumerate(everybody)]
        stage.land(stage.send("ncdr-sus-apc", rows), stage.answer(everybody))
        stage.run()
        found.append(set(tokens(stage)))
    assert [len(one) for one in found] == [300, 300]
    assert found[0] & found[1] == set()


# One who finds the disk


def secrets_of(stage):
    """The key-encryption key, every data key, and what is derived of them for single uses, as bytes."""
    with stage.house() as house:
        kek = kek_from_file(default_key_file(house.store.id, environ={}, home=stage.root / "home"))
        keys = [house.store.keys.open(key_id) for key_id in house.store.keys.ids()]
        files = [file for kind in ("clear", "quarantine", "persons") for file in house.store.catalogue.files(kind)]
        uses = [key.use(file.path) for key in keys for file in files]
        return kek.secret, [key._secret for key in keys] + uses + [key.use("ed25519") for key in keys]


def test_no_key_lies_anywhere_but_in_the_key_file(house):
    """Raw, hexadecimal or base64: the key-encryption key is in its file alone, a data key is nowhere at all."""
    import base64

    someone = people.invented(3)
    house.land(house.send("ncdr-sus-apc", [episode(person, person.given) for person in someone]), house.answer(someone))
    house.run()
    house.export("commissioning_analyst", "out")
    kek, data_keys = secrets_of(house)
    forms = lambda secret: {secret, secret.hex().encode(), base64.b64encode(secret)}  # noqa: E731
    content = {path: path.read_bytes() for path in house.root.rglob("*") if path.is_file()}
    holding = {path.suffix for path, stored in content.items() if any(form in stored for form in forms(kek))}
    assert holding == {".key"}
    assert [p.name for p, stored in content.items() if any(f in stored for key in data_keys for f in forms(key))] == []


def test_no_command_takes_a_key_or_an_identifier_as_an_argument():
    """Arguments are seen by every user of a machine and kept by every shell: no option is for a secret or a number."""
    from typer.main import get_command

    from caldicott.cli.app import app

    def options(command):
        for parameter in command.params:
            yield from (word.lstrip("-") for word in (*parameter.opts, *parameter.secondary_opts))
        for below in getattr(command, "commands", {}).values():
            yield from options(below)

    words = {word.lower() for word in options(get_command(app))}
    telling = ("passphrase", "password", "secret", "nhs", "number", "postcode", "birth", "private")
    assert [word for word in sorted(words) if any(part in word for part in telling)] == []
    assert {"store", "public-key"} <= words


def test_files_and_folders_of_a_store_are_not_named_after_anybody(house):
    """Names of the store's files hold ids, months and random letters; no value of a row."""
    someone = people.invented(3)
    house.land(house.send("ncdr-sus-apc", [episode(person, person.given) for person in someone]), house.answer(someone))
    house.run()
    names = " ".join(str(path.relative_to(house.store)) for path in house.store.rglob("*")).lower()
    values = [
        value.lower() for person in someone for value in (person.number, person.family, person.given, person.born)
    ]
    assert [value for value in values if value in names] == []
