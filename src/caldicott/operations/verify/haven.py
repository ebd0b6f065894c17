"""What is looked up inside the safe haven for a look at the promises. Numbers stay in memory; only counts come out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caldicott.facts.layout import IdentityKind, load
from caldicott.stores.clear_rows import ClearRows

if TYPE_CHECKING:
    import numpy.typing as npt

    from caldicott.operations.verify.evidence import Evidence

    Numbers = npt.NDArray[np.int64]

_PLACES = 10
_MODULUS = 11


@dataclass
class Identities:
    """What the clear rows say of people, counted; and every number known to the store, for exact comparison."""

    numbers: Numbers
    rows: int = 0
    failing_check: int = 0
    withheld_with_number: int = 0
    quality: Counter[str] = field(default_factory=Counter)

    def __repr__(self) -> str:
        return f"Identities({len(self.numbers)} numbers)"


def identities(evidence: Evidence) -> Identities:
    """One pass over the identity column of every landed row that names its person by NHS number."""
    rows = ClearRows(evidence.house.store)
    found = Identities(rows.person_index()[0].column("number").to_numpy())
    known = [found.numbers]
    for submission in evidence.submissions:
        if load(submission.layout).identity_kind is IdentityKind.NHS_NUMBER:
            reader = rows.read_all(submission.uid, ["identity", "link_quality"])
            known += [_count(batch, found) for batch in reader or ()]
    found.numbers = np.unique(np.concatenate(known))
    return found


def _count(batch: pa.RecordBatch, found: Identities) -> Numbers:
    numbers = pc.drop_null(batch.column("identity")).to_numpy(zero_copy_only=False).astype(np.int64)
    found.rows += batch.num_rows
    found.failing_check += int(np.count_nonzero(~passes_check(numbers)))
    withheld = pc.equal(batch.column("link_quality"), "withheld")
    found.withheld_with_number += pc.sum(pc.and_(withheld, pc.is_valid(batch.column("identity")))).as_py() or 0
    quality = pc.value_counts(batch.column("link_quality"))
    found.quality.update({entry["values"].as_py(): entry["counts"].as_py() for entry in quality})
    return np.unique(numbers)


def passes_check(numbers: Numbers) -> npt.NDArray[np.bool_]:
    """Modulus 11, and not one digit ten times: the rule of the Data Dictionary, written a second time."""
    digits = np.stack([numbers // 10 ** (_PLACES - 1 - place) % 10 for place in range(_PLACES)])
    weights = np.arange(_PLACES, 1, -1).reshape(-1, 1)
    check = (_MODULUS - (digits[:-1] * weights).sum(axis=0) % _MODULUS) % _MODULUS
    in_range = (numbers >= 0) & (numbers < 10**_PLACES)
    sound: npt.NDArray[np.bool_] = in_range & (check == digits[-1]) & (digits.min(axis=0) != digits.max(axis=0))
    return sound


def is_known(numbers: Numbers, evidence: Evidence) -> npt.NDArray[np.bool_]:
    """Which of these are the number of somebody in this store."""
    known = evidence.once(identities).numbers
    if not len(known):
        return np.zeros(len(numbers), dtype=bool)
    at = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.asarray(known[at] == numbers)
