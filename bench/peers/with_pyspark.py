"""Subject: PySpark, local with as many workers as threads. The steps of with_pandas in the DataFrame API.

The token is Spark's own `sha2` over key and number, the way such jobs are
written; the key travels in the query plan, which caldicott's never does.
python -m bench.peers.with_pyspark TASK.json
"""

import json
import os
import sys
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  the name every Spark program gives it


def main(task: dict) -> dict:
    spark = (
        SparkSession.builder.master(f"local[{task['threads']}]")
        .config("spark.driver.memory", "6g")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.sql.ansi.enabled", "false")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .config("spark.local.dir", task["to"] + ".spill")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    key = os.urandom(16).hex()
    out = objectors(spark, task)
    allowed = spark.read.csv(task["allowed"], schema="n string, rest string").select("n")
    for name, spec in task["datasets"].items():
        mart(read(spark, spec), spec, out, allowed, key=key).write.partitionBy("month").parquet(f"{task['to']}/{name}")
    link(spark, task)
    rows = {
        name: spark.read.parquet(f"{task['to']}/{name}").count() for name in (*task["datasets"], "commissioning-mart")
    }
    spark.stop()
    return {"rows_out": rows}


def read(spark: SparkSession, spec: dict) -> DataFrame:
    schema = ", ".join(f"`{name}` string" for name in spec["columns"])
    return spark.read.csv(spec["files"], header=True, schema=schema)


def objectors(spark: SparkSession, task: dict) -> DataFrame:
    codes = spark.createDataFrame(
        [(entry["code"], entry["is_dissent"], entry["until"]) for entry in task["objection_codes"]],
        "Code string, is_dissent boolean, until string",
    )
    coded = spark.read.csv(task["objections"], header=True).join(F.broadcast(codes), "Code")
    coded = coded.where((F.col("until") == "") | (F.col("EffectiveDate") <= F.col("until")))
    latest = coded.groupBy("NhsNumber").agg(
        F.max_by("is_dissent", F.struct("EffectiveDate", "is_dissent")).alias("objects")
    )
    return latest.where("objects").select(F.col("NhsNumber").alias("n"))


def mart(rows: DataFrame, spec: dict, out: DataFrame, allowed: DataFrame, *, key: str) -> DataFrame:
    plain = F.regexp_replace(spec["number"], r"[ \-]", "")
    rows = rows.withColumn("~plain", F.when(F.col(spec["withheld"]).isNull(), plain))
    rows = rows.where(F.col("~plain").isNull() | holds(F.col("~plain")))
    rows = rows.join(out, rows["~plain"] == out["n"], "left_anti")
    rows = rows.join(allowed, rows["~plain"] == allowed["n"], "left").where(
        F.col("~plain").isNull() | F.col("n").isNotNull()
    )
    dates = {name: F.to_date(name, "yyyy-MM-dd") for name in spec["dates"]}
    born, occurred = dates[spec["birth_date"]], dates[spec["occurred"]]
    low = F.least(F.greatest(F.floor(F.months_between(occurred, born) / 60) * 5, F.lit(0)), F.lit(90))
    rows = rows.withColumns(
        {
            "person_token": F.substring(F.sha2(F.concat(F.lit(key), F.col("~plain")), 256), 1, 18),
            "birth_year": F.year(born),
            "age_band": F.when(low >= 90, "90+").otherwise(F.concat_ws("-", low, low + 4)),
            "outward_postcode": F.upper(F.split(spec["postcode"], " ")[0]),
            "month": F.date_format(occurred, "yyyy-MM"),
        }
    )
    typed = {name: F.col(name).cast("double") for name in spec["numbers"]} | dates
    return rows.withColumns(typed).drop("~plain", "n", *spec["telling"])


def holds(plain):
    value = plain.cast("long")
    weighted = sum((F.floor(value / 10 ** (9 - place)) % 10) * (10 - place) for place in range(9))
    return plain.rlike(r"^[0-9]{10}$") & ((11 - weighted % 11) % 11 == value % 10) & (value % 1_111_111_111 != 0)


def link(spark: SparkSession, task: dict) -> None:
    parts = None
    for name in task["datasets"]:
        one = (
            spark.read.parquet(f"{task['to']}/{name}")
            .where("person_token IS NOT NULL")
            .groupBy("person_token", "month")
            .agg(F.count("*").alias("contacts"), F.sum("FinalPrice").alias("cost"))
            .withColumn("service_area", F.lit(name))
        )
        parts = one if parts is None else parts.unionByName(one)
    parts.write.partitionBy("month").parquet(f"{task['to']}/commissioning-mart")


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
