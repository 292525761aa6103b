"""What a figure was measured on: a figure without it is no figure."""

from __future__ import annotations

import contextlib
import os
import platform
import sqlite3
from importlib import metadata
from pathlib import Path


def described() -> str:
    """Machine and versions in two lines."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = " ".join(f"{name} {metadata.version(name)}" for name in ("aiohttp", "msgspec", "aiolimiter", "anyio"))
    return (
        f"{platform.system()} {platform.machine()}, {_processor()}, {cores} cores; load before: {os.getloadavg()[0]:.1f}\n"
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}{_fast()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor")


def _fast() -> str:
    """What is there of the extra `fast`."""
    found = ""
    for name in ("uvloop", "httptools", "aiofastnet"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found += f" {name} {metadata.version(name)}"
    return found


def resident_megabytes() -> float:
    """Memory of this process that is in use now, in MiB."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:  # not Linux: the peak is the next best thing
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024
