"""Tables a person can read: of a run, of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caldicott.cli.output import say, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from caldicott.operations.run import ActivityRun

_SHOWN = 10
"""So many practices are named; `--json` names all."""


def print_runs(runs: Sequence[ActivityRun]) -> None:
    """What each activity's run did."""
    for entry in runs:
        for name, day in entry.destroyed.items():
            say(f"{entry.activity} is without {name}: its key was destroyed on {day}, and nobody can read it.")
        if entry.refused:
            say(f"{entry.activity} did not run. {entry.refused}")
            continue
        title = f"{entry.activity}: marts on {entry.tokens:,} tokens"
        table(title, ("dataset", "rows"), sorted(entry.rows.items()))
        excluded = ", ".join(f"{scheme} {rows:,}" for scheme, rows in sorted(entry.excluded_by.items()))
        say(f"Rows excluded by an objection: {excluded or 'none'}.")
        say(f"Rows replaced by a later submission: {entry.superseded:,}.")
        for line in _traced(entry.counts):
            say(line)
        if not entry.ndop_answered:
            say("No National Data Opt-out answer may be used today: where that scheme applies, everyone is out.")
        for dataset, schemes in sorted(entry.unanswered.items()):
            say(f"Everyone is out of {dataset}: no codes have landed that say who objects by {', '.join(schemes)}.")
        for line in _awaited(entry.awaited):
            say(line)
        if entry.linked_people:
            linked = ", ".join(f"{areas}: {people:,}" for areas, people in entry.linked_people.items())
            say(f"People by the number of services they were met in: {linked}.")
        for dataset, reason in sorted(entry.left_out.items()):
            say(f"Kept out of this activity: {dataset} ({reason}).")


def _awaited(practices: dict[str, str]) -> Iterator[str]:
    """The practices that have not said who objects: those who are registered there are out, and what to do."""
    if practices:
        named = [f"{practice} ({f'last {day}' if day else 'never'})" for practice, day in practices.items()]
        more = f" and {len(named) - _SHOWN:,} more" if len(named) > _SHOWN else ""
        yield (
            f"Coded objections have not come from {len(named):,} practices: {', '.join(named[:_SHOWN])}{more}. Who is "
            "registered there is out of what such codes can stop. Next: ask for their extracts."
        )


def _traced(counts: dict[str, int]) -> Iterator[str]:
    """What came of the records whose person had to be found, by step and by reason; nothing where none had."""
    for start, title in (
        ("traced because ", "Traced because"),
        ("identity ", "Of these"),
        ("traced rows ", "Traced rows"),
    ):
        told = [
            f"{name.removeprefix(start)} {number:,}"
            for name, number in sorted(counts.items())
            if name.startswith(start)
        ]
        if told:
            yield f"{title}: {'; '.join(told)}."


def run_record(entry: ActivityRun) -> dict[str, Any]:
    """One run for `--json`."""
    return {**entry.__dict__, "excluded_by": dict(entry.excluded_by)}


def print_status(document: dict[str, Any]) -> None:
    """The store's account of itself."""
    headings = ("submission", "dataset", "rows", "admitted", "held back", "excluded", "replaced", "")
    rows = [
        (
            entry["id"], entry["dataset"], entry["rows"], entry["admitted"], entry["quarantined"], entry["excluded"],
            entry["superseded"], "adds up" if entry["balanced"] else "DOES NOT ADD UP",
        )
        for entry in document["submissions"]
    ]  # fmt: skip
    table("Every row in one place", headings, rows, numbers_from=2)
    _print_reasons("Held back, and why", document["submissions"], "quarantined_by")
    _print_reasons("Excluded, by which objection", document["submissions"], "excluded_by")
    for activity, told in document["coded_objections"].items():
        for line in _awaited(told["awaited"]):
            say(f"{activity}: {line}")
    for entry in document["destroyed"]:
        say(
            f"Destroyed: {entry['id']} of {entry['sender']} ({entry['dataset']}, {entry['rows']:,} rows) can no longer "
            f"be read: its key was destroyed on {entry['on']}, {entry['reason']}."
        )
        for activity in entry["still_in_marts_of"]:
            say(f"Due: {activity} (its marts still hold rows of {entry['id']}, under codes, until it runs again).")
    for entry in document["due"]:
        say(f"Due: {entry['activity']} ({entry['state']}).")
    for line in _due_soon(document["due_soon"]):
        say(line)
    say(f"Audit trail: {document['audit']['entries']:,} entries, root {document['audit']['root']}.")


def print_marts_check(document: dict[str, Any]) -> None:
    """What hashing every file of the marts found, if it was asked for."""
    found = document.get("marts")
    if found is None:
        return
    for one in found["changed"]:
        say(f"CHANGED: a file of the marts {one['why']}: {one['says']}. Nothing is read from it.")
    for activity in found["not_as_recorded"]:
        say(f"CHANGED: the files that the catalogue names for {activity} are not those its run entered in the trail.")
    if found["changed"] or found["not_as_recorded"]:
        say("Next: find out who could write to the store, then run the activity again; its marts are made anew.")
    else:
        say(f"Files of the marts: {found['files']:,}, each still what its run wrote.")


def _due_soon(warnings: list[dict[str, Any]]) -> Iterator[str]:
    """What ends, each by itself; reviews, which stop nothing and come by the dozen, one line a day."""
    reviews: dict[str, int] = {}
    for one in warnings:
        if one["kind"].endswith("-review"):
            reviews[one["last_day"]] = reviews.get(one["last_day"], 0) + 1
        else:
            yield f"Due soon: {one['says']}"
    for day, count in reviews.items():
        yield f"Due soon: {count} reviews of flows and activities by {day}; `caldicott register check` names each."


def _print_reasons(title: str, submissions: list[dict[str, Any]], key: str) -> None:
    # A line a reason, not a column: eleven columns leave no room for what they are called.
    rows = [(entry["id"], reason, rows) for entry in submissions for reason, rows in sorted(entry[key].items()) if rows]
    if rows:
        table(title, ("submission", "reason", "rows"), rows, numbers_from=2)
