"""The test text: `send --test-to` and `rumbleup test`."""

import asyncio
import datetime as dt
import json
import sqlite3
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rumbleup_async import ConfigurationError, Hours, MemoryLedger, RumbleUp, State
from rumbleup_async.people import Book
from rumbleup_async.people.entries import OptOut
from rumbleup_async.reasons import OUTSIDE_HOURS
from rumbleup_async.simulator import Server, Simulator

from .conftest import Process
from .test_audit import audit

TEXT = "Hi {first_name}. Reply STOP to opt out"
SEND = ("--action", "125", "--text", TEXT, "--json", "--ledger", "a.ledger")
MINE, OTHERS = "2025550190", "2025550191"


@pytest.fixture
def voters(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir(exist_ok=True)
    path = tmp_path / "folder" / "voters.csv"
    rows = [f"20255501{n:02d},{name}" for n, name in enumerate(["Ada", "Grace", "Alan", "Tim"], 1)]
    path.write_text("\n".join(["phone,first_name", "911,Nobody", *rows]) + "\n")
    return path


def texts(simulator: Simulator) -> list[tuple[str, str | None, str]]:
    """Phone, text and tag of all that has arrived."""
    return [(one.phone, one.text, one.flags[0]) for one in simulator.truth]


async def test_a_text_goes_to_ones_own_phone_before_all_others(process: Process, simulator: Simulator, voters: Path) -> None:
    """A slip in the text, or a wrong project, would be seen on four thousand phones instead of one."""
    options = ("--test-to", MINE, "--test-to", f"({OTHERS[:3]}) 555-0191", "--test-to", f"+1{MINE}", "--yes")
    done = await process("send", voters, *SEND, *options)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    run = told["run"]
    mine = ("Hi Ada. Reply STOP to opt out", f"test-{run}")
    assert texts(simulator)[:2] == [(MINE, *mine), (OTHERS, *mine)]
    assert [tag for _, _, tag in texts(simulator)[2:]] == [f"run-{run}"] * 4
    assert (told["sent"], told["total"]) == (4, 5)
    assert [(one["state"], one["tag"]) for one in told["tests"]] == [("sent", f"test-{run}")] * 2
    assert MINE not in done.stdout + done.stderr
    entries = [detail for what, detail in await audit(process) if what == "test"]
    assert [entry.split(": ")[1].split(",")[0] for entry in entries] == ["about to leave", "sent"] * 2
    assert not any(MINE in entry for entry in entries)
    # Nothing of it is in the books, so nothing of it is looked up.
    report = await process("report", "a.ledger")
    assert MINE not in report.stdout
    assert (await process("reconcile", "a.ledger")).returncode == 0


async def test_a_test_that_fails_texts_nobody(process: Process, simulator: Simulator, voters: Path) -> None:
    """The list would leave although the first text was refused, or nobody knows what became of it."""
    simulator.fault(MINE, "landline")
    done = await process("send", voters, *SEND, "--test-to", MINE, "--test-to", OTHERS, "--yes")
    told = json.loads(done.stdout)
    assert (done.returncode, told["stop_cause"], len(simulator.truth)) == (3, "test_failed", 0), done.stderr
    assert [one["state"] for one in told["tests"]] == ["refused"]
    simulator.fault(MINE, None)
    simulator.fault(MINE, "hang-after")
    done = await process("send", voters, *SEND, "--test-to", MINE, "--yes", "--timeout", "0.5")
    told = json.loads(done.stdout)
    assert (done.returncode, told["sent"], [one["state"] for one in told["tests"]]) == (3, 0, ["unknown"]), done.stderr
    assert "it may have left" in told["stopped"]
    assert [phone for phone, _, _ in texts(simulator)] == [MINE]
    simulator.fault(MINE, None)
    done = await process("send", voters, *SEND, "--yes")
    assert (done.returncode, json.loads(done.stdout)["sent"]) == (0, 4)


async def test_the_command_that_tests_and_does_no_more(process: Process, simulator: Simulator, voters: Path) -> None:
    """Whoever wants a look at the text would have to answer no at the right moment."""
    done = await process("test", voters, *SEND, "--test-to", MINE)
    assert done.returncode == 0, done.stderr
    assert "nobody of the list was texted" in done.stderr
    told = json.loads(done.stdout)
    assert texts(simulator) == [(MINE, "Hi Ada. Reply STOP to opt out", f"test-{told['run']}")]
    # It has tied nobody's hands: another text may follow, and be tested.
    changed = [word.replace("Hi ", "Hello ") for word in SEND]
    done = await process("test", voters, *changed, "--test-to", MINE, "--limit", "2")
    assert (done.returncode, texts(simulator)[1][:2]) == (0, (MINE, "Hello Ada. Reply STOP to opt out")), done.stderr
    done = await process("send", voters, *changed, "--yes")
    assert (done.returncode, json.loads(done.stdout)["sent"]) == (0, 4)
    for words, why in (
        ((), "--test-to PHONE"),
        (("--test-to", "911"), "no phone"),
        (("--test-to", ""), "no phone"),
        (("--test-to", MINE, "--dry-run"), "leave out --dry-run"),
        (("--test-to", MINE), "nobody is queued"),
    ):
        refused = await process("test", voters, *changed, *words)
        assert (refused.returncode, why in refused.stderr) == (2, True), refused.stderr
    assert len(simulator.truth) == 6


async def test_opt_outs_suppression_pauses_and_money_hold_for_it(
    process: Process, simulator: Simulator, voters: Path, tmp_path: Path
) -> None:
    """Somebody who has opted out would be texted because he stands in an option; or more be spent than was given."""
    book = Book(tmp_path / "folder" / "b.book")
    book.open_now()
    book.add_opt_outs_now([OptOut(MINE, 1, "by hand")])
    book.close_now()
    (tmp_path / "folder" / "never.csv").write_text(f"phone\n{OTHERS}\n")
    for words, why in (
        (("--book", "b.book", "--test-to", MINE), "opt_out"),
        (("--suppress", "never.csv", "--test-to", OTHERS), "suppressed"),
        (("--no-book", "--budget", "0.02", "--price", "0.03", "--test-to", MINE), "stopped"),
    ):
        done = await process("send", voters, *SEND[:-1], f"{why}.ledger", *words, "--yes")
        told = json.loads(done.stdout)
        assert (done.returncode, told["stop_cause"], told["tests"][0]["code"]) == (3, "test_failed", why), done.stderr
    assert not simulator.truth
    money = ("--budget", "0.25", "--price", "0.05", "--test-to", MINE, "--test-to", OTHERS)
    done = await process("send", voters, *SEND, *money, "--yes")
    told = json.loads(done.stdout)
    # Two for the tests, and three of the list.
    assert (done.returncode, told["stop_cause"], told["sent"]) == (3, "budget", 3), done.stderr
    assert told["spending"]["paid"] == 0.25


@pytest.mark.parametrize(("hour", "state"), [(12, State.SENT), (3, State.NOT_SENT)])
async def test_nobody_is_woken_by_a_test(server: Server, simulator: Simulator, tmp_path: Path, hour: int, state: State) -> None:
    """A colleague's phone would ring at three in the morning; or nothing could be tested on the day before."""
    noon = dt.datetime(2026, 12, 1, hour, tzinfo=ZoneInfo("America/New_York")).timestamp()
    voters = tmp_path / "voters.csv"
    voters.write_text("phone\n3125550101\n")
    options: dict[str, Any] = {"hours": Hours(clock=lambda: noon), "schedule": {"not_before": "2026-12-02T12:00-05:00"}}
    async with RumbleUp("KEY:SECRET", base_url=server.url) as client:
        run = client.fast_mode(action=125, text="Hi. STOP to opt out", **options)
        with pytest.raises(RuntimeError):
            await run.test(["2125550190"])
        async with run:
            with pytest.raises(ConfigurationError, match="nobody is queued"):
                await run.test(["2125550190"])
            await run.load(voters)
            (tried,) = await run.test("2125550190")
            assert (tried.state, tried.why == OUTSIDE_HOURS) == (state, state is State.NOT_SENT)
            assert "2125550190" not in repr(tried)
            assert run.counts[State.QUEUED] == 1
    assert len(simulator.truth) == (state is State.SENT)


async def test_a_stop_and_a_pause_hold_a_test_that_waits_for_its_turn(
    rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path
) -> None:
    """It would leave seconds after somebody has said that nothing more does."""
    (tmp_path / "list.csv").write_text("phone\n2025550101\n")
    for stops in (True, False):
        async with rumbleup.fast_mode(action=125, text="Hi. STOP to opt out", ledger=MemoryLedger(), rate=0.2) as run:
            await run.load(tmp_path / "list.csv")
            testing = asyncio.create_task(run.test([MINE, OTHERS]))
            before = len(simulator.truth)
            while len(simulator.truth) == before:
                await asyncio.sleep(0.01)
            if stops:
                run.stop("enough")
            else:
                await run.pause("wait")
            first, second = await asyncio.wait_for(testing, 4)  # a turn comes once in five seconds
        assert (first.state, second.state, len(simulator.truth)) == (State.SENT, State.NOT_SENT, before + 1)


@pytest.mark.parametrize("price", ["0.03", "0.01"])
async def test_several_tests_do_not_exceed_the_budget(rumbleup: RumbleUp, tmp_path: Path, price: str) -> None:
    """Each was held against what there was before the first of them."""
    (tmp_path / "list.csv").write_text("phone\n2025550101\n")
    mode = rumbleup.fast_mode(action=125, text="Hi. STOP to opt out", ledger=MemoryLedger(), budget="0.03", price=price)
    async with mode as run:
        await run.load(tmp_path / "list.csv")
        tried = await run.test(["2025550190", "2025550191", "2025550192", "2025550193"])
    # What the simulator's answers cost is more than was thought, so the first one may go beyond it.
    assert [one.state for one in tried] == [State.SENT, State.NOT_SENT]


async def test_a_test_that_died_under_way_is_told_of_before_it_is_sent_once_more(
    process: Process, simulator: Simulator, voters: Path
) -> None:
    """The same command again would send the same text to the same phone, and nobody would know of the first."""
    done = await process("test", voters, *SEND, "--test-to", MINE)
    db = sqlite3.connect(voters.parent / "a.ledger")
    with db:  # as a process leaves it that dies before the answer
        db.execute("DELETE FROM audit WHERE id = (SELECT max(id) FROM audit WHERE what = 'test' AND detail LIKE '%: sent%')")
    db.close()
    done = await process("test", voters, *SEND, "--test-to", MINE)
    told = json.loads(done.stdout)
    assert (done.returncode, [one["state"] for one in told["tests"]], len(simulator.truth)) == (3, ["unknown"], 1), done.stderr
    assert "it may have left" in told["stopped"]
    done = await process("test", voters, *SEND, "--test-to", MINE)
    assert (done.returncode, len(simulator.truth)) == (0, 2)
