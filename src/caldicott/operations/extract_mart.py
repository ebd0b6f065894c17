"""`extract` from a store: records of a mart for a role that may see them, each person one of at least k alike.

The register decides, today's objections are applied, people are counted and not
records, and no code of a person leaves: records of one person cannot be joined
again. What was done goes into the trail with the hash of the report.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from caldicott.analytics.dimension import levels, registered
from caldicott.engines.duckdb.extracts import Records
from caldicott.operations.extract import check_folder, parents_of, stage
from caldicott.operations.extract_rows import rows_today
from caldicott.operations.indicators_library import lookups_of
from caldicott.operations.perform import Act, ask, perform, permits
from caldicott.policy.decision import Request as Asked
from caldicott.stores.key_files import disk_faults
from caldicott.vocabulary.errors import DoesNotHold, Refused, WrongUsage
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Relationship

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from caldicott.operations.extract import Extracted, Request, Staged
    from caldicott.operations.perform import House
    from caldicott.policy.decision import Permit

PERSON: Final = "person_token"
_SCRATCH: Final = "extract-work-"


def extract_mart(
    house: House, request: Request, *, activity: str, dataset: str, role: str,
    told: Callable[[str], None] = lambda _step: None,
) -> Extracted:  # fmt: skip
    """Write records of a dataset's mart that may leave; `request.table` is only what they are called.

    Raises:
        Refused: the register does not let the role see these rows, or they cannot be made safe.
        DoesNotHold: there is no such mart, a column is not there, or looks as if it held identifiers.
    """
    house = replace(house, role=role)
    check_folder(request.to)
    if request.to.resolve().is_relative_to(house.store.root.resolve()):
        raise WrongUsage("an extract does not lie inside the store", code="usage", where="--to",
                         next_step="name a folder outside of it")  # fmt: skip
    permit = _permitted(house, activity, dataset, role)
    request = replace(request, table=Path(dataset))
    # The store knows which practice lies in which network and which band of ages in which group.
    parents = _registered(house, request) | dict(parents_of(request))

    def compute() -> Act[Staged]:
        root = house.store.root
        for left in root.glob(f"{_SCRATCH}*"):
            shutil.rmtree(left)
        with disk_faults(root), tempfile.TemporaryDirectory(dir=root, prefix=_SCRATCH) as work:
            told("reading the records")
            records = _records(house, permit, Path(work), parents)
            staged = stage(request, records, suffix=".csv", told=told)
        done = staged.extracted
        return Act(
            staged, lambda: None, counts={"rows": done.rows, "left out": done.left_out},
            references=(role, f"report:{_hash(done)}"), dataset=dataset, format=DataFormat.PSEUDONYMISED.value,
            after=staged.into_place, touches_files=False,
        )  # fmt: skip

    return perform(house, event="extract", activity=activity, compute=compute).extracted


def _permitted(house: House, activity: str, dataset: str, role: str) -> Permit:
    """Only whoever may see these rows as they are may take them in groups: the format asked for is the rows' own."""
    permit = permits(ask(house, [Asked(role, activity, dataset, DataFormat.PSEUDONYMISED)]))[0]
    if permit.obligations.relationship is not Relationship.NONE:
        next_step = "look them up one at a time"
        raise Refused(
            f"Refused. This role sees its own patients, one at a time; an extract is of everybody. Next: {next_step}.",
            code="relationship-export", next_step=next_step,
        )  # fmt: skip
    return permit


def _registered(house: House, request: Request) -> dict[str, Mapping[str, str]]:
    lookups = lookups_of(house)
    upper = {name: levels(registered()[name].hierarchy)[1:2] for name in request.quasi if name in registered()}
    found = {name: dict(lookups.get(above[0].lookup, {})) for name, above in upper.items() if above}
    return {name: parents for name, parents in found.items() if parents}


def _records(house: House, permit: Permit, work: Path, parents: Mapping[str, Mapping[str, str]]) -> Records:
    activity, dataset = permit.request.activity, permit.request.dataset
    files = [one for one in house.store.catalogue.files("mart", activity) if one.part.split("/")[0] == dataset]
    if not files:
        raise DoesNotHold(
            f"there is no mart of {dataset} yet", code="mart-missing", where=activity,
            next_step=f"make it first: `caldicott run REGISTER --store DIR --activity {activity}`",
        )  # fmt: skip
    found = rows_today(house, {dataset: permit}, {dataset: files}, work)
    return Records(*found[dataset], person=PERSON, parents=parents)


def _hash(done: Extracted) -> str:
    return hashlib.sha256(json.dumps(done.report, sort_keys=True).encode()).hexdigest()
