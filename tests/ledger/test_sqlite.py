"""The ledger on the disk: its file, its lock, and what a crash or a full disk leaves behind."""

import asyncio
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumbleup_async.errors import LedgerError, LedgerLocked, LedgerMismatch
from rumbleup_async.ledger import Reader, SqliteLedger, loading
from rumbleup_async.messaging import Closed, Plan, Planned, Skipped, State
from rumbleup_async.outcomes import Accepted
from rumbleup_async.reasons import NO_REASON
from rumbleup_async.reasons import from_words as because
from rumbleup_async.stops import Cause, Stop
from tests import virtual_time
from tests.books import claim, exchange, open_ledger
from tests.engine.scripted import Provider, check, make_run, phones, rows_of

from .crashing import PLAN, connection, rows


def crash(path: Path, moment: str) -> None:
    """Run a process that dies at this moment."""
    done = subprocess.run([sys.executable, "-m", "tests.ledger.crashing", str(path), moment], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


async def used(path: Path, plan: Plan | None = PLAN) -> dict[State, int]:
    """Open the ledger, look at the counts, and let it go."""
    ledger = SqliteLedger(path)
    await open_ledger(ledger, plan)
    counts = {state: number for state, number in ledger.counts.items() if number}
    await ledger.aclose()
    return counts


ANOTHER = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('SELECT * FROM contact').fetchone(); db.close()"
"""What somebody's tool does who looks into the file."""


def look(path: Path) -> None:
    subprocess.run([sys.executable, "-c", ANOTHER, str(path)], check=True, timeout=60)


async def test_a_look_into_the_file_takes_nothing_away_under_the_run(tmp_path: Path) -> None:
    """The tool would take itself for the last to leave, and remove the log that the run writes to: after a crash all that had
    left since would be texted again."""
    path = tmp_path / "run.ledger"
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    await ledger.load([rows(1, 100)])
    await ledger.complete("f")
    wal = path.with_name("run.ledger-wal").stat().st_ino
    Reader(path).close()  # as the command does between the list and the first text
    with pytest.raises(LedgerLocked):
        await open_ledger(SqliteLedger(path), PLAN)
    look(path)
    assert path.with_name("run.ledger-wal").stat().st_ino == wal
    assert len(await exchange(ledger, [], 10)) == 10
    copy = tmp_path / "copy"
    copy.mkdir()
    for ending in ("", "-wal"):
        shutil.copy(f"{path}{ending}", copy)
    await ledger.aclose()
    path.unlink()
    assert await used(copy / "run.ledger", None) == {State.QUEUED: 90, State.UNKNOWN: 10}


@pytest.mark.parametrize("step", ["exchange", "draw"])
@pytest.mark.parametrize("what", ["the log is removed", "the lock is removed", "it is removed", "it is moved", "it is replaced"])
async def test_a_ledger_that_is_not_where_it_was_is_not_written_to(tmp_path: Path, what: str, step: str) -> None:
    """What is in a file that nobody finds any more is texted again by the next run."""
    path = tmp_path / "run.ledger"
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    await ledger.load([rows(1, 100)])
    texts = await exchange(ledger, [], 10)
    match what:
        case "the log is removed":
            path.with_name("run.ledger-wal").unlink()
        case "the lock is removed":
            path.with_name("run.ledger-lock").unlink()
        case "it is removed":
            path.unlink()
        case "it is moved":
            path.rename(tmp_path / "other.ledger")
        case _:
            shutil.copy(path, tmp_path / "other.ledger")
            (tmp_path / "other.ledger").rename(path)
    closed = [Closed(text.row, State.SENT, 1) for text in texts]
    for _ in range(2):
        with pytest.raises(LedgerError, match="under the run"):
            await (exchange(ledger, closed, 10) if step == "exchange" else claim(ledger, closed, rows(101, 101)))
    await ledger.aclose()


async def test_the_log_needs_no_more_room_than_sqlite_would_give_it(tmp_path: Path) -> None:
    """A run would stop half-way on a disk that has room enough for its ledger: most of it was taken up by the log."""
    path = tmp_path / "run.ledger"
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    await ledger.load([rows(1, 1500)])
    await ledger.complete("f")
    opened = await exchange(ledger, [], 800)
    for text in (opened[number * 37 % 800] for number in range(700)):  # answers come in any order
        assert len(await exchange(ledger, [Closed(text.row, State.SENT, 1)], 1)) == 1
    assert path.with_name("run.ledger-wal").stat().st_size < 1.1 * 1000 * 4096
    await ledger.aclose()


async def test_another_name_of_a_ledger_is_no_other_ledger(tmp_path: Path) -> None:
    """Two runs would write to one file under two locks, and everybody be texted by both."""
    path, other = tmp_path / "run.ledger", tmp_path / "other.ledger"
    await used(path)
    os.link(path, other)
    for name in (path, other):
        with pytest.raises(LedgerError, match="hard link"):
            await open_ledger(SqliteLedger(name), None)
    Reader(other).close()
    path.unlink()
    await used(other, None)


async def test_a_child_that_lives_on_does_not_hold_the_ledger(tmp_path: Path) -> None:
    """A worker that the service forked meanwhile would keep everybody from resuming."""
    path = tmp_path / "run.ledger"
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    child = os.fork()
    if not child:
        signal.pause()
        os._exit(0)
    try:
        await ledger.aclose()
        await used(path, None)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize(
    ("moment", "counts"),
    [
        ("before-intent", {State.QUEUED: 90, State.UNKNOWN: 10}),
        ("after-intent", {State.QUEUED: 80, State.UNKNOWN: 20}),
        ("before-result", {State.QUEUED: 90, State.UNKNOWN: 10}),
        ("after-result", {State.QUEUED: 80, State.UNKNOWN: 10, State.SENT: 10}),
    ],
)
def test_killed_in_the_middle_of_a_step_it_is_done_or_not_done(tmp_path: Path, moment: str, counts: dict[State, int]) -> None:
    """Half a step on the disk would lose a contact, or text somebody twice after the crash."""
    path = tmp_path / "run.ledger"
    crash(path, moment)
    assert virtual_time.run(used(path, None)) == counts
    # A crash of the recovery itself changes nothing more.
    assert virtual_time.run(used(path, None)) == counts


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), max_size=60), st.integers(1, 60))
def test_of_a_phone_the_first_row_is_texted_however_many_others_are_doubted(numbers: list[tuple[int, int]], size: int) -> None:
    """Places in the table of phones seen are shared: who only looks like a repeat must not be left out, or be texted twice."""
    rows = [
        Planned(row, f"202234{number:04}", "Hello. STOP to opt out", "Ada")
        if kind
        else Skipped(row, f"202234{number:04}", because("why"))
        for row, (number, kind) in enumerate(numbers, 1)
    ]
    first = {row.phone: row.row for row in reversed(rows) if isinstance(row, Planned)}

    def expected(row: Planned | Skipped) -> tuple[State, str]:
        if isinstance(row, Skipped):
            return State.SKIPPED, "why"
        return (State.QUEUED, "") if first[row.phone] == row.row else (State.SKIPPED, f"duplicate of row {first[row.phone]}")

    async def main(path: Path) -> None:
        ledger = SqliteLedger(path)
        await open_ledger(ledger, PLAN)
        await ledger.load([rows[start : start + size] for start in range(0, len(rows), size)])
        found = [(result.row, result.state, result.reason) for result in await ledger.rows(0, 1000)]
        assert found == [(row.row, *expected(row)) for row in rows]
        opened = await exchange(ledger, [], 100)
        assert [text.row for text in opened] == sorted(first.values())
        assert (ledger.counts[State.SKIPPED], ledger.counts[State.QUEUED]) == (len(rows) - len(opened), 0)
        await ledger.aclose()

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(loading, "_BITS", 4)  # sixteen places for 31 phones
        virtual_time.run(main(Path(folder) / "run.ledger"))


def test_killed_while_it_reads_the_list_it_begins_anew(tmp_path: Path) -> None:
    """Half a list whose duplicates were never looked for would be texted."""
    path = tmp_path / "run.ledger"
    crash(path, "loading")

    async def main() -> None:
        with pytest.raises(LedgerError):
            await used(path, None)
        ledger = SqliteLedger(path)
        await open_ledger(ledger, PLAN)
        with pytest.raises(LedgerError):
            await ledger.add(rows(1, 10))
        with pytest.raises(LedgerError):
            await exchange(ledger, [], 5)
        await ledger.load([rows(1, 1000), rows(1001, 2000)])
        await ledger.complete("abc")
        assert (ledger.counts[State.QUEUED], ledger.counts[State.SKIPPED]) == (1500, 500)
        assert len(await exchange(ledger, [], 5)) == 5
        await ledger.aclose()

    virtual_time.run(main())


@pytest.mark.parametrize("way", ["add", "load", "loaded anew", "begun anew"])
def test_the_database_itself_refuses_a_second_text_to_a_phone(tmp_path: Path, way: str) -> None:
    """A mistake in our own code would text somebody twice; the index is the last thing in its way."""

    async def main() -> None:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await open_ledger(ledger, PLAN)
        if way == "add":
            await ledger.add(rows(1, 5))
        else:
            await ledger.load([rows(1, 5)])
        if way == "loaded anew":
            await ledger.load([rows(1, 5)])
        if way == "begun anew":
            await ledger.aclose()
            ledger = SqliteLedger(tmp_path / "run.ledger")
            await open_ledger(ledger, Plan(run="f" * 12, provider="rumbleup", action="999", text="Hi. STOP", details={}))
            await ledger.add(rows(1, 5))
        with pytest.raises(sqlite3.IntegrityError):
            connection(ledger).execute("INSERT INTO contact (row, phone, text, state) VALUES (99, '2022340003', 'x', 0)")
        await ledger.aclose()

    virtual_time.run(main())


def test_every_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """Phones and texts of a campaign would be readable for everybody on the machine."""
    before = os.umask(0)
    try:

        async def main() -> None:
            ledger = SqliteLedger(tmp_path / "run.ledger")
            await open_ledger(ledger, PLAN)
            await ledger.add(rows(1, 100))
            await exchange(ledger, [], 5)
            reader = Reader(tmp_path / "run.ledger")
            assert reader.running
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
            assert modes == {f"run.ledger{ending}": 0o600 for ending in ("", "-wal", "-shm", "-lock")}
            reader.close()
            await ledger.aclose()

        virtual_time.run(main())
        reader = Reader(tmp_path / "run.ledger")
        assert not reader.running
        reader.close()
    finally:
        os.umask(before)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}


def test_another_process_is_refused_while_one_writes(tmp_path: Path) -> None:
    """Two processes over one ledger would text everybody twice."""
    path = tmp_path / "run.ledger"
    command = [sys.executable, "-m", "tests.ledger.crashing", str(path), "holding"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(LedgerLocked):
            virtual_time.run(used(path))
        reader = Reader(path)
        assert reader.running
        assert reader.counts()[State.INTENT] == 3
        reader.close()
        # Looking must not have loosened the lock.
        with pytest.raises(LedgerLocked):
            virtual_time.run(used(path))
        holder.communicate(timeout=30)
    assert virtual_time.run(used(path)) == {State.QUEUED: 97, State.UNKNOWN: 3}


def test_refused_it_lets_go_of_everything(tmp_path: Path) -> None:
    """A service that tries again every minute would run out of file descriptors."""

    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    path = tmp_path / "run.ledger"
    link = tmp_path / "link"
    link.symlink_to(path)

    async def main() -> None:
        ledger = SqliteLedger(path)
        await open_ledger(ledger, PLAN)
        before = descriptors()
        for _ in range(2):  # each waits two seconds for the lock
            for other, plan in ((path, PLAN), (link, PLAN), (tmp_path / "none", None)):
                refused = SqliteLedger(other)
                with pytest.raises(LedgerError):
                    await open_ledger(refused, plan)
                await refused.aclose()
        assert descriptors() == before
        await ledger.aclose()

    if not Path("/proc/self/fd").exists():
        pytest.skip("there is no /proc on this system")
    virtual_time.run(main())


def foreign(path: Path, kind: str) -> None:
    """Something at the ledger's place that is none of ours."""
    if kind == "link":
        (path.parent / "elsewhere").write_bytes(b"")
        path.symlink_to(path.parent / "elsewhere")
    elif kind == "dangling link":
        path.symlink_to(path.parent / "nowhere")
    elif kind == "folder":
        path.mkdir()
    elif kind == "list":
        path.write_text("phone\n2025550101\n")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "damaged":
        path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4000)
    else:
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE books (title TEXT)")
        db.execute("INSERT INTO books VALUES ('Emma')")
        if kind == "newer":
            db.execute("PRAGMA application_id = 0x52554153")
            db.execute("PRAGMA user_version = 99")
        db.commit()
        db.close()
    if path.is_file() and not path.is_symlink():
        path.chmod(0o644)


def test_whatever_a_provider_says_can_be_kept(tmp_path: Path) -> None:
    """One answer with half a character in its id would fail every step after it, and leave what is in flight unknown."""
    words = ["ends\0here", "half \ud83d", 'say "no" \\u0000', "{}", "[1]", "0", "\u2028\U0001f600"]
    kept = ["ends\ufffdhere", "half ?", *words[2:]]

    async def go() -> None:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await open_ledger(ledger, PLAN)
        await ledger.add(rows(1, len(words)))
        texts = await exchange(ledger, [], len(words))
        await exchange(
            ledger, [Closed(text.row, State.SENT, 1, because(word), word, 1) for text, word in zip(texts, words, strict=True)], 0
        )
        found = await ledger.rows(-1, 100)
        assert [(row.logid, row.reason) for row in found] == [(word, word) for word in kept]
        await ledger.aclose()

    virtual_time.run(go())


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "list", "pipe", "damaged", "database", "newer"])
@pytest.mark.parametrize("way", ["begin", "resume", "look"])
def test_what_is_not_ours_is_refused_and_left_alone(tmp_path: Path, kind: str, way: str) -> None:
    """A wrong path would destroy somebody's list or another program's data."""
    path = tmp_path / "run.ledger"
    foreign(path, kind)

    def picture() -> dict[str, object]:
        return {
            entry.name: (entry.lstat().st_mode, entry.read_bytes() if entry.is_file() and not entry.is_symlink() else None)
            for entry in tmp_path.iterdir()
            if not entry.name.endswith(("-shm", "-wal"))
        }

    before = picture()

    def use() -> None:
        if way == "look":
            Reader(path).close()
        else:
            virtual_time.run(used(path, PLAN if way == "begin" else None))

    with pytest.raises(LedgerError) as refusal:
        use()
    assert before == picture()
    assert str(tmp_path) in str(refusal.value)
    if kind == "newer" and way != "look":
        assert "newer" in str(refusal.value)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A traceback of the database instead of a word about the folder."""
    for path in (tmp_path / "no" / "such" / "run.ledger", Path("/proc/run.ledger")):
        with pytest.raises(LedgerError):
            virtual_time.run(used(path))


@pytest.mark.parametrize("harm", ["cut", "scribbled"])
def test_a_damaged_ledger_is_said_not_thrown(tmp_path: Path, harm: str) -> None:
    """A damaged disk would show a traceback of the database, or be read as a list that is done."""
    path = tmp_path / "run.ledger"

    async def fill() -> None:
        ledger = SqliteLedger(path)
        await open_ledger(ledger, PLAN)
        await ledger.add(rows(1, 1400))
        await ledger.aclose()

    virtual_time.run(fill())
    data = bytearray(path.read_bytes())
    if harm == "cut":
        data = data[: len(data) // 2]
    else:
        data[4096:-4096] = b"\xa5" * (len(data) - 8192)
    path.write_bytes(bytes(data))

    def look() -> int:
        reader = Reader(path)
        try:
            return sum(reader.counts().values()) + len(list(reader.rows())) + len(reader.reasons()) + len(reader.segments())
        finally:
            reader.close()

    async def use() -> None:
        ledger = SqliteLedger(path)
        try:
            await open_ledger(ledger, None)
            while await exchange(ledger, [], 100):
                pass
        finally:
            await ledger.aclose()

    with pytest.raises(LedgerError):
        virtual_time.run(use())
    with pytest.raises(LedgerError):
        look()


def test_wherever_the_damage_is_a_look_says_so(tmp_path: Path) -> None:
    """`rumbleup status` would call a damaged disk a mistake of the program, and its user would report it instead of copying."""
    path = tmp_path / "run.ledger"

    async def fill() -> None:
        ledger = SqliteLedger(path)
        await open_ledger(ledger, PLAN)
        await ledger.add(rows(1, 300))
        await ledger.aclose()

    virtual_time.run(fill())
    whole = path.read_bytes()
    refused: list[str] = []
    for at in range(0, len(whole), 2048):
        path.write_bytes(whole[:at] + b"\xa5" * 2048 + whole[at + 2048 :])
        try:
            reader = Reader(path)
        except LedgerError as error:
            refused.append(str(error))
            continue
        for look in (reader.counts, reader.reasons, reader.segments, lambda reader=reader: list(reader.rows())):
            try:
                look()
            except LedgerError as error:
                refused.append(str(error))
        reader.close()
    assert len(refused) > 10
    assert [words for words in refused if str(path) not in words] == []


@pytest.mark.parametrize("extra", [0, 1, 3, 10])
def test_nothing_leaves_once_the_disk_is_full(tmp_path: Path, extra: int) -> None:
    """Texts would leave of which no record can be kept, and leave again after the restart."""
    provider = Provider()
    path = tmp_path / "run.ledger"
    texts = [{"phone": phone, "first_name": "Ada" * 60} for phone in phones(400)]

    async def main() -> None:
        ledger = SqliteLedger(path)

        async with make_run(provider, ledger=ledger, text="Hi {first_name}. STOP", max_segments=9) as run:
            sending = run.send(texts)
            seen = 0
            async for _ in sending:
                seen += 1
                if seen == 20:
                    db = connection(ledger)
                    pages = db.execute("PRAGMA page_count").fetchone()[0]
                    db.execute(f"PRAGMA max_page_count = {pages + extra}")
                    provider.script = lambda text, n: Accepted("r" * 3000)

    with pytest.raises(LedgerError, match=r"run\.ledger.*full"):
        virtual_time.run(main())
    check(provider)

    async def look() -> set[str]:
        ledger = SqliteLedger(path)
        await open_ledger(ledger, None)
        found = await rows_of(ledger)
        await ledger.aclose()
        return {result.phone for result in found.values() if result.state in {State.SENT, State.UNKNOWN}}

    accounted = virtual_time.run(look())
    assert set(provider.left) <= accounted
    assert len(accounted - set(provider.left)) <= 16


def test_a_ledger_can_be_moved(tmp_path: Path) -> None:
    """Somebody who copies the ledger to another machine could not go on there."""
    path = tmp_path / "run.ledger"
    crash(path, "after-intent")
    moved = tmp_path / "moved"
    moved.mkdir()
    for entry in list(tmp_path.glob("run.ledger*")):
        shutil.copy(entry, moved / entry.name)
        entry.unlink()
    assert virtual_time.run(used(moved / "run.ledger", None)) == {State.QUEUED: 80, State.UNKNOWN: 20}


def test_what_has_been_sent_is_not_replaced_by_another_list(tmp_path: Path) -> None:
    """A new list over an old ledger would forget who has been texted."""

    async def main() -> None:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await open_ledger(ledger, PLAN)
        await ledger.load([rows(1, 10)])
        await ledger.complete("abc")
        await exchange(ledger, [], 1)
        with pytest.raises(LedgerMismatch):
            await ledger.load([rows(1, 20)])
        assert sum(ledger.counts.values()) == 10
        await exchange(ledger, [Closed(1, State.QUEUED, 1)], 0)
        await ledger.load([rows(1, 20)])  # what was tried and came back has certainly not left
        assert sum(ledger.counts.values()) == 20
        await ledger.aclose()

    virtual_time.run(main())


def test_a_list_that_fails_in_the_middle_leaves_the_ledger_ready_for_it(tmp_path: Path) -> None:
    """A list whose disk fails at row 5,000 would make its ledger useless."""

    class Broken(Exception):
        pass

    async def main() -> None:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await open_ledger(ledger, PLAN)

        def batches() -> Iterator[list[Planned]]:
            yield rows(1, 5)
            raise Broken

        with pytest.raises(Broken):
            await ledger.load(batches())
        await ledger.load([rows(1, 7)])
        assert ledger.counts[State.QUEUED] == 7
        await ledger.aclose()

    virtual_time.run(main())


def test_reading_while_it_is_written(tmp_path: Path) -> None:
    """`status` beside a running send would disturb it or see half a step."""

    async def main() -> None:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await open_ledger(ledger, PLAN)
        await ledger.add(rows(1, 1000))
        reader = Reader(tmp_path / "run.ledger")
        assert reader.plan == PLAN
        assert not reader.complete
        seen = []
        for _ in range(20):
            opened = await exchange(ledger, [], 10)
            await exchange(ledger, [Closed(text.row, State.SENT, 1) for text in opened], 0)
            counts = reader.counts()
            seen.append(counts[State.SENT])
            assert sum(counts.values()) == 1000
        assert seen == list(range(10, 210, 10))
        assert len(list(reader.rows())) == 1000
        assert sorted(reader.reasons(), key=lambda found: found[2]) == [
            (State.SENT, NO_REASON, 200),
            (State.QUEUED, NO_REASON, 800),
        ]
        assert reader.segments() == [(1, 800)]
        reader.close()
        await ledger.finish(Stop(Cause.DAILY_CAP, "resume tomorrow"), 12.5)
        await ledger.complete("abc")
        await ledger.aclose()
        reader = Reader(tmp_path / "run.ledger")
        assert (reader.stopped, reader.elapsed, reader.complete, reader.running) == (
            "daily cap: resume tomorrow",
            12.5,
            True,
            False,
        )
        reader.close()

    asyncio.run(main())


def test_a_step_waits_for_the_disk(tmp_path: Path) -> None:
    """With less than FULL the last intents are lost when the power goes, and their texts leave again."""

    async def main() -> dict[str, object]:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await open_ledger(ledger, PLAN)
        found = {name: connection(ledger).execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
        await ledger.aclose()
        return found

    assert virtual_time.run(main()) == {"journal_mode": "wal", "synchronous": 2}
