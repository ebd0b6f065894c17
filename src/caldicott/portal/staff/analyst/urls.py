"""The addresses of this area."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.urls import path

from caldicott.portal.staff.analyst import release, views
from caldicott.portal.staff.guards import fresh, room

if TYPE_CHECKING:
    from django.urls import URLPattern

_SEND: Final = ("POST",)

urlpatterns: list[URLPattern] = [
    path("staff/analyst/", room(views.start), name="analyst-start"),
    path("staff/analyst/table/", room(views.table), name="analyst-table"),
    path("staff/analyst/table/<slug:form>/", room(views.table_file), name="analyst-table-file"),
    path("staff/analyst/indicators/<slug:name>/", room(views.one_indicator), name="analyst-indicator"),
    path("staff/analyst/indicators/<slug:name>/<slug:form>/", room(views.indicator_file), name="analyst-file"),
    path("staff/analyst/views/", room(views.keep, *_SEND), name="analyst-keep"),
    path("staff/analyst/views/<int:number>/remove/", room(views.remove, *_SEND), name="analyst-remove"),
    path("staff/analyst/releases/", room(release.releases), name="analyst-releases"),
    path("staff/analyst/releases/ask/", room(release.make, *_SEND), name="analyst-release-ask"),
    path("staff/analyst/releases/<slug:asked>/", room(release.one), name="analyst-release"),
    path("staff/analyst/releases/<slug:asked>/check/", room(release.check, *_SEND), name="analyst-release-check"),
    path("staff/analyst/releases/<slug:asked>/take/", room(fresh(release.take), *_SEND), name="analyst-release-take"),
]
