"""The result file of the reassigned numbers database: a yes suppresses; no list of another kind is taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumbleup_async.cli.suppression import read_suppressed
from rumbleup_async.errors import ListError

A, B, C = "2025550101", "2025550102", "2025550103"


def read(path: Path, *lines: str) -> set[str]:
    """Whom this file suppresses."""
    path.write_text("\n".join(lines) + "\n")
    return set(read_suppressed([path]))


@pytest.mark.parametrize(
    "header",
    [
        *(
            "phone,date,reassigned",
            "Phone Number,Date of Consent,Permanently Disconnected",
            "TN,Date,Reassigned",
            "tn,date,rnd_response",
        ),
        *("number,consent_date,RND Result", "Telephone Number,Reassigned Since,Is Reassigned", "phone,as_of_date,reassignment"),
    ],
)
def test_only_a_yes_suppresses(tmp_path: Path, header: str, capsys: pytest.CaptureFixture[str]) -> None:
    """All that were asked about would be left out, or those who have their number still."""
    rows = (f"{A},2024-01-05,yes", f"{B},2024-01-05,no", f"{C},01/05/2024,No Data")
    assert read(tmp_path / "rnd.csv", header, *rows) == {A}
    assert "1 phone never to be texted, for they have been reassigned since, of 3" in capsys.readouterr().err
    rows = (f'{A};2024-01-05;"NO DATA"', f"{B};;YES", "")
    assert read(tmp_path / "rnd.csv", header.replace(",", ";"), *rows) == {B}


def test_a_date_is_not_needed(tmp_path: Path) -> None:
    """A script has rewritten the file."""
    assert read(tmp_path / "rnd.csv", "phone,reassigned", f"{A},no_data", f"{B},Yes") == {B}


@pytest.mark.parametrize(
    "lines",
    [
        ("phone,name,reassigned", f"{A},Ada,no", f"{B},Bob,yes"),  # a list of opt-outs with such a column
        ("phone,result", f"{A},no", f"{B},yes"),  # of what?
        ("phone,date,response", f"{A},2024-01-05,no", f"{B},2024-01-05,yes"),  # what people have replied
        ("phone,date,disconnected", f"{A},2024-01-05,no", f"{B},2024-01-05,yes"),
        ("phone,opted_out_at,reassigned", f"{A},2024-01-05,no", f"{B},2024-01-05,no"),
        ("phone,date,opted_out", f"{A},2024-01-05,no", f"{B},2024-01-05,yes"),
        ("phone,disconnected", f"{A},2024-01-05", f"{B},no"),
        ("phone,date,reassigned,disconnected", f"{A},2024-01-05,no,no", f"{B},2024-01-05,no,yes"),
        (f"{A},2024-01-05,no", f"{B},2024-01-05,yes"),  # no header
    ],
)
def test_whatever_is_not_surely_one_stays_a_list(tmp_path: Path, lines: tuple[str, ...]) -> None:
    """An opt-out is read as `no`, and the person is texted."""
    assert read(tmp_path / "list.csv", *lines) == {A, B}


def test_that_a_column_is_not_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody knows why so many are left out."""
    read(tmp_path / "list.csv", "phone,name,reassigned", f"{A},Ada,no")
    assert "its column 'reassigned' is not read" in capsys.readouterr().err
    read(tmp_path / "list.csv", "phone,date,Result", f"{A},2024-01-05,no")
    assert "its column 'Result' is not read" in (told := capsys.readouterr().err)
    assert "in a column called reassigned" in told


@pytest.mark.parametrize("answer", ["maybe", "", "error"])
def test_an_answer_that_is_none_is_an_error_with_its_row(tmp_path: Path, answer: str) -> None:
    """It would count as a no."""
    with pytest.raises(ListError, match=r"rnd.csv, row 3: .* is no answer of the reassigned numbers database.*query") as caught:
        read(tmp_path / "rnd.csv", "phone,date,reassigned", f"{A},2024-01-05,no", f"{B},2024-01-05,{answer}")
    assert B not in str(caught.value)


def test_of_a_yes_the_number_must_be_readable(tmp_path: Path) -> None:
    """Somebody has a new number, and nobody knows who."""
    with pytest.raises(ListError, match="row 2"):
        read(tmp_path / "rnd.csv", "phone,date,reassigned", "20255501,2024-01-05,yes")
