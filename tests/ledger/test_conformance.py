"""Every ledger of ours, and the two disks of the simulated worlds, held against the one suite."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async.errors import LedgerLocked
from rumbleup_async.ledger import MemoryLedger, SqliteLedger, journal, looks, steps_file
from rumbleup_async.messaging import Plan
from rumbleup_async.postgres.ledger import PostgresLedger
from tests import virtual_time
from tests.database import Database
from tests.ledger.conformance import Conformance, NewRun, Run
from tests.ledger.conformance.runs import PLAN
from tests.ledger.elsewhere import Elsewhere
from tests.prove.loop import Loop
from tests.prove.storage import Disk, Files


def wall_clock() -> float:
    """The time that the suite sets for the looks into the log."""
    return float(vars(looks)["time"].time())


def kept(make: Callable[[], MemoryLedger]) -> NewRun:
    """Runs in memory: the next process has the very object of the one before."""

    def new_run() -> Run:
        ledger = make()
        return lambda: ledger

    return new_run


class TestMemory(Conformance):
    """The ledger in memory."""

    @pytest.fixture
    def new_run(self) -> NewRun:
        return kept(lambda: MemoryLedger(wall_clock))

    def test_it_serves_one_run_at_a_time(self, run: Run) -> None:
        """Two runs over one ledger would each take the other for dead."""

        async def main() -> None:
            ledger = run()
            await ledger.open(PLAN)
            with pytest.raises(LedgerLocked):
                await ledger.open(PLAN)
            await ledger.aclose()
            await ledger.open(PLAN)

        virtual_time.run(main())


class TestSqlite(Conformance):
    """The ledger in a file."""

    @pytest.fixture
    def new_run(self, tmp_path: Path) -> NewRun:
        paths = (tmp_path / f"{number}.ledger" for number in itertools.count())

        def new_run() -> Run:
            path = next(paths)
            return lambda: SqliteLedger(path)

        return new_run


class TestJournal(Conformance):
    """The ledger in a file, with every step that may be noted beside it noted there."""

    @pytest.fixture
    def new_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewRun:
        monkeypatch.setattr(journal, "LARGE", 0)
        monkeypatch.setattr(journal, "WARM", 0)
        monkeypatch.setattr(journal, "MANY", 3)
        monkeypatch.setattr(steps_file, "BLOCKS", 8)
        paths = (tmp_path / f"{number}.ledger" for number in itertools.count())

        def new_run() -> Run:
            path = next(paths)
            return lambda: SqliteLedger(path, journal=True)

        return new_run


class TestPostgres(Conformance):
    """The ledger in a database, as one process has it after the other."""

    @pytest.fixture
    def new_run(self, postgres: Database) -> Iterator[NewRun]:
        made: list[Elsewhere] = []

        def new_run() -> Run:
            address = postgres.address(f"conformance-{uuid.uuid4().hex}")

            def run() -> Any:
                made.append(Elsewhere(lambda: PostgresLedger(address)))
                return made[-1]

            return run

        yield new_run
        for ledger in made:
            virtual_time.run(ledger.aclose())


class Recovered(Disk):
    """The disk of a world: each process opens what the one before has left, dead or not."""

    async def open(self, plan: Plan | None) -> Plan:
        if self.plan is not None:
            self.recover()
        return await super().open(plan)


class TestDisk(Conformance):
    """The disk in memory of a simulated world."""

    @pytest.fixture
    def new_run(self) -> NewRun:
        return kept(lambda: Recovered(wall_clock))


class Idle:
    """A process to which nothing happens."""

    disk_context = None

    def __init__(self) -> None:
        self.loop = Loop(0.0)
        self.loop.close()

    def point(self, when: str, kind: str) -> None: ...

    def disk_fault(self, kind: str) -> str:
        return ""

    def pause(self) -> float:
        return 0.0


class TestFiles(Conformance):
    """The files of a simulated world."""

    @pytest.fixture
    def new_run(self) -> Iterator[NewRun]:
        with ExitStack() as stack:

            def new_run() -> Run:
                files, process = Files(), Idle()
                stack.callback(files.close)
                return lambda: files.ledger(process)

            yield new_run
