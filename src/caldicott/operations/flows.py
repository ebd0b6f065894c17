"""The flow map against the audit trail: what was delivered or given out, and which line of the map covers it.

The audit trail alone is asked, not the catalogue: what the catalogue forgets,
the trail still tells. An act names its sender, its receivers, what it was for
and what it gave among its references, as ids of the register.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from caldicott.audit.entry import Outcome
from caldicott.policy.compiled import MEMBER_PRACTICES, MET_BY, OF_A_PRACTICE, compiled, is_member
from caldicott.stores.audit_log import read_entries, verify
from caldicott.vocabulary.errors import DoesNotHold
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from caldicott.audit.entry import AuditEntry
    from caldicott.register.faults import Fault
    from caldicott.register.model import Flow, ProcessingActivity, Register, RoleRule
    from caldicott.register.parse import Texts

FROM, TO, FOR, GAVE = "from:", "to:", "for:", "gave:"
THE_PUBLIC = "the-public"
"""The id by which a register names everybody as a recipient."""
ADMIT, EXPORT = "admit", "export"
_ROWS = "rows "


# --- what an act writes into the trail ---------------------------------------------------------


def delivery_references(register: Register, *, sender: str, purposes: Sequence[str]) -> tuple[str, ...]:
    """Who sent a submission, whose office takes it in, and for which activities."""
    offices = dict.fromkeys(office for purpose in purposes for office in landing_offices(register, purpose))
    return (FROM + sender, *(TO + one for one in offices), *(FOR + one for one in purposes))


def export_references(register: Register, *, activity: str, role: str, formats: Mapping[str, str]) -> tuple[str, ...]:
    """Who gives and who may receive, and each dataset with the format it was given in."""
    gives = dict.fromkeys((register.controller.id, *landing_offices(register, activity)))
    takes = dict.fromkeys(
        one for dataset, form in formats.items() for one in receivers(register, activity, role, dataset, form=form)
    )
    given = (f"{GAVE}{dataset}={form}" for dataset, form in sorted(formats.items()))
    return (*(FROM + one for one in gives), *(TO + one for one in takes), *given)


def landing_offices(register: Register, activity: str) -> tuple[str, ...]:
    """Whose office lands submissions for the activity; the controller's if the register names no other."""
    rules = [rule for rule in _rules(register, activity) if rule.action == "land"]
    return tuple(dict.fromkeys(one for rule in rules for one in rule.organisations or (register.controller.id,)))


def receivers(register: Register, activity: str, role: str, dataset: str, *, form: str) -> tuple[str, ...]:
    """Every organisation for which the role may have had it: an export asks for a role, not for one of them."""
    rules = [
        rule
        for rule in _rules(register, activity)
        if rule.role == role
        and rule.action in MET_BY["see"]
        and DataFormat(form).is_within(rule.ceiling)
        and (not rule.datasets or dataset in rule.datasets)
    ]
    return tuple(dict.fromkeys(one for rule in rules for one in _of_rule(rule, register)))


def _rules(register: Register, activity: str) -> tuple[RoleRule, ...]:
    entry = register.activity(activity)
    return (entry.roles or ()) if entry is not None else ()


def _of_rule(rule: RoleRule, register: Register) -> tuple[str, ...]:
    if rule.organisations:
        return rule.organisations
    if rule.relationship in OF_A_PRACTICE:
        return (MEMBER_PRACTICES,)
    is_public = rule.role is Role.PUBLIC and register.organisation(THE_PUBLIC) is not None
    return (THE_PUBLIC,) if is_public else (register.controller.id,)


# --- what the trail tells ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passage:
    """One dataset that came in or went out for one activity, to or from one organisation."""

    entry: int
    """The number of its entry in the trail, from 0."""
    at: datetime
    event: str
    activity: str
    dataset: str
    format: str
    """Empty where an old entry does not tell it of this dataset alone."""
    givers: tuple[str, ...]
    """Any of them; for a delivery the one sender."""
    receivers: tuple[str, ...]
    """For a delivery any of the landing offices; for an export the one receiver."""
    submission: str = ""

    @property
    def on(self) -> date:
        # The register's days are local days, as `bootstrap.today` reads them.
        return self.at.astimezone().date()


def passages(entries: Iterable[AuditEntry], register: Register) -> Iterator[Passage]:
    """Every delivery and export of the trail.

    Entries written before the references existed say less; what they lack is
    taken from what they do say, and their receivers from the register.
    """
    for number, entry in enumerate(entries):
        yield from passages_of(number, entry, register)


def passages_of(number: int, entry: AuditEntry, register: Register) -> tuple[Passage, ...]:
    """The passages of one entry; none if it records neither a delivery nor an export that was done."""
    if entry.outcome is not Outcome.DONE or entry.event not in {ADMIT, EXPORT}:
        return ()
    return tuple((_deliveries if entry.event == ADMIT else _exports)(number, entry, register))


def _named(entry: AuditEntry, kind: str) -> tuple[str, ...]:
    return tuple(one.removeprefix(kind) for one in entry.references if one.startswith(kind))


def _deliveries(number: int, entry: AuditEntry, register: Register) -> Iterator[Passage]:
    submission = entry.references[0] if entry.references else ""
    for activity in _named(entry, FOR) or (entry.activity,):
        yield Passage(
            number, entry.at, entry.event, activity, entry.dataset, entry.format,
            # A submission is kept under its sender's code, which old entries therefore name too.
            givers=_named(entry, FROM) or (submission.partition(".")[0],),
            receivers=_named(entry, TO) or landing_offices(register, activity),
            submission=submission,
        )  # fmt: skip


def _exports(number: int, entry: AuditEntry, register: Register) -> Iterator[Passage]:
    role = entry.references[0] if entry.references else ""
    for dataset, form in _given(entry).items():
        told = receivers(register, entry.activity, role, dataset, form=form or DataFormat.AGGREGATED)
        one = Passage(
            number, entry.at, entry.event, entry.activity, dataset, form,
            givers=_named(entry, FROM) or (register.controller.id, *landing_offices(register, entry.activity)),
            receivers=(),
        )  # fmt: skip
        for receiver in _named(entry, TO) or told or (f"role {role}",):
            yield replace(one, receivers=(receiver,))


def _given(entry: AuditEntry) -> dict[str, str]:
    """Dataset to format. An old entry names its datasets by their counts and all its formats together."""
    pairs = [one.partition("=") for one in _named(entry, GAVE)]
    if pairs:
        return {dataset: form for dataset, _, form in pairs}
    form = entry.format if entry.format in DataFormat.__members__.values() else ""
    return {name.removeprefix(_ROWS): form for name in entry.counts if name.startswith(_ROWS)}


# --- the comparison ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A passage that no line of the flow map covers, and why the nearest does not."""

    passage: Passage
    why: str
    next_step: str

    def __str__(self) -> str:
        return f"{described(self.passage)} has no flow in the register: {self.why}. Next: {self.next_step}"

    def as_record(self) -> dict[str, str | int]:
        """For `--json`."""
        one = self.passage
        return {
            "entry": one.entry, "at": one.at.isoformat(), "event": one.event, "activity": one.activity,
            "dataset": one.dataset, "format": one.format, "from": ", ".join(one.givers),
            "to": ", ".join(one.receivers), "submission": one.submission, "why": self.why, "next_step": self.next_step,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unused:
    """A line of the flow map that the trail does not show."""

    activity: str
    flow: str
    index: int
    """Its place among the flows of the activity, to find its line."""
    is_seen_here: bool
    """Whether it would pass this store if it were used; if not, the trail cannot tell."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The flow map beside the trail."""

    passages: int
    uncovered: tuple[Uncovered, ...]
    unused: tuple[Unused, ...]

    @property
    def is_equal(self) -> bool:
        """Whether everything that passed stands in the map."""
        return not self.uncovered


def compare(entries: Iterable[AuditEntry], register: Register, *, kept: Iterable[Register] = ()) -> Comparison:
    """Each delivery or export without a flow, and each flow of the register that was never used.

    An act is held against the register it was done under, if that is among those kept; else against this one.
    """
    then = {one.digest: one for one in kept}
    seen, uncovered = 0, list[Uncovered]()
    used = set[tuple[str, str]]()
    for number, entry in enumerate(entries):
        at_the_time = then.get(entry.register_digest, register)
        for passage in passages_of(number, entry, at_the_time):
            seen += 1
            covering = _covering(passage, at_the_time)
            # Of several lines that cover it, it went by the least telling.
            used.update((passage.activity, flow.id) for flow in _least_telling(covering))
            if not covering:
                uncovered.append(_uncovered(passage, at_the_time))
    return Comparison(seen, tuple(uncovered), tuple(_unused(register, used)))


def _covering(passage: Passage, register: Register) -> list[Flow]:
    return [
        flow for flow in _flows(register, passage.activity) if next(_reasons(flow, passage, register), None) is None
    ]


def unused_faults(unused: Iterable[Unused], texts: Texts) -> tuple[Fault, ...]:
    """Flows never used as warnings at their lines; those that the trail cannot show as one warning an activity."""
    elsewhere: dict[str, list[Unused]] = {}
    faults = []
    for one in unused:
        if one.is_seen_here:
            faults.append(_never_used(one, texts))
        else:
            elsewhere.setdefault(one.activity, []).append(one)
    return (*faults, *(_not_seen_here(activity, flows, texts) for activity, flows in elsewhere.items()))


def _never_used(one: Unused, texts: Texts) -> Fault:
    return texts.fault_at(
        f"activities/{one.activity}.toml",
        ("flows", one.index, "id"),
        what=f"the flow `{one.flow}` of `{one.activity}` was never used: the audit trail shows nothing that went by it",
        next_step="if it is not needed, take it out in the next version of the notice",
        severity="warning",
        code="flow-never-used",
    )


def _not_seen_here(activity: str, flows: Sequence[Unused], texts: Texts) -> Fault:
    named = ", ".join(f"`{one.flow}`" for one in flows)
    return texts.fault_at(
        f"activities/{activity}.toml",
        ("flows", flows[0].index, "id"),
        what=f"of `{activity}` these flows do not pass this store, so its audit trail cannot show them: {named}",
        next_step="ask whoever keeps them when they were last used",
        severity="warning",
        code="flow-not-seen-here",
    )


def described(passage: Passage) -> str:
    """`The delivery of sus-apc (identifiable) from RZ1 to example-dscro for planning on 2026-05-04 (entry 12)`."""
    what = "delivery" if passage.event == ADMIT else "export"
    form = f" ({passage.format})" if passage.format else ""
    ends = f"from {' or '.join(passage.givers)} to {' or '.join(passage.receivers) or 'nobody the register names'}"
    return (
        f"The {what} of {passage.dataset}{form} {ends} for {passage.activity} on {passage.on} (entry {passage.entry})"
    )


def _least_telling(flows: Sequence[Flow]) -> list[Flow]:
    least = min((flow.format.tells for flow in flows), default=0)
    return [flow for flow in flows if flow.format.tells == least]


def _flows(register: Register, activity: str) -> tuple[Flow, ...]:
    entry = register.activity(activity)
    return (entry.flows or ()) if entry is not None else ()


def _reasons(flow: Flow, passage: Passage, register: Register) -> Iterator[tuple[int, str]]:
    """What parts the line from the passage, with how near it comes: the later the first reason, the nearer."""
    if passage.dataset not in flow.datasets:
        yield 1, f"`{flow.id}` does not carry {passage.dataset}"
    yield from _other_ends(flow, passage, register)
    if passage.format and not DataFormat(passage.format).is_within(flow.format):
        yield 4, f"`{flow.id}` carries it as {flow.format} at most"
    instrument = register.instrument(flow.instrument) if flow.instrument else None
    if flow.instrument and (instrument is None or not instrument.is_live(passage.on)):
        yield 5, f"`{flow.id}` stands on `{flow.instrument}`, which did not hold on that day"


def _other_ends(flow: Flow, passage: Passage, register: Register) -> Iterator[tuple[int, str]]:
    ends = [
        (passage.givers, flow.from_organisation, f"`{flow.id}` carries it from {flow.from_organisation}"),
        (passage.receivers, flow.to_organisation, f"`{flow.id}` carries it to {flow.to_organisation}"),
    ]
    # A delivery is known by its sender, an export by its receiver: a line that has this end is the nearer one.
    for rank, (in_trail, in_register, why) in enumerate(ends if passage.event == ADMIT else reversed(ends), start=2):
        if not any(_is_same(in_register, one, register, passage.on) for one in in_trail):
            yield rank, why


def _uncovered(passage: Passage, register: Register) -> Uncovered:
    entry = register.activity(passage.activity)
    if entry is None:
        why = f"the register has no activity `{passage.activity}`"
        return Uncovered(passage, why, "compare with the register of that day, which the trail names by its digest")
    first = (next(_reasons(flow, passage, register)) for flow in entry.flows or ())
    nearest = max(first, key=lambda one: one[0], default=(0, ""))
    why = nearest[1] if nearest[0] > 1 else f"no flow of `{passage.activity}` carries {passage.dataset}"
    return Uncovered(passage, why, _next_step(entry, passage))


def _next_step(entry: ProcessingActivity, passage: Passage) -> str:
    if passage.event == ADMIT:
        otherwise = "ask the sender to stop, and have the submission looked at by the data protection officer"
    else:
        otherwise = "have the export called back, and tell the data protection officer"
    return f"if it is lawful, add the flow to activities/{entry.id}.toml and publish a new version; if not, {otherwise}"


def _is_same(in_register: str, in_trail: str, register: Register, on: date) -> bool:
    """Whether a word of the flow map names the organisation of the trail: by id, by code, or as a member practice."""
    asked = compiled(register)
    one, other = asked.codes.get(in_register, in_register), asked.codes.get(in_trail, in_trail)
    if one == other:
        return True
    if in_register == MEMBER_PRACTICES and other in asked.practices:
        return is_member(asked.practices[other], on)
    return False


def _unused(register: Register, used: set[tuple[str, str]]) -> Iterator[Unused]:
    for entry in register.activities:
        for index, flow in enumerate(entry.flows or ()):
            if (entry.id, flow.id) not in used:
                yield Unused(entry.id, flow.id, index, _passes_here(entry, flow, register))


def _passes_here(entry: ProcessingActivity, flow: Flow, register: Register) -> bool:
    """Into a landing office of this activity, or out of the marts that it makes."""
    offices = landing_offices(register, entry.id)
    if flow.to_organisation in offices:
        return True
    makes_marts = bool(offices) and entry.pseudonym_domain is not None
    # Identifiable rows never leave by an export; they are seen one person at a time.
    leaves = flow.from_organisation in (register.controller.id, *offices) and flow.format is not DataFormat.IDENTIFIABLE
    return makes_marts and leaves


# --- the store's trail -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BesideTheTrail:
    """A register beside one store's trail, ready to be told."""

    comparison: Comparison
    unused_faults: tuple[Fault, ...]

    def lines(self) -> Iterator[str]:
        """Each passage without a flow, then one line that sums up."""
        yield from (str(one) for one in self.comparison.uncovered)
        passed, without = self.comparison.passages, len(self.comparison.uncovered)
        yield f"The audit trail shows {passed} deliveries and exports, {without} of them without a flow."

    def as_record(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "passages": self.comparison.passages,
            "without_flow": [one.as_record() for one in self.comparison.uncovered],
            "never_used": [
                {"activity": one.activity, "flow": one.flow, "is_seen_here": one.is_seen_here}
                for one in self.comparison.unused
            ],
        }


def beside_the_trail(register: Register, texts: Texts, *, store: Path, kept: Iterable[Register] = ()) -> BesideTheTrail:
    """The register beside the trail of that store.

    Raises:
        DoesNotHold: there is no trail, or it was changed, so that nothing can be concluded from it.
    """
    folder = store / "audit"
    if not folder.is_dir():
        raise DoesNotHold(
            "there is no audit trail here",
            code="audit-missing",
            where=str(store),
            next_step="name the folder of a store; if this is one, its trail was removed: restore it from a copy",
        )
    if not verify(folder).ok:
        raise DoesNotHold(
            "the audit trail was changed, so the flow map cannot be held against it",
            code="audit-trail-changed",
            where=str(store),
            next_step="run `caldicott audit verify --store DIR`, which says where, and restore the trail from a copy",
        )
    comparison = compare(read_entries(folder), register, kept=kept)
    return BesideTheTrail(comparison, unused_faults(comparison.unused, texts))
