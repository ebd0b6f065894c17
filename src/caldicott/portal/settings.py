"""What an operator decides of a portal, and what follows from it for Django.

Everything is closed unless it is opened here: no page without sign-in but those
listed as public, no script, style or picture from anywhere else, no cookie on a
public page, no host name that was not given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from caldicott.stores.desk.opening import location

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_YEAR: Final = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """One portal: whose it is, which register it shows, and who may call it by which name."""

    register: Path
    """The register's folder, looked at again for every request."""
    published: Path
    """Where `caldicott publish` keeps the versions; it need not exist."""
    secret_key: str = field(repr=False)
    organisation: str = ""
    """The controller's name if empty."""
    service_name: str = ""
    """The title of the notice if empty."""
    logo: Path | None = None
    hosts: tuple[str, ...] = LOOPBACK
    https: bool = False
    """Readers come over https, ended by this server's own front: tell browsers never to come without it."""
    store: Path | None = None
    """With a store staff can sign in; without one there is no desk, and no page of staff."""
    desk: str = field(default="", repr=False)
    """Address of a PostgreSQL database for the desk; empty for SQLite in the store."""


POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""One text for every answer. No nonce: no page has a script or a style in itself, so a page is made once and kept."""

PERMISSIONS: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
        "gyroscope", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
        "publickey-credentials-get", "screen-wake-lock", "usb", "xr-spatial-tracking",
    )
)  # fmt: skip

_MIDDLEWARE: Final = [
    "caldicott.portal.middleware.Correlated",
    "django.middleware.security.SecurityMiddleware",
    "caldicott.portal.middleware.StrictHeaders",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "caldicott.portal.staff.counter.AtTheDesk",
    "django.middleware.csrf.CsrfViewMiddleware",
    "caldicott.portal.middleware.SignInNeeded",
]


def django_settings(portal: PortalSettings) -> dict[str, Any]:
    """Django's settings for this portal."""
    return {
        "PORTAL": portal,
        "DEBUG": False,
        "SECRET_KEY": portal.secret_key,
        "ALLOWED_HOSTS": list(portal.hosts),
        "ROOT_URLCONF": "caldicott.portal.staff.site",
        "INSTALLED_APPS": ["caldicott.stores.desk.apps.Desk"],
        "MIDDLEWARE": _MIDDLEWARE,
        "TEMPLATES": [],  # pages are values of the publication room, which renders them with Jinja2
        "DATABASES": location(portal.store, portal.desk),
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
        # In memory or not at all: a file sent may hold patients, and a folder for temporary files is nobody's safe.
        "FILE_UPLOAD_HANDLERS": ["django.core.files.uploadhandler.MemoryFileUploadHandler"],
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}},
        "USE_TZ": True,
        "LANGUAGE_CODE": "en-gb",
        "USE_I18N": False,
        "LOGGING_CONFIG": None,  # the module `log` says what is written, and nothing else is
        "CSRF_FAILURE_VIEW": "caldicott.portal.staff.guards.csrf_failed",
        **_cookies(),
        **_transport(portal.hosts, https=portal.https),
    }


def _cookies() -> dict[str, Any]:
    # Only pages of staff set them. The session's is set by `staff.counter`, which holds to the same.
    return {
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_NAME": "__Host-csrf",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_HTTPONLY": True,
    }


def _transport(hosts: tuple[str, ...], *, https: bool) -> dict[str, Any]:
    return {
        "SECURE_HSTS_SECONDS": _YEAR if https else 0,
        # The front ends https, so a form's origin says https where this program sees http.
        "CSRF_TRUSTED_ORIGINS": [f"https://{host}" for host in hosts] if https else [],
        "SECURE_REFERRER_POLICY": "no-referrer",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
    }
