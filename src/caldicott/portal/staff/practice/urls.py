"""The addresses of this area."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.urls import path

from caldicott.portal.staff.guards import fresh, room
from caldicott.portal.staff.practice import acting, board, guarding, lists, patient, taking

if TYPE_CHECKING:
    from django.urls import URLPattern

_BOTH: Final = ("GET", "HEAD", "POST")
_SEND: Final = ("POST",)
_LIST: Final = "staff/practice/<slug:practice>/"
_PATIENT: Final = f"{_LIST}patients/<slug:token>/"

urlpatterns: list[URLPattern] = [
    path("staff/practice/", room(lists.start), name="practice-start"),
    path(_LIST, room(lists.practice_list), name="practice-list"),
    path(f"{_LIST}filters/", room(lists.keep_filter, *_SEND), name="practice-filter"),
    path(f"{_LIST}filters/<int:number>/remove/", room(lists.remove_filter, *_SEND), name="practice-filter-remove"),
    path(f"{_LIST}export/", room(fresh(taking.export), *_BOTH), name="practice-export"),
    path(f"{_LIST}work/", room(board.work), name="practice-work"),
    path(f"{_LIST}admitted/", room(board.lately), name="practice-admitted"),
    path(_PATIENT, room(patient.look), name="practice-patient"),
    path(f"{_PATIENT}case/", room(acting.step, *_SEND), name="practice-case"),
    path(f"{_PATIENT}judgement/", room(acting.judgement, *_SEND), name="practice-judgement"),
    path(f"{_PATIENT}notes/", room(acting.note, *_SEND), name="practice-note"),
    path("staff/who-looked/", room(guarding.who_looked), name="practice-looked"),
    path("staff/population/", room(guarding.the_population), name="practice-population"),
]
