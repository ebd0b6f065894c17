"""`reidentify`: from token back to person, few at a time, to whom the register entitles, and recorded.

The third verb of the safe haven. Nothing is looked up that the decision has not
permitted on this very day; who has moved, objects or is not the reader's
patient is not shown; whoever tries codes that are not theirs is stopped.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from caldicott.operations.perform import Act, House, perform
from caldicott.operations.practice_files import found, lists_of
from caldicott.operations.reidentify_rights import Reader, Rights, as_reader, refuse, rights_of, standing_of
from caldicott.operations.reidentify_since import changed_since
from caldicott.operations.reidentify_throttle import FOREIGN_MOST, count_foreign, require_open
from caldicott.operations.reidentify_why import Contribution, contributions_of, history_of
from caldicott.operations.stratify import moved_from
from caldicott.operations.stratify_plan import RISK_SCORES
from caldicott.operations.stratify_rolls import ROLL, read_roll
from caldicott.vocabulary.errors import WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

PURPOSES: Final = ("direct-care", "care-plan", "case-review", "patient-asked")
"""Why a practice looks. A closed list: free words could name somebody."""
TOKENS_MOST: Final = 500

__all__ = [
    "FOREIGN_MOST", "PURPOSES", "TOKENS_MOST", "PersonSeen", "Reader", "Seen", "reidentify", "require_open", "seen_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class PersonSeen:
    """One person as the reader sees them. Printing tells nothing."""

    token: str
    practice: str
    nhs_number: str | None
    name: str | None
    birth_date: date | None
    scores: Mapping[str, Any]
    contributions: tuple[Contribution, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()

    def __repr__(self) -> str:
        return "PersonSeen(**********)"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was shown, and how many were not, by reason."""

    persons: tuple[PersonSeen, ...]
    not_shown: Mapping[str, str]
    """Token to the code of the reason."""
    rights: Rights
    month: str
    as_of: str
    criteria_sha256: str
    reference: str = ""
    """The act's id in the audit trail, for "why can I see this"."""
    months: tuple[str, ...] = ()
    """For which there are scores; with one alone nothing can have changed."""


def reidentify(
    house: House, *, reader: Reader, activity: str, tokens: Sequence[str], purpose: str, explain: bool = True
) -> Seen:
    """The persons behind these tokens, with scores, what they are made of, and their history.

    Raises:
        Refused: the register does not let this reader see, none of them is theirs, or too many were tried.
    """
    require_purpose(purpose)
    mine = as_reader(house, reader)
    require_open(mine, activity, reader)
    rights = rights_of(house, reader, activity)
    asked = tuple(dict.fromkeys(tokens))
    standing = standing_of(house, activity)
    owners = _owners(mine, rights, activity, asked, standing)
    count_foreign(mine, reader, activity, foreign=len(asked) - len(owners), asked=len(asked))
    if len(asked) > TOKENS_MOST:
        refuse(mine, activity, "too-many-tokens", f"At most {TOKENS_MOST} at a time.", counts={"tokens": len(asked)})
    listed: dict[str, dict[str, Any]] = {}
    for practice in sorted({*owners.values()}):
        mine_there = [token for token in asked if owners.get(token) == practice]
        listed |= lists_of(mine, activity, practice, mine_there, standing)
    seen = seen_of(mine, rights, activity, [listed[t] for t in asked if t in listed], standing)
    seen = _with_reasons(mine, seen, asked, activity=activity, rights=rights, explain=explain)
    _refuse_none(mine, activity, seen)
    return recorded(mine, activity, seen, purpose=purpose)


def seen_of(
    house: House, rights: Rights, activity: str, listed: Sequence[Mapping[str, Any]], standing: Mapping[str, Any]
) -> Seen:
    """Rows of practices' lists with the persons they are of, without those who may not be seen any more."""
    entry = house.register.activity(activity)
    assert entry is not None  # noqa: S101  the decision knew it
    by_practice: dict[str, list[str]] = {}
    for row in listed:
        by_practice.setdefault(str(row["practice"]), []).append(str(row["person_token"]))
    files = found(house, ROLL, activity, run=str(standing["run"]))
    rolls = {
        str(person["person_token"]): person
        for practice, tokens in by_practice.items()
        if practice in files
        for person in read_roll(house, files[practice], tokens)
    }
    numbers = {int(person["nhs_number"]): str(person["practice"]) for person in rolls.values()}  # type: ignore[call-overload]
    changed = changed_since(house, entry, standing["submissions"], numbers)
    persons, not_shown = [], {}
    for row in listed:
        token = str(row["person_token"])
        known = rolls.get(token)
        reason = "not-own-practice" if known is None else changed.get(int(known["nhs_number"]))  # type: ignore[call-overload]
        if known is None or reason:
            not_shown[token] = reason or "not-own-practice"
        else:
            persons.append(_person(known, row, rights))
    return Seen(
        tuple(persons), not_shown, rights, standing["month"], standing["as_of"], standing["criteria_sha256"],
        months=tuple(standing.get("months", ())),
    )  # fmt: skip


def recorded(
    house: House, activity: str, seen: Seen, *, purpose: str, event: str = "reidentify", asked: tuple[str, ...] = ()
) -> Seen:
    """Enter what was shown into the trail, before it is shown: for what, by which filters, and whose tokens."""
    counts = {"persons shown": len(seen.persons)}
    counts |= {f"not shown {reason}": number for reason, number in Counter(seen.not_shown.values()).items()}
    tokens = tuple(person.token for person in seen.persons)
    references = (purpose, seen.month, seen.criteria_sha256, *seen.rights.practices, *asked, *tokens)
    made = replace(seen, reference=uuid4().hex)
    return perform(
        house,
        event=event,
        activity=activity,
        act_id=made.reference,
        compute=lambda: Act(
            made, lambda: None, counts=counts, references=references, dataset=RISK_SCORES,
            format=DataFormat.IDENTIFIABLE.value, touches_files=False, keeps=False,
        ),
    )  # fmt: skip


def require_purpose(purpose: str) -> None:
    """Only a purpose of the list.

    Raises:
        WrongUsage: it is another.
    """
    if purpose not in PURPOSES:
        raise WrongUsage(
            "the purpose is not one for which people are looked up",
            code="purpose-unknown",
            where="--purpose",
            next_step=f"name one of: {', '.join(PURPOSES)}",
        )


def _person(found: Mapping[str, Any], row: Mapping[str, Any], rights: Rights) -> PersonSeen:
    told = rights.identifiers
    name = ", ".join(part for part in (found["family_name"], found["given_name"]) if part)
    return PersonSeen(
        token=str(found["person_token"]),
        practice=str(found["practice"]),
        nhs_number=f"{int(found['nhs_number']):010d}" if "nhs_number" in told else None,
        name=name if "name" in told else None,
        birth_date=found["birth_date"] if "dob" in told else None,
        scores={key: value for key, value in row.items() if key not in {"person_token", "practice"}},
    )


def _owners(
    house: House, rights: Rights, activity: str, tokens: Sequence[str], standing: Mapping[str, Any]
) -> dict[str, str]:
    """Token to the one of the reader's practices whose list it is on; the others are not the reader's."""
    owners: dict[str, str] = {}
    for practice in rights.practices:
        owners |= dict.fromkeys(lists_of(house, activity, practice, tokens, standing), practice)
    return owners


def _with_reasons(
    house: House, seen: Seen, asked: Sequence[str], *, activity: str, rights: Rights, explain: bool
) -> Seen:
    """Every token asked for is shown or has a reason; with `explain`, what each person's scores are made of."""
    shown = {person.token for person in seen.persons}
    left = [token for token in asked if token not in shown and token not in seen.not_shown]
    gone = moved_from(house, activity, rights.practices, left) if left else frozenset()
    reasons = {token: "moved" if token in gone else "not-own-practice" for token in left}
    persons = seen.persons
    if explain and shown:
        why = contributions_of(house, activity, [*shown], as_of=seen.as_of)
        past = history_of(house, activity, [*shown])
        persons = tuple(
            replace(p, contributions=why.get(p.token, ()), history=tuple(past.get(p.token, ()))) for p in persons
        )
    return replace(seen, persons=persons, not_shown={**seen.not_shown, **reasons})


def _refuse_none(house: House, activity: str, seen: Seen) -> None:
    """Nobody of those asked for may be seen: a refusal, with the reason most of them have."""
    if seen.persons or not seen.not_shown:
        return
    counts = {f"not shown {reason}": number for reason, number in Counter(seen.not_shown.values()).items()}
    reason = Counter(seen.not_shown.values()).most_common(1)[0][0]
    refuse(house, activity, reason, _SAYS[reason], counts={"persons shown": 0, **counts})


_SAYS: Final = {
    "moved": "The patient is registered with another practice now.",
    "left": "The patient has left the practice.",
    "objects": "The patient objects to risk scores.",
    "being-merged": "Two NHS numbers of the patient are being made one.",
    "not-own-practice": "The code is of no patient registered with your practice now.",
}
