"""One way to open Spark: on this machine, nothing on the disk unencrypted, nothing said, nothing reached outside.

Spark quotes rows in its logs and in its exceptions. So what the Java machine
and its Python workers write to the terminal goes nowhere, and of a fault only
its kind travels on.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING, Any, Final

from caldicott.vocabulary.errors import DoesNotHold, ProgramFault, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

_LOOPBACK: Final = "127.0.0.1"
_SETTINGS: Final = {
    # What is spilled, shuffled, cached or broadcast is encrypted under a key that Spark draws for this session.
    "spark.io.encryption.enabled": "true",
    "spark.io.encryption.keySizeBits": "256",
    "spark.ui.enabled": "false",
    "spark.eventLog.enabled": "false",
    "spark.driver.host": _LOOPBACK,
    "spark.driver.bindAddress": _LOOPBACK,
    "spark.log.level": "OFF",
    "spark.log.structuredLogging.enabled": "false",
    "spark.python.unix.domain.socket.enabled": "true",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.maxResultSize": "0",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.hadoop.parquet.compression.codec.zstd.level": "1",
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    "spark.sql.catalogImplementation": "in-memory",
}
_STORE_FAULTS: Final = re.compile(r"\((file-missing|file-does-not-open)\)")


@contextmanager
def open_session(*, cores: int = 2, memory: str = "2g", partitions: int = 8) -> Iterator[SparkSession]:
    """A session of its own, with a private folder for what does not fit into memory; both are gone at the end.

    Raises:
        WrongUsage: Spark or Java is not installed.
    """
    _require_installed()
    with tempfile.TemporaryDirectory(prefix="caldicott-spark-") as folder, _workers_of_this_python():
        settings = {**_SETTINGS, **_private(folder), "spark.driver.memory": memory}
        settings["spark.sql.shuffle.partitions"] = str(partitions)
        session = _start(settings, cores=cores)
        try:
            yield session
        finally:
            _stop(session)


def _private(folder: str) -> dict[str, str]:
    """Every place Spark and Java write to, below one folder that only its owner opens."""
    java = (
        f"-Djava.io.tmpdir={folder} -XX:-UsePerfData -XX:ErrorFile={folder}/java-fault.log -Dderby.system.home={folder}"
    )
    return {
        "spark.local.dir": folder,
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.driver.extraJavaOptions": java,
    }


def _require_installed() -> None:
    missing = [name for name in ("pyspark", "sqlglot") if find_spec(name) is None]
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        missing.append("Java 17 or later")
    if missing:
        raise WrongUsage(
            f"the Spark engine is not installed here: {' and '.join(missing)} is missing",
            code="spark-not-installed",
            where="--engine",
            next_step="install `caldicott[spark]` and Java (docs/how-to/run-on-spark.md), or use --engine duckdb",
        )


@contextmanager
def _workers_of_this_python() -> Iterator[None]:
    # A worker opens the store's files with this very package, so it has to be this very Python.
    names = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": _LOOPBACK}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start(settings: dict[str, str], *, cores: int) -> SparkSession:
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    if SparkContext._active_spark_context is not None:  # noqa: SLF001  the only place where it says so
        raise WrongUsage(
            "a Spark session of another kind is open in this process",
            code="spark-session-open",
            next_step="run the command in a process of its own",
        )
    # Python's own copy of what Spark says about a faulty statement.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger", "py4j"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    conf = SparkConf(loadDefaults=False).setMaster(f"local[{cores}]").setAppName("caldicott")
    conf.setAll(list(settings.items()))
    with spark_faults("start"):
        gateway = launch_gateway(conf, popen_kwargs={"stdout": DEVNULL, "stderr": DEVNULL})
        context = SparkContext(conf=conf, gateway=gateway)
        context.setLogLevel("OFF")
        return SparkSession(context)


def _stop(session: Any) -> None:
    """End the Java machine too: it holds rows in its memory."""
    from pyspark import SparkContext

    gateway = session.sparkContext._gateway  # noqa: SLF001  PySpark leaves the Java machine running
    session.stop()
    gateway.shutdown()
    if gateway.proc is not None:
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=60)
    SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001  so that the next session starts its own


@contextmanager
def spark_faults(step: str) -> Iterator[None]:
    """Spark's words may quote rows: they stay here, and only the kind of fault and the step travel."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as fault:
        if _STORE_FAULTS.search(str(fault)):
            raise DoesNotHold(
                "an encrypted file of the store is not there, does not open or was changed",
                code="file-does-not-open",
                next_step="run the same command with --engine duckdb: it names the file",
            ) from None
        raise ProgramFault(
            f"the engine could not finish the step '{step}' ({type(fault).__name__})",
            code="engine-fault",
            next_step="see to the disk's space and the memory limit, then run the same command again; nothing was changed",
        ) from None


def private_folder(session: SparkSession) -> Path:
    """Where the session writes what does not fit into memory."""
    return Path(session.sparkContext.getConf().get("spark.local.dir") or "")
