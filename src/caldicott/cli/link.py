"""`caldicott link`: match any two files, or one with itself; `link evaluate` prints the quality."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from caldicott.cli.options import AsJson
from caldicott.cli.output import console, print_json, progress, say, table


class FilesFirst(TyperGroup):
    """`caldicott link A.csv B.csv` means to link them: the contract's short way, without a verb."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["files", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=FilesFirst, no_args_is_help=True, help="Match two files, or one with itself; evaluate; encode without names."
)


@app.command()
def files(
    left: Annotated[Path | None, typer.Argument(metavar="LEFT", help="CSV or Parquet.")] = None,
    right: Annotated[
        Path | None, typer.Argument(metavar="RIGHT", help="CSV or Parquet; LEFT with itself if not given.")
    ] = None,
    spec: Annotated[str | None, typer.Option("--spec", help="A TOML file, or a shipped spec by name.")] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="The links: left_id, right_id, score, probability, step.")
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option("--candidates", help="Also write every pair that was compared.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Also a report with charts, and Splink's model.")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="NAME", help="Tracing: stands in one-time ids; drawn at random if not given."),
    ] = None,
    listing: Annotated[bool, typer.Option("--specs", help="Name the specs that ship.")] = False,
    as_json: AsJson = False,
) -> None:
    """Match two files, or one with itself. The same as `caldicott link LEFT [RIGHT]`."""
    from caldicott.operations.link import Request, link

    if listing:
        _list(as_json=as_json)
        return
    request = Request(
        left=_given(left, "LEFT", "name a file of records"),
        right=right,
        spec=_spec(_given(spec, "--spec", "name a TOML file, or a shipped spec; `caldicott link --specs` lists them")),
        to=_given(to, "--to", "say where to write: --to PAIRS.csv"),
        candidates=candidates,
        report=report,
        run=run,
    )
    with progress(quiet=as_json) as told:
        outcome = link(request, told)
    if as_json:
        print_json({**outcome.as_record(), "to": str(request.to)})
    else:
        _print(outcome.as_record(), request.to)


@app.command()
def evaluate(
    pairs: Annotated[Path, typer.Argument(metavar="PAIRS", help="left_id, right_id and, for the chart, score.")],
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="left_id, right_id; or id, person[, side, …].")],
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by", metavar="COLUMN...", help="Also by this column of TRUTH or --records; repeatable, or a,b."
        ),
    ] = None,
    records: Annotated[
        list[Path] | None,
        typer.Option(
            "--records",
            help="id and age_band, sex, ethnicity, deprivation, name_origin, birth_date, family_name: as many as there "
            "are. Twice for two files: left, then right.",
        ),
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option("--candidates", help="Every pair that was compared, to count what blocks missed.")
    ] = None,
    chart: Annotated[
        Path | None, typer.Option("--chart", help="Where to draw the scores; PAIRS.svg if not given.")
    ] = None,
    two_files: Annotated[
        bool | None, typer.Option("--two-files/--one-file", help="Whether ids of left and right are apart.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Precision, recall, F1, B-cubed, what the blocks missed, by group, and a chart of the scores."""
    from caldicott.operations.link import evaluate as judge

    drawn = chart or pairs.with_name(pairs.name + ".svg")
    columns = tuple(name.strip().lower() for entry in by or () for name in entry.split(",") if name.strip())
    quality = judge(
        pairs, truth, by=columns, candidates=candidates, two_files=two_files, chart=drawn, records=tuple(records or ())
    )
    if as_json:
        print_json({**quality.as_record(), "chart": str(drawn)})
    else:
        _print_quality(quality.as_record(), drawn)


def _given(value: Any, where: str, next_step: str) -> Any:
    from caldicott.vocabulary.errors import WrongUsage

    if value is None:
        raise WrongUsage(f"{where} is missing", code="usage", where=where, next_step=next_step)
    return value


def _spec(written: str) -> Path | str:
    return Path(written) if Path(written).exists() or written.endswith(".toml") else written


def _list(*, as_json: bool) -> None:
    from caldicott.facts import linkage as facts
    from caldicott.linkage.spec import shipped

    rows = [
        {"name": name, "title": spec.title, "profile": spec.profile}
        for name in facts.specs()
        for spec in [shipped(name)]
    ]
    if as_json:
        print_json({"specs": rows})
    else:
        table("Specs that ship", ("spec", "what for", "profile"), [tuple(row.values()) for row in rows], numbers_from=3)


def _print(record: dict[str, Any], to: Path) -> None:
    table(
        f"{record['links']:,} links, written to {to.name}",
        ("what", "number"),
        [
            *((f"records of file {place}", number) for place, number in enumerate(record["records"], 1) if number),
            ("pairs compared", record["pairs_compared"]),
            *((name, number) for name, number in record["outcomes"].items()),
        ],
    )
    if record["traced"]:
        rows_traced = [(row["step"], row["code"], row["meaning"], row["records"]) for row in record["traced"]]
        table("Outcomes", ("step", "code", "meaning", "records"), rows_traced, numbers_from=3)
    if record["said_nothing"]:
        rows = [(row["field"], row["reason"], row["values"]) for row in record["said_nothing"]]
        table("Values that say nothing, or are named here", ("field", "why", "values"), rows, numbers_from=2)
    if record["blocks"]:
        blocks = [
            (row["block"], row["pairs"], row["first_here"], row["widest_value"], row["records_left_out"])
            for row in record["blocks"]
        ]
        heads = ("looked at where equal", "pairs", "first here", "of the widest value", "records left out")
        table("Blocks", heads, blocks)
    if record["guards"]:
        table(
            "Pairs kept apart", ("because a pair", "pairs"), [(one["guard"], one["pairs"]) for one in record["guards"]]
        )
    for remark in record["remarks"]:
        say(remark)
    console().print(f"What made the links is in {to.name}.about.json.", markup=False)


def _print_quality(record: dict[str, Any], chart: Path) -> None:
    pairs, cubed = record["pairs"], record["b_cubed"]
    rows = [("pairs", *_shares(pairs)), ("B-cubed (records)", *_shares(cubed))]
    title = f"{pairs['links']:,} links against {pairs['true_pairs']:,} true pairs"
    table(title, ("by", "precision", "recall", "F1"), rows)
    say(f"{pairs['wrong']:,} wrong, {pairs['missed']:,} missed.")
    if record["blocks"] is not None:
        blocks = record["blocks"]
        say(
            f"The blocks looked at {blocks['pairs_looked_at']:,} pairs and never at "
            f"{blocks['true_pairs_never_looked_at']:,} of the true ones."
        )
    for name, values in record["by"].items():
        rows_by = [_group_row(value, one) for value, one in values.items()]
        heads = (
            name.replace("_", " "),
            "records",
            "precision",
            "recall",
            "F1",
            "B-cubed F1",
            "wrong",
            "missed",
            "never looked at",
        )
        table(f"By {name.replace('_', ' ')}", heads, rows_by)
    if record["furthest_below"] is not None:
        below = record["furthest_below"]
        say(
            f"Found least often: {below['by'].replace('_', ' ')} {below['group']}, recall {below['recall_below']:.4f} "
            "below the whole. A pair counts for both of its records' groups."
        )
    rows_scores = [(f"from {row['from']:g}", row["true"], row["other"]) for row in record["scores"]]
    if rows_scores:
        table("Scores", ("score", "true pairs", "other pairs"), rows_scores)
    say(f"The same as a picture: {chart.name}.")


def _group_row(value: str, one: dict[str, Any]) -> tuple[Any, ...]:
    never = "not known" if one["true_pairs_never_looked_at"] is None else one["true_pairs_never_looked_at"]
    cubed = _share(one["b_cubed"]["f1"])
    return (value, one["records"], *_shares(one), cubed, one["wrong"], one["missed"], never)


def _shares(one: dict[str, Any]) -> tuple[str, str, str]:
    return (_share(one["precision"]), _share(one["recall"]), _share(one["f1"]))


def _share(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4f}"


@app.command()
def key(to: Annotated[Path, typer.Argument(metavar="FILE", help="A new file; only its owner can read it.")]) -> None:
    """Make the key of one project, for `encode`."""
    from caldicott.operations.link_encoded import make_key

    make_key(to)
    say(f"Wrote {to.name}. Give it to the other organisation by a safe way, and to nobody who matches the filters.")


@app.command()
def encode(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or Parquet.")],
    spec: Annotated[str, typer.Option("--spec", help="Which columns, of what kind; five or more.")],
    key_file: Annotated[Path, typer.Option("--key", help="The project's key, the same for both organisations.")],
    to: Annotated[Path, typer.Option("--to", help="Parquet: id and a filter that names nobody.")],
    as_json: AsJson = False,
) -> None:
    """Turn records into keyed Bloom filters, to be matched without names."""
    from caldicott.operations.link_encoded import encode as make

    done = make(source, spec=_spec(spec), key=key_file, to=to)
    if as_json:
        print_json({**done, "to": str(to)})
        return
    say(
        f"{done['records']:,} records encoded, {done['left_out']:,} say too little; {done['bits_set']:.0%} of bits set."
    )
    for remark in done["remarks"]:
        say(remark)


@app.command("match-encoded")
def match_encoded(
    left: Annotated[Path, typer.Argument(metavar="LEFT", help="An encoded file.")],
    right: Annotated[Path, typer.Argument(metavar="RIGHT", help="Another, of the same spec and key.")],
    to: Annotated[Path, typer.Option("--to", help="The links: left_id, right_id, score.")],
    at_least: Annotated[float, typer.Option("--at-least", min=0, max=1, help="The lowest Dice coefficient.")] = 0.6,
    as_json: AsJson = False,
) -> None:
    """Match two encoded files: each pair is the other's single best."""
    from caldicott.operations.link_encoded import match

    done = match(left, right, to=to, at_least=at_least)
    if as_json:
        print_json({**done, "to": str(to)})
    else:
        say(f"{done['links']:,} links, written to {to.name}.")
