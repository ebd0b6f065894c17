"""The portal as a WSGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from caldicott.portal import log
from caldicott.portal.board import board_of
from caldicott.portal.settings import django_settings

if TYPE_CHECKING:
    from caldicott.portal.settings import PortalSettings


def configure(portal: PortalSettings) -> None:
    """Set Django up for this portal. Once in a program: Django knows one set of settings."""
    settings.configure(**django_settings(portal))
    log.set_up()
    django.setup()


def open_desk() -> None:
    """The desk's tables as this release needs them, and what a killed program left for the audit trail delivered."""
    from django.db import connections

    from caldicott.portal.staff import trail
    from caldicott.portal.staff.practice import keeping
    from caldicott.stores.desk import opening

    opening.make_ready()
    keeping.forget_old()
    keeping.forget_gone()
    trail.deliver()
    # Workers are forked from here, and a connection must not be shared between programs.
    connections.close_all()


def application(portal: PortalSettings) -> Any:
    """The application, with today's notice already made: one that cannot be shown is found before the first reader.

    Raises:
        DoesNotHold: the register does not hold, or has no notice for today.
    """
    configure(portal)
    board_of(portal).notice().warm()
    if portal.store is not None:
        open_desk()
    return get_wsgi_application()
