"""`rumbleup look LIST`: what was understood of a list is shown as it is, and no phone with it."""

import json
from pathlib import Path

import pytest

from rumbleup_async.cli.app import app
from tests.samples.lists import make

SAMPLES = Path(make.__file__).parent


def look(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The exit code, and what is said on both outputs."""
    with pytest.raises(SystemExit) as end:
        app(["look", *arguments])
    said = capsys.readouterr()
    assert "2025550" not in said.out + said.err
    return int(end.value.code or 0), said.out, said.err


def test_a_list_is_shown_as_it_was_understood(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody would learn only from the texts that the wrong column was read."""
    code, out, _ = look(capsys, str(SAMPLES / "ward7.xlsx"))
    assert code == 0
    lines = out.splitlines()
    assert lines[0].endswith("ward7.xlsx, sheet 'Voters': a workbook, 9 rows")
    assert lines[1:3] == ["  the phone is in mobile", "  columns: first_name, mobile, born, remark"]
    assert [line.split()[:2] for line in lines[4:8]] == [["row", "phone"], ["4", "********01"], ["5", "********02"], ["6", "-"]]
    assert "            3  would be texted" in lines
    assert "            1  skipped: invalid phone: two numbers in one cell  (row 12)" in lines
    assert "  note: read from the sheet 'Voters', whose header is row 3" in lines


def test_json_has_the_same_for_programs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A script would have to read words."""
    path = tmp_path / "list.csv"
    path.write_text(
        "name;cell;home phone;opt_out\n"
        "José;2025550101;;no\nBob;x;(202) 555-0102;\nCy;2025550103;2025550104;yes\nDi;2025550101;;\nEd;2.03E+09;;\n",
        encoding="cp1252",
    )
    code, out, _ = look(
        capsys, str(path), "--phone-field", "cell", "--phone-field", "home phone", "--skip-if", "opt_out", "--json"
    )
    found = json.loads(out)
    assert code == 0
    assert (found["form"], found["encoding"], found["phone_field"]) == ("CSV", "UTF-8 and Windows-1252", "cell,home_phone")
    assert found["columns"] == ["name", "cell", "home_phone", "opt_out"]
    assert (found["rows"], found["to_be_texted"]) == (5, 2)
    assert [(one["code"], one["number"], one["rows"]) for one in found["skipped"]] == [
        ("skip_if", 1, [4]),
        ("duplicate", 1, [5]),
        ("invalid_phone", 1, [6]),
    ]
    assert [(row["row"], row["phone"], row["skipped"]) for row in found["first_rows"]][1:4] == [
        (3, "********02", None),
        (4, "********03", "skip-if opt_out"),
        (5, "********01", "duplicate of row 2"),
    ]
    assert [row["fields"].get("phone_column") for row in found["first_rows"]] == ["cell", "home_phone", None, "cell", "cell"]
    assert found["notes"][0].startswith("1 line is not UTF-8; read as Windows-1252, e.g. line 2")
    assert found["fingerprint"]


def test_the_whole_row_that_says_no_leaves_all_its_phones_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Whoever opted out would be texted at the other number of the same row."""
    path = tmp_path / "list.csv"
    path.write_text("cell,home,opt_out\n2025550101,2025550102,yes\n2025550102,,no\n2025550103,,\n")
    _, out, _ = look(capsys, str(path), "--phone-field", "cell,home", "--skip-if", "opt_out", "--json")
    assert json.loads(out)["to_be_texted"] == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none.csv"], "none.csv: there is no such file"),
        ([str(SAMPLES / "two-lists.xlsx")], "name it with --sheet"),
        ([str(SAMPLES / "people.csv"), "--phone-field", "cel_phone"], "did you mean 'cell_phone'?"),
        (["mysql://host/db"], "lists are read from sqlite:FILE"),
    ],
)
def test_what_is_no_list_ends_with_the_remedy(capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str) -> None:
    """A script would go on as if the list were fine."""
    code, out, err = look(capsys, *arguments)
    assert (code, out) == (2, "")
    assert complaint in err


def test_the_name_of_a_list_steers_no_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file from somewhere could clear the screen of whoever looks at it, or type into the shell."""
    path = tmp_path / "list\x1b[2J.csv"
    path.write_text("phone\n2025550101\n")
    code, out, _ = look(capsys, str(path))
    assert code == 0
    assert out.splitlines()[0].endswith("list\\x1b[2J.csv: one number a line, UTF-8, 1 row")
