"""`caldicott accounts`: invite, list, end, and the sign-in providers."""

from __future__ import annotations

import os
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caldicott import bootstrap
from caldicott.cli.options import AsJson, StoreFolder
from caldicott.cli.output import print_json, say, table
from caldicott.operations.staff import require_login, say_without_account, tie
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage
from caldicott.vocabulary.terms import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import Register

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

_NOT_STAFF = frozenset({Role.PUBLIC, Role.PATIENT})


@contextmanager
def desk_of(store: Path) -> Iterator[Register]:
    """The desk of a store, its tables made on first use; the register that the store works by."""
    from django.db import connections

    from caldicott.portal.application import configure, open_desk
    from caldicott.portal.secret_key import secret_key
    from caldicott.portal.settings import PortalSettings

    folder = bootstrap.find_register(bootstrap.register_of(store)).absolute()
    configure(
        PortalSettings(
            folder, store / "public", secret_key(os.environ, Path.home()), store=store.absolute(),
            desk=os.environ.get("CALDICOTT_DESK", ""),
        )
    )  # fmt: skip
    open_desk()
    try:
        yield bootstrap.load_register(str(folder))
    finally:
        connections.close_all()


@app.command()
def invite(
    store: StoreFolder,
    role: Annotated[str, typer.Option(help="The role, as the register names it.")],
    organisation: Annotated[str, typer.Option(help="ODS code, or the register's id, of the person's organisation.")],
    name: Annotated[str, typer.Option(help="The person's name, as colleagues know it.")],
    site: Annotated[str, typer.Option(help="Where the portal answers.")] = "http://localhost:8000",
    login: Annotated[str, typer.Option(help="The person's login name, if they use the command line too.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print a link by which one person makes one account. It works once and for three days."""
    if login:
        require_login(login)
    with desk_of(store) as register:
        from caldicott.portal.staff import trail
        from caldicott.stores.desk import invitations

        _check(role, organisation, name, register)
        with trail.recorded():
            token, invited = invitations.invite(
                name=name, role=role, organisation=organisation, at=bootstrap.now(), login=login
            )
            by = trail.Actor(bootstrap.actor())
            said = (f"role {role}", f"organisation {organisation}", *((f"login {login}",) if login else ()))
            trail.note("invited", trail.Outcome.DONE, by, references=said)
    link = f"{site.rstrip('/')}/staff/invitation/{token}/"
    if as_json:
        print_json({"link": link, "role": role, "organisation": organisation, "expires": invited.expires.isoformat()})
    else:
        say(f"{link}\nIt works once, until {invited.expires:%d %B %Y %H:%M} UTC. Give it to nobody else.")


@app.command(name="list")
def list_accounts(store: StoreFolder, as_json: AsJson = False) -> None:
    """Who has an account, as what, and when they last signed in: for the review of access."""
    with desk_of(store):
        from caldicott.stores.desk import accounts, visits

        last, every, staff = visits.last_sign_ins(), accounts.every(), bootstrap.staff_of(store)
    if as_json:
        rows = [
            {
                "id": one.id, "name": one.name, "role": one.role, "organisation": one.organisation,
                "logins": list(staff.logins(one.id)), "ended": one.ended is not None,
                "last_sign_in": last[one.id].isoformat() if one.id in last else None,
            }
            for one in every
        ]  # fmt: skip
        print_json({"accounts": rows})
    else:
        table(
            f"{len(every)} accounts", ("id", "name", "role", "organisation", "state", "last sign-in", "logins"),
            [
                (
                    one.id, one.name, one.role, one.organisation, "live" if one.is_live else "ended",
                    f"{last[one.id]:%Y-%m-%d %H:%M}" if one.id in last else "none of late",
                    ", ".join(staff.logins(one.id)),
                )
                for one in every
            ],
            numbers_from=7,
        )  # fmt: skip


@app.command()
def login(
    store: StoreFolder,
    name: Annotated[str, typer.Argument(metavar="LOGIN", help="A login name of the command line.")],
    account: Annotated[str, typer.Argument(metavar="[ACCOUNT]", help="The id of their account, from `list`.")] = "",
    none: Annotated[bool, typer.Option("--none", help="Whoever uses this login has no account.")] = False,
) -> None:
    """Say whose login that is, so that one person who comes by two doors counts once wherever two must act."""
    if bool(account) == none:
        raise WrongUsage(
            "say one of the two: which account, or --none", code="login-whose", where="ACCOUNT",
            next_step="see the accounts with `caldicott accounts list`",
        )  # fmt: skip
    whose = "" if none else _live(store, account)
    with bootstrap.house_of(store) as house:
        if none:
            say_without_account(house, name)
        else:
            tie(house, name, whose)
    say(f"{name} has no account." if none else f"{name} and the account {whose} are one person from now on.")


def _live(store: Path, account: str) -> str:
    with desk_of(store):
        from caldicott.stores.desk import accounts

        found = accounts.with_id(_id(account))
    if found is None or not found.is_live:
        raise _no_account()
    return found.id


@app.command()
def end(store: StoreFolder, account: Annotated[str, typer.Argument(help="The account's id, from `list`.")]) -> None:
    """End an account: it opens nothing from now on, and its visits end."""
    with desk_of(store):
        from caldicott.portal.staff import trail
        from caldicott.stores.desk import accounts, visits

        with trail.recorded():
            if not accounts.end(_id(account), at=bootstrap.now()):
                raise _no_account()
            visits.end_all(account, visits.End.ACCOUNT)
            by = trail.Actor(bootstrap.actor())
            trail.note("account-ended", trail.Outcome.DONE, by, references=(f"account {account}",))
    say("The account has ended.")


@app.command()
def provider(
    store: StoreFolder, file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The provider, declared.")]
) -> None:
    """Add a sign-in provider such as CIS2, or change the one of that id."""
    try:
        record = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DoesNotHold(
            "the file cannot be read as TOML", code="provider-unreadable", where=str(file),
            next_step="see docs/how-to/sign-in.md for an example",
        ) from None  # fmt: skip
    with desk_of(store):
        from caldicott.portal.staff import trail
        from caldicott.stores.desk import providers

        declared = providers.declared(record)
        with trail.recorded():
            providers.keep(declared)
            by = trail.Actor(bootstrap.actor())
            trail.note("provider-kept", trail.Outcome.DONE, by, references=(f"provider {declared.id}",))
    say(f"Staff can sign in with {declared.title}. It comes back to /staff/sign-in/back/{declared.id}/")


def _check(role: str, organisation: str, name: str, register: Register) -> None:
    staff = sorted(set(Role) - _NOT_STAFF)
    if role not in staff:
        raise WrongUsage(
            "that is no role of staff", code="role-unknown", where="--role", next_step=f"use one of: {', '.join(staff)}"
        )
    if organisation not in _organisations(register):
        raise WrongUsage(
            "the register does not know that organisation", code="organisation-unknown", where="--organisation",
            next_step="use the ODS code of a member practice, or an id of organisations.toml",
        )  # fmt: skip
    if not name.strip() or not name.isprintable():
        raise WrongUsage(
            "the name is empty or cannot be printed", code="name-missing", where="--name",
            next_step="give the name that colleagues know",
        )  # fmt: skip


def _organisations(register: Register) -> set[str]:
    controller = register.controller
    named = {one.id for one in register.organisations} | {one.ods for one in register.organisations if one.ods}
    practices = {one.ods for one in controller.member_practices}
    return {controller.id, controller.ods or controller.id} | named | practices


def _id(text: str) -> str:
    from uuid import UUID

    try:
        return str(UUID(text))
    except ValueError:
        raise _no_account() from None


def _no_account() -> DoesNotHold:
    return DoesNotHold(
        "there is no live account of that id", code="account-unknown",
        next_step="see `caldicott accounts list`",
    )  # fmt: skip


from caldicott.cli import accounts_demo  # noqa: E402, F401  its commands are among these
