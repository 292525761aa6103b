"""docs/campaign.md is followed to the letter: each command of it, in its order, and what it says that one then sees."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.acceptance.provider_process import Provider
from tests.acceptance.stage import Stage
from tests.history import check_money, check_tests

PAGE = Path(__file__).parent.parent.parent / "docs" / "campaign.md"
MEANWHILE = "a third terminal meanwhile"
STEERING = ("pause", "status", "continue")


def steps() -> Iterator[tuple[str, list[str]]]:
    """Each command, and the lines that the page shows behind it."""
    command, shown, is_shown = "", list[str](), False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            is_shown = line != "```"
        elif is_shown:
            shown.append(line.strip())
        elif line.startswith("    "):
            if command:
                yield command, shown
            command, shown = line.strip(), []
    yield command, shown


def test_the_tutorial_can_be_followed(stage: Stage, provider: Provider) -> None:
    """A newcomer would fail at the third line, and believe that nothing here works."""
    env = stage.environment(RUMBLEUP_BOOK="people.book")
    stage.ledger = stage.folder / "voters-125.ledger"
    running, waiting = None, list[str]()
    said = ""
    for line, shown in steps():
        words = shlex.split(line, comments=True)
        expected = int(found[1]) if (found := re.search(r"# .*exit code (\d)", line)) else 0
        if words[0] != "rumbleup":
            if words[0] != "export":
                subprocess.run(["bash", "-c", line], cwd=stage.folder, check=True)
            continue
        if words[1] == "simulate":
            continue
        if MEANWHILE in line:
            running = stage.start(*words[1:], env=env)
            provider.wait_for(5)
            continue
        done = stage.run(*words[1:], env=env)
        assert done.code == expected, f"{line}: {done.code}, {done.err}"
        said = done.out + done.err
        waiting += shown
        if running is not None and words[1] == STEERING[-1]:
            ended = running.wait()
            assert ended.code == 3, ended.err
            said, running = said + ended.out + ended.err, None
        missing = [text for text in waiting if text not in said]
        assert not missing, f"{line}: {missing} is not in {said}"
        waiting = []

    report = (stage.folder / "voters-125.csv").read_text().splitlines()
    assert len(report) == 202
    assert sum(",sent," in row for row in report) == 199
    truth = provider.truth()
    run = stage.run("status", stage.ledger, "--json").json["run"]
    rest = check_tests(truth, run, ["2025550300"])
    check_money([text["text"] for text in truth[:120]], 0.05, 6)
    text = "Hi Voter {}, polls are open until 8 pm. STOP to opt out"
    planned = {f"2025550{n}": text.format(n) for n in range(100, 300) if n != 123}
    stage.check(201, truth=rest, planned=planned)
