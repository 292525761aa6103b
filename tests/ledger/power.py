"""A disk whose power is cut at each write of a ledger with a journal, and all that it may hold then.

What is synced holds; of the write under way any sectors may be there, in any order; of what SQLite has committed without a sync,
any beginning. `python -m tests.ledger.power` tries many more runs than the suite does.
"""

import asyncio
import itertools
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from rumbleup_async.ledger import steps_file
from rumbleup_async.ledger.files import beside
from rumbleup_async.messaging import Closed, State
from tests.ledger import noted

SECTOR = 512
ENDS = (State.SENT, State.REFUSED, State.UNKNOWN, State.QUEUED)
Files = tuple[bytes, bytes]
"""The main file and its log."""


class Cut(NamedTuple):
    """What a disk may hold once its power has gone, and what was told before."""

    files: Files
    steps: bytes | None
    closed: dict[int, State]
    opened: set[int]
    under_way: set[int]


@dataclass
class Disk:
    """What has reached the disk of a run, as its writes come. `commits`: what the files of SQLite have been since they were
    synced last, the last of them what they are now."""

    path: Path
    chance: random.Random
    steps: bytes | None = None
    commits: list[Files] = field(default_factory=list)
    synchronous: str = "FULL"
    is_synced: bool = True
    opened: set[int] = field(default_factory=set)
    """Rows that were opened and closed, as the engine was told."""
    closed: dict[int, State] = field(default_factory=dict)
    under_way: set[int] = field(default_factory=set)
    """Rows of the step under way."""
    cuts: list[Cut] = field(default_factory=list)

    def heard(self, statement: str) -> None:
        """SQLite is about to run this: what came before is in its files."""
        self.look()
        words = statement.split()
        if words[:2] == ["PRAGMA", "synchronous"]:
            self.synchronous = words[-1]
        if words[0] in {"COMMIT", "UPDATE"}:
            self.is_synced = self.synchronous == "FULL"

    def look(self) -> None:
        log = beside(self.path, "-wal")
        files = self.path.read_bytes(), log.read_bytes() if log.exists() else b""
        if not self.commits or files != self.commits[-1]:
            if self.is_synced:
                self.commits.clear()
            self.commits.append(files)
            self.cut(self.steps)

    def write(self, data: bytes, at: int) -> None:
        """A write to the file of steps: cut in the middle of it, then done."""
        self.look()
        before = self.steps if at or self.steps else b""
        assert before is not None
        if len(data) <= 4 * steps_file.BLOCK:
            for torn in self._torn(data):
                size = max(len(before), at + len(data))
                mixed = bytearray(before.ljust(size, b"\0"))
                for sector, written in torn.items():
                    mixed[at + sector * SECTOR : at + (sector + 1) * SECTOR] = written
                self.cut(bytes(mixed))
        self.steps = before[:at].ljust(at, b"\0") + data + before[at + len(data) :]
        self.cut(self.steps)

    def _torn(self, data: bytes) -> Iterator[dict[int, bytes]]:
        cut = {number: data[number * SECTOR : (number + 1) * SECTOR] for number in range(len(data) // SECTOR)}
        sectors = {number: written for number, written in cut.items() if any(written)}
        first = min(sectors)
        yield {}
        yield {first: sectors[first]}
        yield {number: written for number, written in sectors.items() if number != first}
        yield {number: written for number, written in sectors.items() if self.chance.random() < 0.5}
        yield sectors | {self.chance.choice([*sectors]): self.chance.randbytes(SECTOR)}

    def cut(self, steps: bytes | None) -> None:
        """The power goes: what the disk may hold now, and what was told until now."""
        choices = self.commits if len(self.commits) < 3 else [self.commits[0], self.chance.choice(self.commits), self.commits[-1]]
        told = dict(self.closed), set(self.opened), set(self.under_way)
        self.cuts += [Cut(files, steps, *told) for files in dict.fromkeys(choices)]
        if steps and not steps_file.path_of(self.path).exists():
            self.cuts += [Cut(files, None, *told) for files in dict.fromkeys(choices)]


async def check(cut: Cut, folder: Path) -> None:
    """Whatever the disk holds, the next process knows of everybody who was texted."""
    folder.mkdir()
    path = folder / "run.ledger"
    for ending, data in (("", cut.files[0]), ("-wal", cut.files[1]), (steps_file.ENDING, cut.steps)):
        if data is not None:
            beside(path, ending).write_bytes(data)
    found = await noted.states(path)
    shutil.rmtree(folder)
    for row, state in found.items():
        if row in cut.closed:
            assert state is cut.closed[row], (row, state, cut.closed[row])
        elif row in cut.opened and row not in cut.under_way:
            assert state is State.UNKNOWN, (row, state)
        elif row in cut.opened:
            assert state in ENDS, (row, state)
        else:
            assert state is State.QUEUED or (row in cut.under_way and state is State.UNKNOWN), (row, state)


async def run(folder: Path, seed: int, people: int, patch: pytest.MonkeyPatch) -> int:
    """A run whose power is cut at each of its writes. How many cuts there were."""
    chance = random.Random(seed)
    (folder / "here").mkdir()
    ledger = await noted.begun(folder / "here" / "run.ledger", people)
    disk = Disk(ledger.path, chance)
    disk.look()
    write = steps_file._write

    def through(descriptor: int, data: bytes, at: int) -> None:
        disk.write(data, at)
        write(descriptor, data, at)

    patch.setattr(steps_file, "_write", through)

    ledger._file.db.set_trace_callback(disk.heard)
    open_now: list[int] = []
    while True:
        ends = {row: _end(row, chance) for row in open_now if chance.random() < 0.8}
        want = chance.randrange(1, 4)
        nexts = range(len(disk.opened) + 1, min(people, len(disk.opened) + want) + 1)
        disk.under_way = {*ends, *nexts}
        texts = (await noted.step(ledger, ends.values(), want)).texts
        assert [text.row for text in texts] == list(nexts)
        disk.under_way = set()
        disk.closed |= {row: close.state for row, close in ends.items()}
        disk.opened |= set(nexts)
        disk.look()
        open_now = [row for row in (*open_now, *nexts) if row not in ends]
        if not open_now:
            break
    await ledger.aclose()
    disk.look()
    patch.setattr(steps_file, "_write", write)
    for number, cut in enumerate(disk.cuts):
        await check(cut, folder / str(number))
    return len(disk.cuts)


def _end(row: int, chance: random.Random) -> Closed:
    state = chance.choice([State.SENT] * 8 + [State.REFUSED, State.UNKNOWN, State.QUEUED])
    # So long that a step takes several sectors.
    return msgspec.structs.replace(noted.close(row, state), logid=f"{row:0400d}" if state is State.SENT else "")


def main(seeds: int) -> None:
    """Run after run."""
    patch = pytest.MonkeyPatch()
    noted.at_once(patch, many=5, blocks=7)
    cuts = 0
    for seed in range(seeds):
        folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        cuts += asyncio.run(run(folder, seed, 40, patch))
        shutil.rmtree(folder)
    print(f"{seeds} runs, {cuts} power cuts: nobody forgotten")


if __name__ == "__main__":
    main(int(next(itertools.chain(sys.argv[1:], ("20",)))))
