"""Every public address of the portal. Those of staff are in `staff.site`, before these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from caldicott.portal import views
from caldicott.portal.reading import only_reading

if TYPE_CHECKING:
    from collections.abc import Callable


def public(address: str, view: Callable[..., Any], name: str) -> Any:
    """An address that anyone may read, and nobody may send anything to."""
    # Exempt, because it takes nothing in: what is sent is told so, and not that a form's token is missing.
    return path(address, csrf_exempt(login_not_required(only_reading(view))), name=name)


urlpatterns = [
    public("", views.front_page, "front-page"),
    public("healthz", views.health, "health"),
    public("static/<slug:digest>/<path:name>", views.static, "static"),
    public("versions/", views.versions, "versions"),
    public("versions/<str:number>/", views.version, "version"),
    public("versions/<str:number>/<path:path>", views.version, "version-file"),
    public("changes/<str:old>/<str:new>/", views.changes, "changes-between"),
    public("<path:slug>/", views.page, "page"),
    public("<path:path>", views.file, "file"),
]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_fault
