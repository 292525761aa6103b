"""Files that results are written to: whole or not at all, in nobody's way, and the same bytes as on standard output."""

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from rumbleup_async.cli.output_file import save
from rumbleup_async.errors import ConfigurationError

from .conftest import Process
from .test_output import minds_a_full_disk_only

TEXT = "Hi. Reply STOP to opt out"


def half(file: IO[bytes]) -> int:
    """Writes something, and then no more."""
    file.write(b"row,phone\n")
    raise ValueError("no more")


def ended(file: IO[bytes]) -> int:
    """Is told to end while it writes."""
    file.write(b"row,phone\n")
    signal.raise_signal(signal.SIGTERM)
    raise AssertionError("it goes on")


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    """As root, `--out /dev/null` would replace the device for every program on the machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for out in (pipe, Path(os.devnull)):
        with pytest.raises(ConfigurationError, match="is not a file; leave --out away for standard output"):
            save(half, out)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert stat.S_ISCHR(Path(os.devnull).lstat().st_mode)
    assert [*tmp_path.iterdir()] == [pipe]


@pytest.mark.parametrize(("fill", "error"), [(half, ValueError), (ended, KeyboardInterrupt)])
def test_what_does_not_become_whole_leaves_nothing(
    tmp_path: Path, fill: Callable[[IO[bytes]], int], error: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a file with everybody's phone would lie about under a name that nobody looks for."""
    out, theirs = tmp_path / "report.csv", tmp_path / "report.csv.part"
    out.write_text("the old one")
    theirs.write_text("theirs")
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(error):
        save(fill, out)
    assert sorted(tmp_path.iterdir()) == [out, theirs]
    assert (out.read_text(), theirs.read_text()) == ("the old one", "theirs")
    assert signal.getsignal(signal.SIGTERM) == before
    save(lambda file: file.write(b"whole"), out)
    assert (out.read_text(), theirs.read_text()) == ("whole", "theirs")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert capsys.readouterr().err == f"{out}: 5 bytes\n"


async def test_a_report_is_the_same_bytes_everywhere(process: Process, tmp_path: Path) -> None:
    """A report with a name that a terminal's encoding lacks would end in the middle, or differ from the one in a file."""
    voters, out = tmp_path / "voters.csv", tmp_path / "report.csv"
    voters.write_text("phone\n2025550101\nZo\u00eb \u2603\n", encoding="utf-8")
    ledger = tmp_path / "voters-125.ledger"
    assert (await process("send", voters, "--action", "125", "--text", TEXT, "--yes")).returncode == 0
    assert (await process("report", ledger, "--out", out)).stderr == f"{out}: 2 rows\n"
    for encoding in ("utf-8", "latin-1", "ascii"):
        with (tmp_path / "printed.csv").open("wb") as stdout:
            done = await process("report", ledger, stdout=stdout, env={"PYTHONIOENCODING": encoding})
        assert (done.returncode, done.stderr) == (0, "")
        assert (tmp_path / "printed.csv").read_bytes() == out.read_bytes()
    assert "\u2603".encode() in out.read_bytes()


async def test_a_report_that_is_cut_off_is_no_report(process: Process, tmp_path: Path) -> None:
    """A full disk would pass for a campaign of fewer people; a reader who has seen enough is no trouble."""
    voters = tmp_path / "voters.csv"
    voters.write_text("phone\n2025550101\n")
    await process("send", voters, "--action", "125", "--text", TEXT, "--yes")
    for arguments in (("report", tmp_path / "voters-125.ledger"), ("projects", "stats", "--csv")):
        await minds_a_full_disk_only(process, *arguments)


async def test_a_damaged_ledger_is_named(process: Process, tmp_path: Path) -> None:
    """It would be called a mistake of this program, and half a report would stay behind."""
    voters, ledger = tmp_path / "voters.csv", tmp_path / "voters-125.ledger"
    voters.write_text("phone\n" + "".join(f"202555{number:04}\n" for number in range(1, 800)))
    sent = await process("send", voters, "--action", "125", "--text", TEXT, "--yes", "--limit", "1")
    assert sent.returncode == 0, sent.stderr
    data = ledger.read_bytes()
    ledger.write_bytes(data[: len(data) // 2])
    for arguments in (("status", ledger), ("report", ledger, "--out", tmp_path / "report.csv"), ("resume", ledger, "--yes")):
        done = await process(*arguments)
        assert done.returncode == 2, done.stderr
        assert str(ledger) in done.stderr
    assert [path for path in tmp_path.iterdir() if not path.name.startswith("voters") and path.is_file()] == []
