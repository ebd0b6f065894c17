"""`indicator`: a figure from the marts, to whoever may have it, through the gate, remembered and recorded.

The groups are counted with the distinct people behind each; only what the gate
lets go is made into shares and rates. The same question of the same snapshot
gets the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from caldicott.analytics import answer as answers
from caldicott.analytics import tables as counting
from caldicott.analytics.question import question
from caldicott.disclosure.table import CountTable, Row
from caldicott.engines.duckdb.indicators import DuckDbIndicators
from caldicott.engines.duckdb.indicators_marts import Marts
from caldicott.facts import disclosure as rules
from caldicott.operations.indicators_budget import at_most, component
from caldicott.operations.indicators_coarser import Looking, with_offer
from caldicott.operations.indicators_library import lookups_of
from caldicott.operations.indicators_sums import as_coarse_as_counts, of_enough
from caldicott.operations.perform import Act, ask, perform, permits
from caldicott.operations.protect import judged
from caldicott.operations.protect_release import DEFAULT_RULE
from caldicott.operations.protect_told import remembered, within
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.stores import ledger
from caldicott.stores.mart_seals import intact
from caldicott.vocabulary.errors import DoesNotHold, Refused
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from caldicott.analytics.answer import Answer
    from caldicott.analytics.cube import Cell
    from caldicott.analytics.question import Question
    from caldicott.facts.disclosure import DisclosureRule
    from caldicott.operations.perform import House
    from caldicott.register.model import Register
    from caldicott.stores.ledger import Release

FEWEST: Final = 10
"""A question about fewer people is answered the same whether there are nine, one or none."""
PLANNING: Final = "commissioning-planning"
ANALYST: Final = "commissioning_analyst"


@dataclass(frozen=True, slots=True)
class Told:
    """The answer, and what stands behind it."""

    asked: Question
    answer: Answer
    snapshot: str
    as_of: str
    activity: str
    rule: str
    marker: str
    rounded_to: int
    certificates: tuple[str, ...]
    """The entries of the ledger that prove it."""
    key: str
    """The question as such."""
    reports: tuple[Mapping[str, Any], ...]


def analyse(
    house: House, asked: Question, *, activity: str = PLANNING, role: str = ANALYST, lookup_folder: Path | None = None,
    told: Callable[[str], None] = lambda _step: None,
) -> Told:  # fmt: skip
    """The figures of an indicator, for this house's role and organisation.

    Raises:
        Refused: the register does not let the role have it, or no safe form of it could be proved.
        DoesNotHold: a mart, a column or a lookup is missing.
    """
    house = replace(house, role=role)
    permit = permitted(house, asked, activity, role)
    _refuse_unlisted_join(house, asked, activity)
    _refuse_twin(house, asked, activity)
    marts, snapshot = marts_of(house, activity)
    lookups = lookups_of(house, lookup_folder)

    def compute() -> Act[Told]:
        told("counting")
        with DuckDbIndicators(marts, lookups) as engine:

            def counts_of(one: Question) -> Mapping[str, Sequence[Cell]]:
                return {name: engine.cells(cube) for name, cube in counting.cubes(one).items()}

            def would_tell(other: Question) -> None:
                told("looking for larger groups that can be told")
                _proved(house, other, counts_of(other), permit=permit, lookups=lookups, keeps=False)

            def people_in(one: Question) -> Sequence[Cell]:
                return engine.cells(counting.cubes(one)[counting.main(one)])

            counted = counts_of(asked)
            if _are_too_few(asked, counted, people_in):
                return _act(_too_few(asked, permit, lookups=lookups, snapshot=snapshot))
            told("proving what may leave")
            try:
                found = _through_gate(house, asked, counted, permit=permit, lookups=lookups, snapshot=snapshot)
            except Refused as no:
                raise with_offer(asked, no, would_tell) from None
        return _act(found)

    def _act(found: Told) -> Act[Told]:
        counts = {"rows": len(found.answer.rows), "rows withheld": found.answer.withheld}
        references = (role, asked.indicator.reference, f"question:{found.key}", *found.certificates)
        return Act(
            found, lambda: None, counts=counts, references=references, dataset=asked.indicator.source.dataset,
            format=DataFormat.AGGREGATED.value, touches_files=False, keeps=False,
        )  # fmt: skip

    return perform(house, event="indicator", activity=activity, compute=compute)


def may_see(register: Register, role: str, organisation: str, at: date) -> bool:
    """Whether the register lets the role see grouped figures of any dataset of planning on that day."""
    entry = register.activity(PLANNING)
    uses = dict.fromkeys(one.dataset for one in (entry.datasets or () if entry else ()))
    requests = (Request(role, PLANNING, one, DataFormat.AGGREGATED, organisation=organisation) for one in uses)
    return any(isinstance(decide(one, register, at), Permit) for one in requests)


def permitted(house: House, asked: Question, activity: str, role: str) -> Permit:
    """Every dataset the indicator reads must be permitted; the strictest of the rules named is the own dataset's."""
    requests = [
        Request(role, activity, dataset, DataFormat.AGGREGATED, organisation=house.organisation or None)
        for dataset in asked.indicator.datasets
    ]
    return permits(ask(house, requests))[0]


def marts_of(house: House, activity: str) -> tuple[Marts, dict[str, str]]:
    files: dict[str, list[Path]] = {}
    for file in intact(house.store, "mart", activity):
        files.setdefault(file.part.split("/")[0], []).append(house.store.root / file.path)
    run = house.store.catalogue.latest_runs().get(activity)
    if run is None or not files:
        raise DoesNotHold(
            "there is no mart of this activity yet", code="mart-missing", where=activity,
            next_step=f"make it first: `caldicott run REGISTER --store DIR --activity {activity}`",
        )  # fmt: skip
    return Marts(files), {"id": str(run["id"]), "at": str(run["at"])}


def _refuse_unlisted_join(house: House, asked: Question, activity: str) -> None:
    """Records are joined only where the register lists the join, here as in the linked mart."""
    indicator, entry = asked.indicator, house.register.activity(activity)
    read = {one.dataset for one in indicator.linked_sources} | {one.persons for one in indicator.sources if one.persons}
    listed = {name for pair in (entry.linkage if entry else ()) for name in (pair.left, pair.right)}
    others = sorted(read - {indicator.source.dataset})
    unlisted = [name for name in (indicator.source.dataset, *others) if name not in listed] if others else []
    next_step = "have the join listed in the register, or ask for a figure of one dataset"
    if unlisted:
        raise Refused(
            f"Refused. The register lists no join of {unlisted[0]} in {activity}, and this figure joins it with "
            f"others. Next: {next_step}.",
            code="join-not-listed", next_step=next_step,
        )  # fmt: skip


def _refuse_twin(house: House, asked: Question, activity: str) -> None:
    """Two activities hold the same rows but for who objected: the difference of their tables are these people."""
    for other in house.register.activities:
        begun = [one for one in counting.populations(asked) if ledger.is_begun(house.store, component(one, other.id))]
        if other.id != activity and begun:
            raise Refused(
                f"Refused. Figures of {begun[0]} were told from the records of {other.id}. Told from "
                f"those of {activity} as well, the difference would show the people who objected to one of the two. "
                f"Next: ask for the activity {other.id}.",
                code="opt-out-twin", next_step=f"ask for the activity {other.id}",
            )  # fmt: skip


def _are_too_few(
    asked: Question, counted: Mapping[str, Sequence[Cell]], people_in: Callable[[Question], Sequence[Cell]]
) -> bool:
    """Whether fewer people than may be told of are behind the whole table, each counted once."""
    groups = [cell.people for cell in counted[counting.main(asked)]]
    if sum(groups) < FEWEST or max(groups) >= FEWEST:
        return sum(groups) < FEWEST
    # One person in twelve months is in twelve groups.
    together = people_in(question(asked.indicator, (), asked.filters))
    return sum(cell.people for cell in together) < FEWEST


def _too_few(
    asked: Question, permit: Permit, *, lookups: Mapping[str, Mapping[str, str]], snapshot: Mapping[str, str]
) -> Told:
    """The same for nine, for one and for nobody: it does not come to the gate, whose refusal would tell them apart."""
    empty = {counting.file_name(asked, name): "" for name in counting.names(asked.indicator.figure)}
    made = answers.answer(asked, empty, (), lookups=lookups, marker=_rule(permit).shown_as).without_rows()
    return _told(asked, made, permit=permit, snapshot=snapshot)


def _through_gate(
    house: House, asked: Question, counted: Mapping[str, Sequence[Cell]], *, permit: Permit,
    lookups: Mapping[str, Mapping[str, str]], snapshot: Mapping[str, str],
) -> Told:  # fmt: skip
    """All tables of the question together, against all that was ever told of any of these people."""
    rule = _rule(permit)
    release = _proved(house, asked, counted, permit=permit, lookups=lookups)
    report = json.loads(release.files["report.json"])
    files = {
        table.name: as_coarse_as_counts(release.files[table.name], table.rows, rule.shown_as)
        for _place, table in counting.tables(asked, counted)
    }
    made = answers.answer(asked, files, report["made_coarser"], lookups=lookups, marker=rule.shown_as)
    return _told(asked, made, permit=permit, snapshot=snapshot, certificates=(release.certificate,), reports=(report,))


def _told(
    asked: Question, made: Answer, *, permit: Permit, snapshot: Mapping[str, str],
    certificates: tuple[str, ...] = (), reports: tuple[Mapping[str, Any], ...] = (),
) -> Told:  # fmt: skip
    rule, activity = _rule(permit), permit.request.activity
    key = asked.key(snapshot=snapshot["id"], activity=activity, rule=rule.name)
    return Told(
        asked, made, snapshot["id"], snapshot["at"], activity, rule.name, rule.shown_as, rule.round_to,
        certificates, key, reports,
    )  # fmt: skip


def _proved(
    house: House, asked: Question, counted: Mapping[str, Sequence[Cell]], *, permit: Permit,
    lookups: Mapping[str, Mapping[str, str]], keeps: bool = True,
) -> Release:  # fmt: skip
    """The tables as they may leave; only what is kept may be told, for nobody else would know of the rest."""
    rule = _rule(permit)
    true = [_true(table, rule) for _place, table in counting.tables(asked, counted)]
    audiences = [component(one, permit.request.activity) for one in counting.populations(asked)]
    with remembered(house, *audiences, at_most=at_most()) as known:
        memory = known if keeps else Looking.over(known)
        joined = within(house, true, memory.releases(), lookups)
        hierarchies = within(house, lookups=lookups)
        release = judged(true, rule, hierarchies=hierarchies, joined=joined, memory=memory)
        if keeps:
            memory.everywhere(release)
    return release


def _rule(permit: Permit) -> DisclosureRule:
    return rules.rule(permit.obligations.disclosure_rule or DEFAULT_RULE)


def _true(table: counting.Table, rule: DisclosureRule) -> CountTable:
    rows = tuple(
        of_enough(
            Row(row.values, line, row.count, row.people, row.amount, row.largest, row.second), row.contributors, rule
        )
        for line, row in enumerate(table.rows, 2)
    )
    return CountTable(table.name, table.dimensions, rows, several=frozenset(table.several), of=table.of)
