"""Runs the command line in forks of one warm interpreter: importing takes longer than the commands themselves.

Reads one JSON line a request from standard input and answers with one. A child
waits before its first instruction until it is told to go, so that whoever
traces it sees the whole command. Where it is traced, one thread does everything:
only then is the n-th call of one run the n-th call of the next.
"""

import ctypes
import faulthandler
import importlib
import json
import os
import resource
import signal
import sys
from concurrent.futures import Future
from typing import Self

WARM = (
    "caldicott.cli.app", "caldicott.cli.reports", "caldicott.operations.land", "caldicott.operations.run",
    "caldicott.operations.export", "caldicott.operations.status", "caldicott.policy.decide", "pyarrow.csv",
    "pyarrow.parquet", "caldicott.stores.key_passphrase", "caldicott.audit.table", "rich.table", "getpass",
)  # fmt: skip
_LONGEST = 120
_PR_SET_PTRACER, _ANYBODY = 0x59616D61, ctypes.c_ulong(-1)


class Inline:
    """An executor that does the work at once, in the caller's thread."""

    def __init__(self, _workers: int) -> None:
        pass

    def map(self, work, *items):
        return [work(*together) for together in zip(*items, strict=False)]

    def submit(self, work, *args: object):
        done = Future()
        try:
            done.set_result(work(*args))
        except BaseException as fault:  # noqa: BLE001  as an executor does: the caller asks for the result
            done.set_exception(fault)
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        pass

    def shutdown(self) -> None:
        pass


def on_one_thread():
    connection = importlib.import_module("caldicott.engines.duckdb.connection")
    connect = connection.connect

    def alone(**settings):
        return connect(**{**settings, "threads": 1})

    ours = [module for name, module in [*sys.modules.items()] if name.startswith("caldicott.")]
    for module in ours:
        if getattr(module, "connect", None) is connect:
            module.connect = alone
        if hasattr(module, "ThreadPoolExecutor"):
            module.ThreadPoolExecutor = Inline


def child(request, gate):
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python itself sets it: a limit is an error, not a signal
    for number, path in ((1, request["out"]), (2, request["err"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["caldicott", *request["argv"]]
    on_one_thread()
    if limit := request["limit"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    os.read(gate, 1)
    faulthandler.dump_traceback_later(_LONGEST, exit=True)  # a command that hangs says where, and ends
    try:
        sys.modules["caldicott.cli.app"].main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    try:
        sys.stdout.flush()
    except OSError:
        code = 120
    os._exit(code)


def serve():
    for name in WARM:
        importlib.import_module(name)
    gates = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "fork":
            gate, opens = os.pipe()
            pid = os.fork()
            if not pid:
                try:
                    child(request, gate)
                finally:
                    os._exit(99)
            os.close(gate)
            gates[pid] = opens
            answer = {"pid": pid}
        elif request["do"] == "go":
            os.write(gates[request["pid"]], b"g")
            os.close(gates.pop(request["pid"]))
            answer = {}
        else:
            _, status = os.waitpid(request["pid"], 0)
            answer = {"exit": os.waitstatus_to_exitcode(status)}
        sys.__stdout__.write(json.dumps(answer) + "\n")
        sys.__stdout__.flush()


if __name__ == "__main__":
    serve()
