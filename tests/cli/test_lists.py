"""Lists through the command: what it says of them before the question, and what its options make of them."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Process

TEXT = "Hi {first_name}. STOP to opt out"


async def dry(process: Process, source: Path, *options: str, text: str = TEXT) -> tuple[str, dict[str, object]]:
    """The words and the result of a dry run."""
    ended = await process("send", str(source), "--action", "125", "--text", text, "--dry-run", "--json", *options)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr, json.loads(ended.stdout)


def table(path: Path) -> list[list[str]]:
    """The rows of a CSV file, its header first."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


async def test_other_countries_are_counted_apart_and_texted_only_where_named(process: Process, tmp_path: Path) -> None:
    """A list of members would cost many times as much, and nobody would see why before the bill."""
    source = tmp_path / "list.csv"
    source.write_text(
        "phone,first_name\n2125550101,Ada\n8765550101,Grace\n8765550102,Alan\n8095550101,Ann\n9005550101,Bob\n8005550101,Eve\n"
    )
    words, result = await dry(process, source)
    assert "2  skipped: another country: Jamaica (JM)  (rows 3, 4)\n" in words
    assert "1  skipped: another country: Dominican Republic (DO)  (row 5)\n" in words
    assert "1  skipped: invalid phone: a service or premium number, nobody's phone  (row 6)\n" in words
    assert "note: --country US,CA,JM," in words
    assert result["skipped"] == 5
    words, result = await dry(process, source, "--country", "us,jm", "--country", "toll-free")
    assert result["skipped"] == 2
    assert "Jamaica" not in words


async def test_a_country_that_is_none_is_refused(process: Process, tmp_path: Path) -> None:
    """A misspelt country would leave out everybody there."""
    source = tmp_path / "list.csv"
    source.write_text("phone\n2125550101\n")
    ended = await process("send", str(source), "--action", "125", "--text", "STOP", "--dry-run", "--country", "USA")
    assert ended.returncode == 2
    assert "'USA' is no country of +1" in ended.stderr


async def test_how_a_list_was_read_is_said_before_the_question(process: Process, tmp_path: Path) -> None:
    """Excel for Mac wrote it; everybody with an accent would be greeted as JosŽ without a word."""
    source = tmp_path / "list.csv"
    source.write_bytes("first_name,phone\rJosé,2125550101\rMaría,2125550102\r".encode("mac_roman"))
    words, _ = await dry(process, source)
    assert "note: 2 lines are not UTF-8; read as Mac Roman, e.g. line 2: José;" in words
    assert "2125550101" not in words
    words, _ = await dry(process, source, "--encoding", "mac_roman")
    assert "note" not in words
    ended = await process("send", str(source), "--action", "125", "--text", "STOP", "--dry-run", "--encoding", "macintosh-9")
    assert ended.returncode == 2
    assert "'macintosh-9' is no encoding" in ended.stderr


async def test_a_column_that_says_do_not_text_is_pointed_out_and_used(process: Process, tmp_path: Path) -> None:
    """The list says TRUE, and whoever opted out is texted without a word."""
    source = tmp_path / "list.csv"
    source.write_text("first_name,phone,opt_out,do_not_text\nAda,2125550101,,\nGrace,2125550102,TRUE,Y\n")
    words, result = await dry(process, source)
    assert (
        "note: the column opt_out says of 1 row not to text them, and they are texted; leave them out with --skip-if opt_out"
        in words
    )
    assert result["skipped"] == 0
    words, result = await dry(process, source, "--skip-if", "opt_out", "--skip-if", "Do Not Text")
    assert "1  skipped: skip-if opt_out" in words
    assert "note" not in words
    assert result["skipped"] == 1
    ended = await process("send", str(source), "--action", "125", "--text", "STOP", "--dry-run", "--skip-if", "optout")
    assert ended.returncode == 2
    assert "there is no column 'optout' for skip-if; did you mean 'opt_out'?" in ended.stderr


MESSY = """\
VANID,First Name,Phone,state,opt_out,note
="0012",Ada,2125550101,NY,,hello
13,NULL,2125550102,NY,,
14,Alan,555-12,OH,,=1+1

15,Eve,2125550101,OH,,dup
16,Bob,2125550109,OH,yes,"a
b"
17,Hopper, Grace,2125550110,OH,,
18,"Unclosed,2125550111,OH,,
19,Zed,2125550112,OH,,
"""
REJECTED = [
    ["row", "reason", "VANID", "First Name", "Phone", "state", "opt_out", "note"],
    ["3", "empty merge field first_name", "13", "NULL", "2125550102", "NY", "", ""],
    ["4", "invalid phone: too few digits", "14", "Alan", "555-12", "OH", "", "'=1+1"],
    ["6", "duplicate of row 2", "15", "Eve", "2125550101", "OH", "", "dup"],
    ["7", "skip-if opt_out", "16", "Bob", "2125550109", "OH", "yes", "a\nb"],
    ["8", "unreadable row: 7 columns where the header has 6", "17", "Hopper", "Grace", "2125550110", "OH", "", ""],
    ["9", "unreadable row: quote never closed", '18,"Unclosed,2125550111,OH,,'],
]


@pytest.mark.parametrize("piped", [False, True])
async def test_the_rows_that_are_not_texted_are_written_as_they_came(process: Process, tmp_path: Path, piped: bool) -> None:
    """A count by reason names nobody: whoever is to mend the list must find the rows in it."""
    source, out = tmp_path / "list.csv", tmp_path / "rejects.csv"
    source.write_text(MESSY)
    with source.open() as opened:
        options = {"stdin": opened} if piped else {}
        ended = await process(
            "send",
            "-" if piped else source,
            "--action",
            "125",
            "--text",
            TEXT,
            "--dry-run",
            "--skip-if",
            "opt_out",
            "--rejects",
            out,
            **options,
        )
    assert ended.returncode == 0, ended.stderr
    assert table(out) == REJECTED
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert f"{out}: 6 rows" in ended.stderr
    assert "1  skipped: duplicate  (row 6)" in ended.stderr
    assert "1  skipped: empty merge field first_name  (row 3)" in ended.stderr


async def test_the_first_rows_of_a_reason_are_named(process: Process, tmp_path: Path) -> None:
    """Five thousand bad phones, and no row to look at."""
    source = tmp_path / "list.csv"
    source.write_text("phone,first_name\n" + "555-01,Ada\n" * 5 + "2125550101,Ada\n2125550101,Ada\n2125550101,Ada\n")
    words, _ = await dry(process, source)
    assert "5  skipped: invalid phone: too few digits  (rows 2, 3, 4, ...)" in words
    assert "2  skipped: duplicate  (rows 8, 9)" in words


async def test_rejects_of_other_kinds_of_lists(process: Process, tmp_path: Path) -> None:
    """JSON lines and numbers alone have no header to keep."""
    source, out = tmp_path / "list", tmp_path / "rejects.csv"
    line = '{"phone": "555-01", "first_name": "Ada"}'
    source.write_text(line + '\n{"phone": "2125550101", "first_name": "Ada"}\n')
    await dry(process, source, "--rejects", str(out))
    assert table(out) == [["row", "reason", "line"], ["1", "invalid phone: too few digits", line]]
    source.write_text("2125550101\n\n555-01\n")
    await dry(process, source, "--rejects", str(out), text="Hi. STOP to opt out")
    assert table(out) == [["row", "reason", "phone"], ["3", "invalid phone: too few digits", "555-01"]]
    source.write_bytes("phone,first_name\r\n555-01,José\r\n2125550101,José\r\n".encode("utf-16"))
    await dry(process, source, "--rejects", str(out))
    assert table(out)[1] == ["2", "invalid phone: too few digits", "555-01", "José"]


async def test_rejects_overwrite_neither_the_list_nor_the_ledger(process: Process, tmp_path: Path) -> None:
    """The only copy of the list would be gone, with the rows that were good."""
    source = tmp_path / "list.csv"
    source.write_text(MESSY)
    for out in (source, tmp_path, tmp_path / "none" / "x.csv"):
        ended = await process("send", source, "--action", "125", "--text", TEXT, "--dry-run", "--rejects", out)
        assert ended.returncode == 2, ended.stderr
    assert source.read_text() == MESSY


async def test_rejects_overwrite_no_file_but_their_own(process: Process, tmp_path: Path) -> None:
    """With `--suppress never.csv --rejects never.csv` the opt-outs would be gone, and all of them be texted the next time."""
    source, never, text, out = (tmp_path / name for name in ("list.csv", "never.csv", "text.txt", "rejects.csv"))
    source.write_text(MESSY)
    never.write_text("phone\n2025550101\n")
    text.write_text(TEXT)
    args = ["send", source, "--action", "125", "--text-file", text, "--suppress", never, "--dry-run", "--rejects"]
    for taken in (never, text):
        before = taken.read_bytes()
        ended = await process(*args, taken)
        assert (ended.returncode, "write the rejected rows to another file" in ended.stderr) == (2, True), ended.stderr
        assert taken.read_bytes() == before
    out.touch()
    for _ in range(2):
        ended = await process(*args, out)
        assert ended.returncode == 0, ended.stderr


async def test_no_report_is_written_over_a_ledger(process: Process, tmp_path: Path) -> None:
    """The books of a run would be gone, and with them who has had the text."""
    source, ledger = tmp_path / "list.csv", tmp_path / "run.ledger"
    source.write_text(MESSY)
    sent = await process("send", source, "--action", "125", "--text", TEXT, "--ledger", ledger, "--yes")
    assert sent.returncode == 0, sent.stderr
    other = tmp_path / "other.ledger"
    other.write_bytes(ledger.read_bytes())
    before = other.read_bytes()
    for args in (
        ["report", ledger, "--out", other],
        ["send", source, "--action", "1", "--text", TEXT, "--dry-run", "--rejects", other],
    ):
        ended = await process(*args)
        assert (ended.returncode, "which would be gone" in ended.stderr) == (2, True), ended.stderr
    assert other.read_bytes() == before


async def test_columns_of_the_list_come_out_in_the_report_again(process: Process, tmp_path: Path) -> None:
    """The report could be joined to the voter file by nothing but the phone, which households share."""
    source, ledger = tmp_path / "list.csv", tmp_path / "run.ledger"
    source.write_text(MESSY)
    options = ("--ledger", ledger, "--skip-if", "opt_out", "--yes", "--json", "--quiet", "--concurrency", "1")
    first = await process("send", source, "--action", "125", "--text", TEXT, "--keep", "VANID,State", "--limit", "1", *options)
    assert first.returncode == 0, first.stderr
    second = await process("resume", ledger, "--yes", "--quiet")
    assert second.returncode == 0, second.stderr
    report = await process("report", ledger)
    rows = list(csv.reader(report.stdout.splitlines()))
    assert rows[0] == ["row", "phone", "state", "reason", "logid", "attempts", "sent_time", "VANID", "list_State"]
    assert {row[0]: (row[2], row[7:]) for row in rows[1:]} == {
        "2": ("sent", ["0012", "NY"]),
        "3": ("skipped", ["13", "NY"]),
        "4": ("skipped", ["14", "OH"]),
        "6": ("skipped", ["15", "OH"]),
        "7": ("skipped", ["16", "OH"]),
        "8": ("skipped", ["", ""]),
        "9": ("skipped", ["", ""]),
        "10": ("sent", ["19", "OH"]),
    }
    again = await process("send", source, "--action", "125", "--text", TEXT, *options)
    assert again.returncode == 0, again.stderr
    suppressed = await process("send", source, "--action", "126", "--text", TEXT, "--dry-run", "--json", "--suppress", ledger)
    assert json.loads(suppressed.stdout)["total"] == 8


async def test_all_columns_can_be_kept(process: Process, tmp_path: Path) -> None:
    """Whoever does not know yet what the report is to be joined by keeps everything."""
    source, ledger = tmp_path / "list.csv", tmp_path / "run.ledger"
    source.write_text(MESSY)
    ended = await process(
        "send", source, "--action", "125", "--text", TEXT, "--keep", "*", "--ledger", ledger, "--yes", "--quiet"
    )
    assert ended.returncode == 0, ended.stderr
    out = tmp_path / "report.csv"
    await process("report", ledger, "--out", out)
    rows = table(out)
    assert rows[0][7:] == ["VANID", "First Name", "list_state", "opt_out", "note"]
    assert rows[1][7:] == ["0012", "Ada", "NY", "", "hello"]
    assert rows[5][7:] == ["16", "Bob", "OH", "yes", "a\nb"]
    missing = await process("send", source, "--action", "125", "--text", TEXT, "--keep", "VANIT", "--dry-run")
    assert missing.returncode == 2
    assert "there is no column 'vanit' to keep; did you mean 'vanid'?" in missing.stderr
