"""Everything that makes the program speak of what it does not like, with a canary in the very place it dislikes."""

from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

import people
from attack.canaries import Canary, rewrite_manifest, row, sentence
from caldicott.facts.layout import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

APC = "ncdr-sus-apc"


def refused_submissions(folder: Path, some: list[Canary]) -> list[Path]:
    """Submissions that must not land, each in a folder of its own."""
    folder.mkdir(parents=True)
    made = []
    for at, (fault, canary) in enumerate(zip(_FAULTS, some, strict=False)):
        place = people.submission(folder / f"refused-{at:02d}", APC, [row(load(APC), canary)], name=f"bad-{at:02d}")
        fault(place, place / f"{APC}.csv", canary)
        made.append(place.parent)
    return made


def _wrong_hash(place: Path, path: Path, canary: Canary) -> None:
    rewrite_manifest(place, path)
    path.write_text(path.read_text() + sentence(canary))


def _wrong_count(place: Path, path: Path, _canary: Canary) -> None:
    rewrite_manifest(place, path, rows=77)


def _no_header(place: Path, path: Path, _canary: Canary) -> None:
    _content(place, path, "\n".join(path.read_text().splitlines()[1:]) + "\n")


def _column_named_after_somebody(place: Path, path: Path, canary: Canary) -> None:
    first, *rest = path.read_text().splitlines()
    _content(place, path, "\n".join([f"{first},{canary['family']} {canary['number']}", *rest]))


def _same_column_twice(place: Path, path: Path, canary: Canary) -> None:
    _content(place, path, f"{canary['family']},{canary['family']}\n1,2\n")


def _open_quote(place: Path, path: Path, canary: Canary) -> None:
    _content(place, path, path.read_text() + f'"{sentence(canary)}\n')


def _other_encoding(place: Path, path: Path, canary: Canary) -> None:
    path.write_bytes(path.read_bytes() + sentence(canary).encode() + b"\xff\xfe\n")
    rewrite_manifest(place, path)


def _nul(place: Path, path: Path, canary: Canary) -> None:
    _content(place, path, path.read_text() + sentence(canary) + "\0\n")


def _endless_line(place: Path, path: Path, canary: Canary) -> None:
    _content(place, path, path.read_text() + sentence(canary) * 60_000 + "\n")


def _not_parquet(place: Path, path: Path, canary: Canary) -> None:
    _renamed(place, path, ".parquet").write_text("PAR1" + sentence(canary) + "PAR1")
    rewrite_manifest(place, place / f"{APC}.parquet")


def _parquet_of_lists(place: Path, path: Path, canary: Canary) -> None:
    columns = {column.name: [[sentence(canary)]] for column in load(APC).columns}
    pq.write_table(pa.table(columns), _renamed(place, path, ".parquet"))
    rewrite_manifest(place, place / f"{APC}.parquet", rows=5)


def _torn_archive(place: Path, path: Path, canary: Canary) -> None:
    packed = gzip.compress(path.read_bytes() + sentence(canary).encode() * 50)
    target = _renamed(place, path, ".csv.gz")
    target.write_bytes(packed[:-20])
    rewrite_manifest(place, target)


def _manifest_key(place: Path, _path: Path, canary: Canary) -> None:
    _manifest(place, lambda text: text.replace("dataset =", f"{canary['family']} = 1\ndataset ="))


def _manifest_torn(place: Path, _path: Path, canary: Canary) -> None:
    _manifest(place, lambda text: text + f"\n{sentence(canary)}\n")


def _manifest_value(key: str, kind: str) -> Callable[[Path, Path, Canary], None]:
    def fault(place: Path, path: Path, canary: Canary) -> None:
        value = f'["{canary[kind]}"]' if key == "purposes" else f'"{canary[kind]}"'
        rewrite_manifest(place, path, **{key: value})

    return fault


def _answer(place: Path, _path: Path, canary: Canary) -> None:
    shutil.rmtree(place)
    person = people.Invented(canary["number"], "", "", "", "")
    place = people.answer(place.parent, [person], name=place.name)
    target = place / "answer.dat"
    target.write_text(target.read_text() + f"{canary['number_broken']},\n{canary['family']},{canary['number']}\n")
    rewrite_manifest(place, target, rows=3)


def _renamed(place: Path, path: Path, ending: str) -> Path:
    _manifest(place, lambda text: text.replace(f"{APC}.csv", f"{APC}{ending}"))
    return path.rename(place / f"{APC}{ending}")


def _content(place: Path, path: Path, text: str) -> None:
    path.write_text(text)
    rewrite_manifest(place, path)


def _manifest(place: Path, change: Callable[[str], str]) -> None:
    path = place / "manifest.toml"
    path.write_text(change(path.read_text()))


_FAULTS = (
    _wrong_hash, _wrong_count, _no_header, _column_named_after_somebody, _same_column_twice, _open_quote,
    _other_encoding, _nul, _endless_line, _not_parquet, _parquet_of_lists, _torn_archive, _manifest_key,
    _manifest_torn, _manifest_value("id", "number"),
    _manifest_value("dataset", "family"), _manifest_value("layout", "family"), _manifest_value("agreement", "family"),
    _manifest_value("agreement", "number"), _manifest_value("purposes", "number"), _manifest_value("sender", "number"),
    _manifest_value("period_from", "born"), _manifest_value("extracted", "family"), _answer,
)  # fmt: skip
