"""Matching two files whose people may not be shown: each organisation encodes its own, and only filters meet."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any

from caldicott.engines.duckdb.linkage.encoded import encode_file, match_files
from caldicott.engines.duckdb.scores_inputs import SourceFile
from caldicott.linkage import bloom
from caldicott.linkage.spec import parse
from caldicott.operations.link import spec_text
from caldicott.operations.score_files import open_table
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from pathlib import Path


def make_key(to: Path) -> None:
    """A new key for one project, readable by its owner only; an existing file is never written over."""
    try:
        made = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        raise WrongUsage(
            "the key cannot be written there, or a file is there already",
            code="output-unwritable",
            where="FILE",
            next_step="name a new file in a folder that exists",
        ) from None
    with os.fdopen(made, "wb") as file:
        file.write(secrets.token_bytes(bloom.rules()["key_bytes_least"]))


def encode(source: Path, *, spec: Path | str, key: Path, to: Path) -> dict[str, Any]:
    """Encodes one file. What is written names nobody; the counts say what was left out."""
    text, name = spec_text(spec)
    parsed = parse(text, name)
    bloom.check_spec(parsed)
    opened = SourceFile(source, open_table(source, "FILE", parsed.columns))
    part = to.with_name(f"{to.stem}.part{to.suffix}")
    try:
        written, left_out, full = encode_file(parsed, opened, part, _key(key))
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    remarks = []
    if full > bloom.rules()["fill_most"]:
        remarks.append("The filters are so full that different people look alike: use fewer or shorter fields.")
    return {
        "records": written,
        "left_out": left_out,
        "bits_set": round(full, 4),
        "remarks": remarks,
        "spec": parsed.name,
    }


def match(left: Path, right: Path, *, to: Path, at_least: float) -> dict[str, Any]:
    """Pairs of two encoded files, each the other's single best."""
    part = to.with_name(f"{to.stem}.part{to.suffix}")
    try:
        links = match_files(left, right, part, at_least=at_least)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return {"links": links, "at_least": at_least, "files": 2}


def _key(path: Path) -> bytes:
    try:
        found = path.read_bytes()
    except OSError:
        raise DoesNotHold(
            "there is no such key file",
            code="file-missing",
            where="--key",
            next_step="make one with `caldicott link key FILE`",
        ) from None
    bloom.check_key(found)
    return found
