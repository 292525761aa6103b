"""Lists of all forms: each says the same of the same people, and what people do to workbooks texts nobody by mistake."""

import datetime as dt
import io
import itertools
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.errors import ListError
from rumbleup_async.lists.contacts import fingerprint, open_list
from rumbleup_async.messaging import Contact, Planned, Skipped
from rumbleup_async.screening.screen import Screen
from tests.samples.lists import make

SAMPLES = Path(make.__file__).parent
FORMS = sorted(path.name for path in SAMPLES.glob("people.*"))


def plan(source: Any, **options: Any) -> list[tuple[str, str]]:
    """Of each row its phone and its text, or why there is none."""
    screen = Screen("Hi {first_name|friend}, you joined {joined|long ago}. STOP")
    with open_list(source, fields=screen.needed_fields, **options) as contacts:
        contacts.require(screen.template.required_fields)
        rows = [row for batch in contacts.batches(3) for row in screen.batch(batch)]
        assert contacts.fingerprint is not None
    return [(row.phone, row.text if isinstance(row, Planned) else row.reason) for row in rows]


PLAN = [
    ("2025550101", "Hi Ada, you joined 2024-03-01. STOP"),
    ("2025550102", "Hi José, you joined long ago. STOP"),
    ("2025550103", "Hi Grace, you joined 2025-11-30. STOP"),
    ("2025550104", "Hi friend, you joined long ago. STOP"),
    ("", "invalid phone: empty"),
    ("555-0106", "invalid phone: too few digits"),
    ("2025550101", "Hi Ada, you joined long ago. STOP"),
    ("2025550108", "Hi Zoë, you joined long ago. STOP"),
]


class Pipe(io.RawIOBase):
    """Bytes that can be read once, some at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._data.readinto(memoryview(buffer)[:1000])


@pytest.mark.parametrize("name", FORMS)
def test_the_same_people_are_texted_the_same_in_every_form(name: str) -> None:
    """Whoever saves the list in another form would text other people, or another text, or begin the campaign anew."""
    path, copy = SAMPLES / name, io.BytesIO()
    assert plan(path) == PLAN
    assert plan(Pipe(path.read_bytes()), copy=copy) == PLAN, "a pipe"
    assert path.read_bytes() == copy.getvalue(), "what --rejects reads it from again"
    with open_list(path) as contacts:
        raw = list(contacts.raw())
        assert len(PLAN) == len(raw)
        assert fingerprint(path) == contacts.fingerprint, "a resume would not know the list"
    with open_list(path) as contacts:
        assert [row for row, _ in raw] == [row.row for row in contacts]


@pytest.mark.parametrize("name", ["ward7.xlsx", "ward7.ods"])
def test_what_people_do_to_a_workbook_texts_nobody_by_mistake(name: str) -> None:
    """A stranger would be texted whose number a spreadsheet made by rounding, or rows be read from the wrong column."""
    with open_list(SAMPLES / name) as contacts:
        screened = [Screen("Hi STOP")(row) for row in contacts]
        seen = {row.row: getattr(row, "reason", row.phone) for row in screened}
        notes = contacts.notes
    rounded = "invalid phone: a spreadsheet rounded it to scientific notation; format the column as text and export again"
    assert seen == {
        4: "2025550101",
        5: "2025550102",
        6: rounded,
        7: rounded,
        9: "invalid phone: a spreadsheet made it a decimal number; format the column as text and export again",
        10: "2025550106",
        11: "invalid phone: letters in it",
        12: "invalid phone: two numbers in one cell",
        13: "invalid phone: empty",
    }
    assert notes == [
        "read from the sheet 'Voters', whose header is row 3",
        "1 row is hidden in the sheet, as by a filter, and read like the others; delete who is not to be texted",
    ]


def test_the_sheet_is_asked_for_where_two_could_be_meant() -> None:
    """The wrong half of a campaign would be texted, or a resume take one sheet for the other."""
    path = SAMPLES / "two-lists.xlsx"
    with pytest.raises(ListError, match="may be in the sheets 'North' or 'South'; name it with --sheet"):
        open_list(path)
    assert plan(path, sheet="north") + plan(path, sheet="South") == PLAN
    with pytest.raises(ListError, match="there is no sheet 'West'; it has the sheets 'North', 'South'"):
        open_list(path, sheet="West")
    assert len({fingerprint(path), fingerprint(path, "North"), fingerprint(path, "South")}) == 3
    with open_list(path, sheet="South") as contacts:
        list(contacts)
        assert fingerprint(path, "South") == contacts.fingerprint
    assert plan(SAMPLES / "ward7.xlsx", sheet="Old") == PLAN, "a hidden sheet is read where it is named"
    with pytest.raises(ListError, match="--sheet names the sheet of a workbook, and this is CSV"):
        open_list(SAMPLES / "people.csv", sheet="South")


def workbook(*rows: Any, **more: Any) -> bytes:
    out = io.BytesIO()
    make.xlsx(out, {"People": rows}, **more)
    return out.getvalue()


def archive(**files: bytes) -> bytes:
    return make.zipped({name.replace("__", "/").replace("_", "."): data for name, data in files.items()})


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "complaint"),
    ids=itertools.count(),  # an archive has the time of its making in it, and test processes must agree on names
    argvalues=[
        (archive(word__document_xml=b"<w/>"), "this is a Word document; save the list as CSV UTF-8"),
        (archive(Index__Document_iwa=b"x"), "a document of Numbers or Pages; export it (File, Export To)"),
        (archive(a_csv=b"phone\n2025550101\n", b_csv=b"phone\n"), "a zip archive with 2 files (a.csv, b.csv); unpack it"),
        (archive(), "a zip archive with 0 files; unpack it first"),
        (archive(mimetype=b"application/vnd.oasis.opendocument.text", content_xml=b"<x/>"), "but no spreadsheet"),
        (archive(a_pdf=b"%PDF-1.7"), "a PDF document; export the list as CSV"),
        ((SAMPLES / "people.xlsx").read_bytes()[:3000], "damaged or cut off"),
        ((SAMPLES / "people.csv.gz").read_bytes()[:100], "the compressed file is damaged or ends too early"),
        ((SAMPLES / "people.csv.zst").read_bytes()[:100], "the compressed file is damaged or ends too early"),
        ((SAMPLES / "people.parquet").read_bytes()[:900], "a Parquet file that is damaged or ends too early"),
        ((SAMPLES / "people.arrow").read_bytes()[:900], "an Arrow file that is damaged or ends too early"),
        ((SAMPLES / "people.json").read_bytes()[:700], "the JSON array is broken"),
        ((SAMPLES / "people.xls").read_bytes()[:2000], "an old Excel workbook, and it is damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not text but a picture; ask for the list itself, as a spreadsheet or as CSV"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "not text but a picture"),
        (b"PARE" + bytes(100), "an encrypted Parquet file"),
        (b"BZh91AY&SY" + bytes(50), "compressed by bzip2; unpack it first; gzip, zstd and zip are read as they are"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "a 7-Zip archive"),
        (b'[{"phone":"2025550101"}] [{"phone":"2025550102"}]', "something stands behind the end of the JSON array"),
        (b'[["2025550101", "Ada"]]', "a JSON array of arrays, which do not say what their values are"),
        (b'[{"phone":"' + b"x" * 1_200_000 + b'"}]', "element 1: is broken, or longer than a million characters"),
        (parquet(pa.table({"phone": [["2025550101"]]})), "the column 'phone' holds several values in each row"),
        (archive(a_csv=b"phone\n" + bytes(70_000_000)), "unpacks to more than 500 times its size"),
        (zstd.compress(b"phone\n" + b"0" * 70_000_000), "unpacks to more than 500 times its size"),
        (workbook(), "the workbook has nothing in its visible sheets"),
        (workbook(("Ada", 2025550101)), "no row above it names the columns"),
        (workbook(("name", "city"), ("Ada", "DC")), "no column is called phone, cell or mobile"),
        (workbook(("name", "phone")), "has no contacts"),
        (workbook(("phone", "phone"), (1, 2)), "2 columns are called 'phone'"),
        (parquet(pa.table({"name": ["Ada"]})), "no column is called phone, cell or mobile"),
        (parquet(pa.table({"phone": pa.array([], pa.string())})), "has no contacts"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_remedy(data: bytes, complaint: str) -> None:
    """Half a list would be texted for a whole one, or somebody be left without a word on what to do."""
    with pytest.raises(ListError) as caught, open_list(io.BytesIO(data)) as contacts:
        list(contacts)
    assert complaint in str(caught.value)
    assert "202555" not in str(caught.value)


def test_numbers_that_lost_digits_on_the_way_are_not_phones() -> None:
    """A column of single precision holds seven digits: a stranger's number would stand in it."""
    numbers = [2025550101.0, None, 2025550102.0]
    columns = {
        "phone": pa.array([2025550101, None, 2025550102]),
        "double": pa.array(numbers, pa.float64()),
        "single": pa.array(numbers, pa.float32()),
        "decimal": pa.array([2025550101, None, 2025550102]).cast(pa.decimal128(22, 2)),
    }
    data = parquet(pa.table(columns))
    for name in columns:
        with open_list(io.BytesIO(data), phone_field=name, fields=()) as contacts:
            phones = [row.phone for row in map(Screen("STOP"), contacts) if isinstance(row, Planned)]
        assert phones == ([] if name == "single" else ["2025550101", "2025550102"])


def edited(data: bytes, edit: Callable[[bytes], bytes]) -> bytes:
    """A workbook whose first sheet is changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts["xl/worksheets/sheet1.xml"] = edit(parts["xl/worksheets/sheet1.xml"])
    return make.zipped(parts)


def _without_dimension(xml: bytes) -> bytes:
    return re.sub(rb"<dimension[^>]*>", b"", xml)


def _with_a_lie(xml: bytes) -> bytes:
    return re.sub(rb"<dimension[^>]*>", b'<dimension ref="A1:B2"/>', xml).replace(b'"', b"'")


@pytest.mark.parametrize("edit", [bytes, _without_dimension, _with_a_lie], ids=["said", "not said", "said wrong"])
def test_a_stray_cell_far_away_is_said_and_not_paid_for(edit: Callable[[bytes], bytes]) -> None:
    """calamine would ask for 400 GB, and the process be killed, or end in a traceback of Rust."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("People")
    sheet.write_row(0, 0, ["phone"])
    sheet.write_row(1, 0, ["2025550101"])
    sheet.write(1_048_575, 16_383, "x")
    book.close()
    with pytest.raises(ListError, match="sheet 'People': reaches as far as the cell XFD1048576; delete what stands far"):
        open_list(io.BytesIO(edited(out.getvalue(), edit)))


def test_a_wide_workbook_is_read() -> None:
    """A voter file of many columns would pass for a sheet with a stray cell."""
    columns = ["phone", *(f"c{number}" for number in range(2_000))]
    rows = [columns, *([f"20255501{number:02}", *map(str, range(2_000))] for number in range(20))]
    with open_list(io.BytesIO(workbook(*rows)), fields=["c1999"]) as contacts:
        assert [(f"20255501{number:02}", "1999") for number in range(20)] == [
            (row.phone, row.fields["c1999"]) for row in contacts if isinstance(row, Contact)
        ]


def test_names_of_groups_above_the_header_are_no_header() -> None:
    """The row below would be taken for a second header, and the workbook be refused."""
    rows = [("Contact", None, "Phones", None), ("First", "Last", "Cell", "Home"), ("Ada", "Lovelace", 2025550101, 2025550109)]
    data = workbook(*rows, merged=[(0, 0, 0, 1, "Contact"), (0, 2, 0, 3, "Phones")])
    with open_list(io.BytesIO(data)) as contacts:
        assert [(row.row, row.phone) for row in contacts] == [(3, "2025550101")]


def test_no_thread_of_arrow_outlives_a_parquet_list() -> None:
    """A process that ends while such a thread begins is aborted: one run in ten ended with exit code 134 instead of 0."""
    code = (
        "import os, sys, pyarrow.parquet\n"
        "from rumbleup_async.lists.contacts import open_list\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "with open_list(sys.argv[1]) as contacts: list(contacts)\n"
        "print(len(os.listdir('/proc/self/task')) - before)"
    )
    command = [sys.executable, "-c", code, str(SAMPLES / "people.parquet")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "0\n"


def test_values_that_python_has_no_name_for_are_empty() -> None:
    """A date of the year 294,000 would end the whole list in a traceback, or a time zone that this machine does not know."""
    columns = {
        "phone": ["2025550101", "2025550102"],
        "far": pa.array([2**62, 0], pa.timestamp("us")),
        "day": pa.array([2**30, 0], pa.date32()),
        "zone": pa.array([0, 0], pa.timestamp("us", "No/Where")),
    }
    with open_list(io.BytesIO(parquet(pa.table(columns)))) as contacts:
        rows = [row.fields for row in contacts if isinstance(row, Contact)]
    assert [(row["far"], row["day"], row["zone"]) for row in rows] == [("", "", ""), ("1970-01-01", "1970-01-01", "")]


def test_a_phone_that_holds_several_values_is_not_called_empty() -> None:
    """Nobody would look for the phones inside."""
    data = b'[{"phone": {"cell": "2025550101"}}, {"phone": ["2025550102"]}, {"phone": []}, {"phone": "2025550104"}]'
    with open_list(io.BytesIO(data)) as contacts:
        rows = [row.reason if isinstance(row, Skipped) else row.phone for row in contacts]
    several = "unreadable row: the phone is not one value but holds several"
    assert [several, several, "", "2025550104"] == rows


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_json_array_may_be_written_in_other_encodings(encoding: str) -> None:
    """The remedy would be the form that the list has already."""
    with open_list(io.BytesIO('[{"phone": "2025550101", "name": "José"}]'.encode(encoding))) as contacts:
        assert [(row.phone, row.fields["name"]) for row in contacts if isinstance(row, Contact)] == [("2025550101", "José")]


def test_frames_of_zstd_that_are_skipped_are_skipped() -> None:
    """What programs that pack on many cores write would be no text."""
    data = b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + (SAMPLES / "people.csv.zst").read_bytes()
    assert plan(io.BytesIO(data)) == PLAN


def test_a_file_of_the_caller_stays_open() -> None:
    """Whoever reads it on would find it closed."""
    for name in FORMS:
        with (SAMPLES / name).open("rb") as file:
            with open_list(file) as contacts:
                list(contacts)
            assert not file.closed


def test_a_workbook_with_a_password_says_so() -> None:
    """Excel keeps such a workbook in another wrapping, so it would pass for a damaged one."""
    import xlwt.CompoundDoc

    out = io.BytesIO()
    xlwt.CompoundDoc.XlsDoc().save(out, b"x" * 5000)
    name, other = "Workbook".encode("utf-16-le"), "EncryptedPackage".encode("utf-16-le")
    data = out.getvalue()
    at = data.index(name)
    entry = other.ljust(64, b"\0") + (len(other) + 2).to_bytes(2, "little")
    with pytest.raises(ListError, match="protected by a password; open it, take it off, and save it again"):
        open_list(io.BytesIO(data[:at] + entry + data[at + 66 :]))


def test_an_extra_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ImportError would tell nobody what to do."""

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("rumbleup_async.lists.extras.importlib.import_module", missing)
    for name in ("people.xlsx", "people.parquet", "people.csv.zst"):
        with pytest.raises(ListError, match=r"pip install 'rumbleup_async\[lists\]', or "):
            open_list(SAMPLES / name)


_cells = st.one_of(
    st.none(),
    st.sampled_from(["2025550101", "(202) 555-0102", "2.03E+09", "phone", "NULL", "x", " ", "=A1", "1,5", "Ada\nLovelace"]),
    st.integers(0, 2**50),
    st.floats(0, 1e12).map(lambda value: round(value, 2)),
    st.booleans(),
    st.dates(dt.date(1905, 1, 1)),  # the first days of 1900 are times of day to Excel
)


def _rows_of(data: bytes) -> list[tuple[str, str]]:
    with open_list(io.BytesIO(data)) as contacts:
        return [(row.phone, str(getattr(row, "fields", getattr(row, "reason", "")))) for row in contacts]


@given(st.lists(st.tuples(_cells, _cells), min_size=1, max_size=6), st.integers(0, 3))
def test_any_mixture_of_cells_is_read_the_same_in_excel_and_opendocument(rows: list[Any], above: int) -> None:
    """Some mixture of cells would end in a traceback, or lose the row that it stands in."""
    sheet = [*[("Title", None)] * above, ("Name", "Phone"), ("Ann", "2025550109"), *rows, ("End", "2025550110")]
    kept = []
    for write in (make.xlsx, make.ods):
        out = io.BytesIO()
        write(out, {"Sheet1": sheet})
        try:
            kept.append(_rows_of(out.getvalue()))
        except ListError as caught:
            message = str(caught)
            kept.append([])
            assert "a header again" in message
    assert kept[0] == kept[1]
    if kept[0]:
        assert kept[0][-1][0] == "2025550110"
        blank = sum(all(cell in (None, "") for cell in row) for row in rows)
        assert len(kept[0]) == len(rows) + 2 - blank


@pytest.mark.parametrize("name", ["people.xlsx", "people.parquet", "people.csv.gz", "people.zip", "people.ods", "people.arrow"])
def test_a_file_with_a_flipped_byte_is_read_or_refused(name: str) -> None:
    """A damaged download would end in a traceback, with whoever was read before it."""
    data, chance, said = (SAMPLES / name).read_bytes(), random.Random(7), list[str]()
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            broken[chance.randrange(len(data))] = chance.randrange(256)
        try:
            with open_list(io.BytesIO(bytes(broken))) as contacts:
                list(contacts)
        except ListError as caught:
            said.append(str(caught))
    assert "202555" not in "".join(said)


def test_an_array_of_any_size_is_read_piece_by_piece() -> None:
    """A list of a million people in one line of JSON would be held in memory at once, or cut at the edge of a block."""
    for long in (1, 65_536, 70_000, 131_072):
        rows = [
            f'{{"phone": "20255501{number:02}", "note": "{"é" * (long // 2 if number == 5 else 3)}"}}' for number in range(60)
        ]
        for text in (f"[{','.join(rows)}]", "\ufeff [\n" + " ,\n".join(rows) + "\n ] \n"):
            with open_list(io.BytesIO(text.encode()), fields=["note"]) as contacts:
                assert [row.phone for row in contacts] == [f"20255501{number:02}" for number in range(60)]
    with open_list(io.BytesIO(b'["2025550101", "x", {"phone": 2025550102}, 2.03e9, null]')) as contacts:
        assert [(row.row, row.phone) for row in contacts] == [
            (1, "2025550101"),
            (2, "x"),
            (3, "2025550102"),
            (4, "2.03e9"),
            (5, ""),
        ]


def _nested(write: Callable[[], bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as outer:
        outer.writestr("inner", write())
    return out.getvalue()


def test_wrappings_within_wrappings_have_an_end() -> None:
    """A file made to unpack itself for ever would fill the disk."""
    inner = (SAMPLES / "people.xlsx").read_bytes()
    assert plan(io.BytesIO(_nested(lambda: inner))) == PLAN
    for _ in range(4):
        inner = _nested(lambda data=inner: data)  # type: ignore[misc]
    with pytest.raises(ListError, match="packed more than 3 times"):
        open_list(io.BytesIO(inner))
