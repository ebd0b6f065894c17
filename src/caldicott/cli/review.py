"""`caldicott review`: doubtful links, looked at by two people and a third. In the safe haven only."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads it when the program starts
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caldicott import bootstrap
from caldicott.cli.options import AsJson, RegisterName, StoreFolder
from caldicott.cli.output import print_json, say, table

if TYPE_CHECKING:
    from caldicott.operations.perform import House
    from caldicott.operations.review import Reviewer
    from caldicott.safe_haven.identity.review import Case, Standing

app = typer.Typer(no_args_is_help=True, help="Doubtful links: look at a case, answer, decide between two answers.")

User = Annotated[str, typer.Option("--user", help="Who looks; each of the two reviewers has a name of their own.")]
Role = Annotated[str, typer.Option("--role", help="In which role.")]
Activity = Annotated[str, typer.Option("--activity", help="For which activity of the register records are joined.")]
CaseId = Annotated[str, typer.Argument(metavar="CASE", help="The case's id, as `review next` shows it.")]
Choice = Annotated[str, typer.Argument(metavar="CHOICE", help="1, 2 or 3 for a candidate; nobody; uncertain.")]
_PLANNING, _OPERATOR = "commissioning-planning", "dscro_operator"


@app.command(name="next")
def next_(
    register: RegisterName,
    store: StoreFolder,
    user: User,
    adjudicate: Annotated[
        bool, typer.Option("--adjudicate", help="A case on which two differ, instead of a new one.")
    ] = False,
    role: Role = _OPERATOR,
    activity: Activity = _PLANNING,
    as_json: AsJson = False,
) -> None:
    """The next case for you: a record, and the persons it may be of. The viewing is recorded."""
    from caldicott.operations.review import next_case

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        case = next_case(house, _reviewer(house, user, role), activity=activity, adjudicates=adjudicate)
    if as_json:
        print_json({"case": _record(case) if case else None})
    elif case is None:
        say("No case waits for you.")
    else:
        _print(case)


@app.command()
def answer(
    register: RegisterName, case: CaseId, choice: Choice, store: StoreFolder, user: User, role: Role = _OPERATOR,
    activity: Activity = _PLANNING, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Say whose the record is. What the other reviewer said is not shown."""
    from caldicott.operations.review import answer as give

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        stands = give(house, _reviewer(house, user, role), case, choice, activity=activity)
    _say_standing(stands, as_json=as_json)


@app.command()
def adjudicate(
    register: RegisterName, case: CaseId, choice: Choice, store: StoreFolder, user: User, role: Role = _OPERATOR,
    activity: Activity = _PLANNING, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Decide a case on which two reviewers differ; you must be neither of them."""
    from caldicott.operations.review import adjudicate as decide

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        stands = decide(house, _reviewer(house, user, role), case, choice, activity=activity)
    _say_standing(stands, as_json=as_json)


@app.command()
def report(
    register: RegisterName, store: StoreFolder, user: User, role: Role = _OPERATOR, activity: Activity = _PLANNING,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Where the queue stands, and how far two reviewers agree: Cohen's kappa. Counts only."""
    from caldicott.operations.review import agreement_of

    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        found = agreement_of(house, _reviewer(house, user, role), activity=activity)
    if as_json:
        print_json(found.as_record())
        return
    told = {name: value for name, value in found.as_record().items() if name != "choices"}
    table("Review of doubtful links", ("", "cases"), [(name.replace("_", " "), _number(v)) for name, v in told.items()])
    if found.choices:
        table("What was settled", ("answer", "cases"), [*found.choices.items()])


@app.command()
def reissued(
    register: RegisterName,
    pairs: Annotated[Path, typer.Argument(metavar="PAIRS", help="CSV with the columns old and new.")],
    store: StoreFolder, role: Role = _OPERATOR, activity: Activity = _PLANNING, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Numbers that were given anew, after an adoption or a change of gender: the old one is never joined again."""
    from caldicott.operations.identify_persons import note_reissued, pairs_of

    written = pairs_of(pairs)
    with bootstrap.open_house(bootstrap.load_register(register), store) as house:
        noted = note_reissued(house, written, activity=activity, role=role)
    if as_json:
        print_json({"noted": noted})
    else:
        say(f"Noted: {noted} numbers that were given anew. It counts from the next run on.")


def _reviewer(house: House, user: str, role: str) -> Reviewer:
    """A login; one written like an account's id would pass for whoever has that account, and is not taken."""
    from caldicott.operations.review import Reviewer
    from caldicott.operations.staff import person_behind

    person_behind(house.store.catalogue, user)
    return Reviewer(user, role)


def _number(value: Any) -> str:
    if value is None:
        return "not yet"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"


def _say_standing(stands: Standing, *, as_json: bool) -> None:
    if as_json:
        print_json({"state": stands.state.value})
    else:
        say(f"Kept. The case is now: {stands.state.value}.")


def _record(case: Case) -> dict[str, Any]:
    return {
        "id": case.id, "reason": case.reason, "rows": len(case.rows), "record": dict(case.record),
        "candidates": [dict(candidate) for candidate in case.candidates],
    }  # fmt: skip


def _print(case: Case) -> None:
    """Side by side; each candidate's value says how it stands to the record's, as on the page."""
    from caldicott.safe_haven.identity.beside import beside

    headings = ("", "the record", *(str(place) for place in range(1, len(case.candidates) + 1)))
    rows = [
        (row.field.replace("_", " "), row.said or "-", *(f"{one.value or '-'} ({one.mark.value})" for one in row.cells))
        for row in beside(case)
    ]
    table(
        f"Case {case.id}: {case.reason}; rows that say the same: {len(case.rows)}", headings, rows,
        numbers_from=len(headings),
    )  # fmt: skip
    say(f"Answer with: caldicott review answer REGISTER {case.id} 1|2|3|nobody|uncertain --store DIR --user YOU")
