"""`--suppress`: what it takes, that it adds up, and that nobody is texted because of how a list is kept."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from rumbleup_async import RumbleUp
from rumbleup_async.simulator import Simulator

from .conftest import Process

TEXT = "Hi. Reply STOP to opt out"
PEOPLE = [f"202555010{number}" for number in range(1, 7)]
REPORT = "row,phone,state,reason,logid,attempts,sent_time"


@pytest.fixture
def voters(tmp_path: Path) -> str:
    """A list of six."""
    file = tmp_path / "voters.csv"
    file.write_text("phone\n" + "\n".join(PEOPLE) + "\n")
    return str(file)


def texted(simulator: Simulator) -> list[int]:
    """Which of the people were texted."""
    return sorted(PEOPLE.index(text.phone) + 1 for text in simulator.truth)


async def test_several_lists_add_up(process: Process, simulator: Simulator, voters: str, tmp_path: Path) -> None:
    """Whoever is on the first of two lists would be texted, and no word said."""
    one, two, three = tmp_path / "one.txt", tmp_path / "two.csv", tmp_path / "three.csv"
    one.write_text("(202) 555-0101\n+1 202.555.0102\n")
    two.write_text("email,phone\na@example.org,\nb@example.org,2025550104\n")
    three.write_text("phone,first_name\n")  # today nobody has opted out
    lists = ["--suppress", str(one), "--suppress", str(two), f"--suppress={three}"]
    done = await process("send", voters, "--action", "125", "--text", TEXT, "--yes", "--limit", "1", *lists)
    assert done.returncode == 0, done.stderr
    assert f"{three}: 0 phones never to be texted" in done.stderr
    assert texted(simulator) == [3]
    lists = ["--suppress", str(one), "--suppress", str(two)]
    one.write_text("2025550105\n")
    done = await process("resume", str(tmp_path / "voters-125.ledger"), "--yes", *lists)
    assert done.returncode == 0, done.stderr
    assert texted(simulator) == [3, 6]


async def test_several_lists_add_up_for_texters(process: Process, simulator: Simulator, tmp_path: Path) -> None:
    """The same over the contacts that the server hands out."""
    simulator.add_contacts("125", [{"phone": phone} for phone in PEOPLE[:3]])
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text(PEOPLE[0] + "\n")
    two.write_text(PEOPLE[1] + "\n")
    done = await process(
        "texters", "--action", "125", "--text", TEXT, "--yes", "--patience", "0", "--ledger", tmp_path / "x.ledger",
        "--suppress", one, "--suppress", two, "--suppress", two,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert texted(simulator) == [3]


@pytest.mark.parametrize(
    ("content", "left"),
    [
        ("0012025550101\n+2025550102\n", [3, 4, 5, 6]),
        ("VANID,Preferred Phone\n17,202-555-0101\n", [2, 3, 4, 5, 6]),
        ("first_name,Home Phone,Mobile\nAda,(202) 555-0101,+12025550102\nGrace,,2025550103\nAlan,,\n", [4, 5, 6]),
        ("number,why\n2025550101,asked\n", [2, 3, 4, 5, 6]),
        ("phone,cell\n2025550101,asked\n", [2, 3, 4, 5, 6]),
        ("2025550101,Ada\n2025550102,Grace\n", [3, 4, 5, 6]),
        ("phone,asked\n2025550101,2025-05-01 10:11:12\n", [2, 3, 4, 5, 6]),
        ("phone\n2025550101\nphone\n2025550102\n", [3, 4, 5, 6]),
        ("phone\n2025550101 x4\n2025550102/2025550103\n", [4, 5, 6]),
        ("sep=;\nphone;note\n2025550101;\n", [2, 3, 4, 5, 6]),
        ('{"phone": "+2025550101"}\n{"contact": {"cell": 12025550102}, "id": 7}\n', [3, 4, 5, 6]),
        ("\ufeffphone\r\n2025550101\r\n\r\n2025550102\r\n", [3, 4, 5, 6]),
        ("who,first,second\nAda,2025550101,2025550102.0\nGrace,,2.025550103E+09\n", [4, 5, 6]),
        ("name,phone\nhome: 2025550101,\nsip:+12025550102@example.org,2025550103\n", [4, 5, 6]),
        ("name,number,2024,Twitter @\nAda,2025550101,x,\n", [2, 3, 4, 5, 6]),
        ("2025550101,mobile\n2025550102,landline\n", [3, 4, 5, 6]),
        ("2025550101,Cell Phone,STOP\n2025550102,Cell Phone,STOP\n", [3, 4, 5, 6]),
        ("Mobile;202-555-0101\nMobile;202-555-0102\n", [3, 4, 5, 6]),
        ("home,Ada,2025550101\nwork,Grace,2025550102\n", [3, 4, 5, 6]),
        ("202-555-0101 (cell)\n202-555-0102 mobile\n", [3, 4, 5, 6]),
        ("phone,exported 2026-11-05 10:00\n2025550101,\n", [2, 3, 4, 5, 6]),
        ('{"phone": null, "email": "ada@example.org"}\n{"phone": "2025550101"}\n', [2, 3, 4, 5, 6]),
    ],
)
async def test_a_list_counts_however_it_is_kept(
    process: Process, simulator: Simulator, voters: str, tmp_path: Path, content: str, left: list[int]
) -> None:
    """An opted-out person would be texted, or a campaign wait for somebody who renames a column."""
    never = tmp_path / "never"
    never.write_text(content)
    done = await process("send", voters, "--action", "125", "--text", TEXT, "--yes", "--suppress", str(never))
    assert done.returncode == 0, done.stderr
    assert texted(simulator) == left


async def test_a_list_counts_over_sendblue_too(process: Process, simulator: Simulator, voters: str, tmp_path: Path) -> None:
    """Its phones have another form, in which a number without +1 would suppress nobody."""
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("phone\n0012025550101\n+2025550102\n")
    two.write_text("phone\n(202) 555-0103 x4\n")
    send = ["send", voters, "--provider", "sendblue", "--from", "+12025550199", "--text", TEXT, "--per-second", "0"]
    done = await process(*send, "--yes", "--suppress", one, "--suppress", two)
    assert done.returncode == 0, done.stderr
    assert sorted(text.phone[-10:] for text in simulator.truth) == PEOPLE[3:]
    ledger = tmp_path / "voters-sendblue.ledger"
    done = await process("send", voters, "--action", "125", "--text", TEXT, "--dry-run", "--suppress", ledger)
    assert "3  skipped: suppressed" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("phone\n2025550101\n***-***-0102\n", "row 3: too few digits"),
        ("xxx-xxx-0101\n", "row 1: letters in it"),
        ("********0101\n2025550102\n", "row 1: too few digits"),
        ("2,025,550,101\n", "row 1: no number is found in it"),
        ("202-555-O101,mobile\n", "row 1: no number is found in it"),
        ("ada@example.org\n", "row 1: letters in it"),
        ("phone\n2025550101\n555-0102\n", "row 3: too few digits"),
        ("phone,name\n2.03E+09,Ada\n", "row 2: a spreadsheet rounded it"),
        ("VANID,Preferred Phone\n17,555-0101\n", "row 2: too few digits"),
        ("name,who\nAda,2025550101\nGrace,\n", "row 3: no number is found in it"),
        ('phone,name\n2025550101,"Ann\n2025550102,Bo\n', "row 2: quote never closed"),
        ('{"phone": \n', "row 1: not a JSON object on one line"),
        (f"{REPORT}\n2,2025550101,gesendet,,,1,\n", "row 2: a report knows no state 'gesendet'"),
        (f"{REPORT}\n2,555-0101,sent,,,1,\n", "row 2: too few digits"),
        ("", "is empty, as a failed export is"),
        ("\n\n", "is empty, as a failed export is"),
        (b"PK\x03\x04 a workbook".decode(), "this is an Excel workbook"),
    ],
)
async def test_a_row_that_may_be_anybody_s_stops_everything(
    process: Process, simulator: Simulator, voters: str, tmp_path: Path, content: str, words: str
) -> None:
    """It would be passed over, and the person behind it be texted; without row and remedy nobody could mend the list."""
    never = tmp_path / "never.csv"
    never.write_text(content)
    done = await process("send", voters, "--action", "125", "--text", TEXT, "--yes", "--suppress", str(never))
    assert (done.returncode, simulator.requests.count()) == (2, 0)
    assert str(never) in done.stderr
    assert words in done.stderr
    assert not list(tmp_path.glob("*.ledger"))


async def test_a_report_suppresses_whom_its_run_may_have_texted(
    process: Process, simulator: Simulator, voters: str, tmp_path: Path
) -> None:
    """After a crash the remedy of our own documents would end with an error, or keep those from being texted who never were."""
    report = tmp_path / "monday.csv"
    report.write_text(
        f"{REPORT},VANID\n2,+12025550101,sent,,2025550106,1,2026-03-05T10:00:00.000+00:00,2025550106\n"
        "3,2025550102,refused,LANDLINE,,1,,\n4,2025550103,unknown,,,1,,\n5,2025550104,not_sent,absent from the log,,1,,\n"
        "6,2025550105,not_sent,not reached; limit,,0,,\n7,2025550106,skipped,suppressed,,0,,\n"
        "8,555-12,skipped,invalid phone,,0,,\n"
    )
    done = await process("send", voters, "--action", "125", "--text", TEXT, "--yes", "--suppress", str(report))
    assert done.returncode == 0, done.stderr
    assert texted(simulator) == [5, 6]
    assert "4 phones never to be texted, who had a text of that run or may have had it" in done.stderr


async def test_what_we_write_is_what_we_read(process: Process, simulator: Simulator, voters: str, tmp_path: Path) -> None:
    """Tuesday's run would text those of Monday's again, or refuse Monday's report or ledger."""
    monday = tmp_path / "monday.csv"
    monday.write_text(f"phone\n{PEOPLE[0]}\n555-12\n{PEOPLE[1]}\n{PEOPLE[2]}\n")
    simulator.fault(PEOPLE[1], "landline")
    send = ["--action", "125", "--text", TEXT, "--yes", "--limit", "2", "--concurrency", "1"]
    assert (await process("send", str(monday), *send)).returncode == 0
    simulator.fault(PEOPLE[1], None)
    ledger, report = tmp_path / "monday-125.ledger", tmp_path / "done.csv"
    assert (await process("report", str(ledger), "--out", str(report))).returncode == 0
    before = texted(simulator)
    for suppress in (report, ledger):
        done = await process("send", voters, "--action", "125", "--text", TEXT, "--yes", "--suppress", str(suppress), "--dry-run")
        assert done.returncode == 0, done.stderr
        assert "4  to be texted" in done.stderr
        assert "2  skipped: suppressed" in done.stderr
    done = await process("send", voters, "--action", "125", "--text", TEXT, "--yes", "--suppress", str(ledger))
    assert done.returncode == 0, done.stderr
    assert texted(simulator) == sorted([*before, 3, 4, 5, 6])


async def test_a_ledger_under_way_is_read_and_left_alone(
    process: Process, simulator: Simulator, rumbleup: RumbleUp, voters: str, tmp_path: Path
) -> None:
    """A look at Monday's run, still going on, would spoil it, or miss whoever it is about to text."""
    ledger = tmp_path / "monday.ledger"
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger, limit=3, concurrency=1) as run:
        assert (await run.send([{"phone": phone} for phone in PEOPLE])).sent == 3
        done = await process("send", voters, "--action", "125", "--text", TEXT, "--dry-run", "--suppress", ledger)
        assert done.returncode == 0, done.stderr
        assert "that run is being sent, so the 3 whom it has not come to are left out, too" in done.stderr
        assert f"{len(PEOPLE)}  skipped: suppressed" in done.stderr
    done = await process("send", voters, "--action", "125", "--text", TEXT, "--dry-run", "--suppress", ledger)
    assert "3  skipped: suppressed" in done.stderr, "of a run that has ended those who were never texted are for the next"
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_another_database_is_no_list(process: Process, simulator: Simulator, voters: str, tmp_path: Path) -> None:
    """Its bytes would be taken for a list of nobody."""
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE optouts (phone TEXT)")
    db.close()
    done = await process("send", voters, "--action", "125", "--text", TEXT, "--yes", "--suppress", str(other))
    assert (done.returncode, simulator.requests.count()) == (2, 0)
    assert "is a database of another program" in done.stderr


@pytest.mark.parametrize("name", ["", "missing.csv", "."])
async def test_a_list_that_is_not_there_stops_everything(process: Process, simulator: Simulator, voters: str, name: str) -> None:
    """`--suppress "$OPTED_OUT"` of an empty variable would suppress nobody."""
    done = await process("send", voters, "--action", "125", "--text", TEXT, "--yes", "--suppress", name)
    assert (done.returncode, simulator.requests.count()) == (2, 0)
    assert "the suppression list cannot be opened" in done.stderr
