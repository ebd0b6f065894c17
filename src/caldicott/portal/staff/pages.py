"""How a page of staff is drawn: in the frame of the public site, with forms, and never kept by a browser."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jinja2
from django.conf import settings
from django.http import HttpResponse
from django.middleware.csrf import get_token
from markupsafe import Markup

from caldicott import bootstrap
from caldicott.portal import addresses, assets
from caldicott.portal.body import body
from caldicott.portal.views import board
from caldicott.publication.document import Link
from caldicott.publication.rendering import TEMPLATES, Branding, Site, equip, frame
from caldicott.register import words

if TYPE_CHECKING:
    from django.http import HttpRequest

    from caldicott.portal.body import Body

_HERE: Final = Path(__file__).parent
SERVICE: Final = "Staff desk"
HOME: Final = "/staff/"
SIGN_IN: Final = "/staff/sign-in/"

# Passkeys need the browser's own dialog, which the public pages switch off.
_PERMISSIONS: Final = "publickey-credentials-get=(self), publickey-credentials-create=(self)"


def show(
    request: HttpRequest, template: str, title: str, *, status: int = 200, tab: str = "", **context: Any
) -> HttpResponse:
    """A page of staff. `tab` is what the browser's tab and its history say, where the title would name a patient."""
    named = tab or title
    reader = getattr(request, "reader", None)
    errors: dict[str, str] = context.get("errors") or {}
    text = _environment().get_template(template).render(
        reader=reader, csrf=_CSRF.format(get_token(request)), script=script_address(),
        role=role_in_words, day=words.day, errors=errors, path=request.path,
        **frame(f"Error: {named}" if errors else named, _site(reader), link=addresses.links_to({"index"}),
                asset=assets.address, current=request.path),
        **{name: value for name, value in context.items() if name != "errors"}, heading=title,
    )  # fmt: skip
    headers = {
        "Cache-Control": "no-store",
        # A form's origin is checked; under the site's own `no-referrer` browsers would not tell it.
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": f"{_closed()}, {_PERMISSIONS}",
    }
    return HttpResponse(text, status=status, content_type="text/html; charset=utf-8", headers=headers)


def drawn(template: str, **context: Any) -> Markup:
    """A part of a page by itself, for what many pages share."""
    return Markup(_environment().get_template(template).render(**context))  # noqa: S704  our own template escapes


def role_in_words(role: str) -> str:
    """A role as the notice names it, as a heading."""
    return words.capital(words.ROLE.get(role, role).removeprefix("the "))


def script() -> Body:
    """The script of passkeys: nothing else here needs one."""
    return body((_HERE / "static" / "staff.js").read_bytes(), assets.media_type("staff.js"))


@cache
def script_address() -> str:
    return f"/staff/script/{hashlib.sha256(script().content).hexdigest()[:16]}/"


_CSRF: Final = Markup('<input type="hidden" name="csrfmiddlewaretoken" value="{}">')


def _site(reader: Any) -> Site:
    notice, portal = board().notice(), settings.PORTAL
    logo = f"logo{portal.logo.suffix.lower()}" if portal.logo else None
    branding = Branding(portal.organisation or notice.register.controller.name, SERVICE, logo)
    menu = (Link("My work", HOME), Link("Your sign-in", "/staff/account/")) if reader else ()
    footer = (Link("What we tell the public", "index"),)
    return Site(branding, menu, "", None, bootstrap.today(), footer=footer, policy="")


def _closed() -> str:
    from caldicott.portal.settings import PERMISSIONS

    return ", ".join(one for one in PERMISSIONS.split(", ") if not one.startswith("publickey"))


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_HERE / "templates", *sorted(_HERE.glob("*/templates")), TEMPLATES]),
        autoescape=True, undefined=jinja2.StrictUndefined, auto_reload=False,
    )  # fmt: skip
    equip(made)
    return made
