"""What left the safe haven holds nobody's identity: marts, exports, and every file that lies there in plain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.access import shown
from caldicott.operations.verify.haven import identities
from caldicott.operations.verify.searching import LINKED, files_of, numbers_in_bytes, telling_columns, telling_values
from caldicott.safe_haven.release import LINKED_MART

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from caldicott.operations.verify.evidence import Evidence

NO_MART = "no mart has been made in this store yet"
COUNTED = frozenset({"month", "persons", "contacts", "network", "practice", "segment", "tier", "deprivation", "scheme"})
"""The columns of a table of counts; a column more could name whom it counts."""
_PLAIN = ("catalogue.sqlite", "audit", "keys", "public")


def whitelist_of(activity: str, evidence: Evidence) -> frozenset[str]:
    """The restricted columns that the activity names."""
    entry = evidence.register.activity(activity)
    return frozenset(entry.inputs_whitelist or ()) if entry else frozenset()


def _mart_columns(evidence: Evidence) -> Finding:
    wrong, columns = [], 0
    for file in evidence.marts:
        names, dataset = pq.read_schema(evidence.root / file.path).names, file.part.split("/")[0]
        columns += len(names)
        telling = telling_columns(names, dataset, whitelist=whitelist_of(file.owner, evidence))
        wrong += [f"{dataset}.{name}" for name in telling]
    if not evidence.marts:
        return not_applicable(NO_MART)
    if wrong:
        return broken(f"marts have columns that tell who somebody is: {shown(dict.fromkeys(wrong))}")
    return kept(f"{columns:,} columns in {len(evidence.marts)} files of marts: none names a person")


def _no_identifier_in_marts(evidence: Evidence) -> Finding:
    if not evidence.marts:
        return not_applicable(NO_MART)
    wrong = [
        f"{file.part}.{name}"
        for file in evidence.marts
        for name in telling_values(evidence.root / file.path, file.part.split("/")[0], evidence)
    ]
    if wrong:
        return broken(f"{len(wrong)} columns of marts hold what identifies: {shown(wrong)}")
    known, rows = len(evidence.once(identities).numbers), sum(file.rows for file in evidence.marts)
    return kept(f"{rows:,} rows of marts searched for {known:,} NHS numbers and for their shape and a postcode's: none")


def _exports_clean(evidence: Evidence) -> Finding:
    if not evidence.exports:
        return not_applicable("no export is at hand: name the folder a role received with --export")
    wrong = [f"{folder.name}/{what}" for folder in evidence.exports for what in _found_in(folder, evidence)]
    if wrong:
        return broken(f"exports hold what identifies: {shown(wrong)}")
    return kept(f"{sum(len(list(files_of(folder))) for folder in evidence.exports)} exported files searched: nothing")


def _found_in(folder: Path, evidence: Evidence) -> Iterator[str]:
    for path in files_of(folder):
        if path.suffix == ".json":
            yield from [path.name] if numbers_in_bytes(path, evidence) else []
            continue
        dataset = path.relative_to(folder).parts[0].removesuffix(".csv")
        yield from (f"{dataset}.{name}" for name in telling_values(path, dataset, evidence))
        if path.suffix == ".parquet":
            yield from telling_columns(pq.read_schema(path).names, dataset, whitelist=frozenset())
        else:
            yield from set(pa_csv.open_csv(path).schema.names) - COUNTED


def _plain_files_clean(evidence: Evidence) -> Finding:
    paths = [path for name in _PLAIN for path in _below(evidence.root / name)]
    found = {path.name: count for path in paths if (count := numbers_in_bytes(path, evidence))}
    if found:
        return broken(f"{sum(found.values())} NHS numbers stand in plain files: {shown(found)}")
    return kept(
        f"{len(paths)} plain files (catalogue, audit trail, key files, notice): no number of anybody in this store"
    )


def _below(path: Path) -> list[Path]:
    if path.is_dir():
        return [one for one in sorted(path.rglob("*")) if one.is_file()]
    return [one for one in (path, path.with_name(f"{path.name}-wal")) if one.exists()]


def _join_on_code_only(evidence: Evidence) -> Finding:
    linked = [file for file in evidence.marts if file.part.startswith(f"{LINKED_MART}/")]
    if not linked:
        return not_applicable("nothing has been joined in this store yet")
    other = {name for file in linked for name in pq.read_schema(evidence.root / file.path).names} - LINKED
    if other:
        return broken(f"joined records carry more than the code and counts: {shown(sorted(other))}")
    return kept(
        f"{sum(file.rows for file in linked):,} joined rows: a code, a service area, contacts and cost; no more"
    )


CONTROLS = (
    Control("mart-columns", "No column of a mart names a person.", _mart_columns),
    Control("no-identifier-in-marts", "No value of a mart identifies anybody.", _no_identifier_in_marts),
    Control("exports-clean", "No value of an export identifies anybody.", _exports_clean),
    Control("plain-files-clean", "No plain file of the store holds an NHS number.", _plain_files_clean),
    Control(
        "join-on-code-only", "Joined records carry the purpose's code and nothing to join on else.", _join_on_code_only
    ),
)
