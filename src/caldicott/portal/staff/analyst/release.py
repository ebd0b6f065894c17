"""The pages of the airlock: ask for a release, check one, take out what two people approved."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Final

from django.http import HttpResponse

from caldicott.operations import airlock
from caldicott.operations.airlock_findings import read
from caldicott.operations.indicators import PLANNING
from caldicott.operations.sql_room import as_text
from caldicott.portal.staff.analyst.frame import ROOT, seen_by_role, work_of
from caldicott.portal.staff.house import house_of
from caldicott.portal.staff.leading import see_other
from caldicott.portal.staff.pages import show
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from django.http import HttpRequest

    from caldicott.operations.airlock_state import ReleaseRequest
    from caldicott.operations.perform import House

RELEASES: Final = f"{ROOT}releases/"
_ROWS_SHOWN: Final = 200
_DATED: Final = (1980, 1, 1, 0, 0, 0)
"""In the archive, so that the same tables are the same bytes on any day."""


@seen_by_role
def releases(request: HttpRequest) -> HttpResponse:
    """The requests one made, and those one may check."""
    return _list(request, {}, {})


@seen_by_role
def make(request: HttpRequest) -> HttpResponse:
    """A new request, or an answer to a return; with what is missing said at the field."""
    typed = {name: request.POST.get(name, "") for name in ("context", "result", "table", "number")}
    reader, number = request.reader, typed["number"]
    errors = _missing(typed)
    if errors:
        return _list(request, typed, errors)
    with house_of(reader) as house:
        tables = _tables(house, typed)
        known = {"role": reader.role, "organisation": reader.organisation}
        if number:
            made = airlock.change(house, number, context=typed["context"], tables=tables, **known)
        else:
            made = airlock.request(house, activity=PLANNING, context=typed["context"], tables=tables, **known)
    return see_other(f"{RELEASES}{made.number}/")


@seen_by_role
def one(request: HttpRequest, asked: str) -> HttpResponse:
    """A request: how it stands and, for who may check it, its tables and what the program found."""
    reader = request.reader
    with house_of(reader) as house:
        found, findings = airlock.opened(house, asked, role=reader.role, organisation=reader.organisation)
    tables = [(name, read(text)) for name, text in found.tables.items()] if findings else []
    shown = [(name, header, rows[:_ROWS_SHOWN], len(rows)) for name, (header, rows) in tables]
    return show(
        request, "analyst/release.jinja", f"Request {found.number}", one=found, findings=findings, tables=shown,
        root=RELEASES, mine=found.author == reader.user, work=work_of(reader), who=_who(found, reader.user),
        typed={"context": found.context, "number": found.number}, errors={},
        by_table=[
            (one.name, one.gate, one.rows, one.withheld, one.small, one.long_texts, one.identifiers) for one in findings
        ],
    )  # fmt: skip


@seen_by_role
def check(request: HttpRequest, asked: str) -> HttpResponse:
    """A checker's verdict."""
    reader = request.reader
    with house_of(reader) as house:
        airlock.review(
            house, asked, role=reader.role, organisation=reader.organisation,
            verdict=request.POST.get("verdict", ""), comment=request.POST.get("comment", ""),
        )  # fmt: skip
    return see_other(f"{RELEASES}{asked}/")


@seen_by_role
def take(request: HttpRequest, asked: str) -> HttpResponse:
    """What two people approved, once, as one archive."""
    reader = request.reader
    with house_of(reader) as house:
        leaving = airlock.taken_out(house, asked, role=reader.role, organisation=reader.organisation)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in leaving.items():
            archive.writestr(zipfile.ZipInfo(name, _DATED), text)
    headers = {"Content-Disposition": f'attachment; filename="release-{asked}.zip"', "Cache-Control": "no-store"}
    return HttpResponse(packed.getvalue(), content_type="application/zip", headers=headers)


def _list(request: HttpRequest, typed: dict[str, str], errors: dict[str, str]) -> HttpResponse:
    reader = request.reader
    with house_of(reader) as house:
        found = airlock.listed(house, role=reader.role, activity=PLANNING, organisation=reader.organisation)
        may_ask = airlock.may_ask(house, PLANNING, reader.role, reader.organisation)
    return show(
        request, "analyst/releases.jinja", "What may leave", status=400 if errors else 200, requests=found, typed=typed,
        errors=errors, may_ask=may_ask, root=RELEASES, user=reader.user, work=work_of(reader),
    )  # fmt: skip


def _missing(typed: dict[str, str]) -> dict[str, str]:
    errors = {}
    if not typed["context"].strip():
        errors["context"] = "Say what it is for, who asked, and who will see it"
    if not typed["result"].strip() and not typed["table"].strip():
        errors["table"] = "Give a table, or name a result of the SQL room"
    return errors


def _tables(house: House, typed: dict[str, str]) -> dict[str, str]:
    name = typed["result"].strip()
    if name and typed["table"].strip():
        raise WrongUsage("one or the other: a result of the room, or a table", code="airlock-no-table",
                         next_step="ask twice")  # fmt: skip
    return {f"{name}.csv": as_text(house, PLANNING, name)} if name else {"table.csv": typed["table"]}


def _who(found: ReleaseRequest, user: str) -> dict[str, str]:
    """Nobody's name: the checkers of a request do not choose each other. Oneself is told."""
    return {said.by: "you" if said.by == user else "somebody else" for said in found.said}
