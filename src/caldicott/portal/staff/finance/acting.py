"""Forms of the zone: take in, check, decide, let in. What may be done, operations say; here it is only asked."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.views.decorators.csrf import csrf_protect

from caldicott.operations.invoices import here, settle, zone
from caldicott.portal.staff.finance.common import acting, name_of, page, told
from caldicott.portal.staff.finance.looking import VERDICTS, choices, ledger_in_words, queue_address, queue_page
from caldicott.portal.staff.house import house_of
from caldicott.portal.staff.leading import see_other
from caldicott.register.words import capital
from caldicott.stores.desk import accounts
from caldicott.vocabulary.errors import CaldicottError, DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from caldicott.operations.invoices.settle import Settled

_PLACES: Final = 50


class InMemory(MemoryFileUploadHandler):  # type: ignore[misc]  # Django ships no types
    """What is sent stays in memory: Django would put a larger file into the machine's folder for temporary ones."""

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: Any = None  # noqa: N803  Django's
    ) -> None:  # fmt: skip
        del input_data, META, boundary, encoding
        self.activated = content_length <= here.BYTES_MOST


def upload(request: HttpRequest) -> HttpResponse:
    """Take in a submission: its manifest and its files."""
    # Said before the form is read: the check of its token reads it, so that check comes after.
    request.upload_handlers = [InMemory(request)]
    answer: HttpResponse = csrf_protect(_upload)(request)
    return answer


@told
def _upload(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        with house_of(request.reader) as house:
            zone.require_landing(house)
        return _upload_page(request, {})
    files = {one.name: one.read() for one in request.FILES.getlist("files")}
    if not files:
        megabytes = here.BYTES_MOST // 1_000_000
        text = f"Choose the files, {megabytes} megabytes together at most. Larger ones come in by the command line."
        return _upload_page(request, {"files": text})
    with acting(request.reader) as house:
        try:
            landed = here.take_in(house, files)
        except (DoesNotHold, WrongUsage) as fault:
            return _upload_page(request, {"files": _in_words(fault)})
    faults = [_in_words(one.fault) for one in landed if one.fault]
    if faults:
        return _upload_page(request, {"files": " ".join(faults)})
    return page(request, "landed", "Taken in", landed=landed, most=_PLACES)


def _in_words(fault: CaldicottError) -> str:
    # A refusal's own words end with the next step already.
    why = fault.what.removesuffix(fault.next_step).strip().rstrip(".")
    return f"{capital(why)}. {capital(fault.next_step)}."


def _upload_page(request: HttpRequest, errors: dict[str, str]) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    return page(request, "upload", "Take in bills or records", errors=errors, status=status)


@told
def check(request: HttpRequest) -> HttpResponse:
    """Check what waits; with `again` also what was asked about."""
    with acting(request.reader) as house:
        done = here.check(house, again=request.POST.get("again") == "1")
    verdicts = [(VERDICTS[name], lines) for name, lines in done.by_verdict.items()]
    return page(request, "checked", "Checked", done=done, verdicts=verdicts)


@told
def decide(request: HttpRequest) -> HttpResponse:
    """Decide the chosen lines, or all of one provider and one reason."""
    verdict, _, because = request.POST.get("choice", "").partition("|")
    provider, reason = request.POST.get("provider", ""), request.POST.get("reason", "")
    if errors := _missing(request):
        return queue_page(request, provider, reason, errors=errors)
    with acting(request.reader) as house:
        if request.POST.get("scope") == "all":
            done = settle.settle_queue(house, provider=provider, reason=reason, verdict=verdict, because=because)
        else:
            done = settle.settle_lines(house, _chosen(request), verdict=verdict, because=because)
    return _decided(request, done, verdict, queue_address(provider, reason))


def _missing(request: HttpRequest) -> dict[str, str]:
    """What a form lacks, by where it is asked."""
    found = {}
    if request.POST.get("scope") != "all" and not _chosen(request):
        found["line-1"] = "Choose at least one line"
    if request.POST.get("choice", "") not in {value for value, _verdict, _why in choices()}:
        found["choice-1"] = "Choose what you decide, and why"
    return found


def _chosen(request: HttpRequest) -> list[tuple[str, int]]:
    pairs = [value.rpartition("|") for value in request.POST.getlist("line")]
    return [(submission, int(row)) for submission, _, row in pairs if row.isascii() and row.isdecimal()]


def _decided(request: HttpRequest, done: Settled, verdict: str, back: str) -> HttpResponse:
    return page(
        request, "decided", "Decided", done=done, verdict=VERDICTS[verdict], ledger=ledger_in_words(done.ledger),
        back=back,
    )  # fmt: skip


@told
def members(request: HttpRequest) -> HttpResponse:
    """Who works in the zone; a member lets in another."""
    if request.method == "POST":
        return _let_in(request)
    with house_of(request.reader) as house:
        inside = zone.members(house)
    return _members_page(request, inside, {})


def _let_in(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("account", "")
    if wanted not in {one.id for one in _officers()}:
        with house_of(request.reader) as house:
            return _members_page(request, zone.members(house), {"account": "Choose a finance officer from the list."})
    with acting(request.reader) as house:
        here.let_in(house, wanted)
    return see_other("/staff/invoices/members/")


def _officers() -> list[Any]:
    return [one for one in accounts.every() if one.is_live and one.role == zone.ROLE]


def _members_page(request: HttpRequest, inside: tuple[str, ...], errors: dict[str, str]) -> HttpResponse:
    others = [(one.id, one.name) for one in _officers() if one.id not in inside]
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    return page(
        request, "members", "Who works in the locked area", inside=[name_of(one) for one in inside], others=others,
        errors=errors, status=status,
    )  # fmt: skip


@told
def begin(request: HttpRequest) -> HttpResponse:
    """The first member goes in."""
    with acting(request.reader) as house:
        zone.begin(house)
    return see_other("/staff/invoices/")
