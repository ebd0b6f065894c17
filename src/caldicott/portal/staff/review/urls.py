"""The addresses of this area."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.urls import path

from caldicott.portal.staff.guards import fresh, room
from caldicott.portal.staff.review import views

if TYPE_CHECKING:
    from django.urls import URLPattern

_BOTH: Final = ("GET", "HEAD", "POST")

urlpatterns: list[URLPattern] = [
    path("staff/review/", room(views.start), name="review-start"),
    path("staff/review/next/", room(views.answer, *_BOTH), name="review-next"),
    # Here one person alone settles whose a record is.
    path("staff/review/decide/", room(fresh(views.decide), *_BOTH), name="review-decide"),
]
