"""The locked area for bills: who goes in, which columns come in, what a payment rests on, and what comes out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from caldicott.facts import invoices as facts
from caldicott.facts.layout import ColumnClass, load
from caldicott.operations.invoices.checks import OUTSIDE
from caldicott.operations.staff import staff_of
from caldicott.operations.verify.asking import Asked, permit, permits_to_see
from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.access import shown
from caldicott.operations.verify.searching import numbers_in_bytes
from caldicott.stores.ceff import ACTIVITY, DECISIONS, POSTINGS, Ceff

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from caldicott.operations.verify.evidence import Evidence
    from caldicott.stores.catalogue import SubmissionRecord

NOTHING_HERE: Final = "no bill has come into this store"
OFFICER: Final = "ceff_officer"
_OWN: Final = ("invoices", "invoice-backing")
_WORK: Final = frozenset({"validate", "settle", "view", "export", "query-letter", "purge"})
_TELLS: Final = frozenset({ColumnClass.NAME, ColumnClass.ADDRESS, ColumnClass.CONTACT, ColumnClass.FREE_TEXT,
                           ColumnClass.CLINICAL, ColumnClass.RESTRICTED})  # fmt: skip
_DECIDED: Final = ("submission", "file_row", "invoice", "line", "provider", "pence", "expected_pence", "verdict",
                   "reasons", "redirect_to", "by")  # fmt: skip
_VAT: Final = 10_000


def landed(evidence: Evidence) -> tuple[SubmissionRecord, ...]:
    """What landed in the area; `evidence.submissions` leaves it out."""
    return Ceff(evidence.house.store).submissions()


def checked(evidence: Evidence) -> tuple[dict[str, Any], ...]:
    """Every decision that a check, and no member, made."""
    written = Ceff(evidence.house.store).written(DECISIONS, _DECIDED)
    return tuple(row for _act, rows in written for row in rows.to_pylist() if row.get("by") is None)


def _members_only(evidence: Evidence) -> Finding:
    others = sorted({
        asked.role for asked in permits_to_see(evidence) if asked.activity == ACTIVITY and asked.role != OFFICER
    })  # fmt: skip
    if others:
        return broken(f"roles other than the finance officer may look into the area: {shown(others)}")
    # A person may have been let in by one door and have worked by the other.
    staff = staff_of(evidence.house.store.catalogue)
    let_in = {staff.person(name) for one in evidence.entries if one.event == "ceff-member" for name in one.references}
    worked = Counter(
        staff.person(one.actor) for one in evidence.entries
        if one.activity == ACTIVITY and one.event in _WORK and one.outcome == "done"
    )  # fmt: skip
    strangers = sorted(set(worked) - let_in)
    if strangers:
        return broken(f"{len(strangers)} who were never let in worked in the area, by the trail")
    if evidence.register.activity(ACTIVITY) is None or not evidence.once(landed):
        return not_applicable(NOTHING_HERE)
    return kept(
        f"one role alone may look in; {sum(worked.values())} acts, each by one of {len(let_in)} who were let in"
    )


def _columns(evidence: Evidence) -> Finding:
    if not evidence.once(landed):
        return not_applicable(NOTHING_HERE)
    wrong, columns = [], 0
    for record in evidence.once(landed):
        layout = load(record.layout)
        listed = {column.canonical: column.column_class for column in layout.columns}
        for _file, reader in Ceff(evidence.house.store).rows(record.uid, (*listed, "diagnosis", "notes")):
            columns += len(reader.schema.names)
            wrong += [f"{record.dataset}.{name}" for name in reader.schema.names if listed.get(name) in {None, *_TELLS}]
            reader.close()
    if wrong:
        return broken(f"columns came in that no check of a bill needs: {shown(dict.fromkeys(wrong))}")
    return kept(f"{columns} columns of {len(evidence.once(landed))} deliveries: no name, diagnosis or free text")


def _only_here(evidence: Evidence) -> Finding:
    elsewhere = sorted({
        f"{asked.role}, {asked.activity}" for asked in permits_to_see(evidence)
        if asked.dataset in _OWN and asked.activity != ACTIVITY
    })  # fmt: skip
    others = [one.id for one in evidence.submissions if one.dataset in _OWN]
    if elsewhere or others:
        return broken(f"bills or their backing serve another purpose: {shown([*elsewhere, *others])}")
    if permit(evidence, Asked(OFFICER, ACTIVITY, "invoice-backing", "identifiable")) is None:
        return not_applicable("the register does not let anybody check bills today")
    return kept("for no other purpose may any role see bills or their backing, and none landed for another")


def _backing(evidence: Evidence) -> Finding:
    paid = [row for row in evidence.once(checked) if row["verdict"] == "pay"]
    if not paid:
        return not_applicable(NOTHING_HERE if not evidence.once(landed) else "no bill has been paid by a check")
    ceff, backed, purged = Ceff(evidence.house.store), set[tuple[str, str, str]](), set[str]()
    for record in ceff.submissions("invoice-backing"):
        if not ceff.key_ids(record.uid):
            purged.add(record.sender)
        for _file, reader in ceff.rows(record.uid, ("provider", "invoice", "line")):
            for batch in reader:
                rows = batch.to_pydict()
                backed.update(zip(rows["provider"], rows["invoice"], rows["line"], strict=True))
    bare = [
        row for row in paid
        if (row["provider"], row["invoice"], row["line"]) not in backed and row["provider"] not in purged
    ]  # fmt: skip
    if bare:
        return broken(f"{len(bare)} of {len(paid)} lines were paid without any backing that came in")
    told = f"; the backing of {len(purged)} providers was destroyed in time" if purged else ""
    return kept(f"each of {len(paid):,} lines that a check paid has its backing{told}")


def _ours(evidence: Evidence) -> Finding:
    rows = evidence.once(checked)
    if not rows:
        return not_applicable(NOTHING_HERE)
    paid = [row for row in rows if row["verdict"] == "pay"]
    wrong = [row for row in paid if row["redirect_to"] or row["reasons"]]
    foreign = [row for row in rows if row["redirect_to"] and row["verdict"] == "pay"]
    if wrong or foreign:
        return broken(f"{len(wrong)} lines were paid although another commissioner answers or a reason speaks against")
    redirected = sum(bool(row["redirect_to"]) for row in rows)
    return kept(
        f"{len(paid):,} lines paid, all ours; {redirected:,} lines of another commissioner's patients, none paid"
    )


def _priced(evidence: Evidence) -> Finding:
    paid = [row for row in evidence.once(checked) if row["verdict"] == "pay"]
    if not paid:
        return not_applicable(NOTHING_HERE if not evidence.once(landed) else "no bill has been paid by a check")
    wrong = [
        row for row in paid if row["expected_pence"] is None or row["pence"] not in _with_vat(row["expected_pence"])
    ]
    if wrong:
        return broken(f"{len(wrong)} of {len(paid)} lines were paid with another amount than the tables give")
    return kept(f"each of {len(paid):,} lines that a check paid has the amount that the tables give, to the penny")


def _with_vat(pence: int) -> set[int]:
    percents = [int(float(one) * 100) for one in facts.rules()["standard_vat_percents"]]
    return {pence + (pence * percent * 2 + _VAT) // (2 * _VAT) for percent in percents}


def _leaves(evidence: Evidence) -> Finding:
    if tuple(OUTSIDE) != ("invoice", "line", "amount", "decision", "reason"):
        return broken(f"the report has other columns than the five that may leave: {shown(OUTSIDE)}")
    taken = [one for one in evidence.entries if one.event == "export" and one.activity == ACTIVITY]
    other = [one for one in taken if one.outcome == "done" and one.format != "aggregated"]
    if other:
        return broken(f"{len(other)} exports left the area in another format than as decisions")
    if not evidence.once(landed):
        return not_applicable(NOTHING_HERE)
    return kept(f"five columns may leave; {len(taken)} exports, all as decisions that name nobody")


def _sealed(evidence: Evidence) -> Finding:
    if not evidence.once(landed):
        return not_applicable(NOTHING_HERE)
    files = [path for path in (evidence.root / "ceff").rglob("*") if path.is_file()]
    plain = [path for path in files if not _is_sealed(path) or numbers_in_bytes(path, evidence)]
    if plain:
        return broken(f"{len(plain)} of {len(files)} files of the area can be read without its key")
    others = {
        one.key_id for kind in ("clear", "quarantine", "mart") for one in evidence.house.store.catalogue.files(kind)
    }
    mine = {one.key_id for kind in _kinds() for one in evidence.house.store.catalogue.files(kind)}
    if others & mine:
        return broken("the area shares a key with the rest of the house")
    return kept(f"{len(files)} files, each sealed, under {len(mine)} keys that serve nothing else")


def _kinds() -> Iterator[str]:
    yield from ("ceff-clear", "ceff-quarantine", "ceff-repeats", DECISIONS, POSTINGS)


def _is_sealed(path: Any) -> bool:
    with path.open("rb") as stream:
        return bool(stream.read(4) == b"PARE")  # the mark of a Parquet file whose footer is sealed too


CONTROLS = (
    Control("ceff-members-only", "Only members go into the locked area, in one role.", _members_only),
    Control("ceff-columns", "Only columns that a check of a bill needs come in.", _columns),
    Control("ceff-one-purpose", "Bills and their backing serve no other purpose.", _only_here),
    Control("ceff-backing-first", "No line is paid by a check without backing.", _backing),
    Control("ceff-ours", "No line is paid by a check for another commissioner's patient.", _ours),
    Control("ceff-priced", "No line is paid by a check with another amount than the tables give.", _priced),
    Control("ceff-decision-leaves", "Only the decision leaves the locked area.", _leaves),
    Control("ceff-sealed", "The locked area is sealed under keys of its own.", _sealed),
)
