"""How the store lies on the disk: encrypted, a key for each purpose and period, nothing outside its zones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.access import shown
from caldicott.operations.verify.searching import numbers_in_bytes
from caldicott.stores.mart_seals import ZONE as MARTS
from caldicott.stores.mart_seals import changed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from caldicott.operations.verify.evidence import Evidence

ZONES = frozenset({
    "airlock", "audit", "ceff", "clear", "desk", "keys", "ledgers", "marts", "objections", "persons", "public",
    "quarantine", "repeats", "room", "vault",
})  # fmt: skip
"""`public` is the published notice, which `caldicott serve` looks for there; it alone is for everybody."""
_TOP_FILES = ("catalogue.sqlite", "lock", "readers")
ENCRYPTED = ("clear", "quarantine", "repeats", "persons", "vault", "objections")
_SEALED = b"PARE"
_FOR_OTHERS = 0o077


def _encrypted_at_rest(evidence: Evidence) -> Finding:
    paths = [path for zone in ENCRYPTED for path in _files(evidence.root / zone)]
    if not paths:
        return not_applicable("nothing identifiable lies in this store yet")
    plain = [path for path in paths if not _is_sealed(path)]
    numbers = sum(numbers_in_bytes(path, evidence) for path in paths)
    if plain or numbers:
        return broken(f"{len(plain)} files open without a key; {numbers} NHS numbers stand in them")
    return kept(f"{len(paths)} files of identifiable records: every one is sealed and opens for nobody without its key")


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _is_sealed(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(len(_SEALED))
        stream.seek(-len(_SEALED), 2)
        if head != _SEALED or stream.read() != _SEALED:
            return False
    try:
        pq.ParquetFile(path)
    except (pa.ArrowException, OSError):
        return True
    return False


def _keys_apart(evidence: Evidence) -> Finding:
    store, wrong = evidence.house.store, []
    for record in evidence.submissions:
        period = f"{record.period_from}..{record.period_to}"
        scope = f"{record.dataset}/{'+'.join(record.purposes)}/{period}"
        wrong += [record.id] if store.keys.scope_of(record.key_id) != f"clear/{scope}" else []
        held = store.catalogue.files("quarantine", record.uid)
        wrong += [record.id for file in held if store.keys.scope_of(file.key_id) != f"quarantine/{scope}"]
    secrets = {store.keys.open(name).use("verify") for name in store.keys.ids()}
    if wrong or len(secrets) < len(store.keys.ids()):
        return broken(f"keys are shared between datasets, purposes or periods: {shown(dict.fromkeys(wrong))}")
    if not evidence.submissions:
        return not_applicable("nothing has landed in this store yet")
    return kept(
        f"{len(secrets)} keys, all different: one for each dataset, purpose and period, others for what is held back"
    )


def _keys_wrapped(evidence: Evidence) -> Finding:
    store, wrong = evidence.house.store, []
    records = [path for path in _files(evidence.root / "keys") if path.suffix == ".json"]
    for path in records:
        record = json.loads(path.read_text(encoding="utf-8"))
        wrong += [path.name] if "wraps" in record and store.keys.kek.kek_id not in record["wraps"] else []
    outside = [p for p in _files(evidence.root / "marts") if p.suffix != ".parquet"]
    outside += [p for folder in evidence.exports for p in _files(folder) if "key" in p.name]
    if wrong or outside:
        return broken(
            f"{len(wrong)} keys are not wrapped by the one key kept outside; {len(outside)} lie beside released files"
        )
    return kept(
        f"{len(records)} key files, each wrapped by a key that is not in the store; none beside marts or exports"
    )


def _nothing_outside_the_zones(evidence: Evidence) -> Finding:
    found = [path.name for path in evidence.root.iterdir() if not _belongs(path)]
    live = evidence.house.store.catalogue.live_paths()
    zones = ("clear", "quarantine", "repeats", "persons", "marts", "vault")
    files = [str(path.relative_to(evidence.root)) for zone in zones for path in _files(evidence.root / zone)]
    stray = [path for path in files if path not in live]
    stray += [path.name for zone, known in _KNOWN.items() for path in _files(evidence.root / zone) if not known(path)]
    missing = [path for path in live if not (evidence.root / path).exists()]
    away = [path for path in live if not _is_within(evidence.root, path)]
    open_files = [file for file in evidence.house.store.catalogue.files_below(MARTS) if file.sha256]
    altered = changed(evidence.root, open_files)
    is_open = evidence.root.stat().st_mode & _FOR_OTHERS
    if found or stray or missing or away or altered or is_open:
        return broken(
            f"{len(found)} things outside the zones, {len(stray)} files nobody knows, {len(missing)} missing, "
            f"{len(away)} that lie elsewhere, {len(altered)} open ones changed since they were written"
            + ("; the folder is open to others" if is_open else "")
        )
    return kept(
        f"{len(files)} files, all in their zones and all known to the catalogue; only their owner may open the folder"
    )


def _is_within(root: Path, live: str) -> bool:
    """Whether a live file is where its path says: below the store, and by no link that leads elsewhere."""
    place, home = (root / live).resolve(), root.resolve()
    return place == home / live and place.is_relative_to(home)


_AUDIT = frozenset({"checkpoint", "checkpoints", "entries.jsonl", "leaves.sha256", "lock", "public_key"})
_KNOWN: dict[str, Callable[[Path], bool]] = {
    "audit": lambda path: path.name in _AUDIT,
    "keys": lambda path: path.suffix == ".json" or path.name.startswith("."),
    "ledgers": lambda path: path.name in {"head.json", ".lock"} or b'"previous"' not in path.read_bytes(),
    "room": lambda path: path.suffix == ".sealed",
    "airlock": lambda path: path.name == ".lock" or path.suffix == ".sealed",
}
"""What lies in the plain zones by its name, since the catalogue does not list it."""


def _belongs(path: Path) -> bool:
    return path.name in ZONES if path.is_dir() else path.name.startswith(_TOP_FILES)


CONTROLS = (
    Control("encrypted-at-rest", "Identifiable records lie sealed on the disk.", _encrypted_at_rest),
    Control("keys-apart", "Each dataset, purpose and period has a key of its own.", _keys_apart),
    Control("keys-wrapped", "No key lies open, and none beside what was released.", _keys_wrapped),
    Control("nothing-outside-the-zones", "Every file lies in its zone and is known.", _nothing_outside_the_zones),
)
