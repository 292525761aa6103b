"""Several sending processes over one ledger: any of them may die, and all of them stop."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import KEY, Provider, must_keep_to, until
from tests.acceptance.shell import Forked
from tests.acceptance.stage import Stage, interrupt_twice

CONCURRENCY = 8


def senders(running: Forked) -> list[int]:
    """The sending processes of a command."""
    pid = running.pid
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def all_senders(running: Forked, count: int) -> list[int]:
    """The sending processes, once all of them are there. Whoever waits for them keeps the provider slow meanwhile."""
    until(lambda: len(senders(running)) == count, f"{count} processes did not start")
    return senders(running)


def sending(stage: Stage, rows: int, processes: int, *arguments: object) -> list[object]:
    return stage.sending(stage.list(rows), "--concurrency", CONCURRENCY, "--processes", processes, *arguments)


def test_two_processes_text_a_list_once(stage: Stage, provider: Provider) -> None:
    """Else a second core would text somebody twice."""
    done = stage.run(*sending(stage, 1000, 2))
    assert done.code == 0, done.err
    stage.check(1000, summary=done.json, planned={phone(n): text_for("Ada") for n in range(1000)})


def test_one_of_them_is_killed(stage: Stage, provider: Provider) -> None:
    """Else the end of one process would end the run, or leave more in doubt than it had in hand."""
    provider.set(latency=0.2)
    running = stage.begin(*sending(stage, 1000, 3))
    found = all_senders(running, 3)
    provider.wait_for(60)
    os.kill(found[1], signal.SIGKILL)
    provider.set(latency=0.02)
    done = running.wait()
    # It may have had nothing in hand, if it came up late.
    assert done.code == (1 if done.json["unknown"] else 0), done
    assert done.json["unknown"] <= 2 * CONCURRENCY
    assert done.json["sent"] + done.json["unknown"] == 1000
    stage.check(1000, summary=done.json, concurrency=CONCURRENCY, crashes=1)


def test_all_of_them_are_killed(stage: Stage, provider: Provider) -> None:
    """Else the command would wait for ever for processes that are gone."""
    provider.set(latency=0.2)
    running = stage.begin(*sending(stage, 1000, 2))
    found = all_senders(running, 2)
    provider.wait_for(50)
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    done = running.wait()
    assert done.code == 3, done
    assert "senders died" in done.json["stopped"]
    assert done.json["unknown"] <= 4 * CONCURRENCY
    provider.set(latency=0)
    after = stage.resume("--processes", 2)
    assert after.json["not_sent"] == 0
    stage.check(1000, summary=after.json, concurrency=CONCURRENCY, crashes=2)


def test_the_one_that_keeps_the_books_is_killed(stage: Stage, provider: Provider) -> None:
    """Else senders would go on texting with nobody to write it down."""
    provider.set(latency=0.05)
    running = stage.begin(*sending(stage, 2000, 2))
    provider.wait_for(100)
    found = senders(running)
    running.signal(signal.SIGKILL)
    running.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in found), "the senders live on")
    left = provider.left
    time.sleep(0.3)  # enough for a hundred more
    # A request may have lain in a socket when its sender died.
    assert provider.left <= left + 2 * CONCURRENCY
    assert left < 1900
    provider.set(latency=0)
    after = stage.resume("--processes", 2)
    assert after.json["not_sent"] == 0
    stage.check(2000, summary=after.json, concurrency=CONCURRENCY, crashes=2)


def test_while_one_of_them_lives_nobody_goes_on(stage: Stage, provider: Provider) -> None:
    """Else a sender that was stopped wakes up when its texts are settled and sent again, and sends them too."""
    provider.set(latency=0.05)
    running = stage.begin(*sending(stage, 600, 2))
    provider.wait_for(100)
    found = senders(running)
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    try:
        running.signal(signal.SIGKILL)
        running.wait()
        for command in ("resume", "reconcile"):
            done = stage.run(command, stage.ledger, *(["--yes"] if command == "resume" else []))
            assert done.code == 2, done
            assert "being written by another run" in done.err
    finally:
        for pid in found:
            os.kill(pid, signal.SIGCONT)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in found), "the senders live on")
    provider.set(latency=0)
    after = stage.resume("--processes", 2)
    assert after.json["not_sent"] == 0
    stage.check(600, summary=after.json, concurrency=CONCURRENCY, crashes=2)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_them_all(stage: Stage, provider: Provider, how: signal.Signals) -> None:
    """Else Ctrl-C would stop one core."""
    provider.set(latency=0.05)
    running = stage.begin(*sending(stage, 2000, 3))
    provider.wait_for(100)
    os.killpg(running.pid, how)  # as a terminal does, and a service manager
    done = running.wait()
    left = provider.left
    assert done.code == 130, done
    assert done.json["stopped"] == "interrupted"
    assert done.json["unknown"] == 0
    assert done.json["sent"] == left < 1900
    time.sleep(0.2)
    assert provider.left == left
    stage.check(2000, summary=done.json)


def test_a_second_signal_ends_them_at_once(stage: Stage, provider: Provider) -> None:
    """Else a provider that hangs would hold the user hostage."""
    source = stage.list(100)
    assert stage.send(source, "--limit", "20").code == 0
    provider.faults({"hang-after": 1.0})
    running = stage.begin("resume", stage.ledger, "--yes", "--json", "--concurrency", 4, "--processes", 2, "--timeout", "600")
    provider.wait_for(21)
    interrupt_twice(running)
    done = running.wait()
    assert done.code == 130
    # Its worker processes hold the ledger until they have seen that it is dead.
    until(lambda: not stage.run("status", stage.ledger, "--json").json["running"], "the ledger was never let go")
    assert 1 <= stage.run("status", stage.ledger, "--json").json["unknown"] <= 16
    stage.check(100, concurrency=4, crashes=2)


def test_a_wrong_key_is_met_by_one_text(stage: Stage, provider: Provider) -> None:
    """Else each process would meet it anew."""
    done = stage.run(*sending(stage, 100, 3), env=stage.environment(RUMBLEUP_API_KEY="KEY:WRONG"))
    assert done.code == 3, done
    assert "key refused" in done.json["stopped"]
    assert provider.requests == 1
    stage.check(100, summary=done.json)


def test_one_rate_for_all(stage: Stage, provider: Provider) -> None:
    """Else N processes would send N times what the provider allows."""
    done = stage.run(*sending(stage, 300, 3, "--rate", 100))
    assert done.code == 0, done.err
    must_keep_to(100, provider)
    stage.check(300, summary=done.json)


def test_limit_and_suppression_hold_over_all(stage: Stage, provider: Provider) -> None:
    """Else a limit of a hundred would be one of each process, and somebody who opted out would be texted."""
    done = stage.run(*sending(stage, 200, 2, "--limit", 50))
    assert done.code == 0, done
    assert done.json["sent"] == 50 == provider.left
    gone = [phone(n) for n in range(60, 160)]
    opted_out = stage.file("opted-out.txt", "\n".join(gone) + "\n")
    after = stage.resume("--processes", 2, "--suppress", opted_out)
    assert after.code == 0, after.err
    assert after.json["not_sent"] == 100
    assert not {text["phone"] for text in provider.truth()} & set(gone)
    stage.check(200, summary=after.json)


def test_a_full_disk_stops_them_all(stage: Stage, provider: Provider) -> None:
    """Else texts would leave that nobody has written down."""
    source = stage.list(18_000)
    done = stage.start(*stage.sending(source, "--concurrency", CONCURRENCY, "--processes", 2), within="small-disk").wait()
    assert done.code == (3 if provider.left else 2), done
    stage.check(18_000, concurrency=CONCURRENCY, crashes=2)


def test_they_stop_after_a_hold_for_all(stage: Stage, provider: Provider) -> None:
    """Else one process would go on while another was told to wait."""
    provider.set(retry_after=1.0)
    source = stage.list(400)
    assert stage.send(source, "--limit", "20").code == 0
    provider.faults(phones={phone(100): ["429-retry-after", None]})
    done = stage.resume("--processes", 2, "--concurrency", 4)
    assert done.code == 0, done.err
    stage.check(400, summary=done.json)


def test_what_lies_beside_the_list_is_not_run_in_them(stage: Stage, provider: Provider) -> None:
    """Whoever may write into the folder of a list would have the key, and a harmless `random.py` would end the run."""
    for name in (
        "random",
        "asyncio",
        "json",
        "socket",
        "uvloop",
        "msgspec",
        "aiohttp",
        "rumbleup_async",
        "sitecustomize",
        "retry",
    ):
        stage.file(f"{name}.py", f"open('mark', 'a').write('{name} ')\nraise SystemExit(9)\n")
    done = stage.run(*sending(stage, 100, 2))
    assert not (stage.folder / "mark").exists(), (stage.folder / "mark").read_text()
    assert done.code == 0, done.err
    stage.check(100, summary=done.json)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_they_are_told_only_what_they_need(stage: Stage, provider: Provider) -> None:
    """A key would stand in the environment of every process, or in the list of processes, where others read it."""
    provider.set(latency=0.3)
    running = stage.begin(*sending(stage, 400, 2))
    provider.wait_for(20)
    for pid in all_senders(running, 2):
        told = (Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()).decode()
        assert KEY not in told
        assert "hunter2" not in told
        assert "RUMBLEUP" not in told
        assert "SENDBLUE" not in told
        assert "PYTHONPATH=" not in told
    provider.set(latency=0)
    assert running.wait().code == 0
    stage.check(400)
