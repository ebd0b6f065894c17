"""The pages of analysts: figures that the gate let go, as a table, a picture, a link and a file; for whom, and why."""

from __future__ import annotations

import json
import re

import pytest
from tests.portal_staff.conftest import text_of
from tests.portal_staff.surgery import reader

from caldicott.audit.entry import Outcome
from caldicott.stores.audit_log import read_entries

START = "/staff/analyst/"
WAITS = f"{START}indicators/ae-four-hours/"


@pytest.fixture
def analyst(office):
    """The browser of an analyst."""
    return reader(office, "commissioning_analyst", "example-icb")


def cells(answer):
    """The rows of the table, as a reader sees them."""
    body = answer.content.decode().partition("<tbody")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    return [re.findall(r'site-cell">([^<]*)', row) for row in rows]


def test_the_library_lists_every_indicator_with_what_it_is(analyst):
    """Grouped by what it is made from, each with its definition, and a way to a table of one's own."""
    found = analyst.get(START)
    text = text_of(found)
    assert found.status_code == 200
    assert "A&E: left within four hours" in text
    assert "Emergency readmission within 30 days" in text
    assert "Make a table of your own" in text
    assert "Why can I see this?" in text


def test_a_file_that_is_no_indicator_is_named_and_stops_no_other(analyst, office):
    """Somebody puts a broken file into the store: the others are there, and what is wrong with it stands below."""
    (office.store / "indicators").mkdir()
    (office.store / "indicators" / "mine.toml").write_text("id = ", encoding="utf-8")
    text = text_of(analyst.get(START))
    assert "A&E: left within four hours" in text
    assert "Files that could not be read" in text
    assert "mine.toml" in text.partition("Files that could not be read")[2]
    assert analyst.get(WAITS).status_code == 200


def test_an_indicator_is_explained_before_it_is_asked(analyst, office):
    """Opening the page counts nothing and releases nothing; it says what can be shown and where it comes from."""
    found = analyst.get(WAITS)
    assert "left the department within four hours" in text_of(found)
    assert "written from memory" in text_of(found)
    assert "<tbody" not in found.content.decode()
    assert not [one for one in read_entries(office.store / "audit") if one.event == "indicator"]


def test_the_answer_is_a_table_first_with_its_picture_after(analyst, office):
    """The hand-counted figures, the marker explained once, a named picture, and the reader in the trail."""
    found = analyst.get(f"{WAITS}?show=1&by=provider")
    page, text = found.content.decode(), text_of(found)
    assert cells(found)[0][:4] == ["RZ1", "60", "50", "83.33"]
    assert cells(found)[2] == ["RZ9", "*", "*", "*", "*", "*"]
    assert "Which of the two is not said" in text
    assert page.index("<table") < page.index("<svg")
    assert 'role="img"' in page
    assert " style=" not in page
    entry = next(one for one in read_entries(office.store / "audit") if one.event == "indicator")
    assert (entry.actor, entry.role, entry.outcome) == (analyst.person.id, "commissioning_analyst", Outcome.DONE)


def test_every_view_is_a_link_and_gives_the_same_again(analyst):
    """The form asks by its address; the same address shows the same table."""
    address = f"{WAITS}?show=1&by=network&sex=1"
    first, second = analyst.get(address), analyst.get(address)
    assert cells(first) == cells(second)
    assert "By primary care network, where sex is Male" in text_of(first)
    assert "By GP practice, where GP practice is Z80001" in text_of(
        analyst.get(f"{WAITS}?show=1&by=practice&practice=Z80001")
    )
    assert 'value="1" selected' in first.content.decode()


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
def test_the_file_is_exactly_the_page(analyst, form):
    """What stands in the table stands in the file; it comes as a download that is not kept by the browser."""
    query = "?show=1&by=provider"
    shown = cells(analyst.get(WAITS + query))
    found = analyst.get(f"{WAITS}{form}/{query}")
    assert found.status_code == 200
    assert f'filename="ae-four-hours.{form}"' in found.headers["Content-Disposition"]
    assert found.headers["Cache-Control"] == "no-store"
    if form == "json":
        rows = json.loads(found.content)["rows"]
        assert [str(one["part"]) for one in rows] == [row[2] for row in shown]
    if form == "csv":
        lines = found.content.decode().splitlines()[1:]
        assert [line.split(",")[0] for line in lines] == [row[0] for row in shown]


def test_an_unknown_file_is_no_page(analyst):
    assert analyst.get(f"{WAITS}parquet/?show=1").status_code == 404


def test_the_table_builder_asks_any_dataset_by_registered_dimensions(analyst):
    """Choose what, then what to count and by what; only what its rows carry can be chosen."""
    assert "A&amp;E attendances" in analyst.get(f"{START}table/").content.decode()
    empty = analyst.get(f"{START}table/?dataset=sus-ec")
    assert "What to count" in text_of(empty)
    found = analyst.get(f"{START}table/?dataset=sus-ec&measure=events&by=provider&show=1")
    assert cells(found)[0] == ["RZ1", "60", "60"]
    file = analyst.get(f"{START}table/csv/?dataset=sus-ec&measure=events&by=provider&show=1")
    assert file.content.decode().splitlines()[1] == "RZ1,60,60"


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("?show=1&by=postcode", 400, "This cannot be shown or filtered by that: postcode. Next: use one of"),
        ("?show=1&by=provider&colour=blue", 400, "This cannot be shown or filtered by that: colour. Next:"),
        ("?show=1&by=deprivation_fifth", 404, "There is no table"),
        (
            "?show=1&by=month&by=sex&by=provider&by=practice&by=age_band",
            400,
            "At most 4 dimensions can be asked for at once. Next",
        ),
    ],
)
def test_what_cannot_be_asked_is_said_at_the_top_and_at_the_field(analyst, query, status, says):
    """One clear sentence with the next step, on the page where it was asked; nothing is released."""
    found = analyst.get(WAITS + query)
    page, text = found.content.decode(), text_of(found)
    assert found.status_code == status
    assert says in text
    assert "There is a problem" in text
    assert 'href="#by"' in page
    assert 'id="by-error"' in page


@pytest.mark.parametrize(
    "address", ["indicators/nothing/", "table/?dataset=secrets", "table/?dataset=sus-ec&measure=names"]
)
def test_an_address_that_names_nothing_says_so(analyst, address):
    found = analyst.get(START + address)
    assert found.status_code == 400
    assert "Next:" in text_of(found)


def test_views_are_kept_and_let_go(analyst):
    """Under a name, by its reader, for its reader; another reader does not see it."""
    sent = {"indicator": "ae-four-hours", "by": ["provider", "sex"], "network": "network-01", "name": "East by sex"}
    kept = analyst.post(f"{START}views/", sent)
    assert kept.status_code == 303
    assert kept.headers["Location"] == f"{WAITS}?by=provider&by=sex&network=network-01&show=1"
    page = analyst.get(START).content.decode()
    assert "East by sex" in page
    number = re.search(r"views/(\d+)/remove/", page)
    assert analyst.post(f"{START}views/{number[1]}/remove/").status_code == 303
    assert "East by sex" not in analyst.get(START).content.decode()


@pytest.mark.parametrize("sent", [{"name": "x", "indicator": "nothing"}, {"name": " ", "indicator": "ae-four-hours"}])
def test_a_view_of_nothing_is_not_kept(analyst, sent):
    assert analyst.post(f"{START}views/", sent).status_code == 400


@pytest.mark.parametrize(
    ("role", "organisation"), [("gp", "Z80001"), ("care_team", "Z80001"), ("hr_officer", "example-icb")]
)
def test_whoever_has_no_work_in_planning_is_told_why_not(office, role, organisation):
    """Every page and every file of the area; the refusal is recorded."""
    browser = reader(office, role, organisation)
    for address in ("", "table/", "indicators/ae-four-hours/", "indicators/ae-four-hours/csv/?show=1"):
        found = browser.get(START + address)
        assert found.status_code == 403
        assert "not let your role see figures" in text_of(found)
    refused = [one for one in read_entries(office.store / "audit") if one.event == "page-refused"]
    assert len(refused) == 4


def test_a_role_with_other_work_in_planning_is_refused_the_dataset(office):
    """An information governance officer may see counts of the linked mart, and no others."""
    browser = reader(office, "ig_officer", "example-icb")
    assert browser.get(START).status_code == 200
    found = browser.get(f"{WAITS}?show=1")
    assert found.status_code == 403
    assert cells(found) == []
    assert "linked-services" in browser.get(START).content.decode()


def test_the_link_to_the_area_is_on_the_first_page_of_analysts_alone(office, analyst):
    assert "/staff/analyst/" in analyst.get("/staff/").content.decode()
    assert "/staff/analyst/" not in reader(office, "gp").get("/staff/").content.decode()
