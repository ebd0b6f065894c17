"""The desk as Django knows it."""

from __future__ import annotations

from django.apps import AppConfig


class Desk(AppConfig):  # type: ignore[misc]  # Django ships no types
    """Accounts, sessions, invitations and providers."""

    name = "caldicott.stores.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"
