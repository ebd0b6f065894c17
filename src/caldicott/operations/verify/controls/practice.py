"""What a practice sees of its patients at risk: its own people, by its own staff, for a purpose, and nobody else.

Lists, rolls and the trail are counted anew here; the register is asked for every role and every body.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.parquet as pq

from caldicott.audit.entry import Outcome
from caldicott.operations.practice_query import AT_LEAST, Query, filtered
from caldicott.operations.reidentify import PURPOSES
from caldicott.operations.stratify import LIST, MOVED
from caldicott.operations.stratify_plan import BY_MODEL, RISK_SCORES, makes_scores
from caldicott.operations.stratify_rolls import ROLL, everybody_on
from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.access import shown
from caldicott.policy.decision import Permit, Request
from caldicott.stores import models
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import InstrumentKind, Relationship, Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import pyarrow as pa

    from caldicott.audit.entry import AuditEntry
    from caldicott.operations.verify.evidence import Evidence
    from caldicott.register.model import Instrument, ProcessingActivity
    from caldicott.stores.catalogue import LiveFile

_CLINICAL = frozenset({Role.GP, Role.CARE_TEAM})
_VIEWINGS = frozenset({"reidentify", "practice-export"})
_NOBODY_SHOWN = "list-sized"
_ASKED_BEFORE = timedelta(minutes=10)
"""So long before a viewing was it permitted: a page asks and shows in one go."""
_ENCRYPTED = b"PARE"
_TELLING = frozenset({"nhs_number", "family_name", "given_name", "birth_date", "postcode"})
_NO_SCORES = "no activity of this register makes scores for practices"
_NO_LISTS = "there are no practices' lists in this store"


def _scoring(evidence: Evidence) -> list[ProcessingActivity]:
    return [entry for entry in evidence.register.activities if makes_scores(entry)]


def _members(evidence: Evidence) -> tuple[str, ...]:
    return tuple(member.ods for member in evidence.register.controller.member_practices)


def _files(evidence: Evidence, kind: str) -> dict[str, LiveFile]:
    """By practice."""
    return {file.part.rpartition("/")[2]: file for file in evidence.house.store.catalogue.files(kind)}


def _lists(evidence: Evidence) -> dict[str, pa.Table]:
    found = _files(evidence, LIST)
    return {p: pq.read_table(evidence.root / file.path, partitioning=None) for p, file in found.items()}


def _tokens(rows: pa.Table) -> set[str]:
    return set(rows.column("person_token").to_pylist())


def _roll_a_practice(evidence: Evidence) -> Finding:
    rolls = _files(evidence, ROLL)
    if not rolls:
        return not_applicable("there are no practices' rolls in this store")
    open_ones = [practice for practice, file in rolls.items() if not _is_sealed(evidence, file)]
    if open_ones:
        return broken(f"{len(open_ones)} rolls of practices lie open or among what is shared: {shown(open_ones)}")
    strangers = [p for p, file in rolls.items() if set(everybody_on(evidence.house, file).values()) - {p}]
    if strangers:
        return broken(f"{len(strangers)} rolls hold people of another practice: {shown(strangers)}")
    return kept(f"{len(rolls)} practices, each with a sealed roll of its own people alone, apart from what is shared")


def _is_sealed(evidence: Evidence, file: LiveFile) -> bool:
    with (evidence.root / file.path).open("rb") as opened:
        return bool(file.key_id) and file.path.startswith("persons/") and opened.read(4) == _ENCRYPTED


def _list_a_practice(evidence: Evidence) -> Finding:
    lists, rolls = evidence.once(_lists), _files(evidence, ROLL)
    if not lists:
        return not_applicable(_NO_LISTS)
    told = [p for p, rows in lists.items() if _TELLING & set(rows.column_names)]
    foreign = [p for p, rows in lists.items() if set(rows.column("practice").to_pylist()) - {p}]
    twice = [token for token, n in Counter(t for rows in lists.values() for t in _tokens(rows)).items() if n > 1]
    nameless = [p for p, rows in lists.items() if not _tokens(rows) <= _on_roll(evidence, rolls.get(p))]
    unlisted = _scored_elsewhere(evidence, lists)
    wrong = {*told, *foreign, *nameless}
    if wrong or twice or unlisted:
        return broken(
            f"{len(wrong)} lists are wrong: {shown(sorted(wrong))}; {len(twice)} people are on two; "
            f"{unlisted} with a score of a practice are not on its list, or on it without one"
        )
    people = sum(rows.num_rows for rows in lists.values())
    return kept(f"{people:,} people with a score, each on the list of one practice and on its roll, no other")


def _on_roll(evidence: Evidence, file: LiveFile | None) -> set[str]:
    return set(everybody_on(evidence.house, file)) if file else set()


def _scored_elsewhere(evidence: Evidence, lists: dict[str, pa.Table]) -> int:
    """How many of the newest month's scores and of the lists are not in both, practice by practice."""
    members, seen = set(_members(evidence)), {(t, p) for p, rows in lists.items() for t in _tokens(rows)}
    months = {f.part: f for f in evidence.marts if f.part.startswith(f"{RISK_SCORES}/")}
    newest = pq.read_table(
        evidence.root / months[max(months)].path, columns=["person_token", "practice"], partitioning=None
    )
    scored = {(row["person_token"], row["practice"]) for row in newest.to_pylist() if row["practice"] in members}
    return len(scored ^ seen)


def _code_back_to_own_practice(evidence: Evidence) -> Finding:
    entries = _scoring(evidence)
    if not entries:
        return not_applicable(_NO_SCORES)
    asked, wrong = 0, []
    for entry in entries:
        for role, body in _everybody(evidence):
            asked += 1
            answer = evidence.decide(_back(entry, role, body))
            if isinstance(answer, Permit) and not _is_bound(answer, entry, role, body, evidence):
                wrong.append(f"{role} of {body}")
    if wrong:
        return broken(f"{len(wrong)} could turn a code into a person who is not their own patient: {shown(wrong)}")
    return kept(
        f"{asked:,} asked, each role at each practice and body: clinical roles alone, each for its own practice"
    )


def _everybody(evidence: Evidence) -> Iterator[tuple[Role, str]]:
    bodies = (evidence.register.controller.id, *(body.id for body in evidence.register.organisations))
    for role in Role:
        for body in (*_members(evidence)[:20], *bodies):
            yield role, body


def _back(entry: ProcessingActivity, role: Role, body: str) -> Request:
    return Request(
        role, entry.id, RISK_SCORES, DataFormat.IDENTIFIABLE, organisation=body,
        relationship=Relationship.OWN_PRACTICE, action="reidentify",
    )  # fmt: skip


def _is_bound(answer: Permit, entry: ProcessingActivity, role: Role, body: str, evidence: Evidence) -> bool:
    named = entry.pseudonym_domain.reidentify_roles if entry.pseudonym_domain else ()
    own = answer.obligations.own_organisation
    is_own = body in _members(evidence) and own == body and answer.obligations.record_viewing
    return role in _CLINICAL and role in named and is_own


def _viewings_are_own(evidence: Evidence) -> Finding:
    viewings = [e for e in evidence.entries if e.event in _VIEWINGS and e.outcome is Outcome.DONE]
    permits = [
        e for e in evidence.entries
        if e.event == "decision" and e.outcome is Outcome.PERMIT and e.format == DataFormat.IDENTIFIABLE
    ]  # fmt: skip
    unasked = [one.act_id for one in viewings if not any(_is_before(permit, one) for permit in permits)]
    aimless = [one.act_id for one in viewings if not _has_purpose(one)]
    foreign = [one.act_id for one in viewings if not _is_of_own(one, evidence)]
    if unasked or aimless or foreign:
        return broken(
            f"{len(unasked)} viewings without a permit before them, {len(aimless)} without a purpose of the list, "
            f"{len(foreign)} of another practice's patients: {shown([*unasked, *aimless, *foreign])}"
        )
    if not viewings:
        return not_applicable("nobody has looked at a practice's patients yet")
    return kept(f"{len(viewings):,} viewings in the trail, each with who, for what, whose, and the permit before it")


def _is_before(permit: AuditEntry, viewing: AuditEntry) -> bool:
    same = (permit.actor, permit.organisation, permit.dataset) == (viewing.actor, viewing.organisation, RISK_SCORES)
    return same and timedelta(0) <= viewing.at - permit.at <= _ASKED_BEFORE


def _has_purpose(viewing: AuditEntry) -> bool:
    purpose = viewing.references[0] if viewing.references else ""
    is_counted = purpose == _NOBODY_SHOWN and not viewing.counts.get("persons shown")
    return bool(viewing.actor) and (purpose in PURPOSES or is_counted)


def _is_of_own(viewing: AuditEntry, evidence: Evidence) -> bool:
    members, own = set(_members(evidence)), viewing.organisation
    shown_of = {one for one in viewing.references if one in members}
    if viewing.role not in _CLINICAL or not shown_of:
        return False
    on = viewing.at.astimezone().date()
    is_agreed = shown_of == {own} if own in members else all(_agrees(evidence, one, on) for one in shown_of)
    owners, moved = evidence.once(_owners), evidence.once(_moved)
    tokens = [one for one in viewing.references if one in owners]
    return is_agreed and all(owners[t] in shown_of or any((t, p) in moved for p in shown_of) for t in tokens)


def _owners(evidence: Evidence) -> dict[str, str]:
    """On whose list each token is now."""
    return {token: practice for practice, rows in evidence.once(_lists).items() for token in _tokens(rows)}


def _moved(evidence: Evidence) -> set[tuple[str, str]]:
    """Token and practice before of who moved."""
    return {
        (row["person_token"], row["practice"])
        for file in evidence.house.store.catalogue.files(MOVED)
        for row in pq.read_table(evidence.root / file.path, partitioning=None).to_pylist()
    }


def _agrees(evidence: Evidence, practice: str, on: date) -> bool:
    """Read from the instruments, without the policy's own code."""
    return any(one.is_live(on) and practice in _signed_for(one) for one in evidence.register.instruments)


def _signed_for(one: Instrument) -> set[str]:
    """The practices whose guardian's agreement it is."""
    return {party.upper() for party in one.parties} if one.kind is InstrumentKind.GUARDIAN_AGREEMENT else set()


def _moved_is_gone(evidence: Evidence) -> Finding:
    moved = evidence.once(_moved)
    if not moved:
        return not_applicable("nobody has moved from one practice to another between two runs")
    lists, rolls = evidence.once(_lists), _files(evidence, ROLL)
    places = {practice for _token, practice in moved}
    still = {p: _tokens(lists[p]) if p in lists else set() for p in places}
    still = {p: found | _on_roll(evidence, rolls.get(p)) for p, found in still.items()}
    if wrong := [practice for token, practice in moved if token in still[practice]]:
        return broken(f"{len(wrong)} people who moved are still with the practice before: {shown(sorted(set(wrong)))}")
    return kept(f"{len(moved):,} people who moved: none is on the list or the roll of the practice before")


def _guardians_agree(evidence: Evidence) -> Finding:
    groups = [(entry, body) for entry in _scoring(evidence) for body in _groups(entry)]
    if not groups:
        return not_applicable("no group of practices may see scores by this register")
    tried, wrong = 0, []
    for entry, group in groups:
        for practice in _members(evidence):
            for on in {evidence.today, *_days_after(evidence, practice)}:
                tried += 1
                asked = Request(
                    Role.GP, entry.id, RISK_SCORES, DataFormat.IDENTIFIABLE, organisation=practice,
                    relationship=Relationship.FEDERATION,
                )  # fmt: skip
                if isinstance(evidence.decide(asked, on=on), Permit) and not _agrees(evidence, practice, on):
                    wrong.append(f"{practice} for {group}")
    if wrong:
        return broken(
            f"{len(wrong)} practices are shown to a group without their guardian: {shown(dict.fromkeys(wrong))}"
        )
    return kept(
        f"{tried:,} asked: a group sees a practice only while that practice's guardian agrees, also on the day after"
    )


def _groups(entry: ProcessingActivity) -> list[str]:
    rules = [rule for rule in entry.roles or () if rule.relationship is Relationship.FEDERATION]
    return [body for rule in rules for body in rule.organisations]


def _days_after(evidence: Evidence, practice: str) -> Iterator[date]:
    for one in evidence.register.instruments:
        if practice in _signed_for(one) and one.valid_until:
            yield one.valid_until + timedelta(days=1)


def _only_approved_models(evidence: Evidence) -> Finding:
    lists = evidence.once(_lists)
    if not lists:
        return not_applicable(_NO_LISTS)
    approved = {
        life["name"]
        for entry in _scoring(evidence)
        for life in models.lives(evidence.house.store, entry.id)
        if any(said["state"] == "approved" for said in life["said"])
    }
    made_by = {name for rows in lists.values() for name in _models_in(rows)}
    nameless = [p for p, rows in lists.items() if _has_chances(rows) and not _models_in(rows)]
    if wrong := sorted({*(made_by - approved), *nameless}):
        return broken(f"practices are shown what no approved model said: {shown(wrong)}")
    if not made_by:
        return kept("no model's chance is shown to any practice: none is approved")
    return kept(f"practices are shown the chance by {shown(sorted(made_by))} alone, which was approved")


def _models_in(rows: pa.Table) -> set[str]:
    if "risk-model" not in rows.column_names:
        return set()
    return {one for one in pc.unique(rows.column("risk-model")).to_pylist() if one}


def _has_chances(rows: pa.Table) -> bool:
    return BY_MODEL in rows.column_names and rows.column(BY_MODEL).null_count < rows.num_rows


def _conditions_listed(evidence: Evidence) -> Finding:
    lists = evidence.once(_lists)
    if not lists:
        return not_applicable(_NO_LISTS)
    column, found, wrong = AT_LEAST["conditions-from"], 0, []
    for practice, rows in lists.items():
        if column not in rows.column_names:
            wrong.append(practice)
            continue
        told = _tokens(filtered(rows, Query(filters=(("conditions-from", "1"),))))
        counted = {row["person_token"] for row in rows.select(["person_token", column]).to_pylist() if row[column]}
        found += len(counted)
        wrong += [practice] if told != counted else []
    if wrong:
        return broken(f"{len(wrong)} practices cannot list their patients with long-term conditions: {shown(wrong)}")
    return kept(f"{found:,} people with long-term conditions, and the lists of {len(lists)} practices find just them")


CONTROLS = (
    Control("roll-a-practice", "Which code is whose lies sealed, apart, one practice a file.", _roll_a_practice),
    Control("list-a-practice", "Who has a score is on the list of their own practice alone.", _list_a_practice),
    Control(
        "code-back-to-own-practice",
        "A code becomes a person for the clinical staff of that person's own practice alone.",
        _code_back_to_own_practice,
    ),
    Control(
        "viewings-are-own", "Every viewing is of the practice's own patients, permitted, with its purpose.",
        _viewings_are_own,
    ),
    Control("moved-is-gone", "Who moved is with the practice before no more.", _moved_is_gone),
    Control("guardians-agree", "A group sees a practice only while its guardian agrees.", _guardians_agree),
    Control("only-approved-models", "A practice is shown what approved models say alone.", _only_approved_models),
    Control("conditions-listed", "A practice can list its patients with long-term conditions.", _conditions_listed),
)  # fmt: skip
