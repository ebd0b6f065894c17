"""`caldicott risk list` and `risk show`, as a practice's member of staff would type them."""

from __future__ import annotations

import json
import sys

import pytest

from caldicott import bootstrap
from caldicott.cli.app import main
from risk_ward import FRAIL, WELL, scored
from stage import TODAY


@pytest.fixture(scope="module")
def store(tmp_path_factory, example_icb):
    return scored(tmp_path_factory.mktemp("commands"), example_icb)


@pytest.fixture
def run(store, monkeypatch, capsys):
    """Run one command on the store; exit code and what it printed."""
    monkeypatch.setattr(bootstrap, "today", lambda: TODAY)
    monkeypatch.setattr(bootstrap.Path, "home", lambda: store.root / "home")
    for name in ("CALDICOTT_KEY_FILE", "CALDICOTT_PASSPHRASE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def run(*words):
        argv = ["caldicott", "risk", words[0], "example-icb", "--store", str(store.store), "--user", "dr", *words[1:]]
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, capsys.readouterr()

    return run


def test_the_list_names_the_practices_own_patients(run):
    """The most urgent first, with number, age, tier and scores; and that a score is no diagnosis."""
    code, printed = run("list", "--practice", "Z80001", "--top", "2")
    assert code == 0
    assert f"{FRAIL.number[:3]} {FRAIL.number[3:6]} {FRAIL.number[6:]}" in printed.out
    assert "not a diagnosis" in printed.out
    assert WELL.family not in printed.out


def test_the_list_as_json_says_why_it_may_be_seen(run):
    """One document: the persons, how many match, and the reasons that permit the view."""
    code, printed = run("list", "--practice", "Z80001", "--filter", "segment=healthy", "--json")
    document = json.loads(printed.out)
    assert code == 0
    assert (document["matching"], document["on_the_list"]) == (2, 5)
    assert any("CAG 7-04" in reason for reason in document["why"])


def test_show_says_what_a_score_is_made_of(run):
    """Condition, what it adds, the codes and the days."""
    _code, listed = run("list", "--practice", "Z80001", "--sort", "hfrs", "--top", "1", "--json")
    token = json.loads(listed.out)["persons"][0]["token"]
    code, printed = run("show", "--practice", "Z80001", "--token", token)
    assert code == 0
    assert "charlson-quan-2011: dementia adds 2 (F00, 2025-09-01 to 2025-09-01)" in printed.out
    code, printed = run("show", "--practice", "Z80001", "--token", token, "--json")
    assert json.loads(printed.out)["persons"][0]["nhs_number"] == FRAIL.number


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--practice", "Z80001", "--organisation", "Z80002"), "not-own-practice"),
        (("--practice", "Z80001", "--organisation", "example-icb"), "organisation-not-named"),
        (("--practice", "Z80001", "--role", "commissioning_analyst"), "reidentify-not-named"),
        (("--practice", "Z80009", "--organisation", "example-federation"), "not-own-practice"),
    ],
)
def test_a_refusal_ends_with_3_and_says_why(run, words, expected):
    """Exit code 3, the reason's code, and what to do next; no patient in it."""
    code, printed = run("list", *words, "--json")
    said = json.loads(printed.out)
    assert (code, said["error"], said["exit_code"]) == (3, expected, 3)
    assert said["next_step"]
    assert FRAIL.number not in printed.out


@pytest.mark.parametrize(
    "words", [("--sort", "surname"), ("--filter", "tier"), ("--filter", "name=x"), ("--top", "101"), ("--purpose", "x")]
)
def test_a_question_that_cannot_be_answered_ends_with_2(run, words):
    """A sort, a filter, a page or a purpose that does not exist: exit code 2 with the choices."""
    code, printed = run("list", "--practice", "Z80001", *words, "--json")
    assert (code, json.loads(printed.out)["exit_code"]) == (2, 2)


def test_every_sort_and_filter_works(run):
    """Each sort gives the whole list; each value of each filter gives the people it counts."""
    from caldicott.operations.practice_list import SORTS

    for sort in SORTS:
        _code, printed = run("list", "--practice", "Z80001", "--sort", sort, "--json")
        assert len(json.loads(printed.out)["persons"]) == 5
    choices = json.loads(printed.out)["choices"]
    for name, values in choices.items():
        counts = []
        for value in values:
            _code, printed = run("list", "--practice", "Z80001", "--filter", f"{name}={value}", "--json")
            counts.append(json.loads(printed.out)["matching"])
        assert all(counts)
        assert sum(counts) == 5


def test_the_pages_together_are_the_list(run):
    """Page after page nobody comes twice and nobody is left out."""
    found = []
    for skip in (0, 2, 4):
        _code, printed = run("list", "--practice", "Z80001", "--top", "2", "--skip", str(skip), "--json")
        found += [person["token"] for person in json.loads(printed.out)["persons"]]
    assert len(found) == len(set(found)) == 5
