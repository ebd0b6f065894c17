"""Objections: who refused is not in what was made, by a second count apart from the engine's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from caldicott.facts.governance import service_areas
from caldicott.facts.layout import IdentityKind, load
from caldicott.operations.identify import left_out_of
from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.access import shown
from caldicott.operations.verify.controls.pseudonyms import makers, persons_of
from caldicott.operations.verify.controls.released import NO_MART
from caldicott.operations.verify.heard import unheard
from caldicott.operations.verify.recount import Recount, landed_before, recount
from caldicott.publication import notice
from caldicott.publication.edition import current
from caldicott.publication.pages.schemes import NATIONAL_PAGE
from caldicott.safe_haven.release import LINKED_MART
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Objection, ObjectionExemption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.operations.verify.evidence import Evidence
    from caldicott.register.model import ProcessingActivity
    from caldicott.stores.catalogue import Outcome

_CODED = (Objection.TYPE_1, Objection.RISK_STRATIFICATION, Objection.RESEARCH, Objection.DEIDENTIFIED)
_EXCLUDED = "excluded "
DIRECT_CARE = ("direct_care",)


@dataclass(frozen=True)
class Released:
    """The persons of one part of a mart, and the schemes that stop it."""

    activity: str
    part: str
    schemes: frozenset[Objection]
    persons: frozenset[int]

    def __repr__(self) -> str:
        return f"Released({self.activity}, {self.part}, {len(self.persons)} persons)"


def released(evidence: Evidence) -> list[Released]:
    """For every activity with codes: who is in which dataset of its marts."""
    return [one for entry in makers(evidence) for one in _released_by(evidence, entry)]


def _released_by(evidence: Evidence, entry: ProcessingActivity) -> Iterator[Released]:
    found: dict[str, list[pa.Array]] = {}
    for file in evidence.house.store.catalogue.files("mart", entry.id):
        dataset = file.part.split("/")[0]
        path = evidence.root / file.path
        if dataset == LINKED_MART:
            table = pq.ParquetFile(path).read(["person_token", "service_area"])
            for area in pc.unique(table["service_area"]).to_pylist():
                chosen = table.filter(pc.equal(table["service_area"], area))["person_token"]
                found.setdefault(f"{LINKED_MART}, {area}", []).append(pc.unique(chosen))
        elif "person_token" in pq.read_schema(path).names:
            found.setdefault(dataset, []).append(pc.unique(pq.ParquetFile(path).read(["person_token"]).column(0)))
    for part, columns in found.items():
        tokens = pc.unique(pa.concat_arrays([column.cast(pa.string()) for column in columns])).drop_null()
        persons = persons_of(evidence, entry, tokens).column("person_id").drop_null().to_pylist()
        yield Released(entry.id, part, schemes_against(entry, part), frozenset(persons))


def schemes_against(entry: ProcessingActivity, part: str) -> frozenset[Objection]:
    """The schemes that the register sets against this dataset with codes, or against this area of the joined mart."""
    area = part.partition(", ")[2]
    datasets = {name for name, of in service_areas().items() if of == area} if area else {part}
    return frozenset(
        rule.scheme
        for rule in (entry.objections.rules if entry.objections else ())
        if DataFormat.PSEUDONYMISED in rule.covers_formats and (not rule.datasets or set(rule.datasets) & datasets)
    )


def _recounts(evidence: Evidence) -> dict[str, Recount]:
    runs = evidence.house.store.catalogue.latest_runs()
    return {entry.id: recount(evidence, entry) for entry in makers(evidence) if entry.id in runs}


def _objections_applied(evidence: Evidence) -> Finding:
    parts, counts = evidence.once(released), evidence.once(_recounts)
    wrong = {
        f"{part.activity}, {part.part}": out
        for part in parts
        if (out := sum(counts[part.activity].is_out(person, part.schemes) for person in part.persons))
    }
    if not parts:
        return not_applicable(NO_MART)
    if wrong:
        return broken(f"{sum(wrong.values())} times a person who objects is in what was made: {shown(wrong)}")
    checked = sum(len(part.persons) for part in parts)
    refused = sum(len(persons) for one in counts.values() for persons in one.objecting.values())
    return kept(
        f"{checked:,} persons in {len(parts)} datasets held against {refused:,} objections counted anew: none objects"
    )


def _latest_code_counts(evidence: Evidence) -> Finding:
    counts, runs = evidence.once(_recounts), evidence.house.store.catalogue.latest_runs()
    wrong = []
    for activity, one in counts.items():
        said = {
            name.removeprefix("objecting "): n for name, n in runs[activity]["counts"].items() if "objecting" in name
        }
        mine = {scheme.value: len(persons) for scheme, persons in one.objecting.items()}
        wrong += [f"{activity}, {s}" for s in {*said, *mine} - {"ndop"} if said.get(s, 0) != mine.get(s, 0)]
    if not counts:
        return not_applicable("nothing has been run in this store yet")
    if wrong:
        return broken(f"the run counted other objections than the codes say: {shown(sorted(wrong))}")
    back = max(one.taken_back for one in counts.values())
    return kept(
        f"the latest code of every person counted anew gives what the runs counted; {back} took an objection back"
    )


def _national_answer_fresh(evidence: Evidence) -> Finding:
    days = evidence.register.controller.settings.ndop_answer_valid_days
    wrong, used = [], 0
    for part in evidence.once(released):
        if Objection.NATIONAL_DATA_OPT_OUT in part.schemes and part.persons:
            used += 1
            wrong += [f"{part.activity}, {part.part}"] if not _had_fresh_answer(evidence, part.activity, days) else []
    if wrong:
        return broken(f"made without a national answer of the last {days} days: {shown(wrong)}")
    if not used:
        return not_applicable("nothing that the National Data Opt-out stops has been made in this store")
    return kept(f"{used} datasets were made with a national answer no older than {days} days; without one nobody is in")


def _had_fresh_answer(evidence: Evidence, activity: str, days: int) -> bool:
    ran = date.fromisoformat(evidence.house.store.catalogue.latest_runs()[activity]["at"])
    received = [
        date.fromisoformat(one.received)
        for one in landed_before(evidence, activity)
        if one.dataset == "national-data-opt-out"
    ]
    return any(day <= ran <= day + timedelta(days=days) for day in received)


def _silence_stops(evidence: Evidence) -> Finding:
    counts, wrong = evidence.once(_recounts), []
    for part in evidence.once(released):
        coded = part.schemes & set(_CODED)
        if not part.persons or not coded or _applied_at_source(evidence, part):
            continue
        if not counts[part.activity].codes_landed or part.persons & unheard(evidence, part.activity):
            wrong.append(f"{part.activity}, {part.part}")
    if not counts:
        return not_applicable("nothing has been run in this store yet")
    if wrong:
        return broken(f"made of people whose practice has not said who objects: {shown(wrong)}")
    return kept("nothing that a practice's codes can stop was made of people whose practice had not sent its codes")


def _applied_at_source(evidence: Evidence, part: Released) -> bool:
    coded = {scheme.value for scheme in part.schemes & set(_CODED)}
    sent = [
        set(one.counts.get("objections_applied", {}))
        for one in landed_before(evidence, part.activity)
        if one.dataset == part.part
    ]
    return bool(sent) and all(coded <= applied for applied in sent)


def _opt_outs_counted(evidence: Evidence) -> Finding:
    wrong, counted = [], 0
    outcomes = evidence.house.store.catalogue.outcomes()
    wrong += [activity for activity, run in evidence.house.store.catalogue.latest_runs().items()
              if not _adds_up_to(run["counts"], [one for one in outcomes if one.activity == activity])]  # fmt: skip
    by_uid = {one.uid: one for one in evidence.house.store.catalogue.every_submission()}
    for outcome in outcomes:
        record = by_uid[outcome.submission]
        excluded = sum(outcome.excluded_by.values())
        counted += excluded
        nobodys = left_out_of(evidence.house, outcome.activity).get(outcome.submission, 0)
        if record.rows - record.quarantined - excluded - outcome.superseded - nobodys != outcome.released:
            wrong.append(record.id)
        if excluded and load(record.layout).identity_kind is IdentityKind.NONE:
            wrong.append(record.id)
    if not outcomes:
        return not_applicable("nothing has been run in this store yet")
    if wrong:
        return broken(f"rows left out are not accounted for in {shown(dict.fromkeys(wrong))}")
    return kept(f"{counted:,} rows left out, each under one named objection, in {len(outcomes)} accounts that add up")


def _adds_up_to(said: dict[str, int], outcomes: list[Outcome]) -> bool:
    """Whether the accounts of the submissions together give what the run, and so the trail, says."""
    excluded = Counter[str]()
    for one in outcomes:
        excluded.update(one.excluded_by)
    told = {name.removeprefix(_EXCLUDED): rows for name, rows in said.items() if name.startswith(_EXCLUDED)}
    return +excluded == +Counter(told) and sum(one.superseded for one in outcomes) == said.get("superseded", 0)


def _exemptions_have_a_reference(evidence: Evidence) -> Finding:
    wrong, exempt = [], 0
    for entry in evidence.register.activities:
        for one in entry.objections.exemptions if entry.objections else ():
            exempt += 1
            wrong += [entry.id] if one.kind not in set(ObjectionExemption) or not one.reference.strip() else []
        if entry.use == "secondary" and (entry.objections is None or _says_nothing(entry)):
            wrong.append(entry.id)
    if wrong:
        return broken(f"objections are passed over without a reason of the closed list: {shown(dict.fromkeys(wrong))}")
    return kept(f"{exempt} exemptions, each of the closed list and with its reference; planning and risk have none")


def _says_nothing(entry: ProcessingActivity) -> bool:
    return entry.objections is None or not (entry.objections.rules or entry.objections.exemptions)


def _direct_care_untouched(evidence: Evidence) -> Finding:
    care = [e for e in evidence.register.activities if (e.purpose or "").split(".")[0] in DIRECT_CARE]
    secondary = {Objection.TYPE_1, Objection.TYPE_2, Objection.NATIONAL_DATA_OPT_OUT, Objection.RESEARCH}
    wrong = [e.id for e in care if secondary & {r.scheme for r in (e.objections.rules if e.objections else ())}]
    if wrong:
        return broken(f"an opt-out from other uses would change a person's own care: {shown(wrong)}")
    if not care:
        return not_applicable("the register has no activity of a person's own care")
    return kept(f"{len(care)} activities of a person's own care: no opt-out from other uses touches them")


def _national_opt_out_link(evidence: Evidence) -> Finding:
    edition = current(evidence.register, evidence.today)
    pages = notice.pages(evidence.register, at=evidence.today, edition=edition)
    telling = [page.slug for page in pages if NATIONAL_PAGE in repr(page)]
    if not telling:
        return broken("no page of the notice leads to the national page for opting out")
    return kept(f"the notice leads to the national page for opting out, on {shown(telling)}")


CONTROLS = (
    Control("national-opt-out-link", "The notice leads to the National Data Opt-out.", _national_opt_out_link),
    Control("objections-applied", "Nobody who objects is in what was made.", _objections_applied),
    Control("latest-code-counts", "The latest code of a person decides.", _latest_code_counts),
    Control(
        "national-answer-fresh", "The national answer is asked for anew and soon forgotten.", _national_answer_fresh
    ),
    Control("silence-stops", "Until a practice has said who objects, its people are out.", _silence_stops),
    Control("opt-outs-counted", "Every row left out is counted under one named objection.", _opt_outs_counted),
    Control(
        "exemptions-have-a-reference",
        "An objection is passed over only for a reason of the closed list.",
        _exemptions_have_a_reference,
    ),
    Control(
        "direct-care-untouched", "Opting out of other uses leaves a person's care as it is.", _direct_care_untouched
    ),
)
