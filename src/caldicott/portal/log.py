"""What the portal writes about itself: what was asked by the name of its address, never the asker or what they typed.

A path or a query may hold what a reader typed, and later the number of a case;
an IP address is a person. None of them is needed to run the site. A fault is
told by its kind and its place in our code, never by its words, which may quote a row.
"""

from __future__ import annotations

import logging
import logging.config
import traceback
from pathlib import PurePath
from typing import Any

_LOGGER = logging.getLogger("caldicott.portal")

CONFIGURATION: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "loggers": {
        "caldicott.portal": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # Django's own lines quote the path, and with an error the words and values around it.
        "django": {"handlers": ["nowhere"], "level": "CRITICAL", "propagate": False},
    },
}


def set_up() -> None:
    logging.config.dictConfig(CONFIGURATION)


def answered(method: str, address: str, status: int, *, milliseconds: float, reference: str) -> None:
    """One request: by the pattern of its address, never the address itself."""
    _LOGGER.info("%s %s %d %.1f ms %s", method, address, status, milliseconds, reference)


def warning(what: str, code: str) -> None:
    _LOGGER.warning("%s (%s)", what, code)


def failed(error: BaseException, reference: str) -> None:
    """A fault of the program: its kind and its place."""
    _LOGGER.error("%s at %s %s", type(error).__name__, _place(error), reference)


def _place(error: BaseException) -> str:
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__) if "caldicott" in PurePath(frame.filename).parts
    ]
    return f"{PurePath(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "unknown"
