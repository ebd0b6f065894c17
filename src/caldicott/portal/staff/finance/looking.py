"""Pages that show: where the work stands, the queue, one line, the month. Each asks operations, which record it."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from caldicott.charts import bars
from caldicott.invoices.deciding import because_codes
from caldicott.invoices.price import money, pounds
from caldicott.invoices.reasons import reasons
from caldicott.operations.invoices import desk
from caldicott.operations.invoices.settle import second_person_from
from caldicott.portal.staff.finance.common import page, told
from caldicott.portal.staff.house import house_of
from caldicott.register import words

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

VERDICTS: Final = {"pay": "Pay", "query": "Ask", "reject": "Reject", "credit": "Credit note"}
_ROW: Final = re.compile(r"\d{1,18}", re.ASCII)
_KEY: Final = ("provider", "invoice", "line", "submission", "file_row")


@told
def start(request: HttpRequest) -> HttpResponse:
    """Where the work stands."""
    with house_of(request.reader) as house:
        found = desk.overview(house)
    if found is None:
        return page(request, "closed", "The locked area is not open yet")
    verdicts = [
        (VERDICTS[row["verdict"]], row["currency"], row["lines"], money(row["pence"], row["currency"]))
        for row in found.verdicts
    ]
    return page(
        request, "start", "Checking bills", found=found, verdicts=verdicts, ledger=ledger_in_words(found.ledger),
        queue_of=queue_address,
        limit=pounds(second_person_from()),
    )  # fmt: skip


@told
def queue(request: HttpRequest) -> HttpResponse:
    """Lines that were asked about, of one provider and for one reason if so chosen."""
    return queue_page(request, request.GET.get("provider", ""), request.GET.get("reason", ""))


def queue_page(
    request: HttpRequest, provider: str, reason: str, *, errors: dict[str, str] | None = None
) -> HttpResponse:
    """The queue; with what was missing in a form that came from it."""
    with house_of(request.reader) as house:
        found = desk.queue(house, provider=provider, reason=reason, after=_after(request))
    beyond = queue_address(provider, reason, found.after) if found.after else ""
    return page(
        request, "queue", "Lines to decide", found=found, provider=provider, reason=reason, next_page=beyond,
        line_of=line_address, choices=choices(), verdicts=VERDICTS,
        reason_in_words=reasons()[reason].sentence if reason in reasons() else "",
        errors=errors or {}, chosen=frozenset(request.POST.getlist("line")), choice=request.POST.get("choice", ""),
        status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
    )  # fmt: skip


@told
def line(request: HttpRequest, submission: str, file_row: int) -> HttpResponse:
    """One line: what was decided, and the records that speak of it side by side."""
    with house_of(request.reader) as house:
        found = desk.line(house, submission=submission, file_row=file_row)
    fields = [name for name in desk.FIELDS if any(name in one.says for one in found.records)]
    rows = [
        (desk.FIELDS[name], [(_shown(name, one.says.get(name)), name in one.differs) for one in found.records])
        for name in fields
    ]
    return page(
        request, "line", f"{found.line['invoice']}, line {found.line['line']}", found=found, rows=rows,
        titles=[one.title for one in found.records],
        verdicts=VERDICTS, choices=choices(), value=f"{submission}|{file_row}",
        queue=queue_address(found.line["provider"], next(iter(found.line["reasons"]), "")),
    )  # fmt: skip


@told
def month(request: HttpRequest) -> HttpResponse:
    """A month in a picture and a table."""
    with house_of(request.reader) as house:
        found = desk.month(house, of=request.GET.get("month", ""))
    rows = [
        {**row, "amount": money(row["pence"], row["currency"]), "verdict": VERDICTS[row["decision"]]}
        for row in found.rows
    ]
    return page(
        request, "month", f"Month {found.month}" if found.month else "No month yet", found=found, rows=rows,
        chart=_chart(found.month, _heights(rows)) if found.month else "", named=_named,
    )  # fmt: skip


def ledger_in_words(sums: dict[str, dict[str, int]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The accounts of each currency."""
    return [
        (currency, [(name, money(pence, currency)) for name, pence in accounts.items()])
        for currency, accounts in sums.items()
    ]


def choices() -> list[tuple[str, str, str]]:
    """What may be decided by hand: value, verdict, why."""
    return [
        (f"{verdict}|{code}", VERDICTS[verdict], sentence)
        for verdict in ("pay", "reject") for code, sentence in because_codes(verdict).items()
    ]  # fmt: skip


def queue_address(provider: str, reason: str, after: tuple[Any, ...] = ()) -> str:
    """Where a queue, or a further page of it, is."""
    asked = {"provider": provider, "reason": reason}
    asked |= {f"a-{name}": str(value) for name, value in zip(_KEY, after, strict=True)} if after else {}
    return f"/staff/invoices/queue/?{urlencode({name: value for name, value in asked.items() if value})}"


def line_address(row: dict[str, Any]) -> str:
    return f"/staff/invoices/lines/{row['submission']}/{row['file_row']}/"


def _after(request: HttpRequest) -> tuple[Any, ...]:
    found = [request.GET.get(f"a-{name}") for name in _KEY]
    if None in found or not _ROW.fullmatch(found[-1] or ""):
        return ()
    return (*found[:-1], int(found[-1] or 0))


def _shown(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "identity":
        digits = f"{value:010d}"
        return f"{digits[:3]} {digits[3:6]} {digits[6:]}"
    return words.day(value) if isinstance(value, date) else str(value)


def _heights(rows: list[dict[str, Any]]) -> tuple[tuple[str, float], ...]:
    sums = dict.fromkeys(VERDICTS.values(), 0)
    for row in rows:
        if row["currency"] == "GBP":
            sums[row["verdict"]] += row["pence"]
    return tuple((name, pence / 100) for name, pence in sums.items())


# Drawing takes a tenth of a second; the same sums give the same picture.
@lru_cache(maxsize=64)
def _chart(month_: str, heights: tuple[tuple[str, float], ...]) -> str:
    said = ", ".join(f"{name}: {pounds(round(height * 100))}" for name, height in heights)
    return bars(
        heights, title=f"Pounds by decision, {_named(month_)}", text=f"{said}. The table below has the same sums.",
        across="Decision", up="Pounds",
    )  # fmt: skip


def _named(month_: str) -> str:
    return date.fromisoformat(f"{month_}-01").strftime("%B %Y")
