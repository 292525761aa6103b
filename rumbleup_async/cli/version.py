"""`rumbleup --version`: which version this is, and of what it is made here.

Lives here: the two options of the command itself, and what they print. A report of a fault
needs nothing but this.
"""

from __future__ import annotations

import typer

from rumbleup_async import __version__
from rumbleup_async.cli.console import print_json, print_out

PARTS = (
    "aiofastnet",
    "aiohappyeyeballs",
    "aiohttp",
    "anyio",
    "backports.zstd",
    "duckdb",
    "httptools",
    "msgspec",
    "obstore",
    "opentelemetry-api",
    "prometheus-client",
    "psycopg",
    "pyarrow",
    "python-calamine",
    "rich",
    "tenacity",
    "typer",
    "tzdata",
    "uvloop",
    "xlsxwriter",
    "yarl",
)
"""The packages that this one and its extras ask for."""


def versions() -> dict[str, object]:
    """The version of this package, of Python, of SQLite and of each part; None for a part that is not installed."""
    import platform
    import sqlite3

    return {
        "version": __version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "sqlite": sqlite3.sqlite_version,
        "parts": {name: _version(name) for name in PARTS},
    }


def print_version(context: typer.Context, *, as_json: bool) -> None:
    """What `--version` prints, alone or with `--json`; then the command ends."""
    if as_json:
        print_json(versions())
    else:
        print_out(f"rumbleup_async {__version__}\n")
    context.exit()


def _version(name: str) -> str | None:
    import importlib.metadata

    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
