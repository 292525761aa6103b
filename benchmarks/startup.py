"""What beginning costs, in fresh interpreters: `import rumbleup_async` in a service that embeds it, a short list through the
library, and `rumbleup send` of ten contacts from the shell's prompt to the next one."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers_env import ROOT
from benchmarks.results import Figure, Measured
from benchmarks.running import Sender, folder, loop, run
from benchmarks.senders.job import TEMPLATE
from benchmarks.serving import Served, serving

_IMPORT = "import time; began = time.perf_counter(); import rumbleup_async; print(time.perf_counter() - began)"
_MODULES = ("typer", "rich", "phonenumbers", "sqlite3", "rumbleup_async.simulator", "rumbleup_async.engine.engine")
_HEAVY = f"import sys, rumbleup_async; print(*sorted(sys.modules.keys() & {set(_MODULES)}))"
_FEW = 64
"""Texts through the library: as many as are in flight."""
_CONTACTS = 10
_COMMAND = f"rumbleup send of {_CONTACTS} contacts, start to end"
_LIBRARY = f"{_FEW} texts through the library, start to end"


class Spent(NamedTuple):
    """Of one process, from its start to its end, in milliseconds."""

    wall: float
    cpu: float


def _fresh(code: str, root: Path | None = None) -> str:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root, env=os.environ)
    return done.stdout.strip()


@contextlib.contextmanager
def kept_bytecode(work: Path) -> Iterator[None]:
    """Let all interpreters within keep what they compile, as an installed package does: where the environment forbids it, the
    compiler would be measured. The first run of each is not counted."""
    before = {name: os.environ.pop(name, None) for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")}
    os.environ["PYTHONPYCACHEPREFIX"] = str(work / "bytecode")
    try:
        yield
    finally:
        del os.environ["PYTHONPYCACHEPREFIX"]
        os.environ.update({name: value for name, value in before.items() if value is not None})


def seconds(root: Path) -> float:
    """What `import rumbleup_async` takes in the checkout `root`."""
    return float(_fresh(_IMPORT, root))


def command(root: Path, served: Served, work: Path) -> Spent:
    """`rumbleup send` of ten contacts, by the checkout `root`."""
    with tempfile.TemporaryDirectory(dir=work) as own:
        contacts = Path(own) / "voters.csv"
        rows = "".join(f"{2_013_400_000 + number},Ada\n" for number in range(_CONTACTS))
        contacts.write_text(f"phone,first_name\n{rows}", encoding="utf-8")
        words = ["send", str(contacts), "--action", "125", "--text", TEMPLATE, "--yes", "--json", "--no-book"]
        around = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        env = {**around, "RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": served.url}
        began, used = time.perf_counter(), _children()
        done = subprocess.run(
            [sys.executable, "-m", "rumbleup_async", *words], cwd=root, env=env, capture_output=True, text=True, check=False
        )
        spent = Spent((time.perf_counter() - began) * 1e3, (_children() - used) * 1e3)
    if done.returncode or f'"sent": {_CONTACTS}' not in done.stdout:
        sys.exit(f"the command did not send its list: {done.stderr.strip()[-300:]}")
    return spent


def library(root: Path, served: Served, work: Path) -> Spent:
    """As many texts as are in flight, from `RumbleUp(...)` until all is closed; the imports of `senders.ours` before."""
    done = run(Sender("", "ours", _FEW, ("--loop", loop())), served, work, root=root)
    return Spent(done.seconds * 1e3, done.cpu_seconds * 1e3)


def _children() -> float:
    """Seconds of CPU of the processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def both(root: Path, served: Served, work: Path) -> dict[str, float]:
    """The command's figures and the library's, by what is measured."""
    found = {_COMMAND: command(root, served, work), _LIBRARY: library(root, served, work)}
    return {
        **{f"{name}: wall, ms": spent.wall for name, spent in found.items()},
        **{f"{name}: CPU, ms": spent.cpu for name, spent in found.items()},
    }


def main(*, quick: bool = False) -> Measured:
    """Seconds, and what heavy modules came along."""
    rounds = 2 if quick else 11
    ours: list[float] = []
    aiohttp: list[float] = []
    begun: dict[str, list[float]] = {}
    with folder() as work, serving(work) as served, kept_bytecode(work):
        for number in range(rounds + 1):
            figures = both(ROOT, served, work)
            imports = float(_fresh(_IMPORT)), float(_fresh(_IMPORT.replace("rumbleup_async", "aiohttp")))
            if not number:
                continue
            ours.append(imports[0])
            aiohttp.append(imports[1])
            for name, value in figures.items():
                begun.setdefault(name, []).append(value)
    figures_ = [
        Figure("import rumbleup_async", "s", ours),
        Figure("for comparison: import aiohttp", "s", aiohttp),
        *(Figure(name.partition(", ms")[0], "ms", values) for name, values in begun.items()),
    ]
    notes = [f"heavy modules loaded by the import: {_fresh(_HEAVY) or 'none'}", "bytecode is kept, as in an installed package"]
    return Measured(rounds=rounds, notes=notes, figures=figures_)
