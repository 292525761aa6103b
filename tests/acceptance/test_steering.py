"""`pause`, `continue` and `stop` from another process, and by signal: nothing leaves while a run is paused, whatever dies."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.lists import TEXT, phone, text_for
from tests.acceptance.provider_process import Provider, until
from tests.acceptance.stage import Stage

ROWS = 600


def quiet(provider: Provider) -> int:
    """How many texts have left, once what was in flight is answered; none may leave then for a second."""
    time.sleep(0.5)
    left = provider.left
    time.sleep(1.0)
    assert provider.left == left, "texts left in a pause"
    return left


def status(stage: Stage) -> dict[str, object]:
    """What `status --json` says."""
    return stage.run("status", stage.ledger, "--json").json


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_is_paused_and_goes_on_from_another_terminal(stage: Stage, provider: Provider, processes: int) -> None:
    """Whoever finds a mistake in the text could only kill the run, and would have texts in doubt."""
    provider.set(latency=0.02)
    running = stage.start(*stage.sending(stage.list(ROWS), "--rate", 100, "--processes", processes))
    provider.wait_for(20)
    paused = stage.run("pause", stage.ledger, "--why", "wrong word")
    assert paused.code == 0
    assert "paused: by " in paused.err
    left = quiet(provider)
    seen = status(stage)
    assert seen["in_flight"] == 0
    assert seen["running"] is True
    assert isinstance(seen["paused"], dict)
    assert seen["paused"]["why"] == "wrong word"
    again = stage.run("pause", stage.ledger)
    assert again.code == 0
    assert "paused already: by " in again.err
    assert "wrong word" in again.err

    goes_on = stage.run("continue", stage.ledger)
    assert (goes_on.code, "it goes on" in goes_on.err) == (0, True)
    provider.wait_for(left + 20)
    done = running.wait()
    assert done.code == 0, done.err
    assert status(stage)["paused"] is None
    stage.check(ROWS, summary=done.json, planned={phone(n): text_for("Ada") for n in range(ROWS)})


def test_a_run_that_is_killed_in_a_pause_stays_paused(stage: Stage, provider: Provider) -> None:
    """A line of cron that resumes runs would text people although somebody has paused the run."""
    provider.set(latency=0.02)
    running = stage.start(*stage.sending(stage.list(ROWS), "--rate", 100))
    provider.wait_for(20)
    assert stage.run("pause", stage.ledger).code == 0
    left = quiet(provider)
    running.signal(signal.SIGKILL)
    running.wait()
    assert status(stage)["unknown"] == 0
    for arguments in (["resume", stage.ledger, "--yes", "--json"], stage.sending(stage.folder / "voters.csv")):
        refused = stage.run(*arguments)
        assert refused.code == 3, refused.err
        assert refused.json["stop_cause"] == "paused"
        assert str(refused.json["stopped"]).startswith("paused: by ")
        assert "rumbleup continue" in refused.err
    assert provider.left == left
    assert "no longer paused" in stage.run("continue", stage.ledger).err
    provider.set(latency=0)
    assert stage.resume().code == 0
    assert provider.left == ROWS
    stage.check(ROWS, planned={phone(n): text_for("Ada") for n in range(ROWS)})


def test_signals_pause_a_run_and_let_it_go_on(stage: Stage, provider: Provider) -> None:
    """A service manager, which knows nothing but signals, could not hold a run."""
    provider.set(latency=0.02)
    running = stage.start(*stage.sending(stage.list(ROWS), "--rate", 200))
    provider.wait_for(20)
    running.signal(signal.SIGUSR1)
    until(lambda: status(stage)["paused"] is not None, "the signal was not heard")
    left = quiet(provider)
    running.signal(signal.SIGUSR2)
    provider.wait_for(left + 20)
    running.signal(signal.SIGUSR1)
    until(lambda: status(stage)["paused"] is not None, "the signal was not heard")
    left = quiet(provider)
    running.signal(signal.SIGTERM)
    done = running.wait()
    assert done.code == 130, done.err
    assert done.json["unknown"] == 0
    assert isinstance(status(stage)["paused"], dict)
    assert stage.resume().code == 3
    assert provider.left == left
    stage.check(ROWS)


def test_a_run_is_stopped_from_another_terminal(stage: Stage, provider: Provider) -> None:
    """A run could only be stopped by whoever can send it signals; and the next one would be stopped by the same word."""
    provider.set(latency=0.02)
    running = stage.start(*stage.sending(stage.list(ROWS), "--rate", 100))
    provider.wait_for(20)
    assert stage.run("stop", stage.ledger).code == 0
    done = running.wait()
    assert done.code == 3, done.err
    assert (done.json["stopped"], done.json["stop_cause"], done.json["unknown"]) == ("stopped", "asked", 0)
    for word in ("stop", "pause", "continue"):
        idle = stage.run(word, stage.ledger)
        assert idle.code == (2 if word == "stop" else 0), idle.err
    provider.set(latency=0)
    assert stage.resume().code == 0
    assert provider.left == ROWS
    finished = stage.run("pause", stage.ledger)
    assert finished.code == 2
    assert "nobody is left to be texted" in finished.err
    stage.check(ROWS)


def test_what_was_asked_of_a_process_that_did_not_answer_is_heeded_later(stage: Stage, provider: Provider) -> None:
    """A pause that was asked for while the list was read, or while a question stood on the terminal, would be forgotten."""
    terminal = stage.on_terminal("send", stage.list(30), "--action", "125", "--text", TEXT, "--ledger", stage.ledger)
    terminal.read_until("[y/N]")
    command = [sys.executable, "-c", _ASK, str(stage.ledger)]
    asked = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert asked.stdout == "False\n"
    terminal.type("y\n")
    assert terminal.wait().code == 3
    assert provider.left == 0
    assert stage.run("continue", stage.ledger).code == 0
    assert stage.resume().code == 0
    assert provider.left == 30
    stage.check(30)


_ASK = """
import sys
from pathlib import Path
from rumbleup_async.ledger.asking import ask
from rumbleup_async.pauses import Wish
print(ask(Path(sys.argv[1]), Wish.PAUSE, "ada", patience=0.5).is_heeded)
"""
