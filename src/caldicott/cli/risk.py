"""`caldicott risk`: a practice's own list, and single patients of it. For the portal to come, and for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from caldicott import bootstrap
from caldicott.cli.options import AsJson, RegisterName, StoreFolder
from caldicott.cli.output import print_json, say, table
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from caldicott.operations.practice_list import Page
    from caldicott.operations.reidentify import PersonSeen, Seen
else:
    pass  # typer reads the annotations at run time

app = typer.Typer(no_args_is_help=True)

Practice = Annotated[str, typer.Option("--practice", help="ODS code of the practice whose patients are asked for.")]
User = Annotated[str, typer.Option("--user", help="Who looks: a name of the practice's own for its member of staff.")]
Role = Annotated[str, typer.Option("--role", help="Who asks, such as gp.")]
Organisation = Annotated[
    str | None, typer.Option("--organisation", help="Where the reader works, if not at that practice: a federation.")
]
Activity = Annotated[str, typer.Option("--activity", help="The activity whose scores are asked for.")]
Purpose = Annotated[str, typer.Option("--purpose", help="Why: direct-care, care-plan, case-review or patient-asked.")]
_RISK = "risk-stratification"
_NOT_A_DIAGNOSIS = "A score is not a diagnosis. It never decides; a person does."


@app.command(name="list")
def list_(
    register: RegisterName,
    store: StoreFolder,
    practice: Practice,
    user: User,
    role: Role = "gp",
    organisation: Organisation = None,
    activity: Activity = _RISK,
    sort: Annotated[str, typer.Option("--sort", help="tier, age, or the name of a score.")] = "tier",
    top: Annotated[int, typer.Option("--top", help="How many people, at most 100.")] = 25,
    skip: Annotated[int, typer.Option("--skip", help="How many to pass over: the pages before.")] = 0,
    only: Annotated[
        list[str] | None, typer.Option("--filter", metavar="NAME=VALUE", help="tier, age-band, segment or frailty.")
    ] = None,
    purpose: Purpose = "direct-care",
    as_json: AsJson = False,
) -> None:
    """A page of the practice's list, most urgent first. Exit code 3 when the register says no."""
    from caldicott.operations.practice_list import Query, page
    from caldicott.operations.reidentify import Reader

    query = Query(sort, skip, top, tuple(_filter(written) for written in only or ()))
    reader = Reader(role, organisation or practice, user)
    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        found = page(house, reader=reader, activity=activity, practice=practice, query=query, purpose=purpose)
    if as_json:
        print_json(_page_record(found))
    else:
        _print_page(found)


@app.command()
def show(
    register: RegisterName,
    store: StoreFolder,
    practice: Practice,
    user: User,
    token: Annotated[list[str], typer.Option("--token", help="The code of a person; may be repeated.")],
    role: Role = "gp",
    organisation: Organisation = None,
    activity: Activity = _RISK,
    purpose: Purpose = "direct-care",
    as_json: AsJson = False,
) -> None:
    """Single patients: who they are, their scores, what the scores are made of. Exit code 3 when refused."""
    from caldicott.operations.reidentify import Reader, reidentify

    reader = Reader(role, organisation or practice, user)
    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        seen = reidentify(house, reader=reader, activity=activity, tokens=token, purpose=purpose)
    if as_json:
        print_json(_seen_record(seen))
        return
    for person in seen.persons:
        _print_person(person)
    for code, reason in seen.not_shown.items():
        say(f"Not shown: {code} ({reason}).")
    say(f"As of {seen.as_of}. {_NOT_A_DIAGNOSIS}")


def _filter(written: str) -> tuple[str, str]:
    name, sign, value = written.partition("=")
    if not sign:
        raise WrongUsage(
            "a filter has a name and a value", code="filter-unreadable", where="--filter",
            next_step="write it as --filter 'tier=tier 1'",
        )  # fmt: skip
    return name, value


def _print_page(found: Page) -> None:
    from caldicott.operations.stratify_plan import RANKED

    rows = [
        (
            person.token, _banner(person), _change(person),
            *(person.scores[name] or "" for name in ("tier", "age_band", "segment")),
            *(_shown(person.scores[name]) for name in RANKED),
        )
        for person in found.seen.persons
    ]  # fmt: skip
    headings = ("code", "patient", "before", "tier", "age", "segment", *RANKED)
    table(f"{found.practice}: {found.matching:,} of {found.on_the_list:,} people", headings, rows, numbers_from=6)
    say(f"As of {found.seen.as_of}. {_NOT_A_DIAGNOSIS}")


def _banner(person: PersonSeen) -> str:
    return "  ".join(part for part in (person.name, str(person.birth_date or ""), _grouped(person.nhs_number)) if part)


def _grouped(number: str | None) -> str:
    """3-3-4, as the NHS writes it."""
    return f"{number[:3]} {number[3:6]} {number[6:]}" if number else ""


def _change(person: PersonSeen) -> str:
    before = person.scores.get("tier_before")
    return "" if before in {None, person.scores["tier"]} else str(before)


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:g}"


def _print_person(person: PersonSeen) -> None:
    say(f"\n{_banner(person)}  ({person.token})")
    for name, value in person.scores.items():
        if value is not None and name != "criteria_sha256":
            say(f"  {name}: {value}")
    for one in person.contributions:
        say(f"  {one.score}: {one.group} adds {one.adds:g} ({', '.join(one.codes)}, {one.first_on} to {one.last_on})")
    for month in person.history:
        say(f"  {month['month']}: {month['tier'] or 'no tier'}")


def _page_record(found: Page) -> dict[str, Any]:
    return {
        "practice": found.practice, "matching": found.matching, "on_the_list": found.on_the_list,
        "choices": found.choices, **_seen_record(found.seen),
    }  # fmt: skip


def _seen_record(seen: Seen) -> dict[str, Any]:
    return {
        "month": seen.month,
        "as_of": seen.as_of,
        "criteria_sha256": seen.criteria_sha256,
        "why": [text for _code, text in seen.rights.reasons],
        "persons": [_person_record(person) for person in seen.persons],
        "not_shown": dict(seen.not_shown),
        "note": _NOT_A_DIAGNOSIS,
    }


def _person_record(person: PersonSeen) -> dict[str, Any]:
    return {
        "token": person.token,
        "practice": person.practice,
        "nhs_number": person.nhs_number,
        "name": person.name,
        "birth_date": person.birth_date,
        "scores": dict(person.scores),
        "contributions": [
            {name: getattr(one, name) for name in ("score", "group", "adds", "codes", "first_on", "last_on")}
            for one in person.contributions
        ],
        "history": [dict(month) for month in person.history],
    }
