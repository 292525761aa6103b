"""The command in a process of its own, forked from one that has done the imports; a test may strike it while it runs.

The processes, files and sockets are as real as those of a new interpreter; only half a second of processor time each is saved.
Several may run side by side.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

GUARD = 90.0
"""Seconds after which something hangs. Nothing here is about speed."""

BASE = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}

_SERVE = """
import functools, gc, json, os, resource, select, signal, sys, traceback, typer.main
from rumbleup_async.__main__ import main
from rumbleup_async.cli import app
import rumbleup_async.session.client
try:
    import uvloop
except ImportError:
    pass
sys.path[:] = [place for place in sys.path if place]  # as for the command, which does not look into the current folder
typer.main.get_command = functools.cache(typer.main.get_command)
dict(typer.main.get_command(app.app).commands.items())  # all their modules and options, which takes longer than most commands
said, sys.stderr = sys.stderr, open(os.devnull, "w")
sys.argv = ["rumbleup", "status", "nowhere"]
try:
    main()
except SystemExit:
    sys.stderr = said
gc.collect()
gc.freeze()  # or each child would copy what the collector looks at
woken, wake = os.pipe()
os.set_blocking(wake, False)
signal.set_wakeup_fd(wake)
signal.signal(signal.SIGCHLD, lambda *_: None)  # it only wakes
NEWLINE, cases, children = bytes([10]), b"", set()
while True:
    if woken in select.select([0, woken], [], [])[0]:
        os.read(woken, 4096)
        for child in list(children):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                children.remove(child)
                print(child, os.waitstatus_to_exitcode(status), flush=True)
        continue
    data = os.read(0, 65536)
    if not data:
        break
    *lines, cases = (cases + data).split(NEWLINE)
    for line in lines:
        case = json.loads(line)
        child = os.fork()
        if child:
            children.add(child)
            print(child, flush=True)
            continue
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            os.close(woken)
            os.close(wake)
            os.setsid()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
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
            main()
            code = 0
        except SystemExit as end:
            code = 0 if end.code is None else end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
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


Heard = Callable[[Done], Done]
"""Searches what a command said for secrets, and returns it."""


class Forked:
    """A command under way in a forked process."""

    def __init__(self, shell: "Shell", pid: int, out: Path, err: Path, heard: Heard) -> None:
        self.pid = pid
        self.out = out
        self.err = err
        self._shell = shell
        self._heard = heard
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
            code = self._shell.code_of(self.pid, seconds)
            if code is not None:
                self._done = Done(code, self.out.read_text(), self.err.read_text())
                for file in (self.out, self.err):
                    file.unlink()
                self._heard(self._done)
        return self._done

    def has_said(self, words: str) -> bool:
        """Whether these words are on its standard error by now."""
        return words in (self._done.err if self.ended_within(0) and self._done else self.err.read_text())

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal. Nothing happens if it has ended meanwhile."""
        if self.ended_within(0) is None:
            # Its parent may have waited for it in this very moment; then the number belongs to nobody.
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


class Shell:
    """Starts commands, and knows how they ended. `first`: Python that is run in each of them before the command."""

    def __init__(self, first: str = "") -> None:
        self._read = b""
        self._codes: dict[int, int] = {}
        self._running: set[int] = set()
        self._number = 0
        self._folder = tempfile.TemporaryDirectory(prefix="said-")
        self._process = subprocess.Popen(
            [sys.executable, "-c", first + _SERVE],
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
        heard: Heard = lambda done: done,
    ) -> Forked:
        """Start a command; no file that it writes may grow beyond `file_size` bytes. What it said goes through `heard`."""
        self._number += 1
        out, err = (Path(self._folder.name) / f"{self._number}.{name}" for name in ("out", "err"))
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
        while len(words := self._words(GUARD) or []) == 2:
            self._ended(*words)
        assert words, "nothing was started"
        (pid,) = words
        self._codes.pop(pid, None)  # of somebody who had this number before
        self._running.add(pid)
        return Forked(self, pid, out, err, heard)

    def run(self, arguments: Sequence[str], *, seconds: float = GUARD, **options: Any) -> Done:
        """Run a command to its end."""
        return self.start(arguments, **options).wait(seconds)

    def code_of(self, pid: int, seconds: float) -> int | None:
        """How a process ended, or None if it still runs after so many seconds."""
        end = time.monotonic() + seconds
        while pid not in self._codes:
            words = self._words(max(0.0, end - time.monotonic()))
            if words is None:
                return None
            self._ended(*words)
        return self._codes.pop(pid)

    def _ended(self, pid: int, code: int) -> None:
        self._codes[pid] = code
        self._running.discard(pid)

    def _words(self, seconds: float) -> list[int] | None:
        """What the forking process says next: who was started, or who ended and how; None if nothing within so many seconds."""
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
        return [int(word) for word in line.split()]

    def end_all(self) -> None:
        """End what is still running."""
        for pid in list(self._running):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self.code_of(pid, GUARD)

    def close(self) -> None:
        """End it, and what it still runs."""
        self.end_all()
        self._process.communicate(timeout=GUARD)
        self._folder.cleanup()
