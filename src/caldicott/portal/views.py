"""The public pages. Each looks up what was made, and sends it; none decides, computes or keeps anything."""

from __future__ import annotations

import re
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.utils.cache import get_conditional_response

from caldicott.portal import addresses, assets, log
from caldicott.portal.board import Board, board_of
from caldicott.portal.notice import HTML

if TYPE_CHECKING:
    from django.http import HttpRequest

    from caldicott.portal.body import Body

LOOK_AGAIN: Final = "public, no-cache"
"""Keep it, but ask each time: a page is true for its day, and an approval may lapse at midnight."""
FOR_GOOD: Final = "public, max-age=31536000, immutable"
_UNPACKS: Final = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:$|,|;\s*q=(?!0(?:\.0*)?\s*(?:$|,)))", re.IGNORECASE)


def board() -> Board:
    return board_of(settings.PORTAL)


def front_page(request: HttpRequest) -> HttpResponse:
    return _send(request, board().notice().page("index"))


def page(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of today's notice. The front page has one address, and is shown there."""
    if slug == "index":
        return HttpResponsePermanentRedirect(addresses.of_page(slug))
    return _send(request, board().notice().page(slug))


def file(request: HttpRequest, path: str) -> HttpResponse:
    """A file of the notice. A page asked for without its slash, or by its name in the published folder, is here too."""
    notice = board().notice()
    slug = path.removesuffix(".html")
    if slug in notice.pages:
        return HttpResponsePermanentRedirect(addresses.of_page(slug))
    return _send(request, notice.file(path))


def static(request: HttpRequest, digest: str, name: str) -> HttpResponse:
    """A style sheet, script or icon of this release; another release's name is not answered with ours."""
    found = assets.files().get(name) if digest == assets.digest() else None
    return _send(request, found, keep=FOR_GOOD)


def versions(request: HttpRequest) -> HttpResponse:
    """Every version of the notice."""
    return _send(request, board().notice().versions())


def version(request: HttpRequest, number: str, path: str = "index.html") -> HttpResponse:
    """A version as it was published."""
    return _send(request, board().notice().version(number, path))


def changes(request: HttpRequest, old: str, new: str) -> HttpResponse:
    """What changed between two versions."""
    return _send(request, board().notice().changes(old, new))


def health(request: HttpRequest) -> HttpResponse:
    """For the machine that watches: which register is shown, for which day, as published or not, and one held back."""
    del request
    here = board()
    notice = here.notice()
    record = {
        "status": "held-back" if here.held_back else "ok",
        "held_back_for": here.held_back,
        "register": notice.register.digest,
        "version": notice.edition.version,
        "as_published": notice.is_as_published,
        "day": notice.day.isoformat(),
    }
    return JsonResponse(record, headers={"Cache-Control": "no-store"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    del exception
    return fault(request, HTTPStatus.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    del exception
    return fault(request, HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    del exception
    return fault(request, HTTPStatus.NOT_FOUND)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from one of our pages."""
    del reason
    return fault(request, HTTPStatus.FORBIDDEN)


def server_fault(request: HttpRequest) -> HttpResponse:
    """A fault of the program: told to the log by kind and place, to the reader by a number."""
    reference = getattr(request, "reference", "")
    error = sys.exc_info()[1]
    if error is not None:
        log.failed(error, reference)
    return fault(request, HTTPStatus.INTERNAL_SERVER_ERROR, reference=reference)


def fault(request: HttpRequest, status: HTTPStatus, *, reference: str = "") -> HttpResponse:
    """The page that says what went wrong."""
    del request
    try:
        content = board().notice().fault(status, reference)
    except Exception as error:  # noqa: BLE001  the page of last resort must not need what has just failed
        log.failed(error, reference)
        content = _LAST_RESORT
    return HttpResponse(content, status=status, content_type=HTML, headers={"Cache-Control": "no-store"})


def _send(request: HttpRequest, found: Body | None, *, keep: str = LOOK_AGAIN) -> HttpResponse:
    if found is None:
        raise Http404
    unpacks = _UNPACKS.search(request.headers.get("Accept-Encoding", "")) is not None
    content, tag = found.for_reader(unpacks=unpacks)
    headers = {"Cache-Control": keep, "ETag": tag, "Vary": "Accept-Encoding", "Content-Length": str(len(content))}
    if content is found.packed:
        headers["Content-Encoding"] = "gzip"
    response = HttpResponse(content, content_type=found.media_type, headers=headers)
    return get_conditional_response(request, etag=tag, response=response)


_LAST_RESORT: Final = b"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Sorry, this site does not work at the moment</title></head>
<body><main><h1>Sorry, this site does not work at the moment</h1>
<p>The fault is ours. It has been written down. Try again later.</p></main></body></html>
"""
