"""What changed since the last published version of the notice, and names no later one.

The public can only be bound by, and rely on, what it could read. So a change
of what is done with people's records comes with a new version of the notice;
what concerns the house alone (when a review is due, the number of an entry)
does not. A document may be extended without one: its term is told in the notice
as of the day the notice was written.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from caldicott.register.checks.dates import published_by
from caldicott.register.checks.finding import Finding, firm, in_activity
from caldicott.register.public import public

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from caldicott.register.kept import Published
    from caldicott.register.model import Instrument, Notice, ProcessingActivity, Register
    from caldicott.register.places import Path

OF_THE_HOUSE = frozenset(
    {"id", "version", "review_due", "not_stated", "contradicts", "quote", "publication", "title", "plain_text"}
)
"""Fields whose change does nothing to anybody's record; the wording is looked at by itself."""
WORDING = ("title", "plain_text")
TERMS = frozenset({"id", "reference", "history", "valid_from", "due_diligence_date", "evidence"})
"""What an instrument may change by being extended or renewed."""


def unversioned(register: Register, published: Sequence[Published]) -> Iterator[Finding]:
    """Each change since the newest published version that no later version of the notice tells."""
    if not published:
        return
    last = max(published, key=lambda one: (one.published, one.version))
    told = {one.version for one in published}
    later = [one for one in register.controller.notices if one.version not in told and one.published >= last.published]
    yield from _rewritten(register, published)
    told_now = public(register)
    for activity in register.activities:
        # What was withheld and still is stands in no published version, and no version has to tell of its changes.
        is_told = _in_notice(activity) or last.register.activity(activity.id) is not None
        if is_told and published_by(activity, register.controller.notices) not in later:
            yield from _activity(told_now.activity(activity.id) or activity, last, register, later=later)
    if not later:
        yield from _removed(register, last)
        yield from _processors(register, last, told_now)
        yield from _instruments(register, last, told_now)


def _rewritten(register: Register, published: Sequence[Published]) -> Iterator[Finding]:
    """A version that was published keeps its day."""
    days = {one.version: one.published for one in published}
    for index, notice in enumerate(register.controller.notices):
        day = days.get(notice.version, notice.published)
        if day != notice.published:
            what = f"the version `{notice.version}` was published on {day}, not on {notice.published}"
            path: Path = ("notices", index, "published")
            next_step = f"write {day} again; what was published cannot be moved"
            yield Finding("controller.toml", path, what, next_step, "notice-moved")
    known = {notice.version for notice in register.controller.notices}
    for one in published:
        if one.version not in known:
            what = f"the version `{one.version}`, published on {one.published}, is no longer among the notices"
            next_step = "add it again to [[notices]]; old versions stay readable"
            yield Finding("controller.toml", ("notices",), what, next_step, "notice-forgotten", firm(register))


def _activity(
    activity: ProcessingActivity, last: Published, register: Register, *, later: Sequence[Notice]
) -> Iterator[Finding]:
    before = last.register.activity(activity.id)
    next_step = _how(later, last, f"name it in notice_version of `{activity.id}`")
    if before is None:
        what = f"`{activity.id}` is not in version {last.version} of the notice, and names no later one"
        yield _finding(activity, ("publication", "notice_version"), what, next_step, register)
        return
    for path in _changed(before, activity):
        what = f"`{path[0]}` changed since version {last.version} of the notice, and the entry names no later one"
        yield _finding(activity, path, what, next_step, register)
    for field in WORDING:
        if getattr(before, field) != getattr(activity, field):
            what = f"`{field}` reads differently from version {last.version} of the notice"
            step = "publish it as a new version, or write the old words again"
            yield Finding(in_activity(activity), (field,), what, step, "wording-without-version", "warning")


def _finding(activity: ProcessingActivity, path: Path, what: str, next_step: str, register: Register) -> Finding:
    return Finding(in_activity(activity), path, what, next_step, "change-without-version", firm(register))


def _how(later: Sequence[Notice], last: Published, then: str) -> str:
    if later:
        names = ", ".join(f"`{notice.version}`" for notice in later)
        return f"the register has {names}: {then}, or undo the change"
    return f"add a version dated {last.published} or later to [[notices]] and {then}, or undo the change"


def _changed(before: ProcessingActivity, after: ProcessingActivity) -> Iterator[Path]:
    for field in type(after).model_fields:
        if field in OF_THE_HOUSE:
            continue
        was, now = _told(getattr(before, field)), _told(getattr(after, field))
        if was != now:
            yield _first_difference(field, was, now)
    if _in_notice(before) != _in_notice(after):
        yield ("publication", "in_notice")


def _in_notice(activity: ProcessingActivity) -> bool:
    return activity.publication is not None and activity.publication.in_notice


def _told(value: Any) -> Any:
    """The value without its own days of review, so that a reviewed flow is no changed flow."""
    if not isinstance(value, tuple):
        return value
    return tuple(one.model_copy(update={"review_due": None}) if hasattr(one, "review_due") else one for one in value)


def _first_difference(field: str, was: Any, now: Any) -> Path:
    """The first element that was not there before; the field itself if one only went away or is no list."""
    if isinstance(now, tuple) and isinstance(was, tuple):
        left = Counter(was)
        for index, one in enumerate(now):
            if not left[one]:
                return (field, index, *_changed_key(was, one, index))
            left[one] -= 1
    return (field,)


def _changed_key(was: tuple[Any, ...], now: Any, index: int) -> tuple[str, ...]:
    """The one key by which an element differs from what stood in its place; nothing if it is another thing."""
    before = was[index] if index < len(was) else None
    if before is None or not isinstance(before, type(now)) or not hasattr(now, "model_fields_set"):
        return ()
    keys = [key for key in type(now).model_fields if getattr(before, key) != getattr(now, key)]
    return (keys[0],) if len(keys) == 1 else ()


def _removed(register: Register, last: Published) -> Iterator[Finding]:
    for activity in last.register.activities:
        if _in_notice(activity) and register.activity(activity.id) is None:
            what = f"`{activity.id}` stands in version {last.version} of the notice but no longer in the register"
            next_step = f"set it to retired instead, or add a version dated {last.published} or later to [[notices]]"
            yield Finding("controller.toml", ("notices",), what, next_step, "change-without-version", firm(register))


def _processors(register: Register, last: Published, told_now: Register) -> Iterator[Finding]:
    for index, organisation in enumerate(register.organisations):
        before = last.register.organisation(organisation.id)
        was = before.functions if before is not None else ()
        acts = {"processor", "sub_processor"} & set(organisation.roles)
        is_told = told_now.organisation(organisation.id) is not None
        if is_told and acts and set(organisation.functions) - set(was):
            what = f"`{organisation.id}` works for the controller in a way that version {last.version} does not tell"
            path: Path = ("organisation", index, "functions")
            next_step = f"add a version dated {last.published} or later to [[notices]]"
            yield Finding("organisations.toml", path, what, next_step, "change-without-version", firm(register))


def _instruments(register: Register, last: Published, told_now: Register) -> Iterator[Finding]:
    withheld = {one.id for one in register.activities if not _in_notice(one)}
    for index, instrument in enumerate(register.instruments):
        before, after = last.register.instrument(instrument.id), told_now.instrument(instrument.id)
        for field in type(instrument).model_fields if before is not None and after is not None else ():
            if field not in TERMS and _without(before, field, withheld) != getattr(after, field):
                what = f"`{field}` of `{instrument.id}` changed since version {last.version} of the notice"
                path: Path = ("instrument", index, field)
                next_step = f"add a version dated {last.published} or later to [[notices]], or undo the change"
                yield Finding("instruments.toml", path, what, next_step, "change-without-version", firm(register))


def _without(instrument: Instrument | None, field: str, withheld: Collection[str]) -> Any:
    """The field as it was, but for activities that are withheld by now: their own entry says so."""
    was = getattr(instrument, field)
    return tuple(one for one in was if one not in withheld) if field == "activities" else was
