"""Senders in processes of their own, in interleaved rounds: what is compared ran within the same minutes.

Lives here: starting senders and collecting what they print.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks import peers_env
from benchmarks.results import Row, Run
from benchmarks.serving import Served

_LONGEST = 300
"""Seconds that one run may take."""


class Sender(NamedTuple):
    """A row to be: a module of `benchmarks.senders` and what it is told. `texts`: fewer for the slow ones, so that each takes
    about as long. `peer`: runs in the peers' environment."""

    name: str
    module: str
    texts: int
    options: tuple[str, ...] = ()
    peer: bool = False
    concurrency: int = 64

    @property
    def missing(self) -> str:
        """Why it cannot run here, "" if it can."""
        if self.peer and peers_env.python() is None:
            return "not installed: python -m benchmarks peers"
        if self.module == "wrk" and shutil.which("wrk") is None:
            return "wrk is not installed"
        return ""


class SenderFailed(Exception):
    """A sender did not get through."""


@contextmanager
def folder() -> Iterator[Path]:
    """A folder on the disk of the working directory: ledgers in /tmp may be in memory."""
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as name:
        yield Path(name)


def run(sender: Sender, served: Served, work: Path, *, root: Path = peers_env.ROOT) -> Run:
    """Run a sender of the checkout `root` once; SenderFailed with its last words if it does not get through."""
    python = peers_env.python() if sender.peer else sys.executable
    assert python is not None
    command = [python, "-m", f"benchmarks.senders.{sender.module}", "--url", served.url, "--texts", str(sender.texts)]
    command += ["--concurrency", str(sender.concurrency), *sender.options]
    if served.ca is not None:
        command += ["--ca", served.ca]
    with tempfile.TemporaryDirectory(dir=work) as own:
        if sender.module in {"ours", "ours_sendblue", "wrk"}:
            command += ["--folder", own]
        used = served.cpu()
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_LONGEST, cwd=root, env=_environment()
        )
        used = served.cpu() - used
    if done.returncode:
        raise SenderFailed((done.stderr.strip().splitlines() or ["it printed nothing"])[-1][:200])
    measured = msgspec.json.decode(done.stdout.strip().splitlines()[-1], type=Run)
    # The server is idle while a sender starts and prepares, so what it used is all of the run.
    return msgspec.structs.replace(measured, server_busy=used / measured.seconds)


def _environment() -> dict[str, str]:
    """This process's own, without proxies: nothing goes anywhere else than to the server."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def interleaved(senders: Sequence[Sender], served: Served, work: Path, rounds: int) -> list[Row]:
    """Every sender once a round. One that fails is left out from then on, and says so in its row."""
    runs: dict[str, list[Run]] = {sender.name: [] for sender in senders}
    missing = {sender.name: sender.missing for sender in senders}
    for number in range(rounds):
        for sender in senders:
            if missing[sender.name]:
                continue
            began = time.monotonic()
            try:
                runs[sender.name].append(run(sender, served, work))
            except (SenderFailed, subprocess.TimeoutExpired) as error:
                missing[sender.name] = f"failed: {error}"
                runs[sender.name].clear()
            say(f"{served.name}, round {number + 1} of {rounds}: {sender.name}, {time.monotonic() - began:.1f} s")
    return [Row(sender.name, runs[sender.name], missing[sender.name]) for sender in senders]


def capacity(served: Served, work: Path, *, concurrency: int, quick: bool) -> tuple[float, str]:
    """Answers a second that can be drawn from a server, and by what: wrk if it is there, else the least that Python can do."""
    options = ("--seconds", "1" if quick else "2")
    wrk = Sender("wrk", "wrk", 0, options, concurrency=concurrency)
    probe = Sender("a bare protocol", "probe", 500 if quick else 60_000, ("--loop", loop()), concurrency=concurrency)
    sender = probe if wrk.missing else wrk
    drawn = run(sender, served, work)
    return drawn.texts / drawn.seconds, sender.name


def loop() -> str:
    """The event loop that ours runs on by its command: uvloop where it is installed."""
    try:
        import uvloop  # noqa: F401
    except ImportError:
        return "asyncio"
    return "uvloop"


def say(line: str) -> None:
    """Progress, beside the results."""
    print(line, file=sys.stderr, flush=True)
