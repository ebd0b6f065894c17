"""Seconds of the vault, tokens, keyed codes and encrypted files, on 1,000,000 invented persons.

python bench/pseudonyms.py
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caldicott.register.model import PseudonymDomain
from caldicott.safe_haven.pseudonyms import tokens
from caldicott.safe_haven.pseudonyms.at_source import AtSourceKey, pseudonymise
from caldicott.stores import clear
from caldicott.stores.key_encryption import HeldKek
from caldicott.stores.keys import KeyRing
from caldicott.stores.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable

PERSONS = 1_000_000
DAY = date(2026, 5, 1)
DOMAIN = PseudonymDomain(name="bench", letter="C", recipient="example-icb", agreement="dars-dsa", epoch=1)


def measure() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        return [*_vault(Path(folder)), *_codes(), *_files(Path(folder)), *_check_characters()]


def _vault(folder: Path) -> list[dict[str, Any]]:
    vault = Vault(folder / "vault", KeyRing(folder / "keys", HeldKek(os.urandom(32))), "bench")
    persons = pa.array(np.random.default_rng(7).permutation(2**40 + np.arange(PERSONS)))
    new, (table, live) = _timed(lambda: vault.tokens_for(persons, DOMAIN, created=DAY, live_files=()))
    again, (same, files) = _timed(lambda: vault.tokens_for(persons, DOMAIN, created=DAY, live_files=live))
    assert same.equals(table)
    assert files == ()
    back, found = _timed(lambda: vault.persons_for(table["token"], DOMAIN, live_files=live))
    assert pc.all(pc.equal(found["person_id"], table["person_id"])).as_py()
    more = pa.array(3 * 2**40 + np.arange(1000))
    few, _ = _timed(lambda: vault.tokens_for(more, DOMAIN, created=DAY, live_files=live))
    return [
        _row("vault: 1,000,000 new persons", new, "s", 5.0),
        _row("vault: 1,000,000 persons, nothing new", again, "s", 1.0),
        _row("vault: 1,000 new persons beside 1,000,000", few, "s", 1.0),
        _row("vault: 1,000,000 tokens back to persons", back, "s", 2.0),
    ]


def _codes() -> list[dict[str, Any]]:
    numbers = pa.array([f"9{number:09d}" for number in range(200_000)])
    key = AtSourceKey("RZ1", "dars-dsa", 1, os.urandom(32))
    seconds, _ = _timed(lambda: pseudonymise(numbers, key))
    return [_row("at source: codes a second", len(numbers) / seconds, "1/s", 200_000)]


def _files(folder: Path) -> list[dict[str, Any]]:
    rng = np.random.default_rng(7)
    columns = {f"number{at}": rng.integers(0, 10**9, PERSONS) for at in range(5)}
    columns |= {f"code{at}": rng.integers(0, 1000, PERSONS).astype(str) for at in range(10)}
    table = pa.table(columns)
    path, key = folder / "rows.parquet", os.urandom(32)
    writing, _ = _timed(lambda: clear.write(path, table.to_reader(10_000), key=key, aad=b"bench"))
    reading, rows = _timed(lambda: sum(batch.num_rows for batch in clear.read(path, key=key, aad=b"bench")))
    assert rows == PERSONS
    return [
        _row("encrypted file: 1,000,000 rows x 15 columns written", writing, "s", 4.0),
        _row("encrypted file: the same read", reading, "s", 1.0),
        _row("encrypted file: size", path.stat().st_size / 1e6, "MB", 100.0),
    ]


def _check_characters() -> list[dict[str, Any]]:
    made = np.array(tokens.characters_of(tokens.make_tokens(os.urandom(10 * 100_000), "C")))
    swapped, substituted = made.copy(), made.copy()
    rows, places = np.arange(len(made)), np.random.default_rng(7).integers(1, 16, len(made))
    swapped[rows, places], swapped[rows, places + 1] = made[rows, places + 1], made[rows, places]
    substituted[rows, places] = np.where(made[rows, places] == ord("7"), ord("8"), ord("7"))
    is_other = (swapped != made).any(axis=1)
    missed_swaps = pc.sum(tokens.check(tokens.text_of(swapped[is_other]))).as_py()
    missed_substitutions = pc.sum(tokens.check(tokens.text_of(substituted))).as_py()
    return [
        _row("check character: missed of 100,000 substitutions", missed_substitutions, "", 0),
        _row("check character: missed adjacent transpositions", missed_swaps / is_other.sum(), "share", 0.004),
    ]


def _timed(act: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    made = act()
    return time.perf_counter() - began, made


def _row(name: str, value: float, unit: str, target: float) -> dict[str, Any]:
    return {"name": name, "value": round(float(value), 4), "unit": unit, "target": target}


if __name__ == "__main__":
    for row in measure():
        print(json.dumps(row))
