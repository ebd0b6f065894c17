"""The addresses of this area."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.urls import path

from caldicott.portal.staff.guards import room
from caldicott.portal.staff.practice import lists, patient

if TYPE_CHECKING:
    from django.urls import URLPattern

_SEND: Final = ("POST",)

urlpatterns: list[URLPattern] = [
    path("staff/practice/", room(lists.start), name="practice-start"),
    path("staff/practice/<slug:practice>/", room(lists.practice_list), name="practice-list"),
    path("staff/practice/<slug:practice>/filters/", room(lists.keep_filter, *_SEND), name="practice-filter"),
    path(
        "staff/practice/<slug:practice>/filters/<int:number>/remove/", room(lists.remove_filter, *_SEND),
        name="practice-filter-remove",
    ),
    path("staff/practice/<slug:practice>/patients/<slug:token>/", room(patient.look), name="practice-patient"),
]  # fmt: skip
