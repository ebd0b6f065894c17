"""Attacks on what tracing and review keep: swapped files, a second look, a look by the wrong person, leaking words."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from caldicott.cli.app import app
from caldicott.operations.identify_persons import pairs_of
from caldicott.stores.clear_rows import ClearRows
from caldicott.stores.review_queue import ReviewQueue
from caldicott.stores.traced_rows import TracedRows
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage
from stage import episode
from traced_ward import CROWD, nameless, ran, spine


@pytest.fixture
def doubted(house):
    spine(house)
    ran(house, [episode(CROWD[2], "own"), nameless(CROWD[2], "scored", Patient_Name=""), nameless(CROWD[3], "found")])
    return house


def test_a_traced_file_opens_only_in_its_own_place(doubted):
    """Put in the place of the rows passed over, or of another submission, it does not open."""
    with doubted.house() as opened:
        (file,) = opened.store.catalogue.files("traced")
        from dataclasses import replace

        rows = ClearRows(opened.store)
        assert rows.read(file).read_all().num_rows == 1
        for other in (replace(file, kind="passed-over"), replace(file, owner="RZ1.other"), replace(file, kind="clear")):
            with pytest.raises(DoesNotHold):
                rows.read(other).read_all()


def test_an_outcome_put_in_anothers_place_does_not_open(doubted):
    """Outcomes of one tracing are bound to their own file."""
    with doubted.house() as opened:
        (file,) = opened.store.catalogue.files("identity-outcomes")
        (case,) = opened.store.catalogue.files("review-cases")
        shutil.copy(opened.store.root / case.path, opened.store.root / file.path)
        with pytest.raises(DoesNotHold):
            TracedRows(opened.store).outcomes(file.owner)


def test_an_answer_made_by_copying_anothers_file_does_not_open(doubted):
    """Whoever copies a file of cases over a file of answers gets a fault, not an answer."""
    from caldicott.safe_haven.identity.review import Answer

    with doubted.house() as opened:
        queue = ReviewQueue(opened.store)
        file = queue.write_answer(Answer("c", "a", "1", "2026-05-04"), created=doubted.today)
        with opened.store.catalogue.transaction():
            opened.store.catalogue.add_files([file])
        (case,) = opened.store.catalogue.files("review-cases")
        shutil.copy(opened.store.root / case.path, opened.store.root / file.path)
        with pytest.raises(DoesNotHold):
            queue.answers()


def test_destroying_a_submissions_key_destroys_its_traced_rows(doubted):
    """The copies lie under the submission's own key: nothing of it is left to read."""
    with doubted.house() as opened:
        (file,) = opened.store.catalogue.files("traced")
        opened.store.keys.destroy(file.key_id, at=doubted.today, reason="test")
        with pytest.raises(DoesNotHold):
            ClearRows(opened.store).read(file).read_all()


def test_an_act_that_fails_leaves_no_answer(doubted, monkeypatch):
    """The answer's file is swept, and the case waits as before."""
    from caldicott.operations.review import Reviewer, answer, next_case
    from stage import PLANNING

    one = Reviewer("reviewer-a")
    with doubted.house() as opened:
        case = next_case(opened, one, activity=PLANNING)

        def broken(_files):
            raise OSError

        monkeypatch.setattr(opened.store.catalogue, "add_files", broken)
        with pytest.raises(Exception, match="could not be kept"):
            answer(opened, one, case.id, "1", activity=PLANNING)
    with doubted.house() as opened:
        assert ReviewQueue(opened.store).answers() == ()
        assert not [*(opened.store.root / "persons").glob("review-answers*")]


@pytest.mark.parametrize("content", ["", "old;new\n9000000009;1\n", "9000000009,9000000017\n"])
def test_a_file_of_pairs_that_is_none_is_not_quoted(tmp_path, content):
    """The fault names the file, never its words."""
    path = tmp_path / "pairs.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(WrongUsage) as caught:
        pairs_of(path)
    assert "9000" not in str(caught.value)


def command(house, monkeypatch, *words):
    monkeypatch.setenv("HOME", str(house.root / "home"))
    monkeypatch.setattr("caldicott.bootstrap.today", lambda: house.today)
    name, *rest = words
    return CliRunner().invoke(app, ["review", name, "example-icb", *rest, "--store", str(house.store)])


def test_the_command_line_reviews_and_reports(doubted, monkeypatch):
    """A case, two answers, and the statistic: the way a reviewer takes."""
    shown = command(doubted, monkeypatch, "next", "--user", "reviewer-a", "--json")
    case = json.loads(shown.stdout)["case"]["id"]
    for user in ("reviewer-a", "reviewer-b"):
        done = command(doubted, monkeypatch, "answer", case, "1", "--user", user)
        assert done.exit_code == 0, done.output
    found = json.loads(command(doubted, monkeypatch, "report", "--user", "reviewer-a", "--json").stdout)
    assert (found["settled"], found["agreement"], found["kappa"]) == (1, 1.0, None)


def test_the_command_line_refuses_who_may_not(doubted, monkeypatch):
    """An analyst is refused, and sees nothing of a case."""
    result = command(doubted, monkeypatch, "next", "--user", "someone", "--role", "commissioning_analyst")
    assert isinstance(result.exception, Refused)
    assert CROWD[2].family not in result.output
