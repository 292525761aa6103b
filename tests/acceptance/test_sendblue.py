"""A run over Sendblue as a user calls it: killed and resumed, held against what the provider received."""

import random
import signal
import uuid
from typing import Any

from tests.acceptance.lists import TEXT, phone, text_for
from tests.acceptance.provider_process import KEY, Provider
from tests.acceptance.stage import Stage

ROWS = 1500
CONCURRENCY = 8
LINES = ["--from", "+12025550198", "--from", "+12025550199"]
FAST = ["--per-second", "0", "--new-per-hour", "0", "--new-per-day", "0"]


def environment(stage: Stage) -> dict[str, str]:
    key, _, secret = KEY.partition(":")
    url = stage.provider.url.removesuffix("/api")
    return stage.environment(RUMBLEUP_API_KEY=None, SENDBLUE_API_KEY=key, SENDBLUE_API_SECRET=secret, SENDBLUE_BASE_URL=url)


def sending(stage: Stage, *arguments: object) -> list[object]:
    source = stage.list(ROWS)
    return [
        "send",
        source,
        "--provider",
        "sendblue",
        *LINES,
        "--text",
        TEXT,
        "--ledger",
        stage.ledger,
        "--yes",
        "--json",
        *arguments,
    ]


def truth(stage: Stage, run: str) -> list[dict[str, Any]]:
    """What the provider received, in the words of the history checker: it has handles, and knows neither projects nor tags."""
    return [
        {**text, "logid": str(uuid.UUID(text["logid"].removeprefix("rl_"))), "action": "2 lines", "flags": [f"run-{run}"]}
        for text in stage.provider.truth()
    ]


def test_kills_and_resumes(stage: Stage, provider: Provider) -> None:
    """Else whoever loses power while sending over Sendblue texts people twice when going on."""
    chance = random.Random(4)
    provider.set(latency=0.02)
    env = environment(stage)
    arguments = sending(stage, "--concurrency", CONCURRENCY, *FAST)
    kills = 0
    for number in range(5):
        before = provider.left
        running = stage.begin(*arguments, env=env)
        arguments = ["resume", stage.ledger, "--yes", "--json", "--concurrency", CONCURRENCY, *FAST]
        if number % 2:
            arguments.append("--no-reconcile")  # each look into the list takes as many requests as there are texts in doubt
        provider.wait_for(min(before + chance.randrange(1, 150), ROWS - 200))
        running.signal(signal.SIGKILL)
        kills += running.wait().code == -signal.SIGKILL
    assert kills == 5
    provider.set(latency=0)
    done = stage.run("resume", stage.ledger, "--yes", "--json", *FAST, env=env)
    assert done.code == (1 if done.json["unknown"] else 0), done.err
    assert done.json["not_sent"] == 0
    contacts = stage.check(
        ROWS,
        truth=truth(stage, done.json["run"]),
        summary=done.json,
        planned={f"+1{phone(n)}": text_for("Ada") for n in range(ROWS)},
        concurrency=CONCURRENCY,
        crashes=kills,
    )
    by_line = {entry.reason for entry in contacts.values() if entry.state == "sent"}
    assert {"line 1", "line 2"} <= by_line <= {"line 1", "line 2", "found in the log"}


def test_what_is_unknown_is_looked_up_and_sent_again_only_when_asked_for(stage: Stage, provider: Provider) -> None:
    """Else whoever was met by a fault stays in doubt for ever, or is texted twice by the resume."""
    troubled = {n: "502-after" if n % 8 == 3 else "502-before" for n in range(3, 40, 4)}
    provider.faults({}, {f"+1{phone(n)}": kind for n, kind in troubled.items()})
    env = environment(stage)
    arguments = sending(stage, *FAST)
    arguments[1] = stage.list(40)
    done = stage.run(*arguments, env=env)
    assert (done.code, done.json["unknown"], provider.left) == (1, 10, 35), done
    provider.faults({}, {f"+1{phone(n)}": None for n in troubled})
    early = stage.run("reconcile", stage.ledger, "--json", env=env)
    assert (early.json["found"], early.json["absent"], early.json["unknown"]) == (5, 0, 5)
    late = stage.run("reconcile", stage.ledger, "--json", "--settle-seconds", "0", env=env)
    assert (late.code, late.json["absent"], late.json["unknown"]) == (0, 5, 0), late
    assert stage.run("resume", stage.ledger, "--yes", "--json", *FAST, env=env).json["not_sent"] == 5
    last = stage.run("resume", stage.ledger, "--yes", "--json", "--resend-absent", *FAST, env=env)
    assert (last.code, last.json["sent"], provider.left) == (0, 40, 40), last
    planned = {f"+1{phone(n)}": text_for("Ada") for n in range(40)}
    stage.check(40, truth=truth(stage, last.json["run"]), summary=last.json, planned=planned)


def test_a_day_s_contacts_are_not_used_twice(stage: Stage, provider: Provider) -> None:
    """Else each resume would text as many new people as the lines may text in an hour, and the lines be blocked."""
    env = environment(stage)
    first = stage.run(*sending(stage, "--per-second", "0"), env=env)
    assert first.code == 3, first.err
    assert first.json["sent"] == 30
    assert "resume after" in first.json["stopped"]
    again = stage.run("resume", stage.ledger, "--yes", "--json", env=env)
    assert again.code == 3, again.err
    assert (again.json["sent"], provider.left) == (30, 30)
    more = stage.run("resume", stage.ledger, "--yes", "--json", "--per-second", "0", "--new-per-hour", "20", env=env)
    assert (more.json["sent"], provider.left) == (40, 40)
    stage.check(ROWS, truth=truth(stage, more.json["run"]), summary=more.json)


def test_a_blocked_line_rests_and_the_other_goes_on(stage: Stage, provider: Provider) -> None:
    """Else one blocked line stops the campaign, or everybody whom it was to text is written off."""
    provider.call("lines", {"number": "+12025550198"})
    done = stage.run(*sending(stage, *FAST, "--limit", "50"), env=environment(stage))
    assert done.code == 0, done.err
    assert done.json["sent"] == 50
    assert {text["phone"] for text in provider.truth()} == {f"+1{phone(n)}" for n in range(50)}
    provider.call("lines", {"number": "+12025550199"})
    stopped = stage.run("resume", stage.ledger, "--yes", "--json", *FAST, env=environment(stage))
    assert stopped.code == 3, stopped.err
    assert stopped.json["stopped"].startswith("no line left")
    assert stopped.json["refused"] == 0
    stage.check(ROWS, truth=truth(stage, stopped.json["run"]), summary=stopped.json)


def test_options_of_the_other_provider_are_refused(stage: Stage) -> None:
    """Else a project's id would be ignored without a word, and the texts leave from somewhere else."""
    env = environment(stage)
    for wrong, words in ((["--action", "125"], "--action"), (["--rate", "5"], "--rate"), (["--flag", "a"], "--flag")):
        done = stage.run(*sending(stage, *wrong), env=env)
        assert done.code == 2, done
        assert words in done.err
    done = stage.run("send", stage.list(2), "--from", "+12025550198", "--action", "1", "--text", TEXT, "--yes")
    assert done.code == 2
    assert "--from" in done.err


def test_no_opt_out_wording_is_a_setting(stage: Stage, provider: Provider) -> None:
    """Else a text without a way out would leave unnoticed, or nobody could send one where it is lawful."""
    env = environment(stage)
    arguments = [
        "send",
        stage.list(2),
        "--provider",
        "sendblue",
        *LINES,
        "--text",
        "Hi",
        "--ledger",
        stage.ledger,
        "--yes",
        "--json",
    ]
    done = stage.run(*arguments, env=env)
    assert done.code == 2
    assert "STOP" in done.err
    sent = stage.run(*arguments, "--no-opt-out", "--per-second", "0", env=env)
    assert (sent.json["sent"], provider.left) == (2, 2)
    stage.check(2, truth=truth(stage, sent.json["run"]), summary=sent.json)
