"""Events on the disk."""

import asyncio
import errno
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.rumbleup.webhooks import Event, parse
from rumbleup_async.webhooks import JsonLines, Record, Sink, SQLite, jsonlines

from .posting import all_of, new_receiver, provider, receipt, sample, until

Make = Callable[[Path], Sink]
BOTH = pytest.mark.parametrize("make", [JsonLines, SQLite])


def kept(path: Path) -> list[str]:
    """The keys in a file, oldest first."""
    if path.read_bytes().startswith(b"SQLite format"):
        db = sqlite3.connect(path)
        rows = [row[0] for row in db.execute("SELECT key FROM event ORDER BY id")]
        db.close()
        return rows
    return [record.key for record in jsonlines.read(path)]


def keys(*numbers: int) -> list[str]:
    return [parse({}, receipt(number)).key for number in numbers]


def record(number: int) -> Record:
    event = parse({}, receipt(number))
    return Record(event.key, event.type, 1, msgspec.Raw(event.raw))


@BOTH
async def test_kept_and_handed_out(make: Make, tmp_path: Path) -> None:
    """An event would be in the file and reach no handler, or the other way round."""
    path = tmp_path / "events"
    seen: list[str] = []
    receiver = new_receiver(sink=make(path))
    receiver.on(Event)(lambda event: seen.append(event.key))
    async with provider(receiver) as caller:
        assert await all_of([caller.post(receipt(number % 50)) for number in range(100)]) == [200] * 100
        assert sorted(kept(path)) == sorted(keys(*range(50)))
    assert sorted(seen) == sorted(keys(*range(50)))
    assert (receiver.statistics.received, receiver.statistics.repeated) == (50, 50)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@BOTH
async def test_repeats_over_restarts(make: Make, tmp_path: Path) -> None:
    """What the provider sends again after a restart would be in the file twice, or a handler would run twice."""
    path = tmp_path / "events"
    seen: list[str] = []
    for numbers in (range(5), range(8)):
        receiver = new_receiver(sink=make(path), window=3)
        receiver.on(Event)(lambda event: seen.append(event.key))
        async with provider(receiver) as caller:
            for number in numbers:
                assert await caller.post(receipt(number)) == 200
    if make is SQLite:
        assert kept(path) == keys(*range(8))
        assert sorted(seen) == sorted(keys(*range(8)))
    else:
        assert kept(path)[:5] == keys(*range(5))


async def test_json_lines_remember(tmp_path: Path) -> None:
    """What the provider sends again after a restart would be in the file twice."""
    path = tmp_path / "events.jsonl"
    for numbers in (range(5), range(8), range(8)):
        async with provider(new_receiver(sink=JsonLines(path))) as caller:
            for number in numbers:
                assert await caller.post(receipt(number)) == 200
    assert kept(path) == keys(*range(8))
    sink = JsonLines(path, remember=3)
    assert sink.open() == keys(5, 6, 7)
    sink.close()


async def test_what_is_in_the_files(tmp_path: Path) -> None:
    """The event in the file would not be the one that came."""
    for sink in (JsonLines(tmp_path / "events.jsonl"), SQLite(tmp_path / "events.db")):
        async with provider(new_receiver(sink=sink)) as caller:
            assert await caller.post(sample("message_received")) == 200
    event = parse({}, sample("message_received"))
    (line,) = jsonlines.read(tmp_path / "events.jsonl")
    assert (line.key, line.type, bytes(line.event)) == (event.key, "MESSAGE_RECEIVED", event.raw)
    assert line.received > 1_700_000_000_000
    db = sqlite3.connect(tmp_path / "events.db")
    row = db.execute(
        "SELECT key, type, event, received > 1700000000000, json_extract(event, '$.data.text') FROM event"
    ).fetchone()
    db.close()
    assert row == (event.key, "MESSAGE_RECEIVED", event.raw.decode(), 1, "Yes, count me in")


@pytest.mark.parametrize(
    "torn", [b"{", b'{"key":"abc","ty', b"\0\0\0", b'{"key":"abc","type":"X","received":1,"event":{"a":"\xc3']
)
def test_a_torn_line(torn: bytes, tmp_path: Path) -> None:
    """What follows a line that a crash left half written would be unreadable too."""
    path = tmp_path / "events.jsonl"
    sink = JsonLines(path)
    sink.open()
    sink.write([record(1), record(2)])
    sink.close()
    with path.open("ab") as file:
        file.write(torn)
    assert kept(path) == keys(1, 2)
    sink = JsonLines(path)
    assert sink.open() == keys(1, 2)
    sink.write([record(3)])
    sink.close()
    assert kept(path) == keys(1, 2, 3)
    assert len(path.read_bytes().splitlines()) == 3


def test_a_file_that_is_nothing_but_torn(tmp_path: Path) -> None:
    """A crash in the very first line would make the file useless."""
    for torn in (b"{", b'{"key":"a'):
        path = tmp_path / "events.jsonl"
        path.write_bytes(torn)
        sink = JsonLines(path)
        assert sink.open() == []
        sink.write([record(1)])
        sink.close()
        assert kept(path) == keys(1)


@BOTH
def test_files_of_others(make: Make, tmp_path: Path) -> None:
    """A slip in the command would write into somebody's contact list, or follow a link to it."""
    other = tmp_path / "voters.csv"
    other.write_text("phone,name\n2025550101,Ada\n")
    with pytest.raises(ConfigurationError):
        make(other).open()
    assert other.read_text() == "phone,name\n2025550101,Ada\n"
    (tmp_path / "link").symlink_to(tmp_path / "new")
    with pytest.raises(ConfigurationError, match="symbolic link"):
        make(tmp_path / "link").open()
    with pytest.raises(ConfigurationError):
        make(tmp_path).open()
    with pytest.raises(ConfigurationError, match="No such file"):
        make(tmp_path / "no" / "folder").open()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match="not a file"):
        make(tmp_path / "pipe").open()


def test_a_database_of_another_program(tmp_path: Path) -> None:
    """A table of ours would appear in somebody's database."""
    db = sqlite3.connect(tmp_path / "other.db")
    db.execute("CREATE TABLE event (id)")
    db.close()
    before = (tmp_path / "other.db").read_bytes()
    with pytest.raises(ConfigurationError, match="another program"):
        SQLite(tmp_path / "other.db").open()
    assert (tmp_path / "other.db").read_bytes() == before


def test_one_writer_for_json_lines(tmp_path: Path) -> None:
    """Two receivers would write the same events into one file, each unaware of the other."""
    first = JsonLines(tmp_path / "events.jsonl")
    first.open()
    with pytest.raises(ConfigurationError, match="another process"):
        JsonLines(tmp_path / "events.jsonl").open()
    first.close()


async def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An event that is not on the disk would be acknowledged, or the half of it would spoil the next."""
    path = tmp_path / "events.jsonl"
    receiver = new_receiver(sink=JsonLines(path))
    seen: list[str] = []
    receiver.on(Event)(lambda event: seen.append(event.key))
    write, truncate = os.write, os.ftruncate

    def half(fd: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data[: len(data) // 2])

    def no_truncate(fd: int, size: int) -> NoReturn:
        raise OSError(errno.EIO, "Input/output error")

    async with provider(receiver) as caller:
        assert await caller.post(receipt(1)) == 200
        monkeypatch.setattr(os, "write", half)
        assert await caller.post(receipt(2)) == 503
        monkeypatch.setattr(os, "ftruncate", no_truncate)
        assert await caller.post(receipt(2)) == 503
        monkeypatch.setattr(os, "write", write)
        assert await caller.post(receipt(2)) == 503
        monkeypatch.setattr(os, "ftruncate", truncate)
        assert kept(path) == keys(1)
        assert await caller.post(receipt(2)) == 200
        await until(lambda: len(seen) == 2)
    assert kept(path) == seen == keys(1, 2)
    assert receiver.statistics.refused == {"unsaved": 3}
    assert "No space left" in caplog.text


class Slow:
    """A sink that takes its time and keeps nothing that it is told to refuse."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.fail = False
        self.groups: list[int] = []

    def open(self) -> list[str]:
        return []

    def write(self, records: Sequence[Record]) -> list[bool]:
        self.go_on.wait(10)
        if self.fail:
            raise OSError(errno.EIO, "Input/output error")
        self.groups.append(len(records))
        return [True] * len(records)

    def close(self) -> None:
        self.go_on.set()


async def test_a_repeat_does_not_overtake() -> None:
    """A repeat that comes while the first is being written would be acknowledged, and then the write would fail."""
    sink = Slow()
    receiver = new_receiver(sink=sink)
    async with provider(receiver) as caller:
        sink.fail = True
        posts = [asyncio.create_task(caller.post(receipt(1))) for _ in range(3)]
        await until(lambda: receiver.waiting == 1)
        await asyncio.sleep(0.1)
        assert not any(post.done() for post in posts)
        sink.go_on.set()
        assert await asyncio.gather(*posts) == [503] * 3
        sink.fail = False
        assert await caller.post(receipt(1)) == 200
    assert receiver.statistics.received == 1


async def test_a_burst_takes_few_writes() -> None:
    """Each receipt would wait for an fsync of its own, and a burst for a minute."""
    sink = Slow()
    receiver = new_receiver(sink=sink, queue=90)
    async with provider(receiver) as caller:
        posts = [asyncio.create_task(caller.post(receipt(number))) for number in range(90)]
        await until(lambda: receiver.waiting == 90)
        assert await caller.post(receipt(100)) == 503
        sink.go_on.set()
        assert await asyncio.gather(*posts) == [200] * 90
    assert sum(sink.groups) == 90
    assert len(sink.groups) <= 3


async def test_a_sink_that_miscounts(caplog: pytest.LogCaptureFixture) -> None:
    """A mistake in somebody's sink would leave requests without an answer."""

    class Wrong(Slow):
        def write(self, records: Sequence[Record]) -> list[bool]:
            return []

    async with provider(new_receiver(sink=Wrong())) as caller:
        assert await caller.post(receipt(1)) == 503
        assert await caller.post(receipt(2)) == 503


async def test_a_caller_that_leaves_while_it_is_written(tmp_path: Path) -> None:
    """An event would be in the file and reach no handler because the provider hung up."""
    sink = Slow()
    receiver = new_receiver(sink=sink)
    seen: list[str] = []
    receiver.on(Event)(lambda event: seen.append(event.key))
    async with provider(receiver) as caller:
        post = asyncio.create_task(caller.post(receipt(1)))
        await until(lambda: receiver.waiting == 1)
        post.cancel()
        await asyncio.sleep(0.05)
        sink.go_on.set()
        await until(lambda: seen)
        assert await caller.post(receipt(1)) == 200
    assert seen == keys(1)
