"""A budget over processes that are killed: what has left never costs more, and what is in doubt stays reserved."""

import random
import signal

import pytest

from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import Provider
from tests.acceptance.stage import Stage

ROWS = 400
CONCURRENCY = 8


@pytest.mark.parametrize("processes", [1, 2])
def test_a_budget_over_kills(stage: Stage, provider: Provider, processes: int) -> None:
    """Each process that dies would leave money that nobody counts, and the next one would spend it once more."""
    chance = random.Random(processes)
    provider.set(latency=0.02)
    provider.faults({"reset-after": 0.03, "500-before": 0.02})
    # The simulator names 5 cents as the price of each text.
    money = ("--budget", 15, "--price", "0.05", "--concurrency", CONCURRENCY, "--processes", processes)
    arguments = stage.sending(stage.list(ROWS), *money)
    kills = 0
    for _ in range(3):
        before = provider.left
        running = stage.start(*arguments)
        provider.wait_for(before + chance.randrange(10, 60))
        running.signal(signal.SIGKILL)
        kills += running.wait().code == -signal.SIGKILL
        assert provider.left * 0.05 <= 15
        arguments = ["resume", stage.ledger, "--yes", "--json", "--no-reconcile"]
    done = stage.resume("--no-reconcile")
    assert done.code == 3, done.err
    assert done.json["stop_cause"] == "budget"
    assert kills == 3
    # What is in doubt may have left: all of it is counted.
    assert done.json["sent"] + done.json["unknown"] == 300
    spending = done.json["spending"]
    assert round(spending["paid"] / 0.05) == done.json["sent"]
    assert round(spending["paid"] + spending["reserved"], 6) == 15
    assert provider.left <= 300
    planned = {phone(n): text_for("Ada") for n in range(ROWS)}
    stage.check(ROWS, planned=planned, concurrency=CONCURRENCY * processes, crashes=kills, doubtful=100)
