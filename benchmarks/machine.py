"""What a figure was measured on: a figure without it is no figure."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sqlite3
import subprocess
from importlib import metadata
from pathlib import Path

from benchmarks import peers_env
from benchmarks.results import Machine
from benchmarks.serving import find_nginx

_OURS = ("aiohttp", "msgspec", "aiolimiter", "anyio", "uvloop", "httptools", "aiofastnet")


def described(before: list[int] | None = None) -> Machine:
    """Machine and versions. `before`: the `ticks()` of the beginning, for the time that was stolen since."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0
    versions = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    for name in _OURS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    if peers_env.python() is not None:
        versions.update({name: version for name, version in peers_env.versions().items() if name not in versions})
    nginx = find_nginx()
    if nginx is not None:
        versions["nginx"] = _said([nginx, "-v"]).rpartition("/")[2].split()[0]
    if shutil.which("wrk") is not None:
        versions["wrk"] = next(iter(_said(["wrk", "-v"]).split()[1:2]), "")
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return Machine(system, _processor(), cores, versions, os.getloadavg()[0], _stolen(before, ticks()))


def ticks() -> list[int]:
    """What the processors have done since they were started, by kind; empty where the system does not say."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return []
    return [int(field) for field in first.split()[1:9]]


def resident_megabytes() -> float:
    """Memory of this process that is in use now, in MiB."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:  # not Linux: the peak is the next best thing
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def _stolen(before: list[int] | None, after: list[int]) -> float | None:
    if not before or not after or sum(after) == sum(before):
        return None
    return (after[7] - before[7]) / (sum(after) - sum(before))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor")


def _said(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()
