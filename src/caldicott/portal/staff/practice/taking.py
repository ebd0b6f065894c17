"""Taking a list away: a fresh proof, a purpose, exactly the filtered list as a file, and an entry in the trail."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpResponse

from caldicott import bootstrap
from caldicott.operations.practice_list import everybody, sized
from caldicott.portal.staff.home import organisation_in_words
from caldicott.portal.staff.pages import show
from caldicott.portal.staff.practice import wording
from caldicott.portal.staff.practice.asking import asked_in, flat
from caldicott.portal.staff.practice.frame import ROOT, standing, why
from caldicott.portal.staff.practice.keeping import cases_for
from caldicott.portal.staff.practice.patient import PURPOSE_WORDS
from caldicott.portal.staff.refusing import as_pages
from caldicott.portal.views import board
from caldicott.publication.spreadsheet import CSV_TYPE, XLSX_TYPE, Sheet, as_csv, as_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

    from caldicott.operations.reidentify import Seen

KINDS: Final = {"csv": "a CSV file, such as for the clinical system", "xlsx": "a workbook"}


@as_pages
def export(request: HttpRequest, practice: str) -> HttpResponse:
    """The form asks for what; sent, the file comes."""
    practice = practice.upper()
    if request.method != "POST":
        return _form(request, practice, {}, flat(request.GET))
    purpose, kind = request.POST.get("purpose", ""), request.POST.get("kind", "")
    faults = {} if purpose in PURPOSE_WORDS else {"purpose": "Say what you need the list for"}
    faults |= {} if kind in KINDS else {"kind": "Choose the kind of file"}
    if faults:
        return _form(request, practice, faults, flat(request.POST))
    asked = asked_in(flat(request.POST))
    with standing(request.reader) as at:
        query = asked.query(cases_for(request.reader, practice))
        seen = everybody(
            at.house, reader=at.asker, activity=at.activity, practice=practice, query=query, purpose=purpose
        )
    return _file(seen, practice, kind)


def _form(request: HttpRequest, practice: str, faults: Mapping[str, str], sent: Any) -> HttpResponse:
    asked = asked_in(sent)
    with standing(request.reader) as at:
        query = asked.query(cases_for(request.reader, practice))
        found = sized(at.house, reader=at.asker, activity=at.activity, practice=practice, query=query)
    return show(
        request, "practice/export.jinja", "Take this list away", asked=asked, errors=dict(faults),
        status=HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK, matching=found.matching,
        purposes=PURPOSE_WORDS, kinds=KINDS, place=organisation_in_words(practice), words=wording.FILTER_WORDS,
        address=f"{ROOT}{practice}/export/", list_address=f"{ROOT}{practice}/", why=why(request.reader, found.seen),
        chosen=dict(sent),
    )  # fmt: skip


def _file(seen: Seen, practice: str, kind: str) -> HttpResponse:
    sheet = _sheet(seen, practice)
    name = f"patients-{practice}-{seen.month}.{kind}"
    if kind == "csv":
        content, media = as_csv(sheet), CSV_TYPE
    else:
        author = board().notice().register.controller.name
        content = as_workbook([sheet], title="Patients at risk", author=author, dated=bootstrap.today())
        media = XLSX_TYPE
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type=media, headers=headers)


def _sheet(seen: Seen, practice: str) -> Sheet:
    """NHS number first and without blanks, as clinical systems read it; then what the list shows."""
    head = (
        "NHS number",
        "Name",
        "Birth date",
        "Practice",
        *(name for _sort, name in wording.columns()),
        "Records up to",
    )
    is_first = len(seen.months) == 1
    rows = tuple(
        (
            person.nhs_number or "", person.name or "", person.birth_date.isoformat() if person.birth_date else "",
            practice, *wording.cells(person, is_first_month=is_first), seen.as_of,
        )
        for person in seen.persons
    )  # fmt: skip
    return Sheet("Patients", head, rows, (14, 28, 12))
