"""The versions of the notice among themselves, and against the day."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from caldicott.register.checks.dates import published_by
from caldicott.register.checks.finding import Finding, in_activity
from caldicott.vocabulary.terms import ActivityStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from caldicott.register.model import Register
    from caldicott.register.places import Path

_USABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def versions(register: Register) -> Iterator[Finding]:
    """Each version has a name of its own that can be a folder's and an address's."""
    names = [notice.version for notice in register.controller.notices]
    for index, name in enumerate(names):
        path: Path = ("notices", index, "version")
        if name in names[:index]:
            what = f"two notices have the version `{name}`, so nobody can say which one told of a rule"
            yield Finding("controller.toml", path, what, "give this one a version of its own", "notice-version-twice")
        if not _USABLE.fullmatch(name):
            what, next_step = (
                f"the version `{name}` cannot be part of an address",
                "use letters, digits, dots and hyphens",
            )
            yield Finding("controller.toml", path, what, next_step, "notice-version-unusable")


def to_come(register: Register, at: date) -> Iterator[Finding]:
    """An activity is set active, but the version that tells of it is not published yet."""
    for activity in register.activities:
        notice = published_by(activity, register.controller.notices)
        if activity.status is ActivityStatus.ACTIVE and notice is not None and notice.published > at:
            what = (
                f"it is active, but the notice that tells of it, `{notice.version}`, comes on {notice.published} only"
            )
            next_step = f"leave it as it is: it is refused until {notice.published}; or set it to draft until then"
            path: Path = ("publication", "notice_version")
            yield Finding(in_activity(activity), path, what, next_step, "notice-to-come", "warning")
