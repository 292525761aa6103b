"""A folder with lists, a provider, and the command as a user calls it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.acceptance.commands import LAUNCH, Running, Terminal, leaked
from tests.acceptance.lists import TEXT, phone
from tests.acceptance.provider_process import COMMAND, KEY, Provider, until
from tests.acceptance.shell import BASE, Done, Forked, Shell
from tests.history import Entry, check_history

COUNTS = ["sent", "refused", "skipped", "not_sent", "unknown"]
FLOW = ["allowed_per_second", "throttled", "holds", "held_seconds"]
KEYS = ["run", "action", "total", *COUNTS, "elapsed_seconds", "texts_per_second", "stopped", "stop_cause", *FLOW, "reasons"]
RUN_KEYS = [*KEYS, "rehearsal"]
"""Of a command that sends, or would; KEYS are those of a look at a run."""


def quiet(err: str) -> str:
    """What a command that was told to be quiet has said all the same, but for the line about a server on this machine."""
    lines = err.splitlines(keepends=True)
    assert sum(line.startswith("rehearsal: ") for line in lines) <= 1, err
    return "".join(line for line in lines if not line.startswith("rehearsal: "))


ECHO = 0.6
"""Seconds after which a second signal is not the first one again."""


def interrupt_twice(running: Forked) -> None:
    """Two signals, so far apart that the second one is not the first once more. The first one waits for what is in flight."""
    running.signal(signal.SIGINT)
    until(lambda: running.has_said("stopping"), "the first signal was not heard")
    assert running.ended_within(ECHO) is None, "the first signal waits for what is in flight"
    running.signal(signal.SIGINT)


class Stage:
    """A folder, a provider, and the command. Everything on standard error is searched for secrets."""

    def __init__(self, folder: Path, provider: Provider, shell: Shell) -> None:
        self.folder = folder
        self.provider = provider
        self._shell = shell
        self.processes: list[subprocess.Popen[Any]] = []
        self.ledger = folder / "run.ledger"
        self._checked_sends = 0

    # ---- the command ----

    def environment(self, **changes: str | None) -> dict[str, str]:
        """The environment of a command. None removes a variable."""
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
        """Start the command in an interpreter of its own. `within` is one of the preparations of `LAUNCH`."""
        command = [*command, *map(str, arguments)]
        env = self._checked(env, command)
        if within is not None:
            command = [sys.executable, "-c", LAUNCH, within, *command]
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
        return Running(self.heard, process)

    def run(self, *arguments: object, piped: bytes | None = None, env: Mapping[str, str] | None = None) -> Done:
        """Run the command to its end, with `piped` on its standard input."""
        return self.heard(self.try_out(*arguments, piped=piped, env=env))

    def try_out(self, *arguments: object, piped: bytes | None = None, env: Mapping[str, str] | None = None) -> Done:
        """Run the command to its end, without searching what it printed."""
        stdin = Path(os.devnull) if piped is None else self.file("piped", piped)
        words = [*map(str, arguments)]
        done = self._shell.run(words, folder=self.folder, env=self._checked(env, words), stdin=stdin)
        if piped is not None:
            stdin.unlink()
        return done

    def begin(self, *arguments: object, env: Mapping[str, str] | None = None, file_size: int | None = None) -> Forked:
        """Start the command in a forked process, so that it can be struck while it runs."""
        words = [*map(str, arguments)]
        checked = self._checked(env, words)
        return self._shell.start(words, folder=self.folder, env=checked, file_size=file_size, heard=self.heard)

    def _checked(self, env: Mapping[str, str] | None, command: Sequence[str]) -> Mapping[str, str]:
        """The environment of a command. Without an address the command would call the real provider."""
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
            [sys.executable, "-c", LAUNCH, "terminal", COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment(),
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        self.processes.append(process)
        return Terminal(self.heard, process, master)

    def heard(self, done: Done) -> Done:
        """Search what a command printed for what may never be in a log."""
        found = leaked(done)
        if done.code == -signal.SIGINT:  # Python itself ended before the command began
            return done
        assert not found, f"{found}: {done.err}"
        return done

    def use_database(self, address: str) -> None:
        """From now on the ledger is a run in a database."""
        vars(self)["ledger"] = address

    def close(self) -> None:
        """End all commands that still run."""
        self._shell.end_all()
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
        """Write the report, and compare list, ledger, report and truth."""
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
        """Record that everything that was sent so far was compared with the truth, or belongs to no run."""
        self._checked_sends = self.provider.requests

    def must_be_checked(self) -> None:
        """Fail if something was sent after the last check."""
        unchecked = self.provider.requests - self._checked_sends
        assert not unchecked, f"{unchecked} sends since the last check: end the test with stage.check()"
