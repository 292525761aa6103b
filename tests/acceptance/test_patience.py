"""A database that stays away, can only be read, or has no room: the run ends, says so, and texts nobody twice afterwards.

The command is told to be patient for three seconds in place of a minute.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import database
from tests.acceptance.commands import Running
from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import Provider
from tests.acceptance.stage import Stage
from tests.database import Database

ROWS, CONCURRENCY = 1000, 8
_IMPATIENT = """
import sys
from rumbleup_async.__main__ import main
from rumbleup_async.postgres.ledger import PostgresLedger
PostgresLedger.__init__.__kwdefaults__["patience"] = 3.0
sys.argv[0] = "rumbleup"
sys.exit(main())
"""


@pytest.fixture
def own(stage: Stage) -> Iterator[Database]:
    """A database server that a test may spoil."""
    found = database.make("-patience")
    stage.use_database(found.address("friday", lease="2"))
    yield found
    with contextlib.suppress(RuntimeError):
        found.stop()
    shutil.rmtree(found.folder)


def begin(stage: Stage) -> Running:
    """Send a list, by a command that is soon out of patience."""
    sending = stage.sending(stage.list(ROWS), "--concurrency", CONCURRENCY)
    return stage.start(*sending, command=(sys.executable, "-c", _IMPATIENT))


def spoil(own: Database, *statements: str) -> None:
    with psycopg.connect(own.address(), autocommit=True) as db:
        for statement in statements:
            db.execute(statement.encode())


def gives_up(running: Running, provider: Provider, words: str) -> None:
    """The run ends for want of its database, and says why; what was sent by then is sent once."""
    done = running.wait()
    assert done.code == 3, done.err + done.out
    assert words in done.err
    assert "the database was away for" in done.err
    assert "the database cannot be reached" in done.err
    assert provider.left < ROWS


def ends_well(stage: Stage) -> None:
    """Once the database is as it should be."""
    ended = stage.resume("--settle-seconds", 0)
    assert ended.code in {0, 1}, ended.err
    assert ended.json["unknown"] == 0
    stage.check(ROWS, summary=ended.json, planned={phone(n): text_for("Ada") for n in range(ROWS)})


def test_a_database_that_stays_away_ends_the_run(stage: Stage, own: Database, provider: Provider) -> None:
    """A run would hang over night, or what was in flight be taken for unsent and be sent again."""
    provider.set(latency=0.05)
    running = begin(stage)
    provider.wait_for(20)
    own.stop("immediate")
    gives_up(running, provider, "")
    own.start()
    seen = stage.run("status", stage.ledger, "--json").json
    assert seen["sent"] + seen["unknown"] + seen["in_flight"] >= provider.left, "whoever was in flight is in doubt"
    assert seen["unknown"] + seen["in_flight"] <= 2 * CONCURRENCY
    ends_well(stage)


def test_a_database_that_can_only_be_read_ends_the_run(stage: Stage, own: Database, provider: Provider) -> None:
    """After a failover to a standby the run would end in a traceback, or text whom it cannot write down."""
    provider.set(latency=0.05)
    running = begin(stage)
    provider.wait_for(20)
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rumbleup'"
    spoil(own, "ALTER DATABASE postgres SET default_transaction_read_only = on", ends)
    gives_up(running, provider, "read-only")
    spoil(own, "SET default_transaction_read_only = off", "ALTER DATABASE postgres RESET default_transaction_read_only")
    ends_well(stage)


@pytest.fixture
def small(own: Database) -> Iterator[Path]:
    """A file system of some MB, on which the tables are."""
    folder = own.folder / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("may not mount a file system here")
    place = folder / "tables"
    place.mkdir()
    owner = (own.folder / "data").stat()
    os.chown(place, owner.st_uid, owner.st_gid)
    spoil(own, f"CREATE TABLESPACE small LOCATION '{place}'", "ALTER DATABASE postgres SET default_tablespace = small")
    yield folder
    with contextlib.suppress(RuntimeError):
        own.stop()
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_database_without_room_ends_the_run(stage: Stage, own: Database, small: Path, provider: Provider) -> None:
    """Somebody would be texted whose intent found no room on the disk."""
    provider.set(latency=0.05)
    assert stage.run("ledgers", "upgrade", own.address()).code == 0
    spoil(own, "ALTER TABLE rumbleup.contact SET (fillfactor = 100)")  # each text needs some room
    running = begin(stage)
    provider.wait_for(20)
    ballast = small / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    gives_up(running, provider, "No space left")
    ballast.unlink()
    ends_well(stage)
