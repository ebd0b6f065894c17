"""How fast and how well people are traced and linked; `python -m bench.linkage [--small]` prints its part.

Tracing: invented records (numbers missing, wrong or another's; slips in names and dates; people who moved; people
nobody knows) against an invented index of persons, in a process of its own. Linking: public sets of known people,
with the peers in the same run (bench/linkage_sets.py). Processor time stands beside the clock: on a busy machine only
it can be compared.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bench import linkage_sets
from bench.results import figures_table, of_rows

WHOLE, SMALL = 1_000_000, 100_000
SECONDS, GIGABYTES, FALSE_LINKS, RECALL = 180.0, 6.0, 1 / 100_000, 0.99

_OURS = """
import json, sys, time
from pathlib import Path
from caldicott.engines.duckdb.linkage.trace import Columns, Tracer
from caldicott.engines.duckdb.scores_inputs import SourceFile
from caldicott.linkage.tracing import profile
from caldicott.operations.score_files import open_table
folder, name = Path(sys.argv[1]), sys.argv[2]
begun, busy = time.perf_counter(), time.process_time()
steps = []
tracer = Tracer(profile(name), memory_limit="5GB", told=lambda step: steps.append((step, time.perf_counter() - begun)))
persons, records = folder / "persons.parquet", folder / "records.parquet"
tracer.read_persons(SourceFile(persons, open_table(persons, "RIGHT", ("nhs_number",))), Columns({}))
tracer.read_requests(SourceFile(records, open_table(records, "LEFT", ("id",))), Columns({}), id_column="id")
tracer.trace()
tracer.outcomes_to(str(folder / "outcomes.parquet"), form="parquet")
print(json.dumps({
    "seconds": time.perf_counter() - begun, "cpu": time.process_time() - busy,
    "gigabytes": int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024**2, "steps": steps,
}))
"""


def invent(folder: Path, count: int, seed: int = 7) -> None:
    """Writes persons.parquet, records.parquet and truth.parquet."""
    rng = np.random.default_rng(seed)
    numbers = _numbers(int(count * 1.05))
    family, given = _pool("family_names"), _pool("given_names")
    people = len(numbers)
    index = {
        "nhs_number": numbers,
        "family": _drawn(rng, family, people),
        "given": _drawn(rng, given, people),
        "birth_date": _days(rng, people),
        "gender": rng.choice(np.array(["1", "2"]), people),
        "postcode": _postcodes(rng, people, max(100, count // 20)),
    }
    known = count  # the last ones are people the index does not know
    pq.write_table(pa.table({name: values[:known] for name, values in index.items()}), folder / "persons.parquet")
    who = rng.permutation(np.arange(people))[:count]
    records = {name: values[who].copy() for name, values in index.items()}
    truth = np.where(who < known, records["nhs_number"], "")
    _spoil(rng, records, numbers)
    ids = np.char.add("r", np.arange(count).astype(str))
    pq.write_table(pa.table({"id": ids, **records}), folder / "records.parquet")
    pq.write_table(pa.table({"id": ids, "person": truth}), folder / "truth.parquet")


def _spoil(rng: np.random.Generator, records: dict[str, np.ndarray], numbers: np.ndarray) -> None:
    """Errors of the order published for English hospital records, a little worse where a record is to be traced."""
    count = len(records["given"])
    fate = rng.random(count)
    records["nhs_number"] = np.where(fate < 0.06, "", records["nhs_number"])
    wrong = (fate >= 0.06) & (fate < 0.07)
    records["nhs_number"][wrong] = rng.choice(numbers, int(wrong.sum()))
    slip = rng.random(count) < 0.02
    records["family"][slip] = np.array([_slip(word, place) for place, word in enumerate(records["family"][slip])])
    slip = rng.random(count) < 0.02
    records["given"][slip] = np.array([_slip(word, place) for place, word in enumerate(records["given"][slip])])
    slip = rng.random(count) < 0.005
    records["birth_date"][slip] = np.array([day[:8] + day[9] + day[8] for day in records["birth_date"][slip]])
    moved = rng.random(count) < 0.10
    records["postcode"][moved] = rng.permutation(records["postcode"][moved])


def _slip(word: str, place: int) -> str:
    at = 1 + place % max(1, len(word) - 1)
    return (word[:at] + word[at + 1 :]) if place % 2 else (word[:at] + "x" + word[at + 1 :])


def _numbers(count: int) -> np.ndarray:
    stems = 900_000_000 + np.arange(int(count * 1.12)) * 83
    digits = stems[:, None] // 10 ** np.arange(8, -1, -1) % 10
    check = (11 - (digits * np.arange(10, 1, -1)).sum(axis=1) % 11) % 11
    valid = check < 10
    return np.char.add(stems[valid].astype(str), check[valid].astype(str))[:count]


def _pool(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Names of the population facts, made many by endings, so that not everyone is a Smith."""
    text = resources.files("caldicott.facts.population").joinpath(f"{name}.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    endings = (
        ["", "son", "ley", "ford", "wick", "ham", "well", "by"] if name == "family_names" else ["", "ie", "a", "o"]
    )
    names = np.array([row["name"] + ending for row in rows for ending in endings])
    weights = np.array(
        [float(row.get("weight") or 1) / (1 + 2 * place) for row in rows for place in range(len(endings))]
    )
    return names, weights / weights.sum()


def _drawn(rng: np.random.Generator, pool: tuple[np.ndarray, np.ndarray], count: int) -> np.ndarray:
    return rng.choice(pool[0], count, p=pool[1]).astype("U24")


def _days(rng: np.random.Generator, count: int) -> np.ndarray:
    return (np.datetime64("1930-01-02") + rng.integers(0, 34_000, count)).astype("datetime64[D]").astype(str)


def _postcodes(rng: np.random.Generator, count: int, distinct: int) -> np.ndarray:
    place = rng.integers(0, distinct, count)
    outward = np.char.add("ZZ", (1 + place % 90).astype(str))
    letters = np.array(list("ABDEFGHJLNPQRSTUWXYZ"))
    inward = np.char.add(
        (place // 90 % 10).astype(str), np.char.add(letters[place // 900 % 20], letters[place // 18000 % 20])
    )
    return np.char.add(np.char.add(outward, " "), inward)


def trace(folder: Path, profile: str) -> dict[str, object]:
    """Seconds, memory, and what was right, from a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", _OURS, str(folder), profile], check=True, capture_output=True, text=True
    )
    found = pq.read_table(folder / "outcomes.parquet").sort_by("id").to_pydict()
    truth = pq.read_table(folder / "truth.parquet").sort_by("id").to_pydict()
    said = np.array([kind == "person" for kind in found["kind"]])
    person, true = np.array(found["person"]), np.array(truth["person"])
    step = np.array(found["step"], dtype="U40")
    right = said & (person == true)
    verified = said & (np.char.find(step, "cross-check") >= 0)
    return {
        **json.loads(ran.stdout),
        "links": int(said.sum()),
        "wrong": int((said & ~right).sum()),
        "recall": float(right.sum() / max(1, (true != "").sum())),
        "by_step": {
            name: [int((said & (step == name)).sum()), int((said & ~right & (step == name)).sum())]
            for name in np.unique(step)
        },
        "verified_links": int(verified.sum()),
        "verified_wrong": int((verified & ~right).sum()),
    }


def measure(*, whole: bool = False) -> list[dict]:
    """Name, value, unit and target of every number; without `whole` a tenth of the rows."""
    count = WHOLE if whole else SMALL
    found = []
    with tempfile.TemporaryDirectory() as name:
        invent(Path(name), count)
        for profile in ("mps-2024", "caldicott-2026"):
            ours = trace(Path(name), profile)
            found += [
                _row(
                    f"{profile}: {count:,} records against {count:,} persons",
                    ours["seconds"],
                    "s",
                    SECONDS * count / WHOLE,
                ),
                _row(f"{profile}: processor time", ours["cpu"], "s"),
                _row(f"{profile}: memory", ours["gigabytes"], "GB", GIGABYTES),
                _row(f"{profile}: found among people who are known", ours["recall"], "found", RECALL),
                _row(
                    f"{profile}: wrong among verified",
                    ours["verified_wrong"] / max(1, ours["verified_links"]),
                    "share",
                    FALSE_LINKS,
                ),
                _row(f"{profile}: wrong among all links", ours["wrong"] / max(1, ours["links"]), "share"),
            ]
    return found


def _row(name, value, unit, target=None):
    return {"name": name, "value": round(value, 6), "unit": unit, "target": target}


def part(*, whole: bool = True) -> str:
    """Both halves, as the page has them."""
    traced = figures_table(of_rows(measure(whole=whole), more_is_better=("found",)))
    return f"{traced}\n\n{linkage_sets.part()}"


if __name__ == "__main__":
    print(part(whole="--small" not in sys.argv))
