"""`python -m tests.samples.lists.make`: the sample lists beside this file, made anew.

The same people stand in all that are called `people.*`. The others have what people and programs do to lists.
"""

import csv
import datetime as dt
import gzip
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
import xlwt
from backports import zstd

from rumbleup_async.screening.template import field_name

HERE = Path(__file__).parent

Cell = str | int | float | bool | dt.date | None
Rows = Sequence[Sequence[Cell]]

COLUMNS = ("VAN ID", "First Name", "Last Name", "Cell Phone", "Joined")
PEOPLE: Rows = [
    (100_001, "Ada", "Lovelace", "2025550101", dt.date(2024, 3, 1)),
    (100_002, "José", "Núñez", "(202) 555-0102", None),
    (100_003, "Grace", None, "+1 202-555-0103", dt.date(2025, 11, 30)),
    (100_004, None, "Turing", "2025550104", None),
    (100_005, "Barbara", "Smith, Jr.", None, dt.date(2026, 1, 2)),
    (100_006, "Donald", "Knuth", "555-0106", None),
    (100_007, "Ada", "Again", "202.555.0101", None),
    (100_008, "Zoë", 'the "second"', "2025550108", None),
]


def text(value: Cell) -> str:
    """A cell as a program that writes CSV writes it."""
    return "" if value is None else str(value)


def csv_of(header: Sequence[str], rows: Rows) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([[text(cell) for cell in row] for row in rows])
    return out.getvalue()


def objects(header: Sequence[str], rows: Rows) -> list[dict[str, Any]]:
    return [dict(zip(header, [text(c) if isinstance(c, dt.date) else c for c in row], strict=True)) for row in rows]


def xlsx(target: Path | io.BytesIO, sheets: Mapping[str, Rows], *, hidden: Sequence[int] = (), **more: Any) -> None:
    """A workbook of Excel. `hidden`: rows of each sheet, from 0. `more`: `hidden_sheets`, `merged`, `at` (its first column)."""
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False,
                                        "strings_to_urls": False})  # fmt: skip
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for y, row in enumerate(rows):
            for x, value in enumerate(row, more.get("at", 0)):
                if isinstance(value, bool):
                    sheet.write_boolean(y, x, value)
                elif isinstance(value, dt.date):
                    sheet.write_datetime(y, x, dt.datetime.combine(value, dt.time()), day)
                elif isinstance(value, int | float):
                    sheet.write_number(y, x, value)
                elif value:
                    sheet.write_string(y, x, value)
        for y in hidden:
            sheet.set_row(y, None, None, {"hidden": True})
        for top, left, bottom, right, words in more.get("merged", ()):
            sheet.merge_range(top, left, bottom, right, words)
        if name in more.get("hidden_sheets", ()):
            sheet.hide()
    book.close()


def xls(target: Path | io.BytesIO, sheets: Mapping[str, Rows]) -> None:
    """A workbook of the Excel of 1997."""
    book = xlwt.Workbook()
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for y, row in enumerate(rows):
            for x, value in enumerate(row):
                if isinstance(value, dt.date):
                    sheet.write(y, x, value, day)
                elif value is not None:
                    sheet.write(y, x, value)
    book.save(str(target) if isinstance(target, Path) else target)


_ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 office:version="1.2"><office:body><office:spreadsheet>{}</office:spreadsheet></office:body></office:document-content>"""
_MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"""


def _ods_cell(value: Cell) -> str:
    if value is None or value == "":
        return "<table:table-cell/>"
    if isinstance(value, dt.date):
        kind = f'office:value-type="date" office:date-value="{value}"'
    elif isinstance(value, bool):
        kind = f'office:value-type="boolean" office:boolean-value="{str(value).lower()}"'
    elif isinstance(value, int | float):
        kind = f'office:value-type="float" office:value="{value}"'
    else:
        kind = 'office:value-type="string"'
    return f"<table:table-cell {kind}><text:p>{escape(str(value))}</text:p></table:table-cell>"


def ods(target: Path | io.BytesIO, sheets: Mapping[str, Rows], *, hidden: Sequence[int] = ()) -> None:
    """A spreadsheet of OpenDocument."""
    tables = ""
    for name, rows in sheets.items():
        made = ""
        for y, row in enumerate(rows):
            seen = ' table:visibility="filter"' if y in hidden else ""
            made += f"<table:table-row{seen}>{''.join(map(_ods_cell, row))}</table:table-row>"
        tables += f"<table:table table:name={quoteattr(name)}>{made}</table:table>"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
        archive.writestr("content.xml", _ODS.format(tables))


def arrow(header: Sequence[str], rows: Rows) -> pa.Table:
    """A table of Arrow; names are a dictionary, as a warehouse writes columns that repeat."""
    table = pa.table({name: [row[x] for row in rows] for x, name in enumerate(header)})
    if "First Name" in header:
        x = list(header).index("First Name")
        table = table.set_column(x, "First Name", table.column(x).cast(pa.string()).dictionary_encode())
    return table


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def people(folder: Path) -> None:
    """The same people in every form."""
    sheet = {"Sheet1": [COLUMNS, *PEOPLE]}
    lines = csv_of(COLUMNS, PEOPLE).encode()
    (folder / "people.csv").write_bytes(lines)
    (folder / "people.csv.gz").write_bytes(gzip.compress(lines, mtime=0))
    (folder / "people.csv.zst").write_bytes(zstd.compress(lines))
    (folder / "people.zip").write_bytes(zipped({"export/people.csv": lines, "__MACOSX/export/._people.csv": b"x"}))
    rows = objects(COLUMNS, PEOPLE)
    (folder / "people.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    (folder / "people.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    xlsx(folder / "people.xlsx", sheet)
    xls(folder / "people.xls", sheet)
    ods(folder / "people.ods", sheet)
    table = arrow(COLUMNS, PEOPLE)
    pq.write_table(table, folder / "people.parquet", compression="zstd")
    with pa.OSFile(str(folder / "people.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def workbooks(folder: Path) -> None:
    """What people do to workbooks."""
    voters: Rows = [
        ("Ward 7, export of 3 November", None, None, None, None),
        (None, None, None, None, None),
        ("First Name", "Mobile", None, "Born", "Remark"),
        ("Ada", 2025550101, None, dt.date(1990, 1, 2), "number"),
        ("Bob", "202-555-0102", None, None, "text"),
        ("Cy", "2.03E+09", None, None, "text that lost its digits"),
        ("Di", 2025550000.0, None, None, "perhaps made of 2.02555E+09"),
        (None, None, None, None, None),
        ("Ed", 2025550105.5, None, None, "half"),
        ("Flo", 12025550106, None, None, "with the country, hidden"),
        ("Gus", True, None, None, "no phone"),
        ("Hal", "202-555-0108 / 202-555-0109", None, None, "two"),
        ("Total", None, None, None, 9),
    ]
    others: dict[str, Rows] = {"Read me": [("What is in here",)], "Voters": voters, "Old": [COLUMNS, *PEOPLE]}
    xlsx(folder / "ward7.xlsx", others, hidden=[9], hidden_sheets=["Old"], merged=[(0, 0, 0, 4, voters[0][0])], at=1)
    ods(folder / "ward7.ods", {"Voters": voters}, hidden=[9])
    xlsx(folder / "two-lists.xlsx", {"North": [COLUMNS, *PEOPLE[:4]], "South": [COLUMNS, *PEOPLE[4:]]})


EXPORTS = {
    "van": ("Voter File VANID,LastName,FirstName,Home Phone,Cell Phone,Preferred Phone,Zip5", "cell_phone"),
    "pdi": ("PDI ID,Last Name,First Name,Phone,Cell Phone,Landline,Zip", "cell_phone"),
    "actblue": ("Receipt ID,Date,Amount,Donor First Name,Donor Last Name,Donor Phone,Donor ZIP", "donor_phone"),
    "google": ("First Name,Last Name,Labels,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value", "phone_1_value"),
    "hubspot": ("Record ID,First Name,Last Name,Phone Number,Mobile Phone Number,Lead Status", "mobile_phone_number"),
    "salesforce": ("Id,FirstName,LastName,Phone,MobilePhone,HomePhone,OtherPhone,DoNotCall", "mobilephone"),
}
"""The columns of lists as these programs export them, and which of them is read as the phone."""


def export(program: str) -> tuple[list[str], Rows]:
    """The columns of a program's export, and three people in it: with a mobile, with none, and with another phone alone."""
    header, phone = EXPORTS[program]
    names = header.split(",")
    rows = []
    for number, mobile in enumerate(("(202) 555-0101", "", "2025550103")):
        others = {name: f"20255501{number}9" for name in names if name.endswith(("Phone", "Landline", "Phone Number"))}
        others |= {"Phone 1 - Label": "Mobile", "Date": "2026-11-03", "Amount": "25.00", "DoNotCall": "0"}
        rows.append([mobile if field_name(name) == phone else others.get(name, f"x{number}") for name in names])
    return names, rows


def exports(folder: Path) -> None:
    """Lists in the style of the programs that campaigns export them from; made up, as everybody in them is."""
    for program in EXPORTS:
        (folder / f"{program}.csv").write_text(csv_of(*export(program)), encoding="utf-8", newline="")


def main() -> None:
    people(HERE)
    workbooks(HERE)
    exports(HERE)


if __name__ == "__main__":
    main()
