"""Run one subject of a benchmark as a process of its own: wall time, processor time, memory, what it printed.

Memory is the sum over the subject and everything it started (PySpark's Java
too), looked at ten times a second, or the kernel's own maximum of the
subject if that is more. Pages of files in the cache do not count.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LAST_WORDS = 300


@dataclass(frozen=True)
class Outcome:
    """What one run of a subject took, or why it did not come to an end."""

    wall: float
    cpu: float
    gigabytes: float
    printed: dict[str, Any] = field(default_factory=dict)
    fault: str = ""


def run(
    command: list[str], *, env: dict[str, str] | None = None, cgroup: Path | None = None, seconds: float = 3600
) -> Outcome:
    """Run to the end. The subject's last line of output is one JSON document.

    `cgroup` is the folder of a control group that the caller was given and set a
    limit on; the subject enters it before it starts. (RLIMIT_DATA and RLIMIT_AS
    were tried and left: they count address space that Arrow and DuckDB reserve and
    never touch, and stop a job that uses 0.8 GB at a limit of 2.)
    """
    os.sync()  # what the last subject left to write is not this one's time
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        child = subprocess.Popen(
            command,
            stdout=out,
            stderr=err,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            preexec_fn=_entrance(cgroup),  # noqa: PLW1509  one thread, no locks held
        )
        watched = _Watched(child.pid)
        while (ended := os.wait4(child.pid, os.WNOHANG))[0] == 0:
            if time.perf_counter() - start > seconds:
                child.kill()
            watched.look()
            time.sleep(0.1)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(ended[1])
        return _outcome(child.returncode, wall, watched, ended[2], _text(out), _text(err))


def _outcome(code: int, wall: float, watched: _Watched, used: Any, *said: str) -> Outcome:
    out, err = said
    cpu = max(used.ru_utime + used.ru_stime, watched.cpu)
    gigabytes = max(used.ru_maxrss * 1024, watched.most_bytes) / 1e9
    if code:
        return Outcome(wall, cpu, gigabytes, fault=f"ended with {code}: {_last_line(err) or _last_line(out)}")
    return Outcome(wall, cpu, gigabytes, printed=json.loads(_last_line(out) or "{}"))


class _Watched:
    """A process and all that it started, as /proc shows them."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._cpu: dict[int, float] = {}
        self.most_bytes = 0

    @property
    def cpu(self) -> float:
        return sum(self._cpu.values())

    def look(self) -> None:
        waiting, held = [self._root], 0
        while waiting:
            one = waiting.pop()
            try:
                held += self._one(one)
                waiting += _children(one)
            except OSError:
                continue  # it ended while it was looked at
        self.most_bytes = max(self.most_bytes, held)

    def _one(self, process: int) -> int:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        self._cpu[process] = (int(fields[11]) + int(fields[12])) / _TICK
        return int(fields[21]) * _PAGE


def _children(process: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{process}/task").iterdir():
        found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def _entrance(cgroup: Path | None) -> Any:
    return None if cgroup is None else lambda: (cgroup / "cgroup.procs").write_text(str(os.getpid()))


def _text(stream: Any) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8", "replace")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    return last if last.startswith("{") else last[:_LAST_WORDS]
