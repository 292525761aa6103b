"""Cells of a report."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.exports.cells import apart, harmless, masked, whole
from tests.exports.made import HOSTILE


@given(st.text() | st.sampled_from(HOSTILE))
def test_no_cell_begins_a_formula(cell: str) -> None:
    """A spreadsheet would run what somebody has written into a form on the web."""
    shown = harmless(cell)
    assert shown.endswith(cell)
    assert shown[:1] not in {*"=-@\t\r\n\uff1d"}
    assert shown[:1] != "+" or shown[1:].isdecimal()


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("2025550101", "********01"),
        ("+1 (202) 555-0101", "********01"),
        ("tel:202.555.0101!", "tel:********01!"),
        ("call 202-555-0177 or +1 (312) 555-0188", "call ********77 or ********88"),
        ("phone_2025550101", "phone_********01"),
        ("123456789", "123456789"),
        ("20255501012025", "20255501012025"),
        ("1025550101", "1025550101"),
        ("2026-06-03T12:00:00.000", "2026-06-03T12:00:00.000"),
        ("", ""),
    ],
)
def test_phones_in_cells_are_masked_and_other_numbers_are_not(cell: str, shown: str) -> None:
    """A second column of phones is as private as the first; the number of a voter is what a report is joined by."""
    assert masked(cell) == shown


def test_names_of_columns_stay_apart() -> None:
    """A column of the list that is called like one of ours would be taken for it."""
    assert apart(["State", "list_state", "ward"], ("row", "state")) == ["list_State", "list_list_state", "ward"]


def test_half_a_character_is_no_character() -> None:
    """No file in UTF-8 could hold it, and the whole report would fail for one cell."""
    assert whole("a\ud800b") == "a?b"
