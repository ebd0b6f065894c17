"""The pages: where the queue stands, the next case, a case on which two differ. Operations ask, show and record."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from caldicott.operations import review
from caldicott.portal.staff.leading import see_other
from caldicott.portal.staff.refusing import as_pages
from caldicott.portal.staff.review import wording
from caldicott.portal.staff.review.frame import ROOT, page, standing
from caldicott.vocabulary.errors import Refused, WrongUsage

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_CHOOSE: Final = "Choose one of the answers"
_TITLES: Final = {False: "Whose record is this?", True: "Two answers differ. Whose record is this?"}
_ADDRESS: Final = {False: f"{ROOT}next/", True: f"{ROOT}decide/"}


@as_pages
def start(request: HttpRequest) -> HttpResponse:
    """Where the queue stands and how far reviewers agree. Counts; no person."""
    with standing(request.reader) as at:
        found = review.queue_of(at.house, at.reviewer, activity=at.activity)
    return page(
        request, "start", "Doubtful links", found=found, numbers=wording.numbers(found.agreement),
        statistic=wording.statistic(found.agreement), settled=wording.settled(found.agreement), reasons=found.reasons,
    )  # fmt: skip


@as_pages
def answer(request: HttpRequest) -> HttpResponse:
    """The next case for this reviewer; its answer."""
    return _case(request, adjudicates=False)


@as_pages
def decide(request: HttpRequest) -> HttpResponse:
    """A case on which two differ, for a third."""
    return _case(request, adjudicates=True)


def _case(request: HttpRequest, *, adjudicates: bool) -> HttpResponse:
    if request.method != "POST":
        return _shown(request, adjudicates=adjudicates)
    give = review.adjudicate if adjudicates else review.answer
    case, choice = request.POST.get("case", ""), request.POST.get("choice", "")
    if not choice:
        return _shown(request, adjudicates=adjudicates, errors={"choice": _CHOOSE})
    try:
        with standing(request.reader) as at:
            give(at.house, at.reviewer, case, choice, activity=at.activity)
    except WrongUsage:
        return _shown(request, adjudicates=adjudicates, errors={"choice": _CHOOSE})
    except Refused as no:
        if no.code != review.NOT_OPEN:
            raise
        return page(request, "too_late", "This case needs no answer from you", status=HTTPStatus.CONFLICT)
    return see_other(f"{_ADDRESS[adjudicates]}?kept=1")


def _shown(request: HttpRequest, *, adjudicates: bool, errors: dict[str, str] | None = None) -> HttpResponse:
    """The viewing is recorded before anything is shown. What others said of the case is not in what is shown."""
    with standing(request.reader) as at:
        found = review.look(at.house, at.reviewer, activity=at.activity, adjudicates=adjudicates)
    kept = request.GET.get("kept") == "1" and not errors
    if found.case is None:
        return page(request, "nothing", "No case waits for you", kept=kept, reasons=found.reasons)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    return page(
        request, "case", _TITLES[adjudicates], status=status, errors=errors or {}, kept=kept, case=found.case,
        why=wording.why_doubtful(found.case), headings=wording.headings(found.case), rows=wording.rows(found.case),
        choices=wording.choices(found.case), address=_ADDRESS[adjudicates], adjudicates=adjudicates,
        reasons=found.reasons, reference=found.reference,
    )  # fmt: skip
