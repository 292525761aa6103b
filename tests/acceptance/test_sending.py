"""A list goes in, every contact comes out with a state and a reason: the way without trouble."""

import csv
import io
import json
import os
import stat
from pathlib import Path

import pytest

from tests.acceptance.lists import TEXT, messy, phone, text_for
from tests.acceptance.provider_process import Provider, must_keep_to
from tests.acceptance.stage import KEYS, RUN_KEYS, Stage, quiet


def test_a_messy_list_is_texted_and_accounted_for(stage: Stage, provider: Provider) -> None:
    """Else a person would get no text, a wrong one or two, or a row would vanish from the books."""
    found = messy(400)
    source = stage.file("voters.csv", found.content)

    done = stage.send(source, "--concurrency", "8")

    assert done.code == 0, done.err
    assert list(done.json) == RUN_KEYS
    assert done.json["stopped"] is None
    assert done.json["texts_per_second"] > 0
    for words in (
        "400 contacts",
        "to be texted",
        "skipped: invalid phone",
        "skipped: duplicate",
        "empty merge field",
        "segments",
    ):
        assert words in done.err
    contacts = stage.check(found.rows, summary=done.json, planned=found.planned)
    assert {entry.state for entry in contacts.values()} == {"sent"}
    assert stat.S_IMODE(stage.ledger.stat().st_mode) == 0o600
    assert stat.S_IMODE((stage.folder / "report.csv").stat().st_mode) == 0o600


@pytest.mark.timeout(900)
def test_a_long_messy_list(stage: Stage, provider: Provider) -> None:
    """Else what holds for a few hundred contacts breaks on a real list.

    The hundred thousand: RUMBLEUP_TEST_ROWS=100000 python -m pytest tests/acceptance -k long
    """
    found = messy(int(os.environ.get("RUMBLEUP_TEST_ROWS", "20000")))

    done = stage.start(*stage.sending(stage.file("voters.csv", found.content), "--quiet")).wait(600)

    assert done.code == 0, done.err
    assert quiet(done.err) == ""
    stage.check(found.rows, summary=done.json, planned=found.planned)


def test_words_go_to_standard_error_and_quiet_means_quiet(stage: Stage, provider: Provider) -> None:
    """Else a script that reads standard output would read chatter."""
    done = stage.run("send", stage.list(3), "--action", "125", "--text", TEXT, "--yes")
    assert (done.code, done.out) == (0, "")
    assert "3 sent" in done.err
    again = ("--yes", "--again", "--quiet", "--ledger", "other.ledger")
    done = stage.run("send", "voters.csv", "--action", "125", "--text", TEXT, *again)
    assert (done.code, done.out, quiet(done.err)) == (0, "", "")
    done = stage.run("status", "voters-125.ledger")
    assert (done.code, done.out) == (0, "")
    assert "3 sent" in done.err
    done = stage.run("status", "voters-125.ledger", "--json")
    assert done.err == ""
    assert [key for key in done.json if key in KEYS] == KEYS
    for name in ("voters-125.ledger", "other.ledger"):
        stage.ledger = stage.folder / name
        run = stage.run("status", stage.ledger, "--json").json["run"]
        stage.check(3, truth=[text for text in provider.truth() if f"run-{run}" in text["flags"]])


def test_dry_run_does_everything_but_send(stage: Stage, provider: Provider) -> None:
    """Else nobody could look before they leap."""
    source = stage.file("voters.csv", messy(200).content)
    done = stage.run(
        "send", source, "--action", "125", "--text", TEXT, "--dry-run", "--json", env=stage.environment(RUMBLEUP_API_KEY=None)
    )

    assert done.code == 0, done.err
    assert list(done.json) == [*RUN_KEYS, "plan"]
    assert done.json["plan"]["to_text"] == done.json["not_sent"]
    assert done.json["sent"] == 0
    assert done.json["not_sent"] + done.json["skipped"] == done.json["total"] == 200
    assert "nothing was sent" in done.err
    assert "skipped: duplicate" in done.err
    assert provider.requests == 0
    assert [path.name for path in stage.folder.iterdir() if path != source] == [], "a dry run left files behind"


def test_limit_then_the_rest(stage: Stage, provider: Provider) -> None:
    """Else a careful first ten would be a hundred, or be texted again with the rest."""
    source = stage.list(30)
    first = stage.send(source, "--limit", "10")
    assert first.code == 0, first.err
    assert first.json["sent"] == provider.left == 10
    assert first.json["not_sent"] == 20
    assert "limit" in first.json["stopped"]
    stage.check(30, summary=first.json)

    second = stage.send(source)
    assert second.code == 0
    assert second.json["sent"] == 30
    assert second.json["run"] == first.json["run"]
    stage.check(30, summary=second.json, planned={phone(number): text_for("Ada") for number in range(30)})


def test_a_finished_list_again_sends_nothing(stage: Stage, provider: Provider) -> None:
    """Else pressing the up arrow and Enter texts everybody twice."""
    source = stage.list(20)
    first = stage.send(source)
    for again in (stage.send(source), stage.resume(), stage.send(stage.list(20, "copy.csv"))):
        assert again.code == 0, again.err
        assert {**again.json, "elapsed_seconds": 0, "texts_per_second": 0} == {
            **first.json,
            "elapsed_seconds": 0,
            "texts_per_second": 0,
        }
    assert provider.requests == 20
    stage.check(20, summary=first.json)


def test_options_arrive_at_the_provider(stage: Stage, provider: Provider) -> None:
    """Else tags, group, project or the chosen column would be silently ignored."""
    provider.call("projects", {"action": "777"})
    source = stage.file("list.csv", "phone,home\n2023200001,3123200001\n2023200002,3123200002\n")
    text = stage.file("text.txt", b"\xef\xbb\xbfquokkas vote. STOP\r\n")
    done = stage.run(
        "send", source, "--project", "777", "--text-file", text, "--ledger", stage.ledger, "--yes", "--json", "--rate", "20",
        "--phone-field", "home", "--flag", "gotv", "--flag", "tuesday", "--group", "42", "--concurrency", "1", "--timeout", "5",
    )  # fmt: skip

    assert done.code == 0, done.err
    assert done.json["action"] == "777"
    truth = provider.truth()
    assert {text["phone"] for text in truth} == {"3123200001", "3123200002"}
    for sent in truth:
        assert sent["flags"][1:] == ["gotv", "tuesday"]
        assert (sent["group"], sent["text"], sent["action"]) == ("42", "quokkas vote. STOP", "777")
    stage.check(2, summary=done.json)


def test_rate_holds(stage: Stage, provider: Provider) -> None:
    """Else a carrier's limit is run over."""
    done = stage.send(stage.list(60), "--rate", "40")
    assert done.code == 0
    stage.check(60, summary=done.json)
    must_keep_to(40, provider)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("numbers.txt", "2023200001\n2023200002\n"),
        ("people.jsonl", '{"phone": "2023200001", "first_name": "Ada"}\n{"phone": 2023200002, "first_name": "Bob"}\n'),
        ("mac.csv", b"Mobile\r(202) 320-0001\r1-202-320-0002\r"),
        ("utf16.csv", "\ufeffphone\tname\r\n2023200001\tA\r\n2023200002\tB\r\n".encode("utf-16-le")),
    ],
)
def test_kinds_of_lists(stage: Stage, provider: Provider, name: str, content: str | bytes) -> None:
    """Else a list that a person can read would need a programmer first."""
    source = stage.file(name, content)
    done = stage.run("send", source, "--action", "125", "--text", "quokkas. STOP", "--ledger", stage.ledger, "--yes", "--json")
    assert done.code == 0, done.err
    assert stage.check(2, summary=done.json).keys() == {"2023200001", "2023200002"}


def test_standard_input(stage: Stage, provider: Provider) -> None:
    """Else lists could not come out of a pipe, or the same pipe again would text everybody twice."""
    found = messy(50)
    done = stage.send("-", piped=found.content)
    assert done.code == 0, done.err
    stage.check(found.rows, summary=done.json, planned=found.planned)

    again = stage.send("-", piped=found.content)
    assert (again.code, again.json["sent"]) == (0, done.json["sent"])
    other = stage.send("-", piped=messy(50, seed=8).content)
    assert other.code == 2
    assert f"--suppress {stage.ledger} --ledger " in other.err
    stage.check(found.rows, summary=done.json, planned=found.planned)


def test_report_on_standard_output_and_in_a_file(stage: Stage) -> None:
    """Else the two ways to get a report would say different things, or a report could destroy the books."""
    source = stage.file("voters.csv", "phone,first_name\n2023200001,Ada\n2023200001,Ada\n=1+1,Ada\n")
    assert stage.send(source).code == 0
    stage.check(3)
    shown = stage.run("report", stage.ledger)
    assert shown.out == (stage.folder / "report.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(shown.out)))
    assert [row["state"] for row in rows] == ["sent", "skipped", "skipped"]
    assert rows[1]["reason"] == "duplicate of row 2"
    assert not rows[2]["phone"].startswith("="), "a spreadsheet would run it"

    for out in (stage.ledger, Path("no-such-folder/report.csv"), stage.folder):
        done = stage.run("report", stage.ledger, "--out", out)
        assert done.code == 2, f"{out}: {done}"
    stage.check(3)


def test_demo(stage: Stage) -> None:
    """Else the first thing a newcomer sees is broken."""
    done = stage.run("demo", "--contacts", "300", env=stage.environment(RUMBLEUP_API_KEY=None, RUMBLEUP_BASE_URL=None))
    assert done.code == 0, done.err
    assert "300 contacts" in done.err
    assert "0 duplicates, 0 unaccounted" in done.err
    assert [path.name for path in stage.folder.iterdir()] == []


def test_demo_of_several_machines(stage: Stage) -> None:
    """Else whoever wants to see several machines send one run would have to set up a database first."""
    arguments = ("demo", "--contacts", "900", "--join", "2")
    done = stage.run(*arguments, env=stage.environment(RUMBLEUP_API_KEY=None, RUMBLEUP_BASE_URL=None))
    assert done.code == 0, done.err
    assert "those that joined it: " in done.err
    assert "0 duplicates, 0 unaccounted" in done.err
    none = stage.run(*arguments, env=stage.environment(RUMBLEUP_API_KEY=None, RUMBLEUP_BASE_URL=None, PG_BIN=str(stage.folder)))
    assert (none.code, "no PostgreSQL server is installed" in none.err) == (2, True)
    assert [path.name for path in stage.folder.iterdir()] == []


def test_messages(stage: Stage, provider: Provider) -> None:
    """Else a person could not look up or send a single text."""
    provider.call("contacts", {"action": "125", "contacts": [{"phone": "2023200009", "first_name": "Ada"}]})
    drawn = stage.run("messages", "next", "--action", "125", "--json")
    assert drawn.code == 0, drawn.err
    assert drawn.json["phone"] == "2023200009"
    none = stage.run("messages", "next", "--project", "125")
    assert none.code in (0, 3)
    assert none.err
    sent = stage.run(
        "messages", "send", "--phone", "(202) 320-0009", "--action", "125", "--text", "quokka STOP", "--yes", "--json"
    )
    assert sent.code == 0, sent.err
    assert [text["logid"] for text in provider.truth()] == [sent.json["logid"]]
    log = stage.run("messages", "log", "--phone", "2023200009", "--json")
    assert log.code == 0, log.err
    assert [json.loads(line)["logid"] for line in log.out.splitlines()] == [sent.json["logid"]]
    refused = stage.run("messages", "send", "--phone", "2023200009", "--action", "125", "--text", "quokka STOP")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert provider.requests == 1
    stage.is_checked()
