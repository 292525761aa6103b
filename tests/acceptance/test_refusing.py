"""What is wrong before the first text is said in words that help, with exit code 2, and nothing leaves."""

import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.acceptance.commands import leaked
from tests.acceptance.lists import TEXT
from tests.acceptance.provider_process import KEY, Provider
from tests.acceptance.shell import Done
from tests.acceptance.stage import Stage

SEND = ["send", "voters.csv", "--action", "125", "--text", TEXT, "--yes"]


@dataclass(frozen=True)
class Case:
    """A command that is refused, and words that its answer must hold."""

    arguments: list[str]
    words: list[str]
    env: dict[str, str | None] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def sending(*more: str, source: str = "voters.csv", text: str | None = TEXT) -> list[str]:
    return ["send", source, "--action", "125", *([] if text is None else ["--text", text]), "--yes", *more]


CASES = {
    "no list": Case(sending(source="nowhere.csv"), ["nowhere.csv", "no such file"]),
    "a folder": Case(sending(source="."), ["directory"]),
    "an empty list": Case(sending(source="empty.csv"), ["empty.csv", "empty"], files={"empty.csv": b""}),
    "only a header": Case(sending(source="h.csv"), ["no contacts"], files={"h.csv": b"phone,first_name\n"}),
    "Excel": Case(sending(source="x.xlsx"), ["Excel", "CSV"], files={"x.xlsx": b"PK\x03\x04" + bytes(100)}),
    "no phone column": Case(
        sending(source="n.csv"), ["called phone", "--phone-field"], files={"n.csv": b"name,age\nAda,36\nBob,40\n"}
    ),
    "two phone columns": Case(
        sending(source="t.csv"), ["--phone-field"], files={"t.csv": b"cell,mobile,first_name\n2023200001,2023200002,Ada\n"}
    ),
    "not that column": Case(sending("--phone-field", "fone"), ["fone", "phone"]),
    "no such merge field": Case(sending(text="Dear {frist_name}. STOP"), ["frist_name", "first_name"]),
    "no opt-out wording": Case(sending(text="Dear {first_name}"), ["STOP"]),
    "attribute access": Case(sending(text="Dear {first_name.__class__}. STOP"), ["attribute"]),
    "a lone brace": Case(sending(text="Dear {first_name. STOP"), ["unbalanced", "position"]),
    "an empty text": Case(sending(text=" "), ["empty"]),
    "no text": Case(sending(text=None), ["--text", "--text-file"]),
    "two texts": Case(sending("--text-file", "voters.csv"), ["--text", "--text-file"]),
    "no text file": Case(sending("--text-file", "nowhere.txt", text=None), ["nowhere.txt"]),
    "a text file that is none": Case(
        sending("--text-file", "b.txt", text=None), ["UTF-8"], files={"b.txt": b"\xff\xfe\xfa STOP"}
    ),
    "no action": Case(["send", "voters.csv", "--text", TEXT, "--yes"], ["--action"]),
    "an empty action": Case(["send", "voters.csv", "--text", TEXT, "--yes", "--action", " "], ["action"]),
    "a name as action": Case(["send", "voters.csv", "--text", TEXT, "--action", "gotv", "--dry-run"], ["action", "a number"]),
    "no key": Case(SEND, ["RUMBLEUP_API_KEY"], env={"RUMBLEUP_API_KEY": None}),
    "an empty key": Case(SEND, ["RUMBLEUP_API_KEY"], env={"RUMBLEUP_API_KEY": "  "}),
    "half a key": Case(SEND, ["KEY:SECRET"], env={"RUMBLEUP_API_KEY": "hunter2hunter2"}),
    "a key with a line break": Case(SEND, ["key"], env={"RUMBLEUP_API_KEY": "hunter2:hun\nter2"}),
    "plain http": Case(SEND, ["https"], env={"RUMBLEUP_BASE_URL": "http://app.rumbleup.example/api"}),
    "no URL": Case(SEND, ["URL"], env={"RUMBLEUP_BASE_URL": "rumbleup"}),
    "a key in the URL": Case(SEND, ["credentials"], env={"RUMBLEUP_BASE_URL": f"https://{KEY}@app.rumbleup.example/api"}),
    "a key as option": Case([*SEND, "--api-key", KEY], ["process list", "RUMBLEUP_API_KEY"]),
    "a key as option, glued": Case([*SEND, f"--api-key={KEY}"], ["process list"]),
    "a key before the command": Case(["--api-key", KEY, "status", "x"], ["process list"]),
    "a key where nothing belongs": Case([*SEND, KEY], []),
    "no terminal, no --yes": Case(SEND[:-1], ["--yes", "--dry-run"]),
    "no such folder for the ledger": Case(sending("--ledger", "no/such/x.ledger"), ["folder"]),
    "a folder where nothing can be written": Case(sending("--ledger", "/proc/x.ledger"), ["x.ledger"]),
    "a folder as ledger": Case(sending("--ledger", "."), ["not a file"]),
    "a text file as ledger": Case(sending("--ledger", "notes.txt"), ["notes.txt"], files={"notes.txt": b"do not touch\n" * 50}),
    "a link as ledger": Case(sending("--ledger", "link.ledger"), ["symbolic link"]),
    "the list as ledger": Case(sending("--ledger", "voters.csv"), ["voters.csv"]),
    "a rate below zero": Case(sending("--rate", "-1"), ["--rate"]),
    "a rate that is no number": Case(sending("--rate", "nan"), ["rate"]),
    "nobody at a time": Case(sending("--concurrency", "0"), ["--concurrency"]),
    "a limit of nothing": Case(sending("--limit", "0"), ["--limit"]),
    "nothing to resume": Case(["resume", "nowhere.ledger", "--yes"], ["no such ledger"]),
    "no ledger to show": Case(["status", "nowhere.ledger"], ["no such ledger"]),
    "no ledger to report": Case(["report", "voters.csv"], ["voters.csv"]),
    "an unknown fault": Case(["simulate", "--port", "0", "--fault", "flood=0.1"], ["flood", "known"]),
    "a port out of range": Case(["simulate", "--port", "99999"], ["port"]),
    "no such command": Case(["sned"], ["sned"]),
    "no such option": Case(["send", "--dry"], ["--dry"]),
    "demo of nothing": Case(["demo", "--contacts", "0"], ["--contacts"]),
}


def test_what_is_wrong_is_said_and_nothing_leaves(stage: Stage, provider: Provider) -> None:
    """Else a mistake at the keyboard would send texts, leak the key, or meet the user as a traceback."""
    stage.list(3)
    (stage.folder / "link.ledger").symlink_to("elsewhere.ledger")
    (stage.folder / "notes.txt").touch(mode=0o644)
    for case in CASES.values():
        for name, content in case.files.items():
            stage.file(name, content)
    before = {path: path.lstat().st_mode for path in stage.folder.iterdir()}

    answers = [stage.try_out(*case.arguments, env=stage.environment(**case.env)) for case in CASES.values()]
    wrong = dict(filter(None, map(_judged, CASES.items(), answers)))

    assert not wrong
    assert provider.requests == 0
    assert {path: path.lstat().st_mode for path in before} == before, "a refused command changed a file's mode"
    left = {
        path.name for path in stage.folder.iterdir() if path not in before and not path.name.endswith(("-lock", "-wal", "-shm"))
    }
    assert left <= {"voters-125.ledger"}, f"refused commands left files behind: {left}"
    stage.ledger = stage.folder / "voters-125.ledger"
    right = stage.send("voters.csv")
    assert right.code == 0, "after every mistake the right command works"
    stage.check(3, summary=right.json)


def _judged(case: tuple[str, Case], done: Done) -> tuple[str, Done] | None:
    name, expected = case
    fine = done.code == 2 and done.out == "" and done.err and not leaked(done)
    return None if fine and all(word.lower() in done.err.lower() for word in expected.words) else (name, done)


def test_garbage_never_meets_a_traceback(stage: Stage, provider: Provider) -> None:
    """Else a slip of the keyboard shows a page of code, with who knows whose number in it."""
    stage.list(2)
    commands: list[list[str]] = [
        ["\udcff", "x"],
        ["send", "\udcff.csv", "--action", "125", "--text", TEXT, "--yes"],
        ["send", "voters.csv", "--action", "", "--text", TEXT],
        sending("--flag", "a,b\n", "--dry-run"),
        sending("--group", "\U0001f4a3", "--dry-run"),
        sending("--rate", "1e400", "--dry-run"),
        sending("--concurrency", "9" * 30, "--dry-run"),
        sending("--limit", "9" * 30, "--dry-run"),
        sending("--timeout", "inf", "--dry-run"),
        sending(text="\udcff STOP"),
        sending("--ledger", "a" * 300),
        sending("--ledger", "\udcff.ledger"),
        ["status", "/dev/null"],
        ["status", "\udcff"],
        ["report", "/dev/zero"],
        ["resume", "/", "--yes"],
        ["report", "voters.csv", "--out", "/dev/full"],
        ["simulate", "--latency", "nan", "--port", "0"],
        ["simulate", "--fault", "=", "--port", "0"],
        ["demo", "--contacts", "x"],
        ["messages"],
        ["messages", "log", "--since", "\udcff"],
        ["messages", "next"],
        ["messages", "send", "--phone", "x", "--action", "1", "--text", "y", "--yes"],
        ["messages", "next", "--action", "\udcff"],
        ["--help", "--version", "send"],
        [""],
        ["--", "--"],
    ]
    answers = [(repr(arguments), stage.try_out(*arguments)) for arguments in commands]
    wrong = {name: done for name, done in answers if done.code not in (0, 2, 3) or "mistake in" in done.err or leaked(done)}
    assert wrong == {}


def test_every_command_has_help_with_an_example(stage: Stage) -> None:
    """Else a newcomer has to guess."""
    names = ["send", "resume", "status", "report", "simulate", "demo", "messages send", "messages next", "messages log"]
    for name in names:
        done = stage.run(*name.split(), "--help")
        assert done.code == 0
        assert f"Example: rumbleup {name}" in " ".join(done.out.split()), name


def test_the_module_is_the_command(stage: Stage) -> None:
    """Else `python -m rumbleup_async` and `rumbleup` would be two programs."""
    done = stage.start("--version", command=[sys.executable, "-m", "rumbleup_async"]).wait()
    assert done.out.startswith("rumbleup_async ")
    assert done == stage.start("--version").wait() == stage.run("--version")


def test_another_list_text_action_or_tag_is_refused(stage: Stage, provider: Provider) -> None:
    """Else one ledger would hold two campaigns, and a resume would send the wrong words to the wrong people."""
    source = stage.list(5)
    first = stage.send(source, "--limit", "2")
    assert first.code == 0
    other = stage.list(6, "other.csv")
    usual = ["--ledger", str(stage.ledger), "--yes"]
    for word, arguments in {
        "list": ["send", other, "--action", "125", "--text", TEXT],
        "text": ["send", source, "--action", "125", "--text", TEXT + "!"],
        "action": ["send", source, "--action", "126", "--text", TEXT],
        "flags": ["send", source, "--action", "125", "--text", TEXT, "--flag", "new"],
        "group": ["send", source, "--action", "125", "--text", TEXT, "--group", "9"],
    }.items():
        done = stage.run(*arguments, *usual)
        assert done.code == 2, word
        assert word in done.err
    assert provider.requests == 2
    stage.check(5, summary=first.json)


def test_a_ledger_in_use_is_refused(stage: Stage, provider: Provider) -> None:
    """Else two writers would text everybody twice."""
    provider.set(latency=0.05)
    source = stage.list(1500)
    running = stage.begin(*stage.sending(source, "--concurrency", "4"))
    provider.wait_for(4)
    for done in (stage.send(source), stage.resume()):
        assert done.code == 2
        assert "another run" in done.err
    looked = stage.run("status", stage.ledger, "--json")
    assert looked.json["running"] is True
    assert 0 < looked.json["sent"] < looked.json["total"] == 1500
    assert len(stage.run("report", stage.ledger).out.splitlines()) == 1501
    provider.set(latency=0)
    ended = running.wait()
    assert ended.code == 0, ended.err
    stage.check(1500, summary=ended.json)


@pytest.mark.parametrize(
    ("keys", "code", "texts"),
    [("y\n", 0, 3), ("n\n", 2, 0), ("\n", 2, 0), ("\x04", 2, 0), ("\x03", 130, 0)],
    ids=["yes", "no", "enter", "end", "ctrl-c"],
)
def test_the_question(stage: Stage, provider: Provider, keys: str, code: int, texts: int) -> None:
    """Else texts would leave that nobody said yes to."""
    source = stage.list(3)
    arguments = ["send", source, "--action", "125", "--text", TEXT, "--ledger", stage.ledger]
    terminal = stage.on_terminal(*arguments)
    terminal.read_until("[y/N]")
    assert "Send 3 texts" in terminal.shown
    assert provider.requests == 0
    terminal.type(keys)
    done = terminal.wait()
    assert done.code == code, done.err
    assert provider.requests == texts
    if not texts:
        changed = stage.run(*arguments[:5], "quokkas, corrected. STOP", *arguments[6:], "--yes", "--json")
        assert changed.code == 0, f"after a no the text may be corrected: {changed.err}"
        assert {text["text"] for text in provider.truth()} == {"quokkas, corrected. STOP"}
    stage.check(3)


@pytest.mark.parametrize(
    ("keys", "texts"), [("1,000\n", 1000), ("1000\n", 1000), ("y\n", 0), ("100\n", 0)], ids=["comma", "plain", "yes", "less"]
)
def test_a_large_number_is_typed(stage: Stage, provider: Provider, keys: str, texts: int) -> None:
    """A `y` is typed without a look at how many there are."""
    terminal = stage.on_terminal("send", stage.list(1000), "--action", "125", "--text", TEXT, "--ledger", stage.ledger)
    terminal.read_until("Type 1000 to begin: ")
    terminal.type(keys)
    assert terminal.wait().code == (0 if texts else 2)
    assert provider.requests == texts
    stage.check(1000)


@pytest.mark.parametrize("single", [False, True])
def test_a_key_pressed_too_early_answers_nothing(stage: Stage, provider: Provider, single: bool) -> None:
    """A `y` that was meant for the question before, or for another program, would let texts leave that nobody has looked at."""
    arguments = ["send", stage.list(3), "--action", "125", "--text", TEXT, "--ledger", stage.ledger]
    if single:
        arguments = ["messages", "send", "--phone", "2025550101", "--action", "125", "--text", "STOP"]
    terminal = stage.on_terminal(*arguments)
    terminal.type("y\ny\nyes\n")
    terminal.read_until("[y/N]")
    terminal.type("n\n")
    assert terminal.wait().code == 2
    assert provider.requests == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_question_is_an_interruption(stage: Stage, provider: Provider, how: signal.Signals) -> None:
    """Else a terminal that is lost there would end in the exit code of a signal, which no page speaks of, and leave files."""
    source = stage.list(3)
    terminal = stage.on_terminal("send", source, "--action", "125", "--text", TEXT, "--ledger", stage.ledger)
    terminal.read_until("[y/N]")
    terminal.process.send_signal(how)
    assert terminal.wait().code == 130
    assert provider.requests == 0


def test_files_of_others_are_left_alone(stage: Stage) -> None:
    """Else `--ledger notes.txt` by mistake would change or lock a stranger's file."""
    notes = stage.file("notes.txt", "do not touch\n" * 100)
    notes.chmod(0o644)
    assert stage.send(stage.list(2), "--ledger", notes).code == 2
    assert notes.read_text() == "do not touch\n" * 100
    assert notes.stat().st_mode & 0o777 == 0o644
    assert not Path(f"{notes}-lock").exists()
