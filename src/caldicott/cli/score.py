"""`caldicott score`: published scores over anyone's file of codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from caldicott.cli.options import AsJson, read_day
from caldicott.cli.output import console, print_json, progress, say, table
from caldicott.vocabulary.errors import WrongUsage

OwnTables = Annotated[list[Path] | None, typer.Option("--table", help="A score of your own, TOML or CSV; repeatable.")]


def score(
    codes: Annotated[
        list[str] | None,
        typer.Argument(metavar="CODES", help="CSV or Parquet of person_id, code and, if windows matter, date."),
    ] = None,
    names: Annotated[
        list[str] | None, typer.Option("--score", metavar="NAME...", help="A score by name; repeatable, or a,b,c.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="The CSV to write: person_id and a column a score.")] = None,
    persons: Annotated[Path | None, typer.Option(help="person_id, age or birth_date, imd_decile, practice ...")] = None,
    spells: Annotated[Path | None, typer.Option(help="Hospital spells, for LACE, HOSPITAL and PARR-30.")] = None,
    medicines: Annotated[Path | None, typer.Option(help="person_id, medicine[, date], for polypharmacy.")] = None,
    external: Annotated[Path | None, typer.Option(help="Values of licensed scores: person_id, score, value.")] = None,
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="As of this day; windows need it.")] = None,
    own: OwnTables = None,
    codes_for: Annotated[
        list[str] | None, typer.Option("--codes-for", metavar="NAME=FILE", help="A code set (group, code) for a score.")
    ] = None,
    bands: Annotated[bool, typer.Option("--bands", help="Add the band of each score that has bands.")] = False,
    tiers: Annotated[
        list[str] | None, typer.Option("--tiers", metavar="NAME", help="Add tiers of that score; repeatable.")
    ] = None,
    any_age: Annotated[bool, typer.Option("--any-age", help="Do not apply the age a score is made for.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="Name the scores and what each needs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Published scores over any file of person_id, code[, date]. Needs no store and no register."""
    from caldicott.operations.score import Request
    from caldicott.operations.score import score as compute

    if listing:
        _list(own or [], as_json=as_json)
        return
    file, asked = _asked(codes or [], names or [], own or [])
    request = Request(
        codes=file,
        to=_given(to, "--to", "say where to write: --to OUT.csv"),
        names=asked,
        on=None if on is None else read_day(on),
        persons=persons,
        spells=spells,
        medicines=medicines,
        external=external,
        tables=tuple(own or ()),
        code_sets=tuple(_code_set(entry) for entry in codes_for or ()),
        bands=bands,
        tiers_of=tuple(dict.fromkeys(tiers or ())),
        any_age=any_age,
    )
    with progress(quiet=as_json) as told:
        outcome = compute(request, told)
    if as_json:
        print_json({**outcome.as_record(), "to": str(request.to)})
    else:
        _print(outcome, request.to)


def _asked(words: list[str], names: list[str], own: list[Path]) -> tuple[Path, tuple[str, ...]]:
    """The first word is the file; words after it are names too, so that `--score a b c` means what it says."""
    if not words:
        raise WrongUsage(
            "no file of codes is named", code="usage", where="CODES", next_step="see `caldicott score --help`"
        )
    asked = [name.strip() for entry in (*names, *words[1:]) for name in entry.split(",") if name.strip()]
    if not asked and not own:
        raise WrongUsage(
            "no score is named",
            code="score-unnamed",
            where="--score",
            next_step="say --score NAME; `caldicott score --list` names them all",
        )
    return Path(words[0]), tuple(asked)


def _given(value: Path | None, where: str, next_step: str) -> Path:
    if value is None:
        raise WrongUsage(f"{where} is missing", code="usage", where=where, next_step=next_step)
    return value


def _code_set(entry: str) -> tuple[str, Path]:
    name, found, path = entry.partition("=")
    if not found or not name or not path:
        raise WrongUsage(
            "a code set needs a score's name and a file",
            code="usage",
            where="--codes-for",
            next_step="write it as --codes-for efi=efi_codes.csv",
        )
    return name, Path(path)


def _list(own: list[Path], *, as_json: bool) -> None:
    from caldicott.operations.score import listed

    rows = listed(own)
    if as_json:
        print_json({"scores": rows})
        return
    for row in rows:
        if row["computed"]:
            say(f"{row['name']}\n    {row['title']}\n    version {row['version']}; {row['standing']}; {row['licence']}")
            say(f"    {row['citation']}\n    needs {'; '.join(row['needs'])}")
        else:
            say(f"{row['name']}\n    {row['title']}: cannot be computed here, {row['reason']}")


def _print(outcome: Any, to: Path) -> None:
    record = outcome.as_record()
    rows = [
        (entry["name"], entry["persons_with_a_value"], entry["persons_without"], entry.get("standing", "brought"))
        for entry in record["scores"]
        if "persons_with_a_value" in entry
    ]
    title = f"Scores of {record['persons']:,} persons, written to {to.name}"
    table(title, ("score", "with a value", "without", "table"), rows)
    reasons = [(name.replace("-", " "), number) for name, number in record["code_rows_by"].items()]
    reasons += [(f"left out: {name.replace('-', ' ')}", number) for name, number in record["left_out"].items()]
    table(f"{record['code_rows']:,} rows of codes", ("what became of them", "rows"), reasons)
    for remark in record["remarks"]:
        say(remark)
    for entry in record["scores"]:
        if entry.get("disclaimer"):
            say(entry["disclaimer"])
    console().print(f"What made the values is in {to.name}.about.json.", markup=False)
