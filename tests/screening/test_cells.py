"""Cells: what a program has written for "nothing" is nothing, and a spreadsheet's dress is no part of a name."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.lists.contacts import contact_of, open_list
from rumbleup_async.messaging import Contact, Planned, Skipped
from rumbleup_async.reasons import from_words as because
from rumbleup_async.screening.cells import EMPTY, clean, undress
from rumbleup_async.screening.screen import Screen

NOTHING = [
    *("NULL", "null", "Null", "(null)", "[NULL]", "<null>", "\\N", "nil", "NIL", "<nil>", "None", "none", "NONE", "(none)"),
    *("NaN", "nan", "NAN", "-nan", "-nan(ind)", "1.#QNAN", "-1.#IND", "NaT", "<NA>", "NA", "na", "N/A", "n/a", "N.A.", "n.a."),
    *("#N/A", "#N/A N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#ERROR!", "#NV"),
    *("#BEZUG!", "#ÜBERLAUF!", "#¡VALOR!", "#####", "Err:502", "undefined", "UNDEFINED", "[object Object]", "undef", "(blank)"),
    *("-", "--", "—", "?", "???", ".", "...", "_", "*", "/", "", "''", '""', '="NULL"', '=""', "=NA()", "='x'!A1", "'NULL", "'"),
    *('"null"', "'null'", '"""', "\u200bNULL\u200b", "\ufeff", "not available", "Not Applicable", "unknown", "%!s(<nil>)"),
    "\x00",
    *("NULL NULL", "nan nan", "undefined undefined", "None None", "Ada null", "NULL Lovelace", "Ada (null)", "Grace undefined"),
    *("NULL.", "None,", "#REF", "$NULL$", "__null__", "?unknown?", "(Unknown)", "NUL", "Unknown Unknown", "[None]"),
]

NAMES = [
    *("Ada", "O'Neil", "'t Hooft", "'s-Gravenhage", "d'Arc", "Nan", "Na", "Nil", "Nona", "Annan", "Nilsson", "Nullo", "Noneman"),
    *("Jean-Luc", "Mary Ann", "J.", "A", "José", "Ng", "Robert “Bob”", 'Robert "Bob" Lee', "N'Golo", "0", "5", "#1", "$5"),
    *("🎉", "!"),
    *("None of the above", "Nan Goldin", "Na Li", "Mary Na", "Nil Admirari", "Max Null-Meier", "St. Nil.", "Ms. Nan"),
    *("10%", "Null-Smith", "Blank", "Naa", "(Bob)", "@ada", "#winning"),
]


@pytest.mark.parametrize("cell", NOTHING)
def test_a_word_for_nothing_is_no_name(cell: str) -> None:
    """Everybody whose first name the database does not know would be greeted with "Hi NULL"."""
    assert clean(cell.strip()) == ""


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_what_it_is(name: str) -> None:
    """Nan, whom people do call so, would never be texted, and O'Neil would be greeted by half a name."""
    assert clean(name) == name


@pytest.mark.parametrize(
    "cell",
    ['="Ada"', '=("Ada")', '=T("Ada")', '= "Ada"', '+"Ada"', '"Ada"', "'Ada'", "'Ada", "''Ada", '\'"Ada"', '"=(Ada"'],
)
def test_a_spreadsheets_dress_comes_off(cell: str) -> None:
    """The export of a whole campaign would be greeted with `Hi ="Ada"`."""
    assert clean(cell) == ("Ada" if "(Ada" not in cell else "")


def test_what_is_dressed_inside_keeps_its_quotes() -> None:
    """A nickname would lose its quotes, or a quote would be doubled."""
    assert undress('="Ann ""A"" Lee"') == 'Ann "A" Lee'


@given(st.text(max_size=30))
def test_a_clean_cell_stays_clean(cell: str) -> None:
    """A list that is read again, as a report is, would come out with other names."""
    once = clean(cell.strip())
    assert clean(once) == once or once.startswith(("'", '"', "="))
    assert once not in EMPTY


SCREEN = Screen("Hi {first_name}. STOP to opt out")


@pytest.mark.parametrize("word", ["NULL", "#N/A", "nan", "None", "undefined", '="NULL"', "#REF!", "(null)", "\\N", "--"])
def test_in_every_kind_of_list_such_a_cell_is_an_empty_merge_field(word: str) -> None:
    """CSV, JSON lines, mappings and contacts of Python are one list to whoever is texted."""
    expected: list[Planned | Skipped] = [Skipped(1, "2025550101", because("empty merge field first_name"))]
    quoted = word.replace('"', '""')
    csv = list(open_list(io.BytesIO(f'phone,first_name\n2025550101,"{quoted}"\n'.encode())))
    assert isinstance(csv[0], Contact)
    assert SCREEN.batch([Contact(1, csv[0].phone, csv[0].fields)]) == expected
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    json = list(open_list(io.BytesIO(f'{{"phone": "2025550101", "first_name": "{escaped}"}}\n'.encode())))
    assert SCREEN.batch(json) == expected
    assert SCREEN.batch([contact_of({"phone": "2025550101", "first_name": word}, 1)]) == expected
    assert SCREEN.batch([contact_of(Contact(1, "2025550101", {"first_name": word}), 1)]) == expected


def test_the_fallback_and_the_name_of_a_new_contact_know_it_too() -> None:
    """`{first_name|friend}` would say NULL, and the account would be filled with contacts called NULL NULL."""
    rows = open_list(io.BytesIO(b"phone,first_name,last_name\n2025550101,NULL,#N/A\n"))
    planned = Screen("Hi {first_name|friend}. STOP to opt out").batch(rows)
    assert planned == [Planned(2, "2025550101", "Hi friend. STOP to opt out", None, 1)]


def test_the_dress_comes_off_header_and_cells_of_a_whole_export() -> None:
    """Some exports wrap every cell, so that a spreadsheet shows zip codes right."""
    data = b'"=""first_name""","=""phone""","=""zip"""\n"=""Ada""","=""2025550101""","=""02134"""\n'
    assert list(open_list(io.BytesIO(data))) == [
        Contact(2, '="2025550101"', {"first_name": "Ada", "phone": "2025550101", "zip": "02134"})
    ]
