"""Sign-ins for a demo's store, ready to use, for each role that the register gives work to. For no other store."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from caldicott import bootstrap
from caldicott.cli.accounts import app, desk_of
from caldicott.cli.options import AsJson, StoreFolder
from caldicott.cli.output import print_json, say
from caldicott.operations.staff import DEMO
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault
from caldicott.vocabulary.terms import Relationship, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.register.model import Register

_NAME: Final = "Demo {} (invented)"
_NOT_STAFF: Final = frozenset({Role.PUBLIC, Role.PATIENT})
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def make_sign_ins(store: Path) -> tuple[list[str], list[str]]:
    """The sign-ins in words, and the ids of those who work on bills.

    Made by a program of its own: Django knows one set of settings in a program.
    """
    program = [sys.executable, "-c", "from caldicott.cli import main; main()"]
    words = ["accounts", "demo", "--store", str(store), "--json"]
    done = subprocess.run([*program, *words], capture_output=True, text=True, check=False)  # noqa: S603  our own program
    if done.returncode:
        raise ProgramFault(
            "the demo's sign-ins could not be made", code="demo-sign-ins", where=str(store),
            next_step=f"make them by hand: caldicott accounts demo --store {store}",
        )  # fmt: skip
    made = json.loads(done.stdout)
    return _in_words(made, store), [one["id"] for one in made["sign_ins"] if one["role"] == Role.CEFF_OFFICER]


@app.command()
def demo(store: StoreFolder, as_json: AsJson = False) -> None:
    """Make fresh sign-ins for each role on a demo's store. Earlier ones of the demo end."""
    _require_demo(store)
    with desk_of(store) as register:
        made = _make(register, _practice(store, register))
    if as_json:
        print_json(made)
    else:
        for line in _in_words(made, store):
            say(line)


@app.command()
def code(
    store: StoreFolder, name: Annotated[str, typer.Argument(metavar="NAME", help="A sign-in name such as demo.gp.")]
) -> None:
    """The 6 digits that the app of a demo's sign-in would show now. For a demo's store only."""
    _require_demo(store)
    with desk_of(store):
        from caldicott.portal.staff.counter import secret
        from caldicott.stores.desk import factors

        digits = factors.totp_now(name, key=secret(), at=bootstrap.now())
    if digits is None:
        raise DoesNotHold(
            "there is no sign-in of the demo by that name", code="account-unknown", where="NAME",
            next_step="see the names with: caldicott accounts demo",
        )  # fmt: skip
    say(digits)


def _make(register: Register, practice: str) -> dict[str, Any]:
    from django.db import transaction

    from caldicott.portal.staff import trail
    from caldicott.stores.desk import accounts

    password = "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(3))
    hashed = accounts.hashed(password)
    rows = []
    with trail.recorded(), transaction.atomic():
        _end_earlier()
        for name, role, organisation in sorted(_cast(register, practice)):
            rows.append(_employ(name, role, organisation, hashed))
            by = trail.Actor(bootstrap.actor())
            said = ("demo", f"role {role}", f"organisation {organisation}")
            trail.note("account-made", trail.Outcome.DONE, by, references=said)
    return {"demo": True, "password": password, "sign_ins": rows}


def _employ(name: str, role: str, organisation: str, hashed: str) -> dict[str, str]:
    from uuid import uuid4

    from caldicott.portal.staff.counter import secret
    from caldicott.stores.desk import accounts, factors

    totp = factors.new_totp_secret()
    made = accounts.make(
        accounts.NewAccount(
            id=str(uuid4()), name=_NAME.format(role.replace("_", " ")), role=role, organisation=organisation,
            sign_in_name=name, password_hash=hashed,
        ),
        at=bootstrap.now(),
    )  # fmt: skip
    factors.keep_totp(made.id, totp, key=secret())
    return {
        "id": made.id, "name": name, "role": role, "organisation": organisation, "totp_secret": totp,
        "recovery_code": accounts.new_recovery_codes(made.id)[0],
    }  # fmt: skip


def _end_earlier() -> None:
    """The names are wanted again: the earlier accounts end and give them back."""
    from caldicott.stores.desk import accounts, visits

    for one in accounts.every():
        if one.is_live and one.name.startswith("Demo ") and one.name.endswith("(invented)"):
            accounts.end(one.id, at=bootstrap.now())
            accounts.give_back_name(one.id)
            visits.end_all(one.id, visits.End.ACCOUNT)


def _cast(register: Register, practice: str) -> Iterator[tuple[str, str, str]]:
    """A sign-in for each role of the register, at an organisation that the role's own rules name."""
    cast = {
        (rule.role.value, organisation)
        for entry in register.activities for rule in entry.roles or () if rule.role not in _NOT_STAFF
        for organisation in _places(rule, register, practice)
    }  # fmt: skip
    first: dict[str, str] = {}
    for role, organisation in sorted(cast, key=lambda one: (one[0], one[1] != practice, one[1])):
        known = first.setdefault(role, organisation)
        if organisation == known:
            yield f"demo.{role.replace('_', '-')}", role, organisation
        elif role == Role.GP:
            yield "demo.gp-group", role, organisation


def _places(rule: Any, register: Register, practice: str) -> tuple[str, ...]:
    if rule.relationship is Relationship.OWN_PRACTICE:
        return (practice,)
    named = tuple(one for one in rule.organisations or () if one != "member-practices")
    return named[:1] or (register.controller.id,)


def _practice(store: Path, register: Register) -> str:
    """The practice with the longest list, so that there is something to see."""
    from caldicott.operations.stratify import LIST
    from caldicott.operations.stratify_plan import makes_scores
    from caldicott.stores.catalogue import Catalogue

    catalogue = Catalogue(store / "catalogue.sqlite")
    try:
        files = [f for entry in register.activities if makes_scores(entry) for f in catalogue.files(LIST, entry.id)]
    finally:
        catalogue.close()
    longest = max(files, key=lambda file: file.rows, default=None)
    return longest.part if longest else register.controller.member_practices[0].ods


def _require_demo(store: Path) -> None:
    from caldicott.stores.catalogue import Catalogue

    path = store / "catalogue.sqlite"
    if path.is_file():
        catalogue = Catalogue(path)
        try:
            if catalogue.setting(DEMO):
                return
        finally:
            catalogue.close()
    raise DoesNotHold(
        "this is not the store of a demo", code="not-a-demo", where=str(store),
        next_step="invite people one by one: caldicott accounts invite",
    )  # fmt: skip


def _in_words(made: dict[str, Any], store: Path) -> list[str]:
    program = Path(sys.argv[0]).name if sys.argv[0] else "caldicott"
    lines = [
        "FOR THIS DEMO ONLY: sign-ins of invented staff. Their password is the same for all:",
        f"    {made['password']}",
        "Then a code: the 6 digits of an authenticator app that holds the key, or what this prints:",
        f"    {program} accounts code --store {store} NAME",
    ]
    wide = max(len(one["name"]) for one in made["sign_ins"])
    lines += [
        f"    {one['name']:<{wide}}  {one['role']} at {one['organisation']}; key {one['totp_secret']}"
        for one in made["sign_ins"]
    ]
    return lines
