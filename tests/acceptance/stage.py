"""What the acceptance tests share: a provider in another process, a folder with lists, and the command as a user calls it."""

import base64
import csv
import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.acceptance.shell import BASE, GUARD, Done, Forked, Shell
from tests.history import Entry, check_history

COMMAND = str(Path(sys.executable).with_name("rumbleup"))
KEY = "c_acceptance:hunter2hunter2"
TEXT = "Dear {first_name}, quokkas vote on Tuesday. STOP to opt out"
COUNTS = ["sent", "refused", "skipped", "not_sent", "unknown"]
KEYS = ["run", "action", "total", *COUNTS, "elapsed_seconds", "texts_per_second", "stopped"]

_web = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_private = re.compile(
    r"(?<!\d)(?:\d[\s().+-]{0,3}){9}\d(?!\d)|hunter2|quokka|Traceback|" + re.escape(base64.b64encode(KEY.encode()).decode())
)
"""What nobody may meet on standard error: a phone, the key, the text, a traceback."""

_LAUNCH = """
import fcntl, os, resource, signal, sys, termios
if sys.argv[1] == "terminal":
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
elif sys.argv[1] == "small-disk":
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
elif sys.argv[1] == "no-stderr":
    os.close(2)
elif sys.argv[1] == "background":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Sets something up in the process that then becomes the command."""


class Provider:
    """`rumbleup simulate` in a process of its own."""

    def __init__(self, folder: Path, *arguments: str, port: int = 0) -> None:
        self.log = folder / f"simulator-{time.monotonic_ns()}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [COMMAND, "simulate", "--port", str(port), *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=BASE,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), self.log.read_text()
        self.port = int(self.url.removesuffix("/api").rpartition(":")[2])
        self.set(api_key=KEY)

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        """One request to the admin API."""
        data = None if body is None else json.dumps(body).encode()
        with _web.open(f"{self.url.removesuffix('/api')}/_simulator/{path}", data=data, timeout=30) as response:
            return bytes(response.read())

    def reset(self) -> None:
        """As when it was started, but with the tests' key."""
        self.call("resume", {})
        self.call("reset", {})
        self.set(api_key=KEY)

    def set(self, **settings: Any) -> None:
        """Change settings."""
        self.call("settings", settings)

    def faults(self, rates: Mapping[str, float] | None = None, phones: Mapping[str, Any] | None = None) -> None:
        """Set the rates, and the faults of single phones."""
        self.call("faults", {"rates": rates or {}, "phones": phones or {}})

    def truth(self) -> list[dict[str, Any]]:
        """Every text that left."""
        lines = self.call("truth?fields=phone,text,action,flags,group,logid,time").splitlines()
        return [json.loads(line) for line in lines]

    def summary(self) -> dict[str, Any]:
        """Figures over the texts that left, and the requests."""
        found: dict[str, Any] = json.loads(self.call("summary"))
        return found

    @property
    def left(self) -> int:
        """How many texts left."""
        return int(self.summary()["texts"])

    @property
    def requests(self) -> int:
        """How many sends were asked for."""
        requests = self.summary()["requests"]
        return sum(int(requests.get(endpoint, {}).get("received", 0)) for endpoint in ("message/send", "sendblue/send"))

    def wait_for(self, texts: int) -> None:
        """Return when so many texts have left."""
        until(lambda: self.left >= texts, f"{texts} texts did not leave")

    def close(self) -> None:
        """End it. What it wrote may hold no traceback either."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        assert "Traceback" not in self.log.read_text()


def until(true: Callable[[], object], otherwise: str, seconds: float = GUARD) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)


def leaked(done: Done) -> str:
    """What a command said that nobody may meet in a log, or ""."""
    found = _private.search(done.err)
    if found is not None:
        return f"{found[0]!r} on standard error"
    return "the key on standard output" if "hunter2" in done.out else ""


class Running:
    """A command under way."""

    def __init__(self, stage: "Stage", process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._stage = stage

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self, seconds: float = GUARD) -> Done:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=seconds)
        return self._stage.heard(Done(self.process.returncode, out, err or ""))


class Terminal:
    """A command under way on a terminal of its own."""

    def __init__(self, stage: "Stage", process: "subprocess.Popen[bytes]", master: int) -> None:
        self.process = process
        self.shown = ""
        self._stage = stage
        self._master = master

    def read_until(self, words: str) -> None:
        """Read the screen until the words stand there."""
        until(lambda: self._read() and words in self.shown, f"{words!r} was never shown")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def wait(self) -> Done:
        """Wait for the end of the command; everything shown counts as standard error."""
        until(lambda: self._read() and self.process.poll() is not None, "the command did not end")
        self._read()
        self.hang_up()
        return self._stage.heard(Done(self.process.returncode, "", self.shown))

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def _read(self) -> bool:
        while select.select([self._master], [], [], 0)[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the other side has ended
                break
            if not data:
                break
            self.shown += data.decode()
        return True


class Stage:
    """A folder, a provider, and the command called in them. Everything said to standard error is searched for secrets."""

    def __init__(self, folder: Path, provider: Provider, shell: Shell) -> None:
        self.folder = folder
        self.provider = provider
        self._shell = shell
        self.processes: list[subprocess.Popen[Any]] = []
        self.ledger = folder / "run.ledger"
        self._checked_sends = 0

    # ---- the command ----

    def environment(self, **changes: str | None) -> dict[str, str]:
        """The environment of a command; None takes a variable out."""
        values: dict[str, str | None] = {
            **BASE,
            "HOME": str(self.folder),
            "TERM": "xterm",
            "COLUMNS": "200",
            "RUMBLEUP_API_KEY": KEY,
            "RUMBLEUP_BASE_URL": self.provider.url,
            **changes,
        }
        return {name: value for name, value in values.items() if value is not None}

    def start(
        self,
        *arguments: object,
        env: Mapping[str, str] | None = None,
        stdin: Any = subprocess.DEVNULL,
        stderr: Any = subprocess.PIPE,
        within: str | None = None,
        command: Sequence[str] = (COMMAND,),
    ) -> Running:
        """Start the command; `within` is one of the setups of `_LAUNCH`."""
        command = [*command, *map(str, arguments)]
        env = self._checked(env, command)
        if within is not None:
            command = [sys.executable, "-c", _LAUNCH, within, *command]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return Running(self, process)

    def run(self, *arguments: object, piped: bytes | None = None, env: Mapping[str, str] | None = None) -> Done:
        """Run the command to its end, with so much on its standard input."""
        return self.heard(self.try_out(*arguments, piped=piped, env=env))

    def try_out(self, *arguments: object, piped: bytes | None = None, env: Mapping[str, str] | None = None) -> Done:
        """The same without a look at what it said."""
        stdin = Path(os.devnull) if piped is None else self.file("piped", piped)
        words = [*map(str, arguments)]
        done = self._shell.run(words, folder=self.folder, env=self._checked(env, words), stdin=stdin)
        if piped is not None:
            stdin.unlink()
        return done

    def begin(self, *arguments: object, env: Mapping[str, str] | None = None, file_size: int | None = None) -> Forked:
        """Start the command in a forked process, to strike it while it runs; one at a time."""
        words = [*map(str, arguments)]
        return self._shell.start(words, folder=self.folder, env=self._checked(env, words), file_size=file_size)

    def _checked(self, env: Mapping[str, str] | None, command: Sequence[str]) -> Mapping[str, str]:
        """The environment of a command; one without an address would turn to the provider itself."""
        env = env or self.environment()
        assert env.get("RUMBLEUP_BASE_URL") or "demo" in command, "a command without RUMBLEUP_BASE_URL"
        assert env.get("SENDBLUE_BASE_URL") or "SENDBLUE_API_KEY" not in env, "a command without SENDBLUE_BASE_URL"
        return env

    def send(self, source: object, *arguments: object, **options: Any) -> Done:
        """`rumbleup send` with the usual action, text and ledger, --yes and --json."""
        return self.run(*self.sending(source, *arguments), **options)

    def sending(self, source: object, *arguments: object) -> list[object]:
        """The arguments of `send`."""
        return [
            "send", source, "--action", "125", "--text", TEXT, "--ledger", self.ledger, "--yes", "--json", *arguments
        ]  # fmt: skip

    def resume(self, *arguments: object, **options: Any) -> Done:
        """`rumbleup resume` of the usual ledger."""
        return self.run("resume", self.ledger, "--yes", "--json", *arguments, **options)

    def on_terminal(self, *arguments: object) -> Terminal:
        """Start the command on a terminal of its own."""
        master, slave = os.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, "terminal", COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment(),
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        self.processes.append(process)
        return Terminal(self, process, master)

    def heard(self, done: Done) -> Done:
        """Search what was said for what nobody may read in a log."""
        found = leaked(done)
        if done.code == -signal.SIGINT:  # Python itself ended, before the first line of the command was run
            return done
        assert not found, f"{found}: {done.err}"
        return done

    def close(self) -> None:
        """End what is still running."""
        self._shell.end_current()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    # ---- lists ----

    def file(self, name: str, content: str | bytes) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def list(self, contacts: int, name: str = "voters.csv") -> Path:
        """A clean list."""
        return self.file(name, "phone,first_name\n" + "".join(f"{phone(n)},Ada\n" for n in range(contacts)))

    # ---- the end of every test ----

    def check(self, rows: int, *, truth: Sequence[Mapping[str, Any]] | None = None, **options: Any) -> dict[str, Entry]:
        """Write the report and hold list, ledger, report and truth against each other."""
        report = self.folder / "report.csv"
        done = self.run("report", self.ledger, "--out", report)
        assert done.code == 0, done.err
        contacts = check_history(
            rows=rows,
            ledger=self.ledger,
            report=report,
            truth=self.provider.truth() if truth is None else truth,
            **options,
        )
        self.is_checked()
        return contacts

    def is_checked(self) -> None:
        """Everything that was sent so far was held against the truth, or is of no run."""
        self._checked_sends = self.provider.requests

    def must_be_checked(self) -> None:
        """Fail a test that has sent something after its last check."""
        unchecked = self.provider.requests - self._checked_sends
        assert not unchecked, f"{unchecked} sends since the last check: end the test with stage.check()"


def phone(number: int) -> str:
    """The nth phone of the lists."""
    return f"{(202, 312, 415, 614)[number % 4]}{320 + number // 10_000}{number % 10_000:04d}"


def text_for(name: str) -> str:
    """The text as it should arrive."""
    return TEXT.replace("{first_name}", name)


class Messy(NamedTuple):
    """A list as people keep them, and who is to get which text."""

    content: bytes
    rows: int
    planned: dict[str, str]


def messy(rows: int, seed: int = 7) -> Messy:
    """A semicolon-separated list with a byte order mark: bad phones, repeated ones, missing names, line breaks in cells."""
    chance = random.Random(seed)
    planned: dict[str, str] = {}
    known: list[str] = []
    path_rows: list[list[str]] = []
    for number in range(rows):
        draw = chance.random()
        name = "" if chance.random() < 0.02 else chance.choice(("Ada", "José", "Zoë", "O'Brien", "Smith; Jr.", 'Ann "Annie"'))
        raw = chosen = phone(number)
        if draw < 0.03:
            raw = chance.choice(("", "n/a", "555-0101", "2.03E+09", "2025550101.0", "+44 20 7946 0101", "911", "call me"))
            chosen = ""
        elif draw < 0.10 and known:
            raw = chosen = chance.choice(known)
        if chosen:
            raw = chance.choice(_WAYS).format(chosen[:3], chosen[3:6], chosen[6:])
            known.append(chosen)
            if name:
                planned.setdefault(chosen, text_for(name))
        path_rows.append([str(number), name, "two\nlines" if chance.random() < 0.01 else "Dayton", raw])
    return Messy(_written(path_rows), rows, planned)


_WAYS = ("{}{}{}", "({}) {}-{}", "{}-{}-{}", "+1{}{}{}", "1 {} {} {}", "{}.{}.{}", " {}{}{} ")


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    lines: list[str] = []

    class _Sink:
        def write(self, line: str) -> object:
            lines.append(line)
            return None

    writer = csv.writer(_Sink(), delimiter=";")
    writer.writerow(["VAN ID", "First Name", "City", "Cell Phone"])
    writer.writerows(rows)
    return "".join(lines).encode("utf-8-sig")


@contextmanager
def providing(folder: Path, *arguments: str, port: int = 0) -> Iterator[Provider]:
    """A provider of one's own."""
    provider = Provider(folder, *arguments, port=port)
    try:
        yield provider
    finally:
        provider.close()
