"""docs/how-to.md: each of its commands is run, not only understood."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import xlsxwriter

from .conftest import Process

PAGE = Path(__file__).parents[2] / "docs" / "how-to.md"
LEDGER = "voters-125.ledger"


@pytest.fixture
def folder(process: Process, tmp_path: Path) -> Path:
    """Where the command runs, with the files of which the page speaks."""
    here = tmp_path / "folder"
    rows = [
        ["first_name", "phone", "Language", "agreed"],
        ["Ada", "2025550101", "Spanish", "yes"],
        ["Grace", "2025550124", "", "no"],
    ]
    (here / "voters.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    with xlsxwriter.Workbook(here / "voters.xlsx") as book:
        sheet = book.add_worksheet("Ward7")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    (here / "text.txt").write_text("Hi {first_name}. STOP to opt out")
    (here / "spanish.txt").write_text("Hola {first_name}. STOP para no recibir más")
    (here / "do-not-text.csv").write_text("phone\n2025550199\n")
    return here


def steps() -> Iterator[tuple[list[str], int]]:
    """Each command of the page and its exit code: those before a run, the run, what needs its ledger, its end."""
    lines = [shlex.split(line)[1:] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("    rumbleup ")]
    later = [line for line in lines if LEDGER in line or line[:2] == ["book", "look"]]
    lines.sort(key=lambda line: (line in later, "--yes" in line, line[0] == "purge"))
    for line in lines:
        if line[0] == "watch":
            continue  # serves until Ctrl-C; tests/cli/test_watch.py
        if line[0] == "send" and not {"--yes", "--dry-run"} & {*line}:
            # They would ask; a dry run reads and shows all that they do before. The number of --expect is the reader's own.
            yield [*line, "--dry-run"], 2 if "--expect" in line else 0
        elif line[0] == "send" and "--yes" in line:
            yield [*line, "--limit", "1"], 0  # so that somebody is left to pause for
        elif line[0] in {"purge", "resume", "test"}:
            yield [*line, "--yes"], 0
        else:
            yield line, 2 if line[0] == "stop" else 0  # nothing sends any more


@pytest.mark.usefixtures("folder")
async def test_every_answer_works(process: Process) -> None:
    """Somebody in a hurry would be told what does not work."""
    assert len(list(steps())) > 25
    for line, code in steps():
        done = await process(*line, env={"RUMBLEUP_BOOK": "people.book"})
        assert done.returncode == code, f"{line}: {done.returncode}, {done.stdout}{done.stderr}"
