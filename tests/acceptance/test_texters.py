"""`rumbleup texters`: processes that share one project, die, are interrupted, and go on."""

import json
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.lists import TEXT, phone, text_for
from tests.acceptance.provider_process import Provider, until
from tests.acceptance.shell import Done
from tests.acceptance.stage import RUN_KEYS, Stage
from tests.history import Entry, check_history

TEXTERS = 8


def imported(provider: Provider, count: int, start: int = 0) -> set[str]:
    """Contacts of project 125."""
    phones = [phone(n) for n in range(start, start + count)]
    provider.call("contacts", {"action": "125", "contacts": [{"phone": one, "first_name": "Ada"} for one in phones]})
    return set(phones)


def texting(ledger: Path | str, *arguments: object, texters: int = TEXTERS) -> list[object]:
    """The arguments of `rumbleup texters`."""
    return [
        "texters", "--action", "125", "--text", TEXT, "--texters", texters, "--ledger", ledger, "--yes", "--json", *arguments
    ]  # fmt: skip


def locked(provider: Provider) -> set[str]:
    """The phones that are locked now."""
    return {lock["phone"] for lock in json.loads(provider.call("locks"))["locks"]}


def drawn(provider: Provider) -> int:
    """How often next was asked."""
    return int(provider.summary()["requests"].get("message/next", {}).get("received", 0))


def looked_into(stage: Stage, ledger: Path, *, summary: dict[str, Any] | None = None, **options: Any) -> dict[str, Entry]:
    """Hold one ledger and its report against what this run's texts were in truth."""
    status = stage.run("status", ledger, "--json").json
    report = ledger.with_suffix(".csv")
    assert stage.run("report", ledger, "--out", report).code == 0
    entries = check_history(
        rows=status["total"],
        ledger=ledger,
        report=report,
        truth=[text for text in stage.provider.truth() if f"run-{status['run']}" in text["flags"]],
        summary=summary,
        **options,
    )
    stage.is_checked()
    return entries


def once(provider: Provider, phones: set[str]) -> None:
    """Everybody was texted, by whomever, once, and with the right text."""
    truth = provider.truth()
    assert sorted(text["phone"] for text in truth) == sorted(phones)
    assert {text["text"] for text in truth} == {text_for("Ada")}


def test_two_processes_on_one_project(stage: Stage, provider: Provider) -> None:
    """Else people are texted twice, or never, as soon as two volunteers work on one project."""
    provider.set(lock_seconds=3.0, latency=0.02, next_concurrency=10)
    phones = imported(provider, 240)
    lost: dict[str, list[str | None]] = {phone(n): ["next:close-after"] for n in (20, 90, 160)}
    provider.faults({"next:440": 0.05, "next:441": 0.05, "next:429": 0.01}, lost)
    ledgers = [stage.folder / "one.ledger", stage.folder / "two.ledger"]
    # Alone, one of them would take five seconds: the other has come up by then.
    running = [stage.begin(*texting(ledger, "--rate", 50)) for ledger in ledgers]
    done = [process.wait() for process in running]

    once(provider, phones)
    assert locked(provider) == set()
    shares = []
    for end, ledger in zip(done, ledgers, strict=True):
        assert end.code == 0, end.err
        assert list(end.json) == RUN_KEYS
        assert end.json["stopped"] is None
        assert end.json["not_sent"] == end.json["unknown"] == 0
        shares.append(looked_into(stage, ledger, summary=end.json))
    assert all(shares), "only one of them has worked"
    assert shares[0].keys() & shares[1].keys() == set()
    assert shares[0].keys() | shares[1].keys() == phones
    met = {fault.removeprefix("next:") for fault in provider.summary()["faults"]}
    assert met >= {"440", "441", "close-after"}, f"too little went wrong: {met}"


def test_one_of_two_is_killed(stage: Stage, provider: Provider) -> None:
    """Else whoever a dead process had in hand is texted twice, or by nobody."""
    provider.set(lock_seconds=4.0, latency=0.05)
    phones = imported(provider, 240)
    first, second, third = (stage.folder / f"{name}.ledger" for name in ("first", "second", "third"))
    victim = stage.begin(*texting(first))
    provider.wait_for(20)
    other = stage.begin(*texting(second, "--limit", 100))
    provider.wait_for(70)
    victim.signal(signal.SIGKILL)
    assert victim.wait().code == -signal.SIGKILL
    survived = other.wait()
    assert survived.json["sent"] == 100, survived
    assert provider.left < len(phones), "nothing remained for the third"

    last = stage.run(*texting(third))
    assert last.code == 0, last.err
    assert last.json["not_sent"] == last.json["unknown"] == 0
    once(provider, phones)
    assert locked(provider) == set()
    looked_into(stage, first, concurrency=TEXTERS, crashes=1)
    looked_into(stage, second, summary=survived.json)
    looked_into(stage, third, summary=last.json)

    again = stage.run("resume", first, "--yes", "--json")
    assert again.code == (1 if again.json["unknown"] else 0), again.err
    once(provider, phones)


def test_the_killed_one_itself_goes_on(stage: Stage, provider: Provider) -> None:
    """Else a resume texts those again whose answer died with the process."""
    provider.set(lock_seconds=2.0, latency=0.05)
    phones = imported(provider, 120)
    running = stage.begin(*texting(stage.ledger))
    provider.wait_for(40)
    running.signal(signal.SIGKILL)
    running.wait()
    # Whoever is unknown and was never texted keeps coming back, so it is asked for them until the patience ends.
    done = stage.run(*texting(stage.ledger, "--patience", 4))
    assert done.code == (1 if done.json["unknown"] else 0), done.err
    entries = looked_into(stage, stage.ledger, summary=done.json, concurrency=TEXTERS, crashes=1)
    left = [text["phone"] for text in provider.truth()]
    assert len(left) == len(set(left))
    unknown = {entry.phone for entry in entries.values() if entry.state == "unknown"}
    assert set(left) | unknown == phones


def test_contacts_that_are_imported_later(stage: Stage, provider: Provider) -> None:
    """Else texters that wait for the next import go home in the meantime, and nobody texts the new contacts."""
    phones = imported(provider, 20)
    provider.set(next_pause=True)
    running = stage.begin(*texting(stage.ledger))
    until(lambda: drawn(provider) >= 2, "they do not ask again")
    assert provider.left == 0
    phones |= imported(provider, 100, start=20)
    assert running.ended_within(1) is None
    provider.set(next_pause=False)
    done = running.wait()
    assert done.code == 0, done.err
    assert done.json["sent"] == 120
    once(provider, phones)
    looked_into(stage, stage.ledger, summary=done.json)


def test_interrupted_and_resumed(stage: Stage, provider: Provider) -> None:
    """Else Ctrl-C loses the contacts in hand, or a resume forgets them."""
    provider.set(lock_seconds=5.0, latency=0.02)  # the locks are looked at once it has ended
    phones = imported(provider, 60)
    running = stage.begin(*texting(stage.ledger, "--rate", 20))
    provider.wait_for(20)
    running.signal(signal.SIGINT)
    done = running.wait()
    assert done.code == 130, done
    assert list(done.json) == RUN_KEYS
    assert done.json["stopped"] == "interrupted"
    assert "rumbleup resume" in done.err
    in_hand = locked(provider)
    before = provider.left
    entries = looked_into(stage, stage.ledger, summary=done.json)
    named = {entry.phone for entry in entries.values() if "its lock ends at" in entry.reason}
    assert in_hand
    assert named == in_hand
    assert all(entry.state == "not_sent" for entry in entries.values() if entry.phone in named)
    assert done.json["not_sent"] == len(named)

    resumed = stage.resume()
    assert resumed.code == 0, resumed.err
    assert provider.left == 60 > before
    once(provider, phones)
    looked_into(stage, stage.ledger, summary=resumed.json, planned=dict.fromkeys(phones, text_for("Ada")))


def test_a_lost_answer_is_spoken_of(stage: Stage, provider: Provider) -> None:
    """Else a contact is locked for nobody, and nobody learns that he should look again."""
    provider.set(lock_seconds=1.0)
    phones = imported(provider, 12)
    provider.faults(phones={phone(5): ["next:close-after"]})
    done = stage.run(*texting(stage.ledger))
    assert done.code == 0, done.err
    found = re.search(r"1 answer to message/next got lost.*\d\d:\d\d:\d\d UTC", done.err)
    assert found, done.err
    assert {text["phone"] for text in provider.truth()} <= phones
    looked_into(stage, stage.ledger, summary=done.json)


def test_waiting_for_what_a_lost_answer_locked(stage: Stage, provider: Provider) -> None:
    """Else --wait-locks ends like a run without it."""
    provider.set(lock_seconds=1.0)
    phones = imported(provider, 12)
    provider.faults(phones={phone(5): ["next:close-after"]})
    running = stage.begin(*texting(stage.ledger, "--wait-locks"))
    provider.wait_for(12)
    assert running.ended_within(1) is None, "it cannot know that nobody else is behind the lost answer"
    running.signal(signal.SIGINT)
    done = running.wait()
    assert done.code == 130, done
    once(provider, phones)
    looked_into(stage, stage.ledger, summary=done.json, planned=dict.fromkeys(phones, text_for("Ada")))


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"api_key": "c_other:key"}, 3, "key refused"),
        ({"latency": 0.0}, 0, ""),
    ],
)
def test_how_it_ends(stage: Stage, provider: Provider, settings: dict[str, Any], code: int, words: str) -> None:
    """Else a script around the command takes a wrong key, or an empty project, for something else."""
    provider.set(**settings)
    done = stage.run(*texting(stage.ledger))
    assert done.code == code, done
    assert done.json["total"] == 0
    assert list(done.json) == RUN_KEYS
    assert (done.json["stopped"] or "").startswith(words)


def test_a_project_that_is_not_there(stage: Stage) -> None:
    """Else a mistyped project looks like one that is done."""
    done = stage.run("texters", "--action", "999", "--text", TEXT, "--ledger", stage.ledger, "--yes", "--json")
    assert done.code == 3, done
    assert "no such project" in done.json["stopped"]


def test_what_is_refused_before_anything_is_drawn(stage: Stage, provider: Provider) -> None:
    """Else a text without STOP, or a command nobody confirmed, locks contacts."""
    imported(provider, 5)
    without_stop = stage.run("texters", "--action", "125", "--text", "Hi", "--ledger", stage.ledger, "--yes")
    unconfirmed = stage.run("texters", "--action", "125", "--text", TEXT, "--ledger", stage.ledger)
    both = stage.run(*texting(stage.ledger, "--text-file", stage.file("t.txt", TEXT)))
    for done in (without_stop, unconfirmed, both):
        assert done.code == 2, done
    assert drawn(provider) == 0
    assert not stage.ledger.exists()


def test_one_ledger_is_for_one_process(stage: Stage, provider: Provider) -> None:
    """Else two processes on one ledger spoil each other's books."""
    provider.set(latency=0.2)
    imported(provider, 300)  # more than it can text while the second waits for the ledger
    running = stage.begin(*texting(stage.ledger))
    provider.wait_for(4)
    second: Done = stage.run(*texting(stage.ledger))
    assert second.code == 2, second
    assert "another run" in second.err
    running.signal(signal.SIGINT)
    done = running.wait()
    assert done.code == 130, done
    looked_into(stage, stage.ledger, summary=done.json)


def test_those_who_must_not_be_texted(stage: Stage, provider: Provider) -> None:
    """Else somebody who said STOP gets a text because the server handed them out."""
    provider.set(lock_seconds=1.0, next_skips_tagged=False)
    phones = imported(provider, 30)
    tags = {phone(1): ["dnd"], phone(2): ["bad"], phone(3): ["replied", "landline"]}
    provider.call("contacts", {"action": "125", "tags": tags})
    provider.faults(phones={phone(4): ["next:duplicate-phone"] * 50})
    suppressed = stage.file("never.csv", f"phone\n({phone(5)[:3]}) {phone(5)[3:6]}-{phone(5)[6:]}\n")
    running = stage.begin(*texting(stage.ledger, "--suppress", suppressed))
    provider.wait_for(25)
    time.sleep(2)
    running.signal(signal.SIGINT)
    done = running.wait()
    assert done.code == 130, done
    assert {text["phone"] for text in provider.truth()} == phones - {phone(n) for n in range(1, 6)}
    sends = provider.requests
    assert sends == 25, "somebody was asked to be texted and only the server said no"
    looked_into(stage, stage.ledger, summary=done.json)
    assert done.json["skipped"] == 5, "each is told once, however often they come back"
