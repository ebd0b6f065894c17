"""The fourteen checks by their numbers, each a function with a name: eleven over lines, three over what surrounds them.

Those over lines are conditions of the engine, asked of all lines at once. The
others are asked once: of a delivery at the door, of what is about to leave, and
of the register before anything is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from caldicott.engines.duckdb import invoices_checks as over_lines
from caldicott.vocabulary.errors import DoesNotHold, ProgramFault
from caldicott.vocabulary.terms import Objection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from caldicott.facts.layout import Layout
    from caldicott.policy.decision import Permit

OUTSIDE: Final = ("invoice", "line", "amount", "decision", "reason")
"""All that leaves of a line [issue 7; the register's recipients]."""


def permitted_columns(permit: Permit, layout: Layout) -> None:
    """3. The layout is a whitelist of ours; the register's own whitelist is asked all the same.

    Raises:
        DoesNotHold: a column is on neither.
    """
    names, classes = set(permit.obligations.inputs_whitelist), permit.obligations.column_classes
    beyond = [
        column.canonical
        for column in layout.columns
        if column.column_class.value not in classes
        or (layout.dataset == "invoice-backing" and column.canonical not in names)
    ]
    if beyond:
        raise DoesNotHold(
            f"the register does not permit these columns for checking bills: {', '.join(beyond)}",
            code="column-not-permitted",
            where=layout.id,
            next_step="see `inputs_whitelist` of the activity; a column comes in only when the register lists it",
        )


def only_the_decision_leaves(columns: Sequence[str]) -> None:
    """13. Invoice, line, amount, decision, reason: in this order, and no other.

    Raises:
        ProgramFault: something else was about to leave.
    """
    if tuple(columns) != OUTSIDE:
        raise ProgramFault(
            "the report has other columns than may leave", code="report-columns", next_step="report this fault"
        )


def objectors_included(permit: Permit) -> None:
    """14. Patients who opted out nationally are checked like others, because the register waives it here.

    Raises:
        DoesNotHold: it does not, so that bills of those who object could not be told from others.
    """
    applied = {rule.scheme for rule in permit.obligations.objections}
    if Objection.NATIONAL_DATA_OPT_OUT in applied:
        raise DoesNotHold(
            "the register applies the National Data Opt-out to checking bills, and this check cannot leave anybody out",
            code="waiver-missing",
            where="invoice-validation",
            next_step="enter the waiver of the approval under objections.exemptions, or stop checking bills",
        )


CHECKS: Final[dict[int, Callable[..., Any]]] = {
    **over_lines.CHECKS, 3: permitted_columns, 13: only_the_decision_leaves, 14: objectors_included,
}  # fmt: skip
