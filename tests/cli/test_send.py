"""What `rumbleup send` takes and refuses beside what the acceptance tests show: suppression lists, options of no meaning."""

from pathlib import Path

import pytest

from rumbleup_async.simulator import Simulator

from .conftest import Process, Rumbleup

TEXT = "Hi. Reply STOP to opt out"


@pytest.fixture
def voters(tmp_path: Path) -> str:
    """A list of three."""
    file = tmp_path / "voters.csv"
    file.write_text("phone\n2025550101\n2025550102\n2025550103\n")
    return str(file)


async def test_whom_never_to_text_may_come_from_a_pipe(
    process: Process, simulator: Simulator, voters: str, tmp_path: Path
) -> None:
    """`sqlite3 ... | rumbleup send --suppress -` would look for a file called `-`."""
    stopped = tmp_path / "stopped"
    stopped.write_text("phone\n(202) 555-0102\n")
    with stopped.open() as stdin:
        done = await process("send", voters, "--action", "125", "--text", TEXT, "--yes", "--suppress", "-", stdin=stdin)
    assert done.returncode == 0, done.stderr
    assert {text.phone for text in simulator.truth} == {"2025550101", "2025550103"}
    with stopped.open() as stdin:
        done = await process("send", "-", "--action", "125", "--text", TEXT, "--yes", "--suppress", "-", stdin=stdin)
    assert (done.returncode, len(simulator.truth)) == (2, 2)
    assert "LIST and --suppress cannot both come from standard input" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--action", "125", "--per-second", "0"), "--per-second means nothing to rumbleup"),
        (("--action", "125", "--new-per-day", "0"), "--new-per-day means nothing to rumbleup"),
        (("--action", "125", "--send-style", ""), "--send-style means nothing to rumbleup"),
        (("--action", "125", "--no-opt-out"), "--no-opt-out means nothing to rumbleup"),
        (("--provider", "sendblue", "--from", "+12025550199", "--rate", "0"), "--rate means nothing to sendblue"),
        (("--provider", "sendblue", "--from", "+12025550199", "--group", ""), "--group means nothing to sendblue"),
        (("--action", "125", "--group", ""), "--group must be"),
        (("--action", "125", "--group", " "), "--group must be"),
    ],
)
async def test_an_option_that_would_not_be_heeded_is_refused(
    command: Rumbleup, simulator: Simulator, voters: str, arguments: tuple[str, ...], words: str
) -> None:
    """`--per-second 0` would seem to lift a limit, and `--group "$GROUP"` of an empty variable to name a group."""
    done = await command("send", voters, "--text", TEXT, "--yes", *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert simulator.requests.count() == 0


async def test_quiet_is_quiet_in_a_rehearsal_too(process: Process, voters: str) -> None:
    """A script that mails whatever is said would mail every rehearsal."""
    done = await process("send", voters, "--action", "125", "--text", TEXT, "--dry-run", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
