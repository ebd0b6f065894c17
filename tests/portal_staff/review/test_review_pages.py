"""The pages of clerical review: what two reviewers see and answer, what a third decides, and what nobody is shown."""

from __future__ import annotations

import re

import pytest
from tests.portal_staff.conftest import text_of
from tests.portal_staff.review.conftest import ROOT, case_of, say

from caldicott.operations.run import run
from doubtful_ward import ONE_NAMELESS, SECOND_TWIN, TWIN
from stage import PLANNING, Stage, example_register


def row_of(answer, field):
    """The words of one row of the table."""
    found = re.search(rf'<th[^>]*><span class="site-cell">{field}</span>.*?</tr>', answer.content.decode(), re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", found[0])) if found else ""


def test_a_case_stands_side_by_side_and_says_what_agrees(reviews):
    """The record beside each person it may be of; every value says in words how it stands to the record's."""
    shown = reviews.reviewer().get(f"{ROOT}next/")
    assert shown.status_code == 200
    assert "(same)" in row_of(shown, "Birth date")
    assert "3 March 1932" in row_of(shown, "Birth date")
    assert "(the record does not say)" in row_of(shown, "Family name")
    number = f"{ONE_NAMELESS.number[:3]} {ONE_NAMELESS.number[3:6]} {ONE_NAMELESS.number[6:]}"
    assert number in row_of(shown, "NHS number")


def test_of_two_persons_both_are_shown(reviews):
    """Twins of one house: the reviewer may say the one, the other, neither, or that it cannot be told."""
    browser = reviews.reviewer()
    shown = _case_of_the_twins(browser)
    assert all(one.given.upper() in text_of(shown).upper() for one in (TWIN, SECOND_TWIN))
    assert re.findall(r'type="radio" value="(\w+)"', shown.content.decode()) == ["1", "2", "nobody", "uncertain"]
    assert "checked" not in shown.content.decode()


def test_no_score_is_shown(reviews):
    """A number beside a case is an answer before the question."""
    shown = text_of(_case_of_the_twins(reviews.reviewer()))
    assert "score" not in shown.lower().partition("why can i see this")[0]


def test_each_viewing_is_recorded_before_it_is_shown(reviews):
    """With the case and what it was looked at for, under the reviewer's account; the page names the very entry."""
    browser = reviews.reviewer()
    shown = browser.get(f"{ROOT}next/")
    entry = reviews.desk.entries()[-1]
    assert (entry.event, entry.actor, entry.organisation) == ("review-viewing", browser.person.id, "example-dscro")
    assert entry.references == (case_of(shown), "review")
    assert entry.counts == {"cases shown": 1, "persons shown": 1}
    assert entry.act_id in shown.content.decode()


def test_nothing_of_it_is_kept_by_a_browser_or_stands_in_a_tab(reviews):
    """No page is stored; the tab and the address name nobody."""
    browser = reviews.reviewer()
    for place in ("", "next/"):
        answer = browser.get(ROOT + place)
        assert answer.headers["Cache-Control"] == "no-store"
        title = re.search(r"<title>(.*?)</title>", answer.content.decode(), re.DOTALL)[1]
        assert ONE_NAMELESS.family not in title
        assert "Why can I see this?" in text_of(answer)


def test_an_answer_leads_to_the_next_case(reviews):
    """Kept, said so, and the reviewer sees another case; the same one never again."""
    browser = reviews.reviewer()
    first = case_of(browser.get(f"{ROOT}next/"))
    answer = say(browser, "1")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{ROOT}next/?kept=1")
    shown = browser.get(answer.headers["Location"])
    assert "Your answer is kept" in text_of(shown)
    assert case_of(shown) not in {"", first}
    for _case in range(2):
        say(browser, "uncertain")
    assert "No case waits for you" in text_of(browser.get(f"{ROOT}next/"))


def test_the_second_reviewer_sees_what_the_first_saw_and_no_answer(reviews):
    """Word for word, but for the number of one's own entry in the trail and one's own form."""
    one, other = reviews.reviewer(), reviews.reviewer()
    before = _without_own(other.get(f"{ROOT}next/"))
    say(one, "1")
    assert _without_own(other.get(f"{ROOT}next/")) == before


@pytest.mark.parametrize("second", ["1", "nobody"])
def test_nobody_is_told_whether_they_agree(reviews, second):
    """The second answer is met alike whether it agrees with the first or not."""
    one, other = reviews.reviewer(), reviews.reviewer()
    say(one, "1")
    answer = say(other, second)
    assert answer.headers["Location"] == f"{ROOT}next/?kept=1"
    shown = text_of(other.get(answer.headers["Location"]))
    assert "differ" not in shown.partition("The record and the people")[0]


def test_a_third_decides_where_two_differ(reviews):
    """Only somebody who has not answered; they are told that two differ, not who said what; then it is settled."""
    one, other, third = (reviews.reviewer() for _ in range(3))
    say(one, "1")
    say(other, "nobody")
    assert "No case waits" in text_of(one.get(f"{ROOT}decide/"))
    shown = third.get(f"{ROOT}decide/")
    assert "did not agree" in text_of(shown)
    assert say(third, "1", "decide/").status_code == 303
    told = text_of(third.get(ROOT))
    assert "Of those, decided by a third person 1" in told
    assert ("review-adjudication", "settled") in reviews.recorded(third)


def test_to_decide_asks_for_a_fresh_proof(reviews):
    """One person alone settles it there: after five minutes they show again who they are."""
    third = reviews.reviewer()
    reviews.desk.clock.pass_(minutes=6)
    answer = third.get(f"{ROOT}decide/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/staff/again/?next=/staff/review/decide/")
    assert third.get(f"{ROOT}next/").status_code == 200


@pytest.mark.parametrize("choice", ["", "4", "2", "yes"])
def test_an_answer_that_is_none_is_asked_again(reviews, choice):
    """Said at the top and at the choice; nothing is kept."""
    browser = reviews.reviewer()
    answer = say(browser, choice)
    assert answer.status_code == 422
    assert answer.content.decode().count("Choose one of the answers") == 2
    assert 'aria-describedby="choice-hint choice-error"' in answer.content.decode()
    assert ("review-answer", "waiting") not in reviews.recorded(browser)


def test_an_answer_sent_twice_counts_once(reviews):
    """The second is met with what happened; the queue has one answer."""
    browser = reviews.reviewer()
    form = {"case": case_of(browser.get(f"{ROOT}next/")), "choice": "1"}
    assert browser.post(f"{ROOT}next/", form).status_code == 303
    again = browser.post(f"{ROOT}next/", form)
    assert again.status_code == 409
    assert "Nothing was changed" in text_of(again)
    told = [about for event, about in reviews.recorded(browser) if event == "review-answer"]
    assert told == ["waiting", "review-not-open"]


def test_a_case_that_is_not_there_is_said_so(reviews):
    """A forged form answers nothing."""
    answer = reviews.reviewer().post(f"{ROOT}next/", {"case": "bcdfghjkmnpq", "choice": "1"})
    assert answer.status_code == 404


def test_the_start_tells_the_queue_and_the_agreement_in_numbers(reviews):
    """How many wait, for whom; how far two agree; and no person."""
    one, other, third = (reviews.reviewer() for _ in range(3))
    for choice in ("1", "nobody", "1"):
        say(one, choice)
    for choice in ("1", "nobody", "nobody"):
        say(other, choice)
    told = text_of(third.get(ROOT))
    assert "Decide where two answers differ : 1 wait for your decision" in told
    assert "Cases that two people answered 3 Both gave the same answer 2 As a share 67% Cohen’s kappa 0.40" in told
    assert not any(one_.family.upper() in told.upper() for one_ in (ONE_NAMELESS, TWIN))
    assert "No case waits for your answer. No case waits for your decision." in text_of(one.get(ROOT))


@pytest.mark.parametrize("role", ["commissioning_analyst", "gp", "ig_officer", "system_administrator", "ceff_officer"])
def test_everybody_else_is_refused_and_it_is_recorded(reviews, role):
    """The register lets the landing office join records; nobody else sees a case, by reading or by sending."""
    browser = reviews.reviewer(role, "example-icb")
    for place in ("", "next/", "decide/"):
        answer = browser.get(ROOT + place)
        assert answer.status_code == 403
        assert ONE_NAMELESS.family not in answer.content.decode()
    assert browser.post(f"{ROOT}next/", {"case": "x", "choice": "1"}).status_code == 403
    mine = [one for one in reviews.desk.entries() if one.actor == browser.person.id]
    assert {one.outcome.value for one in mine} == {"refusal"}


def test_an_operator_of_another_office_is_refused(reviews):
    """The role alone is not enough: the register names the office."""
    assert reviews.reviewer("dscro_operator", "example-icb").get(f"{ROOT}next/").status_code == 403


def test_who_may_review_finds_the_way_there(reviews):
    """From my work by a link; another role has none."""
    assert f'href="{ROOT}"' in reviews.reviewer().get("/staff/").content.decode()
    assert f'href="{ROOT}"' not in reviews.reviewer("gp", "Z80001").get("/staff/").content.decode()


def test_an_answer_is_taken_while_a_run_has_the_store(reviews):
    """A run of minutes stops no reviewer, and the next run follows what they said."""
    stage = Stage(reviews.desk.store.parent, example_register())
    one, other = reviews.reviewer(), reviews.reviewer()
    with stage.house():
        assert say(one, "1").status_code == 303
        assert say(other, "1").status_code == 303
    stage.run()
    assert "first" in stage.refs()


def test_what_is_settled_on_pages_counts_in_the_next_run(reviews):
    """Two who agree: the row is that person's and says that it was reviewed."""
    for browser in (reviews.reviewer(), reviews.reviewer()):
        say(browser, "1")
    stage = Stage(reviews.desk.store.parent, example_register())
    with stage.house() as house:
        run(house, activity=PLANNING)
    assert {row["link_quality"] for row in stage.mart() if row["provider_reference"] == "first"} == {"reviewed"}


def _case_of_the_twins(browser):
    for _case in range(3):
        shown = browser.get(f"{ROOT}next/")
        if "Person 2" in text_of(shown):
            return shown
        browser.post(f"{ROOT}next/", {"case": case_of(shown), "choice": "uncertain"})
    raise AssertionError


def _without_own(answer):
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())
    return re.sub(r"<code>[0-9a-f]{32}</code>", "", text)
