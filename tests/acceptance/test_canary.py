"""A canary by the command: who goes first, what a kill during the wait leaves, and what lets a failed one go on."""

import signal
from typing import Any

import pytest

from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import Provider, until
from tests.acceptance.stage import Stage

ROWS = 300


def status(stage: Stage) -> dict[str, Any]:
    """What `status --json` says."""
    return dict(stage.run("status", stage.ledger, "--json").json)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_canary_that_is_killed_while_it_is_watched_is_watched_on(stage: Stage, provider: Provider, processes: int) -> None:
    """The process that dies at night would be followed by one that sends the rest at once, or a second canary."""
    running = stage.start(*stage.sending(stage.list(ROWS), "--canary", "40,1h", "--processes", processes))
    provider.wait_for(40)
    until(lambda: status(stage)["canary"]["stage"] == "watching", "the canary is not watched")
    assert provider.left == 40
    running.signal(signal.SIGKILL)
    running.wait()
    left = status(stage)
    assert (left["sent"], left["unknown"], left["canary"]["texts"]) == (40, 0, 40)
    again = stage.start("resume", stage.ledger, "--yes", "--json")
    until(lambda: status(stage)["running"], "the run does not go on")
    stopped = stage.run("stop", stage.ledger)
    assert stopped.code == 0
    done = again.wait()
    assert (done.code, done.json["stop_cause"], provider.left) == (3, "asked", 40)
    assert done.json["canary"]["until"] == left["canary"]["until"], "the rest of the same wait"
    done = stage.resume("--canary", "40,0", "--processes", processes)
    assert done.code == 0, done.err
    assert done.json["canary"]["stage"] == "passed"
    stage.check(ROWS, summary=done.json, planned={phone(n): text_for("Ada") for n in range(ROWS)})


def test_a_canary_that_fails_leaves_the_rest_until_looser_rules_are_typed(stage: Stage, provider: Provider) -> None:
    """A line of cron that resumes runs would text the rest of a list on which every third text fails."""
    provider.faults({"landline": 0.3})
    failed = stage.send(stage.list(ROWS), "--canary", "100,0", "--abort-if", "refused>5%")
    assert failed.code == 3, failed
    assert failed.json["stopped"].startswith("canary failed: "), failed
    assert failed.json["stopped"].endswith(" of 100 were refused")
    assert failed.json["reasons"]["not_sent"] == {"after_canary": ROWS - 100}
    assert "--canary none" in failed.err
    assert failed.json["sent"] + failed.json["refused"] == 100
    report = stage.run("report", stage.ledger)
    assert report.out.count("after the canary") == ROWS - 100
    for more in ([], ["--abort-if", "refused>6%"]):
        again = stage.resume(*more)
        assert (again.code, again.json["stop_cause"]) == (3, "canary_failed")
    done = stage.resume("--abort-if", "refused>60%")
    assert done.code == 0, done
    assert done.json["sent"] + done.json["refused"] == ROWS
    stage.check(ROWS, summary=done.json)


def test_what_is_no_canary_is_refused(stage: Stage) -> None:
    """`--canary 200,15` might be minutes or seconds."""
    people = stage.list(2)
    for wrong in (
        ["--canary", "0"],
        ["--canary", "200,15"],
        ["--canary=x"],
        ["--canary", "none,1m"],
        ["--abort-if", "errors>8%"],
    ):
        done = stage.send(people, *wrong)
        assert done.code == 2, done
    done = stage.send(people, "--canary", "5", "--abort-if", "opt-outs>2%")
    assert (done.code, "--book" in done.err) == (2, True)
    assert stage.provider.requests == 0


def test_opt_outs_and_receipts_are_read_before_the_wait_ends(stage: Stage, provider: Provider) -> None:
    """Looks are a minute apart, and the rest would leave in the seconds before the one that tells of them."""
    watched = ("--book", stage.folder / "people.book", "--opt-outs", "auto")
    provider.set(stop_rate=0.5, reply_delay=0.05)
    failed = stage.send(stage.list(ROWS), "--canary", "50,2s", *watched)
    assert (failed.code, failed.json["stop_cause"], failed.json["sent"]) == (3, "canary_failed", 50), failed
    assert failed.json["stopped"].endswith(" of 50 opted out")
    provider.set(stop_rate=0.0, undelivered_rate=0.5, receipt_delay=0.05)
    failed = stage.resume("--canary", "50,0", "--abort-if", "undelivered>5%")
    assert failed.code == 0, "receipts are read as long as the canary goes on, and what was sent before was delivered"
    stage.check(ROWS, summary=failed.json)


def test_undelivered_texts_are_read_from_the_log(stage: Stage, provider: Provider) -> None:
    """The provider takes texts for numbers that are no longer in use, and says so only later."""
    provider.set(delivered_rate=0.5, undelivered_rate=0.5, receipt_delay=0.05)
    failed = stage.send(stage.list(ROWS), "--canary", "50,1s", "--abort-if", "undelivered>5%")
    assert (failed.code, failed.json["sent"]) == (3, 50), failed
    assert failed.json["stopped"].endswith(" of 50 were not delivered")
    assert failed.json["canary"]["undelivered"] > 10
    stage.check(ROWS, summary=failed.json)
