"""What calamine does not tell of a workbook: hidden rows, and how far a sheet reaches before it is read.

Lives here: looks into the archive that a workbook is.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import IO, BinaryIO, Final
from xml.sax.saxutils import unescape

_row = re.compile(rb"<(?:\w+:)?row\b[^>]*>")
_number = re.compile(rb"\sr\s*=\s*[\"'](\d+)")
_hidden = re.compile(rb'\shidden="(?:1|true)"')
_sheet = re.compile(rb"<(?:\w+:)?sheet\s[^>]*>")
_relation = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>")
_attribute = re.compile(rb"([\w:]+)\s*=\s*\"([^\"]*)\"")
_ods_table = re.compile(rb'<table:table\s[^>]*table:name="([^"]*)"')
_ods_row = re.compile(rb"<table:table-row\b[^>]*>|</table:table>")
_ods_hidden = re.compile(rb'table:visibility="(?:collapse|filter)"')
_repeated = re.compile(rb'table:number-rows-repeated="(\d+)"')
_far = re.compile(rb"\sr\s*=\s*[\"'](?:[A-Z]{2}|[A-Z]?(?:\d{8}|[2-9]\d{6}))").search
"""Cells that can make a sheet too large. A sheet of 26 columns and as many rows as Excel has is none, so that most sheets are
only searched for these."""
_cell = re.compile(rb"\sr\s*=\s*[\"']([A-Z]+)(\d+)").findall

_UNREADABLE: Final = (zipfile.BadZipFile, zlib.error, OSError, ValueError, KeyError, EOFError, NotImplementedError)


def hidden_rows(file: BinaryIO, sheet: str, header_row: int) -> int:
    """How many rows below the header are hidden; 0 for an old .xls, which does not tell us."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            if "xl/workbook.xml" in names and (part := _part_of(archive, sheet)) in names:
                return _hidden_of_xlsx(archive, part, header_row)
            return _hidden_of_ods(archive, sheet, header_row) if "content.xml" in names else 0
    except _UNREADABLE:
        return 0


def reach(file: BinaryIO, sheet: str) -> tuple[int, str] | None:
    """How many cells the sheet of an .xlsx or .xlsb spans, and its last one, as `(3, "C1")`. None where it is not known, or the
    sheet is too small to matter.

    The cells themselves are looked at and not what the sheet says of itself: programs write that wrong, or not at all.
    """
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            if "xl/workbook.xml" in names:
                with archive.open(_part_of(archive, sheet)) as xml:
                    return _reach_of_xlsx(xml)
            if "xl/workbook.bin" in names:
                return max(_reach_of_xlsb(archive, name) for name in names if name.startswith("xl/worksheets/sheet"))
            return None
    except _UNREADABLE:
        return None


def _reach_of_xlsx(xml: IO[bytes]) -> tuple[int, str]:
    width = height = 0
    last = b"A"
    rest = b""
    while data := xml.read(1 << 18):
        rest += data
        end = rest.rfind(b">") + 1
        numbers = [int(found[1]) for tag in _row.findall(rest, 0, end) if (found := _number.search(tag))]
        if _far(rest, 0, end):
            cells = _cell(rest, 0, end)
            numbers += [int(number) for _, number in cells]
            last = max((last, *{letters for letters, _ in cells}), key=lambda letters: (len(letters), letters))
        height = max((height, *numbers))
        rest = rest[end:]
    for letter in last:
        width = width * 26 + letter - 64
    return max(width, 26) * height, f"{last.decode()}{height}"


def _reach_of_xlsb(archive: zipfile.ZipFile, name: str) -> tuple[int, str]:
    """By BrtWsDim (MS-XLSB 2.4.830), which stands before all cells. Of which sheet is not asked: one is too large for all."""
    with archive.open(name) as part:
        data = part.read(4096)
    at = data.find(b"\x94\x01\x10")
    if at < 0 or len(data) < at + 19:
        return 0, ""
    height, width = (int.from_bytes(data[start : start + 4], "little") + 1 for start in (at + 7, at + 15))
    return width * height, f"row {height}, column {width}"


def _text(raw: bytes) -> str:
    return unescape(raw.decode("utf-8", "replace"), {"&quot;": '"', "&apos;": "'"})


def _part_of(archive: zipfile.ZipFile, name: str) -> str:
    """The part of an .xlsx that holds a sheet, "" if it is not found."""
    links = {}
    for tag in _relation.findall(archive.read("xl/_rels/workbook.xml.rels")):
        found = dict(_attribute.findall(tag))
        links[found.get(b"Id")] = found.get(b"Target", b"").decode("utf-8", "replace")
    for tag in _sheet.findall(archive.read("xl/workbook.xml")):
        found = dict(_attribute.findall(tag))
        called = _text(found.get(b"name", b""))
        if called == name:
            target = links.get(found.get(b"r:id"), "")
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return ""


def _hidden_of_xlsx(archive: zipfile.ZipFile, part: str, header_row: int) -> int:
    number = 0
    with archive.open(part) as xml:
        rest = b""
        while data := xml.read(1 << 18):
            rest += data
            end = rest.rfind(b">") + 1
            for tag in _row.findall(rest[:end]):
                if _hidden.search(tag) and (found := _number.search(tag)) and int(found[1]) > header_row:
                    number += 1
            rest = rest[end:]
    return number


def _hidden_of_ods(archive: zipfile.ZipFile, name: str, header_row: int) -> int:
    xml = archive.read("content.xml")
    for table in _ods_table.finditer(xml):
        if _text(table[1]) != name:
            continue
        number = hidden = 0
        for tag in _ods_row.finditer(xml, table.end()):
            if tag[0].startswith(b"</"):
                break
            times = int(found[1]) if (found := _repeated.search(tag[0])) else 1
            if _ods_hidden.search(tag[0]) and times < 100_000:  # more is what stands below the sheet
                hidden += max(0, min(times, number + times - header_row))
            number += times
        return hidden
    return 0
