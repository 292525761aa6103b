"""What `import rumbleup_async` costs a service that embeds it, in fresh interpreters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.results import Figure, Measured

_IMPORT = "import time; began = time.perf_counter(); import rumbleup_async; print(time.perf_counter() - began)"
_MODULES = ("typer", "rich", "phonenumbers", "sqlite3", "rumbleup_async.simulator", "rumbleup_async.engine.engine")
_HEAVY = f"import sys, rumbleup_async; print(*sorted(sys.modules.keys() & {set(_MODULES)}))"


def _fresh(code: str, root: Path | None = None) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root).stdout.strip()


def seconds(root: Path) -> float:
    """What `import rumbleup_async` takes in the checkout `root`."""
    return float(_fresh(_IMPORT, root))


def main(*, quick: bool = False) -> Measured:
    """Seconds, and what heavy modules came along."""
    rounds = 2 if quick else 11
    ours, aiohttp = [], []
    for _ in range(rounds):
        ours.append(float(_fresh(_IMPORT)))
        aiohttp.append(float(_fresh(_IMPORT.replace("rumbleup_async", "aiohttp"))))
    figures = [Figure("import rumbleup_async", "s", ours), Figure("of which aiohttp, imported alone", "s", aiohttp)]
    return Measured(rounds=rounds, notes=[f"heavy modules loaded: {_fresh(_HEAVY) or 'none'}"], figures=figures)
