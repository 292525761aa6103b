"""A disk that is full when the list comes in, when an intent is to be written, and when a result is: really full, not by a mock.

On a small file system in memory where one may be mounted (as root), and by a limit to the size of files everywhere.
"""

import errno
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import Provider
from tests.acceptance.shell import Done
from tests.acceptance.stage import Stage

SIZE = 6_000_000
CONCURRENCY = 4
LIMIT = 30
ROOMS = (*range(0, 80_000, 4_096), *range(80_000, 400_000, 32_768))
"""Bytes that are left of the disk, or that a file may have: in the end more than the ledger itself has. The first steps are of
one page, so that each of the first commits is met."""


class Disk:
    """A small file system of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def leave(self, room: int) -> None:
        """Fill it up but for so many bytes."""
        self.empty()
        with self._ballast.open("wb", buffering=0) as file:
            while self._takes_more(file):
                pass
        os.truncate(self._ballast, max(0, self._ballast.stat().st_size - room))

    @staticmethod
    def _takes_more(file: IO[bytes]) -> bool:
        try:
            file.write(bytes(4096))
        except OSError as problem:
            if problem.errno != errno.ENOSPC:
                raise
            return False
        return True

    def empty(self) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("may not mount a file system here; the limit to file sizes stands in for it")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


Within = Callable[[int], Done]
"""Goes on with the run for a while, with so much room on the disk."""


def sweep(stage: Stage, provider: Provider, rows: int, go_on: Within, rooms: Iterable[int] = ROOMS) -> None:
    """Run into the full disk at one step after the other, and come to the end once there is room."""
    planned = {phone(n): text_for("Ada") for n in range(rows)}
    met: set[str] = set()
    crashes = 0
    for room in rooms:
        before = provider.left
        done = go_on(room)
        left = provider.left - before
        assert done.code in (0, 2, 3) or (done.code == 1 and crashes), done
        if done.code == 2:
            assert not left, f"{left} texts left, and the exit code says that nothing was done: {done}"
            met.add("at the opening")
        elif done.code == 3:
            assert "ledger failed" in done.json["stopped"], done
            met.add("at a result" if left else "at an intent")
            crashes += 1
        else:
            assert left == LIMIT
            met.add("not at all")
    assert met == {"at the opening", "at an intent", "at a result", "not at all"}
    stage.check(rows, planned=planned, concurrency=CONCURRENCY, crashes=crashes)
    after = stage.resume()
    assert after.json["not_sent"] == 0, after
    stage.check(rows, summary=after.json, planned=planned, concurrency=CONCURRENCY, crashes=crashes)


def test_a_full_disk_at_every_step(stage: Stage, provider: Provider, disk: Disk) -> None:
    """Else a text leaves that is not in the books, or a result gets lost with the room to write it, and the text leaves again."""
    rows = 1500
    stage.ledger = disk.folder / "run.ledger"
    assert stage.send(stage.list(rows), "--limit", "1").code == 0

    def go_on(room: int) -> Done:
        disk.leave(room)
        done = stage.resume("--limit", LIMIT, "--concurrency", CONCURRENCY)
        disk.empty()
        return done

    sweep(stage, provider, rows, go_on)


def test_a_file_at_its_largest_at_every_step(stage: Stage, provider: Provider) -> None:
    """The same where no file system may be mounted: another error of the system, the same promise."""
    rows = 420  # so few that the write-ahead log grows beyond the ledger
    assert stage.send(stage.list(rows), "--limit", "1").code == 0
    words = ["resume", stage.ledger, "--yes", "--json", "--limit", LIMIT, "--concurrency", CONCURRENCY]
    sweep(stage, provider, rows, lambda room: stage.heard(stage.begin(*words, file_size=room).wait()), range(0, 140_000, 4_096))


def test_no_room_for_the_list(stage: Stage, provider: Provider, disk: Disk) -> None:
    """Else half a list is texted, or the ledger cannot be used any more once there is room."""
    rows, phones = 15_000, 40
    stage.ledger = disk.folder / "run.ledger"
    source = stage.file("voters.csv", "phone,first_name\n" + "".join(f"{phone(n % phones)},Ada\n" for n in range(rows)))
    for room in (0, 20_000, 60_000, 200_000, 500_000):
        disk.leave(room)
        done = stage.send(source)
        assert done.code == 2, done
        assert done.out == ""
        assert str(stage.ledger) in done.err
        assert stage.resume().code == 2
        disk.empty()
        assert stage.resume().code == 2, "half a list is not to be texted"
    assert provider.requests == 0
    done = stage.send(source)
    assert done.code == 0, done
    stage.check(rows, summary=done.json, planned={phone(n): text_for("Ada") for n in range(phones)})


def test_a_disk_that_fills_up_on_the_way(stage: Stage, provider: Provider, disk: Disk) -> None:
    """Else a log file of somebody else that eats the disk at noon makes the afternoon's texts leave twice."""
    rows = 3000
    stage.ledger = disk.folder / "run.ledger"
    provider.set(latency=0.02)
    running = stage.begin(*stage.sending(stage.list(rows), "--concurrency", "8"))
    provider.wait_for(50)
    disk.leave(0)
    done = stage.heard(running.wait())
    assert done.code == 3, done
    assert "ledger failed" in done.json["stopped"]
    assert provider.left < rows
    looked = stage.run("status", stage.ledger, "--json")
    assert looked.code in (1, 2, 3), looked
    assert provider.left < rows
    disk.empty()
    stage.check(rows, concurrency=8, crashes=1)
    provider.set(latency=0)
    after = stage.resume()
    assert after.json["not_sent"] == 0, after
    stage.check(rows, summary=after.json, concurrency=8, crashes=1)
