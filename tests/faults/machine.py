"""A machine that dies on request: runs the program, counts its calls to the kernel, and breaks one of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
TRACED = (
    "write", "pwrite64", "writev", "fsync", "fdatasync", "rename", "renameat2", "ftruncate", "fallocate",
    "unlink", "unlinkat", "mkdir", "rmdir", "openat",
)  # fmt: skip
_CALL = re.compile(r"(\d+) +(\w+)\((.*)")
_PATH = re.compile(r'<(/[^>]*)>|"([^"]*)"')


@dataclass(frozen=True)
class Call:
    """One call of a clean run: the n-th of its name, and the file it was about."""

    name: str
    nth: int
    thread: int
    about: str
    creates: bool
    source: str = ""
    """For a renaming, the name before."""


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    calls: list[Call] = field(default_factory=list)
    injected: bool = False

    @property
    def document(self):
        return json.loads(self.out)


@dataclass(frozen=True)
class Started:
    """A command that waits to be let go, and the folder its words go to."""

    pid: int
    said: Path


class Machine:
    """Runs commands, one after the other or together."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, str(HERE / "forked.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        for pipe in (self._server.stdin, self._server.stdout):
            pipe.close()
        self._server.wait()

    def run(
        self,
        argv,
        *,
        scene: Path,
        inject: str | None = None,
        trace=False,
        limit=0,
        said: Path | None = None,
        environ=None,
    ) -> Ended:
        """One command in that scene: `home`, `tmp`, `cwd` are folders of it; no file may outgrow a limit of bytes."""
        started = self._fork(
            argv, scene, said or scene / "said", limit=limit, environ=environ, one_thread=bool(inject or trace)
        )
        log = started.said / "calls"
        tracer = _attach(started.pid, log, inject) if inject or trace else None
        self._ask(do="go", pid=started.pid)
        ended = self._wait(started)
        if tracer:
            tracer.wait()
            ended.calls, ended.injected = _calls(log), _was_hit(log)
        return ended

    def together(self, commands, *, scene: Path) -> list[Ended]:
        """Several commands let go at the same moment."""
        all_started = [self._fork(argv, scene, scene / f"said-{at}") for at, argv in enumerate(commands)]
        for started in all_started:
            self._ask(do="go", pid=started.pid)
        return [self._wait(started) for started in all_started]

    def _fork(self, argv, scene: Path, said: Path, *, limit=0, environ=None, one_thread=False) -> Started:
        for folder in (scene / "home", scene / "tmp", scene / "cwd", said):
            folder.mkdir(exist_ok=True)
        env = {"HOME": str(scene / "home"), "TMPDIR": str(scene / "tmp"), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        words = {"argv": [str(word) for word in argv], "env": env, "cwd": str(scene / "cwd"), "limit": limit}
        words["one_thread"] = one_thread
        words["env"].update(environ or {})
        return Started(self._ask(do="fork", out=str(said / "out"), err=str(said / "err"), **words)["pid"], said)

    def _wait(self, started: Started) -> Ended:
        code = self._ask(do="wait", pid=started.pid)["exit"]
        out, err = ((started.said / name).read_text(errors="replace") for name in ("out", "err"))
        return Ended(code, out, err)

    def _ask(self, **request):
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        if not (answer := self._server.stdout.readline()):
            raise RuntimeError(f"the machine itself ended with {self._server.wait()} when asked to {request['do']}")
        return json.loads(answer)


def can_trace() -> str:
    """Why calls cannot be broken on this machine; empty if they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    sleeper = subprocess.Popen(["sleep", "5"])
    try:
        probe = subprocess.Popen(["strace", "-p", str(sleeper.pid)], stderr=subprocess.PIPE, text=True)
        time.sleep(0.2)
        refused = probe.poll() is not None
        probe.kill()
        probe.wait()
        probe.stderr.close()
    finally:
        sleeper.kill()
        sleeper.wait()
    return "ptrace is forbidden here" if refused else ""


def _attach(pid: int, log: Path, inject: str | None):
    log.unlink(missing_ok=True)
    words = ["strace", "-f", "-q", "-y", "-s", "0", "-e", f"trace={','.join(TRACED)}", "-o", str(log), "-p", str(pid)]
    if inject:
        words += ["-e", f"inject={inject}"]
    tracer = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    status = Path(f"/proc/{pid}/status")
    while "TracerPid:\t0\n" in status.read_text():
        if tracer.poll() is not None:
            raise RuntimeError("strace did not attach")
        time.sleep(0.001)
    return tracer


def _calls(log: Path) -> list[Call]:
    counted: dict[tuple[str, str], int] = {}
    found = []
    for line in log.read_text(errors="replace").splitlines():
        match = _CALL.match(line)
        if match is None:
            continue
        thread, name, rest = match.groups()
        nth = counted[thread, name] = counted.get((thread, name), 0) + 1
        paths = [one or two for one, two in _PATH.findall(rest)]
        about = next((path for path in reversed(paths) if path.startswith("/")), paths[-1] if paths else "")
        if name in {"write", "pwrite64", "fsync", "fdatasync", "ftruncate", "writev"}:
            about = paths[0] if paths else ""
        source = paths[0] if name.startswith("rename") and paths else ""
        found.append(Call(name, nth, int(thread), about, "O_CREAT" in rest, source))
    return found


def _was_hit(log: Path) -> bool:
    written = log.read_text(errors="replace")
    return "(INJECTED)" in written or "killed by SIGKILL" in written
