"""The commands. Names and exit codes are a contract with other programs."""

from __future__ import annotations

import os
import resource
import sqlite3
from datetime import datetime  # noqa: TC003  typer reads the annotation
from pathlib import Path
from typing import Annotated, Any

import typer

from caldicott import __version__, bootstrap
from caldicott.cli import accounts as accounts_commands
from caldicott.cli import airlock as airlock_commands
from caldicott.cli import audit as audit_commands
from caldicott.cli import extract as extract_command
from caldicott.cli import indicator as indicator_commands
from caldicott.cli import invoices as invoice_commands
from caldicott.cli import keys as keys_commands
from caldicott.cli import link as link_commands
from caldicott.cli import model as model_commands
from caldicott.cli import protect as protect_command
from caldicott.cli import publish as publish_command
from caldicott.cli import register as register_commands
from caldicott.cli import review as review_commands
from caldicott.cli import risk as risk_commands
from caldicott.cli import score as score_command
from caldicott.cli import serve as serve_command
from caldicott.cli import sql as sql_command
from caldicott.cli import verify as verify_command
from caldicott.cli.options import AsJson, RegisterName, StoreFolder, day_or_today
from caldicott.cli.output import console, fail, fail_as_bug, fail_on_disk, print_json, progress, say, table
from caldicott.vocabulary.errors import CaldicottError, DoesNotHold, Refused, WrongUsage

app = typer.Typer(
    help="One register of processing activities, published as the privacy notice and enforced by the data platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(register_commands.app, name="register", help="Check, show and compare registers.")
app.add_typer(invoice_commands.app, name="invoices", help="Check invoices in the controlled environment for finance.")
app.add_typer(indicator_commands.app, name="indicator", help="Figures from the marts, through the gate.")
app.add_typer(risk_commands.app, name="risk", help="A practice's own list of risk scores, and single patients of it.")
app.add_typer(model_commands.app, name="model", help="Train a risk model, read its report, approve it, watch it.")
app.add_typer(audit_commands.app, name="audit", help="Verify and show the audit trail.")
app.add_typer(keys_commands.app, name="keys", help="The keys of a store, and a change of the key that wraps them.")
app.add_typer(link_commands.app, name="link")
app.add_typer(review_commands.app, name="review")
app.add_typer(accounts_commands.app, name="accounts", help="Who may sign in to the portal.")
app.add_typer(airlock_commands.app, name="airlock")
app.command()(verify_command.verify)
app.command(name="score")(score_command.score)
app.command()(protect_command.protect)
app.command()(extract_command.extract)
app.command(name="sql")(sql_command.sql)
app.command()(publish_command.publish)
app.command()(serve_command.serve)

_OWNER_ONLY = 0o077
"""Whatever is written, stores and exports alike, only its owner reads; who is to have more gives it on purpose."""


def main() -> None:
    """The entry point: every fault ends as one paragraph and an exit code."""
    os.umask(_OWNER_ONLY)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not write rows from memory to the disk
    try:
        ended = app(standalone_mode=False)
    except CaldicottError as error:
        fail(error)
    except typer.Exit as done:
        raise SystemExit(done.exit_code) from None
    except typer.Abort:
        raise SystemExit(130) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except (OSError, sqlite3.OperationalError) as error:
        fail_on_disk(error)
    except Exception as error:  # noqa: BLE001  the last door: a traceback could quote a row
        if hasattr(error, "exit_code") and hasattr(error, "format_message"):
            fail(WrongUsage(error.format_message(), code="usage", next_step="see `caldicott --help`"))
        fail_as_bug(error)
    # Without its standalone mode, typer hands the exit code back instead of ending.
    raise SystemExit(ended if isinstance(ended, int) else 0)


@app.command()
def version() -> None:
    """Print the version."""
    say(__version__)


@app.command()
def synth(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new or empty folder.")],
    people: Annotated[int, typer.Option("--people", min=1, help="How many people to invent.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 1,
    years: Annotated[
        int, typer.Option("--years", min=1, help="Financial years of activity, ending 31 March 2026.")
    ] = 1,
    register: Annotated[str, typer.Option("--register", help="The register the extracts are for.")] = "example-icb",
    invoices: Annotated[
        int, typer.Option("--invoices", min=0, help="Also so many lines of invoices, in OUT/ceff, for `invoices land`.")
    ] = 0,
) -> None:
    """Invent people and the extracts their senders would land, with realistic mess, and OUT/truth."""
    from caldicott.synth.invent import invent

    bootstrap.load_register(register)
    with progress(quiet=False) as told:
        made = invent(
            out, people=people, seed=seed, years=years, progress=lambda name, rows: told(f"{name}: {rows:,} rows"),
            invoice_lines=invoices,
        )  # fmt: skip
    rows = [(entry.id, entry.dataset, entry.rows) for entry in made.submissions]
    table(f"{people:,} people invented, seed {seed}", ("submission", "dataset", "rows"), rows, numbers_from=2)


@app.command()
def explain(
    register: RegisterName,
    role: Annotated[str, typer.Option(help="Who asks, such as commissioning_analyst.")],
    activity: Annotated[str, typer.Option(help="For which activity of the register.")],
    dataset: Annotated[str, typer.Option(help="Which dataset.")],
    form: Annotated[str, typer.Option("--format", help="identifiable, pseudonymised, anonymised or aggregated.")],
    organisation: Annotated[str | None, typer.Option(help="Register id or ODS code of who asks.")] = None,
    relationship: Annotated[str | None, typer.Option(help="Why this professional may see this person.")] = None,
    identifier: Annotated[
        list[str] | None, typer.Option(help="A direct identifier asked for; may be repeated.")
    ] = None,
    action: Annotated[
        str, typer.Option(help="see, land, link, release, reidentify, decide, edit, approve or destroy.")
    ] = "see",
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="The day asked about; today if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """May this role do this, and why? Exit code 0 for a permit, 3 for a refusal."""
    from caldicott.policy.decide import decide
    from caldicott.policy.decision import Permit, Request
    from caldicott.policy.explain import as_record
    from caldicott.policy.explain import explain as in_words

    request = Request(
        role, activity, dataset, form, organisation=organisation, relationship=relationship,
        identifiers=frozenset(identifier or ()), action=action,
    )  # fmt: skip
    decision = decide(request, bootstrap.load_register(register), day_or_today(on))
    if as_json:
        print_json(as_record(decision))
    else:
        say(in_words(decision))
    raise typer.Exit(0 if isinstance(decision, Permit) else Refused.exit_code)


@app.command()
def land(
    register: RegisterName,
    source: Annotated[Path, typer.Option("--from", help="A folder with one or more submissions.")],
    store: StoreFolder,
    as_json: AsJson = False,
) -> None:
    """Admit submissions, each with its manifest. A refused one leaves nothing behind."""
    from caldicott.operations.land import land as admit
    from caldicott.operations.land import require_submissions

    loaded = bootstrap.load_register(register)
    require_submissions(source)  # before a store is made for nothing
    with bootstrap.open_house(loaded, store, create=True) as house, progress(quiet=as_json) as told:
        house.store.catalogue.set_setting("register", str(bootstrap.find_register(register).resolve()))
        landed = admit(house, source, told=told)
    if as_json:
        print_json({"submissions": [_landed_record(entry) for entry in landed]})
    else:
        rows = [
            (entry.id, entry.dataset, entry.rows, entry.admitted, sum(entry.quarantined_by.values()), _note(entry))
            for entry in landed
            if entry.fault is None
        ]
        table("Landed", ("submission", "dataset", "rows", "admitted", "held back", ""), rows, numbers_from=2)
        for entry in landed:
            if entry.fault is not None:
                console().print(f"Refused: {entry.place}: {entry.fault}", markup=False)
    faults = [entry.fault.exit_code for entry in landed if entry.fault is not None]
    raise typer.Exit(max(faults, default=0))


def _note(entry: Any) -> str:
    return "was here already" if entry.already else ""


def _landed_record(entry: Any) -> dict[str, Any]:
    record = {
        "place": entry.place, "id": entry.id, "dataset": entry.dataset, "rows": entry.rows,
        "admitted": entry.admitted, "quarantined_by": entry.quarantined_by, "already": entry.already,
    }  # fmt: skip
    return record if entry.fault is None else {**record, **entry.fault.as_record()}


@app.command()
def run(
    register: RegisterName,
    store: StoreFolder,
    activity: Annotated[str | None, typer.Option(help="One activity; every due one if not given.")] = None,
    engine: Annotated[str, typer.Option(help="duckdb, on one machine; or spark, beyond it.")] = "duckdb",
    as_json: AsJson = False,
) -> None:
    """Everything due: objections, linking, pseudonyms, marts."""
    from caldicott.cli.after_run import settle_desk
    from caldicott.cli.reports import print_runs, run_record
    from caldicott.operations.run import run as run_due
    from caldicott.operations.spark_engine import open_engine

    loaded = bootstrap.load_register(register)
    with (
        open_engine(engine) as computing,
        bootstrap.open_house(loaded, store) as house,
        progress(quiet=as_json) as told,
    ):
        runs = run_due(house, activity=activity, told=told, engine=computing)
    settle_desk(store)
    if as_json:
        print_json({"runs": [run_record(entry) for entry in runs]})
    else:
        print_runs(runs)


@app.command()
def export(
    register: RegisterName,
    store: StoreFolder,
    activity: Annotated[str, typer.Option(help="The activity whose data are asked for.")],
    role: Annotated[str, typer.Option(help="Who receives.")],
    to: Annotated[Path, typer.Option("--to", help="A new or empty folder.")],
    form: Annotated[str | None, typer.Option("--format", help="A format below the role's ceiling.")] = None,
    as_json: AsJson = False,
) -> None:
    """Release what that role may have, in the format it may have, and nothing more."""
    from caldicott.operations.export import export as release

    loaded = bootstrap.load_register(register)
    with bootstrap.open_house(loaded, store) as house, progress(quiet=as_json):
        done = release(house, activity=activity, role=role, to=to, wanted=form)
    if as_json:
        print_json(done.__dict__)
    else:
        rows = [(dataset, done.formats[dataset], rows) for dataset, rows in done.rows.items()]
        table(f"Exported to {to} for {role}", ("dataset", "format", "rows"), rows, numbers_from=2)
        for dataset, reason in done.refused.items():
            say(f"Not given: {dataset} ({reason}).")


@app.command()
def status(
    store: StoreFolder,
    register: Annotated[str | None, typer.Option()] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also hash every file of the marts: is it still what its run wrote?")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What is in, what is held back and why, what is due."""
    from caldicott.cli.reports import print_marts_check, print_status
    from caldicott.operations.mart_check import check_marts, holds
    from caldicott.operations.status import status as account

    with bootstrap.house_of(store, register) as house:
        document = account(house)
        if verify:
            document["marts"] = check_marts(house)
    if as_json:
        print_json(document)
    else:
        print_status(document)
        print_marts_check(document)
    sound = document["balanced"] and holds(document.get("marts", {}))
    raise typer.Exit(0 if sound else DoesNotHold.exit_code)


@app.command()
def demo(
    people: Annotated[int, typer.Option("--people", min=1)] = 50_000,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    store: Annotated[Path, typer.Option("--store", help="A new or empty folder.")] = Path("demo-store"),
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Do not start the public site.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = serve_command.PORT,
) -> None:
    """The whole main job on invented people: invent, land, run, say what happened, and start the public site."""
    from caldicott.cli.demo import demonstrate

    demonstrate(people=people, seed=seed, store=store)
    if no_serve:
        say(serve_command.how_to_serve(store, port))
    else:
        serve_command.serve(store, port=port, staff=True)


@app.command()
def manifest(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the files to send.")],
    layout: Annotated[str, typer.Option(help="Which layout the files are in.")],
    submission_id: Annotated[str, typer.Option("--id", help="Your name for this submission.")],
    sender: Annotated[str, typer.Option(help="ODS code of the sender.")],
    agreement: Annotated[str, typer.Option(help="The register's instrument that covers it.")],
    purpose: Annotated[list[str], typer.Option(help="An activity of the register; may be repeated.")],
    period_from: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])],
    period_to: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])],
    extracted: Annotated[datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])],
    update: Annotated[str, typer.Option(help="bulk-replacement or net-change.")] = "bulk-replacement",
    form: Annotated[str, typer.Option("--format")] = "identifiable",
) -> None:
    """Write the manifest of a folder of files: count the rows, hash the files."""
    from caldicott.facts.layout import load as load_layout
    from caldicott.stores.submissions.writing import Heading, write_manifest
    from caldicott.vocabulary.formats import DataFormat

    heading = Heading(
        submission_id, sender, tuple(purpose), agreement, DataFormat(form), period_from.date(), period_to.date(),
        update, extracted,
    )  # fmt: skip
    written = write_manifest(folder, heading, layout=load_layout(layout))
    say(f"Wrote {folder / 'manifest.toml'}: {len(written.files)} files, {written.rows:,} rows.")
