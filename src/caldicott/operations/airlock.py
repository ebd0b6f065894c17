"""The airlock: what leaves the analysts' room is asked for, looked at by a program and by two people, and then let go.

The register says who may ask (action release) and who may check (action
approve); nobody checks their own request, and no one person stands for two.
A request is only ever added to; what is changed is looked at anew by both.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from caldicott.facts import disclosure as rules
from caldicott.operations.airlock_findings import Findings, counts_of, find, read
from caldicott.operations.airlock_state import (
    APPROVE,
    APPROVED,
    CHECKERS_NEEDED,
    RELEASED,
    RETURN,
    RETURNED,
    WAITING,
    ReleaseRequest,
    read_request,
)
from caldicott.operations.perform import Act, ask, perform
from caldicott.operations.protect_release import DEFAULT_RULE, NOTHING, release_counts
from caldicott.operations.protect_told import in_hierarchies, remembered, within
from caldicott.operations.staff import require_other_person
from caldicott.policy.decision import Permit, Request
from caldicott.policy.explain import explain
from caldicott.stores import airlock
from caldicott.stores.key_files import disk_faults, put
from caldicott.vocabulary.errors import Refused, WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from caldicott.operations.perform import House

_LONGEST: Final = 4_000
_TABLES_AT_MOST: Final = 20
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}\.csv")
"""The name becomes a file's: no folders, nothing hidden."""


def request(
    house: House, *, activity: str, role: str, context: str, tables: Mapping[str, str], organisation: str | None = None
) -> ReleaseRequest:
    """Ask for tables to be let out: CSV texts by name, and what they are for.

    Raises:
        Refused: the register lets the role release nothing of the activity.
    """
    permit = _permitted(house, activity, role, "release", organisation)
    _check_words(context, "--context", "say what the tables are for, who asked, and who will see them")
    _check_number(tables)

    def compute() -> Act[ReleaseRequest]:
        with airlock.new_request(house.store, today=house.today) as (number, history):
            digest = history.append(_entry(house, permit, "requested", context) | {"tables": dict(tables)})
            made = read_request(number, history.entries())
        return _act(made, permit, digest)

    return perform(house, event="airlock-request", activity=activity, compute=compute)


def change(
    house: House, number: str, *, role: str, context: str, tables: Mapping[str, str], organisation: str | None = None
) -> ReleaseRequest:
    """The author answers a return, with other tables; both checks begin anew."""
    known = _known(house, number)
    permit = _permitted(house, known.activity, role, "release", organisation)
    _check_words(context, "--context", "say what was changed")
    _check_number(tables)

    def judge(now: ReleaseRequest) -> dict[str, Any]:
        if now.author != house.actor:
            raise _not_now("only who asked may change a request", "airlock-not-yours")
        if now.state == RELEASED:
            raise _not_now("it has left already", "airlock-released")
        return _entry(house, permit, "changed", context) | {"tables": dict(tables)}

    return _added(house, number, permit, judge, event="airlock-change")


def review(
    house: House, number: str, *, role: str, verdict: str, comment: str, organisation: str | None = None
) -> ReleaseRequest:
    """A checker approves the request as it is, or returns it to its author with a reason.

    Raises:
        Refused: the register does not let the role approve; the checker is the author or has approved already; or the
            program found what must not leave whoever approves it.
    """
    if verdict not in {APPROVE, RETURN}:
        raise WrongUsage(
            "a checker approves or returns",
            code="airlock-verdict",
            where="--verdict",
            next_step="say approve or return",
        )
    known = _known(house, number)
    permit = _permitted(house, known.activity, role, "approve", organisation)
    _check_words(comment, "--comment", "say what you looked at, and what you found")

    def judge(now: ReleaseRequest) -> dict[str, Any]:
        if now.state == RELEASED:
            raise _not_now("it has left already", "airlock-released")
        if now.author == house.actor:
            raise _not_now("nobody checks their own request", "airlock-own-request")
        if verdict == APPROVE and house.actor in now.checkers:
            raise _not_now("you have approved it; the second check is another person's", "airlock-checked-already")
        if verdict == APPROVE and now.state == RETURNED:
            raise _not_now("it was returned; its author must change it first", "airlock-returned")
        if verdict == APPROVE:
            require_other_person(house, (now.author, *now.checkers))
        seen = _found(house, permit, now.tables)
        if verdict == APPROVE:
            _refuse_blocked(seen)
        return _entry(house, permit, verdict, comment) | {"findings": [one.as_record() for one in seen]}

    return _added(house, number, permit, judge, event="airlock-review")


def release(house: House, number: str, *, role: str, to: Path, organisation: str | None = None) -> ReleaseRequest:
    """Write what two people approved, as the gate lets it go, into a new folder.

    Raises:
        Refused: it is not approved by two, or its counts can no longer be proved safe.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise WrongUsage(
            "the folder is not empty", code="export-not-empty", where="--to", next_step="name a new folder"
        )
    if to.resolve().is_relative_to(house.store.root.resolve()):
        raise WrongUsage("the folder lies in the store", code="export-into-store", where="--to",
                         next_step="name a folder outside the store")  # fmt: skip

    def write(leaving: Mapping[str, str]) -> None:
        with disk_faults(to):
            to.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, text in leaving.items():
                put(to / name, text.encode())

    return _let_go(house, number, role, organisation, write)


def taken_out(house: House, number: str, *, role: str, organisation: str | None = None) -> dict[str, str]:
    """The same as texts by name, for a page that hands them over."""
    leaving: dict[str, str] = {}
    _let_go(house, number, role, organisation, leaving.update)
    return leaving


def _let_go(
    house: House, number: str, role: str, organisation: str | None, write: Callable[[Mapping[str, str]], None]
) -> ReleaseRequest:
    known = _known(house, number)
    permit = _permitted(house, known.activity, role, "release", organisation)
    _require_approved(known)
    leaving, certificate = _as_it_leaves(house, permit, known)

    def judge(now: ReleaseRequest) -> dict[str, Any]:
        _require_approved(now)
        if now.tables != known.tables:
            raise _not_now("it was changed in the meantime", "airlock-returned")
        hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in leaving.items()}
        return _entry(house, permit, RELEASED, "") | {"files": hashes, "certificate": certificate}

    return _added(house, number, permit, judge, event="airlock-release", after=lambda: write(leaving))


def may_ask(house: House, activity: str, role: str, organisation: str | None = None) -> bool:
    """Whether the register lets the role give out anything of the activity; asked of the decision, and recorded."""
    return any(
        isinstance(one, Permit) for one in ask(house, _questions(house, activity, role, "release", organisation))
    )


def listed(
    house: House, *, role: str, activity: str | None = None, organisation: str | None = None
) -> tuple[ReleaseRequest, ...]:
    """The requests that the role may check or has made, newest first."""
    found = [_known(house, number) for number in reversed(airlock.requests(house.store))]
    mine = [one for one in found if activity in {None, one.activity}]
    may = {name: _may_check(house, name, role, organisation) for name in {one.activity for one in mine}}
    return tuple(one for one in mine if one.author == house.actor or may[one.activity])


def opened(
    house: House, number: str, *, role: str, organisation: str | None = None
) -> tuple[ReleaseRequest, tuple[Findings, ...]]:
    """A request with its tables and what the program sees in them, for who may check it; the looking is recorded.

    Its author is told how it stands and what the checkers said. What the program found depends on the rows, so
    it is told to the author by people.
    """
    known = _known(house, number)
    if known.author == house.actor:
        return replace(known, tables=dict.fromkeys(known.tables, "")), ()
    permit = _permitted(house, known.activity, role, "approve", organisation)

    def compute() -> Act[tuple[ReleaseRequest, tuple[Findings, ...]]]:
        found = _found(house, permit, known.tables)
        return Act((known, found), lambda: None, references=(role, number), touches_files=False)

    return perform(house, event="airlock-look", activity=known.activity, compute=compute)


def _permitted(house: House, activity: str, role: str, action: str, organisation: str | None) -> Permit:
    """The first dataset of the activity for which the register gives the role this action, as counts."""
    answers = ask(house, _questions(house, activity, role, action, organisation))
    granted = next((answer for answer in answers if isinstance(answer, Permit)), None)
    if granted is not None:
        return granted
    first = next(answer for answer in answers if not isinstance(answer, Permit))
    raise Refused(explain(first), code=first.reasons[0].code, next_step=first.next_step)


def _may_check(house: House, activity: str, role: str, organisation: str | None) -> bool:
    answers = ask(house, _questions(house, activity, role, "approve", organisation))
    return any(isinstance(answer, Permit) for answer in answers)


def _questions(house: House, activity: str, role: str, action: str, organisation: str | None) -> list[Request]:
    entry = house.register.activity(activity)
    outward = [use.dataset for use in (entry.datasets or ()) if use.direction == "out"] if entry else []
    return [
        Request(role, activity, dataset, DataFormat.AGGREGATED, organisation=organisation, action=action)
        for dataset in outward or ["commissioning-mart"]
    ]


def _check_number(tables: Mapping[str, str]) -> None:
    if not all(_NAME.fullmatch(name) for name in tables):
        raise WrongUsage(
            "a table is named like falls-by-month.csv, in letters, digits, dots and hyphens", code="airlock-name",
            where="--table, --file", next_step="give it another name",
        )  # fmt: skip
    if not 0 < len(tables) <= _TABLES_AT_MOST:
        raise WrongUsage(
            f"a request has one to {_TABLES_AT_MOST} tables", code="airlock-no-table", where="--table, --file",
            next_step="name a result of the room, or a CSV file",
        )  # fmt: skip


def _found(house: House, permit: Permit, tables: Mapping[str, str]) -> tuple[Findings, ...]:
    rule = rules.rule(permit.obligations.disclosure_rule or DEFAULT_RULE)
    with remembered(house) as memory:
        earlier = memory.releases()
    asked = [one for name, text in tables.items() if (one := counts_of(name, *read(text))) is not None]
    hierarchies = within(house, [in_hierarchies(one) for one in asked], earlier)
    return tuple(find(name, text, rule, earlier, hierarchies) for name, text in tables.items())


def _refuse_blocked(found: tuple[Findings, ...]) -> None:
    blocked = [f"{one.name}: {reason}" for one in found for reason in one.blocking]
    if blocked:
        raise Refused(
            f"Refused: this cannot leave, whoever approves it: {'; '.join(blocked)}",
            code="airlock-blocked",
            next_step="return it with that reason: people in larger groups, and nothing that names or marks a person",
        )


def _as_it_leaves(house: House, permit: Permit, known: ReleaseRequest) -> tuple[dict[str, str], str]:
    """Tables of counts as the gate lets them go, and entered in its ledger; others as two people saw them."""
    _refuse_blocked(_found(house, permit, known.tables))
    tables = [counts_of(name, *read(text)) for name, text in known.tables.items()]
    judged = [table for table in tables if table is not None]
    gone = release_counts(house, judged, permit=permit) if judged else NOTHING
    return {**known.tables, **{one.name: gone.answer.files[one.name] for one in judged}}, gone.certificate


def _require_approved(known: ReleaseRequest) -> None:
    if known.state != APPROVED:
        missing = max(0, CHECKERS_NEEDED - len(known.checkers))
        raise _not_now(
            "it has left already" if known.state == RELEASED
            else f"{missing} of {CHECKERS_NEEDED} checks are missing" if known.state == WAITING
            else "it was returned; its author must change it first",
            "airlock-not-approved",
        )  # fmt: skip


def _added(
    house: House,
    number: str,
    permit: Permit,
    judge: Callable[[ReleaseRequest], dict[str, Any]],
    *,
    event: str,
    after: Callable[[], None] = lambda: None,
) -> ReleaseRequest:
    def compute() -> Act[ReleaseRequest]:
        with airlock.held(house.store, number, today=house.today) as history:
            digest = history.append(judge(read_request(number, history.entries())))
            now = read_request(number, history.entries())
        return _act(now, permit, digest, after)

    return perform(house, event=event, activity=permit.request.activity, compute=compute)


def _act(
    now: ReleaseRequest, permit: Permit, digest: str, after: Callable[[], None] = lambda: None
) -> Act[ReleaseRequest]:
    references = (permit.request.role, now.number, digest)
    return Act(
        now, lambda: None, references=references, dataset=permit.request.dataset, format=permit.request.format,
        after=after, touches_files=False, counts={"tables": len(now.tables), "checks": len(now.checkers)},
    )  # fmt: skip


def _known(house: House, number: str) -> ReleaseRequest:
    with airlock.held(house.store, number, today=house.today) as history:
        return read_request(number, history.entries())


def _entry(house: House, permit: Permit, what: str, words: str) -> dict[str, Any]:
    asked = permit.request
    return {
        "what": what, "by": house.actor, "role": asked.role, "on": house.today.isoformat(), "words": words,
        "activity": asked.activity, "dataset": asked.dataset, "register": house.register.digest,
    }  # fmt: skip


def _check_words(words: str, where: str, next_step: str) -> None:
    if not words.strip() or len(words) > _LONGEST:
        raise WrongUsage(
            f"some words are needed, at most {_LONGEST:,} letters", code="airlock-words", where=where,
            next_step=next_step,
        )  # fmt: skip


def _not_now(why: str, code: str) -> Refused:
    return Refused(f"Refused: {why}", code=code, next_step="see how the request stands: `caldicott airlock review`")
