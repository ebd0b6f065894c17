"""`caldicott keys destroy`: what would become unreadable, the question, and the certificates."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from caldicott import bootstrap
from caldicott.cli.options import AsJson, StoreFolder
from caldicott.cli.output import print_json, say, table
from caldicott.vocabulary.errors import Refused

if TYPE_CHECKING:
    from caldicott.operations.keys_destroy import Doomed, Ended
    from caldicott.stores.key_records import Certificate


def destroy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="dataset/purposes/period, as `keys list` shows it.")],
    store: StoreFolder,
    role: Annotated[str, typer.Option("--role", help="Whose right it is by the activity's retention.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the trail and the certificate.")] = "",
    register: Annotated[str | None, typer.Option("--register", help="The store's own if not given.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become unreadable; change nothing.")
    ] = False,
    yes_destroy: Annotated[
        str, typer.Option("--yes-destroy", metavar="NAME", help="The name once more, instead of typing it when asked.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Destroy the keys of what landed, for good: nobody can read those rows afterwards, and a certificate says so."""
    from caldicott.operations.keys_destroy import Ended, look_up, may_destroy
    from caldicott.operations.keys_destroy import destroy as end

    loaded = bootstrap.load_register(register or _own_register(store))
    with bootstrap.open_house(loaded, store) as house:
        found = look_up(house, name)
        if isinstance(found, Ended):
            _tell_ended(found, as_json=as_json)
            return
        if dry_run:
            refusal = may_destroy(house, found, role)
            _tell_doomed(found, refusal, as_json=as_json)
            raise typer.Exit(Refused.exit_code if refusal else bool(found.against))
        if not (yes_destroy or as_json):
            _tell_doomed(found, "", as_json=False)
        confirmed = yes_destroy or _typed(found.name)
        ended = end(house, found, role=role, reason=reason or "asked for", confirmed=confirmed)
    _tell_ended(ended, as_json=as_json)


def _own_register(store: object) -> str:
    with bootstrap.open_store(store) as opened:  # type: ignore[arg-type]
        return opened.catalogue.setting("register") or ""


def _typed(name: str) -> str:
    """What the person types; nothing where nobody can be asked."""
    if not sys.stdin.isatty():
        return ""
    return str(typer.prompt(f"This cannot be undone. Type {name} to destroy it", default="", show_default=False))


def _tell_doomed(found: Doomed, refusal: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"would_destroy": found.as_record(), "refused": refusal})
        return
    rows = [(one.id, one.sender, one.received, one.rows) for one in found.submissions]
    table(f"Would become unreadable: {found.name}", ("submission", "sender", "landed", "rows"), rows, numbers_from=3)
    months = f" of {found.months[0]} to {found.months[-1]}" if found.months else ""
    say(f"{len(found.files):,} encrypted files{months}, {found.size:,} bytes, under {len(found.keys)} keys.")
    _tell_marts(found)
    for line in found.against:
        say(f"Stands against it: {line}.")
    if refusal:
        say(refusal)


def _tell_marts(found: Doomed) -> None:
    for activity, rows in found.released.items():
        say(f"{rows:,} rows of the marts of {activity} came from it; they stay, under codes, until it runs again.")


def _tell_ended(ended: Ended, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {"destroyed": ended.name, "now": ended.now, "certificates": [_record(c) for c in ended.certificates]}
        )
        return
    first = ended.certificates[0]
    if not ended.now:
        say(f"{ended.name} is destroyed already: on {first.destroyed_at}, {first.reason}. Nothing was changed.")
    else:
        say(f"Destroyed: {ended.name}. Nobody can read those rows any more.")
    for one in ended.certificates:
        say(f"Certificate: key {one.key_id}, {one.scope}, on {one.destroyed_at}, by {one.by or 'the program'}.")
        say(f"  audit trail at that moment: {one.checkpoint or 'not noted'}; signed, keys/{one.key_id}.destroyed.json")
    if ended.now and ended.doomed is not None:
        _tell_marts(ended.doomed)
        say("Next: change the key-encryption key (`caldicott keys rewrap`), so that copies of these open nothing.")


def _record(one: Certificate) -> dict[str, str]:
    return {
        "key": one.key_id, "for": one.scope, "since": one.created.isoformat(), "destroyed": one.destroyed_at,
        "reason": one.reason, "by": one.by, "checkpoint": one.checkpoint, "record_sha256": one.record_sha256,
        "signature": one.signature.hex(),
    }  # fmt: skip
