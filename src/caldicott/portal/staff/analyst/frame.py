"""What every page of analysts stands in: what the register lets the reader see, and refusals that are pages."""

from __future__ import annotations

from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from caldicott import bootstrap
from caldicott.operations.indicators import PLANNING, may_see
from caldicott.portal.staff import refusing, trail
from caldicott.portal.staff.pages import show
from caldicott.portal.staff.work import work_on
from caldicott.portal.views import board

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from caldicott.portal.staff.reader import Reader
    from caldicott.portal.staff.work import Work
    from caldicott.vocabulary.errors import CaldicottError

    View = Callable[..., HttpResponse]

ROOT: Final = "/staff/analyst/"


def seen_by_role(view: View) -> View:
    """A page for whoever may see figures of this activity today; all others are told why not, and it is recorded."""
    tells = refusing.telling(_sorry)(view)

    @wraps(view)
    def asked_first(request: HttpRequest, **parts: Any) -> HttpResponse:
        reader = request.reader
        if may_see(board().notice().register, reader.role, reader.organisation, bootstrap.today()):
            return tells(request, **parts)
        work = work_of(reader)
        codes = tuple(dict.fromkeys(code for one in work.denied for code in one.codes)) if work else ()
        with trail.recorded():
            trail.note("page-refused", trail.Outcome.REFUSAL, reader.actor, reasons=codes, activity=PLANNING)
        return show(
            request, "analyst/sorry.jinja", "You may not use this", status=HTTPStatus.FORBIDDEN, work=work,
            why="The register does not let your role see figures of this today.",
            next_step="If you think it should, ask the data protection officer.",
        )  # fmt: skip

    return asked_first


def _sorry(request: HttpRequest, fault: CaldicottError) -> HttpResponse:
    where = refusing.where_of(fault)
    return refusing.told(request, fault, "analyst/sorry.jinja", work=work_of(request.reader), where=where)


def work_of(reader: Reader) -> Work | None:
    """The register's entry for this reader: why they can see it."""
    return work_on(PLANNING, reader, board().notice().register, bootstrap.today())
