"""Subject: a bare prototype in Polars. The same steps as with_pandas, lazily and streamed.

What it leaves out is what with_pandas leaves out.
python -m bench.peers.with_polars TASK.json
"""

import hashlib
import hmac
import json
import os
import sys
from pathlib import Path


def main(task: dict) -> dict:
    os.environ["POLARS_MAX_THREADS"] = str(task["threads"])  # read when Polars is first imported
    people = persons(task)
    rows = {name: write_dataset(name, spec, people, task["to"]) for name, spec in task["datasets"].items()}
    return {"rows_out": {**rows, "commissioning-mart": link(task)}}


def persons(task: dict):
    """Every distinct valid number, with its token or, if the person objects, without."""
    import polars as pl

    key = os.urandom(32)
    met = [scanned(spec["files"]).select(number(spec["number"])) for spec in task["datasets"].values()]
    distinct = pl.concat(met).unique().drop_nulls().filter(holds("~number")).collect(engine="streaming")["~number"]
    made = [hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:18] for value in distinct]
    table = pl.DataFrame({"~number": distinct, "person_token": made})
    allowed = pl.concat([pl.read_csv(path, has_header=False, infer_schema=False) for path in task["allowed"]])
    remaining = set(allowed.to_series(0)) - set(objectors(task))
    return table.with_columns(pl.Series("~objects", [value not in remaining for value in distinct]))


def objectors(task: dict):
    import polars as pl

    codes = pl.DataFrame(task["objection_codes"]).rename({"code": "Code"}).lazy()
    coded = scanned(task["objections"]).join(codes, on="Code")
    coded = coded.filter((pl.col("until") == "") | (pl.col("EffectiveDate") <= pl.col("until")))
    latest = coded.sort("EffectiveDate", "is_dissent").group_by("NhsNumber").last()
    return latest.filter("is_dissent").collect()["NhsNumber"]


def scanned(files: list[str]):
    import polars as pl

    return pl.scan_csv(files, infer_schema=False)


def number(column: str):
    import polars as pl

    return pl.col(column).str.replace_all(r"[ \-]", "").alias("~number")


def holds(column: str):
    """Modulus 11 by arithmetic on the number."""
    import polars as pl

    right = pl.col(column).str.contains(r"^[0-9]{10}$")
    value = pl.when(right).then(pl.col(column)).cast(pl.Int64)
    weighted = sum((value // 10 ** (9 - place) % 10) * (10 - place) for place in range(9))
    return right & ((11 - weighted % 11) % 11 == value % 10) & (value % 1_111_111_111 != 0)


def write_dataset(name: str, spec: dict, people, to: str) -> int:
    import polars as pl

    rows = scanned(spec["files"]).with_columns(number(spec["number"]))
    rows = rows.with_columns(pl.when(pl.col(spec["withheld"]).is_null()).then("~number"))
    rows = rows.join(people.lazy(), on="~number", how="left")
    remains = pl.col("~number").is_null() | (pl.col("person_token").is_not_null() & ~pl.col("~objects"))
    rows = rows.filter(remains).with_columns(derived(spec))
    rows = rows.drop("~number", "~objects", *spec["telling"])
    (Path(to) / name).mkdir(parents=True)
    target = pl.PartitionBy(Path(to) / name, key=["month"], include_key=False)
    rows.sink_parquet(target, compression="zstd", compression_level=1, maintain_order=False, engine="streaming")
    return pl.scan_parquet(Path(to) / name, hive_partitioning=True).select(pl.len()).collect().item()


def derived(spec: dict) -> list:
    import polars as pl

    dates = {name: pl.col(name).str.to_date("%Y-%m-%d", strict=False) for name in spec["dates"]}
    born, occurred = dates[spec["birth_date"]], dates[spec["occurred"]]
    had = (
        occurred.dt.month().cast(pl.Int32) * 100 + occurred.dt.day()
        >= born.dt.month().cast(pl.Int32) * 100 + born.dt.day()
    )
    low = ((occurred.dt.year() - born.dt.year() - (~had).cast(pl.Int32)) // 5 * 5).clip(0, 90)
    labels = {age: f"{age}-{age + 4}" if age < 90 else "90+" for age in range(0, 95, 5)}
    return [
        *(date.alias(name) for name, date in dates.items()),
        *(pl.col(name).cast(pl.Float64, strict=False) for name in spec["numbers"]),
        born.dt.year().alias("birth_year"),
        low.replace_strict(labels, default=None, return_dtype=pl.String).alias("age_band"),
        pl.col(spec["postcode"]).str.split(" ").list.first().str.to_uppercase().alias("outward_postcode"),
        occurred.dt.strftime("%Y-%m").alias("month"),
    ]


def link(task: dict) -> int:
    import polars as pl

    parts = [
        pl.scan_parquet(Path(task["to"]) / name, hive_partitioning=True)
        .filter(pl.col("person_token").is_not_null())
        .group_by("person_token", "month")
        .agg(contacts=pl.len(), cost=pl.col("FinalPrice").sum())
        .with_columns(service_area=pl.lit(name))
        for name in task["datasets"]
    ]
    folder = Path(task["to"]) / "commissioning-mart"
    folder.mkdir(parents=True)
    target = pl.PartitionBy(folder, key=["month"], include_key=False)
    pl.concat(parts).sink_parquet(target, compression="zstd", compression_level=1, engine="streaming")
    return pl.scan_parquet(folder, hive_partitioning=True).select(pl.len()).collect().item()


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
