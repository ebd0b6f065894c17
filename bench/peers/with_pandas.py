"""Subject: the script an analyst would write. pandas for the rows, hashlib for the pseudonyms.

Reads a file at a time as text; modulus 11 by columns of digits; objectors out;
HMAC-SHA256 once a distinct number (the kind way; once a row is more usual and
slower); dates and costs typed; birth year, age band, outward postcode; telling
columns dropped; Parquet by dataset and month; a linked mart of contacts and cost
by person, month and service area. Not done: quarantine with reasons, repeated
records, mergers of numbers, leak scan, checks between dates, the spine's
cross-check, encryption at rest, audit.
python -m bench.peers.with_pandas TASK.json
"""

import hashlib
import hmac
import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd

KEY = os.urandom(32)
_TOKENS: dict[str, str] = {}


def main(task: dict) -> dict:
    out = objectors(task)
    allowed = pd.Index(pd.concat([read(path, header=None, names=["n", "_"])["n"] for path in task["allowed"]]))
    linked, rows = [], {}
    for name, spec in task["datasets"].items():
        rows[name] = 0
        for number, path in enumerate(spec["files"]):
            mart = marted(read(path), spec, out, allowed)
            write(mart, Path(task["to"]) / name, f"{number}-{{i}}.parquet")
            rows[name] += len(mart)
            linked.append(summary(mart, name))
    table = pd.concat(linked).groupby(["person_token", "service_area", "month"], as_index=False).sum()
    write(table, Path(task["to"]) / "commissioning-mart", "0-{i}.parquet")
    return {"rows_out": {**rows, "commissioning-mart": len(table)}}


def read(path: str, **how: object) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], **how)


def objectors(task: dict) -> pd.Index:
    coded = pd.concat([read(path) for path in task["objections"]])
    codes = pd.DataFrame(task["objection_codes"]).rename(columns={"code": "Code"})
    coded = coded.merge(codes, on="Code")
    coded = coded[(coded["until"] == "") | (coded["EffectiveDate"] <= coded["until"])]
    latest = coded.sort_values(["EffectiveDate", "is_dissent"]).groupby("NhsNumber").tail(1)
    return pd.Index(latest.loc[latest["is_dissent"], "NhsNumber"])


def marted(rows: pd.DataFrame, spec: dict, out: pd.Index, allowed: pd.Index) -> pd.DataFrame:
    number = rows[spec["number"]].str.replace(r"[ \-]", "", regex=True)
    withheld = rows[spec["withheld"]].notna()
    keep = withheld | number.isna() | holds(number)
    objects = number.notna() & ~withheld & (number.isin(out) | ~number.isin(allowed))
    rows, number = rows[keep & ~objects].copy(), number[keep & ~objects].where(~withheld[keep & ~objects])
    occurred = pd.to_datetime(rows[spec["occurred"]], format="%Y-%m-%d", errors="coerce")
    born = pd.to_datetime(rows[spec["birth_date"]], format="%Y-%m-%d", errors="coerce")
    for name in spec["dates"]:
        rows[name] = pd.to_datetime(rows[name], format="%Y-%m-%d", errors="coerce")
    for name in spec["numbers"]:
        rows[name] = pd.to_numeric(rows[name], errors="coerce")
    rows["person_token"] = tokens(number)
    rows["birth_year"] = born.dt.year
    rows["age_band"] = banded(born, occurred)
    rows["outward_postcode"] = rows[spec["postcode"]].str.split(" ").str[0].str.upper()
    rows["month"] = occurred.dt.strftime("%Y-%m")
    return rows.drop(columns=spec["telling"])


def holds(number: pd.Series) -> pd.Series:
    """Modulus 11, vectorised over the ten digits."""
    right = number.str.fullmatch(r"[0-9]{10}").fillna(value=False).astype(bool)
    digits = np.frombuffer("".join(number[right]).encode(), np.uint8).reshape(-1, 10) - ord("0")
    check = (11 - digits[:, :9] @ np.arange(10, 1, -1) % 11) % 11
    result = pd.Series(data=False, index=number.index)
    result[right] = (check == digits[:, 9]) & (digits != digits[:, :1]).any(axis=1)
    return result


def tokens(number: pd.Series) -> pd.Series:
    for value in number.dropna().unique():
        if value not in _TOKENS:
            _TOKENS[value] = hmac.new(KEY, value.encode(), hashlib.sha256).hexdigest()[:18]
    return number.map(_TOKENS)


def banded(born: pd.Series, occurred: pd.Series) -> pd.Series:
    had = (occurred.dt.month * 100 + occurred.dt.day) >= (born.dt.month * 100 + born.dt.day)
    years = occurred.dt.year - born.dt.year - (~had).astype(int)
    low = (years // 5 * 5).clip(0, 90)
    labels = {float(age): f"{age}-{age + 4}" if age < 90 else "90+" for age in range(0, 95, 5)}
    return low.map(labels)


def summary(mart: pd.DataFrame, area: str) -> pd.DataFrame:
    some = mart[["person_token", "month", "FinalPrice"]].dropna(subset=["person_token"])
    table = some.groupby(["person_token", "month"], as_index=False).agg(
        contacts=("FinalPrice", "size"), cost=("FinalPrice", "sum")
    )
    return table.assign(service_area=area)


def write(table: pd.DataFrame, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    table.to_parquet(
        folder, partition_cols=["month"], compression="zstd", index=False, basename_template=name, max_partitions=4096
    )


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
