"""The command in a process of its own, forked from one that has done the imports; a test may strike it while it runs.

The processes, files and sockets are as real as those of a new interpreter; only half a second each is saved.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

GUARD = 90.0
"""Seconds after which something hangs. Nothing here is about speed."""

BASE = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}

_SERVE = """
import json, os, resource, signal, sys, traceback
from rumbleup_async.__main__ import main
from rumbleup_async.cli import app, demo, messages, reconcile, report, resume, send, simulate, status, texters
import rumbleup_async.session.client
try:
    import uvloop
except ImportError:
    pass
sys.path[:] = [place for place in sys.path if place]  # as for the command, which does not look into the current folder
said, sys.stderr = sys.stderr, open(os.devnull, "w")
sys.argv = ["rumbleup", "status", "nowhere"]
try:
    main()
except SystemExit:
    sys.stderr = said
for line in sys.stdin:
    case = json.loads(line)
    child = os.fork()
    if not child:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)  # they may be ignored where the tests run, behind `nohup` or an `&`
        os.chdir(case["folder"])
        for number, name in ((0, case["stdin"]), (1, case["out"]), (2, case["err"])):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY, 0o600), number)
        os.environ.clear()
        os.environ.update(case["env"])
        if case["file_size"] is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (case["file_size"],) * 2)
        sys.argv = ["rumbleup", *case["arguments"]]
        code = 1
        try:
            main()
            code = 0
        except SystemExit as end:
            code = 0 if end.code is None else end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Done(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        lines = self.out.splitlines()
        assert len(lines) == 1, f"standard output should hold one JSON object, and holds {self.out!r}; stderr: {self.err}"
        found: dict[str, Any] = json.loads(lines[0])
        return found


class Forked:
    """A command under way in a forked process."""

    def __init__(self, shell: "Shell", pid: int, out: Path, err: Path) -> None:
        self.pid = pid
        self.out = out
        self.err = err
        self._shell = shell
        self._done: Done | None = None

    def wait(self, seconds: float = GUARD) -> Done:
        """Wait for its end. One that does not come to it in time is killed: the next test finds the shell free."""
        done = self.ended_within(seconds)
        if done is None:
            self.signal(signal.SIGKILL)
            late = self.ended_within(GUARD)
            raise AssertionError(f"process {self.pid} did not end within {seconds} s, and was killed: {late}")
        return done

    def ended_within(self, seconds: float) -> Done | None:
        """Its end, or None if it still runs after so many seconds."""
        if self._done is None:
            line = self._shell.read_line(seconds)
            if line is not None:
                self._done = Done(int(line), self.out.read_text(), self.err.read_text())
        return self._done

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal. Nothing happens if it has ended meanwhile."""
        if self.ended_within(0) is None:
            # Its parent may have waited for it in this very moment; then the number belongs to nobody.
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


class Shell:
    """Runs one command after the other."""

    def __init__(self) -> None:
        self._read = b""
        self._current: Forked | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            env=BASE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def start(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        env: Mapping[str, str],
        stdin: Path = Path(os.devnull),
        file_size: int | None = None,
    ) -> Forked:
        """Start a command; no file that it writes may grow beyond `file_size` bytes. The one before must have ended."""
        assert self._current is None or self._current.ended_within(0) is not None, "one at a time"
        out, err = (folder.parent / f"{folder.name}.{name}" for name in ("out", "err"))
        case = {
            "arguments": arguments,
            "folder": str(folder),
            "env": env,
            "stdin": str(stdin),
            "out": str(out),
            "err": str(err),
            "file_size": file_size,
        }
        out.write_text("")
        err.write_text("")
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(case).encode() + b"\n")
        self._process.stdin.flush()
        pid = self.read_line(GUARD)
        assert pid is not None
        self._current = Forked(self, int(pid), out, err)
        return self._current

    def run(self, arguments: Sequence[str], *, seconds: float = GUARD, **options: Any) -> Done:
        """Run a command to its end."""
        return self.start(arguments, **options).wait(seconds)

    def read_line(self, seconds: float) -> bytes | None:
        """What the forking process says next, or None if it says nothing within so many seconds."""
        assert self._process.stdout is not None
        number = self._process.stdout.fileno()
        end = time.monotonic() + seconds
        while b"\n" not in self._read:
            if not select.select([number], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            data = os.read(number, 4096)
            assert data, "the forking process has died"
            self._read += data
        line, _, self._read = self._read.partition(b"\n")
        return line

    def end_current(self) -> None:
        """End what is still running."""
        if self._current is not None and self._current.ended_within(0) is None:
            self._current.signal(signal.SIGKILL)
            self._current.wait()

    def close(self) -> None:
        """End it, and what it still runs."""
        self.end_current()
        self._process.communicate(timeout=GUARD)
