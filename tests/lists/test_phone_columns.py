"""Lists with several phones a row, and the columns of the programs that lists are exported from."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async.errors import ListError
from rumbleup_async.lists.contacts import open_list
from rumbleup_async.lists.kept_columns import Keep
from rumbleup_async.messaging import Contact
from rumbleup_async.screening.screen import Screen
from tests.samples.lists import make

SAMPLES = Path(make.__file__).parent
HEADER = ("Name", "Home Phone", "Cell Phone", "Work Phone")
ROWS = [
    ("Ada", "2025550101", "2025550102", None),
    ("Bob", "2025550103", "n/a", "2025550104"),
    ("Cy", None, None, None),
    ("Di", "2025550105", "2025550106 / 2025550107", None),
    ("Ed", "555-0108", "2.03E+09", None),
    ("Flo", 2025550109, None, None),
]


def forms(header: Any = HEADER, rows: Any = ROWS) -> list[bytes]:
    book = io.BytesIO()
    make.xlsx(book, {"Sheet1": [header, *rows]})
    objects = make.objects(header, rows)
    return [
        make.csv_of(header, rows).encode(),
        "".join(json.dumps(one) + "\n" for one in objects).encode(),
        json.dumps(objects).encode(),
        book.getvalue(),
    ]


def read(data: bytes, **options: Any) -> list[tuple[str, str]]:
    """The phone of each row and the column it is from, or why it is not texted."""
    keep = Keep((), has_phones=True)
    with open_list(io.BytesIO(data), fields=(), keep=keep, **options) as contacts:
        rows = list(contacts)
    found = []
    for row, planned in zip(rows, Screen("Hi STOP").batch(rows), strict=True):
        column = json.loads(keep.cells(row.fields))["phone_column"] if isinstance(row, Contact) else ""
        found.append((getattr(planned, "reason", planned.phone), column))
    return found


@pytest.mark.parametrize("field", ["Cell Phone,Home Phone", "cell_phone, HOME-PHONE"])
@pytest.mark.parametrize("form", range(4))
def test_the_first_of_several_phones_that_can_be_read_is_texted(form: int, field: str) -> None:
    """People with a mobile would be texted on their landline, or who has but one number be left out."""
    assert read(forms()[form], phone_field=field) == [
        ("2025550102", "cell_phone"),
        ("2025550103", "home_phone"),
        ("invalid phone: empty", "" if form in (1, 2) else "cell_phone"),
        ("2025550105", "home_phone"),
        (
            "invalid phone: a spreadsheet rounded it to scientific notation; format the column as text and export again",
            "cell_phone",
        ),
        ("2025550109", "home_phone"),
    ]


@pytest.mark.parametrize("program", make.EXPORTS)
@pytest.mark.parametrize("form", range(5))
def test_the_exports_of_other_programs_are_read_as_they_are(program: str, form: int) -> None:
    """Whoever brings a list along would have to rename its columns, and would name the landline."""
    sample = (SAMPLES / f"{program}.csv").read_bytes()
    with open_list(io.BytesIO([sample, *forms(*make.export(program))][form])) as contacts:
        # Of objects each says itself what its phone is: without a cell phone the preferred one is.
        second = "2025550119" if program == "van" and form in (2, 3) else ""
        assert [contact.phone for contact in contacts] == ["(202) 555-0101", second, "2025550103"]
        assert form in (2, 3) or contacts.phone_field == make.EXPORTS[program][1]


def test_which_phone_is_meant_is_asked_where_no_name_is_certain() -> None:
    """Somebody's work phone would be texted because it stood first."""
    with pytest.raises(ListError, match=r"phone or telephone; name the column .* their order: --phone-field phone,telephone"):
        open_list(io.BytesIO(b"name,phone,telephone\nAda,2025550101,2025550102\n"))
    with pytest.raises(ListError, match="there is no column 'mobil'; did you mean 'mobile'"):
        open_list(io.BytesIO(b"name,phone,mobile\nAda,2025550101,2025550102\n"), phone_field="phone,mobil")


@pytest.mark.parametrize(
    ("wanted", "meant"), [("fname", "first_name"), ("firstname", "first_name"), ("cell", "cell_phone"), ("zip", "zip5")]
)
def test_a_merge_field_by_another_name_is_told_the_one_it_has(wanted: str, meant: str) -> None:
    """Nobody would know what the list calls it."""
    contacts = open_list(io.BytesIO(b"first_name,cell_phone,zip5\nAda,2025550101,1\n"))
    with pytest.raises(ListError, match=f"did you mean '{meant}'"):
        contacts.require([wanted])
