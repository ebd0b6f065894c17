"""What leaves by a page: letters to providers, and the five columns as a file."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from django.http import HttpResponse

from caldicott.operations.invoices import desk, letters, taking_away
from caldicott.portal.staff.finance.common import acting, page, told
from caldicott.portal.staff.house import house_of
from caldicott.portal.staff.leading import see_other

if TYPE_CHECKING:
    from django.http import HttpRequest

_KINDS: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@told
def letter_list(request: HttpRequest) -> HttpResponse:
    """Letters that went out, and providers to ask."""
    if request.method == "POST":
        with acting(request.reader) as house:
            letters.write_letters(house, provider=request.POST.get("provider", ""))
        return see_other("/staff/invoices/letters/")
    with house_of(request.reader) as house:
        found = letters.correspondence(house)
    return page(request, "letters", "Letters to providers", found=found, as_day=date.fromisoformat)


@told
def letter(request: HttpRequest, number: str) -> HttpResponse:
    """One letter, to print or to send."""
    with house_of(request.reader) as house:
        _said, made = letters.letter_of(house, number=number)
    return _file(made, f"letter-{number}.pdf", "application/pdf")


@told
def decisions(request: HttpRequest) -> HttpResponse:
    """Choose a month and a kind of file."""
    with house_of(request.reader) as house:
        found = desk.month(house)
    return page(request, "decisions", "Take decisions away", found=found)


@told
def decisions_file(request: HttpRequest, month: str, kind: str) -> HttpResponse:
    """The file. With a fresh proof only."""
    with house_of(request.reader) as house:
        made = taking_away.decisions_file(house, month=month, kind=kind)
    return _file(made, f"decisions-{month}.{kind}", _KINDS[kind])


def _file(content: bytes, name: str, media_type: str) -> HttpResponse:
    # The name holds what an address holds: a month or a letter's number, which operations knew.
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type=media_type, headers=headers)
