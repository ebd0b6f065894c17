"""Counts that leave a store: through the gate, against the store's own memory, with an entry in the trail.

One ledger a store: whoever is given counts of these people is taken to show
them to everybody else who is. Any operation that gives counts asks here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.facts import disclosure as rules
from caldicott.operations import protect_told as told_before
from caldicott.operations.perform import Act, perform
from caldicott.operations.protect import Answer, judged
from caldicott.operations.protect_told import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from caldicott.disclosure.hierarchy import Hierarchies
    from caldicott.disclosure.table import CountTable
    from caldicott.operations.perform import House
    from caldicott.policy.decision import Permit

__all__ = ["DEFAULT_RULE", "EVERYBODY", "NOTHING", "Leaving", "release_counts"]

DEFAULT_RULE: Final = "hes-2018"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What the gate let go, and the entry of the ledger that proves it."""

    answer: Answer
    certificate: str


NOTHING: Final = Leaving(Answer({}), "")
"""Where there is nobody to count, nothing is judged and nothing is remembered."""


def release_counts(
    house: House, tables: Sequence[CountTable], *, permit: Permit, hierarchies: Hierarchies | None = None,
    told: Callable[[str], None] = lambda _step: None,
) -> Leaving:  # fmt: skip
    """Judge true counts together with every count that ever left this store; asked again, the same bytes.

    The permit says whose activity it is and which rule binds it. `answer.files` has
    a CSV text for each table, under the table's name, and `report.json`.

    Raises:
        DoesNotHold: the tables contradict each other or what was released.
        Refused: no protected form of these tables could be proved safe.
    """
    rule = rules.rule(permit.obligations.disclosure_rule or DEFAULT_RULE)

    def compute() -> Act[Leaving]:
        asked = [told_before.in_hierarchies(table) for table in tables]
        with told_before.remembered(house) as memory:
            within = hierarchies or told_before.within(house)
            joined = hierarchies or told_before.within(house, asked, memory.releases())
            found = judged(asked, rule, hierarchies=within, joined=joined, memory=memory, told=told)
        leaving = Leaving(Answer(told_before.named_again(found.files, tables)), found.certificate)
        return Act(
            leaving, lambda: None, counts=_counts(leaving.answer), references=(permit.request.role, found.certificate),
            dataset=permit.request.dataset, format=permit.request.format, touches_files=False,
        )  # fmt: skip

    return perform(house, event="gate", activity=permit.request.activity, compute=compute)


def _counts(answer: Answer) -> dict[str, int]:
    """How many cells, and what became of them; never what is in one."""
    tables = answer.report["tables"]
    return {name: sum(int(table[name]) for table in tables) for name in ("cells", "primary", "secondary")}
