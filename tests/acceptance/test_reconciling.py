"""`rumbleup reconcile` and a resume that begins with it, over real processes, files and sockets."""

import signal
import time

import pytest

from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import Provider, until
from tests.acceptance.stage import Stage

ROWS = 600
CONCURRENCY = 16
KEYS = ["run", "action", "found", "absent", "undecided", "unknown", "problem"]
PLANNED = {phone(n): text_for("Ada") for n in range(ROWS)}


DOUBTFUL = 10
"""Of the contacts of `doubtful` those without an answer; half of their texts left."""


def doubtful(stage: Stage, provider: Provider, **rates: float) -> int:
    """A run over 40 contacts and a server that takes some texts without an answer, and some not; how many are unknown."""
    troubled = {n: "502-after" if n % 8 == 3 else "502-before" for n in range(3, 40, 4)}
    provider.faults(
        {name.replace("_", "-"): rate for name, rate in rates.items()}, {phone(n): kind for n, kind in troubled.items()}
    )
    done = stage.send(stage.list(40))
    assert (done.code, done.json["unknown"], provider.left) == (1, DOUBTFUL, 35), done
    provider.faults({}, dict.fromkeys(map(phone, troubled)))
    return DOUBTFUL


def test_kills_and_then_nothing_is_unknown(stage: Stage, provider: Provider) -> None:
    """Else a crash leaves people of whom nobody knows whether they were texted, or settling it texts them twice."""
    provider.set(latency=0.02)
    arguments = stage.sending(stage.list(ROWS), "--concurrency", CONCURRENCY)
    for kills in range(1, 5):
        left = provider.left
        running = stage.begin(*arguments)
        arguments = [
            "resume", stage.ledger, "--yes", "--json", "--concurrency", CONCURRENCY,
            *(["--no-reconcile"] if kills % 2 else ["--settle-seconds", "0"]),
        ]  # fmt: skip
        provider.wait_for(min(left + 60, ROWS - 50))
        running.signal(signal.SIGKILL)
        running.wait()
    time.sleep(0.3)  # what was on its way when the last process died has arrived
    assert stage.run("reconcile", stage.ledger, "--json").json["absent"] == 0, "15 minutes have not passed"
    done = stage.run("reconcile", stage.ledger, "--json", "--settle-seconds", "0")
    assert list(done.json) == KEYS
    assert (done.code, done.json["unknown"], done.json["undecided"], done.json["problem"]) == (0, 0, 0, None), done
    stage.check(ROWS, planned=PLANNED, concurrency=0)

    provider.set(latency=0)
    last = stage.resume("--resend-absent")
    assert (last.code, last.json["sent"]) == (0, ROWS), last
    stage.check(ROWS, summary=last.json, planned=PLANNED)


@pytest.mark.parametrize("tags", ["", "log_missing_tags", "log_altered_tags"])
def test_the_absent_are_sent_again_only_when_asked_for(stage: Stage, provider: Provider, tags: str) -> None:
    """Else people are texted whom nobody wanted texted, or whoever got lost stays lost."""
    doubtful(stage, provider, **({tags: 0.5} if tags else {}))
    done = stage.run("reconcile", stage.ledger, "--json", "--settle-seconds", "0")
    assert (done.code, done.json["found"], done.json["absent"], done.json["problem"]) == (0, 5, 5, None), done
    assert "--resend-absent" in done.err
    plain = stage.resume()
    assert (plain.code, plain.json["sent"], plain.json["not_sent"], provider.left) == (0, 35, 5, 35), plain
    stage.check(40, summary=plain.json)
    again = stage.resume("--resend-absent")
    assert (again.code, again.json["sent"], provider.left) == (0, 40, 40), again
    stage.check(40, summary=again.json)
    assert stage.resume("--resend-absent").json["sent"] == provider.left == 40


@pytest.mark.parametrize("options", [(), ("--processes", "2")], ids=["one process", "two processes"])
def test_a_look_into_the_log_is_not_kept_for_another_day(stage: Stage, provider: Provider, options: tuple[str, ...]) -> None:
    """Else a run that was stopped after its look texts people later whom the log shows by then."""
    doubtful(stage, provider)
    done = stage.run("reconcile", stage.ledger, "--json", "--settle-seconds", "0")
    assert (done.json["found"], done.json["absent"]) == (5, 5), done
    begun = stage.resume("--resend-absent", "--limit", "1", *options)
    assert (begun.json["sent"], begun.json["not_sent"], provider.left) == (36, 4, 36), begun
    for again in (stage.resume(*options), stage.resume("--no-reconcile", *options), stage.send(stage.list(40), *options)):
        assert (again.json["sent"], again.json["not_sent"], provider.left) == (36, 4, 36), again
        stage.check(40, summary=again.json)
    report = stage.run("report", stage.ledger).out
    assert report.count("absent from the log") == 4
    last = stage.resume("--resend-absent", *options)
    assert (last.code, last.json["sent"], provider.left) == (0, 40, 40), last
    stage.check(40, summary=last.json)


def test_a_log_without_anything_that_was_sent(stage: Stage, provider: Provider) -> None:
    """Else a log that answers to nothing makes everybody absent, and they are texted twice."""
    troubled = {phone(n): "502-after" if n % 2 else "502-before" for n in range(4)}
    provider.faults({}, troubled)
    sent = stage.send(stage.list(4), "--concurrency", "1")
    assert sent.json["unknown"] == 4, sent
    provider.faults({}, dict.fromkeys(troubled))
    done = stage.run("reconcile", stage.ledger, "--json", "--settle-seconds", "0")
    assert (done.code, done.json["found"], done.json["absent"], done.json["unknown"]) == (1, 2, 0, 2), done
    assert "nothing is known as sent" in done.err
    stage.check(4, doubtful=2)
    # What the log has shown is known as sent from now on.
    again = stage.run("reconcile", stage.ledger, "--json", "--settle-seconds", "0")
    assert (again.code, again.json["absent"], again.json["unknown"]) == (0, 2, 0), again
    stage.check(4)


def test_a_resume_settles_first(stage: Stage, provider: Provider) -> None:
    """Else what the provider's log knows stays in doubt unless somebody thinks of asking."""
    doubtful(stage, provider)
    done = stage.resume("--settle-seconds", "0")
    assert "looking for" in done.err
    assert (done.code, done.json["sent"], done.json["not_sent"], provider.left) == (0, 35, 5, 35), done
    stage.check(40, summary=done.json)


def test_a_log_that_cannot_be_read(stage: Stage, provider: Provider) -> None:
    """Else a server in trouble settles everybody as not sent, or keeps the rest of the list from being sent."""
    unknown = doubtful(stage, provider)
    provider.faults({"log:503-before": 1.0})
    done = stage.run("reconcile", stage.ledger, "--json", "--quiet", "--settle-seconds", "0")
    assert (done.code, done.json["found"], done.json["absent"], done.json["unknown"]) == (1, 0, 0, unknown)
    assert "cannot be read" in done.json["problem"]
    assert "cannot be read" in done.err
    after = stage.resume("--settle-seconds", "0", "--resend-absent")
    assert (after.code, after.json["unknown"], after.json["not_sent"]) == (1, unknown, 0), after
    assert "cannot be read" in after.err
    stage.check(40, summary=after.json, doubtful=unknown)


def test_a_lagging_log_makes_nobody_absent_before_the_delay(stage: Stage, provider: Provider) -> None:
    """Else whoever is not in the log yet is texted again."""
    unknown = doubtful(stage, provider)
    provider.set(log_lag=3600.0)
    done = stage.run("reconcile", stage.ledger, "--json")
    assert (done.code, done.json["found"], done.json["absent"], done.json["unknown"]) == (1, 0, 0, unknown), done
    assert "too recent" in done.err
    provider.set(log_lag=0.0)
    assert stage.run("reconcile", stage.ledger, "--json").json["found"] > 0
    stage.check(40, doubtful=unknown)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_end_in_the_middle_of_reconciling(stage: Stage, provider: Provider, how: signal.Signals) -> None:
    """Else an impatient person breaks the books."""
    unknown = doubtful(stage, provider)
    provider.faults({"log:hang-before": 1.0})
    running = stage.begin("reconcile", stage.ledger, "--json", "--settle-seconds", "0")
    until(lambda: provider.summary()["requests"].get("message/log/select", {}).get("received"), "the log was not asked")
    running.signal(how)
    done = running.wait()
    if how is signal.SIGINT:
        assert (done.code, done.json["found"], done.json["unknown"]) == (130, 0, unknown), done
    stage.check(40, doubtful=unknown)
    provider.faults({})
    again = stage.run("reconcile", stage.ledger, "--json", "--settle-seconds", "0")
    assert (again.code, again.json["unknown"]) == (0, 0), again
    stage.check(40)


def test_looking_does_not_change_how_a_run_ended(stage: Stage, provider: Provider) -> None:
    """Else a script that asks for the status of a stopped run is told that it died."""
    provider.set(latency=0.05)
    running = stage.begin(*stage.sending(stage.list(1000), "--concurrency", "4"))
    provider.wait_for(5)
    running.signal(signal.SIGINT)
    assert running.wait().code == 130
    provider.set(latency=0)
    assert stage.run("reconcile", stage.ledger).code == 0
    status = stage.run("status", stage.ledger, "--json")
    assert (status.code, status.json["stopped"]) == (130, "interrupted")
    stage.check(1000)


def test_what_cannot_be_reconciled(stage: Stage, provider: Provider) -> None:
    """Else a script takes a mistake for an answer."""
    assert stage.run("reconcile", stage.folder / "none.ledger").code == 2
    assert stage.run("reconcile", stage.file("text.ledger", "hello")).code == 2
    assert stage.send(stage.list(3)).code == 0
    stage.check(3)
    nothing = stage.run("reconcile", stage.ledger, "--json")
    assert (nothing.code, nothing.json["unknown"]) == (0, 0)
    assert stage.run("reconcile", stage.ledger, "--settle-seconds", "-1").code == 2
    assert stage.run("reconcile", stage.ledger, env=stage.environment(RUMBLEUP_API_KEY=None)).code == 2
    assert provider.summary()["requests"].get("message/log/select") is None, "nobody is in doubt"
    provider.reset()
    provider.set(latency=4.0)  # longer than a ledger in use is waited for
    stage.ledger = stage.folder / "other.ledger"
    running = stage.begin(*stage.sending(stage.list(9)))
    provider.wait_for(1)
    assert stage.run("reconcile", stage.ledger).code == 2, "a run is writing it"
    running.signal(signal.SIGKILL)
    running.wait()
    stage.check(9, concurrency=64, crashes=1)
