"""A page that can be read and nothing else."""

from __future__ import annotations

from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from caldicott.portal.views import fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

_READING: Final = ("GET", "HEAD")


def only_reading(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view, answering any other method with what is allowed."""

    @wraps(view)
    def read(request: HttpRequest, **parts: Any) -> HttpResponse:
        if request.method in _READING:
            return view(request, **parts)
        response = fault(request, HTTPStatus.METHOD_NOT_ALLOWED)
        response.headers["Allow"] = ", ".join(_READING)
        return response

    return read
