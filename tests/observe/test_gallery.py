"""Looks into ledgers: growing, finished, dead, broken, replaced, and none at all."""

import os
import time
from pathlib import Path

import pytest

from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.messaging import Closed, Kept, Plan, Planned, Second, Skipped, State
from rumbleup_async.observe import counting
from rumbleup_async.observe.gallery import Gallery, is_ledger
from rumbleup_async.observe.ledgers import LedgerFile
from rumbleup_async.observe.looks import Look
from rumbleup_async.observe.watched import Watched
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.receipts.file import ReceiptFile
from rumbleup_async.receipts.store import ASKED
from rumbleup_async.receipts.told import Fact, Told, What
from rumbleup_async.rules.gates import Gates
from rumbleup_async.rules.hours import Hours
from rumbleup_async.stops import Cause, Stop
from tests.books import exchange, open_ledger, owner_of

PLAN = Plan(run="qrtxntzqqb", provider="rumbleup", action="125", text="Hi {name}. STOP")


async def begun(path: Path, number: int) -> SqliteLedger:
    """A ledger of so many contacts, and one who is skipped."""
    ledger = SqliteLedger(path)
    await open_ledger(ledger, PLAN)
    planned = [Planned(row, f"1202{row:07d}", "Hi Ada. STOP", segments=2) for row in range(1, number + 1)]
    await ledger.add([*planned, Skipped(number + 1, "", Reason(Code.NO_CONSENT))])
    await ledger.complete("list")
    return ledger


async def sent(ledger: SqliteLedger, rows: list[int], at: int) -> None:
    """These leave, and the second at which they did is noted."""
    await exchange(ledger, [], len(rows))
    done = [Closed(row, State.SENT, 1, Reason(), f"L{row}", at * 1000) for row in rows]
    second = Second(at, sent=len(rows), latencies=(0, 0, 0, len(rows)), rate=40.0)
    await ledger.step(await owner_of(ledger), done, 0, time.time(), second=second)


def counted(watched: Watched) -> Look:
    """The look once all contacts are counted."""
    for _ in range(100):
        if (look := watched.look()).details.at:
            return look
    raise AssertionError("the contacts were never counted")


async def test_a_run_is_seen_while_it_goes(tmp_path: Path) -> None:
    """Counts, speed, limit and what is left come from the ledger that the run is writing."""
    ledger = await begun(tmp_path / "a.ledger", 100)
    now = int(time.time())
    await sent(ledger, list(range(1, 41)), now - 1)
    watched = Watched(LedgerFile(ledger.path), clock=lambda: now + 0.2)
    look = counted(watched)
    assert look.is_running
    assert look.problem == ""
    assert (look.counts["sent"], look.counts["queued"], look.counts["skipped"], look.total) == (40, 60, 1, 101)
    assert (look.allowed, look.speed, look.seconds_left) == (40.0, 4.0, 1.5)
    assert (look.half, look.most) == (0.1, 0.1)
    assert [(one.code, one.number) for one in look.details.reasons] == [("no_consent", 1)]
    assert (look.details.segments["sent"], look.details.segments["queued"]) == (80, 120)
    assert [point.sent for point in watched.points(1)] == [40.0]
    await sent(ledger, [41, 42], now)
    assert watched.look().counts["sent"] == 42
    assert [point.sent for point in watched.points(1)] == [40.0, 2.0]
    assert [point.sent for point in watched.points(1, after=now - 1)] == [2.0]
    await ledger.aclose()
    watched.close()


async def test_what_ended_a_run_is_told(tmp_path: Path) -> None:
    """The reader of a page sees the stop as soon as the process has let go of the ledger."""
    ledger = await begun(tmp_path / "a.ledger", 3)
    watched = Watched(LedgerFile(ledger.path))
    assert watched.look().is_running
    await ledger.finish(Stop(Cause.DAILY_CAP, why=Reason(Code.DAILY_CAP, "441 used up")), 1.0)
    await ledger.aclose()
    look = watched.look()
    assert not look.is_running
    assert look.cause == "daily_cap"
    assert "daily cap" in look.problem
    assert look.seconds_left is None
    # A resume takes the word back.
    again = SqliteLedger(tmp_path / "a.ledger")
    await open_ledger(again, None)
    assert (watched.look().is_running, watched.look().problem) == (True, "")
    await again.aclose()
    watched.close()


async def test_in_flight_of_a_dead_process_is_unknown(tmp_path: Path) -> None:
    """As in every report: nobody is sending it any more."""
    ledger = await begun(tmp_path / "a.ledger", 3)
    await exchange(ledger, [], 2)
    await ledger.aclose()
    watched = Watched(LedgerFile(tmp_path / "a.ledger"))
    look = watched.look()
    assert (look.counts["unknown"], look.counts["intent"], look.counts["queued"]) == (2, 0, 1)
    assert look.cause == "died"
    watched.close()


async def test_a_finished_ledger_is_read_once(tmp_path: Path) -> None:
    """A folder of old runs costs nothing while one of them is watched."""
    ledger = await begun(tmp_path / "a.ledger", 3)
    await ledger.aclose()
    watched = Watched(LedgerFile(tmp_path / "a.ledger"))
    look = counted(watched)
    again = watched.look()
    assert watched.look() is again
    assert again.counts == look.counts
    watched.close()


async def test_an_odd_run_takes_no_other_from_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody has thought of is said of that run alone, and without what stands in it."""
    for name in ("a.ledger", "b.ledger"):
        await (await begun(tmp_path / name, 3)).aclose()
    gallery = Gallery([tmp_path])
    odd, other = gallery.ledgers()

    def read(*_: object, **__: object) -> None:
        raise KeyError("2025550101")

    monkeypatch.setattr(odd, "_read", read)
    looked = [one.look() for one in (odd, other)]
    assert [look.total for look in looked] == [0, 4]
    assert "KeyError" in looked[0].problem
    assert "2025" not in looked[0].problem
    gallery.close()


async def test_those_that_are_only_listed_are_not_kept_open(tmp_path: Path) -> None:
    """A folder of a thousand runs would take all files that a process may open."""
    for name in ("a.ledger", "b.ledger"):
        await (await begun(tmp_path / name, 3)).aclose()
    gallery = Gallery([tmp_path])
    listed = gallery.ledgers()
    assert [one.look(counts_all=False).total for one in listed] == [4, 4]
    assert [one._reader for one in listed] == [None, None]
    assert counted(listed[0]).details.segments == {"queued": 6, "skipped": 1}
    assert [one.look(counts_all=False).total for one in listed] == [4, 4]
    gallery.close()


async def test_another_file_under_the_same_name_is_seen(tmp_path: Path) -> None:
    """A ledger that was purged and begun anew is another run."""
    one = await begun(tmp_path / "a.ledger", 3)
    other = await begun(tmp_path / "b.ledger", 7)
    await one.aclose()
    await other.aclose()
    watched = Watched(LedgerFile(tmp_path / "a.ledger"))
    assert counted(watched).total == 4
    (tmp_path / "b.ledger").replace(tmp_path / "a.ledger")
    assert watched.look().total == 8
    (tmp_path / "a.ledger").unlink()
    look = watched.look()
    assert look.run == ""
    assert look.problem
    watched.close()


async def test_a_folder_shows_its_ledgers_and_nothing_else(tmp_path: Path) -> None:
    """The newest comes first; what is broken, or of another kind, keeps nobody from seeing the others."""
    for name, age in (("old.ledger", 100), ("new.ledger", 1)):
        ledger = await begun(tmp_path / name, 2)
        await ledger.aclose()
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))
    (tmp_path / "list.csv").write_text("phone\n2025550101\n", encoding="utf-8")
    (tmp_path / "empty.ledger").touch()
    (tmp_path / "link.ledger").symlink_to(tmp_path / "new.ledger")
    broken = tmp_path / "broken.ledger"
    broken.write_bytes((tmp_path / "old.ledger").read_bytes()[:5000])
    os.utime(broken, (time.time() - 500, time.time() - 500))
    gallery = Gallery([tmp_path])
    looked = [one.look() for one in gallery.ledgers()]
    assert [look.name for look in looked] == ["new.ledger", "old.ledger", "broken.ledger"]
    assert [bool(look.run) for look in looked] == [True, True, False]
    assert looked[2].problem
    assert [one.id for one in gallery.ledgers()] == [look.id for look in looked], "an id stays the same"
    (tmp_path / "old.ledger").unlink()
    assert len(gallery.ledgers()) == 2
    gallery.close()


def locks_of(*files: Path) -> list[str]:
    """What this process has locked of them, as the system says it."""
    inodes = {str(file.stat().st_ino) for file in files}
    found = [line.split()[1:] for line in Path("/proc/locks").read_text(encoding="utf-8").splitlines()]
    return sorted(" ".join(one) for one in found if one[3] == str(os.getpid()) and one[4].rpartition(":")[2] in inodes)


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="the system does not tell its locks")
async def test_looking_in_the_process_of_the_run_drops_none_of_its_locks(tmp_path: Path) -> None:
    """A page that is mounted in the service that sends would let another program take the run's log away."""
    ledger = await begun(tmp_path / "a.ledger", 10)
    (tmp_path / "list.csv").write_text("phone\n2025550101\n", encoding="utf-8")
    files = [tmp_path / f"a.ledger{ending}" for ending in ("", "-shm", "-wal")]
    before = locks_of(*files)
    gallery = Gallery([tmp_path])
    for _ in range(3):
        assert [one.look().name for one in gallery.ledgers()] == ["a.ledger"]
    gallery.close()
    assert before
    assert locks_of(*files) == before
    await ledger.aclose()


def test_a_file_that_cannot_be_read_is_no_ledger(tmp_path: Path) -> None:
    """Nor is a folder."""
    assert not is_ledger(tmp_path)
    assert not is_ledger(tmp_path / "nothing")


async def test_who_waits_for_which_hours_what_it_costs_and_what_was_heard(tmp_path: Path) -> None:
    """By the clocks of whoever waits, and as long as the run's options say."""
    noon = 1_796_144_400.0  # 2026-12-01 12:00 in New York, 09:00 in Los Angeles
    hours = Hours(window="12-20", margin=0.0)
    gates = Gates(hours, begin=noon)
    east, west = (gates.places.place_of(phone) for phone in ("2125550101", "2135550101"))
    ledger = SqliteLedger(tmp_path / "a.ledger")
    await open_ledger(ledger, PLAN)
    rows = [Planned(row, f"1213{row:07d}", "Hi", segments=1, place=west if row > 10 else east) for row in range(1, 31)]
    await ledger.add([*rows, Skipped(31, "", Reason(Code.OPTED_OUT, "by STOP"))])
    await ledger.complete("list")
    options = {"hours": hours.as_dict(), "begun": noon, "price": 30_000, "rate": 10.0}
    await ledger.keep(Kept(options))
    watched = Watched(LedgerFile(ledger.path), clock=lambda: noon + 60)
    look = counted(watched)
    assert [(wait.number, wait.opens, wait.words) for wait in look.details.waits] == [
        (20, noon + 3 * 3600, "Tue 2026-12-01 12:00 PST")
    ]
    assert look.seconds_left == pytest.approx(3 * 3600 - 60 + 2)
    assert look.details.opted_out == 1
    assert look.details.money is not None
    assert (look.details.money.budget, look.details.money.spent, look.details.money.left) == (None, 0.0, 0.9)
    await ledger.aclose()
    watched.close()


async def test_receipts_are_shown_also_long_after_the_run(tmp_path: Path) -> None:
    """They come in when nothing of the ledger changes any more."""
    ledger = await begun(tmp_path / "a.ledger", 3)
    await sent(ledger, [1, 2], int(time.time()))
    await ledger.aclose()
    now = [1_796_140_800.0]
    watched = Watched(LedgerFile(tmp_path / "a.ledger"), clock=lambda: now[0])
    assert counted(watched).receipts is None
    store = ReceiptFile(tmp_path / "a.ledger", PLAN.run, makes=True)
    told = [Told("2025550101", What.DELIVERED, logid="L1"), Told("2025550102", What.UNDELIVERED, logid="L2", words="a landline")]
    store.take([Fact(row, one, is_open=False) for row, one in enumerate(told, 1)], {ASKED: "1796144000"})
    store.close()
    now[0] += 5
    found = watched.look().receipts
    assert found is not None
    assert (found.delivered, found.undelivered) == (1, 1)
    watched.close()


async def test_a_large_ledger_is_counted_a_moment_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until all are counted the page says that they are not, and it never reads all of them at once."""
    ledger = await begun(tmp_path / "a.ledger", 3_000)
    await ledger.aclose()
    monkeypatch.setattr(counting, "FEW", 100)
    monkeypatch.setattr(counting, "_AT_ONCE", 500)
    monkeypatch.setattr(counting, "_MOMENT", 0.0)
    watched = Watched(LedgerFile(tmp_path / "a.ledger"))
    looked = [watched.look() for _ in range(8)]
    assert [look.total for look in looked] == [499, 999, 1499, 1999, 2499, 2999, 3001, 3001]
    assert [look.is_exact for look in looked] == [False] * 7 + [True]
    assert not watched.is_counting
    watched.close()
