"""Suppression lists in the forms in which people keep them: nobody in them is lost."""

import gzip
import io
import itertools
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from rumbleup_async.errors import ListError
from rumbleup_async.lists.suppression_list import phones_of, read_rows
from tests.samples.lists import make

HEADER = ("Name", "Cell Phone", "Home Phone")
ROWS: list[Any] = [("Ada", "(202) 555-0101", None), ("Bob", 2025550102, "2025550103"), ("Cy", None, "2025550104")]
ALL = {"2025550101", "2025550102", "2025550103", "2025550104"}


def phones(data: bytes) -> set[str]:
    rows = [row for row in read_rows(io.BytesIO(data), "opt-outs") if not row.is_header]
    return {phone for row in rows for phone in phones_of(row)}


def written(write: Callable[..., None], sheets: dict[str, Any], **more: Any) -> bytes:
    out = io.BytesIO()
    write(out, sheets, **more)
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(make.arrow(HEADER, [[None if cell is None else str(cell) for cell in row] for row in ROWS]), out)
    return out.getvalue()


SHEET = {"Opt-outs": [("As of today", None, None), (None, None, None), HEADER, *ROWS], "More": [("phone",), (2025550177,)]}
CSV = make.csv_of(HEADER, ROWS).encode()


@pytest.mark.parametrize(
    ("data", "more"),
    ids=itertools.count(),
    argvalues=[
        (CSV, set()),
        (gzip.compress(CSV, mtime=0), set()),
        (make.zipped({"opt-outs.csv": CSV}), set()),
        (parquet(), set()),
        *((written(write, SHEET), {"2025550177"}) for write in (make.xlsx, make.xls, make.ods)),
    ],
)
def test_everybody_in_a_suppression_list_of_any_form_is_found(data: bytes, more: set[str]) -> None:
    """Whoever keeps opt-outs in a workbook would export them each time, and once forget it."""
    found = phones(data)
    assert found == ALL | more


@pytest.mark.parametrize(
    ("data", "complaint"),
    ids=itertools.count(),
    argvalues=[
        (written(make.xlsx, {"Opt-outs": [HEADER, ("Ada", "2.03E+09", None)]}), "sheet 'Opt-outs', row 2"),
        (written(make.xlsx, {"Opt-outs": [HEADER, ("Ada", 2025550000.0, None)]}), "sheet 'Opt-outs', row 2"),
        (written(make.xlsx, {"Opt-outs": [(2025550177,), ("phone", "note")]}), "sheet 'Opt-outs', row 2"),
        (written(make.xlsx, {"Opt-outs": []}), "is empty"),
        (make.zipped({"a.csv": CSV, "b.csv": CSV}), "a zip archive with 2 files"),
        (gzip.compress(CSV, mtime=0)[:40], "the compressed file is damaged"),
    ],
)
def test_whoever_cannot_be_read_is_not_passed_over(data: bytes, complaint: str) -> None:
    """Somebody who opted out would be texted, because a spreadsheet had rounded the number."""
    with pytest.raises(ListError) as caught:
        phones(data)
    assert complaint in str(caught.value)
    assert "2025550" not in str(caught.value)
