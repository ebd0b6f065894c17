"""HTML as PDF/UA-1, tagged for screen readers: for the notice, and for letters.

The renderer is given a fetcher that knows the pictures it is handed and nothing
else, so that no text can make it open a file or an address. What it would only
write to its log ends the printing. The same HTML gives the same bytes.
"""

from __future__ import annotations

import gc
import hashlib
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SCHEME: Final = "published:"
"""Of the addresses the renderer may open; they lead to values in memory."""


def pdf(
    html: str, *, style: str, faulty: Callable[[str], Exception], pictures: Mapping[str, bytes] | None = None
) -> bytes:
    """The page laid out on paper by `style`.

    `pictures` are what `published:NAME` may show. Where something would be left out,
    `faulty` is given what the renderer says of it, and makes the error that is raised.
    """
    from weasyprint import CSS, HTML

    with _nothing_left_out(faulty), _no_collecting():
        made: bytes = HTML(string=html, url_fetcher=_OurPictures(pictures or {})).write_pdf(
            stylesheets=[CSS(string=style)],
            pdf_variant="pdf/ua-1",
            # An identifier is random by default, and two readers could not compare what they were given.
            pdf_identifier=hashlib.sha256(html.encode()).digest()[:16],
        )
    return made


class _OurPictures:
    """Opens our own pictures; anything else is an error, and every error ends the printing."""

    _fail_on_errors = True  # asked for by the renderer, of a fetcher that refused

    def __init__(self, known: Mapping[str, bytes]) -> None:
        self._known = known

    def __call__(self, url: str) -> object:
        from weasyprint.urls import URLFetcherResponse

        name = url.removeprefix(SCHEME)
        if not url.startswith(SCHEME) or name not in self._known:
            raise LookupError("an address that is not ours")
        kind = {"Content-Type": "image/svg+xml"} if name.endswith(".svg") else {}
        return URLFetcherResponse(url, self._known[name], kind)


class _Complaints(logging.Handler):
    """What the renderer would only write to its log: a picture it could not draw, a rule it did not know."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Laying out makes millions of objects that live to the end; looking for dead ones among them took a quarter."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _nothing_left_out(faulty: Callable[[str], Exception]) -> Iterator[None]:
    heard, log = _Complaints(), logging.getLogger("weasyprint")
    log.addHandler(heard)
    try:
        yield
    finally:
        log.removeHandler(heard)
    if heard.said:
        raise faulty(heard.said[0])
