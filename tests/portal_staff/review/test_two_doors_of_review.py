"""Who comes by the command line and by the pages is one reviewer: two answers are two persons', not two names'."""

from __future__ import annotations

import pytest
from tests.portal_staff.review.conftest import ROOT, case_of, say
from typer.testing import CliRunner

from caldicott.cli.app import app
from caldicott.operations.review_queue import open_queue
from caldicott.operations.staff import say_without_account, tie
from caldicott.vocabulary.errors import Refused, WrongUsage
from stage import Stage, example_register


@pytest.fixture
def stage(reviews):
    return Stage(reviews.desk.store.parent, example_register())


def typed(reviews, login, *words):
    """A command of review, as the person types it."""
    place = ["--store", str(reviews.desk.store), "--user", login]
    return CliRunner().invoke(app, ["review", words[0], "example-icb", *words[1:], *place])


def settled(stage):
    with stage.house() as house:
        return open_queue(house).decided()


def first_case(browser):
    return case_of(browser.get(f"{ROOT}next/"))


def test_a_tied_login_and_its_account_are_one_reviewer(reviews, stage):
    """Who answered on the page has nothing left to answer at the command line."""
    browser = reviews.reviewer()
    with stage.house() as house:
        tie(house, "ada", browser.person.id)
    case = first_case(browser)
    say(browser, "1")
    done = typed(reviews, "ada", "answer", case, "1")
    assert isinstance(done.exception, Refused)
    assert settled(stage) == {}


def test_two_answers_that_turn_out_to_be_one_persons_settle_nothing(reviews, stage):
    """Said afterwards whose the logins are: the link is open again, and somebody else must look."""
    browser = reviews.reviewer()
    case = first_case(browser)
    for login in ("ada", "bob"):
        assert typed(reviews, login, "answer", case, "1").exit_code == 0
    assert settled(stage) != {}
    with stage.house() as house:
        for login in ("ada", "bob"):
            tie(house, login, browser.person.id)
    assert settled(stage) == {}
    assert case not in {first_case(browser), ""}
    say(reviews.reviewer(), "1")
    assert settled(stage) != {}


def test_a_login_of_which_nothing_was_said_counts_beside_no_account(reviews, stage):
    """It may be the same person; once somebody says that it has no account, the two are two."""
    browser = reviews.reviewer()
    case = first_case(browser)
    say(browser, "1")
    assert typed(reviews, "carl", "answer", case, "1").exit_code == 0
    assert isinstance(typed(reviews, "carl", "answer", case, "1").exception, Refused)
    assert settled(stage) == {}
    with stage.house() as house:
        say_without_account(house, "carl")
    assert settled(stage) != {}


def test_such_an_answer_holds_nobody_up(reviews, stage):
    """Two accounts settle the case all the same."""
    one, other = reviews.reviewer(), reviews.reviewer()
    case = first_case(one)
    assert typed(reviews, "carl", "answer", case, "nobody").exit_code == 0
    say(one, "1")
    say(other, "1")
    assert len(settled(stage)) == 1


def test_nobody_types_the_id_of_an_account(reviews, stage):
    """A login written like one would be that account's second answer, or first."""
    one, other = reviews.reviewer(), reviews.reviewer()
    done = typed(reviews, other.person.id, "answer", first_case(one), "1")
    assert isinstance(done.exception, WrongUsage)
    assert done.exception.code == "login-like-an-account"
    assert settled(stage) == {}
