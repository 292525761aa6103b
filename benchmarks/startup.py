"""What `import rumbleup_async` costs a service that embeds it, in fresh interpreters."""

from __future__ import annotations

import statistics
import subprocess
import sys

_IMPORT = "import time; began = time.perf_counter(); import rumbleup_async; print(time.perf_counter() - began)"
_MODULES = ("typer", "rich", "phonenumbers", "sqlite3", "rumbleup_async.simulator", "rumbleup_async.bulk.engine")
_HEAVY = f"import sys, rumbleup_async; print(*sorted(sys.modules.keys() & {set(_MODULES)}))"


def _fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def main(*, quick: bool = False) -> None:
    """Print the median, and what heavy modules came along."""
    times = [float(_fresh(_IMPORT)) for _ in range(2 if quick else 11)]
    aiohttp = [float(_fresh(_IMPORT.replace("rumbleup_async", "aiohttp"))) for _ in times]
    print(
        f"  import rumbleup_async: {statistics.median(times):.3f} s (of which aiohttp {statistics.median(aiohttp):.3f} s); "
        f"heavy modules loaded: {_fresh(_HEAVY) or 'none'}"
    )
