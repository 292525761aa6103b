"""kill -9, signals, lost terminals and full disks: at most once, always accounted for, and nothing leaves afterwards."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import time
from typing import Any

import pytest

from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.messaging import Plan
from tests.acceptance.lists import TEXT, phone, text_for
from tests.acceptance.provider_process import Provider, until
from tests.acceptance.shell import GUARD
from tests.acceptance.stage import COUNTS, Stage, interrupt_twice

ROWS = 3000
CONCURRENCY = 16


def test_five_kills_in_a_row(stage: Stage, provider: Provider) -> None:
    """Else whoever loses power, or is killed by the system, texts people twice when going on.

    The command as it is installed, each time from a new interpreter; forty more kills are in test_kills.py.
    """
    chance = random.Random(10)
    provider.set(latency=0.02)
    arguments = stage.sending(stage.list(ROWS), "--concurrency", CONCURRENCY)
    kills = 0
    for number in range(5):
        before = provider.left
        running = stage.start(*arguments)
        arguments = ["resume", stage.ledger, "--yes", "--json", "--concurrency", CONCURRENCY]
        if number == 0 or chance.random() < 0.7:
            provider.wait_for(min(before + chance.randrange(1, 200), ROWS - 200))
        else:
            time.sleep(chance.uniform(0.2, 1.2))
        running.signal(signal.SIGKILL)
        if running.wait().code == -signal.SIGKILL:
            kills += 1
        looked = stage.run("status", stage.ledger, "--json")
        assert looked.json["unknown"] <= 2 * CONCURRENCY * kills
        assert looked.json["total"] == ROWS
        assert looked.code in (0, 1), looked
    assert kills == 5

    provider.set(latency=0)
    done = stage.resume()
    assert done.code == (1 if done.json["unknown"] else 0), done.err
    assert done.json["not_sent"] == 0
    stage.check(
        ROWS,
        summary=done.json,
        planned={phone(n): text_for("Ada") for n in range(ROWS)},
        concurrency=CONCURRENCY,
        crashes=kills,
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_end_while_the_list_is_read(stage: Stage, provider: Provider, how: signal.Signals) -> None:
    """Else a list that was read by half would be texted by half, or without its duplicates taken out."""
    rows, phones = 50_000, 300
    source = stage.file("voters.csv", "phone,first_name\n" + "".join(f"{phone(n % phones)},Ada\n" for n in range(rows)))
    running = stage.begin(*stage.sending(source))
    until(lambda: rows_in_the_books(stage) > 0, "the list was not read")
    running.signal(how)
    done = running.wait()
    if how is signal.SIGKILL:
        assert done.code == -signal.SIGKILL
    else:
        assert done.code == 130, done
        assert "rumbleup resume" not in done.err
    assert provider.requests == 0, "the signal came too late to test anything"

    stage.run("report", stage.ledger)
    status = stage.run("status", stage.ledger, "--json")
    if how is signal.SIGINT:
        assert (status.code, status.json["stopped"]) == (130, "interrupted")
    hasty = stage.resume()
    assert hasty.code == 2, hasty
    assert "send" in hasty.err
    assert provider.requests == 0

    again = stage.send(source, "--quiet")
    assert again.code == 0, again.err
    assert again.json["sent"] == phones
    stage.check(rows, summary=again.json)


async def test_an_end_before_the_first_row_is_read(stage: Stage, provider: Provider) -> None:
    """Else `send || resume` in a script ends with exit code 0, and nobody was texted."""
    ledger = SqliteLedger(stage.ledger)
    await ledger.open(Plan(run="abcdefghij", provider="rumbleup", action="125", text=TEXT, same_text=None, details={}))
    await ledger.aclose()
    hasty = stage.resume()
    assert hasty.code == 2, hasty
    assert "send the same list again" in hasty.err
    done = stage.send(stage.list(3))
    assert done.code == 0, done
    stage.check(3, summary=done.json)


def rows_in_the_books(stage: Stage) -> int:
    """Rows that are committed so far; none while there is no ledger, or nothing in it but its beginning."""
    try:
        with contextlib.closing(sqlite3.connect(f"{stage.ledger.as_uri()}?mode=ro", uri=True)) as books:
            (rows,) = books.execute("SELECT count(*) FROM contact").fetchone()
    except sqlite3.OperationalError:
        return 0
    return int(rows)


def test_what_runs_in_the_background_goes_on(stage: Stage, provider: Provider) -> None:
    """Else a run under `nohup` would stop when its terminal closes, and one behind the `&` of a script by somebody's Ctrl-C."""
    provider.set(latency=0.05)
    running = stage.start(*stage.sending(stage.list(200), "--concurrency", "4"), within="background")
    provider.wait_for(4)
    running.signal(signal.SIGINT)
    running.signal(signal.SIGHUP)
    done = running.wait()
    assert done.code == 0, done
    assert done.json["sent"] == 200
    stage.check(200, summary=done.json)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_cleanly(stage: Stage, provider: Provider, how: signal.Signals) -> None:
    """Else Ctrl-C would not stop the texts, or would leave the books in doubt."""
    provider.set(latency=0.05)
    running = stage.begin(*stage.sending(stage.list(1000), "--concurrency", "8"))
    provider.wait_for(20)
    running.signal(how)
    signalled = time.time()
    done = running.wait()
    left = provider.left

    assert done.code == 130, done
    assert done.json["stopped"] == "interrupted"
    assert done.json["unknown"] == 0
    assert done.json["sent"] == left < 900
    assert "rumbleup resume" in done.err
    assert max(text["time"] for text in provider.truth()) < signalled + 5
    assert stage.run("status", stage.ledger).code == 130
    stage.check(1000, summary=done.json)

    provider.set(latency=0)
    after = stage.resume()
    assert after.code == 0, after.err
    assert after.json["sent"] == 1000
    stage.check(1000, summary=after.json)


def test_two_signals_end_it_at_once(stage: Stage, provider: Provider) -> None:
    """Else a provider that hangs would hold the user hostage, or leaving it would lose track of what may have left."""
    source = stage.list(100)
    assert stage.send(source, "--limit", "20").code == 0
    provider.faults({"hang-after": 1.0})
    running = stage.begin("resume", stage.ledger, "--yes", "--json", "--concurrency", "4", "--timeout", "600")
    provider.wait_for(21)
    interrupt_twice(running)
    done = running.wait()
    assert done.code == 130
    assert stage.run("status", stage.ledger, "--json").json["unknown"] >= 1
    stage.check(100, concurrency=4, crashes=1)

    provider.faults({})
    after = stage.resume("--no-reconcile")
    assert after.code == 1, "what hung is unknown and stays so"
    stage.check(100, summary=after.json, concurrency=4, crashes=1)
    last = stage.resume()
    assert last.code == 0, "it left, and the log says so"
    stage.check(100, summary=last.json)


def test_a_signal_while_the_provider_wants_a_pause(stage: Stage, provider: Provider) -> None:
    """Else Ctrl-C would be answered a minute later."""
    provider.set(retry_after=60.0)
    provider.faults({"429-retry-after": 1.0})
    running = stage.begin(*stage.sending(stage.list(10)))
    until(lambda: provider.requests, "nothing was sent")
    time.sleep(0.3)  # the answer has come; if it has not, the run is stopped all the same
    running.signal(signal.SIGINT)
    done = running.wait()
    assert done.code == 130, done
    assert done.json["not_sent"] == 10
    assert provider.requests == 1
    stage.check(10, summary=done.json)


def test_ctrl_c_while_it_starts(stage: Stage) -> None:
    """Else an early change of mind meets a page of code."""
    source = stage.list(3)
    for pause in (0.15, 0.4):
        running = stage.start(*stage.sending(source, "--dry-run"))
        time.sleep(pause)
        running.signal(signal.SIGINT)
        done = running.wait()
        assert done.code in (0, 130, -signal.SIGINT), done  # before the first line of ours runs, Python itself ends


@pytest.mark.parametrize("lost", ["pipe", "terminal"])
def test_it_stops_although_nobody_can_be_told(stage: Stage, provider: Provider, lost: str) -> None:
    """Else texts keep leaving after a closed terminal, a lost connection, or Ctrl-C on `rumbleup ... 2>&1 | tee log`."""
    provider.set(latency=0.05)
    source = stage.list(2000)
    arguments = [*stage.sending(source, "--concurrency", "4")]
    if lost == "terminal":
        terminal = stage.on_terminal(*arguments)
        terminal.read_until("in flight")
        provider.wait_for(10)
        terminal.hang_up()
        process: subprocess.Popen[Any] = terminal.process
    else:
        reading, writing = os.pipe()
        process = stage.start(*arguments, stderr=writing).process
        os.close(writing)
        provider.wait_for(10)
        os.close(reading)
        process.send_signal(signal.SIGINT)
    until(lambda: process.poll() is not None, "the command goes on")
    assert process.returncode == 130
    assert provider.left < 1500
    stage.check(2000)
    provider.set(latency=0)
    after = stage.resume("--quiet")
    assert after.code == 0, after.err
    stage.check(2000, summary=after.json)


def test_a_terminal_is_left_as_it_was(stage: Stage, provider: Provider) -> None:
    """Else the cursor is gone after Ctrl-C, or the live display shows what it must not."""
    provider.set(latency=0.05)
    terminal = stage.on_terminal(*stage.sending(stage.list(500), "--concurrency", "4"))
    terminal.read_until("in flight")
    provider.wait_for(10)
    terminal.type("\x03")
    done = terminal.wait()
    assert done.code == 130
    assert "stopping" in terminal.shown
    assert terminal.shown.count("\x1b[?25l") == terminal.shown.count("\x1b[?25h")
    stage.check(500)


def test_a_full_disk(stage: Stage, provider: Provider) -> None:
    """Else texts leave that nobody has written down, or a script takes the end for "nothing was sent" and starts anew."""
    source = stage.list(18_000)
    done = stage.start(*stage.sending(source, "--concurrency", "8"), within="small-disk").wait()
    assert done.code == (3 if provider.left else 2), done
    if provider.left:
        assert sum(done.json[state] for state in COUNTS) == 18_000
    stage.check(18_000, concurrency=8, crashes=1)


def test_standard_error_closed(stage: Stage, provider: Provider) -> None:
    """Else a job of cron or of a service manager dies of having nowhere to talk."""
    done = stage.start(*stage.sending(stage.list(5)), within="no-stderr").wait()
    assert done.code == 0, done
    stage.check(5, summary=done.json)


def test_a_reader_that_goes_away_does_not_change_the_exit_code(stage: Stage, provider: Provider) -> None:
    """Else `set -o pipefail` would take a run with unknowns for a good one."""
    provider.faults(phones={phone(1): "500-after"})
    reading, writing = os.pipe()
    running = stage.start(
        "send", stage.list(5), "--action", "125", "--text", TEXT, "--ledger", stage.ledger, "--yes", stderr=writing
    )
    os.close(writing)
    os.close(reading)
    assert running.wait(GUARD).code == 1
    stage.check(5, doubtful=1)
