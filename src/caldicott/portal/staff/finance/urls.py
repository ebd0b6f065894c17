"""The addresses of this area."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from caldicott.portal.staff.finance import acting, leaving, looking
from caldicott.portal.staff.guards import fresh, room

if TYPE_CHECKING:
    from django.urls import URLPattern

_BOTH: Final = ("GET", "HEAD", "POST")
_SEND: Final = ("POST",)

urlpatterns: list[URLPattern] = [
    path("staff/invoices/", room(looking.start), name="finance-start"),
    path("staff/invoices/begin/", room(acting.begin, *_SEND), name="finance-begin"),
    path("staff/invoices/queue/", room(looking.queue), name="finance-queue"),
    path("staff/invoices/lines/<str:submission>/<int:file_row>/", room(looking.line), name="finance-line"),
    path("staff/invoices/month/", room(looking.month), name="finance-month"),
    # Its token is checked by the view itself, after it said that what is sent stays in memory.
    path("staff/invoices/upload/", csrf_exempt(room(acting.upload, *_BOTH)), name="finance-upload"),
    path("staff/invoices/check/", room(acting.check, *_SEND), name="finance-check"),
    path("staff/invoices/decide/", room(acting.decide, *_SEND), name="finance-decide"),
    path("staff/invoices/members/", room(acting.members, *_BOTH), name="finance-members"),
    path("staff/invoices/letters/", room(leaving.letter_list, *_BOTH), name="finance-letters"),
    path("staff/invoices/letters/<slug:number>/", room(leaving.letter), name="finance-letter"),
    path("staff/invoices/decisions/", room(leaving.decisions), name="finance-decisions"),
    path(
        "staff/invoices/decisions/<slug:month>/<slug:kind>/", room(fresh(leaving.decisions_file)),
        name="finance-decisions-file",
    ),
]  # fmt: skip
