"""The pages of analysts: the library, one indicator with its table and picture, the table builder, kept views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404, HttpResponse
from markupsafe import Markup

from caldicott.analytics import builder
from caldicott.analytics.question import in_words, question
from caldicott.analytics.tables import populations
from caldicott.operations.indicators import PLANNING, analyse
from caldicott.operations.indicators_budget import budgets
from caldicott.operations.indicators_files import FORMATS, contents
from caldicott.operations.indicators_library import folders_of, indicator, library
from caldicott.portal.staff import refusing, trail
from caldicott.portal.staff.analyst.asking import Asked, asked_in, families, labels
from caldicott.portal.staff.analyst.frame import ROOT, seen_by_role, work_of
from caldicott.portal.staff.analyst.pictures import pictures
from caldicott.portal.staff.house import house_of
from caldicott.portal.staff.leading import see_other
from caldicott.portal.staff.pages import show
from caldicott.register import words
from caldicott.stores.desk import saved_filters
from caldicott.vocabulary.errors import CaldicottError, DoesNotHold, Refused, WrongUsage

if TYPE_CHECKING:
    from django.http import HttpRequest

    from caldicott.analytics.answer import Cell, Heading
    from caldicott.analytics.definition import Indicator
    from caldicott.operations.indicators import Told
    from caldicott.operations.indicators_budget import Budget
    from caldicott.operations.perform import House

KEPT: Final = "analyst"
"""Where kept views of this area stand among those of the desk."""
_TYPES: Final = {
    "csv": "text/csv; charset=utf-8", "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
_NAME_AT_MOST, _QUERY_AT_MOST = 60, 400
_STATUS: Final = {Refused: 403, WrongUsage: 400, DoesNotHold: 404}


@seen_by_role
def start(request: HttpRequest) -> HttpResponse:
    """Every indicator, by the dataset it is made from; and the views one kept."""
    with house_of(request.reader) as house:
        known = library(*folders_of(house))
    by_dataset: dict[str, list[Indicator]] = {}
    for one in known.found.values():
        by_dataset.setdefault(one.source.persons or one.source.dataset, []).append(one)
    groups = [(_dataset_title(name), found) for name, found in by_dataset.items()]
    return show(
        request, "analyst/start.jinja", "Figures", groups=sorted(groups), root=ROOT, work=work_of(request.reader),
        saved=saved_filters.of(request.reader.user, KEPT), unread=[_sentence(fault) for fault in known.faults],
    )  # fmt: skip


def _dataset_title(name: str) -> str:
    return words.dataset(name).strip("“”")


@seen_by_role
def one_indicator(request: HttpRequest, name: str) -> HttpResponse:
    """One indicator: what it is, what to ask, and the answer if one asked."""
    asked = asked_in(request.GET)
    with house_of(request.reader) as house:
        return _page(request, house, _known(house, name), asked, f"{ROOT}indicators/{name}/")


@seen_by_role
def table(request: HttpRequest) -> HttpResponse:
    """The table builder: any dataset, by registered dimensions."""
    asked = asked_in(request.GET)
    if not asked.dataset:
        return show(
            request, "analyst/choose.jinja", "Make a table", datasets=builder.DATASETS, root=ROOT,
            work=work_of(request.reader),
        )  # fmt: skip
    measures = builder.measures_of(asked.dataset)
    made = builder.built(asked.dataset, asked.measure or next(iter(measures)))
    with house_of(request.reader) as house:
        return _page(request, house, made, asked, f"{ROOT}table/", measures=measures)


@seen_by_role
def indicator_file(request: HttpRequest, name: str, form: str) -> HttpResponse:
    """Exactly what the page shows, as a file. It names nobody, so it needs no fresh proof."""
    with house_of(request.reader) as house:
        return _file(house, _known(house, name), asked_in(request.GET), form, request)


@seen_by_role
def table_file(request: HttpRequest, form: str) -> HttpResponse:
    """The same of the table builder."""
    asked = asked_in(request.GET)
    with house_of(request.reader) as house:
        return _file(house, builder.built(asked.dataset, asked.measure), asked, form, request)


@seen_by_role
def keep(request: HttpRequest) -> HttpResponse:
    """Keep a view under a name; the same name again takes its place."""
    asked = asked_in(request.POST)
    name = " ".join(request.POST.get("name", "").split())[:_NAME_AT_MOST]
    indicator_id = dict(asked.filters).get("indicator", "")
    path = f"indicators/{indicator_id}/" if indicator_id else "table/"
    filters = tuple(one for one in asked.filters if one[0] != "indicator")
    asked = Asked(asked.by, filters, is_shown=True, dataset=asked.dataset, measure=asked.measure)
    address = f"{path}?{asked.written()}"
    mine = saved_filters.of(request.reader.user, KEPT)
    is_new = name not in {one.name for one in mine}
    if not name or len(address) > _QUERY_AT_MOST or (is_new and len(mine) >= saved_filters.MOST):
        raise WrongUsage(
            f"a view is kept under a name, and at most {saved_filters.MOST} are kept", code="view-not-kept",
            next_step="give it a name, or remove one that you no longer need",
        )  # fmt: skip
    with house_of(request.reader) as house:
        _ = _known(house, indicator_id) if indicator_id else builder.built(asked.dataset, asked.measure)
    with trail.recorded():
        saved_filters.keep(request.reader.user, KEPT, name=name, query=address)
    return see_other(f"{ROOT}{address}")


@seen_by_role
def remove(request: HttpRequest, number: int) -> HttpResponse:
    """Let a kept view go."""
    with trail.recorded():
        saved_filters.remove(request.reader.user, KEPT, number)
    return see_other(ROOT)


def _known(house: House, name: str) -> Indicator:
    return indicator(name, *folders_of(house))


def _answered(house: House, found: Indicator, asked: Asked, role: str) -> Told:
    by = None if not asked.is_shown and not asked.by else asked.by
    return analyse(house, question(found, by, asked.filters), role=role)


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why there is no answer, on the page where it was asked."""

    what: str
    next_step: str
    status: int


def _page(
    request: HttpRequest, house: House, found: Indicator, asked: Asked, address: str, **more: Any
) -> HttpResponse:
    """The form, and below it the answer or why there is none."""
    told, fault = None, None
    if asked.is_shown:
        try:
            told = _answered(house, found, asked, request.reader.role)
        except (Refused, WrongUsage, DoesNotHold) as no:
            fault = _Fault(_sentence(no), no.next_step, _status(no))
    chosen = (
        asked
        if asked.is_shown or asked.by
        else Asked(found.by, (), is_shown=False, dataset=asked.dataset, measure=asked.measure)
    )
    return show(
        request, "analyst/indicator.jinja", found.title, found=found, asked=chosen, address=address, root=ROOT,
        families=families(house, found, chosen), work=work_of(request.reader), status=fault.status if fault else 200,
        errors={"by": fault.what} if fault else {}, fault=fault, answer=_drawn(told), told=told, query=asked.written(),
        said=in_words(told.asked, labels(found)) if told else "", measures=more.get("measures"), formats=FORMATS,
        left=[(_dataset_title(one.dataset), one) for one in _left(house, found)],
    )  # fmt: skip


def _left(house: House, found: Indicator) -> tuple[Budget, ...]:
    return budgets(house, PLANNING, populations(question(found, [], [])))


def _sentence(fault: CaldicottError) -> str:
    """What is wrong, with what it is about: `This cannot be shown or filtered by that: postcode.`"""
    what, where = refusing.what_of(fault).removesuffix("Next:").strip().removesuffix("."), refusing.where_of(fault)
    named = f": {where}" if where and where not in what else ""
    return f"{what[:1].upper()}{what[1:]}{named}."


def _status(fault: CaldicottError) -> int:
    return next(status for kind, status in _STATUS.items() if isinstance(fault, kind))


def _drawn(told: Told | None) -> dict[str, Any] | None:
    """The answer as the template shows it."""
    if told is None:
        return None
    headings = told.answer.headings
    return {
        "head": [one.title for one in headings],
        "numbers_from": sum(one.kind == "group" for one in headings),
        "rows": [[_shown(cell, one) for cell, one in zip(row, headings, strict=True)] for row in told.answer.rows],
        "pictures": [(one.title, one.says, Markup(one.svg)) for one in pictures(told)],  # noqa: S704  drawn here from counts that were let go, escaped by the drawing
    }  # fmt: skip


def _shown(cell: Cell, heading: Heading) -> str:
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    pound = "£" if heading.kind == "pounds" and isinstance(cell, int) else ""
    return f"{pound}{cell:,}" if isinstance(cell, int) else str(cell)


def _file(house: House, found: Indicator, asked: Asked, form: str, request: HttpRequest) -> HttpResponse:
    if form not in FORMATS:
        raise Http404
    told = _answered(house, found, asked, request.reader.role)
    headers = {
        "Content-Disposition": f'attachment; filename="{found.id}.{form}"', "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return HttpResponse(contents(told, form), content_type=_TYPES[form], headers=headers)
